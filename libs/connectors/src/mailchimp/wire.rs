//! Mailchimp's JSON, exactly; no meaning.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

#[derive(Debug, Deserialize)]
pub(super) struct Root {
    pub account_id: String,
    #[serde(default)]
    pub account_name: String,
    #[serde(default)]
    pub email: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Lists {
    pub lists: Vec<List>,
    pub total_items: usize,
}

#[derive(Debug, Deserialize)]
pub(super) struct List {
    pub id: String,
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub date_created: String,
    #[serde(default)]
    pub double_optin: bool,
}

#[derive(Debug, Deserialize)]
pub(super) struct MergeFields {
    pub merge_fields: Vec<MergeField>,
}

#[derive(Debug, Deserialize)]
pub(super) struct MergeField {
    pub tag: String,
    #[serde(default)]
    pub name: String,
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(default)]
    pub required: bool,
    #[serde(default)]
    pub options: Options,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Options {
    #[serde(default)]
    pub choices: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Tags {
    pub tags: Vec<Tag>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Tag {
    pub name: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Members {
    pub members: Vec<Member>,
    pub total_items: usize,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Member {
    /// The MD5 of the address: another one when that changes.
    pub id: String,
    pub contact_id: String,
    #[serde(default)]
    pub email_address: String,
    pub status: String,
    #[serde(default)]
    pub merge_fields: Map<String, Json>,
    #[serde(default)]
    pub tags: Vec<Tag>,
    #[serde(default)]
    pub tags_count: usize,
    #[serde(default)]
    pub last_changed: String,
}

#[derive(Debug, Serialize)]
pub(super) struct Batch {
    pub members: Vec<Json>,
    pub update_existing: bool,
    pub sync_tags: bool,
}

#[derive(Debug, Deserialize)]
pub(super) struct BatchAnswer {
    pub new_members: Vec<Member>,
    #[serde(default)]
    pub errors: Vec<BatchError>,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct BatchError {
    #[serde(default)]
    pub email_address: String,
    #[serde(default)]
    pub error: String,
    #[serde(default)]
    pub error_code: String,
    #[serde(default)]
    pub field: String,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Problem {
    #[serde(default)]
    pub title: String,
    #[serde(default)]
    pub detail: String,
    #[serde(default)]
    pub errors: Vec<Violation>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Violation {
    #[serde(default)]
    pub field: String,
}

#[derive(Deserialize)]
pub(super) struct Webhook {
    pub id: String,
    /// Told once, when the webhook is made.
    #[serde(default)]
    pub signing_secret: Option<String>,
}
