//! Why an account cannot be authorised or opened. The messages are for a customer.

use std::sync::Arc;

use syncline_connector::{BadLogin, Kind, Remedy};
use syncline_model::ProviderId;
use syncline_store::StoreError;

/// An account that cannot be authorised or opened.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The tenant has no such account.
    #[error("there is no such account")]
    UnknownAccount,
    /// No connector has this id.
    #[error("there is no provider `{0}`")]
    UnknownProvider(String),
    /// A configured provider that no connector knows.
    #[error("`providers.{id}`: there is no such provider; there are {}", .known.join(", "))]
    UnknownSettings {
        /// The provider's id, as configured.
        id: String,
        /// The providers that there are.
        known: Vec<String>,
    },
    /// A configured limit that the provider does not have.
    #[error("`providers.{id}.limits.{limit}`: there is no such limit; there are {}", .known.join(", "))]
    UnknownLimit {
        /// The provider.
        id: ProviderId,
        /// The limit's name.
        limit: String,
        /// The limits that there are.
        known: Vec<String>,
    },
    /// We have no OAuth client at the provider.
    #[error(
        "{name} is not set up on this server: `providers.{id}.client_id` and `client_secret` are missing in its configuration"
    )]
    NotConfigured {
        /// What people call the provider.
        name: String,
        /// Its id.
        id: ProviderId,
    },
    /// The `state` of a callback is unknown, was used or is too old.
    #[error("this authorisation was used already or has expired: start it again")]
    StateSpent,
    /// The browser that came back is not the one that began: the person at it must say whether they want this.
    #[error("access to your {name} account is asked for by {asker} of {organisation}")]
    OtherBrowser {
        /// What people call the provider.
        name: String,
        /// For whom it is.
        organisation: String,
        /// Who began.
        asker: String,
    },
    /// The person said no.
    #[error("access was not granted: the consent page was closed with a refusal")]
    Denied,
    /// The provider sent the person back with an error of its own.
    #[error("{name} ended the authorisation with an error ({code})")]
    Refused {
        /// What people call the provider.
        name: String,
        /// The provider's word, letters and `_` only.
        code: String,
    },
    /// The person granted less than what was asked.
    #[error(
        "{name} granted less access than is needed: authorise again and leave every permission ticked (missing: {})",
        .scopes.join(", ")
    )]
    MissingScopes {
        /// What people call the provider.
        name: String,
        /// What is missing.
        scopes: Vec<String>,
    },
    /// The person logged in as somebody else than before.
    #[error(
        "this account belongs to {expected}, but {found} was logged in: log in as {expected}, or add another account"
    )]
    OtherIdentity {
        /// Whose the account is.
        expected: String,
        /// Who logged in.
        found: String,
    },
    /// What was typed cannot be a login.
    #[error("`{member}` {0}", member = .0.member())]
    BadLogin(#[from] BadLogin),
    /// The account was never authorised.
    #[error("the account is not authorised yet")]
    NotAuthorized,
    /// The provider no longer accepts the account's access.
    #[error("the account must be authorised again: {reason}")]
    NeedsReauthorization {
        /// Why.
        reason: String,
    },
    /// The stored credentials cannot be read.
    #[error("the account's stored access cannot be read: authorise it again")]
    Unreadable,
    /// The provider did not do as asked.
    #[error(transparent)]
    Provider(Box<syncline_connector::Error>),
    /// The store did not do as asked.
    #[error("the account cannot be read or written at the moment")]
    Store(#[source] StoreError),
}

impl Error {
    /// The one thing to do about it.
    pub fn remedy(&self) -> Remedy {
        match self {
            Self::Provider(error) => error.remedy(),
            Self::NotAuthorized | Self::NeedsReauthorization { .. } | Self::Unreadable => {
                Remedy::Reauthorize
            }
            Self::Store(StoreError::Unavailable(_) | StoreError::Conflict { .. }) => {
                Remedy::RetryAfter(std::time::Duration::from_secs(1))
            }
            _ => Remedy::Fail,
        }
    }

    /// The same as an error of a provider's session, by kind and in the same words.
    pub(crate) fn in_session(self, provider: &str) -> syncline_connector::Error {
        let kind = match self {
            Self::Provider(error) => return *error,
            ref other => match other.remedy() {
                Remedy::Reauthorize => Kind::Unauthorized,
                Remedy::RetryAfter(_) => Kind::Unavailable,
                _ => Kind::Forbidden,
            },
        };
        let mut error = syncline_connector::Error::new(provider, kind, self.to_string());
        error.source = Some(Arc::new(self));
        error
    }
}

impl From<syncline_connector::Error> for Error {
    fn from(error: syncline_connector::Error) -> Self {
        Self::Provider(Box::new(error))
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound => Self::UnknownAccount,
            other => Self::Store(other),
        }
    }
}
