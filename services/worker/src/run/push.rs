//! Pushing: each operation is recorded before its provider is called, and each item has its own outcome.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::PoisonError;

use chrono::{DateTime, Utc};
use futures::{StreamExt, stream};
use serde::{Deserialize, Serialize};
use syncline_connector::{Create, Error, Kind, Remedy, Update, Written};
use syncline_engine::{Operation, Outcome, Plan, Step, Subject, carries_deletion, parting};
use syncline_model::seeded::{Bug, seeded};
use syncline_model::{
    Fields, Link, LinkBody, LinkId, OperationId, ProblemReason, RemoteId, Side, Sides, Slots,
    Version,
};
use syncline_platform::clock::later;
use syncline_store::{Intent, IntentKind, Intentions};

use super::context::{OpenSide, RunContext};
use super::settle;
use crate::Trouble;

/// Batches under way at the same time at a provider that does not ask for one writer.
const PARALLEL_BATCHES: usize = 3;

/// What recovery needs of a creation.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CreatePayload {
    /// The fields that were sent.
    pub fields: Fields,
    /// The same by mapping entry.
    pub sent: Slots,
    /// What the link shall remember.
    pub body: LinkBody,
    /// The link's id.
    pub link: LinkId,
    /// The source's version.
    pub version: Option<Version>,
    /// When the source was changed.
    pub modified_at: Option<DateTime<Utc>>,
    /// The collection in which it is made: another connection of the pair may have to look for it there. Payloads of
    /// before have none.
    #[serde(default)]
    pub collection: Option<String>,
}

/// What became of a plan's operations.
#[derive(Debug, Default)]
pub struct Pushed {
    /// One outcome an operation, in the order of the plan.
    pub outcomes: Vec<Outcome>,
    /// One name an operation.
    pub operations: Vec<OperationId>,
    /// One link id a step.
    pub links: Vec<LinkId>,
    /// Records to be read again before they are planned again.
    pub stale: BTreeSet<(Side, RemoteId)>,
    /// The rest has to wait.
    pub wait: Option<(DateTime<Utc>, String)>,
    /// The rest cannot go on.
    pub trouble: Option<Trouble>,
}

/// Records what is intended and carries it out.
pub async fn push(context: &RunContext<'_>, plan: &Plan) -> Result<Pushed, Trouble> {
    let now = context.tools.clock.now();
    let mut pushed = Pushed::default();
    let mut intentions = Intentions::default();
    let mut calls = Vec::new();
    for step in &plan.steps {
        let link = match &step.subject {
            Subject::Link(link) => link.id,
            Subject::New | Subject::Nothing => LinkId::from_uuid(context.tools.ids.next()),
        };
        pushed.links.push(link);
        if step.operations.is_empty() {
            continue;
        }
        intentions.links.extend(link_before(context, step, link));
        // With the link, which says that they were reported.
        intentions
            .conflicts
            .extend(settle::conflicts(context, step, link, now));
        // Who leaves is changed before; an edit of the record itself does not keep it in.
        let parts = parting(step, &context.policy).is_some();
        let first = calls.len();
        for operation in &step.operations {
            let id = OperationId::from_uuid(context.tools.ids.next());
            let leaves = parts && matches!(operation, Operation::Leave { .. });
            pushed.operations.push(id);
            intentions
                .intents
                .push(intent(context, step, operation, (id, link), now));
            calls.push(Call {
                index: calls.len(),
                id,
                operation,
                decided_on: step
                    .version
                    .get(operation.side())
                    .as_ref()
                    .filter(|_| !leaves),
                after: leaves.then_some(first..calls.len()),
            });
        }
    }
    if calls.is_empty() {
        return Ok(pushed);
    }
    if seeded(Bug::NoIntent) {
        intentions.intents.clear();
    }
    context.scope.intend(&context.lease, &intentions).await?;
    pushed.outcomes = vec![Outcome::Later; calls.len()];
    let (then, first): (Vec<_>, Vec<_>) = calls
        .into_iter()
        .partition(|call| call.after.as_ref().is_some_and(|after| !after.is_empty()));
    send_all(context, first, now, &mut pushed).await;
    // What is not written is not left behind.
    let mut last = Vec::new();
    for call in then {
        let before = call.after.clone().unwrap_or_default();
        let before = pushed.outcomes.get(before).unwrap_or_default();
        let is_refused = |outcome: &Outcome| matches!(outcome, Outcome::Refused { .. });
        if before.iter().any(is_refused) {
            if let Some(outcome) = pushed.outcomes.get_mut(call.index) {
                *outcome = Outcome::Skipped;
            }
        } else if !before.iter().any(Outcome::is_open) {
            last.push(call);
        }
    }
    send_all(context, last, now, &mut pushed).await;
    Ok(pushed)
}

