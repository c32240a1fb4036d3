"""Contacts one by one and in batches, with Google's own client."""

import base64

from google_client import FIELDS, GoogleAccount, person, reason, refused

STALE = "Request person.etag is different than the current person.etag. Clear local cache and get the latest person."


def create(people, **body):
    return people.createContact(body=body or person("Ada", "Lovelace", "ada@engine.example"), personFields=FIELDS).execute()


def test_create_answers_the_whole_person(google):
    made = create(
        google.people(),
        names=[{"givenName": "Ada", "familyName": "Lovelace"}],
        emailAddresses=[{"value": "ada@engine.example", "type": "work"}, {"value": "ada@home.example", "type": "club"}],
        phoneNumbers=[{"value": "+44 20 7946 0018", "type": "mobile"}],
        organizations=[{"name": "Analytical Engines", "title": "Countess"}],
        addresses=[{"type": "home", "streetAddress": "12 St James's Square", "city": "London", "countryCode": "GB"}],
        birthdays=[{"date": {"year": 1815, "month": 12, "day": 10}}],
        biographies=[{"value": "First of all.", "contentType": "TEXT_PLAIN"}],
    )
    number = int(made["resourceName"].removeprefix("people/c"))
    [source] = made["metadata"]["sources"]
    assert (source["type"], source["id"]) == ("CONTACT", f"{number:x}")
    assert source["etag"].startswith("#") and made["etag"].startswith("%")
    assert made["metadata"]["objectType"] == "PERSON"

    [name] = made["names"]
    assert name["displayName"] == "Ada Lovelace"
    assert name["displayNameLastFirst"] == "Lovelace, Ada"
    assert name["metadata"] == {"primary": True, "source": {"type": "CONTACT", "id": source["id"]}}
    work, club = made["emailAddresses"]
    assert (work["formattedType"], club["formattedType"]) == ("Work", "club")
    assert "primary" not in club["metadata"]
    [phone] = made["phoneNumbers"]
    assert (phone["value"], phone["canonicalForm"]) == ("+44 20 7946 0018", "+442079460018")
    [address] = made["addresses"]
    assert address["formattedValue"].splitlines()[:2] == ["12 St James's Square", "London"]
    assert made["birthdays"][0]["date"] == {"year": 1815, "month": 12, "day": 10}
    [membership] = made["memberships"]
    assert membership["contactGroupMembership"] == {
        "contactGroupId": "myContacts",
        "contactGroupResourceName": "contactGroups/myContacts",
    }


def test_what_was_created_is_what_the_owner_sees(google):
    made = create(google.people())
    seen = google.contact(made["resourceName"].removeprefix("people/"))
    assert seen["neutral"]["given_name"] == "Ada"
    assert seen["neutral"]["emails"] == [{"label": "work", "value": "ada@engine.example"}]


def test_the_etag_embeds_the_source_etag_and_differs_by_mask(google):
    people = google.people()
    made = create(people)
    [source] = made["metadata"]["sources"]
    other = people.get(resourceName=made["resourceName"], personFields="names").execute()
    assert other["etag"] != made["etag"]
    for etag in (made["etag"], other["etag"]):
        assert source["etag"].removeprefix("#").encode() in base64.b64decode(etag.removeprefix("%"))


def test_update_replaces_the_masked_fields_and_clears_absent_ones(google):
    people = google.people()
    made = create(people, **person("Ada", "Lovelace", "ada@engine.example", phoneNumbers=[{"value": "+442079460018"}]))
    body = {"etag": made["etag"], "names": [{"givenName": "Ada", "familyName": "King"}]}
    people.updateContact(
        resourceName=made["resourceName"], updatePersonFields="names,phoneNumbers", personFields=FIELDS, body=body
    ).execute()
    read = people.get(resourceName=made["resourceName"], personFields=FIELDS).execute()
    assert read["names"][0]["displayName"] == "Ada King"
    assert "phoneNumbers" not in read
    assert read["emailAddresses"][0]["value"] == "ada@engine.example"


def test_a_stale_etag_is_a_failed_precondition(google):
    people = google.people()
    made = create(people)
    google.edit(made["resourceName"].removeprefix("people/"), {"names": [{"givenName": "Augusta"}]})
    body = {"etag": made["etag"], "names": [{"givenName": "Ada"}]}
    update = people.updateContact(resourceName=made["resourceName"], updatePersonFields="names", body=body)
    status, error = refused(update)
    assert (status, error["status"], error["message"]) == (400, "FAILED_PRECONDITION", STALE)
    read = people.get(resourceName=made["resourceName"], personFields="names").execute()
    assert read["names"][0]["displayName"] == "Augusta"


