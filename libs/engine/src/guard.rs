//! Guards: limits that hold part of a plan until a person agrees. What they do not concern goes on.

use std::collections::{BTreeMap, BTreeSet};

use syncline_model::{DeletionPolicy, EntryKey, GuardKind, GuardTrip, Side, Sides};

use crate::{Entry, Plan, Policy, equal, is_blank, plan::Operation};

/// What is known of a whole run before anything is written.
#[derive(Clone, Debug, Default)]
pub struct Totals {
    /// Links that are followed.
    pub links: u64,
    /// Per side, linked records found deleted.
    pub deleted: Sides<u64>,
    /// Per side, linked records found deleted or gone from the collection.
    pub missing: Sides<u64>,
    /// Deletions carried over in the 24 hours before.
    pub deletions_24h: u64,
    /// Per entry and side of origin, on how many links a value would be overwritten by another.
    pub overwrites: BTreeMap<(EntryKey, Side), u64>,
}

/// What guards hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Per side, whether what follows from records gone there is held.
    pub gone: Sides<bool>,
    /// Entries whose changes from a side are held.
    pub entries: BTreeSet<(EntryKey, Side)>,
}

impl Held {
    /// What a list of trips holds.
    pub fn by(trips: &[GuardTrip], policy: &Policy) -> Self {
        let mut held = Self::default();
        for trip in trips {
            match (&trip.entry, trip.kind) {
                (Some(entry), GuardKind::Overwrite) => {
                    let key = policy.entries.iter().find(|e| e.key.as_str() == entry);
                    held.entries.extend(key.map(|e| (e.key.clone(), trip.from)));
                }
                _ => *held.gone.get_mut(trip.from) = true,
            }
        }
        held
    }
}

/// The guards that a run trips.
pub fn guards(totals: &Totals, policy: &Policy) -> Vec<GuardTrip> {
    let limits = policy.guards;
    let percent = |share: u32| totals.links * u64::from(share) / 100;
    let mut trips = Vec::new();
    for side in Side::BOTH {
        let carried =
            policy.flows_from(side) && policy.deletions.on(side) != DeletionPolicy::Ignore;
        let deleted = *totals.deleted.get(side);
        let limit = u64::from(limits.deletions_min).max(percent(limits.deletions_percent));
        if carried && deleted > 0 && deleted + totals.deletions_24h > limit {
            trips.push(trip(
                GuardKind::Deletions,
                side,
                deleted + totals.deletions_24h,
                limit,
            ));
        }
        let missing = *totals.missing.get(side);
        // A handful of links may shrink by what is a large share of them: the smaller guard above counts those.
        let limit = u64::from(limits.deletions_min).max(percent(limits.shrink_percent));
        let emptied = totals.links > 1 && missing >= totals.links;
        if missing > limit || emptied {
            trips.push(trip(GuardKind::Shrink, side, missing, limit));
        }
    }
    let limit = u64::from(limits.deletions_min).max(percent(limits.overwrite_percent));
    for ((entry, from), count) in &totals.overwrites {
        if *count > limit {
            trips.push(GuardTrip {
                entry: Some(entry.as_str().to_owned()),
                ..trip(GuardKind::Overwrite, *from, *count, limit)
            });
        }
    }
    trips
}

fn trip(kind: GuardKind, from: Side, count: u64, limit: u64) -> GuardTrip {
    GuardTrip {
        kind,
        from,
        entry: None,
        count,
        limit,
    }
}

/// Adds to `totals.overwrites` what a plan would overwrite: filled values replaced by other ones.
pub fn overwrites(plan: &Plan, policy: &Policy, totals: &mut Totals) {
    for step in &plan.steps {
        for operation in &step.operations {
            let Operation::Update {
                side, sent, before, ..
            } = operation
            else {
                continue;
            };
            for entry in &policy.entries {
                let Some(new) = sent.get(&entry.key) else {
                    continue;
                };
                let filled = before
                    .get(&entry.key)
                    .filter(|old| !is_blank(entry.kind, old));
                if filled.is_some_and(|old| !same(entry, old, new)) {
                    *totals
                        .overwrites
                        .entry((entry.key.clone(), side.other()))
                        .or_default() += 1;
                }
            }
        }
    }
}

fn same(entry: &Entry, left: &syncline_model::Value, right: &syncline_model::Value) -> bool {
    equal(entry.kind, entry.cardinality, left, right)
}
