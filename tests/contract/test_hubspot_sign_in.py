"""Sign-in at HubSpot: the consent page by hand, tokens by HubSpot's own client."""

import hubspot as sdk
import pytest
import requests
from hubspot.oauth.exceptions import ApiException

from hubspot_client import CLIENT_ID, CLIENT_SECRET, REDIRECT, SCOPES, HubSpotAccount
from sandbox import consent, query


@pytest.fixture
def account(base):
    return HubSpotAccount(base)


def code(account):
    asked = {"client_id": CLIENT_ID, "redirect_uri": REDIRECT, "scope": " ".join(SCOPES), "state": "s 1"}
    url = requests.Request("GET", account.base + "/oauth/authorize", params=asked).prepare().url
    back = query(consent(url, account))
    assert back["state"] == "s 1"
    return back["code"]


def tokens(account, **grant):
    api = sdk.Client.create(host=account.base).oauth.tokens_api
    return api.create(client_id=CLIENT_ID, client_secret=CLIENT_SECRET, redirect_uri=REDIRECT, **grant)


def test_a_code_becomes_tokens_which_are_renewed(account):
    first = tokens(account, grant_type="authorization_code", code=code(account))
    assert (first.token_type, first.expires_in) == ("bearer", 1800)
    info = sdk.Client.create(host=account.base).oauth.access_tokens_api.get(first.access_token)
    assert (str(info.hub_id), info.user, info.scopes) == (account.id, account.email, list(SCOPES))
    again = tokens(account, grant_type="refresh_token", refresh_token=first.refresh_token)
    assert again.refresh_token == first.refresh_token and again.access_token != first.access_token
    assert account.client(again.access_token).crm.contacts.basic_api.get_page().results == []


@pytest.mark.parametrize(
    "grant",
    [
        {"grant_type": "authorization_code", "code": "never-given"},
        {"grant_type": "refresh_token", "refresh_token": "never-given"},
    ],
)
def test_what_was_never_given_is_refused(account, grant):
    with pytest.raises(ApiException) as caught:
        tokens(account, **grant)
    assert caught.value.status == 400


def test_an_expired_token_says_so(account):
    client = account.client()
    account.expire_access_tokens()
    with pytest.raises(sdk.crm.contacts.exceptions.ApiException) as caught:
        client.crm.contacts.basic_api.get_page()
    assert caught.value.status == 401 and "EXPIRED_AUTHENTICATION" in caught.value.body
