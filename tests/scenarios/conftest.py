"""Fixtures: a sandbox for the whole suite; for each scenario a Syncline, a customer, and an account of each app."""

import os

import pytest

# Everything here speaks plain HTTP to this machine.
os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"
os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1"

from address_book import AddressBook  # noqa: E402
from crm import Crm  # noqa: E402
from customer import Customer, did  # noqa: E402
from google_client import CLIENT_ID as GOOGLE_ID  # noqa: E402
from google_client import CLIENT_SECRET as GOOGLE_SECRET  # noqa: E402
from program import Program  # noqa: E402
from zoho_client import CLIENT_ID as ZOHO_ID  # noqa: E402
from zoho_client import CLIENT_SECRET as ZOHO_SECRET  # noqa: E402

# Steps of their own, which start what these need and run them: `./test odoo`, `./test dav`.
NEEDS = {
    "test_odoo.py": "SYNCLINE_TEST_ODOO",
    "test_dav.py": "SYNCLINE_TEST_CYRUS",
    "test_many.py": "SYNCLINE_TEST_CYRUS",
}
collect_ignore = [file for file, server in NEEDS.items() if server not in os.environ]


@pytest.fixture(scope="session")
def sandbox():
    """The address at which both providers are imitated."""
    process = Program("sandbox")
    try:
        yield process.base
    finally:
        process.stop()


@pytest.fixture
def more_settings():
    """What a scenario configures besides, by environment."""
    return {}


@pytest.fixture
def syncline(sandbox, tmp_path, more_settings):
    """The address of a server with everything in it, on fresh data, its providers aimed at the sandbox."""
    log = tmp_path / "serve.log"
    configured = {**settings(sandbox), **more_settings}
    process = Program("serve", "--data-dir", str(tmp_path / "data"), settings=configured, log=log)
    try:
        yield process.base
    finally:
        process.stop()
        # Captured, and shown of a scenario that failed.
        print(process.log())


@pytest.fixture
def customer(syncline):
    return Customer(syncline)


@pytest.fixture
def crm(sandbox, tmp_path):
    """Side a."""
    return Crm(sandbox, tmp_path)


@pytest.fixture
def book(sandbox):
    """Side b."""
    return AddressBook(sandbox)


@pytest.fixture
def quiet(customer, crm, book):
    """Syncs a connection once more and sees that this writes nothing on either side."""

    def quiet(connection, versions=True):
        """Without `versions`, where there are many records, only the requests that reach the two apps are looked at."""

        def look():
            writes = crm.account.requests()["writes"], book.account.requests()["writes"]
            return writes, versions and (crm.versions(), book.versions())

        before = look()
        run = customer.sync(connection)
        assert did(run) == {}, "a sync without news did something"
        assert look() == before, "a sync without news wrote"

    return quiet


def settings(sandbox):
    """The configuration by environment: the sandbox in both providers' place. It has no quotas, so it is not spared."""
    providers = {
        "google_contacts": {
            "auth_url": f"{sandbox}/o/oauth2/v2/auth",
            "token_url": f"{sandbox}/token",
            "revoke_url": f"{sandbox}/revoke",
            "client_id": GOOGLE_ID,
            "client_secret": GOOGLE_SECRET,
            "limits": ("read", "write", "group_read", "group_write"),
        },
        "zoho_crm": {
            "auth_url": f"{sandbox}/oauth/v2/auth",
            "token_url": f"{sandbox}/oauth/v2/token",
            "revoke_url": f"{sandbox}/oauth/v2/token/revoke",
            "client_id": ZOHO_ID,
            "client_secret": ZOHO_SECRET,
            "limits": ("credits",),
        },
    }
    made = {"SYNCLINE__WORKER__TICK": "100ms", "SYNCLINE__LOG__LEVEL": "info,syncline_worker=debug"}
    for provider, own in providers.items():
        limits = own.pop("limits")
        for key, value in {"api_base": sandbox, "settle": "1s", **own}.items():
            made[f"SYNCLINE__PROVIDERS__{provider}__{key}".upper()] = value
        for limit in limits:
            for size in ("capacity", "per_minute"):
                made[f"SYNCLINE__PROVIDERS__{provider}__LIMITS__{limit}__{size}".upper()] = "1000000"
    return made
