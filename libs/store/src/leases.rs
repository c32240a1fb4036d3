//! Executing a run: claim, heartbeat, checkpoint, release, finish. Claims are compare-and-swap on the primary key, and
//! every write names the claim's epoch, so that a worker that lost its lease changes nothing. One run at a time works on
//! a pair of accounts, whatever its connection, and on the pairs of a ring: a pair's row, the seat, carries that right
//! along with the run's.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::types::Json;
use syncline_model::seeded::{Bug, seeded};
use syncline_model::{ConnectionId, Counters, PairId, Run, RunId, RunState, Side};
use uuid::Uuid;

use crate::db::{Db, Tx, execute, fetch_optional, transaction};
use crate::dialect::{RUN_CLAIMABLE, RUN_FENCE};
use crate::pairs::ring;
use crate::records::over;
use crate::reviews;
use crate::runs::{RunRow, run_columns};
use crate::statement::statements;
use crate::{Finish, Lease, Release, Result, Scope, Store, StoreError};

statements! {
    Tenant RUN_PAIR = "select pair_id from connections where tenant_id = $1 and id = $2";
    Tenant RUN_CLAIM = concat!("update runs set state = 'running', epoch = $6, lease_until = $4, worker = $5,
        started_at = coalesce(started_at, $3) where tenant_id = $1 and id = $2 returning ", run_columns!());
    Tenant RUN_DEFER = "update runs set state = 'queued', due_at = $3, lease_until = null, worker = null
        where tenant_id = $1 and id = $2";
    /// Whoever else works on the pair has lost its lease; were it only asleep, its writes must fail. The join keeps to the
    /// index of unfinished runs: a connection has many that are over.
    Tenant RUN_UNSEAT = "update runs set state = 'queued', epoch = epoch + 1, lease_until = null, worker = null
        where tenant_id = $1 and id <> $2 and id in (select r.id from connections c
            join runs r on r.tenant_id = c.tenant_id and r.connection_id = c.id and r.state in ('queued', 'running')
            where c.tenant_id = $1 and c.pair_id = $3 and r.state <> 'queued')";
    /// Compare-and-swap on the pair: $3 run, $4 its epoch, $5 until when, $6 now.
    Tenant PAIR_TAKE = "update pairs set run_id = $3, run_epoch = $4, run_until = $5, next_run_id = null,
            next_until = null
        where tenant_id = $1 and id = $2 and (run_id is null or run_id = $3 or run_until <= $6)
            and (next_run_id is null or next_run_id = $3 or next_until <= $6)";
    Tenant PAIR_QUEUE = "update pairs set next_run_id = $3, next_until = $4
        where tenant_id = $1 and id = $2 and (next_run_id is null or next_run_id = $3 or next_until <= $5)";
    Tenant PAIR_HEARTBEAT = "update pairs set run_until = $5
        where tenant_id = $1 and id = $2 and run_id = $3 and run_epoch = $4";
    Tenant PAIR_LEAVE = "update pairs set run_id = null, run_epoch = null, run_until = null
        where tenant_id = $1 and id = $2 and run_id = $3 and run_epoch = $4";
    /// Whether another connection's run has yet to settle what it intended on the pair.
    Tenant PAIR_UNSETTLED = "select 1 from intents i where i.tenant_id = $1 and i.pair_id = $2 and i.connection_id <> $3
            and exists (select 1 from runs r where r.tenant_id = i.tenant_id and r.connection_id = i.connection_id
                and r.state in ('queued', 'running'))
        limit 1";
    Tenant PAIR_INTENDED = "select 1 from intents where tenant_id = $1 and pair_id = $2 and connection_id = $3 limit 1";
    /// Who was at work under the seat until now: whoever it was has lost its lease.
    Tenant SEAT_UNSEAT = "update runs set state = 'queued', epoch = epoch + 1, lease_until = null, worker = null
        where tenant_id = $1 and id <> $2 and state = 'running'
            and id = (select run_id from pairs where tenant_id = $1 and id = $3 and run_until <= $4)";
    Tenant RUN_COUNT = "update runs set counters = $3 where tenant_id = $1 and id = $2";
    Tenant RUN_HEARTBEAT = "update runs set lease_until = $4
        where tenant_id = $1 and id = $2 and epoch = $3 and state = 'running'";
    Tenant RUN_CHECKPOINT = "update runs set progress = $3, counters = $4 where tenant_id = $1 and id = $2";
    /// Proves the lease by itself.
    Tenant RUN_NOTE = "update runs set progress = $5
        where tenant_id = $1 and id = $2 and epoch = $3 and connection_id = $4 and state = 'running'";
    Tenant RUN_RELEASE = "update runs set state = 'queued', due_at = $4, progress = $5, error = $6, attempts = $7,
        lease_until = null, worker = null
        where tenant_id = $1 and id = $2 and epoch = $3 and state = 'running'";
    Global PAIRS_DROP = "update pairs set run_id = null, run_epoch = null, run_until = null where run_id is not null";
    Global LEASES_DROP = "update runs set lease_until = $1 where state = 'running' and lease_until > $1";
    Tenant RUN_FINISH = "update runs set state = $3, error = $4, counters = $5, guards = $6, finished_at = $7,
        approved = approved and $3 <> 'parked', lease_until = null, worker = null
        where tenant_id = $1 and id = $2";
    /// Runs that were parked while nothing is held any more.
    Tenant RUNS_UNPARK = "update runs set state = 'cancelled',
        error = 'a later run settled what its guards held'
        where tenant_id = $1 and connection_id = $2 and state = 'parked'";
}

/// When a run that was refused its pair is due again.
const DEFERRED: TimeDelta = TimeDelta::milliseconds(500);
/// For how long a pair is kept for who was refused it and does not come back.
const NEXT_FOR: TimeDelta = TimeDelta::seconds(10);

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
        transaction!(self.write_global(), tx => {
            execute!(tx, PAIRS_DROP)?;
            execute!(tx, LEASES_DROP, now)
        })
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
            .or_else(|| seeded(Bug::NoFencing).then(Counters::default))
            .ok_or(StoreError::Fenced)
    }

    /// Claims a run that is queued and due, or whose lease has expired, and with it its pair of accounts: the lease, and
    /// the run as it is now. `None` when somebody else has it, it is not due, or it is over. Of any number of claimers,
    /// one gets it.
    ///
    /// `None` also while another run works on the pair or its ring, or has yet to settle what it intended there: the run is then
    /// due again in half a second. Who was refused because the pair is taken is the next to get it.
    pub async fn run_claim(
        &self,
        run: RunId,
        now: DateTime<Utc>,
        lease_until: DateTime<Utc>,
        worker: &str,
    ) -> Result<Option<(Lease, Run)>> {
        let claimed = transaction!(self.write(), tx => {
            let id = run.uuid();
            let row = fetch_optional!(tx, (Uuid, i64), RUN_CLAIMABLE, self.id(), id, now)?;
            let Some((connection, before)) = row else {
                return Ok(None);
            };
            let (pair,) = fetch_optional!(tx, (Uuid,), RUN_PAIR, self.id(), connection)?
                .ok_or(StoreError::NotFound)?;
            let ring = ring(tx, self, pair).await?;
            let lease = Lease {
                tenant: self.tenant(),
                run,
                connection: ConnectionId::from_uuid(connection),
                pair: PairId::from_uuid(pair),
                seat: PairId::from_uuid(ring.first().copied().unwrap_or(pair)),
                epoch: before + 1,
            };
            if !self.pair_take(tx, &lease, &ring, now, lease_until).await? {
                execute!(tx, RUN_DEFER, self.id(), id, now + DEFERRED)?;
                return Ok(None);
            }
            execute!(tx, RUN_UNSEAT, self.id(), id, pair)?;
            let row = fetch_optional!(tx, RunRow, RUN_CLAIM, self.id(), id, now, lease_until, worker, lease.epoch)?;
            reviews::take_apart(tx, self, &lease).await?;
            Ok(row.map(|row| (lease, row)))
        })?;
        claimed
            .map(|(lease, row)| Ok((lease, row.try_into()?)))
            .transpose()
    }

    /// Takes a run's pair of accounts and its ring, unless another run has them or has yet to settle what it intended
    /// there.
    async fn pair_take(
        &self,
        tx: &mut Tx,
        lease: &Lease,
        ring: &[Uuid],
        now: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<bool> {
        let (seat, run) = (lease.seat.uuid(), lease.run.uuid());
        if ring.len() > 1 {
            execute!(tx, SEAT_UNSEAT, self.id(), run, seat, now)?;
        }
        let taken = execute!(tx, PAIR_TAKE, self.id(), seat, run, lease.epoch, until, now)?;
        if taken == 0 {
            execute!(tx, PAIR_QUEUE, self.id(), seat, run, now + NEXT_FOR, now)?;
            return Ok(false);
        }
        // Asked only now, under the lock of the seat: what a run intended is seen once it has let go.
        let unsettled = self.is_unsettled(tx, lease, ring).await?;
        if unsettled {
            self.pair_leave(tx, lease).await?;
        }
        Ok(!unsettled)
    }

    /// Whether other connections' runs have yet to settle what they intended: on the pair, or elsewhere in its ring.
    /// There who has something to settle as well waits for nobody, or two could wait for one another.
    async fn is_unsettled(&self, tx: &mut Tx, lease: &Lease, ring: &[Uuid]) -> Result<bool> {
        let (own, connection) = (lease.pair.uuid(), lease.connection.uuid());
        let intended = ring.len() > 1
            && fetch_optional!(tx, (i32,), PAIR_INTENDED, self.id(), own, connection)?.is_some();
        for pair in ring
            .iter()
            .copied()
            .filter(|pair| *pair == own || !intended)
        {
            let row = fetch_optional!(tx, (i32,), PAIR_UNSETTLED, self.id(), pair, connection)?;
            if row.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn pair_leave(&self, tx: &mut Tx, lease: &Lease) -> Result<()> {
        let (seat, run) = (lease.seat.uuid(), lease.run.uuid());
        execute!(tx, PAIR_LEAVE, self.id(), seat, run, lease.epoch)?;
        Ok(())
    }

    /// Says that a worker whose lease is lost has stopped writing to the pair's accounts, so that nobody has to wait for
    /// the lease's end. Nothing happens if the pair is another run's by now.
    pub async fn run_let_go(&self, lease: &Lease) -> Result<()> {
        transaction!(self.write(), tx => { self.pair_leave(tx, lease).await })
    }

    /// Keeps a lease alive.
    pub async fn run_heartbeat(&self, lease: &Lease, lease_until: DateTime<Utc>) -> Result<()> {
        let (seat, run) = (lease.seat.uuid(), lease.run.uuid());
        held(transaction!(self.write(), tx => {
            let rows = execute!(tx, RUN_HEARTBEAT, self.id(), run, lease.epoch, lease_until)?;
            if rows > 0 {
                execute!(tx, PAIR_HEARTBEAT, self.id(), seat, run, lease.epoch, lease_until)?;
            }
            Ok(rows)
        })?)
    }

    /// Saves the worker's notes.
    pub async fn run_note(&self, lease: &Lease, progress: &serde_json::Value) -> Result<()> {
        let noted = transaction!(self.write_one(), tx => {
            execute!(tx, RUN_NOTE, self.id(), lease.run.uuid(), lease.epoch, lease.connection.uuid(), Json(progress))
        })?;
        if seeded(Bug::NoFencing) {
            return Ok(());
        }
        held(noted)
    }

    /// Gives a run back before it is done. The lease is lost with it.
    pub async fn run_release(&self, lease: &Lease, release: &Release) -> Result<()> {
        held(transaction!(self.write(), tx => {
            let rows = execute!(tx, RUN_RELEASE, self.id(), lease.run.uuid(), lease.epoch, release.due_at,
                Json(&release.progress), &release.error, release.attempts)?;
            self.pair_leave(tx, lease).await?;
            Ok(rows)
        })?)
    }

    /// Ends a run in a final state, and counts what is left to the next one. The lease is lost with it. An approval does not outlive being parked again; and
    /// with a run that succeeded nothing is held any more, so that earlier ones are not parked any longer.
    pub async fn run_finish(&self, lease: &Lease, finish: &Finish) -> Result<()> {
        transaction!(self.write(), tx => {
            let mut counters = self.fence(tx, lease).await?;
            counters.add(&finish.counters);
            let over = over(tx, self, lease.connection).await?;
            for side in Side::BOTH {
                counters.from_side(side).waiting = *over.get(side.other());
            }
            execute!(tx, RUN_FINISH, self.id(), lease.run.uuid(), finish.state.as_str(), &finish.error,
                Json(counters), Json(&finish.guards), finish.now)?;
            self.pair_leave(tx, lease).await?;
            if finish.state == RunState::Succeeded {
                execute!(tx, RUNS_UNPARK, self.id(), lease.connection.uuid())?;
            }
            Ok(())
        })?;
        Ok(())
    }
}
