//! Reading and writing single people and batches of them (providers/google.md 2.2, 2.5).

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::account::{Account, MY_CONTACTS, SYSTEM_GROUPS};
use super::etag::{parse_resource_name, resource_name, source_id, unwrap_person_etag};
use super::fields::{self, FIELDS, Fields, position};
use super::mask::{self, Mask};
use super::refusal::Refusal;
use super::render::{self, View};
use super::wire::Turn;

/// Most people of a batch of creates, updates or reads.
const BATCH_LIMIT: usize = 200;
/// Most people of a batch of deletions.
const DELETE_LIMIT: usize = 500;

/// `people.get`.
pub fn get(turn: &mut Turn<'_>) -> Result<String, Refusal> {
    let mask = Mask::required(&turn.ask.query, "personFields", "people.get")?;
    one(turn, turn.id, &mask).ok_or_else(Refusal::not_found)
}

/// A person by the last part of their name: `me`, the account's own id, or a contact.
fn one(turn: &Turn<'_>, id: &str, mask: &Mask) -> Option<String> {
    if id == "me" || id == turn.account.id {
        return Some(render::profile(turn.account, mask));
    }
    let contact = turn.account.live(parse_resource_name(id)?)?;
    Some(render::person(
        contact.id,
        &contact.face,
        mask,
        View::Single,
        turn.google.core.base_url(),
    ))
}

/// `people.getBatchGet`.
pub fn batch_get(turn: &mut Turn<'_>) -> Result<String, Refusal> {
    let mask = Mask::required(&turn.ask.query, "personFields", "people.getBatchGet")?;
    let names = turn.ask.query.all("resourceNames");
    if names.is_empty() || names.len() > BATCH_LIMIT {
        return Err(Refusal::bad_payload(
            "resourceNames",
            &format!("resourceNames must have 1 to {BATCH_LIMIT} entries."),
        ));
    }
    let responses: Vec<String> = names
        .iter()
        .map(|name| {
            let found = name
                .strip_prefix("people/")
                .and_then(|id| one(turn, id, &mask));
            found.map_or_else(|| unknown(name), |person| response(name, &person))
        })
        .collect();
    Ok(format!("{{\"responses\":[{}]}}", responses.join(",")))
}

fn unknown(name: &str) -> String {
    let status = json!({"code": 5, "message": "Requested entity was not found."});
    json!({"requestedResourceName": name, "httpStatusCode": 404, "status": status}).to_string()
}

/// A directory there is none.
#[expect(
    clippy::unnecessary_wraps,
    reason = "the table of methods has one type of handler"
)]
pub fn no_directory(_turn: &mut Turn<'_>) -> Result<String, Refusal> {
    Ok("{}".to_owned())
}

/// `people.createContact`.
pub fn create(turn: &mut Turn<'_>) -> Result<String, Refusal> {
    let mask = Mask::optional(&turn.ask.query, "personFields", "people.createContact")?
        .unwrap_or_else(Mask::all);
    let body = turn.json()?;
    let draft = draft(turn.account, &body, "person")?;
    check_room(turn.account, 1)?;
    let id = add(turn, draft);
    one(turn, &format!("c{id}"), &mask).ok_or_else(Refusal::not_found)
}

