//! The simulation's time: stands still until it is moved, in whole microseconds.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::task::{Poll, Waker};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use syncline_platform::Clock;

/// When every history begins.
const BEGINNING: i64 = 1_790_000_000_000_000;

/// A clock that only the history moves.
#[derive(Debug)]
pub struct SimClock {
    micros: AtomicI64,
    sleepers: Mutex<Vec<(i64, Waker)>>,
}

impl Default for SimClock {
    fn default() -> Self {
        Self {
            micros: AtomicI64::new(BEGINNING),
            sleepers: Mutex::default(),
        }
    }
}

impl SimClock {
    /// Moves the clock on and wakes who has slept long enough.
    pub fn advance(&self, by: Duration) {
        let by = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
        let now = self.micros.fetch_add(by, Ordering::Relaxed) + by;
        let mut sleepers = self.sleepers.lock().unwrap_or_else(PoisonError::into_inner);
        sleepers.retain(|(until, waker)| {
            let sleeps = *until > now;
            if !sleeps {
                waker.wake_by_ref();
            }
            sleeps
        });
    }

    /// Moves the clock to an instant, unless it is past it already.
    pub fn advance_to(&self, instant: DateTime<Utc>) {
        let by = instant.timestamp_micros() - self.micros.load(Ordering::Relaxed);
        if let Ok(by) = u64::try_from(by) {
            self.advance(Duration::from_micros(by));
        }
    }

    /// The time, without the trait.
    pub fn now_utc(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.micros.load(Ordering::Relaxed)).unwrap_or_default()
    }

    /// Forgets who sleeps: they were dropped.
    pub fn forget(&self) {
        self.sleepers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }
}

#[async_trait]
impl Clock for SimClock {
    fn now(&self) -> DateTime<Utc> {
        self.now_utc()
    }

    async fn sleep(&self, duration: Duration) {
        let by = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        let until = self.micros.load(Ordering::Relaxed).saturating_add(by);
        std::future::poll_fn(|cx| {
            if self.micros.load(Ordering::Relaxed) >= until {
                return Poll::Ready(());
            }
            let mut sleepers = self.sleepers.lock().unwrap_or_else(PoisonError::into_inner);
            if !sleepers
                .iter()
                .any(|(at, waker)| *at == until && waker.will_wake(cx.waker()))
            {
                sleepers.push((until, cx.waker().clone()));
            }
            Poll::Pending
        })
        .await;
    }
}
