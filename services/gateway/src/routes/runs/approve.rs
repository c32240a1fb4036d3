//! `POST /v1/runs/{id}/approve`: a person agrees to what guards hold.

use actix_web::web::{self, Json};
use syncline_model::RunId;
use syncline_store::StoreError;

use crate::auth::CanWrite;
use crate::extract::Id;
use crate::problem::{Code, Problem, ProblemBody};
use crate::schema;
use crate::state::State;
use crate::wire::RunJson;

/// Approve a parked run
///
/// What its guards hold is carried out.
#[utoipa::path(post, path = "/v1/runs/{id}/approve", operation_id = "approve_run", tag = "runs",
    params(("id" = schema::RunId, Path)),
    responses((status = 200, description = "Queued again", body = RunJson),
              (status = 409, description = "`wrong_state`: not parked, or another run goes on", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn handle(
    state: web::Data<State>,
    CanWrite(caller): CanWrite,
    Id(id): Id<RunId>,
) -> Result<Json<RunJson>, Problem> {
    caller.rows.run_get(id).await?;
    let run = match caller.rows.run_approve(id, state.clock.now()).await {
        Err(StoreError::Conflict { .. }) => {
            return Err(Problem::new(
                Code::WrongState,
                "Only a parked run can be approved, and only while no other run of the connection goes on.",
            ));
        }
        other => other?,
    };
    tracing::info!(tenant.id = %caller.tenant, run.id = %id, "a parked run was approved");
    state.ring(caller.tenant, id).await;
    Ok(Json(run.into()))
}
