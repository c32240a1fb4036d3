"""Sign-in at Google with google-auth-oauthlib; tokens with google-auth."""

import pytest
import requests
from google.auth.exceptions import RefreshError
from google.auth.transport.requests import Request
from oauthlib.oauth2.rfc6749.errors import AccessDeniedError, InvalidClientError, InvalidGrantError

from google_client import CONTACTS, EMAIL, GoogleAccount, flow
from sandbox import consent, query


def sign_in(base, account, scopes=(CONTACTS,), without=(), **params):
    signing = flow(base, scopes)
    url, _ = signing.authorization_url(**params)
    signing.fetch_token(authorization_response=consent(url, account, without=without))
    return signing.credentials


def test_consent_gives_tokens_of_the_chosen_account(base, google):
    GoogleAccount(base)  # one more to choose from
    credentials = sign_in(base, google, [EMAIL, CONTACTS], prompt="consent")
    assert credentials.valid and credentials.refresh_token
    assert set(credentials.granted_scopes) == {EMAIL, CONTACTS}
    me = google.service("oauth2.v2", credentials).userinfo().get().execute()
    assert (me["id"], me["email"], me["verified_email"]) == (google.id, google.email, True)


def test_the_state_comes_back(base, google):
    url, state = flow(base).authorization_url()
    back = query(consent(url, google))
    assert back["state"] == state
    assert back["scope"] == CONTACTS


def test_a_wrong_verifier_is_refused(base, google):
    signing = flow(base)
    url, _ = signing.authorization_url()
    back = consent(url, google)
    signing.code_verifier = "x" * 64
    with pytest.raises(InvalidGrantError, match="Invalid code verifier"):
        signing.fetch_token(authorization_response=back)


def test_a_code_works_once(base, google):
    signing = flow(base)
    url, _ = signing.authorization_url()
    back = consent(url, google)
    signing.fetch_token(authorization_response=back)
    with pytest.raises(InvalidGrantError, match="Malformed auth code"):
        signing.fetch_token(authorization_response=back)


def test_a_wrong_secret_is_refused(base, google):
    signing = flow(base)
    url, _ = signing.authorization_url()
    signing.client_config["client_secret"] = "guessed"
    with pytest.raises(InvalidClientError, match="Unauthorized"):
        signing.fetch_token(authorization_response=consent(url, google))


def test_denial_is_told_to_the_app(base, google):
    signing = flow(base)
    url, _ = signing.authorization_url()
    with pytest.raises(AccessDeniedError):
        signing.fetch_token(authorization_response=consent(url, google, allow=False))


def test_an_unticked_scope_is_not_granted(base, google, monkeypatch):
    monkeypatch.setenv("OAUTHLIB_RELAX_TOKEN_SCOPE", "1")
    credentials = sign_in(base, google, [EMAIL, CONTACTS], without=[CONTACTS])
    assert credentials.granted_scopes == [EMAIL]


def test_a_second_consent_gives_a_refresh_token_only_when_prompted(base, google):
    assert sign_in(base, google, access_type="offline").refresh_token
    assert sign_in(base, google, access_type="offline").refresh_token is None
    assert sign_in(base, google, access_type="offline", prompt="consent").refresh_token


def test_online_access_gives_no_refresh_token(base, google):
    assert sign_in(base, google, access_type="online").refresh_token is None


def test_refresh_changes_the_access_token_and_keeps_the_other(google):
    credentials = google.credentials()
    before = (credentials.token, credentials.refresh_token)
    credentials.refresh(Request())
    assert credentials.token != before[0]
    assert credentials.refresh_token == before[1]
    assert not credentials.expired


def test_the_client_renews_an_expired_access_token_by_itself(google):
    credentials = google.credentials()
    people = google.service(credentials=credentials).people()
    before = credentials.token
    google.expire_access_tokens()
    answer = people.connections().list(resourceName="people/me", personFields="names").execute()
    assert "connections" not in answer
    assert credentials.token != before


def test_withdrawn_consent_is_an_invalid_grant(google):
    credentials = google.credentials()
    people = google.service(credentials=credentials).people()
    google.withdraw_consent()
    with pytest.raises(RefreshError) as raised:
        people.connections().list(resourceName="people/me", personFields="names").execute()
    assert raised.value.args[1] == {"error": "invalid_grant", "error_description": "Token has been expired or revoked."}
    assert not raised.value.retryable


def test_revoking_a_token_ends_the_grant(google):
    credentials = google.credentials()
    answer = requests.post(google.base + "/revoke", data={"token": credentials.token}, timeout=30)
    assert (answer.status_code, answer.json()) == (200, {})
    with pytest.raises(RefreshError, match="expired or revoked"):
        credentials.refresh(Request())
    answer = requests.post(google.base + "/revoke", data={"token": credentials.token}, timeout=30)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_token")
