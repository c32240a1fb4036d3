//! A person of the People API as our fields, and our changes back into a person. Pure.
//!
//! Only items of the `CONTACT` source count: what Google mixes in from profiles is neither read nor written. Members
//! are replaced whole on the wire, so a change leaves every item and key that it does not concern as it was.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};
use syncline_model::{FieldName, Fields, Record, RemoteId, UNSUBSCRIBED, Value, Version};

use super::fields::{COMPOUNDS, Compound, FAMILIES, GROUPS, STARRED};
use super::slots::{Shape, as_text, drop_keys, text};
use super::wire::Person;

/// The group that everyone belongs to who is not hidden.
pub(super) const MY_CONTACTS: &str = "contactGroups/myContacts";
const STARRED_GROUP: &str = "contactGroups/starred";
pub(super) const CUSTOM: &str = "userDefined.";

/// The user's own groups, without the one that marks trash: name by resource name.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Labels(pub BTreeMap<String, String>);

/// A change that a contact cannot hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unfit {
    #[error("Google Contacts has no field `{0}`")]
    NoSuchField(FieldName),
    #[error("the field `{0}` of Google Contacts cannot hold a value of this kind")]
    WrongKind(FieldName),
    #[error("Google Contacts has no group by a name in the field `{0}`")]
    NoSuchGroup(FieldName),
    #[error("Google Contacts has several groups by a name in the field `{0}`")]
    SeveralGroups(FieldName),
}

/// Whether any of these fields cannot be read or written without knowing the account's groups.
pub(super) fn needs_labels<'a>(fields: impl IntoIterator<Item = &'a FieldName>) -> bool {
    fields.into_iter().any(|field| field.as_str() == GROUPS)
}

/// Whether a change puts somebody into the group of those who have opted out.
pub(super) fn puts_into_unsubscribed(fields: &Fields) -> bool {
    let is_it = |value: &Value| value.as_text() == Some(UNSUBSCRIBED);
    let groups = fields.iter().filter(|(name, _)| name.as_str() == GROUPS);
    groups.map(|(_, value)| value).any(|value| match value {
        Value::List(items) => items.iter().any(is_it),
        one => is_it(one),
    })
}

/// A person as a record; `None` when it is not, or no longer, a contact of the user.
pub(super) fn record(person: &Person, labels: Option<&Labels>) -> Option<Record> {
    let contact = person.contact().filter(|_| !person.metadata.deleted)?;
    Some(Record {
        id: RemoteId::new(person.resource_name.clone()),
        version: Version::new(contact.etag.clone().unwrap_or_default()),
        modified_at: contact.update_time,
        fields: fields(person, labels),
    })
}

/// A person's filled fields; groups only when the account's are known.
pub(super) fn fields(person: &Person, labels: Option<&Labels>) -> Fields {
    let mut fields = Fields::new();
    let mut set = |field: &str, value: Value| {
        if !value.is_empty() {
            fields.entry(FieldName::new(field)).or_insert(value);
        }
    };
    for compound in &COMPOUNDS {
        if let Some(item) = own_items(person, compound.member).first() {
            for (field, _, _, key) in compound.parts {
                set(field, Value::text(text(item, key)));
            }
        }
    }
    for (_, family) in &FAMILIES {
        let items = own_items(person, family.member);
        for (slot, value) in family.slots.iter().zip(family.read(&items)) {
            set(slot.field, value);
        }
        if let Some(beyond) = family.beyond {
            set(beyond.field, family.read_beyond(&items));
        }
    }
    for item in own_items(person, "userDefined") {
        let key = text(item, "key");
        if !key.is_empty() {
            set(&format!("{CUSTOM}{key}"), Value::text(text(item, "value")));
        }
    }
    set(STARRED, Value::Bool(is_member(person, STARRED_GROUP)));
    if let Some(labels) = labels {
        // A set, in an order of ours: Google's own is not fixed.
        let names: BTreeSet<&String> = memberships(person)
            .filter_map(|group| labels.0.get(group))
            .collect();
        let names = names
            .into_iter()
            .map(|name| Value::text(name.clone()))
            .collect();
        set(GROUPS, Value::List(names));
    }
    fields
}

/// Whether a person is in a group.
pub(super) fn is_member(person: &Person, group: &str) -> bool {
    memberships(person).any(|one| one == group)
}

