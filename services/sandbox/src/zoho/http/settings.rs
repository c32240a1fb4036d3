//! Settings of the module Contacts: fields, views, modules, layouts.

use serde_json::{Value, json};

use super::{Answer, Ask};
use crate::zoho::errors::Refusal;
use crate::zoho::metadata::field_json;
use crate::zoho::org::Org;
use crate::zoho::params::Params;
use crate::zoho::views::View;

/// Refuses any module but Contacts in `module=`.
pub fn contacts_only(params: &Params) -> Result<(), Refusal> {
    match params.get("module") {
        None => Err(Refusal::missing_param("module")),
        Some(name) if name.eq_ignore_ascii_case("Contacts") => Ok(()),
        Some(_) => Err(Refusal::invalid_module(json!({"param_name": "module"}))),
    }
}

/// `GET /settings/fields`.
pub fn fields(org: &mut Org, ask: &Ask) -> Result<Answer, Refusal> {
    contacts_only(&ask.params)?;
    if ask.params.get("type") == Some("unused") {
        return Ok(Answer::nothing());
    }
    let profile = (org.profile.0, org.profile.1.as_str());
    let fields = org
        .fields
        .iter()
        .filter(|field| field.visible())
        .enumerate();
    let fields: Vec<Value> = fields
        .map(|(place, field)| field_json(field, profile, place))
        .collect();
    Ok(Answer::ok(json!({"fields": fields})))
}

/// `GET /settings/fields/{id}`.
pub fn field(org: &mut Org, ask: &Ask) -> Result<Answer, Refusal> {
    contacts_only(&ask.params)?;
    let id = ask.path_id()?;
    let profile = (org.profile.0, org.profile.1.as_str());
    let place = org
        .fields
        .iter()
        .position(|field| field.id == id)
        .unwrap_or(0);
    let found = org.fields.by_id(id).filter(|field| field.visible());
    Ok(found.map_or_else(Answer::nothing, |field| {
        Answer::ok(json!({"fields": [field_json(field, profile, place)]}))
    }))
}

/// `GET /settings/custom_views`.
pub fn views(org: &mut Org, ask: &Ask) -> Result<Answer, Refusal> {
    contacts_only(&ask.params)?;
    let (per_page, page) = (ask.params.per_page()?, ask.params.page()?);
    let mut rest = org.views.iter().skip((page - 1).saturating_mul(per_page));
    let shown: Vec<Value> = rest
        .by_ref()
        .take(per_page)
        .map(|view| view_json(org, view))
        .collect();
    if shown.is_empty() {
        return Ok(Answer::nothing());
    }
    let info = json!({
        "per_page": per_page, "default": org.views.first().map(|view| view.id.to_string()), "count": shown.len(), "page": page,
        "more_records": rest.next().is_some(),
        "translation": {"public_views": "Public Views", "other_users_views": "Other Users' Views",
            "shared_with_me": "Shared With Me", "created_by_me": "Created By Me"}
    });
    Ok(Answer::ok(json!({"custom_views": shown, "info": info})))
}

/// `GET /settings/custom_views/{id}`.
pub fn view(org: &mut Org, ask: &Ask) -> Result<Answer, Refusal> {
    contacts_only(&ask.params)?;
    let id = ask.path_id()?;
    let Some(view) = org.views.iter().find(|view| view.id == id) else {
        return Ok(Answer::nothing());
    };
    let mut object = view_json(org, view);
    if let Some(map) = object.as_object_mut() {
        let known = view.fields.iter().filter_map(|name| org.fields.get(name));
        let fields: Vec<Value> =
            known.map(|field| json!({"api_name": &*field.api_name, "id": field.id.to_string(), "_pin": false})).collect();
        map.insert("criteria".into(), view.criteria.clone().unwrap_or_default());
        map.insert("fields".into(), Value::Array(fields));
        map.insert("sort_by".into(), Value::Null);
        map.insert("sort_order".into(), Value::Null);
        map.insert("shared_to".into(), Value::Null);
    }
    Ok(Answer::ok(json!({"custom_views": [object]})))
}

fn view_json(org: &Org, view: &View) -> Value {
    let by = view
        .created_by
        .map_or(Value::Null, |user| org.user_ref(user));
    let access = match view.category.as_str() {
        "public_views" => "public",
        "shared_with_me" => "shared",
        _ => "only_to_me",
    };
    let time = view.modified.map(|at| org.show(at));
    json!({
        "display_value": view.name, "created_time": time, "access_type": access, "system_name": view.system_name,
        "created_by": by, "default": org.views.first().map(|first| first.id) == Some(view.id), "modified_time": time,
        "name": view.name, "system_defined": view.system_name.is_some(), "modified_by": by, "id": view.id.to_string(),
        "category": view.category, "last_accessed_time": null, "locked": false, "favorite": null
    })
}

/// `GET /settings/modules`.
#[expect(clippy::unnecessary_wraps, reason = "all handlers have one shape")]
pub fn modules(org: &mut Org, ask: &Ask) -> Result<Answer, Refusal> {
    if ask.since.is_some_and(|since| org.opened <= since) {
        return Ok(Answer {
            status: 304,
            body: None,
        });
    }
    Ok(Answer::ok(json!({"modules": [module_json(org)]})))
}

/// `GET /settings/modules/{api_name}`.
pub fn module(org: &mut Org, ask: &Ask) -> Result<Answer, Refusal> {
    let name = ask.id.as_deref().unwrap_or_default();
    if name.eq_ignore_ascii_case("Contacts") || name == org.module.to_string() {
        return Ok(Answer::ok(json!({"modules": [module_json(org)]})));
    }
    Err(Refusal::invalid_module(json!({"resource_path_index": 0})))
}

fn module_json(org: &Org) -> Value {
    json!({
        "api_name": "Contacts", "module_name": "Contacts", "plural_label": "Contacts", "singular_label": "Contact",
        "id": org.module.to_string(), "generated_type": "default", "api_supported": true, "creatable": true,
        "editable": true, "deletable": true, "viewable": true, "visible": true, "convertable": false,
        "global_search_supported": true, "custom_view": {"id": org.views.first().map(|view| view.id.to_string())},
        "profiles": [{"name": org.profile.1, "id": org.profile.0.to_string()}], "sequence_number": 4,
        "modified_time": null, "modified_by": null, "status": "visible", "quick_create": true,
        "per_page": 200, "display_field": "Full_Name", "visibility": 1, "isBlueprintSupported": true
    })
}

/// `GET /settings/layouts` and `GET /settings/layouts/{id}`.
pub fn layouts(org: &mut Org, ask: &Ask) -> Result<Answer, Refusal> {
    contacts_only(&ask.params)?;
    let layout = json!({
        "id": org.layout.to_string(), "name": "Standard", "api_name": "Standard", "display_label": "Standard",
        "status": "active", "visible": true, "mode": "view", "has_more_profiles": false, "created_time": null,
        "modified_time": null, "created_by": null, "modified_by": null, "sections": [],
        "profiles": [{"name": org.profile.1, "id": org.profile.0.to_string(), "default": true}]
    });
    Ok(Answer::ok(json!({"layouts": [layout]})))
}

/// `GET /settings/related_lists`: Contacts has none here.
pub fn none(_: &mut Org, ask: &Ask) -> Result<Answer, Refusal> {
    contacts_only(&ask.params)?;
    Ok(Answer::nothing())
}
