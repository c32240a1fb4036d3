"""The people who keep their contacts in an Odoo of their own, through its JSON-2 API."""

import os
from html.parser import HTMLParser
from urllib.parse import urlsplit

import requests

from cards import by_person, filled

TIMEOUT = 60
PERSONS = [["is_company", "=", False], ["type", "=", "contact"]]
FIELDS = ["name", "email", "phone", "function", "comment", "write_date", "category_id", "user_ids"]


class Odoo:
    """The Odoo that the step `odoo` of `./test` has started: contacts of one tag, so that scenarios do not meet."""

    def __init__(self, tag):
        place = urlsplit(os.environ["SYNCLINE_TEST_ODOO"])
        self.base, self.database, self._key = f"http://{place.hostname}:{place.port}", place.username, place.password
        self.tag = tag
        [self._tag] = self.call("res.partner.category", "create", vals_list=[{"name": tag}])

    @property
    def login(self):
        """What its owner types to connect it."""
        return {"server": f"{self.base}/odoo", "user": self.database, "password": self._key}

    def call(self, model, method, **arguments):
        headers = {"Authorization": f"bearer {self._key}", "X-Odoo-Database": self.database}
        answer = requests.post(f"{self.base}/json/2/{model}/{method}", json=arguments, headers=headers, timeout=TIMEOUT)
        assert answer.ok, f"{model}/{method}: {answer.status_code} {answer.text[:2000]}"
        return answer.json()

    # ---- what people do ----

    def add(self, name, email=None, **values):
        """Adds a contact with the tag."""
        values = {"name": name, "email": email or False, "category_id": [[4, self._tag]], **values}
        [made] = self.call("res.partner", "create", vals_list=[values])
        return made

    def add_many(self, people):
        self.call("res.partner", "create", vals_list=[{**one, "category_id": [[4, self._tag]]} for one in people])

    def edit(self, who, **values):
        self.call("res.partner", "write", ids=[self.find(who)["id"]], vals=values)

    def delete(self, who):
        self.call("res.partner", "unlink", ids=[self.find(who)["id"]])

    # ---- what they see ----

    def contacts(self):
        domain = [*PERSONS, ["category_id", "in", [self._tag]]]
        return self.call("res.partner", "search_read", domain=domain, fields=FIELDS, order="id")

    def find(self, who):
        """The contact with this e-mail address."""
        found = [one for one in self.contacts() if (one["email"] or "").lower() == who]
        assert len(found) == 1, f"{len(found)} contacts in Odoo with the address {who}"
        return found[0]

    def cards(self):
        return by_person("Odoo", [card(one) for one in self.contacts()])

    def versions(self):
        return {one["id"]: (one["write_date"], one["function"], one["name"]) for one in self.contacts()}


class Lines(HTMLParser):
    """What a person reads in a note."""

    def __init__(self):
        super().__init__()
        self.text = ""

    def handle_starttag(self, tag, attrs):
        self.text += "\n" if tag == "br" else ""

    def handle_data(self, data):
        self.text += data


def note(comment):
    """A note as a person reads it."""
    lines = Lines()
    lines.feed(comment or "")
    return lines.text.strip()


def card(found):
    """A contact in the words of `cards`: a person there has one name, of which the last word is the family's."""
    first, _, last = found["name"].rpartition(" ")
    return filled(
        first=first or last,
        last=last if first else None,
        email=(found["email"] or "").lower(),
        title=found["function"] or None,
        phone=found["phone"] or None,
        notes=note(found["comment"]) or None,
    )
