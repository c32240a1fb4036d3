//! Limits that workers keep together: token buckets (how many calls may be made) and seats (how many may be under way
//! at once).

use std::time::Duration;

use async_trait::async_trait;

use crate::CoordinationError;

/// The longest wait that is ever named; a bucket that nothing flows into names it too.
pub(crate) const WAIT_MAX: Duration = Duration::from_hours(24);
/// A seat may be left at any moment: who finds none free asks again after this long at the latest.
pub(crate) const SEAT_WAIT_MAX: Duration = Duration::from_millis(100);

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

/// A seat wanted among those who may do something at the same time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seat {
    /// The row of seats: equal keys are one row, for every worker.
    pub key: String,
    /// How many may sit at once. All who name a key name it alike.
    pub seats: u32,
    /// After this long a seat is free again although nobody left it: its holder died. Longer than the longest call.
    pub hold: Duration,
}

/// What came of asking for tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Take {
    /// They were taken from every bucket, and a seat in every row.
    Taken {
        /// How many whole tokens are left in the bucket that has the fewest.
        left: u32,
    },
    /// Nothing was taken from any: ask again after this long, at most a day.
    Wait(Duration),
}

/// Token buckets and seats that workers share.
#[async_trait]
pub trait Buckets: Send + Sync + std::fmt::Debug {
    /// Takes tokens from several buckets and a seat in several rows, each named once: from all of them or from none.
    /// `holder` is whose the seats are; no two who sit at the same time share a name.
    async fn enter(
        &self,
        wants: &[Want],
        seats: &[Seat],
        holder: &str,
    ) -> Result<Take, CoordinationError>;

    /// Leaves seats; those that the holder does not have, or has lost, are left alone. Tokens are not given back.
    async fn leave(&self, seats: &[Seat], holder: &str) -> Result<(), CoordinationError>;

    /// Whether what is shared can be reached now. While it cannot, limits are kept all the same, by each process for
    /// itself.
    async fn answers(&self) -> bool {
        true
    }

    /// Takes tokens from several buckets, each named once: from all of them or from none.
    async fn take(&self, wants: &[Want]) -> Result<Take, CoordinationError> {
        self.enter(wants, &[], "").await
    }
}
