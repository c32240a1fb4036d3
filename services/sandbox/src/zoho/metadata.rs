//! Field metadata as `GET /settings/fields` prints it: full objects with the keys the vendor's clients look for.
//! The key set follows `json_details.json` of zohocrmsdk8-0 7.0.0; values the sandbox has no notion of are the usual defaults.

use serde_json::{Value, json};

use super::fields::{Field, Kind, Permission};

/// The metadata of one field; `profile` is the id and name of the calling user's profile, `place` its position in the layout.
pub fn field_json(field: &Field, profile: (u64, &str), place: usize) -> Value {
    let system = !field.custom;
    let readable_only = field.read_only || field.permission == Permission::ReadOnly;
    let mut object = json!({
        "operation_type": {
            "web_update": !readable_only, "api_create": !readable_only,
            "web_create": !readable_only, "api_update": !readable_only
        },
        "field_label": field.label,
        "field_read_only": field.read_only,
        "display_label": field.label,
        "read_only": readable_only,
        "businesscard_supported": !matches!(field.kind, Kind::TextArea | Kind::Image),
        "id": field.id.to_string(),
        "visible": field.visible(),
        "profiles": [{"permission_type": field.permission.name(), "name": profile.1, "id": profile.0.to_string()}],
        "view_type": {"view": field.visible(), "edit": !readable_only, "quick_create": field.mandatory, "create": !readable_only},
        "searchable": !matches!(field.kind, Kind::Image),
        "api_name": &*field.api_name,
        "unique": if field.unique { json!({"casesensitive": "false"}) } else { json!({}) },
        "pick_list_values": pick_list(field),
        "system_mandatory": field.mandatory,
        "json_type": field.kind.json_type(),
        "ui_type": ui_type(field.kind),
        "email_parser": {"fields_update_supported": true, "record_operations_supported": true},
        "custom_field": field.custom,
        "lookup": lookup(field),
        "length": field.length,
        "display_field": &*field.api_name == "Full_Name",
        "default_value": field.default.as_ref().map(text_of),
        "sortable": !matches!(field.kind, Kind::Image | Kind::Tags),
        "sequence_number": place + 1,
        "data_type": field.kind.data_type(),
        "mass_update": !readable_only,
        "blueprint_supported": system || !readable_only,
    });
    if let Some(map) = object.as_object_mut() {
        particulars(field, map);
        for (key, value) in usual() {
            map.entry(key).or_insert(value);
        }
    }
    object
}

/// Keys which the sandbox has nothing to say about, with the values they usually have.
fn usual() -> serde_json::Map<String, Value> {
    let object = json!({
        "associated_module": null,
        "webhook": true,
        "colour_code_enabled_by_system": false,
        "tooltip": null,
        "type": "used",
        "association_details": null,
        "multi_module_lookup": {},
        "currency": {},
        "filterable": true,
        "created_time": null,
        "modified_time": null,
        "refer_from_field": null,
        "separator": false,
        "external": null,
        "enable_colour_code": false,
        "private": null,
        "virtual_field": false,
        "crypt": null,
        "created_source": "default",
        "display_type": -1,
        "quick_sequence_number": null,
        "convert_mapping": null,
        "rollup_summary": {},
        "pick_list_values_sorted_lexically": false,
        "layout_associations": null,
        "global_picklist": null,
        "history_tracking": null,
        "history_tracking_enabled": false,
        "formula": {},
        "static_field": false,
        "decimal_place": null,
        "multiselectlookup": {},
        "multiuserlookup": {},
        "auto_number": {},
    });
    match object {
        Value::Object(map) => map,
        _ => serde_json::Map::new(),
    }
}

/// What only some kinds have.
fn particulars(field: &Field, map: &mut serde_json::Map<String, Value>) {
    match field.kind {
        Kind::Currency => {
            map.insert(
                "currency".into(),
                json!({"rounding_option": "normal", "precision": 2}),
            );
            map.insert("decimal_place".into(), json!(2));
        }
        Kind::Double | Kind::Percent => {
            map.insert("decimal_place".into(), json!(2));
        }
        Kind::TextArea => {
            map.insert(
                "textarea".into(),
                json!({"type": if field.length > 2000 { "large" } else { "small" }}),
            );
        }
        Kind::AutoNumber => {
            map.insert(
                "auto_number".into(),
                json!({"prefix": "C-", "start_number": 1, "suffix": null}),
            );
        }
        Kind::Formula => {
            map.insert(
                "formula".into(),
                json!({"return_type": "string", "expression": null}),
            );
        }
        _ => {}
    }
}

fn pick_list(field: &Field) -> Value {
    let one = |(place, option): (usize, &super::fields::PickOption)| {
        json!({
            "display_value": option.display, "sequence_number": place + 1, "reference_value": option.actual,
            "colour_code": null, "actual_value": option.actual, "id": option.id.to_string(),
            "type": if option.used { "used" } else { "unused" }
        })
    };
    Value::Array(field.options.iter().enumerate().map(one).collect())
}

fn lookup(field: &Field) -> Value {
    let module = match field.kind {
        Kind::AccountLookup => "Accounts",
        Kind::ContactLookup => "Contacts",
        _ => return json!({}),
    };
    json!({
        "display_label": field.label, "api_name": null, "id": field.id.to_string(),
        "module": {"api_name": module, "id": (field.id + 1).to_string()}
    })
}

/// Zoho's number of the control; only told apart by its own user interface.
fn ui_type(kind: Kind) -> u32 {
    match kind {
        Kind::TextArea => 3,
        Kind::Email => 25,
        Kind::Phone => 33,
        Kind::Website => 21,
        Kind::Picklist | Kind::MultiPicklist => 2,
        Kind::Boolean => 301,
        Kind::Integer => 32,
        Kind::Date => 24,
        Kind::DateTime => 333,
        Kind::Owner | Kind::User => 8,
        _ => 1,
    }
}

fn text_of(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}
