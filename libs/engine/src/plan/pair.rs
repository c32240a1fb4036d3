//! A link with news: merge its two records, or follow what became of them.

use syncline_model::{Fields, LinkState, ProblemReason, Record, Side, Sides, Slots, Value};

use super::{
    ConflictFound, LinkedPair, Operation, ProblemFound, Sight, Step, gone, read,
    read::{Names, mononym_write},
};
use crate::{
    Entry, Held, Policy, RowFate, equal, is_blank, lens,
    merge::{Facts, merge},
    rules,
};

/// Plans one link.
pub fn plan_link(pair: &LinkedPair, policy: &Policy, held: &Held) -> Step {
    let mut step = Step::keep(&pair.link);
    for side in Side::BOTH {
        let staged = *pair.sight.get(side) != Sight::Unchanged;
        *step.rows.get_mut(side) = staged.then_some(RowFate::Absorbed);
    }
    match pair.link.state {
        LinkState::Buried => return gone::plan_buried(step, pair),
        LinkState::Severed { gone: side } => {
            if !gone::came_back(&mut step, pair, side) {
                return step;
            }
        }
        LinkState::Live | LinkState::Frozen { .. } => {}
    }
    if Side::BOTH
        .iter()
        .any(|side| *pair.sight.get(*side) == Sight::Deleted)
    {
        return gone::plan_gone(step, pair, policy, held);
    }
    if let Some(left) = left_scope(pair, policy) {
        if *held.gone.get(left) && step.state == LinkState::Live {
            step.held = true;
            step.rows = Sides::of(|side| step.rows.get(side).map(|_| RowFate::Held));
            return step;
        }
        // Frozen: what is news now waits in its staged row, so that coming back can merge it.
        step.state = LinkState::Frozen { left };
        step.rows = Sides::of(|side| {
            let waits = matches!(pair.sight.get(side), Sight::Present(_));
            step.rows.get(side).map(|_| {
                if waits {
                    RowFate::Waiting
                } else {
                    RowFate::Absorbed
                }
            })
        });
        return step;
    }
    step.state = LinkState::Live;
    merge_records(&mut step, pair, policy, held);
    step
}

/// The side on which the record does not take part (any more).
fn left_scope(pair: &LinkedPair, policy: &Policy) -> Option<Side> {
    Side::BOTH
        .into_iter()
        .find(|side| match pair.sight.get(*side) {
            Sight::Left => true,
            Sight::Present(record) => {
                policy.flows_from(*side) && !rules::takes_part(policy, *side, &record.fields)
            }
            Sight::Unchanged => pair.link.state == LinkState::Frozen { left: *side },
            Sight::Deleted => false,
        })
}

/// Merges the two records of a link field by field and appends the writes that follow.
pub fn merge_records(step: &mut Step, pair: &LinkedPair, policy: &Policy, held: &Held) {
    let records = Sides::of(|side| match pair.sight.get(side) {
        Sight::Present(record) => Some(record.as_ref()),
        _ => None,
    });
    let known = Names::of_link(policy, &pair.link.body);
    let mut now = Sides::of(|side| {
        records.get(side).map_or_else(
            || remembered(step, policy, side),
            |record| {
                read(policy, side, &record.fields, known.as_ref())
                    .into_iter()
                    .map(Some)
                    .collect()
            },
        )
    });
    if known.is_none() {
        reread_at_first_contact(policy, &records, &mut now);
    }
    for side in Side::BOTH {
        if let Some(record) = *records.get(side) {
            step.observe(side, record);
        }
    }
    let most_recent = most_recent(step);
    let mut targets: Vec<Value> = Vec::with_capacity(policy.entries.len());
    let mut write: Vec<Sides<bool>> = Vec::with_capacity(policy.entries.len());
    for (index, entry) in policy.entries.iter().enumerate() {
        let merged = merge_entry(step, entry, index, &now, most_recent, held);
        let (target, writes) = merged.unwrap_or_default();
        targets.push(target);
        write.push(writes);
    }
    for side in Side::BOTH {
        if let Some(operation) = update(
            step,
            policy,
            side,
            *records.get(side),
            &now,
            &targets,
            &write,
        ) {
            step.operations.push(operation);
        }
    }
}

/// At first contact each side's single name is read by what the other side has.
fn reread_at_first_contact(
    policy: &Policy,
    records: &Sides<Option<&Record>>,
    now: &mut Sides<Vec<Option<Value>>>,
) {
    for side in Side::BOTH {
        let (Some(mine), Some(theirs)) = (*records.get(side), *records.get(side.other())) else {
            continue;
        };
        let theirs = read(policy, side.other(), &theirs.fields, None);
        let names = Names::of_values(policy, &theirs);
        *now.get_mut(side) = read(policy, side, &mine.fields, names.as_ref())
            .into_iter()
            .map(Some)
            .collect();
    }
}

