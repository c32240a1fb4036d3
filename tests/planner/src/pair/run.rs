//! Plays one case: what the worker does around the engine, for one link, with a check after every step.

use syncline_engine::{
    Held, LinkPut, LinkWrite, LinkedPair, Observation, Operation, Outcome, Plan, RowFate, Settled,
    Sight, Step, plan, settle,
};
use syncline_model::{
    ChangeKind, DeletionPolicy, FieldName, Fields, Link, LinkBody, LinkId, LinkState, PairId,
    ProblemReason, Record, RemoteId, Side, Sides, Value, Version,
};

use super::{
    Case, Event, Laid, Round,
    oracle::{self, Course, Known, Scope, Seen, Verdict},
};
use crate::{ensure, guarded, world::Fate};

/// A record at its provider.
#[derive(Clone, Debug)]
struct There {
    record: Record,
    left: bool,
}

struct Play<'a> {
    laid: &'a Laid,
    there: [Option<There>; 2],
    /// What a deleted record was.
    trash: [Option<Record>; 2],
    news: [bool; 2],
    rows: [Option<(Sight, RowFate)>; 2],
    link: Link,
    /// The tombstone went: what follows concerns unlinked records.
    over: bool,
    /// A creation without an answer, and whether it happened.
    limbo: Option<(Step, Option<Record>)>,
    conflicts: usize,
    clock: i64,
    count: u32,
}

/// Plays a case. Gives the first thing that does not hold.
pub fn check(case: &Case, laid: &Laid) -> Result<(), String> {
    guarded(|| {
        let mut play = Play::new(case, laid);
        for round in &case.rounds {
            for event in &round.events {
                play.happen(*event);
            }
            play.round(round)?;
            if play.over {
                return Ok(());
            }
        }
        play.calm()
    })
}

const SIDES: [Side; 2] = [Side::A, Side::B];

fn at(side: Side) -> usize {
    usize::from(side == Side::B)
}

impl<'a> Play<'a> {
    fn new(case: &Case, laid: &'a Laid) -> Self {
        let mut body = LinkBody::default();
        for (index, known) in case.memory.iter().enumerate() {
            let Some([target, seen_a, seen_b]) = *known else {
                continue;
            };
            let shape = laid.config.entries[index].shape;
            let key = &laid.keys[index];
            body.target.insert(key.clone(), shape.value(target, false));
            body.seen.a.insert(key.clone(), shape.value(seen_a, false));
            body.seen.b.insert(key.clone(), shape.value(seen_b, false));
        }
        let there = [0, 1].map(|side| {
            let mut fields = Fields::new();
            for (index, now) in case.now.iter().enumerate() {
                let shape = laid.config.entries[index].shape;
                shape.write(side, index, &mut fields, now[side], (index + side) % 2 == 1);
            }
            let known = case.memory.iter().zip(&case.now);
            let as_seen = known
                .clone()
                .all(|(known, now)| known.is_some_and(|known| known[1 + side] == now[side]));
            Some(There {
                record: Record {
                    id: RemoteId::new(["a", "b"][side]),
                    version: Version::new(if as_seen { "0" } else { "1" }),
                    modified_at: None,
                    fields,
                },
                left: false,
            })
        });
        Self {
            laid,
            there,
            trash: [None, None],
            news: [true, true],
            rows: [None, None],
            link: Link {
                id: LinkId::NIL,
                pair: PairId::NIL,
                remote: Sides {
                    a: RemoteId::new("a"),
                    b: RemoteId::new("b"),
                },
                version: Sides::of(|_| Some(Version::new("0"))),
                modified_at: Sides::default(),
                state: case
                    .frozen
                    .map_or(LinkState::Live, |side| LinkState::Frozen {
                        left: SIDES[side],
                    }),
                body,
            },
            over: false,
            limbo: None,
            conflicts: 0,
            clock: 1_700_000_000,
            count: 1,
        }
    }

    fn version(&mut self) -> Version {
        self.count += 1;
        Version::new(self.count.to_string())
    }

