"""Fixtures: one sandbox for the whole suite, an account of its own for each test."""

import os
import sys
from pathlib import Path

import pytest

# Everything here speaks plain HTTP to this machine.
os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"
os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1"
sys.path.insert(0, str(Path(__file__).parent))

from google_client import GoogleAccount  # noqa: E402
from hubspot_client import HubSpotAccount  # noqa: E402
from mailchimp_client import MailchimpAccount  # noqa: E402
from program import Program  # noqa: E402
from zoho_client import ZohoAccount  # noqa: E402


@pytest.fixture(scope="session")
def base():
    """The address of a sandbox: the one at SYNCLINE_SANDBOX_URL, else one started for the suite."""
    given = os.environ.get("SYNCLINE_SANDBOX_URL")
    if given:
        yield given.rstrip("/")
        return
    process = Program("sandbox")
    try:
        yield process.base
    finally:
        process.stop()


@pytest.fixture
def google(base):
    """An empty Google account, signed in."""
    return GoogleAccount(base)


@pytest.fixture
def hubspot(base):
    """An empty HubSpot account, its owner has consented."""
    return HubSpotAccount(base)


@pytest.fixture
def mailchimp(base):
    """A Mailchimp account with one empty audience, signed in."""
    return MailchimpAccount(base)


@pytest.fixture
def zoho(base, tmp_path):
    """An empty Zoho organisation, the SDK initialised for its first user."""
    account = ZohoAccount(base)
    account.initialize(tmp_path)
    return account
