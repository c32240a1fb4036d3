//! Members: adding, changing, archiving, deleting for good, tags, and many in one call.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::account::{Account, Audience, Member};
use super::merge::merge;
use super::refusal::Refusal;

/// Statuses that a client may set.
const STATUSES: &[&str] = &[
    "subscribed",
    "unsubscribed",
    "cleaned",
    "pending",
    "transactional",
];
/// Most members of one call.
const BATCH: usize = 500;
/// What clients may set and nothing here reads.
const MORE: &[&str] = &[
    "language",
    "vip",
    "email_type",
    "location",
    "source",
    "interests",
];

/// How a write is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Manner {
    /// Required merge fields may be missing.
    pub lenient: bool,
    /// Whether `tags` are those of a member that is there already too.
    pub sync_tags: bool,
}

fn text<'a>(body: &'a Value, name: &str) -> Option<&'a str> {
    body.get(name).and_then(Value::as_str)
}

/// Whether an address cannot be a person's.
fn is_fake(email: &str) -> bool {
    let Some((local, domain)) = email.split_once('@') else {
        return true;
    };
    let odd = |c: char| c.is_whitespace() || c == '@';
    local.is_empty()
        || !domain.contains('.')
        || email.contains(odd) && email.matches('@').count() != 1
        || matches!(domain, "example.com" | "example.org" | "example.net")
}

fn check_email(email: &str) -> Result<(), Refusal> {
    if is_fake(email) {
        return Err(Refusal::invalid(format!(
            "{email} looks fake or invalid, please enter a real email address."
        )));
    }
    Ok(())
}

/// Puts what was sent into a member.
fn apply(
    audience: &mut Audience,
    member: &mut Member,
    body: &Value,
    is_new: bool,
    manner: Manner,
) -> Result<(), Refusal> {
    if let Some(email) = text(body, "email_address") {
        check_email(email)?;
        let taken = |other: &Member| {
            other.email.eq_ignore_ascii_case(email) && other.contact_id != member.contact_id
        };
        if audience.members.iter().any(taken) {
            return Err(Refusal::exists(email));
        }
        email.clone_into(&mut member.email);
    }
    if let Some(status) = text(body, "status") {
        if !STATUSES.contains(&status) {
            return Err(Refusal::field(
                "status",
                "Value must be one of: subscribed, unsubscribed, cleaned, pending, or transactional",
            ));
        }
        let barred = match status {
            "subscribed" => member.is_in_compliance_state(),
            "pending" => member.before.as_deref().unwrap_or(&member.status) == "cleaned",
            _ => false,
        };
        if barred {
            return Err(Refusal::compliance(&member.email));
        }
        status.clone_into(&mut member.status);
        member.before = None;
    }
    let none = Map::new();
    let sent = body.get("merge_fields").and_then(Value::as_object);
    merge(
        &audience.fields,
        &mut member.merge,
        sent.unwrap_or(&none),
        is_new,
        manner.lenient,
    )?;
    for name in MORE {
        if let Some(value) = body.get(name) {
            member.more.insert((*name).to_owned(), value.clone());
        }
    }
    Ok(())
}

fn tag_names(body: &Value) -> Option<BTreeSet<String>> {
    let tags = body.get("tags")?.as_array()?.iter();
    Some(
        tags.filter_map(|tag| tag.as_str().or_else(|| text(tag, "name")))
            .map(str::to_owned)
            .collect(),
    )
}

/// A member that is not there yet.
fn insert(
    account: &mut Account,
    list: &str,
    body: &Value,
    status: Option<&str>,
    manner: Manner,
    now: DateTime<Utc>,
) -> Result<usize, Refusal> {
    let email = text(body, "email_address").unwrap_or("");
    if email.is_empty() {
        return Err(Refusal::field(
            "email_address",
            "This value should not be blank.",
        ));
    }
    let Some(status) = status else {
        return Err(Refusal::field("status", "This value should not be blank."));
    };
    let mut member = account.newcomer(email, now);
    let names = tag_names(body).unwrap_or_default();
    let fresh: Vec<u64> = names.iter().map(|_| account.fresh() >> 40).collect();
    let audience = account.audience(list).ok_or_else(Refusal::not_found)?;
    if audience.forgotten.contains(&email.to_lowercase()) {
        return Err(Refusal::forgotten(email));
    }
    let mut body = body.clone();
    if let Some(body) = body.as_object_mut() {
        body.insert("status".into(), status.into());
    }
    apply(audience, &mut member, &body, true, manner)?;
    for (name, fresh) in names.iter().zip(fresh) {
        audience.tag(name, fresh);
    }
    member.tags = names;
    audience.note(None, &member);
    audience.members.push(member);
    Ok(audience.members.len() - 1)
}

