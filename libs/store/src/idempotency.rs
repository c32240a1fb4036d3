//! Answers kept for repeated requests. Sealed, because an answer may show a secret once.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::FromRow;

use crate::db::{execute, fetch_optional, transaction};
use crate::seal::ANSWER;
use crate::statement::statements;
use crate::{Idempotency, Result, Scope, StoreError};

/// How long an answer is kept, in hours.
const KEPT_HOURS: i64 = 24;
/// After this many seconds without an answer, the first sender is taken for dead.
const IN_FLIGHT_SECONDS: i64 = 60;

statements! {
    Tenant IDEMPOTENCY_EXPIRE = "delete from idempotency where tenant_id = $1
        and (created_at <= $2 or (status is null and created_at <= $3))";
    Tenant IDEMPOTENCY_INSERT = "insert into idempotency (tenant_id, key, request_hash, created_at)
        values ($1, $2, $3, $4) on conflict (tenant_id, key) do nothing";
    Tenant IDEMPOTENCY_GET = "select request_hash, status, body from idempotency where tenant_id = $1 and key = $2";
    Tenant IDEMPOTENCY_FINISH = "update idempotency set status = $3, body = $4 where tenant_id = $1 and key = $2";
    Tenant IDEMPOTENCY_ABANDON = "delete from idempotency where tenant_id = $1 and key = $2 and status is null";
}

#[derive(FromRow)]
struct AnswerRow {
    request_hash: Vec<u8>,
    status: Option<i32>,
    body: Option<Vec<u8>>,
}

impl Scope {
    /// Claims a key for a request, or says what became of the first one that had it. Answers are kept for a day.
    pub async fn idempotency_begin(
        &self,
        key: &str,
        request_hash: &[u8],
        now: DateTime<Utc>,
    ) -> Result<Idempotency> {
        let old = now - TimeDelta::hours(KEPT_HOURS);
        let dead = now - TimeDelta::seconds(IN_FLIGHT_SECONDS);
        let row = transaction!(self.write(), tx => {
            execute!(tx, IDEMPOTENCY_EXPIRE, self.id(), old, dead)?;
            if execute!(tx, IDEMPOTENCY_INSERT, self.id(), key, request_hash, now)? == 1 {
                return Ok(None);
            }
            fetch_optional!(tx, AnswerRow, IDEMPOTENCY_GET, self.id(), key)
        })?;
        let Some(row) = row else {
            return Ok(Idempotency::Fresh);
        };
        if row.request_hash != request_hash {
            return Ok(Idempotency::Mismatch);
        }
        match (row.status.map(u16::try_from), row.body) {
            (Some(Ok(status)), Some(body)) => Ok(Idempotency::Replay {
                status,
                body: self.open(ANSWER, key.as_bytes(), &body)?,
            }),
            _ => Ok(Idempotency::InFlight),
        }
    }

    /// Keeps the answer to a request whose key was claimed.
    pub async fn idempotency_finish(&self, key: &str, status: u16, body: &[u8]) -> Result<()> {
        let sealed = self.seal(ANSWER, key.as_bytes(), body);
        let found = transaction!(self.write_one(), tx => {
            execute!(tx, IDEMPOTENCY_FINISH, self.id(), key, i32::from(status), &sealed)
        })?;
        if found == 0 {
            return Err(StoreError::NotFound);
        }
        Ok(())
    }

    /// Gives a claimed key back, so that the request may be sent again: for answers that are nobody's fault.
    pub async fn idempotency_abandon(&self, key: &str) -> Result<()> {
        transaction!(self.write_one(), tx => {
            execute!(tx, IDEMPOTENCY_ABANDON, self.id(), key)
        })?;
        Ok(())
    }
}