    fn happen(&mut self, event: Event) {
        let version = self.version();
        match event {
            Event::Edit {
                side,
                entry,
                number,
                other,
                seconds,
            } => {
                self.clock += i64::from(seconds);
                let time = chrono::DateTime::from_timestamp(self.clock, 0);
                let shape = self.laid.config.entries[entry].shape;
                if let Some(there) = &mut self.there[side] {
                    shape.write(side, entry, &mut there.record.fields, number, other);
                    there.record.version = version;
                    there.record.modified_at = time;
                    self.news[side] = true;
                }
            }
            Event::Touch(side) => {
                if let Some(there) = &mut self.there[side] {
                    there.record.version = version;
                    self.news[side] = true;
                }
            }
            Event::Delete(side) => {
                if let Some(there) = self.there[side].take() {
                    self.trash[side] = Some(there.record);
                    self.news[side] = true;
                }
            }
            Event::Restore(side) => {
                if let (None, Some(mut record)) = (&self.there[side], self.trash[side].take()) {
                    record.version = version;
                    self.there[side] = Some(There {
                        record,
                        left: false,
                    });
                    self.news[side] = true;
                }
            }
            Event::Stale(side) => {
                if let (None, Some(record)) = (&self.there[side], &self.trash[side]) {
                    let sight = Sight::Present(Box::new(record.clone()));
                    self.rows[side] = Some((sight, RowFate::Pending));
                    self.news[side] = true;
                }
            }
            Event::Leave(side) | Event::Back(side) => {
                if let Some(there) = &mut self.there[side] {
                    there.left = matches!(event, Event::Leave(_));
                    self.news[side] = true;
                }
            }
            Event::Answer { entry, winner } => {
                let key = &self.laid.keys[entry];
                if self.link.body.open.contains(key) {
                    let resolutions = &mut self.link.body.resolutions;
                    resolutions.insert(key.clone(), SIDES[winner]);
                }
            }
        }
    }

    fn sight(&self, side: usize) -> Sight {
        match &self.there[side] {
            None => Sight::Deleted,
            Some(there) if there.left => Sight::Left,
            Some(there) => Sight::Present(Box::new(there.record.clone())),
        }
    }

    /// Reads a record and stages it; a row that says the same stays as it is.
    fn stage(&mut self, side: usize) {
        let sight = self.sight(side);
        if self.rows[side].as_ref().is_none_or(|row| row.0 != sight) {
            self.rows[side] = Some((sight, RowFate::Pending));
        }
    }

    fn round(&mut self, round: &Round) -> Result<(), String> {
        if let Some((step, made)) = self.limbo.take() {
            self.recover(step, made)?;
        }
        for side in [0, 1] {
            if let Some((_, fate @ (RowFate::Waiting | RowFate::Known | RowFate::Held))) =
                &mut self.rows[side]
            {
                // Trying again what waits must change nothing unless there is a reason: so do it always.
                *fate = RowFate::Pending;
            }
            if round.hears[side] && std::mem::take(&mut self.news[side]) {
                self.stage(side);
            }
        }
        for _ in 0..4 {
            let pending = |row: &Option<(Sight, RowFate)>| {
                row.as_ref().is_some_and(|row| row.1 == RowFate::Pending)
            };
            if self.over || self.limbo.is_some() || !self.rows.iter().any(pending) {
                break;
            }
            for (side, name) in SIDES.into_iter().enumerate() {
                if self.rows[side].is_none() && self.laid.policy.reads_before_writing(name) {
                    self.stage(side);
                }
            }
            if self.pass(round)? == 0 {
                break;
            }
        }
        Ok(())
    }

    /// One plan, carried out. Gives the number of its calls.
    fn pass(&mut self, round: &Round) -> Result<usize, String> {
        let held = Held {
            gone: Sides {
                a: round.held_gone[0],
                b: round.held_gone[1],
            },
            entries: round
                .held_entry
                .iter()
                .map(|(entry, side)| (self.laid.keys[*entry].clone(), SIDES[*side]))
                .collect(),
        };
        let sight = |side: usize| {
            let row = self.rows[side].as_ref();
            row.map_or(Sight::Unchanged, |row| row.0.clone())
        };
        let observation = Observation {
            linked: vec![LinkedPair {
                link: self.link.clone(),
                sight: Sides {
                    a: sight(0),
                    b: sight(1),
                },
            }],
            clusters: Vec::new(),
            held,
        };
        let mut plan = plan(&observation, &self.laid.policy);
        ensure!(plan.steps.len() == 1, "{} steps", plan.steps.len());
        let expected = self.check_plan(&plan.steps[0], round)?;
        let before = self.link.clone();
        let step = &plan.steps[0];
        let forgets = step.remote.a.is_none() || step.remote.b.is_none();
        if !step.operations.is_empty() && !forgets {
            // The intent: what is stored before a provider is called.
            self.link.version = step.version.clone();
            self.link.modified_at = step.modified_at.clone();
            self.link.body = step.body.clone();
        }
        let mut outcomes = Vec::new();
        for operation in step.operations.clone() {
            outcomes.push(self.call(&operation, round)?);
        }
        let calls = outcomes.len();
        let plain: Vec<Outcome> = outcomes
            .iter()
            .map(|(outcome, _)| outcome.clone())
            .collect();
        let mut settled = settle(&plan, &plain, &self.laid.policy);
        ensure!(settled.len() == 1, "{} settlements", settled.len());
        let settled = settled.swap_remove(0);
        let step = plan.steps.swap_remove(0);
        self.check_settled(&before, &step, &plain, &settled, &expected)?;
        self.store(settled);
        for (operation, (outcome, made)) in step.operations.iter().zip(outcomes) {
            match (&outcome, operation) {
                (Outcome::Unknown, Operation::Create { .. }) => {
                    self.limbo = Some((step.clone(), made));
                }
                (Outcome::Done { .. }, _) | (_, Operation::Create { .. }) => {}
                (_, written) => self.stage(at(written.side())),
            }
        }
        Ok(calls)
    }

