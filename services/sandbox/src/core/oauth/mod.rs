//! The OAuth2 server of both providers: apps, codes, grants, tokens and their limits.
//!
//! Not an OpenID provider: no id tokens are made.

pub mod params;
mod store;

pub use store::{App, Approval, Exchange, Issued, Login, OAuth, OAuthError, Policy, TokenError};
