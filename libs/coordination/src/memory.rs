//! Coordination inside one process: gone when it ends.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use syncline_model::RunId;
use syncline_platform::Clock;
use syncline_platform::clock::{between, later};
use tokio::sync::broadcast;

use crate::buckets::{SEAT_WAIT_MAX, WAIT_MAX};
use crate::{
    BucketSpec, Buckets, CoordinationError, Progress, ProgressEvent, Seat, Subscription, Take, Want,
};

/// From this many buckets on, those that have filled up again are forgotten: they are as new.
const SWEEP_FROM: usize = 4_096;
/// How many reports of a run are kept for a slow watcher.
const REPORTS: usize = 64;
/// One token. Levels are counted in units of which `per_minute` flow in each microsecond, so that nothing is rounded
/// and a wait that was named is always long enough.
const TOKEN: i128 = 60_000_000;

/// Token buckets and seats inside one process.
#[derive(Debug)]
pub struct MemoryBuckets {
    clock: Arc<dyn Clock>,
    buckets: Mutex<Shelf>,
    /// Whether a bucket that is new here begins full.
    full: bool,
}

#[derive(Debug, Default)]
struct Shelf {
    buckets: HashMap<String, Bucket>,
    sweep_at: usize,
    /// Who sits, by row: holders, and when their seats are free again.
    rows: HashMap<String, HashMap<String, DateTime<Utc>>>,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    spec: BucketSpec,
    /// In units of `TOKEN`; below zero while more than a full bucket is being paid back.
    level: i128,
    at: DateTime<Utc>,
}

impl MemoryBuckets {
    /// Full buckets, on a clock.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            buckets: Mutex::default(),
            full: true,
        }
    }

    /// Buckets with one token each, for limits of which nobody knows what is left.
    pub(crate) fn drained(clock: Arc<dyn Clock>) -> Self {
        Self {
            full: false,
            ..Self::new(clock)
        }
    }

    fn fresh(&self, spec: BucketSpec, now: DateTime<Utc>) -> Bucket {
        let full = Bucket::full(spec, now);
        if self.full {
            return full;
        }
        Bucket {
            level: full.level.min(TOKEN),
            ..full
        }
    }
}

#[async_trait]
impl Buckets for MemoryBuckets {
    async fn enter(
        &self,
        wants: &[Want],
        seats: &[Seat],
        holder: &str,
    ) -> Result<Take, CoordinationError> {
        let now = self.clock.now();
        let mut shelf = locked(&self.buckets);
        let filled: Vec<Bucket> = wants
            .iter()
            .map(|want| match shelf.buckets.get(&want.key) {
                Some(bucket) => bucket.filled(want.spec, now),
                None => self.fresh(want.spec, now),
            })
            .collect();
        let dry = filled
            .iter()
            .zip(wants)
            .filter_map(|(bucket, want)| bucket.wait(want.tokens))
            .max();
        let crowded = seats
            .iter()
            .filter_map(|seat| shelf.crowded(seat, now))
            .max();
        if let Some(wait) = dry.max(crowded) {
            return Ok(Take::Wait(wait));
        }
        let mut left = u32::MAX;
        for (mut bucket, want) in filled.into_iter().zip(wants) {
            bucket.level -= i128::from(want.tokens) * TOKEN;
            let tokens = bucket.level.max(0) / TOKEN;
            left = left.min(u32::try_from(tokens).unwrap_or(u32::MAX));
            shelf.buckets.insert(want.key.clone(), bucket);
        }
        for seat in seats {
            let row = shelf.rows.entry(seat.key.clone()).or_default();
            row.insert(holder.to_owned(), later(now, seat.hold));
        }
        shelf.sweep(now);
        Ok(Take::Taken { left })
    }

    async fn leave(&self, seats: &[Seat], holder: &str) -> Result<(), CoordinationError> {
        let mut shelf = locked(&self.buckets);
        for seat in seats {
            if let Some(row) = shelf.rows.get_mut(&seat.key) {
                row.remove(holder);
                if row.is_empty() {
                    shelf.rows.remove(&seat.key);
                }
            }
        }
        Ok(())
    }
}

impl Shelf {
    /// How long until a seat may be free; `None` when one is.
    fn crowded(&mut self, seat: &Seat, now: DateTime<Utc>) -> Option<Duration> {
        let row = self.rows.get_mut(&seat.key);
        let taken = row.map_or(0, |row| {
            row.retain(|_, until| *until > now);
            row.len()
        });
        if taken < usize::try_from(seat.seats).unwrap_or(usize::MAX) {
            return None;
        }
        let ends = self.rows.get(&seat.key).into_iter().flatten();
        let first = ends.map(|(_, until)| between(now, *until)).min();
        Some(first.map_or(SEAT_WAIT_MAX, |first| first.min(SEAT_WAIT_MAX)))
    }

