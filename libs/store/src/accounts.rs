//! Accounts and their sealed credentials.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use sqlx::FromRow;
use syncline_model::{
    AUTHORISE_AGAIN, Account, AccountId, AccountStatus, ClockSkew, ConnectionId, Identity,
    ProviderId, TenantId,
};
use uuid::Uuid;

use crate::db::{Tx, execute, fetch_all, fetch_optional, page, transaction};
use crate::seal::CREDENTIALS;
use crate::statement::statements;
use crate::{Result, Scope, StoreError};

/// What stands in the way of an account's end.
const USED: &str = "account is used by a connection";

macro_rules! account_select {
    () => {
        "select tenant_id, id, provider, subject, label, status, status_reason, created_at from accounts
         where tenant_id = $1 "
    };
}

statements! {
    Tenant ACCOUNT_INSERT = "insert into accounts
        (tenant_id, id, provider, subject, label, status, status_reason, created_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8)";
    Tenant ACCOUNT_GET = concat!(account_select!(), "and id = $2");
    Tenant ACCOUNT_LIST = concat!(account_select!(), "and id > $2 order by id limit cast($3 as bigint)");
    Tenant ACCOUNT_USED = "select id from connections
        where tenant_id = $1 and (a_account = $2 or b_account = $2) and id <> $3 limit 1";
    /// Changes nothing, and has everybody wait who would make a connection of the account, or end it.
    Tenant ACCOUNT_LOCK = "update accounts set status = status where tenant_id = $1 and id = $2 returning status";
    Tenant ACCOUNT_DELETE = "delete from accounts where tenant_id = $1 and id = $2";
    Tenant ACCOUNT_STATUS_SET = "update accounts set status = $3, status_reason = $4
        where tenant_id = $1 and id = $2";
    /// Those that nobody paused; those that are paused for want of access hear the newer reason. $3: why, $4: now, $5: how it
    /// ends.
    Tenant ACCOUNT_CONNECTIONS_PAUSE = "update connections set status = 'paused', status_reason = $3, updated_at = $4,
            revision = revision + 1
        where tenant_id = $1 and (a_account = $2 or b_account = $2) and (status = 'active'
            or status_reason = (select a.status_reason || '. ' || $5 from accounts a where a.tenant_id = $1 and a.id = $2))";
    /// Those that were paused for want of access, and by nobody else since: their reason is that of the account ($4: how it
    /// ends), or of their newest run. $3: now.
    Tenant ACCOUNT_CONNECTIONS_RESUME = "update connections set status = 'active', status_reason = null, updated_at = $3,
            revision = revision + 1, next_run_at = case when next_run_at is not null then coalesce($3, next_run_at) end
        where tenant_id = $1 and (a_account = $2 or b_account = $2) and status = 'paused'
            and exists (select 1 from accounts a
                where a.tenant_id = $1 and a.id = $2 and a.status = 'needs_reauthorization'
                    and (connections.status_reason = a.status_reason || '. ' || $4
                        or connections.status_reason = (select r.error from runs r
                            where r.tenant_id = $1 and r.connection_id = connections.id order by r.id desc limit 1)))";
    Tenant ACCOUNT_IDENTITY_SET = "update accounts set subject = $3, label = $4 where tenant_id = $1 and id = $2";
    Tenant ACCOUNT_CLOCK_GET = "select clock_ahead, clock_doubt from accounts where tenant_id = $1 and id = $2";
    Tenant ACCOUNT_CLOCK_SET = "update accounts set clock_ahead = $3, clock_doubt = $4
        where tenant_id = $1 and id = $2";
    Tenant CREDENTIALS_GET = "select credentials, credentials_version from accounts
        where tenant_id = $1 and id = $2";
    Tenant CREDENTIALS_PUT = "update accounts set credentials = $3, credentials_version = credentials_version + 1
        where tenant_id = $1 and id = $2 returning credentials_version";
    /// Compare-and-swap on the version: of several refreshers, one wins.
    Tenant CREDENTIALS_SWAP = "update accounts set credentials = $3, credentials_version = credentials_version + 1
        where tenant_id = $1 and id = $2 and credentials_version = $4 returning credentials_version";
}

#[derive(FromRow)]
struct AccountRow {
    tenant_id: Uuid,
    id: Uuid,
    provider: String,
    subject: Option<String>,
    label: Option<String>,
    status: String,
    status_reason: Option<String>,
    created_at: DateTime<Utc>,
}

impl TryFrom<AccountRow> for Account {
    type Error = StoreError;

    fn try_from(row: AccountRow) -> Result<Self> {
        Ok(Self {
            id: AccountId::from_uuid(row.id),
            tenant: TenantId::from_uuid(row.tenant_id),
            provider: ProviderId::parse(&row.provider)
                .ok_or_else(|| StoreError::word("provider", &row.provider))?,
            identity: row.subject.map(|subject| Identity {
                subject,
                label: row.label.unwrap_or_default(),
            }),
            status: match row.status.as_str() {
                "pending" => AccountStatus::Pending,
                "active" => AccountStatus::Active,
                "needs_reauthorization" => AccountStatus::NeedsReauthorization {
                    reason: row.status_reason.unwrap_or_default(),
                },
                other => return Err(StoreError::word("account status", other)),
            },
            created_at: row.created_at,
        })
    }
}

