"""HubSpot's own client, pointed at the sandbox: its host, nothing else."""

import hubspot

from sandbox import Account

CLIENT_ID = "sandbox-hubspot"
CLIENT_SECRET = "sandbox-hubspot-secret"
REDIRECT = "http://127.0.0.1:9/callback"
SCOPES = (
    "oauth",
    "crm.objects.contacts.read",
    "crm.objects.contacts.write",
    "crm.schemas.contacts.read",
    "crm.schemas.contacts.write",
)


class HubSpotAccount(Account):
    """A HubSpot account whose owner has consented."""

    def __init__(self, base, **new):
        super().__init__(base, "hubspot", **new)

    def client(self, token=None):
        """HubSpot's client with this token, or with one of all scopes."""
        token = token or self.tokens(*SCOPES)["access_token"]
        return hubspot.Client.create(access_token=token, host=self.base)

    def contacts(self):
        return self.client().crm.contacts
