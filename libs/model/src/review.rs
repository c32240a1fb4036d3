//! Records that may be any of several of the other side, and what people said they are. An `ambiguous` problem asks;
//! what follows from the answer is planned by the engine.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{PairId, RemoteId, ReviewId, Side};

/// Who a record is, as a person says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// This record of the other side.
    Link(RemoteId),
    /// None of those it could be: it stays alone, and is not made on the other side.
    KeepApart,
    /// None of those it could be: it is made on the other side.
    Create,
}

/// An answer that is remembered. It belongs to the pair of accounts, as links do, and outlives a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Review {
    /// Its id.
    pub id: ReviewId,
    /// The pair.
    pub pair: PairId,
    /// The side that the record is on.
    pub side: Side,
    /// The record.
    pub remote: RemoteId,
    /// The records of the other side that there are to choose from.
    pub candidates: Vec<RemoteId>,
    /// The answer; `None` once it was taken back: the record is asked about again.
    pub answer: Option<Answer>,
    /// When it was last given or taken back.
    pub at: DateTime<Utc>,
}
