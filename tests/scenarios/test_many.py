"""Five thousand contacts between the CRM or Google, in the sandbox, and a real CardDAV server. It takes minutes: the step
`dav` of `./test` runs it, and the step `scenarios` leaves it to that (`conftest.py`)."""

import pytest

from dav import DavBook, DavServer
from many import many
from test_carddav import entered


@pytest.fixture
def more_settings():
    return {"SYNCLINE__OUTBOUND__PRIVATE_NETWORKS": "127.0.0.0/8"}


@pytest.fixture
def server(tmp_path):
    """Starts a server of a kind, and gives the address book on it."""
    started = []

    def start(kind):
        folder = tmp_path / kind
        folder.mkdir()
        started.append(DavServer(kind, folder))
        return DavBook(started[-1])

    yield start
    for one in started:
        one.stop()


class AtZoho:
    def __init__(self, crm):
        self.crm = crm
        self.delete, self.cards = crm.delete, crm.cards

    def enter(self, first, last, email):
        self.crm.colleague_adds(First_Name=first, Last_Name=last, Email=email, Title="Diver")

    def retitle(self, email, title):
        self.crm.edit(email, Title=title)


class AtGoogle:
    def __init__(self, book):
        self.book = book
        self.delete, self.cards = book.delete, book.cards

    def enter(self, first, last, email):
        self.book.add(first, last, email, organizations=[{"title": "Diver"}])

    def retitle(self, email, title):
        self.book.edit(email, organizations=[{"title": title}])


def test_many_between_zoho_and_radicale(customer, crm, server):
    dav, account = server("radicale"), customer.authorise("zoho_crm", crm.account)
    many(customer, AtZoho(crm), dav, {"account": account}, entered(customer, dav))


def test_many_between_google_and_xandikos(customer, book, server):
    dav, account = server("xandikos"), customer.authorise("google_contacts", book.account)
    many(customer, AtGoogle(book), dav, {"account": account}, entered(customer, dav))
