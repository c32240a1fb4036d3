//! The key ring: the keys that wrap tenants' keys, as a process holds them. How its file looks and is changed is
//! `ring_file`'s; which of the keys wraps is the database's to say.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use uuid::Uuid;
use zeroize::Zeroizing;

use super::cipher::Key;
use super::ring_file::{self, KeyRingError};
use super::{SealError, TenantKey};
use crate::random;

/// The keys that wrap tenants' keys. Cheap to clone; prints its keys' ids only.
///
/// One that was opened from a file reads it again when it meets a key that it does not have: a key may be added while
/// processes run.
#[derive(Clone)]
pub struct KeyRing(Arc<Held>);

struct Held {
    /// Where it can be read again; a ring made for a test is nowhere.
    file: Option<PathBuf>,
    ring: RwLock<Arc<Ring>>,
}

/// Keys by id, and which of them wraps in a database that has no word on it yet: one of these.
#[derive(Clone)]
pub(super) struct Ring {
    pub(super) active: String,
    pub(super) keys: BTreeMap<String, Key>,
}

/// A tenant's key as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrappedKey {
    /// The key ring's key that wrapped it.
    pub key_id: String,
    /// The wrapped key.
    pub bytes: Vec<u8>,
}

impl KeyRing {
    /// Opens the key ring in a file; where there is none, makes one with one new key and mode 0600.
    /// Refuses a file that others than its owner may read or write.
    pub fn open_or_create(path: &Path) -> Result<Self, KeyRingError> {
        Ok(Self::held(ring_file::read_or_create(path)?, Some(path)))
    }

    /// Opens the key ring in a file that must be there: for a process that shares its database with others, whose keys it
    /// would otherwise not have. Refuses a file that others than its owner may read or write.
    pub fn open(path: &Path) -> Result<Self, KeyRingError> {
        Ok(Self::held(ring_file::read(path)?, Some(path)))
    }

    /// A ring with one new key, kept nowhere: what it wraps is lost with it. For tests.
    pub fn generate() -> Self {
        Self::held(Ring::generate(), None)
    }

    /// A ring of given 32-byte keys by id; `None` when the active one is not among them.
    pub fn from_keys(
        active: &str,
        keys: impl IntoIterator<Item = (String, Zeroizing<[u8; 32]>)>,
    ) -> Option<Self> {
        let keys: BTreeMap<String, Key> = keys
            .into_iter()
            .filter_map(|(id, bytes)| Some((id, Key::from_slice(&*bytes)?)))
            .collect();
        let ring = Ring::of(active.to_owned(), keys)?;
        Some(Self::held(ring, None))
    }

    fn held(ring: Ring, file: Option<&Path>) -> Self {
        Self(Arc::new(Held {
            file: file.map(Path::to_owned),
            ring: RwLock::new(Arc::new(ring)),
        }))
    }

    /// The id of the key that wraps in a database that has no word on it yet.
    pub fn active(&self) -> String {
        self.now().active.clone()
    }

    /// The ids of all keys.
    pub fn key_ids(&self) -> Vec<String> {
        self.now().keys.keys().cloned().collect()
    }

    /// Wraps a tenant's key with a key of the ring.
    pub fn wrap(&self, id: &str, key: &TenantKey, tenant: Uuid) -> Result<WrappedKey, SealError> {
        let bytes = self.key(id)?.seal(&place(id, tenant), key.root().bytes());
        Ok(WrappedKey {
            key_id: id.to_owned(),
            bytes,
        })
    }

    /// Unwraps a tenant's key.
    pub fn unwrap(&self, wrapped: &WrappedKey, tenant: Uuid) -> Result<TenantKey, SealError> {
        let id = &wrapped.key_id;
        let bytes = Zeroizing::new(self.key(id)?.open(&place(id, tenant), &wrapped.bytes)?);
        Key::from_slice(&bytes)
            .map(TenantKey::from_root)
            .ok_or(SealError::Refused)
    }

    /// A key by its id; looked for in the file too.
    fn key(&self, id: &str) -> Result<Key, SealError> {
        if let Some(key) = self.now().keys.get(id) {
            return Ok(key.clone());
        }
        self.read_again();
        let found = self.now().keys.get(id).cloned();
        found.ok_or_else(|| SealError::UnknownKey(id.to_owned()))
    }

    fn now(&self) -> Arc<Ring> {
        Arc::clone(&self.0.ring.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// A file that cannot be read leaves the ring as it is.
    fn read_again(&self) {
        let Some(file) = &self.0.file else {
            return;
        };
        match ring_file::read(file) {
            Ok(ring) => {
                *self.0.ring.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(ring);
            }
            Err(error) => tracing::warn!(%error, "the key ring cannot be read again"),
        }
    }
}

impl Ring {
    /// These keys; `None` when the active one is not among them.
    pub(super) fn of(active: String, keys: BTreeMap<String, Key>) -> Option<Self> {
        keys.contains_key(&active).then_some(Self { active, keys })
    }

    /// One new key.
    pub(super) fn generate() -> Self {
        let active = new_id();
        let keys = [(active.clone(), Key::generate())].into();
        Self { active, keys }
    }

    /// Adds a new key. Gives its id.
    pub(super) fn add(&mut self) -> String {
        let mut id = new_id();
        while self.keys.contains_key(&id) {
            id = new_id();
        }
        self.keys.insert(id.clone(), Key::generate());
        id
    }
}

impl std::fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ring = self.now();
        f.debug_struct("KeyRing")
            .field("active", &ring.active)
            .field("keys", &ring.keys.len())
            .finish_non_exhaustive()
    }
}

fn new_id() -> String {
    let number = random::bytes::<4>();
    format!("k{:08x}", u32::from_be_bytes(number))
}

/// Where a wrapped key belongs: to this tenant, under this key.
fn place(key_id: &str, tenant: Uuid) -> Vec<u8> {
    let mut bytes = b"syncline tenant key".to_vec();
    bytes.extend_from_slice(tenant.as_bytes());
    bytes.extend_from_slice(key_id.as_bytes());
    bytes
}

#[cfg(test)]
#[path = "ring_tests.rs"]
mod tests;
