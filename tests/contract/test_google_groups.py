"""Contact groups and their members, with Google's own client."""

from google_client import person, refused


def group(groups, name):
    return groups.create(body={"contactGroup": {"name": name}}).execute()


def test_create_rename_and_read(google):
    groups = google.groups()
    made = group(groups, "Sales")
    assert (made["name"], made["formattedName"], made["groupType"]) == ("Sales", "Sales", "USER_CONTACT_GROUP")
    assert "memberCount" not in made
    body = {"contactGroup": {"name": "Sales EMEA", "etag": made["etag"]}}
    renamed = groups.update(resourceName=made["resourceName"], body=body).execute()
    assert renamed["name"] == "Sales EMEA"
    read = groups.get(resourceName=made["resourceName"]).execute()
    assert read["name"] == "Sales EMEA" and read["metadata"]["updateTime"]


def test_a_name_is_taken_once(google):
    groups = google.groups()
    group(groups, "Sales")
    status, error = refused(groups.create(body={"contactGroup": {"name": "Sales"}}))
    assert (status, error["status"]) == (409, "ALREADY_EXISTS")


def test_system_groups_are_listed_with_the_own_ones(google):
    groups = google.groups()
    group(groups, "Sales")
    page = groups.list(pageSize=100).execute()
    listed = {one["resourceName"]: one for one in page["contactGroups"]}
    mine = listed["contactGroups/myContacts"]
    assert (mine["name"], mine["formattedName"], mine["groupType"]) == ("myContacts", "My Contacts", "SYSTEM_CONTACT_GROUP")
    assert [one["name"] for one in listed.values() if one["groupType"] == "USER_CONTACT_GROUP"] == ["Sales"]
    assert page["totalItems"] == len(listed)


def test_members_come_and_go(google):
    service = google.service()
    groups, people = service.contactGroups(), service.people()
    names = [people.createContact(body=person(f"P{n}", "Q")).execute()["resourceName"] for n in range(3)]
    sales = group(groups, "Sales")["resourceName"]
    modify = groups.members().modify
    assert modify(resourceName=sales, body={"resourceNamesToAdd": names}).execute() == {}
    read = groups.get(resourceName=sales, maxMembers=10).execute()
    assert (read["memberCount"], set(read["memberResourceNames"])) == (3, set(names))

    assert modify(resourceName=sales, body={"resourceNamesToRemove": names[:1]}).execute() == {}
    read = groups.get(resourceName=sales, maxMembers=10).execute()
    assert set(read["memberResourceNames"]) == set(names[1:])


def test_names_that_fail_are_listed_and_the_rest_is_done(google):
    service = google.service()
    groups, people = service.contactGroups(), service.people()
    name = people.createContact(body=person("P", "Q")).execute()["resourceName"]
    sales = group(groups, "Sales")["resourceName"]
    body = {"resourceNamesToAdd": ["people/c1", name]}
    assert groups.members().modify(resourceName=sales, body=body).execute() == {"notFoundResourceNames": ["people/c1"]}
    assert groups.get(resourceName=sales, maxMembers=9).execute()["memberResourceNames"] == [name]


def test_an_update_replaces_the_memberships(google):
    service = google.service()
    groups, people = service.contactGroups(), service.people()
    made = people.createContact(body=person("P", "Q")).execute()
    sales, vip = (group(groups, name)["resourceName"] for name in ("Sales", "VIP"))
    mask = {"resourceName": made["resourceName"], "updatePersonFields": "memberships"}
    for wanted in ([sales, vip, "contactGroups/myContacts"], [vip, "contactGroups/myContacts"]):
        memberships = [{"contactGroupMembership": {"contactGroupResourceName": name}} for name in wanted]
        body = {"etag": made["etag"], "metadata": made["metadata"], "memberships": memberships}
        made = people.updateContact(body=body, **mask).execute()
        got = {one["contactGroupMembership"]["contactGroupResourceName"] for one in made["memberships"]}
        assert got == set(wanted)
    nobody = {"etag": made["etag"], "metadata": made["metadata"]}
    assert refused(people.updateContact(body=nobody, **mask))[0] == 400


def test_the_last_membership_stays(google):
    service = google.service()
    groups, people = service.contactGroups(), service.people()
    name = people.createContact(body=person("P", "Q")).execute()["resourceName"]
    body = {"resourceNamesToRemove": [name]}
    answer = groups.members().modify(resourceName="contactGroups/myContacts", body=body).execute()
    assert answer == {"canNotRemoveLastContactGroupResourceNames": [name]}
    read = people.get(resourceName=name, personFields="memberships").execute()
    assert len(read["memberships"]) == 1


def test_deleting_a_group_keeps_its_contacts_unless_asked(google):
    service = google.service()
    groups, people = service.contactGroups(), service.people()
    names = [people.createContact(body=person(f"P{n}", "Q")).execute()["resourceName"] for n in range(2)]
    for name, with_contacts, left in [(names[0], False, 200), (names[1], True, 404)]:
        made = group(groups, "Short-lived")["resourceName"]
        groups.members().modify(resourceName=made, body={"resourceNamesToAdd": [name]}).execute()
        assert groups.delete(resourceName=made, deleteContacts=with_contacts).execute() == {}
        assert refused(groups.get(resourceName=made))[0] == 404
        request = people.get(resourceName=name, personFields="memberships")
        if left == 404:
            assert refused(request)[0] == 404
        else:
            assert len(request.execute()["memberships"]) == 1


def test_groups_have_sync_tokens_and_tombstones(google):
    groups = google.groups()
    kept, gone = group(groups, "Kept"), group(groups, "Gone")
    token = groups.list(pageSize=1000).execute()["nextSyncToken"]
    groups.delete(resourceName=gone["resourceName"]).execute()
    body = {"contactGroup": {"name": "Kept on", "etag": kept["etag"]}}
    groups.update(resourceName=kept["resourceName"], body=body).execute()
    delta = {one["resourceName"]: one for one in groups.list(pageSize=1000, syncToken=token).execute()["contactGroups"]}
    assert delta.keys() == {kept["resourceName"], gone["resourceName"]}
    assert delta[kept["resourceName"]]["name"] == "Kept on"
    assert delta[gone["resourceName"]]["metadata"]["deleted"] is True


def test_batch_get_answers_each_name(google):
    groups = google.groups()
    name = group(groups, "Sales")["resourceName"]
    found, missing = groups.batchGet(resourceNames=[name, "contactGroups/none"]).execute()["responses"]
    assert (found["requestedResourceName"], found["contactGroup"]["name"]) == (name, "Sales")
    assert missing["status"]["code"] == 5 and "contactGroup" not in missing
