//! Remote records as a connector hands them over.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{FieldName, Value};

/// A record's id at its provider: opaque.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RemoteId(String);

impl RemoteId {
    /// Wraps the provider's id.
    pub fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// The provider's id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for RemoteId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Opaque change marker of a record (etag, modified time): compared for equality, never parsed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Version(String);

impl Version {
    /// Wraps the provider's marker.
    pub fn new(version: impl Into<String>) -> Self {
        Self(version.into())
    }

    /// The marker.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Field values by field name. A field that is absent is `Empty`.
pub type Fields = BTreeMap<FieldName, Value>;

/// A remote object as its provider gave it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Its id at the provider.
    pub id: RemoteId,
    /// Its change marker.
    pub version: Version,
    /// When the provider says it was last changed; used only to settle conflicts by `most_recent`.
    pub modified_at: Option<DateTime<Utc>>,
    /// Its filled fields.
    pub fields: Fields,
}

impl Record {
    /// A field's value, `Empty` when absent.
    pub fn value(&self, field: &FieldName) -> &Value {
        self.fields.get(field).unwrap_or(&Value::Empty)
    }
}
