//! Two providers in memory and the loop that the worker runs around the engine: pull, plan, push, settle.
//!
//! Not a model of any one provider. It is as unkind as the tests ask: writes fail or are done without an answer,
//! answers show nothing, versions change without a reason, values are respelt, cut or dropped.

mod provider;

use std::collections::{BTreeMap, BTreeSet};

use chrono::DateTime;
use syncline_engine::{
    Cluster, ConflictFound, Held, LinkWrite, LinkedPair, MOST_SHARING, Observation, Operation,
    Outcome, Plan, Policy, ProblemFound, RowFate, Settled, Sight, Step, Subject, is_weak,
    match_keys, plan, settle,
};
use syncline_model::{
    Answer, ClockSkew, FieldName, Fields, Link, LinkId, PairId, Record, RemoteId, Review, ReviewId,
    Side, Sides, Value, Version,
};

/// What becomes of one call to a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The provider does it and says so.
    Done,
    /// The provider refuses it for good.
    Refused,
    /// It is not done: later.
    Later,
    /// It is done, and the answer is lost.
    UnknownDone,
    /// It is not done, and nobody knows.
    UnknownNot,
}

/// One provider's account.
#[derive(Clone, Debug, Default)]
pub struct Remote {
    /// What it holds.
    pub records: BTreeMap<RemoteId, Record>,
    /// Records outside the collection.
    pub left: BTreeSet<RemoteId>,
    /// Records marked as trash.
    pub marked: BTreeSet<RemoteId>,
    /// Ids with news since the last pull.
    news: BTreeSet<RemoteId>,
    /// How it writes a value down.
    pub spelling: Option<fn(&FieldName, &Value) -> Value>,
    /// Whether its answers show the record.
    pub mute: bool,
    /// Records that were created through its API.
    pub created: usize,
}

/// A staged row: what was seen, and whether it is to be planned.
#[derive(Clone, Debug)]
pub struct Row {
    /// What was seen.
    pub sight: Sight,
    /// What becomes of it.
    pub fate: RowFate,
}

/// Everything there is.
#[derive(Clone, Debug)]
pub struct World {
    /// The connection.
    pub policy: Policy,
    /// The two accounts.
    pub sides: Sides<Remote>,
    /// What is remembered.
    pub links: BTreeMap<LinkId, Link>,
    /// What is staged.
    pub rows: BTreeMap<(Side, RemoteId), Row>,
    /// What people said about who is who.
    pub reviews: Sides<BTreeMap<RemoteId, Review>>,
    /// Records that another connection keeps in the collection.
    pub kept: Sides<BTreeSet<RemoteId>>,
    /// What guards hold.
    pub held: Held,
    /// How the two clocks stand.
    pub clocks: Sides<ClockSkew>,
    /// Conflicts named so far.
    pub conflicts: Vec<ConflictFound>,
    /// Problems of the last run.
    pub problems: Vec<ProblemFound>,
    /// Settlements of the last run.
    pub settled: Vec<Settled>,
    /// Whether news of a side arrives.
    pub hears: Sides<bool>,
    /// Calls made to providers.
    pub calls: Vec<Operation>,
    /// Creations without an answer: their steps wait for recovery.
    limbo: Vec<(Step, Option<Record>)>,
    count: u128,
}

impl World {
    /// Two empty accounts.
    pub fn new(policy: Policy) -> Self {
        Self {
            policy,
            sides: Sides::default(),
            links: BTreeMap::new(),
            rows: BTreeMap::new(),
            reviews: Sides::default(),
            kept: Sides::default(),
            held: Held::default(),
            clocks: Sides::default(),
            conflicts: Vec::new(),
            problems: Vec::new(),
            settled: Vec::new(),
            hears: Sides::of(|_| true),
            calls: Vec::new(),
            limbo: Vec::new(),
            count: 0,
        }
    }

    fn next(&mut self) -> u128 {
        self.count += 1;
        self.count
    }

    fn version(&mut self) -> Version {
        Version::new(format!("v{}", self.next()))
    }

