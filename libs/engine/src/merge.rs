//! The three-way merge of one field.
//!
//! A side has *changed* when its value is neither what was seen there nor the target. One shared base instead of
//! `seen` per side and `target` loses updates when a merge is half applied (docs/adr/0002).

use syncline_model::seeded::{Bug, seeded};
use syncline_model::{Blank, Cardinality, ConflictPolicy, Kind, Side, Sides, Value};

use crate::{Entry, equal, is_blank, normal, origin::Origin};

/// What is known of one field of a link.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    /// The value on each side now.
    pub now: Sides<&'a Value>,
    /// The value last observed on each side; `None` before first contact.
    pub seen: Sides<Option<&'a Value>>,
    /// What both sides are meant to reach; `None` before first contact.
    pub target: Option<&'a Value>,
    /// What each side says in the target's place and is left at: the provider's own way of writing it down, or the
    /// own edit of a side that only receives.
    pub rendered: Sides<Option<&'a Value>>,
    /// Whether the target had reached each side before the field was cleared there.
    pub cleared: Sides<bool>,
    /// Whether a person was shown both values and asked.
    pub asked: bool,
    /// Who wins a conflict, whatever the policy: a person's answer.
    pub resolution: Option<Side>,
    /// The side changed last, beyond doubt, as the providers say.
    pub most_recent: Option<Side>,
    /// How the values came to stand there, where other connections could have brought them.
    pub origins: Option<Origins>,
}

/// How the values of a field came to stand in its two records.
#[derive(Clone, Debug)]
pub struct Origins {
    /// On each side.
    pub now: Sides<Origin>,
    /// When the target was decided, if that was noted.
    pub target: Option<i64>,
}

/// When a target was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decided {
    /// Then, here or by another connection; `None` if nobody noted it.
    Before(Option<i64>),
    /// By this merge.
    Now,
}

/// What becomes of the field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merged {
    /// The new target.
    pub target: Value,
    /// Whether each side is to be written.
    pub write: Sides<bool>,
    /// Whether each side's value is to be remembered as seen; else it is the own edit of a side that only receives.
    pub look: Sides<bool>,
    /// Both sides changed, differently, and neither knew of the other's edit.
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
    if same(entry, facts.now.a, facts.now.b) {
        return agreed(entry, facts);
    }
    // Items are told apart only where both sides may say which there are; a set with one source is one value.
    let item_by_item = entry.cardinality == Cardinality::Many
        && entry.from.a
        && entry.from.b
        && !seeded(Bug::SetsAsOne);
    let Some(target) = facts.target else {
        return if item_by_item {
            merge_sets(entry, facts, &Value::Empty)
        } else {
            first_contact(entry, facts)
        };
    };
    if item_by_item {
        return merge_sets(entry, facts, target);
    }
    let changed =
        Sides::of(|side| has_changed(entry, facts, side) && !is_overtaken(entry, facts, side));
    let sources = Sides::of(|side| *changed.get(side) && *entry.from.get(side));
    // How the two values came about counts no more.
    let answered = facts.asked && facts.resolution.is_some() && entry.from.a && entry.from.b;
    // An edit of a source that the other side never got stands against that side's own edit: neither knew of the other.
    let claims = Sides::of(|side| *sources.get(side) || undelivered(entry, facts, side));
    let (new, conflict) = match (sources.a, sources.b) {
        (false, false) if !answered => (target.clone(), unfinished(entry, facts, &changed)),
        _ if answered || claims.a && claims.b => {
            let newer = newer(facts, &changed);
            let Some(winner) = newer.or_else(|| settle_conflict(entry, facts)) else {
                return ask(target);
            };
            let said = *facts.now.get(winner);
            let new = if same(entry, target, said) {
                target
            } else {
                said
            };
            let clash = Clash {
                winner: Some(winner),
            };
            (new.clone(), newer.is_none().then_some(clash))
        }
        (a, _) => {
            let source = if a { Side::A } else { Side::B };
            let conflict = overruled(entry, facts, &changed, source);
            ((*facts.now.get(source)).clone(), conflict)
        }
    };
    finish(entry, facts, new, target, &changed, conflict)
}

