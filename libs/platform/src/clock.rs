//! Time as an argument: the one place that reads the system's clock, and a clock that tests move by hand.
//!
//! Times are UTC with microseconds, as both databases keep them: what was written compares equal to what is read.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, SubsecRound as _, Utc};
use tokio::sync::watch;

/// Tells the time and waits.
#[async_trait]
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// The time now, in whole microseconds.
    fn now(&self) -> DateTime<Utc>;

    /// Waits.
    async fn sleep(&self, duration: Duration);
}

/// The system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the home of the time")]
    fn now(&self) -> DateTime<Utc> {
        Utc::now().trunc_subsecs(6)
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// A clock that stands still until it is moved; who sleeps on it wakes when it was moved far enough.
#[derive(Debug)]
pub struct ManualClock(watch::Sender<DateTime<Utc>>);

impl ManualClock {
    /// A clock that shows a time.
    pub fn new(now: DateTime<Utc>) -> Self {
        Self(watch::Sender::new(now.trunc_subsecs(6)))
    }

    /// Moves the clock on.
    pub fn advance(&self, by: Duration) {
        self.0.send_modify(|now| *now = later(*now, by));
    }

    /// Sets the clock, also backwards.
    pub fn set(&self, now: DateTime<Utc>) {
        self.0.send_replace(now.trunc_subsecs(6));
    }
}

#[async_trait]
impl Clock for ManualClock {
    fn now(&self) -> DateTime<Utc> {
        *self.0.borrow()
    }

    async fn sleep(&self, duration: Duration) {
        let mut moved = self.0.subscribe();
        let until = later(*moved.borrow(), duration);
        // The sender is `self`, so waiting cannot end for want of one.
        let _ = moved.wait_for(|now| *now >= until).await;
    }
}

/// A time later by a duration; the end of time instead of an overflow.
pub fn later(time: DateTime<Utc>, by: Duration) -> DateTime<Utc> {
    chrono::TimeDelta::from_std(by)
        .ok()
        .and_then(|by| time.checked_add_signed(by))
        .unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// How long it is from one time to another; nothing when the other is not later.
pub fn between(from: DateTime<Utc>, to: DateTime<Utc>) -> Duration {
    to.signed_duration_since(from).to_std().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn the_system_clock_gives_whole_microseconds() {
        let now = SystemClock.now();
        assert_eq!(now.timestamp_subsec_nanos() % 1_000, 0);
        assert!(now.timestamp() > 1_700_000_000);
    }

    #[tokio::test]
    async fn a_sleeper_wakes_when_the_clock_was_moved_far_enough() {
        let clock = Arc::new(ManualClock::new(DateTime::UNIX_EPOCH));
        let mut sleeper = tokio::spawn({
            let clock = Arc::clone(&clock);
            async move {
                clock.sleep(Duration::from_secs(10)).await;
                clock.now()
            }
        });
        tokio::task::yield_now().await;
        clock.advance(Duration::from_secs(9));
        tokio::task::yield_now().await;
        assert!(futures_pending(&mut sleeper).await);
        clock.advance(Duration::from_secs(1));
        let woke = sleeper.await.unwrap();
        assert_eq!(woke, later(DateTime::UNIX_EPOCH, Duration::from_secs(10)));
    }

    async fn futures_pending<T>(task: &mut tokio::task::JoinHandle<T>) -> bool {
        tokio::select! {
            biased;
            _ = task => false,
            () = tokio::task::yield_now() => true,
        }
    }

    #[test]
    fn arithmetic_ends_at_the_end_of_time() {
        let epoch = DateTime::UNIX_EPOCH;
        assert_eq!(later(epoch, Duration::MAX), DateTime::<Utc>::MAX_UTC);
        let minute = Duration::from_mins(1);
        assert_eq!(between(epoch, later(epoch, minute)), minute);
        assert_eq!(between(later(epoch, minute), epoch), Duration::ZERO);
    }
}
