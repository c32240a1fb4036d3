"""Writing contacts with Zoho's SDK: create, update, conflicts, upsert, delete."""

from datetime import date, timedelta

import pytest
from zohocrmsdk.src.com.zoho.crm.api import HeaderMap
from zohocrmsdk.src.com.zoho.crm.api.exception import SDKException
from zohocrmsdk.src.com.zoho.crm.api.header import Header
from zohocrmsdk.src.com.zoho.crm.api.record import DeleteRecordsParam, GetDeletedRecordsParam, RecordOperations
from zohocrmsdk.src.com.zoho.crm.api.util import Choice

from zoho_client import OK, body, contact, contacts, created, failed, params, value, verdict, verdicts


def read(record):
    """One record, as the SDK makes it of the answer."""
    answer = contacts().get_record(record)
    assert answer.get_status_code() == 200
    [found] = answer.get_object().get_data()
    return found


def test_create_and_read_back(zoho):
    [made] = created(
        contact(
            First_Name="Jörg", Last_Name="Müller", Email="jorg@zylker.example", Phone="+49 30 901820", Email_Opt_Out=True,
            Lead_Source=Choice("Trade Show"), Date_of_Birth=date(1980, 2, 29), Mailing_City="Köln", Description="a\nb",
        )
    )  # fmt: skip
    record = read(made)
    assert record.get_id() == made
    assert record.get_key_value("Full_Name") == "Jörg Müller"
    assert record.get_key_value("Email") == "jorg@zylker.example"
    assert record.get_key_value("Email_Opt_Out") is True
    assert value(record.get_key_value("Lead_Source")) == "Trade Show"
    assert record.get_key_value("Date_of_Birth") == date(1980, 2, 29)
    assert record.get_key_value("Description") == "a\nb"
    assert record.get_key_value("Mobile") is None
    assert record.get_key_value("Owner").get_email() == zoho.email
    assert record.get_created_by().get_name() == "Pat Person"
    assert record.get_created_time() == record.get_modified_time()
    assert record.get_modified_time().utcoffset() is not None
    assert zoho.contact(made)["neutral"]["family_name"] == "Müller"


def test_each_item_of_a_create_has_its_own_outcome(zoho):
    answer = contacts().create_records(
        body(contact(Last_Name="Good"), contact(First_Name="Nameless"), contact(Last_Name="Bad", Email="no address"))
    )
    assert answer.get_status_code() == 207
    good, nameless, bad = answer.get_object().get_data()
    assert (verdict(good), value(good.get_message())) == (OK, "record added")
    assert good.get_details()["Created_By"].get_name() == "Pat Person"
    assert verdict(nameless) == failed("MANDATORY_NOT_FOUND")
    assert value(nameless.get_message()) == "required field not found"
    assert nameless.get_details() == {"api_name": "Last_Name", "json_path": "$.data[1].Last_Name"}
    assert verdict(bad) == failed("INVALID_DATA")
    assert bad.get_details()["api_name"] == "Email"
    assert bad.get_details()["expected_data_type"] == "email"


def test_a_create_of_bad_items_only_is_400_with_items(zoho):
    answer = contacts().create_records(body(contact(First_Name="A"), contact(First_Name="B")))
    assert (answer.get_status_code(), verdicts(answer)) == (400, [failed("MANDATORY_NOT_FOUND")] * 2)


def test_a_hundred_records_a_call(zoho):
    ids = created(*(contact(Last_Name=f"N{n}") for n in range(100)))
    assert len(set(ids)) == 100
    answer = contacts().create_records(body(*(contact(Last_Name=f"N{n}") for n in range(101))))
    assert answer.get_status_code() == 400
    refusal = answer.get_object()
    refusal = refusal if hasattr(refusal, "get_code") else refusal.get_data()[0]
    assert verdict(refusal) == failed("LIMIT_EXCEEDED")


def test_update_changes_what_is_sent_and_null_clears(zoho):
    [made] = created(contact(First_Name="Ada", Last_Name="Byron", Phone="555", Title="Ms"))
    answer = contacts().update_records(body(contact(id=made, Last_Name="King", Phone=None)))
    assert (answer.get_status_code(), verdicts(answer)) == (200, [OK])
    assert value(answer.get_object().get_data()[0].get_message()) == "record updated"
    record = read(made)
    got = [record.get_key_value(name) for name in ("First_Name", "Last_Name", "Phone", "Title")]
    assert got == ["Ada", "King", None, "Ms"]


def test_update_of_an_unknown_id_is_invalid_data(zoho):
    answer = contacts().update_records(body(contact(id=1, Last_Name="Nobody")))
    assert (answer.get_status_code(), verdicts(answer)) == (400, [failed("INVALID_DATA")])
    [item] = answer.get_object().get_data()
    assert value(item.get_message()) == "the id given seems to be invalid"
    assert item.get_details()["api_name"] == "id"


