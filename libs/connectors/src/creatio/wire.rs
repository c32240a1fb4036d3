//! Creatio's JSON, exactly. No meaning.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

/// Columns by name. Nothing is never null: texts are empty, ids and times have values that stand for nothing.
pub(super) type Row = Map<String, Json>;

/// A page of rows.
#[derive(Debug, Deserialize)]
pub(super) struct Rows {
    pub value: Vec<Row>,
    #[serde(rename = "@odata.count")]
    pub count: Option<usize>,
    /// What they are rows of.
    #[serde(default, rename = "@odata.context")]
    pub context: String,
}

/// A contact with what belongs to it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Contact {
    pub id: String,
    pub modified_on: String,
    pub account: Option<Named>,
    #[serde(default, rename = "ContactCommunicationCollectionByContact")]
    pub communications: Vec<Communication>,
    #[serde(default, rename = "ContactAddressCollectionByContact")]
    pub addresses: Vec<Address>,
    #[serde(flatten)]
    pub columns: Row,
}

/// A row of a lookup.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Named {
    pub id: String,
    #[serde(default)]
    pub name: String,
}

/// A number, an e-mail address or the like.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Communication {
    pub id: String,
    #[serde(rename = "CommunicationTypeId")]
    pub kind: String,
    pub number: String,
    pub position: i64,
    pub primary: bool,
    pub non_actual: bool,
    pub created_on: String,
    pub modified_on: String,
}

/// A postal address.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Address {
    pub id: String,
    #[serde(rename = "AddressTypeId")]
    pub kind: String,
    #[serde(rename = "Address")]
    pub street: String,
    pub zip: String,
    pub primary: bool,
    pub city: Option<Named>,
    pub region: Option<Named>,
    pub country: Option<Named>,
    pub created_on: String,
    pub modified_on: String,
}

/// A tag, as far as it says what it is.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Tag {
    pub id: String,
    #[serde(default)]
    pub type_id: String,
    #[serde(default)]
    pub created_by_id: String,
}

/// A call in a batch.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Part {
    pub id: String,
    pub method: &'static str,
    pub url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<Row>,
    pub headers: Row,
}

/// What became of the calls of a batch, in their order.
#[derive(Debug, Deserialize)]
pub(super) struct Responses {
    pub responses: Vec<Answered>,
}

/// What became of one.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Answered {
    pub status: u16,
    #[serde(default)]
    pub body: Json,
}
