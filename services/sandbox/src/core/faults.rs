//! Faults as data: which requests, how often, and what goes wrong. Applied by [`super::gate`]; knows no HTTP.

use std::collections::BTreeMap;
use std::sync::Mutex;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::lock;

/// A rule: the first `after` matching requests pass, the next `times` suffer `fault`, the rest pass.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Given by the sandbox.
    #[serde(default)]
    pub id: String,
    /// Provider id; all when absent.
    pub provider: Option<String>,
    /// Account id; all when absent.
    pub account: Option<String>,
    /// HTTP method; all when absent.
    pub method: Option<String>,
    /// Route as the request log names it (`GET /crm/v8/Contacts`); `*` stands for any text; all when absent.
    pub route: Option<String>,
    /// Matching requests that pass first.
    #[serde(default)]
    pub after: u64,
    /// Matching requests that suffer; no end when absent.
    pub times: Option<u64>,
    /// What goes wrong.
    pub fault: Fault,
    /// Matching requests so far.
    #[serde(default)]
    pub matched: u64,
    /// Requests that suffered so far.
    #[serde(default)]
    pub fired: u64,
}

/// What goes wrong.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// Answer this status and do nothing.
    Status {
        /// HTTP status.
        status: u16,
        /// The vendor's own words for the status when absent; a string is sent as text.
        body: Option<Value>,
        /// More headers, such as `Retry-After`.
        #[serde(default)]
        headers: BTreeMap<String, String>,
    },
    /// Wait before doing anything.
    DelayMs {
        /// Milliseconds of real time.
        ms: u64,
    },
    /// Do the work, then lose the answer: close the connection, or answer `status` (such as 502) instead.
    LostAnswer {
        /// Closes the connection when absent.
        status: Option<u16>,
    },
    /// Close the connection without doing anything.
    ResetBefore,
    /// Answer 200 with half of the list and no sign that more is to come.
    TruncateListing,
    /// Forget the account's sync tokens first (`stale_token` is the same).
    #[serde(alias = "stale_token")]
    ExpireSyncTokens,
    /// Expire the account's access tokens first.
    ExpireAccessTokens,
    /// Reorder arrays and object keys of the answer.
    Shuffle,
    /// The provider reformats stored phone numbers first.
    ReformatPhones {
        /// Whether that counts as a change of the record.
        #[serde(default)]
        bump_modified: bool,
    },
    /// Answer 200 with an HTML page and do nothing.
    HtmlBody,
    /// Set knobs of the account first (propagation delay, visibility lag, quotas).
    Knobs {
        /// As `POST .../knobs`.
        knobs: Value,
    },
}

impl Fault {
    /// The kind as written in JSON.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Status { .. } => "status",
            Self::DelayMs { .. } => "delay_ms",
            Self::LostAnswer { .. } => "lost_answer",
            Self::ResetBefore => "reset_before",
            Self::TruncateListing => "truncate_listing",
            Self::ExpireSyncTokens => "expire_sync_tokens",
            Self::ExpireAccessTokens => "expire_access_tokens",
            Self::Shuffle => "shuffle",
            Self::ReformatPhones { .. } => "reformat_phones",
            Self::HtmlBody => "html_body",
            Self::Knobs { .. } => "knobs",
        }
    }
}

/// The rules in force.
#[derive(Default)]
pub struct Faults(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    rules: Vec<Rule>,
    next: u64,
}

impl Faults {
    /// Adds a rule at the end; answers it with its id.
    pub fn add(&self, mut rule: Rule) -> Rule {
        let mut inner = lock(&self.0);
        inner.next += 1;
        rule.id = format!("f{}", inner.next);
        rule.matched = 0;
        rule.fired = 0;
        inner.rules.push(rule.clone());
        rule
    }

    /// All rules with their counters.
    pub fn list(&self) -> Vec<Rule> {
        lock(&self.0).rules.clone()
    }