/// Makes calls on both sides at the same time and notes what became of them.
async fn send_all(
    context: &RunContext<'_>,
    calls: Vec<Call<'_>>,
    now: DateTime<Utc>,
    pushed: &mut Pushed,
) {
    let (on_b, on_a): (Vec<_>, Vec<_>) = calls
        .into_iter()
        .partition(|call| call.operation.side() == Side::B);
    let (a, b) = tokio::join!(
        push_side(context, Side::A, on_a, now),
        push_side(context, Side::B, on_b, now)
    );
    for (index, side, operation, result) in a.into_iter().chain(b) {
        let outcome = judge(context, side, operation, result, pushed);
        if let Some(slot) = pushed.outcomes.get_mut(index) {
            *slot = outcome;
        }
    }
}

/// The link as it must stand before its records are written: its targets decided, what was seen noted.
fn link_before(context: &RunContext<'_>, step: &Step, id: LinkId) -> Option<Link> {
    let (Some(a), Some(b)) = (step.remote.a.clone(), step.remote.b.clone()) else {
        return None;
    };
    // The state becomes true only with what is done about it.
    let state = match &step.subject {
        Subject::Link(link) => link.state,
        _ => step.state,
    };
    Some(Link {
        id,
        pair: context.connection.pair,
        remote: Sides { a, b },
        version: step.version.clone(),
        modified_at: step.modified_at.clone(),
        state,
        body: step.body.clone(),
    })
}

fn intent(
    context: &RunContext<'_>,
    step: &Step,
    operation: &Operation,
    (id, link): (OperationId, LinkId),
    now: DateTime<Utc>,
) -> Intent {
    let side = operation.side();
    let from = side.other();
    let linked = match &step.subject {
        Subject::Link(link) => Some(link.id),
        Subject::New if step.remote.a.is_some() && step.remote.b.is_some() => Some(link),
        _ => None,
    };
    let (kind, remote, payload) = match operation {
        Operation::Create { fields, sent, .. } => {
            let payload = CreatePayload {
                fields: fields.clone(),
                sent: sent.clone(),
                body: step.body.clone(),
                link,
                version: step.version.get(from).clone(),
                modified_at: *step.modified_at.get(from),
                collection: Some(context.sides.get(side).collection.clone()),
            };
            let payload = serde_json::to_value(payload).unwrap_or_default();
            (IntentKind::Create, None, payload)
        }
        Operation::Update { id, sent, .. } => {
            let payload = serde_json::to_value(sent).unwrap_or_default();
            (IntentKind::Update, Some(id), payload)
        }
        Operation::Delete { id, .. } => (IntentKind::Delete, Some(id), serde_json::Value::Null),
        Operation::Mark { id, .. } => (IntentKind::Mark, Some(id), serde_json::Value::Null),
        Operation::Leave { id, .. } => (IntentKind::Leave, Some(id), serde_json::Value::Null),
        Operation::Join { id, .. } => (IntentKind::Join, Some(id), serde_json::Value::Null),
    };
    Intent {
        operation: id,
        side,
        kind,
        link: linked,
        source: step.remote.get(from).clone(),
        remote: remote.cloned(),
        payload,
        intended_at: now,
    }
}

struct Call<'p> {
    index: usize,
    id: OperationId,
    operation: &'p Operation,
    /// The version of the record that it was decided on.
    decided_on: Option<&'p Version>,
    /// The calls of which it must be known first what became of them.
    after: Option<Range<usize>>,
}

type Answer<'p> = (usize, Side, &'p Operation, Result<Option<Written>, Error>);

