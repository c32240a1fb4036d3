//! Token buckets: how many calls may be made, over all workers together.

use std::time::Duration;

use async_trait::async_trait;

use crate::CoordinationError;

/// The longest wait that is ever named; a bucket that nothing flows into names it too.
pub(crate) const WAIT_MAX: Duration = Duration::from_hours(24);

/// How a bucket is made. It begins full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BucketSpec {
    /// How many tokens it holds.
    pub capacity: u32,
    /// How many tokens flow in per minute.
    pub per_minute: u32,
}

/// Tokens wanted from one bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Want {
    /// The bucket: equal keys are one bucket, for every worker.
    pub key: String,
    /// How it is made. All who name a key name it alike.
    pub spec: BucketSpec,
    /// How many tokens. More than the bucket holds are given when it is full, and paid back before the next are.
    pub tokens: u32,
}

/// What came of asking for tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Take {
    /// They were taken from every bucket.
    Taken {
        /// How many whole tokens are left in the bucket that has the fewest.
        left: u32,
    },
    /// Nothing was taken from any: ask again after this long, at most a day.
    Wait(Duration),
}

/// Token buckets that workers share.
#[async_trait]
pub trait Buckets: Send + Sync + std::fmt::Debug {
    /// Takes tokens from several buckets, each named once: from all of them or from none.
    async fn take(&self, wants: &[Want]) -> Result<Take, CoordinationError>;
}
