//! Whether this process can do its work: each part asked anew, within a limit of time.
//!
//! Told to whoever starts and balances processes; what is wrong inside a tenant is not looked at here.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use syncline_coordination::Buckets;
use syncline_platform::Shutdown;
use syncline_queue::{Queue, QueueDepths};
use syncline_store::{Store, StoreError};
use utoipa::ToSchema;

/// A part that has not answered by then is away.
const PATIENCE: Duration = Duration::from_secs(3);

/// What a process needs to do its work.
#[derive(Clone)]
pub struct Health {
    /// The rows.
    pub store: Store,
    /// Where jobs wait.
    pub queue: Arc<dyn Queue>,
    /// Limits that processes share.
    pub buckets: Arc<dyn Buckets>,
    /// Whether the process is to stop.
    pub shutdown: Shutdown,
    /// Whether it can do nothing without its queue: a gateway can, since the scheduler rings for what it could not.
    pub lives_by_queue: bool,
}

/// How the process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// All is well.
    Ok,
    /// It does its work, slower or later than it should: `parts` says why.
    Degraded,
    /// It cannot do its work now.
    Unavailable,
}

/// How a part is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Part {
    /// `database`, `keys`, `queue`, `coordination` or `process`.
    #[schema(value_type = String)]
    pub part: &'static str,
    /// How it is.
    pub status: Status,
    /// What is wrong, for an operator.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub detail: Option<String>,
}

/// How the process is, part by part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Readiness {
    /// The worst of what follows from the parts.
    pub status: Status,
    /// Each part.
    pub parts: Vec<Part>,
    /// How many jobs wait, if the queue could say.
    #[serde(skip)]
    pub depths: Option<QueueDepths>,
}

impl Health {
    /// Asks every part.
    pub async fn look(&self) -> Readiness {
        let (database, keys, depths, coordination) = tokio::join!(
            Box::pin(within(self.database())),
            Box::pin(within(self.keys())),
            within(self.depths()),
            within(self.coordination()),
        );
        let queue_away = if self.lives_by_queue {
            Status::Unavailable
        } else {
            Status::Degraded
        };
        let depths_known = depths.as_ref().ok().copied();
        let mut parts = vec![
            part("database", Status::Unavailable, database),
            part("keys", Status::Unavailable, keys),
            part("queue", queue_away, depths.map(|_| ())),
            part("coordination", Status::Degraded, coordination),
        ];
        if self.shutdown.is_triggered() {
            let stops = Err("it is asked to stop".to_owned());
            parts.push(part("process", Status::Unavailable, stops));
        }
        Readiness {
            status: worst(&parts),
            parts,
            depths: depths_known,
        }
    }

    async fn database(&self) -> Result<(), String> {
        match self.store.is_migrated().await {
            Ok(true) => Ok(()),
            Ok(false) => Err("it is not up to date: run `syncline migrate`".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }

    async fn keys(&self) -> Result<(), String> {
        match self.store.keys_fit().await {
            // While the database is away it is not known whether they fit, and they are not to blame.
            Ok(()) | Err(StoreError::Unavailable(_)) => Ok(()),
            Err(error) => Err(error.to_string()),
        }
    }

    async fn depths(&self) -> Result<QueueDepths, String> {
        self.queue.depths().await.map_err(|error| error.to_string())
    }

    async fn coordination(&self) -> Result<(), String> {
        if self.buckets.answers().await {
            return Ok(());
        }
        Err("it does not answer: every process keeps its share of each limit".to_owned())
    }
}

async fn within<T>(answer: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    match tokio::time::timeout(PATIENCE, answer).await {
        Ok(answer) => answer,
        Err(_) => Err(format!("no answer within {} s", PATIENCE.as_secs())),
    }
}

fn part(part: &'static str, away: Status, answer: Result<(), String>) -> Part {
    let (status, detail) = match answer {
        Ok(()) => (Status::Ok, None),
        Err(detail) => (away, Some(detail)),
    };
    Part {
        part,
        status,
        detail,
    }
}

fn worst(parts: &[Part]) -> Status {
    let any = |status| parts.iter().any(|part| part.status == status);
    if any(Status::Unavailable) {
        Status::Unavailable
    } else if any(Status::Degraded) {
        Status::Degraded
    } else {
        Status::Ok
    }
}
