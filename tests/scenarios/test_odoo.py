"""Contacts in an Odoo of one's own (19, Community): with Google, with a CardDAV server and with the CRM. The step `odoo` of
`./test` starts the Odoo, which is large, and runs these; the step `scenarios` leaves them to it (`conftest.py`)."""

import time
import uuid

import pytest

from customer import Refused, did
from many import many

TWO_WAY = {"conflict": "a_wins", "deletions": {"a_to_b": "delete", "b_to_a": "delete"}}
MANY = 5000


@pytest.fixture
def more_settings():
    return {"SYNCLINE__OUTBOUND__PRIVATE_NETWORKS": "127.0.0.0/8"}


@pytest.fixture
def odoo():
    from odoo import Odoo

    return Odoo(f"Friends {uuid.uuid4()}")


@pytest.fixture
def dav(tmp_path):
    from dav import DavBook, DavServer

    server = DavServer("radicale", tmp_path)
    yield DavBook(server)
    server.stop()


def entered(customer, provider, login):
    """Adds an account by what is typed. Gives its id."""
    made = customer.post("/v1/accounts", {"provider": provider, "login": login})
    assert made["account"]["status"]["is"] == "active" and "authorize_url" not in made
    return made["account"]["id"]


def side(customer, odoo):
    return customer.collection(entered(customer, "odoo", odoo.login), odoo.tag)


def still(customer, connection, *sides):
    """Nothing is left to do on either side."""
    before = [one.versions() for one in sides]
    assert did(customer.sync(connection)) == {}, "a sync without news did something"
    assert [one.versions() for one in sides] == before


def test_google_and_odoo(customer, book, odoo):
    book.add("Ada", "King", "ada@x.example", organizations=[{"title": "Countess"}])
    book.add("Bea", "Potter", "bea@x.example")
    odoo.add("Bea Potter", "Bea@x.example", function="Author", comment="<p>Writes &amp;<br>farms</p>")
    odoo.add("Dan Brown", "dan@x.example", phone="+44 20 7946 0003")
    google = customer.authorise("google_contacts", book.account)
    connection, run = customer.connect({"account": google}, side(customer, odoo), **TWO_WAY)
    assert did(run)["created"] == (1, 1) and customer.problems(connection) == []
    assert book.cards() == odoo.cards() and len(book.cards()) == 3
    assert book.cards()["bea@x.example"]["notes"] == "Writes &\nfarms"
    assert odoo.cards()["ada@x.example"] == {"first": "Ada", "last": "King", "email": "ada@x.example", "title": "Countess"}
    still(customer, connection, book, odoo)
    # Edits on both sides, of one person too, and a deletion on each.
    book.edit("ada@x.example", organizations=[{"title": "Analyst"}])
    odoo.edit("ada@x.example", phone="+44 20 7946 0001")
    odoo.edit("bea@x.example", name="Beatrix Potter")
    odoo.add("Fay Wray", "fay@x.example", function="Actor")
    book.add("Gil", "Evans", "gil@x.example")
    customer.sync(connection)
    assert book.cards() == odoo.cards() and len(book.cards()) == 5
    ada = odoo.cards()["ada@x.example"]
    assert (ada["title"], ada["phone"]) == ("Analyst", "+44 20 7946 0001")
    assert book.cards()["bea@x.example"]["first"] == "Beatrix"
    book.edit("fay@x.example", organizations=[{"title": "Star"}])
    odoo.edit("fay@x.example", function="Diver")
    odoo.delete("dan@x.example")
    book.delete("gil@x.example")
    customer.sync(connection)
    assert customer.conflicts(connection)[0][1:] == ("Star", "Diver", "a")
    assert odoo.cards()["fay@x.example"]["title"] == "Star" and book.cards() == odoo.cards()
    assert book.cards().keys() == {"ada@x.example", "bea@x.example", "fay@x.example"}
    still(customer, connection, book, odoo)


