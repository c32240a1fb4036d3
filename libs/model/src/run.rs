//! Runs: one sync of one connection, and what it counted.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{ConnectionId, RunId, Side, TenantId};

/// Why a run began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// Its time had come.
    Schedule,
    /// A person or a program asked.
    Manual,
}

/// `queued -> running -> succeeded / failed / parked / cancelled`; a parked run goes back to `queued` when approved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// Waiting for a worker, or for `due_at`.
    Queued,
    /// A worker holds its lease.
    Running,
    /// Done.
    Succeeded,
    /// Given up; `error` says why.
    Failed,
    /// A guard holds part of its plan until a person agrees.
    Parked,
    /// A person stopped it.
    Cancelled,
}

impl RunState {
    /// The word under which it is stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Parked => "parked",
            Self::Cancelled => "cancelled",
        }
    }

    /// The state stored under a word.
    pub fn parse(word: &str) -> Option<Self> {
        [
            Self::Queued,
            Self::Running,
            Self::Succeeded,
            Self::Failed,
            Self::Parked,
            Self::Cancelled,
        ]
        .into_iter()
        .find(|state| state.as_str() == word)
    }

    /// Whether nothing more will happen without a person.
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Queued | Self::Running)
    }
}

/// What was done in one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DirectionCounters {
    /// Records created on the receiving side.
    pub created: u64,
    /// Records updated on the receiving side.
    pub updated: u64,
    /// Records deleted on, marked on or taken out of the receiving side.
    pub deleted: u64,
    /// Records of the sending side found to be one already there.
    pub linked: u64,
    /// Records of the sending side that were looked at and needed nothing.
    pub skipped: u64,
    /// Records of the sending side that could not be carried over; each has a problem.
    pub failed: u64,
    /// Once the run has ended: records that wait for the next one, since this one had carried over as many as the plan
    /// allows.
    pub waiting: u64,
}

/// What a run did, counted in the transaction that made it true.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counters {
    /// From a to b.
    pub a_to_b: DirectionCounters,
    /// From b to a.
    pub b_to_a: DirectionCounters,
    /// Fields that both sides had changed, differently.
    pub conflicts: u64,
    /// Operations held by a guard.
    pub held: u64,
    /// Records read from the two sides.
    pub pulled: u64,
}

impl Counters {
    /// The counters of the direction that starts at a side.
    pub const fn from_side(&mut self, side: Side) -> &mut DirectionCounters {
        match side {
            Side::A => &mut self.a_to_b,
            Side::B => &mut self.b_to_a,
        }
    }

    /// Records created and updated on a side.
    pub const fn written(&self, side: Side) -> u64 {
        let direction = match side {
            Side::A => &self.b_to_a,
            Side::B => &self.a_to_b,
        };
        direction.created + direction.updated
    }

    /// Adds another count to this one. What waits is no sum: how many do is said once, at the end.
    pub fn add(&mut self, more: &Self) {
        for side in Side::BOTH {
            let mut more = *more;
            let more = *more.from_side(side);
            let mine = self.from_side(side);
            mine.created += more.created;
            mine.updated += more.updated;
            mine.deleted += more.deleted;
            mine.linked += more.linked;
            mine.skipped += more.skipped;
            mine.failed += more.failed;
        }
        self.conflicts += more.conflicts;
        self.held += more.held;
        self.pulled += more.pulled;
    }
}

/// Which limit tripped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GuardKind {
    /// Too many deletions to carry over.
    Deletions,
    /// A side turned empty or shrank by too much.
    Shrink,
    /// One field overwritten on too many links.
    Overwrite,
}

/// A guard that holds part of a run's plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuardTrip {
    /// Which limit.
    pub kind: GuardKind,
    /// The side where the change came from.
    pub from: Side,
    /// The mapping entry concerned, for `overwrite`, or the field that rules write.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<String>,
    /// What was counted.
    pub count: u64,
    /// The most that passes without a person.
    pub limit: u64,
    /// Of `count`, what was carried over already, in the 24 hours before.
    #[serde(default)]
    pub carried: u64,
}

/// A run as stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// The tenant that owns it.
    pub tenant: TenantId,
    /// The connection that it syncs.
    pub connection: ConnectionId,
    /// Why it began.
    pub trigger: Trigger,
    /// Where it is.
    pub state: RunState,
    /// What it did so far.
    pub counters: Counters,
    /// Guards that hold part of its plan; of an approved run, what a person agreed to.
    pub guards: Vec<GuardTrip>,
    /// Whether a person agreed to what the guards hold.
    pub approved: bool,
    /// Not before this instant does a worker go on with it.
    pub due_at: DateTime<Utc>,
    /// Failed attempts in a row.
    pub attempts: i32,
    /// The last trouble, in words for a customer.
    pub error: Option<String>,
    /// The worker's own notes on how far it is: opaque to everyone else.
    pub progress: serde_json::Value,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    /// When a worker first took it.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
}
