//! What those who watch over the installation ask: is the schema there, does the key ring fit, how late is what is due,
//! how old is what was intended and not settled. Answers are numbers and yes or no, never a tenant's data.

use chrono::{DateTime, Utc};
use sqlx::migrate::Migrator;
use syncline_model::TenantId;
use uuid::Uuid;

use crate::db::{Db, fetch_all, fetch_optional, transaction};
use crate::statement::statements;
use crate::{Result, Store, StoreError};

statements! {
    Global MIGRATIONS_APPLIED = "select version from _sqlx_migrations where success order by version";
    Global TENANT_FIRST = "select tenant_id from members order by id limit 1";
    Global TENANT_LAST = "select tenant_id from members order by id desc limit 1";
    /// The most overdue connection that has no run yet.
    Global CONNECTION_LATEST = "select c.next_run_at from connections c
        where c.status = 'active' and c.next_run_at <= $1 and not exists (select 1 from runs r
            where r.tenant_id = c.tenant_id and r.connection_id = c.id and r.state in ('queued', 'running'))
        order by c.next_run_at limit 1";
    /// The run that has waited longest for a worker.
    Global RUN_LATEST = "select due_at from runs where state = 'queued' and due_at <= $1 order by due_at limit 1";
    Global INTENTS_COUNT = "select count(*) from intents";
    Global INTENT_OLDEST = "select intended_at from intents order by intended_at limit 1";
}

/// What says that a table is not there: PostgreSQL's `undefined_table`, SQLite's `SQLITE_ERROR`.
const NO_TABLE: [&str; 2] = ["42P01", "1"];

/// How the work stands, over all tenants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Vitals {
    /// Since when the most overdue connection, or run that waits for a worker, is due; `None` when nothing is.
    pub due_since: Option<DateTime<Utc>>,
    /// Intents not settled yet.
    pub open_intents: u64,
    /// When the oldest of them was recorded.
    pub oldest_intent: Option<DateTime<Utc>>,
}

/// Connections to the database that this process holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connections {
    /// At work.
    pub used: u32,
    /// Open and free.
    pub idle: u32,
    /// The most there may be.
    pub max: u32,
}

impl Store {
    /// Whether every migration that this program knows has been applied. Newer ones may have been too: a program goes
    /// on with what the next version has added.
    pub async fn is_migrated(&self) -> Result<bool> {
        let rows = transaction!(self.read_one_global(), tx => {
            fetch_all!(tx, (i64,), MIGRATIONS_APPLIED)
        });
        let applied = match rows {
            Ok(rows) => rows,
            // There is no such table yet: nothing was applied.
            Err(StoreError::Unavailable(sqlx::Error::Database(error)))
                if error.code().is_some_and(|code| NO_TABLE.contains(&&*code)) =>
            {
                return Ok(false);
            }
            Err(error) => return Err(error),
        };
        let known: &Migrator = self.db.migrator();
        Ok(known
            .iter()
            .all(|migration| applied.contains(&(migration.version,))))
    }

    /// Opens the keys of the first and of the newest tenant anew: fails when the key ring is another one than the
    /// database was sealed with, or an older one.
    pub async fn keys_fit(&self) -> Result<()> {
        let (first, last) = transaction!(self.read_global(), tx => {
            let first = fetch_optional!(tx, (Uuid,), TENANT_FIRST)?;
            Ok((first, fetch_optional!(tx, (Uuid,), TENANT_LAST)?))
        })?;
        for (tenant,) in [first, last].into_iter().flatten() {
            match self.key_open(TenantId::from_uuid(tenant)).await {
                // Deleted since.
                Ok(_) | Err(StoreError::NotFound) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// How the work stands.
    pub async fn vitals(&self, now: DateTime<Utc>) -> Result<Vitals> {
        transaction!(self.read_global(), tx => {
            let connection = fetch_optional!(tx, (DateTime<Utc>,), CONNECTION_LATEST, now)?;
            let run = fetch_optional!(tx, (DateTime<Utc>,), RUN_LATEST, now)?;
            let count = fetch_optional!(tx, (i64,), INTENTS_COUNT)?;
            let oldest = fetch_optional!(tx, (DateTime<Utc>,), INTENT_OLDEST)?;
            Ok(Vitals {
                due_since: [connection, run].into_iter().flatten().map(|(at,)| at).min(),
                open_intents: count.map_or(0, |(count,)| count.unsigned_abs()),
                oldest_intent: oldest.map(|(at,)| at),
            })
        })
    }

    /// Connections to the database that this process holds.
    pub fn connections(&self) -> Connections {
        let of = |size: u32, idle: usize, max: u32| {
            let idle = u32::try_from(idle).unwrap_or(u32::MAX).min(size);
            Connections {
                used: size - idle,
                idle,
                max,
            }
        };
        match &self.db {
            Db::Postgres(pool) => of(
                pool.size(),
                pool.num_idle(),
                pool.options().get_max_connections(),
            ),
            Db::Sqlite { readers, .. } => {
                let (all, free) = readers.count();
                let all = u32::try_from(all).unwrap_or(u32::MAX);
                of(all, free, all)
            }
        }
    }
}
