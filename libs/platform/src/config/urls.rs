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
            Self::Postgres(url) => {
                s.serialize_str(&without_password(url.expose_secret(), "postgres:redacted"))
            }
        }
    }
}

/// The URL without its password and without its parameters, either of which may hold one; one that cannot be read gives
/// what stands in its place.
fn without_password(url: &str, unreadable: &str) -> String {
    match url::Url::parse(url) {
        Ok(mut url) => {
            url.set_query(None);
            if url.password().is_some() && url.set_password(Some("redacted")).is_err() {
                return unreadable.into();
            }
            url.into()
        }
        Err(_) => unreadable.into(),
    }
}

/// What carries jobs.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub enum QueueUrl {
    /// This process.
    Memory,
    /// RabbitMQ; the URL may hold a password.
    Rabbit(SecretString),
}

impl TryFrom<String> for QueueUrl {
    type Error = String;

    fn try_from(url: String) -> Result<Self, String> {
        match scheme(&url) {
            "memory" => Ok(Self::Memory),
            "amqp" | "amqps" if has_host(&url) => Ok(Self::Rabbit(url.into())),
            "amqp" | "amqps" => Err("a queue URL names a host: `amqp://user:password@host`".into()),
            _ => Err("a queue URL begins with `memory:`, `amqp:` or `amqps:`".into()),
        }
    }
}

impl Serialize for QueueUrl {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Memory => s.serialize_str("memory:"),
            Self::Rabbit(url) => s.serialize_str(&without_password(url.expose_secret(), "amqp")),
        }
    }
}

fn has_host(url: &str) -> bool {
    url::Url::parse(url).is_ok_and(|url| url.has_host())
}

/// What holds rate tokens and progress.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub enum CoordinationUrl {
    /// This process.
    Memory,
    /// Redis; the URL may hold a password.
    Redis(SecretString),
}

impl TryFrom<String> for CoordinationUrl {
    type Error = String;

    fn try_from(url: String) -> Result<Self, String> {
        match scheme(&url) {
            "memory" => Ok(Self::Memory),
            "redis" | "rediss" => {
                let host = url::Url::parse(&url).is_ok_and(|url| url.has_host());
                if !host {
                    return Err("a Redis URL is `redis://user:password@host:port/number`".into());
                }
                Ok(Self::Redis(url.into()))
            }
            _ => Err("a coordination URL begins with `memory:`, `redis:` or `rediss:`".into()),
        }
    }
}

impl Serialize for CoordinationUrl {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Memory => s.serialize_str("memory:"),
            Self::Redis(url) => {
                s.serialize_str(&without_password(url.expose_secret(), "redis:redacted"))
            }
        }
    }
}

fn scheme(url: &str) -> &str {
    url.split_once(':').map_or("", |(scheme, _)| scheme)
}
