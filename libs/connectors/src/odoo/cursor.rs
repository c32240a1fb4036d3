//! Where a pull is and where the next one resumes: the insides of cursors and page tokens. Pure; asking is `read.rs`.
//!
//! A change bears the time at which its transaction began, and is there to be read only when that has ended. So the last
//! minutes before the last change are read again each time, and what was told already is told by its version. Deletions
//! leave nothing to be read: the number of contacts and the sum of their ids say whether what was told is all there is.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use syncline_connector::Cursor;
use syncline_model::Version;

use super::fields::Shapes;
use super::map::{TIME, instant};
use super::wire::{Maybe, Totals};

/// The collection of all contacts; the others are `tag:` and a tag's id.
pub(super) const ALL: &str = "contacts";
pub(super) const TAG: &str = "tag:";

/// How long before the last change another one may have begun that is not there to be read yet: as long as an Odoo lets a
/// call take, if nobody says otherwise.
const OVERLAP: TimeDelta = TimeDelta::minutes(2);
/// How long after the last change it is certain that none that began before it is still to come, whatever the clocks of the
/// server and of its database say of each other.
const SETTLED: TimeDelta = TimeDelta::minutes(4);
/// After this everything is listed again: tags can be given without a trace, and so can two deletions that add up.
const LISTED: TimeDelta = TimeDelta::days(1);
/// Versions that a cursor notes. Of a longer list the rest comes again.
pub(super) const NOTED: usize = 2000;

/// The tag that a collection is about; none for all contacts.
pub(super) fn tag(collection: &str) -> Option<i64> {
    collection.strip_prefix(TAG)?.parse().ok()
}

/// What a collection has in all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sum {
    /// How many contacts.
    pub count: i64,
    /// The sum of their ids.
    pub ids: i64,
}

impl Sum {
    /// The same and one more.
    pub(super) const fn with(self, id: i64) -> Self {
        Self {
            count: self.count + 1,
            ids: self.ids.saturating_add(id),
        }
    }
}

/// How a collection stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stand {
    pub sum: Sum,
    /// The last id.
    pub top: i64,
    /// When the last change began, of whatever contact.
    pub high: String,
}

impl Stand {
    /// How a collection stands by the totals of what may be in it, and of everything.
    pub(super) fn of(own: Option<&Totals>, all: &[Totals]) -> Self {
        let number = |of: fn(&Totals) -> &Maybe<i64>| own.and_then(|own| of(own).0);
        let high = all.iter().filter_map(|totals| totals.high.0.clone()).max();
        Self {
            sum: Sum {
                count: own.map_or(0, |own| own.count),
                ids: number(|totals| &totals.sum).unwrap_or_default(),
            },
            top: number(|totals| &totals.top).unwrap_or_default(),
            high: high.unwrap_or_default(),
        }
    }
}

/// Where a complete pull ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Mark {
    /// The collection that it is a place in.
    pub of: String,
    /// How that stood.
    pub stand: Stand,
    /// Whether every change up to the last one was there to be read.
    pub settled: bool,
    /// Versions of what changed in the last minutes before that.
    pub told: BTreeMap<i64, String>,
    /// When everything was listed last by the server's clock, in seconds. Nothing if it has to be listed again.
    pub listed: Option<i64>,
}

impl Mark {
    pub(super) fn read(cursor: &Cursor, collection: &str) -> Option<Self> {
        let mark: Self = serde_json::from_str(&cursor.0).ok()?;
        (mark.of == collection).then_some(mark)
    }

    pub(super) fn write(&self) -> Cursor {
        Cursor(serde_json::json!(self).to_string())
    }

    /// Whether everything is to be listed again.
    pub(super) fn is_stale(&self, now: Option<DateTime<Utc>>) -> bool {
        let listed = self.listed.and_then(|at| DateTime::from_timestamp(at, 0));
        now.zip(listed)
            .is_none_or(|(now, listed)| now - listed >= LISTED)
    }
}

/// A pull on its way: what a page token carries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Trip {
    /// The collection.
    pub of: String,
    /// Where the last pull ended, while changes since then are read; none in a listing of everything.
    pub from: Option<Mark>,
    /// How the collection stood when this pull began.
    pub stand: Stand,
    /// Whether every change up to the last one was there to be read then.
    pub settled: bool,
    /// What the collection should have by what was told so far.
    pub sum: Sum,
    /// The last id that was read.
    pub after: i64,
    /// Versions of what was read that changed lately.
    pub told: BTreeMap<i64, String>,
    /// When the last listing of everything began.
    pub listed: Option<i64>,
    /// The shapes of the customer's own fields.
    pub shapes: Shapes,
}

