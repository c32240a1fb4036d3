//! The model's words: each enum without data.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident),* $(,)? })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Serialize, Deserialize, ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$variant_doc])* $variant),* }
    )*};
}

words! {
    /// Why a record is not in step, other than by a problem.
    RecordState {
        /// It takes no part: it is outside the rules, or nothing is carried over from its side.
        Excluded,
        /// It waits for the next run: the last one had carried over as many as the plan allows.
        WaitingForLimit,
        /// Its provider refused it, and it is tried again by itself.
        WaitingForRetry,
        /// A guard holds it until a person approves.
        Held,
    }
    /// A state of links.
    LinkWord {
        /// Followed: both records are in step.
        Live,
        /// A record has left the collection or the rules.
        Frozen,
        /// A deletion ended it on one side.
        Severed,
        /// Both records are gone.
        Buried,
    }
    /// A side of a connection.
    Side {
        /// Side a.
        A,
        /// Side b.
        B,
    }
    /// What is synced.
    ObjectType {
        /// People and the companies they stand for.
        Contact,
    }
    /// Which way records flow.
    Direction {
        /// Both ways.
        TwoWay,
        /// Only from a to b.
        AToB,
        /// Only from b to a.
        BToA,
    }
    /// Who wins when both sides changed one field, differently.
    ConflictPolicy {
        /// Side a.
        AWins,
        /// Side b.
        BWins,
        /// The record changed last, as the providers say and their clocks are measured; side a where that leaves a doubt.
        MostRecent,
        /// The same; side b where that leaves a doubt.
        MostRecentOrB,
        /// Nobody, until a person says.
        Ask,
    }
    /// What a deletion on one side does to the other.
    DeletionPolicy {
        /// Nothing.
        Ignore,
        /// The other record leaves the collection and stays.
        Unlink,
        /// The other record is marked "Syncline Trash" and stays.
        Mark,
        /// The other record is deleted.
        Delete,
    }
    /// What happens when a record leaves the collection or the rules.
    OnLeave {
        /// Stop updating, keep both.
        Freeze,
        /// The same, and the other record leaves the collection, and the groups and tags that rules added it to. When
        /// the record comes back, the other one is put back and both are merged.
        Leave,
    }
    /// Which way values flow through a mapping entry.
    Flow {
        /// Both ways.
        Both,
        /// Only from a to b.
        AToB,
        /// Only from b to a.
        BToA,
    }
    /// What a cleared value does.
    Blank {
        /// The filled side fills the empty one again.
        Keep,
        /// Clearing a field clears the other side.
        Sync,
    }
    /// When an action applies.
    When {
        /// Only when the record is created on the other side.
        Create,
        /// On creation and whenever a change is carried over.
        Always,
    }
    /// What a field holds.
    Kind {
        /// One line of text.
        Text,
        /// Text of several lines.
        LongText,
        /// A whole name in one text.
        FullName,
        /// An e-mail address.
        Email,
        /// A telephone number.
        Phone,
        /// A web address.
        Url,
        /// Yes or no.
        Bool,
        /// Whether a person has opted out of mail: a yes is never undone by a sync, unless `opt_in` says so.
        OptOut,
        /// A decimal number.
        Number,
        /// A day, possibly without its year.
        Date,
        /// An instant.
        DateTime,
        /// One of a list of choices.
        Choice,
        /// A postal address.
        Address,
        /// Another record or a user, by its display name.
        Reference,
    }
    /// How many values a field holds.
    Cardinality {
        /// At most one.
        One,
        /// A set.
        Many,
    }
    /// Why a run began.
    Trigger {
        /// Its time had come.
        Schedule,
        /// A person or a program asked.
        Manual,
    }
    /// Where a run is.
    RunState {
        /// Waiting for a worker, or for its time.
        Queued,
        /// A worker is on it.
        Running,
        /// Done.
        Succeeded,
        /// Given up; `error` says why.
        Failed,
        /// A guard holds part of its plan until a person agrees.
        Parked,
        /// A person stopped it.
        Cancelled,
    }
    /// Which limit tripped.
    GuardKind {
        /// Too many deletions to carry over.
        Deletions,
        /// A side turned empty or shrank by too much.
        Shrink,
        /// One field overwritten on too many links.
        Overwrite,
    }
    /// What happened to a record.
    ChangeKind {
        /// Created on `side`.
        Created,
        /// Fields written on `side`.
        Updated,
        /// Found to be the same as a record of the other side.
        Linked,
        /// Deleted on `side`.
        Deleted,
        /// Marked as trash on `side`.
        Marked,
        /// Taken out of the collection on `side`.
        Unlinked,
        /// Put back into the collection on `side`.
        Joined,
        /// No longer followed: its partner is gone.
        Severed,
        /// No longer updated: it left the collection or the rules.
        Frozen,
        /// Followed again.
        Resumed,
    }
    /// Whether a conflict waits for a person.
    ConflictStatus {
        /// Settled by the policy.
        Settled,
        /// Waiting for a person.
        Open,
        /// Settled by a person.
        Resolved,
    }
    /// Why a record, or a field of it, could not be synced.
    ProblemReason {
        /// Several records of the other side may be the same one.
        Ambiguous,
        /// The provider refused the record for good.
        Rejected,
        /// The other side cannot hold a field's value.
        FieldUnfit,
        /// The provider requires a field that the record does not have.
        MissingRequired,
        /// The provider kept refusing to confirm the record's version.
        Contended,
    }
    /// Whether a problem still stands.
    ProblemStatus {
        /// It stands.
        Open,
        /// A later run got the record through, or a person settled it.
        Closed,
    }
    /// How an account is authorised.
    AuthKind {
        /// OAuth 2.0: send its owner to `authorize_url`.
        Oauth2,
        /// A server's address, a user name and a password, or what the provider's `login` says that they are there: ask for
        /// them, and give them as `login`.
        Password,
    }
    /// What a member may do: each role may do what the ones after it may.
    Role {
        /// Everything; makes other owners.
        Owner,
        /// Members, invitations, API keys, the audit log.
        Admin,
        /// Accounts, connections, runs, answers.
        Editor,
        /// Looks.
        Viewer,
    }
}
