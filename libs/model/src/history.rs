//! What is told to people afterwards: changes made, conflicts settled, problems met.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    ConflictId, ConnectionId, EntryKey, LinkId, ProblemId, RemoteId, RunId, Side, Sides, Value,
};

/// What happened to a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// Created on `side`.
    Created,
    /// Fields written on `side`.
    Updated,
    /// Found to be the same as a record of the other side.
    Linked,
    /// Deleted on `side`.
    Deleted,
    /// Marked as trash on `side`.
    Marked,
    /// Taken out of the collection on `side`.
    Unlinked,
    /// Put back into the collection on `side`.
    Joined,
    /// No longer followed: its partner is gone and the policy says to leave it.
    Severed,
    /// No longer updated: it left the collection or the rules.
    Frozen,
    /// Followed again.
    Resumed,
}

/// One change that a run made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// The run that made it.
    pub run: RunId,
    /// The link concerned.
    pub link: LinkId,
    /// When it became true.
    pub at: DateTime<Utc>,
    /// What happened.
    pub kind: ChangeKind,
    /// Where.
    pub side: Side,
    /// The record there.
    pub remote: RemoteId,
    /// Per mapping entry, the value before and after. Sealed at rest.
    pub fields: Vec<(EntryKey, Value, Value)>,
}

/// Whether a conflict waits for a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConflictStatus {
    /// Settled by the policy.
    Settled,
    /// Waiting for a person (`ask`).
    Open,
    /// Settled by a person.
    Resolved,
}

/// A field that both sides changed, differently. Keeps both values, whoever won.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conflict {
    /// Its id.
    pub id: ConflictId,
    /// The connection.
    pub connection: ConnectionId,
    /// The run that met it.
    pub run: RunId,
    /// The link concerned.
    pub link: LinkId,
    /// The mapping entry concerned.
    pub entry: EntryKey,
    /// Both values. Sealed at rest.
    pub values: Sides<Value>,
    /// Who won; nobody while open.
    pub winner: Option<Side>,
    /// Whether it waits.
    pub status: ConflictStatus,
    /// When it was met.
    pub at: DateTime<Utc>,
}

/// Why a record, or a field of it, could not be synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProblemReason {
    /// Several records of the other side may be the same one.
    Ambiguous,
    /// The provider refused the record for good.
    Rejected,
    /// The other side cannot hold a field's value (too long, not a date, ...).
    FieldUnfit,
    /// The provider requires a field that the record does not have.
    MissingRequired,
    /// The provider kept refusing to confirm the record's version.
    Contended,
}

/// Whether a problem still stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProblemStatus {
    /// It stands.
    Open,
    /// A later run got the record through, or a person settled it.
    Closed,
}

/// A record that could not be synced, with a reason and what to do; never blocks other records.
/// At most one per connection, side, record and reason stands open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Its id.
    pub id: ProblemId,
    /// The connection.
    pub connection: ConnectionId,
    /// The run that met it last.
    pub run: RunId,
    /// The side that the record is on.
    pub side: Side,
    /// The record.
    pub remote: RemoteId,
    /// Why.
    pub reason: ProblemReason,
    /// In words for a customer, with what to do. Names fields, never values.
    pub message: String,
    /// The records of the other side to choose from, for `ambiguous`.
    pub candidates: Vec<RemoteId>,
    /// Whether it stands.
    pub status: ProblemStatus,
    /// Failed attempts so far.
    pub attempts: i32,
    /// When the record is tried again by itself.
    pub retry_at: Option<DateTime<Utc>>,
    /// When it was first met.
    pub created_at: DateTime<Utc>,
    /// When it was last met.
    pub updated_at: DateTime<Utc>,
}
