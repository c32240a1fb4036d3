"""What describes the records, with Zoho's SDK: fields and tags; and refusals of whole requests."""

from zohocrmsdk.src.com.zoho.crm.api.fields import FieldsOperations
from zohocrmsdk.src.com.zoho.crm.api.fields.fields_operations import GetFieldsParam
from zohocrmsdk.src.com.zoho.crm.api.record import GetRecordsParam
from zohocrmsdk.src.com.zoho.crm.api.tags import BodyWrapper as Tags
from zohocrmsdk.src.com.zoho.crm.api.tags import ExistingTag, ExistingTagRequestWrapper, NewTagRequestWrapper, Tag, TagsOperations
from zohocrmsdk.src.com.zoho.crm.api.tags.tags_operations import CreateTagsParam, GetTagsParam
from zohocrmsdk.src.com.zoho.crm.api.users import MinifiedUser, UsersOperations
from zohocrmsdk.src.com.zoho.crm.api.users.users_operations import GetUsersParam

from zoho_client import OK, body, contact, contacts, created, failed, params, value, verdict, verdicts

import pytest


def fields():
    answer = FieldsOperations().get_fields(params(GetFieldsParam, module="Contacts"))
    return {one.get_api_name(): one for one in answer.get_object().get_fields()}


def test_standard_fields_are_described(zoho):
    found = fields()
    last = found["Last_Name"]
    assert (value(last.get_data_type()), last.get_length(), last.get_system_mandatory()) == ("text", 80, True)
    assert not last.get_custom_field()
    kinds = {name: value(found[name].get_data_type()) for name in ("Email", "Phone", "Email_Opt_Out", "Owner", "Date_of_Birth")}
    assert kinds == {
        "Email": "email", "Phone": "phone", "Email_Opt_Out": "boolean", "Owner": "ownerlookup", "Date_of_Birth": "date",
    }  # fmt: skip
    assert found["Modified_Time"].get_operation_type().get_api_update() is False
    assert found["Email"].get_operation_type().get_api_update() is True
    options = [value(one.get_actual_value()) for one in found["Lead_Source"].get_pick_list_values()]
    assert {"Trade Show", "Chat", "Cold Call"} <= set(options)


def test_custom_fields_are_described_and_written(zoho):
    zoho.action("add_field", api_name="Region", data_type="picklist", options=["EMEA", "APAC"])
    zoho.action("add_field", api_name="Score", data_type="integer")
    zoho.action("add_field", api_name="Secret", permission="read_only")
    found = fields()
    assert all(found[name].get_custom_field() for name in ("Region", "Score", "Secret"))
    assert [value(one.get_display_value()) for one in found["Region"].get_pick_list_values()][-2:] == ["EMEA", "APAC"]
    assert {value(one.get_permission_type()) for one in found["Secret"].get_profiles()} == {"read_only"}
    [made] = created(contact(Last_Name="Scored", Score=42))
    [record] = contacts().get_record(made).get_object().get_data()
    assert record.get_key_value("Score") == 42


def tag(name):
    made = Tag()
    made.set_name(name)
    return made


def tags():
    answer = TagsOperations().get_tags(params(GetTagsParam, module="Contacts"))
    return {one.get_name(): one for one in answer.get_object().get_tags()} if answer.get_object() else {}


def removal(name, ids=None):
    old, made = ExistingTag(), ExistingTagRequestWrapper()
    old.set_name(name)
    made.set_tags([old])
    if ids:
        made.set_ids(ids)
    return made


def tags_of(record):
    [found] = contacts().get_record(record).get_object().get_data()
    return sorted(one.get_name() for one in found.get_tag() or [])


def test_tags_are_made_and_listed(zoho):
    assert tags() == {}
    wrapper = Tags()
    wrapper.set_tags([tag("Newsletter"), tag("Partner")])
    answer = TagsOperations().create_tags(wrapper, params(CreateTagsParam, module="Contacts"))
    assert answer.get_status_code() == 201
    made = answer.get_object().get_tags()
    assert [verdict(one) for one in made] == [("SuccessResponse", "SUCCESS")] * 2
    found = tags()
    assert found.keys() == {"Newsletter", "Partner"}
    assert found["Partner"].get_id() == int(made[1].get_details()["id"])
    assert found["Partner"].get_created_by().get_name() == "Pat Person"

    answer = TagsOperations().create_tags(wrapper, params(CreateTagsParam, module="Contacts"))
    assert answer.get_status_code() == 400
    assert {verdict(one) for one in answer.get_object().get_tags()} == {failed("DUPLICATE_DATA")}


