//! The guards' look at a run as a whole, before anything is written.
//!
//! A rehearsal plans everything that is pending or held, without doing any of it and without asking a provider. It
//! goes on in the next slice where this one ends.

use std::collections::HashMap;

use chrono::TimeDelta;
use syncline_engine::{
    Plan, Sight, Step, Totals, beyond, guards, most_taken_away, overwrites, parting, plan,
    takes_part,
};
use syncline_model::seeded::{Bug, seeded};
use syncline_model::{Fields, LinkState, RemoteId, Side, Sides};
use syncline_store::{Phase, Staged};

use super::batch::{Batch, Look, observe};
use super::context::RunContext;
use super::notes::Rehearsal;
use crate::Trouble;

/// Evaluates the guards, if that is not done, and notes what they hold. Gives `false` when the slice ended before.
pub async fn evaluate(context: &RunContext<'_>) -> Result<bool, Trouble> {
    if context.notes.lock().await.guarded {
        return Ok(true);
    }
    let connection = context.connection.id;
    let counts = context.scope.staged_counts(connection).await?;
    let open = counts.pending.a + counts.pending.b + counts.held;
    let gone = counts.gone.a + counts.gone.b;
    let limits = &context.policy.guards;
    let many = open > u64::from(limits.deletions_min);
    let parts = context.policy.parts() && open > 0;
    if !many && gone == 0 && counts.held == 0 && !parts {
        // Nothing that a guard could hold.
        context.notes.lock().await.hold(Vec::new());
        return Ok(true);
    }
    let links = context.scope.link_count_guarded(connection).await?;
    let since = context.tools.clock.now() - TimeDelta::hours(24);
    let recent = context.scope.deletions_since(connection, since).await?;
    let mut totals = Totals {
        links,
        deletions_24h: if seeded(Bug::GuardForgetsTheDay) {
            0
        } else {
            recent.a + recent.b
        },
        ..Totals::default()
    };
    let overwrites_possible =
        many && links > 0 && open * 100 > links * u64::from(limits.overwrite_percent);
    let parts =
        parts && links > 0 && open + totals.deletions_24h > most_taken_away(&context.policy, links);
    if (overwrites_possible || parts || gone > 0 || counts.held > 0)
        && !rehearse(context, &mut totals).await?
    {
        return Ok(false);
    }
    let mut trips = guards(&totals, &context.policy);
    let agreed = context.notes.lock().await.agreed.clone();
    if let Some(agreed) = agreed {
        let done = context
            .scope
            .deletions_since(connection, agreed.since)
            .await?;
        trips = beyond(trips, &agreed.trips, &done);
    }
    if seeded(Bug::GuardsSkipped) {
        trips.clear();
    }
    for trip in &trips {
        tracing::warn!(?trip, "a guard holds part of the plan");
    }
    // What was held by guards of before that hold no longer goes on.
    if trips.is_empty() && counts.held > 0 {
        context.scope.staged_unhold(&context.lease).await?;
    }
    let mut notes = context.notes.lock().await;
    notes.hold(trips);
    let written = notes.write();
    context.scope.run_note(&context.lease, &written).await?;
    Ok(true)
}

/// Plans everything without doing any of it, and counts. Gives `false` when the slice ended before.
async fn rehearse(context: &RunContext<'_>, totals: &mut Totals) -> Result<bool, Trouble> {
    let mut so_far = context.notes.lock().await.rehearsal.clone();
    loop {
        let mut rehearsal = so_far.unwrap_or_default();
        let limit = context.tools.settings.batch as u32;
        let rows = context
            .scope
            .staged_pending_or_held(context.connection.id, rehearsal.after.as_ref(), limit)
            .await?;
        let Some(last) = rows.last() else {
            totals.deleted = rehearsal.deleted;
            totals.missing = rehearsal.missing;
            totals.parting = rehearsal.parting;
            let counted = rehearsal.overwrites.into_iter();
            totals.overwrites = counted
                .map(|(entry, from, count)| ((entry, from), count))
                .collect();
            return Ok(true);
        };
        let last = (last.side, last.remote.clone());
        let batch = observe(context, rows, Look::Rehearse).await?;
        count(context, &batch, &mut rehearsal);
        rehearsal.after = Some(last);
        let mut notes = context.notes.lock().await;
        notes.rehearsal = Some(rehearsal.clone());
        let written = notes.write();
        drop(notes);
        context.scope.run_note(&context.lease, &written).await?;
        if context.border().await? {
            return Ok(false);
        }
        so_far = Some(rehearsal);
    }
}

/// Takes out of a plan what follows from records that were found to leave when they were read for it: guards have not counted
/// them yet, and look again first. Says whether there was anything.
pub async fn hold_back(context: &RunContext<'_>, plan: &mut Plan) -> bool {
    if context.notes.lock().await.guarded || !context.policy.parts() {
        return false;
    }
    let all = plan.steps.len();
    let stays = |step: &Step| parting(step, &context.policy).is_none();
    plan.steps.retain(stays);
    plan.steps.len() < all
}

