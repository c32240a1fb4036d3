"""Limits as Zoho's own sync has them: the first run carries over 25,000 contacts at most, each later one 1,000 into Google.
With 30,000 in the CRM the rest follow in the next runs: each person once, and nothing that happens to them while they wait
gets lost."""

from collections import Counter

import pytest

from customer import did

PEOPLE, FIRST, LATER = 30_000, 25_000, 1_000


@pytest.fixture
def more_settings():
    """New customers get a plan with Zoho's limits."""
    return {"SYNCLINE__PLANS__DEFAULT": "standard"}


def people(app):
    """How often each person is in an app; of the invented ones some are only told apart by a number, or by nothing."""
    cards = map(app.card, app.contacts())
    return Counter(tuple(card.get(word) for word in ("first", "last", "email", "mobile")) for card in cards)


def waiting(run):
    """How many wait for a later run to get into the CRM, and into Google."""
    counters = run["counters"]
    return counters["b_to_a"]["waiting"], counters["a_to_b"]["waiting"]


def test_the_rest_follow_in_the_next_runs(customer, crm, book, quiet):
    limits = customer.get("/v1/plan")["records_per_run"]
    assert limits["into"]["google_contacts"] == {"first": FIRST, "later": LATER}
    # Nobody types in so many: the sandbox invents them. The last in line are a person's.
    crm.account.seed(PEOPLE - 3)
    for name in ("Ada", "Bea", "Cy"):
        crm.add(First_Name=name, Last_Name="Last", Email=f"{name.lower()}@x.example")
    zoho = customer.authorise("zoho_crm", crm.account)
    google = customer.authorise("google_contacts", book.account)

    connection, run = customer.connect({"account": zoho}, {"account": google})
    assert (did(run), waiting(run)) == ({"created": (FIRST, 0)}, (0, PEOPLE - FIRST))
    there = people(book)
    assert there.total() == FIRST
    assert not any(last == "Last" for _, last, _, _ in there)

    # Of those who wait one is edited and one is deleted; at Google somebody is added, whom nothing holds up.
    crm.edit("ada@x.example", Title="Patient")
    crm.delete("bea@x.example")
    book.add("Gil", "Green", "gil@x.example")
    left = PEOPLE - FIRST - 1
    run = customer.sync(connection)
    assert (did(run), waiting(run)) == ({"created": (LATER, 1)}, (0, left - LATER))
    assert crm.find("gil@x.example")["First_Name"] == "Gil"
    for left in range(left - 2 * LATER, 0, -LATER):
        run = customer.sync(connection)
        assert (did(run), waiting(run)) == ({"created": (LATER, 0)}, (0, left))
    run = customer.sync(connection)
    assert (did(run), waiting(run)) == ({"created": (left, 0)}, (0, 0))

    everybody = people(book)
    assert everybody == people(crm)
    assert everybody.total() == PEOPLE
    assert sorted(first for first, last, _, _ in everybody if last == "Last") == ["Ada", "Cy"]
    assert book.card(book.find("ada@x.example"))["title"] == "Patient"
    assert customer.problems(connection) == []
    quiet(connection, versions=False)
