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
    /// Mapping entries that rest, as the last run found it.
    pub paused: Vec<PausedEntry>,
}

/// What else becomes true with an edit of a connection, in the same transaction.
#[derive(Clone, Copy, Debug, Default)]
pub struct EditEffects {
    /// Whether rules, mapping or direction changed: what is staged is planned again, and both sides are read in full.
    pub replan: bool,
    /// When the next run is due, where that changes; `Some(None)` for never.
    pub next_run_at: Option<Option<DateTime<Utc>>>,
}
