//! The nouns of Syncline: ids, values, fields, records, accounts, connections, rules, mappings, links, runs and
//! tariffs.
//!
//! Parsing and validation live here; nothing else does. What happens to these things is `engine`'s business,
//! where they are kept is `store`'s, and how a provider writes them is `connectors`'.

mod account;
mod actor;
mod connection;
mod field;
mod history;
mod id;
mod job;
mod link;
mod mapping;
mod permission;
mod record;
mod review;
mod role;
mod rule;
mod run;
pub mod seeded;
mod tariff;
mod value;

pub use account::{
    AUTHORISE_AGAIN, Account, AccountStatus, ClockSkew, Collection, Identity, ProviderId,
};
pub use actor::Actor;
pub use connection::{
    ConflictPolicy, Connection, ConnectionStatus, DeletionPolicy, Deletions, Direction, Guards,
    MappingChoice, MatchKey, ObjectType, OnLeave, Schedule, SideConfig,
};
pub use field::{Cardinality, Choice, FieldDescriptor, FieldName, Kind};
pub use history::{
    ChangeKind, Conflict, ConflictStatus, HistoryEntry, Problem, ProblemReason, ProblemStatus,
};
pub use id::{
    AccountId, ApiKeyId, AuditId, ConflictId, ConnectionId, IdError, InvitationId, LinkId,
    MemberId, OperationId, PairId, ProblemId, ReviewId, RunId, TenantId,
};
pub use job::Job;
pub use link::{Acted, Acts, EntryKey, Link, LinkBody, LinkState, Parted, Slots};
pub use mapping::{
    Blank, DateFormat, FieldPath, Flow, Mapping, MappingEntry, Part, PathError, PausedEntry,
    UNSUBSCRIBED, ValuePair, Word,
};
pub use permission::{Permission, Permissions};
pub use record::{Fields, Record, RemoteId, Version};
pub use review::{Answer, Review};
pub use role::Role;
pub use rule::{Action, Condition, Container, Effect, Moment, Rule, RuleError, Test, When};
pub use run::{Counters, DirectionCounters, GuardKind, GuardTrip, Run, RunState, Trigger};
pub use tariff::{Edition, Limit, Limits, NotAllowed, Tariff, TariffError, Tariffs, TariffsFile};
pub use value::{Address, PartialDate, Value};

/// One of the two sides of a connection.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// The side named `a` in the connection.
    A,
    /// The side named `b` in the connection.
    B,
}

impl Side {
    /// Both sides, `a` first.
    pub const BOTH: [Self; 2] = [Self::A, Self::B];

    /// The opposite side.
    pub const fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }

    /// `"a"` or `"b"`, as stored and as the API says it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::A => "a",
            Self::B => "b",
        }
    }
}

impl std::fmt::Display for Side {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One value for each side.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Sides<T> {
    /// For side `a`.
    pub a: T,
    /// For side `b`.
    pub b: T,
}

impl<T> Sides<T> {
    /// Builds both from a function of the side.
    pub fn of(mut f: impl FnMut(Side) -> T) -> Self {
        Self {
            a: f(Side::A),
            b: f(Side::B),
        }
    }

    /// The value for one side.
    pub const fn get(&self, side: Side) -> &T {
        match side {
            Side::A => &self.a,
            Side::B => &self.b,
        }
    }

    /// The value for one side, to change.
    pub const fn get_mut(&mut self, side: Side) -> &mut T {
        match side {
            Side::A => &mut self.a,
            Side::B => &mut self.b,
        }
    }
}
