"""Zoho's own SDK, pointed at the sandbox: three addresses of an environment, nothing else.

The SDK keeps its settings per process; each test initialises it anew, with a token store and a metadata folder of its own.
"""

import logging
from pathlib import Path

from zohocrmsdk.src.com.zoho.api.authenticator.oauth_token import OAuthToken
from zohocrmsdk.src.com.zoho.api.authenticator.store import FileStore
from zohocrmsdk.src.com.zoho.crm.api import HeaderMap, Initializer, ParameterMap
from zohocrmsdk.src.com.zoho.crm.api.dc import DataCenter
from zohocrmsdk.src.com.zoho.crm.api.record import BodyWrapper, Record, RecordOperations
from zohocrmsdk.src.com.zoho.crm.api.sdk_config import SDKConfig
from zohocrmsdk.src.com.zoho.crm.api.util import Choice

from sandbox import Account

CLIENT_ID = "1000.SANDBOX"
CLIENT_SECRET = "sandbox-zoho-secret"
REDIRECT = "http://127.0.0.1:9/callback"
SCOPES = (
    "ZohoCRM.modules.ALL",
    "ZohoCRM.settings.ALL",
    "ZohoCRM.users.READ",
    "ZohoCRM.org.READ",
    "ZohoCRM.coql.READ",
    "ZohoSearch.securesearch.READ",
)

# The SDK's own log calls do not format; what they would say is in its exceptions.
logging.getLogger("SDKLogger").disabled = True


class ZohoAccount(Account):
    """A Zoho organisation whose first user has consented."""

    def __init__(self, base, **new):
        super().__init__(base, "zoho", **new)

    def initialize(self, folder, **token):
        """Makes the SDK speak for this account; `token` as OAuthToken takes it, a refresh token if none is given."""
        token = token or {"refresh_token": self.tokens()["refresh_token"]}
        folder = Path(folder) / f"sdk{len(list(Path(folder).iterdir()))}"
        folder.mkdir()
        oauth = OAuthToken(client_id=CLIENT_ID, client_secret=CLIENT_SECRET, **token)
        Initializer.initialize(
            environment=DataCenter.Environment(self.base, self.base + "/oauth/v2/token", self.base),
            token=oauth,
            store=FileStore(str(folder / "tokens.csv")),
            sdk_config=SDKConfig(),
            resource_path=str(folder),
        )
        return oauth


def contacts():
    return RecordOperations("Contacts")


def params(kind, **values):
    """A ParameterMap of one of the SDK's parameter classes."""
    made = ParameterMap()
    for name, value in values.items():
        made.add(getattr(kind, name), value)
    return made


def headers(kind, **values):
    made = HeaderMap()
    for name, value in values.items():
        made.add(getattr(kind, name), value)
    return made


def contact(**values):
    """A record as one sends it, by API names."""
    made = Record()
    for name, value in values.items():
        if name == "id":
            made.set_id(int(value))
        else:
            made.add_key_value(name, value)
    return made


def body(*records, **more):
    """A request body; `more` are its other members, such as duplicate_check_fields."""
    made = BodyWrapper()
    made.set_data(list(records))
    for name, value in more.items():
        getattr(made, f"set_{name}")(value)
    return made


def value(of):
    """What a Choice holds; anything else as it is."""
    return of.get_value() if isinstance(of, Choice) else of


def verdict(item):
    """An item's or a request's outcome: (class name, code)."""
    return type(item).__name__, value(item.get_code())


def verdicts(answer):
    return [verdict(item) for item in answer.get_object().get_data()]


def created(*records):
    """Creates records that must be taken; their ids."""
    answer = contacts().create_records(body(*records))
    assert answer.get_status_code() == 201, verdicts(answer)
    return [int(item.get_details()["id"]) for item in answer.get_object().get_data()]


OK = ("SuccessResponse", "SUCCESS")


def failed(code):
    return ("APIException", code)
