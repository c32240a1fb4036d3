//! A seeker brings one job: it asks the queues one after the other, and if all are empty listens to all of them.
//!
//! Asking keeps the order of urgency and takes exactly one job, so none is held by a worker that is busy. Listening,
//! with one message a queue at most, spares an idle worker the asking. Messages that come by several queues in the
//! same moment go to others who wait, or back.

use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::select_all;
use lapin::options::{
    BasicCancelOptions, BasicConsumeOptions, BasicGetOptions, BasicQosOptions, BasicRejectOptions,
};
use lapin::types::FieldTable;
use lapin::{Acker, Consumer, ErrorKind};
use syncline_model::Job;

use super::link::{Line, answer, unavailable};
use super::receiver::{Desk, Found, Seeking, give_up};
use crate::{Priority, QueueError};

/// Messages of a queue that are under way to one seeker.
const PREFETCH: u16 = 1;
/// The longest time of listening before the queues are asked again: should a message be overlooked on the broker's side,
/// as in an election among its nodes, it is found by then.
const LISTEN: Duration = Duration::from_secs(10);
/// How the broker says that it failed, as when a queue has no leader; the number is AMQP's.
const INTERNAL_ERROR: u16 = 541;
/// After the connection was lost. The connection itself pauses longer and longer between attempts.
const PAUSE: Duration = Duration::from_millis(200);

