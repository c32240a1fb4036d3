//! `PATCH /v1/connections/{id}`: changes a connection, from the version that the caller saw.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use syncline_model::ConnectionId;
use syncline_store::StoreError;

use super::answer;
use super::edit::Edit;
use crate::auth::CanWrite;
use crate::extract::{Body, Id, IfMatch};
use crate::problem::{Problem, ProblemBody};
use crate::schema;
use crate::state::State;
use crate::wire::{ConnectionJson, ConnectionPatch};

/// Change a connection
///
/// What is left out stays, and if nothing is left to change, so does the version. Rules, mapping, direction, deletions and leaving are checked with the providers first. With changed
/// rules every record is judged again; with a changed mapping, or another `on_leave`, every record is read again. A run that goes on continues
/// with the change after the batch that it is at.
#[utoipa::path(patch, path = "/v1/connections/{id}", operation_id = "update_connection", tag = "connections",
    params(("id" = schema::ConnectionId, Path), ("If-Match" = String, Header, description = "The `ETag` last seen")),
    request_body = ConnectionPatch,
    responses((status = 200, description = "Changed", body = ConnectionJson, headers(("ETag" = String, description = "Its version"))),
              (status = 403, description = "`forbidden`; `plan_limit`: the plan does not allow it", body = ProblemBody, content_type = "application/problem+json"),
              (status = 400, description = "`malformed_json`; `invalid_parameter`: `If-Match` is no entity tag", body = ProblemBody, content_type = "application/problem+json"),
              (status = 412, description = "`version_mismatch`", body = ProblemBody, content_type = "application/problem+json"),
              (status = 428, description = "`version_required`", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn handle(
    state: web::Data<State>,
    CanWrite(caller): CanWrite,
    Id(id): Id<ConnectionId>,
    version: Result<IfMatch, Problem>,
    body: Result<Body<ConnectionPatch>, Problem>,
) -> Result<HttpResponse, Problem> {
    let before = caller.rows.connection_get(id).await?;
    let version = version?;
    let Body(body) = body?;
    version.check(before.revision)?;
    let Edit {
        wanted,
        changed,
        effects,
        ..
    } = Edit::of(&state, &caller, &before, body).await?;
    // What asks for nothing new is no edit: nobody's version goes out of date by it.
    if changed.is_empty() {
        return Ok(answer(StatusCode::OK, before));
    }
    let edited = caller
        .rows
        .connection_update(&wanted, before.revision, &effects);
    let after = match edited.await {
        Err(StoreError::Conflict { .. }) => return Err(IfMatch::mismatch()),
        other => other?,
    };
    tracing::info!(tenant.id = %caller.tenant, connection.id = %id, revision = after.revision, "a connection was changed");
    Ok(answer(StatusCode::OK, after))
}
