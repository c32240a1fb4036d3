//! The contacts that tests make by hand, in each provider's words.

use serde_json::{Value, json};

/// An address of a test person.
pub fn email(name: &str) -> String {
    format!("{}@people.example", name.to_lowercase())
}

/// A contact as one adds it to the CRM, with more fields.
pub fn crm(name: &str, more: Value) -> Value {
    with(
        json!({"First_Name": name, "Last_Name": "Tester", "Email": email(name)}),
        more,
    )
}

/// A contact as one adds it at Google, with more fields.
pub fn book(name: &str, more: Value) -> Value {
    with(
        json!({
            "names": [{"givenName": name, "familyName": "Tester"}],
            "emailAddresses": [{"value": email(name), "type": "work"}],
        }),
        more,
    )
}

/// A job title as one edits it at Google.
pub fn title(text: &str) -> Value {
    json!({"organizations": [{"title": text}]})
}

fn with(mut contact: Value, more: Value) -> Value {
    if let (Some(fields), Value::Object(more)) = (contact.as_object_mut(), more) {
        fields.extend(more);
    }
    contact
}
