//! The three-way merge of one field.
//!
//! A side has *changed* when its value is neither what was seen there nor the target. One shared base instead of
//! `seen` per side and `target` loses updates when a merge is half applied (docs/adr/0002).

use syncline_model::{Blank, Cardinality, ConflictPolicy, Side, Sides, Value};

use crate::{Entry, equal, is_blank, normal};

/// What is known of one field of a link.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    /// The value on each side now.
    pub now: Sides<&'a Value>,
    /// The value last observed on each side; `None` before first contact.
    pub seen: Sides<Option<&'a Value>>,
    /// What both sides are meant to reach; `None` before first contact.
    pub target: Option<&'a Value>,
    /// How each provider wrote the target down, where it would not keep it as sent.
    pub rendered: Sides<Option<&'a Value>>,
    /// A person's answer to a conflict.
    pub resolution: Option<Side>,
    /// The side changed last, beyond doubt, as the providers say.
    pub most_recent: Option<Side>,
}

/// What becomes of the field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merged {
    /// The new target.
    pub target: Value,
    /// Whether each side is to be written.
    pub write: Sides<bool>,
    /// Whether each side's value is to be remembered as seen.
    pub look: Sides<bool>,
    /// Both sides changed, differently.
    pub conflict: Option<Clash>,
}

/// A conflict in one field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clash {
    /// Who won; nobody when a person is to be asked.
    pub winner: Option<Side>,
}

/// Merges one field.
pub fn merge(entry: &Entry, facts: &Facts<'_>) -> Merged {
    let Some(target) = facts.target else {
        return first_contact(entry, facts);
    };
    if entry.cardinality == Cardinality::Many {
        return merge_sets(entry, facts, target);
    }
    let changed = Sides::of(|side| has_changed(entry, facts, side, target));
    let sources = Sides::of(|side| *changed.get(side) && *entry.from.get(side));
    let (new, conflict) = match (sources.a, sources.b) {
        (false, false) => (target.clone(), None),
        (true, false) => (
            facts.now.a.clone(),
            overruled(entry, facts, &changed, Side::A),
        ),
        (false, true) => (
            facts.now.b.clone(),
            overruled(entry, facts, &changed, Side::B),
        ),
        (true, true) if same(entry, facts.now.a, facts.now.b) => (facts.now.a.clone(), None),
        (true, true) => match settle_conflict(entry, facts) {
            Some(winner) => (
                (*facts.now.get(winner)).clone(),
                Some(Clash {
                    winner: Some(winner),
                }),
            ),
            None => return ask(target),
        },
    };
    finish(entry, facts, new, target, &changed, conflict)
}

/// In a one-way field the receiving side's own edit gives way to the source's; the loser is named all the same.
fn overruled(
    entry: &Entry,
    facts: &Facts<'_>,
    changed: &Sides<bool>,
    winner: Side,
) -> Option<Clash> {
    let loses = *changed.get(winner.other()) && !same(entry, facts.now.a, facts.now.b);
    loses.then_some(Clash {
        winner: Some(winner),
    })
}

fn ask(target: &Value) -> Merged {
    Merged {
        target: target.clone(),
        write: Sides::default(),
        look: Sides::default(),
        conflict: Some(Clash { winner: None }),
    }
}

fn first_contact(entry: &Entry, facts: &Facts<'_>) -> Merged {
    if entry.cardinality == Cardinality::Many {
        return merge_sets(entry, facts, &Value::Empty);
    }
    let blank = Sides::of(|side| is_blank(entry.kind, facts.now.get(side)));
    let take = |side: Side| (*facts.now.get(side)).clone();
    let (new, conflict) = if same(entry, facts.now.a, facts.now.b) {
        (take(Side::A), None)
    } else if blank.a || !entry.from.a {
        // A one-way field: the source says what is meant, unless it says nothing.
        let source = if blank.b { Side::A } else { Side::B };
        let loses = !blank.a && !blank.b;
        (
            take(source),
            loses.then_some(Clash {
                winner: Some(source),
            }),
        )
    } else if blank.b || !entry.from.b {
        let loses = !blank.b;
        (
            take(Side::A),
            loses.then_some(Clash {
                winner: Some(Side::A),
            }),
        )
    } else {
        match settle_conflict(entry, facts) {
            Some(winner) => (
                take(winner),
                Some(Clash {
                    winner: Some(winner),
                }),
            ),
            None => return ask(&Value::Empty),
        }
    };
    let none = Value::Empty;
    finish(
        entry,
        facts,
        new,
        &none,
        &Sides { a: true, b: true },
        conflict,
    )
}

