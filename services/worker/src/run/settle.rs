//! Writing what is now true: links, rows, history, conflicts, problems and counters, in one transaction with
//! clearing the intents.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use syncline_connector::Change;
use syncline_engine::{
    LinkWrite, Operation, Outcome, Plan, PutOff, RowFate, Settled, Step, Subject, carries_deletion,
    parting,
};
use syncline_model::{
    Conflict, ConflictId, ConflictStatus, HistoryEntry, Link, LinkId, Problem, ProblemId,
    ProblemStatus, RemoteId, Side,
};
use syncline_store::{DirtyMark, Phase, ProblemClose, Settlement, StagedPhase};

use super::backoff::Refusals;
use super::batch::Batch;
use super::context::RunContext;
use super::limit;
use super::pull::staged;
use super::push::Pushed;
use crate::Trouble;

/// Settles a batch, with what of it is put off to the next run. Gives the rows that are still pending, so that this pass
/// does not plan them again.
pub async fn settle(
    context: &RunContext<'_>,
    batch: &Batch,
    (plan, put_off): (&Plan, &[PutOff]),
    pushed: &Pushed,
    answered: &mut HashMap<LinkId, DirtyMark>,
) -> Result<Vec<(Side, RemoteId)>, Trouble> {
    let now = context.tools.clock.now();
    let mut settlement = Settlement {
        now,
        staged_removed: batch.dropped.clone(),
        staged_phases: limit::rows(batch, put_off, now),
        ..Settlement::default()
    };
    let mut still_pending = Vec::new();
    let settled = syncline_engine::settle(plan, &pushed.outcomes, &context.policy);
    let refusals = Refusals::of(context, &refused(plan, pushed, &settled)).await?;
    let mut outcomes = pushed.outcomes.iter().zip(&pushed.operations);
    for ((step, settled), link) in plan.steps.iter().zip(settled).zip(&pushed.links) {
        let mut refused = false;
        // Who only loses what rules added it to is changed; it is taken away from all the same.
        let leaves = step.operations.iter().any(carries_deletion);
        let parted = parting(step, &context.policy).filter(|_| !leaves);
        for operation in &step.operations {
            let Some((outcome, id)) = outcomes.next() else {
                continue;
            };
            if *outcome != Outcome::Unknown {
                settlement.intents_cleared.push(*id);
            }
            refused |= matches!(outcome, Outcome::Refused { .. });
            let from = operation.side().other();
            let loses = parted == Some(from) && matches!(operation, Operation::Update { .. });
            if (carries_deletion(operation) || loses) && matches!(outcome, Outcome::Done { .. }) {
                *settlement.deletions.get_mut(from) += 1;
            }
        }
        // Who was entered again is not gone: nothing follows from the deletion that a guard held.
        if let (Subject::Link(link), Some(_)) = (&step.subject, step.linked_from)
            && let Some(row) = batch.held_gone.get(&link.id)
        {
            settlement.staged_removed.push(row.clone());
        }
        // An answer that could not be used yet (the link is frozen, or held) is kept.
        let used = match &step.subject {
            Subject::Link(link) => {
                let left = &step.body.resolutions;
                !link
                    .body
                    .resolutions
                    .keys()
                    .any(|key| left.contains_key(key))
            }
            _ => true,
        };
        if used && let Some(mark) = answered.remove(link) {
            settlement.links_cleaned.push(mark);
        }
        let writer = Writer {
            context,
            batch,
            step,
            link: *link,
            now,
            retry_at: refused.then(|| refusals.retry_at(&settled, now)),
        };
        writer.write(settled, &mut settlement, &mut still_pending);
    }
    context.settle(&settlement).await?;
    Ok(still_pending)
}

/// The settlements of steps that a provider refused something of.
fn refused<'s>(plan: &Plan, pushed: &Pushed, settled: &'s [Settled]) -> Vec<&'s Settled> {
    let mut outcomes = pushed.outcomes.iter();
    let steps = plan.steps.iter().zip(settled);
    steps
        .filter_map(|(step, settled)| {
            let mine = outcomes.by_ref().take(step.operations.len());
            let refusals = mine.filter(|outcome| matches!(outcome, Outcome::Refused { .. }));
            (refusals.count() > 0).then_some(settled)
        })
        .collect()
}