fn status_parts(status: &AccountStatus) -> (&'static str, Option<&str>) {
    match status {
        AccountStatus::Pending => ("pending", None),
        AccountStatus::Active => ("active", None),
        AccountStatus::NeedsReauthorization { reason } => ("needs_reauthorization", Some(reason)),
    }
}

/// Locks the accounts of a connection that is made or ends, in one order, so that of two who would do so one waits. Whether
/// all of them are there and active.
pub(crate) async fn lock(
    tx: &mut Tx,
    scope: &Scope,
    accounts: impl IntoIterator<Item = AccountId>,
) -> Result<bool> {
    let ids: BTreeSet<Uuid> = accounts.into_iter().map(AccountId::uuid).collect();
    let mut active = true;
    for id in ids {
        let status = fetch_optional!(tx, (String,), ACCOUNT_LOCK, scope.id(), id)?;
        active &= status.is_some_and(|(status,)| status == "active");
    }
    Ok(active)
}

/// Has an account that is locked used by nobody from now on, unless a connection but for `but` uses it. Whether it is so.
pub(crate) async fn retire(
    tx: &mut Tx,
    scope: &Scope,
    id: AccountId,
    but: Option<ConnectionId>,
    reason: &str,
) -> Result<bool> {
    if is_used(tx, scope, id, but).await? {
        return Ok(false);
    }
    let status = AccountStatus::NeedsReauthorization {
        reason: reason.to_owned(),
    };
    let (status, reason) = status_parts(&status);
    Ok(execute!(
        tx,
        ACCOUNT_STATUS_SET,
        scope.id(),
        id.uuid(),
        status,
        reason
    )? == 1)
}

/// Forgets an account that is locked, unless a connection uses it. Whether it is gone.
pub(crate) async fn delete_unused(tx: &mut Tx, scope: &Scope, id: AccountId) -> Result<bool> {
    if is_used(tx, scope, id, None).await? {
        return Ok(false);
    }
    Ok(execute!(tx, ACCOUNT_DELETE, scope.id(), id.uuid())? == 1)
}

/// Whether a connection uses an account, but for one.
async fn is_used(
    tx: &mut Tx,
    scope: &Scope,
    id: AccountId,
    but: Option<ConnectionId>,
) -> Result<bool> {
    let but = but.map_or(Uuid::nil(), ConnectionId::uuid);
    let used = fetch_optional!(tx, (Uuid,), ACCOUNT_USED, scope.id(), id.uuid(), but)?;
    Ok(used.is_some())
}

fn found(rows: u64) -> Result<()> {
    if rows == 0 {
        return Err(StoreError::NotFound);
    }
    Ok(())
}

impl Scope {
    /// Keeps a new account, without credentials.
    pub async fn account_create(&self, account: &Account) -> Result<()> {
        let (status, reason) = status_parts(&account.status);
        let identity = account.identity.as_ref();
        transaction!(self.write_one(), tx => {
            execute!(tx, ACCOUNT_INSERT, self.id(), account.id.uuid(), account.provider.as_str(),
                identity.map(|i| i.subject.as_str()), identity.map(|i| i.label.as_str()), status, reason,
                account.created_at).map_err(|error| error.or_conflict("account"))
        })?;
        Ok(())
    }

    /// One account.
    pub async fn account_get(&self, id: AccountId) -> Result<Account> {
        let row = transaction!(self.read_one(), tx => {
            fetch_optional!(tx, AccountRow, ACCOUNT_GET, self.id(), id.uuid())
        })?;
        row.ok_or(StoreError::NotFound)?.try_into()
    }

    /// How the clock of an account's provider stands, as last measured; `None` where it never was.
    pub async fn account_clock(&self, id: AccountId) -> Result<Option<ClockSkew>> {
        let row = transaction!(self.read_one(), tx => {
            fetch_optional!(tx, (Option<i64>, Option<i64>), ACCOUNT_CLOCK_GET, self.id(), id.uuid())
        })?;
        let (ahead, doubt) = row.ok_or(StoreError::NotFound)?;
        Ok(ahead
            .zip(doubt)
            .map(|(ahead, doubt)| ClockSkew { ahead, doubt }))
    }

    /// Notes how it stands.
    pub async fn account_clock_set(&self, id: AccountId, clock: ClockSkew) -> Result<()> {
        found(transaction!(self.write_one(), tx => {
            execute!(tx, ACCOUNT_CLOCK_SET, self.id(), id.uuid(), clock.ahead, clock.doubt)
        })?)
    }

