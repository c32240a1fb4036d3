//! How a value came to stand in a record, where several connections lead from one account to another (a ring).
//!
//! A connection alone takes whatever it did not write itself for a person's edit. In a ring it would take for edits
//! what the other connections carried round, and two values could chase one another for ever. So each decision has its
//! time, which goes with the value from link to link: of two decisions the newer one stands, and only what no
//! connection knows is a person's edit.
//!
//! Not here: which links belong to which records (the worker looks), and who wins between two edits (`merge`).

use std::collections::BTreeMap;

use syncline_model::{EntryKey, LinkBody, RemoteId, Side, Sides, Slots, Value};

use crate::{Entry, equal};

/// What other connections know of the records in a batch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Elsewhere {
    /// The time of what is decided now, in microseconds since 1970.
    pub now: i64,
    /// Their links with each record.
    pub known: Sides<BTreeMap<RemoteId, Vec<Known>>>,
}

/// Another connection's link with a record.
#[derive(Clone, Debug, PartialEq)]
pub struct Known {
    /// The side of that link on which the record is.
    pub side: Side,
    /// What it remembers.
    pub body: LinkBody,
}

/// How a value came to stand in a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A person wrote it, after what was decided then had come to stand there; `None` if that is not known.
    Edited(Option<i64>),
    /// A connection put it there or knows it already; it was decided then.
    Decided(i64),
}

impl Origin {
    /// Whether this one is known to come after another, so that there is no question who wins.
    pub fn is_after(self, other: Self) -> bool {
        match (self, other) {
            (Self::Decided(mine), Self::Decided(other)) => mine > other,
            (Self::Edited(Some(after)), Self::Decided(other)) => after >= other,
            (Self::Edited(_) | Self::Decided(_), Self::Edited(_)) | (Self::Edited(None), _) => {
                false
            }
        }
    }
}

/// How a value came to stand in a record's field, as the others know.
pub fn origin(entry: &Entry, side: Side, value: &Value, known: &[Known]) -> Origin {
    let mut edited_after = None;
    let mut decided = None;
    for other in known {
        for (key, target) in values_at(entry, side, &other.body.target, other) {
            let Some(at) = other.body.decided.get(key).copied() else {
                continue;
            };
            match standing(entry, other, key, target, value) {
                Standing::Target => decided = decided.max(Some(at)),
                // It stood there before what the target is to put in its place.
                Standing::Before => decided = decided.max(Some(at - 1)),
                Standing::Unknown { reached } => {
                    edited_after = edited_after.max(Some(if reached { at } else { at - 1 }));
                }
            }
        }
    }
    decided.map_or(Origin::Edited(edited_after), Origin::Decided)
}

/// Whether a value of the record on one side is known to have stood in the one on the other side, in whatever
/// spelling it came round.
pub fn stood(entry: &Entry, side: Side, value: &Value, known: &Sides<&[Known]>) -> bool {
    let mut meant = vec![value.clone()];
    for other in *known.get(side) {
        let targets = values_at(entry, side, &other.body.target, other);
        meant.extend(targets.filter_map(|(key, target)| {
            let is_said = matches!(standing(entry, other, key, target, value), Standing::Target);
            is_said.then(|| target.clone())
        }));
    }
    let there = side.other();
    known.get(there).iter().any(|other| {
        let mut seen = values_at(entry, there, other.body.seen.get(other.side), other);
        seen.any(|(key, seen)| {
            let mut spellings = spellings(entry, other, key, seen);
            spellings.any(|there| meant.iter().any(|value| same(entry, there, value)))
        })
    })
}

/// All that a value which was seen stands for, where it stood for the target: the target and both sides' spellings of it.
fn spellings<'k>(
    entry: &Entry,
    other: &'k Known,
    key: &EntryKey,
    seen: &'k Value,
) -> impl Iterator<Item = &'k Value> {
    let body = &other.body;
    let target = body.target.get(key);
    let spelt = Sides::of(|side| {
        let seen = body.seen.get(side).get(key);
        let spelt = body.rendered.get(side).get(key);
        spelt.filter(|spelt| seen.is_some_and(|seen| same(entry, spelt, seen)))
    });
    let arrived =
        spelt.get(other.side).is_some() || target.is_some_and(|target| same(entry, target, seen));
    let more = [target, spelt.a, spelt.b].into_iter().flatten();
    std::iter::once(seen).chain(more.filter(move |_| arrived))
}

fn same(entry: &Entry, one: &Value, other: &Value) -> bool {
    equal(entry.kind, entry.cardinality, one, other)
}

/// What another link remembers of the field that an entry maps on a side.
fn values_at<'k>(
    entry: &Entry,
    side: Side,
    slots: &'k Slots,
    other: &Known,
) -> impl Iterator<Item = (&'k EntryKey, &'k Value)> {
    let (path, side) = (entry.paths.get(side).to_string(), other.side);
    slots.iter().filter(move |(key, _)| key.path(side) == path)
}

/// What a value is to another link.
enum Standing {
    /// What it means to stand there.
    Target,
    /// What it saw there last, and is about to replace.
    Before,
    /// Something that it does not know; whether its target had stood there.
    Unknown { reached: bool },
}

fn standing(
    entry: &Entry,
    other: &Known,
    key: &EntryKey,
    target: &Value,
    value: &Value,
) -> Standing {
    let same = |left: &Value, right: &Value| same(entry, left, right);
    let seen = other.body.seen.get(other.side).get(key);
    // The provider's own spelling of the target; the own edit of a side that only receives is apart from what was seen.
    let spelt = other.body.rendered.get(other.side).get(key);
    let spelt = spelt.filter(|spelt| seen.is_some_and(|seen| same(spelt, seen)));
    if same(target, value) || spelt.is_some_and(|spelt| same(spelt, value)) {
        return Standing::Target;
    }
    match seen {
        Some(seen) if same(seen, value) => Standing::Before,
        seen => Standing::Unknown {
            reached: spelt.is_some() || seen.is_some_and(|seen| same(seen, target)),
        },
    }
}
