//! `POST /v1/conflicts/{id}/resolve`: a person says who wins. Conflicts are listed under their connection.

use actix_web::http::Method;
use actix_web::web::{self, Json};
use serde::Deserialize;
use syncline_model::{ConflictId, Side};
use syncline_store::StoreError;
use utoipa::ToSchema;

use crate::auth::CanWrite;
use crate::extract::{Body, Checked, Findings, Id};
use crate::problem::{Code, Problem, ProblemBody};
use crate::routes::connections::run_now;
use crate::schema;
use crate::state::State;
use crate::wire::SaidConflict;

pub(super) fn configure(app: &mut web::ServiceConfig) {
    app.service(super::at(
        "/v1/conflicts/{id}/resolve",
        [(Method::POST, web::to(handle))],
    ));
}

/// Who wins.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Resolution {
    /// The side whose value both sides get.
    #[schema(value_type = schema::Side)]
    winner: Side,
}

impl Checked for Resolution {
    fn check(&self, _: &mut Findings) {}
}

/// Resolve a conflict
///
/// A run of the connection begins that carries it out; while the connection is paused, its next run does.
#[utoipa::path(post, path = "/v1/conflicts/{id}/resolve", operation_id = "resolve_conflict", tag = "records",
    params(("id" = schema::ConflictId, Path)), request_body = Resolution,
    responses((status = 200, description = "Resolved", body = SaidConflict),
              (status = 409, description = "`wrong_state`: it is settled already", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn handle(
    state: web::Data<State>,
    CanWrite(caller): CanWrite,
    Id(id): Id<ConflictId>,
    body: Result<Body<Resolution>, Problem>,
) -> Result<Json<SaidConflict>, Problem> {
    caller.rows.conflict_get(id).await?;
    let Body(body) = body?;
    let now = state.clock.now();
    match caller.rows.conflict_resolve(id, body.winner, now).await {
        Err(StoreError::Conflict { .. }) => Err(Problem::new(
            Code::WrongState,
            "The conflict is settled already.",
        )),
        resolved => {
            let resolved = resolved?;
            let runs = run_now::carry_out(&state, &caller, &[resolved.connection]).await;
            let conflict = resolved.into();
            Ok(Json(SaidConflict { conflict, runs }))
        }
    }
}
