//! What an administrator of the sandbox may turn: limits (off by default), delays, workflow.
//! Plain data; it is acted upon in `limits`, `workflow` and `search`.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The knobs of one organisation.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Knobs {
    /// API credits per rolling 24 hours; unlimited when absent.
    pub daily_credits: Option<u32>,
    /// Calls answered at the same time; unlimited when absent.
    pub concurrency: Option<usize>,
    /// Real milliseconds every call takes, within which it counts as being answered.
    pub answer_delay_ms: u64,
    /// Milliseconds of the sandbox's clock until `/search` sees a write.
    pub search_delay_ms: u64,
    /// Seconds a page token lives; 24 hours when absent.
    pub page_token_seconds: Option<i64>,
    /// What the organisation's workflow does after a write through the API; nothing when absent.
    pub workflow: Option<Workflow>,
}

/// A workflow: it changes the record once more after a write through the API.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Workflow {
    /// Values to set, by API name, as the API takes them.
    pub set: Map<String, Value>,
    /// Rewrite telephone numbers as `(ddd) ddd-dddd` style groups.
    pub reformat_phones: bool,
    /// Milliseconds of the sandbox's clock after the write.
    pub delay_ms: u64,
}
