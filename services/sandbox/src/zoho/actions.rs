//! What an administrator does in Zoho's setup pages, or a person in its user interface, by name:
//! merge, purge, lock, fields, views, users, permissions.

use std::sync::Arc;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::Zoho;
use super::admin::{edition, live, zone};
use super::fields::{Field, Kind, Permission, options};
use super::org::{Org, User};
use super::others::{self, Lead};
use super::views::{self, View};
use super::writes::{self, Author};
use crate::core::lock;
use crate::core::provider::AdminError;

type Action = fn(&mut Org, Author, &Value) -> Result<Value, AdminError>;

/// Every action by name.
const ACTIONS: &[(&str, Action)] = &[
    ("merge", merge),
    ("purge", purge),
    ("lock", lock_record),
    ("add_field", add_field),
    ("change_field", change_field),
    ("remove_field", remove_field),
    ("add_view", add_view),
    ("change_view", change_view),
    ("remove_view", remove_view),
    ("add_company", add_company),
    ("add_lead", add_lead),
    ("leads", leads),
    ("add_user", add_user),
    ("change_user", change_user),
    ("set_organisation", set_organisation),
    ("set_permissions", set_permissions),
];

/// Runs an action on an account.
pub fn run(zoho: &Zoho, account: &str, name: &str, body: &Value) -> Result<Value, AdminError> {
    let action = ACTIONS
        .iter()
        .find(|(known, _)| *known == name)
        .ok_or_else(|| {
            let known: Vec<&str> = ACTIONS.iter().map(|(known, _)| *known).collect();
            AdminError::not_found(format!("no action {name}; there are {}", known.join(", ")))
        })?;
    let org = zoho.opened(account)?;
    let mut org = lock(&org);
    let author = zoho.person(&org);
    (action.1)(&mut org, author, body)
}

