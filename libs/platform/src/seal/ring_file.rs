//! The key ring's file: how it looks, and how it is changed by one at a time, whole or not at all.
//!
//! TOML: `active = "<id>"` and a table `[keys]` of `<id> = "<32 bytes in base64>"`. Only its owner can read it. Whether a
//! key may go, because nothing is wrapped with it any more, is not known here.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use zeroize::{Zeroize as _, Zeroizing};

use super::cipher::Key;
use super::ring::Ring;
use crate::private_file::{self, PrivateFileError};

/// A key ring that cannot be opened, made or changed.
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
    /// Somebody else changes it at this moment.
    #[error("another command is changing the key ring {0}: try again when it has ended")]
    Busy(PathBuf),
    /// It has no key of that id.
    #[error("the key ring has no key `{id}`; it has {}", .has.join(", "))]
    NoKey {
        /// The id.
        id: String,
        /// Those that it has.
        has: Vec<String>,
    },
}

/// The file of a key ring, held for a change: nobody else changes it until this is dropped. Whoever only reads it goes
/// on doing so.
pub struct KeyRingFile {
    path: PathBuf,
    ring: Ring,
    _lock: File,
}

impl KeyRingFile {
    /// Holds a file that must be there, and reads it.
    pub fn hold(path: &Path) -> Result<Self, KeyRingError> {
        read(path)?;
        let Some(lock) = private_file::try_lock(path)? else {
            return Err(KeyRingError::Busy(path.to_owned()));
        };
        Ok(Self {
            path: path.to_owned(),
            // As it is now that nobody else changes it.
            ring: read(path)?,
            _lock: lock,
        })
    }

    /// Fails if there is no key of that id.
    pub fn need(&self, id: &str) -> Result<(), KeyRingError> {
        if self.ring.keys.contains_key(id) {
            return Ok(());
        }
        Err(KeyRingError::NoKey {
            id: id.to_owned(),
            has: self.ring.keys.keys().cloned().collect(),
        })
    }

    /// Adds a new key, which wraps nothing yet. Gives its id.
    pub fn add(&mut self) -> Result<String, KeyRingError> {
        let id = self.ring.add();
        self.write()?;
        Ok(id)
    }

    /// Makes a key the active one.
    pub fn activate(&mut self, id: &str) -> Result<(), KeyRingError> {
        self.need(id)?;
        if self.ring.active != id {
            id.clone_into(&mut self.ring.active);
            self.write()?;
        }
        Ok(())
    }

    /// Takes a key out and makes another one active.
    pub fn remove(&mut self, id: &str, active: &str) -> Result<(), KeyRingError> {
        self.need(id)?;
        self.ring.keys.remove(id);
        self.need(active)?;
        active.clone_into(&mut self.ring.active);
        self.write()
    }

    fn write(&self) -> Result<(), KeyRingError> {
        let text = to_text(&self.ring);
        // What could not be read again would cost everything that it wrapped.
        from_text(&self.path, &text)?;
        Ok(private_file::replace(&self.path, &text)?)
    }
}

/// The file's shape.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    active: String,
    keys: BTreeMap<String, String>,
}

impl Drop for Text {
    fn drop(&mut self) {
        self.keys.values_mut().for_each(String::zeroize);
    }
}

/// Reads a file that must be there.
pub(super) fn read(path: &Path) -> Result<Ring, KeyRingError> {
    if !path.exists() {
        return Err(KeyRingError::Missing(path.to_owned()));
    }
    from_text(path, &private_file::read(path)?)
}

/// Reads a file; where there is none, makes it with one new key.
pub(super) fn read_or_create(path: &Path) -> Result<Ring, KeyRingError> {
    let text = private_file::read_or_create(path, || to_text(&Ring::generate()))?;
    from_text(path, &text)
}

fn from_text(path: &Path, text: &str) -> Result<Ring, KeyRingError> {
    let damaged = |what: String| KeyRingError::Damaged {
        path: path.to_owned(),
        what,
    };
    // A parser's message quotes the line it fails at, which may be a key: only its place is told.
    let file: Text = toml::from_str(text).map_err(|error| {
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
    Ring::of(active.clone(), keys)
        .ok_or_else(|| damaged(format!("the active key `{active}` is not in it")))
}

/// The file's text. Ids that people chose may hold anything: they are written as TOML does.
fn to_text(ring: &Ring) -> Zeroizing<String> {
    let quoted = |id: &str| toml::Value::from(id).to_string();
    let mut text = Zeroizing::new(format!(
        "# Whoever has this file can read what the database holds; without it nobody can. Keep a copy apart.\n\
         active = {}\n\n[keys]\n",
        quoted(&ring.active)
    ));
    for (id, key) in &ring.keys {
        let key = Zeroizing::new(STANDARD.encode(key.bytes()));
        for part in [&quoted(id), " = \"", &key, "\"\n"] {
            text.push_str(part);
        }
    }
    text
}

#[cfg(test)]
#[path = "ring_file_tests.rs"]
mod tests;
