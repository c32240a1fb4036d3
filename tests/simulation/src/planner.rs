//! Planner cases at volume, as this program reports them.

/// What came of the planner cases.
#[derive(Clone, Debug, Default)]
pub struct Planned {
    /// Cases looked at.
    pub cases: u64,
    /// Cases that broke a law, in words.
    pub failures: Vec<String>,
}
