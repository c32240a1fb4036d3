//! Links: "a's x is b's y", with what was observed on each side and what both are meant to be.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    ConnectionId, FieldName, FieldPath, LinkId, PairId, RemoteId, Side, Sides, Value, Version,
};

/// What stands between an entry's paths and the format in which one of them is read.
const FORMAT: &str = "=~";

/// Names a mapping entry inside a link: `a_path=b_path`, with the format behind `=~` in which a text is read otherwise than
/// it would be by itself.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EntryKey(String);

impl EntryKey {
    /// The key for a pair of paths.
    pub fn new(a: &FieldPath, b: &FieldPath) -> Self {
        Self(format!("{a}={b}"))
    }

    /// The key for a pair of paths of which one is read in a format.
    pub fn formatted(a: &FieldPath, b: &FieldPath, format: &str) -> Self {
        Self(format!("{a}={b}{FORMAT}{format}"))
    }

    /// The key for a field that a rule's action wrote on a side: nothing corresponds to it on the other one.
    pub fn of_action(side: Side, field: &FieldName) -> Self {
        Self(match side {
            Side::A => format!("{field}="),
            Side::B => format!("={field}"),
        })
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The path on a side, as written.
    pub fn path(&self, side: Side) -> &str {
        let paths = self
            .0
            .rsplit_once(FORMAT)
            .map_or(&*self.0, |(paths, _)| paths);
        match (paths.split_once('='), side) {
            (Some((a, _)), Side::A) => a,
            (Some((_, b)), Side::B) => b,
            (None, _) => paths,
        }
    }
}

/// Values by mapping entry.
pub type Slots = BTreeMap<EntryKey, Value>;

/// What rules' actions did to a record, by field.
pub type Acts = BTreeMap<FieldName, Acted>;

/// What a rule's action did to one field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acted {
    /// What stood there before. Of a field with many values, those that rules want there and that are not undone: they
    /// stood there before, or a rule put them there for good.
    pub before: Value,
    /// What was set; of a field with many values, what was added and is undone.
    pub set: Value,
    /// Whether it is undone when the record stops matching.
    pub undo: bool,
    /// Whether the provider is known to have it.
    pub done: bool,
}

/// Where a connection wants a record to be whose partner left: out of the collection, or in it again. As long as this is
/// noted, its absence from the collection is our doing and says nothing about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parted {
    /// The side whose collection it is.
    pub side: Side,
    /// Whether it is to be out; else it is to come in again.
    pub out: bool,
    /// Whether the provider is known to have done it.
    pub done: bool,
}

/// What a link remembers of its two records. An entry that is absent has never been looked at: first contact.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkBody {
    /// Per side, the values last observed there (or sent there and acknowledged).
    pub seen: Sides<Slots>,
    /// The merged values that both sides are meant to reach.
    pub target: Slots,
    /// When each target was decided, in microseconds since 1970: noted where connections form a ring, so that each of
    /// them can tell the newer of two decisions. Those of before are without.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub decided: BTreeMap<EntryKey, i64>,
    /// Per side, what stands there in the target's place and is left at. Either the provider's own way of writing down
    /// a target that it would not keep as sent (beyond what normal forms forgive): such a side has reached the target,
    /// and without this it would be written again for ever. Or the own edit of a side that only receives: it stands
    /// until the source changes again, and is kept apart from `seen`, which holds what came from us.
    #[serde(default, skip_serializing_if = "no_slots")]
    pub rendered: Sides<Slots>,
    /// Per side, the entries that were cleared there after the target had reached it, where clearing is no edit: from
    /// then on, until they are filled again. What is edited there meanwhile replaces the target that stood there before,
    /// although a blank was seen last.
    #[serde(default, skip_serializing_if = "no_keys")]
    pub cleared: Sides<BTreeSet<EntryKey>>,
    /// What the actions of each connection's rules did to the record on each side.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub acted: BTreeMap<ConnectionId, Sides<Acts>>,
    /// Per connection that takes the partners of those who leave out of their collection, the sides whose record it has seen
    /// inside its collection and rules: who never was there cannot leave.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub inside: BTreeMap<ConnectionId, Sides<bool>>,
    /// Where each connection wants a record to be whose partner left it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parted: BTreeMap<ConnectionId, Parted>,
    /// A person's answers to open conflicts (`ask`): which side wins, used once.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub resolutions: BTreeMap<EntryKey, Side>,
    /// Entries whose conflict waits for a person: already reported, not to be reported again.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub open: BTreeSet<EntryKey>,
}

impl LinkBody {
    /// What a connection notes about a side's record that it took out of the collection, if it did.
    pub fn parted(&self, connection: ConnectionId, side: Side) -> Option<Parted> {
        let parted = self.parted.get(&connection).copied();
        parted.filter(|parted| parted.side == side)
    }
}

fn no_slots(slots: &Sides<Slots>) -> bool {
    slots.a.is_empty() && slots.b.is_empty()
}

fn no_keys(keys: &Sides<BTreeSet<EntryKey>>) -> bool {
    keys.a.is_empty() && keys.b.is_empty()
}

/// Whether a link is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum LinkState {
    /// Both records are there and take part.
    Live,
    /// A record left the collection or the rules: neither side is written until it comes back.
    Frozen {
        /// The side that left.
        left: Side,
    },
    /// A record was deleted and its partner is left alone: the tombstone, so that nothing is resurrected or doubled.
    Severed {
        /// The side on which the record is gone.
        gone: Side,
    },
    /// Both records are deleted: the tombstone against stale listings that still show one.
    Buried,
}

impl LinkState {
    /// The word under which it is stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Frozen { .. } => "frozen",
            Self::Severed { .. } => "severed",
            Self::Buried => "buried",
        }
    }

    /// The side that left or lost its record.
    pub const fn side(self) -> Option<Side> {
        match self {
            Self::Live | Self::Buried => None,
            Self::Frozen { left: side } | Self::Severed { gone: side } => Some(side),
        }
    }

    /// The state stored under a word and a side.
    pub fn from_parts(word: &str, side: Option<Side>) -> Option<Self> {
        match (word, side) {
            ("live", _) => Some(Self::Live),
            ("buried", _) => Some(Self::Buried),
            ("frozen", Some(left)) => Some(Self::Frozen { left }),
            ("severed", Some(gone)) => Some(Self::Severed { gone }),
            _ => None,
        }
    }
}

/// One link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Its id.
    pub id: LinkId,
    /// The pair of accounts and object type that it belongs to.
    pub pair: PairId,
    /// The record on each side.
    pub remote: Sides<RemoteId>,
    /// The version last seen on each side.
    pub version: Sides<Option<Version>>,
    /// When each side's record was last changed, as its provider says.
    pub modified_at: Sides<Option<DateTime<Utc>>>,
    /// Whether it is followed.
    pub state: LinkState,
    /// Observed and meant values.
    pub body: LinkBody,
}
