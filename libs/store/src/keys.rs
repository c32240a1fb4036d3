//! Tenants' keys as the key ring wraps them: which of its keys does so, and how all are wrapped anew with another one.
//!
//! The row says which, not a process' copy of the ring: from the moment that it names another key, whoever wraps uses
//! that one, however long ago its process read the ring (adr/0015). What tenants' keys seal is not touched.

use std::collections::BTreeMap;

use sqlx::FromRow;
use syncline_model::TenantId;
use syncline_platform::seal::{SealError, TenantKey, WrappedKey};
use uuid::Uuid;

use crate::db::{Tx, Who, execute, fetch_all, fetch_optional, page, transaction};
use crate::statement::statements;
use crate::{Result, Store, StoreError};

/// Tenants whose keys are wrapped anew in one transaction; sign-ups wait for it.
const BATCH: u32 = 100;

statements! {
    /// The key that wraps, or the first one if there is none yet. It stays the one until the transaction ends.
    Global WRAPPING_KEY_HOLD = "insert into wrapping_key (one, key_id) values (1, $1)
        on conflict (one) do update set key_id = wrapping_key.key_id returning key_id";
    Global WRAPPING_KEY_GET = "select key_id from wrapping_key";
    Global WRAPPING_KEY_SET = "insert into wrapping_key (one, key_id) values (1, $1)
        on conflict (one) do update set key_id = excluded.key_id";
    Global TENANT_KEYS_COUNT = "select data_key_id, count(*) from tenants group by data_key_id";
    Global TENANT_KEYS_OTHER = "select tenant_id, data_key_id, data_key from tenants
        where data_key_id <> $1 and tenant_id > $2 order by tenant_id limit cast($3 as bigint)";
    Tenant TENANT_KEY_REPLACE = "update tenants set data_key_id = $2, data_key = $3
        where tenant_id = $1 and data_key_id = $4 and data_key = $5";
}

/// What the key ring's keys are used for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyUse {
    /// The key that wraps; `None` before anything was wrapped.
    pub wrapping: Option<String>,
    /// How many tenants' keys each has wrapped.
    pub tenants: BTreeMap<String, u64>,
}

/// What came of wrapping all anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rewrapped {
    /// Tenants' keys that were wrapped anew.
    pub wrapped: u64,
    /// Those that do not open with the ring and stay as they are.
    pub refused: u64,
}

#[derive(FromRow)]
struct WrappedRow {
    tenant_id: Uuid,
    data_key_id: String,
    data_key: Vec<u8>,
}

impl Store {
    /// What the key ring's keys are used for. Once a key has ceased to be the one that wraps, what this counts of it
    /// only becomes less.
    pub async fn key_use(&self) -> Result<KeyUse> {
        // In this order: what was wrapped before another key took over is counted.
        transaction!(self.read_global(), tx => {
            let wrapping = fetch_optional!(tx, (String,), WRAPPING_KEY_GET)?;
            let tenants = fetch_all!(tx, (String, i64), TENANT_KEYS_COUNT)?;
            Ok(KeyUse {
                wrapping: wrapping.map(|(id,)| id),
                tenants: tenants.into_iter().map(|(id, count)| (id, count.unsigned_abs())).collect(),
            })
        })
    }

    /// Has a key of the ring wrap from now on, in every process. Those that cannot find it in their ring wrap nothing.
    pub async fn wrapping_key_set(&self, id: &str) -> Result<()> {
        transaction!(self.write_global(), tx => { execute!(tx, WRAPPING_KEY_SET, id) })?;
        Ok(())
    }

    /// Wraps every tenant's key anew with the key that wraps now, beside processes that use them. May be stopped and
    /// begun again at any time. `Conflict { "wrapping key" }` when another key than this one wraps.
    pub async fn keys_rewrap(&self, id: &str) -> Result<Rewrapped> {
        let mut done = Rewrapped::default();
        let mut after = Uuid::nil();
        loop {
            let rows = transaction!(self.read_one_global(), tx => {
                fetch_all!(tx, WrappedRow, TENANT_KEYS_OTHER, id, after, page(BATCH))
            })?;
            let Some(last) = rows.last() else {
                return Ok(done);
            };
            after = last.tenant_id;
            let mut batch = Vec::with_capacity(rows.len());
            for row in rows {
                match self.rewrap(id, &row) {
                    Ok(wrapped) => batch.push((row, wrapped)),
                    Err(error) => {
                        done.refused += 1;
                        let tenant = TenantId::from_uuid(row.tenant_id);
                        tracing::warn!(%error, tenant.id = %tenant, "a tenant's key is not wrapped anew");
                    }
                }
            }
            done.wrapped += self.replace(id, &batch).await?;
        }
    }

    /// Opens a tenant's key and wraps it with another one.
    fn rewrap(&self, id: &str, row: &WrappedRow) -> Result<WrappedKey, SealError> {
        let wrapped = WrappedKey {
            key_id: row.data_key_id.clone(),
            bytes: row.data_key.clone(),
        };
        let key = self.keys.unwrap(&wrapped, row.tenant_id)?;
        self.keys.wrap(id, &key, row.tenant_id)
    }

    /// Puts newly wrapped keys in the place of those that they were made from, where these still stand. Gives how many.
    async fn replace(&self, id: &str, batch: &[(WrappedRow, WrappedKey)]) -> Result<u64> {
        transaction!(self.write_global(), tx => {
            if self.wrapping_key(tx).await? != id {
                return Err(StoreError::Conflict { what: "wrapping key" });
            }
            let mut replaced = 0;
            for (old, new) in batch {
                tx.become_(Who::Tenant(old.tenant_id)).await?;
                replaced += execute!(tx, TENANT_KEY_REPLACE, old.tenant_id, &new.key_id, &new.bytes,
                    &old.data_key_id, &old.data_key)?;
            }
            Ok(replaced)
        })
    }

    /// Wraps a new tenant's key, with the key that wraps until the transaction ends.
    pub(crate) async fn wrap(
        &self,
        tx: &mut Tx,
        key: &TenantKey,
        tenant: Uuid,
    ) -> Result<WrappedKey> {
        let id = self.wrapping_key(tx).await?;
        self.keys
            .wrap(&id, key, tenant)
            .map_err(|error| StoreError::Corrupt(format!("tenant key: {error}")))
    }

    async fn wrapping_key(&self, tx: &mut Tx) -> Result<String> {
        let row = fetch_optional!(tx, (String,), WRAPPING_KEY_HOLD, self.keys.active())?;
        row.map(|(id,)| id).ok_or(StoreError::NotFound)
    }
}
