//! What is still written when a record leaves: what rules did to its partner is put back, and a person's opt-out, where that
//! is the very thing for which the record left, goes over. Where leaving is carried over, the partner then leaves the
//! collection, and is put back into it when the record comes back (docs/adr/0019).

use syncline_model::seeded::{Bug, seeded};
use syncline_model::{
    Fields, Kind, LinkBody, LinkState, OnLeave, Parted, Record, Side, Slots, Value,
};

use super::{Around, LinkedPair, Operation, Sight, Step, Subject, acting, pair};
use crate::{Policy, RowFate, actions, lens, rules};

/// The link stands still. What is news waits in its staged row, so that coming back can merge it. That a record left
/// waits too: the state remembers one side only, and forgets it when the other record is deleted meanwhile.
pub fn freeze(step: &mut Step, pair: &LinkedPair, left: Side) {
    step.state = LinkState::Frozen { left };
    for side in Side::BOTH {
        let waits = match pair.sight.get(side) {
            Sight::Present(_) => true,
            Sight::Left => side != left || !seeded(Bug::LeftForgotten),
            Sight::Unchanged | Sight::Deleted => false,
        };
        if let (Some(row), true) = (step.rows.get_mut(side), waits) {
            *row = RowFate::Waiting;
        }
    }
}

/// Sees to the partner of a record that left, if that one is still inside.
pub fn part(step: &mut Step, linked: &LinkedPair, policy: &Policy, around: Around<'_>, left: Side) {
    let side = left.other();
    let out = linked.link.body.parted(policy.connection, side);
    let is_out = out.is_some_and(|parted| parted.out && parted.done)
        && !around.keeps(side, linked.link.remote.get(side));
    let outside = pair::is_outside(linked, policy, side) || *linked.sight.get(side) == Sight::Left;
    if !policy.flows_from(left) || outside || is_out {
        return;
    }
    if left_by_opt_out(linked, policy, left) {
        // What rules did is put back along with it.
        pair::merge_some(step, linked, policy, around, Some(left));
    } else {
        undo(step, linked, policy, around, left);
    }
}

/// Whether the partner of a record that left is to leave the collection: at the moment of leaving, and as long as that is
/// not done. Not later: who is put into it by hand meanwhile stays there. And not if the record never was inside: the copy
/// of a newcomer that does not pass the rules of the way back drives nobody out.
pub fn is_due(linked: &LinkedPair, policy: &Policy, left: Side) -> bool {
    let side = left.other();
    let body = &linked.link.body;
    if !policy.takes_out(left) {
        return false;
    }
    if let Some(parted) = body.parted.get(&policy.connection) {
        return parted.side == side && !(parted.out && parted.done);
    }
    let inside = body.inside.get(&policy.connection);
    linked.link.state == LinkState::Live
        && inside.is_some_and(|inside| *inside.get(left))
        && !pair::is_outside(linked, policy, side)
}

/// Notes which records of a link are seen where both take part.
pub fn note_seen(step: &mut Step, linked: &LinkedPair, policy: &Policy) {
    for side in Side::BOTH {
        if let Sight::Present(_) = linked.sight.get(side) {
            note_inside(&mut step.body, policy, side);
        }
    }
}

/// Notes that a side's record was seen where it takes part.
pub fn note_inside(body: &mut LinkBody, policy: &Policy, side: Side) {
    if policy.parts() {
        let inside = body.inside.entry(policy.connection).or_default();
        *inside.get_mut(side) = true;
    }
}

/// Takes the partner of a record that left out of the collection. One that another connection keeps in it stays, and is
/// from then on in that one's hands.
pub fn take_out(
    step: &mut Step,
    linked: &LinkedPair,
    policy: &Policy,
    around: Around<'_>,
    left: Side,
) {
    if !is_due(linked, policy, left) {
        return;
    }
    let side = left.other();
    let known = linked.link.remote.get(side);
    let id = step.remote.get(side).as_ref().unwrap_or(known).clone();
    let kept = around.keeps(side, &id);
    let parted = Parted {
        side,
        out: true,
        done: kept,
    };
    step.body.parted.insert(policy.connection, parted);
    if !kept {
        step.operations.push(Operation::Leave { side, id });
    }
}

