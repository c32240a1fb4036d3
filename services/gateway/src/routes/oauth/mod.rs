//! `/v1/oauth`: where providers send account owners back to.

pub mod callback;

use actix_web::http::Method;
use actix_web::web;

pub(super) fn configure(app: &mut web::ServiceConfig) {
    app.service(super::at(
        "/v1/oauth/callback",
        [(Method::GET, web::to(callback::handle))],
    ));
}
