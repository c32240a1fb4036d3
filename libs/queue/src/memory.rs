//! The queue inside one process: bounded, first come first served within a priority, gone when the process ends.

use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use syncline_model::Job;
use tokio::sync::Notify;

use crate::{Delivery, Priority, Queue, QueueDepths, QueueError, Receipt};

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
    interactive: VecDeque<(String, Job)>,
    scheduled: VecDeque<(String, Job)>,
    first_sync: VecDeque<(String, Job)>,
    messages: HashSet<(Priority, String)>,
    /// Jobs taken so far; may wrap.
    taken: usize,
}

impl Waiting {
    const fn of(&mut self, priority: Priority) -> &mut VecDeque<(String, Job)> {
        match priority {
            Priority::Interactive => &mut self.interactive,
            Priority::Scheduled => &mut self.scheduled,
            Priority::FirstSync => &mut self.first_sync,
        }
    }

    fn take(&mut self) -> Option<(Job, Priority)> {
        for priority in Priority::order(self.taken) {
            if let Some((message, job)) = self.of(priority).pop_front() {
                self.taken = self.taken.wrapping_add(1);
                self.messages.remove(&(priority, message));
                return Some((job, priority));
            }
        }
        None
    }
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
    fn take(&self) -> Option<(Job, Priority, bool)> {
        let mut waiting = self.waiting();
        let (job, priority) = waiting.take()?;
        Some((job, priority, !waiting.messages.is_empty()))
    }
}

#[async_trait]
impl Queue for MemoryQueue {
    async fn publish(&self, job: &Job, priority: Priority) -> Result<(), QueueError> {
        let key = (priority, serde_json::to_string(&job.bell())?);
        {
            let mut waiting = self.waiting();
            if waiting.messages.contains(&key) {
                return Ok(());
            }
            if waiting.messages.len() >= self.limit {
                return Err(QueueError::Full { limit: self.limit });
            }
            waiting.of(priority).push_back((key.1.clone(), job.clone()));
            waiting.messages.insert(key);
        }
        self.came.notify_one();
        Ok(())
    }

    async fn receive(&self) -> Result<Delivery, QueueError> {
        loop {
            // Asked for before looking, so that a job that comes in between is not overlooked.
            let came = self.came.notified();
            if let Some((job, priority, more)) = self.take() {
                if more {
                    // Several jobs may have come with one notification: pass it on.
                    self.came.notify_one();
                }
                return Ok(Delivery::new(job, priority, Box::new(Nothing)));
            }
            came.await;
        }
    }

    async fn depths(&self) -> Result<QueueDepths, QueueError> {
        let waiting = self.waiting();
        let count = |jobs: &VecDeque<_>| u32::try_from(jobs.len()).unwrap_or(u32::MAX);
        Ok(QueueDepths {
            interactive: count(&waiting.interactive),
            scheduled: count(&waiting.scheduled),
            first_sync: count(&waiting.first_sync),
            set_aside: 0,
        })
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
