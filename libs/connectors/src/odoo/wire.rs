//! Odoo's JSON, as far as we read it. No meaning. What is empty is `false` there, whatever its type.

use std::collections::BTreeMap;

use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value as Json};

/// A record as `web_read` gives it: by field.
pub(super) type Row = Map<String, Json>;

/// `false`, or what is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Maybe<T>(pub Option<T>);

impl<T> Default for Maybe<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Maybe<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(match Json::deserialize(deserializer)? {
            Json::Null | Json::Bool(false) => None,
            there => Some(serde_json::from_value(there).map_err(D::Error::custom)?),
        }))
    }
}

/// What stands in a refusal.
#[derive(Debug, Deserialize)]
pub(super) struct Refusal {
    /// The exception, with its module.
    pub name: String,
}

/// `res.users/context_get`.
#[derive(Debug, Deserialize)]
pub(super) struct Context {
    /// The user's id.
    pub uid: i64,
}

/// A user.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct User {
    /// Its id.
    pub id: i64,
    /// Its name.
    #[serde(default)]
    pub name: Maybe<String>,
    /// What it logs in with: no two have the same.
    pub login: String,
    /// Its company.
    #[serde(default)]
    pub company_id: Maybe<Named>,
}

/// Another record by its name.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Named {
    /// Its id.
    pub id: i64,
    /// Its name.
    pub name: String,
}

/// A country or a part of one.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Land {
    /// Its id.
    pub id: i64,
    /// Its name.
    #[serde(default)]
    pub name: Maybe<String>,
    /// Its code.
    #[serde(default)]
    pub code: Maybe<String>,
}

/// `web_search_read`.
#[derive(Debug, Deserialize)]
pub(super) struct Found {
    /// What was found.
    pub records: Vec<Row>,
}

/// What `formatted_read_group` says of a group of contacts.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Totals {
    /// Whether they are companies.
    pub is_company: bool,
    /// What sort of address they are.
    #[serde(rename = "type", default)]
    pub kind: Maybe<String>,
    /// Whether they are not archived.
    pub active: bool,
    /// How many.
    #[serde(rename = "__count")]
    pub count: i64,
    /// The sum of their ids.
    #[serde(rename = "id:sum", default)]
    pub sum: Maybe<i64>,
    /// The last id.
    #[serde(rename = "id:max", default)]
    pub top: Maybe<i64>,
    /// When the last change began.
    #[serde(rename = "write_date:max", default)]
    pub high: Maybe<String>,
}

/// What `load` answers.
#[derive(Debug, Deserialize)]
pub(super) struct Loaded {
    /// The ids, in the order of the rows; `false` if nothing was done.
    #[serde(default)]
    pub ids: Maybe<Vec<i64>>,
    /// What it says about rows.
    #[serde(default)]
    pub messages: Vec<Message>,
}

/// What `load` says about a row.
#[derive(Debug, Deserialize)]
pub(super) struct Message {
    /// The field that it is about.
    pub field: Option<String>,
}

/// `fields_get`.
pub(super) type Described = BTreeMap<String, FieldMeta>;

/// What Odoo says about a field.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct FieldMeta {
    /// What a person reads.
    pub string: String,
    /// Odoo's type (`char`, `many2one`, ...).
    #[serde(rename = "type")]
    pub kind: String,
    /// Whether it can only be read.
    pub readonly: bool,
    /// Whether a record cannot be without it.
    pub required: bool,
    /// Whether it is kept, and not worked out anew each time.
    pub store: bool,
    /// Whether a customer added it.
    pub manual: bool,
    /// How long its text may be.
    pub size: Maybe<usize>,
    /// The choices of a selection: value and label.
    pub selection: Vec<(String, String)>,
}
