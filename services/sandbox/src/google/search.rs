//! `people.searchContacts`: prefixes of words, over a snapshot which the empty query refreshes (providers/google.md 2.8).

use super::account::Account;
use super::mask::Mask;
use super::refusal::Refusal;
use super::render::{self, View};
use super::wire::Turn;

/// Most results of one search.
const RESULT_LIMIT: usize = 30;

/// The words of every contact at one moment.
pub struct Index {
    seq: u64,
    rows: Vec<(u64, String)>,
}

impl Index {
    fn of(account: &Account) -> Self {
        let rows = account
            .contacts
            .values()
            .filter(|c| !c.deleted)
            .map(|c| {
                let mut text = String::new();
                for (field, members) in [
                    ("names", &["displayName"][..]),
                    ("nicknames", &["value"]),
                    ("emailAddresses", &["value"]),
                    ("phoneNumbers", &["value", "canonicalForm"]),
                    ("organizations", &["name"]),
                ] {
                    for item in c.face.fields.items(field) {
                        for value in members
                            .iter()
                            .filter_map(|m| item.get(*m).and_then(|v| v.as_str()))
                        {
                            text.push(' ');
                            text.push_str(&value.to_lowercase());
                        }
                    }
                }
                (c.id, text)
            })
            .collect();
        Self {
            seq: account.seq,
            rows,
        }
    }

    /// Contacts with a word (or run of words) that begins with the query.
    fn find<'a>(&'a self, query: &str) -> impl Iterator<Item = u64> + use<'a> {
        let needle = format!(" {}", query.trim().to_lowercase());
        self.rows
            .iter()
            .filter(move |(_, text)| text.contains(&needle))
            .map(|(id, _)| *id)
    }
}

/// The handler.
pub fn contacts(turn: &mut Turn<'_>) -> Result<String, Refusal> {
    let mask = Mask::required(&turn.ask.query, "readMask", "people.searchContacts")?;
    let size = match turn.ask.query.get("pageSize").parse::<usize>().unwrap_or(0) {
        0 => 10,
        n => n.min(RESULT_LIMIT),
    };
    let text = turn.ask.query.get("query");
    let account = &mut *turn.account;
    let warm_up = text.trim().is_empty();
    let follows = !account.knobs.search_needs_warm_up;
    if (warm_up || follows) && account.search.as_ref().is_none_or(|i| i.seq != account.seq) {
        account.search = Some(Index::of(account));
    }
    let Some(index) = account.search.as_ref().filter(|_| !warm_up) else {
        return Ok("{}".to_owned());
    };
    let base_url = turn.google.core.base_url();
    let results: Vec<String> = index
        .find(text)
        .filter_map(|id| account.live(id))
        .take(size)
        .map(|c| {
            format!(
                "{{\"person\":{}}}",
                render::person(c.id, &c.face, &mask, View::Single, base_url)
            )
        })
        .collect();
    Ok(if results.is_empty() {
        "{}".to_owned()
    } else {
        format!("{{\"results\":[{}]}}", results.join(","))
    })
}