/// A side without news is as it was last seen; an entry never looked at is unknown.
fn remembered(step: &Step, policy: &Policy, side: Side) -> Vec<Option<Value>> {
    let seen = step.body.seen.get(side);
    policy
        .entries
        .iter()
        .map(|entry| seen.get(&entry.key).cloned())
        .collect()
}

/// Merges one entry into the step. Gives the target and the sides to write; `None` where nothing can be said yet.
fn merge_entry(
    step: &mut Step,
    entry: &Entry,
    index: usize,
    now: &Sides<Vec<Option<Value>>>,
    most_recent: Option<Side>,
    held: &Held,
) -> Option<(Value, Sides<bool>)> {
    let value = |side: Side| now.get(side).get(index).and_then(Option::as_ref);
    let (Some(a), Some(b)) = (value(Side::A), value(Side::B)) else {
        return step
            .body
            .target
            .get(&entry.key)
            .map(|t| (t.clone(), Sides::default()));
    };
    let facts = Facts {
        now: Sides { a, b },
        seen: Sides::of(|side| step.body.seen.get(side).get(&entry.key)),
        target: step.body.target.get(&entry.key),
        rendered: Sides::of(|side| step.body.rendered.get(side).get(&entry.key)),
        resolution: step.body.resolutions.get(&entry.key).copied(),
        most_recent,
    };
    let merged = merge(entry, &facts);
    let from_held = |side: Side| {
        *merged.write.get(side) && held.entries.contains(&(entry.key.clone(), side.other()))
    };
    if Side::BOTH.into_iter().any(from_held) {
        step.held = true;
        step.rows = Sides::of(|side| step.rows.get(side).map(|_| RowFate::Held));
        return step
            .body
            .target
            .get(&entry.key)
            .map(|t| (t.clone(), Sides::default()));
    }
    let asked = merged.conflict.is_some_and(|clash| clash.winner.is_none());
    if let Some(clash) = merged.conflict
        && !(asked && step.body.open.contains(&entry.key))
    {
        step.conflicts.push(ConflictFound {
            entry: entry.key.clone(),
            values: Sides {
                a: a.clone(),
                b: b.clone(),
            },
            winner: clash.winner,
        });
    }
    if asked {
        step.body.open.insert(entry.key.clone());
        // Both rows wait for the answer: it must find both values again.
        step.rows = Sides::of(|side| step.rows.get(side).map(|_| RowFate::Waiting));
        return step
            .body
            .target
            .get(&entry.key)
            .map(|t| (t.clone(), Sides::default()));
    }
    let (a, b) = (a.clone(), b.clone());
    remember(step, entry, &merged.target, &merged.look, &Sides { a, b });
    Some((merged.target, merged.write))
}

/// Notes the target and what was seen, rewriting nothing that is equal in normal form.
fn remember(
    step: &mut Step,
    entry: &Entry,
    target: &Value,
    look: &Sides<bool>,
    now: &Sides<Value>,
) {
    let key = &entry.key;
    let body = &mut step.body;
    body.resolutions.remove(key);
    body.open.remove(key);
    let same = |old: Option<&Value>, new: &Value| {
        old.is_some_and(|old| equal(entry.kind, entry.cardinality, old, new))
    };
    if !same(body.target.get(key), target) {
        body.target.insert(key.clone(), target.clone());
        for side in Side::BOTH {
            body.rendered.get_mut(side).remove(key);
        }
    }
    for side in Side::BOTH {
        let value = now.get(side);
        if *look.get(side) && !same(body.seen.get(side).get(key), value) {
            body.seen.get_mut(side).insert(key.clone(), value.clone());
        }
    }
}

/// The side changed last, when both say so and their clocks leave no doubt.
fn most_recent(step: &Step) -> Option<Side> {
    /// Clocks of two providers may differ by this much without either being wrong.
    const DOUBT_SECONDS: i64 = 2;
    let (a, b) = (step.modified_at.a?, step.modified_at.b?);
    let ahead = (a - b).num_seconds();
    match ahead {
        ahead if ahead > DOUBT_SECONDS => Some(Side::A),
        ahead if ahead < -DOUBT_SECONDS => Some(Side::B),
        _ => None,
    }
}

