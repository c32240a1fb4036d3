"""Many contacts between an app and an address book on a CardDAV server: they are brought together, edited and deleted on both
sides, and nothing that the app knows nothing of moves on a card."""

import time

from customer import did
from test_carddav import EXTRAS

# Most are on the server, which takes a whole address book at once. On both sides are those with the same address.
BOTH, ONLY_APP, ONLY_DAV = 50, 100, 4850
EDITED, DELETED = 20, 10
TWO_WAY = {"conflict": "b_wins", "deletions": {"a_to_b": "delete", "b_to_a": "delete"}}
TITLE = "TITLE:Diver\r\n"


def people(word, count):
    return [(f"{word.title()}{number}", f"Family{number}", f"{word}{number}@x.example") for number in range(count)]


def path(dav, person):
    first, last, _ = person
    return f"{dav.server.book}{first}-{last}.vcf".lower()


def many(customer, app, dav, side, login):
    """`app` has `enter(first, last, email)`, which gives everybody the title Diver, `retitle(email, title)`, `delete(email)` and
    `cards()`; `side` is where it is, `login` who its address book's owner is. Prints how long it took."""
    both, only_app, only_dav = people("both", BOTH), people("app", ONLY_APP), people("dav", ONLY_DAV)
    for person in both + only_app:
        app.enter(*person)
    dav.enter_many(both + only_dav, EXTRAS + TITLE)
    before = {path: text for path, _, text in dav.texts()}
    begun = time.monotonic()
    connection, run = customer.connect(side, {"account": login}, **TWO_WAY)
    total = BOTH + ONLY_APP + ONLY_DAV
    print(f"{total} contacts brought together in {time.monotonic() - begun:.1f} s")
    assert did(run) == {"created": (ONLY_APP, ONLY_DAV), "linked": (BOTH, 0)} and customer.problems(connection) == []
    still(customer, connection, dav)
    cards = app.cards()
    assert len(cards) == total and cards == dav.cards()
    after = {path: text for path, _, text in dav.texts()}
    assert all(after[path] == text for path, text in before.items())

    for number in range(EDITED):
        app.retitle(only_dav[number][2], "Poet")
        dav.edit_at(path(dav, only_dav[-1 - number]), "TITLE:Diver", "TITLE:Cook")
    app.retitle(both[0][2], "Moon")
    dav.edit_at(path(dav, both[0]), "TITLE:Diver", "TITLE:Star")
    gone = [app_side[2] for app_side in only_app[:DELETED]]
    for email in gone:
        app.delete(email)
    for person in both[-DELETED:]:
        dav.delete_at(path(dav, person))
    before = {path: text for path, _, text in dav.texts()}
    run = customer.sync(connection)
    assert did(run) == {"updated": (EDITED, EDITED + 1), "deleted": (DELETED, DELETED)}
    assert customer.conflicts(connection)[0][1:] == ("Moon", "Star", "b")
    still(customer, connection, dav)
    cards = app.cards()
    assert len(cards) == total - 2 * DELETED and cards == dav.cards() and not cards.keys() & set(gone)
    titles = [card["title"] for card in cards.values()]
    assert [titles.count(title) for title in ("Poet", "Cook", "Star", "Moon")] == [EDITED, EDITED, 1, 0]
    # To the byte, but for the title that the app changed.
    after = {path: text for path, _, text in dav.texts()}
    changed = [path for path, text in before.items() if path in after and after[path] != text]
    assert len(changed) == EDITED
    assert all(without_title(before[path]) == without_title(after[path]) for path in changed)


def still(customer, connection, dav):
    """Nothing is left to do."""
    before = dav.etags()
    assert did(customer.sync(connection)) == {}, "a sync without news did something"
    assert dav.etags() == before


def without_title(text):
    return [line for line in text.splitlines(keepends=True) if not line.startswith("TITLE:")]
