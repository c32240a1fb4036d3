"""Each app with each other one, and with itself, both ways and by the default mapping: what survives the trip, that nothing is
lost where the trip began, and that it ends. `docs/connectors.md` shows what was found; with `SYNCLINE_WRITE_DOCS=1` it is
written anew. The pairs with Odoo are in `./test odoo` alone: without it, its part of the tables stays as it is.
"""

import itertools
import os
import time
from pathlib import Path

import pytest

from customer import did
from places import PAIRS, Person

DOCS = Path(__file__).resolve().parents[2] / "docs/connectors.md"
# A listing of Mailchimp's ends a few seconds before the present.
SHOWN = 7
HEAD = """# What survives the trip

Written by `tests/scenarios/test_every_pair.py`, which syncs each app with each other one and with itself, two-way and by the
default mapping: a person of whom everything is known is entered on each side, the other side's copy is edited by hand, and
nothing but that edit arrives where the person came from. Then nothing is left to write.

The pairs with Odoo need a real one, which `./test odoo` installs; with itself it would need two.

A connection can map more than the default does (docs/mapping.md): custom fields, one field to another of the same kind.

## What an app has room for

{room}

## What the default mapping leaves behind

From the app of the row to that of the column: what the first one said of a person and the other one does not. It stays where
it is, whatever is edited on the other side.

{lost}
"""


@pytest.fixture
def more_settings(sandbox):
    """Apps that only this scenario connects."""
    apps = {
        "hubspot": ("/oauth/authorize", "/oauth/v1/token", "sandbox-hubspot", "sandbox-hubspot-secret", ("calls", "searches")),
        "mailchimp": ("/oauth2/authorize", "/oauth2/token", "100000000001", "sandbox-mailchimp-secret", ()),
    }
    made = {"SYNCLINE__OUTBOUND__PRIVATE_NETWORKS": "127.0.0.0/8", "SYNCLINE__PROVIDERS__CREATIO__SETTLE": "1s"}
    for size in ("CAPACITY", "PER_MINUTE"):
        made[f"SYNCLINE__PROVIDERS__CREATIO__LIMITS__CALLS__{size}"] = "1000000"
    for app, (consent, tokens, client, secret, limits) in apps.items():
        own = {"auth_url": sandbox + consent, "token_url": sandbox + tokens, "client_id": client, "client_secret": secret}
        for limit, size in itertools.product(limits, ("capacity", "per_minute")):
            own[f"limits__{limit}__{size}"] = "1000000"
        for key, value in {"api_base": sandbox, "settle": "1s", **own}.items():
            made[f"SYNCLINE__PROVIDERS__{app}__{key}".upper()] = value
    return made


class Pair:
    """Two apps with a person in each: Ada in the first one, Bob in the second."""

    def __init__(self, kinds, sandbox, folder):
        self.places, self.people = [], [Person("Ada"), Person("Bob")]
        for number, (kind, person) in enumerate(zip(kinds, self.people, strict=True)):
            own = folder / f"{number}"
            own.mkdir(parents=True)
            self.places.append(kind(sandbox, own))
            self.places[-1].enter(person)
        self.name = " and ".join(place.provides for place in self.places)

    def connect(self, customer):
        self.connection, _ = customer.connect(*(place.side(customer) for place in self.places))

    def begin(self):
        """What each person's own app says of them before anything else is done."""
        self.before = [place.whole(person.email) for place, person in zip(self.places, self.people, strict=True)]

    def settle(self, customer):
        """Syncs until nothing is left to do, which has to be soon."""
        for _ in range(3):
            versions = [place.versions() for place in self.places]
            if did(customer.sync(self.connection)) == {}:
                assert [place.versions() for place in self.places] == versions, f"{self.name}: a sync without news wrote"
                return
        raise AssertionError(f"{self.name} does not become quiet")

    def trips(self):
        """(from, to, what the first one tells, what of it is lost)."""
        for here, there, person in zip(self.places, self.places[::-1], self.people, strict=True):
            told, arrived = here.told(person.email), there.told(person.email)
            yield here.provides, there.provides, told, [word for word in told if is_lost(word, told, arrived)]

    def rename(self):
        """Each person's copy is edited by hand."""
        for there, person in zip(self.places[::-1], self.people, strict=True):
            there.rename(person.email, "Lovelace")

    def renamed(self):
        for here, person, before in zip(self.places, self.people, self.before, strict=True):
            assert here.told(person.email)["last name"] == "Lovelace", f"{self.name}: {here.provides} did not hear of it"
            assert here.whole(person.email) == before, f"{self.name}: {here.provides} lost something"


def is_lost(word, told, arrived):
    """Whether nothing of the same kind has that value: under which label it went does not matter."""
    family = word.split()[0] if word.startswith(("e-mail", "phone", "address")) else word
    return told[word] not in [text for other, text in arrived.items() if other.startswith(family)]


def test_every_pair(customer, sandbox, tmp_path):
    pairs = []
    try:
        for number, kinds in enumerate(PAIRS):
            pairs.append(Pair(kinds, sandbox, tmp_path / f"pair-{number}"))
        time.sleep(SHOWN)
        for pair in pairs:
            pair.begin()
            pair.connect(customer)
        time.sleep(SHOWN)
        for pair in pairs:
            pair.settle(customer)
        found = [trip for pair in pairs for trip in pair.trips()]
        for pair in pairs:
            pair.rename()
        time.sleep(SHOWN)
        for pair in pairs:
            customer.sync(pair.connection)
            pair.renamed()
        time.sleep(SHOWN)
        for pair in pairs:
            pair.settle(customer)
    finally:
        for place in (place for pair in pairs for place in pair.places if hasattr(place, "stop")):
            place.stop()
    shown = DOCS.read_text(encoding="utf-8")
    rooms, losses = cells_of(shown)
    apps = {here for here, *_ in found}
    rooms = {key: cell for key, cell in rooms.items() if key[1] not in apps} | room(found)
    text = HEAD.format(room=table("", rooms), lost=table("from, to", losses | lost(found)))
    if os.environ.get("SYNCLINE_WRITE_DOCS"):
        DOCS.write_text(text, encoding="utf-8")
        shown = text
    assert shown == text, "docs/connectors.md is not what was found: write it anew"


def room(found):
    """What each app tells of a person of whom everything is known: whether a word, by word and app."""
    told = {here: told for here, _, told, _ in found}
    words = {word for known in told.values() for word in known}
    return {(word, app): "yes" if word in known else "-" for word in words for app, known in told.items()}


def lost(found):
    """What stays behind, by the apps from and to which."""
    return {(here, there): ", ".join(words) or "nothing" for here, there, _, words in found}


def cells_of(text):
    """The tables of a text, by row and column."""
    tables = []
    for piece in text.split("\n\n"):
        if not piece.startswith("| "):
            continue
        head, _, *rows = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in piece.splitlines()]
        tables.append({(row, column): cell for row, *cells in rows for column, cell in zip(head[1:], cells, strict=True)})
    return tables


def table(corner, cells):
    rows, columns = (sorted({key[place] for key in cells}) for place in (0, 1))
    lines = [[corner, *columns], ["---"] * (len(columns) + 1)]
    lines += [[row, *(cells.get((row, column), "-") for column in columns)] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
