//! Guards: limits that hold part of a plan until a person agrees. What they do not concern goes on.

use std::collections::{BTreeMap, BTreeSet};

use syncline_model::seeded::{Bug, seeded};
use syncline_model::{DeletionPolicy, EntryKey, GuardKind, GuardTrip, Side, Sides};

use crate::{Entry, Plan, Policy, actions, equal, is_blank, plan::Operation};

/// What is known of a whole run before anything is written.
#[derive(Clone, Debug, Default)]
pub struct Totals {
    /// Links that are followed.
    pub links: u64,
    /// Per side, linked records found deleted.
    pub deleted: Sides<u64>,
    /// Per side, linked records found deleted or gone from the collection.
    pub missing: Sides<u64>,
    /// Per side, records that leave and whose partners leave the collection with them, or lose what rules added them to.
    pub parting: Sides<u64>,
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
                    let to = trip.from.other();
                    let mapped = policy.entries.iter().map(|entry| entry.key.clone());
                    let acted = policy.acted_fields(to);
                    let acted = acted.map(|field| EntryKey::of_action(to, field));
                    let key = mapped.chain(acted).find(|key| key.as_str() == entry);
                    held.entries.extend(key.map(|key| (key, trip.from)));
                }
                _ => *held.gone.get_mut(trip.from) = true,
            }
        }
        held
    }
}

/// How many records may be deleted, marked or taken out in a run and the day before it.
pub fn most_taken_away(policy: &Policy, links: u64) -> u64 {
    let share = links * u64::from(policy.guards.deletions_percent) / 100;
    u64::from(policy.guards.deletions_min).max(share)
}

/// The guards that a run trips.
pub fn guards(totals: &Totals, policy: &Policy) -> Vec<GuardTrip> {
    let limits = policy.guards;
    let percent = |share: u32| totals.links * u64::from(share) / 100;
    let mut trips = Vec::new();
    for side in Side::BOTH {
        let carried =
            policy.flows_from(side) && policy.deletions.on(side) != DeletionPolicy::Ignore;
        let deleted = if carried {
            *totals.deleted.get(side)
        } else {
            0
        };
        let taken = deleted + totals.parting.get(side);
        let limit = most_taken_away(policy, totals.links);
        let limit = limit + u64::from(seeded(Bug::GuardOffByOne));
        if taken > 0 && taken + totals.deletions_24h > limit {
            let count = taken + totals.deletions_24h;
            trips.push(GuardTrip {
                carried: totals.deletions_24h,
                ..trip(GuardKind::Deletions, side, count, limit)
            });
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
        carried: 0,
    }
}

/// The trips that go beyond what a person agreed to. A person agrees to what a list showed: this guard, on this side
/// and entry, up to as many records as were still to be carried over. `since` are those carried over since then.
pub fn beyond(trips: Vec<GuardTrip>, agreed: &[GuardTrip], since: &Sides<u64>) -> Vec<GuardTrip> {
    let open = |trip: &GuardTrip| trip.count.saturating_sub(trip.carried);
    let covered = |trip: &GuardTrip| {
        let done = match trip.kind {
            GuardKind::Deletions | GuardKind::Shrink => *since.get(trip.from),
            GuardKind::Overwrite => 0,
        };
        agreed.iter().any(|shown| {
            (shown.kind, shown.from, &shown.entry) == (trip.kind, trip.from, &trip.entry)
                && (open(trip) + done <= open(shown) || seeded(Bug::ApprovalCoversAll))
        })
    };
    trips.into_iter().filter(|trip| !covered(trip)).collect()
}

/// Adds to `totals.overwrites` what a plan would overwrite: filled values replaced by other ones, be it by the mapping or by
/// rules.
pub fn overwrites(plan: &Plan, policy: &Policy, totals: &mut Totals) {
    let acted = Sides::of(|side| policy.acted_fields(side).collect::<BTreeSet<_>>());
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
            for field in acted.get(*side) {
                let key = EntryKey::of_action(*side, field);
                let Some(new) = sent.get(&key) else {
                    continue;
                };
                if actions::replaces(policy, *side, field, before.get(&key), new) {
                    *totals.overwrites.entry((key, side.other())).or_default() += 1;
                }
            }
        }
    }
}

fn same(entry: &Entry, left: &syncline_model::Value, right: &syncline_model::Value) -> bool {
    equal(entry.kind, entry.cardinality, left, right)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(kind: GuardKind, from: Side, entry: Option<&str>, counts: (u64, u64)) -> GuardTrip {
        GuardTrip {
            entry: entry.map(str::to_owned),
            carried: counts.1,
            ..trip(kind, from, counts.0, 10)
        }
    }

    #[test]
    fn an_approval_covers_what_was_shown_and_no_more() {
        use GuardKind::{Deletions, Overwrite, Shrink};
        use Side::{A, B};
        // What a person agreed to: 15 deletions beside 5 done already, and one entry's overwriting on 40 links.
        let agreed = [
            shown(Deletions, A, None, (20, 5)),
            shown(Overwrite, B, Some("title"), (40, 0)),
        ];
        // A trip, how many deletions were carried over from a since the approval, and whether it is covered.
        let cases = [
            (shown(Deletions, A, None, (20, 5)), 0, true),
            (shown(Deletions, A, None, (15, 0)), 0, true),
            (shown(Deletions, A, None, (35, 20)), 0, true),
            (shown(Deletions, A, None, (16, 0)), 0, false),
            (shown(Deletions, A, None, (15, 10)), 10, true),
            (shown(Deletions, A, None, (16, 10)), 10, false),
            (shown(Deletions, B, None, (15, 0)), 0, false),
            (shown(Shrink, A, None, (15, 0)), 0, false),
            (shown(Overwrite, B, Some("title"), (40, 0)), 9, true),
            (shown(Overwrite, B, Some("title"), (41, 0)), 0, false),
            (shown(Overwrite, B, Some("phone"), (40, 0)), 0, false),
            (shown(Overwrite, A, Some("title"), (40, 0)), 0, false),
        ];
        for (trip, done, covered) in cases {
            let since = Sides { a: done, b: 0 };
            let rest = beyond(vec![trip.clone()], &agreed, &since);
            assert_eq!(rest.is_empty(), covered, "{trip:?}, {done} since");
        }
    }
}