    /// Drops one rule, or all; answers how many went.
    pub fn remove(&self, id: Option<&str>) -> usize {
        let mut inner = lock(&self.0);
        let before = inner.rules.len();
        inner.rules.retain(|r| id.is_some_and(|id| r.id != id));
        before - inner.rules.len()
    }

    /// The faults this request suffers, in rule order; counts it on every rule that matches.
    pub fn strike(&self, provider: &str, account: &str, method: &str, route: &str) -> Vec<Fault> {
        let mut inner = lock(&self.0);
        let mut struck = Vec::new();
        for rule in &mut inner.rules {
            if !rule.matches(provider, account, method, route) {
                continue;
            }
            rule.matched += 1;
            let spent = rule.times.is_some_and(|times| rule.fired >= times);
            if rule.matched > rule.after && !spent {
                rule.fired += 1;
                struck.push(rule.fault.clone());
            }
        }
        struck
    }
}

impl Rule {
    /// A rule for every request.
    pub fn always(fault: Fault) -> Self {
        Self {
            id: String::new(),
            provider: None,
            account: None,
            method: None,
            route: None,
            after: 0,
            times: None,
            fault,
            matched: 0,
            fired: 0,
        }
    }

    fn matches(&self, provider: &str, account: &str, method: &str, route: &str) -> bool {
        let is = |want: &Option<String>, have: &str| want.as_deref().is_none_or(|w| w == have);
        is(&self.provider, provider)
            && is(&self.account, account)
            && self
                .method
                .as_deref()
                .is_none_or(|m| m.eq_ignore_ascii_case(method))
            && self
                .route
                .as_deref()
                .is_none_or(|glob| matches_glob(glob, route))
    }
}

/// Whether `text` fits `glob`, in which `*` stands for any text.
fn matches_glob(glob: &str, text: &str) -> bool {
    let mut parts = glob.split('*');
    let Some(mut rest) = text.strip_prefix(parts.next().unwrap_or("")) else {
        return false;
    };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else {
        return rest.is_empty();
    };
    for part in parts {
        match rest.find(part).and_then(|at| rest.get(at + part.len()..)) {
            Some(tail) => rest = tail,
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs() {
        let check =
            |glob, text, expect| assert_eq!(matches_glob(glob, text), expect, "{glob} {text}");
        check("GET /a", "GET /a", true);
        check("GET /a", "GET /ab", false);
        check("GET *", "GET /ab", true);
        check("*/b/*", "GET /a/b/c", true);
        check("*Contacts", "GET /crm/Contacts/{id}", false);
        check("*", "", true);
    }

    #[test]
    fn after_and_times_bound_a_rule() {
        let faults = Faults::default();
        faults.add(Rule {
            provider: Some("google".into()),
            method: Some("get".into()),
            after: 1,
            times: Some(2),
            ..Rule::always(Fault::ResetBefore)
        });
        let hits: Vec<usize> = (0..5)
            .map(|_| faults.strike("google", "1", "GET", "GET /x").len())
            .collect();
        assert_eq!(hits, [0, 1, 1, 0, 0]);
        assert!(faults.strike("zoho", "1", "GET", "GET /x").is_empty());
        assert!(faults.strike("google", "1", "POST", "POST /x").is_empty());
        assert_eq!(
            faults.list().first().map(|r| (r.matched, r.fired)),
            Some((5, 2))
        );
        assert_eq!(faults.remove(Some("f9")), 0);
        assert_eq!(faults.remove(None), 1);
    }

    #[test]
    fn faults_are_spelt_by_kind() {
        let read = |json: &str| serde_json::from_str::<Fault>(json).map(|f| f.kind());
        assert_eq!(
            read(r#"{"kind":"stale_token"}"#).unwrap(),
            "expire_sync_tokens"
        );
        assert_eq!(
            read(r#"{"kind":"status","status":429,"headers":{"Retry-After":"3"}}"#).unwrap(),
            "status"
        );
        assert!(read(r#"{"kind":"delay_ms"}"#).is_err());
        assert!(read(r#"{"kind":"explode"}"#).is_err());
    }
}
