//! `/openapi.json` and `/docs`: the API's description, for programs and for people.

use actix_web::HttpResponse;
use actix_web::http::{Method, header};
use actix_web::web;
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::state::State;

pub(super) fn configure(app: &mut web::ServiceConfig) {
    app.service(super::at(
        "/openapi.json",
        [(Method::GET, web::to(document))],
    ))
    .service(super::at("/docs", [(Method::GET, web::to(to_docs))]))
    .service(SwaggerUi::new("/docs/{_:.*}").config(Config::from("/openapi.json")));
}

/// Get this document
#[utoipa::path(get, path = "/openapi.json", operation_id = "openapi", tag = "operations", security(()),
    responses((status = 200, description = "The OpenAPI document", body = serde_json::Value)))]
pub async fn document(state: web::Data<State>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/json")
        .body(state.document.clone())
}

async fn to_docs() -> HttpResponse {
    HttpResponse::Found()
        .insert_header((header::LOCATION, "/docs/"))
        .finish()
}
