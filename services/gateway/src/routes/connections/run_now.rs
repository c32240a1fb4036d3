//! `POST /v1/connections/{id}/runs`: a run, now.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, web};
use syncline_model::{Connection, ConnectionId, ConnectionStatus, Run, RunId, Trigger};
use syncline_store::NewRun;

use super::allowed;
use crate::auth::{Caller, CanWrite};
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
    let run = begin(&state, &caller, &connection).await?;
    Ok(HttpResponse::build(StatusCode::ACCEPTED)
        .insert_header((header::LOCATION, format!("/v1/runs/{}", run.id)))
        .json(RunJson::from(run)))
}

/// Asks for a run of a connection that is not paused, since a person waits for it. The one that is unfinished, if there is
/// one.
async fn begin(state: &State, caller: &Caller, connection: &Connection) -> Result<Run, Problem> {
    let (run, made) = enqueue(state, caller, connection).await?;
    if made {
        stand_in(state, caller, connection).await?;
    }
    state.ring(caller.tenant, run.id).await;
    Ok(run)
}

/// Has what a person said carried out at once, since they wait to see what comes of it. It is kept already, and its
/// connections are due: for one of which no run can be asked for now, the scheduler does. Of a paused one none begins.
pub async fn carry_out(state: &State, caller: &Caller, due: &[ConnectionId]) -> Vec<RunId> {
    let mut runs = Vec::new();
    for id in due {
        match soon(state, caller, *id).await {
            Ok(run) => runs.extend(run),
            Err(problem) => {
                tracing::warn!(connection.id = %id, %problem, "no run was asked for; the scheduler will");
            }
        }
    }
    runs
}

async fn soon(state: &State, caller: &Caller, id: ConnectionId) -> Result<Option<RunId>, Problem> {
    let connection = caller.rows.connection_get(id).await?;
    if connection.status != ConnectionStatus::Active {
        return Ok(None);
    }
    let (run, made) = enqueue(state, caller, &connection).await?;
    // One that goes on already may have passed what was said: another one stays due.
    if made {
        stand_in(state, caller, &connection).await?;
    }
    state.ring(caller.tenant, run.id).await;
    Ok(Some(run.id))
}

async fn enqueue(
    state: &State,
    caller: &Caller,
    connection: &Connection,
) -> Result<(Run, bool), Problem> {
    let now = state.clock.now();
    let run = NewRun {
        id: RunId::from_uuid(state.ids.next()),
        connection: connection.id,
        trigger: Trigger::Manual,
        due_at: now,
        created_at: now,
    };
    Ok(caller.rows.run_enqueue(&run).await?)
}

/// A run by hand stands in for the scheduled one that is due: the schedule counts from now.
async fn stand_in(state: &State, caller: &Caller, connection: &Connection) -> Result<(), Problem> {
    let every = connection.schedule.every_seconds;
    let now = state.clock.now();
    let next = every.map(|every| now + chrono::TimeDelta::seconds(every.into()));
    let rows = &caller.rows;
    let rest = allowed::tariff(state, caller).await?.rest_seconds();
    let rested = now + chrono::TimeDelta::seconds(rest.into());
    let kept = rows.connection_schedule_after(connection.id, now, next, rested);
    Ok(kept.await?)
}
