//! A run as the API shows it: without the worker's notes.

use chrono::{DateTime, Utc};
use serde::Serialize;
use syncline_model::{ConnectionId, Counters, GuardTrip, Run, RunId, RunState, Trigger};
use utoipa::ToSchema;

use crate::schema;

/// One sync of one connection.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Run)]
pub struct RunJson {
    /// Its id.
    #[schema(value_type = schema::RunId)]
    pub id: RunId,
    /// The connection that it syncs.
    #[schema(value_type = schema::ConnectionId)]
    pub connection: ConnectionId,
    /// Why it began.
    #[schema(value_type = schema::Trigger)]
    pub trigger: Trigger,
    /// Where it is.
    #[schema(value_type = schema::RunState)]
    pub state: RunState,
    /// What it did so far.
    #[schema(value_type = schema::Counters)]
    pub counters: Counters,
    /// Guards that hold part of its plan; of an approved run, what a person agreed to.
    #[schema(value_type = Vec<schema::GuardTrip>)]
    pub guards: Vec<GuardTrip>,
    /// Whether a person agreed to what the guards hold.
    pub approved: bool,
    /// Not before this instant does a worker go on with it.
    pub due_at: DateTime<Utc>,
    /// Failed attempts in a row.
    pub attempts: i32,
    /// The last trouble, in words for a customer.
    #[schema(required)]
    pub error: Option<String>,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    /// When a worker first took it.
    #[schema(required)]
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    #[schema(required)]
    pub finished_at: Option<DateTime<Utc>>,
}

/// A run, and when its connection runs next.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RunAndNext)]
pub struct RunAndNext {
    /// The run.
    #[serde(flatten)]
    pub run: RunJson,
    /// When the next run is due, which carries over what waits; null when only on demand.
    #[schema(required)]
    pub next_run_at: Option<DateTime<Utc>>,
}

impl From<Run> for RunJson {
    fn from(run: Run) -> Self {
        Self {
            id: run.id,
            connection: run.connection,
            trigger: run.trigger,
            state: run.state,
            counters: run.counters,
            guards: run.guards,
            approved: run.approved,
            due_at: run.due_at,
            attempts: run.attempts,
            error: run.error,
            created_at: run.created_at,
            started_at: run.started_at,
            finished_at: run.finished_at,
        }
    }
}