def test_the_etag_of_a_write_serves_the_next_one(google):
    people = google.people()
    current = create(people)
    for given in ("Augusta", "Byron", "Ada"):
        current = people.updateContact(
            resourceName=current["resourceName"],
            updatePersonFields="names",
            personFields="names,metadata",
            body={"etag": current["etag"], "names": [{"givenName": given}]},
        ).execute()
        assert current["names"][0]["givenName"] == given


def test_refusals_are_worded_as_google_words_them(google):
    people = google.people()
    name = create(people)["resourceName"]
    etag = people.get(resourceName=name, personFields="names").execute()["etag"]
    update = people.updateContact
    two = [{"givenName": "A"}, {"givenName": "B"}]
    for request, status, code, words in [
        (people.get(resourceName=name), 400, "INVALID_ARGUMENT", "personFields mask is required."),
        (people.get(resourceName=name, personFields="nose"), 400, "INVALID_ARGUMENT", 'Invalid personFields mask path: "nose".'),
        (
            update(resourceName=name, updatePersonFields="names", body={"names": two[:1]}),
            400, "INVALID_ARGUMENT", "Request must set person.etag or person.metadata.sources.etag for the source",
        ),
        (
            update(resourceName=name, updatePersonFields="names", body={"etag": etag, "names": two}),
            400, "INVALID_ARGUMENT", "Cannot have more than one person.names per source.",
        ),
        (people.get(resourceName="people/c1", personFields="names"), 404, "NOT_FOUND", "Requested entity was not found."),
        (people.deleteContact(resourceName="people/c1"), 404, "NOT_FOUND", "Requested entity was not found."),
    ]:  # fmt: skip
        got, error = refused(request)
        assert (got, error["status"]) == (status, code), words
        assert error["message"].startswith(words)


def test_delete(google):
    people = google.people()
    name = create(people)["resourceName"]
    assert people.deleteContact(resourceName=name).execute() == {}
    assert refused(people.get(resourceName=name, personFields="names"))[0] == 404


def test_partial_responses(google):
    people = google.people()
    name = create(people)["resourceName"]
    read = people.get(resourceName=name, personFields=FIELDS, fields="resourceName,names(givenName)").execute()
    assert read == {"resourceName": name, "names": [{"givenName": "Ada"}]}


def batch_create(people, count):
    contacts = [{"contactPerson": person(f"Given{n}", f"Family{n}", f"n{n}@many.example")} for n in range(count)]
    return people.batchCreateContacts(body={"contacts": contacts, "readMask": "names,emailAddresses,metadata"})


def test_batch_create_keeps_the_order(google):
    made = batch_create(google.people(), 200).execute()["createdPeople"]
    assert [one["person"]["emailAddresses"][0]["value"] for one in made] == [f"n{n}@many.example" for n in range(200)]
    assert len({one["person"]["resourceName"] for one in made}) == 200


def test_a_batch_is_bounded_and_all_or_nothing(google):
    people = google.people()
    assert refused(batch_create(people, 201))[0] == 400
    contacts = [{"contactPerson": person("Good", "One")}, {"contactPerson": {"names": [{"givenName": "A"}, {"givenName": "B"}]}}]
    assert refused(people.batchCreateContacts(body={"contacts": contacts, "readMask": "names"}))[0] == 400
    listed = people.connections().list(resourceName="people/me", personFields="names").execute()
    assert "connections" not in listed


def test_batch_get_of_so_many_that_the_client_overrides_the_method(google):
    people = google.people()
    made = batch_create(people, 200).execute()["createdPeople"]
    names = [one["person"]["resourceName"] for one in made]
    request = people.getBatchGet(resourceNames=names[:199] + ["people/c1"], personFields="names")
    assert len(request.uri) > 2048
    *found, missing = request.execute()["responses"]
    assert [one["requestedResourceName"] for one in found] == names[:199]
    assert found[7]["person"]["names"][0]["givenName"] == "Given7"
    assert (missing["requestedResourceName"], missing["httpStatusCode"]) == ("people/c1", 404)
    assert missing["status"]["code"] == 5 and "person" not in missing


