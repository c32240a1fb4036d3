//! A link with news: merge its two records, or follow what became of them.

use std::borrow::Cow;

use syncline_model::seeded::{Bug, seeded};
use syncline_model::{
    ClockSkew, Fields, Kind, Link, LinkBody, LinkState, Part, Record, Side, Sides, Slots, Value,
};

use super::{
    Around, ConflictFound, LinkedPair, Operation, Sight, Step,
    acting::{hold_back, stands, tell},
    gone, leave, read,
    read::Names,
};
use crate::{
    Entry, Policy, RowFate, actions, equal, is_blank, lens,
    merge::{Decided, Facts, Origins, decided, is_cleared, merge},
    origin::Origin,
    rules,
};

/// Plans one link.
pub fn plan_link(pair: &LinkedPair, policy: &Policy, around: Around<'_>) -> Step {
    let mut step = Step::keep(&pair.link);
    for side in Side::BOTH {
        let staged = *pair.sight.get(side) != Sight::Unchanged;
        *step.rows.get_mut(side) = staged.then_some(RowFate::Absorbed);
    }
    let followed = match pair.link.state {
        LinkState::Buried => gone::plan_buried(&mut step, pair),
        LinkState::Severed { gone: side } => gone::plan_severed(&mut step, pair, side),
        LinkState::Live | LinkState::Frozen { .. } => true,
    };
    if !followed {
        return step;
    }
    // A record may go by another id by now, whatever else becomes of it.
    for side in Side::BOTH {
        if *pair.sight.get(side) != Sight::Unchanged {
            *step.remote.get_mut(side) = Some(pair.named.get(side).clone());
        }
    }
    let deleted = |side: &Side| *pair.sight.get(*side) == Sight::Deleted;
    if Side::BOTH.iter().any(deleted) {
        return gone::plan_gone(step, pair, policy, around);
    }
    if let Some(left) = left_scope(pair, policy) {
        if *around.held.gone.get(left)
            && (step.state == LinkState::Live || leave::is_due(pair, policy, left))
        {
            step.hold();
        } else {
            leave::freeze(&mut step, pair, left);
            leave::part(&mut step, pair, policy, around, left);
            if step.held && leave::is_due(pair, policy, left) {
                // Out only together with what goes before it: a person approves of both.
                step.state = pair.link.state;
            } else {
                leave::take_out(&mut step, pair, policy, around, left);
            }
        }
        return step;
    }
    if leave::rejoin(&mut step, pair, policy) {
        return step;
    }
    step.state = LinkState::Live;
    leave::note_seen(&mut step, pair, policy);
    merge_records(&mut step, pair, policy, around);
    step
}

/// The side on which the record does not take part (any more).
pub fn left_scope(pair: &LinkedPair, policy: &Policy) -> Option<Side> {
    Side::BOTH
        .into_iter()
        .filter(|side| *side == Side::A || !seeded(Bug::FilterOneSided))
        .find(|side| is_outside(pair, policy, *side))
}

/// Whether a side's record is outside the collection or the rules.
pub fn is_outside(pair: &LinkedPair, policy: &Policy, side: Side) -> bool {
    // Who was taken out of the collection, since the partner left, has not left.
    let parted = pair.link.body.parted(policy.connection, side).is_some();
    match pair.sight.get(side) {
        Sight::Left => !parted,
        Sight::Present(record) => {
            policy.flows_from(side) && !rules::takes_part(policy, side, &record.fields)
        }
        Sight::Unchanged => pair.link.state == LinkState::Frozen { left: side } && !parted,
        Sight::Deleted => false,
    }
}

/// Merges the two records of a link field by field and appends the writes that follow.
pub fn merge_records(step: &mut Step, pair: &LinkedPair, policy: &Policy, around: Around<'_>) {
    merge_some(step, pair, policy, around, None);
}

