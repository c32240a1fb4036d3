"""A user of the CRM who may only view contacts: two-way is refused and names what is missing, one-way to Google works."""

import pytest

from customer import Refused, did
from zoho_client import body, contact, contacts, failed, verdict


@pytest.fixture
def accounts(customer, crm, book):
    """People on both sides, then the rights are taken, then both accounts are authorised."""
    crm.add(First_Name="Ada", Last_Name="King", Email="ada@x.example", Title="Countess")
    crm.add(First_Name="Bea", Last_Name="Potter", Email="bea@x.example")
    book.add("Bea", "Potter", "bea@x.example", organizations=[{"title": "Painter"}])
    book.add("Dan", "Brown", "dan@x.example")
    crm.permit(Create=False, Edit=False, Delete=False)
    return {
        "a": {"account": customer.authorise("zoho_crm", crm.account)},
        "b": {"account": customer.authorise("google_contacts", book.account)},
    }


def test_the_rights_are_really_gone(accounts, crm):
    """What the rest of this script rests on, as Zoho's client sees it."""
    refused = contacts().create_records(body(contact(Last_Name="Forbidden")))
    assert (refused.get_status_code(), verdict(refused.get_object())) == (403, failed("NO_PERMISSION"))


@pytest.mark.parametrize("direction", ["two_way", "b_to_a"])
def test_what_writes_into_the_crm_is_refused(accounts, customer, crm, book, direction):
    before = crm.versions(), book.versions()
    with pytest.raises(Refused) as refused:
        customer.connect(**accounts, direction=direction)
    assert refused.value.status == 422
    missing = dict(zip(("Create", "Edit"), refused.value.errors(), strict=True))
    for right, (pointer, message) in missing.items():
        assert pointer == "/direction"
        assert f"Crm_Implied_{right}_Contacts" in message
        # And what to do instead.
        assert "a_to_b" in message
    assert customer.list("/v1/connections") == []
    assert (crm.versions(), book.versions()) == before


def test_one_way_out_of_the_crm_works(accounts, customer, crm, book, quiet):
    in_the_crm = crm.versions()
    connection, run = customer.connect(**accounts, direction="a_to_b")
    assert did(run) == {"created": (1, 0), "linked": (1, 0)}
    assert book.cards()["ada@x.example"] == crm.cards()["ada@x.example"]
    quiet(connection)
    # People at Google go on as they like: nothing of it gets into the CRM.
    book.edit("ada@x.example", phoneNumbers=[{"value": "+44 20 7946 0001", "type": "mobile"}])
    book.add("Gil", "Green", "gil@x.example")
    book.delete("bea@x.example")
    quiet(connection)
    assert crm.versions() == in_the_crm
    # A colleague, who may, goes on in the CRM: that gets to Google, beside what was added there.
    crm.colleague_edits("ada@x.example", Title="Enchantress")
    crm.colleague_adds(First_Name="Fay", Last_Name="Wray", Email="fay@x.example")
    assert did(customer.sync(connection)) == {"created": (1, 0), "updated": (1, 0)}
    assert book.cards()["ada@x.example"] == {**crm.cards()["ada@x.example"], "mobile": "+44 20 7946 0001"}
    assert crm.cards()["ada@x.example"]["title"] == "Enchantress"
    assert book.cards().keys() == {f"{one}@x.example" for one in "ada dan fay gil".split()}
    assert crm.cards().keys() == {f"{one}@x.example" for one in "ada bea fay".split()}
    assert customer.problems(connection) == []
    quiet(connection)


def test_with_the_rights_two_way_is_taken(accounts, customer, crm, book, quiet):
    connection, _ = customer.connect(**accounts, direction="a_to_b")
    crm.permit(Create=True, Edit=True)
    customer.change(connection, direction="two_way")
    customer.sync(connection)
    assert crm.cards().keys() == {f"{one}@x.example" for one in "ada bea dan".split()}
    assert book.cards() == crm.cards()
    quiet(connection)
