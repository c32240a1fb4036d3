//! From what was observed to what should happen: the pure decision for a batch.

mod acting;
mod create;
mod gone;
mod leave;
mod pair;
pub(crate) mod read;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use syncline_model::{
    ClockSkew, EntryKey, Fields, Link, LinkBody, LinkState, ProblemReason, Record, RemoteId,
    Review, Side, Sides, Slots, Value, Version,
};

use crate::{
    Elsewhere, Entry, Held, Policy, RowFate,
    origin::{Origin, origin, stood},
};

pub use leave::parting;
pub use pair::shows_edit;
pub(crate) use read::read;

/// What a pull showed of one side of a link.
#[derive(Clone, Debug, PartialEq)]
pub enum Sight {
    /// Nothing new: the record is as it was last seen.
    Unchanged,
    /// The record looks like this.
    Present(Box<Record>),
    /// The record is deleted: the provider says so, or a direct read confirmed it.
    Deleted,
    /// The record exists but is outside the collection.
    Left,
}

/// A link and what was seen of its two records.
#[derive(Clone, Debug)]
pub struct LinkedPair {
    /// The link.
    pub link: Link,
    /// What was seen on each side.
    pub sight: Sides<Sight>,
    /// The id by which each record goes by now, as far as its provider has told: where records are merged or moved, it may
    /// be another one than the link knows.
    pub named: Sides<RemoteId>,
}

impl LinkedPair {
    /// A link and what was seen of it, where its records go by the ids that they are seen with, or else are known by.
    pub fn new(link: Link, sight: Sides<Sight>) -> Self {
        let named = Sides::of(|side| match sight.get(side) {
            Sight::Present(record) => record.id.clone(),
            _ => link.remote.get(side).clone(),
        });
        Self { link, sight, named }
    }
}

/// Unlinked records that may concern one another: all that share a match key with one of them are in it.
#[derive(Clone, Debug, Default)]
pub struct Cluster {
    /// The unlinked records of each side, and the survivors.
    pub records: Sides<Vec<Record>>,
    /// Links of which one record is deleted and the other one stays, or stays until a guard lets go, by the record that
    /// survives on each side. A person who comes back on the other side as a new record is matched with the survivor,
    /// whose link goes on; a survivor that nobody comes back for is left alone.
    pub survivors: Sides<BTreeMap<RemoteId, Link>>,
    /// Records that other connections know to be somebody of the other side, whatever their keys say.
    pub kin: Sides<BTreeMap<RemoteId, Kin>>,
    /// What people said about records that could be any of several.
    pub reviews: Sides<BTreeMap<RemoteId, Review>>,
    /// Weak keys that so many records share that nobody is matched by them.
    pub common: BTreeSet<String>,
}

/// Who a record is on the other side, as other connections of the tenant know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kin {
    /// This record, which is in the cluster.
    Record(RemoteId),
    /// A record that is linked with another one of this side already.
    Linked {
        /// That record of this side.
        with: RemoteId,
    },
    /// A record that is not in sight: deleted, or outside the collection.
    OutOfSight,
}

/// One batch of facts.
#[derive(Clone, Debug, Default)]
pub struct Observation {
    /// Links with news.
    pub linked: Vec<LinkedPair>,
    /// Records without a link.
    pub clusters: Vec<Cluster>,
    /// What guards hold in this run.
    pub held: Held,
    /// What other connections know of the records, where they lead from one side to the other as well.
    pub elsewhere: Option<Elsewhere>,
    /// How the providers' clocks stand.
    pub clocks: Sides<ClockSkew>,
    /// Per side, records that another connection keeps in the collection.
    pub kept: Sides<BTreeSet<RemoteId>>,
    /// Whether it is only counted what would be done: a record that was not read is then taken for what is known of it.
    pub rehearsal: bool,
}

/// What should happen. A plan is a value: it can be printed, stored, compared and approved.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// One step a link, or a record that needs a decision.
    pub steps: Vec<Step>,
}

impl Plan {
    /// All operations in order, as `settle` expects their outcomes.
    pub fn operations(&self) -> impl Iterator<Item = (&Step, &Operation)> {
        self.steps.iter().flat_map(|step| {
            step.operations
                .iter()
                .map(move |operation| (step, operation))
        })
    }
}

