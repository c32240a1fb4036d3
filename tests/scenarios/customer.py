"""A customer of Syncline: the REST API by its own words, and a browser's part in authorising an account."""

import time

import requests

from sandbox import consent

BEGUN = 30
LOOK = 0.1
TIMEOUT = 60


class Refused(Exception):
    """An answer that is no success: the problem (RFC 9457)."""

    def __init__(self, status, problem):
        super().__init__(f"{status}: {problem}")
        self.status, self.problem = status, problem

    def errors(self):
        """Each place in the body that is wrong, and why."""
        return [(error["pointer"], error["message"]) for error in self.problem.get("errors", [])]


class Customer:
    """An organisation that has signed up. Cookies are kept, as a browser keeps them."""

    def __init__(self, base, email="owner@customer.example"):
        self.base, self.browser, self.token = base, requests.Session(), None
        body = {"organisation": "Customer Ltd", "email": email, "password": "correct horse battery staple 7"}
        self.token = self.post("/v1/tenants", body)["access_token"]

    def call(self, method, path, body=None, **headers):
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        answer = self.browser.request(method, self.base + path, json=body, headers=headers, timeout=TIMEOUT)
        if not answer.ok:
            raise Refused(answer.status_code, answer.json())
        return answer.json() if answer.content else None

    def get(self, path):
        return self.call("GET", path)

    def post(self, path, body=None):
        return self.call("POST", path, body)

    def delete(self, path):
        self.call("DELETE", path)

    def list(self, path):
        """All rows of a list, over its pages."""
        rows, after = [], ""
        while True:
            page = self.get(f"{path}?limit=200{after}")
            rows += page["data"]
            if not page["next"]:
                return rows
            after = f"&after={page['next']}"

    def authorise(self, provider, owner):
        """Adds an account: its owner allows it on the provider's page, and the browser comes back. Gives its id."""
        begun = self.post("/v1/accounts", {"provider": provider})
        back = self.browser.get(consent(begun["authorize_url"], owner), timeout=TIMEOUT)
        assert back.ok, f"the callback answered {back.status_code}: {back.text}"
        account = self.get(f"/v1/accounts/{begun['account']['id']}")
        assert account["status"]["is"] == "active", account
        return account["id"]

    def collection(self, account, name):
        """A side of a connection: a list view, a group or another collection of an account, by its name."""
        found = {one["name"]: one["id"] for one in self.list(f"/v1/accounts/{account}/collections")}
        assert name in found, f"no {name} among the collections {sorted(found)}"
        return {"account": account, "collection": found[name]}

    def connect(self, a, b, **wish):
        """Makes a connection that is run by hand, and sees its first run through. Gives its id and that run."""
        wish = {"name": "Contacts", "a": a, "b": b, "schedule": {"every": "manual"}, **wish}
        connection = self.post("/v1/connections", wish)["id"]
        return connection, self.ended(self.first_run(connection))

    def change(self, connection, **changes):
        """Edits a connection as it is now."""
        path = f"/v1/connections/{connection}"
        revision = self.get(path)["revision"]
        self.call("PATCH", path, changes, **{"If-Match": f'"{revision}"'})

    def first_run(self, connection):
        """The run that a connection begins with, by itself."""
        deadline = time.monotonic() + BEGUN
        while time.monotonic() < deadline:
            if runs := self.list(f"/v1/connections/{connection}/runs"):
                return runs[-1]["id"]
            time.sleep(LOOK)
        raise AssertionError(f"no run by itself within {BEGUN} s")

    def sync(self, connection):
        """Runs a connection now. Gives the run, which has succeeded."""
        return self.ended(self.post(f"/v1/connections/{connection}/runs")["id"])

    def ended(self, run):
        """Follows a run to its end. Gives it; it has succeeded."""
        headers = {"Authorization": f"Bearer {self.token}"}
        with self.browser.get(f"{self.base}/v1/runs/{run}/events", headers=headers, stream=True, timeout=TIMEOUT) as events:
            assert events.ok, f"the events of run {run}: {events.status_code}"
            for _ in events.iter_lines():
                pass  # They end with the run.
        now = self.get(f"/v1/runs/{run}")
        assert now["state"] == "succeeded", now
        return now

    def problems(self, connection):
        """What could not be synced and is still open: (side, reason, message)."""
        rows = self.list(f"/v1/connections/{connection}/problems")
        return [(one["side"], one["reason"], one["message"]) for one in rows if one["status"] == "open"]

    def conflicts(self, connection):
        """Fields that both sides had changed: (entry, value on a, value on b, winner)."""
        rows = self.list(f"/v1/connections/{connection}/conflicts")
        return [(one["entry"], one["values"]["a"], one["values"]["b"], one["winner"]) for one in rows]


def did(run):
    """What a run did, each way, without what it did not: {"created": (a to b, b to a), ...}."""
    ways = run["counters"]["a_to_b"], run["counters"]["b_to_a"]
    words = ("created", "updated", "deleted", "linked", "failed")
    return {word: tuple(way[word] for way in ways) for word in words if any(way[word] for way in ways)}
