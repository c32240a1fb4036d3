//! `POST /v1/connections/{id}/pause`: stops a connection until it is resumed.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use syncline_model::{ConnectionId, ConnectionStatus};
use syncline_store::StoreError;

use super::answer;
use crate::auth::{Caller, CanWrite};
use crate::extract::Id;
use crate::problem::Problem;
use crate::schema;
use crate::state::State;
use crate::wire::ConnectionJson;

/// Pause a connection
///
/// A run that waits is cancelled, one that is going on after the batch that it is at; what it did stays done.
#[utoipa::path(post, path = "/v1/connections/{id}/pause", operation_id = "pause_connection", tag = "connections",
    params(("id" = schema::ConnectionId, Path)),
    responses((status = 200, description = "Paused", body = ConnectionJson)))]
pub async fn handle(
    state: web::Data<State>,
    CanWrite(caller): CanWrite,
    Id(id): Id<ConnectionId>,
) -> Result<HttpResponse, Problem> {
    let before = caller.rows.connection_get(id).await?;
    if matches!(before.status, ConnectionStatus::Paused { .. }) {
        return Ok(answer(StatusCode::OK, before));
    }
    let (reason, now) = ("Paused by a person.", state.clock.now());
    let paused = caller.rows.connection_pause(id, reason, now).await?;
    tracing::info!(tenant.id = %caller.tenant, connection.id = %id, "a connection was paused");
    Ok(answer(StatusCode::OK, paused))
}

/// Cancels the run of a connection that is not over, if there is one.
pub(super) async fn stop_run(
    state: &State,
    caller: &Caller,
    id: ConnectionId,
) -> Result<(), Problem> {
    let Some(run) = caller.rows.run_unfinished(id).await? else {
        return Ok(());
    };
    match caller.rows.run_cancel(run.id, state.clock.now()).await {
        // It ended by itself in between.
        Err(StoreError::Conflict { .. }) => Ok(()),
        other => Ok(other.map(drop)?),
    }
}
