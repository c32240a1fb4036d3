//! The admin API under `/_sandbox`: what a person would do by hand at the provider, and what a test needs to know.
//! Not protected: a sandbox listens on loopback and holds invented data only.

mod accounts;
mod control;
mod index;

use std::sync::Arc;

use actix_web::web::{self, ServiceConfig};

use super::State;
use super::provider::{AdminError, Provider};

/// Registers the admin routes; `/_sandbox/faults` and its like stand before `/_sandbox/{provider}`.
pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource(["/_sandbox", "/_sandbox/"]).route(web::get().to(index::page)));
    control::routes(cfg);
    accounts::routes(cfg);
}

fn provider<'a>(state: &'a State, id: &str) -> Result<&'a Arc<dyn Provider>, AdminError> {
    state
        .provider(id)
        .ok_or_else(|| AdminError::not_found(format!("no provider {id}")))
}
