//! Sealing: secrets and contact values as they lie at rest.
//!
//! Two layers. A [`KeyRing`], kept in a file outside the database, wraps one [`TenantKey`] a tenant; the tenant's key
//! seals that tenant's columns. Every ciphertext is bound to the place it belongs to, so that a value copied to
//! another row, column or tenant does not open. Destroying a tenant's wrapped key destroys what it sealed.
//!
//! Both layers are XChaCha20-Poly1305 with random nonces. There is no key server here and no password.

mod cipher;
mod ring;
mod ring_file;
mod tenant;

pub use ring::{KeyRing, WrappedKey};
pub use ring_file::{KeyRingError, KeyRingFile};
pub use tenant::{Context, TenantKey};

/// Something sealed that does not open.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The bytes are not what was sealed here: truncated, altered, moved or sealed for another place.
    #[error("a sealed value does not open: it was altered or belongs elsewhere")]
    Refused,
    /// The first byte names a format that this version does not know.
    #[error("a sealed value has the unknown format {0}")]
    UnknownFormat(u8),
    /// The key ring has no key of that id.
    #[error("the key ring has no key `{0}`; restore the key file that the database was used with")]
    UnknownKey(String),
}
