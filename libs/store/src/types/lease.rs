//! Leases on runs: the time-limited right to execute one, with the fencing number that guards every write.

use chrono::{DateTime, Utc};
use serde_json::Value as Json;
use syncline_model::{
    ConnectionId, Counters, GuardTrip, PairId, RunId, RunState, TenantId, Trigger,
};

/// A run to enqueue.
#[derive(Clone, Debug)]
pub struct NewRun {
    /// Its id, used only if the connection has no unfinished run.
    pub id: RunId,
    /// The connection.
    pub connection: ConnectionId,
    /// Why.
    pub trigger: Trigger,
    /// Not before this instant.
    pub due_at: DateTime<Utc>,
    /// Now.
    pub created_at: DateTime<Utc>,
}

/// The right to execute a run, and to be the only one at work on its pair of accounts; where pairs form a ring, on any of
/// them. Every write that takes one fails with `Fenced` once another worker has claimed the run, or it was released,
/// finished or cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The tenant.
    pub tenant: TenantId,
    /// The run.
    pub run: RunId,
    /// Its connection.
    pub connection: ConnectionId,
    /// The connection's pair of accounts.
    pub pair: PairId,
    /// The pair whose row says who is at work: the same one, or the first of its ring.
    pub seat: PairId,
    /// Fencing number: grows by one with every claim.
    pub epoch: i64,
}

/// Gives a run back before it is done: it is queued again.
#[derive(Clone, Debug)]
pub struct Release {
    /// When to go on.
    pub due_at: DateTime<Utc>,
    /// The worker's notes.
    pub progress: Json,
    /// Trouble, in words for a customer.
    pub error: Option<String>,
    /// Failed attempts in a row, as it shall stand.
    pub attempts: i32,
}

/// Ends a run.
#[derive(Clone, Debug)]
pub struct Finish {
    /// A final state.
    pub state: RunState,
    /// Trouble, in words for a customer.
    pub error: Option<String>,
    /// Added to the run's counters.
    pub counters: Counters,
    /// The guards that hold.
    pub guards: Vec<GuardTrip>,
    /// Now.
    pub now: DateTime<Utc>,
}