    /// What became of a creation that nobody answered.
    fn recover(&mut self, step: Step, made: Option<Record>) -> Result<(), String> {
        let outcome = made.map_or(Outcome::Later, |record| Outcome::Done {
            id: record.id,
            version: Some(record.version),
            modified_at: None,
            fields: Some(record.fields),
        });
        let plan = Plan { steps: vec![step] };
        let settled = settle(&plan, &[outcome], &self.laid.policy).swap_remove(0);
        self.store(settled);
        Ok(())
    }

    fn store(&mut self, settled: Settled) {
        match settled.link {
            LinkWrite::Keep => {}
            LinkWrite::Remove(_) => self.over = true,
            LinkWrite::Put(put) => {
                let LinkPut {
                    remote,
                    version,
                    modified_at,
                    state,
                    body,
                    ..
                } = *put;
                self.link.remote = remote;
                self.link.version = version;
                self.link.modified_at = modified_at;
                self.link.state = state;
                self.link.body = body;
            }
        }
        for side in Side::BOTH {
            match settled.rows.get(side) {
                None => {}
                Some(RowFate::Absorbed) => self.rows[at(side)] = None,
                Some(fate) => {
                    if let Some(row) = &mut self.rows[at(side)] {
                        row.1 = *fate;
                        if let Some(record) = settled.restage.get(side) {
                            row.0 = Sight::Present(Box::new(record.clone()));
                        }
                    }
                }
            }
        }
        self.conflicts += settled.conflicts.len();
    }

    /// What the provider does with a call. Gives also the record that a creation made.
    fn call(
        &mut self,
        operation: &Operation,
        round: &Round,
    ) -> Result<(Outcome, Option<Record>), String> {
        let side = at(operation.side());
        let fate = round.fates[side].unwrap_or(Fate::Done);
        match fate {
            Fate::Refused => {
                let refused = Outcome::Refused {
                    reason: ProblemReason::Rejected,
                    message: "refused".into(),
                };
                return Ok((refused, None));
            }
            Fate::Later => return Ok((Outcome::Later, None)),
            Fate::UnknownNot => return Ok((Outcome::Unknown, None)),
            Fate::Done | Fate::UnknownDone => {}
        }
        let version = self.version();
        let mute = round.mute[side] || fate == Fate::UnknownDone;
        match operation {
            Operation::Create { fields, .. } => {
                let record = Record {
                    id: RemoteId::new(format!("{}{}", ["a", "b"][side], self.count)),
                    version: version.clone(),
                    modified_at: None,
                    fields: fields.clone(),
                };
                self.there[side] = Some(There {
                    record,
                    left: false,
                });
                self.respell(side, fields, mute);
            }
            Operation::Update {
                version: decided_on,
                changes,
                ..
            } => {
                let Some(there) = &mut self.there[side] else {
                    return Ok((Outcome::Later, None));
                };
                ensure!(
                    self.news[side] || !there.left,
                    "a record that is known to have left is written"
                );
                if decided_on.as_ref() != Some(&there.record.version) {
                    return Ok((Outcome::Later, None));
                }
                there.record.fields.extend(changes.clone());
                there.record.version = version.clone();
                self.respell(side, changes, mute);
            }
            Operation::Delete { .. } => {
                let gone = self.there[side].take();
                self.trash[side] = gone.map(|there| there.record);
            }
            Operation::Mark { .. } => {}
            Operation::Leave { .. } => {
                if let Some(there) = &mut self.there[side] {
                    there.left = true;
                }
            }
        }
        self.news[side] = true;
        let record = self.there[side].as_ref().map(|there| there.record.clone());
        if fate == Fate::UnknownDone {
            return Ok((Outcome::Unknown, record));
        }
        let done = Outcome::Done {
            id: record.as_ref().map_or_else(
                || RemoteId::new(["a", "b"][side]),
                |record| record.id.clone(),
            ),
            version: record.as_ref().map(|record| record.version.clone()),
            modified_at: None,
            fields: record.as_ref().filter(|_| !mute).map(|r| r.fields.clone()),
        };
        Ok((done, record))
    }

