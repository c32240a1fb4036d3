//! From what was planned and what became of it to what is now true.

use chrono::{DateTime, Utc};
use syncline_model::seeded::{Bug, seeded};
use syncline_model::{
    ChangeKind, Counters, EntryKey, Fields, LinkBody, LinkId, LinkState, ProblemReason, Record,
    RemoteId, Side, Sides, Value, Version,
};

use crate::{
    ConflictFound, Operation, Plan, Policy, ProblemFound, Step, Subject, acknowledge::acknowledge,
    actions,
};

/// What became of one operation.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The provider did it.
    Done {
        /// The record's id.
        id: RemoteId,
        /// Its version afterwards.
        version: Option<Version>,
        /// When the provider says it was changed.
        modified_at: Option<DateTime<Utc>>,
        /// Its fields afterwards, where the answer shows them.
        fields: Option<Fields>,
    },
    /// The provider refused it for good.
    Refused {
        /// Why.
        reason: ProblemReason,
        /// For a customer.
        message: String,
    },
    /// It was not done: later.
    Later,
    /// It was not tried: what goes before it was refused. Both are tried again together.
    Skipped,
    /// Nobody knows whether it was done: recovery finds out.
    Unknown,
}

impl Outcome {
    /// Whether it is not known yet what becomes of it.
    pub const fn is_open(&self) -> bool {
        matches!(self, Self::Later | Self::Unknown)
    }
}

/// What becomes of a staged row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowFate {
    /// The link remembers it now; the row goes.
    Absorbed,
    /// Judged and left unlinked; looked at again when it or the rules change.
    Known,
    /// Still to be planned; once recovery knows what became of a write, if that is not known.
    Pending,
    /// Held by a guard.
    Held,
    /// Waits for something else: its link to thaw, a person's answer. It stays part of what is seen of its
    /// link: news of the other side is planned together with it.
    Waiting,
}

/// What to store of a link.
#[derive(Clone, Debug, PartialEq)]
pub enum LinkWrite {
    /// Nothing: it is as it was, or there is none.
    Keep,
    /// Insert or update.
    Put(Box<LinkPut>),
    /// Remove: a tombstone whose record was restored.
    Remove(LinkId),
}

/// A link as it is to be stored.
#[derive(Clone, Debug, PartialEq)]
pub struct LinkPut {
    /// The link that exists; `None` inserts one.
    pub id: Option<LinkId>,
    /// Its records.
    pub remote: Sides<RemoteId>,
    /// Their versions.
    pub version: Sides<Option<Version>>,
    /// When they were changed.
    pub modified_at: Sides<Option<DateTime<Utc>>>,
    /// Whether it is followed.
    pub state: LinkState,
    /// What it remembers.
    pub body: LinkBody,
}

/// A change that was made, for the history.
#[derive(Clone, Debug, PartialEq)]
pub struct ChangeMade {
    /// What happened.
    pub kind: ChangeKind,
    /// Where.
    pub side: Side,
    /// The record there.
    pub remote: RemoteId,
    /// Values before and after.
    pub fields: Vec<(EntryKey, Value, Value)>,
}

/// What is now true of one step. Everything in it is stored in one transaction.
#[derive(Clone, Debug, PartialEq)]
pub struct Settled {
    /// The link.
    pub link: LinkWrite,
    /// The staged rows.
    pub rows: Sides<Option<RowFate>>,
    /// Records that were just written and whose rows stay, as they are now: to be staged in place of what those rows
    /// hold, in the same transaction. Without it a row would tell of old values as if they were new edits.
    pub restage: Sides<Option<Record>>,
    /// What to count.
    pub counters: Counters,
    /// What to tell.
    pub changes: Vec<ChangeMade>,
    /// Conflicts met.
    pub conflicts: Vec<ConflictFound>,
    /// Problems that stand.
    pub problems: Vec<ProblemFound>,
    /// Records whose earlier problems are over.
    pub cleared: Vec<(Side, RemoteId)>,
}

