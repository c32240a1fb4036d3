//! One connection to the broker that is made when it is needed and made again when it was lost, with growing pauses.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex as SyncMutex, PoisonError};
use std::time::Duration;

use futures::StreamExt as _;
use lapin::tcp::OwnedTLSConfig;
use lapin::uri::AMQPUri;
use lapin::{Channel, Connection, ConnectionProperties, Event};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use super::RabbitSettings;
use super::topology::Topology;
use crate::{QueueDepths, QueueError};

/// What a connection, or a channel on it, may take to open; and what any other answer may take.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// Silence after which a connection is given up, in seconds.
const HEARTBEAT: u16 = 10;
/// The pause after a first failed attempt; each further one doubles it.
const PAUSE: Duration = Duration::from_millis(200);
/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// A connection that is kept up.
pub struct Link {
    uri: AMQPUri,
    ca: Option<String>,
    name: &'static str,
    topology: Topology,
    state: Mutex<State>,
    /// Said by the broker: it takes no messages on this connection for now.
    blocked: SyncMutex<Arc<AtomicBool>>,
}

#[derive(Default)]
struct State {
    connection: Option<Connection>,
    /// Which connection it is, counted from the first.
    number: u64,
    failures: u32,
    not_before: Option<Instant>,
}

/// A channel, and the number of its connection.
#[derive(Clone, Debug)]
pub struct Line {
    /// The channel.
    pub channel: Channel,
    /// The number, for [`Link::suspect`].
    pub connection: u64,
}

impl Line {
    /// Whether it can be used, as far as is known.
    pub fn is_open(&self) -> bool {
        self.channel.status().connected()
    }
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Never the address: it holds a password.
        f.debug_struct("Link")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Link {
    /// A connection that `name` names to those who look at the broker. Not made yet.
    pub fn new(settings: &RabbitSettings, name: &'static str) -> Result<Self, QueueError> {
        let mut uri = settings.uri()?;
        uri.query.heartbeat.get_or_insert(HEARTBEAT);
        Ok(Self {
            uri,
            ca: settings.ca.clone(),
            name,
            topology: Topology::new(&settings.prefix),
            state: Mutex::default(),
            blocked: SyncMutex::default(),
        })
    }

    /// A new channel, with every queue declared. Fails at once while the pause after a failed attempt lasts.
    pub async fn line(&self) -> Result<Line, QueueError> {
        Ok(self.declared().await?.0)
    }

    /// How many messages wait.
    pub async fn depths(&self) -> Result<QueueDepths, QueueError> {
        let (line, depths) = self.declared().await?;
        close(&line.channel).await;
        Ok(depths)
    }

    /// Says that something failed on the connection of that number, which may not have noticed yet: the next channel
    /// is opened on another one.
    pub async fn suspect(&self, connection: u64) {
        let mut state = self.state.lock().await;
        if state.number == connection {
            state.connection = None;
        }
    }

    /// Whether the broker said that it takes no messages.
    pub fn is_blocked(&self) -> bool {
        self.flag().load(Ordering::Relaxed)
    }

    async fn declared(&self) -> Result<(Line, QueueDepths), QueueError> {
        // Held while connecting: one attempt at a time, and everyone shares what comes of it.
        let mut state = self.state.lock().await;
        if state
            .not_before
            .is_some_and(|moment| Instant::now() < moment)
        {
            return Err(unavailable(io::Error::other(
                "it could not be a moment ago; the next attempt follows soon",
            )));
        }
        let opened = timeout(ANSWER_TIMEOUT, self.open(&mut state)).await;
        match opened.unwrap_or_else(|late| Err(Box::new(late))) {
            Ok(opened) => {
                if state.failures > 0 {
                    tracing::info!(connection = self.name, "the broker is reached again");
                }
                state.failures = 0;
                state.not_before = None;
                Ok(opened)
            }
            Err(error) => {
                state.connection = None;
                state.not_before = Some(Instant::now() + pause(state.failures));
                state.failures = state.failures.saturating_add(1);
                Err(QueueError::Unavailable(error))
            }
        }
    }

    async fn open(
        &self,
        state: &mut State,
    ) -> Result<(Line, QueueDepths), Box<dyn std::error::Error + Send + Sync>> {
        let connection = match state.connection.take() {
            Some(connection) if connection.status().connected() => connection,
            _ => {
                state.number += 1;
                self.connect().await?
            }
        };
        let connection = state.connection.insert(connection);
        let channel = connection.create_channel().await?;
        let depths = self.topology.declare(&channel).await?;
        let line = Line {
            channel,
            connection: state.number,
        };
        Ok((line, depths))
    }

    async fn connect(&self) -> Result<Connection, lapin::Error> {
        let properties = ConnectionProperties::default()
            .with_connection_name(format!("syncline {}", self.name).into());
        let tls = OwnedTLSConfig {
            identity: None,
            cert_chain: self.ca.clone(),
        };
        let runtime = lapin::runtime::default_runtime()?;
        let connection =
            Connection::connect_uri_with_config(self.uri.clone(), properties, tls, runtime).await?;
        let blocked = Arc::new(AtomicBool::new(false));
        *self.blocked.lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&blocked);
        // Ends with the connection.
        let mut events = Box::pin(connection.events_listener());
        let name = self.name;
        tokio::spawn(async move {
            while let Some(event) = events.next().await {
                match event {
                    Event::ConnectionBlocked(reason) => {
                        blocked.store(true, Ordering::Relaxed);
                        tracing::warn!(connection = name, reason, "the broker takes no messages");
                    }
                    Event::ConnectionUnblocked => {
                        blocked.store(false, Ordering::Relaxed);
                        tracing::info!(connection = name, "the broker takes messages again");
                    }
                    Event::Error(error) => {
                        tracing::warn!(connection = name, %error, "the connection to the broker broke");
                        break;
                    }
                    _ => {}
                }
            }
            blocked.store(false, Ordering::Relaxed);
        });
        Ok(connection)
    }

    fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.blocked.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The broker's answer to one request, which may not take for ever.
pub async fn answer<T>(
    request: impl Future<Output = Result<T, lapin::Error>>,
) -> Result<T, QueueError> {
    match timeout(ANSWER_TIMEOUT, request).await {
        Ok(answer) => answer.map_err(unavailable),
        Err(late) => Err(unavailable(late)),
    }
}

/// Closes a channel that is not needed any more; one that is closed already is fine.
pub async fn close(channel: &Channel) {
    let closed = timeout(ANSWER_TIMEOUT, channel.close(200, "done".into())).await;
    if let Ok(Err(error)) = closed {
        tracing::debug!(%error, "a channel was closed already");
    }
}

/// An error as one of reaching the queue.
pub fn unavailable(error: impl std::error::Error + Send + Sync + 'static) -> QueueError {
    QueueError::Unavailable(Box::new(error))
}

fn pause(failures: u32) -> Duration {
    PAUSE
        .saturating_mul(2_u32.saturating_pow(failures))
        .min(PAUSE_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_limit() {
        let check = |failures: u32, expect: u64| {
            assert_eq!(pause(failures), Duration::from_millis(expect), "{failures}");
        };
        check(0, 200);
        check(1, 400);
        check(4, 3_200);
        check(5, 5_000);
        check(u32::MAX, 5_000);
    }
}
