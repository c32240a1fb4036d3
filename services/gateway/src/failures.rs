//! What beneath us can fail, as the caller is told of it.

use std::time::Duration;

use syncline_store::StoreError;

use crate::problem::{Code, Problem};

impl From<StoreError> for Problem {
    /// What is left when no route has a better word for it.
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound => Self::not_found(),
            StoreError::Conflict { what } => {
                Self::new(Code::WrongState, format!("Not possible: {what}."))
            }
            StoreError::Refused => Self::new(
                Code::Forbidden,
                "Nobody gives a role, or takes one away, that may do more than they may; and only a member with the role `owner` makes or unmakes owners.",
            ),
            StoreError::Unavailable(source) => {
                tracing::error!(error = %source, "the database is unavailable");
                Self::new(Code::Unavailable, "Try again in a moment.")
                    .retry_after(Duration::from_secs(1))
            }
            other => Self::internal(&other),
        }
    }
}

impl From<syncline_connector::Error> for Problem {
    fn from(error: syncline_connector::Error) -> Self {
        use syncline_connector::Kind;
        tracing::warn!(provider = %error.provider, status = error.status, kind = ?error.kind, "a provider failed");
        match error.kind {
            Kind::Unauthorized => Self::new(Code::AccountNotActive, error.message),
            Kind::RateLimited { retry_after } => Self::new(Code::Unavailable, error.message)
                .retry_after(retry_after.unwrap_or(Duration::from_secs(5))),
            Kind::Forbidden
            | Kind::NotFound
            | Kind::VersionMismatch
            | Kind::Rejected
            | Kind::Unavailable
            | Kind::Malformed
            | Kind::CursorExpired
            | Kind::Unsupported => Self::new(Code::ProviderFailed, error.message),
        }
    }
}

impl From<syncline_accounts::Error> for Problem {
    fn from(error: syncline_accounts::Error) -> Self {
        use syncline_accounts::Error;
        match error {
            Error::UnknownAccount => Self::not_found(),
            Error::Provider(error) => (*error).into(),
            Error::Store(error) => error.into(),
            Error::NotAuthorized | Error::NeedsReauthorization { .. } | Error::Unreadable => {
                Self::new(Code::AccountNotActive, error.to_string())
            }
            Error::NotConfigured { .. }
            | Error::UnknownProvider(_)
            | Error::UnknownSettings { .. }
            | Error::UnknownLimit { .. } => {
                tracing::error!(%error, "a provider cannot be used");
                Self::new(
                    Code::Unavailable,
                    "This server is not set up for the provider: tell its operator.",
                )
            }
            Error::StateSpent
            | Error::BadLogin(_)
            | Error::OtherBrowser { .. }
            | Error::Denied
            | Error::Refused { .. }
            | Error::MissingScopes { .. }
            | Error::OtherIdentity { .. } => Self::new(Code::BadRequest, error.to_string()),
        }
    }
}
