"""A rule as PieSync has them. IF a contact in the CRM is owned by Olga AND its lead source is Chat or Cold Call AND it has
not opted out, THEN at Google a custom field is set and it is added to a group; undone for whoever stops matching."""

import pytest

from customer import did

OLGA = "olga@crm.example"
RULE = {
    "from": "a",
    "if": [
        {"field": "Owner.email", "is": OLGA},
        {"field": "Lead_Source", "in": ["Chat", "Cold Call"]},
        {"field": "Email_Opt_Out", "is": False},
    ],
    "then": [{"set": "userDefined.Campaign", "to": "Spring"}, {"add_to": "group:Leads"}],
    "reverse_on_exit": True,
}


@pytest.fixture
def olga(crm, book):
    """Ada, Bea and Fay match; each of the others fails one condition. Bea is at Google already, with a past of her own; Gil
    is only there. Gives Olga's id."""
    olga = crm.add_user("Olga", "Owner", OLGA)
    book.add_group("Leads")
    book.add_group("Garden")
    book.words["campaign"] = "Campaign"
    crm.add(First_Name="Ada", Last_Name="King", Email="ada@x.example", Owner=olga, Lead_Source="Chat")
    crm.add(First_Name="Bea", Last_Name="Potter", Email="bea@x.example", Owner=olga, Lead_Source="Cold Call")
    crm.add(First_Name="Fay", Last_Name="Wray", Email="fay@x.example", Owner=olga, Lead_Source="Chat")
    crm.add(First_Name="Cy", Last_Name="Young", Email="cy@x.example", Owner=olga, Lead_Source="Trade Show")
    crm.add(First_Name="Dan", Last_Name="Brown", Email="dan@x.example", Lead_Source="Chat")
    crm.add(First_Name="Eve", Last_Name="Adams", Email="eve@x.example", Owner=olga, Lead_Source="Chat", Email_Opt_Out=True)
    book.add("Bea", "Potter", "bea@x.example", group="Garden", userDefined=campaign("Winter"))
    book.add("Gil", "Green", "gil@x.example")
    return olga


@pytest.fixture
def connection(customer, olga, crm, book):
    zoho = customer.authorise("zoho_crm", crm.account)
    google = customer.authorise("google_contacts", book.account)
    connection, run = customer.connect({"account": zoho}, {"account": google}, rules=[RULE])
    assert did(run) == {"created": (2, 1), "updated": (1, 0), "linked": (1, 0)}
    return connection


def campaign(name):
    return [{"key": "Campaign", "value": name}]


def given(book, who):
    """What the rule is about: the custom field and the groups of a contact at Google."""
    return book.cards()[who].get("campaign"), book.groups(who)


def test_who_matches_gets_the_field_and_the_group(connection, customer, crm, book, quiet):
    assert book.cards().keys() == {"ada@x.example", "bea@x.example", "fay@x.example", "gil@x.example"}
    assert given(book, "ada@x.example") == ("Spring", ["Leads"])
    assert given(book, "bea@x.example") == ("Spring", ["Garden", "Leads"])
    assert given(book, "fay@x.example") == ("Spring", ["Leads"])
    # The way back has no rules: whoever is at Google comes into the CRM, and gets nothing by the other way's rule.
    assert given(book, "gil@x.example") == (None, [])
    assert crm.cards().keys() == {f"{one}@x.example" for one in "ada bea cy dan eve fay gil".split()}
    assert customer.problems(connection) == []
    quiet(connection)


@pytest.mark.parametrize("leave", ["owner", "lead source", "opt-out"])
def test_who_stops_matching_is_as_before_and_gets_it_again(connection, customer, olga, crm, book, quiet, leave):
    [other] = {one["Owner"].get_id() for one in crm.contacts() if one["Email"] == "dan@x.example"}
    out, back = {
        "owner": ({"Owner": other}, {"Owner": olga}),
        "lead source": ({"Lead_Source": "Trade Show"}, {"Lead_Source": "Cold Call"}),
        "opt-out": ({"Email_Opt_Out": True}, {"Email_Opt_Out": False}),
    }[leave]
    # Somebody changed at Google what the rule had set for Fay: that is hers now.
    book.edit("fay@x.example", userDefined=campaign("Her own"))
    customer.sync(connection)
    for who in ("ada", "bea", "fay"):
        crm.edit(f"{who}@x.example", **out, Title="Elsewhere")
    customer.sync(connection)
    assert given(book, "ada@x.example") == (None, [])
    assert given(book, "bea@x.example") == ("Winter", ["Garden"])
    assert given(book, "fay@x.example") == ("Her own", [])
    # They stay, and no longer follow.
    assert not any("title" in card for card in book.cards().values())
    quiet(connection)
    for who in ("ada", "bea"):
        crm.edit(f"{who}@x.example", **back)
    customer.sync(connection)
    assert given(book, "ada@x.example") == ("Spring", ["Leads"])
    assert given(book, "bea@x.example") == ("Spring", ["Garden", "Leads"])
    assert given(book, "fay@x.example") == ("Her own", [])
    assert {who for who, card in book.cards().items() if card.get("title") == "Elsewhere"} == {"ada@x.example", "bea@x.example"}
    quiet(connection)


def test_who_begins_to_match_comes_with_the_field_and_the_group(connection, customer, crm, book, quiet):
    crm.edit("cy@x.example", Lead_Source="Cold Call")
    crm.edit("eve@x.example", Email_Opt_Out=False)
    assert did(customer.sync(connection)) == {"created": (2, 0)}
    for who in ("cy@x.example", "eve@x.example"):
        assert given(book, who) == ("Spring", ["Leads"])
        assert book.cards()[who] == {**crm.cards()[who], "campaign": "Spring"}
    quiet(connection)
