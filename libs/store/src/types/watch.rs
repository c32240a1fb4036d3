//! Watches: providers' promises to call us.

use chrono::{DateTime, Utc};
use secrecy::SecretString;
use syncline_model::{AccountId, Connection, TenantId};

/// A watch to ask a provider for.
#[derive(Clone, Debug)]
pub struct NewWatch {
    /// Whose collection it is about.
    pub account: AccountId,
    /// The collection's id at the provider.
    pub collection: String,
    /// Hash of the token in the address that is called.
    pub token_hash: [u8; 32],
    /// That address without its token: who is reached otherwise from now on asks anew.
    pub address: String,
    /// When to ask anew if nothing comes of it.
    pub due_at: DateTime<Utc>,
}

/// What a provider answered.
#[derive(Clone, Debug)]
pub struct AgreedWatch {
    /// Its name of the watch.
    pub remote_id: String,
    /// What it signs its calls with.
    pub secret: Option<SecretString>,
    /// When to ask for another one.
    pub due_at: DateTime<Utc>,
}

/// A watch as whoever is called finds it.
#[derive(Clone, Debug)]
pub struct FoundWatch {
    /// Whose it is.
    pub tenant: TenantId,
    /// The account that it is about.
    pub account: AccountId,
    /// The collection.
    pub collection: String,
    /// What the provider signs its calls with, if it said so.
    pub secret: Option<SecretString>,
}

/// A connection that has a collection on one of its sides, paused ones too.
#[derive(Clone, Debug)]
pub struct Hintable {
    /// The connection.
    pub connection: Connection,
    /// When it runs next by itself; `None` where it never does.
    pub next_run_at: Option<DateTime<Utc>>,
    /// When it runs, or ran, because a provider told of a change.
    pub hinted_for: Option<DateTime<Utc>>,
    /// When its last run was asked for.
    pub last_run_at: Option<DateTime<Utc>>,
}
