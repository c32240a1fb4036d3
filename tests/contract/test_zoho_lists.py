"""Reading contacts with Zoho's SDK: pages, changes since, views, search, COQL."""

from datetime import datetime, timedelta, timezone

from zohocrmsdk.src.com.zoho.crm.api.coql import BodyWrapper as Coql
from zohocrmsdk.src.com.zoho.crm.api.coql import CoqlOperations
from zohocrmsdk.src.com.zoho.crm.api.custom_views import CustomViewsOperations
from zohocrmsdk.src.com.zoho.crm.api.custom_views.custom_views_operations import GetCustomViewParam, GetCustomViewsParam
from zohocrmsdk.src.com.zoho.crm.api.record import GetRecordsHeader, GetRecordsParam, RecordCountParam, SearchRecordsParam
from zohocrmsdk.src.com.zoho.crm.api.util import Choice

from zoho_client import contact, contacts, created, failed, headers, params, value, verdict

FIELDS = "Last_Name,Email,Modified_Time"


def listed(since=None, **asked):
    head = headers(GetRecordsHeader, if_modified_since=since) if since else None
    return contacts().get_records(params(GetRecordsParam, **{"fields": FIELDS, **asked}), head)


def names(answer):
    return [one.get_key_value("Last_Name") for one in answer.get_object().get_data()]


def test_an_empty_module_has_no_content(zoho):
    answer = listed()
    assert (answer.get_status_code(), answer.get_object()) == (204, None)


def test_pages_by_number_cover_everyone_once(zoho):
    zoho.seed(120)
    ids = []
    for page, (count, more) in enumerate([(50, True), (50, True), (20, False)], start=1):
        answer = listed(page=page, per_page=50).get_object()
        info = answer.get_info()
        assert (info.get_count(), info.get_page(), info.get_per_page(), info.get_more_records()) == (count, page, 50, more)
        ids += [one.get_id() for one in answer.get_data()]
    assert len(set(ids)) == 120
    assert ids == sorted(ids, reverse=True)


def test_pages_by_token_cover_everyone_once(zoho):
    zoho.seed(120)
    ids, token = [], None
    while True:
        answer = listed(per_page=50, **({"page_token": token} if token else {})).get_object()
        ids += [one.get_id() for one in answer.get_data()]
        token = answer.get_info().get_next_page_token()
        if not answer.get_info().get_more_records():
            break
        assert answer.get_info().get_page_token_expiry() > datetime.now(timezone.utc)
    assert token is None
    assert len(set(ids)) == len(ids) == 120


def test_a_dead_page_token_is_told(zoho):
    zoho.seed(3)
    token = listed(per_page=1).get_object().get_info().get_next_page_token()
    for asked, code in [({"per_page": 2}, "TOKEN_BOUND_DATA_MISMATCH"), ({"per_page": 1}, "EXPIRED_VALUE")]:
        if code == "EXPIRED_VALUE":
            zoho.expire_sync_tokens()
        answer = listed(page_token=token, **asked)
        assert (answer.get_status_code(), verdict(answer.get_object())) == (400, failed(code))


def test_fields_are_mandatory(zoho):
    answer = contacts().get_records(params(GetRecordsParam, per_page=1))
    assert (answer.get_status_code(), verdict(answer.get_object())) == (400, failed("REQUIRED_PARAM_MISSING"))
    assert answer.get_object().get_details() == {"param_name": "fields"}


def test_changes_since(zoho):
    # Seeded contacts were changed one second apart, so the edit is the only change after the newest but one.
    zoho.seed(60)
    everyone = listed(sort_by="Modified_Time", sort_order="asc").get_object().get_data()
    oldest, mark = everyone[0], everyone[40].get_key_value("Modified_Time")
    zoho.edit(oldest.get_id(), {"Last_Name": "Edited"})
    answer = listed(since=mark, sort_by="Modified_Time", sort_order="asc")
    assert answer.get_status_code() == 200
    changed = answer.get_object().get_data()
    assert {one.get_id() for one in changed} == {one.get_id() for one in everyone[41:]} | {oldest.get_id()}
    assert all(one.get_key_value("Modified_Time") > mark for one in changed)
    [edited] = [one for one in changed if one.get_id() == oldest.get_id()]
    assert edited.get_key_value("Last_Name") == "Edited"


def test_nothing_since_is_not_modified(zoho):
    zoho.seed(2)
    answer = listed(since=datetime.now(timezone.utc) + timedelta(days=1))
    assert (answer.get_status_code(), answer.get_object()) == (304, None)


