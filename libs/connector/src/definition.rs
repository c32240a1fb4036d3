//! A provider as data: what `provider.toml` in a connector's folder says. No templating, no script names.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use syncline_model::{DeletionPolicy, ObjectType, ProviderId};

/// A `provider.toml` that does not fit its shape.
#[derive(Debug, thiserror::Error)]
#[error("provider.toml: {0}")]
pub struct DefinitionError(#[from] toml::de::Error);

/// A provider as data.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Definition {
    /// The id used in the API and in configuration.
    pub id: ProviderId,
    /// What people call it.
    pub name: String,
    /// What it can sync.
    pub objects: Vec<ObjectType>,
    /// How an account is authorised.
    pub auth: Auth,
    /// Where its API is, unless configuration or the token answer says otherwise. Empty where each account has a server
    /// of its own.
    #[serde(default)]
    pub api_base: String,
    /// What stands between that and the path of every call: the API's version, where it is part of its address.
    #[serde(default)]
    pub api_path: String,
    /// Further hosts that a token answer may send us to (data centres); anything else is refused. `*.` at the beginning
    /// stands for one name.
    #[serde(default)]
    pub allowed_hosts: Vec<String>,
    /// How many records a call takes.
    pub batch: Batch,
    /// What is real.
    pub capabilities: Capabilities,
    /// How many calls of an account may be under way at the same time; unset, any number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrent_calls: Option<u32>,
    /// Token buckets that every call goes through.
    #[serde(default)]
    pub limits: Vec<Limit>,
    /// Whether only tenants on a paid plan may connect accounts of it.
    #[serde(default)]
    pub paid_plans_only: bool,
    /// The edition, if it is one that `plans.toml` has limits of its own for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edition: Option<String>,
}

impl Definition {
    /// Reads a `provider.toml`.
    pub fn parse(text: &str) -> Result<Self, DefinitionError> {
        Ok(toml::from_str(text)?)
    }
}

/// The kind of authorisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthKind {
    /// OAuth 2.0 authorization code.
    Oauth2,
    /// A server, a user name and a password, typed in.
    Password,
}

/// How an account is authorised.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Auth {
    /// OAuth 2.0 authorization code.
    Oauth2(Oauth2),
    /// The address of a server, a user name and a password, which go with every call or are what access is got for.
    Password(Password),
}

impl Auth {
    /// Which kind it is.
    pub const fn kind(&self) -> AuthKind {
        match self {
            Self::Oauth2(_) => AuthKind::Oauth2,
            Self::Password(_) => AuthKind::Password,
        }
    }

    /// The OAuth 2.0 server, if that is how.
    pub const fn oauth2(&self) -> Option<&Oauth2> {
        match self {
            Self::Oauth2(oauth) => Some(oauth),
            Self::Password(_) => None,
        }
    }

    /// What a customer types, if that is how.
    pub const fn password(&self) -> Option<&Password> {
        match self {
            Self::Oauth2(_) => None,
            Self::Password(password) => Some(password),
        }
    }

    /// What stands before the credential in the `Authorization` header.
    pub fn header_prefix(&self) -> &str {
        match self {
            Self::Oauth2(oauth) => &oauth.header_prefix,
            Self::Password(password) => match password.scheme {
                Scheme::Basic => "Basic",
                Scheme::Bearer | Scheme::ClientCredentials => "Bearer",
            },
        }
    }
}

/// How a password lets us in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Scheme {
    /// With the user name, as RFC 7617 has it.
    #[default]
    Basic,
    /// Alone, as RFC 6750 has it: it is a key.
    Bearer,
    /// It is an OAuth 2.0 client's secret, and the user name is that client's id: access tokens are got for the two
    /// (RFC 6749 section 4.4).
    ClientCredentials,
}

/// What a customer types beside a server's address, as data.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Password {
    /// How the password lets us in.
    pub scheme: Scheme,
    /// The header that the user name goes in, where it goes with every call and the scheme has no place for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_header: Option<String>,
    /// What people call the user name there, as in the middle of a sentence.
    pub user: String,
    /// What people call the password there, likewise.
    pub password: String,
    /// For client credentials: where tokens come from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<IdentityService>,
}

impl Default for Password {
    fn default() -> Self {
        Self {
            scheme: Scheme::Basic,
            user_header: None,
            user: "user name".into(),
            password: "password".into(),
            identity: None,
        }
    }
}

