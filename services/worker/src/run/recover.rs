//! Resolving what an earlier slice intended and did not settle, before anything new is decided.
//!
//! A write to a record that exists needs no guess: the record is read again, and the merge sees by `seen` and
//! `target` whether the write was done. A creation is looked for at the provider; only when it is not there, and can
//! no longer turn up, is it made again.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use syncline_connector::Create;
use syncline_engine::acknowledge;
use syncline_model::{
    ChangeKind, Counters, HistoryEntry, Link, LinkState, Record, RemoteId, Side, Sides,
};
use syncline_platform::clock::later;
use syncline_store::{Intent, IntentKind, Phase, Settlement, StagedPhase};

use super::context::RunContext;
use super::push::{CreatePayload, restage};
use crate::Trouble;

/// Intents resolved together.
const BATCH: u32 = 1000;

/// Resolves what is open. Gives when to look again for a creation of which nobody knows yet whether it was done:
/// until then nothing else may happen, since a pull could show the record and a plan take it for somebody new.
pub async fn recover(context: &RunContext<'_>) -> Result<Option<(DateTime<Utc>, String)>, Trouble> {
    let mut wait = None;
    // Each round resolves what it reads, or says for what to wait.
    while wait.is_none() {
        let scope = &context.scope;
        let open = scope.intents_open(context.connection.id, BATCH).await?;
        if open.is_empty() {
            context.notes.lock().await.limbo_since = None;
            break;
        }
        tracing::info!(
            open = open.len(),
            "resolving what was intended and not settled"
        );
        let (creations, writes): (Vec<_>, Vec<_>) = open
            .into_iter()
            .partition(|intent| intent.kind == IntentKind::Create);
        resolve_writes(context, &writes).await?;
        for side in Side::BOTH {
            let mine: Vec<&Intent> = creations
                .iter()
                .filter(|intent| intent.side == side)
                .collect();
            let size = context
                .sides
                .get(side)
                .connector
                .definition()
                .batch
                .create
                .max(1);
            for intents in mine.chunks(size) {
                resolve_creations(context, side, intents, &mut wait).await?;
            }
        }
    }
    Ok(wait)
}

async fn resolve_writes(context: &RunContext<'_>, intents: &[Intent]) -> Result<(), Trouble> {
    if intents.is_empty() {
        return Ok(());
    }
    for side in Side::BOTH {
        let ids: Vec<RemoteId> = {
            let ids: HashSet<RemoteId> = intents
                .iter()
                .filter(|intent| intent.side == side)
                .filter_map(|intent| intent.remote.clone())
                .collect();
            ids.into_iter().collect()
        };
        restage(context, side, context.sides.get(side), &ids).await?;
    }
    let settlement = Settlement {
        now: context.tools.clock.now(),
        intents_cleared: intents.iter().map(|intent| intent.operation).collect(),
        staged_phases: intents.iter().filter_map(pending_source).collect(),
        ..Settlement::default()
    };
    context.scope.settle(&context.lease, &settlement).await?;
    Ok(())
}

/// The row that an intent comes from, to be planned again.
fn pending_source(intent: &Intent) -> Option<StagedPhase> {
    Some(StagedPhase {
        side: intent.side.other(),
        remote: intent.source.clone()?,
        phase: Phase::Pending,
        retry_at: None,
    })
}