def test_batch_update_and_batch_delete(google):
    people = google.people()
    made = [one["person"] for one in batch_create(people, 3).execute()["createdPeople"]]
    changes = {one["resourceName"]: {"etag": one["etag"], "names": [{"givenName": "New"}]} for one in made}
    body = {"contacts": changes, "updateMask": "names", "readMask": "names,emailAddresses"}
    result = people.batchUpdateContacts(body=body).execute()["updateResult"]
    assert result.keys() == changes.keys()
    for one in result.values():
        assert one["person"]["names"][0]["displayName"] == "New"
        assert one["person"]["emailAddresses"]
    status, error = refused(people.batchUpdateContacts(body=body))
    assert (status, error["status"]) == (400, "FAILED_PRECONDITION")

    names = [one["resourceName"] for one in made]
    assert people.batchDeleteContacts(body={"resourceNames": names[:2]}).execute() == {}
    left = people.connections().list(resourceName="people/me", personFields="names").execute()["connections"]
    assert [one["resourceName"] for one in left] == names[2:]


def test_multipart_batches_answer_each_part(google):
    service = google.service()
    people = service.people()
    names = [create(people, **person(given, "B"))["resourceName"] for given in ("One", "Two")]
    answers = {}

    def keep(request_id, response, error):
        answers[request_id] = response["names"][0]["givenName"] if error is None else error.status_code

    batch = service.new_batch_http_request(callback=keep)
    for name in [*names, "people/c1"]:
        batch.add(people.get(resourceName=name, personFields="names"), request_id=name)
    batch.execute()
    assert answers == {names[0]: "One", names[1]: "Two", "people/c1": 404}


def test_search_finds_prefixes_after_the_warm_up(google):
    people = google.people()
    create(people)
    search = people.searchContacts
    assert search(query="", readMask="names").execute() == {}
    for words, found in [("lov", ["Ada Lovelace"]), ("ada@en", ["Ada Lovelace"]), ("ovelace", [])]:
        results = search(query=words, readMask="names").execute().get("results", [])
        assert [one["person"]["names"][0]["displayName"] for one in results] == found


def test_other_contacts_are_listed_apart_and_copied(google):
    service = google.service()
    google.action("other-contact", names=[{"givenName": "Met", "familyName": "Once"}], emailAddresses=[{"value": "met@once.example"}])
    [other] = service.otherContacts().list(readMask="names,emailAddresses").execute()["otherContacts"]
    assert other["resourceName"].startswith("otherContacts/c")
    copied = service.otherContacts().copyOtherContactToMyContactsGroup(
        resourceName=other["resourceName"], body={"copyMask": "names,emailAddresses", "readMask": "names,emailAddresses"}
    ).execute()
    assert copied["resourceName"].startswith("people/c")
    assert copied["emailAddresses"][0]["value"] == "met@once.example"


def test_a_scope_that_is_missing_is_told_as_such(google):
    read_only = google.tokens("https://www.googleapis.com/auth/contacts.readonly")
    people = google.service(credentials=google.credentials(read_only)).people()
    assert "connections" not in people.connections().list(resourceName="people/me", personFields="names").execute()
    status, error = refused(people.createContact(body=person("No", "Way")))
    assert (status, error["status"], reason(error)) == (403, "PERMISSION_DENIED", "ACCESS_TOKEN_SCOPE_INSUFFICIENT")


def test_an_exhausted_quota_is_told_with_its_metric(google):
    google.knobs(critical_reads=1)
    read = google.people().connections().list(resourceName="people/me", personFields="names")
    read.execute()
    status, error = refused(read)
    assert (status, error["status"], reason(error)) == (429, "RESOURCE_EXHAUSTED", "RATE_LIMIT_EXCEEDED")
    assert error["details"][0]["metadata"]["quota_limit"] == "CriticalReadsPerMinutePerProjectPerUser"


def test_the_client_retries_what_is_worth_it(google):
    google.fault("GET /v1/people/me/connections", {"kind": "status", "status": 503})
    read = google.people().connections().list(resourceName="people/me", personFields="names")
    assert "connections" not in read.execute(num_retries=1)


def test_accounts_do_not_see_each_other(base, google):
    name = create(google.people())["resourceName"]
    assert refused(GoogleAccount(base).people().get(resourceName=name, personFields="names"))[0] == 404
