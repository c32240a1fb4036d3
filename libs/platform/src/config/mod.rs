//! Configuration: the built-in defaults, then a file, then the environment. The one place that reads the environment.
//!
//! `config.default.toml` beside this file is the documentation of every key. What can be wrong with a value is found
//! here, when it is read; secrets named by a file are read here too, and none of them prints.

mod check;
pub mod duration;
mod networks;
mod urls;

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ipnet::IpNet;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize, Serializer};
use url::Url;
use zeroize::Zeroizing;

use crate::private_file::{self, PrivateFileError};
use crate::random::random_token;
use crate::telemetry::LogFormat;

use check::must;
pub use urls::{CoordinationUrl, DatabaseUrl, QueueUrl};

/// Every default, with a comment on every key.
pub const DEFAULTS: &str = include_str!("config.default.toml");

/// The whole configuration.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where the embedded mode keeps its files.
    pub data_dir: PathBuf,
    /// The API's address.
    pub server: Server,
    /// The database.
    pub database: Database,
    /// The queue.
    pub queue: Queue,
    /// Rate tokens and progress.
    pub coordination: Coordination,
    /// The key ring.
    pub keys: Keys,
    /// Sessions of the API.
    pub auth: Auth,
    /// Runs.
    pub worker: Worker,
    /// What tenants may use.
    pub plans: Plans,
    /// Logs.
    pub log: Log,
    /// Traces.
    pub telemetry: Telemetry,
    /// Where calls may go that a customer typed the address of.
    pub outbound: Outbound,
    /// Settings of providers, by provider id.
    #[serde(default)]
    pub providers: BTreeMap<String, Provider>,
}

/// The API's address.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// Address and port to listen at.
    pub listen: SocketAddr,
    /// How the outside reaches it, without a slash at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_url: Option<String>,
    /// Whether providers can call us there to tell of changes. Unset, they can if it begins with `https`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hooks: Option<bool>,
    /// How many requests are taken.
    pub limits: RequestLimits,
}

/// How many requests the API takes, each a minute; as many may come at once.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RequestLimits {
    /// Of a tenant, over all its members and keys.
    pub tenant: u32,
    /// Of one API key.
    pub api_key: u32,
    /// Of a network address, without good credentials.
    pub anonymous: u32,
    /// Tries to sign in with one e-mail address.
    pub sign_in_address: u32,
    /// Tries to sign in from one network address.
    pub sign_in_network: u32,
    /// Sign-ups from one network address.
    pub sign_up_network: u32,
}

/// The database.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// Which.
    pub url: DatabaseUrl,
    /// A file that holds the URL instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url_file: Option<PathBuf>,
}

/// The queue.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Queue {
    /// Which.
    pub url: QueueUrl,
    /// A file that holds the URL instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url_file: Option<PathBuf>,
    /// What the names of the broker's queues begin with.
    pub prefix: String,
    /// A file of certificates, as PEM, of authorities that the broker's certificate may come from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
}

/// Rate tokens and progress.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Coordination {
    /// Where.
    pub url: CoordinationUrl,
    /// A file that holds the URL instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url_file: Option<PathBuf>,
    /// Before every key and channel in Redis.
    pub prefix: String,
    /// Percent of every limit that this process grants by itself while Redis does not answer.
    pub fallback_percent: u8,
}

/// The key ring.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Keys {
    /// Its file; empty for the usual one. See [`Config::keys_file`].
    pub file: PathBuf,
}

/// Sessions of the API.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Auth {
    /// How long an access token is good.
    #[serde(with = "duration")]
    pub access_token_ttl: Duration,
    /// How long a refresh token is good.
    #[serde(with = "duration")]
    pub refresh_token_ttl: Duration,
    /// What signs access tokens, when set. See [`Config::jwt_secret`].
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "redacted")]
    pub jwt_secret: Option<SecretString>,
    /// A file that holds it instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwt_secret_file: Option<PathBuf>,
}

/// Runs.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Worker {
    /// Runs at a time in one process.
    pub slots: usize,
    /// The longest that one job works on a run.
    #[serde(with = "duration")]
    pub slice: Duration,
    /// Records planned and written at a time.
    pub batch: usize,
    /// After how long of silence a run is given to another worker.
    #[serde(with = "duration")]
    pub lease: Duration,
    /// How often the scheduler looks for what is due.
    #[serde(with = "duration")]
    pub tick: Duration,
    /// What a stopping process gives its work to end.
    #[serde(with = "duration")]
    pub grace: Duration,
    /// How long after a look at all records that rules on their age are about the next one begins.
    #[serde(with = "duration")]
    pub relook: Duration,
}

