//! HubSpot's JSON, exactly. No meaning.

use std::collections::BTreeMap;

use serde::Deserialize;

/// `/account-info/v3/details`
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Details {
    pub portal_id: u64,
}

/// A contact. Values are texts; what is empty is null.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Contact {
    pub id: String,
    #[serde(default)]
    pub properties: BTreeMap<String, Option<String>>,
    pub updated_at: String,
    #[serde(default)]
    pub archived: bool,
    pub archived_at: Option<String>,
    pub object_write_trace_id: Option<String>,
}

/// A page of contacts, found, listed or read.
#[derive(Debug, Deserialize)]
pub(super) struct Contacts {
    pub results: Vec<Contact>,
    pub paging: Option<Paging>,
    pub total: Option<usize>,
    #[serde(default)]
    pub errors: Vec<Refused>,
}

/// Where the next page is.
#[derive(Debug, Deserialize)]
pub(super) struct Paging {
    pub next: Option<NextPage>,
}

/// A place in a listing.
#[derive(Debug, Deserialize)]
pub(super) struct NextPage {
    pub after: String,
}

/// A refusal of a call or of one input. All members are optional in practice.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Refused {
    pub category: String,
    pub message: String,
    pub errors: Vec<Detail>,
    pub context: BTreeMap<String, serde_json::Value>,
}

/// What is wrong with a property.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Detail {
    pub code: Option<String>,
    #[serde(rename = "in")]
    pub within: Option<String>,
}

/// The properties of contacts.
#[derive(Debug, Deserialize)]
pub(super) struct Properties {
    pub results: Vec<Property>,
}

/// A property.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Property {
    pub name: String,
    pub label: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub field_type: String,
    pub options: Vec<Choice>,
    pub hidden: bool,
    pub calculated: bool,
    pub hubspot_defined: Option<bool>,
    pub modification_metadata: Option<Modification>,
}

/// A choice of an enumeration.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Choice {
    pub label: String,
    pub value: String,
}

/// What may be changed.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Modification {
    pub read_only_value: bool,
}
