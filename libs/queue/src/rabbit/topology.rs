//! Which queues there are on the broker, and with what arguments. Declared by everyone who opens a channel, tests
//! included: a declaration that agrees with what is there changes nothing.
//!
//! Only what RabbitMQ 3.10 and 4.x both accept, and no plugin. An argument changed here does not agree with queues
//! that are there already: the broker refuses the declaration until they are deleted.

use lapin::options::QueueDeclareOptions;
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{Channel, Error};

use crate::{Priority, QueueDepths};

/// Jobs that one queue holds at most; the broker refuses more. The scheduler rings again.
pub const LIMIT: usize = 100_000;
/// How often a message may come back unacknowledged before it is set aside: a worker that dies takes some with it that
/// are not to blame. RabbitMQ 3.10 has no limit by itself, 4.x has this one.
const DELIVERY_LIMIT: i64 = 20;
/// Messages set aside that are kept; the oldest go first.
const SET_ASIDE_LIMIT: i64 = 10_000;

/// The names of the queues.
#[derive(Clone, Debug)]
pub struct Topology {
    prefix: String,
}

impl Topology {
    /// Queues whose names begin with a prefix.
    pub fn new(prefix: &str) -> Self {
        Self {
            prefix: prefix.to_owned(),
        }
    }

    /// The queue of a priority.
    pub fn queue(&self, priority: Priority) -> String {
        format!("{}.jobs.{}", self.prefix, priority.name())
    }

    /// The queue of what was set aside.
    pub fn set_aside(&self) -> String {
        format!("{}.set-aside", self.prefix)
    }

    /// Makes what is missing, and tells how many messages wait.
    pub async fn declare(&self, channel: &Channel) -> Result<QueueDepths, Error> {
        let aside = self.set_aside();
        let mut arguments = table(&[("x-max-length", SET_ASIDE_LIMIT)]);
        words(
            &mut arguments,
            &[("x-queue-type", "quorum"), ("x-overflow", "drop-head")],
        );
        let set_aside = declare(channel, aside.clone(), arguments).await?;
        let mut depths = QueueDepths {
            set_aside,
            ..QueueDepths::default()
        };
        for priority in Priority::ALL {
            let mut arguments = table(&[
                ("x-delivery-limit", DELIVERY_LIMIT),
                ("x-max-length", LIMIT as i64),
            ]);
            words(
                &mut arguments,
                &[
                    ("x-queue-type", "quorum"),
                    // At least once, so that what is set aside stays where it was while the other queue is not there.
                    ("x-overflow", "reject-publish"),
                    ("x-dead-letter-strategy", "at-least-once"),
                    ("x-dead-letter-exchange", ""),
                    ("x-dead-letter-routing-key", &aside),
                ],
            );
            let waiting = declare(channel, self.queue(priority), arguments).await?;
            match priority {
                Priority::Interactive => depths.interactive = waiting,
                Priority::Scheduled => depths.scheduled = waiting,
                Priority::FirstSync => depths.first_sync = waiting,
            }
        }
        Ok(depths)
    }
}

async fn declare(channel: &Channel, name: String, arguments: FieldTable) -> Result<u32, Error> {
    let queue = channel
        .queue_declare(name.into(), QueueDeclareOptions::durable(), arguments)
        .await?;
    Ok(queue.message_count())
}

fn table(numbers: &[(&str, i64)]) -> FieldTable {
    let mut table = FieldTable::default();
    for (key, number) in numbers {
        table.insert(ShortString::from(*key), AMQPValue::LongLongInt(*number));
    }
    table
}

fn words(table: &mut FieldTable, words: &[(&str, &str)]) {
    for (key, word) in words {
        table.insert(
            ShortString::from(*key),
            AMQPValue::LongString((*word).into()),
        );
    }
}
