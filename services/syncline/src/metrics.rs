//! The numbers of this process: every metric by name, who writes them as text, and what is looked at from time to time.
//!
//! Most are counted where things happen, through the `metrics` facade; none has a label that grows with customers. What
//! each means to an operator is in docs/operations.md, which a test compares with this list.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use ::metrics::{describe_counter, describe_gauge, describe_histogram, gauge};
use futures::future::{self, Either};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use syncline_gateway::{Health, Metrics, Status};
use syncline_platform::Clock;
use syncline_platform::clock::between;
use syncline_queue::Priority;
use syncline_store::Store;

use crate::wiring::Parts;

/// How often what is looked at is looked at.
const EVERY: Duration = Duration::from_secs(5);

/// Kinds of metrics.
#[derive(Clone, Copy, Debug)]
enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Seconds, in buckets up to these bounds.
    Seconds(&'static [f64]),
}

/// A metric.
struct Metric {
    name: &'static str,
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "said here to be compared with what is documented")
    )]
    labels: &'static [&'static str],
    kind: Kind,
    means: &'static str,
}

/// Bounds for answers of this process.
const ANSWERS: &[f64] = &[
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
];
/// Bounds for calls to providers.
const CALLS: &[f64] = &[0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];
/// Bounds for work and waits.
const WORK: &[f64] = &[
    0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0,
];

/// Every metric.
#[rustfmt::skip]
const ALL: &[Metric] = &[
    Metric { name: "syncline_ready", labels: &["part"], kind: Kind::Gauge,
        means: "1 if the process can use the part, else 0" },
    Metric { name: "syncline_runs_total", labels: &["outcome"], kind: Kind::Counter,
        means: "Runs that ended" },
    Metric { name: "syncline_slices_total", labels: &["outcome"], kind: Kind::Counter,
        means: "Slices of runs that ended, by what the run was then" },
    Metric { name: "syncline_slice_seconds", labels: &[], kind: Kind::Seconds(WORK),
        means: "How long slices took" },
    Metric { name: "syncline_relooks_total", labels: &[], kind: Kind::Counter,
        means: "Looks at all records of a side, because rules are about their age" },
    Metric { name: "syncline_hints_total", labels: &["provider", "outcome"], kind: Kind::Counter,
        means: "Calls of providers that may have told of a change" },
    Metric { name: "syncline_queue_wait_seconds", labels: &["priority"], kind: Kind::Seconds(WORK),
        means: "From the ring to the start of the work" },
    Metric { name: "syncline_queue_jobs", labels: &["priority"], kind: Kind::Gauge,
        means: "Jobs that wait" },
    Metric { name: "syncline_schedule_lag_seconds", labels: &[], kind: Kind::Gauge,
        means: "How long the most overdue connection has waited" },
    Metric { name: "syncline_open_intents", labels: &[], kind: Kind::Gauge,
        means: "Intents not yet settled: the outbox" },
    Metric { name: "syncline_oldest_intent_seconds", labels: &[], kind: Kind::Gauge,
        means: "Age of the oldest open intent" },
    Metric { name: "syncline_provider_calls_total", labels: &["provider", "outcome"], kind: Kind::Counter,
        means: "Calls to providers" },
    Metric { name: "syncline_provider_call_seconds", labels: &["provider"], kind: Kind::Seconds(CALLS),
        means: "How long calls to providers took" },
    Metric { name: "syncline_rate_limit_wait_seconds", labels: &["provider"], kind: Kind::Seconds(WORK),
        means: "How long calls waited for their tokens and places" },
    Metric { name: "syncline_http_requests_total", labels: &["route", "status"], kind: Kind::Counter,
        means: "Requests of the API" },
    Metric { name: "syncline_http_request_seconds", labels: &["route"], kind: Kind::Seconds(ANSWERS),
        means: "How long answers of the API took" },
    Metric { name: "syncline_database_connections", labels: &["state"], kind: Kind::Gauge,
        means: "Connections to the database" },
    Metric { name: "syncline_database_connections_max", labels: &[], kind: Kind::Gauge,
        means: "The most connections to the database there may be" },
];

/// What all metrics of this process are kept in.
static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();

