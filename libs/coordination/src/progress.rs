//! The progress of running runs: whoever watches a run hears of it while it is worked on.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use syncline_model::{Counters, RunId, RunState};
use tokio::sync::broadcast;

use crate::CoordinationError;

/// Which step a run is at (design: claim, recover, pull, plan, push, settle).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// A worker took the run.
    Claim,
    /// Operations of before a crash are looked into.
    Recover,
    /// Changes are read.
    Pull,
    /// What should happen is decided.
    Plan,
    /// Changes are written to the providers.
    Push,
    /// What is now true is recorded.
    Settle,
    /// Nobody works on the run: it ended, or waits for its next slice or a person. Its state says which.
    Rest,
}

/// How far a run is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgressEvent {
    /// The run.
    pub run: RunId,
    /// Its state.
    pub state: RunState,
    /// What it did so far.
    pub counters: Counters,
    /// Which step it is at.
    pub phase: Phase,
}

/// Tells progress to those who watch. Reports may be lost; the run's row is the truth.
#[async_trait]
pub trait Progress: Send + Sync + std::fmt::Debug {
    /// Tells how far a run is to all who watch it now, if any.
    async fn publish(&self, event: &ProgressEvent) -> Result<(), CoordinationError>;

    /// Watches a run from now on.
    async fn subscribe(&self, run: RunId) -> Result<Subscription, CoordinationError>;
}

/// A watch over one run. Ends when dropped.
#[derive(Debug)]
pub struct Subscription(broadcast::Receiver<ProgressEvent>);

impl Subscription {
    /// A watch that hears what a channel carries, for those who implement `Progress`.
    pub const fn new(receiver: broadcast::Receiver<ProgressEvent>) -> Self {
        Self(receiver)
    }

    /// The next report; `None` when no more can come. Who is slow misses the oldest, never the newest. Giving up the
    /// wait loses nothing.
    pub async fn next(&mut self) -> Option<ProgressEvent> {
        loop {
            match self.0.recv().await {
                Ok(event) => return Some(event),
                Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    }
}