def test_tags_of_one_record(zoho):
    [made] = created(contact(Last_Name="Tagged"))
    wrapper = NewTagRequestWrapper()
    wrapper.set_tags([tag("Newsletter"), tag("Partner")])
    answer = TagsOperations().add_tags("Contacts", made, wrapper)
    [item] = answer.get_object().get_data()
    assert (answer.get_status_code(), value(item.get_message())) == (200, "tags updated successfully")
    assert tags_of(made) == ["Newsletter", "Partner"]

    assert TagsOperations().remove_tags("Contacts", made, removal("Partner")).get_status_code() == 200
    assert tags_of(made) == ["Newsletter"]
    assert "Partner" in tags()


def test_tags_of_many_records(zoho):
    ids = created(contact(Last_Name="A"), contact(Last_Name="B"), contact(Last_Name="C"))
    wrapper = NewTagRequestWrapper()
    wrapper.set_tags([tag("Newsletter")])
    wrapper.set_ids(ids[:2])
    answer = TagsOperations().add_tags_to_multiple_records("Contacts", wrapper).get_object()
    assert (int(answer.get_success_count()), len(answer.get_data())) == (2, 2)
    assert [tags_of(one) for one in ids] == [["Newsletter"], ["Newsletter"], []]
    TagsOperations().remove_tags_from_multiple_records("Contacts", removal("Newsletter", ids[:1]))
    assert [tags_of(one) for one in ids] == [[], ["Newsletter"], []]


def test_an_update_replaces_the_tags_and_names_make_new_ones(zoho):
    [made] = created(contact(Last_Name="Tagged", Tag=[tag("Old"), tag("Kept")]))
    for wanted in (["Kept", "New"], []):
        changed = contact(id=made, Tag=[tag(name) for name in wanted])
        assert verdicts(contacts().update_records(body(changed))) == [OK]
        assert tags_of(made) == wanted
    assert tags().keys() == {"Old", "Kept", "New"}


def users(kind):
    answer = UsersOperations().get_users(params(GetUsersParam, type=kind))
    return {one.get_full_name(): one for one in answer.get_object().get_users()}


def owner_of(record):
    [found] = contacts().get_record(record).get_object().get_data()
    return found.get_key_value("Owner").get_name()


def test_users_are_listed_by_whether_they_are_active(zoho):
    active, gone = users("ActiveUsers"), users("DeactiveUsers")
    assert len(active) > 2 and list(gone) == ["Nina Ortiz"]
    assert users("AllUsers").keys() == active.keys() | gone.keys()
    assert {value(one.get_status()) for one in active.values()} == {"active"}


def test_a_record_changes_hands_only_to_an_active_user(zoho):
    [made] = created(contact(Last_Name="Owned"))
    before = owner_of(made)
    for kind, name, outcome, want in [
        ("DeactiveUsers", "Nina Ortiz", failed("INVALID_DATA"), before),
        ("ActiveUsers", "Ravi Menon", OK, "Ravi Menon"),
    ]:
        owner = MinifiedUser()
        owner.set_id(users(kind)[name].get_id())
        assert verdicts(contacts().update_records(body(contact(id=made, Owner=owner)))) == [outcome]
        assert owner_of(made) == want


def test_a_scope_that_is_missing_is_a_mismatch(zoho, tmp_path):
    granted = ["ZohoCRM.modules.contacts.READ", "ZohoCRM.settings.ALL", "ZohoCRM.users.READ", "ZohoCRM.org.READ"]
    zoho.initialize(tmp_path, refresh_token=zoho.tokens(*granted)["refresh_token"])
    answer = contacts().create_records(body(contact(Last_Name="No")))
    assert (answer.get_status_code(), verdict(answer.get_object())) == (401, failed("OAUTH_SCOPE_MISMATCH"))


def test_a_permission_that_is_missing_is_named(zoho):
    zoho.action("set_permissions", Crm_Implied_Create_Contacts=False)
    answer = contacts().create_records(body(contact(Last_Name="No")))
    assert (answer.get_status_code(), verdict(answer.get_object())) == (403, failed("NO_PERMISSION"))
    assert answer.get_object().get_details()["permissions"] == ["Crm_Implied_Create_Contacts"]


@pytest.mark.parametrize(("status", "code"), [(429, "TOO_MANY_REQUESTS"), (500, "INTERNAL_ERROR")])
def test_trouble_is_parsed(zoho, status, code):
    contacts().get_records(params(GetRecordsParam, fields="Last_Name"))
    zoho.fault("GET /crm/v8/Contacts", {"kind": "status", "status": status})
    answer = contacts().get_records(params(GetRecordsParam, fields="Last_Name"))
    assert (answer.get_status_code(), verdict(answer.get_object())) == (status, failed(code))
