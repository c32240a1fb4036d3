//! The connection to Redis, and whether it answers.
//!
//! One multiplexed connection a process. What is not answered within a deadline counts as gone; then only one caller
//! at a time finds out, with growing pauses, whether it is back, and the others are told at once that it is not.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, Cmd, FromRedisValue, RedisError, ScriptInvocation};
use secrecy::{ExposeSecret as _, SecretString};
use syncline_platform::random;
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout};

use crate::CoordinationError;

/// What a connection or an answer may take; an answer takes a fraction of a millisecond when all is well.
pub(super) const DEADLINE: Duration = Duration::from_millis(500);
/// The pause after the first failure; it doubles with each.
const PAUSE_MIN: Duration = Duration::from_millis(100);
/// The longest pause, and so about the longest that a Redis that is back goes unused.
const PAUSE_MAX: Duration = Duration::from_secs(2);
/// A server that answers some calls and refuses others would fill the log.
const WARN_EVERY: Duration = Duration::from_secs(10);

/// Redis does not answer, or not as it should.
#[derive(Debug)]
pub(super) struct Gone;

pub(super) struct Link {
    client: Client,
    runtime: Handle,
    state: Mutex<State>,
    /// Whoever connects holds it.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    connection: Option<MultiplexedConnection>,
    away: Option<Away>,
    warned_at: Option<Instant>,
}

enum Look {
    Connected(MultiplexedConnection),
    Connect { probing: bool },
}

struct Away {
    since: Instant,
    pause: Duration,
    retry_at: Instant,
    /// Somebody tries.
    probing: bool,
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link").finish_non_exhaustive()
    }
}

impl Link {
    pub(super) fn new(url: &SecretString) -> Result<Self, CoordinationError> {
        // Fails when another part of the program has installed one already, which serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::open(url.expose_secret())
            .map_err(|error| CoordinationError(Box::new(error)))?;
        Ok(Self {
            client,
            runtime: Handle::current(),
            state: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
        })
    }

    pub(super) const fn client(&self) -> &Client {
        &self.client
    }

    pub(super) const fn runtime(&self) -> &Handle {
        &self.runtime
    }

    pub(super) async fn answers(&self) -> bool {
        self.query::<()>(&redis::cmd("PING")).await.is_ok()
    }

    pub(super) async fn query<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, Gone> {
        let mut connection = self.connection().await?;
        let answer = timeout(DEADLINE, command.query_async(&mut connection)).await;
        self.judge(answer)
    }

    pub(super) async fn run<T: FromRedisValue>(
        &self,
        script: &ScriptInvocation<'_>,
    ) -> Result<T, Gone> {
        let mut connection = self.connection().await?;
        let answer = timeout(DEADLINE, script.invoke_async(&mut connection)).await;
        self.judge(answer)
    }

    async fn connection(&self) -> Result<MultiplexedConnection, Gone> {
        let probing = match self.look()? {
            Look::Connected(connection) => return Ok(connection),
            Look::Connect { probing } => probing,
        };
        let _turn = self.turn.lock().await;
        {
            let state = locked(&self.state);
            if let Some(connection) = &state.connection {
                return Ok(connection.clone());
            }
            if state.away.is_some() && !probing {
                // Whoever had the turn before failed.
                return Err(Gone);
            }
        }
        let client = self.client.clone();
        // In the runtime that outlives the caller: a connection ends with the runtime that it was made in.
        let made = self.runtime.spawn(async move {
            let config = AsyncConnectionConfig::new()
                .set_connection_timeout(Some(DEADLINE))
                .set_response_timeout(Some(DEADLINE));
            timeout(
                DEADLINE,
                client.get_multiplexed_async_connection_with_config(&config),
            )
            .await
        });
        let Ok(made) = made.await else {
            return Err(Gone);
        };
        let connection = self.judge(made)?;
        locked(&self.state).connection = Some(connection.clone());
        Ok(connection)
    }

    /// What a caller finds. While Redis is away and it is not time to try again: nothing. Who gets through then tries
    /// for all.
    fn look(&self) -> Result<Look, Gone> {
        let mut state = locked(&self.state);
        let now = Instant::now();
        let mut probing = false;
        if let Some(away) = &mut state.away {
            if now < away.retry_at {
                return Err(Gone);
            }
            // Should this caller give up without an outcome, the next one tries.
            away.retry_at = now + DEADLINE * 2;
            away.probing = true;
            probing = true;
        }
        Ok(match &state.connection {
            Some(connection) => Look::Connected(connection.clone()),
            None => Look::Connect { probing },
        })
    }

    fn judge<T, E>(&self, answer: Result<Result<T, RedisError>, E>) -> Result<T, Gone> {
        let now = Instant::now();
        match answer {
            Ok(Ok(answer)) => {
                if let Some(away) = locked(&self.state).away.take() {
                    let seconds = (now - away.since).as_secs_f32();
                    tracing::info!(away_s = seconds, "Redis answers again");
                }
                Ok(answer)
            }
            Ok(Err(error)) => {
                self.failed(now, &error.to_string());
                Err(Gone)
            }
            Err(_) => {
                self.failed(now, "no answer in time");
                Err(Gone)
            }
        }
    }

    fn failed(&self, now: Instant, why: &str) {
        let mut state = locked(&self.state);
        state.connection = None;
        let (since, pause) = match &state.away {
            // A call that was under way when another one failed: nothing new.
            Some(away) if !away.probing => return,
            Some(away) => (away.since, (away.pause * 2).min(PAUSE_MAX)),
            None => (now, PAUSE_MIN),
        };
        state.away = Some(Away {
            since,
            pause,
            retry_at: now + pause.mul_f64(0.75 + random::fraction() / 2.0),
            probing: false,
        });
        if state.warned_at.is_none_or(|at| now - at > WARN_EVERY) {
            state.warned_at = Some(now);
            tracing::warn!(why, "Redis is away: this process goes on without it");
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing that can panic half-way happens under these locks.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
