//! What all imitations stand on: clock, ids, people, OAuth, request log, faults, admin API.
//!
//! Nothing here knows a provider's data model; a provider plugs in through [`provider::Provider`].

pub mod admin;
pub mod calls;
pub mod clock;
pub mod faults;
pub mod gate;
pub mod ids;
pub mod log;
pub mod oauth;
pub mod people;
pub mod provider;

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use calls::Calls;
use clock::Clock;
use faults::Faults;
use ids::Ids;
use log::RequestLog;
use oauth::OAuth;
use provider::Provider;

/// The parts shared by every provider of one sandbox.
pub struct Core {
    /// The movable clock; the only source of time.
    pub clock: Arc<Clock>,
    /// Seeded ids and chance; the only source of either.
    pub ids: Arc<Ids>,
    /// Counts and recent requests.
    pub log: RequestLog,
    /// Fault rules.
    pub faults: Faults,
    /// Apps, grants and tokens of all providers.
    pub oauth: OAuth,
    /// Calls to addresses that clients gave.
    pub calls: Calls,
    base_url: OnceLock<String>,
}

impl Core {
    /// A core whose chance follows `seed`.
    pub fn new(seed: u64) -> Arc<Self> {
        let clock = Arc::new(Clock::default());
        let ids = Arc::new(Ids::new(seed));
        Arc::new(Self {
            oauth: OAuth::new(Arc::clone(&clock), Arc::clone(&ids)),
            log: RequestLog::default(),
            faults: Faults::default(),
            calls: Calls::default(),
            base_url: OnceLock::new(),
            clock,
            ids,
        })
    }

    /// Where the sandbox is reached, without a trailing slash; empty until it listens.
    pub fn base_url(&self) -> &str {
        self.base_url.get().map_or("", String::as_str)
    }

    /// Fixes the base URL; the first call wins.
    pub(crate) fn set_base_url(&self, url: String) {
        // A second call is a caller's mistake without consequence: the first URL stays.
        let _ = self.base_url.set(url);
    }
}

/// Everything one running sandbox holds; the in-process twin of the admin API.
pub struct State {
    /// The shared parts.
    pub core: Arc<Core>,
    providers: Vec<Arc<dyn Provider>>,
}

impl State {
    /// Joins the core with its providers.
    pub fn new(core: Arc<Core>, providers: Vec<Arc<dyn Provider>>) -> Arc<Self> {
        for provider in &providers {
            if let Some(registration) = provider.registration() {
                core.oauth.register(provider.id(), registration);
            }
        }
        Arc::new(Self { core, providers })
    }

    /// All providers, in a fixed order.
    pub fn providers(&self) -> &[Arc<dyn Provider>] {
        &self.providers
    }

    /// The provider named `id`, such as `google`.
    pub fn provider(&self, id: &str) -> Option<&Arc<dyn Provider>> {
        self.providers.iter().find(|p| p.id() == id)
    }
}

/// Locks, taking over a lock whose holder panicked: the sandbox must go on answering.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
