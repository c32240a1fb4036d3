//! Planner cases at volume, as this program reports them. The cases and their oracles are in `tests/planner`.

/// What came of the planner cases.
#[derive(Clone, Debug, Default)]
pub struct Planned {
    /// Cases looked at.
    pub cases: u64,
    /// Cases that broke a law, in words.
    pub failures: Vec<String>,
}

/// Looks at every small state, and at so many random cases.
pub fn run(seed: u64, random: u64, threads: usize) -> Planned {
    let mut planned = Planned::default();
    for report in [
        planner::exhaustive(threads),
        planner::random(seed, random, threads),
    ] {
        planned.cases += report.cases;
        planned
            .failures
            .extend(report.failures.iter().map(|failure| format!("{failure:?}")));
    }
    planned
}