    /// A person adds a record.
    pub fn add(&mut self, side: Side, fields: Fields) -> RemoteId {
        let id = RemoteId::new(format!("{side}{}", self.next()));
        let record = Record {
            id: id.clone(),
            version: self.version(),
            modified_at: None,
            fields,
        };
        let remote = self.sides.get_mut(side);
        remote.records.insert(id.clone(), record);
        remote.news.insert(id.clone());
        id
    }

    /// A person sets fields.
    pub fn edit(&mut self, side: Side, id: &RemoteId, pairs: &[(&str, Value)]) {
        let version = self.version();
        let remote = self.sides.get_mut(side);
        if let Some(record) = remote.records.get_mut(id) {
            for (name, value) in pairs {
                record.fields.insert(FieldName::new(*name), value.clone());
            }
            record.version = version;
            remote.news.insert(id.clone());
        }
    }

    /// The provider says that a record changed; it did not.
    pub fn touch(&mut self, side: Side, id: &RemoteId) {
        self.edit(side, id, &[]);
    }

    /// The provider tells of a record once more, as it is.
    pub fn echo(&mut self, side: Side, id: &RemoteId) {
        self.sides.get_mut(side).news.insert(id.clone());
    }

    /// A person deletes a record.
    pub fn delete(&mut self, side: Side, id: &RemoteId) -> Option<Record> {
        let remote = self.sides.get_mut(side);
        remote.news.insert(id.clone());
        remote.records.remove(id)
    }

    /// A person restores a deleted record.
    pub fn restore(&mut self, side: Side, mut record: Record) {
        record.version = self.version();
        let remote = self.sides.get_mut(side);
        remote.news.insert(record.id.clone());
        remote.records.insert(record.id.clone(), record);
    }

    /// A person takes a record out of the collection.
    pub fn leave(&mut self, side: Side, id: &RemoteId) {
        let remote = self.sides.get_mut(side);
        remote.left.insert(id.clone());
        remote.news.insert(id.clone());
    }

    /// A person puts a record back into the collection.
    pub fn come_back(&mut self, side: Side, id: &RemoteId) {
        let remote = self.sides.get_mut(side);
        remote.left.remove(id);
        remote.news.insert(id.clone());
    }

    /// A person agrees to what guards hold.
    pub fn agree(&mut self) {
        self.held = Held::default();
        self.replan();
    }

    /// Everything staged is planned again, though nothing new was pulled.
    pub fn replan(&mut self) {
        for row in self.rows.values_mut() {
            row.fate = RowFate::Pending;
        }
    }

    /// A value as it stands at the provider.
    pub fn value(&self, side: Side, id: &RemoteId, name: &str) -> Value {
        let record = self.sides.get(side).records.get(id);
        record.map_or(Value::Empty, |r| r.value(&FieldName::new(name)).clone())
    }

    /// What a direct read of a record shows.
    pub fn sight(&self, side: Side, id: &RemoteId) -> Sight {
        let remote = self.sides.get(side);
        match remote.records.get(id) {
            None => Sight::Deleted,
            Some(_) if remote.left.contains(id) => Sight::Left,
            Some(record) => Sight::Present(Box::new(record.clone())),
        }
    }

    fn stage(&mut self, side: Side, id: &RemoteId) {
        let sight = self.sight(side, id);
        let same = self
            .rows
            .get(&(side, id.clone()))
            .filter(|row| row.sight == sight)
            .map(|row| row.fate);
        let fate = same.unwrap_or(RowFate::Pending);
        self.rows.insert((side, id.clone()), Row { sight, fate });
    }

    /// What is new on a side is staged.
    pub fn pull(&mut self, side: Side) {
        for id in std::mem::take(&mut self.sides.get_mut(side).news) {
            self.stage(side, &id);
        }
    }

    /// The link of a record.
    pub fn link_of(&self, side: Side, id: &RemoteId) -> Option<&Link> {
        self.links.values().find(|link| link.remote.get(side) == id)
    }

