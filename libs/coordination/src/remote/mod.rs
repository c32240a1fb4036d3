//! Coordination through Redis, for workers and gateways in several processes.
//!
//! Redis is never the truth of anything and never needed: while it does not answer, limits are kept by each process for
//! itself at a configured share, and progress is not told. `link` knows whether it answers, `buckets` holds the
//! limits, `progress` listens.

mod buckets;
mod link;
mod progress;

use std::sync::Arc;

use secrecy::SecretString;
use syncline_platform::Clock;

pub use buckets::RedisBuckets;
pub use progress::RedisProgress;

use crate::CoordinationError;
use link::Link;

/// How Redis is used.
#[derive(Clone, Debug)]
pub struct RedisSettings {
    /// `redis://` or `rediss://`, with user, password and database where there are any.
    pub url: SecretString,
    /// Before every key and channel, so that several installations can share a server.
    pub prefix: String,
    /// Percent of every limit that this process grants by itself while Redis does not answer; 1 to 100.
    pub fallback_percent: u8,
}

/// A use of one Redis.
#[derive(Debug)]
pub struct Redis {
    link: Arc<Link>,
    settings: RedisSettings,
    clock: Arc<dyn Clock>,
}

impl Redis {
    /// Does not wait for the server: it may come later, and may go. Fails only when the URL is not one. Connections
    /// live in the runtime that this is called in.
    pub async fn open(
        settings: RedisSettings,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, CoordinationError> {
        let link = Arc::new(Link::new(&settings.url)?);
        if !link.answers().await {
            tracing::warn!("Redis does not answer yet: this process goes on without it");
        }
        Ok(Self {
            link,
            settings,
            clock,
        })
    }

    /// The limits, on the server's time.
    pub fn buckets(&self) -> RedisBuckets {
        RedisBuckets::new(
            Arc::clone(&self.link),
            &self.settings,
            Arc::clone(&self.clock),
        )
    }

    /// Progress.
    pub fn progress(&self) -> RedisProgress {
        RedisProgress::new(Arc::clone(&self.link), &self.settings.prefix)
    }

    /// Whether the server answers now. Who asks waits for half a second at most.
    pub async fn answers(&self) -> bool {
        self.link.answers().await
    }
}
