//! `POST /v1/connections/{id}/runs`: a run, now.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, web};
use syncline_model::{ConnectionId, ConnectionStatus, RunId, Trigger};
use syncline_store::NewRun;

use crate::auth::CanWrite;
use crate::extract::Id;
use crate::problem::{Code, Problem, ProblemBody};
use crate::schema;
use crate::state::State;
use crate::wire::RunJson;

/// Run now
///
/// A connection has one unfinished run at most: while there is one, that one is the answer.
#[utoipa::path(post, path = "/v1/connections/{id}/runs", operation_id = "create_run", tag = "runs",
    params(("id" = schema::ConnectionId, Path)),
    responses((status = 202, description = "Queued, or going on already", body = RunJson),
              (status = 409, description = "`wrong_state`: the connection is paused", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn handle(
    state: web::Data<State>,
    CanWrite(caller): CanWrite,
    Id(id): Id<ConnectionId>,
) -> Result<HttpResponse, Problem> {
    let connection = caller.rows.connection_get(id).await?;
    if let ConnectionStatus::Paused { reason } = connection.status {
        return Err(Problem::new(
            Code::WrongState,
            format!("The connection is paused: resume it first. ({reason})"),
        ));
    }
    let now = state.clock.now();
    let (run, _) = caller
        .rows
        .run_enqueue(&NewRun {
            id: RunId::from_uuid(state.ids.next()),
            connection: id,
            trigger: Trigger::Manual,
            due_at: now,
            created_at: now,
        })
        .await?;
    // This run stands in for the scheduled one that is due: the schedule counts from now.
    let every = connection.schedule.every_seconds;
    let next = every.map(|every| now + chrono::TimeDelta::seconds(i64::from(every)));
    caller.rows.connection_schedule_next(id, next).await?;
    state.ring(caller.tenant, run.id).await;
    Ok(HttpResponse::build(StatusCode::ACCEPTED)
        .insert_header((header::LOCATION, format!("/v1/runs/{}", run.id)))
        .json(RunJson::from(run)))
}
