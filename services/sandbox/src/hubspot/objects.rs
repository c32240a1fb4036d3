//! Contacts one by one, and their listing by id.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::account::{Account, Contact, Trouble, Values};
use super::properties::time;
use super::refusal::Refusal;
use super::wire::Answer;
use crate::core::oauth::params::Params;

/// Most contacts a page.
const PAGE: usize = 100;
/// What is shown when nothing is asked for.
const DEFAULT: &[&str] = &[
    "createdate",
    "email",
    "firstname",
    "hs_object_id",
    "lastmodifieddate",
    "lastname",
];

/// A contact as the API shows it. A property that is empty is null, one that does not exist is left out.
pub fn render(account: &Account, contact: &Contact, wanted: &[String]) -> Value {
    rendered(account, contact, &contact.values, contact.updated, wanted)
}

/// The same with other values: those that an index still has.
pub fn rendered(
    account: &Account,
    contact: &Contact,
    values: &Values,
    updated: DateTime<Utc>,
    wanted: &[String],
) -> Value {
    let always = DEFAULT.iter().copied().filter(|name| {
        wanted.is_empty() || matches!(*name, "createdate" | "hs_object_id" | "lastmodifieddate")
    });
    let mut shown = Map::new();
    for name in always.chain(wanted.iter().map(String::as_str)) {
        if account.properties.contains_key(name) {
            let value = value_of(contact, values, updated, name);
            shown.insert(name.to_owned(), value.map_or(Value::Null, Value::String));
        }
    }
    let mut body = json!({
        "id": contact.id.to_string(), "properties": shown, "createdAt": time(contact.created),
        "updatedAt": time(updated), "archived": contact.archived.is_some(),
        "url": format!("https://app.hubspot.com/contacts/{}/record/0-1/{}", account.id, contact.id),
    });
    if let (Some(at), Some(body)) = (contact.archived, body.as_object_mut()) {
        body.insert("archivedAt".into(), time(at).into());
    }
    body
}

/// One property's value, computed ones too.
pub fn value_of(
    contact: &Contact,
    values: &Values,
    updated: DateTime<Utc>,
    name: &str,
) -> Option<String> {
    match name {
        "hs_object_id" => Some(contact.id.to_string()),
        "createdate" => Some(time(contact.created)),
        "lastmodifieddate" => Some(time(updated)),
        "hs_merged_object_ids" => {
            let ids: Vec<String> = contact.merged.iter().map(u64::to_string).collect();
            Some(ids.join(";")).filter(|ids| !ids.is_empty())
        }
        _ => values.get(name).cloned(),
    }
}

/// A contact's number.
pub fn number(id: &str) -> Option<u64> {
    id.parse().ok()
}

/// The properties that a query or a body names.
pub fn wanted(list: &Value) -> Vec<String> {
    let names = list.as_array().into_iter().flatten();
    names.filter_map(Value::as_str).map(str::to_owned).collect()
}

fn asked(query: &Params) -> Vec<String> {
    let names = query
        .all("properties")
        .iter()
        .flat_map(|all| all.split(','));
    names
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

/// The properties of a body.
pub fn values(body: &Value) -> Result<Values, Refusal> {
    let members = body.get("properties").and_then(Value::as_object);
    let members =
        members.ok_or_else(|| Refusal::validation("Invalid input JSON: properties are missing"))?;
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    };
    Ok(members
        .iter()
        .map(|(name, value)| (name.clone(), text(value)))
        .collect())
}

/// Why a write was refused.
pub fn refused(trouble: Trouble) -> Refusal {
    match trouble {
        Trouble::Refused(refusal) => refusal,
        Trouble::Taken(id) => Refusal::taken(id),
    }
}

