//! Where a pull is and where the next one resumes: the insides of cursors and page tokens. Pure arithmetic on times;
//! asking and reading is `pull.rs`.
//!
//! Zoho's times have a resolution of one second, so "changed later than the last change seen" may hide a change made
//! later in that same second. The place to resume is therefore the last change seen only once the provider's own
//! clock is clearly past that second and a second read brought nothing new; until then the last second is read again,
//! and records may come twice. That second read also finds what an answer that was cut off left out; a listing that
//! Zoho's own count agrees with does without.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use syncline_connector::Cursor;

use super::fields::Shapes;

/// The collection of all contacts; the others are `view:` and the id of a custom view, and always listed in full.
pub(super) const ALL: &str = "view:all";
/// A tombstone of a contact in the recycle bin is kept for 60 days: an older cursor may have missed some.
pub(super) const CURSOR_LIFE: TimeDelta = TimeDelta::days(55);
/// How far behind the `Date` header a second must be to count as over.
const SETTLED: TimeDelta = TimeDelta::seconds(2);
/// How far modification times may be ahead of the `Date` header before the two clocks are taken for different ones.
const SKEW: TimeDelta = TimeDelta::seconds(5);
/// What is read again when a second may not be over.
const OVERLAP: TimeDelta = TimeDelta::seconds(1);
/// A second in which more records changed (an import) is not read again once it is over.
const CROWD: usize = 200;
/// The cursor notes the time of a pull this often, so that it stays the same while nothing changes.
const NOTED: TimeDelta = TimeDelta::days(1);

/// Where a complete pull ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Mark {
    /// The collection that it is a place in.
    pub of: String,
    /// Changes later than this are new; `None` when everything has to be listed.
    pub since: Option<DateTime<Utc>>,
    /// The last change seen.
    pub high: Option<DateTime<Utc>>,
    /// The provider's clock when the pull began that last found a change, or a later pull.
    pub at: Option<DateTime<Utc>>,
    /// Deletions later than this are new; `None` reads all that are kept.
    pub deleted_since: Option<DateTime<Utc>>,
    /// The last deletion seen.
    pub deleted_high: Option<DateTime<Utc>>,
    /// Shapes of the custom fields that were wanted.
    #[serde(default, skip_serializing_if = "Shapes::is_empty")]
    pub shapes: Shapes,
}

impl Mark {
    /// The cursor as others carry it.
    pub(super) fn write(&self) -> Cursor {
        Cursor(serde_json::to_string(self).unwrap_or_default())
    }

    /// Reads a cursor of a collection; `None` for anything else, so that everything is read again.
    pub(super) fn read(cursor: &Cursor, collection: &str) -> Option<Self> {
        let mark: Self = serde_json::from_str(&cursor.0).ok()?;
        (mark.of == collection).then_some(mark)
    }

    /// Whether tombstones may have been missed, by the provider's clock.
    pub(super) fn is_too_old(&self, now: DateTime<Utc>) -> bool {
        self.at.is_some_and(|at| now - at > CURSOR_LIFE)
    }
}

/// Which list a pull is reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Stage {
    /// The contacts.
    Listing,
    /// The tombstones.
    Deleted,
}

/// A pull on its way: what a page token carries.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Trip {
    /// The list being read.
    pub stage: Stage,
    /// Where the pull before this one ended.
    pub from: Option<Mark>,
    /// What the listing asks for as `If-Modified-Since`.
    pub since: Option<DateTime<Utc>>,
    /// Zoho's token of the page to read.
    pub token: Option<String>,
    /// Records read under tokens of this chain, which Zoho limits.
    pub chain: usize,
    /// The provider's clock at the first page of the listing.
    pub started: Option<DateTime<Utc>>,
    /// The last change seen on the way.
    pub high: Option<DateTime<Utc>>,
    /// How many records were seen that changed in that second.
    pub at_high: usize,
    /// How many records were seen.
    pub seen: usize,
    /// Whether Zoho's own count agrees.
    pub counted: bool,
    /// Whether every page came as announced.
    pub whole: bool,
    /// The place to resume, once the listing has been read.
    pub next: Option<Mark>,
    /// The page of tombstones to read, from 1.
    pub page: u32,
    /// The provider's clock at the first page of tombstones.
    pub deleted_started: Option<DateTime<Utc>>,
    /// The last deletion seen on the way.
    pub deleted_high: Option<DateTime<Utc>>,
    /// Shapes of the custom fields that are wanted.
    #[serde(default)]
    pub shapes: Shapes,
    /// Whether the metadata was read on the way: what it does not know is not asked for again.
    pub learned: bool,
}

