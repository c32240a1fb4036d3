//! `GET /v1/runs/{id}`: one run.

use actix_web::web::Json;
use syncline_model::RunId;

use crate::auth::CanRead;
use crate::extract::Id;
use crate::problem::Problem;
use crate::schema;
use crate::wire::RunAndNext;

/// Get a run
///
/// A run carries over as many records as the plan allows; `counters` say how many wait for the next one. That comes at its
/// scheduled time, or when somebody asks for it.
#[utoipa::path(get, path = "/v1/runs/{id}", operation_id = "get_run", tag = "runs",
    params(("id" = schema::RunId, Path)),
    responses((status = 200, description = "The run", body = RunAndNext)))]
pub async fn handle(
    CanRead(caller): CanRead,
    Id(id): Id<RunId>,
) -> Result<Json<RunAndNext>, Problem> {
    let run = caller.rows.run_get(id).await?;
    let next_run_at = caller.rows.connection_next_run_at(run.connection).await?;
    let run = run.into();
    Ok(Json(RunAndNext { run, next_run_at }))
}