def unmodified_since(moment):
    made = HeaderMap()
    made.add(Header("If-Unmodified-Since", "String"), moment.isoformat())
    return made


def test_a_write_on_an_older_version_is_already_modified(zoho):
    [made] = created(contact(Last_Name="King"))
    seen = read(made).get_modified_time()
    answer = contacts().update_record(made, body(contact(Last_Name="Late")), unmodified_since(seen - timedelta(hours=1)))
    assert (answer.get_status_code(), verdicts(answer)) == (412, [failed("ALREADY_MODIFIED")])
    [item] = answer.get_object().get_data()
    assert int(item.get_details()["id"]) == made
    answer = contacts().update_record(made, body(contact(Last_Name="Queen")), unmodified_since(seen))
    assert (answer.get_status_code(), verdicts(answer)) == (200, [OK])
    assert read(made).get_key_value("Last_Name") == "Queen"


def test_upsert_says_what_it_did_and_by_which_field(zoho):
    [made] = created(contact(Last_Name="Old", Email="one@zylker.example"))
    answer = contacts().upsert_records(
        body(
            contact(Last_Name="New", Email="ONE@zylker.example"),
            contact(Last_Name="Two", Email="two@zylker.example"),
            duplicate_check_fields=["Email"],
        )
    )
    assert (answer.get_status_code(), verdicts(answer)) == (200, [OK, OK])
    one, two = answer.get_object().get_data()
    assert (int(one.get_details()["id"]), value(one.get_action()), one.get_duplicate_field()) == (made, "update", "Email")
    assert (value(two.get_action()), two.get_duplicate_field()) == ("insert", None)
    assert read(made).get_key_value("Last_Name") == "New"


def test_a_unique_field_names_the_duplicate(zoho):
    zoho.action("add_field", api_name="Customer_No", unique=True)
    [made] = created(contact(Last_Name="First", Customer_No="7"))
    answer = contacts().create_records(body(contact(Last_Name="Second", Customer_No="7")))
    assert (answer.get_status_code(), verdicts(answer)) == (400, [failed("DUPLICATE_DATA")])
    details = answer.get_object().get_data()[0].get_details()
    assert details["api_name"] == "Customer_No"
    assert details["duplicate_record"].get_id() == made


def test_a_record_locked_by_its_owner_is_left_alone(zoho):
    [made] = created(contact(Last_Name="Locked"))
    zoho.action("lock", id=str(made), locked=True)
    answer = contacts().update_records(body(contact(id=made, Last_Name="Forced")))
    assert (answer.get_status_code(), verdicts(answer)) == (400, [failed("RECORD_LOCKED")])
    assert read(made).get_key_value("Last_Name") == "Locked"


def deleted():
    answer = contacts().get_deleted_records(params(GetDeletedRecordsParam, type="all"))
    return {one.get_id(): one for one in answer.get_object().get_data()} if answer.get_object() else {}


def test_delete_one_and_many(zoho):
    ids = created(*(contact(Last_Name=f"N{n}") for n in range(3)))
    assert deleted() == {}
    assert verdicts(contacts().delete_record(ids[0])) == [OK]
    assert contacts().get_record(ids[0]).get_status_code() == 204

    some = params(DeleteRecordsParam, ids=f"{ids[1]},1", wf_trigger=False)
    answer = contacts().delete_records(some)
    assert (answer.get_status_code(), verdicts(answer)) == (207, [OK, failed("INVALID_DATA")])
    assert value(answer.get_object().get_data()[1].get_message()) == "record not deleted"
    assert read(ids[2]).get_key_value("Last_Name") == "N2"

    gone = deleted()
    assert gone.keys() == set(ids[:2])
    assert (value(gone[ids[0]].get_type()), gone[ids[0]].get_display_name()) == ("recycle", "N0")
    assert gone[ids[0]].get_deleted_by().get_name() == "Pat Person"


def test_a_purge_leaves_a_permanent_tombstone_and_a_restore_none(zoho):
    purged, restored = created(contact(Last_Name="P"), contact(Last_Name="R"))
    for one in (purged, restored):
        contacts().delete_record(one)
    zoho.action("purge", id=str(purged))
    zoho.call("POST", f"/contacts/{restored}/restore")
    gone = deleted()
    assert {one: value(stone.get_type()) for one, stone in gone.items()} == {purged: "permanent"}
    assert read(restored).get_key_value("Last_Name") == "R"


def test_unknown_modules_are_invalid(zoho):
    with pytest.raises(SDKException) as raised:
        RecordOperations("Wizards").get_record(1)
    assert raised.value.details["code"] == "INVALID_MODULE"
