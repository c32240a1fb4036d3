//! What is intended before providers are called, and what is settled after they answered.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use syncline_model::{
    Conflict, ConnectionId, Counters, EntryKey, HistoryEntry, Link, LinkId, OperationId, Problem,
    ProblemReason, RemoteId, Side, Sides,
};

use super::{Staged, StagedPhase};

/// What an intended operation does to its record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IntentKind {
    /// Create it.
    Create,
    /// Change fields of it.
    Update,
    /// Delete it.
    Delete,
    /// Mark it as trash.
    Mark,
    /// Take it out of the collection.
    Leave,
    /// Put it into the collection.
    Join,
}

impl IntentKind {
    /// The word under which it is stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Mark => "mark",
            Self::Leave => "leave",
            Self::Join => "join",
        }
    }

    pub(crate) fn parse(word: &str) -> Option<Self> {
        [
            Self::Create,
            Self::Update,
            Self::Delete,
            Self::Mark,
            Self::Leave,
            Self::Join,
        ]
        .into_iter()
        .find(|kind| kind.as_str() == word)
    }
}

/// An operation recorded before its provider is called.
#[derive(Clone, Debug, PartialEq)]
pub struct Intent {
    /// Its name: the same in every retry.
    pub operation: OperationId,
    /// The side that is written.
    pub side: Side,
    /// What is done.
    pub kind: IntentKind,
    /// The link concerned, if there is one already.
    pub link: Option<LinkId>,
    /// The record of the other side that it comes from.
    pub source: Option<RemoteId>,
    /// The record that is written, unless it is to be created.
    pub remote: Option<RemoteId>,
    /// The payload to be sent and whatever else recovery needs. Sealed at rest.
    pub payload: Json,
    /// When.
    pub intended_at: DateTime<Utc>,
}

/// An intent that was not settled, and who intended it.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenIntent {
    /// The connection; it may be deleted by now.
    pub connection: ConnectionId,
    /// What was intended.
    pub intent: Intent,
}

/// A link as one connection sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct SeenLink {
    /// The link. `Frozen` says that a side has left for this connection; the pair itself knows no such state.
    pub link: Link,
    /// The sides whose record has left this connection's collection or rules; `None` while the connection has not yet
    /// had to do with the link.
    pub left: Option<Sides<bool>>,
    /// Whether another connection follows both records.
    pub elsewhere: bool,
}

/// A connection's membership of a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// The link.
    pub link: LinkId,
    /// The sides whose record has left the connection's collection or rules.
    pub left: Sides<bool>,
}

/// What is recorded in one transaction before providers are called.
#[derive(Clone, Debug, Default)]
pub struct Intentions {
    /// Links with their new targets (and what was just observed): inserted or replaced by id. Resolutions in the
    /// bodies are not written: `conflict_resolve` owns them.
    pub links: Vec<Link>,
    /// The operations.
    pub intents: Vec<Intent>,
    /// Conflicts that the operations settle. They are named before the loser's value is written over: should nobody
    /// come to settle the operations, it is lost to no one.
    pub conflicts: Vec<Conflict>,
}

/// A link that a person's answer waits to be planned for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirtyLink {
    /// The link; `body.resolutions` holds the answers.
    pub link: Link,
    /// Give it back in `Settlement::links_cleaned` once planned.
    pub mark: DirtyMark,
}

/// Says up to which answer a link was planned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DirtyMark {
    /// The link.
    pub link: LinkId,
    /// Counts answers; an answer given since leaves the link dirty.
    pub mark: i64,
}

/// Problems to close.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProblemClose {
    /// The side of the record.
    pub side: Side,
    /// The record.
    pub remote: RemoteId,
    /// The reason; `None` closes whatever is open for the record.
    pub reason: Option<ProblemReason>,
}

/// An open conflict that is none any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConflictClose {
    /// The link.
    pub link: LinkId,
    /// The mapping entry.
    pub entry: EntryKey,
    /// The side whose value stands, if one does.
    pub winner: Option<Side>,
}

/// What is now true, written in one transaction. All or nothing.
#[derive(Clone, Debug, Default)]
pub struct Settlement {
    /// Now.
    pub now: DateTime<Utc>,
    /// Links to insert or replace by id. Resolutions in the bodies are not written; `Frozen` is written as `Live`, since
    /// it is a fact of the membership.
    pub links: Vec<Link>,
    /// The connection's memberships, written after the links.
    pub members: Vec<Membership>,
    /// Links to remove, before the others are written.
    pub links_removed: Vec<LinkId>,
    /// Dirty links that were planned.
    pub links_cleaned: Vec<DirtyMark>,
    /// Operations that are done with.
    pub intents_cleared: Vec<OperationId>,
    /// Staged records that are dealt with.
    pub staged_removed: Vec<(Side, RemoteId)>,
    /// Staged records that stay and were just written: as they are now.
    pub restaged: Vec<Staged>,
    /// Staged records that stay, in another phase.
    pub staged_phases: Vec<StagedPhase>,
    /// What was done.
    pub history: Vec<HistoryEntry>,
    /// Conflicts met. An `open` one replaces the open one of the same link and entry.
    pub conflicts: Vec<Conflict>,
    /// Open conflicts that are none any more; closed before the others are written.
    pub conflicts_closed: Vec<ConflictClose>,
    /// Problems met. One that is open already keeps its id and first date, and counts one more attempt.
    pub problems: Vec<Problem>,
    /// Problems that are over; closed before the others are written.
    pub problems_closed: Vec<ProblemClose>,
    /// Deletions, marks and unlinks carried over *from* each side, for the guard over 24 hours.
    pub deletions: Sides<u32>,
    /// Added to the run's counters.
    pub counters: Counters,
}

/// A history entry with its place in the order of things.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryRow {
    /// Grows with time: the cursor of the lists.
    pub seq: i64,
    /// The entry.
    pub entry: HistoryEntry,
}
