//! `syncline serve`: every role in one process.

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use anyhow::Context;
use syncline_gateway::{LimitSettings, Metrics, Settings, State};
use syncline_platform::{Config, DataDir, Shutdown};
use syncline_worker::{Scheduler, Slots};

use crate::metrics::{self, Sampler};
use crate::{out, wiring};

/// From the wish to stop to the end of the process, at most; whoever asked waits for half a minute.
const STOP: Duration = Duration::from_secs(27);

/// A server that runs.
pub struct Serving {
    /// Where the API is.
    pub address: SocketAddr,
    shutdown: Shutdown,
    roles: tokio::task::JoinHandle<anyhow::Result<()>>,
    _data_dir: DataDir,
}

impl Serving {
    /// Starts every role.
    pub async fn start(config: Config) -> anyhow::Result<Self> {
        let data_dir = DataDir::lock(&config.data_dir)?;
        let listener = listen(&config)?;
        let address = listener.local_addr()?;
        let metrics = metrics::install()?;
        let parts = wiring::parts(&config).await?;
        // This process holds the data directory alone: whatever run was under way was its predecessor's.
        parts.store.leases_drop(parts.clock.now()).await?;
        let tools = parts.tools(&config);
        let shutdown = Shutdown::new();
        let state = gateway_state(&config, &parts, address, &shutdown, metrics)?;
        let sampler = Sampler::new(&parts, parts.health(&shutdown, true), true);
        let roles = {
            let shutdown = shutdown.clone();
            tokio::spawn(async move {
                let scheduler = Scheduler::new(tools.clone());
                let slots = Slots::new(tools);
                let all = async {
                    let (gateway, (), ()) = tokio::join!(
                        syncline_gateway::serve(state, listener, shutdown.clone()),
                        Box::pin(scheduler.run(&shutdown)),
                        Box::pin(slots.run(&shutdown)),
                    );
                    gateway
                };
                let ended = until_done(&shutdown, sampler.beside(all)).await;
                parts.store.close().await;
                Ok(ended.transpose().map(|_| ())?)
            })
        };
        Ok(Self {
            address,
            shutdown,
            roles,
            _data_dir: data_dir,
        })
    }

    /// Asks it to stop and waits until it has.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.shutdown.trigger();
        self.roles.await?
    }

    /// Waits until it has stopped.
    async fn until_stopped(self) -> anyhow::Result<()> {
        self.roles.await?
    }
}

/// Opens the address to listen at.
pub fn listen(config: &Config) -> anyhow::Result<TcpListener> {
    let address = config.server.listen;
    TcpListener::bind(address).with_context(|| format!("cannot listen on {address}"))
}

/// Lets roles work until they end by themselves; `None` if they did not within the time that a process has to stop.
pub async fn until_done<T>(shutdown: &Shutdown, roles: impl Future<Output = T>) -> Option<T> {
    let ended = shutdown.within(STOP, roles).await;
    if ended.is_none() {
        tracing::warn!(
            seconds = STOP.as_secs(),
            "work was still under way: left where it stands"
        );
    }
    ended
}

/// What the gateway serves with.
pub fn gateway_state(
    config: &Config,
    parts: &wiring::Parts,
    address: SocketAddr,
    shutdown: &Shutdown,
    metrics: Metrics,
) -> anyhow::Result<actix_web::web::Data<State>> {
    let state = State::new(syncline_gateway::Parts {
        store: parts.store.clone(),
        accounts: parts.accounts.clone(),
        registry: parts.registry.clone(),
        queue: parts.queue.clone(),
        progress: parts.progress.clone(),
        buckets: parts.request_buckets.clone(),
        clock: parts.clock.clone(),
        ids: parts.ids.clone(),
        shutdown: shutdown.clone(),
        tariffs: parts.tariffs.clone(),
        metrics,
        settings: Settings {
            jwt_secret: config.jwt_secret()?,
            public_url: config.public_url(address),
            access_token_ttl: config.auth.access_token_ttl,
            refresh_token_ttl: config.auth.refresh_token_ttl,
            limits: limits(config),
        },
    })?;
    Ok(actix_web::web::Data::new(state))
}

const fn limits(config: &Config) -> LimitSettings {
    let limits = &config.server.limits;
    LimitSettings {
        tenant: limits.tenant,
        api_key: limits.api_key,
        anonymous: limits.anonymous,
        sign_in_address: limits.sign_in_address,
        sign_in_network: limits.sign_in_network,
        sign_up_network: limits.sign_up_network,
    }
}

/// Serves until asked to stop.
pub async fn run(config: Config) -> anyhow::Result<()> {
    let data_dir = config.data_dir.display().to_string();
    let serving = Serving::start(config).await?;
    let address = serving.address;
    // Before anything is printed: whoever reads that it listens may ask it to stop.
    serving.shutdown.listen_to_signals()?;
    out::line(&format!(
        "syncline listening on http://{address}\n\
         documentation of the API: http://{address}/docs\n\
         data in {data_dir}"
    ))?;
    serving.until_stopped().await
}

/// Brings the database up to date.
pub async fn migrate(config: Config) -> anyhow::Result<()> {
    // A fleet has nothing there, and perhaps no place to make it.
    if config.keys_file().starts_with(&config.data_dir) {
        DataDir::make(&config.data_dir)?;
    }
    let store = wiring::open_store(&config).await?;
    store.migrate().await?;
    store.close().await;
    Ok(out::line("the database is up to date")?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_first_migration_makes_the_data_directory() {
        let name = format!("syncline-migrate-{}", syncline_platform::random_token(9));
        let dir = std::env::temp_dir().join(name);
        let mut config = Config::load_with(None, std::collections::HashMap::new()).unwrap();
        config.data_dir = dir.join("data");
        for _ in 0..2 {
            migrate(config.clone()).await.unwrap();
        }
        assert!(config.keys_file().is_file());
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
