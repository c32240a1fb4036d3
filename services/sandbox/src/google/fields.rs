//! The person fields: which exist, which can be written, what the provider adds to them (providers/google.md 2.1, 2.6).
//!
//! A stored field is the JSON text of its items, ready to be sent: a listing of thousands of people copies text and
//! builds no trees.

use serde_json::{Map, Value, json};

use super::names;
use super::refusal::Refusal;

/// One person field.
pub struct Field {
    /// Name in JSON and in masks.
    pub name: &'static str,
    /// Whether update masks may name it.
    pub writable: bool,
    /// At most one value per source.
    pub singleton: bool,
    /// Members of an item that the provider computes; dropped from what clients send.
    computed: &'static [&'static str],
}

const fn field(name: &'static str, writable: bool, computed: &'static [&'static str]) -> Field {
    Field {
        name,
        writable,
        singleton: false,
        computed,
    }
}

const fn single(name: &'static str, computed: &'static [&'static str]) -> Field {
    Field {
        name,
        writable: true,
        singleton: true,
        computed,
    }
}

/// All values of a read mask; the position is the number used in etags.
pub const FIELDS: &[Field] = &[
    field("addresses", true, &["formattedType"]),
    field("ageRanges", false, &[]),
    single("biographies", &[]),
    single("birthdays", &[]),
    field("calendarUrls", true, &["formattedType"]),
    field("clientData", true, &[]),
    field("coverPhotos", false, &[]),
    field("emailAddresses", true, &["formattedType"]),
    field("events", true, &["formattedType"]),
    field("externalIds", true, &["formattedType"]),
    single("genders", &["formattedValue"]),
    field("imClients", true, &["formattedType", "formattedProtocol"]),
    field("interests", true, &[]),
    field("locales", true, &[]),
    field("locations", true, &[]),
    field("memberships", true, &[]),
    field("metadata", false, &[]),
    field("miscKeywords", true, &["formattedType"]),
    single("names", &["displayName", "displayNameLastFirst"]),
    field("nicknames", true, &[]),
    field("occupations", true, &[]),
    field("organizations", true, &["formattedType"]),
    field("phoneNumbers", true, &["canonicalForm", "formattedType"]),
    field("photos", false, &[]),
    field("relations", true, &["formattedType"]),
    field("sipAddresses", true, &["formattedType"]),
    field("skills", false, &[]),
    field("urls", true, &["formattedType"]),
    field("userDefined", true, &[]),
];

/// Members of a person that are no mask values but may be sent; all are ignored but `etag` and `metadata`.
const OTHER_MEMBERS: &[&str] = &[
    "resourceName",
    "etag",
    "ageRange",
    "braggingRights",
    "fileAses",
    "relationshipInterests",
    "relationshipStatuses",
    "residences",
    "taglines",
];

/// The place of a field in [`FIELDS`].
pub fn position(name: &str) -> Option<u8> {
    FIELDS.iter().position(|f| f.name == name).map(|i| i as u8)
}

/// A field by place.
pub fn at(place: u8) -> Option<&'static Field> {
    FIELDS.get(usize::from(place))
}

/// The fields of one contact: place and the JSON text of the items, in order of place. Memberships and photos are kept
/// elsewhere.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fields(Vec<(u8, Box<str>)>);

impl Fields {
    /// The text of a field's items, brackets included.
    pub fn get(&self, place: u8) -> Option<&str> {
        self.0
            .iter()
            .find(|(p, _)| *p == place)
            .map(|(_, text)| &**text)
    }

    /// The items of a field as JSON.
    pub fn items(&self, name: &str) -> Vec<Value> {
        let text = position(name).and_then(|p| self.get(p)).unwrap_or("[]");
        serde_json::from_str(text).unwrap_or_default()
    }

    /// Replaces a field; nothing clears it.
    pub fn set(&mut self, place: u8, text: Option<Box<str>>) {
        self.0.retain(|(p, _)| *p != place);
        if let Some(text) = text {
            let at = self.0.partition_point(|(p, _)| *p < place);
            self.0.insert(at, (place, text));
        }
    }

    /// All fields.
    pub fn iter(&self) -> impl Iterator<Item = (u8, &str)> {
        self.0.iter().map(|(p, t)| (*p, &**t))
    }
}

/// Checks that `person` is an object of known members whose fields are arrays of objects, singletons single.
pub fn check_shape<'a>(
    person: &'a Value,
    at_path: &str,
) -> Result<&'a Map<String, Value>, Refusal> {
    let Some(members) = person.as_object() else {
        return Err(Refusal::bad_payload(
            at_path,
            &format!(
                "Invalid value at '{at_path}' (type.googleapis.com/google.people.v1.Person), an object is expected"
            ),
        ));
    };
    for (name, value) in members {
        let Some(field) = position(name).and_then(at) else {
            if OTHER_MEMBERS.contains(&name.as_str()) {
                continue;
            }
            let what = format!(
                "Invalid JSON payload received. Unknown name \"{name}\" at '{at_path}': Cannot find field."
            );
            return Err(Refusal::bad_payload(at_path, &what));
        };
        if name == "metadata" || value.is_null() {
            continue;
        }
        let fits = value
            .as_array()
            .is_some_and(|items| items.iter().all(Value::is_object));
        if !fits {
            let place = format!("{at_path}.{name}");
            return Err(Refusal::bad_payload(
                &place,
                &format!("Invalid value at '{place}', a list of objects is expected"),
            ));
        }
        if field.singleton && value.as_array().is_some_and(|items| items.len() > 1) {
            return Err(Refusal::invalid(format!(
                "Cannot have more than one person.{name} per source."
            )));
        }
    }
    Ok(members)
}

