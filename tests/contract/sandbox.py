"""The sandbox as tests see it: its admin API, and a person before the consent page.

No provider's wire is spoken here: that is left to the vendors' clients.
"""

import itertools
from html.parser import HTMLParser
from urllib.parse import parse_qs, urljoin, urlsplit

import requests

TIMEOUT = 30

_numbers = itertools.count(1)


class Account:
    """One login at a provider, and what its owner or the provider does behind a client's back."""

    def __init__(self, base, provider, **new):
        self.base, self.provider = base, provider
        self.email = f"person{next(_numbers)}@{provider}.example"
        info = self._admin("POST", f"/_sandbox/{provider}/accounts", {"email": self.email, "name": "Pat Person", **new})
        self.id = info["id"]

    def _admin(self, method, path, body=None):
        answer = requests.request(method, self.base + path, json=body, timeout=TIMEOUT)
        assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def call(self, method, path, body=None):
        """A call of the admin API below the account."""
        return self._admin(method, f"/_sandbox/{self.provider}/accounts/{self.id}{path}", body)

    def seed(self, contacts):
        self.call("POST", "/seed", {"contacts": contacts, "seed": 7})

    def add(self, native):
        return self.call("POST", "/contacts", native)["id"]

    def edit(self, contact, native):
        self.call("PATCH", f"/contacts/{contact}", native)

    def delete(self, contact):
        self.call("DELETE", f"/contacts/{contact}")

    def contact(self, contact):
        return self.call("GET", f"/contacts/{contact}")

    def tokens(self, *scopes):
        return self.call("POST", "/tokens", {"scopes": list(scopes)})

    def withdraw_consent(self):
        self.call("DELETE", "/tokens")

    def expire_access_tokens(self):
        self.call("POST", "/expire-access-tokens")

    def expire_sync_tokens(self):
        self.call("POST", "/expire-sync-tokens")

    def knobs(self, **knobs):
        self.call("POST", "/knobs", knobs)

    def action(self, action, /, **body):
        return self.call("POST", f"/actions/{action}", body)

    def fault(self, route, fault):
        """Strikes the next request of this account on the route."""
        rule = {"provider": self.provider, "account": self.id, "route": route, "times": 1, "fault": fault}
        self._admin("POST", "/_sandbox/faults", rule)

    def requests(self):
        """Requests of this account so far, by route."""
        return self._admin("GET", f"/_sandbox/requests?provider={self.provider}&account={self.id}")


class _Form(HTMLParser):
    """The one form of a page: where it goes, and its fields as (kind, name, value)."""

    def __init__(self, page):
        super().__init__()
        self.action, self.fields = None, []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == "form":
            self.action = attrs["action"]
        elif tag in ("input", "button") and "name" in attrs:
            self.fields.append((attrs.get("type", tag), attrs["name"], attrs["value"]))


def consent(url, account, allow=True, without=()):
    """Answers the consent page at `url` as the account's owner; gives the address the browser is sent back to.

    `without` names scopes whose box the person unticks.
    """
    page = requests.get(url, timeout=TIMEOUT)
    assert page.status_code == 200, page.text
    form = _Form(page.text)
    offered = [value for kind, name, value in form.fields if name == "account"]
    assert account.id in offered, f"{account.id} is not among {offered}"
    data = [(name, value) for kind, name, value in form.fields if kind == "hidden"]
    data += [(name, value) for kind, name, value in form.fields if kind == "checkbox" and value not in without]
    data += [("account", account.id), ("decision", "allow" if allow else "deny")]
    answer = requests.post(urljoin(url, form.action), data=data, allow_redirects=False, timeout=TIMEOUT)
    assert answer.status_code == 302, answer.text
    return answer.headers["Location"]


def query(url):
    """The query of an address; each name once."""
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
