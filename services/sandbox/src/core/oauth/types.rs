//! The words of the OAuth store: apps, policies, requests, answers, refusals.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Access tokens remembered per grant, live or not, so that a dead one is known as expired.
pub const REMEMBERED_ACCESS: usize = 100;

/// A client application.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct App {
    /// Public id.
    pub client_id: String,
    /// Secret.
    pub client_secret: String,
    /// Exact redirect URIs; `http` on a loopback host is always accepted.
    #[serde(default)]
    pub redirect_uris: Vec<String>,
}

/// Lifetimes and limits of one provider's tokens.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Seconds an authorization code lives.
    pub code_secs: i64,
    /// Seconds an access token lives.
    pub access_secs: i64,
    /// Live access tokens per refresh token; the oldest dies when exceeded.
    pub live_access: usize,
    /// Refreshes per refresh token in ten minutes; no limit when absent.
    pub refreshes_per_ten_minutes: Option<usize>,
    /// Live refresh tokens per user and client; the oldest dies with its access tokens when exceeded.
    pub live_refresh: usize,
    /// What codes begin with.
    pub code_prefix: String,
    /// What access tokens begin with.
    pub access_prefix: String,
    /// What refresh tokens begin with.
    pub refresh_prefix: String,
}

/// What a provider brings along: an app that is there from the start, and its numbers.
#[derive(Debug, Clone)]
pub struct Registration {
    /// The app; any loopback redirect URI is taken.
    pub app: App,
    /// Lifetimes and limits.
    pub policy: Policy,
}

/// What a person agreed to on the consent page.
#[derive(Debug, Clone, Default)]
pub struct Approval {
    /// The app.
    pub client_id: String,
    /// Where the code is sent; the exchange must name the same.
    pub redirect_uri: String,
    /// The account chosen.
    pub account: String,
    /// Scopes granted.
    pub scopes: Vec<String>,
    /// A refresh token was asked for.
    pub offline: bool,
    /// The consent was asked for again, so a refresh token is due again.
    pub prompt_consent: bool,
    /// Made by the admin API: does not count as a consent the person gave before.
    pub by_hand: bool,
    /// PKCE challenge and method (`S256` or `plain`).
    pub challenge: Option<(String, String)>,
}

/// The parameters of a code exchange.
#[derive(Debug, Clone, Default)]
pub struct Exchange {
    /// The app.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// The code.
    pub code: String,
    /// As in the authorization request.
    pub redirect_uri: String,
    /// PKCE verifier.
    pub verifier: Option<String>,
}

/// Tokens handed out.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
pub struct Issued {
    /// Access token.
    pub access_token: String,
    /// Refresh token, when one is due.
    pub refresh_token: Option<String>,
    /// Scopes granted.
    pub scopes: Vec<String>,
    /// Seconds the access token lives.
    pub expires_in: i64,
}

/// Who an access token speaks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// Account id at the provider.
    pub account: String,
    /// The app.
    pub client_id: String,
    /// Scopes granted.
    pub scopes: Vec<String>,
    /// When the token dies.
    pub expires_at: DateTime<Utc>,
}

impl Login {
    /// Whether the scope was granted; case does not matter.
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scopes.iter().any(|s| s.eq_ignore_ascii_case(scope))
    }
}

/// Why an access token is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Never issued here, revoked, or pushed out by newer ones.
    #[error("unknown token")]
    Unknown,
    /// Past its life.
    #[error("expired token")]
    Expired,
}

/// Why a token request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OAuthError {
    /// No such app.
    #[error("unknown client")]
    UnknownClient,
    /// The secret is wrong.
    #[error("wrong client secret")]
    WrongSecret,
    /// Code unknown, used, expired or of another app.
    #[error("bad code")]
    BadCode,
    /// The redirect URI is not the code's or not the app's.
    #[error("redirect mismatch")]
    RedirectMismatch,
    /// PKCE verifier missing or wrong.
    #[error("bad verifier")]
    BadVerifier,
    /// Refresh token unknown or revoked.
    #[error("bad refresh token")]
    BadRefresh,
    /// Too many refreshes in the window.
    #[error("too many requests")]
    TooMany,
}