/// What a step is about.
#[derive(Clone, Debug, PartialEq)]
pub enum Subject {
    /// A link that exists, as it was.
    Link(Box<Link>),
    /// A link to be made.
    New,
    /// Records that get no link (ambiguous, outside the rules, refused).
    Nothing,
}

/// What should happen to one link or record.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// What it is about.
    pub subject: Subject,
    /// The record on each side, where there is one.
    pub remote: Sides<Option<RemoteId>>,
    /// Its version, as observed.
    pub version: Sides<Option<Version>>,
    /// When it was changed, as its provider says.
    pub modified_at: Sides<Option<DateTime<Utc>>>,
    /// What the link's state is to be.
    pub state: LinkState,
    /// What the link is to remember *before* any provider is called: targets, and what was seen.
    pub body: LinkBody,
    /// The calls to make, at most one a side, but for a record that is changed before it leaves the collection.
    pub operations: Vec<Operation>,
    /// Per side, the record as observed, where an update of it is planned.
    pub staged: Sides<Option<Box<Record>>>,
    /// The direction in which two records were found to be one.
    pub linked_from: Option<Side>,
    /// Fields that both sides changed, differently.
    pub conflicts: Vec<ConflictFound>,
    /// What could not be done.
    pub problems: Vec<ProblemFound>,
    /// Whether a guard holds something of it.
    pub held: bool,
    /// Per side, what becomes of the staged row if all operations succeed; `None` where none is staged.
    pub rows: Sides<Option<RowFate>>,
}

/// A call to make.
#[derive(Clone, Debug, PartialEq)]
pub enum Operation {
    /// Create a record on a side.
    Create {
        /// Where.
        side: Side,
        /// The fields to set.
        fields: Fields,
        /// The same by mapping entry.
        sent: Slots,
    },
    /// Change fields of a record.
    Update {
        /// Where.
        side: Side,
        /// Which record.
        id: RemoteId,
        /// The version that this was decided on: observed just now, else last seen. A person's edit of which no news
        /// has come yet makes it another one; writing over it unseen would lose that edit.
        version: Option<Version>,
        /// The fields to change.
        changes: Fields,
        /// The same by mapping entry.
        sent: Slots,
        /// What stood there before, by mapping entry.
        before: Slots,
    },
    /// Delete a record.
    Delete {
        /// Where.
        side: Side,
        /// Which record.
        id: RemoteId,
    },
    /// Mark a record as trash.
    Mark {
        /// Where.
        side: Side,
        /// Which record.
        id: RemoteId,
    },
    /// Take a record out of the collection. Where the same step changes fields of the record, that is done before: only
    /// once it is done the record is taken out. Outside it could not be tried again.
    Leave {
        /// Where.
        side: Side,
        /// Which record.
        id: RemoteId,
    },
    /// Put a record into the collection. It is to be read once that is done: who is outside is not looked at.
    Join {
        /// Where.
        side: Side,
        /// Which record.
        id: RemoteId,
    },
}

impl Operation {
    /// The side that is written.
    pub const fn side(&self) -> Side {
        match self {
            Self::Create { side, .. }
            | Self::Update { side, .. }
            | Self::Delete { side, .. }
            | Self::Mark { side, .. }
            | Self::Leave { side, .. }
            | Self::Join { side, .. } => *side,
        }
    }
}

/// A conflict met while planning.
#[derive(Clone, Debug, PartialEq)]
pub struct ConflictFound {
    /// The mapping entry.
    pub entry: EntryKey,
    /// Both values.
    pub values: Sides<Value>,
    /// Who won; nobody when a person is to be asked.
    pub winner: Option<Side>,
}

/// A problem met while planning.
#[derive(Clone, Debug, PartialEq)]
pub struct ProblemFound {
    /// The side that the record is on.
    pub side: Side,
    /// The record.
    pub remote: RemoteId,
    /// Why.
    pub reason: ProblemReason,
    /// For a customer; names fields, never values.
    pub message: String,
    /// Records to choose from.
    pub candidates: Vec<RemoteId>,
}

/// What is to be heeded beside the records themselves.
#[derive(Clone, Copy)]
pub(crate) struct Around<'a> {
    held: &'a Held,
    elsewhere: Option<&'a Elsewhere>,
    clocks: &'a Sides<ClockSkew>,
    kept: &'a Sides<BTreeSet<RemoteId>>,
    rehearses: bool,
}

