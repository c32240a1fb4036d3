//! Secrets that we hand out once and keep only the hash of: API keys and refresh tokens.
//!
//! 256 random bits behind a prefix that says what it is (and lets secret scanners find a leaked one). Being that
//! random, a plain SHA-256 is enough to store, and looking it up by its hash tells nothing by its timing.

use secrecy::{ExposeSecret, SecretString};
use syncline_platform::random::digest;

/// Length of the random part: 32 bytes in unpadded base64url.
const RANDOM_LENGTH: usize = 43;

/// What a secret is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretKind {
    /// `sk_...`: an API key.
    ApiKey,
    /// `rt_...`: a refresh token.
    RefreshToken,
    /// `it_...`: an invitation to become a member.
    Invitation,
}

impl SecretKind {
    /// What it begins with.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::ApiKey => "sk_",
            Self::RefreshToken => "rt_",
            Self::Invitation => "it_",
        }
    }
}

/// A secret in the clear. Does not print.
#[derive(Clone, Debug)]
pub struct Secret(SecretString);

impl Secret {
    /// From 32 random bytes in base64url.
    pub fn new(kind: SecretKind, random: &str) -> Self {
        Self(format!("{}{random}", kind.prefix()).into())
    }

    /// A text that has the form of one.
    pub fn parse(kind: SecretKind, text: &str) -> Option<Self> {
        let random = text.strip_prefix(kind.prefix())?;
        let good = random.len() == RANDOM_LENGTH
            && random
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        good.then(|| Self(text.into()))
    }

    /// What is stored: its SHA-256.
    pub fn hash(&self) -> [u8; 32] {
        digest(self.0.expose_secret())
    }

    /// The text, to be shown this once.
    pub fn reveal(&self) -> String {
        self.0.expose_secret().to_owned()
    }

    /// Its first characters, by which a person recognises it later.
    pub fn hint(&self) -> String {
        self.0.expose_secret().chars().take(8).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_well_formed_secrets_are_looked_up() {
        let random = "A".repeat(RANDOM_LENGTH);
        let key = Secret::new(SecretKind::ApiKey, &random);
        let again = Secret::parse(SecretKind::ApiKey, &key.reveal()).expect("a key");
        assert_eq!(again.hash(), key.hash());
        assert!(!format!("{key:?}").contains("AAAA"));
        for bad in [
            String::new(),
            "sk_".into(),
            random.clone(),
            format!("rt_{random}"),
            format!("sk_{random}A"),
            format!("sk_{}'", &random[1..]),
        ] {
            assert!(Secret::parse(SecretKind::ApiKey, &bad).is_none(), "{bad}");
        }
    }
}