    /// What there is to plan.
    pub fn observe(&self) -> Observation {
        let pending = |side: Side, id: &RemoteId| {
            let row = self.rows.get(&(side, id.clone()));
            row.is_some_and(|row| row.fate == RowFate::Pending)
        };
        let sight = |side: Side, id: &RemoteId| {
            let row = self.rows.get(&(side, id.clone()));
            row.map_or(Sight::Unchanged, |row| row.sight.clone())
        };
        let mut linked: Vec<LinkedPair> = self
            .links
            .values()
            .filter(|link| Side::BOTH.iter().any(|s| pending(*s, link.remote.get(*s))))
            .map(|link| {
                let sight = Sides::of(|side| sight(side, link.remote.get(side)));
                LinkedPair::new(link.clone(), sight)
            })
            .collect();
        for pair in &mut linked {
            self.read_before_writing(pair);
        }
        let common = self.common();
        let mut clusters: Vec<(BTreeSet<String>, bool, Cluster)> = Vec::new();
        for ((side, id), row) in &self.rows {
            let Sight::Present(record) = &row.sight else {
                continue;
            };
            if self.link_of(*side, id).is_some() {
                continue;
            }
            let mut keys: BTreeSet<_> = match_keys(&self.policy, *side, record)
                .into_iter()
                .filter(|key| !common.contains(key))
                .collect();
            let ids = self.said_to_be(*side, id).into_iter();
            keys.extend(ids.map(|(side, id)| format!("{side}/{id}")));
            let mut wanted = pending(*side, id);
            let mut cluster = Cluster::default();
            cluster.records.get_mut(*side).push((**record).clone());
            cluster.common.clone_from(&common);
            if let Some(review) = self.reviews.get(*side).get(id) {
                let reviews = cluster.reviews.get_mut(*side);
                reviews.insert(id.clone(), review.clone());
            }
            clusters.retain_mut(|(others, theirs, more)| {
                if others.is_disjoint(&keys) {
                    return true;
                }
                keys.extend(others.iter().cloned());
                wanted |= *theirs;
                for side in Side::BOTH {
                    let records = more.records.get(side).iter().cloned();
                    cluster.records.get_mut(side).extend(records);
                    let reviews = std::mem::take(more.reviews.get_mut(side));
                    cluster.reviews.get_mut(side).extend(reviews);
                }
                false
            });
            clusters.push((keys, wanted, cluster));
        }
        Observation {
            linked,
            clusters: clusters.into_iter().filter(|c| c.1).map(|c| c.2).collect(),
            held: self.held.clone(),
            clocks: self.clocks.clone(),
            elsewhere: None,
            kept: self.kept.clone(),
            rehearsal: false,
        }
    }

    /// Weak keys that too many records of a side share.
    fn common(&self) -> BTreeSet<String> {
        let mut holders: BTreeMap<(Side, String), usize> = BTreeMap::new();
        for ((side, _), row) in &self.rows {
            let Sight::Present(record) = &row.sight else {
                continue;
            };
            for key in match_keys(&self.policy, *side, record) {
                *holders.entry((*side, key)).or_default() += 1;
            }
        }
        let holders = holders.into_iter();
        let common = holders.filter(|((_, key), count)| is_weak(key) && *count > MOST_SHARING);
        common.map(|((_, key), _)| key).collect()
    }

    /// A record, and those that a person said it to be, or has to choose from.
    fn said_to_be(&self, side: Side, id: &RemoteId) -> Vec<(Side, RemoteId)> {
        let review = self.reviews.get(side).get(id);
        let others = review.map_or_else(Vec::new, |review| match &review.answer {
            Some(Answer::Link(with)) => vec![with.clone()],
            None => review.candidates.clone(),
            Some(Answer::KeepApart | Answer::Create) => Vec::new(),
        });
        let mut all = vec![(side, id.clone())];
        all.extend(others.into_iter().map(|id| (side.other(), id)));
        all
    }

