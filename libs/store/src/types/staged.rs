//! Staged records: what a pull brought and no plan has dealt with yet.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use syncline_model::{ConnectionId, Fields, PairId, RemoteId, Review, Side, Sides, Version};

/// Why a record is no longer in the collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GoneWhy {
    /// Deleted.
    Deleted,
    /// It exists, outside the collection.
    Left,
}

impl GoneWhy {
    /// The word under which it is stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deleted => "deleted",
            Self::Left => "left",
        }
    }

    pub(crate) fn parse(word: &str) -> Option<Self> {
        [Self::Deleted, Self::Left]
            .into_iter()
            .find(|why| why.as_str() == word)
    }
}

/// Where a staged record is on its way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// To be planned.
    #[default]
    Pending,
    /// Judged and left unlinked (outside the rules, or its direction is off): kept to be found as a match.
    Known,
    /// A guard holds what it would cause.
    Held,
    /// It had a problem and waits for `retry_at`.
    Waiting,
    /// It waits for a run that may write one more record on this side: the one that planned it had written as many as the
    /// tenant's plan allows. `retry_at` says since when.
    Over(Side),
}

/// Stands for "since when" of a record that waits only because its partner does: it is not counted, and comes last.
pub const BESIDE: DateTime<Utc> = match DateTime::from_timestamp(253_370_764_800, 0) {
    Some(at) => at,
    None => DateTime::UNIX_EPOCH,
};

/// A place in the line of those that wait for a run that may write more: since when, and which record.
pub type Place = (DateTime<Utc>, Side, RemoteId);

impl Phase {
    /// The word under which it is stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Known => "known",
            Self::Held => "held",
            Self::Waiting => "waiting",
            Self::Over(Side::A) => "over_a",
            Self::Over(Side::B) => "over_b",
        }
    }

    pub(crate) fn parse(word: &str) -> Option<Self> {
        [
            Self::Pending,
            Self::Known,
            Self::Held,
            Self::Waiting,
            Self::Over(Side::A),
            Self::Over(Side::B),
        ]
        .into_iter()
        .find(|phase| phase.as_str() == word)
    }
}

/// What is known of a staged record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum StagedState {
    /// It is in the collection and looks like this. Sealed at rest.
    Present {
        /// Its filled fields.
        fields: Fields,
    },
    /// It is not in the collection.
    Gone {
        /// Why.
        why: GoneWhy,
    },
}

/// One staged record.
#[derive(Clone, Debug, PartialEq)]
pub struct Staged {
    /// Its side.
    pub side: Side,
    /// Its id at the provider.
    pub remote: RemoteId,
    /// Its change marker; none for a record that is gone.
    pub version: Option<Version>,
    /// When it was last changed, as its provider says.
    pub modified_at: Option<DateTime<Utc>>,
    /// What is known of it.
    pub state: StagedState,
    /// Ids by which it went before.
    pub former: Vec<RemoteId>,
    /// Match keys in order of rank, in normal form. Only hashes are kept: empty when read back.
    pub keys: Vec<String>,
    /// Where it is on its way. On writing, the phase of a record that is new or changed; an unchanged one (same
    /// version, fields and former ids) keeps the phase that it has.
    pub phase: Phase,
    /// When a `waiting` one is tried again; since when one is `Over`, also once it is pending again.
    pub retry_at: Option<DateTime<Utc>>,
}

/// A new phase for a staged record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StagedPhase {
    /// Its side.
    pub side: Side,
    /// The record.
    pub remote: RemoteId,
    /// The phase.
    pub phase: Phase,
    /// When to try again, for `waiting`; since when it waits, or [`BESIDE`], for `Over`.
    pub retry_at: Option<DateTime<Utc>>,
}

/// Whom to look for among the staged records of a side.
#[derive(Clone, Copy, Debug)]
pub struct CandidateQuery<'a> {
    /// The connection.
    pub connection: ConnectionId,
    /// Its pair.
    pub pair: PairId,
    /// The side.
    pub side: Side,
    /// Match keys, in normal form.
    pub keys: &'a [String],
    /// Records of the side about whom people may have said something.
    pub ids: &'a [RemoteId],
    /// A key that more records than this have comes with its matches alone, without the records.
    pub most: fn(&str) -> usize,
}

/// Staged records that share match keys with what was asked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Candidates {
    /// Key as asked, rank of that key at the candidate (0 is its first), and the candidate.
    pub matches: Vec<(String, i32, RemoteId)>,
    /// The candidates, each once. Only present records, of any phase.
    pub rows: Vec<Staged>,
    /// What people said about the candidates, and about those who asked.
    pub reviews: Vec<Review>,
}

/// How many records are staged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StagedCounts {
    /// To be planned, per side, gone ones included.
    pub pending: Sides<u64>,
    /// Gone and to be planned, per side.
    pub gone: Sides<u64>,
    /// Judged and unlinked, per side.
    pub known: Sides<u64>,
    /// Held by a guard.
    pub held: u64,
    /// Waiting: for something else, or to be tried again.
    pub waiting: u64,
    /// Of those, the ones that are tried again at a time.
    pub retrying: u64,
    /// Waiting for a run that may write more on this side, per side; without those whose partner is counted.
    pub over: Sides<u64>,
}
