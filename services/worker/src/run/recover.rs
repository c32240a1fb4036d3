//! Resolving what an earlier slice intended and did not settle, before anything new is decided.
//!
//! A write to a record that exists needs no guess: the record is read again, and the merge sees by `seen` and
//! `target` whether the write was done. A creation is looked for at the provider; only when it is not there, and can
//! no longer turn up, is it made again.
//!
//! What is open belongs to the pair of accounts, and so may have been intended by another connection: one that is
//! deleted, or one without a run that could resolve it. Its creations are looked for where it made them; what follows
//! for a record outside our collections is left to whoever follows it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use syncline_connector::Create;
use syncline_engine::{acknowledge_found, acknowledge_shown};
use syncline_model::seeded::{Bug, seeded};
use syncline_model::{
    ChangeKind, ConnectionId, Counters, HistoryEntry, Link, LinkId, LinkState, Record, RemoteId,
    Side, Sides, Slots,
};
use syncline_platform::clock::later;
use syncline_store::{Intent, IntentKind, Membership, OpenIntent, Settlement, StoreError};

use super::context::RunContext;
use super::push::CreatePayload;
use super::reread::restage;
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
        let open = scope.intents_open(context.connection.pair, BATCH).await?;
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
            .partition(|open| open.intent.kind == IntentKind::Create);
        resolve_writes(context, &writes).await?;
        for (place, creations) in by_place(context, creations)? {
            let connector = &context.sides.get(place.side).connector;
            let size = connector.definition().batch.create.max(1);
            for creations in creations.chunks(size) {
                resolve_creations(context, &place, creations, &mut wait).await?;
            }
        }
    }
    Ok(wait)
}

/// Where creations were made, and for whom.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    side: Side,
    connection: ConnectionId,
    collection: String,
}

/// A creation of which nobody knows whether it was done.
struct Creation {
    intent: Intent,
    payload: CreatePayload,
}

fn by_place(
    context: &RunContext<'_>,
    open: Vec<OpenIntent>,
) -> Result<BTreeMap<Place, Vec<Creation>>, Trouble> {
    let mut places: BTreeMap<Place, Vec<Creation>> = BTreeMap::new();
    for OpenIntent { connection, intent } in open {
        let payload: CreatePayload = serde_json::from_value(intent.payload.clone())
            .map_err(|_| StoreError::Corrupt("the payload of an intended creation".to_owned()))?;
        let here = &context.sides.get(intent.side).collection;
        let place = Place {
            side: intent.side,
            connection,
            collection: payload.collection.clone().unwrap_or_else(|| here.clone()),
        };
        places
            .entry(place)
            .or_default()
            .push(Creation { intent, payload });
    }
    Ok(places)
}

async fn resolve_writes(context: &RunContext<'_>, open: &[OpenIntent]) -> Result<(), Trouble> {
    if open.is_empty() {
        return Ok(());
    }
    let is_ours = |open: &&OpenIntent| open.connection == context.connection.id;
    let mut settlement = Settlement {
        now: context.tools.clock.now(),
        ..Settlement::default()
    };
    for side in Side::BOTH {
        let written = |open: &OpenIntent| {
            let intent = Some(&open.intent).filter(|intent| intent.side == side);
            intent.and_then(|intent| intent.remote.clone())
        };
        let mut ids: BTreeSet<RemoteId> = open.iter().filter(is_ours).filter_map(written).collect();
        let others: Vec<RemoteId> = open
            .iter()
            .filter(|open| !is_ours(open))
            .filter_map(written)
            .collect();
        ids.extend(followed(context, side, others).await?);
        let ids: Vec<RemoteId> = ids.into_iter().collect();
        let there = restage(context, side, context.sides.get(side), &ids).await?;
        acknowledge(context, side, open, &there, &mut settlement).await?;
        let ours = open.iter().filter(is_ours).map(|open| &open.intent);
        for intent in ours.filter(|intent| intent.side == side) {
            enter_deletion(context, intent, &there, &mut settlement);
        }
    }
    let intents = open.iter().map(|open| &open.intent);
    settlement
        .intents_cleared
        .extend(intents.map(|intent| intent.operation));
    context.settle(&settlement).await?;
    Ok(())
}

