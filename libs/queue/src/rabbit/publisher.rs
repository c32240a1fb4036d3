//! Publishing: mandatory, persistent, and confirmed one by one.
//!
//! The broker confirms a message that no queue took, after returning it; and a return does not say which of several
//! messages under way it belongs to. So each channel has one message under way, and there are a few channels.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::{BasicProperties, Channel, Confirmation, ErrorKind};
use syncline_model::Job;
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::link::{Line, Link, answer, unavailable};
use super::topology::Topology;
use crate::{Priority, QueueError};

/// Messages under way at the same time.
const CHANNELS: usize = 4;
/// What the broker may take to confirm.
const CONFIRM_TIMEOUT: Duration = Duration::from_secs(4);
/// Attempts at one job: a connection that was lost since the last one costs the first.
const ATTEMPTS: usize = 2;
/// Survives a restart of the broker.
const PERSISTENT: u8 = 2;

/// Publishes jobs.
#[derive(Debug)]
pub struct Publisher {
    link: Link,
    topology: Topology,
    /// Open channels with nothing under way.
    lines: [Mutex<Option<Line>>; CHANNELS],
    next: AtomicUsize,
}

impl Publisher {
    /// Publishes over a connection of its own: the broker stops reading from those that publish when it is short of
    /// memory, and acknowledgements should not wait for that.
    pub fn new(link: Link, topology: Topology) -> Self {
        Self {
            link,
            topology,
            lines: Default::default(),
            next: AtomicUsize::new(0),
        }
    }

    /// How many messages wait.
    pub async fn depths(&self) -> Result<crate::QueueDepths, QueueError> {
        self.link.depths().await
    }

    /// Publishes one job and waits until the broker has it. What went wrong on the way is tried once more: a job may
    /// be published twice.
    pub async fn publish(&self, job: &Job, priority: Priority) -> Result<(), QueueError> {
        let message = serde_json::to_vec(job)?;
        let queue = self.topology.queue(priority);
        let mut failed = None;
        for attempt in 0..ATTEMPTS {
            match self.attempt(&queue, &message, attempt > 0).await {
                Err(error @ QueueError::Unavailable(_)) => failed = Some(error),
                outcome => return outcome,
            }
        }
        failed.map_or(Ok(()), Err)
    }

    /// One attempt; `anew` on a channel that was not used before.
    async fn attempt(&self, queue: &str, message: &[u8], anew: bool) -> Result<(), QueueError> {
        if self.link.is_blocked() {
            return Err(QueueError::Unconfirmed {
                seconds: 0,
                blocked: true,
            });
        }
        let place = self.next.fetch_add(1, Ordering::Relaxed) % CHANNELS;
        let Some(place) = self.lines.get(place) else {
            return Err(QueueError::Settings("no channel".into()));
        };
        let mut place = place.lock().await;
        // Taken out, and put back only when nothing is under way on it: not after a failure, nor if this is given up.
        let line = match place.take() {
            Some(line) if !anew && line.is_open() => line,
            _ => self.open().await?,
        };
        let confirmed = timeout(CONFIRM_TIMEOUT, confirmed(&line.channel, queue, message)).await;
        let Ok(confirmation) = confirmed else {
            return Err(QueueError::Unconfirmed {
                seconds: CONFIRM_TIMEOUT.as_secs(),
                blocked: self.link.is_blocked(),
            });
        };
        let confirmation = match confirmation {
            Ok(confirmation) => confirmation,
            Err(error) => {
                if !matches!(error.kind(), ErrorKind::ProtocolError(_)) {
                    self.link.suspect(line.connection).await;
                }
                return Err(unavailable(error));
            }
        };
        match confirmation {
            Confirmation::Ack(None) => {
                *place = Some(line);
                Ok(())
            }
            // The next channel declares the queues again.
            Confirmation::Ack(Some(_)) | Confirmation::Nack(Some(_)) => {
                Err(QueueError::Unroutable {
                    queue: queue.to_owned(),
                })
            }
            Confirmation::Nack(None) => {
                *place = Some(line);
                Err(QueueError::Refused {
                    queue: queue.to_owned(),
                    limit: super::topology::LIMIT,
                })
            }
            Confirmation::NotRequested => Err(QueueError::Settings(
                "the broker does not confirm what is published".into(),
            )),
        }
    }

    async fn open(&self) -> Result<Line, QueueError> {
        let line = self.link.line().await?;
        answer(line.channel.confirm_select(ConfirmSelectOptions::default())).await?;
        Ok(line)
    }
}

async fn confirmed(channel: &Channel, queue: &str, message: &[u8]) -> lapin::Result<Confirmation> {
    let options = BasicPublishOptions {
        mandatory: true,
        ..BasicPublishOptions::default()
    };
    let properties = BasicProperties::default()
        .with_content_type("application/json".into())
        .with_delivery_mode(PERSISTENT);
    channel
        .basic_publish("".into(), queue.into(), options, message, properties)
        .await?
        .await
}
