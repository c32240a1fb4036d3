//! What follows from a record that is gone. Only evidence gets here: a tombstone, or a direct read that found nothing.

use syncline_model::{DeletionPolicy, LinkState, Side, Sides};

use super::{LinkedPair, Operation, Sight, Step, create, read};
use crate::{Held, Policy, RowFate, equal, rules};

/// A deletion on one side or both.
pub fn plan_gone(mut step: Step, pair: &LinkedPair, policy: &Policy, held: &Held) -> Step {
    let deleted = Sides::of(|side| *pair.sight.get(side) == Sight::Deleted);
    if deleted.a && deleted.b {
        step.state = LinkState::Buried;
        return step;
    }
    let gone = if deleted.a { Side::A } else { Side::B };
    let rest = gone.other();
    let action = policy.deletions.on(gone);
    if action == DeletionPolicy::Ignore || !policy.flows_from(gone) {
        if *held.gone.get(gone) {
            return hold(step);
        }
        step.state = LinkState::Severed { gone };
        return step;
    }
    if was_edited(pair, policy, rest) && policy.flows_from(rest) {
        // An edit after the last sync beats a deletion: the record comes back.
        return create::plan_again(step, pair, policy, gone);
    }
    if *held.gone.get(gone) {
        return hold(step);
    }
    let id = pair.link.remote.get(rest).clone();
    step.state = LinkState::Severed { gone };
    step.operations.push(match action {
        DeletionPolicy::Delete => Operation::Delete { side: rest, id },
        DeletionPolicy::Mark => Operation::Mark { side: rest, id },
        DeletionPolicy::Unlink | DeletionPolicy::Ignore => Operation::Leave { side: rest, id },
    });
    step
}

fn hold(mut step: Step) -> Step {
    step.held = true;
    step.rows = Sides::of(|side| step.rows.get(side).map(|_| RowFate::Held));
    step
}

/// Whether a side's record was edited since it was last seen.
fn was_edited(pair: &LinkedPair, policy: &Policy, side: Side) -> bool {
    let Sight::Present(record) = pair.sight.get(side) else {
        return false;
    };
    if policy.flows_from(side) && !rules::takes_part(policy, side, &record.fields) {
        return false;
    }
    let body = &pair.link.body;
    let names = read::Names::of_link(policy, body);
    let now = read(policy, side, &record.fields, names.as_ref());
    policy.entries.iter().zip(&now).any(|(entry, now)| {
        let known = [
            body.seen.get(side).get(&entry.key),
            body.target.get(&entry.key),
            body.rendered.get(side).get(&entry.key),
        ];
        *entry.from.get(side)
            && !known
                .into_iter()
                .flatten()
                .any(|value| equal(entry.kind, entry.cardinality, value, now))
    })
}

/// A record of a severed link is seen again on the side where it was gone. A stale listing shows it at the version
/// that we knew; anything else is a person who restored it.
pub fn came_back(step: &mut Step, pair: &LinkedPair, gone: Side) -> bool {
    match pair.sight.get(gone) {
        Sight::Present(record) if pair.link.version.get(gone).as_ref() != Some(&record.version) => {
            step.state = LinkState::Live;
            true
        }
        _ => false,
    }
}

/// Both records were deleted. One that is seen again, changed since, is a new record: its tombstone goes and it is
/// looked at again as unlinked.
pub fn plan_buried(mut step: Step, pair: &LinkedPair) -> Step {
    for side in Side::BOTH {
        if let Sight::Present(record) = pair.sight.get(side)
            && pair.link.version.get(side).as_ref() != Some(&record.version)
        {
            step.subject = super::Subject::Link(Box::new(pair.link.clone()));
            *step.rows.get_mut(side) = Some(RowFate::Pending);
            *step.remote.get_mut(side) = None;
        }
    }
    step
}
