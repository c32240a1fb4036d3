//! The guards' look at a run as a whole, before anything is written.

use chrono::TimeDelta;
use syncline_engine::{Held, Totals, guards, overwrites, plan};
use syncline_model::{Counters, Side, Sides};

use super::batch::Batches;
use super::context::RunContext;
use crate::Trouble;

/// Evaluates the guards once a run and notes what they hold.
pub async fn evaluate(context: &RunContext<'_>) -> Result<(), Trouble> {
    if context.notes.lock().await.guarded {
        return Ok(());
    }
    let connection = context.connection.id;
    let counts = context.scope.staged_counts(connection).await?;
    let links = context.scope.link_count_guarded(connection).await?;
    let since = context.tools.clock.now() - TimeDelta::hours(24);
    let recent = context.scope.deletions_since(connection, since).await?;
    let mut totals = Totals {
        links,
        deletions_24h: recent.a + recent.b,
        ..Totals::default()
    };
    let pending = counts.pending.a + counts.pending.b;
    let overwrites_possible = pending > u64::from(context.policy.guards.deletions_min)
        && links > 0
        && pending * 100 > links * u64::from(context.policy.guards.overwrite_percent);
    if overwrites_possible || counts.gone.a + counts.gone.b > 0 {
        rehearse(context, &mut totals).await?;
    }
    let trips = guards(&totals, &context.policy);
    for trip in &trips {
        tracing::warn!(?trip, "a guard holds part of the plan");
    }
    let mut notes = context.notes.lock().await;
    notes.guarded = true;
    notes.guards = trips;
    let notes = notes.write();
    context
        .scope
        .run_checkpoint(&context.lease, &notes, &Counters::default())
        .await?;
    Ok(())
}

/// Plans everything that is pending without doing any of it, and counts.
async fn rehearse(context: &RunContext<'_>, totals: &mut Totals) -> Result<(), Trouble> {
    let mut batches = Batches::new();
    while let Some(batch) = batches.next(context, &Held::default()).await? {
        let gone = |deleted: bool| {
            Sides::of(|side: Side| {
                let counted = batch.observation.linked.iter().filter(|pair| {
                    let followed = matches!(
                        pair.link.state,
                        syncline_model::LinkState::Live | syncline_model::LinkState::Frozen { .. }
                    );
                    let sight = pair.sight.get(side);
                    let is = *sight == syncline_engine::Sight::Deleted
                        || (!deleted && *sight == syncline_engine::Sight::Left);
                    followed && is
                });
                counted.count() as u64
            })
        };
        let (deleted, missing) = (gone(true), gone(false));
        for side in Side::BOTH {
            *totals.deleted.get_mut(side) += deleted.get(side);
            *totals.missing.get_mut(side) += missing.get(side);
        }
        overwrites(
            &plan(&batch.observation, &context.policy),
            &context.policy,
            totals,
        );
    }
    Ok(())
}