/// Whether a record is found to leave that guards took for one that stays.
pub fn leaves(context: &RunContext<'_>, side: Side, before: Option<&Fields>, now: &Fields) -> bool {
    let policy = &context.policy;
    let takes_part = |fields| takes_part(policy, side, fields);
    policy.parts() && policy.flows_from(side) && before.is_none_or(takes_part) && !takes_part(now)
}

/// Keeps records that were found to leave, so that guards count them when they look again.
pub async fn tell(
    context: &RunContext<'_>,
    leaving: impl Iterator<Item = Staged>,
) -> Result<(), Trouble> {
    let leaving: Vec<Staged> = leaving.collect();
    if leaving.is_empty() {
        return Ok(());
    }
    let mut notes = context.notes.lock().await;
    notes.look_again();
    context.stage(None, &leaving, &notes.write()).await
}

/// Counts what a batch is the first to show.
fn count(context: &RunContext<'_>, batch: &Batch, rehearsal: &mut Rehearsal) {
    let after = rehearsal.after.clone();
    let is_first =
        |remote: &Sides<Option<RemoteId>>| is_first(&batch.phases, after.as_ref(), remote);
    for pair in &batch.observation.linked {
        let followed = matches!(pair.link.state, LinkState::Live | LinkState::Frozen { .. });
        let ids = Sides::of(|side| Some(pair.link.remote.get(side).clone()));
        if !followed || !is_first(&ids) {
            continue;
        }
        for side in Side::BOTH {
            let sight = pair.sight.get(side);
            let deleted = *sight == Sight::Deleted;
            // Who was taken out is gone from the collection by our doing.
            let taken_out = pair.link.body.parted(context.connection.id, side).is_some();
            let left = *sight == Sight::Left && !batch.had_left(pair.link.id, side) && !taken_out;
            *rehearsal.deleted.get_mut(side) += u64::from(deleted);
            *rehearsal.missing.get_mut(side) += u64::from(deleted || left);
        }
    }
    let mut planned: Plan = plan(&batch.observation, &context.policy);
    planned.steps.retain(|step| is_first(&step.remote));
    for step in &planned.steps {
        if let Some(left) = parting(step, &context.policy) {
            *rehearsal.parting.get_mut(left) += 1;
        }
    }
    let mut more = Totals::default();
    overwrites(&planned, &context.policy, &mut more);
    for ((entry, from), count) in more.overwrites {
        let known = rehearsal
            .overwrites
            .iter_mut()
            .find(|(other, side, _)| *other == entry && *side == from);
        match known {
            Some((_, _, sum)) => *sum += count,
            None => rehearsal.overwrites.push((entry, from, count)),
        }
    }
}

/// Whether none of the records was a row of an earlier batch: two rows of one link may come in two batches, and the
/// order of rows is that of the batches.
fn is_first(
    phases: &HashMap<(Side, RemoteId), Phase>,
    after: Option<&(Side, RemoteId)>,
    remote: &Sides<Option<RemoteId>>,
) -> bool {
    let open =
        |key: &(Side, RemoteId)| matches!(phases.get(key), Some(Phase::Pending | Phase::Held));
    !Side::BOTH.into_iter().any(|side| {
        let key = remote.get(side).clone().map(|id| (side, id));
        key.is_some_and(|key| open(&key) && after.is_some_and(|after| key <= *after))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_counts_in_the_first_of_its_batches() {
        let key = |side, id: &str| (side, RemoteId::new(id));
        let phases = HashMap::from([
            (key(Side::A, "2"), Phase::Pending),
            (key(Side::A, "3"), Phase::Waiting),
            (key(Side::B, "2"), Phase::Held),
        ]);
        let cases = [
            (None, Some("2"), Some("2"), true),
            (Some((Side::A, "1")), Some("2"), Some("2"), true),
            (Some((Side::A, "2")), Some("2"), Some("2"), false),
            (Some((Side::A, "9")), None, Some("2"), true),
            (Some((Side::A, "9")), Some("2"), Some("2"), false),
            // A row that is neither pending nor held is in no batch.
            (Some((Side::A, "9")), Some("3"), Some("2"), true),
            (Some((Side::B, "2")), Some("3"), Some("2"), false),
        ];
        for (after, a, b, expect) in cases {
            let after = after.map(|(side, id)| key(side, id));
            let remote = Sides {
                a: a.map(RemoteId::new),
                b: b.map(RemoteId::new),
            };
            let found = is_first(&phases, after.as_ref(), &remote);
            assert_eq!(found, expect, "{after:?} {remote:?}");
        }
    }
}
