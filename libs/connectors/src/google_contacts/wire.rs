//! The People API's JSON, exactly. Nothing here knows what a field means to us; the repeated members of a person stay
//! plain JSON, so that what we do not know survives being sent back.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Map, Value as Json};

/// A person: some identity and, by member name (`emailAddresses`), lists of items.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Person {
    /// `people/c<decimal>`.
    #[serde(default)]
    pub resource_name: String,
    /// Differs by field mask: good for conditional writes, useless for telling changes.
    pub etag: Option<String>,
    #[serde(default)]
    pub metadata: PersonMetadata,
    /// Everything else.
    #[serde(flatten)]
    pub members: Map<String, Json>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PersonMetadata {
    #[serde(default)]
    pub sources: Vec<Source>,
    #[serde(default)]
    pub deleted: bool,
    #[serde(default)]
    pub previous_resource_names: Vec<String>,
}

/// One of the sources that a person is put together from.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Source {
    /// `CONTACT`, `PROFILE`, ...
    #[serde(default)]
    pub r#type: String,
    #[serde(default)]
    pub id: String,
    pub etag: Option<String>,
    pub update_time: Option<DateTime<Utc>>,
}

impl Person {
    /// The source that is the user's own contact.
    pub(super) fn contact(&self) -> Option<&Source> {
        self.metadata
            .sources
            .iter()
            .find(|source| source.r#type == "CONTACT")
    }
}

/// `people.connections.list`
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Connections {
    #[serde(default, rename = "connections")]
    pub people: Vec<Person>,
    pub next_page_token: Option<String>,
    pub next_sync_token: Option<String>,
    pub total_items: Option<u64>,
}

/// `people.getBatchGet`
#[derive(Debug, Deserialize)]
pub(super) struct BatchGot {
    #[serde(default)]
    pub responses: Vec<PersonResponse>,
}

/// `people.batchCreateContacts`
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BatchCreated {
    #[serde(default)]
    pub created_people: Vec<PersonResponse>,
}

/// `people.batchUpdateContacts`
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BatchUpdated {
    #[serde(default)]
    pub update_result: BTreeMap<String, PersonResponse>,
}

/// One person of a batch.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PersonResponse {
    pub requested_resource_name: Option<String>,
    pub person: Option<Person>,
    pub http_status_code: Option<u16>,
    pub status: Option<Status>,
}

/// `google.rpc.Status`, without its message: that may quote values.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Status {
    /// A `google.rpc.Code`; 0 is good and left out.
    #[serde(default)]
    pub code: i32,
}

/// `contactGroups.list`
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Groups {
    #[serde(default)]
    pub contact_groups: Vec<Group>,
    pub next_page_token: Option<String>,
}

/// A contact group.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Group {
    /// `contactGroups/<hex>`, or a system group's name in place of the number.
    pub resource_name: String,
    /// `USER_CONTACT_GROUP` or `SYSTEM_CONTACT_GROUP`.
    #[serde(default, rename = "groupType")]
    pub kind: String,
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub metadata: GroupMetadata,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct GroupMetadata {
    #[serde(default)]
    pub deleted: bool,
}

/// `contactGroups.members.modify`: 200 even when some names fail.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Modified {
    #[serde(default)]
    pub not_found_resource_names: Vec<String>,
    #[serde(default)]
    pub can_not_remove_last_contact_group_resource_names: Vec<String>,
}

/// The body of an error.
#[derive(Debug, Default, Deserialize)]
pub(super) struct ErrorBody {
    #[serde(default)]
    pub error: ErrorInfo,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct ErrorInfo {
    /// For telling errors apart only: it may quote values, so it is never shown.
    #[serde(default)]
    pub message: String,
    /// A `google.rpc.Code` by name.
    #[serde(default)]
    pub status: String,
    #[serde(default)]
    pub details: Vec<ErrorDetail>,
    /// The older form, which some callers still get.
    #[serde(default)]
    pub errors: Vec<LegacyError>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ErrorDetail {
    #[serde(default)]
    pub reason: String,
    #[serde(default)]
    pub field_violations: Vec<FieldViolation>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct FieldViolation {
    #[serde(default)]
    pub field: String,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct LegacyError {
    #[serde(default)]
    pub reason: String,
}