/// Changes a member that is there.
fn change(
    audience: &mut Audience,
    at: usize,
    body: &Value,
    manner: Manner,
    now: DateTime<Utc>,
) -> Result<(), Refusal> {
    let mut member = audience
        .members
        .get(at)
        .cloned()
        .ok_or_else(Refusal::not_found)?;
    apply(audience, &mut member, body, false, manner)?;
    member.touch(now);
    swap(audience, at, member);
    Ok(())
}

/// Puts a member in the place of what it was.
pub fn swap(audience: &mut Audience, at: usize, member: Member) {
    if let Some(before) = audience.members.get(at).cloned() {
        audience.note(Some(&before), &member);
    }
    if let Some(place) = audience.members.get_mut(at) {
        *place = member;
    }
}

fn shown(audience: &Audience, at: usize) -> Result<Value, Refusal> {
    let member = audience.members.get(at).ok_or_else(Refusal::not_found)?;
    Ok(audience.render(member))
}

/// `POST /lists/{id}/members`.
pub fn add(
    account: &mut Account,
    list: &str,
    body: &Value,
    manner: Manner,
    now: DateTime<Utc>,
) -> Result<Value, Refusal> {
    let audience = account.audience(list).ok_or_else(Refusal::not_found)?;
    let email = text(body, "email_address").unwrap_or("");
    let at = match audience.position(email) {
        Some(at)
            if audience
                .members
                .get(at)
                .is_some_and(|one| one.status == "archived") =>
        {
            change(audience, at, body, manner, now)?;
            at
        }
        Some(_) => return Err(Refusal::exists(email)),
        None => insert(account, list, body, text(body, "status"), manner, now)?,
    };
    shown(account.audience(list).ok_or_else(Refusal::not_found)?, at)
}

/// `PUT /lists/{id}/members/{name}`: changes a member, or adds one with `status_if_new`.
pub fn put(
    account: &mut Account,
    list: &str,
    name: &str,
    body: &Value,
    manner: Manner,
    now: DateTime<Utc>,
) -> Result<Value, Refusal> {
    let audience = account.audience(list).ok_or_else(Refusal::not_found)?;
    let at = if let Some(at) = audience.position(name) {
        change(audience, at, body, manner, now)?;
        at
    } else {
        let status = text(body, "status_if_new").or_else(|| text(body, "status"));
        insert(account, list, body, status, manner, now)?
    };
    shown(account.audience(list).ok_or_else(Refusal::not_found)?, at)
}

/// `PATCH /lists/{id}/members/{name}`.
pub fn patch(
    audience: &mut Audience,
    name: &str,
    body: &Value,
    manner: Manner,
    now: DateTime<Utc>,
) -> Result<Value, Refusal> {
    let at = audience.position(name).ok_or_else(Refusal::not_found)?;
    change(audience, at, body, manner, now)?;
    shown(audience, at)
}

/// `DELETE /lists/{id}/members/{name}`: archives; again is refused.
pub fn archive(audience: &mut Audience, name: &str, now: DateTime<Utc>) -> Result<(), Refusal> {
    alter(audience, name, now, |member| {
        if member.status == "archived" {
            return Err(Refusal {
                status: 405,
                ..Refusal::invalid("This list member cannot be removed. It is archived already.")
            });
        }
        member.before = Some(std::mem::replace(&mut member.status, "archived".into()));
        Ok(())
    })
}

/// Back from the archive, by a person.
pub fn unarchive(audience: &mut Audience, name: &str, now: DateTime<Utc>) -> Result<(), Refusal> {
    alter(audience, name, now, |member| {
        member.status = member.before.take().ok_or_else(Refusal::not_found)?;
        Ok(())
    })
}

/// Changes a member by hand.
pub fn alter(
    audience: &mut Audience,
    name: &str,
    now: DateTime<Utc>,
    change: impl FnOnce(&mut Member) -> Result<(), Refusal>,
) -> Result<(), Refusal> {
    let at = audience.position(name).ok_or_else(Refusal::not_found)?;
    let mut member = audience.members.get(at).cloned();
    let member = member.as_mut().ok_or_else(Refusal::not_found)?;
    change(member)?;
    member.touch(now);
    swap(audience, at, member.clone());
    Ok(())
}

