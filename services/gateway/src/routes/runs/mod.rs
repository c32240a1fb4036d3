//! `/v1/runs`: one sync of one connection. Runs are made and listed under their connection.

pub mod approve;
pub mod cancel;
pub mod changes;
pub mod events;
pub mod get;

use actix_web::http::Method;
use actix_web::web;

pub(super) fn configure(app: &mut web::ServiceConfig) {
    for (path, method, route) in [
        ("", Method::GET, web::to(get::handle)),
        ("/events", Method::GET, web::to(events::handle)),
        ("/changes", Method::GET, web::to(changes::handle)),
        ("/approve", Method::POST, web::to(approve::handle)),
        ("/cancel", Method::POST, web::to(cancel::handle)),
    ] {
        app.service(super::at(
            &format!("/v1/runs/{{id}}{path}"),
            [(method, route)],
        ));
    }
}
