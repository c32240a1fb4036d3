//! Coordination in this process.

use std::sync::Arc;

use chrono::DateTime;
use syncline_coordination::{MemoryBuckets, MemoryProgress};
use syncline_platform::ManualClock;

use crate::conformance::Subject;

async fn fresh() -> Subject {
    let clock = Arc::new(ManualClock::new(DateTime::UNIX_EPOCH));
    Subject {
        buckets: Arc::new(MemoryBuckets::new(clock.clone())),
        progress: Arc::new(MemoryProgress::new()),
        clock,
    }
}

crate::conformance!(fresh);
