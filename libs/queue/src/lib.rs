//! How jobs reach workers: publish, receive, acknowledge; nothing else.
//!
//! A job is a doorbell, the row is the truth. So there is no delay and no refusal here: who cannot do a job writes
//! `due_at` and the error on the row and acknowledges. A job may be delivered twice, or never when the queue is lost;
//! the scheduler rings again. `tests/it/conformance.rs` is what every queue must pass.

mod memory;
mod priority;
mod rabbit;

use async_trait::async_trait;
use syncline_model::Job;

pub use memory::MemoryQueue;
pub use priority::Priority;
pub use rabbit::{RabbitQueue, RabbitSettings};

/// Carries jobs from publishers to workers.
#[async_trait]
pub trait Queue: Send + Sync + std::fmt::Debug {
    /// Hands a job over. After `Ok` it will be delivered, as far as the queue's own life allows. A job equal to one of
    /// the same priority that nobody has received yet may be left out: one ring is enough.
    async fn publish(&self, job: &Job, priority: Priority) -> Result<(), QueueError>;

    /// Waits for a job that no one else has received, the most urgent first; but nothing waits for ever behind what is
    /// more urgent. Giving up the wait loses no job.
    async fn receive(&self) -> Result<Delivery, QueueError>;

    /// How many jobs wait. An error says that the queue cannot be reached.
    async fn depths(&self) -> Result<QueueDepths, QueueError>;
}

/// A job in hand. Dropped without `ack`, it counts as not done: a queue that outlives its workers delivers it again,
/// the one in this process leaves that to the scheduler.
#[derive(Debug)]
#[must_use = "a delivery must be acknowledged"]
pub struct Delivery {
    /// The job.
    pub job: Job,
    /// How urgent it was said to be.
    pub priority: Priority,
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
    pub fn new(job: Job, priority: Priority, receipt: Box<dyn Receipt>) -> Self {
        Self {
            job,
            priority,
            receipt,
        }
    }

    /// Says that the job was seen to, whatever came of it.
    pub async fn ack(self) -> Result<(), QueueError> {
        self.receipt.ack().await
    }
}

/// How many jobs wait, that is, were published and not received.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueDepths {
    /// Of [`Priority::Interactive`].
    pub interactive: u32,
    /// Of [`Priority::Scheduled`].
    pub scheduled: u32,
    /// Of [`Priority::FirstSync`].
    pub first_sync: u32,
    /// Messages set aside for a person to look at: unreadable, or delivered again and again and never acknowledged.
    pub set_aside: u32,
}

impl QueueDepths {
    /// Jobs that wait for a worker: what to scale workers by.
    pub const fn waiting(&self) -> u32 {
        self.interactive
            .saturating_add(self.scheduled)
            .saturating_add(self.first_sync)
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
    /// The broker did not take the job: its queue is full, or was deleted or failed in that moment. It does not say which.
    #[error(
        "the broker refused the job: its queue `{queue}` is full ({limit} jobs wait) or has just failed"
    )]
    Refused {
        /// The queue.
        queue: String,
        /// How many it holds.
        limit: usize,
    },
    /// The broker took the job and found no queue to put it in.
    #[error("the broker has no queue `{queue}` for the job")]
    Unroutable {
        /// The queue that is missing.
        queue: String,
    },
    /// The broker did not say in time whether it keeps the job.
    #[error("the broker did not confirm within {seconds} s{}", if *.blocked { "; it blocks publishers" } else { "" })]
    Unconfirmed {
        /// How long it was waited for.
        seconds: u64,
        /// Whether the broker has said that it takes no messages, for want of memory or disk.
        blocked: bool,
    },
    /// The job cannot be written as a message.
    #[error("a job cannot be written as a message")]
    Encoding(#[from] serde_json::Error),
    /// The queue's settings cannot be used; waiting does not help.
    #[error("the queue's settings cannot be used: {0}")]
    Settings(String),
    /// The queue cannot be reached.
    #[error("the queue cannot be reached: {0}")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}