/// The same; if the record on a side left, of opt-outs alone, and rules do nothing to that record.
pub fn merge_some(
    step: &mut Step,
    pair: &LinkedPair,
    policy: &Policy,
    around: Around<'_>,
    left: Option<Side>,
) {
    let records = Sides::of(|side| match pair.sight.get(side) {
        Sight::Present(record) if !is_echo(&pair.link, side, record) => Some(record.as_ref()),
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
    if let (None, Some(a), Some(b)) = (&known, records.a, records.b) {
        let mut read = read::read_both(policy, &Sides { a, b });
        now = Sides::of(|side| {
            let values = std::mem::take(read.get_mut(side));
            values.into_iter().map(Some).collect()
        });
    }
    for side in Side::BOTH {
        if let Some(record) = *records.get(side) {
            step.observe(side, record);
        }
    }
    let most_recent = most_recent(step, around.clocks);
    let mut targets: Vec<Value> = Vec::with_capacity(policy.entries.len());
    let mut write: Vec<Sides<bool>> = Vec::with_capacity(policy.entries.len());
    for (index, entry) in policy.entries.iter().enumerate() {
        let concerned = left.is_none() || entry.kind == Kind::OptOut;
        let merged = concerned
            .then(|| merge_entry(step, entry, index, &now, most_recent, around))
            .flatten();
        let (target, writes) = merged.unwrap_or_default();
        targets.push(target);
        write.push(writes);
    }
    for side in Side::BOTH {
        let mut records = records.clone();
        if left == Some(side) {
            *records.get_mut(side.other()) = None;
        }
        let merged = (targets.as_slice(), write.as_slice());
        if let Some(operation) = update(step, policy, around, side, &records, &now, merged) {
            let staged = records.get(side).map(|record| Box::new(record.clone()));
            *step.staged.get_mut(side) = staged;
            step.operations.push(operation);
        }
    }
}

/// Two records that are one, joined while one of them stands outside the rules: what both say by now is what they have
/// agreed on, so that an edit made before that record comes in is told from what it replaced. Nothing is written.
pub fn agree(step: &mut Step, a: &Record, b: &Record, policy: &Policy, around: Around<'_>) {
    let mut read = read::read_both(policy, &Sides { a, b });
    let now = Sides::of(|side| {
        let values = std::mem::take(read.get_mut(side));
        values.into_iter().map(Some).collect::<Vec<Option<Value>>>()
    });
    for (index, entry) in policy.entries.iter().enumerate() {
        let said = |side: Side| now.get(side).get(index).and_then(Option::as_ref);
        let agrees = said(Side::A)
            .zip(said(Side::B))
            .is_some_and(|(a, b)| equal(entry.kind, entry.cardinality, a, b));
        if agrees {
            merge_entry(step, entry, index, &now, None, around);
        }
    }
}

/// Timestamps never prove an echo: this is a seeded bug alone.
fn is_echo(link: &Link, side: Side, record: &Record) -> bool {
    seeded(Bug::EchoByTimestamp)
        && record.modified_at.is_some()
        && record.modified_at <= *link.modified_at.get(side)
}

/// A side without news is as it was last seen; an entry never looked at is unknown.
fn remembered(step: &Step, policy: &Policy, side: Side) -> Vec<Option<Value>> {
    let entries = policy.entries.iter();
    entries
        .map(|entry| last_said(&step.body, side, entry).cloned())
        .collect()
}

/// What a side said last: what it says in the target's place, else what was seen there.
pub fn last_said<'a>(body: &'a LinkBody, side: Side, entry: &Entry) -> Option<&'a Value> {
    let seen = body.seen.get(side).get(&entry.key);
    body.rendered.get(side).get(&entry.key).or(seen)
}

