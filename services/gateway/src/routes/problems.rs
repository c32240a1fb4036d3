//! `POST /v1/problems/{id}/close`: a person puts a record's problem away. Problems are listed under their connection.

use actix_web::http::Method;
use actix_web::web::{self, Json};
use syncline_model::ProblemId;

use crate::auth::CanWrite;
use crate::extract::Id;
use crate::problem::Problem;
use crate::schema;
use crate::state::State;
use crate::wire::RecordProblemJson;

pub(super) fn configure(app: &mut web::ServiceConfig) {
    app.service(super::at(
        "/v1/problems/{id}/close",
        [(Method::POST, web::to(handle))],
    ));
}

/// Close a record's problem
///
/// It opens again if the record meets the same trouble in a later run.
#[utoipa::path(post, path = "/v1/problems/{id}/close", operation_id = "close_problem", tag = "records",
    params(("id" = schema::ProblemId, Path)),
    responses((status = 200, description = "Closed", body = RecordProblemJson)))]
pub async fn handle(
    state: web::Data<State>,
    CanWrite(caller): CanWrite,
    Id(id): Id<ProblemId>,
) -> Result<Json<RecordProblemJson>, Problem> {
    let closed = caller.rows.problem_close(id, state.clock.now()).await?;
    Ok(Json(closed.into()))
}
