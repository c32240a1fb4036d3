//! Which browser an authorisation belongs to.
//!
//! Whoever begins one gets a secret to keep, as a cookie that only the callback sees; the store has its hash. A browser
//! that comes back without it may be that of somebody who was lured to the consent page: they are told who asks for
//! what, and nothing happens unless they agree (RFC 9700, 4.7).

use secrecy::{ExposeSecret as _, SecretString};
use syncline_platform::random_token;

use crate::authorize::hash;

/// Random bytes of a browser's secret.
const RANDOM: usize = 32;
/// Bytes of a state's hash that tell the cookies of one browser apart.
const NAME: usize = 8;

/// What a browser keeps to be known again when it comes back.
#[derive(Debug)]
pub struct BrowserMark {
    /// The cookie's name: each authorisation has its own.
    pub name: String,
    /// The cookie's value.
    pub secret: SecretString,
}

impl BrowserMark {
    pub(crate) fn new(state: &str) -> Self {
        Self {
            name: Self::name(state),
            secret: random_token(RANDOM).into(),
        }
    }

    /// The name of the cookie that belongs to a `state`.
    pub fn name(state: &str) -> String {
        let hex = hash(state)
            .into_iter()
            .take(NAME)
            .map(|byte| format!("{byte:02x}"));
        hex.fold("syncline_".to_owned(), |name, byte| name + &byte)
    }

    pub(crate) fn hash(&self) -> Vec<u8> {
        hash(self.secret.expose_secret())
    }
}

/// The browser that came back.
#[derive(Clone, Copy, Debug)]
pub enum Browser<'a> {
    /// It sent this as the cookie of its authorisation, or no such cookie.
    Sent(Option<&'a str>),
    /// The person at it was told who asks for what, and agreed.
    Agreed,
}

impl Browser<'_> {
    /// Whether what it brings may be used for an authorisation with this hash.
    pub(crate) fn may_complete(self, browser_hash: Option<&[u8]>) -> bool {
        match (self, browser_hash) {
            (Self::Agreed, _) => true,
            (Self::Sent(Some(secret)), Some(expected)) => hash(secret) == expected,
            (Self::Sent(_), _) => false,
        }
    }
}