/// Who wins, or nobody when a person is to be asked.
fn settle_conflict(entry: &Entry, facts: &Facts<'_>) -> Option<Side> {
    facts.resolution.or(match entry.winner {
        ConflictPolicy::AWins => Some(Side::A),
        ConflictPolicy::BWins => Some(Side::B),
        ConflictPolicy::MostRecent => Some(facts.most_recent.unwrap_or(Side::A)),
        ConflictPolicy::Ask => None,
    })
}

fn has_changed(entry: &Entry, facts: &Facts<'_>, side: Side, target: &Value) -> bool {
    let now = facts.now.get(side);
    let known = [
        *facts.seen.get(side),
        Some(target),
        *facts.rendered.get(side),
    ];
    if known
        .into_iter()
        .flatten()
        .any(|value| same(entry, now, value))
    {
        return false;
    }
    let cleared = is_blank(entry.kind, now) && !is_blank(entry.kind, target);
    !(cleared && entry.blank == Blank::Keep)
}

fn same(entry: &Entry, left: &Value, right: &Value) -> bool {
    equal(entry.kind, entry.cardinality, left, right)
}

/// Which sides must be written to reach the target.
fn finish(
    entry: &Entry,
    facts: &Facts<'_>,
    new: Value,
    old: &Value,
    changed: &Sides<bool>,
    conflict: Option<Clash>,
) -> Merged {
    let moved = !same(entry, &new, old);
    let write = Sides::of(|side| {
        let source = side.other();
        if !*entry.from.get(source) || same(entry, facts.now.get(side), &new) {
            return false;
        }
        let blank = is_blank(entry.kind, &new);
        if blank && (entry.holds.get(side).required || entry.blank == Blank::Keep) {
            return false;
        }
        // The provider's own way of writing this very target down.
        let kept = facts
            .rendered
            .get(side)
            .is_some_and(|r| same(entry, facts.now.get(side), r));
        if kept && !moved {
            return false;
        }
        // A side that only receives keeps its own edit until the source changes again.
        let only_receives = !*entry.from.get(side);
        !(only_receives && *changed.get(side) && !moved && facts.target.is_some())
    });
    let look = Sides::of(|side| {
        // What a side that only receives says for itself is not taken note of, so that it still counts as its own
        // edit. Everything else is, even where it is about to be overwritten: a value that was overruled must not
        // look like a new edit if the write fails.
        let own = !*entry.from.get(side) && *changed.get(side) && facts.target.is_some();
        !own || *write.get(side)
    });
    Merged {
        target: new,
        write,
        look,
        conflict,
    }
}

/// Sets merge item by item: what either side added is in, what either side took away is out. No conflicts.
fn merge_sets(entry: &Entry, facts: &Facts<'_>, target: &Value) -> Merged {
    let items = |value: &Value| match normal(entry.kind, Cardinality::Many, value) {
        Value::List(items) => items,
        _ => Vec::new(),
    };
    let base = items(target);
    let mut added = Vec::new();
    let mut removed = Vec::new();
    for side in Side::BOTH {
        if !*entry.from.get(side) {
            continue;
        }
        let now = items(facts.now.get(side));
        let seen = facts.seen.get(side).map(&items).unwrap_or_default();
        let kept_blank = now.is_empty() && entry.blank == Blank::Keep;
        added.extend(
            now.iter()
                .filter(|item| !base.contains(item) && !seen.contains(item))
                .cloned(),
        );
        if !kept_blank {
            // Gone from this side, which had it: taken away.
            removed.extend(seen.iter().filter(|item| !now.contains(item)).cloned());
        }
    }
    let keep = |item: &Value| !removed.contains(&crate::normal(entry.kind, Cardinality::One, item));
    let mut new: Vec<Value> = Vec::new();
    let originals = [target, facts.now.a, facts.now.b];
    for value in originals {
        let list: &[Value] = match value {
            Value::List(list) => list,
            Value::Empty => &[],
            one => std::slice::from_ref(one),
        };
        for item in list {
            let form = crate::normal(entry.kind, Cardinality::One, item);
            let wanted = (base.contains(&form) || added.contains(&form)) && keep(item);
            let there = new
                .iter()
                .any(|other| equal(entry.kind, Cardinality::One, other, item));
            if wanted && !there {
                new.push(item.clone());
            }
        }
    }
    let new = if new.is_empty() {
        Value::Empty
    } else {
        Value::List(new)
    };
    finish(
        entry,
        facts,
        new,
        target,
        &Sides { a: false, b: false },
        None,
    )
}
