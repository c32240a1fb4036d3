//! Page tokens: where the next page of a listing begins, bound to the account and the call.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::org::Org;
use super::params::Params;

/// What a token is bound to: the account, and every parameter but the page.
pub fn bound(org: &Org, params: &Params) -> u64 {
    let text = format!(
        "{} {} {}",
        org.account,
        org.me(),
        params.binding(&["page", "page_token"])
    );
    crate::core::ids::digest(&text)
}

/// The place behind a page, as its token carries it.
pub struct Token {
    /// What it is bound to.
    pub bound: u64,
    /// The generation of tokens; older ones are forgotten.
    pub generation: u64,
    /// When it ends, Unix seconds.
    pub expiry: i64,
    /// Records of earlier pages.
    pub served: usize,
    /// The key of the last record in the order of the list.
    pub key: i64,
    /// The last record.
    pub id: u64,
}

impl Token {
    /// As text.
    pub fn write(&self) -> String {
        let Self {
            bound,
            generation,
            expiry,
            served,
            key,
            id,
        } = self;
        URL_SAFE_NO_PAD.encode(format!("{bound}.{generation}.{expiry}.{served}.{key}.{id}"))
    }

    /// Reads it; `None` for anything else.
    pub fn read(text: &str) -> Option<Self> {
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        let mut parts = text.split('.');
        let mut next = || parts.next();
        Some(Self {
            bound: next()?.parse().ok()?,
            generation: next()?.parse().ok()?,
            expiry: next()?.parse().ok()?,
            served: next()?.parse().ok()?,
            key: next()?.parse().ok()?,
            id: next()?.parse().ok()?,
        })
    }
}
