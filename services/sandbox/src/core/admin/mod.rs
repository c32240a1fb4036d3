//! The admin API under `/_sandbox`: what a person would do by hand at the provider, and what a test needs to know.

use actix_web::web::ServiceConfig;

/// Registers the admin routes.
pub fn routes(_cfg: &mut ServiceConfig) {}
