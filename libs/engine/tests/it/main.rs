//! What the engine must do, written down as tests: the truth table, scenarios, every small state, and a state
//! machine of two sides that misbehave. Nothing here touches a network or a clock.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on fails by panicking"
)]

mod defaults;
mod exhaustive;
mod fixture;
mod laws;
mod policy_errors;
mod property;
mod scenarios;
mod sim;
mod truth_table;
