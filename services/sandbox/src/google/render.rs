//! Writes people as JSON text, from stored text. The one place that knows how an answer looks.

use std::fmt::Write as _;

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::Value;

use super::account::{Account, Contact, Face};
use super::etag;
use super::fields::{FIELDS, position};
use super::mask::{Mask, metadata_place};

/// Items of one field that a listing shows.
const LISTED_ITEMS: usize = 100;

/// How a person is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// All items.
    Single,
    /// E-mails and phones capped, as `connections.list` does.
    Listed,
}

/// A timestamp as Google writes it.
pub fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// A contact in the version `face`.
pub fn person(id: u64, face: &Face, mask: &Mask, view: View, base_url: &str) -> String {
    let mut out = String::with_capacity(512);
    let source_etag = etag::source_etag(id, face.version);
    let source_id = etag::source_id(id);
    head(
        &mut out,
        &etag::resource_name(id),
        &mask.fields,
        &mask.sources,
        &source_etag,
    );
    if !mask.sources.contains(&2) {
        out.push('}');
        return out;
    }
    if mask.has(metadata_place()) {
        let _ = write!(
            out,
            r##","metadata":{{"sources":[{{"type":"CONTACT","id":"{source_id}","etag":"#{source_etag}","updateTime":"{}"}}],"objectType":"PERSON"}}"##,
            time(face.updated)
        );
    }
    for (place, text) in face.fields.iter().filter(|(place, _)| mask.has(*place)) {
        let name = FIELDS.get(usize::from(place)).map_or("", |f| f.name);
        if view == View::Listed
            && matches!(name, "emailAddresses" | "phoneNumbers")
            && text.len() > LISTED_ITEMS * 60
        {
            let mut items: Vec<Value> = serde_json::from_str(text).unwrap_or_default();
            items.truncate(LISTED_ITEMS);
            let _ = write!(out, ",\"{name}\":{}", Value::from(items));
        } else {
            let _ = write!(out, ",\"{name}\":{text}");
        }
    }
    memberships(&mut out, face, mask, &source_id);
    if position("photos").is_some_and(|p| mask.has(p)) {
        let (url, default) = match &face.photo {
            Some(url) => (url.clone(), ""),
            None => (
                format!("{base_url}/contacts-photo/default.png"),
                ",\"default\":true",
            ),
        };
        let _ = write!(
            out,
            ",\"photos\":[{{\"metadata\":{{\"primary\":true,\"source\":{{\"type\":\"CONTACT\",\"id\":\"{source_id}\"}}}},\"url\":\"{url}\"{default}}}]"
        );
    }
    out.push('}');
    out
}

/// What a sync shows of a deleted contact.
pub fn tombstone(contact: &Contact, mask: &Mask) -> String {
    let mut out = String::with_capacity(256);
    head(
        &mut out,
        &etag::resource_name(contact.id),
        &mask.fields,
        &mask.sources,
        &contact.source_etag(),
    );
    if mask.has(metadata_place()) {
        let _ = write!(
            out,
            r#","metadata":{{"sources":[{{"type":"CONTACT","id":"{}"}}],"deleted":true,"objectType":"PERSON"}}"#,
            etag::source_id(contact.id)
        );
    }
    out.push('}');
    out
}

/// The account's own profile: `people/me`.
pub fn profile(account: &Account, mask: &Mask) -> String {
    let source = format!("{{\"type\":\"PROFILE\",\"id\":\"{}\"}}", account.id);
    let mut out = String::new();
    head(
        &mut out,
        &format!("people/{}", account.id),
        &mask.fields,
        &mask.sources,
        &etag::source_etag(1, 1),
    );
    if mask.has(metadata_place()) {
        let _ = write!(
            out,
            ",\"metadata\":{{\"sources\":[{source}],\"objectType\":\"PERSON\"}}"
        );
    }
    let mut add = |name: &str, member: &str, value: &str| {
        if position(name).is_some_and(|p| mask.has(p)) {
            let value = Value::from(value);
            let _ = write!(
                out,
                ",\"{name}\":[{{\"metadata\":{{\"primary\":true,\"source\":{source}}},\"{member}\":{value}}}]"
            );
        }
    };
    add("emailAddresses", "value", &account.email);
    add("names", "displayName", &account.name);
    out.push('}');
    out
}

/// An "other contact": names, addresses and phones only.
pub fn other(id: u64, face: &Face, mask: &Mask) -> String {
    let mut out = String::new();
    let source_etag = etag::source_etag(id, face.version);
    head(
        &mut out,
        &format!("otherContacts/c{id}"),
        &mask.fields,
        &mask.sources,
        &source_etag,
    );
    if mask.has(metadata_place()) {
        let source_id = etag::source_id(id);
        let _ = write!(
            out,
            r##","metadata":{{"sources":[{{"type":"OTHER_CONTACT","id":"{source_id}","etag":"#{source_etag}","updateTime":"{}"}}],"objectType":"PERSON"}}"##,
            time(face.updated)
        );
    }
    for (place, text) in face.fields.iter().filter(|(place, _)| mask.has(*place)) {
        let name = FIELDS.get(usize::from(place)).map_or("", |f| f.name);
        let _ = write!(
            out,
            ",\"{name}\":{}",
            text.replace("\"type\":\"CONTACT\"", "\"type\":\"OTHER_CONTACT\"")
        );
    }
    out.push('}');
    out
}

fn head(out: &mut String, resource_name: &str, mask: &[u8], sources: &[u8], source_etag: &str) {
    let etag = etag::person_etag(mask, sources, source_etag);
    let _ = write!(
        out,
        "{{\"resourceName\":\"{resource_name}\",\"etag\":\"{etag}\""
    );
}

fn memberships(out: &mut String, face: &Face, mask: &Mask, source_id: &str) {
    if face.groups.is_empty() || !position("memberships").is_some_and(|p| mask.has(p)) {
        return;
    }
    out.push_str(",\"memberships\":[");
    for (n, group) in face.groups.iter().enumerate() {
        let comma = if n > 0 { "," } else { "" };
        let _ = write!(
            out,
            "{comma}{{\"metadata\":{{\"source\":{{\"type\":\"CONTACT\",\"id\":\"{source_id}\"}}}},\"contactGroupMembership\":{{\"contactGroupId\":\"{group}\",\"contactGroupResourceName\":\"contactGroups/{group}\"}}}}"
        );
    }
    out.push(']');
}