/// The stored text of a field as sent by a client; nothing when it is empty.
pub fn store(place: u8, sent: Option<&Value>, source_id: &str) -> Option<Box<str>> {
    let field = at(place)?;
    let sent = sent.and_then(Value::as_array)?;
    let mut items: Vec<Map<String, Value>> =
        sent.iter().filter_map(|item| clean(field, item)).collect();
    let chosen = items
        .iter()
        .position(|i| i.get("metadata").is_some())
        .unwrap_or(0);
    for (n, item) in items.iter_mut().enumerate() {
        complete(field.name, item);
        let mut metadata = Map::new();
        if n == chosen {
            metadata.insert("primary".into(), true.into());
        }
        if item.contains_key("metadata") {
            metadata.insert("sourcePrimary".into(), true.into());
        }
        metadata.insert("source".into(), json!({"type": "CONTACT", "id": source_id}));
        item.insert("metadata".into(), metadata.into());
    }
    if items.is_empty() {
        None
    } else {
        serde_json::to_string(&items)
            .ok()
            .map(String::into_boxed_str)
    }
}

/// An item without computed members, nulls, empty texts and metadata (but a set `sourcePrimary`); nothing when nothing is left.
fn clean(field: &Field, item: &Value) -> Option<Map<String, Value>> {
    let members = item.as_object()?;
    let mut kept = Map::new();
    for (name, value) in members {
        let empty = value.is_null() || value.as_str().is_some_and(str::is_empty);
        if !empty && name != "metadata" && !field.computed.contains(&name.as_str()) {
            kept.insert(name.clone(), value.clone());
        }
    }
    let says_nothing = kept.keys().all(|k| k == "type" || k == "contentType");
    if says_nothing {
        return None;
    }
    if members.get("metadata").and_then(|m| m.get("sourcePrimary")) == Some(&Value::Bool(true)) {
        kept.insert("metadata".into(), Value::Null);
    }
    Some(kept)
}

/// Adds what the provider computes.
fn complete(field: &str, item: &mut Map<String, Value>) {
    let text = |item: &Map<String, Value>, name: &str| {
        item.get(name)
            .and_then(Value::as_str)
            .unwrap_or("")
            .to_owned()
    };
    match field {
        "names" => names::complete(item),
        "phoneNumbers" => {
            if let Some(canonical) = names::canonical_phone(&text(item, "value")) {
                item.insert("canonicalForm".into(), canonical.into());
            }
        }
        "addresses" if !item.contains_key("formattedValue") => {
            let formatted = names::format_address(item);
            if !formatted.is_empty() {
                item.insert("formattedValue".into(), formatted.into());
            }
        }
        "genders" => {
            let value = text(item, "value");
            item.insert("formattedValue".into(), names::capitalised(&value).into());
        }
        "biographies" if !item.contains_key("contentType") => {
            item.insert("contentType".into(), "TEXT_PLAIN".into());
        }
        _ => {}
    }
    let kind = text(item, "type");
    let has_formatted = position(field)
        .and_then(at)
        .is_some_and(|f| f.computed.contains(&"formattedType"));
    if has_formatted && !kind.is_empty() {
        item.insert("formattedType".into(), names::formatted_type(&kind).into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stores_what_is_writable_and_adds_the_rest() {
        let check = |name: &str, sent: Value, expect: Option<Value>| {
            let text = store(position(name).unwrap(), Some(&sent), "1f");
            assert_eq!(
                text.map(|t| serde_json::from_str::<Value>(&t).unwrap()),
                expect,
                "{name} {sent}"
            );
        };
        let first = json!({"primary": true, "source": {"type": "CONTACT", "id": "1f"}});
        let other = json!({"source": {"type": "CONTACT", "id": "1f"}});
        check(
            "phoneNumbers",
            json!([{"value": "+49 30 1", "canonicalForm": "bogus", "x": 1}, {"value": "call me", "type": "workFax"}]),
            Some(json!([
                {"value": "+49 30 1", "x": 1, "metadata": first},
                {"value": "call me", "type": "workFax", "formattedType": "Work Fax", "metadata": other},
            ])),
        );
        check(
            "phoneNumbers",
            json!([{"type": "home"}, {"value": ""}]),
            None,
        );
        check("nicknames", json!([]), None);
        check(
            "emailAddresses",
            json!([{"value": "a@b.example"}, {"value": "c@d.example", "metadata": {"sourcePrimary": true}}]),
            Some(json!([
                {"value": "a@b.example", "metadata": other},
                {"value": "c@d.example", "metadata": {"primary": true, "sourcePrimary": true, "source": {"type": "CONTACT", "id": "1f"}}},
            ])),
        );
    }

    #[test]
    fn shapes() {
        let check = |person: Value, expect: Option<&str>| {
            let got = check_shape(&person, "person").err().map(|r| r.message);
            match expect {
                None => assert_eq!(got, None),
                Some(part) => assert!(got.as_deref().unwrap_or("").contains(part), "{got:?}"),
            }
        };
        check(
            json!({"names": [{"givenName": "A"}], "etag": "x", "fileAses": []}),
            None,
        );
        check(json!({"names": {"givenName": "A"}}), Some("person.names"));
        check(json!({"shoeSizes": []}), Some("Unknown name \"shoeSizes\""));
        check(
            json!({"biographies": [{"value": "a"}, {"value": "b"}]}),
            Some("Cannot have more than one person.biographies per source."),
        );
        check(json!([]), Some("person"));
    }
}