/// Says what is true after a plan's operations ended as `outcomes` say: one settlement a step, outcomes in the order
/// of `Plan::operations`. A missing outcome counts as `Later`.
pub fn settle(plan: &Plan, outcomes: &[Outcome], policy: &Policy) -> Vec<Settled> {
    let mut rest = outcomes.iter();
    plan.steps
        .iter()
        .map(|step| {
            let mine: Vec<&Outcome> = step
                .operations
                .iter()
                .map(|_| rest.next().unwrap_or(&Outcome::Later))
                .collect();
            settle_step(step, &mine, policy)
        })
        .collect()
}

fn settle_step(step: &Step, outcomes: &[&Outcome], policy: &Policy) -> Settled {
    let mut after = Truth {
        remote: step.remote.clone(),
        version: step.version.clone(),
        modified_at: step.modified_at.clone(),
        state: step.state,
        body: step.body.clone(),
        settled: Settled {
            link: LinkWrite::Keep,
            rows: step.rows.clone(),
            restage: Sides::default(),
            counters: Counters::default(),
            changes: Vec::new(),
            conflicts: step.conflicts.clone(),
            problems: step.problems.clone(),
            cleared: Vec::new(),
        },
    };
    for (operation, outcome) in step.operations.iter().zip(outcomes) {
        after.apply(step, operation, outcome, policy);
    }
    after.settle_rows(step, outcomes);
    after.count(step);
    after.clear(step);
    after.settled.link = after.link_write(step);
    after.settled
}

struct Truth {
    remote: Sides<Option<RemoteId>>,
    version: Sides<Option<Version>>,
    modified_at: Sides<Option<DateTime<Utc>>>,
    state: LinkState,
    body: LinkBody,
    settled: Settled,
}

impl Truth {
    fn apply(&mut self, step: &Step, operation: &Operation, outcome: &Outcome, policy: &Policy) {
        let side = operation.side();
        let from = side.other();
        match outcome {
            Outcome::Done {
                id,
                version,
                modified_at,
                fields,
            } => {
                *self.remote.get_mut(side) = Some(id.clone());
                if version.is_some() {
                    self.version.get_mut(side).clone_from(version);
                    *self.modified_at.get_mut(side) = *modified_at;
                }
                self.done(operation, fields.as_ref(), policy, id);
            }
            Outcome::Refused { reason, message } => {
                self.settled.counters.from_side(from).failed += 1;
                let about = step
                    .remote
                    .get(from)
                    .clone()
                    .or_else(|| step.remote.get(side).clone());
                if let Some(remote) = about {
                    self.settled.problems.push(ProblemFound {
                        side: from,
                        remote,
                        reason: *reason,
                        message: message.clone(),
                        candidates: Vec::new(),
                    });
                }
                self.undo_state(step, operation);
            }
            Outcome::Unknown if seeded(Bug::LostAnswerIsDone) => {
                let id = step.remote.get(side).clone();
                self.done(
                    operation,
                    None,
                    policy,
                    &id.unwrap_or_else(|| RemoteId::new("")),
                );
            }
            Outcome::Later | Outcome::Skipped | Outcome::Unknown => {
                self.undo_state(step, operation);
            }
        }
    }

    /// A deletion that was not carried out leaves the link as it was.
    fn undo_state(&mut self, step: &Step, operation: &Operation) {
        if let (Subject::Link(link), false) =
            (&step.subject, matches!(operation, Operation::Update { .. }))
        {
            self.state = link.state;
        }
    }

