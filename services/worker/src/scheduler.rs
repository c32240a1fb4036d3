//! The scheduler: due rows become runs, due runs become jobs. Any number of them may run; the rows decide.

use std::time::Duration;

use syncline_model::{ConnectionStatus, Job, RunId, TenantId, Trigger};
use syncline_platform::Shutdown;
use syncline_platform::clock::later;
use syncline_queue::Priority;
use syncline_store::{NewRun, StoreError};

use crate::{Tools, Trouble};

/// Rows looked at in one tick.
const BATCH: u32 = 500;

/// Looks for what is due, again and again.
pub struct Scheduler {
    tools: Tools,
}

impl Scheduler {
    /// A scheduler with a worker's tools.
    pub const fn new(tools: Tools) -> Self {
        Self { tools }
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
            let found = match scope.connection_get(connection).await {
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
                scope.run_enqueue(&run).await?;
            }
            scope.connection_schedule_next(connection, next).await?;
        }
        for (tenant, run) in tools.store.runs_due(now, BATCH).await? {
            ring(tools, tenant, run, Priority::Scheduled).await;
        }
        Ok(())
    }
}

/// Rings for a run. A bell that is not heard is rung again at the next tick.
pub async fn ring(tools: &Tools, tenant: TenantId, run: RunId, priority: Priority) {
    let job = Job::Run { tenant, run };
    if let Err(error) = tools.queue.publish(&job, priority).await {
        tracing::warn!(%error, "the job was not published; the scheduler rings again");
    }
}
