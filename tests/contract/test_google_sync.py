"""Listings, pages and sync tokens, with Google's own client."""

import pytest

from google_client import person, reason, refused

MASK = "names,emailAddresses,memberships,metadata"
EXPIRED = "Sync token is expired. Clear local cache and retry call without the sync token."


def listing(people, **params):
    """All people over all pages, and the sync token of the last one."""
    found, tokens = [], []
    request = people.connections().list(
        resourceName="people/me", personFields=MASK, sources=["READ_SOURCE_TYPE_CONTACT"], requestSyncToken=True, **params
    )
    while request is not None:
        page = request.execute()
        found += page.get("connections", [])
        tokens.append(page.get("nextSyncToken"))
        request = people.connections().list_next(request, page)
    assert tokens[:-1] == [None] * (len(tokens) - 1), "only the last page has a sync token"
    return found, tokens[-1]


def test_pages_cover_everyone_once(google):
    google.seed(250)
    people = google.people()
    found, token = listing(people, pageSize=100)
    assert token
    assert len({one["resourceName"] for one in found}) == len(found) == 250
    first = people.connections().list(resourceName="people/me", personFields="names", pageSize=100).execute()
    assert (first["totalItems"], len(first["connections"])) == (250, 100)
    assert "nextSyncToken" not in first


@pytest.mark.parametrize("order", ["FIRST_NAME_ASCENDING", "LAST_NAME_ASCENDING"])
def test_orders(google, order):
    people = google.people()
    for given, family in [("Cy", "Abel"), ("Abe", "Carr"), ("Bo", "Bell")]:
        people.createContact(body=person(given, family)).execute()
    found, _ = listing(people, sortOrder=order)
    names = [one["names"][0] for one in found]
    key = "givenName" if order.startswith("FIRST") else "familyName"
    assert [name[key] for name in names] == sorted(name[key] for name in names)


def test_a_delta_holds_what_was_added_edited_and_deleted(google):
    google.seed(20)
    people = google.people()
    before, token = listing(people)
    edited, deleted = before[3]["resourceName"], before[5]["resourceName"]
    google.edit(edited.removeprefix("people/"), {"names": [{"givenName": "Edited"}]})
    google.delete(deleted.removeprefix("people/"))
    added = people.createContact(body=person("Added", "One")).execute()["resourceName"]

    delta, token = listing(people, syncToken=token)
    delta = {one["resourceName"]: one for one in delta}
    assert delta.keys() == {edited, deleted, added}
    assert delta[edited]["names"][0]["givenName"] == "Edited"
    assert delta[added]["memberships"]
    stub = delta[deleted]
    assert stub["metadata"]["deleted"] is True and "names" not in stub
    assert stub["metadata"]["sources"][0]["id"] == f"{int(deleted.removeprefix('people/c')):x}"

    assert listing(people, syncToken=token)[0] == []


def test_a_page_token_continues_a_delta(google):
    people = google.people()
    _, token = listing(people)
    google.seed(25)
    found, _ = listing(people, syncToken=token, pageSize=10)
    assert len({one["resourceName"] for one in found}) == 25


def test_an_expired_sync_token_is_told_by_reason(google):
    people = google.people()
    _, token = listing(people)
    google.expire_sync_tokens()
    request = people.connections().list(
        resourceName="people/me", personFields=MASK, sources=["READ_SOURCE_TYPE_CONTACT"], requestSyncToken=True, syncToken=token
    )
    status, error = refused(request)
    assert (status, error["message"], error["status"]) == (400, EXPIRED, "FAILED_PRECONDITION")
    assert reason(error) == "EXPIRED_SYNC_TOKEN"
    assert error["details"][0]["domain"] == "people.googleapis.com"


def test_a_sync_token_is_bound_to_its_parameters(google):
    people = google.people()
    _, token = listing(people)
    request = people.connections().list(resourceName="people/me", personFields="names", requestSyncToken=True, syncToken=token)
    status, error = refused(request)
    assert (status, error["status"]) == (400, "INVALID_ARGUMENT")


def test_a_membership_is_a_change_of_the_person(google):
    service = google.service()
    people = service.people()
    name = people.createContact(body=person("Ada", "Lovelace")).execute()["resourceName"]
    _, token = listing(people)
    group = service.contactGroups().create(body={"contactGroup": {"name": "Sales"}}).execute()["resourceName"]
    service.contactGroups().members().modify(resourceName=group, body={"resourceNamesToAdd": [name]}).execute()
    [changed], _ = listing(people, syncToken=token)
    groups = {one["contactGroupMembership"]["contactGroupResourceName"] for one in changed["memberships"]}
    assert (changed["resourceName"], groups) == (name, {group, "contactGroups/myContacts"})
