//! The scheduler: due rows become runs, due runs become jobs. Any number of them may run; the rows decide.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use syncline_model::{ConnectionStatus, Job, RunId, TenantId, Trigger};
use syncline_platform::Shutdown;
use syncline_platform::clock::later;
use syncline_queue::Priority;
use syncline_store::{DueRun, NewRun, OpenedConnection, StoreError};

use crate::{Tools, Trouble};

/// Connections made runs of, and expired runs rung for, in one tick.
const BATCH: u32 = 500;

/// Queued runs looked at in one tick. A backlog that is longer is walked through tick by tick.
const PAGE: u32 = 5_000;

/// After how long without anything happening to a run it is rung for again: the ring may have been lost.
const AGAIN: Duration = Duration::from_secs(15);

/// Looks for what is due, again and again.
pub struct Scheduler {
    tools: Tools,
    rung: Mutex<Rung>,
    /// How far the walk through the queued runs has come.
    place: Mutex<Option<(DateTime<Utc>, RunId)>>,
}

/// Runs that were rung for: since when they were due then, and when that was.
type Rung = HashMap<RunId, (DateTime<Utc>, DateTime<Utc>)>;

impl Scheduler {
    /// A scheduler with a worker's tools.
    pub fn new(tools: Tools) -> Self {
        Self {
            tools,
            rung: Mutex::default(),
            place: Mutex::default(),
        }
    }

    /// Ticks until shut down. A tick that fails is logged; the next one comes anyway.
    pub async fn run(&self, shutdown: &Shutdown) {
        while !shutdown.is_triggered() {
            if let Err(error) = self.tick().await {
                tracing::error!(%error, "the scheduler's tick failed");
            }
            if !shutdown.sleep(self.tools.settings.tick).await {
                return;
            }
        }
    }

    /// Enqueues a run for every connection that is due, and rings for every run that is.
    pub async fn tick(&self) -> Result<(), Trouble> {
        let tools = &self.tools;
        let now = tools.clock.now();
        for (tenant, connection) in tools.store.connections_due(now, BATCH).await? {
            let scope = tools.store.scope(tenant).await?;
            let OpenedConnection {
                connection: found,
                plan,
                ..
            } = match scope.connection_open(connection).await {
                Err(StoreError::NotFound) => continue,
                found => found?,
            };
            let every = found
                .schedule
                .every_seconds
                .map(u64::from)
                .map(Duration::from_secs);
            let next = every.map(|every| later(now, every));
            if found.status == ConnectionStatus::Active {
                let run = NewRun {
                    id: RunId::from_uuid(tools.ids.next()),
                    connection,
                    trigger: Trigger::Schedule,
                    due_at: now,
                    created_at: now,
                };
                let (_, is_new) = scope.run_enqueue(&run).await?;
                if !is_new {
                    // Somebody was quicker: this one is due once that one is over.
                    continue;
                }
            }
            let rest = Duration::from_secs(tools.tariffs.of(&plan).rest_seconds().into());
            let rested = later(now, rest);
            let after = scope.connection_schedule_after(connection, now, next, rested);
            after.await?;
        }
        let mut due = tools.store.runs_expired(now, BATCH).await?;
        due.extend(self.queued(now).await?);
        // A queue that did not take one job is not asked to take the others now.
        let mut deaf = Vec::new();
        for one in self.unheard(due, now) {
            let priority = priority(&one);
            if deaf.contains(&priority) {
                continue;
            }
            if ring(tools, one.tenant, one.run, priority, None).await {
                self.rung().insert(one.run, (one.since, now));
            } else {
                deaf.push(priority);
            }
        }
        Ok(())
    }

    /// The next page of the queued runs that are due; after the last one it begins anew.
    async fn queued(&self, now: DateTime<Utc>) -> Result<Vec<DueRun>, Trouble> {
        let place = *self.place();
        let queued = self.tools.store.runs_due(now, place, PAGE).await?;
        let is_full = queued.len() >= PAGE as usize;
        let last = queued.last().filter(|_| is_full);
        *self.place() = last.map(|last| (last.since, last.run));
        Ok(queued)
    }

    fn place(&self) -> MutexGuard<'_, Option<(DateTime<Utc>, RunId)>> {
        // Nothing that can panic happens under the lock.
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Those not rung for yet on this occasion. A queue between processes does not know that an equal job waits in it
    /// already: without this every tick would add one.
    fn unheard(&self, mut due: Vec<DueRun>, now: DateTime<Utc>) -> Vec<DueRun> {
        let mut rung = self.rung();
        rung.retain(|_, (_, when)| now < later(*when, AGAIN));
        due.retain(|one| {
            rung.get(&one.run)
                .is_none_or(|(since, _)| *since != one.since)
        });
        due
    }

    fn rung(&self) -> MutexGuard<'_, Rung> {
        // Nothing that can panic happens under the lock.
        self.rung.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How urgent a run is.
fn priority(run: &DueRun) -> Priority {
    if run.first {
        Priority::FirstSync
    } else if run.trigger == Trigger::Manual {
        Priority::Interactive
    } else {
        Priority::Scheduled
    }
}

/// Rings for a run, in a trace if it goes on with one. Says whether the queue took it; if not, the scheduler rings again
/// at its next tick.
pub async fn ring(
    tools: &Tools,
    tenant: TenantId,
    run: RunId,
    priority: Priority,
    trace: Option<String>,
) -> bool {
    let job = Job::Run {
        tenant,
        run,
        rung_at: Some(tools.clock.now()),
        trace,
    };
    let published = tools.queue.publish(&job, priority).await;
    if let Err(error) = &published {
        tracing::warn!(%error, "the job was not published; the scheduler rings again");
    }
    published.is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urgency_follows_from_what_asked_and_whether_anything_was_synced_before() {
        let check = |trigger, first, expect| {
            let run = DueRun {
                tenant: TenantId::from_uuid(uuid(1)),
                run: RunId::from_uuid(uuid(2)),
                since: DateTime::UNIX_EPOCH,
                trigger,
                first,
            };
            assert_eq!(priority(&run), expect, "{trigger:?} {first}");
        };
        check(Trigger::Schedule, false, Priority::Scheduled);
        check(Trigger::Manual, false, Priority::Interactive);
        check(Trigger::Schedule, true, Priority::FirstSync);
        check(Trigger::Manual, true, Priority::FirstSync);
    }

    fn uuid(number: u128) -> uuid::Uuid {
        uuid::Uuid::from_u128(number)
    }
}