    /// A provider that shows what it holds may hold something else than it was sent.
    fn respell(&mut self, side: usize, written: &Fields, mute: bool) {
        let Some(there) = &mut self.there[side] else {
            return;
        };
        for (index, spec) in self.laid.config.entries.iter().enumerate() {
            let field = spec.shape.field(side, index);
            if let (Some(other), false) = (spec.spells_three[side], mute)
                && written.contains_key(&field)
                && spec.shape.read(side, index, written) == 3
            {
                spec.shape
                    .write(side, index, &mut there.record.fields, other, false);
            }
        }
    }

    /// Faults stop: all records are in the collection, all news arrives, all calls go well.
    fn calm(&mut self) -> Result<(), String> {
        let quiet = Round {
            hears: [true, true],
            ..Round::default()
        };
        for side in [0, 1] {
            if let Some(there) = &mut self.there[side] {
                there.left &= self.link.state != LinkState::Live;
            }
        }
        for _ in 0..4 {
            self.news = [true, true];
            let (link, conflicts, calls) = (self.link.clone(), self.conflicts, self.count);
            self.round(&quiet)?;
            if self.over {
                return Ok(());
            }
            if self.count == calls && self.link == link {
                ensure!(self.conflicts == conflicts, "a conflict without an edit");
                return self.check_end();
            }
        }
        Err("not quiet: three calm runs were not enough".to_owned())
    }

    /// What both sides may write and clear is the same on both in the end.
    fn check_end(&self) -> Result<(), String> {
        let (LinkState::Live, [Some(a), Some(b)]) = (self.link.state, &self.there) else {
            return Ok(());
        };
        for (index, (spec, terms)) in self
            .laid
            .config
            .entries
            .iter()
            .zip(&self.laid.terms)
            .enumerate()
        {
            let open = self.link.body.open.contains(&self.laid.keys[index]);
            let plain = terms.from == [true, true]
                && !open
                && !terms.keep
                && spec.required == [false, false]
                && spec.spells_three == [None, None]
                && spec.shape != super::Shape::Long;
            let [a, b] = [(0, a), (1, b)]
                .map(|(side, there)| spec.shape.read(side, index, &there.record.fields));
            ensure!(!plain || a == b, "entry {index} ends as {a} and {b}");
        }
        Ok(())
    }
}

/// What the oracle says of a plan, for the check of its settlement.
struct Expected {
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
            known.resolution = Some(rest);
            let (Some(_), [Some(a), Some(b)]) = (known.target, now) else {
                return false;
            };
            let verdict = oracle::merge(terms, [a, b], &known, None);
            let unfit = gone == 1 && verdict.target.is_some_and(|t| terms.shape.is_too_long(t));
            verdict.write[gone] && !unfit
        })
    }

    fn check_plan(&self, step: &Step, round: &Round) -> Result<Expected, String> {
        let scope = Scope {
            held: round.held_gone,
            ..self.laid.scope
        };
        let course = oracle::course(self.link.state, self.seen(), &scope, |gone| {
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
            let some = expected.sent[side].iter().any(Option::is_some);
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

    fn check_settled(
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
            Course::Forget => before.state,
            Course::Merge => LinkState::Live,
            Course::Remake(_) if all_done && !outcomes.is_empty() => LinkState::Live,
            Course::Carry(_, DeletionPolicy::Delete) if all_done => LinkState::Buried,
            Course::Carry(gone, _) if all_done => LinkState::Severed { gone: SIDES[gone] },
            Course::Remake(_) | Course::Carry(..) => before.state,
        };
        ensure!(state == want, "settled as {state:?}, not {want:?}");
        let carried = settled.changes.iter().filter(|change| {
            use ChangeKind::{Created, Deleted, Marked, Unlinked, Updated};
            matches!(change.kind, Created | Updated | Deleted | Marked | Unlinked)
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
                ensure!(
                    matches!(settled.rows.get(side), None | Some(RowFate::Held)),
                    "a held row becomes {:?}",
                    settled.rows.get(side)
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
