//! `/v1/providers`: what accounts can be opened at.

pub mod get;
pub mod list;

use actix_web::http::Method;
use actix_web::web;

pub(super) fn configure(app: &mut web::ServiceConfig) {
    app.service(super::at(
        "/v1/providers",
        [(Method::GET, web::to(list::handle))],
    ))
    .service(super::at(
        "/v1/providers/{id}",
        [(Method::GET, web::to(get::handle))],
    ));
}
