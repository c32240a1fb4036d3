"""The sync is deleted and set up again: nobody is created twice. Zoho promises it for whoever has an e-mail address; here
it holds for everybody."""

import pytest

from customer import did

EVERYBODY = {"ada@x.example", "bea@x.example", "dan@x.example", "Noemi Mailless", "Otto Mailless"}


@pytest.fixture
def accounts(customer, crm, book):
    """Both accounts, with people in them. Noemi and Otto have no e-mail address."""
    crm.add(First_Name="Ada", Last_Name="King", Email="ada@x.example", Phone="+44 20 7946 0001")
    crm.add(First_Name="Bea", Last_Name="Potter", Email="bea@x.example", Title="Author")
    crm.add(First_Name="Noemi", Last_Name="Mailless", Mobile="+44 20 7946 0002")
    book.add("Bea", "Potter", "Bea@x.example", organizations=[{"title": "Painter"}])
    book.add("Dan", "Brown", "dan@x.example")
    book.add("Otto", "Mailless")
    return authorised(customer, crm, book)


def authorised(customer, crm, book):
    return customer.authorise("zoho_crm", crm.account), customer.authorise("google_contacts", book.account)


@pytest.fixture
def connection(customer, accounts, crm, book):
    connection, run = connected(customer, accounts)
    assert did(run) == {"created": (2, 2), "updated": (1, 0), "linked": (1, 0)}
    same(crm, book, EVERYBODY)
    return connection


def connected(customer, accounts):
    zoho, google = accounts
    return customer.connect({"account": zoho}, {"account": google}, conflict="a_wins")


def same(crm, book, people):
    """These people are on both sides, each once, and said to be the same."""
    assert crm.cards().keys() == people
    assert book.cards() == crm.cards()


def test_a_connection_made_again_creates_nobody(connection, customer, accounts, crm, book, quiet):
    before = crm.versions(), book.versions()
    customer.delete(f"/v1/connections/{connection}")
    connection, run = connected(customer, accounts)
    assert did(run) == {}
    assert (crm.versions(), book.versions()) == before
    quiet(connection)


def test_what_happened_meanwhile_is_carried_over(connection, customer, accounts, crm, book, quiet):
    customer.delete(f"/v1/connections/{connection}")
    # The address by which Ada could be found again is another one now.
    crm.edit("ada@x.example", Email="ada.king@x.example")
    book.edit("dan@x.example", organizations=[{"title": "Writer"}])
    crm.edit("bea@x.example", Title="Farmer")
    book.edit("bea@x.example", organizations=[{"title": "Sculptor"}])
    crm.add(First_Name="Fay", Last_Name="Wray", Email="fay@x.example")
    connection, run = connected(customer, accounts)
    assert did(run)["created"] == (1, 0)
    same(crm, book, EVERYBODY - {"ada@x.example"} | {"ada.king@x.example", "fay@x.example"})
    assert book.cards()["dan@x.example"]["title"] == "Writer"
    assert book.cards()["bea@x.example"]["title"] == "Farmer"
    quiet(connection)


def test_accounts_authorised_anew_create_nobody_either(connection, customer, accounts, crm, book, quiet):
    before = crm.versions(), book.versions()
    customer.delete(f"/v1/connections/{connection}")
    for account in accounts:
        customer.delete(f"/v1/accounts/{account}")
    connection, run = connected(customer, authorised(customer, crm, book))
    assert "created" not in did(run)
    assert (crm.versions(), book.versions()) == before
    same(crm, book, EVERYBODY)
    quiet(connection)