/// Settles the updates that turn out to have been written: what stands there now may be the provider's own spelling of
/// what was sent, which would else look like a person's edit.
async fn acknowledge(
    context: &RunContext<'_>,
    side: Side,
    open: &[OpenIntent],
    there: &[Record],
    settlement: &mut Settlement,
) -> Result<(), Trouble> {
    let intents = open.iter().map(|open| &open.intent);
    let updates = intents.filter(|one| one.side == side && one.kind == IntentKind::Update);
    let updates: HashMap<LinkId, &Intent> = updates
        .filter_map(|intent| Some((intent.link?, intent)))
        .collect();
    let ids: Vec<LinkId> = updates.keys().copied().collect();
    let mut links = context.scope.links_get(&ids).await?;
    links.sort_by_key(|link| link.id);
    for mut link in links {
        let record = there.iter().find(|one| one.id == *link.remote.get(side));
        let (Some(record), Some(intent)) = (record, updates.get(&link.id)) else {
            continue;
        };
        let sent: Slots = serde_json::from_value(intent.payload.clone())
            .map_err(|_| StoreError::Corrupt("the payload of an intended update".to_owned()))?;
        let body = &mut link.body;
        let written = acknowledge_shown(body, side, &sent, &record.fields, &context.policy);
        if written.is_empty() {
            continue;
        }
        let mut counters = Counters::default();
        counters.from_side(side.other()).updated += 1;
        settlement.counters.add(&counters);
        settlement.history.push(HistoryEntry {
            run: context.run.id,
            link: link.id,
            at: settlement.now,
            kind: ChangeKind::Updated,
            side,
            remote: record.id.clone(),
            fields: written,
        });
        settlement.links.push(link);
    }
    Ok(())
}

/// A deletion whose record is no longer there was carried over: it counts for the guards and is told of, as any other.
/// One whose record still stands is planned again.
fn enter_deletion(
    context: &RunContext<'_>,
    intent: &Intent,
    there: &[Record],
    settlement: &mut Settlement,
) {
    let kind = match intent.kind {
        IntentKind::Delete => ChangeKind::Deleted,
        IntentKind::Mark => ChangeKind::Marked,
        IntentKind::Create | IntentKind::Update | IntentKind::Leave | IntentKind::Join => return,
    };
    let (Some(remote), Some(link)) = (&intent.remote, intent.link) else {
        return;
    };
    if there.iter().any(|record| record.id == *remote) {
        return;
    }
    let from = intent.side.other();
    *settlement.deletions.get_mut(from) += 1;
    let mut counters = Counters::default();
    counters.from_side(from).deleted += 1;
    settlement.counters.add(&counters);
    settlement.history.push(HistoryEntry {
        run: context.run.id,
        link,
        at: settlement.now,
        kind,
        side: intent.side,
        remote: remote.clone(),
        fields: Vec::new(),
    });
}

/// Those of these records that are in this connection's collection. The others are read by those who follow them.
async fn followed(
    context: &RunContext<'_>,
    side: Side,
    ids: Vec<RemoteId>,
) -> Result<Vec<RemoteId>, Trouble> {
    if context.sides.get(side).everything {
        return Ok(ids);
    }
    let (connection, pair) = (context.connection.id, context.connection.pair);
    let links = context
        .scope
        .links_by_remote(connection, pair, side, &ids)
        .await?;
    Ok(links
        .into_iter()
        .filter(|seen| seen.left.as_ref().is_some_and(|left| !*left.get(side)))
        .map(|seen| seen.link.remote.get(side).clone())
        .collect())
}

