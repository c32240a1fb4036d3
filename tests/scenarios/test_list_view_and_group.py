"""Zoho's own contacts sync: the list view "EMEA" and the Google group "Zoho" are kept in step, both ways; where both
sides say something else, Zoho wins; fields are mapped by hand."""

import pytest

from customer import did

MAPPING = [
    {"a": "First_Name", "b": "names.givenName"},
    {"a": "Last_Name", "b": "names.familyName"},
    {"a": "Email", "b": "email.work"},
    {"a": "Title", "b": "organization.title"},
    {"a": "Mobile", "b": "phone.mobile"},
    {"a": "Date_of_Birth", "b": "birthday"},
    # Mapped besides: the company's own fields. The number is given out in the CRM.
    {"a": "Region", "b": "userDefined.Region"},
    {"a": "Customer_No", "b": "userDefined.Customer number", "flow": "a_to_b"},
]
# Deletions in the CRM are carried over; those at Google only leave a tag there.
DELETIONS = {"a_to_b": "delete", "b_to_a": "mark"}


def region(name, **more):
    """Custom fields, as Google keeps them: all in one list."""
    return [{"key": "Region", "value": name}, *({"key": key, "value": value} for key, value in more.items())]


def job(title):
    return [{"title": title}]


def mobile(number):
    return [{"value": number, "type": "mobile"}]


@pytest.fixture
def people(crm, book):
    """Both sides before anybody synced. Bea is known to both, and they disagree about her."""
    crm.add_field("Region", options=["EMEA", "APAC"])
    crm.add_field("Customer_No")
    crm.add_view("EMEA", "Region", "EMEA")
    crm.words.update(region="Region", customer="Customer_No")
    book.words.update(region="Region", customer="Customer number")
    book.add_group("Zoho")
    crm.add(First_Name="Ada", Last_Name="King", Email="ada@x.example", Region="EMEA", Customer_No="7", Date_of_Birth="1985-12-10")
    crm.add(First_Name="Bea", Last_Name="Potter", Email="bea@x.example", Region="EMEA", Title="Author")
    crm.add(First_Name="Cy", Last_Name="Young", Email="cy@x.example", Region="APAC")
    book.add("Bea", "Potter", "BEA@x.example", group="Zoho", organizations=job("Painter"), phoneNumbers=mobile("+44 20 7946 0001"))
    book.add("Dan", "Brown", "dan@x.example", group="Zoho", userDefined=region("EMEA"))
    book.add("Eve", "Adams", "eve@x.example", userDefined=region("EMEA"))


@pytest.fixture
def connection(customer, people, crm, book):
    zoho = customer.authorise("zoho_crm", crm.account)
    google = customer.authorise("google_contacts", book.account)
    connection, run = customer.connect(
        customer.collection(zoho, "EMEA"),
        customer.collection(google, "Zoho"),
        direction="two_way",
        conflict="a_wins",
        mapping=MAPPING,
        deletions=DELETIONS,
    )
    # Ada goes to Google and Dan to the CRM; Bea is found, not made again.
    assert did(run) == {"created": (1, 1), "updated": (1, 1), "linked": (1, 0)}
    return connection


def in_step(crm, book, who):
    """The view and the group hold these people and say the same of each."""
    assert crm.cards(view="EMEA").keys() == {f"{one}@x.example" for one in who.split()}
    assert book.cards(group="Zoho") == crm.cards(view="EMEA")


def test_the_first_sync_brings_the_view_and_the_group_together(connection, customer, crm, book, quiet):
    in_step(crm, book, "ada bea dan")
    # Zoho's title wins; the number that it had not is taken from Google.
    bea = {"first": "Bea", "last": "Potter", "email": "bea@x.example", "title": "Author", "mobile": "+44 20 7946 0001", "region": "EMEA"}
    assert book.cards()["bea@x.example"] == bea
    assert customer.conflicts(connection) == [("Title=organization.title", "Author", "Painter", "a")]
    # Who is in neither stays where he is.
    assert crm.cards().keys() == {"ada@x.example", "bea@x.example", "cy@x.example", "dan@x.example"}
    assert book.cards().keys() == {"ada@x.example", "bea@x.example", "dan@x.example", "eve@x.example"}
    assert customer.problems(connection) == []
    quiet(connection)


