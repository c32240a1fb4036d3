"""Mailchimp's own client against the sandbox."""

import hashlib
import json

import pytest
from mailchimp_marketing.api_client import ApiClientError


def subscriber(email):
    return hashlib.md5(email.lower().encode()).hexdigest()


def refused(call, *args):
    """The problem with which a call is refused."""
    with pytest.raises(ApiClientError) as caught:
        call(*args)
    return json.loads(caught.value.text)


def test_a_member_lives(mailchimp):
    lists, audience = mailchimp.client.lists, mailchimp.audience
    email = "Ada@mail.example"
    made = lists.set_list_member(audience, subscriber(email), {"email_address": email, "status_if_new": "subscribed", "merge_fields": {"FNAME": "Ada"}})
    assert (made["id"], made["status"]) == (subscriber(email), "subscribed")
    lists.update_list_member_tags(audience, made["id"], {"tags": [{"name": "VIP", "status": "active"}]})
    changed = lists.update_list_member(audience, made["id"], {"email_address": "new@mail.example"})
    assert changed["id"] == subscriber("new@mail.example")
    assert changed["contact_id"] == made["contact_id"]
    assert [tag["name"] for tag in changed["tags"]] == ["VIP"]
    lists.delete_list_member(audience, changed["id"])
    assert lists.get_list_members_info(audience)["total_items"] == 0
    assert lists.get_list_members_info(audience, status="archived")["total_items"] == 1


def test_who_left_is_not_subscribed_again(mailchimp):
    lists, audience = mailchimp.client.lists, mailchimp.audience
    body = {"email_address": "bob@mail.example", "status": "subscribed"}
    bob = lists.add_list_member(audience, body)
    assert refused(lists.add_list_member, audience, body)["title"] == "Member Exists"
    lists.update_list_member(audience, bob["id"], {"status": "unsubscribed"})
    problem = refused(lists.update_list_member, audience, bob["id"], {"status": "subscribed"})
    assert problem["title"] == "Member In Compliance State"
    again = lists.set_list_member(audience, bob["id"], {"email_address": bob["email_address"], "status_if_new": "subscribed"})
    assert again["status"] == "unsubscribed"
    lists.delete_list_member_permanent(audience, bob["id"])
    assert refused(lists.add_list_member, audience, body)["title"] == "Forgotten Email Not Subscribed"


def test_many_at_once_have_outcomes_of_their_own(mailchimp):
    lists, audience = mailchimp.client.lists, mailchimp.audience
    members = [{"email_address": f"{name}@{domain}", "status": "subscribed"} for name, domain in [("a", "mail.example"), ("b", "example.com")]]
    answer = lists.batch_list_members(audience, {"members": members, "update_existing": True})
    assert (answer["total_created"], answer["error_count"]) == (1, 1)
    assert answer["errors"][0]["email_address"] == "b@example.com"


def test_merge_fields_are_checked(mailchimp):
    lists, audience = mailchimp.client.lists, mailchimp.audience
    lists.add_list_merge_field(audience, {"name": "Colour", "type": "dropdown", "tag": "COLOUR", "options": {"choices": ["Red"]}})
    body = {"email_address": "c@mail.example", "status": "subscribed", "merge_fields": {"COLOUR": "Blue", "ADDRESS": {"addr1": "1 Road"}}}
    problem = refused(lists.add_list_member, audience, body)
    assert sorted(error["field"] for error in problem["errors"]) == ["ADDRESS", "COLOUR"]


def test_a_withdrawn_key_is_refused(mailchimp):
    mailchimp.withdraw_consent()
    assert refused(mailchimp.client.lists.get_all_lists)["title"] == "API Key Invalid"
