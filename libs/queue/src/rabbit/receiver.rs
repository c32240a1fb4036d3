//! Receiving: whoever waits for a job has one seeker at work, and a seeker holds one job.
//!
//! A seeker is a task, so that giving up the wait interrupts no exchange with the broker: what it has found by then
//! goes to the next who asks. A job in hand keeps its channel; acknowledged, the channel is free for another seeker.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use async_trait::async_trait;
use lapin::Acker;
use lapin::options::{BasicAckOptions, BasicNackOptions};
use syncline_model::Job;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::link::{Line, Link, answer, unavailable};
use super::seeker;
use super::topology::Topology;
use crate::{Delivery, Priority, QueueError, Receipt};

/// How long a queue that did not answer is left alone.
const ALONE: Duration = Duration::from_secs(20);

/// Receives jobs.
#[derive(Debug)]
pub struct Receiver {
    desk: Arc<Desk>,
    /// Ends with the receiver.
    seekers: Mutex<JoinSet<()>>,
}

/// Where those who wait and those who seek meet.
#[derive(Debug)]
pub struct Desk {
    /// The connection.
    pub link: Arc<Link>,
    /// The queues.
    pub topology: Topology,
    state: Mutex<State>,
    /// Something was found.
    found: Notify,
    /// Someone who waited went away.
    gone: Notify,
    /// Jobs sought so far: the turn of each priority. May wrap.
    turn: AtomicUsize,
}

#[derive(Debug, Default)]
struct State {
    waiting: usize,
    seeking: usize,
    found: VecDeque<Found>,
    idle: Vec<Line>,
    /// Queues that did not answer, and until when they are left alone.
    unwell: Vec<(Priority, Instant)>,
}

/// A job that a seeker brought.
#[derive(Debug)]
pub struct Found {
    /// The job.
    pub job: Job,
    /// Of which queue it is.
    pub priority: Priority,
    /// Acknowledges it.
    pub acker: Acker,
    /// The channel that it came by; none if another job of the same channel returns it.
    pub line: Option<Line>,
}

impl State {
    /// Whether more seek than wait.
    const fn surplus(&self) -> bool {
        self.seeking > self.waiting
    }
}

impl Receiver {
    /// Receives over a connection of its own.
    pub fn new(link: Arc<Link>, topology: Topology) -> Self {
        Self {
            desk: Arc::new(Desk {
                link,
                topology,
                state: Mutex::default(),
                found: Notify::new(),
                gone: Notify::new(),
                turn: AtomicUsize::new(0),
            }),
            seekers: Mutex::default(),
        }
    }

    /// Waits for a job, for as long as it takes: a lost connection is made again meanwhile.
    pub async fn receive(&self) -> Delivery {
        let _waiting = Waiting::new(&self.desk);
        loop {
            // Asked for before looking, so that what is found in between is not overlooked.
            let came = self.desk.found.notified();
            if let Some(found) = self.desk.take() {
                return found.into_delivery(&self.desk);
            }
            self.seek();
            came.await;
            // While the runtime shuts down every seeker ends at once and says so: let this one end too.
            tokio::task::yield_now().await;
        }
    }

    /// Sends out as many seekers as are missing.
    fn seek(&self) {
        let mut seekers = self.seekers.lock().unwrap_or_else(PoisonError::into_inner);
        while seekers.try_join_next().is_some() {}
        for seeking in Seeking::wanted(&self.desk) {
            seekers.spawn(seeker::run(seeking));
        }
    }
}

impl Desk {
    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing that can panic happens under the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The most urgent of what was found. What came by a channel that is closed by now, the broker has given to
    /// another.
    fn take(&self) -> Option<Found> {
        let mut state = self.state();
        state.found.retain(|found| found.acker.usable());
        let urgent = state.found.iter().map(|found| found.priority).min()?;
        let place = state
            .found
            .iter()
            .position(|found| found.priority == urgent)?;
        let taken = state.found.remove(place);
        if !state.found.is_empty() {
            // Several may have been found with one notification: pass it on.
            self.found.notify_one();
        }
        taken
    }

    /// Whether more wait than there are jobs found for them: then another one is welcome.
    pub fn welcomes(&self) -> bool {
        let state = self.state();
        state.waiting > state.found.len()
    }

    /// A channel that nothing is under way on.
    pub fn idle_line(&self) -> Option<Line> {
        let mut state = self.state();
        while let Some(line) = state.idle.pop() {
            if line.is_open() {
                return Some(line);
            }
        }
        None
    }

    /// The order in which the queues are asked now, without those that are left alone.
    pub fn order(&self) -> Vec<Priority> {
        let now = Instant::now();
        let mut state = self.state();
        state.unwell.retain(|(_, until)| now < *until);
        Priority::order(self.turn.fetch_add(1, Ordering::Relaxed))
            .into_iter()
            .filter(|one| state.unwell.iter().all(|(unwell, _)| unwell != one))
            .collect()
    }

