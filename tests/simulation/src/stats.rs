//! What happened in histories, counted: a suite that never met a conflict has proved nothing about conflicts.

use std::collections::BTreeMap;

use crate::history::Class;
use crate::world::Inner;

/// What happened in one history.
#[derive(Clone, Debug)]
pub struct Stats {
    /// Its kind.
    pub class: Class,
    /// The trace, as a number.
    pub hash: u64,
    /// Slices executed.
    pub slices: u64,
    /// Turns in the last run before all calmed down.
    pub turns: u64,
    /// Crashes.
    pub crashes: u64,
    /// Questions answered by people.
    pub answers: u64,
    /// Parked runs approved.
    pub approvals: u64,
    /// Settings changed.
    pub patches: u64,
    /// Times that another tool synced.
    pub foreign: u64,
    /// Rounds until all was quiet.
    pub rounds: u64,
    /// Everything else, by name.
    pub counted: BTreeMap<&'static str, u64>,
}

impl Stats {
    /// Nothing yet.
    pub const fn new(class: Class) -> Self {
        Self {
            class,
            hash: 0,
            slices: 0,
            turns: 0,
            crashes: 0,
            answers: 0,
            approvals: 0,
            patches: 0,
            foreign: 0,
            rounds: 0,
            counted: BTreeMap::new(),
        }
    }

    /// Takes what the world counted.
    pub fn take(&mut self, world: &Inner) {
        self.hash = world.trace.hash();
        let struck = &world.struck;
        self.counted.extend([
            ("edits", world.book.edits),
            ("deletions", world.book.deletions),
            ("writes", world.writes),
            ("crashes", self.crashes),
            ("answers", self.answers),
            ("approvals", self.approvals),
            ("patches", self.patches),
            ("rate_limited", struck.limited),
            ("server_errors", struck.unavailable),
            ("lost_answers", struck.lost),
            ("failed_items", struck.partial),
            ("expired_access", struck.unauthorized),
            ("expired_cursors", struck.expired),
            ("cut_listings", struck.truncated),
            ("taken_out", struck.parted),
            ("put_back", struck.joined),
            ("stale_versions", struck.stale),
            ("recovered_creations", struck.found),
        ]);
        self.counted.extend(world.counted.iter());
    }
}

/// What happened in many histories.
#[derive(Clone, Debug, Default)]
pub struct Totals {
    /// Histories.
    pub histories: u64,
    /// By kind of history: how many, and what happened in them.
    pub classes: BTreeMap<&'static str, (u64, BTreeMap<&'static str, u64>)>,
    /// In how many histories something happened.
    pub met: BTreeMap<&'static str, u64>,
}

impl Totals {
    /// Adds a history.
    pub fn add(&mut self, stats: &Stats) {
        self.histories += 1;
        let class = self.classes.entry(stats.class.name()).or_default();
        class.0 += 1;
        for (name, count) in &stats.counted {
            *class.1.entry(name).or_default() += count;
            *self.met.entry(name).or_default() += u64::from(*count > 0);
        }
    }

    /// Adds many.
    pub fn merge(&mut self, other: Self) {
        self.histories += other.histories;
        for (name, (count, counted)) in other.classes {
            let class = self.classes.entry(name).or_default();
            class.0 += count;
            for (name, count) in counted {
                *class.1.entry(name).or_default() += count;
            }
        }
        for (name, count) in other.met {
            *self.met.entry(name).or_default() += count;
        }
    }

    /// What was met in fewer than one history of a hundred.
    pub fn rare(&self) -> Vec<&'static str> {
        let rare = |count: &u64| *count * 100 < self.histories;
        let mut names: Vec<&'static str> = self
            .met
            .iter()
            .filter(|(_, count)| rare(count))
            .map(|(name, _)| *name)
            .collect();
        names.extend(
            self.classes
                .iter()
                .filter(|(_, (count, _))| rare(count))
                .map(|(name, _)| *name),
        );
        names
    }
}