async fn resolve_creations(
    context: &RunContext<'_>,
    place: &Place,
    creations: &[Creation],
    wait: &mut Option<(DateTime<Utc>, String)>,
) -> Result<(), Trouble> {
    let side = place.side;
    let open = context.sides.get(side);
    let now = context.tools.clock.now();
    let settle_time = context
        .tools
        .accounts
        .settle(&open.connector.definition().id)
        .map_err(|error| Trouble::Account { side, error })?;
    // Not since it was intended: a batch is sent piece by piece, and the last piece may still be on its way.
    let since = *context.notes.lock().await.limbo_since.get_or_insert(now);
    let items: Vec<Create> = creations
        .iter()
        .map(|creation| Create {
            operation: creation.intent.operation,
            intended_at: creation.intent.intended_at,
            fields: creation.payload.fields.clone(),
        })
        .collect();
    let found = find(context, place, &items).await?;
    let mut settlement = Settlement {
        now,
        ..Settlement::default()
    };
    let mut reread = Vec::new();
    let mut given_up = false;
    for (creation, found) in creations.iter().zip(found) {
        let intent = &creation.intent;
        match (found, &intent.source) {
            (Some(record), Some(source)) => {
                // Whoever else has it in its collection is shown it by a pull.
                if place.connection == context.connection.id || open.everything {
                    reread.push(record.id.clone());
                }
                adopt(context, place, creation, source, &record, &mut settlement);
            }
            _ if later(since, settle_time) <= now || seeded(Bug::CreatesTooSoon) => {
                given_up = true;
                settlement.intents_cleared.push(intent.operation);
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
    if given_up {
        look_anew(context, side).await?;
    }
    context.settle(&settlement).await?;
    if !reread.is_empty() {
        context.mark_moved();
    }
    restage(context, side, open, &reread).await?;
    Ok(())
}

/// A creation that is not found is made again only after one more look at what is there: should the record be there all
/// the same, edited past recognition, its keys still match.
async fn look_anew(context: &RunContext<'_>, side: Side) -> Result<(), Trouble> {
    let mut notes = context.notes.lock().await;
    notes.restart_pull(side);
    let note = context.scope.run_note(&context.lease, &notes.write()).await;
    Ok(note?)
}

/// Looks for what was created, past every record that was there before: one that is linked, or that a pull has shown.
/// No pull runs between an intent and its resolution, so that a record which was pulled cannot be ours.
async fn find(
    context: &RunContext<'_>,
    place: &Place,
    items: &[Create],
) -> Result<Vec<Option<Record>>, Trouble> {
    let side = place.side;
    let open = context.sides.get(side);
    let mut known: Vec<RemoteId> = Vec::new();
    if seeded(Bug::CreatesAgain) {
        return Ok(vec![None; items.len()]);
    }
    loop {
        let found = open
            .connector
            .find_created(&open.session, &place.collection, items, &known)
            .await
            .map_err(|error| Trouble::Provider { side, error })?;
        let ids: Vec<RemoteId> = found
            .iter()
            .flatten()
            .map(|record| record.id.clone())
            .collect();
        let linked = context
            .scope
            .links_by_remote(place.connection, context.connection.pair, side, &ids)
            .await?;
        let staged = context
            .scope
            .staged_get(place.connection, side, &ids)
            .await?;
        let before = known.len();
        known.extend(
            linked
                .into_iter()
                .map(|seen| seen.link.remote.get(side).clone()),
        );
        known.extend(staged.into_iter().map(|row| row.remote));
        if known.len() == before {
            return Ok(found);
        }
    }
}

/// A creation that was done after all: its link is what it would have been. If it was another connection's, the link
/// becomes ours once we see both records.
fn adopt(
    context: &RunContext<'_>,
    place: &Place,
    creation: &Creation,
    source: &RemoteId,
    record: &Record,
    settlement: &mut Settlement,
) {
    let side = place.side;
    let Creation { intent, payload } = creation;
    let payload = payload.clone();
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
    acknowledge_found(
        &mut body,
        side,
        &payload.sent,
        &record.fields,
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
    if place.connection == context.connection.id {
        settlement.staged_removed.push((from, source.clone()));
        settlement.members.push(Membership {
            link,
            left: Sides::default(),
        });
    }
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
