//! Watches: a provider's promise to call us when something changes in a collection. What it says then is a hint that it is
//! worth asking; nothing else of it is believed, and whoever gets none finds out at the next scheduled run.

use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use url::Url;

/// Asks for a watch. Does not print its address.
#[derive(Clone)]
pub struct Watch {
    /// The collection's id, as `collections` lists it.
    pub collection: String,
    /// Where to call. A part of its path is known to us and to the provider alone.
    pub url: Url,
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watch")
            .field("collection", &self.collection)
            .finish_non_exhaustive()
    }
}

/// What a provider agreed to.
#[derive(Clone, Debug)]
pub struct Watched {
    /// Its name of the watch, with which it can be ended.
    pub id: String,
    /// What it signs its calls with.
    pub secret: Option<SecretString>,
    /// When it ends by itself; `None` where it does not.
    pub until: Option<DateTime<Utc>>,
}

/// A call at the address of a watch.
#[derive(Clone, Copy)]
pub struct Knock<'a> {
    /// What the call's header of a name says, in lower case letters.
    pub header: &'a (dyn Fn(&str) -> Option<&'a str> + 'a),
    /// The body, as it came.
    pub body: &'a [u8],
    /// What the provider signs with, if it said so.
    pub secret: Option<&'a SecretString>,
    /// The present.
    pub now: DateTime<Utc>,
}

/// What a call says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// Something may have changed.
    Changed,
    /// Nothing that concerns us.
    Nothing,
}

/// A call that is not from the provider, or is an old one once more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the call is not one of the provider's: {0}")]
pub struct Forged(pub &'static str);

/// Whether a message was signed (HMAC-SHA-256, in hexadecimal) by whoever has the secret. Takes as long for a wrong
/// signature as for a right one.
pub fn is_signed(secret: &SecretString, message: &[&[u8]], signature: &str) -> bool {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()) else {
        return false;
    };
    for part in message {
        mac.update(part);
    }
    bytes_of(signature).is_some_and(|signature| mac.verify_slice(&signature).is_ok())
}

/// The bytes that hexadecimal digits stand for.
fn bytes_of(digits: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = digits
        .chars()
        .map(|digit| {
            digit
                .to_digit(16)
                .and_then(|digit| u8::try_from(digit).ok())
        })
        .collect();
    let (pairs, rest) = digits.as_deref()?.as_chunks::<2>();
    let byte = |[high, low]: &[u8; 2]| high << 4 | low;
    rest.is_empty().then(|| pairs.iter().map(byte).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The second case of RFC 4231.
    #[test]
    fn signatures_are_hmac_sha256() {
        let secret = SecretString::from("Jefe");
        let check = |message: &[&[u8]], signature: &str, expect: bool| {
            assert_eq!(
                is_signed(&secret, message, signature),
                expect,
                "{signature}"
            );
        };
        let good = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        check(&[b"what do ya want ", b"for nothing?"], good, true);
        check(
            &[b"what do ya want for nothing?"],
            &good.to_uppercase(),
            true,
        );
        check(&[b"what do ya want for everything?"], good, false);
        check(&[b"what do ya want for nothing?"], &good[2..], false);
        check(&[b"what do ya want for nothing?"], "", false);
        check(&[b"what do ya want for nothing?"], "no digits", false);
    }
}
