//! The verbs of Syncline, pure: facts in, plan out.
//!
//! No async, no clock, no chance, no I/O; the same input always gives the same output, so that a plan can be
//! printed, compared, stored and approved. `plan` says what should happen, `settle` what is true afterwards;
//! everything that touches the world stands between the two, in the worker.

mod acknowledge;
mod actions;
mod allowance;
mod compatible;
mod defaults;
mod form;
mod guard;
mod lens;
mod matching;
mod merge;
mod name;
mod normal;
mod origin;
mod plan;
mod policy;
mod rules;
mod settle;

pub use acknowledge::{acknowledge, acknowledge_found, acknowledge_shown};
pub use allowance::{Allowance, PutOff};
pub use compatible::{Compatibility, compatibility};
pub use defaults::default_mapping;
pub use guard::{Held, Totals, beyond, guards, most_taken_away, overwrites};
pub use matching::{MOST_SHARING, is_weak, match_keys};
pub use normal::{equal, is_blank, normal};
pub use origin::{Elsewhere, Known};
pub use plan::{
    Cluster, ConflictFound, Kin, LinkedPair, Observation, Operation, Plan, ProblemFound, Sight,
    Step, Subject, parting, plan, shows_edit,
};
pub use policy::{ConfigError, Entry, Policy, PolicyInput};
pub use rules::{takes_part, unmet_conditions};
pub use settle::{
    ChangeMade, LinkPut, LinkWrite, Outcome, RowFate, Settled, carries_deletion, settle,
};
