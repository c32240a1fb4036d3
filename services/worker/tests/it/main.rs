//! Tests of the scheduler and of a slice's end, with real rows and a queue that keeps what it is given. Runs themselves are tested by
//! tests/system and tests/simulation.

#![expect(
    clippy::expect_used,
    reason = "a test that meets the unexpected has failed"
)]

mod beats;
mod office;
mod ringing;
