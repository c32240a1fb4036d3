//! Other contacts: saved by Google itself, in no group, read-only until copied. Only made through the admin API here.

use serde_json::{Map, Value, json};

use super::account::{Face, MY_CONTACTS, Other};
use super::etag::source_id;
use super::fields::{self, Fields, position};
use super::mask::{Mask, update_mask};
use super::people;
use super::refusal::Refusal;
use super::render::{self, View};
use super::tokens::{self, PageToken, SyncToken};
use super::wire::Turn;
use crate::core::lock;
use crate::core::provider::AdminError;

const KIND: &str = "others";

/// `otherContacts.list`.
pub fn list(turn: &mut Turn<'_>) -> Result<String, Refusal> {
    let query = &turn.ask.query;
    let mask = Mask::required(query, "readMask", "otherContacts.list")?;
    let size = turn.page_size(100, 1_000)?;
    let params = tokens::bind(query, &["readMask", "sources"]);
    let now = turn.google.now();
    let sync = tokens::sync(query, KIND, params, turn.account, now)?;
    let start = tokens::page(query, KIND, params)?.map_or(0, |t| t.at as usize);
    let account = &*turn.account;
    let others: Vec<&Other> = account
        .others
        .iter()
        .filter(|o| sync.as_ref().is_none_or(|t| o.face.version > t.seq))
        .collect();
    let page: Vec<String> = others
        .iter()
        .skip(start)
        .take(size)
        .map(|o| render::other(o.id, &o.face, &mask))
        .collect();
    let since = sync.map_or_else(|| now.timestamp(), |t| t.since);
    let end = start + page.len();
    let token = if end < others.len() {
        let next = PageToken {
            kind: KIND.into(),
            params,
            at: end as u64,
            bound: 0,
            synced: 0,
            held: false,
            since,
        };
        format!("\"nextPageToken\":\"{}\",", tokens::seal(&next))
    } else if query.get("requestSyncToken") == "true" || !query.get("syncToken").is_empty() {
        let next = SyncToken {
            kind: KIND.into(),
            generation: account.generation,
            since,
            seq: account.seq,
            params,
        };
        format!("\"nextSyncToken\":\"{}\",", tokens::seal(&next))
    } else {
        String::new()
    };
    if page.is_empty() {
        return Ok(format!("{{{}}}", token.trim_end_matches(',')));
    }
    Ok(format!(
        "{{{token}\"otherContacts\":[{}],\"totalSize\":{}}}",
        page.join(","),
        others.len()
    ))
}

/// `otherContacts.search`: the same prefixes as for contacts, without a snapshot.
pub fn search(turn: &mut Turn<'_>) -> Result<String, Refusal> {
    let mask = Mask::required(&turn.ask.query, "readMask", "otherContacts.search")?;
    let needle = turn.ask.query.get("query").trim().to_lowercase();
    if needle.is_empty() {
        return Ok("{}".to_owned());
    }
    let hits = |o: &&Other| {
        o.face.fields.iter().any(|(_, text)| {
            let items: Vec<Value> = serde_json::from_str(text).unwrap_or_default();
            items.iter().any(|i| {
                ["displayName", "value"]
                    .iter()
                    .filter_map(|m| i.get(*m)?.as_str())
                    .any(|v| format!(" {}", v.to_lowercase()).contains(&format!(" {needle}")))
            })
        })
    };
    let results: Vec<String> = turn
        .account
        .others
        .iter()
        .filter(hits)
        .take(30)
        .map(|o| format!("{{\"person\":{}}}", render::other(o.id, &o.face, &mask)))
        .collect();
    Ok(if results.is_empty() {
        "{}".to_owned()
    } else {
        format!("{{\"results\":[{}]}}", results.join(","))
    })
}

/// `otherContacts.copyOtherContactToMyContactsGroup`: the copy is a new contact, the other contact goes.
pub fn copy(turn: &mut Turn<'_>) -> Result<String, Refusal> {
    const METHOD: &str = "otherContacts.copyOtherContactToMyContactsGroup";
    let body = turn.json()?;
    let text = |key: &str| body.get(key).and_then(Value::as_str).unwrap_or("");
    let places = update_mask(text("copyMask"), "copyMask", METHOD)?;
    let mask = match text("readMask") {
        "" => Mask::all(),
        read => Mask::parse(read, &[], "readMask", METHOD)?,
    };
    let id: u64 = turn
        .id
        .strip_prefix('c')
        .and_then(|n| n.parse().ok())
        .ok_or_else(Refusal::not_found)?;
    let at = turn
        .account
        .others
        .iter()
        .position(|o| o.id == id)
        .ok_or_else(Refusal::not_found)?;
    let other = turn.account.others.remove(at);
    let mut person = Map::new();
    for field in places.iter().filter_map(|p| fields::at(*p)) {
        person.insert(
            field.name.to_owned(),
            other.face.fields.items(field.name).into(),
        );
    }
    person.insert("memberships".into(), json!([{"contactGroupMembership": {"contactGroupResourceName": format!("contactGroups/{MY_CONTACTS}")}}]));
    let draft = people::draft(turn.account, &person.into(), "person")?;
    let copied = people::insert(turn.account, draft, turn.google.now());
    let contact = turn.account.live(copied).ok_or_else(Refusal::not_found)?;
    Ok(render::person(
        copied,
        &contact.face,
        &mask,
        View::Single,
        turn.google.core.base_url(),
    ))
}

/// Admin action `other-contact`: a person object with names, addresses or phones.
pub fn by_hand(google: &super::Google, account: &str, person: &Value) -> Result<Value, AdminError> {
    let members = fields::check_shape(person, "person").map_err(super::admin::refused)?;
    let account = google.known(account)?;
    let mut account = lock(&account);
    let id = account.fresh_id();
    let mut stored = Fields::default();
    for place in ["names", "emailAddresses", "phoneNumbers"]
        .iter()
        .filter_map(|n| position(n))
    {
        let sent = fields::at(place).and_then(|f| members.get(f.name));
        stored.set(place, fields::store(place, sent, &source_id(id)));
    }
    account.seq += 1;
    let face = Face {
        fields: stored,
        groups: Vec::new(),
        photo: None,
        version: account.seq,
        updated: google.now(),
    };
    account.others.push(Other { id, face });
    Ok(json!({ "resourceName": format!("otherContacts/c{id}") }))
}