    /// Accounts in the order of their ids.
    pub async fn account_list(&self, after: Option<AccountId>, limit: u32) -> Result<Vec<Account>> {
        let after = after.map_or(Uuid::nil(), AccountId::uuid);
        let rows = transaction!(self.read_one(), tx => {
            fetch_all!(tx, AccountRow, ACCOUNT_LIST, self.id(), after, page(limit))
        })?;
        rows.into_iter().map(Account::try_from).collect()
    }

    /// Has an account used by nobody from now on, for this reason, so that its access can be given back.
    /// `Conflict { "account is used by a connection" }` while one stands.
    pub async fn account_retire(&self, id: AccountId, reason: &str) -> Result<()> {
        transaction!(self.write(), tx => {
            lock(tx, self, [id]).await?;
            if is_used(tx, self, id, None).await? {
                return Err(StoreError::Conflict { what: USED });
            }
            let retired = retire(tx, self, id, None, reason).await?;
            retired.then_some(()).ok_or(StoreError::NotFound)
        })
    }

    /// Forgets an account with its credentials, pairs, links and history.
    /// `Conflict { "account is used by a connection" }` while one stands.
    pub async fn account_delete(&self, id: AccountId) -> Result<()> {
        transaction!(self.write(), tx => {
            lock(tx, self, [id]).await?;
            if is_used(tx, self, id, None).await? {
                return Err(StoreError::Conflict { what: USED });
            }
            found(execute!(tx, ACCOUNT_DELETE, self.id(), id.uuid())?)
        })
    }

    /// Says that an account cannot be used until its owner authorises it again, and pauses its connections. How many.
    pub async fn account_refused(
        &self,
        id: AccountId,
        why: &str,
        now: DateTime<Utc>,
    ) -> Result<u64> {
        let paused = format!("{why}. {AUTHORISE_AGAIN}");
        let refused = AccountStatus::NeedsReauthorization {
            reason: why.to_owned(),
        };
        let (status, reason) = status_parts(&refused);
        transaction!(self.write(), tx => {
            let paused = execute!(tx, ACCOUNT_CONNECTIONS_PAUSE, self.id(), id.uuid(), &paused, now, AUTHORISE_AGAIN)?;
            found(execute!(tx, ACCOUNT_STATUS_SET, self.id(), id.uuid(), status, reason)?)?;
            Ok(paused)
        })
    }

    /// Says that an account can be used, again if need be: connections that were paused meanwhile for want of it go on, and
    /// are due at once unless they run on demand. How many.
    pub async fn account_authorized(&self, id: AccountId, now: DateTime<Utc>) -> Result<u64> {
        let (status, reason) = status_parts(&AccountStatus::Active);
        transaction!(self.write(), tx => {
            let resumed = execute!(tx, ACCOUNT_CONNECTIONS_RESUME, self.id(), id.uuid(), now, AUTHORISE_AGAIN)?;
            found(execute!(tx, ACCOUNT_STATUS_SET, self.id(), id.uuid(), status, reason)?)?;
            Ok(resumed)
        })
    }

    /// Says who an account is at its provider.
    pub async fn account_identity_set(&self, id: AccountId, identity: &Identity) -> Result<()> {
        found(transaction!(self.write_one(), tx => {
            execute!(tx, ACCOUNT_IDENTITY_SET, self.id(), id.uuid(), &identity.subject, &identity.label)
        })?)
    }

    /// An account's credentials in clear and their version; `None` before the first `credentials_put`.
    pub async fn credentials_get(&self, id: AccountId) -> Result<Option<(Vec<u8>, i64)>> {
        let row = transaction!(self.read_one(), tx => {
            fetch_optional!(tx, (Option<Vec<u8>>, i64), CREDENTIALS_GET, self.id(), id.uuid())
        })?;
        let (sealed, version) = row.ok_or(StoreError::NotFound)?;
        sealed
            .map(|sealed| {
                Ok((
                    self.open(CREDENTIALS, id.uuid().as_bytes(), &sealed)?,
                    version,
                ))
            })
            .transpose()
    }

    /// Seals and saves credentials: the new version. With `expected_version` (0 before the first), only if nobody
    /// saved since: else `Conflict { "credentials" }`, and the caller adopts what is there now.
    pub async fn credentials_put(
        &self,
        id: AccountId,
        plaintext: &[u8],
        expected_version: Option<i64>,
    ) -> Result<i64> {
        let sealed = self.seal(CREDENTIALS, id.uuid().as_bytes(), plaintext);
        transaction!(self.write(), tx => {
            let row = match expected_version {
                None => fetch_optional!(tx, (i64,), CREDENTIALS_PUT, self.id(), id.uuid(), &sealed)?,
                Some(expected) => {
                    fetch_optional!(tx, (i64,), CREDENTIALS_SWAP, self.id(), id.uuid(), &sealed, expected)?
                }
            };
            match row {
                Some((version,)) => Ok(version),
                None => Err(match fetch_optional!(tx, (Option<Vec<u8>>, i64), CREDENTIALS_GET, self.id(), id.uuid())? {
                    Some(_) => StoreError::Conflict { what: "credentials" },
                    None => StoreError::NotFound,
                }),
            }
        })
    }
}