/// What tenants may use.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Plans {
    /// The plan of new tenants.
    pub default: String,
    /// A file of plans, in place of those that are built in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<PathBuf>,
}

/// Logs.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// How lines look.
    pub format: LogFormat,
    /// What is logged: a level, or a list of `module=level`.
    pub level: String,
}

/// Traces.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Telemetry {
    /// Where traces are sent: a receiver of OTLP over HTTP; unset, nowhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub otlp_endpoint: Option<String>,
}

/// Where calls may go that a customer typed the address of.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Outbound {
    /// Networks that are not of the public internet and may be called all the same.
    #[serde(deserialize_with = "networks::read")]
    pub private_networks: Vec<IpNet>,
}

/// One provider's settings; what is unset is as the provider's definition says.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// For a profile: the provider that it is under a name and addresses of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile_of: Option<String>,
    /// For a profile: what people call it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// For a profile: what stands between `api_base` and the path of a call, such as the version of its API.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_path: Option<String>,
    /// For a profile: whether only tenants on a paid plan may connect accounts of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paid_plans_only: Option<bool>,
    /// For a profile: its edition, if that has limits of its own in the file of plans.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub edition: Option<String>,
    /// Its API.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_base: Option<String>,
    /// Its consent page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_url: Option<String>,
    /// Its token endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_url: Option<String>,
    /// Its revocation endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revoke_url: Option<String>,
    /// Our OAuth client there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// Its secret, whether written here or in a file.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "redacted")]
    pub client_secret: Option<SecretString>,
    /// The file that the secret was read from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_secret_file: Option<PathBuf>,
    /// How long the absence of a creation whose answer was lost proves nothing.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "duration::option"
    )]
    pub settle: Option<Duration>,
    /// Token buckets by the names that the provider's definition gives them: another size for those named here, such
    /// as a quota that was raised.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub limits: BTreeMap<String, Limit>,
}

