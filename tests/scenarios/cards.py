"""A contact on a card: what both apps say of a person, in the same words. What a person leaves blank is not on it."""


def by_person(place, cards):
    """Cards by e-mail address, or by name where there is none. Whoever is there more than once is a duplicate."""
    people = {}
    for card in cards:
        people.setdefault(card.get("email") or f"{card.get('first', '')} {card.get('last', '')}".strip(), []).append(card)
    twice = {who: found for who, found in people.items() if len(found) > 1}
    assert not twice, f"more than once in {place}: {twice}"
    return {who: card for who, [card] in people.items()}


def filled(**words):
    return {word: value for word, value in words.items() if value not in (None, "", [])}