/// Merges one entry into the step. Gives the target and the sides to write; `None` where nothing can be said yet.
fn merge_entry(
    step: &mut Step,
    entry: &Entry,
    index: usize,
    now: &Sides<Vec<Option<Value>>>,
    most_recent: Option<Side>,
    around: Around<'_>,
) -> Option<(Value, Sides<bool>)> {
    let value = |side: Side| now.get(side).get(index).and_then(Option::as_ref);
    let as_it_was = |step: &Step| {
        let target = step.body.target.get(&entry.key)?;
        Some((target.clone(), Sides::default()))
    };
    let (Some(a), Some(b)) = (value(Side::A), value(Side::B)) else {
        // One side was never looked at here (an entry new to the mapping): remember what the other one says, so that
        // the two meet when the first is looked at.
        for side in Side::BOTH {
            if let (Some(value), None) = (value(side), step.body.target.get(&entry.key)) {
                let seen = step.body.seen.get_mut(side);
                seen.insert(entry.key.clone(), value.clone());
            }
        }
        return as_it_was(step);
    };
    let values = Sides { a, b };
    let facts = Facts {
        now: values.clone(),
        seen: Sides::of(|side| step.body.seen.get(side).get(&entry.key)),
        target: step.body.target.get(&entry.key),
        rendered: Sides::of(|side| step.body.rendered.get(side).get(&entry.key)),
        cleared: Sides::of(|side| step.body.cleared.get(side).contains(&entry.key)),
        asked: step.body.open.contains(&entry.key),
        resolution: step.body.resolutions.get(&entry.key).copied(),
        most_recent,
        origins: origins(step, entry, &values, around),
    };
    let merged = merge(entry, &facts);
    let decided = match decided(entry, &facts, &merged) {
        Decided::Before(at) => at,
        Decided::Now => around.now(),
    };
    let from_held = |side: Side| {
        *merged.write.get(side)
            && around
                .held
                .entries
                .contains(&(entry.key.clone(), side.other()))
    };
    if Side::BOTH.into_iter().any(from_held) {
        step.hold();
        return as_it_was(step);
    }
    let asked = merged.conflict.is_some_and(|clash| clash.winner.is_none());
    if let Some(clash) = merged.conflict
        && !seeded(Bug::LoserUnnamed)
        && !(asked && step.body.open.contains(&entry.key))
    {
        step.conflicts.push(ConflictFound {
            entry: entry.key.clone(),
            values: Sides {
                a: entry.said(Side::A, a),
                b: entry.said(Side::B, b),
            },
            winner: clash.winner,
        });
    }
    if asked {
        step.body.open.insert(entry.key.clone());
        // Both rows wait for the answer: it must find both values again.
        if !step.held {
            step.rows_become(RowFate::Waiting);
        }
        return as_it_was(step);
    }
    let cleared = Sides::of(|side| is_cleared(entry, &facts, &merged, side));
    let (a, b) = (a.clone(), b.clone());
    for side in Side::BOTH {
        let keys = step.body.cleared.get_mut(side);
        if *cleared.get(side) {
            keys.insert(entry.key.clone());
        } else {
            keys.remove(&entry.key);
        }
    }
    remember(step, entry, &merged.target, &merged.look, &Sides { a, b });
    if let Some(at) = decided {
        step.body.decided.insert(entry.key.clone(), at);
    }
    Some((merged.target, merged.write))
}

/// How the values of an entry came to stand in its records, where that is asked.
fn origins(
    step: &Step,
    entry: &Entry,
    values: &Sides<&Value>,
    around: Around<'_>,
) -> Option<Origins> {
    let origin = |side: Side| match step.remote.get(side) {
        Some(id) => around.origin(entry, side, id, values.get(side)),
        None => around.now().map(|_| Origin::Edited(None)),
    };
    Some(Origins {
        now: Sides {
            a: origin(Side::A)?,
            b: origin(Side::B)?,
        },
        target: step.body.decided.get(&entry.key).copied(),
    })
}

/// Whether a record, as shown, says something in a mapped field that its link does not know: an edit, unless what is
/// shown is older than what is known.
pub fn shows_edit(policy: &Policy, link: &Link, side: Side, record: &Record) -> bool {
    let body = &link.body;
    let names = Names::of_link(policy, body);
    let now = read(policy, side, &record.fields, names.as_ref());
    policy.entries.iter().zip(&now).any(|(entry, now)| {
        let known = [
            body.seen.get(side).get(&entry.key),
            body.target.get(&entry.key),
            body.rendered.get(side).get(&entry.key),
        ];
        let mut known = known.into_iter().flatten();
        !known.any(|value| equal(entry.kind, entry.cardinality, value, now))
    })
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
    // Where one side only receives nobody is asked: the question is another connection's of the pair, and so is its answer.
    if entry.from.a && entry.from.b || equal(entry.kind, entry.cardinality, &now.a, &now.b) {
        body.resolutions.remove(key);
        body.open.remove(key);
    }
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
        let rendered = body.rendered.get_mut(side);
        if !*look.get(side) {
            rendered.insert(key.clone(), value.clone());
            continue;
        }
        if rendered.contains_key(key) && !same(rendered.get(key), value) {
            rendered.remove(key);
        }
        // An own edit stays apart from what was seen, as long as it stands.
        let is_own = rendered.contains_key(key);
        if !is_own && !same(body.seen.get(side).get(key), value) {
            let side = if seeded(Bug::SeenOnWrongSide) {
                side.other()
            } else {
                side
            };
            body.seen.get_mut(side).insert(key.clone(), value.clone());
        }
    }
}

