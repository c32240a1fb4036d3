//! What can stop a run, and what is then done about it. Record trouble never gets here.

use std::time::Duration;

use syncline_connector::{Error as ProviderError, Remedy};
use syncline_engine::ConfigError;
use syncline_model::{AUTHORISE_AGAIN, Side};
use syncline_store::StoreError;

/// What stopped a run.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// The store failed, or another worker holds the run now.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A provider failed.
    #[error("side {side}: {error}")]
    Provider {
        /// On which side.
        side: Side,
        /// How.
        error: ProviderError,
    },
    /// An account cannot be opened.
    #[error("side {side}: {error}")]
    Account {
        /// On which side.
        side: Side,
        /// Why.
        error: syncline_accounts::Error,
    },
    /// The connection does not fit its accounts any more.
    #[error("{0}")]
    Config(String),
}

/// What to do about it.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The run belongs to another worker: touch nothing.
    LetGo,
    /// Go on later.
    Later(Duration),
    /// Forget this side's cursor and read everything again.
    Repull(Side),
    /// End the run, and pause the connection until a person mends it.
    Pause(String),
}

impl Trouble {
    /// What to do about it.
    pub fn verdict(&self) -> Verdict {
        match self {
            Self::Store(StoreError::Fenced) => Verdict::LetGo,
            Self::Store(_) => Verdict::Later(Duration::from_secs(2)),
            Self::Config(message) => Verdict::Pause(message.clone()),
            Self::Provider { side, error } => self.by_remedy(*side, error.remedy()),
            Self::Account { side, error } => self.by_remedy(*side, error.remedy()),
        }
    }

    /// What lies beneath, for operators: each cause in its own words.
    pub fn causes(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        text
    }

    fn by_remedy(&self, side: Side, remedy: Remedy) -> Verdict {
        match remedy {
            Remedy::RetryAfter(wait) => Verdict::Later(wait),
            Remedy::Repull => Verdict::Repull(side),
            Remedy::Reread => Verdict::Later(Duration::from_secs(1)),
            Remedy::Reauthorize => Verdict::Pause(format!("{self}. {AUTHORISE_AGAIN}")),
            Remedy::SkipRecord | Remedy::Fail => Verdict::Pause(self.to_string()),
        }
    }
}

impl From<Vec<ConfigError>> for Trouble {
    fn from(errors: Vec<ConfigError>) -> Self {
        let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
        Self::Config(lines.join("; "))
    }
}
