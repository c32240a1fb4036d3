//! The key ring: the keys that wrap tenants' keys, kept in a file that only its owner can read.
//!
//! The file is TOML: `active = "<id>"` and a table `[keys]` of `<id> = "<32 bytes in base64>"`. New tenants' keys are
//! wrapped with the active key; the others stay to unwrap what they wrapped, until everything is wrapped anew.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use uuid::Uuid;
use zeroize::{Zeroize as _, Zeroizing};

use super::cipher::Key;
use super::{SealError, TenantKey};
use crate::private_file::{self, PrivateFileError};
use crate::random;

/// The keys that wrap tenants' keys. Cheap to clone; prints its keys' ids only.
#[derive(Clone)]
pub struct KeyRing(Arc<Ring>);

struct Ring {
    active: String,
    wrapping: Key,
    keys: BTreeMap<String, Key>,
}

/// A tenant's key as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrappedKey {
    /// The key ring's key that wrapped it.
    pub key_id: String,
    /// The wrapped key.
    pub bytes: Vec<u8>,
}

/// A key ring that cannot be opened or made.
#[derive(Debug, thiserror::Error)]
pub enum KeyRingError {
    /// The file cannot be read or written, or others may read it.
    #[error("the key ring cannot be used")]
    File(#[from] PrivateFileError),
    /// There is no such file.
    #[error(
        "there is no key ring at {0}: put the file there that the other processes of this database have"
    )]
    Missing(PathBuf),
    /// The file's text is not a key ring.
    #[error("the key ring {path} is damaged: {what}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong; never a key.
        what: String,
    },
}

/// The file's shape.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    active: String,
    keys: BTreeMap<String, String>,
}

impl Drop for File {
    fn drop(&mut self) {
        self.keys.values_mut().for_each(String::zeroize);
    }
}

impl KeyRing {
    /// Opens the key ring in a file; where there is none, makes one with one new key and mode 0600.
    /// Refuses a file that others than its owner may read or write.
    pub fn open_or_create(path: &Path) -> Result<Self, KeyRingError> {
        let text = private_file::read_or_create(path, || Self::generate().to_text())?;
        Self::from_text(path, &text)
    }

    /// Opens the key ring in a file that must be there: for a process that shares its database with others, whose keys it
    /// would otherwise not have. Refuses a file that others than its owner may read or write.
    pub fn open(path: &Path) -> Result<Self, KeyRingError> {
        if !path.exists() {
            return Err(KeyRingError::Missing(path.to_owned()));
        }
        Self::from_text(path, &private_file::read(path)?)
    }

    /// A ring with one new key, kept nowhere: what it wraps is lost with it. For tests and for `open_or_create`.
    pub fn generate() -> Self {
        Self::with_new_key(BTreeMap::new())
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
        Self::with_active(active.to_owned(), keys)
    }

    fn with_active(active: String, keys: BTreeMap<String, Key>) -> Option<Self> {
        let wrapping = keys.get(&active)?.clone();
        Some(Self(Arc::new(Ring {
            active,
            wrapping,
            keys,
        })))
    }

    fn with_new_key(mut keys: BTreeMap<String, Key>) -> Self {
        let (active, wrapping) = (new_id(), Key::generate());
        keys.insert(active.clone(), wrapping.clone());
        Self(Arc::new(Ring {
            active,
            wrapping,
            keys,
        }))
    }

    /// Adds a new key to the file and makes it the active one. Processes that hold the ring open take the new key
    /// up when they open it again; until then what they wrap stays readable.
    pub fn rotate(path: &Path) -> Result<Self, KeyRingError> {
        let ring = Self::from_text(path, &private_file::read(path)?)?;
        let rotated = Self::with_new_key(ring.0.keys.clone());
        private_file::replace(path, &rotated.to_text())?;
        Ok(rotated)
    }

    /// The id of the key that wraps now. What another key wrapped should be wrapped anew.
    pub fn active(&self) -> &str {
        &self.0.active
    }

    /// The ids of all keys.
    pub fn key_ids(&self) -> impl Iterator<Item = &str> {
        self.0.keys.keys().map(String::as_str)
    }

    /// Wraps a tenant's key with the active key.
    pub fn wrap(&self, key: &TenantKey, tenant: Uuid) -> WrappedKey {
        let id = &self.0.active;
        let bytes = self.0.wrapping.seal(&place(id, tenant), key.root().bytes());
        WrappedKey {
            key_id: id.clone(),
            bytes,
        }
    }

    /// Unwraps a tenant's key.
    pub fn unwrap(&self, wrapped: &WrappedKey, tenant: Uuid) -> Result<TenantKey, SealError> {
        let id = &wrapped.key_id;
        let wrapping = self
            .0
            .keys
            .get(id)
            .ok_or_else(|| SealError::UnknownKey(id.clone()))?;
        let bytes = Zeroizing::new(wrapping.open(&place(id, tenant), &wrapped.bytes)?);
        Key::from_slice(&bytes)
            .map(TenantKey::from_root)
            .ok_or(SealError::Refused)
    }

    fn from_text(path: &Path, text: &str) -> Result<Self, KeyRingError> {
        let damaged = |what: String| KeyRingError::Damaged {
            path: path.to_owned(),
            what,
        };
        // A parser's message quotes the line it fails at, which may be a key: only its place is told.
        let file: File = toml::from_str(text).map_err(|error| {
            damaged(match error.span() {
                Some(span) => format!("not the expected TOML, at byte {}", span.start),
                None => "not the expected TOML".to_owned(),
            })
        })?;
        let mut keys = BTreeMap::new();
        for (id, key) in &file.keys {
            let key = STANDARD
                .decode(key)
                .ok()
                .map(Zeroizing::new)
                .and_then(|bytes| Key::from_slice(&bytes))
                .ok_or_else(|| damaged(format!("key `{id}` is not 32 bytes in base64")))?;
            keys.insert(id.clone(), key);
        }
        let active = &file.active;
        Self::with_active(active.clone(), keys)
            .ok_or_else(|| damaged(format!("the active key `{active}` is not in it")))
    }

    /// The file's text. Written by hand: every id and key is letters, digits and base64, and nothing can fail.
    fn to_text(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(format!(
            "# Whoever has this file can read what the database holds; without it nobody can. Keep a copy apart.\n\
             active = \"{}\"\n\n[keys]\n",
            self.0.active
        ));
        for (id, key) in &self.0.keys {
            let key = Zeroizing::new(STANDARD.encode(key.bytes()));
            for part in ["\"", id, "\" = \"", &key, "\"\n"] {
                text.push_str(part);
            }
        }
        text
    }
}

impl std::fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyRing")
            .field("active", &self.0.active)
            .field("keys", &self.0.keys.len())
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