/// Puts changes into a person and says which members they touched: what the update mask must name.
pub(super) fn apply(
    person: &mut Person,
    changes: &Fields,
    labels: &Labels,
) -> Result<BTreeSet<&'static str>, Unfit> {
    let mut touched = BTreeSet::new();
    let mut rest: BTreeMap<&str, (&FieldName, &Value)> = changes
        .iter()
        .map(|(field, value)| (field.as_str(), (field, value)))
        .collect();
    for compound in &COMPOUNDS {
        if apply_compound(person, compound, &mut rest)? {
            touched.insert(compound.member);
        }
    }
    for (_, family) in &FAMILIES {
        let mut wanted = Vec::new();
        for (index, slot) in family.slots.iter().enumerate() {
            if let Some((field, value)) = rest.remove(slot.field) {
                let value = family
                    .shape
                    .fits(value)
                    .ok_or_else(|| Unfit::WrongKind(field.clone()))?;
                wanted.push((index, value));
            }
        }
        if let Some(items) = family.write(&own_items(person, family.member), &wanted) {
            person
                .members
                .insert(family.member.into(), Json::Array(items));
            touched.insert(family.member);
        }
    }
    for (name, (field, value)) in rest {
        let member = match name {
            STARRED => apply_starred(person, field, value)?.then_some("memberships"),
            GROUPS => apply_groups(person, field, value, labels)?.then_some("memberships"),
            _ => apply_custom(person, field, value)?.then_some("userDefined"),
        };
        touched.extend(member);
    }
    Ok(touched)
}

fn apply_compound(
    person: &mut Person,
    compound: &Compound,
    rest: &mut BTreeMap<&str, (&FieldName, &Value)>,
) -> Result<bool, Unfit> {
    let mut items: Vec<Json> = own_items(person, compound.member)
        .into_iter()
        .cloned()
        .collect();
    let mut item = items.first().cloned().unwrap_or_else(|| json!({}));
    let mut changed = false;
    for (name, _, _, key) in compound.parts {
        let Some((field, value)) = rest.remove(name) else {
            continue;
        };
        let value = Shape::Text
            .fits(value)
            .ok_or_else(|| Unfit::WrongKind(field.clone()))?;
        let current = Value::text(text(&item, key));
        if current == value {
            continue;
        }
        changed = true;
        match (as_text(&value), item.as_object_mut()) {
            (Some(text), Some(item)) => drop(item.insert((*key).into(), json!(text))),
            (None, Some(item)) => drop(item.remove(*key)),
            (_, None) => {}
        }
    }
    if !changed {
        return Ok(false);
    }
    drop_keys(&mut item, compound.derived);
    let worth_keeping = item.as_object().is_some_and(|item| {
        item.keys()
            .any(|key| !compound.trimmings.contains(&key.as_str()))
    });
    match (items.first_mut(), worth_keeping) {
        (Some(first), true) => *first = item,
        (Some(_), false) => drop(items.remove(0)),
        (None, true) => items.push(item),
        (None, false) => {}
    }
    person
        .members
        .insert(compound.member.into(), Json::Array(items));
    Ok(true)
}

fn apply_custom(person: &mut Person, field: &FieldName, value: &Value) -> Result<bool, Unfit> {
    let key = field
        .as_str()
        .strip_prefix(CUSTOM)
        .filter(|key| !key.is_empty())
        .ok_or_else(|| Unfit::NoSuchField(field.clone()))?;
    let value = Shape::Text
        .fits(value)
        .ok_or_else(|| Unfit::WrongKind(field.clone()))?;
    let mut items: Vec<Json> = own_items(person, "userDefined")
        .into_iter()
        .cloned()
        .collect();
    let place = items
        .iter()
        .position(|item| text(item, "key") == key && !text(item, "value").trim().is_empty());
    let current = place
        .and_then(|index| items.get(index))
        .map_or(Value::Empty, |item| Value::text(text(item, "value")));
    if current == value {
        return Ok(false);
    }
    match (place, as_text(&value)) {
        (Some(index), None) => drop(items.remove(index)),
        (Some(index), Some(text)) => {
            if let Some(item) = items.get_mut(index).and_then(Json::as_object_mut) {
                item.insert("value".into(), json!(text));
            }
        }
        (None, Some(text)) => items.push(json!({"key": key, "value": text})),
        (None, None) => return Ok(false),
    }
    person
        .members
        .insert("userDefined".into(), Json::Array(items));
    Ok(true)
}

