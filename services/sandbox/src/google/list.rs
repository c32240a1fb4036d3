//! `people.connections.list`: full listings, pages, incremental sync (providers/google.md 2.3).

use std::fmt::Write as _;

use super::account::{Account, Contact};
use super::mask::Mask;
use super::refusal::Refusal;
use super::render::{self, View};
use super::tokens::{self, PageToken, SyncToken};
use super::wire::Turn;

const KIND: &str = "connections";
/// Parameters a sync token is bound to.
const SYNC_BOUND: &[&str] = &[
    "personFields",
    "requestMask.includeField",
    "sources",
    "sortOrder",
];
/// Parameters a page token is bound to.
const PAGE_BOUND: &[&str] = &[
    "personFields",
    "requestMask.includeField",
    "sources",
    "sortOrder",
    "pageSize",
    "requestSyncToken",
    "syncToken",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    OldestFirst,
    NewestFirst,
    ByName(&'static str),
}

/// A page under construction.
struct Page<'a> {
    people: Vec<String>,
    size: usize,
    mask: &'a Mask,
    base_url: &'a str,
    /// Set when one more person stands after the last one taken.
    more: bool,
    at: u64,
    synced: u64,
    held: bool,
}

/// The handler.
pub fn connections(turn: &mut Turn<'_>) -> Result<String, Refusal> {
    let query = &turn.ask.query;
    let mask = Mask::required(query, "personFields", "people.connections.list")?;
    let size = turn.page_size(100, 1_000)?;
    let order = match query.get("sortOrder") {
        "" | "LAST_MODIFIED_ASCENDING" => Order::OldestFirst,
        "LAST_MODIFIED_DESCENDING" => Order::NewestFirst,
        "FIRST_NAME_ASCENDING" => Order::ByName("givenName"),
        "LAST_NAME_ASCENDING" => Order::ByName("familyName"),
        _ => return Err(Refusal::argument()),
    };
    let now = turn.google.now();
    let (sync_params, page_params) = (
        tokens::bind(query, SYNC_BOUND),
        tokens::bind(query, PAGE_BOUND),
    );
    let sync = tokens::sync(query, KIND, sync_params, turn.account, now)?;
    let from = tokens::page(query, KIND, page_params)?;
    let account = &mut *turn.account;
    let start = from.clone().unwrap_or_else(|| PageToken {
        kind: KIND.to_owned(),
        params: page_params,
        at: match (&sync, order) {
            (Some(token), _) => token.seq,
            (None, Order::NewestFirst) => u64::MAX,
            (None, _) => 0,
        },
        bound: account.seq,
        synced: sync.as_ref().map_or(0, |t| t.seq),
        held: false,
        since: sync.as_ref().map_or_else(|| now.timestamp(), |t| t.since),
    });
    let mut page = Page {
        people: Vec::new(),
        size,
        mask: &mask,
        base_url: turn.google.core.base_url(),
        more: false,
        at: start.at,
        synced: start.synced,
        held: start.held,
    };
    if sync.is_some() {
        changes(account, &mut page, now);
    } else {
        match order {
            Order::OldestFirst => oldest_first(account, &mut page, now),
            Order::NewestFirst => newest_first(account, &mut page, &start, now),
            Order::ByName(member) => by_name(account, &mut page, &start, member, now),
        }
    }
    let mut out =
        String::with_capacity(page.people.iter().map(|p| p.len() + 1).sum::<usize>() + 256);
    out.push('{');
    if !page.people.is_empty() {
        let _ = write!(out, "\"connections\":[{}],", page.people.join(","));
    }
    if page.more {
        let next = PageToken {
            at: page.at,
            synced: page.synced,
            held: page.held,
            ..start
        };
        let _ = write!(out, "\"nextPageToken\":\"{}\",", tokens::seal(&next));
    } else if query.get("requestSyncToken") == "true" || sync.is_some() {
        let token = SyncToken {
            kind: KIND.to_owned(),
            generation: account.generation,
            since: start.since,
            seq: page.synced,
            params: sync_params,
        };
        let _ = write!(out, "\"nextSyncToken\":\"{}\",", tokens::seal(&token));
    }
    if sync.is_none() && account.live > 0 {
        let _ = write!(out, "\"totalPeople\":{0},\"totalItems\":{0},", account.live);
    }
    if out.ends_with(',') {
        out.pop();
    }
    out.push('}');
    Ok(out)
}

impl Page<'_> {
    /// Takes a person, or notes that one more would come.
    fn take(&mut self, at: u64, text: impl FnOnce(&Mask, &str) -> String) -> bool {
        if self.people.len() == self.size {
            self.more = true;
            return false;
        }
        self.people.push(text(self.mask, self.base_url));
        self.at = at;
        true
    }

    /// The sync token will stand for all changes up to `seq`, unless an earlier one is still to come.
    fn reach(&mut self, seq: u64) {
        if !self.held {
            self.synced = self.synced.max(seq);
        }
    }
}

