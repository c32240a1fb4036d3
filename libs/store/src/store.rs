//! The two handles: the store, and one tenant's part of it.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use syncline_model::TenantId;
use syncline_platform::seal::{KeyRing, TenantKey};
use uuid::Uuid;

use crate::db::{Db, Tx, Who};
use crate::{Result, StoreError};

/// Most tenants whose keys are kept unwrapped; when it is reached, the cache starts over.
const KEYS_CACHED: usize = 10_000;

/// The store: a database and the key ring. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    pub(crate) db: Db,
    pub(crate) keys: KeyRing,
    pub(crate) unwrapped: Arc<RwLock<HashMap<TenantId, TenantKey>>>,
}

/// One tenant's part of the store: the only way to its rows. Cheap to clone.
#[derive(Clone)]
pub struct Scope {
    db: Db,
    tenant: TenantId,
    pub(crate) key: TenantKey,
}

impl Store {
    /// Opens a database: `sqlite:PATH` (made if missing; this process must be its only user), `sqlite::memory:`, or
    /// `postgres://...`. Call `migrate` before anything else.
    pub async fn open(url: &str, keys: KeyRing) -> Result<Self> {
        Ok(Self {
            db: Db::open(url).await?,
            keys,
            unwrapped: Arc::default(),
        })
    }

    /// Brings the schema up to date; does nothing when it is.
    pub async fn migrate(&self) -> Result<()> {
        self.db.migrate().await
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<()> {
        self.db.ping().await
    }

    /// Prepares every statement, without running any: proves that the schema fits the program.
    pub async fn verify(&self) -> Result<()> {
        self.db.verify().await
    }

    /// Closes all connections; nothing works afterwards.
    pub async fn close(&self) {
        self.db.close().await;
    }

    /// A tenant's part of the store; loads its key. `NotFound` when there is no such tenant.
    pub async fn scope(&self, tenant: TenantId) -> Result<Scope> {
        let cached = self
            .unwrapped
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&tenant)
            .cloned();
        let key = match cached {
            Some(key) => key,
            None => self.key_load(tenant).await?,
        };
        Ok(Scope {
            db: self.db.clone(),
            tenant,
            key,
        })
    }

    /// Opens a tenant's key, whether it is known already or not.
    pub(crate) async fn key_open(&self, tenant: TenantId) -> Result<TenantKey> {
        let wrapped = self.tenant_key(tenant).await?;
        self.keys
            .unwrap(&wrapped, tenant.uuid())
            .map_err(|error| StoreError::Corrupt(format!("tenant key: {error}")))
    }

    async fn key_load(&self, tenant: TenantId) -> Result<TenantKey> {
        let key = self.key_open(tenant).await?;
        let mut cache = self
            .unwrapped
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        if cache.len() >= KEYS_CACHED {
            cache.clear();
        }
        cache.insert(tenant, key.clone());
        Ok(key)
    }

    /// A transaction that reads across tenants, where a policy allows it.
    pub(crate) async fn read_global(&self) -> Result<Tx> {
        self.db.read(Who::System).await
    }

    /// As `read_global`, for one statement.
    pub(crate) async fn read_one_global(&self) -> Result<Tx> {
        self.db.read_one(Who::System).await
    }

    /// A transaction that first reads across tenants and then becomes one tenant's.
    pub(crate) async fn write_global(&self) -> Result<Tx> {
        self.db.write(Who::System).await
    }

    /// A transaction that writes one tenant's rows before its key is known.
    pub(crate) async fn write_for(&self, tenant: TenantId) -> Result<Tx> {
        self.db.write(Who::Tenant(tenant.uuid())).await
    }
}

impl Scope {
    /// The tenant.
    pub const fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// The tenant, as bound.
    pub(crate) const fn id(&self) -> Uuid {
        self.tenant.uuid()
    }

    pub(crate) async fn read(&self) -> Result<Tx> {
        self.db.read(Who::Tenant(self.id())).await
    }

    pub(crate) async fn read_one(&self) -> Result<Tx> {
        self.db.read_one(Who::Tenant(self.id())).await
    }

    pub(crate) async fn write(&self) -> Result<Tx> {
        self.db.write(Who::Tenant(self.id())).await
    }

    pub(crate) async fn write_one(&self) -> Result<Tx> {
        self.db.write_one(Who::Tenant(self.id())).await
    }
}

impl std::fmt::Debug for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Scope({})", self.tenant)
    }
}