/// `GET /crm/v3/objects/contacts`
pub fn list(account: &Account, query: &Params, now: DateTime<Utc>) -> Answer {
    let limit = query.find("limit").map_or(Ok(10), str::parse);
    let limit = limit.ok().filter(|limit| (1..=PAGE).contains(limit));
    let limit = limit.ok_or_else(|| {
        Refusal::validation("limit must be less than or equal to 100 and greater than 0")
    })?;
    let after = query.find("after").map_or(Some(0), number);
    let after = after.ok_or_else(|| Refusal::validation("after is not a valid cursor"))?;
    let archived = query.get("archived").eq_ignore_ascii_case("true");
    let wanted = asked(query);
    let listed = |contact: &&Contact| {
        if archived {
            Account::is_remembered(contact, now)
        } else {
            contact.archived.is_none()
        }
    };
    let mut rest = account
        .contacts
        .range(after..)
        .map(|(_, c)| c)
        .filter(listed);
    let page: Vec<Value> = rest
        .by_ref()
        .take(limit)
        .map(|contact| render(account, contact, &wanted))
        .collect();
    let mut body = json!({ "results": page });
    if let (Some(next), Some(body)) = (rest.next(), body.as_object_mut()) {
        let next = next.id.to_string();
        let link = format!("https://api.hubapi.com/crm/v3/objects/contacts?after={next}");
        body.insert(
            "paging".into(),
            json!({"next": {"after": next, "link": link}}),
        );
    }
    Ok((200, body))
}

/// A live contact by its id or a unique property.
pub fn find<'a>(
    account: &'a Account,
    id: &str,
    id_property: Option<&str>,
) -> Result<Option<&'a Contact>, Refusal> {
    match id_property.filter(|name| *name != "hs_object_id") {
        None => Ok(number(id).and_then(|id| account.live(id))),
        Some(name) => {
            let unique = account.properties.get(name).is_some_and(|p| p.unique);
            if !unique {
                let message = format!("Property {name} is not a unique identifier property");
                return Err(Refusal::validation(message));
            }
            Ok(account.by_unique(name, id))
        }
    }
}

/// `GET /crm/v3/objects/contacts/{id}`
pub fn read(account: &Account, id: &str, query: &Params, now: DateTime<Utc>) -> Answer {
    let archived = number(id)
        .filter(|_| query.get("archived").eq_ignore_ascii_case("true"))
        .and_then(|id| account.contacts.get(&id))
        .filter(|contact| Account::is_remembered(contact, now));
    let found = match archived {
        Some(contact) => Some(contact),
        None => find(account, id, query.find("idProperty"))?,
    };
    let found = found.ok_or_else(|| Refusal::not_found(id))?;
    Ok((200, render(account, found, &asked(query))))
}

/// `POST /crm/v3/objects/contacts`
pub fn create(account: &mut Account, body: &Value, now: DateTime<Utc>) -> Answer {
    let values = values(body)?;
    let id = account.create(&values, now).map_err(refused)?;
    shown(account, id, &values.into_keys().collect::<Vec<_>>(), 201)
}

/// `PATCH /crm/v3/objects/contacts/{id}`
pub fn update(
    account: &mut Account,
    id: &str,
    query: &Params,
    body: &Value,
    now: DateTime<Utc>,
) -> Answer {
    let values = values(body)?;
    let found = find(account, id, query.find("idProperty"))?;
    let id = found.ok_or_else(|| Refusal::not_found(id))?.id;
    account.change(id, &values, now).map_err(refused)?;
    shown(account, id, &values.into_keys().collect::<Vec<_>>(), 200)
}

fn shown(account: &Account, id: u64, wanted: &[String], status: u16) -> Answer {
    let contact = account.live(id);
    let contact = contact.ok_or_else(|| Refusal::not_found(&id.to_string()))?;
    Ok((status, render(account, contact, wanted)))
}

/// `POST /crm/v3/objects/contacts/merge`
pub fn merge(account: &mut Account, body: &Value, now: DateTime<Utc>) -> Answer {
    let id = |name: &str| body.get(name).and_then(Value::as_str).and_then(number);
    let (Some(winner), Some(loser)) = (id("primaryObjectId"), id("objectIdToMerge")) else {
        return Err(Refusal::validation(
            "Invalid input JSON: two ids are needed",
        ));
    };
    if !account.merge(winner, loser, now) {
        return Err(Refusal::not_found(&loser.to_string()));
    }
    shown(account, winner, &[], 200)
}

/// `POST /crm/v3/objects/contacts/gdpr-delete`
pub fn forget(account: &mut Account, body: &Value) -> Answer {
    let id = body
        .get("objectId")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let property = body.get("idProperty").and_then(Value::as_str);
    if let Some(found) = find(account, id, property)?.map(|contact| contact.id) {
        account.forget(found);
    }
    Ok((204, Value::Null))
}
