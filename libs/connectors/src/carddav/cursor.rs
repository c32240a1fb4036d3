//! Cursors and page tokens: where a pull goes on. Nothing else remembers anything. Pure.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use syncline_connector::Cursor;

/// After this a second is taken to be over: clocks differ, and writes take a while.
const OVER: i64 = 3;

/// What a collection says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stand {
    /// Where a pull that begins now will have ended.
    pub ended: Ended,
    /// Whether it tells changes.
    pub syncs: bool,
    /// Whether its token is the second of the last change (SOGo's). Of what changes later in that same second it tells
    /// nothing to who asks with it.
    pub by_second: bool,
    /// Whether more may change in that second: the token is then the one before.
    pub is_open: bool,
}

impl Stand {
    pub(super) fn new(
        token: Option<String>,
        ctag: Option<String>,
        syncs: bool,
        now: Option<DateTime<Utc>>,
    ) -> Self {
        let listed = now.map(|now| now.timestamp());
        let second = token.as_deref().and_then(second);
        let open = second.filter(|second| listed.is_none_or(|now| now - second < OVER));
        let held_back = open.map(|second| (second - 1).to_string());
        Self {
            ended: Ended {
                // An empty one of SOGo's says -1, which it does not take back.
                token: held_back.or_else(|| token.filter(|token| token != "-1")),
                // Such a server's count of changes is the same second.
                ctag: ctag.filter(|_| second.is_none()),
                listed,
            },
            syncs,
            by_second: second.is_some(),
            is_open: open.is_some(),
        }
    }
}

fn second(token: &str) -> Option<i64> {
    let is_time = token.len() == 10 && token.bytes().all(|byte| byte.is_ascii_digit());
    is_time.then(|| token.parse().ok()).flatten()
}

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
