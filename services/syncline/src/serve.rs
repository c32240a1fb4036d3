//! `syncline serve`: every role in one process.

use std::net::{SocketAddr, TcpListener};

use anyhow::Context;
use syncline_gateway::{LimitSettings, Settings, State};
use syncline_platform::{Config, DataDir, Shutdown};
use syncline_worker::{Scheduler, Slots};

use crate::wiring;

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
        let listener = TcpListener::bind(config.server.listen)
            .with_context(|| format!("cannot listen on {}", config.server.listen))?;
        let address = listener.local_addr()?;
        let parts = wiring::parts(&config).await?;
        // This process holds the data directory alone: whatever run was under way was its predecessor's.
        parts.store.leases_drop(parts.clock.now()).await?;
        let tools = parts.tools(&config);
        let shutdown = Shutdown::new();
        let state = gateway_state(&config, &parts, address, &shutdown)?;
        let roles = {
            let shutdown = shutdown.clone();
            let store = parts.store.clone();
            tokio::spawn(async move {
                let scheduler = Scheduler::new(tools.clone());
                let slots = Slots::new(tools);
                let (gateway, (), ()) = tokio::join!(
                    syncline_gateway::serve(state, listener, shutdown.clone()),
                    scheduler.run(&shutdown),
                    slots.run(&shutdown),
                );
                store.close().await;
                gateway.map_err(anyhow::Error::from)
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

    /// Waits until it is asked to stop from outside, and has.
    async fn until_stopped(self) -> anyhow::Result<()> {
        self.shutdown.listen_to_signals()?;
        self.roles.await?
    }
}

fn gateway_state(
    config: &Config,
    parts: &wiring::Parts,
    address: SocketAddr,
    shutdown: &Shutdown,
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
    println!("syncline listening on http://{}", serving.address);
    println!("documentation of the API: http://{}/docs", serving.address);
    println!("data in {data_dir}");
    serving.until_stopped().await
}

/// Brings the database up to date.
pub async fn migrate(config: Config) -> anyhow::Result<()> {
    let store = wiring::open_store(&config).await?;
    store.migrate().await?;
    store.close().await;
    println!("the database is up to date");
    Ok(())
}
