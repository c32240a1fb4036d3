//! What is not a member: audiences, merge fields, tags of an audience, lists of webhooks.

use serde_json::{Value, json};

use super::account::{Account, Audience, Member};
use super::list::window;
use super::merge::TYPES;
use super::refusal::Refusal;
use crate::core::oauth::params::Params;

/// The part of a collection that is asked for, as an answer.
fn page(name: &str, items: Vec<Value>, query: &Params) -> Result<Value, Refusal> {
    let (offset, count) = window(query)?;
    let total = items.len();
    let items: Vec<Value> = items.into_iter().skip(offset).take(count).collect();
    Ok(json!({name: items, "total_items": total, "_links": []}))
}

/// `GET /`.
pub fn root(account: &Account) -> Value {
    let total: usize = account.audiences.iter().map(|one| one.live().count()).sum();
    json!({
        "account_id": account.id, "login_id": account.id, "account_name": account.name, "email": account.email,
        "username": account.email, "role": "owner", "total_subscribers": total, "_links": [],
    })
}

/// `GET /lists`.
pub fn lists(account: &Account, query: &Params) -> Result<Value, Refusal> {
    page(
        "lists",
        account.audiences.iter().map(Audience::show).collect(),
        query,
    )
}

/// `GET /lists/{id}/merge-fields`.
pub fn merge_fields(audience: &Audience, query: &Params) -> Result<Value, Refusal> {
    let fields = audience.fields.iter();
    let fields = fields.map(|field| field.render(&audience.id)).collect();
    let mut answer = page("merge_fields", fields, query)?;
    if let Some(answer) = answer.as_object_mut() {
        answer.insert("list_id".into(), audience.id.as_str().into());
    }
    Ok(answer)
}

/// `POST /lists/{id}/merge-fields`.
pub fn add_merge_field(audience: &mut Audience, body: &Value) -> Result<Value, Refusal> {
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or("");
    let (name, kind) = (text("name"), text("type"));
    if name.is_empty() {
        return Err(Refusal::field("name", "This value should not be blank."));
    }
    if !TYPES.contains(&kind) {
        return Err(Refusal::field(
            "type",
            "Value must be one of the types of merge fields.",
        ));
    }
    let tag = match text("tag") {
        "" => format!("MMERGE{}", audience.fields.len() + 1),
        tag => tag.to_uppercase(),
    };
    if tag.len() > 10 || audience.fields.iter().any(|field| field.tag == tag) {
        return Err(Refusal::invalid(
            "The merge tag is in use or has more than 10 characters.",
        ));
    }
    let options = body.get("options").and_then(Value::as_object).cloned();
    let list = audience.id.clone();
    let field = audience.add_field(&tag, name, kind);
    field.required = body.get("required").and_then(Value::as_bool) == Some(true);
    text("default_value").clone_into(&mut field.default_value);
    field.options = options.unwrap_or_default();
    Ok(field.render(&list))
}

/// `GET /lists/{id}/tag-search`.
pub fn tag_search(audience: &Audience, query: &Params) -> Value {
    let prefix = query.get("name").to_lowercase();
    let tags: Vec<Value> = audience
        .tags
        .iter()
        .filter(|(name, _)| name.to_lowercase().starts_with(&prefix))
        .map(|(name, id)| json!({"id": id, "name": name}))
        .collect();
    json!({"total_items": tags.len(), "tags": tags})
}

/// `GET /lists/{id}/members/{name}/tags`.
pub fn tags_of(audience: &Audience, member: &Member, query: &Params) -> Result<Value, Refusal> {
    let tags = member.tags.iter();
    let tags = tags
        .map(|tag| json!({"id": audience.tags.get(tag), "name": tag, "date_added": super::account::time(member.changed)}))
        .collect();
    page("tags", tags, query)
}

/// `GET /lists/{id}/webhooks`.
pub fn webhooks(audience: &Audience, query: &Params) -> Result<Value, Refusal> {
    let hooks = audience.hooks.iter();
    let hooks = hooks.map(|hook| hook.shown.clone().into()).collect();
    page("webhooks", hooks, query)
}
