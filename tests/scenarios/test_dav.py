"""Many contacts between two CardDAV servers, and another program's look at what came of it. It takes minutes: the step `dav` of
`./test` runs it, and the step `scenarios` leaves it to that (`conftest.py`)."""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from customer import did
from dav import DavBook, DavServer, written
from test_carddav import EXTRAS, entered

# Who is on which side before the first run; on both they are with the same card. For each card that is added, Radicale (a)
# reads all that it has: few are.
BOTH, ONLY_A, ONLY_B = 1000, 3900, 100
EDITED, DELETED = 50, 20
TITLE = "TITLE:Diver\r\n"
# What nobody maps, on the cards of those who are on both sides. As Radicale spells it; vdirsyncer takes another spelling for
# another card.
LINES = EXTRAS.replace("X-ABLabel", "X-ABLABEL") + TITLE
TWO_WAY = {"conflict": "a_wins", "deletions": {"a_to_b": "delete", "b_to_a": "delete"}}


@pytest.fixture
def more_settings():
    return {"SYNCLINE__OUTBOUND__PRIVATE_NETWORKS": "127.0.0.0/8"}


@pytest.fixture
def books(tmp_path):
    servers = [DavServer(kind, folder(tmp_path / kind)) for kind in ("radicale", "xandikos")]
    yield [DavBook(server) for server in servers]
    for server in servers:
        server.stop()


def folder(path):
    path.mkdir()
    return path


def test_many_between_two_servers(customer, books, tmp_path):
    a, b = books
    both, only_a, only_b = people("both", BOTH), people("a", ONLY_A), people("b", ONLY_B)
    cards = written_of(both, LINES) + written_of(only_a, TITLE)
    at_once(lambda: a.add_cards(cards), lambda: (fill(b, both, LINES), fill(b, only_b, TITLE)))
    before = at_once(a.texts, b.texts)
    begun = time.monotonic()
    sides = [{"account": entered(customer, book)} for book in books]
    connection, run = customer.connect(*sides, **TWO_WAY)
    print(f"{BOTH + ONLY_A} and {BOTH + ONLY_B} contacts brought together in {time.monotonic() - begun:.1f} s")
    assert did(run) == {"created": (ONLY_A, ONLY_B), "linked": (BOTH, 0)} and customer.problems(connection) == []
    still(customer, connection, *books)
    # Nobody's card became another one.
    after = at_once(a.texts, b.texts)
    for then, now in zip(before, after, strict=True):
        now = {path: text for path, _, text in now}
        assert all(now[path] == text for path, _, text in then)
    same(a, b, BOTH + ONLY_A + ONLY_B)

    # Edits on both sides, of one person too, and deletions on both.
    for number in range(EDITED):
        a.edit_at(path(a, both[1 + number]), "TITLE:Diver", "TITLE:Cook")
        b.edit_at(path(b, both[-1 - number]), "TITLE:Diver", "TITLE:Poet")
    a.edit_at(path(a, both[0]), "TITLE:Diver", "TITLE:Star")
    b.edit_at(path(b, both[0]), "TITLE:Diver", "TITLE:Moon")
    for number in range(1, DELETED + 1):
        a.delete_at(path(a, only_a[-number]))
        b.delete_at(path(b, only_b[-number]))
    edited = at_once(a.texts, b.texts)
    run = customer.sync(connection)
    assert did(run) == {"updated": (EDITED + 1, EDITED), "deleted": (DELETED, DELETED)}
    assert customer.conflicts(connection)[0][1:] == ("Star", "Moon", "a")
    still(customer, connection, *books)
    left = BOTH + ONLY_A + ONLY_B - 2 * DELETED
    cards = same(a, b, left)
    titles = [card["title"] for card in cards.values()]
    assert [titles.count(title) for title in ("Cook", "Poet", "Star", "Moon")] == [EDITED, EDITED, 1, 0]
    # To the byte, but for the title that the other side won or changed.
    for then, book in zip(edited, books, strict=True):
        now = {path: text for path, _, text in book.texts()}
        changed = [(text, now[path]) for path, _, text in then if path in now and now[path] != text]
        for text, text_now in changed:
            assert without_title(text) == without_title(text_now)
        assert len(changed) == (EDITED if book is a else EDITED + 1)
    looked_at_by_vdirsyncer(books, left, tmp_path)


def looked_at_by_vdirsyncer(books, left, tmp_path):
    """It copies both address books into folders, and then has the folders to compare, with no memory of its own: everybody is
    there on both sides, by the id on the card, with the same card."""
    folders = [folder(tmp_path / name) for name in ("copy_a", "copy_b")]
    config = tmp_path / "vdirsyncer.conf"
    storages = {"a": remote(books[0]), "b": remote(books[1]), "copy_a": local(folders[0]), "copy_b": local(folders[1])}
    pairs = {"first": ("a", "copy_a"), "second": ("b", "copy_b"), "between": ("copy_a", "copy_b")}
    text = f'[general]\nstatus_path = "{tmp_path}/status"\n'
    for name, (one, other) in pairs.items():
        text += f'[pair {name}]\na = "{one}"\nb = "{other}"\ncollections = null\n'
    for name, lines in storages.items():
        text += f"[storage {name}]\n" + "".join(f'{key} = "{value}"\n' for key, value in lines.items())
    config.write_text(text)

    def vdirsyncer(*words):
        program = Path(sys.executable).with_name("vdirsyncer")
        command = [program, "-c", config, *words]
        done = subprocess.run(command, input="", capture_output=True, text=True, timeout=600, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    vdirsyncer("discover", "first", "second", "between")
    for pair in ("first", "second"):
        assert vdirsyncer("sync", pair).count("Copying") == left
        assert "Copying" not in vdirsyncer("sync", pair)
    uids = [{uid(one.read_text()) for one in place.iterdir()} for place in folders]
    assert uids[0] == uids[1] and len(uids[0]) == left
    said = vdirsyncer("sync", "between")
    assert said.count("...same content on both sides.") == left
    assert not any(word in said for word in ("Copying", "updating", "Deleting", "conflict"))


def remote(book):
    login = book.server.login
    place = f"{login['server']}{book.server.book}"
    return {"type": "carddav", "url": place, "username": login["user"], "password": login["password"]}


def local(place):
    return {"type": "filesystem", "path": place, "fileext": ".vcf"}


def uid(text):
    [found] = [line for line in text.splitlines() if line.startswith("UID:")]
    return found


def people(word, count):
    return [(f"{word.title()}{number}", f"Family{number}", f"{word}{number}@x.example") for number in range(count)]


def path(book, person):
    first, last, _ = person
    return f"{book.server.book}{first}-{last}.vcf".lower()


def fill(book, who, lines):
    for person in who:
        book.add(*person, lines)


def written_of(who, lines):
    return "".join(written(*person, lines) for person in who)


def at_once(*doings):
    """Two things that do not wait for each other; what each gives."""
    with ThreadPoolExecutor() as pool:
        return [one.result() for one in [pool.submit(doing) for doing in doings]]


def same(a, b, count):
    """Both say the same of everybody. Gives that."""
    one, other = at_once(a.cards, b.cards)
    assert one == other and len(one) == count
    return one


def still(customer, connection, *books):
    """Nothing is left to do on either side."""
    before = [book.etags() for book in books]
    assert did(customer.sync(connection)) == {}, "a sync without news did something"
    assert [book.etags() for book in books] == before


def without_title(text):
    return [line for line in text.splitlines(keepends=True) if not line.startswith("TITLE:")]
