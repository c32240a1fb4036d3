//! Executing a run: claim, heartbeat, checkpoint, release, finish. Claims are compare-and-swap on the primary key, and
//! every write names the claim's epoch, so that a worker that lost its lease changes nothing.

use chrono::{DateTime, Utc};
use sqlx::types::Json;
use syncline_model::{ConnectionId, Counters, RunId};
use uuid::Uuid;

use crate::db::{Db, Tx, execute, fetch_optional, transaction};
use crate::statement::statements;
use crate::{Finish, Lease, Release, Result, Scope, Store, StoreError};

statements! {
    Tenant RUN_CLAIM = "update runs set state = 'running', epoch = epoch + 1, lease_until = $4, worker = $5,
        started_at = coalesce(started_at, $3)
        where tenant_id = $1 and id = $2
            and ((state = 'queued' and due_at <= $3) or (state = 'running' and lease_until <= $3))
        returning connection_id, epoch";
    /// Changes nothing, but takes the row's lock until the transaction ends.
    Tenant RUN_FENCE = "update runs set epoch = epoch
        where tenant_id = $1 and id = $2 and epoch = $3 and connection_id = $4 and state = 'running'
        returning counters";
    Tenant RUN_COUNT = "update runs set counters = $3 where tenant_id = $1 and id = $2";
    Tenant RUN_HEARTBEAT = "update runs set lease_until = $4
        where tenant_id = $1 and id = $2 and epoch = $3 and state = 'running'";
    Tenant RUN_CHECKPOINT = "update runs set progress = $3, counters = $4 where tenant_id = $1 and id = $2";
    Tenant RUN_RELEASE = "update runs set state = 'queued', due_at = $4, progress = $5, error = $6, attempts = $7,
        lease_until = null, worker = null
        where tenant_id = $1 and id = $2 and epoch = $3 and state = 'running'";
    Global LEASES_DROP = "update runs set lease_until = $1 where state = 'running' and lease_until > $1";
    Tenant RUN_FINISH = "update runs set state = $3, error = $4, counters = $5, guards = $6, finished_at = $7,
        lease_until = null, worker = null
        where tenant_id = $1 and id = $2";
}

/// Adds to a run's counters, inside a transaction that holds its lock.
pub(crate) async fn count(
    tx: &mut Tx,
    lease: &Lease,
    mut counters: Counters,
    more: &Counters,
) -> Result<()> {
    if *more != Counters::default() {
        counters.add(more);
        execute!(
            tx,
            RUN_COUNT,
            lease.tenant.uuid(),
            lease.run.uuid(),
            Json(counters)
        )?;
    }
    Ok(())
}

/// Saves the worker's notes and adds to the counters, inside a transaction that holds the run's lock.
pub(crate) async fn checkpoint(
    tx: &mut Tx,
    lease: &Lease,
    mut counters: Counters,
    more: &Counters,
    progress: &serde_json::Value,
) -> Result<()> {
    counters.add(more);
    execute!(
        tx,
        RUN_CHECKPOINT,
        lease.tenant.uuid(),
        lease.run.uuid(),
        Json(progress),
        Json(counters)
    )?;
    Ok(())
}

fn held(rows: u64) -> Result<()> {
    if rows == 0 {
        return Err(StoreError::Fenced);
    }
    Ok(())
}

impl Store {
    /// Ends every lease now, so that what ran can be taken up at once. Only for a process that holds its database
    /// alone: whoever held these leases is gone. Answers how many there were. On PostgreSQL, which others may share,
    /// it does nothing: leases expire by themselves.
    pub async fn leases_drop(&self, now: DateTime<Utc>) -> Result<u64> {
        if matches!(self.db, Db::Postgres(_)) {
            return Ok(0);
        }
        transaction!(self.write_global(), tx => { execute!(tx, LEASES_DROP, now) })
    }
}

impl Scope {
    /// Proves the lease and locks the run's row for the rest of the transaction: its counters. `Fenced` if it is lost
    /// or another tenant's.
    pub(crate) async fn fence(&self, tx: &mut Tx, lease: &Lease) -> Result<Counters> {
        let row = fetch_optional!(
            tx,
            (Json<Counters>,),
            RUN_FENCE,
            self.id(),
            lease.run.uuid(),
            lease.epoch,
            lease.connection.uuid()
        )?;
        row.map(|(Json(counters),)| counters)
            .ok_or(StoreError::Fenced)
    }

    /// Claims a run that is queued and due, or whose lease has expired. `None` when somebody else has it, it is not
    /// due, or it is over. Of any number of claimers, one gets it.
    pub async fn run_claim(
        &self,
        run: RunId,
        now: DateTime<Utc>,
        lease_until: DateTime<Utc>,
        worker: &str,
    ) -> Result<Option<Lease>> {
        let row = transaction!(self.write(), tx => {
            fetch_optional!(tx, (Uuid, i64), RUN_CLAIM, self.id(), run.uuid(), now, lease_until, worker)
        })?;
        Ok(row.map(|(connection, epoch)| Lease {
            tenant: self.tenant(),
            run,
            connection: ConnectionId::from_uuid(connection),
            epoch,
        }))
    }

    /// Keeps a lease alive.
    pub async fn run_heartbeat(&self, lease: &Lease, lease_until: DateTime<Utc>) -> Result<()> {
        held(transaction!(self.write(), tx => {
            execute!(tx, RUN_HEARTBEAT, self.id(), lease.run.uuid(), lease.epoch, lease_until)
        })?)
    }

    /// Saves the worker's notes and adds to the run's counters.
    pub async fn run_checkpoint(
        &self,
        lease: &Lease,
        progress: &serde_json::Value,
        counters: &Counters,
    ) -> Result<()> {
        transaction!(self.write(), tx => {
            let before = self.fence(tx, lease).await?;
            checkpoint(tx, lease, before, counters, progress).await
        })
    }

    /// Gives a run back before it is done. The lease is lost with it.
    pub async fn run_release(&self, lease: &Lease, release: &Release) -> Result<()> {
        held(transaction!(self.write(), tx => {
            execute!(tx, RUN_RELEASE, self.id(), lease.run.uuid(), lease.epoch, release.due_at,
                Json(&release.progress), &release.error, release.attempts)
        })?)
    }

    /// Ends a run in a final state. The lease is lost with it.
    pub async fn run_finish(&self, lease: &Lease, finish: &Finish) -> Result<()> {
        transaction!(self.write(), tx => {
            let mut counters = self.fence(tx, lease).await?;
            counters.add(&finish.counters);
            execute!(tx, RUN_FINISH, self.id(), lease.run.uuid(), finish.state.as_str(), &finish.error,
                Json(counters), Json(&finish.guards), finish.now)
        })?;
        Ok(())
    }
}
