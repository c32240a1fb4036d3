"""Sign-in at Zoho: the consent page by hand, codes and tokens by the SDK."""

import pytest
from zohocrmsdk.src.com.zoho.crm.api import Initializer
from zohocrmsdk.src.com.zoho.crm.api.exception import SDKException
from zohocrmsdk.src.com.zoho.crm.api.org import OrgOperations
from zohocrmsdk.src.com.zoho.crm.api.record import GetRecordsParam
from zohocrmsdk.src.com.zoho.crm.api.users import UsersOperations
from zohocrmsdk.src.com.zoho.crm.api.users.users_operations import GetUsersParam
import requests

from sandbox import consent, query
from zoho_client import CLIENT_ID, REDIRECT, SCOPES, ZohoAccount, contacts, failed, params, value, verdict


@pytest.fixture
def account(base):
    """An organisation for which the SDK is not initialised yet."""
    return ZohoAccount(base)


def code(account, **params):
    """A grant code, and the rest of the query with which the browser comes back."""
    asked = {
        "scope": ",".join(SCOPES), "client_id": CLIENT_ID, "response_type": "code", "redirect_uri": REDIRECT,
        "access_type": "offline", "state": "s 1", **params,
    }  # fmt: skip
    url = requests.Request("GET", account.base + "/oauth/v2/auth", params=asked).prepare().url
    back = query(consent(url, account))
    return back.pop("code"), back


def current_user():
    [me] = UsersOperations().get_users(params(GetUsersParam, type="CurrentUser")).get_object().get_users()
    return me


def test_the_code_comes_with_the_accounts_server(account):
    grant, back = code(account)
    assert grant.startswith("1000.")
    assert back == {"state": "s 1", "location": "us", "accounts-server": account.base}


def test_a_code_is_exchanged_and_the_user_is_the_one_who_consented(account, base, tmp_path):
    ZohoAccount(base)  # one more to choose from
    oauth = account.initialize(tmp_path, grant_token=code(account)[0], redirect_url=REDIRECT)
    assert oauth.get_access_token().startswith("1000.") and oauth.get_refresh_token().startswith("1000.")
    assert oauth.get_api_domain() == account.base
    me = current_user()
    assert (me.get_email(), me.get_full_name(), value(me.get_status())) == (account.email, "Pat Person", "active")
    [org] = OrgOperations().get_organization().get_object().get_org()
    assert oauth.get_user_signature().get_name() == f"{account.email}:{org.get_zgid()}"
    assert value(org.get_type()) == "production"


@pytest.mark.parametrize(
    ("token", "error"),
    [
        ({"grant_token": "1000.never.given", "redirect_url": REDIRECT}, "invalid_code"),
        ({"refresh_token": "1000.never.given"}, "invalid_code"),
    ],
)
def test_tokens_that_were_never_given_are_refused(account, tmp_path, token, error):
    with pytest.raises(SDKException) as raised:
        account.initialize(tmp_path, **token)
    assert (raised.value.code, raised.value.error_message) == ("INVALID TOKEN ERROR", error)


def test_a_code_works_once(account, tmp_path):
    grant = code(account)[0]
    account.initialize(tmp_path, grant_token=grant, redirect_url=REDIRECT)
    with pytest.raises(SDKException) as raised:
        account.initialize(tmp_path, grant_token=grant, redirect_url=REDIRECT)
    assert raised.value.error_message == "invalid_code"


def test_denial_gives_no_code(account):
    asked = {"scope": ",".join(SCOPES), "client_id": CLIENT_ID, "response_type": "code", "redirect_uri": REDIRECT}
    url = requests.Request("GET", account.base + "/oauth/v2/auth", params=asked).prepare().url
    assert query(consent(url, account, allow=False)) == {"error": "access_denied"}


def test_refresh_gives_another_access_token(account, tmp_path):
    oauth = account.initialize(tmp_path)
    before = oauth.get_access_token()
    oauth.refresh_access_token(oauth, Initializer.get_initializer().environment.accounts_url)
    assert oauth.get_access_token() != before
    assert current_user().get_email() == account.email


def test_an_expired_access_token_is_invalid(account, tmp_path):
    account.initialize(tmp_path)
    assert contacts().get_records(params(GetRecordsParam, fields="Last_Name")).get_status_code() == 204
    account.expire_access_tokens()
    answer = contacts().get_records(params(GetRecordsParam, fields="Last_Name"))
    assert (answer.get_status_code(), verdict(answer.get_object())) == (401, failed("INVALID_TOKEN"))
    assert value(answer.get_object().get_message()) == "invalid oauth token"


def test_revoking_the_refresh_token_ends_all(account, tmp_path):
    oauth = account.initialize(tmp_path)
    contacts().get_records(params(GetRecordsParam, fields="Last_Name"))
    assert oauth.revoke_refresh_token(oauth.get_refresh_token(), account.base + "/oauth/v2/token/revoke") is True
    answer = contacts().get_records(params(GetRecordsParam, fields="Last_Name"))
    assert (answer.get_status_code(), verdict(answer.get_object())) == (401, failed("INVALID_TOKEN"))
    with pytest.raises(SDKException) as raised:
        account.initialize(tmp_path, refresh_token=oauth.get_refresh_token())
    assert raised.value.error_message == "invalid_code"
    assert oauth.revoke_refresh_token(oauth.get_refresh_token(), account.base + "/oauth/v2/token/revoke") is False


def test_too_many_refreshes_are_denied(account, tmp_path):
    oauth = account.initialize(tmp_path)
    url = Initializer.get_initializer().environment.accounts_url
    for _ in range(9):
        oauth.refresh_access_token(oauth, url)
    with pytest.raises(SDKException) as raised:
        oauth.refresh_access_token(oauth, url)
    assert raised.value.error_message == "Access Denied"
