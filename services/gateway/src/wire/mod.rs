//! The JSON of the API where it is not the model's own: what is left out (tenants, workers' notes, sealed values) and
//! what is added. Conversions only; nothing is decided here.

mod account;
mod connection;
mod provider;
mod records;
mod run;

pub use account::AccountJson;
pub use connection::{
    ConnectionJson, ConnectionPatch, MadeConnection, NewConnection, deletion_word,
};
pub use provider::{CapabilitiesJson, ProviderJson};
pub use records::{
    ConflictJson, FieldChange, HistoryJson, LinkJson, RecordProblemJson, ReviewJson,
};
pub use run::RunJson;
