"""Contacts on a server of one's own (CardDAV), typed in by address, user name and password: with the CRM, with Google, and
with another such server."""

import time

import pytest

from customer import Refused, did
from dav import DavBook, DavServer

PHOTO = "PHOTO;ENCODING=b;TYPE=JPEG:/9j/4AAQSkZJRgABAQAAAQABAAD/\r\n"
EXTRAS = PHOTO + "CATEGORIES:Friends,Club\r\nitem1.X-ABRELATEDNAMES:Bob\r\nitem1.X-ABLabel:Spouse\r\nX-MINE;X-P=1:keep\\, me\r\n"
SETTLED = 30


@pytest.fixture
def more_settings():
    return {"SYNCLINE__OUTBOUND__PRIVATE_NETWORKS": "127.0.0.0/8"}


@pytest.fixture
def dav(tmp_path):
    """Starts a server of a kind, and gives the address book on it."""
    started = []

    def start(kind):
        folder = tmp_path / f"{kind}-{len(started)}"
        folder.mkdir()
        started.append(DavServer(kind, folder))
        return DavBook(started[-1])

    yield start
    for server in started:
        server.stop()


def entered(customer, book):
    """Adds the account of an address book. Gives its id."""
    made = customer.post("/v1/accounts", {"provider": "carddav", "login": book.server.login})
    assert made["account"]["status"]["is"] == "active" and "authorize_url" not in made
    return made["account"]["id"]


def still(customer, connection, *sides):
    """Nothing is left to do on either side."""
    before = [side.versions() for side in sides]
    assert did(customer.sync(connection)) == {}, "a sync without news did something"
    assert [side.versions() for side in sides] == before


def both_ways(customer, connection, a, b):
    """People come, edit and delete on both sides: b is an address book on a server."""
    b.add("Fay", "Wray", "fay@x.example", EXTRAS + "TITLE:Actor\r\n")
    b.edit("bea@x.example", "Potter;Bea", "Potter;Beatrix")
    customer.sync(connection)
    assert a.cards()["fay@x.example"] == {"first": "Fay", "last": "Wray", "email": "fay@x.example", "title": "Actor"}
    assert a.cards()["bea@x.example"]["first"] == "Beatrix"
    assert a.cards() == b.cards()
    b.delete("dan@x.example")
    customer.sync(connection)
    assert "dan@x.example" not in a.cards() and a.cards() == b.cards()
    still(customer, connection, a, b)


def test_the_crm_and_radicale(customer, crm, dav):
    book = dav("radicale")
    crm.add(First_Name="Ada", Last_Name="King", Email="ada@x.example", Phone="+44 20 7946 0001", Title="Countess")
    crm.add(First_Name="Bea", Last_Name="Potter", Email="bea@x.example", Title="Author")
    book.add("Bea", "Potter", "Bea@x.example", EXTRAS + "NOTE:Writes\\, and\\nfarms\r\n")
    book.add("Dan", "Brown", "dan@x.example")
    book.add("Otto", "Mailless", lines="TEL;TYPE=CELL:+44 20 7946 0002\r\n")
    zoho = customer.authorise("zoho_crm", crm.account)
    wish = {"conflict": "a_wins", "deletions": {"a_to_b": "delete", "b_to_a": "delete"}}
    connection, run = customer.connect({"account": zoho}, {"account": entered(customer, book)}, **wish)
    assert did(run) == {"created": (1, 2), "updated": (1, 1), "linked": (1, 0)}
    assert crm.cards().keys() == {"ada@x.example", "bea@x.example", "dan@x.example", "Otto Mailless"}
    assert crm.cards() == book.cards()
    both_ways(customer, connection, crm, book)
    crm.edit("fay@x.example", Title="Star")
    book.edit("fay@x.example", "TITLE:Actor", "TITLE:Diver")
    crm.delete("ada@x.example")
    customer.sync(connection)
    assert crm.cards()["fay@x.example"]["title"] == "Star" and crm.cards() == book.cards()
    assert "ada@x.example" not in book.cards()
    still(customer, connection, crm, book)