/// Carries out one side's operations in the provider's batch sizes.
async fn push_side<'p>(
    context: &RunContext<'_>,
    side: Side,
    calls: Vec<Call<'p>>,
    now: DateTime<Utc>,
) -> Vec<Answer<'p>> {
    let open = context.sides.get(side);
    let definition = open.connector.definition();
    let parallel = if definition.capabilities.sequential_writes {
        1
    } else {
        PARALLEL_BATCHES
    };
    let batch = definition.batch;
    let mut groups: Vec<Vec<Call<'p>>> = Vec::new();
    let kinds: [fn(&Operation) -> bool; 6] = [
        |op| matches!(op, Operation::Create { .. }),
        |op| matches!(op, Operation::Update { .. }),
        |op| matches!(op, Operation::Delete { .. }),
        |op| matches!(op, Operation::Mark { .. }),
        |op| matches!(op, Operation::Leave { .. }),
        |op| matches!(op, Operation::Join { .. }),
    ];
    let sizes = [
        batch.create,
        batch.update,
        batch.delete,
        batch.delete,
        batch.delete,
        batch.delete,
    ];
    let mut rest = calls;
    for (is_kind, size) in kinds.into_iter().zip(sizes) {
        let (mine, others): (Vec<_>, Vec<_>) =
            rest.into_iter().partition(|call| is_kind(call.operation));
        rest = others;
        let mut mine = mine.into_iter().peekable();
        while mine.peek().is_some() {
            groups.push(mine.by_ref().take(size.max(1)).collect());
        }
    }
    let stop = Stop::default();
    let calls: Vec<_> = groups
        .into_iter()
        .map(|group| unless_stopped(&stop, open, side, group, now))
        .collect();
    stream::iter(calls).buffered(parallel).concat().await
}

/// Set when a provider asks to be left alone: calls not begun yet are not made.
#[derive(Default)]
struct Stop(std::sync::Mutex<Option<Error>>);

async fn unless_stopped<'p>(
    stop: &Stop,
    open: &OpenSide,
    side: Side,
    group: Vec<Call<'p>>,
    now: DateTime<Utc>,
) -> Vec<Answer<'p>> {
    let stopped = stop
        .0
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    if let Some(error) = stopped {
        return group
            .iter()
            .map(|call| (call.index, side, call.operation, Err(error.clone())))
            .collect();
    }
    let answers = call_provider(open, side, group, now).await;
    let limited = answers.iter().find_map(|(_, _, _, result)| match result {
        Err(error) if matches!(error.kind, Kind::RateLimited { .. } | Kind::Unauthorized) => {
            Some(error.clone())
        }
        _ => None,
    });
    if let Some(mut error) = limited {
        // What is not sent is certainly not done.
        error.maybe_applied = false;
        *stop.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
    }
    answers
}

/// One call to the provider, for operations of one kind. A record that is about to be deleted, marked or taken out is
/// read once more, since no provider makes that conditional: an edit made since it was last seen beats a deletion.
async fn call_provider<'p>(
    open: &OpenSide,
    side: Side,
    group: Vec<Call<'p>>,
    now: DateTime<Utc>,
) -> Vec<Answer<'p>> {
    let first = group.first().map(|call| call.operation);
    if !first.is_some_and(carries_deletion) || seeded(Bug::DeletesUnread) {
        return send(open, side, group, now).await;
    }
    let (edited, error) = match edited(open, &group).await {
        Ok(edited) => {
            let provider = open.session.provider();
            let message = "the record was changed since it was read";
            (edited, Error::new(provider, Kind::VersionMismatch, message))
        }
        Err(error) => (group.iter().map(|call| call.index).collect(), error),
    };
    let (held_back, group): (Vec<_>, Vec<_>) = group
        .into_iter()
        .partition(|call| edited.contains(&call.index));
    let mut answers: Vec<Answer<'p>> = held_back
        .iter()
        .map(|call| (call.index, side, call.operation, Err(error.clone())))
        .collect();
    answers.extend(send(open, side, group, now).await);
    answers
}