def test_edits_on_both_sides_meet_and_where_they_clash_zoho_wins(connection, customer, crm, book, quiet):
    # Different fields of one person, on either side: both arrive.
    crm.edit("ada@x.example", Title="Countess", Customer_No="8")
    book.edit("ada@x.example", phoneNumbers=mobile("+44 20 7946 0002"))
    # The same field on both sides, and one that only one side has changed.
    crm.edit("bea@x.example", Title="Farmer")
    book.edit("bea@x.example", organizations=job("Sculptor"), birthdays=[{"date": {"year": 1966, "month": 7, "day": 28}}])
    # What is mapped one way only does not come back.
    book.edit("dan@x.example", userDefined=region("EMEA", **{"Customer number": "made up"}))
    customer.sync(connection)
    ada, bea, dan = (crm.cards(view="EMEA")[f"{one}@x.example"] for one in ("ada", "bea", "dan"))
    assert (ada["title"], ada["customer"], ada["mobile"]) == ("Countess", "8", "+44 20 7946 0002")
    assert (bea["title"], bea["born"]) == ("Farmer", "1966-07-28")
    assert "customer" not in dan
    cards = book.cards(group="Zoho")
    assert cards.pop("dan@x.example") == {**dan, "customer": "made up"}
    assert cards == {"ada@x.example": ada, "bea@x.example": bea}
    assert ("Title=organization.title", "Farmer", "Sculptor", "a") in customer.conflicts(connection)
    quiet(connection)


def test_who_is_added_comes_and_who_leaves_stays_as_he_is(connection, customer, crm, book, quiet):
    crm.add(First_Name="Fay", Last_Name="Wray", Email="fay@x.example", Region="EMEA", Title="Actor")
    book.add("Gus", "Grand", "gus@x.example", group="Zoho", userDefined=region("EMEA"))
    crm.edit("cy@x.example", Region="EMEA")
    book.edit("eve@x.example", userDefined=region("EMEA"), organizations=job("Outsider"))
    book.join("Zoho", "eve@x.example")
    assert did(customer.sync(connection)) == {"created": (2, 2)}
    in_step(crm, book, "ada bea cy dan eve fay gus")
    quiet(connection)
    # Out of the view, out of the group: what either side then says of them is their own.
    crm.edit("ada@x.example", Region="APAC", Title="Gone")
    book.leave("Zoho", "gus@x.example")
    book.edit("gus@x.example", organizations=job("Gone"))
    quiet(connection)
    assert "title" not in book.cards()["ada@x.example"]
    assert "title" not in crm.cards()["gus@x.example"]
    # And back.
    crm.edit("ada@x.example", Region="EMEA")
    book.join("Zoho", "gus@x.example")
    customer.sync(connection)
    in_step(crm, book, "ada bea cy dan eve fay gus")
    assert [cards()["gus@x.example"]["title"] for cards in (crm.cards, book.cards)] == ["Gone", "Gone"]
    quiet(connection)


def test_deletions_are_carried_over_or_marked(connection, customer, crm, book, quiet):
    crm.delete("ada@x.example")
    book.delete("dan@x.example")
    assert did(customer.sync(connection)) == {"deleted": (1, 1)}
    assert book.cards().keys() == {"bea@x.example", "eve@x.example"}
    assert crm.cards().keys() == {"bea@x.example", "cy@x.example", "dan@x.example"}
    assert crm.find("dan@x.example")["Tag"] == ["Syncline Trash"]
    quiet(connection)
    # Whoever is deleted comes back only if somebody makes him anew.
    book.add("Ada", "King", "ada@x.example", group="Zoho", userDefined=region("EMEA"))
    assert did(customer.sync(connection)) == {"created": (0, 1)}
    assert crm.cards(view="EMEA")["ada@x.example"] == book.cards(group="Zoho")["ada@x.example"]
    quiet(connection)