    /// Forgets full buckets; looks again only when the rest has doubled, so that takings stay cheap.
    fn sweep(&mut self, now: DateTime<Utc>) {
        if self.buckets.len() < self.sweep_at.max(SWEEP_FROM) {
            return;
        }
        self.buckets.retain(|_, bucket| {
            let filled = bucket.filled(bucket.spec, now);
            filled.level < Bucket::full(bucket.spec, now).level
        });
        self.sweep_at = self.buckets.len() * 2;
    }
}

impl Bucket {
    fn full(spec: BucketSpec, now: DateTime<Utc>) -> Self {
        Self {
            spec,
            level: i128::from(spec.capacity) * TOKEN,
            at: now,
        }
    }

    /// The bucket after what flowed in until now. A clock that went back lets nothing flow.
    fn filled(self, spec: BucketSpec, now: DateTime<Utc>) -> Self {
        let full = Self::full(spec, now);
        let micros = now
            .signed_duration_since(self.at)
            .num_microseconds()
            .unwrap_or(i64::MAX);
        let inflow = i128::from(micros.max(0)) * i128::from(spec.per_minute);
        Self {
            level: (self.level + inflow).min(full.level),
            ..full
        }
    }

    /// How long until it can give so many tokens; `None` when it can now.
    fn wait(&self, tokens: u32) -> Option<Duration> {
        let needed = i128::from(tokens.min(self.spec.capacity)) * TOKEN;
        let missing = needed - self.level;
        if missing <= 0 {
            return None;
        }
        let inflow = i128::from(self.spec.per_minute);
        if inflow == 0 {
            return Some(WAIT_MAX);
        }
        let micros = (missing + inflow - 1) / inflow;
        let wait = u64::try_from(micros).map_or(WAIT_MAX, Duration::from_micros);
        Some(wait.min(WAIT_MAX))
    }
}

/// Progress inside one process.
#[derive(Debug, Default)]
pub struct MemoryProgress {
    watched: Mutex<HashMap<RunId, broadcast::Sender<ProgressEvent>>>,
}

impl MemoryProgress {
    /// Nobody watches yet.
    pub fn new() -> Self {
        Self::default()
    }
}

#[async_trait]
impl Progress for MemoryProgress {
    async fn publish(&self, event: &ProgressEvent) -> Result<(), CoordinationError> {
        let mut watched = locked(&self.watched);
        let alone = watched
            .get(&event.run)
            .is_some_and(|watchers| watchers.send(event.clone()).is_err());
        if alone {
            watched.remove(&event.run);
        }
        Ok(())
    }

    async fn subscribe(&self, run: RunId) -> Result<Subscription, CoordinationError> {
        let mut watched = locked(&self.watched);
        watched.retain(|_, watchers| watchers.receiver_count() > 0);
        let watchers = watched
            .entry(run)
            .or_insert_with(|| broadcast::Sender::new(REPORTS));
        Ok(Subscription::new(watchers.subscribe()))
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing that can panic half-way happens under these locks.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use syncline_platform::ManualClock;

    use super::*;

    #[tokio::test]
    async fn buckets_that_are_full_again_are_forgotten() {
        let clock = Arc::new(ManualClock::new(DateTime::UNIX_EPOCH));
        let buckets = MemoryBuckets::new(Arc::clone(&clock) as Arc<dyn Clock>);
        let want = |number: usize| Want {
            key: number.to_string(),
            spec: BucketSpec {
                capacity: 1,
                per_minute: 60,
            },
            tokens: 1,
        };
        for number in 1..SWEEP_FROM {
            buckets.take(&[want(number)]).await.unwrap();
        }
        assert_eq!(locked(&buckets.buckets).buckets.len(), SWEEP_FROM - 1);
        clock.advance(Duration::from_secs(1));
        buckets.take(&[want(0)]).await.unwrap();
        assert_eq!(locked(&buckets.buckets).buckets.len(), 1);
        assert!(matches!(
            buckets.take(&[want(0)]).await.unwrap(),
            Take::Wait(_)
        ));
    }

    #[tokio::test]
    async fn runs_that_nobody_watches_are_forgotten() {
        let progress = MemoryProgress::new();
        let run = |number| RunId::from_uuid(uuid::Uuid::from_u128(number));
        drop(progress.subscribe(run(1)).await.unwrap());
        let _watching = progress.subscribe(run(2)).await.unwrap();
        assert_eq!(locked(&progress.watched).len(), 1);
    }
}
