//! The OAuth2 server of the providers: apps, codes, grants, tokens and their limits.
//!
//! The wire (consent page, parameter names, error wording) is in [`google`], [`hubspot`], [`zoho`] and [`consent`]. Not an OpenID
//! provider: no id tokens are made.

pub mod consent;
pub mod google;
pub mod hubspot;
pub mod params;
mod store;
mod types;
pub mod zoho;

pub use store::OAuth;
pub use types::{App, Approval, Exchange, Issued, Login, OAuthError, Policy, TokenError};
