//! The OAuth2 server of both providers: apps, codes, grants, tokens and their limits.
//!
//! The wire (consent page, parameter names, error wording) is in [`google`], [`zoho`] and [`consent`]. Not an OpenID
//! provider: no id tokens are made.

pub mod consent;
pub mod google;
pub mod params;
mod store;
mod types;
pub mod zoho;

pub use store::OAuth;
pub use types::{App, Approval, Exchange, Issued, Login, OAuthError, Policy, TokenError};
