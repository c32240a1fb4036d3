//! `POST /crm/v3/objects/contacts/search` (providers/hubspot.md 3): filters, one order, an index that lags behind.

use std::cmp::Ordering;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::account::{Account, Contact, Values};
use super::objects::{rendered, value_of, wanted};
use super::properties::instant;
use super::refusal::Refusal;
use super::wire::Answer;

/// Results that a query reaches.
const REACH: usize = 10_000;
/// Most results a page.
const PAGE: usize = 200;

/// A contact as the index has it.
struct Seen<'a> {
    contact: &'a Contact,
    values: &'a Values,
    updated: DateTime<Utc>,
}

impl Seen<'_> {
    fn value(&self, name: &str) -> Option<String> {
        value_of(self.contact, self.values, self.updated, name)
    }
}

/// Answers a search.
pub fn answer(account: &Account, body: &Value, now: DateTime<Utc>) -> Answer {
    let groups = list(body, "filterGroups");
    let filters: usize = groups
        .iter()
        .map(|group| list(group, "filters").len())
        .sum();
    if groups.len() > 5 || filters > 18 || groups.iter().any(|g| list(g, "filters").len() > 6) {
        return Err(Refusal::validation("Too many filters or filter groups"));
    }
    let limit = body.get("limit").and_then(Value::as_u64).unwrap_or(10) as usize;
    if !(1..=PAGE).contains(&limit) {
        return Err(Refusal::validation("limit must be between 1 and 200"));
    }
    let after = match body.get("after") {
        Some(Value::String(text)) => text.parse::<usize>().ok(),
        Some(Value::Number(number)) => number.as_u64().map(|n| n as usize),
        _ => Some(0),
    };
    let after = after.ok_or_else(|| Refusal::validation("after is not an offset"))?;
    if after + limit > REACH {
        let message = "There was a problem with the request: paging is limited to 10000 results.";
        return Err(Refusal::validation(message));
    }
    let mut found = Vec::new();
    for contact in account.contacts.values() {
        let Some(seen) = index(account, contact, now) else {
            continue;
        };
        let mut hit = groups.is_empty();
        for group in groups {
            let mut all = true;
            for filter in list(group, "filters") {
                all &= holds(account, &seen, filter)?;
            }
            hit |= all;
        }
        if hit {
            found.push(seen);
        }
    }
    sort(&mut found, body);
    let total = found.len();
    let wanted = wanted(body.get("properties").unwrap_or(&Value::Null));
    let page = found.iter().skip(after).take(limit);
    let page: Vec<Value> = page
        .map(|seen| rendered(account, seen.contact, seen.values, seen.updated, &wanted))
        .collect();
    let mut body = json!({"total": total, "results": page});
    if let (true, Some(body)) = (after + limit < total, body.as_object_mut()) {
        let next = (after + limit).to_string();
        body.insert("paging".into(), json!({"next": {"after": next}}));
    }
    Ok((200, body))
}

fn list<'a>(of: &'a Value, name: &str) -> &'a [Value] {
    of.get(name)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

/// The contact as the index has it; none for one that it does not have yet, or no longer.
fn index<'a>(account: &Account, contact: &'a Contact, now: DateTime<Utc>) -> Option<Seen<'a>> {
    if account.shows(contact, now) {
        return contact.archived.is_none().then_some(Seen {
            contact,
            values: &contact.values,
            updated: contact.updated,
        });
    }
    let (values, updated) = contact.before.as_ref()?.as_ref()?;
    Some(Seen {
        contact,
        values,
        updated: *updated,
    })
}

fn holds(account: &Account, seen: &Seen<'_>, filter: &Value) -> Result<bool, Refusal> {
    let text = |name: &str| filter.get(name).and_then(Value::as_str).unwrap_or_default();
    let name = text("propertyName");
    let property = account.properties.get(name);
    let property = property
        .ok_or_else(|| Refusal::validation(format!("Property \"{name}\" does not exist")))?;
    let value = seen.value(name);
    let order = |other: &str| {
        value
            .as_deref()
            .map(|value| compare(&property.kind, value, other))
    };
    let words: Vec<String> = list(filter, "values")
        .iter()
        .filter_map(Value::as_str)
        .map(str::to_lowercase)
        .collect();
    let among = value
        .as_ref()
        .is_some_and(|value| words.contains(&value.to_lowercase()));
    let token = |value: &String| {
        let sought = text("value").trim_matches('*').to_lowercase();
        value.to_lowercase().contains(&sought)
    };
    Ok(match text("operator") {
        "EQ" => order(text("value")) == Some(Ordering::Equal),
        "NEQ" => order(text("value")) != Some(Ordering::Equal),
        "LT" => order(text("value")) == Some(Ordering::Less),
        "LTE" => order(text("value")).is_some_and(Ordering::is_le),
        "GT" => order(text("value")) == Some(Ordering::Greater),
        "GTE" => order(text("value")).is_some_and(Ordering::is_ge),
        "BETWEEN" => {
            order(text("value")).is_some_and(Ordering::is_ge)
                && order(text("highValue")).is_some_and(Ordering::is_le)
        }
        "IN" => among,
        "NOT_IN" => !among,
        "HAS_PROPERTY" => value.is_some(),
        "NOT_HAS_PROPERTY" => value.is_none(),
        "CONTAINS_TOKEN" => value.as_ref().is_some_and(token),
        "NOT_CONTAINS_TOKEN" => !value.as_ref().is_some_and(token),
        other => {
            return Err(Refusal::validation(format!(
                "operator {other} is not known"
            )));
        }
    })
}

/// Numbers by their size, instants by time, texts without regard to case.
fn compare(kind: &str, value: &str, other: &str) -> Ordering {
    match kind {
        "number" => {
            let number = |text: &str| text.parse::<f64>().unwrap_or(f64::NAN);
            number(value)
                .partial_cmp(&number(other))
                .unwrap_or(Ordering::Less)
        }
        "datetime" | "date" => instant(value).cmp(&instant(other)),
        _ => value.to_lowercase().cmp(&other.to_lowercase()),
    }
}

/// By the one order asked for; the newest first when none is.
fn sort(found: &mut [Seen<'_>], body: &Value) {
    let order = list(body, "sorts").first();
    let text = |name: &str| {
        order
            .and_then(|order| order.get(name))
            .and_then(Value::as_str)
    };
    let down = text("direction").map_or(order.is_none(), |way| way == "DESCENDING");
    match text("propertyName").unwrap_or("createdate") {
        "hs_object_id" => found.sort_by_key(|seen| seen.contact.id),
        "lastmodifieddate" => found.sort_by_key(|seen| seen.updated),
        "createdate" => found.sort_by_key(|seen| seen.contact.created),
        name => found.sort_by_key(|seen| seen.value(name)),
    }
    if down {
        found.reverse();
    }
}