/// When the target of a merge was decided, for the other connections of a ring to tell the newer of two decisions.
/// Where that is not asked, nobody noted it.
pub fn decided(entry: &Entry, facts: &Facts<'_>, merged: &Merged) -> Decided {
    let Some(origins) = &facts.origins else {
        return Decided::Before(None);
    };
    if merged.conflict.is_some() {
        return Decided::Now;
    }
    // Filling again what was cleared is a decision, made once: else a connection that carries blanks would clear it again.
    let filled_again = |side: Side| {
        let cleared = is_blank(entry.kind, facts.now.get(side)) && reached(entry, facts, side);
        cleared && !*facts.cleared.get(side) && *merged.write.get(side)
    };
    if Side::BOTH.into_iter().any(filled_again) {
        return Decided::Now;
    }
    let said = |side: Side| match *origins.now.get(side) {
        Origin::Decided(at) if same(entry, facts.now.get(side), &merged.target) => Some(at),
        Origin::Decided(_) | Origin::Edited(_) => None,
    };
    let known = said(Side::A).max(said(Side::B));
    let stays = facts
        .target
        .is_some_and(|target| same(entry, target, &merged.target));
    match (stays, known) {
        (true, known) => Decided::Before(origins.target.max(known)),
        (false, Some(at)) => Decided::Before(Some(at)),
        (false, None) => Decided::Now,
    }
}

/// Whether another connection brought what a source says, and it was decided before the target: it is no edit, and the
/// target takes its place. A blank that is never sent there takes nobody's.
fn is_overtaken(entry: &Entry, facts: &Facts<'_>, side: Side) -> bool {
    let Some(origins) = &facts.origins else {
        return false;
    };
    let older = match (*origins.now.get(side), origins.target) {
        (Origin::Decided(at), Some(target)) => at < target,
        _ => false,
    };
    let sent = facts
        .target
        .is_none_or(|target| is_sendable(entry, side, target));
    older && sent && *entry.from.get(side)
}

/// Of two claims the one that was decided later, where that is beyond doubt: then there is no conflict to settle.
fn newer(facts: &Facts<'_>, changed: &Sides<bool>) -> Option<Side> {
    let origins = facts.origins.as_ref()?;
    if facts.resolution.is_some() {
        return None;
    }
    let claim = |side: Side| match (*changed.get(side), origins.target) {
        (true, _) => Some(*origins.now.get(side)),
        (false, target) => target.map(Origin::Decided),
    };
    let (a, b) = (claim(Side::A)?, claim(Side::B)?);
    match (a.is_after(b), b.is_after(a)) {
        (true, false) => Some(Side::A),
        (false, true) => Some(Side::B),
        _ => None,
    }
}

/// Both sides say the same, however they came to it: nothing to write, and the target is what they say.
fn agreed(entry: &Entry, facts: &Facts<'_>) -> Merged {
    let target = facts
        .target
        .filter(|target| same(entry, target, facts.now.a))
        .unwrap_or(facts.now.a);
    Merged {
        target: target.clone(),
        write: Sides::default(),
        look: Sides { a: true, b: true },
        conflict: None,
    }
}

/// Whether the target is an edit of this side that the other one never got: it is neither seen nor rendered there. A
/// blank that is not sent at all claims nothing.
fn undelivered(entry: &Entry, facts: &Facts<'_>, by: Side) -> bool {
    if seeded(Bug::OnItsWayForgotten) {
        return false;
    }
    let to = by.other();
    let is_said = |target: &Value| same(entry, target, facts.now.get(by));
    let is_sent = |target: &Value| is_sendable(entry, to, target);
    *entry.from.get(by)
        && !reached(entry, facts, to)
        && facts
            .target
            .is_some_and(|target| is_said(target) && is_sent(target))
}

/// Whether a value is ever written to a side: a blank is not where it overwrites nothing or is refused.
fn is_sendable(entry: &Entry, to: Side, value: &Value) -> bool {
    let keeps = (entry.holds.get(to).required || entry.blank == Blank::Keep)
        && !seeded(Bug::EmptyOverwrites);
    !(keeps && is_blank(entry.kind, value))
}

/// One side's edit replaces what the other, which only receives, says. The loser is named where its value would else
/// be lost unseen: its own edit gives way to the source.
fn overruled(
    entry: &Entry,
    facts: &Facts<'_>,
    changed: &Sides<bool>,
    winner: Side,
) -> Option<Clash> {
    let loser = winner.other();
    let own = facts
        .rendered
        .get(loser)
        .zip(*facts.seen.get(loser))
        .is_some_and(|(rendered, seen)| !same(entry, rendered, seen));
    (*changed.get(loser) || own).then_some(Clash {
        winner: Some(winner),
    })
}

/// No source changed, but a side that only receives edited the field before the source's last edit got there: the
/// delivery is finished and that side's edit named.
fn unfinished(entry: &Entry, facts: &Facts<'_>, changed: &Sides<bool>) -> Option<Clash> {
    Side::BOTH
        .into_iter()
        .find(|side| *changed.get(*side) && !reached(entry, facts, *side))
        .map(|loser| Clash {
            winner: Some(loser.other()),
        })
}

