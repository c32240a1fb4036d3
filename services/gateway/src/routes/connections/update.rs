//! `PATCH /v1/connections/{id}`: changes a connection, from the version that the caller saw.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use syncline_model::ConnectionId;
use syncline_store::{EditEffects, StoreError};

use super::answer;
use crate::auth::CanWrite;
use crate::extract::{Body, Id, IfMatch};
use crate::live;
use crate::problem::{Problem, ProblemBody};
use crate::schema;
use crate::state::State;
use crate::wire::{ConnectionJson, ConnectionPatch};

/// Change a connection
///
/// What is left out stays. Rules, mapping, direction and deletions are checked with the providers first. With changed
/// rules every record is judged again; with a changed mapping every record is read again. A run that goes on continues
/// with the change after the batch that it is at.
#[utoipa::path(patch, path = "/v1/connections/{id}", operation_id = "update_connection", tag = "connections",
    params(("id" = schema::ConnectionId, Path), ("If-Match" = String, Header, description = "The `ETag` last seen")),
    request_body = ConnectionPatch,
    responses((status = 200, description = "Changed", body = ConnectionJson, headers(("ETag" = String, description = "Its version"))),
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
    let IfMatch(revision) = version?;
    let Body(body) = body?;
    if before.revision != revision {
        return Err(IfMatch::mismatch());
    }
    let reschedule = body.schedule.is_some_and(|new| new != before.schedule);
    let now = state.clock.now();
    let wanted = body.apply(before.clone(), now);
    let rejudge = wanted.rules != before.rules || wanted.direction != before.direction;
    let remap = wanted.mapping != before.mapping || wanted.matching != before.matching;
    if rejudge || remap || wanted.deletions != before.deletions {
        live::look(&state, &caller, &wanted.sides)
            .await?
            .check(&wanted)?;
    }
    let replan = rejudge || remap;
    let effects = EditEffects {
        replan,
        next_run_at: (replan || reschedule).then(|| wanted.schedule.every_seconds.map(|_| now)),
    };
    let edited = caller.rows.connection_update(&wanted, revision, &effects);
    let after = match edited.await {
        Err(StoreError::Conflict { .. }) => return Err(IfMatch::mismatch()),
        other => other?,
    };
    tracing::info!(tenant.id = %caller.tenant, connection.id = %id, revision = after.revision, "a connection was changed");
    Ok(answer(StatusCode::OK, after))
}