def test_google_and_xandikos(customer, book, dav):
    own = dav("xandikos")
    book.add("Ada", "King", "ada@x.example", organizations=[{"title": "Countess"}])
    book.add("Bea", "Potter", "bea@x.example")
    own.add("Bea", "Potter", "bea@x.example", EXTRAS)
    own.add("Dan", "Brown", "dan@x.example")
    google = customer.authorise("google_contacts", book.account)
    wish = {"conflict": "a_wins", "deletions": {"a_to_b": "delete", "b_to_a": "delete"}}
    connection, _ = customer.connect({"account": google}, {"account": entered(customer, own)}, **wish)
    assert book.cards() == own.cards() and len(own.cards()) == 3
    both_ways(customer, connection, book, own)
    # This server keeps cards to the byte: so do we, but for what was edited.
    before = own.find("fay@x.example")[2]
    book.edit("fay@x.example", organizations=[{"title": "Star"}])
    customer.sync(connection)
    assert own.find("fay@x.example")[2] == before.replace("TITLE:Actor", "TITLE:Star")
    assert EXTRAS in before


def test_two_servers(customer, dav):
    a, b = dav("xandikos"), dav("radicale")
    a.add("Ada", "King", "ada@x.example", EXTRAS)
    a.add("Bea", "Potter", "bea@x.example")
    b.add("Bea", "Potter", "bea@x.example", EXTRAS)
    b.add("Dan", "Brown", "dan@x.example")
    wish = {"conflict": "a_wins", "deletions": {"a_to_b": "delete", "b_to_a": "delete"}}
    connection, _ = customer.connect({"account": entered(customer, a)}, {"account": entered(customer, b)}, **wish)
    assert a.cards() == b.cards() and len(a.cards()) == 3
    both_ways(customer, connection, a, b)
    assert EXTRAS in a.find("ada@x.example")[2]


def test_a_password_that_is_changed(customer, crm, dav):
    book = dav("radicale")
    wrong = {**book.server.login, "password": "another"}
    with pytest.raises(Refused) as refused:
        customer.post("/v1/accounts", {"provider": "carddav", "login": wrong})
    [(pointer, message)] = refused.value.errors()
    assert (refused.value.status, pointer) == (422, "/login/password") and "does not take" in message
    assert customer.list("/v1/accounts") == []
    crm.add(First_Name="Ada", Last_Name="King", Email="ada@x.example")
    zoho, account = customer.authorise("zoho_crm", crm.account), entered(customer, book)
    connection, _ = customer.connect({"account": zoho}, {"account": account})
    book.server.let_in("second password")
    crm.add(First_Name="Bea", Last_Name="Potter", Email="bea@x.example")
    customer.post(f"/v1/connections/{connection}/runs")
    until(lambda: customer.get(f"/v1/accounts/{account}")["status"]["is"] == "needs_reauthorization")
    until(lambda: customer.get(f"/v1/connections/{connection}")["status"]["is"] == "paused")
    with pytest.raises(Refused) as refused:
        customer.post(f"/v1/accounts/{account}/authorize")
    assert refused.value.status == 409 and "/login" in refused.value.problem["detail"]
    assert customer.call("PUT", f"/v1/accounts/{account}/login", book.server.login)["status"]["is"] == "active"
    until(lambda: customer.get(f"/v1/connections/{connection}")["status"]["is"] == "active")
    customer.sync(connection)
    assert book.cards() == crm.cards() and len(book.cards()) == 2
    # Somebody else's address book is not this account.
    other = dav("radicale")
    with pytest.raises(Refused) as refused:
        customer.call("PUT", f"/v1/accounts/{account}/login", other.server.login)
    assert refused.value.errors()[0][0] == "/user"


def test_what_is_typed_wrong_is_said(customer, dav):
    book = dav("radicale")

    def refusal(**login):
        with pytest.raises(Refused) as refused:
            customer.post("/v1/accounts", {"provider": "carddav", "login": {**book.server.login, **login}})
        assert refused.value.status == 422, refused.value
        return refused.value.errors()[0]

    assert refusal(server="dav.example.com")[0] == "/login/server"
    pointer, message = refusal(server="http://dav.example.com/")
    assert pointer == "/login/server" and "https://" in message
    pointer, message = refusal(server="https://10.1.2.3/")
    assert pointer == "/login/server" and "private network" in message
    assert refusal(user="a:b")[0] == "/login/user"
    assert refusal(password="")[0] == "/login/password"
    with pytest.raises(Refused) as refused:
        customer.post("/v1/accounts", {"provider": "carddav"})
    assert refused.value.errors()[0][0] == "/login"
    with pytest.raises(Refused) as refused:
        customer.post("/v1/accounts", {"provider": "zoho_crm", "login": book.server.login})
    assert refused.value.errors()[0][0] == "/login"
    assert customer.list("/v1/accounts") == []


def until(holds):
    deadline = time.monotonic() + SETTLED
    while time.monotonic() < deadline:
        if holds():
            return
        time.sleep(0.1)
    raise AssertionError(f"not within {SETTLED} s")
