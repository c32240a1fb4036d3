//! `/v1/tenants`: signing up.

pub mod create;

use actix_web::http::Method;
use actix_web::web;

pub(super) fn configure(app: &mut web::ServiceConfig) {
    app.service(super::at(
        "/v1/tenants",
        [(Method::POST, web::to(create::handle))],
    ));
}