fn apply_starred(person: &mut Person, field: &FieldName, value: &Value) -> Result<bool, Unfit> {
    let wanted = match value {
        Value::Bool(yes) => *yes,
        value if value.is_empty() => false,
        _ => return Err(Unfit::WrongKind(field.clone())),
    };
    if wanted == is_member(person, STARRED_GROUP) {
        return Ok(false);
    }
    let mut groups: Vec<String> = memberships(person).map(str::to_owned).collect();
    if wanted {
        groups.push(STARRED_GROUP.to_owned());
    } else {
        groups.retain(|group| group != STARRED_GROUP);
    }
    set_memberships(person, groups);
    Ok(true)
}

/// Puts a person into exactly these of the user's own groups; all other memberships stay.
fn apply_groups(
    person: &mut Person,
    field: &FieldName,
    value: &Value,
    labels: &Labels,
) -> Result<bool, Unfit> {
    let has: BTreeSet<String> = memberships(person)
        .filter(|group| labels.0.contains_key(*group))
        .map(str::to_owned)
        .collect();
    let mut wanted = BTreeSet::new();
    let names: &[Value] = match value {
        Value::List(names) => names,
        one @ Value::Text(_) => std::slice::from_ref(one),
        value if value.is_empty() => &[],
        _ => return Err(Unfit::WrongKind(field.clone())),
    };
    for name in names.iter().filter(|name| !name.is_empty()) {
        let name = name
            .as_text()
            .ok_or_else(|| Unfit::WrongKind(field.clone()))?;
        let named: Vec<&String> = labels
            .0
            .iter()
            .filter(|(_, known)| *known == name)
            .map(|(resource, _)| resource)
            .collect();
        // Of several by one name, those that the person is in already are meant.
        let held: Vec<&String> = named
            .iter()
            .copied()
            .filter(|group| has.contains(*group))
            .collect();
        match (held.as_slice(), named.as_slice()) {
            ([], []) => return Err(Unfit::NoSuchGroup(field.clone())),
            ([], [only]) => drop(wanted.insert((*only).clone())),
            ([], _) => return Err(Unfit::SeveralGroups(field.clone())),
            (held, _) => wanted.extend(held.iter().map(|group| (*group).clone())),
        }
    }
    if has == wanted {
        return Ok(false);
    }
    let mut groups: Vec<String> = memberships(person)
        .filter(|group| !has.contains(*group) || wanted.contains(*group))
        .map(str::to_owned)
        .collect();
    groups.extend(wanted.difference(&has).cloned());
    set_memberships(person, groups);
    Ok(true)
}

/// Replaces a person's groups. A contact must be in at least one.
pub(super) fn set_memberships(person: &mut Person, mut groups: Vec<String>) {
    if groups.is_empty() {
        groups.push(MY_CONTACTS.to_owned());
    }
    let old = own_items(person, "memberships");
    let items = groups
        .iter()
        .map(|group| {
            old.iter()
                .find(|item| membership(item) == Some(group))
                .map_or_else(
                    || json!({"contactGroupMembership": {"contactGroupResourceName": group}}),
                    |item| (*item).clone(),
                )
        })
        .collect();
    person
        .members
        .insert("memberships".into(), Json::Array(items));
}

/// The groups that a person is in.
pub(super) fn groups(person: &Person) -> Vec<String> {
    memberships(person).map(str::to_owned).collect()
}

fn memberships(person: &Person) -> impl Iterator<Item = &str> {
    own_items(person, "memberships")
        .into_iter()
        .filter_map(membership)
}

fn membership(item: &Json) -> Option<&str> {
    item.get("contactGroupMembership")?
        .get("contactGroupResourceName")?
        .as_str()
}

/// A member's items that are the user's own, the primary one first.
pub(super) fn own_items<'a>(person: &'a Person, member: &str) -> Vec<&'a Json> {
    let metadata =
        |item: &'a Json, key: &str| item.get("metadata").and_then(|metadata| metadata.get(key));
    let mut items: Vec<&Json> = person
        .members
        .get(member)
        .and_then(Json::as_array)
        .into_iter()
        .flatten()
        .filter(|item| {
            metadata(item, "source")
                .and_then(|source| source.get("type"))
                .and_then(Json::as_str)
                .is_none_or(|source| source == "CONTACT")
        })
        .collect();
    items.sort_by_key(|item| metadata(item, "primary").and_then(Json::as_bool) != Some(true));
    items
}
