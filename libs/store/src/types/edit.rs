//! What follows from an edit of a connection.

use chrono::{DateTime, Utc};

/// What else becomes true with an edit of a connection, in the same transaction.
#[derive(Clone, Copy, Debug, Default)]
pub struct EditEffects {
    /// Whether rules, mapping or direction changed: what is staged is planned again, and both sides are read in full.
    pub replan: bool,
    /// When the next run is due, where that changes; `Some(None)` for never.
    pub next_run_at: Option<Option<DateTime<Utc>>>,
}
