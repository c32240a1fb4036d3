//! The JSON of the API where it is not the model's own: what is left out (tenants, workers' notes, sealed values) and
//! what is added. Conversions only; nothing is decided here.

mod account;
mod connection;
mod plan;
mod provider;
mod records;
mod run;

pub use account::AccountJson;
pub use connection::{
    ConnectionJson, ConnectionPatch, MadeConnection, NewConnection, deletion_word,
};
pub use plan::PlanJson;
pub use provider::{CapabilitiesJson, ProviderJson};
pub use records::{
    ConflictJson, ExcludedBy, FieldChange, HistoryJson, LinkJson, RecordJson, RecordProblemJson,
    ReviewJson, SaidConflict, SaidReview,
};
pub use run::{RunAndNext, RunJson};
