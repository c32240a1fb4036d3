//! Which engine stands behind a seam, as the scheme of a URL says it. A scheme that this build cannot serve is an
//! error when the configuration is read, not when it is used.

use std::path::PathBuf;

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize, Serializer};

/// Which database.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub enum DatabaseUrl {
    /// SQLite in a file of the data directory.
    Embedded,
    /// SQLite in this file.
    Sqlite(PathBuf),
    /// SQLite in memory: gone when the process ends.
    Memory,
    /// PostgreSQL; the URL may hold a password.
    Postgres(SecretString),
}

impl TryFrom<String> for DatabaseUrl {
    type Error = String;

    fn try_from(url: String) -> Result<Self, String> {
        if url.is_empty() {
            return Ok(Self::Embedded);
        }
        match url.split_once(':') {
            Some(("sqlite", ":memory:")) => Ok(Self::Memory),
            Some(("sqlite", path)) => {
                let path = path.strip_prefix("//").unwrap_or(path);
                if path.is_empty() {
                    return Err("`sqlite:` must be followed by the path of a file".into());
                }
                Ok(Self::Sqlite(path.into()))
            }
            Some(("postgres" | "postgresql", _)) => Ok(Self::Postgres(url.into())),
            _ => Err("a database URL begins with `sqlite:` or `postgres:`".into()),
        }
    }
}

impl Serialize for DatabaseUrl {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Embedded => s.serialize_str(""),
            Self::Sqlite(path) => s.collect_str(&format_args!("sqlite:{}", path.display())),
            Self::Memory => s.serialize_str("sqlite::memory:"),
            Self::Postgres(url) => s.serialize_str(&without_password(url.expose_secret())),
        }
    }
}

/// The URL without its password and without its parameters, either of which may hold one.
fn without_password(url: &str) -> String {
    match url::Url::parse(url) {
        Ok(mut url) => {
            url.set_query(None);
            if url.password().is_some() && url.set_password(Some("redacted")).is_err() {
                return "postgres:redacted".into();
            }
            url.into()
        }
        Err(_) => "postgres:redacted".into(),
    }
}

/// What carries jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub enum QueueUrl {
    /// This process.
    Memory,
}

impl TryFrom<String> for QueueUrl {
    type Error = String;

    fn try_from(url: String) -> Result<Self, String> {
        match scheme(&url) {
            "memory" => Ok(Self::Memory),
            "amqp" | "amqps" => Err(not_yet("a queue behind `amqp:`")),
            _ => Err("a queue URL is `memory:`".into()),
        }
    }
}

impl From<QueueUrl> for String {
    fn from(QueueUrl::Memory: QueueUrl) -> Self {
        "memory:".into()
    }
}

/// What holds rate tokens and progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub enum CoordinationUrl {
    /// This process.
    Memory,
}

impl TryFrom<String> for CoordinationUrl {
    type Error = String;

    fn try_from(url: String) -> Result<Self, String> {
        match scheme(&url) {
            "memory" => Ok(Self::Memory),
            "redis" | "rediss" => Err(not_yet("coordination through `redis:`")),
            _ => Err("a coordination URL is `memory:`".into()),
        }
    }
}

impl From<CoordinationUrl> for String {
    fn from(CoordinationUrl::Memory: CoordinationUrl) -> Self {
        "memory:".into()
    }
}

fn scheme(url: &str) -> &str {
    url.split_once(':').map_or("", |(scheme, _)| scheme)
}

fn not_yet(what: &str) -> String {
    format!("{what} is not available in this build yet; use `memory:`")
}
