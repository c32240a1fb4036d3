//! The REST API, the OAuth callback and the OpenAPI document.
//!
//! A request passes `envelope` (request id, problems), `admit` (who calls, rate limits, idempotency), its extractors
//! (permission, id, body) and then one handler, which is one file under `routes`. What is synced and how is not decided
//! here: the gateway writes rows and rings for workers. Nothing here knows which providers there are.

mod admit;
mod audit;
pub mod auth;
mod envelope;
pub mod extract;
mod failures;
mod health;
mod idempotency;
mod limits;
mod live;
mod openapi;
pub mod problem;
pub mod routes;
pub mod schema;
mod server;
mod state;
pub mod wire;

pub use health::{Health, Part, Readiness, Status};
pub use limits::LimitSettings;
pub use openapi::openapi;
pub use server::{configure, serve, serve_operations};
pub use state::{Metrics, Parts, Settings, StartError, State};
