//! The worker: executes runs slice by slice, and the scheduler that rings for what is due.
//!
//! A worker keeps nothing between slices: what it needs stands in rows. Any of them may die at any moment; another
//! goes on where the rows say. What is decided is `engine`'s business, how a provider is spoken to `connectors`'.

mod run;
mod scheduler;
mod shape;
mod slots;
mod trouble;

use std::sync::Arc;
use std::time::Duration;

use syncline_accounts::Accounts;
use syncline_coordination::Progress;
use syncline_model::Tariffs;
use syncline_platform::{Clock, Ids};
use syncline_queue::Queue;
use syncline_store::Store;
use url::Url;

pub use run::execute;
pub use scheduler::Scheduler;
pub use shape::Shapes;
pub use slots::Slots;
pub use trouble::Trouble;

/// How a worker works.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Runs executed at the same time.
    pub slots: usize,
    /// Longest time that one job is held before the run goes back to the queue.
    pub slice: Duration,
    /// How long a run is ours without a sign of life.
    pub lease: Duration,
    /// Records planned and pushed together.
    pub batch: usize,
    /// How often the scheduler looks for what is due.
    pub tick: Duration,
    /// How long slices have to come to their next border when the worker is asked to stop.
    pub grace: Duration,
    /// How long after a look at all records that rules on their age are about the next one begins.
    pub relook: Duration,
}

/// What every run is executed with.
#[derive(Clone)]
pub struct Tools {
    /// The rows.
    pub store: Store,
    /// Opens accounts.
    pub accounts: Accounts,
    /// Rings for workers.
    pub queue: Arc<dyn Queue>,
    /// Tells people who watch.
    pub progress: Arc<dyn Progress>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// New ids.
    pub ids: Arc<dyn Ids>,
    /// What accounts look like, remembered for a while.
    pub shapes: Arc<Shapes>,
    /// What tenants' plans allow.
    pub tariffs: Arc<Tariffs>,
    /// Below which address providers can call us to tell of changes; none where they cannot reach us.
    pub hooks: Option<Arc<Url>>,
    /// How to work.
    pub settings: Settings,
}
