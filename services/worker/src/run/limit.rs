//! How many records a run may create and update on each side, as the tenant's plan says. What is beyond waits for the
//! next run: its rows stay staged, in the order in which they came to wait, and nothing of it is decided before its turn.

use chrono::{DateTime, Utc};
use syncline_engine::{Allowance, PutOff};
use syncline_model::{Connection, Run, Side, Sides, Tariff};
use syncline_store::{BESIDE, Phase, Scope, StagedPhase};

use super::batch::Batch;
use super::context::OpenSide;
use crate::{Tools, Trouble};

/// Whether a tenant's plan allows a connection; it may have been changed since the connection was made.
pub fn check(
    tariff: &Tariff,
    connection: &Connection,
    sides: &Sides<OpenSide>,
) -> Result<(), Trouble> {
    let apps = Side::BOTH.into_iter().filter_map(|side| {
        let app = sides.get(side).connector.definition();
        tariff.refuses_app(&app.name, app.paid_plans_only)
    });
    let all: Vec<String> = apps
        .chain(tariff.refusals(connection))
        .map(|one| one.to_string())
        .collect();
    if all.is_empty() {
        return Ok(());
    }
    Err(Trouble::Config(all.join(" ")))
}

/// How many records a run may write on each side. What runs wrote that were broken off before the first one came to its
/// end counts as the first one's.
pub async fn most(
    tools: &Tools,
    scope: &Scope,
    run: &Run,
    tariff: &Tariff,
    sides: &Sides<OpenSide>,
) -> Result<Allowance, Trouble> {
    let limit = |first| {
        Sides::of(|side| {
            let apps = Side::BOTH.map(|side| sides.get(side).connector.definition());
            let editions = apps.iter().filter_map(|app| app.edition.as_deref());
            let into = &sides.get(side).connector.definition().id;
            tools.tariffs.limit(tariff, editions, into, first)
        })
    };
    let (first, later): (Allowance, Allowance) = (limit(true), limit(false));
    if first == later && first == Allowance::default() {
        return Ok(first);
    }
    let Some(before) = scope.run_first(run.id, run.connection).await? else {
        return Ok(later);
    };
    Ok(Sides::of(|side| {
        let most = first.get(side);
        most.map(|most| most.saturating_sub(*before.get(side)))
    }))
}

/// The rows of what is put off. One a step is counted; its partner, if that is staged as well, waits beside it.
pub fn rows(batch: &Batch, put_off: &[PutOff], now: DateTime<Utc>) -> Vec<StagedPhase> {
    let mut phases = Vec::new();
    for PutOff { step, to } in put_off {
        let rows = [to.other(), *to].into_iter().filter_map(|side| {
            let remote = batch
                .row(step, side)
                .filter(|_| step.rows.get(side).is_some())?;
            let phase = batch.phases.get(&(side, remote.clone()))?;
            Some((side, remote, phase))
        });
        let rows: Vec<_> = rows.collect();
        // Looked at before, and brought here by others: nothing else would bring them again.
        let known = rows.iter().all(|(.., phase)| **phase == Phase::Known);
        let mut since = now;
        for (side, remote, phase) in rows {
            let phase = match phase {
                Phase::Held | Phase::Waiting => continue,
                Phase::Known if !known => continue,
                // What a guard holds part of waits for a person as a whole.
                _ if step.held => Phase::Held,
                // Its place in the line stays its own.
                Phase::Over(before) if before == to => {
                    since = BESIDE;
                    continue;
                }
                Phase::Pending | Phase::Over(_) | Phase::Known => Phase::Over(*to),
            };
            phases.push(StagedPhase {
                side,
                remote,
                phase,
                retry_at: (phase != Phase::Held).then_some(since),
            });
            since = BESIDE;
        }
    }
    phases
}
