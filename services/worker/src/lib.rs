//! The run executor and the scheduler.