def test_odoo_and_radicale(customer, odoo, dav):
    odoo.add("Ada King", "ada@x.example", function="Countess")
    odoo.add("Bea Potter", "bea@x.example")
    dav.add("Bea", "Potter", "bea@x.example", "NOTE:Writes\\, and\\nfarms\r\nCATEGORIES:Club\r\n")
    dav.add("Dan", "Brown", "dan@x.example", "ADR;TYPE=WORK:;;Way 1;Austin;Texas;73301;United States\r\n")
    account = entered(customer, "carddav", dav.server.login)
    connection, _ = customer.connect(side(customer, odoo), {"account": account}, **TWO_WAY)
    assert customer.problems(connection) == [] and odoo.cards() == dav.cards() and len(dav.cards()) == 3
    [dan] = odoo.call("res.partner", "read", ids=[odoo.find("dan@x.example")["id"]], fields=["street", "state_id", "country_id"])
    assert (dan["street"], dan["state_id"][1], dan["country_id"][1]) == ("Way 1", "Texas (US)", "United States")
    still(customer, connection, odoo, dav)
    odoo.edit("dan@x.example", street="Way 2")
    dav.edit("bea@x.example", "Potter;Bea", "Potter;Beatrix")
    customer.sync(connection)
    assert "Way 2" in dav.find("dan@x.example")[2] and odoo.cards()["bea@x.example"]["first"] == "Beatrix"
    dav.delete("ada@x.example")
    # Archived is not deleted: the other side keeps what it has.
    odoo.edit("dan@x.example", active=False)
    customer.sync(connection)
    assert odoo.cards().keys() == {"bea@x.example"} and dav.cards().keys() == {"bea@x.example", "dan@x.example"}
    still(customer, connection, odoo, dav)


def test_what_is_typed_wrong_is_said_in_odoos_words(customer, odoo):
    words = {one["id"]: one.get("login") for one in customer.list("/v1/providers")}
    assert words["odoo"] == {"user": "database", "password": "API key"} and words["google_contacts"] is None

    def refusal(**login):
        with pytest.raises(Refused) as refused:
            customer.post("/v1/accounts", {"provider": "odoo", "login": {**odoo.login, **login}})
        assert refused.value.status == 422, refused.value
        return refused.value.errors()[0]

    pointer, message = refusal(password="0123456789")
    assert pointer == "/login/password" and "database and API key" in message
    pointer, message = refusal(user="no_such_database")
    assert pointer == "/login/server" and "database" in message
    assert customer.list("/v1/accounts") == []


def test_many_from_odoo(customer, book, odoo):
    odoo.add_many([{"name": f"Given{one} Family{one}", "email": f"p{one}@x.example"} for one in range(MANY)])
    google = customer.authorise("google_contacts", book.account)
    connection, seconds = timed(customer, {"account": google}, side(customer, odoo), (0, MANY))
    assert book.cards() == odoo.cards()
    print(f"{MANY} contacts from Odoo to Google in {seconds:.1f} s")
    begun = time.monotonic()
    still(customer, connection)
    print(f"a sync without news in {time.monotonic() - begun:.1f} s")


def test_many_into_odoo(customer, crm, odoo):
    for one in range(MANY):
        crm.colleague_adds(First_Name=f"Given{one}", Last_Name=f"Family{one}", Email=f"p{one}@x.example")
    zoho = customer.authorise("zoho_crm", crm.account)
    connection, seconds = timed(customer, {"account": zoho}, side(customer, odoo), (MANY, 0))
    assert crm.cards() == odoo.cards()
    print(f"{MANY} contacts from the CRM into Odoo in {seconds:.1f} s")
    still(customer, connection, odoo)


class AtOdoo:
    """Odoo as `many` uses it."""

    def __init__(self, odoo):
        self.odoo = odoo
        self.delete, self.cards = odoo.delete, odoo.cards

    def enter(self, first, last, email):
        self.odoo.add(f"{first} {last}", email, function="Diver")

    def retitle(self, email, title):
        self.odoo.edit(email, function=title)


def test_many_between_odoo_and_radicale(customer, odoo, dav):
    many(customer, AtOdoo(odoo), dav, side(customer, odoo), entered(customer, "carddav", dav.server.login))


def timed(customer, a, b, created):
    """Connects two sides, of which one is empty. Gives the connection, and how long its first run took."""
    begun = time.monotonic()
    connection, run = customer.connect(a, b, **TWO_WAY)
    assert did(run) == {"created": created}
    return connection, time.monotonic() - begun