/// `people.batchCreateContacts`: all or none.
pub fn batch_create(turn: &mut Turn<'_>) -> Result<String, Refusal> {
    let body = turn.json()?;
    let mask = body_mask(&body, "people.batchCreateContacts")?;
    let entries = body
        .get("contacts")
        .and_then(Value::as_array)
        .map_or(&[][..], Vec::as_slice);
    if entries.is_empty() || entries.len() > BATCH_LIMIT {
        return Err(Refusal::bad_payload(
            "contacts",
            &format!("contacts must have 1 to {BATCH_LIMIT} entries."),
        ));
    }
    check_room(turn.account, entries.len())?;
    let mut drafts = Vec::with_capacity(entries.len());
    let mut errors = Map::new();
    let mut first = None;
    for (n, entry) in entries.iter().enumerate() {
        let person = entry.get("contactPerson").unwrap_or(&Value::Null);
        match draft(
            turn.account,
            person,
            &format!("contacts[{n}].contact_person"),
        ) {
            Ok(draft) => drafts.push(draft),
            Err(refusal) => {
                errors.insert(
                    n.to_string(),
                    json!({"code": refusal.rpc_number(), "message": refusal.message}),
                );
                first.get_or_insert(refusal);
            }
        }
    }
    if let Some(first) = first {
        return Err(Refusal::batch(
            first,
            "BatchCreateContactsErrorDetails",
            &errors.into(),
        ));
    }
    let ids: Vec<u64> = drafts.into_iter().map(|draft| add(turn, draft)).collect();
    let Some(mask) = mask else {
        return Ok("{}".to_owned());
    };
    let created: Vec<String> = ids
        .iter()
        .filter_map(|id| {
            one(turn, &format!("c{id}"), &mask).map(|person| response(&resource_name(*id), &person))
        })
        .collect();
    Ok(format!("{{\"createdPeople\":[{}]}}", created.join(",")))
}

/// `people.updateContact`.
pub fn update(turn: &mut Turn<'_>) -> Result<String, Refusal> {
    const METHOD: &str = "people.updateContact";
    let places = mask::update_mask(
        &turn.ask.query.all("updatePersonFields").join(","),
        "updatePersonFields",
        METHOD,
    )?;
    let mask = Mask::optional(&turn.ask.query, "personFields", METHOD)?.unwrap_or_else(Mask::all);
    let body = turn.json()?;
    let id = parse_resource_name(turn.id).ok_or_else(Refusal::not_found)?;
    let edit = check_update(turn.account, id, &body, &places, "person")?;
    apply(turn, id, edit);
    one(turn, turn.id, &mask).ok_or_else(Refusal::not_found)
}

/// `people.batchUpdateContacts`: all or none.
pub fn batch_update(turn: &mut Turn<'_>) -> Result<String, Refusal> {
    const METHOD: &str = "people.batchUpdateContacts";
    let body = turn.json()?;
    let mask = body_mask(&body, METHOD)?;
    let places = mask::update_mask(
        body.get("updateMask").and_then(Value::as_str).unwrap_or(""),
        "updateMask",
        METHOD,
    )?;
    let empty = Map::new();
    let entries = body
        .get("contacts")
        .and_then(Value::as_object)
        .unwrap_or(&empty);
    if entries.is_empty() || entries.len() > BATCH_LIMIT {
        return Err(Refusal::bad_payload(
            "contacts",
            &format!("contacts must have 1 to {BATCH_LIMIT} entries."),
        ));
    }
    let mut edits = Vec::with_capacity(entries.len());
    let mut errors = Map::new();
    let mut first = None;
    for (name, person) in entries {
        let checked = parse_resource_name(name)
            .ok_or_else(Refusal::not_found)
            .and_then(|id| {
                Ok((
                    id,
                    check_update(
                        turn.account,
                        id,
                        person,
                        &places,
                        &format!("contacts[{name}]"),
                    )?,
                ))
            });
        match checked {
            Ok(edit) => edits.push(edit),
            Err(refusal) => {
                errors.insert(
                    name.clone(),
                    json!({"code": refusal.rpc_number(), "message": refusal.message}),
                );
                first.get_or_insert(refusal);
            }
        }
    }
    if let Some(first) = first {
        return Err(Refusal::batch(
            first,
            "BatchUpdateContactsErrorDetails",
            &errors.into(),
        ));
    }
    let ids: Vec<u64> = edits.iter().map(|(id, _)| *id).collect();
    for (id, edit) in edits {
        apply(turn, id, edit);
    }
    let Some(mask) = mask else {
        return Ok("{}".to_owned());
    };
    let mut out = String::new();
    for id in ids {
        let name = resource_name(id);
        if let Some(person) = one(turn, &format!("c{id}"), &mask) {
            let comma = if out.is_empty() { "" } else { "," };
            let _ = write!(out, "{comma}\"{name}\":{}", response(&name, &person));
        }
    }
    Ok(format!("{{\"updateResult\":{{{out}}}}}"))
}

