//! Contact groups and their members (providers/google.md 2.7).

use serde_json::{Map, Value, json};

use super::account::{Account, Group};
use super::etag::{parse_resource_name, resource_name, source_etag};
use super::people::is_open;
use super::refusal::Refusal;
use super::render::time;
use super::tokens::{self, PageToken, SyncToken};
use super::wire::Turn;
use crate::core::ids::digest;
use crate::core::lock;

const KIND: &str = "groups";
/// Most names of one `members:modify`.
const MODIFY_LIMIT: usize = 1_000;
/// Most names of one `batchGet`.
const BATCH_LIMIT: usize = 200;
const DEFAULT_FIELDS: &str = "metadata,groupType,memberCount,name";

/// `contactGroups.list`.
pub fn list(turn: &mut Turn<'_>) -> Result<String, Refusal> {
    let query = &turn.ask.query;
    let size = turn.page_size(30, 1_000)?;
    let params = tokens::bind(query, &["groupFields"]);
    let now = turn.google.now();
    let sync = tokens::sync(query, KIND, params, turn.account, now)?;
    let from = tokens::page(query, KIND, params)?;
    let account = &*turn.account;
    let mut groups: Vec<&Group> = account
        .groups
        .values()
        .filter(|g| sync.as_ref().map_or(!g.deleted, |t| g.seq > t.seq))
        .collect();
    groups.sort_by_key(|g| (!g.system, g.seq, g.id.clone()));
    let since = sync.as_ref().map_or_else(|| now.timestamp(), |t| t.since);
    let start = from.map_or(0, |t| t.at as usize);
    let fields = wanted(query.get("groupFields"), DEFAULT_FIELDS);
    let page: Vec<Value> = groups
        .iter()
        .skip(start)
        .take(size)
        .map(|g| show(account, g, &fields, None))
        .collect();
    let mut out = Map::new();
    let end = start + page.len();
    if !page.is_empty() {
        out.insert("contactGroups".into(), page.into());
        out.insert("totalItems".into(), groups.len().into());
    }
    if end < groups.len() {
        let next = PageToken {
            kind: KIND.into(),
            params,
            at: end as u64,
            bound: account.seq,
            synced: account.seq,
            held: false,
            since,
        };
        out.insert("nextPageToken".into(), tokens::seal(&next).into());
    } else {
        let token = SyncToken {
            kind: KIND.into(),
            generation: account.generation,
            since,
            seq: account.seq,
            params,
        };
        out.insert("nextSyncToken".into(), tokens::seal(&token).into());
    }
    Ok(Value::from(out).to_string())
}

/// `contactGroups.get`.
pub fn get(turn: &mut Turn<'_>) -> Result<String, Refusal> {
    let group = live(turn.account, turn.id).ok_or_else(Refusal::not_found)?;
    let fields = wanted(turn.ask.query.get("groupFields"), DEFAULT_FIELDS);
    Ok(show(turn.account, group, &fields, Some(max_members(turn))).to_string())
}

/// `contactGroups.batchGet`.
pub fn batch_get(turn: &mut Turn<'_>) -> Result<String, Refusal> {
    let names = turn.ask.query.all("resourceNames");
    if names.is_empty() || names.len() > BATCH_LIMIT {
        return Err(Refusal::argument());
    }
    let fields = wanted(turn.ask.query.get("groupFields"), DEFAULT_FIELDS);
    let most = max_members(turn);
    let responses: Vec<Value> = names
        .iter()
        .map(|name| {
            let group = name.strip_prefix("contactGroups/").and_then(|id| live(turn.account, id));
            match group {
                Some(g) => json!({"requestedResourceName": name, "status": {}, "contactGroup": show(turn.account, g, &fields, Some(most))}),
                None => json!({"requestedResourceName": name, "status": {"code": 5, "message": "Requested entity was not found."}}),
            }
        })
        .collect();
    Ok(json!({ "responses": responses }).to_string())
}

/// `contactGroups.create`.
pub fn create(turn: &mut Turn<'_>) -> Result<String, Refusal> {
    let body = turn.json()?;
    let sent = body.get("contactGroup").unwrap_or(&Value::Null);
    let now = turn.google.now();
    let id = add(
        turn.account,
        sent.get("name").and_then(Value::as_str).unwrap_or(""),
        client_data(sent),
        now,
    )?;
    answer(turn, &id, &body)
}

/// Adds a group under a new name; answers its id.
pub fn add(
    account: &mut Account,
    name: &str,
    client_data: Vec<Value>,
    now: chrono::DateTime<chrono::Utc>,
) -> Result<String, Refusal> {
    check_name(account, name, "")?;
    let id = format!("{:x}", account.fresh_id());
    account.seq += 1;
    let group = Group {
        id: id.clone(),
        name: name.trim().to_owned(),
        formatted: name.trim().to_owned(),
        system: false,
        members: 0,
        client_data,
        updated: now,
        seq: account.seq,
        deleted: false,
    };
    account.groups.insert(id.clone(), group);
    Ok(id)
}