impl Trip {
    /// The beginning of a pull.
    pub(super) fn begin(from: Option<Mark>) -> Self {
        Self {
            stage: Stage::Listing,
            since: from.as_ref().and_then(|mark| mark.since),
            token: None,
            chain: 0,
            started: None,
            high: None,
            at_high: 0,
            seen: 0,
            counted: false,
            whole: true,
            next: None,
            page: 1,
            deleted_started: None,
            deleted_high: None,
            learned: false,
            shapes: from
                .as_ref()
                .map(|mark| mark.shapes.clone())
                .unwrap_or_default(),
            from,
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

    /// Takes note of a record that was seen.
    pub(super) fn note(&mut self, modified: Option<DateTime<Utc>>) {
        self.seen += 1;
        if modified > self.high {
            self.high = modified;
            self.at_high = 0;
        }
        if modified == self.high {
            self.at_high += 1;
        }
    }

    /// Whether this pull lists everything.
    pub(super) fn is_full(&self) -> bool {
        self.from.as_ref().is_none_or(|mark| mark.since.is_none())
    }

    /// The place to resume after the listing, whose last page came at `last` by the provider's clock.
    pub(super) fn settle(&self, of: &str, last: Option<DateTime<Utc>>) -> Mark {
        let old = self.from.as_ref();
        let high = self.high.max(old.and_then(|mark| mark.high));
        let rose = old.is_none_or(|mark| high > mark.high);
        let old_at = old.and_then(|mark| mark.at);
        let stale = |at: DateTime<Utc>| self.started.is_some_and(|now| now - at > NOTED);
        let at = if rose || old_at.is_none_or(stale) {
            self.started
        } else {
            old_at
        };
        Mark {
            of: of.to_owned(),
            since: high.filter(|_| of == ALL).map(|high| {
                let next = self.resume(high, rose, old_at, last);
                old.and_then(|mark| mark.since)
                    .map_or(next, |floor| next.max(floor))
            }),
            high,
            at,
            deleted_high: old.and_then(|mark| mark.deleted_high),
            deleted_since: match old {
                Some(mark) => mark.deleted_since,
                None => high
                    .zip(self.started)
                    .map(|(high, now)| high.min(now - SETTLED)),
            },
            shapes: self.shapes.clone(),
        }
    }

    fn resume(
        &self,
        high: DateTime<Utc>,
        rose: bool,
        old_at: Option<DateTime<Utc>>,
        last: Option<DateTime<Utc>>,
    ) -> DateTime<Utc> {
        let again = high - OVERLAP;
        match (self.started, last) {
            _ if !self.whole => again,
            (Some(started), Some(last)) if high <= last + SKEW => {
                let over = if rose && !self.counted && self.at_high <= CROWD {
                    again
                } else {
                    high
                };
                over.min(started - SETTLED)
            }
            // The clocks differ, but time passes on both alike: nothing new came for long enough.
            (Some(started), _) if !rose && old_at.is_some_and(|at| started - at > SETTLED) => high,
            _ => again,
        }
    }

    /// The place to resume after the tombstones. Their order is not documented, so each is read in two pulls: what an
    /// answer that was cut off left out in one is in the other.
    pub(super) fn settle_deleted(&self, mut mark: Mark) -> Mark {
        let over = self.deleted_started.map(|started| started - SETTLED);
        let twice = mark
            .deleted_high
            .zip(over)
            .map(|(high, over)| high.min(over));
        mark.deleted_since = mark.deleted_since.max(twice);
        mark.deleted_high = mark.deleted_high.max(self.deleted_high);
        mark
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + seconds, 0).expect("an instant")
    }

    fn mark(since: i64, high: i64, noted: i64) -> Mark {
        Mark {
            of: "view:all".into(),
            since: Some(at(since)),
            high: Some(at(high)),
            at: Some(at(noted)),
            deleted_since: Some(at(since)),
            deleted_high: None,
            shapes: Shapes::new(),
        }
    }

    /// (old since/high/at, last change seen, clock at the first and last page, every page came) -> since, at
    #[test]
    fn nothing_falls_between_two_pulls() {
        let check = |old: Option<(i64, i64, i64)>,
                     high: Option<i64>,
                     clock: (i64, i64),
                     whole,
                     expect: (Option<i64>, i64)| {
            let mut trip = Trip::begin(old.map(|(since, high, noted)| mark(since, high, noted)));
            if let Some(high) = high {
                trip.note(Some(at(high)));
            }
            trip.started = Some(at(clock.0));
            trip.whole = whole;
            let next = trip.settle("view:all", Some(at(clock.1)));
            assert_eq!(
                (next.since, next.at),
                (expect.0.map(at), Some(at(expect.1))),
                "{old:?} {high:?} {clock:?}"
            );
        };
        // The last change is long over: read its second once more, then resume after it.
        check(None, Some(0), (100, 100), true, (Some(-1), 100));
        check(
            Some((-1, 0, 100)),
            Some(0),
            (200, 200),
            true,
            (Some(0), 100),
        );
        check(Some((0, 0, 100)), None, (200, 200), true, (Some(0), 100));
        // It may still be going on: read its second again, and once more until it is over.
        check(
            Some((0, 0, 100)),
            Some(200),
            (200, 200),
            true,
            (Some(198), 200),
        );
        check(
            Some((198, 200, 200)),
            Some(200),
            (201, 201),
            true,
            (Some(199), 200),
        );
        check(
            Some((199, 200, 200)),
            Some(200),
            (260, 260),
            true,
            (Some(200), 200),
        );
        // Changes during a long listing are read again.
        check(None, Some(150), (100, 160), true, (Some(98), 100));
        // A page that did not come: go on from what was seen.
        check(
            Some((0, 0, 100)),
            Some(50),
            (200, 200),
            false,
            (Some(49), 200),
        );
        // Modification times ahead of the Date header: only time that passed counts.
        check(
            Some((0, 0, -500)),
            Some(900),
            (100, 100),
            true,
            (Some(899), 100),
        );
        check(
            Some((899, 900, 100)),
            Some(900),
            (101, 101),
            true,
            (Some(899), 100),
        );
        check(
            Some((899, 900, 100)),
            Some(900),
            (103, 103),
            true,
            (Some(900), 100),
        );
        // An empty account is listed in full again.
        check(None, None, (100, 100), true, (None, 100));
        // The time is noted once a day.
        check(
            Some((0, 0, 100)),
            None,
            (100_000, 100_000),
            true,
            (Some(0), 100_000),
        );
    }

    #[test]
    fn tombstones_are_read_twice() {
        let mut trip = Trip::begin(None);
        trip.note(Some(at(0)));
        trip.started = Some(at(100));
        let mut mark = trip.settle("view:all", Some(at(100)));
        assert_eq!(
            mark.deleted_since,
            Some(at(0)),
            "from before the first listing on"
        );
        // clock, last deletion seen -> where the next pull begins
        for (clock, high, expect) in [
            (200, None, 0),
            (300, Some(250), 0),
            (400, Some(350), 250),
            (500, Some(350), 350),
            (600, Some(600), 350),
            (601, Some(600), 599),
            (700, Some(600), 600),
        ] {
            let mut trip = Trip::begin(Some(mark.clone()));
            trip.deleted_started = Some(at(clock));
            trip.deleted_high = high.map(at);
            mark = trip.settle_deleted(mark);
            assert_eq!(mark.deleted_since, Some(at(expect)), "at {clock}");
        }
    }

    #[test]
    fn cursors_and_tokens_print_and_parse() {
        let mark = mark(1, 2, 3);
        assert_eq!(Mark::read(&mark.write(), "view:all").as_ref(), Some(&mark));
        assert_eq!(Mark::read(&mark.write(), "view:7"), None);
        assert_eq!(Mark::read(&Cursor("garbage".into()), "view:all"), None);
        let trip = Trip::begin(Some(mark));
        assert_eq!(Trip::read(&trip.write()), Some(trip));
        assert_eq!(Trip::read("{}"), None);
    }

    #[test]
    fn a_cursor_outlives_no_tombstone() {
        let day = 86_400;
        assert!(!mark(0, 0, 0).is_too_old(at(54 * day)));
        assert!(mark(0, 0, 0).is_too_old(at(56 * day)));
    }
}
