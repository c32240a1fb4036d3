//! Token buckets and seats in Redis: one script takes all or nothing, on the server's clock.
//!
//! While Redis does not answer, this process keeps every limit by itself, at its share and from empty buckets on, so
//! that all processes together stay about within it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use redis::Script;
use syncline_platform::Clock;

use super::RedisSettings;
use super::link::{Gone, Link};
use crate::buckets::{SEAT_WAIT_MAX, WAIT_MAX};
use crate::{BucketSpec, Buckets, CoordinationError, MemoryBuckets, Seat, Take, Want};

/// Token buckets and seats in Redis.
pub struct RedisBuckets {
    link: Arc<Link>,
    prefix: String,
    percent: u32,
    script: Script,
    /// The time in place of the server's.
    given: Option<Arc<dyn Clock>>,
    clock: Arc<dyn Clock>,
    /// Whether buckets of which nobody knows what is left count as full.
    generous: bool,
    /// The limits as this process keeps them while Redis does not answer.
    alone: Mutex<Option<Arc<MemoryBuckets>>>,
}

impl std::fmt::Debug for RedisBuckets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedisBuckets")
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

impl RedisBuckets {
    pub(super) fn new(link: Arc<Link>, settings: &RedisSettings, clock: Arc<dyn Clock>) -> Self {
        Self {
            link,
            prefix: settings.prefix.clone(),
            percent: u32::from(settings.fallback_percent.clamp(1, 100)),
            script: Script::new(include_str!("take.lua")),
            given: None,
            clock,
            generous: false,
            alone: Mutex::default(),
        }
    }

    /// On a clock in place of the server's, for tests: equal steps of time, equal answers. Nothing expires then.
    pub fn on_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.given = Some(clock);
        self
    }

    /// For limits that protect ourselves, where a burst after a loss does no harm and a refusal would: a bucket of which
    /// nobody knows what is left counts as full. Otherwise as almost empty.
    pub fn generous(mut self) -> Self {
        self.generous = true;
        self
    }

    fn key(&self, kind: &str, key: &str) -> String {
        format!("{}:{kind}:{key}", self.prefix)
    }

    async fn shared(&self, wants: &[Want], seats: &[Seat], holder: &str) -> Result<Take, Gone> {
        let now = match &self.given {
            Some(clock) => clock.now().timestamp_micros(),
            None => -1,
        };
        let mut call = self.script.prepare_invoke();
        call.key(format!("{}:since", self.prefix))
            .arg(now)
            .arg(wants.len())
            .arg(seats.len())
            .arg(holder)
            .arg(u8::from(self.generous));
        for want in wants {
            call.key(self.key("bucket", &want.key))
                .arg(want.spec.capacity)
                .arg(want.spec.per_minute)
                .arg(want.tokens);
        }
        for seat in seats {
            call.key(self.key("seats", &seat.key))
                .arg(seat.seats)
                .arg(micros(seat.hold))
                .arg(micros(SEAT_WAIT_MAX));
        }
        let (taken, number): (u8, u64) = self.link.run(&call).await?;
        Ok(if taken == 1 {
            Take::Taken {
                left: u32::try_from(number).unwrap_or(u32::MAX),
            }
        } else {
            Take::Wait(Duration::from_micros(number).min(WAIT_MAX))
        })
    }

    /// The limits of this process alone: from now on, if they were shared until now.
    fn alone(&self) -> Arc<MemoryBuckets> {
        let mut alone = locked(&self.alone);
        let buckets = alone.get_or_insert_with(|| {
            let clock = Arc::clone(&self.clock);
            Arc::new(if self.generous {
                MemoryBuckets::new(clock)
            } else {
                MemoryBuckets::drained(clock)
            })
        });
        Arc::clone(buckets)
    }

    /// A part of a number; never nothing, unless the number is nothing.
    fn share(&self, number: u32) -> u32 {
        let part = u64::from(number) * u64::from(self.percent) / 100;
        u32::try_from(part).unwrap_or(u32::MAX).max(number.min(1))
    }
}

#[async_trait]
impl Buckets for RedisBuckets {
    async fn enter(
        &self,
        wants: &[Want],
        seats: &[Seat],
        holder: &str,
    ) -> Result<Take, CoordinationError> {
        if let Ok(take) = self.shared(wants, seats, holder).await {
            *locked(&self.alone) = None;
            return Ok(take);
        }
        let wants: Vec<Want> = wants
            .iter()
            .map(|want| Want {
                spec: BucketSpec {
                    capacity: self.share(want.spec.capacity),
                    per_minute: self.share(want.spec.per_minute),
                },
                ..want.clone()
            })
            .collect();
        let seats: Vec<Seat> = seats
            .iter()
            .map(|seat| Seat {
                seats: self.share(seat.seats),
                ..seat.clone()
            })
            .collect();
        self.alone().enter(&wants, &seats, holder).await
    }

    async fn answers(&self) -> bool {
        self.link.answers().await
    }

    /// A seat that cannot be given back now is free when its time is over.
    async fn leave(&self, seats: &[Seat], holder: &str) -> Result<(), CoordinationError> {
        let alone = locked(&self.alone).clone();
        if let Some(alone) = alone {
            alone.leave(seats, holder).await?;
        }
        for seat in seats {
            let mut command = redis::cmd("ZREM");
            command.arg(self.key("seats", &seat.key)).arg(holder);
            if self.link.query::<()>(&command).await.is_err() {
                tracing::debug!("a seat is not given back, it runs out");
            }
        }
        Ok(())
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing that can panic half-way happens under these locks.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