/// Collects this process's metrics from now on.
pub fn install() -> anyhow::Result<Metrics> {
    if RECORDER.get().is_none() {
        let mut builder = PrometheusBuilder::new();
        for metric in ALL {
            if let Kind::Seconds(bounds) = metric.kind {
                let name = Matcher::Full(metric.name.to_owned());
                builder = builder.set_buckets_for_metric(name, bounds)?;
            }
        }
        let recorder = builder.build_recorder();
        let handle = recorder.handle();
        ::metrics::set_global_recorder(recorder)?;
        for Metric {
            name, kind, means, ..
        } in ALL
        {
            match kind {
                Kind::Counter => describe_counter!(*name, *means),
                Kind::Gauge => describe_gauge!(*name, *means),
                Kind::Seconds(_) => describe_histogram!(*name, *means),
            }
        }
        // Another thread may have been faster with an equal one.
        let _ = RECORDER.set(handle);
    }
    Ok(Metrics(Arc::new(render)))
}

fn render() -> String {
    RECORDER
        .get()
        .map(PrometheusHandle::render)
        .unwrap_or_default()
}

/// Looks at what nobody counts: how the process is and, for one process of all or few, how the work stands.
pub struct Sampler {
    store: Store,
    clock: Arc<dyn Clock>,
    health: Health,
    watches_all: bool,
}

impl Sampler {
    /// Looks at a process; one that `watches_all` looks at what all processes share too.
    pub fn new(parts: &Parts, health: Health, watches_all: bool) -> Self {
        Self {
            store: parts.store.clone(),
            clock: Arc::clone(&parts.clock),
            health,
            watches_all,
        }
    }

    /// Looks again and again for as long as the work lasts.
    pub async fn beside<T>(&self, work: impl Future<Output = T>) -> T {
        let looking = async {
            loop {
                self.look().await;
                tokio::time::sleep(EVERY).await;
            }
        };
        let (work, looking) = (Box::pin(work), Box::pin(looking));
        match future::select(work, looking).await {
            Either::Left((done, _)) => done,
            Either::Right((never, _)) => never,
        }
    }

    async fn look(&self) {
        if let Some(recorder) = RECORDER.get() {
            recorder.run_upkeep();
        }
        let pool = self.store.connections();
        gauge!("syncline_database_connections", "state" => "used").set(pool.used);
        gauge!("syncline_database_connections", "state" => "idle").set(pool.idle);
        gauge!("syncline_database_connections_max").set(pool.max);
        let readiness = self.health.look().await;
        for part in &readiness.parts {
            let ready = if part.status == Status::Ok { 1.0 } else { 0.0 };
            gauge!("syncline_ready", "part" => part.part).set(ready);
        }
        if !self.watches_all {
            return;
        }
        if let Some(depths) = readiness.depths {
            for (priority, jobs) in [
                (Priority::Interactive.name(), depths.interactive),
                (Priority::Scheduled.name(), depths.scheduled),
                (Priority::FirstSync.name(), depths.first_sync),
                ("set_aside", depths.set_aside),
            ] {
                gauge!("syncline_queue_jobs", "priority" => priority).set(jobs);
            }
        }
        let now = self.clock.now();
        match self.store.vitals(now).await {
            Ok(vitals) => {
                let age =
                    |since: Option<_>| since.map_or(0.0, |since| between(since, now).as_secs_f64());
                gauge!("syncline_schedule_lag_seconds").set(age(vitals.due_since));
                gauge!("syncline_open_intents").set(vitals.open_intents as f64);
                gauge!("syncline_oldest_intent_seconds").set(age(vitals.oldest_intent));
            }
            Err(error) => tracing::debug!(%error, "how the work stands is not known"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rows of the table of metrics in docs/operations.md: name with labels, and kind.
    fn documented() -> Vec<(String, String)> {
        let text = include_str!("../../../docs/operations.md");
        let section = text.split("\n## Metrics\n").nth(1).unwrap();
        let section = section.split("\n## ").next().unwrap();
        section
            .lines()
            .filter_map(|line| line.strip_prefix("| `"))
            .map(|row| {
                let (name, rest) = row.split_once('`').unwrap();
                let kind = rest.split('|').nth(1).unwrap().trim();
                (name.to_owned(), kind.to_owned())
            })
            .collect()
    }

    #[test]
    fn every_metric_is_documented_and_nothing_else_is() {
        let listed: Vec<_> = ALL
            .iter()
            .map(|metric| {
                let labels = match metric.labels {
                    [] => String::new(),
                    labels => format!("{{{}}}", labels.join(",")),
                };
                let kind = match metric.kind {
                    Kind::Counter => "counter",
                    Kind::Gauge => "gauge",
                    Kind::Seconds(_) => "histogram",
                };
                (format!("{}{labels}", metric.name), kind.to_owned())
            })
            .collect();
        assert_eq!(listed, documented());
    }
}
