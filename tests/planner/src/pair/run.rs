//! Plays one case: what the worker does around the engine, for one link, with a check after every step.

use syncline_engine::{
    Held, LinkPut, LinkWrite, LinkedPair, Observation, Operation, Outcome, Plan, RowFate, Settled,
    Sight, Step, plan, settle,
};
use syncline_model::{
    ConnectionId, Fields, Link, LinkBody, LinkId, LinkState, PairId, ProblemReason, Record,
    RemoteId, Side, Sides, Version,
};

use super::{Case, Event, Laid, Round};
use crate::{ensure, guarded, world::Fate};

/// A record at its provider.
#[derive(Clone, Debug)]
pub struct There {
    pub record: Record,
    pub left: bool,
}

pub struct Play<'a> {
    pub laid: &'a Laid,
    pub there: [Option<There>; 2],
    /// What a deleted record was.
    pub trash: [Option<Record>; 2],
    pub news: [bool; 2],
    pub rows: [Option<(Sight, RowFate)>; 2],
    pub link: Link,
    /// The tombstone went: what follows concerns unlinked records.
    pub over: bool,
    /// A creation without an answer, and whether it happened.
    pub limbo: Option<(Step, Option<Record>)>,
    pub conflicts: usize,
    pub clock: i64,
    pub count: u32,
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

pub const SIDES: [Side; 2] = [Side::A, Side::B];

pub fn at(side: Side) -> usize {
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
        if laid.policy.parts() {
            let inside = Sides {
                a: case.inside[0],
                b: case.inside[1],
            };
            body.inside.insert(ConnectionId::NIL, inside);
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
            self.recover(step, made);
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
        let sight = Sides {
            a: sight(0),
            b: sight(1),
        };
        let observation = Observation {
            linked: vec![LinkedPair::new(self.link.clone(), sight)],
            clusters: Vec::new(),
            held,
            ..Observation::default()
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
                (Outcome::Done { .. }, Operation::Join { side, .. }) => self.stage(at(*side)),
                (Outcome::Done { .. }, _) | (_, Operation::Create { .. }) => {}
                (_, written) => self.stage(at(written.side())),
            }
        }
        Ok(calls)
    }

    /// What became of a creation that nobody answered.
    fn recover(&mut self, step: Step, made: Option<Record>) {
        let outcome = made.map_or(Outcome::Later, |record| Outcome::Done {
            id: record.id,
            version: Some(record.version),
            modified_at: None,
            fields: Some(record.fields),
        });
        let plan = Plan { steps: vec![step] };
        let settled = settle(&plan, &[outcome], &self.laid.policy).swap_remove(0);
        self.store(settled);
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
            Operation::Leave { .. } | Operation::Join { .. } => {
                if let Some(there) = &mut self.there[side] {
                    there.left = matches!(operation, Operation::Leave { .. });
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
                || self.link.remote.get(SIDES[side]).clone(),
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
        ensure!(
            self.link.body.parted.is_empty() && !a.left && !b.left,
            "followed, but not both are inside: {:?}",
            self.link.body.parted
        );
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
