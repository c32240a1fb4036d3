//! `POST /v1/runs/{id}/cancel`: a person stops a run.

use actix_web::web::{self, Json};
use syncline_model::RunId;
use syncline_store::StoreError;

use crate::auth::CanWrite;
use crate::extract::Id;
use crate::problem::{Code, Problem, ProblemBody};
use crate::schema;
use crate::state::State;
use crate::wire::RunJson;

/// Cancel a run
///
/// What it did stays done; the next run goes on from there.
#[utoipa::path(post, path = "/v1/runs/{id}/cancel", operation_id = "cancel_run", tag = "runs",
    params(("id" = schema::RunId, Path)),
    responses((status = 200, description = "Cancelled", body = RunJson),
              (status = 409, description = "`wrong_state`: it is over", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn handle(
    state: web::Data<State>,
    CanWrite(caller): CanWrite,
    Id(id): Id<RunId>,
) -> Result<Json<RunJson>, Problem> {
    caller.rows.run_get(id).await?;
    let run = match caller.rows.run_cancel(id, state.clock.now()).await {
        Err(StoreError::Conflict { .. }) => {
            return Err(Problem::new(Code::WrongState, "The run is over."));
        }
        other => other?,
    };
    tracing::info!(tenant.id = %caller.tenant, run.id = %id, "a run was cancelled");
    Ok(Json(run.into()))
}
