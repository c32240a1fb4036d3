//! Accounts: a tenant's authorised access to one login at a provider. Credentials are not here: `store` seals them.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{AccountId, TenantId};

/// A provider's id (`zoho_crm`): lower-case letters, digits and `_`, at most 40.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct ProviderId(String);

impl ProviderId {
    /// A well-formed provider id; whether such a provider exists is the registry's to say.
    pub fn parse(text: &str) -> Option<Self> {
        let good = (1..=40).contains(&text.len())
            && text
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        good.then(|| Self(text.to_owned()))
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for ProviderId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ProviderId {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        Self::parse(&text)
            .ok_or_else(|| serde::de::Error::custom(format!("`{text}` is not a provider id")))
    }
}

/// Whether an account can be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum AccountStatus {
    /// Waiting for its owner to come back from the provider's consent page.
    Pending,
    /// In order.
    Active,
    /// The provider refuses our access: the owner must authorise again.
    NeedsReauthorization {
        /// Why, in words for a customer.
        reason: String,
    },
}

/// What ends the reason of a connection that is paused for want of access to an account.
pub const AUTHORISE_AGAIN: &str =
    "Authorise the account again: the connection goes on by itself then";

/// Who an account is at its provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The provider's stable id of the login and, where there is one, its organisation.
    pub subject: String,
    /// What a person recognises it by, usually an e-mail address.
    pub label: String,
}

/// An account as stored, without its credentials.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// The tenant that owns it.
    pub tenant: TenantId,
    /// The provider.
    pub provider: ProviderId,
    /// Who it is there, once authorised.
    pub identity: Option<Identity>,
    /// Whether it can be used.
    pub status: AccountStatus,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// How a provider's clock stands beside ours, in microseconds. Never measured is as ours, beyond what is always in doubt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClockSkew {
    /// By how much it is ahead; less than nothing if it is behind.
    pub ahead: i64,
    /// By how much that may be wrong, either way.
    pub doubt: i64,
}

/// A container inside an account that can be synced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Collection {
    /// Its id: a kind, a colon and the provider's id (`view:3652397000000087501`, `group:contactGroups/12bf`).
    pub id: String,
    /// What a person calls it.
    pub name: String,
    /// Whether it is used when a connection names none.
    pub default: bool,
    /// Whether records can be put into it and taken out of it by us.
    pub membership_writable: bool,
}
