//! How jobs reach workers: publish, receive, acknowledge; nothing else.
//!
//! A job is a doorbell, the row is the truth. So there is no delay, no refusal and no dead letter here: who cannot do
//! a job writes `due_at` and the error on the row and acknowledges. A job may be delivered twice, or never when the
//! process ends; the scheduler rings again. `tests/it/conformance.rs` is what every queue must pass.

mod memory;

use async_trait::async_trait;
use syncline_model::Job;

pub use memory::MemoryQueue;

/// Carries jobs from publishers to workers.
#[async_trait]
pub trait Queue: Send + Sync + std::fmt::Debug {
    /// Hands a job over. After `Ok` it will be delivered, as far as the queue's own life allows. A job equal to one
    /// that nobody has received yet may be left out: one ring is enough.
    async fn publish(&self, job: &Job) -> Result<(), QueueError>;

    /// Waits for a job that no one else has received. Giving up the wait loses no job.
    async fn receive(&self) -> Result<Delivery, QueueError>;
}

/// A job in hand. Dropped without `ack`, it counts as not done: a queue that outlives its workers delivers it again,
/// the one in this process leaves that to the scheduler.
#[derive(Debug)]
#[must_use = "a delivery must be acknowledged"]
pub struct Delivery {
    /// The job.
    pub job: Job,
    receipt: Box<dyn Receipt>,
}

/// What a queue needs to know which delivery is acknowledged.
#[async_trait]
pub trait Receipt: Send + Sync + std::fmt::Debug {
    /// Tells the queue that the job was seen to.
    async fn ack(self: Box<Self>) -> Result<(), QueueError>;
}

impl Delivery {
    /// A delivery of a job, for those who write queues.
    pub fn new(job: Job, receipt: Box<dyn Receipt>) -> Self {
        Self { job, receipt }
    }

    /// Says that the job was seen to, whatever came of it.
    pub async fn ack(self) -> Result<(), QueueError> {
        self.receipt.ack().await
    }
}

/// A queue that did not do as asked. The row stays the truth: who publishes logs it and goes on, the scheduler rings
/// again; who receives waits a little and asks again.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// As many jobs wait as the queue holds.
    #[error("the queue is full ({limit} jobs wait)")]
    Full {
        /// How many it holds.
        limit: usize,
    },
    /// The job cannot be written as a message.
    #[error("a job cannot be written as a message")]
    Encoding(#[from] serde_json::Error),
    /// The queue cannot be reached.
    #[error("the queue cannot be reached")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}