async fn resolve_creations(
    context: &RunContext<'_>,
    side: Side,
    intents: &[&Intent],
    wait: &mut Option<(DateTime<Utc>, String)>,
) -> Result<(), Trouble> {
    let open = context.sides.get(side);
    let now = context.tools.clock.now();
    let settle_time = context
        .tools
        .accounts
        .settle(&open.connector.definition().id)
        .map_err(|error| Trouble::Account { side, error })?;
    // Not since it was intended: a batch is sent piece by piece, and the last piece may still be on its way.
    let since = *context.notes.lock().await.limbo_since.get_or_insert(now);
    let payloads: Vec<CreatePayload> = intents
        .iter()
        .map(|intent| serde_json::from_value(intent.payload.clone()))
        .collect::<Result<_, _>>()
        .map_err(|_| {
            syncline_store::StoreError::Corrupt("the payload of an intended creation".into())
        })?;
    let items: Vec<Create> = intents
        .iter()
        .zip(&payloads)
        .map(|(intent, payload)| Create {
            operation: intent.operation,
            intended_at: intent.intended_at,
            fields: payload.fields.clone(),
        })
        .collect();
    let found = find(context, side, &items).await?;
    let mut settlement = Settlement {
        now,
        ..Settlement::default()
    };
    let mut reread = Vec::new();
    for ((intent, payload), found) in intents.iter().zip(payloads).zip(found) {
        match (found, &intent.source) {
            (Some(record), Some(source)) => {
                reread.push(record.id.clone());
                adopt(
                    context,
                    side,
                    intent,
                    payload,
                    source,
                    &record,
                    &mut settlement,
                );
            }
            _ if later(since, settle_time) <= now => {
                settlement.intents_cleared.push(intent.operation);
                settlement.staged_phases.extend(pending_source(intent));
            }
            _ => {
                let until = later(since, settle_time);
                if wait.as_ref().is_none_or(|(other, _)| *other < until) {
                    let why = format!(
                        "side {side}: waiting to see whether a record whose creation was not answered turns up"
                    );
                    *wait = Some((until, why));
                }
            }
        }
    }
    context.scope.settle(&context.lease, &settlement).await?;
    if !reread.is_empty() {
        context.mark_moved();
    }
    restage(context, side, open, &reread).await
}

/// Looks for what was created, past every record that was there before: one that is linked, or that a pull has shown.
/// No pull runs between an intent and its resolution, so that a record which was pulled cannot be ours.
async fn find(
    context: &RunContext<'_>,
    side: Side,
    items: &[Create],
) -> Result<Vec<Option<Record>>, Trouble> {
    let open = context.sides.get(side);
    let mut known: Vec<RemoteId> = Vec::new();
    loop {
        let found = open
            .connector
            .find_created(&open.session, &open.collection, items, &known)
            .await
            .map_err(|error| Trouble::Provider { side, error })?;
        let ids: Vec<RemoteId> = found
            .iter()
            .flatten()
            .map(|record| record.id.clone())
            .collect();
        let linked = context
            .scope
            .links_by_remote(context.connection.pair, side, &ids)
            .await?;
        let staged = context
            .scope
            .staged_get(context.connection.id, side, &ids)
            .await?;
        let before = known.len();
        known.extend(linked.into_iter().map(|link| link.remote.get(side).clone()));
        known.extend(staged.into_iter().map(|row| row.remote));
        if known.len() == before {
            return Ok(found);
        }
    }
}

/// A creation that was done after all: its link is what it would have been.
fn adopt(
    context: &RunContext<'_>,
    side: Side,
    intent: &Intent,
    payload: CreatePayload,
    source: &RemoteId,
    record: &syncline_model::Record,
    settlement: &mut Settlement,
) {
    let from = side.other();
    let mut remote = Sides {
        a: record.id.clone(),
        b: record.id.clone(),
    };
    *remote.get_mut(from) = source.clone();
    let mut version = Sides::default();
    *version.get_mut(side) = Some(record.version.clone());
    *version.get_mut(from) = payload.version;
    let mut modified_at = Sides::default();
    *modified_at.get_mut(side) = record.modified_at;
    *modified_at.get_mut(from) = payload.modified_at;
    let mut body = payload.body;
    acknowledge(
        &mut body,
        side,
        &payload.sent,
        Some(&record.fields),
        &context.policy,
    );
    let link = intent.link.unwrap_or(payload.link);
    settlement.links.push(Link {
        id: link,
        pair: context.connection.pair,
        remote,
        version,
        modified_at,
        state: LinkState::Live,
        body,
    });
    settlement.intents_cleared.push(intent.operation);
    settlement.staged_removed.push((from, source.clone()));
    let mut counters = Counters::default();
    counters.from_side(from).created += 1;
    settlement.counters.add(&counters);
    settlement.history.push(HistoryEntry {
        run: context.run.id,
        link,
        at: settlement.now,
        kind: ChangeKind::Created,
        side,
        remote: record.id.clone(),
        fields: payload
            .sent
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(key, value)| (key, syncline_model::Value::Empty, value))
            .collect(),
    });
}
