//! What every role stands on: sealing of secrets, clock, chance, configuration, telemetry, shutdown.
//!
//! Time, chance and the environment each have their one home here; everything else takes them as arguments.
//! Nothing here knows what a contact, a provider or a database is.

pub mod clock;
pub mod config;
pub mod data_dir;
pub mod ids;
pub mod private_file;
pub mod random;
pub mod seal;
pub mod shutdown;
pub mod telemetry;
pub mod trace;

#[cfg(test)]
mod scratch;

pub use clock::{Clock, ManualClock, SystemClock};
pub use config::Config;
pub use data_dir::DataDir;
pub use ids::{Ids, SeededIds, SystemIds};
pub use random::random_token;
pub use shutdown::Shutdown;
