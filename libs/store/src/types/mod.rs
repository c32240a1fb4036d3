//! Plain data that the store takes and gives, where the model has no noun for it.

mod edit;
mod lease;
mod pair;
mod people;
mod settlement;
mod staged;

pub use edit::{EditEffects, OpenedConnection};
pub use lease::{Finish, Lease, NewRun, Release};
pub use pair::Pair;
pub use people::{
    ApiKey, AuditEntry, Idempotency, Member, NewApiKey, NewMember, NewOauthState, NewSession,
    NewTenant, OauthState,
};
pub use settlement::{
    ConflictClose, DirtyLink, DirtyMark, HistoryRow, Intent, IntentKind, Intentions, Membership,
    OpenIntent, ProblemClose, SeenLink, Settlement,
};
pub use staged::{
    CandidateQuery, Candidates, GoneWhy, Phase, Staged, StagedCounts, StagedPhase, StagedState,
};