/// `people.deleteContact`.
pub fn delete(turn: &mut Turn<'_>) -> Result<String, Refusal> {
    let id = parse_resource_name(turn.id).ok_or_else(Refusal::not_found)?;
    if turn.account.set_deleted(id, true, turn.google.now()) {
        Ok("{}".to_owned())
    } else {
        Err(Refusal::not_found())
    }
}

/// `people.batchDeleteContacts`: one unknown name and nothing is deleted.
pub fn batch_delete(turn: &mut Turn<'_>) -> Result<String, Refusal> {
    let body = turn.json()?;
    let names = body
        .get("resourceNames")
        .and_then(Value::as_array)
        .map_or(&[][..], Vec::as_slice);
    if names.is_empty() || names.len() > DELETE_LIMIT {
        return Err(Refusal::bad_payload(
            "resourceNames",
            &format!("resourceNames must have 1 to {DELETE_LIMIT} entries."),
        ));
    }
    let ids: Option<Vec<u64>> = names
        .iter()
        .map(|n| parse_resource_name(n.as_str()?))
        .collect();
    let ids = ids
        .filter(|ids| ids.iter().all(|id| turn.account.live(*id).is_some()))
        .ok_or_else(Refusal::not_found)?;
    let now = turn.google.now();
    for id in ids {
        turn.account.set_deleted(id, true, now);
    }
    Ok("{}".to_owned())
}

/// What a person to be stored says.
pub struct Draft {
    members: Map<String, Value>,
    groups: Vec<String>,
}

/// Checks a person for creation.
pub fn draft(account: &Account, person: &Value, path: &str) -> Result<Draft, Refusal> {
    let members = fields::check_shape(person, path)?.clone();
    let groups = match group_ids(account, members.get("memberships"))? {
        groups if groups.is_empty() => vec![MY_CONTACTS.to_owned()],
        groups => groups,
    };
    Ok(Draft { members, groups })
}

/// Stores a checked person.
fn add(turn: &mut Turn<'_>, draft: Draft) -> u64 {
    let now = turn.google.now();
    insert(turn.account, draft, now)
}

/// Stores a checked person at a time of the caller's choice.
pub fn insert(account: &mut Account, draft: Draft, now: chrono::DateTime<chrono::Utc>) -> u64 {
    let id = account.fresh_id();
    let source = source_id(id);
    let mut stored = Fields::default();
    for (place, field) in FIELDS
        .iter()
        .enumerate()
        .filter(|(_, f)| f.writable && f.name != "memberships")
    {
        stored.set(
            place as u8,
            fields::store(place as u8, draft.members.get(field.name), &source),
        );
    }
    account.insert(id, stored, draft.groups, now);
    id
}

/// A checked change: new texts by place, and new groups.
struct Edit {
    texts: Vec<(u8, Option<Box<str>>)>,
    groups: Option<Vec<String>>,
}

fn check_update(
    account: &Account,
    id: u64,
    person: &Value,
    places: &[u8],
    path: &str,
) -> Result<Edit, Refusal> {
    let members = fields::check_shape(person, path)?;
    let contact = account.live(id).ok_or_else(Refusal::not_found)?;
    check_etag(members, &contact.source_etag())?;
    edit(account, id, members, places)
}

fn edit(
    account: &Account,
    id: u64,
    members: &Map<String, Value>,
    places: &[u8],
) -> Result<Edit, Refusal> {
    let source = source_id(id);
    let memberships = position("memberships").unwrap_or(u8::MAX);
    let groups = if places.contains(&memberships) {
        let groups = group_ids(account, members.get("memberships"))?;
        if groups.is_empty() {
            return Err(Refusal::invalid(
                "A contact must have at least one contact group membership.",
            ));
        }
        Some(groups)
    } else {
        None
    };
    let texts = places
        .iter()
        .filter(|p| **p != memberships)
        .filter_map(|p| Some((*p, members.get(fields::at(*p)?.name))))
        .map(|(p, sent)| (p, fields::store(p, sent, &source)))
        .collect();
    Ok(Edit { texts, groups })
}

