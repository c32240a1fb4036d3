"""Google's own client, pointed at the sandbox: the packaged discovery documents with another root, nothing else."""

import importlib.resources
import json

import pytest
from google.oauth2.credentials import Credentials
from google_auth_oauthlib.flow import Flow
from googleapiclient.discovery import build_from_document
from googleapiclient.errors import HttpError

from sandbox import Account

CLIENT_ID = "sandbox.apps.googleusercontent.com"
CLIENT_SECRET = "sandbox-google-secret"
CONTACTS = "https://www.googleapis.com/auth/contacts"
EMAIL = "https://www.googleapis.com/auth/userinfo.email"
REDIRECT = "http://127.0.0.1:9/callback"

FIELDS = "names,emailAddresses,phoneNumbers,organizations,addresses,birthdays,biographies,memberships,metadata"


class GoogleAccount(Account):
    """A Google account whose owner has consented."""

    def __init__(self, base, **new):
        super().__init__(base, "google", **new)

    def credentials(self, tokens=None):
        tokens = tokens or self.tokens()
        return Credentials(
            token=tokens["access_token"],
            refresh_token=tokens["refresh_token"],
            client_id=CLIENT_ID,
            client_secret=CLIENT_SECRET,
            token_uri=self.base + "/token",
        )

    def service(self, name="people.v1", credentials=None):
        """A client of one API."""
        documents = importlib.resources.files("googleapiclient.discovery_cache") / "documents"
        document = json.loads((documents / f"{name}.json").read_text(encoding="utf-8"))
        document["rootUrl"] = self.base + "/"
        document["baseUrl"] = document["rootUrl"] + document["servicePath"]
        document.pop("mtlsRootUrl", None)
        return build_from_document(document, credentials=credentials or self.credentials())

    def people(self):
        return self.service().people()

    def groups(self):
        return self.service().contactGroups()


def flow(base, scopes=(CONTACTS,)):
    """A sign-in, with PKCE as google-auth-oauthlib does it."""
    web = {
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "auth_uri": base + "/o/oauth2/v2/auth",
        "token_uri": base + "/token",
        "redirect_uris": [REDIRECT],
    }
    return Flow.from_client_config(
        {"web": web}, scopes=list(scopes), redirect_uri=REDIRECT, autogenerate_code_verifier=True
    )


def refused(request):
    """Executes a request that must be refused: (HTTP status, the body's error object), as the client hands them over."""
    with pytest.raises(HttpError) as raised:
        request.execute()
    error = json.loads(raised.value.content)["error"]
    assert error["code"] == raised.value.status_code
    assert error["message"] == raised.value.reason
    return raised.value.status_code, error


def reason(error):
    """The reason of the ErrorInfo detail."""
    infos = [d for d in error["details"] if d["@type"] == "type.googleapis.com/google.rpc.ErrorInfo"]
    assert len(infos) == 1, error
    return infos[0]["reason"]


def person(given, family, email=None, **more):
    """A contact as one sends it."""
    body = {"names": [{"givenName": given, "familyName": family}], **more}
    if email:
        body["emailAddresses"] = [{"value": email, "type": "work"}]
    return body
