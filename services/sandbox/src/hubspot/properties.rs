//! Contact properties: HubSpot's own, custom ones, and what a value must look like (providers/hubspot.md 1, 4).

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::{Value, json};

/// A property.
#[derive(Debug, Clone)]
pub struct Property {
    /// Internal name.
    pub name: String,
    /// What a person reads.
    pub label: String,
    /// `string`, `number`, `date`, `datetime`, `enumeration` or `bool`.
    pub kind: String,
    /// How it is shown (`text`, `textarea`, `select`, `checkbox` for several, ...).
    pub field_type: String,
    /// The group that it is shown in.
    pub group: String,
    /// Values and labels of an enumeration.
    pub options: Vec<(String, String)>,
    /// Set by HubSpot alone.
    pub read_only: bool,
    /// No two contacts have the same value.
    pub unique: bool,
    /// Made by the account's owner or an app.
    pub custom: bool,
}

/// Name, label, type, field type, whether HubSpot alone sets it.
const STANDARD: &[(&str, &str, &str, &str, bool)] = &[
    ("address", "Street Address", "string", "text", false),
    ("city", "City", "string", "text", false),
    ("company", "Company Name", "string", "text", false),
    ("country", "Country/Region", "string", "text", false),
    ("createdate", "Create Date", "datetime", "date", true),
    ("date_of_birth", "Date of birth", "string", "text", false),
    ("email", "Email", "string", "text", false),
    ("fax", "Fax Number", "string", "text", false),
    ("firstname", "First Name", "string", "text", false),
    (
        "hs_additional_emails",
        "Additional email addresses",
        "enumeration",
        "checkbox",
        true,
    ),
    (
        "hs_email_optout",
        "Unsubscribed from all email",
        "bool",
        "booleancheckbox",
        true,
    ),
    (
        "hs_lead_status",
        "Lead Status",
        "enumeration",
        "radio",
        false,
    ),
    (
        "hs_merged_object_ids",
        "Merged record IDs",
        "enumeration",
        "checkbox",
        true,
    ),
    ("hs_object_id", "Record ID", "number", "number", true),
    (
        "hubspot_owner_id",
        "Contact owner",
        "enumeration",
        "select",
        false,
    ),
    ("jobtitle", "Job Title", "string", "text", false),
    (
        "lastmodifieddate",
        "Last Modified Date",
        "datetime",
        "date",
        true,
    ),
    ("lastname", "Last Name", "string", "text", false),
    (
        "lifecyclestage",
        "Lifecycle Stage",
        "enumeration",
        "radio",
        false,
    ),
    ("message", "Message", "string", "textarea", false),
    (
        "mobilephone",
        "Mobile Phone Number",
        "string",
        "phonenumber",
        false,
    ),
    ("phone", "Phone Number", "string", "phonenumber", false),
    ("salutation", "Salutation", "string", "text", false),
    ("state", "State/Region", "string", "text", false),
    ("website", "Website URL", "string", "text", false),
    ("zip", "Postal Code", "string", "text", false),
];

/// Choices of HubSpot's own enumerations.
const OPTIONS: &[(&str, &[&str])] = &[
    (
        "hs_lead_status",
        &["NEW", "OPEN", "IN_PROGRESS", "CONNECTED"],
    ),
    (
        "lifecyclestage",
        &["subscriber", "lead", "opportunity", "customer", "other"],
    ),
];

/// HubSpot's own properties.
pub fn standard() -> BTreeMap<String, Property> {
    let made = |(name, label, kind, field_type, read_only): &(&str, &str, &str, &str, bool)| {
        let options = OPTIONS.iter().find(|(of, _)| of == name);
        let options = options.map_or(&[][..], |(_, options)| options);
        Property {
            name: (*name).to_owned(),
            label: (*label).to_owned(),
            kind: (*kind).to_owned(),
            field_type: (*field_type).to_owned(),
            group: "contactinformation".into(),
            options: options
                .iter()
                .map(|value| ((*value).to_owned(), (*value).to_owned()))
                .collect(),
            read_only: *read_only,
            unique: *name == "email",
            custom: false,
        }
    };
    STANDARD
        .iter()
        .map(|row| (row.0.to_owned(), made(row)))
        .collect()
}

