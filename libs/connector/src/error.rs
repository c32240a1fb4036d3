//! Why a call to a provider failed, and the one thing to do about it.
//!
//! Kinds are closed: a connector classifies, the worker acts on `remedy()` and on nothing else.

use std::sync::Arc;
use std::time::Duration;

use crate::http::Lost;

/// What went wrong, by what it means for us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The provider does not accept our credentials, even fresh ones.
    Unauthorized,
    /// The credentials are good but may not do this.
    Forbidden,
    /// The record, collection or route is not there.
    NotFound,
    /// The record changed since the version that we named.
    VersionMismatch,
    /// The provider refused what we sent, for good.
    Rejected,
    /// Too many calls.
    RateLimited {
        /// How long the provider asks us to wait, if it says.
        retry_after: Option<Duration>,
    },
    /// No answer, a broken one or a server error: it may work later.
    Unavailable,
    /// An answer that is not what the provider documents.
    Malformed,
    /// The cursor or page token is too old: read everything again.
    CursorExpired,
    /// This connector cannot do that.
    Unsupported,
}

/// What to do about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Try again, not before this long (the caller adds its own growing wait).
    RetryAfter(Duration),
    /// The account's owner must authorise again; stop using the account.
    Reauthorize,
    /// Forget the cursor and read everything again.
    Repull,
    /// Read the record again and merge again.
    Reread,
    /// Report this record as a problem and go on with the others.
    SkipRecord,
    /// Stop the run and tell the tenant.
    Fail,
}

/// A failed call.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{provider}: {message}")]
pub struct Error {
    /// By what it means for us.
    pub kind: Kind,
    /// The provider's id. Shared and thin: one failure is the outcome of each item of a batch, and errors stay small.
    pub provider: Arc<String>,
    /// HTTP status, when there was an answer.
    pub status: Option<u16>,
    /// In words for a customer; names fields and limits, never a contact's values, tokens or bodies.
    pub message: String,
    /// The provider's own code for it (`DUPLICATE_DATA`), when it has one.
    pub code: Option<String>,
    /// Whether a write may have been done although it failed (no answer, or a server error).
    pub maybe_applied: bool,
    /// The record that is in the way, when the provider names it (a duplicate).
    pub existing: Option<syncline_model::RemoteId>,
    /// What lies beneath.
    #[source]
    pub source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// Whether it is about an answer that was larger than may be read: smaller questions may have smaller ones.
    pub fn is_too_large(&self) -> bool {
        let lost = self
            .source
            .as_deref()
            .and_then(|source| source.downcast_ref());
        matches!(lost, Some(Lost::TooLarge(_)))
    }

    /// An error of a kind, with a message for a customer.
    pub fn new(provider: impl Into<String>, kind: Kind, message: impl Into<String>) -> Self {
        Self {
            kind,
            provider: Arc::new(provider.into()),
            status: None,
            message: message.into(),
            code: None,
            maybe_applied: false,
            existing: None,
            source: None,
        }
    }

    /// The one thing to do about it.
    pub const fn remedy(&self) -> Remedy {
        match self.kind {
            Kind::Unauthorized => Remedy::Reauthorize,
            Kind::RateLimited { retry_after } => match retry_after {
                Some(wait) => Remedy::RetryAfter(wait),
                None => Remedy::RetryAfter(Duration::from_secs(5)),
            },
            Kind::Unavailable | Kind::Malformed => Remedy::RetryAfter(Duration::from_secs(1)),
            Kind::CursorExpired => Remedy::Repull,
            Kind::VersionMismatch => Remedy::Reread,
            Kind::Rejected | Kind::NotFound => Remedy::SkipRecord,
            Kind::Forbidden | Kind::Unsupported => Remedy::Fail,
        }
    }
}