/// Where the tokens of a site come from, whose address was typed: the site itself, or its sibling in the provider's cloud.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct IdentityService {
    /// The domain of the provider's cloud. Only there tokens come from another host than the site's.
    pub domain: String,
    /// What that host has more than the site's, behind the first name of it (`-is`).
    pub suffix: String,
    /// Below which paths there may be an OpenID configuration, which says where tokens are given out; in turn.
    pub discovery: Vec<String>,
}

/// A provider's OAuth 2.0 server, as data.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Oauth2 {
    /// The consent page.
    pub authorize_url: String,
    /// The token endpoint.
    pub token_url: String,
    /// The revocation endpoint.
    pub revoke_url: Option<String>,
    /// Where a new access token is told which address its account's API has, where the token's answer does not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata_url: Option<String>,
    /// Whether access tokens stop working after a time; where they do not, there is nothing to renew them with.
    #[serde(default = "yes")]
    pub tokens_expire: bool,
    /// The scopes to ask for.
    pub scopes: Vec<String>,
    /// What stands between scopes; a space by the standard, a comma at Zoho.
    #[serde(default = "space")]
    pub scope_separator: String,
    /// Further parameters of the consent page.
    #[serde(default)]
    pub authorize_params: BTreeMap<String, String>,
    /// What stands before the token in the `Authorization` header.
    #[serde(default = "bearer")]
    pub header_prefix: String,
}

fn space() -> String {
    " ".into()
}

const fn yes() -> bool {
    true
}

fn bearer() -> String {
    "Bearer".into()
}

/// How many records a call takes.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Batch {
    /// `get`.
    pub get: usize,
    /// `create` and `find_created`.
    pub create: usize,
    /// `update`.
    pub update: usize,
    /// `delete`, `mark`, `leave` and `join`.
    pub delete: usize,
}

/// How a creation is kept from happening twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Idempotency {
    /// We choose the record's id.
    ClientId,
    /// The provider updates a record with the same key.
    Upsert,
    /// We write a mark that can be found again.
    Marker,
    /// Look for an equal record made since.
    Search,
}

/// What is real. The conformance suite proves each claim; API and console show only what is claimed.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Capabilities {
    /// Changes since a cursor can be read without listing everything.
    pub delta: bool,
    /// Deletions are reported.
    pub tombstones: bool,
    /// Updates can be made conditional on a version.
    pub conditional_update: bool,
    /// One writer an account at a time.
    #[serde(default)]
    pub sequential_writes: bool,
    /// Collections can be made.
    #[serde(default)]
    pub create_collection: bool,
    /// The provider can be asked to call us when something changes in a collection.
    #[serde(default)]
    pub watch: bool,
    /// How creations are made safe to retry.
    pub create: Idempotency,
    /// After a creation whose answer was lost, seconds for which its absence from `find_created` proves nothing.
    pub settle_seconds: u32,
    /// What can be done to a record here when its partner is deleted.
    pub deletions: Vec<DeletionPolicy>,
    /// Why each of the others cannot, for a customer: what stands after the colon of "Zoho CRM cannot do `unlink`:".
    #[serde(default)]
    pub impossible: BTreeMap<DeletionPolicy, String>,
}

/// To what a limit applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitScope {
    /// Each account.
    Account,
    /// All accounts together.
    Provider,
}

/// A token bucket.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// Its name, by which calls say which buckets they draw from (`read`, `write`).
    pub name: String,
    /// To what it applies.
    pub scope: LimitScope,
    /// How many tokens it holds.
    pub capacity: u32,
    /// Tokens that flow in per minute.
    pub per_minute: u32,
}

/// Where a provider is reached: the definition's addresses, or those that configuration puts in their place
/// (the sandbox, a mock, a regional data centre).
#[derive(Clone, Debug)]
pub struct Endpoints {
    /// The API. Empty where each account has a server of its own.
    pub api_base: String,
    /// What stands between that and the path of a call.
    pub api_path: String,
    /// The consent page. Empty where there is none.
    pub authorize_url: String,
    /// The token endpoint. Empty where there is none.
    pub token_url: String,
    /// The revocation endpoint.
    pub revoke_url: Option<String>,
    /// Whether configuration set `api_base`, so that what a token answer says about it is ignored.
    pub api_base_pinned: bool,
}