impl Property {
    /// A custom property, as a client asks for it.
    pub fn read(body: &Value) -> Option<Self> {
        let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
        let options = body.get("options").and_then(Value::as_array);
        let option = |option: &Value| {
            let part = |name: &str| option.get(name).and_then(Value::as_str).map(str::to_owned);
            Some((part("value")?, part("label")?))
        };
        Some(Self {
            name: text("name")?,
            label: text("label")?,
            kind: text("type")?,
            field_type: text("fieldType")?,
            group: text("groupName")?,
            options: options.into_iter().flatten().filter_map(option).collect(),
            read_only: false,
            unique: body.get("hasUniqueValue") == Some(&Value::Bool(true)),
            custom: true,
        })
    }

    /// As the API shows it.
    pub fn render(&self) -> Value {
        let options: Vec<Value> = (0..)
            .zip(&self.options)
            .map(|(order, (value, label))| {
                json!({"label": label, "value": value, "displayOrder": order, "hidden": false})
            })
            .collect();
        json!({
            "name": self.name, "label": self.label, "type": self.kind, "fieldType": self.field_type,
            "groupName": self.group, "description": "", "options": options, "displayOrder": -1,
            "calculated": false, "externalOptions": false, "archived": false, "hidden": false,
            "hasUniqueValue": self.unique, "hubspotDefined": !self.custom, "formField": true,
            "modificationMetadata": {
                "archivable": self.custom, "readOnlyDefinition": !self.custom,
                "readOnlyValue": self.read_only,
            },
        })
    }
}

/// The value as HubSpot keeps it, or the error that names the property.
pub fn check(property: Option<&Property>, name: &str, value: &str) -> Result<String, Value> {
    let wrong = |code: &str, message: String| json!({"isValid": false, "message": message, "error": code, "name": name});
    let Some(property) = property else {
        let message = format!("Property \"{name}\" does not exist");
        return Err(wrong("PROPERTY_DOESNT_EXIST", message));
    };
    if property.read_only {
        let message = format!("\"{name}\" is a read only property; its value cannot be set.");
        return Err(wrong("READ_ONLY_VALUE", message));
    }
    if value.is_empty() {
        return Ok(String::new());
    }
    if name == "email" {
        let email = value.trim().to_lowercase();
        let good = email.split_once('@').is_some_and(|(local, domain)| {
            !local.is_empty() && domain.contains('.') && !email.contains(char::is_whitespace)
        });
        let message = format!("Email address {value} is invalid");
        return good
            .then_some(email)
            .ok_or_else(|| wrong("INVALID_EMAIL", message));
    }
    let bad = |code: &str| wrong(code, format!("{value} was not a valid {}.", property.kind));
    match property.kind.as_str() {
        "number" => {
            let good = value.parse::<f64>().is_ok_and(f64::is_finite);
            good.then(|| value.to_owned())
                .ok_or_else(|| bad("INVALID_INTEGER"))
        }
        "bool" => matches!(value, "true" | "false")
            .then(|| value.to_owned())
            .ok_or_else(|| bad("INVALID_OPTION")),
        "date" => day(value).ok_or_else(|| bad("INVALID_DATE")),
        "datetime" => instant(value).map(time).ok_or_else(|| bad("INVALID_DATE")),
        "enumeration" if !property.options.is_empty() => {
            let known = |one: &str| property.options.iter().any(|(value, _)| value == one);
            let good = if property.field_type == "checkbox" {
                value.split(';').filter(|one| !one.is_empty()).all(known)
            } else {
                known(value)
            };
            good.then(|| value.to_owned())
                .ok_or_else(|| bad("INVALID_OPTION"))
        }
        _ => Ok(value.to_owned()),
    }
}

/// A day, written as one or as the milliseconds of its midnight.
fn day(text: &str) -> Option<String> {
    let at = text.parse().ok().and_then(DateTime::from_timestamp_millis);
    let day = text.parse::<NaiveDate>().ok();
    Some(day.or_else(|| at.map(|at| at.date_naive()))?.to_string())
}

/// An instant, written as one or as milliseconds.
pub fn instant(text: &str) -> Option<DateTime<Utc>> {
    let millis = text.parse().ok().and_then(DateTime::from_timestamp_millis);
    millis.or_else(|| text.parse().ok())
}

/// An instant as HubSpot writes it.
pub fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}