/// The side changed last, when both say so and their clocks leave no doubt.
fn most_recent(step: &Step, clocks: &Sides<ClockSkew>) -> Option<Side> {
    /// Times in whole seconds, and clocks that stand as they should, may tell this much wrong, in microseconds.
    const DOUBT: i64 = 2_000_000;
    let by_our_clock = |side: Side| {
        let at = (*step.modified_at.get(side))?.timestamp_micros();
        Some(at.saturating_sub(clocks.get(side).ahead))
    };
    let ahead = by_our_clock(Side::A)?.saturating_sub(by_our_clock(Side::B)?);
    let doubt = [DOUBT, clocks.a.doubt, clocks.b.doubt];
    let doubt = doubt.into_iter().fold(0, i64::saturating_add);
    match ahead {
        ahead if ahead > doubt => Some(Side::A),
        ahead if ahead < -doubt => Some(Side::B),
        _ => None,
    }
}

/// The update that brings a side to the targets, if it needs one.
fn update(
    step: &mut Step,
    policy: &Policy,
    around: Around<'_>,
    side: Side,
    records: &Sides<Option<&Record>>,
    now: &Sides<Vec<Option<Value>>>,
    (targets, write): (&[Value], &[Sides<bool>]),
) -> Option<Operation> {
    let record = *records.get(side);
    let remote = step.remote.get(side).clone()?;
    let mut sent = Slots::new();
    let mut before = Slots::new();
    let mut physical: Vec<(usize, Value)> = Vec::new();
    for (index, entry) in policy.entries.iter().enumerate() {
        let target = targets.get(index)?;
        if !write.get(index).is_some_and(|write| *write.get(side)) {
            continue;
        }
        // A set that was not read may hold more than is known.
        let is_item = matches!(entry.paths.get(side).part, Some(Part::Has(_)));
        if record.is_none() && is_item && !around.rehearses {
            continue;
        }
        // The source may spell the same value in a way that fits by now.
        let spelt = now.get(side.other()).get(index).and_then(Option::as_ref);
        let spelt = spelt.filter(|value| {
            equal(entry.kind, entry.cardinality, value, target) && fits(entry, side, value).is_ok()
        });
        let target = match (fits(entry, side, target), spelt) {
            (Ok(()), _) => target,
            (Err(_), Some(spelt)) => spelt,
            (Err(why), None) => {
                let source = step.remote.get(side.other()).clone()?;
                if !seeded(Bug::UnfitUnnamed) {
                    step.unfit(side.other(), &source, &why);
                }
                continue;
            }
        };
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
    respell_name(step, policy, side, now, &mut physical);
    let mut changes = composed(policy, side, record, now, &physical);
    let source = *records.get(side.other());
    let source = source.filter(|_| policy.flows_from(side.other()));
    let stands = stands(step, policy, around, side, record);
    let mut acts = source.map_or_else(Fields::new, |source| {
        // What rules add to a set is added to what is there once this is written.
        let target = stands.as_ref().map(|fields| {
            let mut fields = Cow::Borrowed(fields.as_ref());
            if !changes.is_empty() {
                fields.to_mut().extend(changes.clone());
            }
            fields
        });
        let (from, writes) = (side.other(), !physical.is_empty());
        let body = &mut step.body;
        actions::of_update(
            policy,
            from,
            &source.fields,
            target.as_deref(),
            writes,
            body,
        )
    });
    hold_back(step, policy, around, side, &mut acts);
    if physical.is_empty() && acts.is_empty() {
        return None;
    }
    tell(
        side,
        &acts,
        record,
        stands.as_deref(),
        (&mut before, &mut sent),
    );
    changes.extend(acts);
    Some(Operation::Update {
        side,
        id: remote,
        version: step
            .version
            .get(side)
            .clone()
            .filter(|_| !seeded(Bug::BlindWrite)),
        changes,
        sent,
        before,
    })
}

/// The whole fields to send: a part is put into its whole as it was read, or as it was last seen.
fn composed(
    policy: &Policy,
    side: Side,
    record: Option<&Record>,
    now: &Sides<Vec<Option<Value>>>,
    physical: &[(usize, Value)],
) -> Fields {
    if physical.is_empty() {
        return Fields::new();
    }
    let seen = || {
        let values = policy.entries.iter().zip(now.get(side));
        let values = values.filter_map(|(entry, value)| {
            let value = entry.native(side, value.as_ref()?).ok()?;
            Some((entry.paths.get(side), value))
        });
        Cow::Owned(lens::put(&Fields::new(), values))
    };
    let old = record.map_or_else(seen, |record| Cow::Borrowed(&record.fields));
    let writes = physical.iter().filter_map(|(index, value)| {
        let entry = policy.entries.get(*index)?;
        Some((entry.paths.get(side), entry.native(side, value).ok()?))
    });
    lens::put(&old, writes)
}

/// A write to one part of a name spells the other part too, for two reasons. A full name can only be put together
/// from both parts as they were agreed. And where a family name is required, a single name takes its place.
fn respell_name(
    step: &Step,
    policy: &Policy,
    side: Side,
    now: &Sides<Vec<Option<Value>>>,
    physical: &mut Vec<(usize, Value)>,
) {
    let Some((given, family)) = policy.names else {
        return;
    };
    let is_name = |index: &usize| *index == given || *index == family;
    if !physical.iter().any(|(index, _)| is_name(index)) {
        return;
    }
    let path = |index: usize| policy.entries.get(index).map(|entry| entry.paths.get(side));
    let whole = match (path(given), path(family)) {
        (Some(a), Some(b)) => a.part.is_some() && a.field == b.field,
        _ => false,
    };
    let mononym = policy.mononym.get(side).is_some();
    if !whole && !mononym {
        return;
    }
    let meant = |index: usize| {
        if let Some((_, value)) = physical.iter().find(|(at, _)| *at == index) {
            return value.clone();
        }
        let now = now.get(side).get(index).cloned().flatten();
        let now = now.unwrap_or_default();
        // A stand-in is seen there but not meant: a name that comes takes its place.
        let stands_in = policy.entries.get(index).is_some_and(|entry| {
            let target = step.body.target.get(&entry.key);
            let seen = step.body.seen.get(side).get(&entry.key);
            mononym && target.is_some_and(Value::is_empty) && seen == Some(&now)
        });
        if stands_in { Value::Empty } else { now }
    };
    let (first, last) = match (meant(given), meant(family)) {
        (single, Value::Empty) if mononym && !single.is_empty() => (Value::Empty, single),
        // A required name is never emptied.
        (_, Value::Empty) if mononym => return,
        names => names,
    };
    physical.retain(|(index, _)| !is_name(index));
    physical.extend([(given, first), (family, last)]);
}

/// Whether a side can hold a value.
pub fn fits(entry: &Entry, side: Side, value: &Value) -> Result<(), String> {
    let holds = entry.holds.get(side);
    match &entry.native(side, value)? {
        Value::Text(text) => match holds.max_length {
            Some(most) if text.chars().count() > most => Err(format!(
                "`{}` holds at most {most} characters; the value has {}. Shorten it; the rest of the record is synced",
                holds.label,
                text.chars().count()
            )),
            _ => match &holds.characters {
                Some(accepted) if !text.chars().all(|one| accepted.contains(one)) => Err(format!(
                    "`{}` accepts only these characters: `{accepted}`. Rewrite the value with them; the rest of the record is synced",
                    holds.label
                )),
                _ => Ok(()),
            },
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