def test_views_are_described_and_filter(zoho):
    created(
        contact(Last_Name="Met", Lead_Source=Choice("Trade Show")), contact(Last_Name="Called", Lead_Source=Choice("Cold Call"))
    )
    criteria = {"comparator": "equal", "field": {"api_name": "Lead_Source"}, "value": "Trade Show"}
    made = int(zoho.action("add_view", name="Met at fairs", criteria=criteria)["id"])

    answer = CustomViewsOperations().get_custom_views(params(GetCustomViewsParam, module="Contacts")).get_object()
    views = {one.get_id(): one for one in answer.get_custom_views()}
    [everyone] = [one for one in views.values() if one.get_system_name() == "ALLVIEWS"]
    assert (everyone.get_name(), everyone.get_system_defined(), everyone.get_category()) == ("All Contacts", True, "public_views")
    assert (views[made].get_name(), views[made].get_category()) == ("Met at fairs", "created_by_me")
    assert int(value(answer.get_info().get_default())) == everyone.get_id()

    [view] = CustomViewsOperations().get_custom_view(made, params(GetCustomViewParam, module="Contacts")).get_object().get_custom_views()
    got = view.get_criteria()
    assert (value(got.get_comparator()), got.get_field().get_api_name(), got.get_value()) == ("equal", "Lead_Source", "Trade Show")

    assert names(listed(cvid=str(made))) == ["Met"]
    assert sorted(names(listed(cvid=str(everyone.get_id())))) == ["Called", "Met"]
    assert CustomViewsOperations().get_custom_view(1, params(GetCustomViewParam, module="Contacts")).get_status_code() == 204


def found(**asked):
    answer = contacts().search_records(params(SearchRecordsParam, **asked))
    return sorted(names(answer)) if answer.get_status_code() == 200 else answer.get_status_code()


def test_search(zoho):
    created(
        contact(First_Name="Ada", Last_Name="Burns", Email="ada@zylker.example", Phone="030 1234"),
        contact(First_Name="Mo", Last_Name="Burns", Secondary_Email="mo@zylker.example"),
        contact(First_Name="Cy", Last_Name="Smith (Jr)"),
    )
    for asked, want in [
        ({"criteria": "((Last_Name:equals:Burns)and(First_Name:starts_with:M))"}, ["Burns"]),
        ({"criteria": "(Last_Name:equals:Burns)"}, ["Burns", "Burns"]),
        ({"criteria": r"(Last_Name:equals:Smith \(Jr\))"}, ["Smith (Jr)"]),
        ({"email": "mo@zylker.example"}, ["Burns"]),
        ({"phone": "0301234"}, ["Burns"]),
        ({"word": "smith"}, ["Smith (Jr)"]),
        ({"word": "nobody"}, 204),
    ]:
        assert found(**asked) == want, asked
    answer = contacts().search_records(params(SearchRecordsParam, criteria="(Nose:equals:long)"))
    assert (answer.get_status_code(), verdict(answer.get_object())) == (400, failed("INVALID_QUERY"))
    assert contacts().record_count(params(RecordCountParam, criteria="(Last_Name:equals:Burns)")).get_object().get_count() == 2


def ask(query):
    asked = Coql()
    asked.set_select_query(query)
    return CoqlOperations().get_records(asked)


def test_coql(zoho):
    created(*(contact(First_Name="A", Last_Name=f"N{n}", Email=f"n{n}@zylker.example") for n in range(5)), contact(Last_Name="Other"))
    answer = ask("select Last_Name, Email, Owner from Contacts where Email like '%zylker%' order by Last_Name asc limit 1, 3").get_object()
    assert [one.get_key_value("Last_Name") for one in answer.get_data()] == ["N1", "N2", "N3"]
    assert (answer.get_info().get_count(), answer.get_info().get_more_records()) == (3, True)
    owner = answer.get_data()[0].get_key_value("Owner")
    assert owner is not None and answer.get_data()[0].get_id()
    assert ask("select Last_Name from Contacts where Email = 'none@zylker.example'").get_status_code() == 204


def test_coql_refusals(zoho):
    for query, code in [
        ("select Last_Name from Contacts where", "SYNTAX_ERROR"),
        ("select Nose from Contacts where id is not null", "INVALID_QUERY"),
        ("select Last_Name from Contacts where id is not null limit 5000", "LIMIT_EXCEEDED"),
    ]:
        answer = ask(query)
        assert (answer.get_status_code(), verdict(answer.get_object())) == (400, failed(code)), query
