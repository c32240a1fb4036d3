//! The two databases behind one face: pools, transactions, and the macros that expand one expression for both.
//!
//! No trait and no generic parameter: an enum, matched in macros, so that each statement and its bindings are written
//! once. What differs in SQL is in `dialect`.

use std::str::FromStr as _;
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{Connection as _, Executor as _, SqlSafeStr as _};
use uuid::Uuid;

use crate::sqlite::{Loan, SqliteConnections};
use crate::statement::{Statement, census, statements};
use crate::{Result, StoreError};

/// Most connections held to PostgreSQL by one process.
const POSTGRES_CONNECTIONS: u32 = 16;
/// Readers of a SQLite file; there is one writer.
const SQLITE_READERS: usize = 4;
/// How long to wait for a connection, or for SQLite's lock.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);
/// Statements that a connection keeps prepared: all that there are.
const PREPARED: usize = 200;
/// How often a transaction is run again after a transient refusal.
pub(crate) const RETRIES: u32 = 5;
/// Most rows one statement carries; more are sent in parts.
pub(crate) const BATCH: usize = 1000;
/// Most rows one read answers with.
const PAGE: u32 = 1000;

static POSTGRES_MIGRATIONS: Migrator = sqlx::migrate!("../../migrations/postgres");
static SQLITE_MIGRATIONS: Migrator = sqlx::migrate!("../../migrations/sqlite");

/// For PostgreSQL: how long a transaction may stand still. A process that was stopped half-way would else keep its rows
/// from all others for as long as it sleeps.
const STANDSTILL: &str = "set idle_in_transaction_session_timeout = '10s'";

statements! {
    /// For whom this transaction is, for row-level security: a tenant, or 'on' for reads across tenants where a policy
    /// says so. Both end with the transaction.
    Global WHO_SET = "select set_config('app.tenant', $1, true), set_config('app.system', $2, true)";
    /// Whether row-level security binds whoever is connected.
    Global ROLE_BYPASSES = "select rolsuper or rolbypassrls from pg_roles where rolname = current_user";
}

/// The database.
#[derive(Clone)]
pub(crate) enum Db {
    /// PostgreSQL, shared by many processes.
    Postgres(PgPool),
    /// A SQLite file (or memory), held by this process alone.
    Sqlite {
        /// One connection: writers queue for it instead of colliding.
        writer: SqliteConnections,
        /// The others; for a database in memory, the same one.
        readers: SqliteConnections,
    },
}

/// A transaction. Dropped without `commit`, it is rolled back.
pub(crate) enum Tx {
    /// On PostgreSQL.
    Postgres(sqlx::Transaction<'static, sqlx::Postgres>),
    /// On SQLite.
    Sqlite(Loan),
}

/// For whom a transaction is.
#[derive(Clone, Copy)]
pub(crate) enum Who {
    /// One tenant.
    Tenant(Uuid),
    /// Nobody yet: reads across tenants where a policy allows it.
    System,
}

impl Db {
    pub(crate) async fn open(url: &str) -> Result<Self> {
        if url.starts_with("postgres:") || url.starts_with("postgresql:") {
            let options = PgConnectOptions::from_str(url)?.statement_cache_capacity(PREPARED);
            let pool = PgPoolOptions::new()
                .max_connections(POSTGRES_CONNECTIONS)
                .acquire_timeout(PATIENCE)
                .after_connect(|connection, _| {
                    Box::pin(async move {
                        connection.execute(STANDSTILL).await?;
                        Ok(())
                    })
                })
                .connect_with(options)
                .await?;
            let (bypasses,): (bool,) = sqlx::query_as(ROLE_BYPASSES.postgres)
                .fetch_one(&pool)
                .await?;
            if bypasses {
                tracing::warn!(
                    "the database role bypasses row-level security: use one that is no superuser"
                );
            }
            return Ok(Self::Postgres(pool));
        }
        let options = SqliteConnectOptions::from_str(url)?
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .busy_timeout(PATIENCE)
            .foreign_keys(true)
            .pragma("temp_store", "memory")
            .statement_cache_capacity(PREPARED);
        let writer = SqliteConnections::open(&options, 1).await?;
        let readers = if url.contains(":memory:") {
            writer.clone()
        } else {
            SqliteConnections::open(&options, SQLITE_READERS).await?
        };
        Ok(Self::Sqlite { writer, readers })
    }

