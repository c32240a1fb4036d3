//! Accounts and their sealed credentials.

use chrono::{DateTime, Utc};
use sqlx::FromRow;
use syncline_model::{Account, AccountId, AccountStatus, Identity, ProviderId, TenantId};
use uuid::Uuid;

use crate::db::{execute, fetch_all, fetch_optional, page, transaction};
use crate::seal::CREDENTIALS;
use crate::statement::statements;
use crate::{Result, Scope, StoreError};

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
        where tenant_id = $1 and (a_account = $2 or b_account = $2) limit 1";
    Tenant ACCOUNT_DELETE = "delete from accounts where tenant_id = $1 and id = $2";
    Tenant ACCOUNT_STATUS_SET = "update accounts set status = $3, status_reason = $4
        where tenant_id = $1 and id = $2";
    Tenant ACCOUNT_IDENTITY_SET = "update accounts set subject = $3, label = $4 where tenant_id = $1 and id = $2";
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

    /// Accounts in the order of their ids.
    pub async fn account_list(&self, after: Option<AccountId>, limit: u32) -> Result<Vec<Account>> {
        let after = after.map_or(Uuid::nil(), AccountId::uuid);
        let rows = transaction!(self.read_one(), tx => {
            fetch_all!(tx, AccountRow, ACCOUNT_LIST, self.id(), after, page(limit))
        })?;
        rows.into_iter().map(Account::try_from).collect()
    }

    /// Forgets an account with its credentials, pairs, links and history.
    /// `Conflict { "account is used by a connection" }` while one stands.
    pub async fn account_delete(&self, id: AccountId) -> Result<()> {
        const USED: &str = "account is used by a connection";
        let rows = transaction!(self.write(), tx => {
            if fetch_optional!(tx, (Uuid,), ACCOUNT_USED, self.id(), id.uuid())?.is_some() {
                return Err(StoreError::Conflict { what: USED });
            }
            execute!(tx, ACCOUNT_DELETE, self.id(), id.uuid()).map_err(|error| error.or_conflict(USED))
        })?;
        found(rows)
    }

    /// Says whether an account can be used.
    pub async fn account_status_set(&self, id: AccountId, status: &AccountStatus) -> Result<()> {
        let (status, reason) = status_parts(status);
        found(transaction!(self.write_one(), tx => {
            execute!(tx, ACCOUNT_STATUS_SET, self.id(), id.uuid(), status, reason)
        })?)
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
