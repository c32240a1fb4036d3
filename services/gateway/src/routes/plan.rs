//! `GET /v1/plan`: what the tenant's plan allows. Only the operator changes it.

use actix_web::http::Method;
use actix_web::web::{self, Json};

use crate::auth::CanRead;
use crate::problem::Problem;
use crate::state::State;
use crate::wire::PlanJson;

pub(super) fn configure(app: &mut web::ServiceConfig) {
    app.service(super::at("/v1/plan", [(Method::GET, web::to(handle))]));
}

/// Get what the plan allows
///
/// Apps may have editions with limits of their own: then the smaller ones hold.
#[utoipa::path(get, path = "/v1/plan", operation_id = "get_plan", tag = "plans",
    responses((status = 200, description = "The plan", body = PlanJson)))]
pub async fn handle(
    state: web::Data<State>,
    CanRead(caller): CanRead,
) -> Result<Json<PlanJson>, Problem> {
    let plan = caller.rows.tenant_plan().await?;
    let tariff = state.tariffs.of(&plan);
    Ok(Json(PlanJson::of(tariff, plan)))
}
