//! `/v1/problems/{id}/answer` and `/v1/reviews/{id}`: a person says which of several a record is, and takes it back.
//! What was said is listed under the connection.

pub mod answer;
pub mod get;
pub mod take_back;

use actix_web::http::Method;
use actix_web::web;

pub(super) fn configure(app: &mut web::ServiceConfig) {
    app.service(super::at(
        "/v1/problems/{id}/answer",
        [(Method::POST, web::to(answer::handle))],
    ))
    .service(super::at(
        "/v1/reviews/{id}",
        [
            (Method::GET, web::to(get::handle)),
            (Method::DELETE, web::to(take_back::handle)),
        ],
    ));
}
