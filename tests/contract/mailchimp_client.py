"""Mailchimp's own client, pointed at the sandbox: one address, nothing else."""

import mailchimp_marketing

from sandbox import Account


class MailchimpAccount(Account):
    """A Mailchimp account whose owner has consented."""

    def __init__(self, base, **new):
        super().__init__(base, "mailchimp", **new)
        self.client = self.client_with(self.tokens()["access_token"])
        self.audience = self.client.lists.get_all_lists()["lists"][0]["id"]

    def client_with(self, token):
        client = mailchimp_marketing.Client()
        client.set_config({"access_token": token, "server": "us1"})
        client.api_client.host = self.base + "/3.0"
        return client
