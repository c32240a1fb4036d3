//! Job slots: each takes one job at a time and executes one slice of its run.

use std::sync::Arc;

use syncline_model::Job;
use syncline_platform::Shutdown;
use syncline_platform::clock::between;
use syncline_queue::Priority;

use crate::{Tools, run, scheduler::ring};

/// A worker's job slots.
pub struct Slots {
    tools: Tools,
}

impl Slots {
    /// Slots with a worker's tools.
    pub const fn new(tools: Tools) -> Self {
        Self { tools }
    }

    /// Takes jobs until shut down; a slice under way ends at its next border first, within the grace given.
    pub async fn run(&self, shutdown: &Shutdown) {
        let slots = (0..self.tools.settings.slots.max(1)).map(|_| self.slot(shutdown));
        futures::future::join_all(slots).await;
    }

    async fn slot(&self, shutdown: &Shutdown) {
        loop {
            let delivery = tokio::select! {
                () = shutdown.triggered() => return,
                delivery = self.tools.queue.receive() => delivery,
            };
            let delivery = match delivery {
                Ok(delivery) => delivery,
                Err(error) => {
                    tracing::error!(%error, "no job could be received");
                    if !shutdown.sleep(self.tools.settings.tick).await {
                        return;
                    }
                    continue;
                }
            };
            let job = delivery.job.clone();
            self.work(&job, delivery.priority, shutdown).await;
            if let Err(error) = delivery.ack().await {
                tracing::warn!(%error, "the job was not acknowledged; it will come again");
            }
        }
    }

    async fn work(&self, job: &Job, priority: Priority, shutdown: &Shutdown) {
        let Job::Run {
            tenant,
            run,
            rung_at,
            trace,
        } = job;
        if let Some(rung_at) = rung_at {
            let waited = between(*rung_at, self.tools.clock.now());
            metrics::histogram!("syncline_queue_wait_seconds", "priority" => priority.name())
                .record(waited.as_secs_f64());
        }
        let tools = Arc::new(self.tools.clone());
        let stop = shutdown.clone();
        let (tenant, run) = (*tenant, *run);
        let asked_in = trace.clone();
        // A panic in one run ends that run's slice and nothing else; its lease expires and it is taken up again.
        let slice = tokio::spawn(async move {
            let ended = Box::pin(run::execute_until(
                &tools,
                &stop,
                tenant,
                run,
                asked_in.as_deref(),
            ))
            .await;
            (tools, ended)
        });
        match slice.await {
            Ok((tools, Ok(again))) => {
                if again {
                    ring(&tools, tenant, run, priority.continued(), trace.clone()).await;
                }
            }
            Ok((_, Err(error))) => tracing::error!(%error, run.id = %run, "a slice failed"),
            Err(error) => tracing::error!(%error, run.id = %run, "a slice panicked"),
        }
    }
}
