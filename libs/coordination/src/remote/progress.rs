//! Progress by Redis' publish and subscribe: a channel a run, listened to while somebody here watches it.
//!
//! One task listens for the whole process on a connection of its own. When that breaks, it connects again and listens
//! to the same channels; what was told meanwhile is lost, and the next report follows.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::{FutureExt as _, StreamExt as _};
use redis::aio::{PubSubSink, PubSubStream};
use redis::{Client, Msg, RedisError};
use syncline_model::RunId;
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio::time::{Instant, sleep_until, timeout};

use super::link::{DEADLINE, Link};
use crate::{CoordinationError, Progress, ProgressEvent, Subscription};

/// How many reports of a run are kept for a slow watcher.
const REPORTS: usize = 64;
/// How often the connection is looked after: whether it lives, and who does not watch any more.
const BEAT: Duration = Duration::from_secs(5);
/// Pause before a connection that failed is tried again.
const PAUSE: Duration = Duration::from_secs(1);

/// Progress through Redis.
#[derive(Debug)]
pub struct RedisProgress {
    link: Arc<Link>,
    prefix: String,
    watches: mpsc::UnboundedSender<Watch>,
}

#[derive(Debug)]
struct Watch {
    run: RunId,
    reply: oneshot::Sender<broadcast::Receiver<ProgressEvent>>,
}

impl RedisProgress {
    pub(super) fn new(link: Arc<Link>, prefix: &str) -> Self {
        let (watches, asked) = mpsc::unbounded_channel();
        let listener = Listener {
            client: link.client().clone(),
            prefix: prefix.to_owned(),
            watched: HashMap::new(),
            line: None,
            due: Instant::now(),
            not_before: Instant::now(),
        };
        link.runtime().spawn(listener.listen(asked));
        Self {
            link,
            prefix: prefix.to_owned(),
            watches,
        }
    }
}

#[async_trait]
impl Progress for RedisProgress {
    async fn publish(&self, event: &ProgressEvent) -> Result<(), CoordinationError> {
        let text =
            serde_json::to_string(event).map_err(|error| CoordinationError(Box::new(error)))?;
        let mut command = redis::cmd("PUBLISH");
        command.arg(channel(&self.prefix, event.run)).arg(text);
        if self.link.query::<()>(&command).await.is_err() {
            tracing::debug!("a report of progress is lost");
        }
        Ok(())
    }

    async fn subscribe(&self, run: RunId) -> Result<Subscription, CoordinationError> {
        let (reply, watching) = oneshot::channel();
        let ended = |()| CoordinationError("the listener has ended".into());
        self.watches
            .send(Watch { run, reply })
            .map_err(|_| ended(()))?;
        let receiver = watching.await.map_err(|_| ended(()))?;
        Ok(Subscription::new(receiver))
    }
}

fn channel(prefix: &str, run: RunId) -> String {
    format!("{prefix}:progress:{run}")
}

struct Listener {
    client: Client,
    prefix: String,
    watched: HashMap<RunId, broadcast::Sender<ProgressEvent>>,
    line: Option<(PubSubSink, PubSubStream)>,
    /// When the line is to be looked after.
    due: Instant,
    /// Before when no line is made: the last one has just failed.
    not_before: Instant,
}

impl Listener {
    /// Until nobody can ask any more.
    async fn listen(mut self, mut asked: mpsc::UnboundedReceiver<Watch>) {
        loop {
            let due = self.due;
            tokio::select! {
                watch = asked.recv() => match watch {
                    Some(watch) => self.watch(watch).await,
                    None => return,
                },
                heard = hear(&mut self.line) => match heard {
                    Some(message) => if let Some(unheard) = self.pass_on(&message) {
                        self.forget(unheard).await;
                    },
                    None => self.hang_up(),
                },
                () = sleep_until(due) => self.look_after().await,
            }
        }
    }

    async fn watch(&mut self, watch: Watch) {
        if self.line.is_none() && Instant::now() >= self.not_before {
            self.connect().await;
        }
        // Asked for even when it is listened to already: what was told before the server's answer is older than the
        // watch, and waits in the line. Nobody may hear it any more: that is no reason to stop listening now.
        self.ask(
            |mut sink, channel| async move { sink.subscribe(channel).await },
            watch.run,
        )
        .await;
        while let Some(message) = hear(&mut self.line).now_or_never().flatten() {
            self.pass_on(&message);
        }
        let watchers = self
            .watched
            .entry(watch.run)
            .or_insert_with(|| broadcast::Sender::new(REPORTS));
        // Who asked may have gone.
        let _ = watch.reply.send(watchers.subscribe());
    }

    /// Tells the watchers; a run whose last watcher has gone is returned.
    fn pass_on(&self, message: &Msg) -> Option<RunId> {
        let Ok(event) = serde_json::from_slice::<ProgressEvent>(message.get_payload_bytes()) else {
            tracing::debug!("a report that cannot be read: a newer version's");
            return None;
        };
        let run = event.run;
        let unheard = self.watched.get(&run)?.send(event).is_err();
        unheard.then_some(run)
    }

    async fn forget(&mut self, run: RunId) {
        self.watched.remove(&run);
        self.ask(
            |mut sink, channel| async move { sink.unsubscribe(channel).await },
            run,
        )
        .await;
    }

    /// Says something about a run's channel on the line, if there is one that works.
    async fn ask<F>(&mut self, what: impl FnOnce(PubSubSink, String) -> F, run: RunId)
    where
        F: Future<Output = Result<(), RedisError>>,
    {
        let Some((sink, _)) = &self.line else {
            return;
        };
        let asked = what(sink.clone(), channel(&self.prefix, run));
        if !matches!(timeout(DEADLINE, asked).await, Ok(Ok(()))) {
            self.hang_up();
        }
    }

    fn hang_up(&mut self) {
        self.line = None;
        self.not_before = Instant::now() + PAUSE;
        self.due = self.not_before;
    }

    async fn look_after(&mut self) {
        self.due = Instant::now() + BEAT;
        let gone: Vec<RunId> = self
            .watched
            .iter()
            .filter(|(_, watchers)| watchers.receiver_count() == 0)
            .map(|(run, _)| *run)
            .collect();
        for run in gone {
            self.forget(run).await;
        }
        match &self.line {
            None if !self.watched.is_empty() => self.connect().await,
            None => {}
            Some((sink, _)) => {
                let mut sink = sink.clone();
                if !matches!(timeout(DEADLINE, sink.ping::<()>()).await, Ok(Ok(()))) {
                    self.hang_up();
                }
            }
        }
    }

    /// Connects and listens to everything that is watched.
    async fn connect(&mut self) {
        let channels: Vec<String> = self
            .watched
            .keys()
            .map(|run| channel(&self.prefix, *run))
            .collect();
        let connect = async {
            let (mut sink, stream) = self.client.get_async_pubsub().await?.split();
            if !channels.is_empty() {
                sink.subscribe(channels).await?;
            }
            Ok::<_, RedisError>((sink, stream))
        };
        match timeout(DEADLINE, connect).await {
            Ok(Ok(line)) => {
                self.line = Some(line);
                self.due = Instant::now() + BEAT;
            }
            Ok(Err(error)) => {
                tracing::debug!(%error, "progress cannot be listened to");
                self.hang_up();
            }
            Err(_) => self.hang_up(),
        }
    }
}

/// The next message of a line, or `None` when the line is broken. Without a line it never comes.
async fn hear(line: &mut Option<(PubSubSink, PubSubStream)>) -> Option<Msg> {
    match line {
        Some((_, stream)) => stream.next().await,
        None => std::future::pending().await,
    }
}
