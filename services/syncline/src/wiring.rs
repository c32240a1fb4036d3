//! From configuration to parts: which database, queue and coordination, and how they are joined.

use std::sync::Arc;

use anyhow::Context;
use syncline_accounts::Accounts;
use syncline_connector::{HttpClient, HttpLimits, Registry};
use syncline_coordination::{
    Buckets, MemoryBuckets, MemoryProgress, Progress, Redis, RedisSettings,
};
use syncline_gateway::Health;
use syncline_model::Tariffs;
use syncline_platform::config::CoordinationUrl;
use syncline_platform::config::QueueUrl;
use syncline_platform::seal::KeyRing;
use syncline_platform::{Clock, Config, Ids, Shutdown, SystemClock, SystemIds};
use syncline_queue::{MemoryQueue, Queue, RabbitQueue, RabbitSettings};
use syncline_store::Store;
use syncline_worker::{Settings, Shapes, Tools};

/// The parts that every role works with.
pub struct Parts {
    /// The rows.
    pub store: Store,
    /// The connectors.
    pub registry: Registry,
    /// Opens accounts.
    pub accounts: Accounts,
    /// Rings for workers.
    pub queue: Arc<dyn Queue>,
    /// Tokens of the API's own limits.
    pub request_buckets: Arc<dyn Buckets>,
    /// Tells people who watch.
    pub progress: Arc<dyn Progress>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// New ids.
    pub ids: Arc<dyn Ids>,
    /// What tenants' plans allow.
    pub tariffs: Arc<Tariffs>,
}

/// Opens the database with its key ring, which is made if there is none.
pub async fn open_store(config: &Config) -> anyhow::Result<Store> {
    let keys_file = config.keys_file();
    let keys = KeyRing::open_or_create(&keys_file)
        .with_context(|| format!("the key ring {}", keys_file.display()))?;
    open_with(config, keys).await
}

/// Opens a database that others use too, with the key ring of all.
async fn open_shared_store(config: &Config) -> anyhow::Result<Store> {
    let store = open_migrated_store(config).await?;
    need_fitting_keys(&store).await?;
    Ok(store)
}

/// Opens a database that was made and brought up to date before, with a key ring that is there.
pub async fn open_migrated_store(config: &Config) -> anyhow::Result<Store> {
    let store = open_with(config, KeyRing::open(&config.keys_file())?).await?;
    if !store.is_migrated().await? {
        anyhow::bail!("the database is not up to date: run `syncline migrate` first");
    }
    Ok(store)
}

/// Fails if the key ring is another one than the database was sealed with.
pub async fn need_fitting_keys(store: &Store) -> anyhow::Result<()> {
    store
        .keys_fit()
        .await
        .context("the key ring is another one than the database was sealed with")
}

async fn open_with(config: &Config, keys: KeyRing) -> anyhow::Result<Store> {
    Store::open(&config.database_url(), keys)
        .await
        .context("database.url")
}

/// The queue. A broker is connected to when it is first used, and again whenever it was lost.
fn open_queue(config: &Config) -> anyhow::Result<Arc<dyn Queue>> {
    Ok(match &config.queue.url {
        QueueUrl::Memory => Arc::new(MemoryQueue::new()),
        QueueUrl::Rabbit(url) => Arc::new(RabbitQueue::new(&RabbitSettings {
            url: url.clone(),
            prefix: config.queue.prefix.clone(),
            ca: config.queue_ca()?,
        })?),
    })
}

/// Makes the parts of a process that has everything in it, and brings its database up to date.
pub async fn parts(config: &Config) -> anyhow::Result<Parts> {
    let store = open_store(config).await?;
    store.migrate().await?;
    with_store(config, store).await
}

/// Makes the parts of a process that is one of many.
pub async fn shared_parts(config: &Config) -> anyhow::Result<Parts> {
    with_store(config, open_shared_store(config).await?).await
}

async fn with_store(config: &Config, store: Store) -> anyhow::Result<Parts> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let ids: Arc<dyn Ids> = Arc::new(SystemIds);
    let Coordination {
        provider_buckets,
        request_buckets,
        progress,
    } = coordination(config, &clock).await?;
    let tariffs = crate::plans::load(config)?;
    let registry = crate::profiles::registry(&config.providers, &tariffs)?;
    let limits = HttpLimits {
        private_networks: config.outbound.private_networks.clone(),
        ..HttpLimits::default()
    };
    let http = HttpClient::new(limits, Arc::new(syncline_platform::random::fraction))?;
    let accounts = Accounts::new(
        store.clone(),
        registry.clone(),
        http,
        provider_buckets,
        Arc::clone(&clock),
        &config.providers,
    )?;
    Ok(Parts {
        store,
        registry,
        accounts,
        queue: open_queue(config)?,
        request_buckets,
        progress,
        clock,
        ids,
        tariffs,
    })
}

struct Coordination {
    /// Tokens of the providers' limits.
    provider_buckets: Arc<dyn Buckets>,
    /// Tokens of the API's own limits.
    request_buckets: Arc<dyn Buckets>,
    progress: Arc<dyn Progress>,
}

/// What coordinates. A Redis that does not answer yet is no error: limits are kept without it until it does.
async fn coordination(config: &Config, clock: &Arc<dyn Clock>) -> anyhow::Result<Coordination> {
    let settings = &config.coordination;
    Ok(match &settings.url {
        CoordinationUrl::Memory => {
            let buckets = Arc::new(MemoryBuckets::new(Arc::clone(clock)));
            Coordination {
                provider_buckets: buckets.clone(),
                request_buckets: buckets,
                progress: Arc::new(MemoryProgress::new()),
            }
        }
        CoordinationUrl::Redis(url) => {
            let settings = RedisSettings {
                url: url.clone(),
                prefix: settings.prefix.clone(),
                fallback_percent: settings.fallback_percent,
            };
            let redis = Redis::open(settings, Arc::clone(clock))
                .await
                .context("coordination.url")?;
            Coordination {
                provider_buckets: Arc::new(redis.buckets()),
                request_buckets: Arc::new(redis.buckets().generous()),
                progress: Arc::new(redis.progress()),
            }
        }
    })
}

impl Parts {
    /// What tells whether a process can do its work; one that `lives_by_queue` cannot without.
    pub fn health(&self, shutdown: &Shutdown, lives_by_queue: bool) -> Health {
        Health {
            store: self.store.clone(),
            queue: Arc::clone(&self.queue),
            buckets: Arc::clone(&self.request_buckets),
            shutdown: shutdown.clone(),
            lives_by_queue,
        }
    }

    /// A worker's tools.
    pub fn tools(&self, config: &Config) -> Tools {
        Tools {
            store: self.store.clone(),
            accounts: self.accounts.clone(),
            queue: Arc::clone(&self.queue),
            progress: Arc::clone(&self.progress),
            clock: Arc::clone(&self.clock),
            ids: Arc::clone(&self.ids),
            shapes: Arc::new(Shapes::default()),
            tariffs: Arc::clone(&self.tariffs),
            hooks: config.hooks_url().map(Arc::new),
            settings: Settings {
                slots: config.worker.slots,
                slice: config.worker.slice,
                lease: config.worker.lease,
                batch: config.worker.batch,
                tick: config.worker.tick,
                grace: config.worker.grace,
                relook: config.worker.relook,
            },
        }
    }
}
