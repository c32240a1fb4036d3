//! Where a pull is and where the next one resumes: the insides of cursors and page tokens. Pure.
//!
//! Changes are read in order of time, from a little before the last pull on. A listing of several pages ends a little
//! before it began, so that what changes meanwhile leaves it, and never comes into it. What leaves moves the rest
//! forward, which the total tells: then as many places are read again.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use syncline_connector::Cursor;

use super::fields::Shapes;

/// Contacts a page.
pub(super) const COUNT: usize = 500;
/// What is read again, and how far behind Mailchimp's clock a pull ends: changes may show a little late.
pub(super) const LAG: TimeDelta = TimeDelta::seconds(5);
/// Contacts deleted for good are missed in a full listing only: a cursor lives until the next one is due.
pub(super) const CURSOR_LIFE: TimeDelta = TimeDelta::days(1);

/// Where a complete pull ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Mark {
    /// The audience.
    pub of: String,
    /// Changes before this have been read.
    pub until: DateTime<Utc>,
    /// When everything was last listed.
    pub listed: DateTime<Utc>,
    /// Shapes of the merge fields.
    pub shapes: Shapes,
}

impl Mark {
    /// The cursor as others carry it.
    pub(super) fn write(&self) -> Cursor {
        Cursor(serde_json::to_string(self).unwrap_or_default())
    }

    /// Reads a cursor of an audience.
    pub(super) fn read(cursor: &Cursor, list: &str) -> Option<Self> {
        let mark: Self = serde_json::from_str(&cursor.0).ok()?;
        (mark.of == list).then_some(mark)
    }
}

/// Which listing a pull is reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Stage {
    /// Contacts.
    There,
    /// Archived contacts.
    Archived,
}

/// A pull on its way: what a page token carries.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Trip {
    /// The listing being read.
    pub stage: Stage,
    /// Where the pull before this one ended; `None` for a full listing.
    pub from: Option<Mark>,
    /// Where this listing ends; not yet known on the first page of changes.
    pub before: Option<DateTime<Utc>>,
    /// Where the next pull resumes.
    pub until: Option<DateTime<Utc>>,
    /// How many are passed.
    pub offset: usize,
    /// How many there were a page ago.
    pub total: Option<usize>,
    /// Shapes of the merge fields.
    pub shapes: Shapes,
}

/// What follows a page.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Another page of this listing.
    On,
    /// The listing is over.
    Over,
    /// The page lacks what it announces.
    Cut,
}

impl Trip {
    /// The beginning of a pull; a full listing knows where it ends.
    pub(super) const fn begin(
        from: Option<Mark>,
        before: Option<DateTime<Utc>>,
        shapes: Shapes,
    ) -> Self {
        Self {
            stage: Stage::There,
            from,
            before,
            until: before,
            offset: 0,
            total: None,
            shapes,
        }
    }

    /// The page token as others carry it.
    pub(super) fn write(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads a page token.
    pub(super) fn read(token: &str) -> Option<Self> {
        serde_json::from_str(token).ok()
    }

    /// Where changes are read from.
    pub(super) fn since(&self) -> Option<DateTime<Utc>> {
        self.from.as_ref().map(|mark| mark.until - LAG)
    }

    /// Goes on after a page of so many of a total, which came at `now`.
    pub(super) fn step(&mut self, got: usize, total: usize, now: DateTime<Utc>) -> Step {
        if self.until.is_none() {
            self.until = Some(now - LAG);
        }
        if self.before.is_none() && got < total {
            // The first page of many changes: from the start again, to an end that stays.
            self.before = Some(now - LAG);
            return Step::On;
        }
        let left = self.total.map_or(0, |before| before.saturating_sub(total));
        self.total = Some(total);
        if left > 0 {
            self.offset = self.offset.saturating_sub(left);
            return Step::On;
        }
        self.offset += got;
        if self.offset >= total {
            Step::Over
        } else if got == 0 {
            Step::Cut
        } else {
            Step::On
        }
    }

    /// Turns to the archived contacts.
    pub(super) const fn turn(&mut self) {
        self.stage = Stage::Archived;
        self.before = None;
        self.offset = 0;
        self.total = None;
    }
}
