//! Records that are not in step, as people see them.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use syncline_model::{ProblemReason, RemoteId, Side, Sides};

/// Why a record is not in step, other than by a problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordState {
    /// It takes no part: it is outside the rules, or nothing is carried over from its side.
    Excluded,
    /// It waits for the next run: the last one had carried over as many as the plan allows.
    WaitingForLimit,
    /// Its provider refused it, and it is tried again by itself.
    WaitingForRetry,
    /// A guard holds it until a person approves.
    Held,
}

/// A state of links, as a connection sees them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkWord {
    /// Followed.
    Live,
    /// A record has left the collection or the rules.
    Frozen,
    /// A deletion ended it on one side.
    Severed,
    /// Both records are gone.
    Buried,
}

impl LinkWord {
    /// The word itself.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Frozen => "frozen",
            Self::Severed => "severed",
            Self::Buried => "buried",
        }
    }
}

/// A record that is not in step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordAside {
    /// Its side.
    pub side: Side,
    /// Its id there.
    pub remote: RemoteId,
    /// Since when it waits for a run that may write more.
    pub since: Option<DateTime<Utc>>,
    /// When it is tried again.
    pub retry_at: Option<DateTime<Utc>>,
}

/// How many of a connection's records are in step, and how many are not and why.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordCounts {
    /// Links that are followed.
    pub live: u64,
    /// Links of which a record has left the collection or the rules.
    pub frozen: u64,
    /// Links of which a record was deleted and the other one left alone.
    pub severed: u64,
    /// Unlinked records that take no part, per side.
    pub excluded: Sides<u64>,
    /// Records that wait for a run that may write more, per side that it would write.
    pub over: Sides<u64>,
    /// Records that are tried again at a time.
    pub retrying: u64,
    /// Records that guards hold.
    pub held: u64,
    /// Open problems by reason.
    pub problems: BTreeMap<ProblemReason, u64>,
    /// Open conflicts.
    pub conflicts: u64,
}
