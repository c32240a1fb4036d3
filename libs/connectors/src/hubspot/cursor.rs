//! Where a pull is and where the next one resumes. Pure.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use syncline_connector::Cursor;

/// The collection of all contacts.
pub(super) const ALL: &str = "all";

/// How far a pull looks back behind the one before: searches see what was written only after a while.
pub(super) const OVERLAP: TimeDelta = TimeDelta::seconds(120);

/// After how long everything is listed again: who is erased for good is in no other answer, and an archived contact is shown
/// for ninety days only.
const RELISTED: TimeDelta = TimeDelta::days(1);

/// Where a complete pull began, by HubSpot's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Mark {
    since: DateTime<Utc>,
    /// When everything was listed last.
    listed: DateTime<Utc>,
}

/// What a pull is reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Stage {
    /// All contacts, by id.
    Listing,
    /// Those changed in the window, by id.
    Changed,
    /// Those archived, by id.
    Archived,
}

/// A pull under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Trip {
    /// What it reads.
    pub stage: Stage,
    /// Since when changes are wanted; everything if unset.
    pub since: Option<DateTime<Utc>>,
    /// When everything was listed last.
    listed: Option<DateTime<Utc>>,
    /// When it began.
    pub started: Option<DateTime<Utc>>,
    /// The place in the stage: a page's mark, or the last id.
    pub after: Option<String>,
    /// Contacts listed so far.
    pub seen: usize,
}

impl Trip {
    /// A pull of everything, or from a cursor; `None` if that is not one of ours.
    pub(super) fn begin(cursor: Option<&Cursor>) -> Option<Self> {
        let mark: Option<Mark> = match cursor {
            None => None,
            Some(cursor) => Some(serde_json::from_str(&cursor.0).ok()?),
        };
        let since = mark.map(|mark| mark.since);
        Some(Self {
            stage: if since.is_some() {
                Stage::Changed
            } else {
                Stage::Listing
            },
            since,
            listed: mark.map(|mark| mark.listed),
            started: None,
            after: None,
            seen: 0,
        })
    }

    /// A pull at a page.
    pub(super) fn read(page: &str) -> Option<Self> {
        serde_json::from_str(page).ok()
    }

    /// The page token for the rest of it.
    pub(super) fn write(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The instant from which changes are looked for.
    pub(super) fn from(&self) -> Option<DateTime<Utc>> {
        self.since.map(|since| since - OVERLAP)
    }

    /// Whether it is time to list everything again.
    pub(super) fn is_too_old(&self, now: Option<DateTime<Utc>>) -> bool {
        matches!((self.listed, now), (Some(listed), Some(now)) if now - listed > RELISTED)
    }

    /// Where the next pull resumes.
    pub(super) fn cursor(&self, now: Option<DateTime<Utc>>) -> Option<Cursor> {
        let since = self.started.or(now)?;
        let listed = self.listed.unwrap_or(since);
        let mark = Mark { since, listed };
        serde_json::to_string(&mark).ok().map(Cursor)
    }
}
