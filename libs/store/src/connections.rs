//! Connections.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use sqlx::types::Json;
use syncline_model::{
    AccountId, ConflictPolicy, Connection, ConnectionId, ConnectionStatus, Counters, Deletions,
    Direction, Guards, MappingChoice, MatchKey, ObjectType, OnLeave, PairId, PausedEntry, Rule,
    Schedule, SideConfig, Sides, TenantId,
};
use uuid::Uuid;

use crate::accounts::{self, delete_unused, retire};
use crate::db::{Tx, execute, fetch_all, fetch_optional, page, transaction};
use crate::leases::checkpoint;
use crate::staged::{requeue, requeue_over};
use crate::statement::statements;
use crate::{EditEffects, Lease, OpenedConnection, Result, Retirement, Scope, Store, StoreError};

macro_rules! connection_columns {
    () => {
        "tenant_id, id, pair_id, name, object, a_account, a_collection, b_account, b_collection, settings,
         status, status_reason, revision, created_at, updated_at"
    };
}
pub(crate) use connection_columns;

statements! {
    Tenant CONNECTION_INSERT = "insert into connections (tenant_id, id, pair_id, name, object, a_account,
        a_collection, b_account, b_collection, settings, status, status_reason, revision, next_run_at, repull,
        created_at, updated_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, false, $15, $16)";
    Tenant CONNECTION_GET = concat!("select ", connection_columns!(), " from connections
        where tenant_id = $1 and id = $2");
    Tenant CONNECTION_OPEN = concat!("select ", connection_columns!(), ", repull, looked_at, paused_entries,
            (select plan from tenants t where t.tenant_id = $1) as plan from connections
        where tenant_id = $1 and id = $2");
    /// Locks the tenant's row, so that of two connections made at the same time the later one is counted.
    Tenant CONNECTIONS_LOCK = "update tenants set plan = plan where tenant_id = $1";
    Tenant CONNECTIONS_COUNT = "select count(*) from connections where tenant_id = $1";
    Tenant CONNECTION_LIST = concat!("select ", connection_columns!(), " from connections
        where tenant_id = $1 and id > $2 order by id limit cast($3 as bigint)");
    /// Compare-and-swap on the revision.
    Tenant CONNECTION_UPDATE = concat!("update connections set name = $4, a_collection = $5, b_collection = $6,
        settings = $7, status = $8, status_reason = $9, updated_at = $10, revision = revision + 1
        where tenant_id = $1 and id = $2 and revision = $3 returning ", connection_columns!());
    Tenant CONNECTION_STATUS_SET = concat!("update connections set status = $3, status_reason = $4, updated_at = $5,
        revision = revision + 1 where tenant_id = $1 and id = $2 returning ", connection_columns!());
    Tenant CONNECTION_DELETE = "delete from connections where tenant_id = $1 and id = $2";
    Tenant CONNECTION_REVISION = "select revision from connections where tenant_id = $1 and id = $2";
    /// A run that somebody executes is left to him: he sees that the connection is paused.
    Tenant CONNECTION_RUN_STOP = "update runs set state = 'cancelled', finished_at = $3, lease_until = null,
        error = 'the connection was paused'
        where tenant_id = $1 and connection_id = $2
            and (state = 'queued' or (state = 'running' and lease_until <= $3))";
    Tenant CONNECTION_NEXT_GET = "select next_run_at from connections where tenant_id = $1 and id = $2";
    Tenant CONNECTION_NEXT_SET = "update connections set next_run_at = $3 where tenant_id = $1 and id = $2";
    /// What a provider told of just now may not be in its lists yet.
    Tenant CONNECTION_NEXT_AFTER = "update connections set next_run_at = case
            when hinted_for > $4 and hinted_for > $5 and hinted_for < $3 then hinted_for
            when hinted_for > $4 and hinted_for <= $5 and $5 < $3 then $5
            else $3 end
        where tenant_id = $1 and id = $2";
    /// For a person who waits: even where nothing runs by itself.
    Tenant CONNECTION_SOON = "update connections set next_run_at = $3
        where tenant_id = $1 and id = $2 and status = 'active' and (next_run_at is null or next_run_at > $3)";
    Tenant CONNECTIONS_SOON = "update connections set next_run_at = $3
        where tenant_id = $1 and pair_id = $2 and status = 'active' and (next_run_at is null or next_run_at > $3)";
    Tenant CONNECTIONS_OF_PAIR = "select id from connections where tenant_id = $1 and pair_id = $2 order by id";
    Tenant CONNECTION_PAUSED_ENTRIES = "select paused_entries from connections where tenant_id = $1 and id = $2";
    Tenant CONNECTION_PAUSE_ENTRIES = "update connections set paused_entries = $3 where tenant_id = $1 and id = $2";
    Tenant CONNECTION_REPULL_SET = "update connections set repull = true where tenant_id = $1 and id = $2";
    Tenant CONNECTION_REPULL_TAKE = "update connections set repull = false
        where tenant_id = $1 and id = $2 and repull";
    Tenant CURSORS_DELETE = "delete from cursors where tenant_id = $1 and connection_id = $2";
    Global CONNECTIONS_DUE = "select c.tenant_id, c.id from connections c
        where c.status = 'active' and c.next_run_at <= $1 and not exists (select 1 from runs r
            where r.tenant_id = c.tenant_id and r.connection_id = c.id and r.state in ('queued', 'running'))
        order by c.next_run_at limit cast($2 as bigint)";
}

/// What a customer says about a connection, beyond what has a column of its own.
#[derive(Serialize, Deserialize)]
struct Settings {
    direction: Direction,
    conflict: ConflictPolicy,
    schedule: Schedule,
    rules: Vec<Rule>,
    mapping: MappingChoice,
    deletions: Deletions,
    on_leave: OnLeave,
    matching: Vec<MatchKey>,
    guards: Guards,
}

impl Settings {
    fn of(connection: &Connection) -> Self {
        Self {
            direction: connection.direction,
            conflict: connection.conflict,
            schedule: connection.schedule,
            rules: connection.rules.clone(),
            mapping: connection.mapping.clone(),
            deletions: connection.deletions,
            on_leave: connection.on_leave,
            matching: connection.matching.clone(),
            guards: connection.guards,
        }
    }
}

#[derive(FromRow)]
pub(crate) struct ConnectionRow {
    tenant_id: Uuid,
    id: Uuid,
    pair_id: Uuid,
    name: String,
    object: String,
    a_account: Uuid,
    a_collection: Option<String>,
    b_account: Uuid,
    b_collection: Option<String>,
    settings: Json<Settings>,
    status: String,
    status_reason: Option<String>,
    revision: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

#[derive(FromRow)]
struct OpenRow {
    #[sqlx(flatten)]
    connection: ConnectionRow,
    repull: bool,
    looked_at: Option<DateTime<Utc>>,
    paused_entries: String,
    plan: String,
}

impl TryFrom<ConnectionRow> for Connection {
    type Error = StoreError;

    fn try_from(row: ConnectionRow) -> Result<Self> {
        let settings = row.settings.0;
        Ok(Self {
            id: ConnectionId::from_uuid(row.id),
            tenant: TenantId::from_uuid(row.tenant_id),
            pair: PairId::from_uuid(row.pair_id),
            name: row.name,
            object: match row.object.as_str() {
                "contact" => ObjectType::Contact,
                other => return Err(StoreError::word("object type", other)),
            },
            sides: Sides {
                a: SideConfig {
                    account: AccountId::from_uuid(row.a_account),
                    collection: row.a_collection,
                },
                b: SideConfig {
                    account: AccountId::from_uuid(row.b_account),
                    collection: row.b_collection,
                },
            },
            direction: settings.direction,
            conflict: settings.conflict,
            schedule: settings.schedule,
            rules: settings.rules,
            mapping: settings.mapping,
            deletions: settings.deletions,
            on_leave: settings.on_leave,
            matching: settings.matching,
            guards: settings.guards,
            status: match row.status.as_str() {
                "active" => ConnectionStatus::Active,
                "paused" => ConnectionStatus::Paused {
                    reason: row.status_reason.unwrap_or_default(),
                },
                other => return Err(StoreError::word("connection status", other)),
            },
            revision: row.revision,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

fn status_parts(status: &ConnectionStatus) -> (&'static str, Option<&str>) {
    match status {
        ConnectionStatus::Active => ("active", None),
        ConnectionStatus::Paused { reason } => ("paused", Some(reason)),
    }
}

fn found(rows: u64) -> Result<()> {
    if rows == 0 {
        return Err(StoreError::NotFound);
    }
    Ok(())
}

async fn pause(
    tx: &mut Tx,
    scope: &Scope,
    id: ConnectionId,
    reason: &str,
    now: DateTime<Utc>,
) -> Result<ConnectionRow> {
    execute!(tx, CONNECTION_RUN_STOP, scope.id(), id.uuid(), now)?;
    let row = fetch_optional!(
        tx,
        ConnectionRow,
        CONNECTION_STATUS_SET,
        scope.id(),
        id.uuid(),
        "paused",
        Some(reason),
        now
    )?;
    row.ok_or(StoreError::NotFound)
}

/// Locks the accounts of a connection: which they are.
async fn locked(tx: &mut Tx, scope: &Scope, id: ConnectionId) -> Result<[AccountId; 2]> {
    let row = fetch_optional!(tx, ConnectionRow, CONNECTION_GET, scope.id(), id.uuid())?;
    let row = row.ok_or(StoreError::NotFound)?;
    let accounts = [row.a_account, row.b_account].map(AccountId::from_uuid);
    accounts::lock(tx, scope, accounts).await?;
    Ok(accounts)
}

/// Has a connection run as soon as it can, unless it is paused.
pub(crate) async fn soon(
    tx: &mut Tx,
    scope: &Scope,
    id: ConnectionId,
    now: DateTime<Utc>,
) -> Result<()> {
    execute!(tx, CONNECTION_SOON, scope.id(), id.uuid(), now).map(drop)
}

/// As `soon`, for all connections of a pair. Which they are.
pub(crate) async fn all_soon(
    tx: &mut Tx,
    scope: &Scope,
    pair: PairId,
    now: DateTime<Utc>,
) -> Result<Vec<ConnectionId>> {
    execute!(tx, CONNECTIONS_SOON, scope.id(), pair.uuid(), now)?;
    let rows = fetch_all!(tx, (Uuid,), CONNECTIONS_OF_PAIR, scope.id(), pair.uuid())?;
    let ids = rows.into_iter().map(|(id,)| ConnectionId::from_uuid(id));
    Ok(ids.collect())
}

impl Store {
    /// Active connections of any tenant whose time has come and that have no unfinished run, longest due first.
    pub async fn connections_due(
        &self,
        now: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<(TenantId, ConnectionId)>> {
        let rows = transaction!(self.read_one_global(), tx => {
            fetch_all!(tx, (Uuid, Uuid), CONNECTIONS_DUE, now, page(limit))
        })?;
        Ok(rows
            .into_iter()
            .map(|(tenant, id)| (TenantId::from_uuid(tenant), ConnectionId::from_uuid(id)))
            .collect())
    }
}

impl Scope {
    /// Keeps a new connection. `next_run_at`: when its first run is due; `None` for never. `most`: how many connections
    /// the tenant may have; `Conflict { "connections" }` when there are that many. `Conflict { "account" }` when one of its
    /// accounts is gone, or not active any more.
    pub async fn connection_create(
        &self,
        connection: &Connection,
        next_run_at: Option<DateTime<Utc>>,
        most: Option<u32>,
    ) -> Result<()> {
        let settings = Json(Settings::of(connection));
        let (status, reason) = status_parts(&connection.status);
        let (a, b) = (connection.sides.a.account, connection.sides.b.account);
        transaction!(self.write(), tx => {
            if let Some(most) = most {
                execute!(tx, CONNECTIONS_LOCK, self.id())?;
                let there = fetch_optional!(tx, (i64,), CONNECTIONS_COUNT, self.id())?;
                if there.is_some_and(|(there,)| there >= i64::from(most)) {
                    return Err(StoreError::Conflict { what: "connections" });
                }
            }
            if !accounts::lock(tx, self, [a, b]).await? {
                return Err(StoreError::Conflict { what: "account" });
            }
            execute!(tx, CONNECTION_INSERT, self.id(), connection.id.uuid(), connection.pair.uuid(),
                &connection.name, connection.object.as_str(), connection.sides.a.account.uuid(),
                &connection.sides.a.collection, connection.sides.b.account.uuid(), &connection.sides.b.collection,
                &settings, status, reason, connection.revision, next_run_at, connection.created_at,
                connection.updated_at).map_err(|error| error.or_conflict("connection"))
        })?;
        Ok(())
    }

    /// One connection.
    pub async fn connection_get(&self, id: ConnectionId) -> Result<Connection> {
        let row = transaction!(self.read_one(), tx => {
            fetch_optional!(tx, ConnectionRow, CONNECTION_GET, self.id(), id.uuid())
        })?;
        row.ok_or(StoreError::NotFound)?.try_into()
    }

    /// One connection, as a run opens it.
    pub async fn connection_open(&self, id: ConnectionId) -> Result<OpenedConnection> {
        let row = transaction!(self.read_one(), tx => {
            fetch_optional!(tx, OpenRow, CONNECTION_OPEN, self.id(), id.uuid())
        })?;
        let row = row.ok_or(StoreError::NotFound)?;
        Ok(OpenedConnection {
            connection: row.connection.try_into()?,
            repull: row.repull,
            looked_at: row.looked_at,
            paused: serde_json::from_str(&row.paused_entries)?,
            plan: row.plan,
        })
    }

    /// Mapping entries that rest, as the last run found it.
    pub async fn connection_paused_entries(&self, id: ConnectionId) -> Result<Vec<PausedEntry>> {
        let row = transaction!(self.read_one(), tx => {
            fetch_optional!(tx, (String,), CONNECTION_PAUSED_ENTRIES, self.id(), id.uuid())
        })?;
        Ok(serde_json::from_str(&row.ok_or(StoreError::NotFound)?.0)?)
    }

    /// Notes which mapping entries rest. With `repull` everything is read again by the next run, because some go on.
    pub async fn connection_pause_entries(
        &self,
        lease: &Lease,
        paused: &[PausedEntry],
        repull: bool,
    ) -> Result<()> {
        let connection = lease.connection.uuid();
        let paused = serde_json::to_string(paused)?;
        transaction!(self.write(), tx => {
            self.fence(tx, lease).await?;
            execute!(tx, CONNECTION_PAUSE_ENTRIES, self.id(), connection, &paused)?;
            if repull {
                execute!(tx, CONNECTION_REPULL_SET, self.id(), connection)?;
            }
            Ok(())
        })
    }

    /// Connections in the order of their ids.
    pub async fn connection_list(
        &self,
        after: Option<ConnectionId>,
        limit: u32,
    ) -> Result<Vec<Connection>> {
        let after = after.map_or(Uuid::nil(), ConnectionId::uuid);
        let rows = transaction!(self.read_one(), tx => {
            fetch_all!(tx, ConnectionRow, CONNECTION_LIST, self.id(), after, page(limit))
        })?;
        rows.into_iter().map(Connection::try_from).collect()
    }

    /// Writes an edited connection (all but its pair, accounts, object and creation) if its revision is still
    /// `expected_revision`, and what follows from the edit: the row as it is now. Else `Conflict { "revision" }`.
    pub async fn connection_update(
        &self,
        connection: &Connection,
        expected_revision: i64,
        effects: &EditEffects,
    ) -> Result<Connection> {
        let settings = Json(Settings::of(connection));
        let (status, reason) = status_parts(&connection.status);
        let id = connection.id.uuid();
        let row = transaction!(self.write(), tx => {
            let row = fetch_optional!(tx, ConnectionRow, CONNECTION_UPDATE, self.id(), id, expected_revision,
                &connection.name, &connection.sides.a.collection, &connection.sides.b.collection, &settings, status,
                reason, connection.updated_at)?;
            let Some(row) = row else {
                return Err(match fetch_optional!(tx, ConnectionRow, CONNECTION_GET, self.id(), id)? {
                    Some(_) => StoreError::Conflict { what: "revision" },
                    None => StoreError::NotFound,
                });
            };
            if effects.replan {
                requeue(tx, self, connection.id).await?;
                execute!(tx, CONNECTION_REPULL_SET, self.id(), id)?;
            } else if effects.reguard {
                requeue_over(tx, self, connection.id).await?;
            }
            if let Some(next_run_at) = effects.next_run_at {
                execute!(tx, CONNECTION_NEXT_SET, self.id(), id, next_run_at)?;
            }
            Ok(row)
        })?;
        row.try_into()
    }

    /// Deletes a connection with its runs, staged records, problems, conflicts and memberships. Links stay with their
    /// pair, and so do intents: the next run on the pair finds out what became of them.
    pub async fn connection_delete(&self, id: ConnectionId) -> Result<()> {
        found(transaction!(self.write_one(), tx => {
            execute!(tx, CONNECTION_DELETE, self.id(), id.uuid())
        })?)
    }

    /// Pauses a connection whose access is to be given back, and has those of its accounts that no other connection uses
    /// used by nobody from now on: which they are. Whoever would make a connection of one of them comes before, and the
    /// account stays as it is, or after, and is refused.
    pub async fn connection_retire(
        &self,
        id: ConnectionId,
        reasons: &Retirement<'_>,
        now: DateTime<Utc>,
    ) -> Result<Vec<AccountId>> {
        transaction!(self.write(), tx => {
            let accounts = locked(tx, self, id).await?;
            pause(tx, self, id, reasons.connection, now).await?;
            let mut retired = Vec::new();
            for account in accounts {
                if retire(tx, self, account, Some(id), reasons.account).await? {
                    retired.push(account);
                }
            }
            Ok(retired)
        })
    }

    /// Deletes a connection together with its `retired` accounts, as far as no other one uses them, and what hangs on them.
    /// Those of its accounts that were used then and are not any more, since the other connection ended at the same
    /// moment, are retired now: which they are.
    pub async fn connection_deactivate(
        &self,
        id: ConnectionId,
        retired: &[AccountId],
        reasons: &Retirement<'_>,
    ) -> Result<Vec<AccountId>> {
        transaction!(self.write(), tx => {
            let accounts = locked(tx, self, id).await?;
            found(execute!(tx, CONNECTION_DELETE, self.id(), id.uuid())?)?;
            let mut left = Vec::new();
            for account in accounts {
                if retired.contains(&account) {
                    delete_unused(tx, self, account).await?;
                } else if retire(tx, self, account, None, reasons.account).await? {
                    left.push(account);
                }
            }
            Ok(left)
        })
    }

    /// Pauses or resumes, whatever the revision; counts as an edit.
    pub async fn connection_status_set(
        &self,
        id: ConnectionId,
        status: &ConnectionStatus,
        now: DateTime<Utc>,
    ) -> Result<Connection> {
        let (word, reason) = status_parts(status);
        let row = transaction!(self.write(), tx => {
            fetch_optional!(tx, ConnectionRow, CONNECTION_STATUS_SET, self.id(), id.uuid(), word, reason, now)
        })?;
        row.ok_or(StoreError::NotFound)?.try_into()
    }

    /// Pauses, and cancels the run that is unfinished in the same transaction; one that a worker executes right now
    /// is left to it, who sees that the revision is another one.
    pub async fn connection_pause(
        &self,
        id: ConnectionId,
        reason: &str,
        now: DateTime<Utc>,
    ) -> Result<Connection> {
        let row = transaction!(self.write(), tx => { pause(tx, self, id, reason, now).await })?;
        row.try_into()
    }

    /// The revision: another one than before says that the connection was edited, paused or resumed.
    pub async fn connection_revision(&self, id: ConnectionId) -> Result<i64> {
        let row = transaction!(self.read_one(), tx => {
            fetch_optional!(tx, (i64,), CONNECTION_REVISION, self.id(), id.uuid())
        })?;
        row.map(|(revision,)| revision).ok_or(StoreError::NotFound)
    }

    /// When the next run is due.
    pub async fn connection_next_run_at(&self, id: ConnectionId) -> Result<Option<DateTime<Utc>>> {
        let row = transaction!(self.read_one(), tx => {
            fetch_optional!(tx, (Option<DateTime<Utc>>,), CONNECTION_NEXT_GET, self.id(), id.uuid())
        })?;
        row.map(|(at,)| at).ok_or(StoreError::NotFound)
    }

    /// Sets when the next run is due; `None` for never.
    pub async fn connection_schedule_next(
        &self,
        id: ConnectionId,
        next_run_at: Option<DateTime<Utc>>,
    ) -> Result<()> {
        found(transaction!(self.write_one(), tx => {
            execute!(tx, CONNECTION_NEXT_SET, self.id(), id.uuid(), next_run_at)
        })?)
    }

    /// The same, after a run that was asked for `now`: earlier if a provider told of something just before, which that
    /// run may not see yet, but not before the connection has `rested`.
    pub async fn connection_schedule_after(
        &self,
        id: ConnectionId,
        now: DateTime<Utc>,
        next_run_at: Option<DateTime<Utc>>,
        rested: DateTime<Utc>,
    ) -> Result<()> {
        found(transaction!(self.write_one(), tx => {
            execute!(tx, CONNECTION_NEXT_AFTER, self.id(), id.uuid(), next_run_at, now, rested)
        })?)
    }

    /// Asks that the next run read both sides in full.
    pub async fn connection_request_repull(&self, id: ConnectionId) -> Result<()> {
        found(transaction!(self.write_one(), tx => {
            execute!(tx, CONNECTION_REPULL_SET, self.id(), id.uuid())
        })?)
    }

    /// Takes a repull that was asked for: forgets the request and the cursors, and puts `progress`, notes of a run that
    /// begins, in the place of the run's notes. Whether there was one.
    pub async fn connection_take_repull(
        &self,
        lease: &Lease,
        progress: &serde_json::Value,
    ) -> Result<bool> {
        let connection = lease.connection.uuid();
        transaction!(self.write(), tx => {
            let counters = self.fence(tx, lease).await?;
            let asked = execute!(tx, CONNECTION_REPULL_TAKE, self.id(), connection)? == 1;
            if asked {
                execute!(tx, CURSORS_DELETE, self.id(), connection)?;
                checkpoint(tx, lease, counters, &Counters::default(), progress).await?;
            }
            Ok(asked)
        })
    }
}
