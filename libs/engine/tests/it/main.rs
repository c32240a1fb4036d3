//! What the engine must do, written down as tests: the truth table, scenarios, laws, and a small volume of
//! the planner's cases (tests/planner). Nothing here touches a network or a clock.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on fails by panicking"
)]

mod compatible;
mod converted;
mod defaults;
mod laws;
mod normal;
mod opt_out;
mod policy;
mod policy_errors;
mod rules;
mod scenarios;
mod truth_table;
mod volume;

use planner::{setup as fixture, world as sim};
