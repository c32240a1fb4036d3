//! The simulated providers' data, what people and the engine do to it, and the book in which every edit is entered.
//!
//! Nothing here knows how the engine decides; it sees records change, and who changed them.

pub mod account;
mod connector;
mod faults;
pub mod people;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use syncline_model::{AccountId, ConnectionId, RemoteId};

use crate::book::Book;
use crate::chance::Chance;
use crate::clock::SimClock;
use crate::profile::Profile;
use crate::trace::Trace;
use crate::turns::Table;
pub use account::{Account, Author, Rec};
pub use connector::SimConnector;
pub use faults::{Struck, Weather};

/// All providers of a history. Cheap to clone.
#[derive(Clone)]
pub struct World {
    inner: Arc<Mutex<Inner>>,
    /// Who waits for what.
    pub table: Arc<Table>,
    /// The time.
    pub clock: Arc<SimClock>,
}

/// What the lock guards.
pub struct Inner {
    /// The accounts, by their number.
    pub accounts: Vec<Account>,
    /// Their numbers, by id.
    pub numbers: BTreeMap<AccountId, usize>,
    /// The edits.
    pub book: Book,
    /// How faults strike now.
    pub weather: Weather,
    /// What struck so far.
    pub struck: Struck,
    /// What happened.
    pub trace: Trace,
    /// Writes that took effect at a provider on the engine's behalf.
    pub writes: u64,
    /// Calls of any kind.
    pub calls: u64,
    /// How many of them there were when the slice began.
    pub before_slice: u64,
    /// Whose slice it is.
    pub runs: ConnectionId,
    /// All connections of its two accounts: what one of them read, their links know.
    pub twins: Vec<ConnectionId>,
    /// What else was counted.
    pub counted: BTreeMap<&'static str, u64>,
    /// When a person first agreed to what guards held.
    pub approved: Option<chrono::DateTime<chrono::Utc>>,
    /// Laws broken in the act.
    pub broken: Vec<String>,
    /// The time.
    pub clock: Arc<SimClock>,
}

impl Inner {
    /// Whether a person edited a record of somebody, even one deleted since, that we had made at a provider that knows
    /// creations again by their values alone: whoever got no answer cannot find it then, and makes another one.
    pub fn struck_unseen(&self, class: usize) -> bool {
        let searching = self
            .accounts
            .iter()
            .filter(|account| account.profile.create == syncline_connector::Idempotency::Search);
        let mut made = searching.flat_map(|account| {
            let there = account.records.values().chain(&account.bin);
            let ours = there.filter(|rec| rec.author == Author::Engine);
            ours.map(|rec| (account.number, rec))
        });
        self.struck.unanswered()
            && made.any(|(account, rec)| {
                let edited = |field: &&str| {
                    let cell = self.book.cells.get(&(account, rec.id.clone(), *field));
                    cell.is_some_and(|cell| cell.edited.is_some())
                };
                self.book.class(rec.entity) == class && crate::profile::FIELDS.iter().any(&edited)
            })
    }
}

impl World {
    /// A world of these accounts.
    pub fn new(accounts: Vec<(AccountId, usize, Profile)>, seed: u64, loud: bool) -> Self {
        let clock = Arc::new(SimClock::default());
        let numbers = accounts.iter().enumerate().map(|(n, a)| (a.0, n)).collect();
        let accounts = accounts
            .into_iter()
            .enumerate()
            .map(|(number, (id, tenant, profile))| {
                let chance = Chance::new(seed ^ (number as u64 + 1).wrapping_mul(0x9e37_79b9));
                Account::new(id, number, tenant, profile, chance)
            })
            .collect();
        let inner = Inner {
            accounts,
            numbers,
            book: Book::default(),
            weather: Weather::default(),
            struck: Struck::default(),
            trace: Trace::new(loud),
            writes: 0,
            calls: 0,
            before_slice: 0,
            runs: ConnectionId::NIL,
            twins: Vec::new(),
            counted: BTreeMap::new(),
            approved: None,
            broken: Vec::new(),
            clock: Arc::clone(&clock),
        };
        Self {
            inner: Arc::new(Mutex::new(inner)),
            table: Arc::default(),
            clock,
        }
    }

    /// The data. Never held across an await.
    pub fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// A record, if it is there.
    pub fn record(&self, account: usize, id: &RemoteId) -> Option<&Rec> {
        self.accounts.get(account)?.records.get(id)
    }

    /// Notes a broken law, once.
    pub fn break_law(&mut self, law: &str) {
        self.trace.say(|| format!("BROKEN {law}"));
        if !self.broken.iter().any(|other| other == law) {
            self.broken.push(law.to_owned());
        }
    }
}
