//! The one cipher, and what a key is: 32 bytes that vanish when dropped and cannot be printed.
//!
//! Format of everything sealed: one byte [`FORMAT`], a 24-byte random nonce, the ciphertext with its 16-byte tag.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::SealError;
use crate::random;

/// The format's number.
const FORMAT: u8 = 1;
/// Bytes of a nonce.
const NONCE: usize = 24;

/// A key. It has no `Debug`: whatever holds one must say how it prints.
#[derive(Clone)]
pub(super) struct Key(Zeroizing<[u8; 32]>);

impl Key {
    /// A new key, by chance.
    pub(super) fn generate() -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        random::fill(&mut *bytes);
        Self(bytes)
    }

    /// The key with these bytes, if they are 32.
    pub(super) fn from_slice(bytes: &[u8]) -> Option<Self> {
        <[u8; 32]>::try_from(bytes)
            .ok()
            .map(|bytes| Self(Zeroizing::new(bytes)))
    }

    /// Its bytes.
    pub(super) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// A key for one purpose, derived from this one.
    pub(super) fn derive(&self, purpose: &str) -> Self {
        Self(Zeroizing::new(self.mac(&[purpose.as_bytes()])))
    }

    /// HMAC-SHA256 over the parts, one after the other.
    pub(super) fn mac(&self, parts: &[&[u8]]) -> [u8; 32] {
        // A key shorter than the block is filled with zeros by HMAC itself; doing it here needs no fallible call.
        let mut block = Zeroizing::new([0_u8; 64]);
        for (to, from) in block.iter_mut().zip(self.0.iter()) {
            *to = *from;
        }
        let mut mac = <Hmac<Sha256> as KeyInit>::new((&*block).into());
        for part in parts {
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }

    /// Seals a text for a place.
    #[expect(
        clippy::expect_used,
        reason = "the cipher refuses only texts beyond 256 GiB, which do not fit in memory"
    )]
    pub(super) fn seal(&self, place: &[u8], plaintext: &[u8]) -> Vec<u8> {
        let nonce = random::bytes::<NONCE>();
        let payload = Payload {
            msg: plaintext,
            aad: place,
        };
        let ciphertext = XChaCha20Poly1305::new((&*self.0).into())
            .encrypt(&XNonce::from(nonce), payload)
            .expect("the text fits in memory");
        let mut sealed = Vec::with_capacity(1 + NONCE + ciphertext.len());
        sealed.push(FORMAT);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&ciphertext);
        sealed
    }

    /// Opens what was sealed for a place.
    pub(super) fn open(&self, place: &[u8], sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        let (format, rest) = sealed.split_first().ok_or(SealError::Refused)?;
        if *format != FORMAT {
            return Err(SealError::UnknownFormat(*format));
        }
        let (nonce, ciphertext) = rest
            .split_first_chunk::<NONCE>()
            .ok_or(SealError::Refused)?;
        let payload = Payload {
            msg: ciphertext,
            aad: place,
        };
        XChaCha20Poly1305::new((&*self.0).into())
            .decrypt(&XNonce::from(*nonce), payload)
            .map_err(|_| SealError::Refused)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Resolves only while `Key` has no `Debug`: with one, two impls fit and the call is ambiguous.
    trait NotPrintable<Marker> {
        fn check() {}
    }
    struct Printable;
    impl<T> NotPrintable<()> for T {}
    impl<T: std::fmt::Debug> NotPrintable<Printable> for T {}

    #[test]
    fn a_key_cannot_be_printed() {
        <Key as NotPrintable<_>>::check();
    }

    #[test]
    fn the_mac_is_hmac_sha256() {
        // RFC 4231 test case 2 has the 4-byte key "Jefe"; filled with zeros to 32 bytes it is the same HMAC key.
        let mut bytes = [0; 32];
        bytes[..4].copy_from_slice(b"Jefe");
        let key = Key::from_slice(&bytes).unwrap();
        let mac = key.mac(&[b"what do ya want ", b"for nothing?"]);
        assert_eq!(
            mac[..8],
            [0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75, 0x4e],
            "{mac:02x?}"
        );
    }

    #[test]
    fn derived_keys_differ_by_purpose() {
        let key = Key::generate();
        assert_ne!(key.derive("x").bytes(), key.derive("y").bytes());
        assert_eq!(key.derive("x").bytes(), key.derive("x").bytes());
    }
}
