//! Runs as rows: asked for, read, listed, cancelled, approved. Executing one is in `leases`.

use chrono::{DateTime, Utc};
use sqlx::FromRow;
use sqlx::types::Json;
use syncline_model::{
    ConnectionId, Counters, GuardTrip, Run, RunId, RunState, Sides, TenantId, Trigger,
};
use uuid::Uuid;

use crate::db::{execute, fetch_all, fetch_optional, page, transaction};
use crate::staged::unhold;
use crate::statement::statements;
use crate::{NewRun, Result, Scope, Store, StoreError};

macro_rules! run_columns {
    () => {
        "tenant_id, id, connection_id, trigger, state, counters, guards, approved, due_at, attempts, error,
         progress, created_at, started_at, finished_at"
    };
}
pub(crate) use run_columns;

/// Whether no run of the connection has come to an end yet.
macro_rules! first {
    () => {
        "not exists (select 1 from runs past where past.tenant_id = runs.tenant_id
            and past.connection_id = runs.connection_id and past.state in ('succeeded', 'parked'))"
    };
}

/// How often a run is entered anew when the one in its way ends meanwhile.
const ENQUEUE_TRIES: u32 = 10;

statements! {
    /// Nothing happens when the connection has an unfinished run.
    Tenant RUN_INSERT = "insert into runs (tenant_id, id, connection_id, trigger, state, counters, guards, approved,
        due_at, attempts, progress, created_at, epoch)
        values ($1, $2, $3, $4, 'queued', $5, $6, false, $7, 0, $8, $9, 0)
        on conflict (tenant_id, connection_id) where state in ('queued', 'running') do nothing";
    Tenant RUN_UNFINISHED = concat!("select ", run_columns!(), " from runs
        where tenant_id = $1 and connection_id = $2 and state in ('queued', 'running')");
    Tenant RUN_GET = concat!("select ", run_columns!(), " from runs where tenant_id = $1 and id = $2");
    Tenant RUN_LIST = concat!("select ", run_columns!(), " from runs
        where tenant_id = $1 and connection_id = $2 and id < $3 order by id desc limit cast($4 as bigint)");
    /// Whether another run of the connection has come to an end.
    Tenant RUNS_ENDED = "select 1 from runs where tenant_id = $1 and connection_id = $2 and id < $3
        and state in ('succeeded', 'parked') limit 1";
    Tenant RUNS_BROKEN_OFF = "select counters from runs where tenant_id = $1 and connection_id = $2 and id < $3
        order by id desc limit 1000";
    Tenant RUN_LAST_SYNC = "select finished_at from runs where tenant_id = $1 and connection_id = $2
        and state in ('succeeded', 'parked') order by id desc limit 1";
    Tenant RUN_CANCEL = concat!("update runs set state = 'cancelled', finished_at = $3, lease_until = null
        where tenant_id = $1 and id = $2 and state in ('queued', 'running', 'parked') returning ", run_columns!());
    Tenant RUN_APPROVE = concat!("update runs set state = 'queued', approved = true, due_at = $3, finished_at = null
        where tenant_id = $1 and id = $2 and state = 'parked' returning ", run_columns!());
    Global RUNS_EXPIRED = concat!("select tenant_id, id, lease_until as since, trigger, ", first!(), " as first from runs
        where state = 'running' and lease_until <= $1 order by lease_until limit cast($2 as bigint)");
    Global RUNS_DUE = concat!("select tenant_id, id, due_at as since, trigger, ", first!(), " as first from runs
        where state = 'queued' and due_at <= $1 and due_at >= $3 and (due_at, id) > ($3, $4)
        order by due_at, id limit cast($2 as bigint)");
}

/// A run that a worker may claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DueRun {
    /// The tenant that owns it.
    pub tenant: TenantId,
    /// The run.
    pub run: RunId,
    /// Since when it may be claimed: another moment, another occasion.
    pub since: DateTime<Utc>,
    /// What asked for it.
    pub trigger: Trigger,
    /// No run of its connection has come to an end yet.
    pub first: bool,
}

#[derive(FromRow)]
struct DueRow {
    tenant_id: Uuid,
    id: Uuid,
    since: DateTime<Utc>,
    trigger: String,
    first: bool,
}

impl TryFrom<DueRow> for DueRun {
    type Error = StoreError;

    fn try_from(row: DueRow) -> Result<Self> {
        Ok(Self {
            tenant: TenantId::from_uuid(row.tenant_id),
            run: RunId::from_uuid(row.id),
            since: row.since,
            trigger: trigger_of(&row.trigger)?,
            first: row.first,
        })
    }
}

#[derive(FromRow)]
pub(crate) struct RunRow {
    tenant_id: Uuid,
    id: Uuid,
    connection_id: Uuid,
    trigger: String,
    state: String,
    counters: Json<Counters>,
    guards: Json<Vec<GuardTrip>>,
    approved: bool,
    due_at: DateTime<Utc>,
    attempts: i32,
    error: Option<String>,
    progress: Json<serde_json::Value>,
    created_at: DateTime<Utc>,
    started_at: Option<DateTime<Utc>>,
    finished_at: Option<DateTime<Utc>>,
}

impl TryFrom<RunRow> for Run {
    type Error = StoreError;

    fn try_from(row: RunRow) -> Result<Self> {
        Ok(Self {
            id: RunId::from_uuid(row.id),
            tenant: TenantId::from_uuid(row.tenant_id),
            connection: ConnectionId::from_uuid(row.connection_id),
            trigger: trigger_of(&row.trigger)?,
            state: RunState::parse(&row.state)
                .ok_or_else(|| StoreError::word("run state", &row.state))?,
            counters: row.counters.0,
            guards: row.guards.0,
            approved: row.approved,
            due_at: row.due_at,
            attempts: row.attempts,
            error: row.error,
            progress: row.progress.0,
            created_at: row.created_at,
            started_at: row.started_at,
            finished_at: row.finished_at,
        })
    }
}

fn trigger_of(word: &str) -> Result<Trigger> {
    match word {
        "schedule" => Ok(Trigger::Schedule),
        "manual" => Ok(Trigger::Manual),
        other => Err(StoreError::word("trigger", other)),
    }
}

const fn trigger_word(trigger: Trigger) -> &'static str {
    match trigger {
        Trigger::Schedule => "schedule",
        Trigger::Manual => "manual",
    }
}

impl Store {
    /// Queued runs that are due, across tenants, by the time since when they are: of those after a place, which is the last
    /// one's time and name. A backlog is walked through page by page, so that what is at its front keeps nobody waiting.
    pub async fn runs_due(
        &self,
        now: DateTime<Utc>,
        after: Option<(DateTime<Utc>, RunId)>,
        limit: u32,
    ) -> Result<Vec<DueRun>> {
        let (at, id) = after.map_or((DateTime::UNIX_EPOCH, Uuid::nil()), |(at, id)| {
            (at, id.uuid())
        });
        let rows = transaction!(self.read_one_global(), tx => {
            fetch_all!(tx, DueRow, RUNS_DUE, now, page(limit), at, id)
        })?;
        rows.into_iter().map(DueRun::try_from).collect()
    }

    /// Runs whose lease has expired, across tenants: those longest since first.
    pub async fn runs_expired(&self, now: DateTime<Utc>, limit: u32) -> Result<Vec<DueRun>> {
        let rows = transaction!(self.read_one_global(), tx => {
            fetch_all!(tx, DueRow, RUNS_EXPIRED, now, page(limit))
        })?;
        rows.into_iter().map(DueRun::try_from).collect()
    }
}

impl Scope {
    /// The run made, or the unfinished one that the connection has already; and whether it was made. A queued one that
    /// was there keeps its `due_at`. `Conflict` when there is no such connection.
    pub async fn run_enqueue(&self, run: &NewRun) -> Result<(Run, bool)> {
        let connection = run.connection.uuid();
        let found = transaction!(self.write(), tx => {
            let mut found = None;
            // The run that stands in the way may end between the two statements: then there is room for this one.
            for _ in 0..ENQUEUE_TRIES {
                let made = execute!(tx, RUN_INSERT, self.id(), run.id.uuid(), connection, trigger_word(run.trigger),
                    Json(Counters::default()), Json(Vec::<GuardTrip>::new()), run.due_at,
                    Json(serde_json::Value::Null), run.created_at)
                    .map_err(|error| error.or_conflict("run: no such connection"))? == 1;
                let row = fetch_optional!(tx, RunRow, RUN_UNFINISHED, self.id(), connection)?;
                found = row.map(|row| (row, made));
                if found.is_some() {
                    break;
                }
            }
            Ok(found)
        })?;
        let (row, made) = found.ok_or(StoreError::Conflict {
            what: "run: others come and go",
        })?;
        Ok((row.try_into()?, made))
    }

    /// One run.
    pub async fn run_get(&self, id: RunId) -> Result<Run> {
        let row = transaction!(self.read_one(), tx => {
            fetch_optional!(tx, RunRow, RUN_GET, self.id(), id.uuid())
        })?;
        row.ok_or(StoreError::NotFound)?.try_into()
    }

    /// The run of a connection that is not over, whatever came after it; `None` when there is none.
    pub async fn run_unfinished(&self, connection: ConnectionId) -> Result<Option<Run>> {
        let row = transaction!(self.read_one(), tx => {
            fetch_optional!(tx, RunRow, RUN_UNFINISHED, self.id(), connection.uuid())
        })?;
        row.map(Run::try_from).transpose()
    }

    /// A connection's runs, newest first.
    pub async fn run_list(
        &self,
        connection: ConnectionId,
        after: Option<RunId>,
        limit: u32,
    ) -> Result<Vec<Run>> {
        let before = after.map_or(Uuid::max(), RunId::uuid);
        let rows = transaction!(self.read_one(), tx => {
            fetch_all!(tx, RunRow, RUN_LIST, self.id(), connection.uuid(), before, page(limit))
        })?;
        rows.into_iter().map(Run::try_from).collect()
    }

    /// If a run is the first of its connection, that is, none before it has come to an end: how many records those that were
    /// broken off before it created and updated, on each side. `None` otherwise. One that a person approves is still the
    /// first, whatever ran while it was parked.
    pub async fn run_first(
        &self,
        run: RunId,
        connection: ConnectionId,
    ) -> Result<Option<Sides<u64>>> {
        let connection = connection.uuid();
        let rows = transaction!(self.read(), tx => {
            if fetch_optional!(tx, (i32,), RUNS_ENDED, self.id(), connection, run.uuid())?.is_some() {
                return Ok(None);
            }
            let rows = fetch_all!(tx, (Json<Counters>,), RUNS_BROKEN_OFF, self.id(), connection, run.uuid())?;
            Ok(Some(rows))
        })?;
        Ok(rows.map(|rows| {
            let mut all = Counters::default();
            for (Json(counters),) in rows {
                all.add(&counters);
            }
            Sides::of(|side| all.written(side))
        }))
    }

    /// When the last run ended that did all it could; `None` when there was none yet.
    pub async fn run_last_sync(&self, connection: ConnectionId) -> Result<Option<DateTime<Utc>>> {
        let row = transaction!(self.read_one(), tx => {
            fetch_optional!(tx, (Option<DateTime<Utc>>,), RUN_LAST_SYNC, self.id(), connection.uuid())
        })?;
        Ok(row.and_then(|(at,)| at))
    }

    /// Stops a run that is not over; whoever holds its lease is fenced. `Conflict { "run is over" }` otherwise.
    pub async fn run_cancel(&self, run: RunId, now: DateTime<Utc>) -> Result<Run> {
        let row = transaction!(self.write(), tx => {
            match fetch_optional!(tx, RunRow, RUN_CANCEL, self.id(), run.uuid(), now)? {
                Some(row) => Ok(row),
                None => Err(match fetch_optional!(tx, RunRow, RUN_GET, self.id(), run.uuid())? {
                    Some(_) => StoreError::Conflict { what: "run is over" },
                    None => StoreError::NotFound,
                }),
            }
        })?;
        row.try_into()
    }

    /// Lets a parked run go on with what its guards hold: queued, approved, its held records pending again. What a
    /// person agreed to are the run's guards as they stand in the row; they stay there until the run ends.
    /// `Conflict { "run is not parked" }` or, while a later run is unfinished, `Conflict { "another run is unfinished" }`.
    pub async fn run_approve(&self, run: RunId, now: DateTime<Utc>) -> Result<Run> {
        let row = transaction!(self.write(), tx => {
            let row = fetch_optional!(tx, RunRow, RUN_APPROVE, self.id(), run.uuid(), now)
                .map_err(|error| error.or_conflict("another run is unfinished"))?;
            let Some(row) = row else {
                return Err(match fetch_optional!(tx, RunRow, RUN_GET, self.id(), run.uuid())? {
                    Some(_) => StoreError::Conflict { what: "run is not parked" },
                    None => StoreError::NotFound,
                });
            };
            unhold(tx, self, ConnectionId::from_uuid(row.connection_id)).await?;
            Ok(row)
        })?;
        row.try_into()
    }
}