    /// A person says who a record is.
    pub fn answer(
        &mut self,
        side: Side,
        id: &RemoteId,
        candidates: &[RemoteId],
        answer: Option<Answer>,
    ) {
        self.echo(side, id);
        let review = Review {
            id: ReviewId::NIL,
            pair: PairId::NIL,
            side,
            remote: id.clone(),
            candidates: candidates.to_vec(),
            answer,
            at: DateTime::UNIX_EPOCH,
        };
        self.reviews.get_mut(side).insert(id.clone(), review);
    }

    /// Reads what may have to be written without having been read, as a worker does.
    fn read_before_writing(&self, pair: &mut LinkedPair) {
        for side in Side::BOTH {
            let unread = *pair.sight.get(side) == Sight::Unchanged;
            let asked = match pair.sight.get(side.other()) {
                Sight::Present(_) => self.policy.reads_before_writing(side),
                Sight::Left => self.policy.undoes(side),
                Sight::Unchanged | Sight::Deleted => false,
            };
            let id = pair.link.remote.get(side);
            if let (true, true, Some(record)) =
                (unread, asked, self.sides.get(side).records.get(id))
            {
                *pair.sight.get_mut(side) = Sight::Present(Box::new(record.clone()));
            }
        }
    }

    /// One run in which every call goes well.
    pub fn run(&mut self) -> usize {
        self.run_with(&mut |_| Fate::Done)
    }

    /// One run. Gives the calls made.
    pub fn run_with(&mut self, fate: &mut dyn FnMut(&Operation) -> Fate) -> usize {
        let before = self.calls.len();
        self.problems.clear();
        self.settled.clear();
        self.recover();
        for side in Side::BOTH {
            if *self.hears.get(side) {
                self.pull(side);
            }
        }
        self.drop_gone();
        for _ in 0..3 {
            let plan = plan(&self.observe(), &self.policy);
            let calls = self.calls.len();
            // A write whose fate nobody knows ends the run: the next one begins by finding out.
            if !self.carry_out(&plan, fate) || self.calls.len() == calls {
                break;
            }
        }
        self.calls.len() - before
    }

    /// Gone records that nobody ever linked concern nobody.
    fn drop_gone(&mut self) {
        let links: BTreeSet<(Side, RemoteId)> = self
            .links
            .values()
            .flat_map(|link| Side::BOTH.map(|side| (side, link.remote.get(side).clone())))
            .collect();
        self.rows
            .retain(|key, row| links.contains(key) || matches!(row.sight, Sight::Present(_)));
    }

    /// Carries a plan out and settles it. Whether it is known what became of every call.
    pub fn carry_out(&mut self, plan: &Plan, fate: &mut dyn FnMut(&Operation) -> Fate) -> bool {
        let mut outcomes = Vec::new();
        let mut reread = Vec::new();
        let mut limbo = Vec::new();
        let mut puts = Vec::new();
        for step in &plan.steps {
            puts.push(self.intend(step));
            let mut before = None;
            for operation in &step.operations {
                let leaves = matches!(operation, Operation::Leave { .. });
                let (outcome, made) = match &before {
                    Some(Outcome::Refused { .. }) if leaves => (Outcome::Skipped, None),
                    Some(before) if leaves && before.is_open() => (Outcome::Later, None),
                    _ => self.call(operation, fate(operation)),
                };
                before = Some(outcome.clone());
                match (&outcome, operation) {
                    (Outcome::Done { .. }, Operation::Join { side, id }) => {
                        reread.push((*side, id.clone()));
                    }
                    (Outcome::Unknown, Operation::Create { .. }) => {
                        limbo.push((step.clone(), made));
                    }
                    (Outcome::Done { .. }, _) | (_, Operation::Create { .. }) => {}
                    (_, written) => {
                        let side = written.side();
                        reread.extend(step.remote.get(side).clone().map(|id| (side, id)));
                    }
                }
                outcomes.push(outcome);
            }
        }
        let certain = !outcomes.contains(&Outcome::Unknown);
        for ((step, settled), link) in plan
            .steps
            .iter()
            .zip(settle(plan, &outcomes, &self.policy))
            .zip(puts)
        {
            self.store(step, settled, link);
        }
        self.limbo.extend(limbo);
        for (side, id) in reread {
            self.stage(side, &id);
        }
        certain
    }

