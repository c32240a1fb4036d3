//! Where a pull is and where the next one resumes. Pure.
//!
//! A listing goes on from the time of its last row, in the order of that time: rows of the same time that were seen already
//! are skipped, all but a few. Where the last one seen is not among those, something left that time meanwhile, and all of it
//! is read again. So nobody is missed who is edited, or entered, while it goes on.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use syncline_connector::Cursor;

/// The collection of all contacts.
pub(super) const ALL: &str = "all";
/// What a tag's collection begins with.
pub(super) const TAG: &str = "tag:";

/// How far a pull looks back behind the one before: what is being saved has its time already and is not shown yet.
pub(super) const OVERLAP: TimeDelta = TimeDelta::seconds(60);

/// Rows of the last time that are read once more, to see that nothing before them left.
const AGAIN: usize = 20;

/// After how long everything is listed again, since nothing else tells of a contact that was deleted, nor of a number or an
/// address that was taken from one.
const RELISTED: TimeDelta = TimeDelta::days(1);

/// Who has a tag, in brief: two sets that differ have, but for a miracle, different sums.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Members {
    count: u64,
    sum: u64,
}

impl Members {
    /// With one more.
    fn add(&mut self, id: &str) {
        // FNV-1a.
        let hash = id.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        self.count += 1;
        self.sum = self.sum.wrapping_add(hash);
    }
}

/// Where a complete pull began, by Creatio's clock, and what was there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Mark {
    since: DateTime<Utc>,
    /// When everything was listed last.
    listed: DateTime<Utc>,
    /// Who had the tag.
    members: Members,
    /// When the last of them got it.
    newest: Option<DateTime<Utc>>,
}

/// What a pull is reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Stage {
    /// Everybody.
    Listing,
    /// Who has the tag, ids alone.
    Members,
    /// Contacts changed since.
    Contacts,
    /// Numbers and e-mail addresses changed since.
    Communications,
    /// Addresses changed since.
    Addresses,
}

/// A pull under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Trip {
    /// What it reads.
    pub stage: Stage,
    /// When it began.
    pub started: Option<DateTime<Utc>>,
    /// The time of the last row in the stage.
    pub last: Option<String>,
    /// Rows of that time that were seen.
    pub ties: usize,
    /// The last of them.
    seen: Option<String>,
    /// Who has the tag, as far as seen.
    members: Members,
    /// When the last of them got it.
    newest: Option<DateTime<Utc>>,
    /// Those of them who got it before the last pull.
    kept: Members,
    before: Option<Mark>,
}

impl Trip {
    /// A pull of everything, or from a cursor; `None` if that is not one of ours.
    pub(super) fn begin(collection: &str, cursor: Option<&Cursor>) -> Option<Self> {
        let before: Option<Mark> = match cursor {
            None => None,
            Some(cursor) => Some(serde_json::from_str(&cursor.0).ok()?),
        };
        Some(Self {
            stage: match before {
                None => Stage::Listing,
                Some(_) if collection == ALL => Stage::Contacts,
                Some(_) => Stage::Members,
            },
            started: None,
            last: None,
            ties: 0,
            seen: None,
            members: Members::default(),
            newest: None,
            kept: Members::default(),
            before,
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
    pub(super) fn from(&self) -> DateTime<Utc> {
        let since = self.before.map_or(DateTime::UNIX_EPOCH, |mark| mark.since);
        since - OVERLAP
    }

    /// Notes somebody who has the tag, and since when; whether that is news.
    pub(super) fn meet(&mut self, id: &str, since: Option<DateTime<Utc>>) -> bool {
        self.members.add(id);
        self.newest = self.newest.max(since);
        let is_new = since > self.before.and_then(|mark| mark.newest);
        if !is_new {
            self.kept.add(id);
        }
        is_new
    }

    /// Whether a pull of changes is to become one of everything: somebody who had the tag has it no more, or the last
    /// listing of all contacts is too long ago.
    pub(super) fn must_list(&self, now: Option<DateTime<Utc>>) -> bool {
        match (self.stage, self.before) {
            (Stage::Members, Some(mark)) if mark.members != self.kept => true,
            (Stage::Members | Stage::Contacts, Some(mark)) => {
                now.is_some_and(|now| now - mark.listed >= RELISTED)
            }
            _ => false,
        }
    }

    /// Goes on with a stage from its beginning.
    pub(super) fn enter(&mut self, stage: Stage) {
        self.stage = stage;
        self.last = None;
        self.ties = 0;
        self.seen = None;
        if stage == Stage::Listing {
            self.members = Members::default();
            self.newest = None;
            self.before = None;
        }
    }

    /// How many rows of the last time are skipped.
    pub(super) fn skip(&self) -> usize {
        self.ties.saturating_sub(AGAIN)
    }

    /// How many of these rows were seen before; `None` where the last one seen is not among them: then the whole of its time is
    /// to be read again.
    pub(super) fn known<'a>(&mut self, mut ids: impl Iterator<Item = &'a str>) -> Option<usize> {
        let Some(seen) = &self.seen else {
            return Some(0);
        };
        if let Some(at) = ids.position(|id| id == seen) {
            return Some(at + 1);
        }
        self.ties = 0;
        self.seen = None;
        None
    }

    /// Notes a row by its id and its time.
    pub(super) fn pass(&mut self, id: &str, time: &str) {
        self.seen = Some(id.to_owned());
        if self.last.as_deref() == Some(time) {
            self.ties += 1;
        } else {
            self.last = Some(time.to_owned());
            self.ties = 1;
        }
    }

    /// Where the next pull resumes.
    pub(super) fn cursor(&self, now: Option<DateTime<Utc>>) -> Option<Cursor> {
        let since = self.started.or(now)?;
        let mark = Mark {
            since,
            listed: self.before.map_or(since, |mark| mark.listed),
            members: self.members,
            newest: self.newest,
        };
        serde_json::to_string(&mark).ok().map(Cursor)
    }
}