/// `contactGroups.update`.
pub fn update(turn: &mut Turn<'_>) -> Result<String, Refusal> {
    let body = turn.json()?;
    let sent = body.get("contactGroup").unwrap_or(&Value::Null);
    let fields = wanted(
        body.get("updateGroupFields")
            .and_then(Value::as_str)
            .unwrap_or(""),
        "name",
    );
    let old = live(turn.account, turn.id).ok_or_else(Refusal::not_found)?;
    if old.system {
        return Err(Refusal::invalid("Cannot modify a system contact group."));
    }
    let name = sent
        .get("name")
        .and_then(Value::as_str)
        .unwrap_or("")
        .trim()
        .to_owned();
    let renames = fields.iter().any(|f| f == "name");
    if renames {
        check_name(turn.account, &name, turn.id)?;
    }
    let etag = sent.get("etag").and_then(Value::as_str);
    if etag.is_some_and(|e| e != group_etag(old)) {
        return Err(Refusal::stale("contactGroup.etag"));
    }
    let now = turn.google.now();
    turn.account.seq += 1;
    let seq = turn.account.seq;
    if let Some(group) = turn.account.groups.get_mut(turn.id) {
        if renames {
            group.formatted.clone_from(&name);
            group.name = name;
        }
        if fields.iter().any(|f| f == "clientData") {
            group.client_data = client_data(sent);
        }
        group.updated = now;
        group.seq = seq;
    }
    answer(turn, turn.id, &body)
}

/// `contactGroups.delete`.
pub fn delete(turn: &mut Turn<'_>) -> Result<String, Refusal> {
    let group = live(turn.account, turn.id).ok_or_else(Refusal::not_found)?;
    if group.system {
        return Err(Refusal::invalid("Cannot delete a system contact group."));
    }
    let now = turn.google.now();
    remove(
        turn.account,
        turn.id,
        turn.ask.query.get("deleteContacts") == "true",
        now,
    );
    Ok("{}".to_owned())
}

/// Deletes a group, its memberships and, if asked, its members. A contact left without group stays in `myContacts`.
pub fn remove(
    account: &mut Account,
    id: &str,
    with_contacts: bool,
    now: chrono::DateTime<chrono::Utc>,
) {
    let members: Vec<u64> = account.members(id).collect();
    for member in members {
        if with_contacts {
            account.set_deleted(member, true, now);
        } else {
            account.change(member, now, |face| {
                face.groups.retain(|g| g != id);
                if face.groups.is_empty() {
                    face.groups.push(super::account::MY_CONTACTS.to_owned());
                }
            });
        }
    }
    account.seq += 1;
    let seq = account.seq;
    if let Some(group) = account.groups.get_mut(id) {
        group.deleted = true;
        group.members = 0;
        group.updated = now;
        group.seq = seq;
    }
}

/// `contactGroups.members.modify`: 200 even when some names fail.
pub fn modify(turn: &mut Turn<'_>) -> Result<String, Refusal> {
    let body = turn.json()?;
    let names = |key: &str| -> Vec<String> {
        body.get(key)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|n| n.as_str().map(str::to_owned))
            .collect()
    };
    let (adds, removes) = (names("resourceNamesToAdd"), names("resourceNamesToRemove"));
    live(turn.account, turn.id).ok_or_else(Refusal::not_found)?;
    if adds.len() + removes.len() > MODIFY_LIMIT {
        return Err(Refusal::invalid(format!(
            "At most {MODIFY_LIMIT} resource names may be modified at once."
        )));
    }
    if !adds.is_empty() && !is_open(turn.id) {
        let what = format!(
            "Cannot add contacts to the deprecated system contact group contactGroups/{}.",
            turn.id
        );
        return Err(Refusal::invalid(what));
    }
    let now = turn.google.now();
    let group = turn.id.to_owned();
    let account = &mut *turn.account;
    let (mut unknown, mut last) = (Vec::new(), Vec::new());
    for (name, adding) in adds
        .iter()
        .map(|n| (n, true))
        .chain(removes.iter().map(|n| (n, false)))
    {
        let contact = name
            .strip_prefix("people/")
            .and_then(parse_resource_name)
            .and_then(|id| account.live(id));
        let Some(contact) = contact else {
            unknown.push(name.clone());
            continue;
        };
        let (id, is_in, count) = (
            contact.id,
            contact.face.groups.contains(&group),
            contact.face.groups.len(),
        );
        if adding && !is_in {
            account.change(id, now, |face| {
                face.groups.push(group.clone());
                face.groups.sort_unstable();
            });
        } else if !adding && is_in && count == 1 {
            last.push(name.clone());
        } else if !adding && is_in {
            account.change(id, now, |face| face.groups.retain(|g| *g != group));
        }
    }
    let mut out = Map::new();
    if !unknown.is_empty() {
        out.insert("notFoundResourceNames".into(), unknown.into());
    }
    if !last.is_empty() {
        out.insert(
            "canNotRemoveLastContactGroupResourceNames".into(),
            last.into(),
        );
    }
    Ok(Value::from(out).to_string())
}