/// Those whose records are not as they were when it was decided.
async fn edited(open: &OpenSide, group: &[Call<'_>]) -> Result<BTreeSet<usize>, Error> {
    let mut edited = BTreeSet::new();
    let asked: Vec<_> = group
        .iter()
        .filter(|call| call.decided_on.is_some())
        .collect();
    for calls in asked.chunks(open.connector.definition().batch.get.max(1)) {
        let ids: Vec<RemoteId> = calls
            .iter()
            .filter_map(|call| target(call.operation).cloned())
            .collect();
        let found = open
            .connector
            .get(&open.session, &ids, &open.fields)
            .await?;
        for (call, record) in calls.iter().zip(found) {
            let version = record.as_ref().map(|record| &record.version);
            if version.is_some() && version != call.decided_on {
                edited.insert(call.index);
            }
        }
    }
    Ok(edited)
}

/// The record that an operation is done to, if it is there already.
const fn target(operation: &Operation) -> Option<&RemoteId> {
    match operation {
        Operation::Create { .. } => None,
        Operation::Update { id, .. }
        | Operation::Delete { id, .. }
        | Operation::Mark { id, .. }
        | Operation::Leave { id, .. }
        | Operation::Join { id, .. } => Some(id),
    }
}

async fn send<'p>(
    open: &OpenSide,
    side: Side,
    group: Vec<Call<'p>>,
    now: DateTime<Utc>,
) -> Vec<Answer<'p>> {
    let (connector, session) = (&open.connector, &open.session);
    let ids: Vec<RemoteId> = group
        .iter()
        .filter_map(|call| target(call.operation).cloned())
        .collect();
    let done = |results: Vec<Result<(), Error>>| -> Vec<Result<Option<Written>, Error>> {
        results
            .into_iter()
            .map(|result| result.map(|()| None))
            .collect()
    };
    let results: Vec<Result<Option<Written>, Error>> = match group.first().map(|c| c.operation) {
        Some(Operation::Create { .. }) => {
            let items: Vec<Create> = group
                .iter()
                .filter_map(|call| match call.operation {
                    Operation::Create { fields, .. } => Some(Create {
                        operation: call.id,
                        intended_at: now,
                        fields: fields.clone(),
                    }),
                    _ => None,
                })
                .collect();
            let results = connector.create(session, &open.collection, &items).await;
            results.into_iter().map(|result| result.map(Some)).collect()
        }
        Some(Operation::Update { .. }) => {
            let items: Vec<Update> = group
                .iter()
                .filter_map(|call| match call.operation {
                    Operation::Update {
                        id,
                        version,
                        changes,
                        ..
                    } => Some(Update {
                        id: id.clone(),
                        version: version.clone(),
                        changes: changes.clone(),
                    }),
                    _ => None,
                })
                .collect();
            let results = connector.update(session, &items).await;
            results.into_iter().map(|result| result.map(Some)).collect()
        }
        Some(Operation::Delete { .. }) => done(connector.delete(session, &ids).await),
        Some(Operation::Mark { .. }) => done(connector.mark(session, &ids).await),
        Some(Operation::Leave { .. }) => {
            done(connector.leave(session, &open.collection, &ids).await)
        }
        Some(Operation::Join { .. }) => done(connector.join(session, &open.collection, &ids).await),
        None => Vec::new(),
    };
    group
        .iter()
        .zip(results)
        .map(|(call, result)| (call.index, side, call.operation, result))
        .collect()
}

/// What a provider's answer means for the operation and for what follows.
fn judge(
    context: &RunContext<'_>,
    side: Side,
    operation: &Operation,
    result: Result<Option<Written>, Error>,
    pushed: &mut Pushed,
) -> Outcome {
    let target = target(operation).cloned();
    let error = match result {
        Ok(Some(written)) => {
            return Outcome::Done {
                id: written.id,
                version: written.version,
                modified_at: written.modified_at,
                fields: written.fields,
            };
        }
        Ok(None) => {
            if let (Operation::Join { .. }, Some(id)) = (operation, &target) {
                // It is merged as it is by now.
                pushed.stale.insert((side, id.clone()));
            }
            return Outcome::Done {
                id: target.unwrap_or_else(|| RemoteId::new("")),
                version: None,
                modified_at: None,
                fields: None,
            };
        }
        Err(error) => error,
    };
    tracing::debug!(%side, kind = ?error.kind, status = error.status, code = error.code, "a write was not done");
    let now = context.tools.clock.now();
    if error.maybe_applied && !seeded(Bug::MaybeAppliedIsNot) {
        let why = format!("side {side}: {error}");
        pushed.wait.get_or_insert((now, why));
        return Outcome::Unknown;
    }
    match (error.remedy(), target) {
        (Remedy::Reread, Some(id)) => {
            pushed.stale.insert((side, id));
            Outcome::Later
        }
        (Remedy::SkipRecord, Some(id)) if error.kind == Kind::NotFound => {
            pushed.stale.insert((side, id));
            Outcome::Later
        }
        (Remedy::SkipRecord, _) => {
            // The provider says that it has this record already: look at it, then match.
            if let (Some(existing), Operation::Create { .. }) = (&error.existing, operation) {
                pushed.stale.insert((side, existing.clone()));
            }
            let why = error.message.trim_end_matches('.');
            Outcome::Refused {
                reason: ProblemReason::Rejected,
                message: format!(
                    "{why}. Once that is put right it is carried over; until then it is tried again by itself, ever more rarely."
                ),
            }
        }
        (Remedy::RetryAfter(wait), _) => {
            pushed
                .wait
                .get_or_insert((later(now, wait), format!("side {side}: {error}")));
            Outcome::Later
        }
        _ => {
            pushed
                .trouble
                .get_or_insert(Trouble::Provider { side, error });
            Outcome::Later
        }
    }
}
