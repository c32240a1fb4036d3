//! The OAuth2 server of the providers: apps, codes, grants, tokens and their limits.
//!
//! Parameter names and error wording are the providers' own (`oauth.rs` in their folders); the consent page is [`consent`].
//! Not an OpenID provider: no id tokens are made.

pub mod consent;
pub mod params;
mod store;
mod types;

pub use store::OAuth;
pub use types::{
    App, Approval, Exchange, Issued, Login, OAuthError, Policy, REMEMBERED_ACCESS, Registration,
    TokenError,
};
