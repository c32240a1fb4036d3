//! `syncline gateway`, `worker` and `scheduler`: one role in a process of its own, beside others on the same
//! PostgreSQL, RabbitMQ and Redis. Any number of each may run; any of them may die.

use std::net::TcpListener;

use anyhow::ensure;
use syncline_gateway::Metrics;
use syncline_platform::config::{CoordinationUrl, DatabaseUrl, QueueUrl};
use syncline_platform::{Config, Shutdown};
use syncline_worker::{Scheduler, Slots};

use crate::metrics::{self, Sampler};
use crate::otlp::Traces;
use crate::out;
use crate::serve::{gateway_state, listen, until_done};
use crate::wiring::{self, Parts};

/// A role in a process of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Serves the API.
    Gateway,
    /// Executes runs.
    Worker,
    /// Makes runs of what is due and rings for them.
    Scheduler,
}

impl Role {
    const fn name(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Worker => "worker",
            Self::Scheduler => "scheduler",
        }
    }
}

/// Runs a role until the process is asked to stop.
pub async fn run(role: Role, config: Config) -> anyhow::Result<()> {
    check(role, &config)?;
    let traces = Traces::open(&config, role.name())?;
    let ended = Box::pin(work(role, &config)).await;
    traces.close().await;
    ended
}

async fn work(role: Role, config: &Config) -> anyhow::Result<()> {
    let shutdown = Shutdown::new();
    shutdown.listen_to_signals()?;
    let listener = listen(config)?;
    let address = listener.local_addr()?;
    let metrics = metrics::install()?;
    let parts = wiring::shared_parts(config).await?;
    out::line(&format!(
        "syncline {} listening on http://{address}",
        role.name()
    ))?;
    let ended = match role {
        Role::Gateway => {
            let state = gateway_state(config, &parts, address, &shutdown, metrics)?;
            let sampler = Sampler::new(&parts, parts.health(&shutdown, false), false);
            let serving = syncline_gateway::serve(state, listener, shutdown.clone());
            until_done(&shutdown, sampler.beside(serving)).await
        }
        Role::Worker => {
            let slots = Slots::new(parts.tools(config));
            let working = Box::pin(slots.run(&shutdown));
            beside_operations(&parts, &shutdown, listener, metrics, false, working).await
        }
        Role::Scheduler => {
            let scheduler = Scheduler::new(parts.tools(config));
            let working = Box::pin(scheduler.run(&shutdown));
            beside_operations(&parts, &shutdown, listener, metrics, true, working).await
        }
    };
    parts.store.close().await;
    Ok(ended.transpose().map(|_| ())?)
}

/// Works, and answers those who watch until the work has ended; `None` if it did not end in time.
async fn beside_operations(
    parts: &Parts,
    shutdown: &Shutdown,
    listener: TcpListener,
    metrics: Metrics,
    watches_all: bool,
    working: impl Future<Output = ()>,
) -> Option<std::io::Result<()>> {
    let health = parts.health(shutdown, true);
    let sampler = Sampler::new(parts, health.clone(), watches_all);
    let end = Shutdown::new();
    let operations = syncline_gateway::serve_operations(health, metrics, listener, end.clone());
    let both = async {
        let working = async {
            working.await;
            end.trigger();
        };
        let operations = async {
            let ended = operations.await;
            // Whoever watches would take a process that does not answer for dead: it rather is.
            shutdown.trigger();
            ended
        };
        let ((), ended) = tokio::join!(working, operations);
        ended
    };
    until_done(shutdown, sampler.beside(both)).await
}

/// A process that is one of many needs what the many share.
fn check(role: Role, config: &Config) -> anyhow::Result<()> {
    let role_name = role.name();
    ensure!(
        matches!(config.database.url, DatabaseUrl::Postgres(_)),
        "a {role_name} of its own needs PostgreSQL, since other processes work on the same rows: set `database.url` \
         to `postgres://...`, or run `syncline serve`"
    );
    ensure!(
        matches!(config.queue.url, QueueUrl::Rabbit(_)),
        "a {role_name} of its own needs RabbitMQ, since jobs go from process to process: set `queue.url` to \
         `amqp://...`, or run `syncline serve`"
    );
    ensure!(
        matches!(config.coordination.url, CoordinationUrl::Redis(_)),
        "a {role_name} of its own needs Redis, since processes share their limits: set `coordination.url` to \
         `redis://...`, or run `syncline serve`"
    );
    ensure!(
        role != Role::Gateway || config.auth.jwt_secret.is_some(),
        "a gateway of its own needs a secret to sign access tokens with, the same in all gateways: set \
         `auth.jwt_secret_file`"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn a_role_of_its_own_needs_what_processes_share() {
        let all = [
            ("SYNCLINE__DATABASE__URL", "postgres://db/sync"),
            ("SYNCLINE__QUEUE__URL", "amqp://mq"),
            ("SYNCLINE__COORDINATION__URL", "redis://cache"),
            (
                "SYNCLINE__AUTH__JWT_SECRET",
                "thirty-two characters, or more of them",
            ),
        ];
        let check = |role: Role, given: &[(&str, &str)], lacks: Option<&str>| {
            let environment: HashMap<_, _> = given
                .iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect();
            let config = Config::load_with(None, environment).unwrap();
            match (super::check(role, &config), lacks) {
                (Ok(()), None) => {}
                (Err(error), Some(lacks)) => {
                    let error = error.to_string();
                    assert!(error.contains(lacks), "{error}");
                    assert!(error.contains(&format!("a {} of its own needs", role.name())));
                }
                (outcome, lacks) => panic!("{outcome:?} where {lacks:?} is missing"),
            }
        };
        for role in [Role::Gateway, Role::Worker, Role::Scheduler] {
            check(role, &all, None);
            check(role, &all[1..], Some("`database.url`"));
            check(role, &all[..1], Some("`queue.url`"));
            check(role, &all[..2], Some("`coordination.url`"));
        }
        check(Role::Gateway, &all[..3], Some("`auth.jwt_secret_file`"));
        check(Role::Worker, &all[..3], None);
    }
}
