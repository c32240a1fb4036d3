//! Plain data that the store takes and gives, where the model has no noun for it.

mod edit;
mod lease;
mod pair;
mod people;
mod records;
mod settlement;
mod staged;
mod watch;

pub use edit::{EditEffects, OpenedConnection, Retirement};
pub use lease::{Finish, Lease, NewRun, Release};
pub use pair::Pair;
pub use people::{
    ApiKey, AuditEntry, Decider, Idempotency, Invitation, MayDecide, Member, NewApiKey,
    NewInvitation, NewMember, NewOauthState, NewSession, NewTenant, OauthState, Standing,
};
pub use records::{LinkWord, RecordAside, RecordCounts, RecordState};
pub use settlement::{
    ConflictClose, DirtyLink, DirtyMark, HistoryRow, Intent, IntentKind, Intentions, Membership,
    OpenIntent, ProblemClose, SeenLink, Settlement,
};
pub use staged::{
    BESIDE, CandidateQuery, Candidates, GoneWhy, Phase, Place, Staged, StagedCounts, StagedPhase,
    StagedState,
};
pub use watch::{AgreedWatch, FoundWatch, Hintable, NewWatch};
