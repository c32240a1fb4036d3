//! A run's notes on how far it is, kept in its row. Only the worker reads them.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use syncline_model::{GuardTrip, RemoteId, Sides};

/// How far a run is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Notes {
    /// How far each side's pull is.
    pub pull: Sides<PullNotes>,
    /// Whether the guards have looked at the run as a whole.
    pub guarded: bool,
    /// What they found.
    pub guards: Vec<GuardTrip>,
    /// Since when creations are looked for of which nobody knows whether they were done. Whoever sent them is gone by
    /// then, so that what is still under way was sent before.
    pub limbo_since: Option<DateTime<Utc>>,
}

/// How far a pull is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PullNotes {
    /// Whether the first page was asked for.
    pub begun: bool,
    /// The page to go on with.
    pub page: Option<String>,
    /// Numbers a listing of everything, so that what it did not show can be told.
    pub listing: Option<i64>,
    /// Where to resume next time, once every page has come.
    pub cursor: Option<String>,
    /// Whether every page of a listing of everything has come, so that absence may be looked into.
    pub complete: bool,
    /// How far absence was looked into.
    pub absent_after: Option<RemoteId>,
    /// Whether nothing is left to do.
    pub done: bool,
}

impl Notes {
    /// Reads what `write` wrote; anything else is a run without notes.
    pub fn read(json: &Json) -> Self {
        serde_json::from_value(json.clone()).unwrap_or_default()
    }

    /// As kept in the row.
    pub fn write(&self) -> Json {
        serde_json::to_value(self).unwrap_or_default()
    }
}
