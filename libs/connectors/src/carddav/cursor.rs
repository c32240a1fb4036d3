//! Cursors and page tokens: where a pull goes on. Nothing else remembers anything.

use serde::{Deserialize, Serialize};
use syncline_connector::Cursor;

/// Where the last pull ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ended {
    /// The collection's sync token, if it gives one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// The collection's own count of changes, if it gives one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ctag: Option<String>,
    /// When everything was listed last by the server's clock, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listed: Option<i64>,
}

/// Where a page ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    /// The token since which changes are asked for; none in a listing of everything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// Where this pull will have ended.
    pub until: Ended,
    /// The last href that was read.
    pub after: String,
    /// Whether the server has more than this one answer.
    #[serde(default)]
    pub more: bool,
}

impl Ended {
    pub(super) fn read(cursor: &Cursor) -> Option<Self> {
        serde_json::from_str(&cursor.0).ok()
    }

    pub(super) fn write(&self) -> Cursor {
        Cursor(serde_json::json!(self).to_string())
    }
}

impl Place {
    pub(super) fn read(page: &str) -> Option<Self> {
        serde_json::from_str(page).ok()
    }

    pub(super) fn write(&self) -> String {
        serde_json::json!(self).to_string()
    }
}
