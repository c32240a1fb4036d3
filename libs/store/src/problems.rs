//! Problems: records that could not be synced, with what to do. One per connection, side, record and reason is open.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::FromRow;
use syncline_model::{
    ConnectionId, Problem, ProblemId, ProblemReason, ProblemStatus, RemoteId, RunId, Side,
};
use uuid::Uuid;

use crate::bulk::bulk;
use crate::db::{Tx, fetch_all, fetch_listed, fetch_optional, page, transaction};
use crate::dialect::PROBLEM_ATTEMPTS;
use crate::history::{from_word, word};
use crate::staged::side_of;
use crate::statement::statements;
use crate::{Result, Scope, StoreError};

macro_rules! problem_columns {
    () => {
        "id, connection_id, run_id, side, remote_id, reason, message, candidates, status, attempts, retry_at,
         created_at, updated_at"
    };
}

statements! {
    Tenant PROBLEM_GET = concat!("select ", problem_columns!(), " from problems where tenant_id = $1 and id = $2");
    Tenant PROBLEM_LIST = concat!("select ", problem_columns!(), " from problems
        where tenant_id = $1 and connection_id = $2 and (cast($3 as text) is null or status = $3) and id < $4
        and (cast($6 as text) is null or reason = $6) order by id desc limit cast($5 as bigint)");
    Tenant PROBLEM_CLOSE = concat!("update problems set status = 'closed', updated_at = $3
        where tenant_id = $1 and id = $2 returning ", problem_columns!());
}

#[derive(FromRow)]
struct AttemptsRow {
    remote_id: String,
    reason: String,
    attempts: i32,
}

bulk! {
    /// A problem, as written.
    ProblemWrite {
        id: Uuid,
        run: Uuid,
        side: &'static str,
        remote: String,
        reason: String,
        message: String,
        candidates: String,
        status: String,
        attempts: i32,
        retry_at: Option<DateTime<Utc>>,
        created_at: DateTime<Utc>,
        updated_at: DateTime<Utc>,
    }
}

bulk! {
    /// Names open problems that are over.
    ProblemName {
        side: &'static str,
        remote: String,
        reason: Option<String>,
        at: DateTime<Utc>,
    }
}

#[derive(FromRow)]
struct ProblemRow {
    id: Uuid,
    connection_id: Uuid,
    run_id: Uuid,
    side: String,
    remote_id: String,
    reason: String,
    message: String,
    candidates: String,
    status: String,
    attempts: i32,
    retry_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

pub(crate) fn problem_write(problem: &Problem) -> Result<ProblemWrite> {
    Ok(ProblemWrite {
        id: problem.id.uuid(),
        run: problem.run.uuid(),
        side: problem.side.as_str(),
        remote: problem.remote.as_str().to_owned(),
        reason: word(&problem.reason)?,
        message: problem.message.clone(),
        candidates: serde_json::to_string(&problem.candidates)?,
        status: word(&problem.status)?,
        attempts: problem.attempts,
        retry_at: problem.retry_at,
        created_at: problem.created_at,
        updated_at: problem.updated_at,
    })
}

impl TryFrom<ProblemRow> for Problem {
    type Error = StoreError;

    fn try_from(row: ProblemRow) -> Result<Self> {
        Ok(Self {
            id: ProblemId::from_uuid(row.id),
            connection: ConnectionId::from_uuid(row.connection_id),
            run: RunId::from_uuid(row.run_id),
            side: side_of(&row.side)?,
            remote: RemoteId::new(row.remote_id),
            reason: from_word("problem reason", &row.reason)?,
            message: row.message,
            candidates: serde_json::from_str(&row.candidates)?,
            status: from_word("problem status", &row.status)?,
            attempts: row.attempts,
            retry_at: row.retry_at,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

/// One problem, inside a transaction.
pub(crate) async fn get(tx: &mut Tx, scope: &Scope, id: ProblemId) -> Result<Problem> {
    let row = fetch_optional!(tx, ProblemRow, PROBLEM_GET, scope.id(), id.uuid())?;
    row.ok_or(StoreError::NotFound)?.try_into()
}

/// Closes a problem, inside a transaction.
pub(crate) async fn close(
    tx: &mut Tx,
    scope: &Scope,
    id: ProblemId,
    now: DateTime<Utc>,
) -> Result<Problem> {
    let row = fetch_optional!(tx, ProblemRow, PROBLEM_CLOSE, scope.id(), id.uuid(), now)?;
    row.ok_or(StoreError::NotFound)?.try_into()
}

impl Scope {
    /// A connection's problems, newest first.
    pub async fn problem_list(
        &self,
        connection: ConnectionId,
        status: Option<ProblemStatus>,
        reason: Option<ProblemReason>,
        after: Option<ProblemId>,
        limit: u32,
    ) -> Result<Vec<Problem>> {
        let status = status.map(|status| word(&status)).transpose()?;
        let reason = reason.map(|reason| word(&reason)).transpose()?;
        let before = after.map_or(Uuid::max(), ProblemId::uuid);
        let rows = transaction!(self.read_one(), tx => {
            fetch_all!(tx, ProblemRow, PROBLEM_LIST, self.id(), connection.uuid(), &status, before, page(limit), &reason)
        })?;
        rows.into_iter().map(Problem::try_from).collect()
    }

    /// How often the open problems of these records of a side were met. A record without one is left out.
    pub async fn problem_attempts(
        &self,
        connection: ConnectionId,
        side: Side,
        remotes: &[RemoteId],
    ) -> Result<HashMap<(RemoteId, ProblemReason), i32>> {
        if remotes.is_empty() {
            return Ok(HashMap::new());
        }
        let ids: Vec<String> = remotes.iter().map(|id| id.as_str().to_owned()).collect();
        let rows = transaction!(self.read_one(), tx => {
            fetch_listed!(tx, AttemptsRow, PROBLEM_ATTEMPTS, [self.id(), connection.uuid(), side.as_str()], &ids)
        })?;
        rows.into_iter()
            .map(|row| {
                let reason = from_word("problem reason", &row.reason)?;
                Ok(((RemoteId::new(row.remote_id), reason), row.attempts))
            })
            .collect()
    }

    /// One problem.
    pub async fn problem_get(&self, id: ProblemId) -> Result<Problem> {
        transaction!(self.read_one(), tx => { get(tx, self, id).await })
    }

    /// A person says that a problem is settled; doing so again changes nothing but the time.
    pub async fn problem_close(&self, id: ProblemId, now: DateTime<Utc>) -> Result<Problem> {
        transaction!(self.write(), tx => { close(tx, self, id, now).await })
    }
}