    pub(crate) async fn migrate(&self) -> Result<()> {
        match self {
            Self::Postgres(pool) => self.migrator().run(pool).await?,
            Self::Sqlite { writer, .. } => {
                self.migrator().run(&mut *writer.lend().await?).await?;
            }
        }
        Ok(())
    }

    /// The migrations that this program knows.
    pub(crate) const fn migrator(&self) -> &'static Migrator {
        match self {
            Self::Postgres(_) => &POSTGRES_MIGRATIONS,
            Self::Sqlite { .. } => &SQLITE_MIGRATIONS,
        }
    }

    pub(crate) async fn ping(&self) -> Result<()> {
        match self {
            Self::Postgres(pool) => pool.acquire().await?.ping().await?,
            Self::Sqlite { readers, .. } => readers.lend().await?.ping().await?,
        }
        Ok(())
    }

    pub(crate) async fn close(&self) {
        match self {
            Self::Postgres(pool) => pool.close().await,
            Self::Sqlite { writer, readers } => {
                readers.close().await;
                writer.close().await;
            }
        }
    }

    /// Prepares every statement against the schema as it is.
    pub(crate) async fn verify(&self) -> Result<()> {
        for statement in census() {
            let prepared = match self {
                Self::Postgres(pool) => pool
                    .acquire()
                    .await?
                    .prepare(statement.postgres.into_sql_str())
                    .await
                    .map(drop),
                Self::Sqlite { .. } if is_postgres_only(&statement) => Ok(()),
                Self::Sqlite { readers, .. } => readers
                    .lend()
                    .await?
                    .prepare(statement.sqlite.into_sql_str())
                    .await
                    .map(drop),
            };
            prepared.map_err(|error| {
                tracing::error!(statement = statement.name, "does not fit the schema");
                StoreError::Unavailable(error)
            })?;
        }
        Ok(())
    }

    /// For several statements that read as of one moment.
    pub(crate) async fn read(&self, who: Who) -> Result<Tx> {
        match self {
            Self::Sqlite { readers, .. } => begin_sqlite(readers, "begin").await,
            Self::Postgres(pool) => Box::pin(begin_postgres(pool, who)).await,
        }
    }

    /// For one statement that reads.
    pub(crate) async fn read_one(&self, who: Who) -> Result<Tx> {
        match self {
            Self::Sqlite { readers, .. } => Ok(Tx::Sqlite(readers.lend().await?.for_one())),
            Self::Postgres(pool) => Box::pin(begin_postgres(pool, who)).await,
        }
    }

    /// For statements that write.
    pub(crate) async fn write(&self, who: Who) -> Result<Tx> {
        match self {
            Self::Sqlite { writer, .. } => begin_sqlite(writer, "begin immediate").await,
            Self::Postgres(pool) => Box::pin(begin_postgres(pool, who)).await,
        }
    }

    /// For one statement that writes, and is executed to its end: where rows are fetched, nobody hears of a commit that
    /// fails.
    pub(crate) async fn write_one(&self, who: Who) -> Result<Tx> {
        match self {
            Self::Sqlite { writer, .. } => Ok(Tx::Sqlite(writer.lend().await?.for_one())),
            Self::Postgres(pool) => Box::pin(begin_postgres(pool, who)).await,
        }
    }
}

/// The statements about row-level security itself.
fn is_postgres_only(statement: &Statement) -> bool {
    STATEMENTS.iter().any(|own| own.name == statement.name)
}

async fn begin_sqlite(connections: &SqliteConnections, how: &'static str) -> Result<Tx> {
    let mut loan = connections.lend().await?;
    loan.begin(how).await?;
    Ok(Tx::Sqlite(loan))
}

/// Boxed by its callers: what a pool does before it gives a connection is large, and would be moved about with every
/// future around it, on SQLite too.
async fn begin_postgres(pool: &PgPool, who: Who) -> Result<Tx> {
    let mut tx = Tx::Postgres(pool.begin().await?);
    tx.become_(who).await?;
    Ok(tx)
}

impl Tx {
    /// Changes for whom the rest of the transaction is.
    pub(crate) async fn become_(&mut self, who: Who) -> Result<()> {
        let Self::Postgres(tx) = self else {
            return Ok(());
        };
        let (tenant, system) = match who {
            Who::Tenant(tenant) => (tenant.to_string(), "off"),
            Who::System => (String::new(), "on"),
        };
        sqlx::query(WHO_SET.postgres)
            .bind(tenant)
            .bind(system)
            .execute(&mut **tx)
            .await?;
        Ok(())
    }

