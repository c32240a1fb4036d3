//! Reading records directly: those that are not as we thought, so that they are planned again, and those that a plan could not
//! do without.

use std::collections::HashMap;

use syncline_connector::{Change, GoneWhy};
use syncline_engine::{LinkedPair, Sight};
use syncline_model::seeded::{Bug, seeded};
use syncline_model::{Record, RemoteId, Side};
use syncline_store::{Phase, Staged, StagedPhase};

use super::batch::Batch;
use super::context::{OpenSide, RunContext};
use super::guards;
use super::pull::staged;
use super::push::Pushed;
use crate::Trouble;

/// Reads what a push found to be different.
pub async fn changed(context: &RunContext<'_>, pushed: &Pushed) -> Result<(), Trouble> {
    if seeded(Bug::StaleNotReread) {
        return Ok(());
    }
    for side in Side::BOTH {
        let open = context.sides.get(side);
        let ids: Vec<RemoteId> = pushed
            .stale
            .iter()
            .filter(|(at, _)| *at == side)
            .map(|(_, id)| id.clone())
            .collect();
        restage(context, side, open, &ids).await?;
    }
    Ok(())
}

/// Reads records directly and stages what is found, pending. Gives those that are there.
pub async fn restage(
    context: &RunContext<'_>,
    side: Side,
    open: &OpenSide,
    ids: &[RemoteId],
) -> Result<Vec<Record>, Trouble> {
    let mut there = Vec::new();
    let size = open.connector.definition().batch.get.max(1);
    for ids in ids.chunks(size) {
        let found = open
            .connector
            .get(&open.session, ids, &open.fields)
            .await
            .map_err(|error| Trouble::Provider { side, error })?;
        // Records that turn out to be gone, or to have left, were not among those that the guards looked at.
        let leaves = |record: &Record| guards::leaves(context, side, None, &record.fields);
        let away = found.iter().any(|found| found.as_ref().is_none_or(leaves));
        there.extend(found.iter().flatten().cloned());
        let items: Vec<_> = ids
            .iter()
            .zip(found)
            .map(|(id, found)| {
                let change = match found {
                    Some(record) => Change::Present {
                        record,
                        former: Vec::new(),
                    },
                    None => Change::Gone {
                        id: id.clone(),
                        why: GoneWhy::Deleted,
                        former: Vec::new(),
                    },
                };
                staged(context, side, &change)
            })
            .collect();
        let mut notes = context.notes.lock().await;
        if away {
            notes.look_again();
        }
        let notes = notes.write();
        context.stage(None, &items, &notes).await?;
        // A row that was there unchanged keeps its phase; it is to be planned all the same.
        let phases: Vec<_> = items
            .iter()
            .map(|item| StagedPhase {
                side,
                remote: item.remote.clone(),
                phase: Phase::Pending,
                retry_at: None,
            })
            .collect();
        context
            .scope
            .staged_phase_set(&context.lease, &phases)
            .await?;
    }
    Ok(there)
}

/// Reads the records of links that would have to be written without having been read, where the policy says that
/// this cannot be.
pub async fn before_writing(context: &RunContext<'_>, batch: &mut Batch) -> Result<(), Trouble> {
    for side in Side::BOTH {
        if !context.policy.reads_before_writing(side) {
            continue;
        }
        let undoes = context.policy.undoes(side);
        let unread = |pair: &LinkedPair| {
            *pair.sight.get(side) == Sight::Unchanged
                && match pair.sight.get(side.other()) {
                    Sight::Present(_) => true,
                    Sight::Left => undoes,
                    Sight::Unchanged | Sight::Deleted => false,
                }
        };
        let pairs = batch.observation.linked.iter().filter(|pair| unread(pair));
        let ids: Vec<RemoteId> = pairs
            .map(|pair| pair.link.remote.get(side).clone())
            .collect();
        let open = context.sides.get(side);
        for ids in ids.chunks(open.connector.definition().batch.get.max(1)) {
            let found = open.connector.get(&open.session, ids, &open.fields).await;
            let found = found.map_err(|error| Trouble::Provider { side, error })?;
            let mut found: HashMap<RemoteId, Record> = ids
                .iter()
                .zip(found)
                .filter_map(|(id, record)| Some((id.clone(), record?)))
                .collect();
            let left = found.values();
            let left = left.filter(|record| guards::leaves(context, side, None, &record.fields));
            guards::tell(context, left.map(|record| present(context, side, record))).await?;
            for pair in batch
                .observation
                .linked
                .iter_mut()
                .filter(|pair| unread(pair))
            {
                if let Some(record) = found.remove(pair.link.remote.get(side)) {
                    *pair.sight.get_mut(side) = Sight::Present(Box::new(record));
                }
            }
        }
    }
    Ok(())
}

/// The row of a record that was read.
fn present(context: &RunContext<'_>, side: Side, record: &Record) -> Staged {
    let change = Change::Present {
        record: record.clone(),
        former: Vec::new(),
    };
    staged(context, side, &change)
}