/// The conflicts of a step.
pub fn conflicts<'s>(
    context: &'s RunContext<'_>,
    step: &'s Step,
    link: LinkId,
    now: DateTime<Utc>,
) -> impl Iterator<Item = Conflict> + 's {
    step.conflicts.iter().map(move |found| Conflict {
        id: ConflictId::from_uuid(context.tools.ids.next()),
        connection: context.connection.id,
        run: context.run.id,
        link,
        entry: found.entry.clone(),
        values: found.values.clone(),
        winner: found.winner,
        status: if found.winner.is_some() {
            ConflictStatus::Settled
        } else {
            ConflictStatus::Open
        },
        at: now,
    })
}

struct Writer<'a> {
    context: &'a RunContext<'a>,
    batch: &'a Batch,
    step: &'a Step,
    link: LinkId,
    now: DateTime<Utc>,
    /// When to try again, if the provider refused something of it.
    retry_at: Option<DateTime<Utc>>,
}

impl Writer<'_> {
    fn write(
        &self,
        settled: Settled,
        settlement: &mut Settlement,
        still_pending: &mut Vec<(Side, RemoteId)>,
    ) {
        settlement.counters.add(&settled.counters);
        match settled.link {
            LinkWrite::Keep => {
                if let Subject::Link(link) = &self.step.subject {
                    let member = self.batch.membership(link.id, link.state);
                    settlement.members.extend(member);
                }
            }
            LinkWrite::Remove(id) => settlement.links_removed.push(id),
            LinkWrite::Put(put) => {
                let id = put.id.unwrap_or(self.link);
                let member = self.batch.membership(id, put.state);
                settlement.members.extend(member);
                settlement.links.push(Link {
                    id,
                    pair: self.context.connection.pair,
                    remote: put.remote,
                    version: put.version,
                    modified_at: put.modified_at,
                    state: put.state,
                    body: put.body,
                });
            }
        }
        for side in Side::BOTH {
            self.row(side, *settled.rows.get(side), settlement, still_pending);
            if let Some(record) = settled.restage.get(side) {
                let change = Change::Present {
                    record: record.clone(),
                    former: Vec::new(),
                };
                settlement
                    .restaged
                    .push(staged(self.context, side, &change));
            }
        }
        for change in settled.changes {
            settlement.history.push(HistoryEntry {
                run: self.context.run.id,
                link: self.link,
                at: self.now,
                kind: change.kind,
                side: change.side,
                remote: change.remote,
                fields: change.fields,
            });
        }
        // Those of a step with operations were named with their intents.
        if self.step.operations.is_empty() {
            let conflicts = conflicts(self.context, self.step, self.link, self.now);
            settlement.conflicts.extend(conflicts);
        }
        for found in settled.problems {
            settlement.problems.push(Problem {
                id: ProblemId::from_uuid(self.context.tools.ids.next()),
                connection: self.context.connection.id,
                run: self.context.run.id,
                side: found.side,
                remote: found.remote,
                reason: found.reason,
                message: found.message,
                candidates: found.candidates,
                status: ProblemStatus::Open,
                attempts: 1,
                retry_at: self.retry_at,
                created_at: self.now,
                updated_at: self.now,
            });
        }
        settlement
            .problems_closed
            .extend(
                settled
                    .cleared
                    .into_iter()
                    .map(|(side, remote)| ProblemClose {
                        side,
                        remote,
                        reason: None,
                    }),
            );
    }

    fn row(
        &self,
        side: Side,
        fate: Option<RowFate>,
        settlement: &mut Settlement,
        still_pending: &mut Vec<(Side, RemoteId)>,
    ) {
        let Some(fate) = fate else { return };
        let Some(remote) = self.batch.row(self.step, side) else {
            return;
        };
        let (phase, retry_at) = match fate {
            RowFate::Absorbed => {
                settlement.staged_removed.push((side, remote));
                return;
            }
            // A refused record is tried again by itself, not in every run; so is what was refused of one that waits for
            // something else.
            RowFate::Known if self.retry_at.is_some() => (Phase::Waiting, self.retry_at),
            RowFate::Waiting => (Phase::Waiting, self.retry_at),
            RowFate::Known => (Phase::Known, None),
            RowFate::Held => (Phase::Held, None),
            RowFate::Pending => {
                still_pending.push((side, remote.clone()));
                // Who waits in line keeps their place.
                match self.batch.phases.get(&(side, remote.clone())) {
                    Some(Phase::Over(_)) => return,
                    _ => (Phase::Pending, None),
                }
            }
        };
        if retry_at.is_none() && self.batch.phases.get(&(side, remote.clone())) == Some(&phase) {
            return;
        }
        settlement.staged_phases.push(StagedPhase {
            side,
            remote,
            phase,
            retry_at,
        });
    }
}
