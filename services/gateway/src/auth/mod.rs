//! Who calls: access tokens, API keys, passwords. What a caller may do is in `caller`; nothing here knows a route.

mod caller;
mod jwt;
pub mod password;
mod secret;

pub use caller::{
    Admission, Caller, CanAdmin, CanRead, CanWrite, Scope, authenticate, bearer, refused,
};
pub use jwt::{AccessToken, Tokens, WeakSecret};
pub use password::Passwords;
pub use secret::{Secret, SecretKind};