fn read<T: DeserializeOwned>(body: &Value) -> Result<T, AdminError> {
    serde_json::from_value(body.clone()).map_err(|error| AdminError::invalid(error.to_string()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Merge {
    winner: String,
    loser: String,
}

fn merge(org: &mut Org, author: Author, body: &Value) -> Result<Value, AdminError> {
    let ask: Merge = read(body)?;
    let (winner, loser) = (live(org, &ask.winner)?, live(org, &ask.loser)?);
    if !writes::merge(org, winner, loser, author) {
        return Err(AdminError::invalid(
            "a contact cannot be merged with itself",
        ));
    }
    Ok(json!({"id": ask.winner}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Purge {
    id: String,
}

/// Deletes a contact for good, from the list or from the recycle bin.
fn purge(org: &mut Org, author: Author, body: &Value) -> Result<Value, AdminError> {
    let ask: Purge = read(body)?;
    let id = super::admin::number(&ask.id)?;
    if !writes::delete(org, id, true, author) {
        let stone = org
            .table
            .unbury(id)
            .ok_or_else(|| AdminError::not_found(format!("no contact {id}")))?;
        org.table.bury(
            id,
            super::table::Tombstone {
                record: None,
                ..stone
            },
        );
    }
    Ok(json!({"id": ask.id}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Lock {
    id: String,
    locked: bool,
}

fn lock_record(org: &mut Org, author: Author, body: &Value) -> Result<Value, AdminError> {
    let ask: Lock = read(body)?;
    let id = live(org, &ask.id)?;
    let mut record = org
        .table
        .get(id)
        .cloned()
        .ok_or_else(|| AdminError::not_found("no such contact"))?;
    (record.locked, record.modified, record.modified_by) = (ask.locked, author.now, author.user);
    org.table.put(record);
    Ok(json!({"id": ask.id, "locked": ask.locked}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FieldAsk {
    api_name: String,
    label: Option<String>,
    data_type: Option<String>,
    length: Option<u32>,
    options: Option<Vec<String>>,
    unique: Option<bool>,
    mandatory: Option<bool>,
    read_only: Option<bool>,
    restricted: Option<bool>,
    permission: Option<String>,
    default: Option<Value>,
}

fn add_field(org: &mut Org, _: Author, body: &Value) -> Result<Value, AdminError> {
    let ask: FieldAsk = read(body)?;
    if org.fields.get(&ask.api_name).is_some() {
        return Err(AdminError::conflict(format!(
            "there is a field {} already",
            ask.api_name
        )));
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if !ask.api_name.starts_with(|c: char| c.is_ascii_alphabetic())
        || !ask.api_name.chars().all(plain)
    {
        return Err(AdminError::invalid(
            "api_name is letters, digits and _, beginning with a letter",
        ));
    }
    let data_type = ask.data_type.as_deref().unwrap_or("text");
    let kind = Kind::custom(data_type)
        .ok_or_else(|| AdminError::invalid(format!("no custom field of {data_type}")))?;
    let field = Field {
        id: org.fresh_id(),
        api_name: ask.api_name.as_str().into(),
        label: ask.api_name.replace('_', " "),
        kind,
        length: kind.usual_length(),
        custom: true,
        read_only: matches!(kind, Kind::AutoNumber | Kind::Formula),
        mandatory: false,
        unique: false,
        restricted: false,
        permission: Permission::ReadWrite,
        options: Vec::new(),
        default: None,
    };
    put_field(org, field, ask)
}

fn change_field(org: &mut Org, _: Author, body: &Value) -> Result<Value, AdminError> {
    let ask: FieldAsk = read(body)?;
    let field = org.fields.get(&ask.api_name).map(|field| (**field).clone());
    let mut field =
        field.ok_or_else(|| AdminError::not_found(format!("no field {}", ask.api_name)))?;
    if let Some(data_type) = ask.data_type.as_deref().filter(|_| field.custom) {
        field.kind = Kind::custom(data_type)
            .ok_or_else(|| AdminError::invalid(format!("no custom field of {data_type}")))?;
    }
    put_field(org, field, ask)
}

/// Puts what was asked for into the field, and the field into the layout.
fn put_field(org: &mut Org, mut field: Field, ask: FieldAsk) -> Result<Value, AdminError> {
    if let Some(name) = &ask.permission {
        field.permission = Permission::named(name)
            .ok_or_else(|| AdminError::invalid("permission is read_write, read_only or hidden"))?;
    }
    if let Some(wanted) = &ask.options {
        // A value which is kept keeps its id; one left out becomes unused, as in Zoho.
        let (kept, dropped): (Vec<_>, Vec<_>) = std::mem::take(&mut field.options)
            .into_iter()
            .partition(|option| wanted.contains(&option.actual));
        let new = wanted
            .iter()
            .filter(|name| !kept.iter().any(|option| option.actual == **name));
        let new = options(new.map(String::as_str), || org.fresh_id());
        field.options = kept.into_iter().chain(new).collect();
        field
            .options
            .sort_by_key(|option| wanted.iter().position(|name| *name == option.actual));
        field
            .options
            .extend(dropped.into_iter().map(|option| super::fields::PickOption {
                used: false,
                ..option
            }));
    }
    field.label = ask.label.unwrap_or(field.label);
    field.length = ask.length.unwrap_or(field.length);
    field.mandatory = ask.mandatory.unwrap_or(field.mandatory);
    field.read_only = ask.read_only.unwrap_or(field.read_only);
    field.restricted = ask.restricted.unwrap_or(field.restricted);
    field.unique = ask.unique.unwrap_or(field.unique);
    if let Some(default) = ask.default {
        field.default = Some(default).filter(|value| !value.is_null());
    }
    if field.unique {
        org.table.index_by(&field.api_name);
    }
    let answer = json!({"id": field.id.to_string(), "api_name": &*field.api_name});
    org.fields.put(field);
    Ok(answer)
}

fn remove_field(org: &mut Org, _: Author, body: &Value) -> Result<Value, AdminError> {
    let ask: FieldAsk = read(body)?;
    if org
        .fields
        .get(&ask.api_name)
        .is_none_or(|field| !field.custom)
    {
        return Err(AdminError::invalid(format!(
            "no custom field {}",
            ask.api_name
        )));
    }
    let removed: Option<Arc<Field>> = org.fields.remove(&ask.api_name);
    Ok(json!({"id": removed.map(|field| field.id.to_string())}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ViewAsk {
    id: Option<String>,
    name: Option<String>,
    criteria: Option<Value>,
    category: Option<String>,
    fields: Option<Vec<String>>,
}

const CATEGORIES: &[&str] = &[
    "public_views",
    "created_by_me",
    "shared_with_me",
    "other_users_views",
];

fn add_view(org: &mut Org, author: Author, body: &Value) -> Result<Value, AdminError> {
    let ask: ViewAsk = read(body)?;
    if ask.name.is_none() {
        return Err(AdminError::invalid("a view has a name"));
    }
    let view = View {
        id: org.fresh_id(),
        name: String::new(),
        system_name: None,
        category: "created_by_me".to_owned(),
        criteria: None,
        fields: vec!["Full_Name".to_owned(), "Email".to_owned()],
        modified: Some(author.now),
        created_by: Some(author.user),
    };
    let view = changed(org, view, ask)?;
    let answer = json!({"id": view.id.to_string()});
    org.views.push(view);
    Ok(answer)
}

fn change_view(org: &mut Org, author: Author, body: &Value) -> Result<Value, AdminError> {
    let ask: ViewAsk = read(body)?;
    let at = position(org, &ask)?;
    let old = org
        .views
        .get(at)
        .cloned()
        .ok_or_else(|| AdminError::not_found("no such view"))?;
    let view = changed(
        org,
        View {
            modified: Some(author.now),
            ..old
        },
        ask,
    )?;
    let answer = json!({"id": view.id.to_string()});
    if let Some(slot) = org.views.get_mut(at) {
        *slot = view;
    }
    Ok(answer)
}

fn changed(org: &Org, mut view: View, ask: ViewAsk) -> Result<View, AdminError> {
    if let Some(criteria) = ask.criteria {
        views::filter(org, Some(&criteria)).map_err(AdminError::invalid)?;
        view.criteria = Some(criteria).filter(|value| !value.is_null());
    }
    if let Some(category) = ask.category {
        if !CATEGORIES.contains(&category.as_str()) {
            return Err(AdminError::invalid(format!(
                "category is one of {}",
                CATEGORIES.join(", ")
            )));
        }
        view.category = category;
    }
    view.name = ask.name.unwrap_or(view.name);
    view.fields = ask.fields.unwrap_or(view.fields);
    Ok(view)
}

fn remove_view(org: &mut Org, _: Author, body: &Value) -> Result<Value, AdminError> {
    let at = position(org, &read(body)?)?;
    let view = org.views.remove(at);
    Ok(json!({"id": view.id.to_string()}))
}

fn position(org: &Org, ask: &ViewAsk) -> Result<usize, AdminError> {
    let at = org
        .views
        .iter()
        .position(|view| ask.id.as_deref() == Some(&view.id.to_string()));
    at.ok_or_else(|| AdminError::not_found("no such view"))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Company {
    name: String,
}

fn add_company(org: &mut Org, _: Author, body: &Value) -> Result<Value, AdminError> {
    let ask: Company = read(body)?;
    Ok(json!({"id": org.company(&ask.name).to_string()}))
}

/// Any fields.
fn add_lead(org: &mut Org, author: Author, body: &Value) -> Result<Value, AdminError> {
    let id = org.fresh_id();
    let lead = Lead {
        id,
        created: author.now,
        fields: read(body)?,
    };
    org.leads.push(lead);
    Ok(json!({"id": id.to_string()}))
}

/// All of them, as they stand.
#[expect(clippy::unnecessary_wraps, reason = "all actions have one shape")]
fn leads(org: &mut Org, _: Author, _: &Value) -> Result<Value, AdminError> {
    Ok(Value::Array(others::leads(org)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewUser {
    first_name: String,
    last_name: String,
    email: String,
}

fn add_user(org: &mut Org, _: Author, body: &Value) -> Result<Value, AdminError> {
    let NewUser {
        first_name,
        last_name,
        email,
    } = read(body)?;
    let id = org.fresh_id();
    org.users.push(User::new(id, first_name, last_name, email));
    Ok(json!({"id": id.to_string()}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UserChange {
    id: String,
    active: bool,
}

fn change_user(org: &mut Org, _: Author, body: &Value) -> Result<Value, AdminError> {
    let ask: UserChange = read(body)?;
    let user = org
        .users
        .iter_mut()
        .find(|user| user.id.to_string() == ask.id);
    user.ok_or_else(|| AdminError::not_found("no such user"))?
        .active = ask.active;
    Ok(json!({"id": ask.id, "active": ask.active}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Organisation {
    edition: Option<String>,
    time_zone: Option<String>,
    company: Option<String>,
}

fn set_organisation(org: &mut Org, _: Author, body: &Value) -> Result<Value, AdminError> {
    let ask: Organisation = read(body)?;
    if let Some(name) = &ask.edition {
        edition(Some(name))?.clone_into(&mut org.edition);
    }
    if let Some(name) = &ask.time_zone {
        let (name, minutes) = zone(Some(name))?;
        name.clone_into(&mut org.zone_name);
        org.zone_minutes = minutes;
    }
    org.company = ask.company.unwrap_or_else(|| org.company.clone());
    Ok(json!({"edition": org.edition, "time_zone": org.zone_name, "company": org.company}))
}

/// `{"Crm_Implied_Edit_Contacts": false}` and the like.
fn set_permissions(org: &mut Org, _: Author, body: &Value) -> Result<Value, AdminError> {
    let ask: std::collections::BTreeMap<String, bool> = read(body)?;
    if let Some(unknown) = ask.keys().find(|name| !org.permissions.contains_key(*name)) {
        return Err(AdminError::invalid(format!("no permission {unknown}")));
    }
    org.permissions.extend(ask);
    Ok(json!(org.permissions))
}
