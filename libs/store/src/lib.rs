//! Every SQL statement, for PostgreSQL and SQLite.
//!
//! Tenant-owned rows are reached only through [`Scope`], which binds the tenant into every statement and, on
//! PostgreSQL, into row-level security; [`Store`] itself has the few look-ups that must find the tenant first.
//! Contact values and credentials are sealed here, so that no caller can forget to. What rows *mean* is not decided
//! here: planning is `engine`'s, running is `worker`'s. The database never tells the time and never makes an id.

mod accounts;
mod api_keys;
mod audit;
mod bulk;
mod conflicts;
mod connections;
mod cursors;
mod db;
mod dialect;
mod error;
mod history;
mod idempotency;
mod intents;
mod invitations;
mod keys;
mod leases;
mod links;
mod looks;
mod members;
mod oauth_states;
mod pairs;
mod problems;
mod records;
mod reviews;
mod runs;
mod seal;
mod sessions;
mod settle;
mod sqlite;
mod staged;
mod statement;
mod store;
mod tenants;
#[cfg(feature = "turns")]
pub mod turns;
mod types;
mod vitals;
mod watches;

pub use error::{Result, StoreError};
pub use keys::{KeyUse, Rewrapped};
pub use runs::DueRun;
pub use statement::{Home, Statement, census};
pub use store::{Scope, Store};
pub use types::*;
pub use vitals::{Connections, Vitals};
