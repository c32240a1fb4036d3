//! What a session draws on but does not own: the account's access token and its token buckets.
//!
//! Where tokens are kept, who refreshes them and how several processes agree is the implementation's business; the
//! HTTP side sees only these two traits.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use secrecy::SecretString;

use crate::Error;

/// An access token as it goes into one request.
#[derive(Clone, Debug)]
pub struct AccessToken {
    /// The token.
    pub secret: SecretString,
    /// The API address that the token answer named (`api_domain` at Zoho), when it named one.
    pub api_base: Option<String>,
    /// Counts renewals of this account's credentials, so that two callers rejected together renew once.
    pub generation: i64,
}

/// Hands out an account's access tokens.
#[async_trait]
pub trait Access: Send + Sync {
    /// The token in force, renewed beforehand when it is about to expire.
    async fn token(&self) -> Result<AccessToken, Error>;

    /// A newer token than the one that the provider rejected. Callers rejected with the same generation share one
    /// renewal; when somebody renewed meanwhile, that token is the answer.
    async fn renew(&self, rejected: &AccessToken) -> Result<AccessToken, Error>;
}

/// The token buckets that every call passes.
#[async_trait]
pub trait Gate: Send + Sync {
    /// Takes tokens from a bucket of the definition's `limits`; takes nothing and says how long to wait when there
    /// are too few. A bucket that is not known lets everything through.
    async fn take(&self, bucket: &str, tokens: u32) -> Result<(), Duration>;

    /// Lets one call through: takes its tokens from all of its buckets or from none, and a place among the calls that
    /// the provider bears at the same time; if it `writes`, also among those that may write. The pass is held until the
    /// call is over.
    async fn enter(&self, buckets: &[(&'static str, u32)], writes: bool) -> Result<Pass, Duration> {
        let _ = writes;
        for (bucket, tokens) in buckets {
            self.take(bucket, *tokens).await?;
        }
        Ok(Pass::default())
    }
}

/// A call's place among those under way; given up when dropped.
#[derive(Default)]
pub struct Pass(#[expect(dead_code, reason = "held, not read")] Option<Box<dyn Send + Sync>>);

impl Pass {
    /// A place that what it holds gives up when it is dropped.
    pub fn holding(place: impl Send + Sync + 'static) -> Self {
        Self(Some(Box::new(place)))
    }
}

/// Says whether whoever opened an account may still change something there. Asked right before each call that writes.
pub trait Permit: Send + Sync {
    /// Whether it holds at this moment.
    fn holds(&self) -> bool;
}

/// Is told what a provider's answers say of its clock.
pub trait Witness: Send + Sync {
    /// An answer that came just now, so long after it was asked for, says that its clock showed `date`, in whole seconds.
    fn answered(&self, date: DateTime<Utc>, took: Duration);
}

/// A gate without limits, for tests and tools.
#[derive(Clone, Copy, Debug, Default)]
pub struct OpenGate;

#[async_trait]
impl Gate for OpenGate {
    async fn take(&self, _bucket: &str, _tokens: u32) -> Result<(), Duration> {
        Ok(())
    }
}
