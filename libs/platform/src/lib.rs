//! What every role stands on: sealing of secrets, clock, chance, configuration, telemetry, shutdown.
//!
//! Time, chance and the environment each have their one home here; everything else takes them as arguments.
//! Nothing here knows what a contact, a provider or a database is.

pub mod random;
pub mod seal;

#[cfg(test)]
mod scratch;