/// The version of a contact that a full listing shows: the present one, the one before a fresh write, or none.
fn shown(
    contact: &Contact,
    account: &Account,
    now: chrono::DateTime<chrono::Utc>,
    page: &Page<'_>,
) -> Option<String> {
    let face = if account.shows(&contact.face, now) {
        (!contact.deleted).then_some(&contact.face)?
    } else {
        contact.before.as_deref()?
    };
    Some(render::person(
        contact.id,
        face,
        page.mask,
        View::Listed,
        page.base_url,
    ))
}

/// A full listing in order of change: what changes meanwhile moves to the end and is met there.
fn oldest_first(account: &Account, page: &mut Page<'_>, now: chrono::DateTime<chrono::Utc>) {
    for (seq, id) in account.changes.range(page.at.saturating_add(1)..) {
        let Some(contact) = account.contacts.get(id) else {
            continue;
        };
        let late = !account.shows(&contact.face, now);
        if let Some(text) = shown(contact, account, now, page)
            && !page.take(*seq, |_, _| text)
        {
            return;
        }
        page.held |= late;
        page.reach(*seq);
    }
}

/// Newest first, not past the state at the first page: later changes come with the next sync.
fn newest_first(
    account: &Account,
    page: &mut Page<'_>,
    start: &PageToken,
    now: chrono::DateTime<chrono::Utc>,
) {
    page.synced = settled(account, start.bound, now);
    for (seq, id) in account
        .changes
        .range(..page.at.min(start.bound.saturating_add(1)))
        .rev()
    {
        let Some(contact) = account.contacts.get(id) else {
            continue;
        };
        if let Some(text) = shown(contact, account, now, page)
            && !page.take(*seq, |_, _| text)
        {
            return;
        }
    }
}

/// In the order of a part of the name; the order is made once and kept until something changes.
fn by_name(
    account: &mut Account,
    page: &mut Page<'_>,
    start: &PageToken,
    member: &'static str,
    now: chrono::DateTime<chrono::Utc>,
) {
    let fresh = matches!(&account.by_name, Some((seq, m, _)) if *m == member && (start.at > 0 || *seq == account.seq));
    if !fresh {
        let mut keys: Vec<(String, u64)> = account
            .contacts
            .values()
            .filter(|c| !c.deleted)
            .map(|c| (sort_key(c, member), c.id))
            .collect();
        keys.sort();
        account.by_name = Some((
            account.seq,
            member,
            keys.into_iter().map(|(_, id)| id).collect(),
        ));
    }
    page.synced = settled(account, start.bound, now);
    let Some((_, _, order)) = &account.by_name else {
        return;
    };
    for (n, id) in order.iter().enumerate().skip(start.at as usize) {
        let Some(contact) = account.contacts.get(id) else {
            continue;
        };
        if let Some(text) = shown(contact, account, now, page)
            && !page.take(n as u64 + 1, |_, _| text)
        {
            return;
        }
    }
}

fn sort_key(contact: &Contact, member: &str) -> String {
    let names = contact.face.fields.items("names");
    let name = names.first();
    let text = |key: &str| {
        name.and_then(|n| n.get(key))
            .and_then(|v| v.as_str())
            .unwrap_or("")
    };
    let first = if text(member).is_empty() {
        text("displayName")
    } else {
        text(member)
    };
    format!(
        "{}\u{0}{}",
        first.to_lowercase(),
        text("displayName").to_lowercase()
    )
}

/// The last change up to `bound` before the first that does not show yet.
fn settled(account: &Account, bound: u64, now: chrono::DateTime<chrono::Utc>) -> u64 {
    if account.knobs.propagation_delay_ms == 0 {
        return bound;
    }
    let late = account.changes.iter().find(|(_, id)| {
        account
            .contacts
            .get(id)
            .is_some_and(|c| !account.shows(&c.face, now))
    });
    late.map_or(bound, |(seq, _)| seq.saturating_sub(1).min(bound))
}

/// What changed after the token, deletions as stubs, up to the first change that does not show yet.
fn changes(account: &Account, page: &mut Page<'_>, now: chrono::DateTime<chrono::Utc>) {
    for (seq, id) in account.changes.range(page.at.saturating_add(1)..) {
        let Some(contact) = account.contacts.get(id) else {
            continue;
        };
        if !account.shows(&contact.face, now) {
            return;
        }
        let taken = page.take(*seq, |mask, base_url| {
            if contact.deleted {
                render::tombstone(contact, mask)
            } else {
                render::person(*id, &contact.face, mask, View::Listed, base_url)
            }
        });
        if !taken {
            return;
        }
        page.reach(*seq);
    }
}
