//! Users, the organisation and the calling user's profile: what a client asks to learn who it is and what it may do.

use serde_json::{Value, json};

use super::{Answer, Ask};
use crate::zoho::errors::Refusal;
use crate::zoho::org::{Org, PERMISSIONS, User};

/// `GET /users`.
pub fn users(org: &mut Org, ask: &Ask) -> Result<Answer, Refusal> {
    let (per_page, page) = (ask.params.per_page()?, ask.params.page()?);
    let ids = ask.params.ids()?;
    let kind = ask.params.get("type").unwrap_or("AllUsers");
    let me = org.me();
    let wanted: fn(&User, u64) -> bool = match kind {
        "CurrentUser" | "AdminUsers" | "ActiveConfirmedAdmins" | "DeveloperUsers" => {
            |user, me| user.id == me
        }
        "AllUsers" => |_, _| true,
        "ActiveUsers" | "ConfirmedUsers" | "ActiveConfirmedUsers" | "AllActiveUsers" => {
            |user, _| user.active
        }
        "DeactiveUsers" => |user, _| !user.active,
        "NotConfirmedUsers" | "DeletedUsers" | "ActiveLiteUser" => |_, _| false,
        _ => return Err(Refusal::bad_param("type")),
    };
    if ask.since.is_some_and(|since| org.opened <= since) {
        return Ok(Answer {
            status: 304,
            body: None,
        });
    }
    let found = org
        .users
        .iter()
        .filter(|user| wanted(user, me) && ids.as_ref().is_none_or(|ids| ids.contains(&user.id)));
    let mut rest = found.skip((page - 1).saturating_mul(per_page));
    let shown: Vec<Value> = rest
        .by_ref()
        .take(per_page)
        .map(|user| user_json(org, user))
        .collect();
    if shown.is_empty() {
        return Ok(Answer::nothing());
    }
    let info = json!({"per_page": per_page, "count": shown.len(), "page": page, "more_records": rest.next().is_some()});
    Ok(Answer::ok(json!({"users": shown, "info": info})))
}

/// `GET /users/{id}`.
pub fn user(org: &mut Org, ask: &Ask) -> Result<Answer, Refusal> {
    let found = org.user(ask.path_id()?);
    Ok(found.map_or_else(Answer::nothing, |user| {
        Answer::ok(json!({"users": [user_json(org, user)]}))
    }))
}

fn user_json(org: &Org, user: &User) -> Value {
    let opened = org.show(org.opened);
    let (profile, role) = (&org.profile, &org.role);
    json!({
        "id": user.id.to_string(), "zuid": user.zuid.to_string(), "full_name": user.full_name(),
        "first_name": user.first_name, "last_name": user.last_name, "email": user.email,
        "status": if user.active { "active" } else { "disabled" }, "confirm": true,
        "time_zone": org.zone_name, "offset": i64::from(org.zone_minutes) * 60_000,
        "language": "en_US", "locale": "en_US", "country_locale": "US", "country": null, "state": null, "city": null,
        "street": null, "zip": null, "phone": null, "mobile": null, "website": null, "fax": null, "alias": null,
        "signature": null, "dob": null, "date_format": "MM/dd/yyyy", "time_format": "hh:mm a",
        "decimal_separator": "en_US", "number_separator": "en_US", "microsoft": false, "personal_account": false,
        "role": {"name": role.1, "id": role.0.to_string()}, "profile": {"name": profile.1, "id": profile.0.to_string()},
        "created_time": opened, "created_by": {"name": user.full_name(), "id": user.id.to_string()},
        "Modified_Time": opened, "Modified_By": {"name": user.full_name(), "id": user.id.to_string()},
        "Isonline": false, "territories": [], "default_tab_group": "0"
    })
}

/// `GET /org`.
#[expect(clippy::unnecessary_wraps, reason = "all handlers have one shape")]
pub fn org(org: &mut Org, _: &Ask) -> Result<Answer, Refusal> {
    let paid = org.edition != "free";
    let me = org.users.first();
    let object = json!({
        "id": org.id.to_string(), "zgid": (700_000_000 + org.id % 100_000_000).to_string(),
        "company_name": org.company, "domain_name": format!("org{}", org.id % 100_000_000), "alias": null,
        "primary_email": me.map(|user| user.email.as_str()), "primary_zuid": me.map(|user| user.zuid.to_string()),
        "time_zone": org.zone_name, "currency": "US Dollar", "currency_symbol": "$", "currency_locale": "en_US",
        "iso_code": "USD", "country": "US", "country_code": "US", "city": null, "state": null, "street": null,
        "zip": null, "phone": null, "mobile": null, "fax": null, "website": null, "description": null,
        "employee_count": null, "photo_id": null, "mc_status": false, "gapps_enabled": false,
        "privacy_settings": false, "translation_enabled": false, "type": "production",
        "license_details": {
            "paid": paid, "paid_type": org.edition, "paid_expiry": null, "trial_type": null, "trial_expiry": null,
            "users_license_purchased": org.users.len()
        }
    });
    Ok(Answer::ok(json!({"org": [object]})))
}

/// `GET /settings/profiles`.
#[expect(clippy::unnecessary_wraps, reason = "all handlers have one shape")]
pub fn profiles(org: &mut Org, _: &Ask) -> Result<Answer, Refusal> {
    Ok(Answer::ok(json!({"profiles": [profile_json(org)]})))
}

/// `GET /settings/profiles/{id}`.
pub fn profile(org: &mut Org, ask: &Ask) -> Result<Answer, Refusal> {
    if ask.path_id()? != org.profile.0 {
        return Ok(Answer::nothing());
    }
    let details: Vec<Value> = PERMISSIONS
        .iter()
        .zip(org.profile.0 + 1_000..)
        .map(|(name, id)| {
            let label = name.trim_start_matches("Crm_Implied_").trim_end_matches("_Contacts").replace('_', " ");
            let enabled = org.permissions.get(*name).copied().unwrap_or(true);
            json!({"display_label": label, "module": "Contacts", "name": name, "id": id.to_string(), "enabled": enabled})
        })
        .collect();
    let mut object = profile_json(org);
    if let Some(map) = object.as_object_mut() {
        map.insert("permissions_details".into(), Value::Array(details));
        map.insert("sections".into(), json!([]));
    }
    Ok(Answer::ok(json!({"profiles": [object]})))
}

fn profile_json(org: &Org) -> Value {
    json!({
        "id": org.profile.0.to_string(), "name": org.profile.1, "display_label": org.profile.1, "custom": false,
        "description": null, "created_time": null, "modified_time": null, "created_by": null, "modified_by": null
    })
}
