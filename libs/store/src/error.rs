//! What can go wrong in the store, named for what the caller can do about it.

/// An error of the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no such row for this tenant.
    #[error("not found")]
    NotFound,
    /// A row that must be unique is there already, a revision is not the newest, or the state forbids it.
    #[error("conflict: {what}")]
    Conflict {
        /// What was in the way (`email`, `revision`, `account is used by a connection`, ...).
        what: &'static str,
    },
    /// Whoever asked for it may not, or no longer, do so. Nothing was written.
    #[error("refused: whoever asks may not, or no longer, do so")]
    Refused,
    /// The lease is lost: another worker has the run, or it ended. Nothing was written.
    #[error("the lease on the run is lost")]
    Fenced,
    /// A row cannot be read: it was not sealed for its place, or does not decode.
    #[error("a stored value cannot be read: {0}")]
    Corrupt(String),
    /// The database refused or could not be reached; transient refusals were retried already.
    #[error("the database is unavailable")]
    Unavailable(#[source] sqlx::Error),
    /// The schema could not be brought up to date.
    #[error("the schema cannot be migrated")]
    Migration(#[from] sqlx::migrate::MigrateError),
}

/// What every method of the store answers with.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;

/// SQLSTATEs (PostgreSQL: serialization failure, deadlock) and result codes (SQLite: `SQLITE_BUSY` and its extended
/// forms, `SQLITE_LOCKED`) after which the same transaction may succeed.
const TRANSIENT: [&str; 7] = ["40001", "40P01", "5", "6", "261", "517", "262"];

impl StoreError {
    /// Whether the same transaction may succeed when it is run again.
    pub(crate) fn is_transient(&self) -> bool {
        match self {
            Self::Unavailable(sqlx::Error::Database(error)) => error
                .code()
                .is_some_and(|code| TRANSIENT.contains(&code.as_ref())),
            _ => false,
        }
    }

    /// This error, or `Conflict` with these words if a unique or foreign key was violated.
    pub(crate) fn or_conflict(self, what: &'static str) -> Self {
        match self {
            Self::Unavailable(sqlx::Error::Database(error))
                if error.is_unique_violation() || error.is_foreign_key_violation() =>
            {
                Self::Conflict { what }
            }
            other => other,
        }
    }

    /// A stored word that this version of the program does not know.
    pub(crate) fn word(what: &str, word: &str) -> Self {
        Self::Corrupt(format!("{what} `{word}`"))
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::RowNotFound => Self::NotFound,
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => {
                Self::Corrupt(error.to_string())
            }
            other => Self::Unavailable(other),
        }
    }
}

impl From<serde_json::Error> for StoreError {
    /// Only the kind and place: the text of a JSON error may quote the value.
    fn from(error: serde_json::Error) -> Self {
        Self::Corrupt(format!(
            "JSON {:?} error at column {}",
            error.classify(),
            error.column()
        ))
    }
}
