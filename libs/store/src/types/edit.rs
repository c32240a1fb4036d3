//! A connection as a run finds it, and what follows from an edit of it.

use chrono::{DateTime, Utc};
use syncline_model::{Connection, PausedEntry};

/// A connection as a run opens it.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenedConnection {
    /// The connection.
    pub connection: Connection,
    /// Whether a repull was asked for and not taken yet.
    pub repull: bool,
    /// When a look at all records that rules on their age are about began last.
    pub looked_at: Option<DateTime<Utc>>,
    /// Mapping entries that rest, as the last run found it.
    pub paused: Vec<PausedEntry>,
    /// The name of the tenant's plan.
    pub plan: String,
}

/// What else becomes true with an edit of a connection, in the same transaction.
#[derive(Clone, Copy, Debug, Default)]
pub struct EditEffects {
    /// Whether rules, mapping or direction changed: what is staged is planned again, and both sides are read in full.
    pub replan: bool,
    /// Whether who wins a conflict changed: guards have let pass what waits for a run that may write more, and look at it
    /// once more.
    pub reguard: bool,
    /// When the next run is due, where that changes; `Some(None)` for never.
    pub next_run_at: Option<Option<DateTime<Utc>>>,
}

/// What a connection whose access is given back, and the accounts that go with it, are said to be stopped for, should the
/// end be interrupted: in words for a customer.
#[derive(Clone, Copy, Debug)]
pub struct Retirement<'r> {
    /// Of the connection.
    pub connection: &'r str,
    /// Of each account.
    pub account: &'r str,
}
