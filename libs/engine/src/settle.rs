//! From what was planned and what became of it to what is now true.

use chrono::{DateTime, Utc};
use syncline_model::seeded::{Bug, seeded};
use syncline_model::{
    ChangeKind, Counters, EntryKey, Fields, LinkBody, LinkId, LinkState, ProblemReason, Record,
    RemoteId, Side, Sides, Slots, Value, Version,
};

use crate::{
    ConflictFound, Operation, Plan, Policy, ProblemFound, Step, Subject, actions, equal, is_blank,
    plan::read,
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
    /// Nobody knows whether it was done: recovery finds out.
    Unknown,
}

/// What becomes of a staged row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowFate {
    /// The link remembers it now; the row goes.
    Absorbed,
    /// Judged and left unlinked; looked at again when it or the rules change.
    Known,
    /// Still to be planned.
    Pending,
    /// Held by a guard.
    Held,
    /// Waits for something else: its link to thaw, a person's answer, recovery. It stays part of what is seen of its
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
            Outcome::Later | Outcome::Unknown => self.undo_state(step, operation),
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
        let fate = if any(|outcome| matches!(outcome, Outcome::Unknown)) {
            Some(RowFate::Waiting)
        } else if any(|outcome| matches!(outcome, Outcome::Later)) {
            Some(RowFate::Pending)
        } else if any(|outcome| matches!(outcome, Outcome::Refused { .. })) {
            Some(RowFate::Known)
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
        };
        let mut told = Vec::new();
        if let Some(sent) = sent {
            for (key, value) in sent {
                let old = before.and_then(|b| b.get(key)).cloned().unwrap_or_default();
                if old != *value {
                    told.push((key.clone(), old, value.clone()));
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
            let same = link.remote == remote
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

/// As `acknowledge`, of a record found some time after it was sent: a person may have edited it meanwhile. Only what
/// could be the provider's way of writing down what was sent counts as that; anything else is left to be seen as news.
/// A blank could be either, and is filled again: that shows whether it was the provider who dropped the value.
pub fn acknowledge_found(
    body: &mut LinkBody,
    side: Side,
    sent: &Slots,
    fields: &Fields,
    policy: &Policy,
) {
    let names = read::Names::of_link(policy, body);
    let shown = read(policy, side, fields, names.as_ref());
    let open: Slots = policy
        .entries
        .iter()
        .zip(shown)
        .filter_map(|(entry, shown)| {
            let sent = sent.get(&entry.key)?;
            let blank = is_blank(entry.kind, &shown) && !is_blank(entry.kind, sent);
            let seen = match () {
                () if blank => shown,
                () if resembles(sent, &shown) => return None,
                () => sent.clone(),
            };
            Some((entry.key.clone(), seen))
        })
        .collect();
    acknowledge(body, side, sent, Some(fields), policy);
    for (key, seen) in open {
        body.rendered.get_mut(side).remove(&key);
        body.seen.get_mut(side).insert(key, seen);
    }
}

/// As `acknowledge`, of an update of which no answer came, by what its record shows now. What stands there as it did
/// before was not written, or not yet; what could be the provider's way of writing down what was sent was. Anything else
/// is left to be seen as news. Gives what was written: each entry with its value before and the one that was sent.
pub fn acknowledge_shown(
    body: &mut LinkBody,
    side: Side,
    sent: &Slots,
    fields: &Fields,
    policy: &Policy,
) -> Vec<(EntryKey, Value, Value)> {
    let names = read::Names::of_link(policy, body);
    let shown = read(policy, side, fields, names.as_ref());
    let landed: Slots = policy
        .entries
        .iter()
        .zip(shown)
        .filter_map(|(entry, shown)| {
            let sent = sent.get(&entry.key)?;
            let before = body.seen.get(side).get(&entry.key);
            let same = |other: &Value| equal(entry.kind, entry.cardinality, &shown, other);
            let written = !before.is_some_and(same) && !is_blank(entry.kind, &shown);
            (written && resembles(sent, &shown)).then(|| (entry.key.clone(), sent.clone()))
        })
        .collect();
    let before = body.seen.get(side);
    let written = landed.iter().map(|(key, sent)| {
        let before = before.get(key).cloned().unwrap_or_default();
        (key.clone(), before, sent.clone())
    });
    let written = written.collect();
    acknowledge(body, side, &landed, Some(fields), policy);
    written
}

/// Whether a provider could have made `shown` of `sent`: other letters' case, other spaces and signs, an end cut off, or
/// nothing kept at all.
pub(crate) fn resembles(sent: &Value, shown: &Value) -> bool {
    let fold = |text: &str| -> String {
        let kept = text.chars().filter(|one| one.is_alphanumeric());
        kept.flat_map(char::to_lowercase).collect()
    };
    match (sent, shown) {
        (_, Value::Empty) => true,
        (Value::Text(sent), Value::Text(shown)) => fold(sent).starts_with(&fold(shown)),
        (Value::List(sent), Value::List(shown)) => shown
            .iter()
            .all(|item| sent.iter().any(|sent| resembles(sent, item))),
        (sent, shown) => sent == shown,
    }
}

/// What was sent to a side is what is seen there now, in the provider's own spelling where `fields` shows it.
pub fn acknowledge(
    body: &mut LinkBody,
    side: Side,
    sent: &Slots,
    fields: Option<&Fields>,
    policy: &Policy,
) {
    let names = read::Names::of_link(policy, body);
    let shown = fields.map(|fields| read(policy, side, fields, names.as_ref()));
    for (index, entry) in policy.entries.iter().enumerate() {
        let Some(value) = sent.get(&entry.key) else {
            continue;
        };
        let mut seen = value.clone();
        if let Some(shown) = shown.as_ref().and_then(|shown| shown.get(index)) {
            let same = equal(entry.kind, entry.cardinality, shown, value);
            // Something shown where nothing was sent is news, not spelling: the next pull must see a change.
            // Nothing shown where something was sent is a provider that drops it: asking again changes nothing.
            if !same && !is_blank(entry.kind, value) {
                let meant = body.target.get(&entry.key);
                if meant.is_some_and(|t| equal(entry.kind, entry.cardinality, t, value))
                    && !seeded(Bug::SpellingForgotten)
                {
                    body.rendered
                        .get_mut(side)
                        .insert(entry.key.clone(), shown.clone());
                }
                seen = shown.clone();
            }
        }
        body.seen.get_mut(side).insert(entry.key.clone(), seen);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spelling_is_told_from_an_edit() {
        let text = |text: &str| Value::text(text);
        let list =
            |items: &[&str]| Value::List(items.iter().map(|item| Value::text(*item)).collect());
        let cases = [
            (text(" Ann  Lee "), text("ann lee"), true),
            (text("+49 30 123"), text("+4930123"), true),
            (text("Managing Director"), text("Managing"), true),
            (text("Ann"), Value::Empty, true),
            (text("Ann"), text("Anna"), false),
            (text("first 19"), text("first 24"), false),
            (Value::Empty, text("Ann"), false),
            (Value::Empty, Value::Empty, true),
            (Value::Bool(true), Value::Bool(false), false),
            (list(&["A", "b"]), list(&["a"]), true),
            (list(&["a"]), list(&["a", "c"]), false),
        ];
        for (sent, shown, expect) in cases {
            assert_eq!(resembles(&sent, &shown), expect, "{sent:?} {shown:?}");
        }
    }
}
