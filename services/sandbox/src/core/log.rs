//! Counts what was asked of the sandbox, per provider, account, route and status. Not a trace log: no bodies, no tokens.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Mutex;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::lock;
use super::provider::{Call, Class};

/// Recent requests kept.
const RECENT_LIMIT: usize = 1_000;

/// The request log.
#[derive(Default)]
pub struct RequestLog(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    counts: BTreeMap<Key, u64>,
    recent: VecDeque<Entry>,
    marked_at: Option<DateTime<Utc>>,
    writing: HashMap<(String, String), u64>,
    concurrent: BTreeMap<(String, String), u64>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    provider: String,
    account: String,
    route: String,
    status: u16,
    class: Class,
}

/// One request of the past.
#[derive(Debug, Clone, Serialize)]
pub struct Entry {
    /// When it was answered.
    pub at: DateTime<Utc>,
    /// Provider id.
    pub provider: String,
    /// Account id; empty when the token named none.
    pub account: String,
    /// Method and route template.
    pub route: String,
    /// Read, write, auth or other.
    pub class: Class,
    /// HTTP status; 0 when the connection was closed without an answer.
    pub status: u16,
    /// Faults that fired on it.
    pub faults: Vec<String>,
}

/// A count of equal requests since the mark.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
pub struct Count {
    /// Provider id.
    pub provider: String,
    /// Account id or empty.
    pub account: String,
    /// Method and route template.
    pub route: String,
    /// HTTP status.
    pub status: u16,
    /// Read, write, auth or other.
    pub class: Class,
    /// How many.
    pub count: u64,
}

/// What the log knows since the mark.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// When counting began; absent when never marked.
    pub since: Option<DateTime<Utc>>,
    /// All requests.
    pub total: u64,
    /// Requests that read records.
    pub reads: u64,
    /// Requests that change records.
    pub writes: u64,
    /// Writes that began while another write of the same account was under way.
    pub concurrent_mutations: u64,
    /// By provider, account, route and status.
    pub counts: Vec<Count>,
}

impl RequestLog {
    /// Notes that a request begins; must be paired with [`RequestLog::end`].
    pub fn begin(&self, provider: &str, account: &str, call: &Call) {
        if call.class != Class::Write {
            return;
        }
        let mut log = lock(&self.0);
        let key = (provider.to_owned(), account.to_owned());
        let under_way = log.writing.entry(key.clone()).or_default();
        *under_way += 1;
        if *under_way > 1 {
            *log.concurrent.entry(key).or_default() += 1;
        }
    }

    /// Notes that a request begun is answered, counted or not.
    pub fn end(&self, provider: &str, account: &str, call: &Call) {
        if call.class != Class::Write {
            return;
        }
        let mut log = lock(&self.0);
        let key = (provider.to_owned(), account.to_owned());
        if let Some(under_way) = log.writing.get_mut(&key) {
            *under_way = under_way.saturating_sub(1);
            if *under_way == 0 {
                log.writing.remove(&key);
            }
        }
    }

    /// Counts one answered request.
    pub fn record(&self, entry: Entry) {
        let mut log = lock(&self.0);
        let key = Key {
            provider: entry.provider.clone(),
            account: entry.account.clone(),
            route: entry.route.clone(),
            status: entry.status,
            class: entry.class,
        };
        *log.counts.entry(key).or_default() += 1;
        if log.recent.len() == RECENT_LIMIT {
            log.recent.pop_front();
        }
        log.recent.push_back(entry);
    }

    /// Counts from zero again.
    pub fn mark(&self, now: DateTime<Utc>) {
        let mut log = lock(&self.0);
        log.counts.clear();
        log.concurrent.clear();
        log.marked_at = Some(now);
    }

    /// Counts since the mark, of one provider and account when given.
    pub fn report(&self, provider: Option<&str>, account: Option<&str>) -> Report {
        let log = lock(&self.0);
        let wanted =
            |p: &str, a: &str| provider.is_none_or(|x| x == p) && account.is_none_or(|x| x == a);
        let counts: Vec<Count> = log
            .counts
            .iter()
            .filter(|(k, _)| wanted(&k.provider, &k.account))
            .map(|(k, n)| Count {
                provider: k.provider.clone(),
                account: k.account.clone(),
                route: k.route.clone(),
                status: k.status,
                class: k.class,
                count: *n,
            })
            .collect();
        let sum = |class: Option<Class>| {
            counts
                .iter()
                .filter(|c| class.is_none_or(|x| x == c.class))
                .map(|c| c.count)
                .sum()
        };
        Report {
            since: log.marked_at,
            total: sum(None),
            reads: sum(Some(Class::Read)),
            writes: sum(Some(Class::Write)),
            concurrent_mutations: log
                .concurrent
                .iter()
                .filter(|((p, a), _)| wanted(p, a))
                .map(|(_, n)| n)
                .sum(),
            counts,
        }
    }

    /// The last requests, newest last.
    pub fn recent(&self, limit: usize) -> Vec<Entry> {
        let log = lock(&self.0);
        let skip = log.recent.len().saturating_sub(limit);
        log.recent.iter().skip(skip).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(class: Class) -> Call {
        Call {
            route: "POST /x".into(),
            class,
        }
    }

    #[test]
    fn counts_since_the_mark_and_overlapping_writes() {
        let log = RequestLog::default();
        let now = DateTime::UNIX_EPOCH;
        let entry = |status| Entry {
            at: now,
            provider: "p".into(),
            account: "1".into(),
            route: "POST /x".into(),
            class: Class::Write,
            status,
            faults: vec![],
        };
        log.begin("p", "1", &call(Class::Write));
        log.begin("p", "2", &call(Class::Write));
        log.begin("p", "1", &call(Class::Read));
        assert_eq!(log.report(None, None).concurrent_mutations, 0);
        log.begin("p", "1", &call(Class::Write));
        assert_eq!(log.report(Some("p"), Some("1")).concurrent_mutations, 1);
        assert_eq!(log.report(Some("p"), Some("2")).concurrent_mutations, 0);
        log.record(entry(200));
        log.record(entry(200));
        log.record(entry(500));
        let report = log.report(None, None);
        assert_eq!((report.total, report.writes, report.reads), (3, 3, 0));
        assert_eq!(
            report
                .counts
                .iter()
                .map(|c| (c.status, c.count))
                .collect::<Vec<_>>(),
            [(200, 2), (500, 1)]
        );
        log.mark(now);
        assert_eq!(log.report(None, None).total, 0);
        assert_eq!(log.recent(2).len(), 2);
    }
}
