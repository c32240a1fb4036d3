"""Contacts with HubSpot's own client: single calls, batches, searches, properties."""

import json

import pytest
from hubspot.crm.contacts import (
    BatchInputSimplePublicObjectBatchInput,
    BatchInputSimplePublicObjectBatchInputForCreate,
    BatchInputSimplePublicObjectBatchInputUpsert,
    BatchInputSimplePublicObjectId,
    BatchReadInputSimplePublicObjectId,
    Filter,
    FilterGroup,
    PublicObjectSearchRequest,
    SimplePublicObjectInput,
    SimplePublicObjectInputForCreate,
)
from hubspot.crm.contacts.exceptions import ApiException
from hubspot.crm.properties import PropertyCreate


def created(api, **properties):
    made = api.basic_api.create(SimplePublicObjectInputForCreate(properties=properties, associations=[]))
    return made.id


def refused(call, *args, **kwargs):
    """The status and the body of a call that must be refused."""
    with pytest.raises(ApiException) as caught:
        call(*args, **kwargs)
    return caught.value.status, json.loads(caught.value.body)


def ids(*of):
    return [{"id": one} for one in of]


def test_create_read_update_archive(hubspot):
    api = hubspot.contacts()
    made = created(api, email="Ann@X.example", firstname="Ann", city="Köln")
    read = api.basic_api.get_by_id(made, properties=["email", "city", "company"])
    assert read.properties["email"] == "ann@x.example"
    assert (read.properties["city"], read.properties["company"]) == ("Köln", None)
    assert read.archived is False and read.created_at == read.updated_at
    by_email = api.basic_api.get_by_id("ann@x.example", id_property="email")
    assert by_email.id == made
    api.basic_api.update(made, SimplePublicObjectInput(properties={"city": "", "company": "Acme"}))
    read = api.basic_api.get_by_id(made, properties=["city", "company"])
    assert (read.properties["city"], read.properties["company"]) == (None, "Acme")
    assert read.updated_at > read.created_at
    api.basic_api.archive(made)
    assert refused(api.basic_api.get_by_id, made)[0] == 404
    [gone] = api.basic_api.get_page(archived=True).results
    assert (gone.id, gone.archived) == (made, True) and gone.archived_at is not None


def test_pages(hubspot):
    hubspot.seed(23)
    api = hubspot.contacts()
    first = api.basic_api.get_page(limit=10)
    assert len(first.results) == 10
    second = api.basic_api.get_page(limit=10, after=first.paging.next.after)
    third = api.basic_api.get_page(limit=10, after=second.paging.next.after)
    assert len(third.results) == 3 and third.paging is None
    assert len({one.id for one in first.results + second.results + third.results}) == 23
    assert len(hubspot.client().crm.contacts.get_all()) == 23
    assert refused(api.basic_api.get_page, limit=101)[0] == 400


def test_a_taken_address(hubspot):
    api = hubspot.contacts()
    made = created(api, email="ann@x.example")
    status, body = refused(created, api, email="ANN@x.example")
    assert (status, body["category"]) == (409, "CONFLICT")
    assert body["message"] == f"Contact already exists. Existing ID: {made}"


def test_values_that_are_no_good(hubspot):
    api = hubspot.contacts()
    for properties, code in [
        ({"email": "nobody"}, "INVALID_EMAIL"),
        ({"lifecyclestage": "unheard of"}, "INVALID_OPTION"),
        ({"hs_object_id": "7"}, "READ_ONLY_VALUE"),
        ({"nobody_has": "this"}, "PROPERTY_DOESNT_EXIST"),
    ]:
        status, body = refused(created, api, **properties)
        assert (status, body["category"]) == (400, "VALIDATION_ERROR")
        assert [error["code"] for error in body["errors"]] == [code]


