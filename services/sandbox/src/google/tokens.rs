//! Page and sync tokens: opaque to clients, bound to the parameters of the call that got them.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::account::Account;
use super::refusal::Refusal;
use crate::core::ids::digest;
use crate::core::oauth::params::Params;

/// Where an incremental sync goes on.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SyncToken {
    /// What was listed.
    pub kind: String,
    /// The account's token generation.
    pub generation: u64,
    /// Seconds since 1970 of the full sync.
    pub since: i64,
    /// The last change delivered.
    pub seq: u64,
    /// Digest of the parameters.
    pub params: u64,
}

/// Where a listing goes on.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PageToken {
    /// What is listed.
    pub kind: String,
    /// Digest of the parameters.
    pub params: u64,
    /// Position, in the meaning of the listing's order.
    pub at: u64,
    /// The state of the account at the first page.
    pub bound: u64,
    /// The last change which the sync token will stand for.
    pub synced: u64,
    /// A change was met that does not show yet, so `synced` stays.
    pub held: bool,
    /// Seconds since 1970 of the full sync.
    pub since: i64,
}

/// A token as text.
pub fn seal<T: Serialize>(token: &T) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(token).unwrap_or_default())
}

fn open<T: DeserializeOwned>(text: &str) -> Result<T, Refusal> {
    let bytes = URL_SAFE_NO_PAD
        .decode(text)
        .map_err(|_| Refusal::argument())?;
    serde_json::from_slice(&bytes).map_err(|_| Refusal::argument())
}

/// Digest of parameters by name, in any order of their values.
pub fn bind(query: &Params, names: &[&str]) -> u64 {
    let mut text = String::new();
    for name in names {
        let joined = query.all(name).join(",");
        let mut values: Vec<&str> = joined.split(',').filter(|v| !v.is_empty()).collect();
        values.sort_unstable();
        text.push_str(name);
        text.push('=');
        text.push_str(&values.join(","));
        text.push(';');
    }
    digest(&text)
}

/// The page token of a request, if it has one and it fits.
pub fn page(query: &Params, kind: &str, params: u64) -> Result<Option<PageToken>, Refusal> {
    let Some(text) = query.find("pageToken") else {
        return Ok(None);
    };
    let token: PageToken = open(text)?;
    if token.kind != kind || token.params != params {
        return Err(Refusal::argument());
    }
    Ok(Some(token))
}

/// The sync token of a request, if it has one, it fits, and it is alive.
pub fn sync(
    query: &Params,
    kind: &str,
    params: u64,
    account: &Account,
    now: DateTime<Utc>,
) -> Result<Option<SyncToken>, Refusal> {
    let Some(text) = query.find("syncToken") else {
        return Ok(None);
    };
    let token: SyncToken = open(text)?;
    let age = now.timestamp() - token.since;
    if token.generation != account.generation || age >= account.knobs.sync_token_secs {
        return Err(Refusal::expired_sync_token(
            &account.knobs.expired_token_status,
        ));
    }
    if token.kind != kind || token.params != params {
        return Err(Refusal::argument());
    }
    Ok(Some(token))
}