    /// Where an operation was not done, the staged rows stay: the one outcome that leaves most to do decides why.
    /// `Known` rows of a link mean "tried again when the problem says so"; what is held or waits for a person goes on
    /// to do so.
    fn settle_rows(&mut self, step: &Step, outcomes: &[&Outcome]) {
        let any = |test: fn(&Outcome) -> bool| outcomes.iter().any(|outcome| test(outcome));
        let fate = if any(Outcome::is_open) {
            Some(RowFate::Pending)
        } else if any(|outcome| matches!(outcome, Outcome::Refused { .. })) {
            Some(RowFate::Known)
        } else if matches!(step.operations.as_slice(), [Operation::Join { .. }]) {
            // Back in the collection, it is merged with what is news.
            Some(RowFate::Pending)
        } else {
            None
        };
        for side in Side::BOTH {
            let Some(row) = self.settled.rows.get_mut(side) else {
                continue;
            };
            match fate {
                Some(RowFate::Known) if *row != RowFate::Absorbed => {}
                Some(_) if seeded(Bug::RowGoesUndone) => {}
                Some(fate) => *row = fate,
                None => {}
            }
        }
        // What was seen of it while it was out is old by now: only what is read afterwards counts.
        if let ([Operation::Join { side, .. }], [Outcome::Done { .. }]) =
            (step.operations.as_slice(), outcomes)
            && let Some(row) = self.settled.rows.get_mut(*side)
        {
            *row = RowFate::Absorbed;
        }
        for (operation, outcome) in step.operations.iter().zip(outcomes) {
            let side = operation.side();
            let stays = !matches!(self.settled.rows.get(side), None | Some(RowFate::Absorbed))
                && !seeded(Bug::RestageForgotten);
            if let (
                true,
                Operation::Update { changes, .. },
                Outcome::Done {
                    version,
                    modified_at,
                    fields,
                    ..
                },
                Some(record),
            ) = (stays, operation, outcome, step.staged.get(side))
            {
                let mut record = record.as_ref().clone();
                record.fields.extend(changes.clone());
                record.fields.extend(fields.clone().unwrap_or_default());
                if let Some(version) = version {
                    record.version = version.clone();
                    record.modified_at = *modified_at;
                }
                *self.settled.restage.get_mut(side) = Some(record);
            }
        }
    }

    fn done(
        &mut self,
        operation: &Operation,
        fields: Option<&Fields>,
        policy: &Policy,
        id: &RemoteId,
    ) {
        let side = operation.side();
        let counters = self.settled.counters.from_side(side.other());
        let (kind, sent, before) = match operation {
            Operation::Create { sent, .. } => {
                counters.created += 1;
                (ChangeKind::Created, Some(sent), None)
            }
            Operation::Update { sent, before, .. } => {
                counters.updated += 1;
                (ChangeKind::Updated, Some(sent), Some(before))
            }
            Operation::Delete { .. } => {
                counters.deleted += 1;
                self.state = LinkState::Buried;
                (ChangeKind::Deleted, None, None)
            }
            Operation::Mark { .. } => {
                counters.deleted += 1;
                (ChangeKind::Marked, None, None)
            }
            Operation::Leave { .. } => {
                counters.deleted += 1;
                (ChangeKind::Unlinked, None, None)
            }
            Operation::Join { .. } => (ChangeKind::Joined, None, None),
        };
        if let (Operation::Leave { .. } | Operation::Join { .. }, Some(parted)) =
            (operation, self.body.parted.get_mut(&policy.connection))
        {
            parted.done = true;
        }
        let mut told = Vec::new();
        if let Some(sent) = sent {
            for (key, value) in sent {
                let old = before.and_then(|b| b.get(key)).cloned().unwrap_or_default();
                if old != *value {
                    let said = |value| policy.said(side, key, value);
                    told.push((key.clone(), said(&old), said(value)));
                }
            }
            acknowledge(&mut self.body, side, sent, fields, policy);
        }
        if let Operation::Create {
            fields: changes, ..
        }
        | Operation::Update { changes, .. } = operation
        {
            actions::written(policy, side, changes, &mut self.body);
        }
        self.settled.changes.push(ChangeMade {
            kind,
            side,
            remote: id.clone(),
            fields: told,
        });
    }