/// `POST .../actions/delete-permanent`: nothing is left, and nobody can bring it back but the person.
pub fn forget(audience: &mut Audience, name: &str) -> Result<(), Refusal> {
    let at = audience.position(name).ok_or_else(Refusal::not_found)?;
    let member = audience.members.remove(at);
    audience.forgotten.insert(member.email.to_lowercase());
    let mut gone = member.clone();
    "archived".clone_into(&mut gone.status);
    audience.note(Some(&member), &gone);
    Ok(())
}

/// `POST .../tags`: gives and takes tags; others stay.
pub fn tag(
    account: &mut Account,
    list: &str,
    name: &str,
    body: &Value,
    now: DateTime<Utc>,
) -> Result<(), Refusal> {
    let asked = body.get("tags").and_then(Value::as_array);
    let asked = asked.ok_or_else(|| Refusal::field("tags", "This value should not be blank."))?;
    let fresh: Vec<u64> = asked.iter().map(|_| account.fresh() >> 40).collect();
    let audience = account.audience(list).ok_or_else(Refusal::not_found)?;
    let at = audience.position(name).ok_or_else(Refusal::not_found)?;
    for (one, fresh) in asked.iter().zip(fresh) {
        let tag = text(one, "name").unwrap_or("");
        if tag.is_empty() || tag.chars().count() > 100 {
            return Err(Refusal::field("name", "A tag has 1 to 100 characters."));
        }
        let active = match text(one, "status") {
            Some("active") => true,
            Some("inactive") => false,
            _ => {
                return Err(Refusal::field(
                    "status",
                    "Value must be one of: active, inactive",
                ));
            }
        };
        if active {
            audience.tag(tag, fresh);
        }
        if let Some(member) = audience.members.get_mut(at) {
            if active {
                member.tags.insert(tag.to_owned());
            } else {
                member.tags.remove(tag);
            }
            member.touch(now);
        }
    }
    Ok(())
}

/// `POST /lists/{id}`: many members in one call, each with an outcome of its own.
pub fn batch(
    account: &mut Account,
    list: &str,
    body: &Value,
    manner: Manner,
    now: DateTime<Utc>,
) -> Result<Value, Refusal> {
    let sent = body.get("members").and_then(Value::as_array);
    let sent = sent.ok_or_else(|| Refusal::field("members", "This value should not be blank."))?;
    if sent.len() > BATCH {
        return Err(Refusal::field(
            "members",
            "This collection should contain 500 elements or less.",
        ));
    }
    let update = body.get("update_existing").and_then(Value::as_bool) == Some(true);
    let (mut added, mut updated, mut errors) = (Vec::new(), Vec::new(), Vec::new());
    let mut known = BTreeSet::new();
    for one in sent {
        let email = text(one, "email_address").unwrap_or("");
        let mut refuse = |code: &str, why: String, errors_of: &[(String, String)]| {
            let (field, message) = errors_of.first().cloned().unwrap_or_default();
            errors.push(json!({
                "email_address": email, "error": why, "error_code": code, "field": field, "field_message": message,
            }));
        };
        if !known.insert(email.to_lowercase()) {
            refuse(
                "ERROR_GENERIC",
                "Duplicate items found for this email".into(),
                &[],
            );
            continue;
        }
        let audience = account.audience(list).ok_or_else(Refusal::not_found)?;
        let there = audience.position(email);
        let outcome = match there {
            Some(_) if !update => {
                let why = format!(
                    "{email} is already a list member, do you want to update? please provide update_existing:true in the request body"
                );
                refuse("ERROR_CONTACT_EXISTS", why, &[]);
                continue;
            }
            Some(at) => change(audience, at, one, manner, now).map(|()| at),
            None => {
                let status = text(one, "status").or_else(|| text(one, "status_if_new"));
                insert(account, list, one, status, manner, now)
            }
        };
        let audience = account.audience(list).ok_or_else(Refusal::not_found)?;
        match outcome {
            Ok(at) => {
                if let (Some(names), true, true) =
                    (tag_names(one), there.is_some(), manner.sync_tags)
                    && let Some(member) = audience.members.get_mut(at)
                {
                    member.tags = names;
                }
                let shown = shown(audience, at)?;
                if there.is_some() {
                    updated.push(shown);
                } else {
                    added.push(shown);
                }
            }
            Err(refusal) => refuse("ERROR_GENERIC", refusal.detail, &refusal.errors),
        }
    }
    Ok(json!({
        "total_created": added.len(), "total_updated": updated.len(), "error_count": errors.len(),
        "new_members": added, "updated_members": updated, "errors": errors, "_links": [],
    }))
}
