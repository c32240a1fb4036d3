//! What every handler may use. Made once, before the server starts; everything in it is shared.

use std::collections::HashMap;
use std::sync::Arc;

use actix_web::http::Method;
use actix_web::web::Bytes;
use chrono::Duration;
use secrecy::SecretString;
use syncline_accounts::Accounts;
use syncline_connector::Registry;
use syncline_coordination::{Buckets, Progress};
use syncline_model::{Job, RunId, Tariffs, TenantId};
use syncline_platform::{Clock, Ids, Shutdown, random_token};
use syncline_queue::{Priority, Queue};
use syncline_store::Store;

use crate::auth::{Passwords, Tokens};
use crate::health::Health;
use crate::limits::{LimitSettings, Limits};

/// What the gateway is made from.
pub struct Parts {
    /// Every row.
    pub store: Store,
    /// Opens accounts.
    pub accounts: Accounts,
    /// The connectors that there are.
    pub registry: Registry,
    /// Rings for workers.
    pub queue: Arc<dyn Queue>,
    /// Tokens of the rate limits.
    pub buckets: Arc<dyn Buckets>,
    /// The progress of running runs.
    pub progress: Arc<dyn Progress>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// New ids.
    pub ids: Arc<dyn Ids>,
    /// Ends long answers when the process ends.
    pub shutdown: Shutdown,
    /// What tenants' plans allow.
    pub tariffs: Arc<Tariffs>,
    /// The process's numbers.
    pub metrics: Metrics,
    /// What the operator says.
    pub settings: Settings,
}

/// Writes the numbers of this process, in Prometheus' text format.
#[derive(Clone)]
pub struct Metrics(pub Arc<dyn Fn() -> String + Send + Sync>);

/// What the operator says.
pub struct Settings {
    /// Where browsers reach us, without a trailing slash; providers send account owners back there.
    pub public_url: String,
    /// Signs access tokens; at least 32 bytes.
    pub jwt_secret: SecretString,
    /// How long an access token is good.
    pub access_token_ttl: std::time::Duration,
    /// How long a refresh token is good.
    pub refresh_token_ttl: std::time::Duration,
    /// How many requests are taken.
    pub limits: LimitSettings,
}

/// Why the gateway cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The signing secret is too short.
    #[error("access tokens cannot be signed")]
    Secret(#[from] crate::auth::WeakSecret),
    /// A lifetime does not fit.
    #[error("the lifetime of tokens is too long")]
    Lifetime(#[from] chrono::OutOfRangeError),
    /// Something that must work before the first request does not.
    #[error("the gateway cannot start: {0}")]
    Broken(#[from] crate::problem::Problem),
    /// The OpenAPI document cannot be written.
    #[error("the OpenAPI document cannot be written")]
    Document(#[from] serde_json::Error),
}

/// What every handler may use.
pub struct State {
    pub(crate) store: Store,
    pub(crate) accounts: Accounts,
    pub(crate) registry: Registry,
    pub(crate) progress: Arc<dyn Progress>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn Ids>,
    pub(crate) shutdown: Shutdown,
    pub(crate) tariffs: Arc<Tariffs>,
    pub(crate) limits: Limits,
    pub(crate) tokens: Tokens,
    pub(crate) passwords: Passwords,
    pub(crate) refresh_token_ttl: Duration,
    pub(crate) document: Bytes,
    pub(crate) health: Health,
    pub(crate) metrics: Metrics,
    operations: HashMap<(Method, String), String>,
    queue: Arc<dyn Queue>,
    public_url: String,
}

impl State {
    /// Ready to serve.
    pub fn new(parts: Parts) -> Result<Self, StartError> {
        let settings = parts.settings;
        let lifetime = Duration::from_std(settings.access_token_ttl)?;
        Ok(Self {
            tokens: Tokens::new(&settings.jwt_secret, lifetime)?,
            passwords: Passwords::new(&random_token(32))?,
            refresh_token_ttl: Duration::from_std(settings.refresh_token_ttl)?,
            health: Health {
                store: parts.store.clone(),
                queue: Arc::clone(&parts.queue),
                buckets: Arc::clone(&parts.buckets),
                shutdown: parts.shutdown.clone(),
                lives_by_queue: false,
            },
            metrics: parts.metrics,
            limits: Limits::new(parts.buckets, settings.limits),
            document: crate::openapi::openapi()?.into(),
            operations: crate::openapi::operations(),
            public_url: settings.public_url.trim_end_matches('/').to_owned(),
            store: parts.store,
            accounts: parts.accounts,
            registry: parts.registry,
            progress: parts.progress,
            clock: parts.clock,
            ids: parts.ids,
            shutdown: parts.shutdown,
            tariffs: parts.tariffs,
            queue: parts.queue,
        })
    }

    /// Where providers send account owners back to.
    pub(crate) fn callback_url(&self) -> String {
        format!("{}/v1/oauth/callback", self.public_url)
    }

    /// Whether an `Origin` header names us.
    pub(crate) fn is_own_origin(&self, origin: &[u8]) -> bool {
        let rest = self.public_url.as_bytes().strip_prefix(origin);
        let whole = origin.windows(3).any(|part| part == b"://") && !origin.ends_with(b"/");
        whole && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
    }

    /// The name of an operation, by its method and its route.
    pub(crate) fn operation(&self, method: &Method, route: &str) -> Option<&str> {
        let method = if *method == Method::HEAD {
            &Method::GET
        } else {
            method
        };
        let key = (method.clone(), route.to_owned());
        self.operations.get(&key).map(String::as_str)
    }

    /// Rings for a worker, since a person waits. The run's row is what counts: when the bell fails, the scheduler rings
    /// later.
    pub(crate) async fn ring(&self, tenant: TenantId, run: RunId) {
        let job = Job::Run {
            tenant,
            run,
            rung_at: Some(self.clock.now()),
            trace: syncline_platform::trace::current(),
        };
        if let Err(error) = self.queue.publish(&job, Priority::Interactive).await {
            tracing::warn!(run.id = %run, %error, "no worker was rung for; the scheduler will");
        }
    }
}
