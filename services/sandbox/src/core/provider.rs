//! The seam a provider plugs into: its wire routes, its fault hooks and its admin side.
//! Not a data model: records cross this seam as the provider's native JSON.

use std::sync::Arc;

use actix_web::{HttpResponse, ResponseError, http::StatusCode, web::ServiceConfig};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::oauth::Registration;
use super::people::{Person, Seed};

/// A provider on the wire.
pub trait Provider: ProviderAdmin {
    /// Registers the provider's routes, those of its OAuth server too. Called once per worker.
    fn routes(self: Arc<Self>, cfg: &mut ServiceConfig);

    /// What its OAuth server starts with; nothing where it has none.
    fn registration(&self) -> Option<Registration>;

    /// Where things are, for a person: what, and its path.
    fn places(&self) -> &'static [(&'static str, &'static str)];

    /// Whether a request path belongs to this provider.
    fn owns(&self, path: &str) -> bool;

    /// Names the route of a request and says whether it mutates; `method` is the effective one.
    fn classify(&self, method: &str, path: &str) -> Call;

    /// The error body as the vendor words it for `status`, for faults that give none.
    fn error_body(&self, status: u16) -> Value;

    /// Fault `truncate_listing`: drops the second half of a listing and every sign that more is to come.
    fn truncate_listing(&self, body: &mut Value);
}

/// A provider as its administrator sees it; every method acts as a person would, not as an API client.
pub trait ProviderAdmin: Send + Sync {
    /// Its id in admin paths, such as `google`.
    fn id(&self) -> &'static str;

    /// All accounts, in order of creation.
    fn accounts(&self) -> Vec<AccountInfo>;

    /// Opens an account; seeds it when `contacts` is set.
    fn create_account(&self, account: &NewAccount) -> Result<AccountInfo, AdminError>;

    /// Adds generated people; answers how many.
    fn seed(&self, account: &str, seed: &Seed) -> Result<u64, AdminError>;

    /// Records in id order, deleted ones included, after the record `after`.
    fn contacts(
        &self,
        account: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Dump, AdminError>;

    /// One record, deleted or not.
    fn contact(&self, account: &str, id: &str) -> Result<DumpRecord, AdminError>;

    /// A person adds a record, in native JSON.
    fn create_contact(&self, account: &str, native: &Value) -> Result<DumpRecord, AdminError>;

    /// A person edits the top-level native fields given; `null` clears one.
    fn patch_contact(
        &self,
        account: &str,
        id: &str,
        native: &Value,
    ) -> Result<DumpRecord, AdminError>;

    /// A person deletes a record.
    fn delete_contact(&self, account: &str, id: &str) -> Result<(), AdminError>;

    /// A person takes a record out of the bin.
    fn restore_contact(&self, account: &str, id: &str) -> Result<DumpRecord, AdminError>;

    /// Forgets the sync or page tokens handed out so far; answers the number of the new generation.
    fn expire_sync_tokens(&self, account: &str) -> Result<u64, AdminError>;

    /// Fault `reformat_phones`: the provider rewrites stored numbers by itself; answers how many records changed.
    fn reformat_phones(&self, account: &str, bump_modified: bool) -> Result<u64, AdminError>;

    /// The account's knobs (quotas, delays, token lifetimes) as one JSON object.
    fn knobs(&self, account: &str) -> Result<Value, AdminError>;

    /// Merges the members of `knobs` into the account's knobs; an unknown name is an error.
    fn set_knobs(&self, account: &str, knobs: &Value) -> Result<Value, AdminError>;

    /// Anything only this provider has (groups, fields, views, merges), by name.
    fn action(&self, account: &str, name: &str, body: &Value) -> Result<Value, AdminError> {
        let _ = (account, body);
        Err(AdminError::not_found(format!("no action {name}")))
    }
}

/// A request, named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Method and route template, such as `GET /crm/v8/Contacts/{id}`.
    pub route: String,
    /// What the request does.
    pub class: Class,
}

/// What a request does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Reads records.
    Read,
    /// Changes records.
    Write,
    /// OAuth traffic.
    Auth,
    /// Anything else.
    Other,
}

/// One account of a provider.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct AccountInfo {
    /// The provider's stable id of the login.
    pub id: String,
    /// The login's address.
    pub email: String,
    /// The person's name.
    pub name: String,
    /// Edition or plan, where the provider has one.
    pub edition: Option<String>,
    /// Live records.
    pub contacts: u64,
}

/// A request for an account.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewAccount {
    /// The login's address; must be new.
    pub email: String,
    /// The person's name; the address when empty.
    #[serde(default)]
    pub name: String,
    /// Edition or plan.
    pub edition: Option<String>,
    /// IANA time zone of the user, where the provider has one.
    pub time_zone: Option<String>,
    /// People to seed at once.
    #[serde(default)]
    pub seed: Option<Seed>,
}

/// A page of records.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Dump {
    /// The records.
    pub contacts: Vec<DumpRecord>,
    /// Pass as `after` for the next page; absent at the end.
    pub next: Option<String>,
}

/// One record, as the provider holds it and in neutral words.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DumpRecord {
    /// The id used in admin paths.
    pub id: String,
    /// In the bin, or gone but remembered.
    pub deleted: bool,
    /// Last change, RFC 3339.
    pub modified: String,
    /// The record in words that all providers share.
    pub neutral: Person,
    /// The record as the provider's API shows it, all fields.
    pub native: Value,
}

/// Knobs with the members of `change` in the place of theirs; an unknown name is an error.
pub fn turned<K: Serialize + DeserializeOwned>(knobs: &K, change: &Value) -> Result<K, AdminError> {
    let invalid = |error: serde_json::Error| AdminError::invalid(error.to_string());
    let mut all = serde_json::to_value(knobs).map_err(invalid)?;
    let (Some(members), Some(change)) = (all.as_object_mut(), change.as_object()) else {
        return Err(AdminError::invalid("knobs are an object"));
    };
    members.extend(change.clone());
    serde_json::from_value(all).map_err(invalid)
}

/// Why an admin request was refused.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
#[error("{message}")]
pub struct AdminError {
    /// HTTP status of the answer.
    pub status: u16,
    /// For the person at the keyboard.
    pub message: String,
}

impl AdminError {
    /// 404.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self {
            status: 404,
            message: message.into(),
        }
    }

    /// 400.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self {
            status: 400,
            message: message.into(),
        }
    }

    /// 409.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self {
            status: 409,
            message: message.into(),
        }
    }
}

impl ResponseError for AdminError {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::BAD_REQUEST)
    }

    fn error_response(&self) -> HttpResponse {
        HttpResponse::build(self.status_code()).json(serde_json::json!({ "error": self.message }))
    }
}