    /// What must be stored before a provider is called.
    fn intend(&mut self, step: &Step) -> Option<LinkId> {
        let id = match &step.subject {
            Subject::Nothing => return None,
            Subject::Link(link) => link.id,
            Subject::New => LinkId::from_uuid(uuid(self.next())),
        };
        if let (Some(a), Some(b), false) = (
            step.remote.a.clone(),
            step.remote.b.clone(),
            step.operations.is_empty(),
        ) {
            let state = match &step.subject {
                Subject::Link(link) => link.state,
                _ => step.state,
            };
            self.links.insert(
                id,
                Link {
                    id,
                    pair: PairId::NIL,
                    remote: Sides { a, b },
                    version: step.version.clone(),
                    modified_at: step.modified_at.clone(),
                    state,
                    body: step.body.clone(),
                },
            );
        }
        Some(id)
    }

    fn store(&mut self, step: &Step, settled: Settled, id: Option<LinkId>) {
        let old = match &step.subject {
            Subject::Link(link) => Some(link.remote.clone()),
            _ => None,
        };
        match (&settled.link, id) {
            (LinkWrite::Keep, _) | (LinkWrite::Put(_), None) => {}
            (LinkWrite::Remove(id), _) => {
                self.links.remove(id);
            }
            (LinkWrite::Put(put), Some(id)) => {
                let put = put.as_ref().clone();
                self.links.insert(
                    id,
                    Link {
                        id,
                        pair: PairId::NIL,
                        remote: put.remote,
                        version: put.version,
                        modified_at: put.modified_at,
                        state: put.state,
                        body: put.body,
                    },
                );
            }
        }
        for side in Side::BOTH {
            let known = old.as_ref().map(|old| old.get(side).clone());
            let Some(id) = step.remote.get(side).clone().or(known) else {
                continue;
            };
            match settled.rows.get(side) {
                None => {}
                Some(RowFate::Absorbed) => {
                    self.rows.remove(&(side, id));
                }
                Some(fate) => {
                    if let Some(row) = self.rows.get_mut(&(side, id)) {
                        row.fate = *fate;
                        if let Some(record) = settled.restage.get(side) {
                            row.sight = Sight::Present(Box::new(record.clone()));
                        }
                    }
                }
            }
        }
        self.conflicts.extend(settled.conflicts.iter().cloned());
        self.problems.extend(settled.problems.iter().cloned());
        self.settled.push(settled);
    }

    /// Finds out what became of calls without an answer.
    fn recover(&mut self) {
        for (step, made) in std::mem::take(&mut self.limbo) {
            let outcome = made.map_or(Outcome::Later, |record| Outcome::Done {
                id: record.id,
                version: Some(record.version),
                modified_at: None,
                fields: Some(record.fields),
            });
            let plan = Plan { steps: vec![step] };
            let settled = settle(&plan, &[outcome], &self.policy).remove(0);
            let id = match &plan.steps[0].subject {
                Subject::Link(link) => link.id,
                _ => LinkId::from_uuid(uuid(self.next())),
            };
            self.store(&plan.steps[0], settled, Some(id));
        }
        let waiting: Vec<(Side, RemoteId)> = self
            .rows
            .iter()
            .filter(|(_, row)| matches!(row.fate, RowFate::Waiting | RowFate::Known))
            .map(|(key, _)| key.clone())
            .collect();
        // Trying again what waits or was refused must change nothing unless there is a reason: so do it always.
        for key in waiting {
            if let Some(row) = self.rows.get_mut(&key) {
                row.fate = RowFate::Pending;
            }
        }
    }
}

fn uuid(n: u128) -> uuid::Uuid {
    uuid::Uuid::from_u128(n)
}
