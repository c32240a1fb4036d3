//! What workers share besides the database: token buckets, so that together they keep within a provider's limits, and
//! the progress of running runs, for those who watch.
//!
//! None of it is the truth of anything: lost tokens mean a short burst that the provider answers, lost progress is
//! followed by the next report. Leases and cursors are not here, they are rows. `tests/it/conformance.rs` is what every
//! implementation must pass.

mod buckets;
mod memory;
mod progress;
mod remote;

pub use buckets::{BucketSpec, Buckets, Seat, Take, Want};
pub use memory::{MemoryBuckets, MemoryProgress};
pub use progress::{Phase, Progress, ProgressEvent, Subscription};
pub use remote::{Redis, RedisBuckets, RedisProgress, RedisSettings};

/// What coordinates cannot be reached.
#[derive(Debug, thiserror::Error)]
#[error("the coordination service cannot be reached")]
pub struct CoordinationError(#[source] pub Box<dyn std::error::Error + Send + Sync>);
