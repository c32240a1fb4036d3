//! A run's notes on how far it is, kept in its row. Only the worker reads them.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use syncline_model::{EntryKey, GuardTrip, RemoteId, Run, Side, Sides};

/// How far a run is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Notes {
    /// How far each side's pull is.
    pub pull: Sides<PullNotes>,
    /// How far the guards are with looking at the run as a whole, while they do.
    pub rehearsal: Option<Rehearsal>,
    /// Whether the guards have looked at the run as a whole.
    pub guarded: bool,
    /// What they hold.
    pub guards: Vec<GuardTrip>,
    /// What a person agreed to.
    pub agreed: Option<Agreed>,
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

/// How far a rehearsal is, and what it counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rehearsal {
    /// The last row that was looked at.
    pub after: Option<(Side, RemoteId)>,
    /// Per side, linked records found deleted.
    pub deleted: Sides<u64>,
    /// Per side, linked records found deleted or gone from the collection.
    pub missing: Sides<u64>,
    /// Per side, records that leave and whose partners leave with them.
    #[serde(default)]
    pub parting: Sides<u64>,
    /// Per entry and side of origin, on how many links a value would be overwritten by another.
    pub overwrites: Vec<(EntryKey, Side, u64)>,
}

/// What a person agreed to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agreed {
    /// What the run's guards showed.
    pub trips: Vec<GuardTrip>,
    /// When the run went on.
    pub since: DateTime<Utc>,
}

impl PullNotes {
    /// Whether no page is left to ask for.
    pub const fn is_over(&self) -> bool {
        self.done || self.cursor.is_some()
    }
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

    /// Notes of the same run begun anew: everything is read again. What a person agreed to stands.
    pub fn anew(&self) -> Self {
        Self {
            agreed: self.agreed.clone(),
            ..Self::default()
        }
    }

    /// Takes note of an approval that is news, so that the guards look again with it.
    pub fn approve(&mut self, run: &Run, now: DateTime<Utc>) {
        if !run.approved {
            self.agreed = None;
            return;
        }
        let known = self.agreed.as_ref();
        if known.is_none_or(|agreed| agreed.trips != run.guards) {
            self.agreed = Some(Agreed {
                trips: run.guards.clone(),
                since: now,
            });
            self.look_again();
        }
    }

    /// Forgets how far a side's pull is.
    pub fn restart_pull(&mut self, side: Side) {
        *self.pull.get_mut(side) = PullNotes::default();
        self.look_again();
    }

    /// The guards have looked at the run as a whole, and this is what they hold.
    pub fn hold(&mut self, trips: Vec<GuardTrip>) {
        self.guarded = true;
        self.guards = trips;
        self.rehearsal = None;
    }

    /// The guards are to look once more.
    pub fn look_again(&mut self) {
        self.guarded = false;
        self.rehearsal = None;
    }
}