impl Trip {
    pub(super) fn read(page: &str, collection: &str) -> Option<Self> {
        let trip: Self = serde_json::from_str(page).ok()?;
        (trip.of == collection).then_some(trip)
    }

    pub(super) fn write(&self) -> String {
        serde_json::json!(self).to_string()
    }

    /// A reading of what changed since the last pull.
    pub(super) fn since(
        from: Mark,
        stand: Stand,
        now: Option<DateTime<Utc>>,
        shapes: Shapes,
    ) -> Self {
        Self {
            of: from.of.clone(),
            sum: from.stand.sum,
            listed: from.listed,
            from: Some(from),
            settled: is_settled(&stand.high, now),
            stand,
            after: 0,
            told: BTreeMap::new(),
            shapes,
        }
    }

    /// A listing of everything.
    pub(super) fn everything(
        of: &str,
        stand: Stand,
        now: Option<DateTime<Utc>>,
        shapes: Shapes,
    ) -> Self {
        Self {
            of: of.to_owned(),
            from: None,
            settled: is_settled(&stand.high, now),
            stand,
            sum: Sum::default(),
            after: 0,
            told: BTreeMap::new(),
            listed: now.map(|now| now.timestamp()),
            shapes,
        }
    }

    /// A listing of everything after what was read of changes, which need not be told once more.
    pub(super) fn relisted(self, stand: Stand, now: Option<DateTime<Utc>>) -> Self {
        Self {
            told: self.told,
            ..Self::everything(&self.of, stand, now, self.shapes)
        }
    }

    /// From when on the next pull will read again.
    pub(super) fn window(&self) -> Option<String> {
        low(&self.stand.high, self.settled)
    }

    /// From when on changes may be news; nothing where all are.
    pub(super) fn low(&self) -> Option<String> {
        let from = self.from.as_ref()?;
        low(&from.stand.high, from.settled)
    }

    /// Notes a record that was read; whether it is news.
    pub(super) fn note(&mut self, id: i64, version: &Version, takes_part: bool) -> bool {
        self.after = self.after.max(id);
        let is_news = self.remember(id, version);
        let Some(from) = &self.from else {
            if takes_part {
                self.sum = self.sum.with(id);
            }
            return true;
        };
        // Who came while this is read comes again in the next pull's sum.
        if takes_part && id > from.stand.top && id <= self.stand.top {
            self.sum = self.sum.with(id);
        }
        is_news
            && from
                .told
                .get(&id)
                .is_none_or(|told| told != version.as_str())
    }

    /// Notes a version, if it is one that the next pull will read again; whether it was not noted yet.
    pub(super) fn remember(&mut self, id: i64, version: &Version) -> bool {
        let version = version.as_str();
        let lately = self.window().is_none_or(|low| version >= low.as_str());
        let known = self.told.get(&id).is_some_and(|told| told == version);
        if lately && !known && self.told.len() < NOTED {
            self.told.insert(id, version.to_owned());
        }
        !known
    }

    /// Whether what was told is all that there was when the pull began.
    pub(super) fn adds_up(&self) -> bool {
        self.adds_up_to(&self.stand)
    }

    /// Whether what was told is all that there is now.
    pub(super) fn adds_up_to(&self, stand: &Stand) -> bool {
        self.sum == stand.sum
    }

    /// Where this pull ended.
    pub(super) fn mark(self) -> Mark {
        let low = self.window().unwrap_or_default();
        let mut told = self.told;
        told.retain(|_, version| version.as_str() >= low.as_str());
        Mark {
            of: self.of,
            stand: self.stand,
            settled: self.settled,
            told,
            listed: self.listed,
        }
    }
}

/// From when on there may be changes that were not there to be read.
fn low(high: &str, settled: bool) -> Option<String> {
    let high = instant(high)?;
    let low = if settled {
        high + TimeDelta::seconds(1)
    } else {
        high - OVERLAP
    };
    Some(low.format(TIME).to_string())
}

fn is_settled(high: &str, now: Option<DateTime<Utc>>) -> bool {
    instant(high)
        .zip(now)
        .is_some_and(|(high, now)| now - high >= SETTLED)
}
