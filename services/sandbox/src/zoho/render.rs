//! Contacts as JSON: whole, or only the columns asked for. Times in the calling user's zone, ids as decimal strings.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::fields::{Field, Kind};
use super::org::Org;
use super::record::Record;
use super::time;

/// The record with these columns; `id` is always there.
pub fn columns(org: &Org, record: &Record, fields: &[Arc<Field>]) -> Value {
    let mut map: Map<String, Value> = fields
        .iter()
        .map(|field| (field.api_name.to_string(), value(org, record, field)))
        .collect();
    map.insert("id".to_owned(), json!(record.id.to_string()));
    Value::Object(map)
}

/// The record with all fields the calling user sees, as the single-record GET prints it.
pub fn whole(org: &Org, record: &Record) -> Value {
    let fields: Vec<Arc<Field>> = org
        .fields
        .iter()
        .filter(|field| field.visible())
        .cloned()
        .collect();
    let mut object = columns(org, record, &fields);
    if let Some(map) = object.as_object_mut() {
        map.insert(
            "Layout".into(),
            json!({"name": "Standard", "id": org.layout.to_string()}),
        );
        map.insert("$editable".into(), json!(!record.locked));
        map.insert("$approval_state".into(), json!("approved"));
        map.insert("$locked_for_me".into(), json!(record.locked));
        map.insert("$sharing_permission".into(), json!("full_access"));
        map.insert("$in_merge".into(), json!(false));
    }
    object
}

/// One field of a record.
pub fn value(org: &Org, record: &Record, field: &Field) -> Value {
    match &*field.api_name {
        "Owner" => return org.owner_ref(record.owner),
        "Created_By" => return org.owner_ref(record.created_by),
        "Modified_By" => return org.owner_ref(record.modified_by),
        "Created_Time" => return json!(org.show(record.created)),
        "Modified_Time" | "Last_Activity_Time" => return json!(org.show(record.modified)),
        "Full_Name" => return json!(record.full_name()),
        "Locked__s" => return json!(record.locked),
        "Record_Status__s" => return json!("Available"),
        "Tag" => return tags(org, record),
        _ => {}
    }
    let Some(value) = record.values.get(&field.api_name) else {
        return if field.kind == Kind::Boolean {
            json!(false)
        } else {
            Value::Null
        };
    };
    match (field.kind, value) {
        (Kind::DateTime, Value::String(text)) => {
            time::parse_instant(text).map_or(Value::Null, |seconds| json!(org.show(seconds)))
        }
        (Kind::User, value) => value.as_u64().map_or(Value::Null, |id| org.owner_ref(id)),
        (Kind::AccountLookup | Kind::ContactLookup, value) => lookup(org, field, value),
        _ => value.clone(),
    }
}

fn lookup(org: &Org, field: &Field, value: &Value) -> Value {
    let Some(id) = value.as_u64() else {
        return Value::Null;
    };
    // A lookup to a record which is gone reads as nothing.
    super::filter::part_text(org, field, "name", id).map_or(
        Value::Null,
        |name| json!({"name": name, "id": id.to_string()}),
    )
}

/// The tags of a record: `[{name, id, color_code}]`.
pub fn tags(org: &Org, record: &Record) -> Value {
    let tags = record.tags.iter().filter_map(|id| org.tags.get(*id));
    tags.map(|tag| json!({"name": tag.name, "id": tag.id.to_string(), "color_code": tag.colour}))
        .collect()
}

/// What every successful or refused write tells of the record.
pub fn write_details(org: &Org, record: &Record) -> Value {
    json!({
        "Modified_Time": org.show(record.modified), "Modified_By": org.user_ref(record.modified_by),
        "Created_Time": org.show(record.created), "id": record.id.to_string(),
        "Created_By": org.user_ref(record.created_by)
    })
}
