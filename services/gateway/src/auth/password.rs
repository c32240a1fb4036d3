//! Passwords: argon2id, off the server's threads, a few at a time (each takes 19 MiB).

use std::sync::Arc;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

use crate::extract::Findings;
use crate::problem::{Code, Problem};

/// Hashes worked on at the same time, in the whole process.
const AT_ONCE: usize = 4;
/// Shortest and longest password, in characters.
pub const SHORTEST: usize = 10;
/// Longest password, in characters.
pub const LONGEST: usize = 200;

/// Notes a password that is too short or too long.
pub fn check(password: &SecretString, findings: &mut Findings) {
    let length = password.expose_secret().chars().count();
    if !(SHORTEST..=LONGEST).contains(&length) {
        let what = format!("Must have {SHORTEST} to {LONGEST} characters.");
        findings.add("/password", what);
    }
}

/// Hashes and checks passwords.
pub struct Passwords {
    slots: Arc<Semaphore>,
    /// A hash of nothing anyone knows: checked when there is no such member, so that the answer takes as long.
    decoy: String,
}

impl Passwords {
    /// Ready to work; `chance` is a fresh random text.
    pub fn new(chance: &str) -> Result<Self, Problem> {
        Ok(Self {
            slots: Arc::new(Semaphore::new(AT_ONCE)),
            decoy: hash_now(chance)?,
        })
    }

    /// The hash to store for a password.
    pub async fn hash(&self, password: SecretString) -> Result<String, Problem> {
        self.work(move || hash_now(password.expose_secret()))
            .await?
    }

    /// Whether a password belongs to a stored hash; takes as long when there is none.
    pub async fn check(
        &self,
        password: SecretString,
        stored: Option<String>,
    ) -> Result<bool, Problem> {
        let known = stored.is_some();
        let stored = stored.unwrap_or_else(|| self.decoy.clone());
        let matches = self
            .work(move || {
                PasswordHash::new(&stored).is_ok_and(|hash| {
                    Argon2::default()
                        .verify_password(password.expose_secret().as_bytes(), &hash)
                        .is_ok()
                })
            })
            .await?;
        Ok(known && matches)
    }

    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let slot = Arc::clone(&self.slots)
            .acquire_owned()
            .await
            .map_err(|error| Problem::internal(&error))?;
        tokio::task::spawn_blocking(move || {
            let done = work();
            drop(slot);
            done
        })
        .await
        .map_err(|error| Problem::internal(&error))
    }
}

fn hash_now(password: &str) -> Result<String, Problem> {
    Argon2::default()
        .hash_password(password.as_bytes())
        .map(|hash| hash.to_string())
        .map_err(|error| {
            tracing::error!(%error, "a password could not be hashed");
            Problem::new(Code::Internal, "The password could not be stored.")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[actix_web::test]
    async fn a_password_belongs_to_its_hash_only() {
        let passwords = Passwords::new("chance").expect("passwords");
        let hash = passwords
            .hash("correct horse".into())
            .await
            .expect("a hash");
        assert!(hash.starts_with("$argon2id$v=19$"), "{hash}");
        let check = async |password: &str, stored: Option<&str>| {
            passwords
                .check(password.into(), stored.map(str::to_owned))
                .await
                .expect("checked")
        };
        assert!(check("correct horse", Some(&hash)).await);
        assert!(!check("correct hors", Some(&hash)).await);
        assert!(!check("correct horse", None).await);
        assert!(!check("chance", None).await);
        assert!(!check("correct horse", Some("not a hash")).await);
    }
}
