//! API keys, by hash.

use chrono::{DateTime, Utc};
use sqlx::FromRow;
use sqlx::types::Json;
use syncline_model::{Actor, ApiKeyId, TenantId};
use uuid::Uuid;

use crate::db::{Tx, execute, fetch_all, fetch_optional, page, transaction};
use crate::statement::statements;
use crate::{ApiKey, NewApiKey, Result, Scope, Store, StoreError, invitations, members};

statements! {
    Tenant API_KEY_INSERT = "insert into api_keys (tenant_id, id, name, hash, scopes, created_at)
        values ($1, $2, $3, $4, $5, $6)";
    Tenant API_KEY_LIST = "select tenant_id, id, name, scopes, created_at, revoked_at from api_keys
        where tenant_id = $1 and id > $2 order by id limit cast($3 as bigint)";
    Tenant API_KEY_GET = "select tenant_id, id, name, scopes, created_at, revoked_at from api_keys
        where tenant_id = $1 and id = $2";
    Tenant API_KEY_REVOKE = "update api_keys set revoked_at = coalesce(revoked_at, $3)
        where tenant_id = $1 and id = $2";
    Global API_KEY_BY_HASH = "select tenant_id, id, name, scopes, created_at, revoked_at from api_keys
        where hash = $1 and revoked_at is null";
}

#[derive(FromRow)]
struct ApiKeyRow {
    tenant_id: Uuid,
    id: Uuid,
    name: String,
    scopes: Json<Vec<String>>,
    created_at: DateTime<Utc>,
    revoked_at: Option<DateTime<Utc>>,
}

impl From<ApiKeyRow> for ApiKey {
    fn from(row: ApiKeyRow) -> Self {
        Self {
            id: ApiKeyId::from_uuid(row.id),
            name: row.name,
            scopes: row.scopes.0,
            created_at: row.created_at,
            revoked_at: row.revoked_at,
        }
    }
}

impl Store {
    /// The key with this hash, unless it is revoked, and its tenant.
    pub async fn api_key_by_hash(&self, hash: &[u8]) -> Result<Option<(TenantId, ApiKey)>> {
        let row = transaction!(self.read_one_global(), tx => {
            fetch_optional!(tx, ApiKeyRow, API_KEY_BY_HASH, hash)
        })?;
        Ok(row.map(|row| (TenantId::from_uuid(row.tenant_id), row.into())))
    }
}

impl Scope {
    /// Keeps a new key.
    pub async fn api_key_create(&self, key: &NewApiKey) -> Result<ApiKey> {
        transaction!(self.write_one(), tx => {
            execute!(tx, API_KEY_INSERT, self.id(), key.id.uuid(), &key.name, &key.hash, Json(&key.scopes),
                key.created_at).map_err(|error| error.or_conflict("API key"))
        })?;
        Ok(ApiKey {
            id: key.id,
            name: key.name.clone(),
            scopes: key.scopes.clone(),
            created_at: key.created_at,
            revoked_at: None,
        })
    }

    /// Keys in the order of their ids, revoked ones too.
    pub async fn api_key_list(&self, after: Option<ApiKeyId>, limit: u32) -> Result<Vec<ApiKey>> {
        let after = after.map_or(Uuid::nil(), ApiKeyId::uuid);
        let rows = transaction!(self.read_one(), tx => {
            fetch_all!(tx, ApiKeyRow, API_KEY_LIST, self.id(), after, page(limit))
        })?;
        Ok(rows.into_iter().map(ApiKey::from).collect())
    }

    /// One key, also a revoked one.
    pub async fn api_key_get(&self, id: ApiKeyId) -> Result<ApiKey> {
        let row = transaction!(self.read_one(), tx => {
            fetch_optional!(tx, ApiKeyRow, API_KEY_GET, self.id(), id.uuid())
        })?;
        row.map(ApiKey::from).ok_or(StoreError::NotFound)
    }

    /// Revokes a key, and ends the invitations that it made; doing so again changes nothing.
    pub async fn api_key_revoke(&self, id: ApiKeyId, now: DateTime<Utc>) -> Result<()> {
        transaction!(self.write(), tx => {
            members::lock(tx, self.id()).await?;
            if execute!(tx, API_KEY_REVOKE, self.id(), id.uuid(), now)? == 0 {
                return Err(StoreError::NotFound);
            }
            invitations::end(tx, self.id(), Actor::ApiKey(id)).await
        })
    }
}

/// What a key may do; `None` once it is revoked.
pub(crate) async fn scopes(tx: &mut Tx, tenant: Uuid, id: ApiKeyId) -> Result<Option<Vec<String>>> {
    let row = fetch_optional!(tx, ApiKeyRow, API_KEY_GET, tenant, id.uuid())?;
    Ok(row
        .filter(|row| row.revoked_at.is_none())
        .map(|row| row.scopes.0))
}
