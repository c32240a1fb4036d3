//! The queue inside one process: bounded, first come first served, gone when the process ends.

use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use syncline_model::Job;
use tokio::sync::Notify;

use crate::{Delivery, Queue, QueueError, Receipt};

/// How many jobs wait at most. The scheduler rings again for what found no room.
const LIMIT: usize = 10_000;

/// The queue inside one process. Share it behind an `Arc`.
#[derive(Debug)]
pub struct MemoryQueue {
    limit: usize,
    waiting: Mutex<Waiting>,
    came: Notify,
}

/// Jobs that nobody has received: in order, and as messages, to know which are there already.
#[derive(Debug, Default)]
struct Waiting {
    order: VecDeque<(String, Job)>,
    messages: HashSet<String>,
}

impl Default for MemoryQueue {
    fn default() -> Self {
        Self::with_limit(LIMIT)
    }
}

impl MemoryQueue {
    /// A queue in which at most 10,000 jobs wait.
    pub fn new() -> Self {
        Self::default()
    }

    /// A queue in which at most so many jobs wait.
    pub fn with_limit(limit: usize) -> Self {
        Self {
            limit,
            waiting: Mutex::default(),
            came: Notify::new(),
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        // Nothing that can panic happens under the lock.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next job, and whether more wait behind it.
    fn take(&self) -> Option<(Job, bool)> {
        let mut waiting = self.waiting();
        let (message, job) = waiting.order.pop_front()?;
        waiting.messages.remove(&message);
        Some((job, !waiting.order.is_empty()))
    }
}

#[async_trait]
impl Queue for MemoryQueue {
    async fn publish(&self, job: &Job) -> Result<(), QueueError> {
        let message = serde_json::to_string(job)?;
        {
            let mut waiting = self.waiting();
            if waiting.messages.contains(&message) {
                return Ok(());
            }
            if waiting.order.len() >= self.limit {
                return Err(QueueError::Full { limit: self.limit });
            }
            waiting.messages.insert(message.clone());
            waiting.order.push_back((message, job.clone()));
        }
        self.came.notify_one();
        Ok(())
    }

    async fn receive(&self) -> Result<Delivery, QueueError> {
        loop {
            // Asked for before looking, so that a job that comes in between is not overlooked.
            let came = self.came.notified();
            if let Some((job, more)) = self.take() {
                if more {
                    // Several jobs may have come with one notification: pass it on.
                    self.came.notify_one();
                }
                return Ok(Delivery::new(job, Box::new(Nothing)));
            }
            came.await;
        }
    }
}

/// There is nothing to tell: a job in hand is forgotten.
#[derive(Debug)]
struct Nothing;

#[async_trait]
impl Receipt for Nothing {
    async fn ack(self: Box<Self>) -> Result<(), QueueError> {
        Ok(())
    }
}
