//! `GET /v1/runs/{id}`: one run.

use actix_web::web::Json;
use syncline_model::RunId;

use crate::auth::CanRead;
use crate::extract::Id;
use crate::problem::Problem;
use crate::schema;
use crate::wire::RunJson;

/// Get a run
#[utoipa::path(get, path = "/v1/runs/{id}", operation_id = "get_run", tag = "runs",
    params(("id" = schema::RunId, Path)),
    responses((status = 200, description = "The run", body = RunJson)))]
pub async fn handle(CanRead(caller): CanRead, Id(id): Id<RunId>) -> Result<Json<RunJson>, Problem> {
    Ok(Json(caller.rows.run_get(id).await?.into()))
}
