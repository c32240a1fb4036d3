//! What this process remembers of an account's access: the token in force, whose turn it is to renew it, and a
//! refusal that would only be repeated. Losing all of it costs one look into the store.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use syncline_connector::oauth::Credentials;
use syncline_connector::{AccessToken, Error};
use syncline_model::AccountId;

/// How long before its end a token is renewed, at most; a short-lived one keeps to a quarter of its life.
const MARGIN: TimeDelta = TimeDelta::minutes(4);
/// From this many accounts on, those that nobody uses now are forgotten.
const SLOTS: usize = 10_000;

/// The slots of a process, by account.
pub(crate) type Slots = Mutex<HashMap<AccountId, Arc<Slot>>>;

/// What is remembered of one account.
#[derive(Default)]
pub(crate) struct Slot {
    /// Whoever renews holds it: one at a time.
    pub(crate) turn: tokio::sync::Mutex<()>,
    memory: Mutex<Memory>,
}

#[derive(Default)]
struct Memory {
    held: Option<Held>,
    failure: Option<Failure>,
}

/// Credentials as the store has, or had, them.
#[derive(Clone)]
pub(crate) struct Held {
    pub(crate) credentials: Arc<Credentials>,
    pub(crate) version: i64,
    margin: TimeDelta,
}

/// A renewal that failed.
#[derive(Clone)]
struct Failure {
    version: i64,
    /// Until when the same answer is given without asking; `None` as long as the credentials are the same.
    until: Option<DateTime<Utc>>,
    error: Error,
}

impl Held {
    /// Credentials read from the store.
    pub(crate) fn stored(credentials: Credentials, version: i64) -> Self {
        Self {
            credentials: Arc::new(credentials),
            version,
            margin: MARGIN,
        }
    }

    /// Credentials renewed just now.
    pub(crate) fn renewed(credentials: Credentials, version: i64, now: DateTime<Utc>) -> Self {
        let life = credentials.expires_at.map(|end| end - now);
        Self {
            margin: life.map_or(MARGIN, |life| MARGIN.min(life / 4)),
            ..Self::stored(credentials, version)
        }
    }

    /// Whether the token need not be renewed yet.
    pub(crate) fn is_fresh(&self, now: DateTime<Utc>) -> bool {
        self.lasts(now, self.margin)
    }

    /// Whether the token works at all for as long as a call may take.
    pub(crate) fn is_usable(&self, now: DateTime<Utc>) -> bool {
        self.lasts(now, TimeDelta::seconds(60).min(self.margin))
    }

    fn lasts(&self, now: DateTime<Utc>, time: TimeDelta) -> bool {
        let end = self.credentials.expires_at;
        end.is_none_or(|end| end - now > time)
    }

    pub(crate) fn token(&self) -> AccessToken {
        AccessToken {
            secret: self.credentials.access_token.clone(),
            api_base: self.credentials.api_base.clone(),
            generation: self.version,
        }
    }
}

impl Slot {
    pub(crate) fn held(&self) -> Option<Held> {
        locked(&self.memory).held.clone()
    }

    /// Remembers credentials. A failure to renew these very ones stays remembered: their token may still work.
    pub(crate) fn hold(&self, held: &Held) {
        let mut memory = locked(&self.memory);
        memory.held = Some(held.clone());
        memory
            .failure
            .take_if(|failure| failure.version != held.version);
    }

    /// Remembers that these credentials could not be renewed.
    pub(crate) fn fail(&self, version: i64, until: Option<DateTime<Utc>>, error: &Error) {
        let failure = Failure {
            version,
            until,
            error: error.clone(),
        };
        locked(&self.memory).failure = Some(failure);
    }

    /// The error with which these credentials would fail again, or failed a moment ago.
    pub(crate) fn failure(&self, version: i64, now: DateTime<Utc>) -> Option<Error> {
        let memory = locked(&self.memory);
        let failure = memory.failure.as_ref()?;
        let holds = failure.version == version && failure.until.is_none_or(|until| now < until);
        holds.then(|| failure.error.clone())
    }
}

/// The slot of an account, made when there is none.
pub(crate) fn slot(slots: &Slots, account: AccountId) -> Arc<Slot> {
    let mut slots = locked(slots);
    if slots.len() >= SLOTS && !slots.contains_key(&account) {
        slots.retain(|_, slot| Arc::strong_count(slot) > 1);
    }
    Arc::clone(slots.entry(account).or_default())
}

/// Forgets the token of an account; whoever uses it looks into the store again.
pub(crate) fn forget(slots: &Slots, account: AccountId) {
    if let Some(slot) = locked(slots).get(&account) {
        *locked(&slot.memory) = Memory::default();
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing that can panic half-way happens under these locks.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