/// Puts a record that was taken out back into the collection, now that its partner is back. Gives whether the two have to
/// wait for that: only what is seen there afterwards is merged.
pub fn rejoin(step: &mut Step, linked: &LinkedPair, policy: &Policy) -> bool {
    let Some(parted) = step.body.parted.get_mut(&policy.connection) else {
        return false;
    };
    let side = parted.side;
    let is_seen = matches!(linked.sight.get(side), Sight::Present(_));
    if is_seen && !parted.out && parted.done {
        step.body.parted.remove(&policy.connection);
        return false;
    }
    (parted.out, parted.done) = (false, false);
    let known = linked.link.remote.get(side);
    let id = step.remote.get(side).as_ref().unwrap_or(known).clone();
    step.operations.push(Operation::Join { side, id });
    step.rows_become(RowFate::Waiting);
    true
}

/// The side whose record leaves by a step, where something is taken away from its partner for that.
pub fn parting(step: &Step, policy: &Policy) -> Option<Side> {
    let (Subject::Link(link), LinkState::Frozen { left }) = (&step.subject, step.state) else {
        return None;
    };
    let leaves = |one: &Operation| matches!(one, Operation::Leave { .. });
    let loses = policy.on_leave == OnLeave::Leave
        && link.state == LinkState::Live
        && policy.flows_from(left)
        && actions::has_marks(policy, left.other(), &link.body);
    (step.operations.iter().any(leaves) || loses).then_some(left)
}

/// Whether a record would take part but for its opt-out. Who has opted out on one side and is then left alone would go on
/// getting mail from the other one.
fn left_by_opt_out(linked: &LinkedPair, policy: &Policy, left: Side) -> bool {
    let Sight::Present(record) = linked.sight.get(left) else {
        return false;
    };
    takes_part_but_for_opt_out(policy, left, record)
}

/// Whether a record of a side takes part, its opt-out apart.
pub fn takes_part_but_for_opt_out(policy: &Policy, side: Side, record: &Record) -> bool {
    let opted_in = policy.entries.iter().filter_map(|entry| {
        let is_opt_out = entry.kind == Kind::OptOut;
        let no = is_opt_out.then(|| entry.native(side, &Value::Bool(false)))?;
        Some((entry.paths.get(side), no.ok()?))
    });
    let opted_in = lens::put(&record.fields, opted_in);
    if opted_in.is_empty() {
        return false;
    }
    let mut fields = record.fields.clone();
    fields.extend(opted_in);
    rules::takes_part(policy, side, &fields)
}

/// Puts back what rules did to the record on the other side of one that left.
fn undo(step: &mut Step, linked: &LinkedPair, policy: &Policy, around: Around<'_>, left: Side) {
    let side = left.other();
    let record = match linked.sight.get(side) {
        Sight::Present(record) => Some(record.as_ref()),
        _ => None,
    };
    let Some(stands) = acting::stands(step, policy, around, side, record) else {
        return;
    };
    let mut changes: Fields = actions::of_exit(policy, left, &stands, &mut step.body);
    acting::hold_back(step, policy, around, side, &mut changes);
    if changes.is_empty() {
        return;
    }
    let (mut before, mut sent) = (Slots::new(), Slots::new());
    acting::tell(
        side,
        &changes,
        record,
        Some(&stands),
        (&mut before, &mut sent),
    );
    if let Some(record) = record {
        step.observe(side, record);
        *step.staged.get_mut(side) = Some(Box::new(record.clone()));
    }
    let known = linked.link.remote.get(side);
    step.operations.push(Operation::Update {
        side,
        id: record.map_or(known, |record| &record.id).clone(),
        version: record.map(|record| record.version.clone()),
        changes,
        sent,
        before,
    });
}
