//! Faults of providers: how often each strikes, and how often it did.

/// How often faults strike, in a thousand calls (or items, where it says so).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Weather {
    /// Too many calls; not done.
    pub limited: u32,
    /// A server error before anything was done, though nobody can know.
    pub unavailable: u32,
    /// Done, but the answer is lost.
    pub lost: u32,
    /// Single items of a batch fail, done or not.
    pub partial: u32,
    /// An answer that cannot be read.
    pub malformed: u32,
    /// The access does not work any more, until a person authorises again.
    pub unauthorized: u32,
    /// The cursor is too old.
    pub expired: u32,
    /// A listing is cut short and says so.
    pub truncated: u32,
    /// A listing is cut short and does not say so.
    pub lying: u32,
    /// A record is refused for good, this once.
    pub rejected: u32,
}

impl Weather {
    /// Faults of every kind.
    pub const fn storm() -> Self {
        Self {
            limited: 30,
            unavailable: 40,
            lost: 60,
            partial: 50,
            malformed: 15,
            unauthorized: 8,
            expired: 40,
            truncated: 30,
            lying: 30,
            rejected: 15,
        }
    }
}

/// How often something happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Struck {
    /// Calls refused for their number.
    pub limited: u64,
    /// Calls not answered, not done.
    pub unavailable: u64,
    /// Calls done without an answer.
    pub lost: u64,
    /// Items failed in a batch.
    pub partial: u64,
    /// Expired access.
    pub unauthorized: u64,
    /// Expired cursors.
    pub expired: u64,
    /// Listings cut short.
    pub truncated: u64,
    /// Records taken out of the group since their partners left.
    pub parted: u64,
    /// Records put back.
    pub joined: u64,
    /// Stale versions refused.
    pub stale: u64,
    /// Creations found again.
    pub found: u64,
    /// Deaths of the worker.
    pub crashes: u64,
}

impl Struck {
    /// Whether anything may have been done of which nobody heard.
    pub const fn unanswered(&self) -> bool {
        self.lost + self.partial + self.crashes > 0
    }
}