def test_batches_with_an_outcome_for_each(hubspot):
    api = hubspot.contacts()
    ann, bob = created(api, lastname="Ann"), created(api, lastname="Bob")
    api.basic_api.archive(bob)
    answer = api.batch_api.update(
        BatchInputSimplePublicObjectBatchInput(
            inputs=[
                {"id": ann, "properties": {"city": "Bergen"}, "objectWriteTraceId": "a"},
                {"id": bob, "properties": {"city": "Oslo"}, "objectWriteTraceId": "b"},
            ]
        )
    )
    assert [one.id for one in answer.results] == [ann]
    assert answer.num_errors == 1
    assert answer.errors[0].context == {"objectWriteTraceId": ["b"]}
    assert answer.errors[0].category == "OBJECT_NOT_FOUND"
    read = api.batch_api.read(
        BatchReadInputSimplePublicObjectId(inputs=ids(ann, bob), properties=["city"], properties_with_history=[])
    )
    assert [one.properties["city"] for one in read.results] == ["Bergen"]
    api.batch_api.archive(BatchInputSimplePublicObjectId(inputs=ids(ann)))
    assert api.basic_api.get_page().results == []


def test_without_traces_one_bad_input_fails_them_all(hubspot):
    api = hubspot.contacts()
    inputs = [
        {"properties": {"lastname": "Good"}, "associations": []},
        {"properties": {"email": "bad"}, "associations": []},
    ]
    batch = BatchInputSimplePublicObjectBatchInputForCreate(inputs=inputs)
    assert refused(api.batch_api.create, batch)[0] == 400
    assert api.basic_api.get_page().results == []


def test_upsert_by_a_unique_property(hubspot):
    client = hubspot.client()
    client.crm.properties.core_api.create(
        "contacts",
        PropertyCreate(
            name="app_id", label="App id", type="string", field_type="text", group_name="contactinformation",
            has_unique_value=True,
        ),
    )  # fmt: skip
    api = client.crm.contacts

    def upsert(**properties):
        inputs = [{"idProperty": "app_id", "id": "t1", "properties": properties}]
        [result] = api.batch_api.upsert(BatchInputSimplePublicObjectBatchInputUpsert(inputs=inputs)).results
        return result

    first, second = upsert(lastname="Ann", city="Bergen"), upsert(city="Oslo")
    assert (first.new, second.new, first.id == second.id) == (True, False, True)
    read = api.basic_api.get_by_id(first.id, properties=["lastname", "city"])
    assert (read.properties["lastname"], read.properties["city"]) == ("Ann", "Oslo")


def search(api, *filters, **more):
    groups = [FilterGroup(filters=[Filter(**one) for one in filters])] if filters else []
    return api.search_api.do_search(PublicObjectSearchRequest(filter_groups=groups, **more))


def test_search(hubspot):
    api = hubspot.contacts()
    made = [created(api, lastname=f"P{n}", city="Bergen" if n % 2 else "Oslo") for n in range(6)]
    found = search(
        api,
        {"property_name": "city", "operator": "EQ", "value": "bergen"},
        {"property_name": "hs_object_id", "operator": "GT", "value": made[1]},
        sorts=[{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
        properties=["city"],
    )
    assert (found.total, [one.id for one in found.results]) == (2, [made[3], made[5]])
    first = search(api, limit=4)
    assert (first.total, len(first.results), first.paging.next.after) == (6, 4, "4")
    assert len(search(api, limit=4, after="4").results) == 2
    assert refused(search, api, after="10000")[0] == 400
    assert refused(search, api, limit=201)[0] == 400


def test_a_search_lags_behind(hubspot):
    api = hubspot.contacts()
    hubspot.knobs(index_lag_ms=60_000)
    made = created(api, lastname="Ann")
    assert search(api).total == 0
    assert api.basic_api.get_by_id(made, properties=["lastname"]).properties["lastname"] == "Ann"
    hubspot.knobs(index_lag_ms=0)
    assert [one.id for one in search(api).results] == [made]


def test_too_many_calls(hubspot):
    api = hubspot.contacts()
    hubspot.knobs(searches_per_second=0, calls_per_ten_seconds=0)
    status, body = refused(api.basic_api.get_page)
    assert (status, body["policyName"]) == (429, "TEN_SECONDLY_ROLLING")
    status, body = refused(search, api)
    assert (status, body["policyName"]) == (429, "SECONDLY")


def test_properties(hubspot):
    all_of_them = {one.name: one for one in hubspot.client().crm.properties.core_api.get_all("contacts").results}
    assert all_of_them["email"].has_unique_value
    assert all_of_them["lastmodifieddate"].modification_metadata.read_only_value
    assert [one.value for one in all_of_them["hs_lead_status"].options][:2] == ["NEW", "OPEN"]
