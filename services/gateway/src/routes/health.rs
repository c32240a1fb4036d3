//! `/healthz` and `/readyz`: for those who watch over the process.

use actix_web::HttpResponse;
use actix_web::http::Method;
use actix_web::web;
use serde::Serialize;
use utoipa::ToSchema;

use crate::problem::Problem;
use crate::state::State;

pub(super) fn configure(app: &mut web::ServiceConfig) {
    app.service(super::at("/healthz", [(Method::GET, web::to(alive))]))
        .service(super::at("/readyz", [(Method::GET, web::to(ready))]));
}

/// All is well.
#[derive(Serialize, ToSchema)]
pub struct Well {
    /// Always `ok`.
    status: &'static str,
}

const WELL: Well = Well { status: "ok" };

/// Is the process alive?
#[utoipa::path(get, path = "/healthz", operation_id = "healthz", tag = "operations", security(()),
    responses((status = 200, description = "It is", body = Well)))]
pub async fn alive() -> HttpResponse {
    HttpResponse::Ok().json(WELL)
}

/// Can requests be served?
///
/// Asks the database.
#[utoipa::path(get, path = "/readyz", operation_id = "readyz", tag = "operations", security(()),
    responses((status = 200, description = "They can", body = Well)))]
pub async fn ready(state: web::Data<State>) -> Result<HttpResponse, Problem> {
    state.store.ping().await?;
    Ok(HttpResponse::Ok().json(WELL))
}