/// Whether the target was once seen on a side, as sent or in the provider's own spelling.
fn reached(entry: &Entry, facts: &Facts<'_>, side: Side) -> bool {
    let seen = facts.seen.get(side).zip(facts.target);
    *facts.cleared.get(side)
        || facts.rendered.get(side).is_some()
        || seen.is_some_and(|(seen, t)| same(entry, seen, t))
}

/// Whether a side has been cleared since the target reached it, and is to be filled with that again.
pub fn is_cleared(entry: &Entry, facts: &Facts<'_>, merged: &Merged, side: Side) -> bool {
    let stands = facts
        .target
        .is_some_and(|target| same(entry, target, &merged.target));
    stands
        && *merged.write.get(side)
        && is_blank(entry.kind, facts.now.get(side))
        && reached(entry, facts, side)
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
    let blank = Sides::of(|side| is_blank(entry.kind, facts.now.get(side)));
    let take = |side: Side| (*facts.now.get(side)).clone();
    let (new, conflict) = if blank.a || !entry.from.a {
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
        let newer = newer(facts, &Sides { a: true, b: true });
        let Some(winner) = newer.or_else(|| settle_conflict(entry, facts)) else {
            return ask(&Value::Empty);
        };
        let clash = Clash {
            winner: Some(winner),
        };
        (take(winner), newer.is_none().then_some(clash))
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

/// Who wins, or nobody when a person is to be asked. An opt-out wins whatever the policy.
fn settle_conflict(entry: &Entry, facts: &Facts<'_>) -> Option<Side> {
    let opted_out = |side: &Side| {
        let said = normal(entry.kind, entry.cardinality, facts.now.get(*side));
        entry.kind == Kind::OptOut && said == Value::Bool(true)
    };
    let opted_out = Side::BOTH.into_iter().find(opted_out);
    opted_out.or(facts.resolution).or(match entry.winner {
        ConflictPolicy::AWins if seeded(Bug::PolicySwapped) => Some(Side::B),
        ConflictPolicy::AWins => Some(Side::A),
        ConflictPolicy::BWins => Some(Side::B),
        ConflictPolicy::MostRecent => Some(facts.most_recent.unwrap_or(Side::A)),
        ConflictPolicy::MostRecentOrB => Some(facts.most_recent.unwrap_or(Side::B)),
        ConflictPolicy::Ask => seeded(Bug::AskedNobody).then_some(Side::A),
    })
}

/// Whether a side says something that is neither what was seen there nor what it is meant to say. Under
/// [`Blank::Keep`] clearing a field is no change.
pub fn has_changed(entry: &Entry, facts: &Facts<'_>, side: Side) -> bool {
    let now = facts.now.get(side);
    let seen = *facts.seen.get(side);
    // What a source says apart from what was seen there is its own edit, left standing while it only received: by
    // another connection of the pair, or before the entry was changed. It goes over now.
    let spelling = facts.rendered.get(side).filter(|rendered| {
        !*entry.from.get(side) || seen.is_none_or(|seen| same(entry, rendered, seen))
    });
    let mut known = [
        seen.filter(|_| !seeded(Bug::SharedBase)),
        facts.target,
        spelling,
    ]
    .into_iter()
    .flatten();
    if known.any(|value| same(entry, now, value)) {
        return false;
    }
    let cleared = is_blank(entry.kind, now)
        && facts
            .target
            .is_some_and(|target| !is_blank(entry.kind, target));
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
        if !is_sendable(entry, side, &new) {
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
        !(only_receives && *changed.get(side) && !moved && reached(entry, facts, side))
    });
    let look = Sides::of(|side| {
        // What a side that only receives says for itself is not what was seen of ours: it is kept apart, as its
        // rendering of the target. Everything else is, even where it is about to be overwritten: a value that was
        // overruled must not look like a new edit if the write fails.
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
    let both = Sides { a: true, b: true };
    if let Some(Origins { now, .. }) = &facts.origins
        && let (Origin::Decided(_), Origin::Decided(_)) = (now.a, now.b)
        && let Some(winner) = newer(facts, &both)
        && !(entry.blank == Blank::Keep && is_blank(entry.kind, facts.now.get(winner)))
    {
        // Decided by other connections both times: the later time all items were looked at.
        let new = (*facts.now.get(winner)).clone();
        return finish(entry, facts, new, target, &Sides::default(), None);
    }
    let items = |value: &Value| match normal(entry.kind, Cardinality::Many, value) {
        Value::List(items) => items,
        _ => Vec::new(),
    };
    let base = items(target);
    let mut added = Vec::new();
    let mut removed = Vec::new();
    for side in Side::BOTH {
        if !*entry.from.get(side) || is_overtaken(entry, facts, side) {
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