/// Seeks until it has brought one job, or nobody waits for it any more.
pub async fn run(mut seeking: Seeking) {
    let mut told = false;
    loop {
        match seek(&mut seeking).await {
            Ok(()) => return,
            Err(error) if told => tracing::debug!(%error, "still no jobs from the broker"),
            Err(error) => {
                // Once: what goes on being so is no news.
                tracing::warn!(%error, "no jobs from the broker; trying again");
                told = true;
            }
        }
        tokio::select! {
            () = seeking.superfluous() => return,
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}

async fn seek(seeking: &mut Seeking) -> Result<(), QueueError> {
    let line = match seeking.desk().idle_line() {
        Some(line) => line,
        None => open(seeking.desk()).await?,
    };
    let outcome = seek_on(seeking, &line).await;
    if outcome.is_err() {
        // The channel is dropped, and whatever came by it is free for others.
        seeking.desk().link.suspect(line.connection).await;
    }
    outcome
}

async fn seek_on(seeking: &mut Seeking, line: &Line) -> Result<(), QueueError> {
    loop {
        if let Some(found) = ask(seeking.desk(), line).await? {
            seeking.put(found);
            return Ok(());
        }
        match listen(seeking, line).await? {
            Heard::Jobs => return Ok(()),
            Heard::Nothing => {}
            Heard::Superfluous => {
                seeking.desk().give_back(line.clone());
                return Ok(());
            }
        }
    }
}

async fn open(desk: &Desk) -> Result<Line, QueueError> {
    let line = desk.link.line().await?;
    answer(line.channel.basic_qos(PREFETCH, BasicQosOptions::default())).await?;
    Ok(line)
}

/// Asks every queue for one job, in the order of the turn.
async fn ask(desk: &Desk, line: &Line) -> Result<Option<Found>, QueueError> {
    for priority in desk.order() {
        let queue = desk.topology.queue(priority);
        loop {
            let get = line
                .channel
                .basic_get(queue.as_str().into(), BasicGetOptions::default());
            let Some(message) = of_queue(desk, priority, answer(get).await)? else {
                break;
            };
            let delivery = message.delivery;
            if let Some(job) = read(&delivery.data, priority, &delivery.acker).await {
                return Ok(Some(Found {
                    job,
                    priority,
                    acker: delivery.acker,
                    line: Some(line.clone()),
                }));
            }
        }
    }
    Ok(None)
}

/// What a queue answered. One that ends the connection, or answers nothing, is left alone for a while.
fn of_queue<T>(
    desk: &Desk,
    queue: Priority,
    answer: Result<T, QueueError>,
) -> Result<T, QueueError> {
    if let Err(QueueError::Unavailable(error)) = &answer {
        let told = error.downcast_ref::<lapin::Error>().map(lapin::Error::kind);
        let fault = match told {
            // The words name the queue: this one may have been asked on the connection that another one ended.
            Some(ErrorKind::ProtocolError(error)) => {
                let name = desk.topology.queue(queue);
                error.get_id() == INTERNAL_ERROR && error.get_message().as_str().contains(&name)
            }
            Some(_) => false,
            None => true,
        };
        if fault {
            desk.leave_alone(queue);
        }
    }
    answer
}

/// What came of listening.
enum Heard {
    /// At least one job was handed over.
    Jobs,
    /// Messages, but no job in them.
    Nothing,
    /// Nobody waits any more.
    Superfluous,
}

/// Listens to every queue until one has a message, then stops listening and hands over what came.
async fn listen(seeking: &mut Seeking, line: &Line) -> Result<Heard, QueueError> {
    let mut consumers = Vec::new();
    for priority in seeking.desk().order() {
        let queue = seeking.desk().topology.queue(priority);
        let consume = line.channel.basic_consume(
            queue.into(),
            "".into(),
            BasicConsumeOptions::default(),
            FieldTable::default(),
        );
        let consumer = of_queue(seeking.desk(), priority, answer(consume).await)?;
        consumers.push((priority, consumer));
    }
    if consumers.is_empty() {
        // Every queue is left alone for now.
        tokio::time::sleep(PAUSE).await;
        return Ok(Heard::Nothing);
    }
    let tags: Vec<_> = consumers
        .iter()
        .map(|(_, consumer)| consumer.tag())
        .collect();
    let mut messages = select_all(consumers.into_iter().map(|(priority, consumer)| {
        // The end of one is told too: its queue was deleted, or the channel is closed.
        ends_aloud(consumer)
            .map(move |message| (priority, message))
            .boxed()
    }));
    let (first, superfluous) = tokio::select! {
        first = messages.next() => (first, false),
        () = tokio::time::sleep(LISTEN) => (None, false),
        () = seeking.superfluous() => (None, true),
    };
    let mut came = Vec::new();
    if let Some((priority, message)) = first {
        came.push((priority, message?));
    }
    for tag in tags {
        answer(
            line.channel
                .basic_cancel(tag, BasicCancelOptions::default()),
        )
        .await?;
    }
    // Every consumer has ended by now; what came before its end is still to be read.
    let rest = async {
        while let Some((priority, message)) = messages.next().await {
            if let Ok(message) = message {
                came.push((priority, message));
            }
        }
        Ok(())
    };
    answer(rest).await?;
    Ok(hand_over(seeking, line, came, superfluous).await)
}

async fn hand_over(
    seeking: &mut Seeking,
    line: &Line,
    came: Vec<(Priority, lapin::message::Delivery)>,
    superfluous: bool,
) -> Heard {
    let mut handed = false;
    for (priority, message) in came {
        let Some(job) = read(&message.data, priority, &message.acker).await else {
            continue;
        };
        if !handed && !superfluous || seeking.desk().welcomes() {
            seeking.put(Found {
                job,
                priority,
                acker: message.acker,
                // The first one frees the channel; it may have others unacknowledged on it, which does no harm.
                line: (!handed).then(|| line.clone()),
            });
            handed = true;
        } else {
            give_up(&message.acker).await;
        }
    }
    match (handed, superfluous) {
        (true, _) => Heard::Jobs,
        (false, true) => Heard::Superfluous,
        (false, false) => Heard::Nothing,
    }
}

/// The messages of a consumer, and an error when it ends.
fn ends_aloud(
    consumer: Consumer,
) -> impl futures::Stream<Item = Result<lapin::message::Delivery, QueueError>> {
    consumer
        .map(|message| message.map_err(unavailable))
        .chain(futures::stream::once(async {
            Err(unavailable(std::io::Error::other(
                "the broker ended the consumer",
            )))
        }))
}

/// The job in a message. What is none is set aside: the broker moves what is rejected.
async fn read(message: &[u8], priority: Priority, acker: &Acker) -> Option<Job> {
    match serde_json::from_slice(message) {
        Ok(job) => Some(job),
        Err(error) => {
            let bytes = message.len();
            tracing::error!(%error, bytes, queue = priority.name(), "a message that is no job is set aside");
            let aside = BasicRejectOptions { requeue: false };
            if let Err(error) = answer(acker.reject(aside)).await {
                tracing::debug!(%error, "the message comes again");
            }
            None
        }
    }
}
