//! A stand-in for the providers on the wire, for trying out and for tests.
//!
//! [`Sandbox::start`] serves Creatio's OData, Google's People API, HubSpot's CRM v3, Mailchimp's Marketing API 3.0 and
//! Zoho CRM v8 with their OAuth2 servers on one port, and an admin API under `/_sandbox` (docs/sandbox.md). It is a library
//! and imports nothing of ours: what a connector and its imitation both got wrong would cancel out. It is no mock: there
//! are no expectations to set, only accounts, faults and a clock.

#![recursion_limit = "256"]

pub mod core;
pub mod creatio;
pub mod google;
pub mod hubspot;
pub mod import;
pub mod mailchimp;
pub mod zoho;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::middleware::from_fn;
use actix_web::{App, HttpServer, web};

use crate::core::provider::{AdminError, NewAccount, Provider};
use crate::core::{Core, State, gate};

/// Largest request body taken, in bytes.
const BODY_LIMIT: usize = 64 * 1024 * 1024;

/// How to start a sandbox.
#[derive(Debug, Clone)]
pub struct SandboxConfig {
    /// Address to listen on; port 0 picks a free one.
    pub listen: SocketAddr,
    /// URL under which clients reach it; `http://<listen>` when absent.
    pub public_url: Option<String>,
    /// Seed of all ids, tokens and invented people.
    pub seed: u64,
    /// Server threads.
    pub workers: usize,
    /// Accounts to open at once: provider id and account.
    pub accounts: Vec<(String, NewAccount)>,
}

impl Default for SandboxConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            public_url: None,
            seed: 1,
            workers: 2,
            accounts: Vec::new(),
        }
    }
}

/// Why a sandbox did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address could not be bound.
    #[error("cannot listen on {listen}")]
    Listen {
        /// The address asked for.
        listen: SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// An account of the configuration could not be opened.
    #[error("cannot open account {email} at {provider}")]
    Account {
        /// Provider id.
        provider: String,
        /// The login's address.
        email: String,
        /// Why.
        #[source]
        source: AdminError,
    },
}

/// The sandbox, before it runs.
pub struct Sandbox;

/// A sandbox that serves; dropping it leaves the server running until the process ends, so call [`RunningSandbox::stop`].
pub struct RunningSandbox {
    state: Arc<State>,
    handle: ServerHandle,
}

impl Sandbox {
    /// Starts serving. Must be called inside a tokio runtime.
    #[expect(
        clippy::unused_async,
        reason = "an async start says that it needs a runtime"
    )]
    pub async fn start(config: SandboxConfig) -> Result<RunningSandbox, StartError> {
        let state = build(config.seed);
        for (provider, account) in &config.accounts {
            open(&state, provider, account)?;
        }
        let shared = Arc::clone(&state);
        let server = HttpServer::new(move || {
            let state = Arc::clone(&shared);
            App::new()
                .wrap(from_fn(gate::pass))
                .app_data(web::Data::from(Arc::clone(&state)))
                .app_data(web::Data::from(Arc::clone(&state.core)))
                .app_data(web::PayloadConfig::new(BODY_LIMIT))
                .app_data(
                    web::JsonConfig::default()
                        .limit(BODY_LIMIT)
                        .content_type_required(false),
                )
                .configure(core::admin::routes)
                .configure(|cfg| {
                    for provider in state.providers() {
                        Arc::clone(provider).routes(cfg);
                    }
                })
        })
        .on_connect(gate::on_connect)
        .workers(config.workers.max(1))
        .disable_signals()
        .shutdown_timeout(1)
        .keep_alive(Duration::from_secs(75))
        .bind(config.listen)
        .map_err(|source| StartError::Listen {
            listen: config.listen,
            source,
        })?;
        let address = server.addrs().first().copied().unwrap_or(config.listen);
        state.core.set_base_url(
            config
                .public_url
                .unwrap_or_else(|| format!("http://{address}")),
        );
        let server = server.run();
        let handle = server.handle();
        tokio::spawn(server);
        Ok(RunningSandbox { state, handle })
    }
}

/// The state of a sandbox with all its providers.
fn build(seed: u64) -> Arc<State> {
    let core = Core::new(seed);
    let providers: Vec<Arc<dyn Provider>> = vec![
        creatio::Creatio::new(Arc::clone(&core)),
        google::Google::new(Arc::clone(&core)),
        // Before Zoho, which answers for every other path below `/crm/`.
        hubspot::HubSpot::new(Arc::clone(&core)),
        zoho::Zoho::new(Arc::clone(&core)),
        mailchimp::Mailchimp::new(Arc::clone(&core)),
    ];
    State::new(core, providers)
}

fn open(state: &State, provider: &str, account: &NewAccount) -> Result<(), StartError> {
    let opened = match state.provider(provider) {
        Some(p) => p.create_account(account).map(drop),
        None => Err(AdminError::not_found(format!("no provider {provider}"))),
    };
    opened.map_err(|source| StartError::Account {
        provider: provider.to_owned(),
        email: account.email.clone(),
        source,
    })
}

impl RunningSandbox {
    /// Where it is reached, without a trailing slash.
    pub fn base_url(&self) -> &str {
        self.state.core.base_url()
    }

    /// Everything it holds; edits show at once on the wire.
    pub fn state(&self) -> &Arc<State> {
        &self.state
    }

    /// Stops serving; open connections are cut.
    pub async fn stop(self) {
        self.handle.stop(false).await;
    }
}
