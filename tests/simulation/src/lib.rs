//! Whole-run simulation: the real run executor and the real store against simulated providers, people, faults and
//! crashes, all from one seed. How it judges (`book`, `check`) shares nothing with the engine.
//!
//! Not here: the planner by itself (`tests/planner`), real processes and wires (`tests/system`).

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a harness: what it cannot set up it cannot test, and it counts its own accounts"
)]

pub mod book;
pub mod bugs;
pub mod chance;
pub mod check;
pub mod clock;
pub mod crew;
pub mod fencing;
pub mod history;
pub mod office;
pub mod planner;
pub mod play;
pub mod profile;
pub mod regressions;
pub mod report;
pub mod shrink;
pub mod stats;
pub mod sweep;
pub mod trace;
pub mod turns;
pub mod volume;
pub mod world;

pub use history::{Class, History};
pub use office::Bench;
pub use play::{Failure, play};
pub use stats::{Stats, Totals};

/// Plays the history of a seed; of a given kind, or of the one that the seed says.
pub fn run_history(bench: &Bench, seed: u64, class: Option<Class>) -> Result<Stats, Failure> {
    play(bench, &History::of(seed, class), false)
}
