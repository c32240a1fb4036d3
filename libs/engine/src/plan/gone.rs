//! What follows from a record that is gone. Only evidence gets here: a tombstone, or a direct read that found nothing.

use syncline_model::seeded::{Bug, seeded};
use syncline_model::{DeletionPolicy, LinkState, Side, Sides, Value};

use super::{Around, LinkedPair, Operation, Sight, Step, create, pair, read};
use crate::{
    Policy, RowFate,
    merge::{Facts, merge},
};

/// A deletion on one side or both.
pub fn plan_gone(mut step: Step, pair: &LinkedPair, policy: &Policy, around: Around<'_>) -> Step {
    let deleted = Sides::of(|side| *pair.sight.get(side) == Sight::Deleted);
    if deleted.a && deleted.b {
        step.state = LinkState::Buried;
        return step;
    }
    let gone = if deleted.a { Side::A } else { Side::B };
    let rest = gone.other();
    let action = policy.deletions.on(gone);
    let carried = (action != DeletionPolicy::Ignore || seeded(Bug::IgnoredDeletionCarried))
        && policy.flows_from(gone);
    if carried
        && took_part(pair, policy, gone)
        && policy.flows_from(rest)
        && is_owed(pair, policy, around, gone)
        && !seeded(Bug::DeletionBeatsEdit)
    {
        // An edit after the last sync beats a deletion: the record comes back.
        return create::plan_again(step, pair, policy, around, gone);
    }
    if *around.held.gone.get(gone) && !seeded(Bug::HeldGoesOn) {
        step.hold();
        wait(&mut step, pair, rest);
        return step;
    }
    step.state = LinkState::Severed { gone };
    if !carried || !took_part(pair, policy, gone) {
        wait(&mut step, pair, rest);
        return step;
    }
    if let Sight::Present(record) = pair.sight.get(rest) {
        // Decided on the record as it is now: only if it changes once more is it to be looked at again.
        step.observe(rest, record);
    }
    let known = pair.link.remote.get(rest);
    let id = step.remote.get(rest).as_ref().unwrap_or(known).clone();
    step.operations.push(match action {
        DeletionPolicy::Delete => Operation::Delete { side: rest, id },
        DeletionPolicy::Mark => Operation::Mark { side: rest, id },
        DeletionPolicy::Unlink | DeletionPolicy::Ignore => Operation::Leave { side: rest, id },
    });
    step
}

/// What is news of the record that stays waits: a partner that is restored, or entered again, is merged with it.
fn wait(step: &mut Step, pair: &LinkedPair, rest: Side) {
    if let (Some(row), Sight::Present(_) | Sight::Left) =
        (step.rows.get_mut(rest), pair.sight.get(rest))
    {
        *row = RowFate::Waiting;
    }
}

/// Whether the record now gone and its partner both took part until then: a deletion outside the collection or the
/// rules concerns nobody, and nothing outside of them is ever written. Of two that were parted one was outside.
fn took_part(pair: &LinkedPair, policy: &Policy, gone: Side) -> bool {
    let parted = pair.link.body.parted.contains_key(&policy.connection);
    pair.link.state != LinkState::Frozen { left: gone }
        && !parted
        && !pair::is_outside(pair, policy, gone.other())
}

/// Whether something is owed to the side that is gone: a merge that pretends its record is as last seen would write
/// it. That is an edit made since, or one that never got there; what another connection brought there before it was
/// deleted is not owed.
fn is_owed(pair: &LinkedPair, policy: &Policy, around: Around<'_>, gone: Side) -> bool {
    let Sight::Present(record) = pair.sight.get(gone.other()) else {
        return false;
    };
    let body = &pair.link.body;
    let names = read::Names::of_link(policy, body);
    let now = read(policy, gone.other(), &record.fields, names.as_ref());
    policy.entries.iter().zip(&now).any(|(entry, now)| {
        let Some(target) = body.target.get(&entry.key) else {
            return false;
        };
        let there = pair::last_said(body, gone, entry).unwrap_or(&Value::Empty);
        let sides = |here, there| match gone {
            Side::A => Sides { a: there, b: here },
            Side::B => Sides { a: here, b: there },
        };
        let facts = Facts {
            now: sides(now, there),
            seen: Sides::of(|side| body.seen.get(side).get(&entry.key)),
            target: Some(target),
            rendered: Sides::of(|side| body.rendered.get(side).get(&entry.key)),
            cleared: Sides::of(|side| body.cleared.get(side).contains(&entry.key)),
            // Where both edited, the record that stays says more than the one that is gone.
            asked: false,
            resolution: Some(gone.other()),
            most_recent: None,
            origins: None,
        };
        let merged = merge(entry, &facts);
        let ids = &pair.link.remote;
        *merged.write.get(gone)
            && !around.stood(entry, gone.other(), ids, &merged.target)
            && pair::fits(entry, gone, &merged.target).is_ok()
    })
}

/// A record that was gone is seen again. A stale listing shows it at the version that we knew; anything else is a
/// person who restored it, or merged it into another one.
fn came_back(pair: &LinkedPair, gone: Side) -> bool {
    matches!(
        pair.sight.get(gone),
        Sight::Present(record) if pair.link.version.get(gone).as_ref() != Some(&record.version)
            || record.id != *pair.link.remote.get(gone)
            || seeded(Bug::StaleResurrects)
    )
}

/// One record of a severed link is gone, the other is left alone: what is news of it waits, so that coming back can
/// merge it. Gives whether the link is followed again.
pub fn plan_severed(step: &mut Step, pair: &LinkedPair, gone: Side) -> bool {
    let rest = gone.other();
    if came_back(pair, gone) {
        if *pair.sight.get(rest) == Sight::Deleted {
            // Restored on one side, deleted on the other: bringing back is the newer will.
            step.state = LinkState::Buried;
            forget(step, gone);
            return false;
        }
        step.state = LinkState::Live;
        return true;
    }
    match pair.sight.get(rest) {
        Sight::Deleted => step.state = LinkState::Buried,
        Sight::Present(_) | Sight::Left => *step.rows.get_mut(rest) = Some(RowFate::Waiting),
        Sight::Unchanged => {}
    }
    false
}

/// Both records were deleted. If both are seen again, changed since, the link is followed again. One alone is a new
/// record: the tombstone goes and the record is looked at again as unlinked. Gives whether the link is followed.
pub fn plan_buried(step: &mut Step, pair: &LinkedPair) -> bool {
    let back = Sides::of(|side| came_back(pair, side));
    if back.a && back.b {
        step.state = LinkState::Live;
        return true;
    }
    for side in Side::BOTH {
        if *back.get(side) {
            forget(step, side);
        }
    }
    false
}

/// The tombstone goes; the record is to be looked at as unlinked.
fn forget(step: &mut Step, side: Side) {
    *step.rows.get_mut(side) = Some(RowFate::Pending);
    *step.remote.get_mut(side) = None;
}