/// Either etag will do; each one sent must be the current one.
fn check_etag(members: &Map<String, Value>, current: &str) -> Result<(), Refusal> {
    let person = members
        .get("etag")
        .and_then(Value::as_str)
        .filter(|e| !e.is_empty());
    let sources = members
        .get("metadata")
        .and_then(|m| m.get("sources"))
        .and_then(Value::as_array);
    let source = sources
        .into_iter()
        .flatten()
        .find(|s| s.get("type").and_then(Value::as_str) == Some("CONTACT"))
        .and_then(|s| s.get("etag").and_then(Value::as_str));
    if person.is_none() && source.is_none() {
        return Err(Refusal::invalid(
            "Request must set person.etag or person.metadata.sources.etag for the source that is being updated.",
        ));
    }
    if person.is_some_and(|e| unwrap_person_etag(e).as_deref() != Some(current)) {
        return Err(Refusal::stale("person.etag"));
    }
    if source.is_some_and(|e| e.trim_start_matches('#') != current) {
        return Err(Refusal::stale("person.metadata.sources.etag"));
    }
    Ok(())
}

fn apply(turn: &mut Turn<'_>, id: u64, edit: Edit) {
    let now = turn.google.now();
    write(turn.account, id, edit, now);
}

fn write(account: &mut Account, id: u64, edit: Edit, now: chrono::DateTime<chrono::Utc>) {
    account.change(id, now, |face| {
        for (place, text) in edit.texts {
            face.fields.set(place, text);
        }
        if let Some(groups) = edit.groups {
            face.groups = groups;
        }
    });
}

/// A person at the keyboard edits the fields given; no etag is asked for.
pub fn edit_by_hand(
    account: &mut Account,
    id: u64,
    person: &Value,
    now: chrono::DateTime<chrono::Utc>,
) -> Result<(), Refusal> {
    let members = fields::check_shape(person, "person")?;
    let places: Vec<u8> = members
        .keys()
        .filter_map(|name| position(name))
        .filter(|p| fields::at(*p).is_some_and(|f| f.writable))
        .collect();
    let edit = edit(account, id, members, &places)?;
    write(account, id, edit, now);
    Ok(())
}

/// The group ids of memberships as sent; sorted, once each.
fn group_ids(account: &Account, memberships: Option<&Value>) -> Result<Vec<String>, Refusal> {
    let mut ids = Vec::new();
    for item in memberships.and_then(Value::as_array).into_iter().flatten() {
        let Some(membership) = item.get("contactGroupMembership") else {
            continue;
        };
        let name = membership
            .get("contactGroupResourceName")
            .and_then(Value::as_str)
            .and_then(|n| n.strip_prefix("contactGroups/"));
        let Some(id) = name else { continue };
        match account.groups.get(id).filter(|g| !g.deleted) {
            None => return Err(Refusal::not_found()),
            Some(group) if group.system && !is_open(id) => {
                return Err(Refusal::invalid(format!(
                    "Cannot add contacts to the deprecated system contact group contactGroups/{id}."
                )));
            }
            Some(_) => ids.push(id.to_owned()),
        }
    }
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}

/// Whether a group takes new members: user groups and two system groups.
pub fn is_open(group: &str) -> bool {
    matches!(group, MY_CONTACTS | "starred") || !SYSTEM_GROUPS.iter().any(|(id, _)| *id == group)
}

fn check_room(account: &Account, more: usize) -> Result<(), Refusal> {
    match account.knobs.contact_limit {
        Some(limit) if account.live + more as u64 > limit => Err(Refusal::store_full()),
        _ => Ok(()),
    }
}

/// The `readMask` of a batch body; empty means: answer nothing.
fn body_mask(body: &Value, method: &str) -> Result<Option<Mask>, Refusal> {
    let sources: Vec<&str> = body
        .get("sources")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    match body.get("readMask").and_then(Value::as_str).unwrap_or("") {
        "" => Ok(None),
        text => Mask::parse(text, &sources, "readMask", method).map(Some),
    }
}

/// A PersonResponse.
fn response(name: &str, person: &str) -> String {
    format!(
        "{{\"requestedResourceName\":{},\"httpStatusCode\":200,\"status\":{{}},\"person\":{person}}}",
        Value::from(name)
    )
}
