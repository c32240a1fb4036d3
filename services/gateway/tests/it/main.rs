//! The API over HTTP: a real server, a real store, the real connectors against the sandbox. Mirrors the URL tree.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod accounts;
mod api_keys;
mod audit;
mod connections;
mod hooks;
mod idempotency;
mod isolation;
mod limits;
mod members;
mod oauth;
mod operations;
mod protocol;
mod providers;
mod records;
mod runs;
mod sessions;
mod tenants;
mod world;