/// The update that brings a side to the targets, if it needs one.
fn update(
    step: &mut Step,
    policy: &Policy,
    side: Side,
    record: Option<&Record>,
    now: &Sides<Vec<Option<Value>>>,
    targets: &[Value],
    write: &[Sides<bool>],
) -> Option<Operation> {
    let remote = step.remote.get(side).clone()?;
    let mut sent = Slots::new();
    let mut before = Slots::new();
    let mut physical: Vec<(usize, Value)> = Vec::new();
    for (index, entry) in policy.entries.iter().enumerate() {
        let target = targets.get(index)?;
        if !write.get(index).is_some_and(|write| *write.get(side)) {
            continue;
        }
        if let Err(why) = fits(entry, side, target) {
            step.problems.push(ProblemFound {
                side: side.other(),
                remote: step.remote.get(side.other()).clone()?,
                reason: ProblemReason::FieldUnfit,
                message: why,
                candidates: Vec::new(),
            });
            continue;
        }
        let old = now
            .get(side)
            .get(index)
            .cloned()
            .flatten()
            .unwrap_or_default();
        before.insert(entry.key.clone(), old);
        sent.insert(entry.key.clone(), target.clone());
        physical.push((index, target.clone()));
    }
    if physical.is_empty() {
        return None;
    }
    respell_single_name(policy, side, now, targets, &mut physical);
    let old_fields = record.map_or_else(
        || {
            // Not read just now: rebuild the composite fields from what was last seen, so that a part is put into its whole.
            let values = policy
                .entries
                .iter()
                .enumerate()
                .filter_map(|(index, entry)| {
                    let value = now.get(side).get(index)?.as_ref()?;
                    Some((entry.paths.get(side), value))
                });
            lens::put(&Fields::new(), values)
        },
        |record| record.fields.clone(),
    );
    let writes = physical.iter().filter_map(|(index, value)| {
        let entry = policy.entries.get(*index)?;
        Some((entry.paths.get(side), value))
    });
    let mut changes = lens::put(&old_fields, writes);
    let from = side.other();
    let source = match from {
        Side::A => &now.a,
        Side::B => &now.b,
    };
    changes.extend(actions_for(policy, from, source, &old_fields));
    Some(Operation::Update {
        side,
        id: remote,
        version: record.map(|record| record.version.clone()),
        changes,
        sent,
        before,
    })
}

/// THEN actions for an update; they need the source's whole record and are left out when it is not at hand.
fn actions_for(
    policy: &Policy,
    from: Side,
    source: &[Option<Value>],
    target_fields: &Fields,
) -> Fields {
    if policy
        .rules
        .iter()
        .all(|rule| rule.from != from || rule.actions.is_empty())
    {
        return Fields::new();
    }
    let values = policy
        .entries
        .iter()
        .zip(source)
        .filter_map(|(entry, value)| Some((entry.paths.get(from), value.as_ref()?)));
    let fields = lens::put(&Fields::new(), values);
    rules::actions(policy, from, &fields, false)
        .into_iter()
        .filter(|(field, value)| target_fields.get(field) != Some(value))
        .collect()
}

/// Writes of a name into a side that requires a family name: both parts are spelt together.
fn respell_single_name(
    policy: &Policy,
    side: Side,
    now: &Sides<Vec<Option<Value>>>,
    targets: &[Value],
    physical: &mut Vec<(usize, Value)>,
) {
    let Some((given, family)) = *policy.mononym.get(side) else {
        return;
    };
    let touched = physical
        .iter()
        .any(|(index, _)| *index == given || *index == family);
    if !touched {
        return;
    }
    let written = |index: usize| {
        let write = physical
            .iter()
            .find(|(at, _)| *at == index)
            .map(|(_, value)| value.clone());
        write.or_else(|| now.get(side).get(index).cloned().flatten())
    };
    let mut values = targets.to_vec();
    for index in [given, family] {
        if let (Some(slot), Some(value)) = (values.get_mut(index), written(index)) {
            *slot = value;
        }
    }
    let spelt = mononym_write(policy, side, &values).unwrap_or_else(|| {
        [given, family].map(|index| (index, values.get(index).cloned().unwrap_or_default()))
    });
    physical.retain(|(index, _)| *index != given && *index != family);
    physical.extend(spelt);
}

/// Whether a side can hold a value.
pub fn fits(entry: &Entry, side: Side, value: &Value) -> Result<(), String> {
    let holds = entry.holds.get(side);
    match value {
        Value::Text(text) => match holds.max_length {
            Some(most) if text.chars().count() > most => Err(format!(
                "`{}` holds at most {most} characters; the value has {}. Shorten it; the rest of the record is synced",
                holds.label,
                text.chars().count()
            )),
            _ => Ok(()),
        },
        Value::Date(date) if date.year.is_none() && !holds.partial_dates => Err(format!(
            "`{}` needs a year, and the date has none. Add the year; the rest of the record is synced",
            holds.label
        )),
        value if is_blank(entry.kind, value) && holds.required => {
            Err(format!("`{}` cannot be empty", holds.label))
        }
        _ => Ok(()),
    }
}
