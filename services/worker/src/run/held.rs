//! For how long a slice may write to the providers. Rows are fenced by the database; a provider knows of no leases, so a
//! worker that slept through the end of its own (a stopped process, a machine that was moved) must not send what it was
//! about to send when it wakes.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use syncline_connector::Permit;
use syncline_platform::Clock;
use syncline_platform::clock::later;

/// The end of a lease as far as its holder knows, less a quarter: clocks differ, and what is sent takes its time.
pub struct Held {
    clock: Arc<dyn Clock>,
    lasts: Duration,
    /// In microseconds.
    until: AtomicI64,
}

impl Held {
    /// Of a lease that was taken at an instant and lasts for so long.
    pub fn new(clock: &Arc<dyn Clock>, lease: Duration, at: DateTime<Utc>) -> Self {
        let held = Self {
            clock: Arc::clone(clock),
            lasts: lease * 3 / 4,
            until: AtomicI64::default(),
        };
        held.prolong(at);
        held
    }

    /// The lease was prolonged at an instant.
    pub fn prolong(&self, at: DateTime<Utc>) {
        let until = later(at, self.lasts).timestamp_micros();
        self.until.store(until, Ordering::Relaxed);
    }
}

impl Permit for Held {
    fn holds(&self) -> bool {
        self.clock.now().timestamp_micros() < self.until.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use syncline_platform::ManualClock;

    use super::*;

    #[test]
    fn a_permit_ends_before_the_lease_unless_it_is_prolonged() {
        let manual = Arc::new(ManualClock::new(DateTime::UNIX_EPOCH));
        let clock: Arc<dyn Clock> = manual.clone();
        let held = Held::new(&clock, Duration::from_secs(90), clock.now());
        assert!(held.holds());
        manual.advance(Duration::from_mins(1));
        held.prolong(clock.now());
        manual.advance(Duration::from_secs(67));
        assert!(held.holds(), "one beat may fail");
        manual.advance(Duration::from_secs(1));
        assert!(!held.holds(), "the lease lasts for 22 s more");
    }
}