    /// Leaves a queue alone for a while: the broker ends the whole connection over one that has lost its leader, and
    /// the others should not suffer.
    pub fn leave_alone(&self, queue: Priority) {
        let until = Instant::now() + ALONE;
        self.state().unwell.push((queue, until));
        tracing::warn!(
            queue = queue.name(),
            "the broker's queue does not answer; left alone for a while"
        );
    }

    /// Keeps a channel for the next seeker.
    pub fn give_back(&self, line: Line) {
        if line.is_open() {
            self.state().idle.push(line);
        }
    }
}

/// One who waits, until dropped.
struct Waiting<'a>(&'a Desk);

impl<'a> Waiting<'a> {
    fn new(desk: &'a Desk) -> Self {
        desk.state().waiting += 1;
        Self(desk)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.waiting = state.waiting.saturating_sub(1);
        let surplus = state.surplus();
        drop(state);
        if surplus {
            self.0.gone.notify_one();
        }
    }
}

/// One who seeks, until something is found or it is dropped.
pub struct Seeking {
    desk: Arc<Desk>,
    done: bool,
}

impl Seeking {
    /// As many more as wait and have neither a seeker nor a job found for them.
    fn wanted(desk: &Arc<Desk>) -> Vec<Self> {
        let mut state = desk.state();
        let provided = state.seeking.saturating_add(state.found.len());
        let missing = state.waiting.saturating_sub(provided);
        state.seeking += missing;
        drop(state);
        (0..missing)
            .map(|_| Self {
                desk: Arc::clone(desk),
                done: false,
            })
            .collect()
    }

    /// The desk.
    pub fn desk(&self) -> &Desk {
        &self.desk
    }

    /// Hands over what was found.
    pub fn put(&mut self, found: Found) {
        let mut state = self.desk.state();
        state.found.push_back(found);
        if !self.done {
            self.done = true;
            state.seeking = state.seeking.saturating_sub(1);
        }
        drop(state);
        self.desk.found.notify_one();
    }

    /// Waits until there are more who seek than who wait.
    pub async fn superfluous(&self) {
        loop {
            let gone = self.desk.gone.notified();
            if self.desk.state().surplus() {
                return;
            }
            gone.await;
        }
    }
}

impl Drop for Seeking {
    fn drop(&mut self) {
        let mut state = self.desk.state();
        if !self.done {
            state.seeking = state.seeking.saturating_sub(1);
        }
        let surplus = state.surplus();
        let missing = state.waiting > state.seeking.saturating_add(state.found.len());
        drop(state);
        if surplus {
            self.desk.gone.notify_one();
        }
        if missing {
            // Who waits looks again, and sends out another.
            self.desk.found.notify_one();
        }
    }
}

impl Found {
    fn into_delivery(self, desk: &Arc<Desk>) -> Delivery {
        let receipt = InHand {
            acker: Some(self.acker),
            line: self.line,
            desk: Arc::downgrade(desk),
        };
        Delivery::new(self.job, self.priority, Box::new(receipt))
    }
}

/// A job that is being seen to.
#[derive(Debug)]
struct InHand {
    /// None once it is acknowledged.
    acker: Option<Acker>,
    line: Option<Line>,
    desk: Weak<Desk>,
}

#[async_trait]
impl Receipt for InHand {
    async fn ack(mut self: Box<Self>) -> Result<(), QueueError> {
        let Some(acker) = self.acker.take() else {
            return Ok(());
        };
        if !answer(acker.ack(BasicAckOptions::default())).await? {
            return Err(unavailable(std::io::Error::other(
                "the channel that the job came by is closed",
            )));
        }
        if let (Some(line), Some(desk)) = (self.line.take(), self.desk.upgrade()) {
            desk.give_back(line);
        }
        Ok(())
    }
}

impl Drop for InHand {
    /// Not done: the broker delivers it again, at once.
    fn drop(&mut self) {
        let Some(acker) = self.acker.take() else {
            return;
        };
        let line = self.line.take();
        let desk = self.desk.clone();
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        runtime.spawn(async move {
            give_up(&acker).await;
            if let (Some(line), Some(desk)) = (line, desk.upgrade()) {
                desk.give_back(line);
            }
        });
    }
}

/// Hands a job back to the broker.
pub async fn give_up(acker: &Acker) {
    let again = BasicNackOptions {
        multiple: false,
        requeue: true,
    };
    if let Err(error) = answer(acker.nack(again)).await {
        tracing::debug!(%error, "a job goes back with its channel");
    }
}