    pub(crate) async fn commit(self) -> Result<()> {
        match self {
            Self::Postgres(tx) => tx.commit().await?,
            Self::Sqlite(loan) => loan.commit().await?,
        }
        Ok(())
    }
}

/// Waits longer from attempt to attempt: 4 ms to 64 ms.
pub(crate) const fn pause(attempt: u32) -> Duration {
    Duration::from_millis(2 << attempt)
}

/// A page size inside the limit, as both databases bind it.
pub(crate) fn page(limit: u32) -> i64 {
    i64::from(limit.clamp(1, PAGE))
}

/// Runs a block that gives a `Result` inside a transaction and commits; again, after a transient refusal.
macro_rules! transaction {
    ($begin:expr, $tx:ident => $body:block) => {{
        let mut attempt = 0;
        #[cfg(feature = "turns")]
        let _turn = $crate::turns::take(file!(), line!()).await;
        loop {
            let attempted = async {
                let mut open = $begin.await?;
                let value: $crate::Result<_> = {
                    let $tx = &mut open;
                    async { $body }.await
                };
                let value = value?;
                open.commit().await?;
                Ok(value)
            };
            #[cfg(feature = "turns")]
            let done: $crate::Result<_> = $crate::turns::alone(attempted);
            #[cfg(not(feature = "turns"))]
            let done: $crate::Result<_> = attempted.await;
            match done {
                Err(error) if attempt < $crate::db::RETRIES && error.is_transient() => {
                    attempt += 1;
                    tokio::time::sleep($crate::db::pause(attempt)).await;
                }
                other => break other,
            }
        }
    }};
}
pub(crate) use transaction;

/// Executes a statement with these bindings: rows affected.
macro_rules! execute {
    ($tx:expr, $statement:expr $(, $value:expr)* $(,)?) => {
        match &mut *$tx {
            $crate::db::Tx::Postgres(tx) => sqlx::query($statement.postgres)$(.bind($value))*
                .execute(&mut **tx).await.map(|done| done.rows_affected()).map_err($crate::StoreError::from),
            $crate::db::Tx::Sqlite(tx) => sqlx::query($statement.sqlite)$(.bind($value))*
                .execute(&mut **tx).await.map(|done| done.rows_affected()).map_err($crate::StoreError::from),
        }
    };
}
pub(crate) use execute;

/// All rows of a statement with these bindings.
macro_rules! fetch_all {
    ($tx:expr, $row:ty, $statement:expr $(, $value:expr)* $(,)?) => {
        match &mut *$tx {
            $crate::db::Tx::Postgres(tx) => sqlx::query_as::<_, $row>($statement.postgres)$(.bind($value))*
                .fetch_all(&mut **tx).await.map_err($crate::StoreError::from),
            $crate::db::Tx::Sqlite(tx) => sqlx::query_as::<_, $row>($statement.sqlite)$(.bind($value))*
                .fetch_all(&mut **tx).await.map_err($crate::StoreError::from),
        }
    };
}
pub(crate) use fetch_all;

/// The row of a statement with these bindings, if there is one.
macro_rules! fetch_optional {
    ($tx:expr, $row:ty, $statement:expr $(, $value:expr)* $(,)?) => {
        match &mut *$tx {
            $crate::db::Tx::Postgres(tx) => sqlx::query_as::<_, $row>($statement.postgres)$(.bind($value))*
                .fetch_optional(&mut **tx).await.map_err($crate::StoreError::from),
            $crate::db::Tx::Sqlite(tx) => sqlx::query_as::<_, $row>($statement.sqlite)$(.bind($value))*
                .fetch_optional(&mut **tx).await.map_err($crate::StoreError::from),
        }
    };
}
pub(crate) use fetch_optional;

/// All rows of a statement whose last binding is a list: an array on PostgreSQL, JSON on SQLite.
macro_rules! fetch_listed {
    ($tx:expr, $row:ty, $statement:expr, [$($value:expr),*], $list:expr) => {
        match &mut *$tx {
            $crate::db::Tx::Postgres(tx) => sqlx::query_as::<_, $row>($statement.postgres)$(.bind($value))*
                .bind($list).fetch_all(&mut **tx).await.map_err($crate::StoreError::from),
            $crate::db::Tx::Sqlite(tx) => sqlx::query_as::<_, $row>($statement.sqlite)$(.bind($value))*
                .bind($crate::bulk::json_list($list)).fetch_all(&mut **tx).await.map_err($crate::StoreError::from),
        }
    };
}
pub(crate) use fetch_listed;
