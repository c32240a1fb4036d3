//! `/v1/oauth`: where providers send account owners back to.

pub mod agree;
pub mod callback;
pub mod cookie;
mod page;

use actix_web::http::Method;
use actix_web::web;

/// Longest query or form looked at, in bytes.
const LONGEST: usize = 8192;

pub(super) fn configure(app: &mut web::ServiceConfig) {
    app.service(super::at(
        "/v1/oauth/callback",
        [
            (Method::GET, web::to(callback::handle)),
            (Method::POST, web::to(agree::handle)),
        ],
    ));
}
