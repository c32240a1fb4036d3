//! `POST /v1/connections/{id}/resume`: lets a paused connection run again.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use syncline_model::{ConnectionId, ConnectionStatus};

use super::{allowed, answer};
use crate::auth::CanWrite;
use crate::extract::Id;
use crate::problem::{Problem, ProblemBody};
use crate::schema;
use crate::state::State;
use crate::wire::ConnectionJson;

/// Resume a connection
///
/// Its next run is due at once, unless its schedule is `manual`.
#[utoipa::path(post, path = "/v1/connections/{id}/resume", operation_id = "resume_connection", tag = "connections",
    params(("id" = schema::ConnectionId, Path)),
    responses((status = 200, description = "Resumed", body = ConnectionJson),
              (status = 403, description = "`forbidden`; `plan_limit`: the plan does not allow it any more", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn handle(
    state: web::Data<State>,
    CanWrite(caller): CanWrite,
    Id(id): Id<ConnectionId>,
) -> Result<HttpResponse, Problem> {
    let before = caller.rows.connection_get(id).await?;
    if before.status == ConnectionStatus::Active {
        return Ok(answer(StatusCode::OK, before));
    }
    let tariff = allowed::tariff(&state, &caller).await?;
    allowed::check(&state, &caller, tariff, &before).await?;
    let now = state.clock.now();
    let resumed = caller
        .rows
        .connection_status_set(id, &ConnectionStatus::Active, now)
        .await?;
    let next = resumed.schedule.every_seconds.map(|_| now);
    caller.rows.connection_schedule_next(id, next).await?;
    tracing::info!(tenant.id = %caller.tenant, connection.id = %id, "a connection was resumed");
    Ok(answer(StatusCode::OK, resumed))
}