    fn count(&mut self, step: &Step) {
        let counters = &mut self.settled.counters;
        counters.conflicts += step.conflicts.len() as u64;
        counters.held += u64::from(step.held);
        if let Some(from) = step.linked_from {
            counters.from_side(from).linked += 1;
            for side in Side::BOTH {
                if let Some(remote) = step.remote.get(side) {
                    self.settled.changes.push(ChangeMade {
                        kind: ChangeKind::Linked,
                        side,
                        remote: remote.clone(),
                        fields: Vec::new(),
                    });
                }
            }
        }
        if let Subject::Link(link) = &step.subject {
            let kind = match (link.state, step.state) {
                (LinkState::Live, LinkState::Frozen { left }) => Some((ChangeKind::Frozen, left)),
                (LinkState::Live | LinkState::Frozen { .. }, LinkState::Severed { gone })
                    if step.operations.is_empty() =>
                {
                    Some((ChangeKind::Severed, gone))
                }
                (
                    LinkState::Frozen { left: side } | LinkState::Severed { gone: side },
                    LinkState::Live,
                ) if step.remote == known(link) => Some((ChangeKind::Resumed, side)),
                _ => None,
            };
            if let Some((kind, side)) = kind {
                self.settled.changes.push(ChangeMade {
                    kind,
                    side,
                    remote: link.remote.get(side).clone(),
                    fields: Vec::new(),
                });
            }
        }
        let written: Vec<Side> = step.operations.iter().map(|op| op.side().other()).collect();
        for side in Side::BOTH {
            let (Some(row), Some(remote)) = (self.settled.rows.get(side), step.remote.get(side))
            else {
                continue;
            };
            let troubled = |p: &ProblemFound| p.side == side && p.remote == *remote;
            let idle = !written.contains(&side) && step.linked_from.is_none() && !step.held;
            let counters = &mut self.settled.counters;
            if idle
                && step.problems.iter().any(troubled)
                && matches!(step.subject, Subject::Nothing)
            {
                counters.from_side(side).failed += 1;
            } else if idle && matches!(row, RowFate::Absorbed | RowFate::Known | RowFate::Waiting) {
                counters.from_side(side).skipped += 1;
            }
        }
    }

    /// Whose earlier problems are over: records whose row is done with, and the partner of one in a link, since the two
    /// were looked at together. What still stands was found again.
    fn clear(&mut self, step: &Step) {
        let rows = &self.settled.rows;
        for side in Side::BOTH {
            let is_over = match (rows.get(side), &step.subject) {
                (Some(row), _) => *row == RowFate::Absorbed,
                (None, Subject::Link(_)) => *rows.get(side.other()) == Some(RowFate::Absorbed),
                (None, Subject::New | Subject::Nothing) => false,
            };
            let Some(remote) = step.remote.get(side).as_ref().filter(|_| is_over) else {
                continue;
            };
            let stands = |p: &ProblemFound| p.side == side && p.remote == *remote;
            if !self.settled.problems.iter().any(stands) {
                self.settled.cleared.push((side, remote.clone()));
            }
        }
    }

    fn link_write(&self, step: &Step) -> LinkWrite {
        let id = match &step.subject {
            Subject::Nothing => return LinkWrite::Keep,
            Subject::New => None,
            Subject::Link(link) => {
                // A buried link that lost a record's id: its tombstone goes.
                if step.state == LinkState::Buried && step.remote != known(link) {
                    return LinkWrite::Remove(link.id);
                }
                Some(link)
            }
        };
        let (Some(a), Some(b)) = (self.remote.a.clone(), self.remote.b.clone()) else {
            // A creation that did not happen: no link, or the old one until it does.
            return LinkWrite::Keep;
        };
        let remote = Sides { a, b };
        if let Some(link) = id {
            // With its operations the link was written as planned, and that may be what is undone now.
            let same = step.operations.is_empty()
                && link.remote == remote
                && link.version == self.version
                && link.state == self.state
                && link.body == self.body;
            if same {
                return LinkWrite::Keep;
            }
        }
        LinkWrite::Put(Box::new(LinkPut {
            id: id.map(|link| link.id),
            remote,
            version: self.version.clone(),
            modified_at: self.modified_at.clone(),
            state: self.state,
            body: self.body.clone(),
        }))
    }
}

fn known(link: &syncline_model::Link) -> Sides<Option<RemoteId>> {
    Sides::of(|side| Some(link.remote.get(side).clone()))
}

/// Whether an operation carries a deletion over, for the 24-hour guard.
pub const fn carries_deletion(operation: &Operation) -> bool {
    matches!(
        operation,
        Operation::Delete { .. } | Operation::Mark { .. } | Operation::Leave { .. }
    )
}