/// A token bucket's size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// How many tokens it holds.
    pub capacity: u32,
    /// Tokens that flow in per minute.
    pub per_minute: u32,
}

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file or value cannot be read as what it should be; the message names the key.
    #[error(transparent)]
    Read(#[from] config::ConfigError),
    /// A value is out of its bounds.
    #[error("configuration: `{key}` {what}")]
    Value {
        /// Its path, as in the file.
        key: String,
        /// What is wrong.
        what: String,
    },
    /// A file named by a value cannot be read.
    #[error("configuration: `{key}` names a file that cannot be read")]
    File {
        /// The value's path.
        key: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The secret in the data directory cannot be read or made.
    #[error("the secret that signs access tokens cannot be kept in the data directory")]
    JwtSecret(#[from] PrivateFileError),
    /// The configuration cannot be written as text.
    #[error("the configuration cannot be printed")]
    Print(#[from] toml::ser::Error),
}

impl Config {
    /// The defaults, a file over them if one is given, and the environment over both.
    pub fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        Self::merge(file, None)
    }

    /// The same with a given environment, by full name (`SYNCLINE__SERVER__LISTEN`).
    pub fn load_with(
        file: Option<&Path>,
        environment: HashMap<String, String>,
    ) -> Result<Self, ConfigError> {
        Self::merge(file, Some(environment))
    }

    fn merge(
        file: Option<&Path>,
        environment: Option<HashMap<String, String>>,
    ) -> Result<Self, ConfigError> {
        let toml = config::FileFormat::Toml;
        let mut sources =
            config::Config::builder().add_source(config::File::from_str(DEFAULTS, toml));
        if let Some(file) = file {
            sources = sources.add_source(config::File::from(file).format(toml));
        }
        // Values stay text until a field asks for a number: a secret of digits keeps its leading zeros.
        let environment = config::Environment::with_prefix("SYNCLINE")
            .prefix_separator("__")
            .separator("__")
            .source(environment);
        let mut config: Self = sources.add_source(environment).build()?.try_deserialize()?;
        config.read_secret_files()?;
        config.check()?;
        Ok(config)
    }

    /// The database's URL; it may hold a password.
    pub fn database_url(&self) -> Zeroizing<String> {
        let sqlite = |path: &Path| format!("sqlite:{}", path.display());
        Zeroizing::new(match &self.database.url {
            DatabaseUrl::Embedded => sqlite(&self.data_dir.join("syncline.db")),
            DatabaseUrl::Sqlite(path) => sqlite(path),
            DatabaseUrl::Memory => "sqlite::memory:".to_owned(),
            DatabaseUrl::Postgres(url) => url.expose_secret().to_owned(),
        })
    }

    /// The key ring's file.
    pub fn keys_file(&self) -> PathBuf {
        if self.keys.file.as_os_str().is_empty() {
            self.data_dir.join("keys.toml")
        } else {
            self.keys.file.clone()
        }
    }

    /// What signs access tokens: the configured secret, or else one that is made once and kept in the data directory
    /// (which must exist).
    pub fn jwt_secret(&self) -> Result<SecretString, ConfigError> {
        if let Some(secret) = &self.auth.jwt_secret {
            return Ok(secret.clone());
        }
        let path = self.data_dir.join("jwt.secret");
        let secret = private_file::read_or_create(&path, || Zeroizing::new(random_token(32)))?;
        Ok(secret.trim().into())
    }

    /// How the outside reaches the API, without a slash at the end; `listening` is the address it really listens at.
    pub fn public_url(&self, listening: SocketAddr) -> String {
        self.server
            .public_url
            .clone()
            .unwrap_or_else(|| format!("http://{listening}"))
    }

    /// Below which address providers can call us to tell of changes, if they can reach us.
    pub fn hooks_url(&self) -> Option<Url> {
        let public = self.server.public_url.as_deref()?;
        let reaches = self.server.hooks;
        let reaches = reaches.unwrap_or_else(|| public.starts_with("https://"));
        Url::parse(&format!("{public}/v1/hooks"))
            .ok()
            .filter(|_| reaches)
    }

    /// The whole configuration in force as TOML, secrets and passwords redacted.
    pub fn to_toml(&self) -> Result<String, ConfigError> {
        Ok(toml::to_string(self)?)
    }

    fn read_secret_files(&mut self) -> Result<(), ConfigError> {
        read_secret(
            "auth.jwt_secret",
            &mut self.auth.jwt_secret,
            self.auth.jwt_secret_file.as_deref(),
        )?;
        self.read_urls()?;
        for (id, provider) in &mut self.providers {
            read_secret(
                &format!("providers.{id}.client_secret"),
                &mut provider.client_secret,
                provider.client_secret_file.as_deref(),
            )?;
        }
        Ok(())
    }

    /// The URLs that may hold a password, from their files where those are named.
    fn read_urls(&mut self) -> Result<(), ConfigError> {
        let (database, queue, coordination) =
            (&mut self.database, &mut self.queue, &mut self.coordination);
        let given = !matches!(database.url, DatabaseUrl::Embedded);
        let file = database.url_file.as_deref();
        read_url("database.url", &mut database.url, given, file)?;
        let given = !matches!(queue.url, QueueUrl::Memory);
        let file = queue.url_file.as_deref();
        read_url("queue.url", &mut queue.url, given, file)?;
        let given = !matches!(coordination.url, CoordinationUrl::Memory);
        let file = coordination.url_file.as_deref();
        read_url("coordination.url", &mut coordination.url, given, file)
    }

    /// The certificates of `queue.ca_file`, as PEM.
    pub fn queue_ca(&self) -> Result<Option<String>, ConfigError> {
        let read = |path: &PathBuf| {
            std::fs::read_to_string(path).map_err(|source| ConfigError::File {
                key: "queue.ca_file".into(),
                source,
            })
        };
        self.queue.ca_file.as_ref().map(read).transpose()
    }
}

/// Reads a secret from its file, where one is named, less the line end that editors leave.
fn read_secret(
    key: &str,
    secret: &mut Option<SecretString>,
    file: Option<&Path>,
) -> Result<(), ConfigError> {
    let Some(file) = file else {
        return Ok(());
    };
    must(
        secret.is_none(),
        key,
        "is given both directly and by a file",
    )?;
    let text = std::fs::read_to_string(file).map_err(|source| ConfigError::File {
        key: format!("{key}_file"),
        source,
    })?;
    let text = Zeroizing::new(text);
    *secret = Some(text.trim_end_matches(['\r', '\n']).into());
    Ok(())
}

/// Reads a URL from its file, where one is named.
fn read_url<U: TryFrom<String, Error = String>>(
    key: &str,
    url: &mut U,
    given: bool,
    file: Option<&Path>,
) -> Result<(), ConfigError> {
    must(
        !given || file.is_none(),
        key,
        "is given both directly and by a file",
    )?;
    let mut text = None;
    read_secret(key, &mut text, file)?;
    if let Some(text) = text {
        *url = text
            .expose_secret()
            .to_owned()
            .try_into()
            .map_err(|what| ConfigError::Value {
                key: format!("{key}_file"),
                what,
            })?;
    }
    Ok(())
}

#[expect(clippy::ref_option, reason = "the signature that serde asks for")]
fn redacted<S: Serializer>(_: &Option<SecretString>, s: S) -> Result<S::Ok, S::Error> {
    s.serialize_str("redacted")
}

#[cfg(test)]
mod tests;
