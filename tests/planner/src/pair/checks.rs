//! What is asked after every step of a case: whether the plan is the oracle's, and whether what was settled is true.

use syncline_engine::{LinkWrite, Operation, Outcome, RowFate, Settled, Sight, Step};
use syncline_model::{
    ChangeKind, ConnectionId, DeletionPolicy, FieldName, Fields, Link, LinkBody, LinkState, Side,
    Value,
};

use super::{
    Round,
    oracle::{self, Apart, Course, Known, Scope, Seen, Verdict},
    run::{Play, SIDES, at},
};
use crate::ensure;

/// What the oracle says of a plan, for the check of its settlement.
pub struct Expected {
    course: Course,
    verdicts: Vec<Option<Verdict>>,
    /// Per entry and side, what is sent.
    sent: [Vec<Option<u8>>; 2],
}

impl Play<'_> {
    fn known(&self, body: &LinkBody, index: usize) -> Known {
        let key = &self.laid.keys[index];
        let shape = self.laid.config.entries[index].shape;
        let number = |value: Option<&Value>| value.map(|value| shape.number(value));
        Known {
            target: number(body.target.get(key)),
            seen: [number(body.seen.a.get(key)), number(body.seen.b.get(key))],
            rendered: [
                number(body.rendered.a.get(key)),
                number(body.rendered.b.get(key)),
            ],
            cleared: [body.cleared.a.contains(key), body.cleared.b.contains(key)],
            resolution: body.resolutions.get(key).map(|side| at(*side)),
            open: body.open.contains(key),
        }
    }

    /// Per side and entry, what is known to be there.
    fn now(&self, index: usize, known: &Known) -> [Option<u8>; 2] {
        let shape = self.laid.config.entries[index].shape;
        [0, 1].map(|side| match &self.rows[side] {
            Some((Sight::Present(record), _)) => Some(shape.read(side, index, &record.fields)),
            _ => known.rendered[side].or(known.seen[side]),
        })
    }

    fn seen(&self) -> [Seen; 2] {
        [0, 1].map(|side| match self.rows[side].as_ref().map(|row| &row.0) {
            None | Some(Sight::Unchanged) => Seen::Nothing,
            Some(Sight::Deleted) => Seen::Gone,
            Some(Sight::Left) => Seen::Outside,
            Some(Sight::Present(record)) => Seen::Record {
                passes: !self.laid.config.filtered[side]
                    || matches!(
                        self.laid.config.entries[0]
                            .shape
                            .read(side, 0, &record.fields),
                        1 | 2
                    ),
                new: self.link.version.get(SIDES[side]).as_ref() != Some(&record.version),
            },
        })
    }

    /// The side changed last, if the providers' times leave no doubt.
    fn newer(&self) -> Option<usize> {
        let time = |side: usize| match &self.rows[side] {
            Some((Sight::Present(record), _)) => record.modified_at,
            _ => *self.link.modified_at.get(SIDES[side]),
        };
        let (a, b) = (time(0)?.timestamp(), time(1)?.timestamp());
        ((a - b).abs() > 2).then_some(usize::from(b > a))
    }

    fn merge_all(
        &self,
        now: impl Fn(usize, &Known) -> [Option<u8>; 2],
        newer: Option<usize>,
    ) -> Vec<Option<Verdict>> {
        let entries = self.laid.terms.iter().enumerate();
        entries
            .map(|(index, terms)| {
                let known = self.known(&self.link.body, index);
                let [a, b] = now(index, &known);
                Some(oracle::merge(terms, [a?, b?], &known, newer))
            })
            .collect()
    }

    /// Whether the side that is gone is owed an edit: it would be written if it were as it was last seen, and where
    /// both had edited the record that stays won.
    fn is_owed(&self, gone: usize) -> bool {
        let rest = 1 - gone;
        let Some((Sight::Present(_), _)) = &self.rows[rest] else {
            return false;
        };
        self.laid.terms.iter().enumerate().any(|(index, terms)| {
            let mut known = self.known(&self.link.body, index);
            let mut now = self.now(index, &known);
            now[gone] = Some(known.rendered[gone].or(known.seen[gone]).unwrap_or(0));
            (known.open, known.resolution) = (false, Some(rest));
            let (Some(_), [Some(a), Some(b)]) = (known.target, now) else {
                return false;
            };
            let verdict = oracle::merge(terms, [a, b], &known, None);
            let unfit = gone == 1 && verdict.target.is_some_and(|t| terms.shape.is_too_long(t));
            verdict.write[gone] && !unfit
        })
    }

    pub fn check_plan(&self, step: &Step, round: &Round) -> Result<Expected, String> {
        let scope = Scope {
            held: round.held_gone,
            ..self.laid.scope
        };
        let seen = self.seen();
        let noted = (apart(&self.link.body), inside(&self.link.body));
        let course = oracle::course(self.link.state, seen, noted, &scope, |gone| {
            self.is_owed(gone)
        });
        let mut expected = Expected {
            course,
            verdicts: Vec::new(),
            sent: [0, 1].map(|_| vec![None; self.laid.terms.len()]),
        };
        let operations = &step.operations;
        let alone = |is: bool| -> Result<(), String> {
            ensure!(
                is && operations.len() <= 1,
                "{course:?}, but {operations:?}"
            );
            Ok(())
        };
        match course {
            Course::Rest(state) => {
                alone(operations.is_empty())?;
                ensure!(step.state == state, "state {:?}, not {state:?}", step.state);
            }
            Course::Forget => {
                alone(operations.is_empty())?;
                ensure!(
                    step.remote.a.is_none() || step.remote.b.is_none(),
                    "the tombstone stays"
                );
            }
            Course::Held(state) => {
                alone(operations.is_empty())?;
                ensure!(step.held && step.state == state, "not held: {step:?}");
            }
            Course::Remake(gone) => {
                // Where nothing of the record can be written there, it is refused and named.
                let refused = operations.is_empty() && !step.problems.is_empty();
                alone(
                    refused
                        || matches!(operations.as_slice(), [Operation::Create { side, .. }] if at(*side) == gone),
                )?;
                self.check_creation(operations, gone)?;
            }
            Course::Carry(gone, policy) => {
                let rest = SIDES[1 - gone];
                alone(match operations.as_slice() {
                    [Operation::Delete { side, id }] => {
                        policy == DeletionPolicy::Delete
                            && *side == rest
                            && id == self.link.remote.get(rest)
                    }
                    [Operation::Mark { side, id }] => {
                        policy == DeletionPolicy::Mark
                            && *side == rest
                            && id == self.link.remote.get(rest)
                    }
                    [Operation::Leave { side, id }] => {
                        policy == DeletionPolicy::Unlink
                            && *side == rest
                            && id == self.link.remote.get(rest)
                    }
                    _ => false,
                })?;
            }
            Course::TakeOut(left) => {
                let partner = SIDES[1 - left];
                let is_it = matches!(operations.as_slice(), [Operation::Leave { side, id }]
                    if *side == partner && id == self.link.remote.get(partner));
                alone(is_it)?;
                let state = LinkState::Frozen { left: SIDES[left] };
                ensure!(step.state == state, "state {:?}, not {state:?}", step.state);
            }
            Course::PutBack(back) => {
                let back = SIDES[back];
                let is_it = matches!(operations.as_slice(), [Operation::Join { side, id }]
                    if *side == back && id == self.link.remote.get(back));
                alone(is_it)?;
                let state = followed(self.link.state);
                ensure!(step.state == state, "state {:?}, not {state:?}", step.state);
            }
            Course::Merge => self.check_merge(step, round, &mut expected)?,
        }
        Ok(expected)
    }

    /// A record made again says what its partner says, as far as values flow there and fit.
    fn check_creation(&self, operations: &[Operation], gone: usize) -> Result<(), String> {
        let (Some(Operation::Create { fields, .. }), Some((Sight::Present(source), _))) =
            (operations.first(), &self.rows[1 - gone])
        else {
            return Ok(());
        };
        for (index, terms) in self.laid.terms.iter().enumerate() {
            let value = terms.shape.read(1 - gone, index, &source.fields);
            let fits = !(gone == 1 && terms.shape.is_too_long(value));
            let want = if terms.from[1 - gone] && fits {
                value
            } else {
                0
            };
            let got = terms.shape.read(gone, index, fields);
            ensure!(got == want, "entry {index} is created as {got}, not {want}");
        }
        Ok(())
    }

    fn check_merge(
        &self,
        step: &Step,
        round: &Round,
        expected: &mut Expected,
    ) -> Result<(), String> {
        expected.verdicts = self.merge_all(|index, known| self.now(index, known), self.newer());
        let mut named = Vec::new();
        let mut unfit = false;
        let mut held = false;
        for (index, slot) in expected.verdicts.iter_mut().enumerate() {
            let Some(verdict) = *slot else {
                continue;
            };
            if let Some((entry, from)) = round.held_entry
                && entry == index
                && verdict.write[1 - from]
            {
                // It stays as it was, whatever that is.
                held = true;
                *slot = None;
                continue;
            }
            let known = self.known(&self.link.body, index);
            if let Some(winner) = verdict.conflict
                && !(winner.is_none() && known.open)
            {
                named.push((
                    self.laid.keys[index].clone(),
                    winner.map(|side| SIDES[side]),
                ));
            }
            let shape = self.laid.config.entries[index].shape;
            for side in [0, 1] {
                let target = verdict.target.unwrap_or(0);
                if !verdict.write[side] {
                    continue;
                }
                if side == 1 && shape.is_too_long(target) {
                    unfit = true;
                } else {
                    expected.sent[side][index] = Some(target);
                }
            }
        }
        let got: Vec<_> = step
            .conflicts
            .iter()
            .map(|found| (found.entry.clone(), found.winner))
            .collect();
        ensure!(got == named, "conflicts {got:?}, not {named:?}");
        ensure!(step.held == held, "held: {}", step.held);
        ensure!(
            step.problems.is_empty() != unfit,
            "problems: {:?}, unfit: {unfit}",
            step.problems
        );
        ensure!(step.state == LinkState::Live, "state {:?}", step.state);
        for side in [0, 1] {
            let mine: Vec<_> = step
                .operations
                .iter()
                .filter(|operation| at(operation.side()) == side)
                .collect();
            let some = expected.sent[side].iter().any(Option::is_some) || self.is_tag_due(side);
            ensure!(
                mine.len() == usize::from(some),
                "side {side}: {mine:?}, expected {:?}",
                expected.sent[side]
            );
            if let Some(operation) = mine.first() {
                self.check_update(operation, side, &expected.sent[side])?;
            }
        }
        Ok(())
    }

    /// Whether the rule's tag is to be written: its source was looked at, and it is not known to stand there.
    fn is_tag_due(&self, side: usize) -> bool {
        let read = |side: usize| match &self.rows[side] {
            Some((Sight::Present(record), _)) => Some(record),
            _ => None,
        };
        if !self.laid.config.tagged || side != 1 || read(0).is_none() {
            return false;
        }
        let (tag, ours) = (FieldName::new("tag"), Value::text("ours"));
        let acted = self.link.body.acted.get(&ConnectionId::NIL);
        let acted = acted.and_then(|acted| acted.b.get(&tag));
        let was_done = acted.is_some_and(|acted| acted.done && acted.set == ours);
        !was_done && read(1).is_none_or(|record| *record.value(&tag) != ours)
    }

    /// Exactly the entries that must change are sent, in their record, and what it was decided on is named.
    fn check_update(
        &self,
        operation: &Operation,
        side: usize,
        want: &[Option<u8>],
    ) -> Result<(), String> {
        let Operation::Update {
            id,
            version,
            changes,
            sent,
            before,
            ..
        } = operation
        else {
            return Err(format!("not an update: {operation:?}"));
        };
        let staged = match &self.rows[side] {
            Some((Sight::Present(record), _)) => Some(record),
            _ => None,
        };
        let link_version = self.link.version.get(SIDES[side]);
        let decided_on = staged
            .map(|record| &record.version)
            .or(link_version.as_ref());
        ensure!(
            id == self.link.remote.get(SIDES[side]),
            "another record is written"
        );
        ensure!(
            version.as_ref() == decided_on,
            "decided on {version:?}, not {decided_on:?}"
        );
        let mut after = staged
            .map(|record| record.fields.clone())
            .unwrap_or_default();
        let mut allowed: Vec<FieldName> = Vec::new();
        after.extend(changes.clone());
        for (index, want) in want.iter().enumerate() {
            let shape = self.laid.config.entries[index].shape;
            let key = &self.laid.keys[index];
            let known = self.known(&self.link.body, index);
            let now = self.now(index, &known)[side];
            let says = shape.read(side, index, &after);
            ensure!(
                sent.get(key).map(|value| shape.number(value)) == *want,
                "entry {index}: sent {:?}, not {want:?}",
                sent.get(key)
            );
            if let Some(want) = want {
                ensure!(
                    says == *want,
                    "entry {index} is written as {says}, not {want}"
                );
                ensure!(
                    before.get(key).map(|value| shape.number(value)) == now,
                    "entry {index}: before {:?}, not {now:?}",
                    before.get(key)
                );
                allowed.push(shape.field(side, index));
            } else if staged.is_some() {
                ensure!(Some(says) == now, "entry {index} is written too: {says}");
            }
        }
        let source_read = matches!(&self.rows[1 - side], Some((Sight::Present(_), _)));
        if self.laid.config.tagged && side == 1 && source_read {
            let tag = FieldName::new("tag");
            ensure!(after.get(&tag) == Some(&Value::text("ours")), "not tagged");
            allowed.push(tag);
        }
        let other = changes.keys().find(|field| !allowed.contains(field));
        ensure!(other.is_none(), "{other:?} is written too");
        let home = |fields: &Fields| match fields.get(&FieldName::new("home")) {
            Some(Value::Address(home)) => home.country.clone(),
            _ => String::new(),
        };
        if let Some(record) = staged {
            ensure!(
                home(&record.fields) == home(&after),
                "a part that is not mapped is written"
            );
        }
        Ok(())
    }

    pub fn check_settled(
        &self,
        before: &Link,
        step: &Step,
        outcomes: &[Outcome],
        settled: &Settled,
        expected: &Expected,
    ) -> Result<(), String> {
        let (state, body) = match &settled.link {
            LinkWrite::Put(put) => (put.state, &put.body),
            LinkWrite::Keep => (self.link.state, &self.link.body),
            LinkWrite::Remove(_) => {
                ensure!(expected.course == Course::Forget, "a link is removed");
                return Ok(());
            }
        };
        let done = |outcome: &Outcome| matches!(outcome, Outcome::Done { .. });
        let all_done = outcomes.iter().all(done);
        let want = match expected.course {
            Course::Rest(state) | Course::Held(state) => state,
            Course::Merge => LinkState::Live,
            Course::Remake(_) if all_done && !outcomes.is_empty() => LinkState::Live,
            Course::Carry(_, DeletionPolicy::Delete) if all_done => LinkState::Buried,
            Course::Carry(gone, _) if all_done => LinkState::Severed { gone: SIDES[gone] },
            Course::TakeOut(left) if all_done => LinkState::Frozen { left: SIDES[left] },
            Course::PutBack(_) if all_done => followed(before.state),
            Course::Forget
            | Course::Remake(_)
            | Course::Carry(..)
            | Course::TakeOut(_)
            | Course::PutBack(_) => before.state,
        };
        let noted = match expected.course {
            Course::TakeOut(left) => Some((1 - left, true)),
            Course::PutBack(side) => Some((side, false)),
            Course::Merge | Course::Remake(_) => None,
            _ => apart(&before.body).map(|apart| (apart.side, apart.out)),
        };
        if self.laid.policy.parts() {
            let read = |side: usize| matches!(self.rows[side], Some((Sight::Present(_), _)));
            let was = inside(&before.body);
            let want = match expected.course {
                Course::Merge => [0, 1].map(|side| was[side] || read(side)),
                Course::Remake(gone) if all_done && !outcomes.is_empty() => {
                    [0, 1].map(|side| side != gone)
                }
                _ => was,
            };
            let is = inside(body);
            ensure!(is == want, "seen inside: {is:?}, not {want:?}");
        }
        let is_noted = apart(body);
        ensure!(
            is_noted.map(|apart| (apart.side, apart.out)) == noted,
            "noted {is_noted:?}, not {noted:?}"
        );
        if matches!(expected.course, Course::TakeOut(_) | Course::PutBack(_)) {
            let said = is_noted.is_some_and(|apart| apart.done);
            ensure!(said == all_done, "noted as done: {said}");
        }
        ensure!(state == want, "settled as {state:?}, not {want:?}");
        let carried = settled.changes.iter().filter(|change| {
            use ChangeKind::{Created, Deleted, Joined, Marked, Unlinked, Updated};
            let taken = matches!(change.kind, Deleted | Marked | Unlinked);
            taken || matches!(change.kind, Created | Updated | Joined)
        });
        let worked = outcomes.iter().filter(|outcome| done(outcome)).count();
        ensure!(carried.count() == worked, "history: {:?}", settled.changes);
        let refused = outcomes
            .iter()
            .filter(|outcome| matches!(outcome, Outcome::Refused { .. }));
        let named = settled.problems.len() - step.problems.len();
        ensure!(refused.count() == named, "problems: {:?}", settled.problems);
        ensure!(
            settled.conflicts == step.conflicts,
            "conflicts: {:?}",
            settled.conflicts
        );
        for side in Side::BOTH {
            let kept = *settled.rows.get(side) != Some(RowFate::Absorbed);
            ensure!(all_done || kept, "a row goes though something is undone");
            if matches!(expected.course, Course::Held(_)) {
                // Whose partner is gone waits: that partner's row, which is held, brings it along.
                let partner = &self.rows[at(side.other())];
                let want = match partner {
                    Some((Sight::Deleted, _)) => RowFate::Waiting,
                    _ => RowFate::Held,
                };
                let row = settled.rows.get(side);
                ensure!(
                    row.is_none_or(|row| row == want),
                    "a held row becomes {row:?}"
                );
            }
        }
        for (operation, outcome) in step.operations.iter().zip(outcomes) {
            let side = operation.side();
            let stays = !matches!(settled.rows.get(side), None | Some(RowFate::Absorbed));
            let read = matches!(self.rows[at(side)], Some((Sight::Present(_), _)));
            if matches!(operation, Operation::Update { .. }) && done(outcome) && stays && read {
                ensure!(
                    settled.restage.get(side).is_some(),
                    "a row stays that tells of values from before the update"
                );
            }
        }
        if expected.course == Course::Merge {
            self.check_memory(body, step, outcomes, expected)?;
        }
        Ok(())
    }

    /// The target is what was decided; what was seen is what a provider holds after a call that was done.
    fn check_memory(
        &self,
        body: &LinkBody,
        step: &Step,
        outcomes: &[Outcome],
        expected: &Expected,
    ) -> Result<(), String> {
        for (index, verdict) in expected.verdicts.iter().enumerate() {
            let known = self.known(body, index);
            if let Some(verdict) = verdict {
                ensure!(
                    known.target == verdict.target,
                    "entry {index}: target {:?}",
                    known.target
                );
                ensure!(
                    known.open
                        == (verdict.conflict == Some(None)
                            || known.open && verdict.target.is_none()),
                    "entry {index}: open is {}",
                    known.open
                );
            }
        }
        for (operation, outcome) in step.operations.iter().zip(outcomes) {
            let side = at(operation.side());
            for (index, sent) in expected.sent[side].iter().enumerate() {
                let Some(sent) = sent else {
                    continue;
                };
                let seen = self.known(body, index).seen[side];
                let want = match outcome {
                    Outcome::Done {
                        fields: Some(fields),
                        ..
                    } => Some(self.laid.terms[index].shape.read(side, index, fields)),
                    Outcome::Done { .. } => Some(*sent),
                    _ => self.known(&step.body, index).seen[side],
                };
                ensure!(
                    seen == want,
                    "entry {index} of side {side}: seen {seen:?}, not {want:?}"
                );
            }
        }
        Ok(())
    }
}

/// Who was taken out of the collection, as a link notes it.
fn apart(body: &LinkBody) -> Option<Apart> {
    let parted = body.parted.get(&ConnectionId::NIL)?;
    Some(Apart {
        side: at(parted.side),
        out: parted.out,
        done: parted.done,
    })
}

/// The state of a link whose records are both there again.
const fn followed(state: LinkState) -> LinkState {
    match state {
        LinkState::Severed { .. } | LinkState::Buried => LinkState::Live,
        state => state,
    }
}

/// The sides whose record was seen to take part, as a link notes it.
fn inside(body: &LinkBody) -> [bool; 2] {
    let inside = body.inside.get(&ConnectionId::NIL);
    inside.map_or([false; 2], |inside| [inside.a, inside.b])
}