fn live<'a>(account: &'a Account, id: &str) -> Option<&'a Group> {
    account.groups.get(id).filter(|g| !g.deleted)
}

fn answer(turn: &Turn<'_>, id: &str, body: &Value) -> Result<String, Refusal> {
    let group = live(turn.account, id).ok_or_else(Refusal::not_found)?;
    let text = body
        .get("readGroupFields")
        .and_then(Value::as_str)
        .unwrap_or("");
    Ok(show(
        turn.account,
        group,
        &wanted(text, "metadata,groupType,name"),
        None,
    )
    .to_string())
}

fn check_name(account: &Account, name: &str, own: &str) -> Result<(), Refusal> {
    if name.trim().is_empty() {
        return Err(Refusal::invalid("Contact group name must not be empty."));
    }
    let taken = account.groups.values().any(|g| {
        !g.deleted
            && g.id != own
            && (g.name == name.trim() || (g.system && g.formatted == name.trim()))
    });
    if taken {
        Err(Refusal::duplicate_group())
    } else {
        Ok(())
    }
}

fn client_data(sent: &Value) -> Vec<Value> {
    sent.get("clientData")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default()
}

fn max_members(turn: &Turn<'_>) -> usize {
    turn.ask.query.get("maxMembers").parse().unwrap_or(0)
}

fn wanted(text: &str, default: &str) -> Vec<String> {
    let text = if text.is_empty() { default } else { text };
    text.split(',').map(|f| f.trim().to_owned()).collect()
}

fn group_etag(group: &Group) -> String {
    source_etag(digest(&group.id), group.seq)
}

/// A group as JSON. `groupFields` rules what is in it; name and type are always there.
fn show(account: &Account, group: &Group, fields: &[String], members: Option<usize>) -> Value {
    let has = |name: &str| fields.iter().any(|f| f == name);
    let mut out = Map::new();
    out.insert(
        "resourceName".into(),
        format!("contactGroups/{}", group.id).into(),
    );
    out.insert("etag".into(), group_etag(group).into());
    out.insert(
        "groupType".into(),
        if group.system {
            "SYSTEM_CONTACT_GROUP"
        } else {
            "USER_CONTACT_GROUP"
        }
        .into(),
    );
    out.insert("name".into(), group.name.clone().into());
    out.insert("formattedName".into(), group.formatted.clone().into());
    if has("metadata") || group.deleted {
        let mut metadata = json!({"updateTime": time(group.updated)});
        if let (true, Some(members)) = (group.deleted, metadata.as_object_mut()) {
            members.insert("deleted".into(), true.into());
        }
        out.insert("metadata".into(), metadata);
    }
    if has("memberCount") && group.members > 0 {
        out.insert("memberCount".into(), group.members.into());
    }
    if has("clientData") && !group.client_data.is_empty() {
        out.insert("clientData".into(), group.client_data.clone().into());
    }
    if let Some(most) = members.filter(|m| *m > 0) {
        let names: Vec<Value> = account
            .members(&group.id)
            .take(most)
            .map(|id| resource_name(id).into())
            .collect();
        if !names.is_empty() {
            out.insert("memberResourceNames".into(), names.into());
        }
    }
    out.into()
}

/// Admin action `group`: `{"name"}` creates, with `"reuse": true` it answers a group of that name which is there and
/// takes contacts; `{"id", "delete": true}` deletes.
pub fn by_hand(
    google: &super::Google,
    account: &str,
    body: &Value,
) -> Result<Value, crate::core::provider::AdminError> {
    let account = google.known(account)?;
    let mut account = lock(&account);
    let now = google.now();
    let text = |key: &str| body.get(key).and_then(Value::as_str).unwrap_or("");
    if body.get("delete") == Some(&Value::Bool(true)) {
        remove(&mut account, text("id"), false, now);
        return Ok(json!({}));
    }
    let name = text("name").trim();
    let known = account
        .groups
        .values()
        .find(|g| !g.deleted && is_open(&g.id) && (g.name == name || g.formatted == name))
        .map(|g| g.id.clone());
    let reuse = body.get("reuse") == Some(&Value::Bool(true));
    let shut = account
        .groups
        .values()
        .any(|g| g.system && !is_open(&g.id) && (g.name == name || g.formatted == name));
    let id = match known.filter(|_| reuse) {
        Some(id) => id,
        None if reuse && shut => {
            return Err(crate::core::provider::AdminError::conflict(
                "Google has a group of its own by this name, and takes no contacts into it",
            ));
        }
        None => add(&mut account, name, Vec::new(), now).map_err(super::admin::refused)?,
    };
    Ok(json!({ "id": id, "resourceName": format!("contactGroups/{id}") }))
}