impl Around<'_> {
    /// The time of what is decided now, where that is noted.
    fn now(&self) -> Option<i64> {
        self.elsewhere.map(|elsewhere| elsewhere.now)
    }

    /// Whether another connection keeps a record in the collection.
    fn keeps(&self, side: Side, id: &RemoteId) -> bool {
        self.kept.get(side).contains(id)
    }

    /// How a value came to stand in a record, where that is asked.
    fn origin(&self, entry: &Entry, side: Side, id: &RemoteId, value: &Value) -> Option<Origin> {
        let known = self.elsewhere?.known.get(side).get(id);
        Some(origin(entry, side, value, known.map_or(&[], Vec::as_slice)))
    }

    /// Whether a value of the record on a side had stood in the one on the other side, as other connections know.
    fn stood(&self, entry: &Entry, side: Side, ids: &Sides<RemoteId>, value: &Value) -> bool {
        let Some(elsewhere) = self.elsewhere else {
            return false;
        };
        let known = Sides::of(|side| {
            let known = elsewhere.known.get(side).get(ids.get(side));
            known.map_or(&[] as &[_], Vec::as_slice)
        });
        stood(entry, side, value, &known)
    }
}

/// Decides what should happen.
pub fn plan(observation: &Observation, policy: &Policy) -> Plan {
    let mut steps = Vec::new();
    let facts = Around {
        held: &observation.held,
        elsewhere: observation.elsewhere.as_ref(),
        clocks: &observation.clocks,
        kept: &observation.kept,
        rehearses: observation.rehearsal,
    };
    for pair in &observation.linked {
        steps.push(pair::plan_link(pair, policy, facts));
    }
    for cluster in &observation.clusters {
        create::plan_cluster(cluster, policy, facts, &mut steps);
    }
    Plan { steps }
}

impl Step {
    /// Names a field of `side`'s record whose value the other side cannot hold. A record has one such problem, which
    /// names all its fields: problems of the same record and reason replace one another.
    fn unfit(&mut self, side: Side, remote: &RemoteId, message: &str) {
        let known = self.problems.iter_mut().find(|known| {
            known.side == side
                && known.remote == *remote
                && known.reason == ProblemReason::FieldUnfit
        });
        match known {
            Some(known) => {
                known.message.push_str(". ");
                known.message.push_str(message);
            }
            None => self.problems.push(ProblemFound {
                side,
                remote: remote.clone(),
                reason: ProblemReason::FieldUnfit,
                message: message.to_owned(),
                candidates: Vec::new(),
            }),
        }
    }

    /// A step that changes nothing about a link.
    fn keep(link: &Link) -> Self {
        Self {
            remote: Sides::of(|side| Some(link.remote.get(side).clone())),
            version: link.version.clone(),
            modified_at: link.modified_at.clone(),
            state: link.state,
            body: link.body.clone(),
            subject: Subject::Link(Box::new(link.clone())),
            operations: Vec::new(),
            staged: Sides::default(),
            linked_from: None,
            conflicts: Vec::new(),
            problems: Vec::new(),
            held: false,
            rows: Sides::default(),
        }
    }

    /// A step about a link to be made, or about nothing.
    fn fresh(subject: Subject) -> Self {
        Self {
            subject,
            remote: Sides::default(),
            version: Sides::default(),
            modified_at: Sides::default(),
            state: LinkState::Live,
            body: LinkBody::default(),
            operations: Vec::new(),
            staged: Sides::default(),
            linked_from: None,
            conflicts: Vec::new(),
            problems: Vec::new(),
            held: false,
            rows: Sides::default(),
        }
    }

    /// Every staged row, where there is one, meets this fate.
    fn rows_become(&mut self, fate: RowFate) {
        for side in Side::BOTH {
            if let Some(row) = self.rows.get_mut(side) {
                *row = fate;
            }
        }
    }

    /// A guard holds something of it.
    fn hold(&mut self) {
        self.held = true;
        self.rows_become(RowFate::Held);
    }

    /// Notes what was observed of a record.
    fn observe(&mut self, side: Side, record: &Record) {
        *self.remote.get_mut(side) = Some(record.id.clone());
        *self.version.get_mut(side) = Some(record.version.clone());
        *self.modified_at.get_mut(side) = record.modified_at;
    }
}
