//! Fields -> the calls that write them: to the contact itself, and to the rows that belong to it. Pure.

use chrono::SecondsFormat;
use serde_json::{Number, Value as Json, json};
use syncline_connector::slots::allocate;
use syncline_model::{FieldName, Fields, Kind, Value};

use super::addresses;
use super::fields::{COLUMNS, EMAIL, FAMILIES, Family, NAME, NAME_PARTS, SECOND, SECOND_POSITION};
use super::lookups::{Lookups, key};
use super::map::{Placed, goes_by_number, guid, rows, text};
use super::own;
use super::wire::{Contact, Part, Row};

/// Nothing, where an id stands.
pub(super) const NO_ID: &str = "00000000-0000-0000-0000-000000000000";

/// A call in a batch.
pub(super) fn part(method: &'static str, url: impl Into<String>, body: Option<Row>) -> Part {
    let kind = json!({"Content-Type": "application/json", "Accept": "application/json"});
    Part {
        // Answers come in the order of the calls.
        id: "1".to_owned(),
        method,
        url: url.into(),
        body,
        headers: object(kind),
    }
}

/// The members of an object.
pub(super) fn object(json: Json) -> Row {
    match json {
        Json::Object(members) => members,
        _ => Row::new(),
    }
}

/// A contact to be made.
pub(super) fn create(id: &str, fields: &Fields, lookups: &Lookups) -> Result<Vec<Part>, String> {
    let nobody = Contact {
        id: id.to_owned(),
        ..Contact::default()
    };
    let mut body = columns(&nobody, fields, lookups)?;
    if text(&body, NAME).is_empty() {
        let name = stand_in(fields).ok_or("Creatio has no contact without a name")?;
        body.insert(NAME.to_owned(), json!(name));
        // Else it would be taken apart into names that nobody gave.
        body.extend(NAME_PARTS.map(|part| (part.to_owned(), json!(""))));
    }
    body.insert("Id".to_owned(), json!(id));
    let mut parts = vec![part("POST", "Contact", Some(body))];
    parts.extend(belongings(&nobody, fields, lookups)?);
    Ok(parts)
}

/// A contact to be changed.
pub(super) fn update(
    contact: &Contact,
    changes: &Fields,
    lookups: &Lookups,
) -> Result<Vec<Part>, String> {
    let mut parts = Vec::new();
    let body = columns(contact, changes, lookups)?;
    if !body.is_empty() {
        parts.push(part(
            "PATCH",
            format!("Contact({})", contact.id),
            Some(body),
        ));
    }
    parts.extend(belongings(contact, changes, lookups)?);
    Ok(parts)
}

/// What whoever has no name goes by.
fn stand_in(fields: &Fields) -> Option<String> {
    let slots = FAMILIES.iter().flat_map(|family| family.slots);
    let texts = slots.filter_map(|slot| fields.get(&FieldName::new(slot.field))?.as_text());
    texts
        .map(str::trim)
        .find(|text| !text.is_empty())
        .map(str::to_owned)
}

/// The contact's own columns. Creatio makes the whole name of its parts and the parts of the whole by rules of its own:
/// sent together, both stay as they are.
fn columns(contact: &Contact, fields: &Fields, lookups: &Lookups) -> Result<Row, String> {
    let mut body = Row::new();
    for (field, value) in fields {
        let name = field.as_str();
        let common = COLUMNS.iter().find(|(common, ..)| *common == name);
        let common = common.map(|(name, _, kind, _)| own::Column {
            kind: *kind,
            name,
            entity: None,
        });
        let elsewhere = addresses::is_address(name)
            || FAMILIES
                .iter()
                .flat_map(|family| family.slots)
                .any(|slot| slot.field == name);
        match common.or_else(|| own::column(field)) {
            Some(column) => {
                let (name, value) = match column.entity {
                    None => (column.name.to_owned(), written(column.kind, value)),
                    Some(entity) => (format!("{}Id", column.name), led(entity, value, lookups)),
                };
                let value =
                    value.map_err(|why| format!("Creatio's column {} {why}", column.name))?;
                body.insert(name, value);
            }
            None if elsewhere => {}
            None => return Err(format!("Creatio has no field {name} that can be written")),
        }
    }
    if NAME_PARTS.iter().any(|part| body.contains_key(*part)) {
        let is_named = !goes_by_number(contact);
        for part in NAME_PARTS {
            let kept = text(&contact.columns, part);
            let kept = json!(if is_named { kept } else { "" });
            body.entry(part).or_insert(kept);
        }
        let words = NAME_PARTS.iter().map(|part| text(&body, part).trim());
        let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
        let mut name = words.join(" ");
        if name.is_empty() {
            // Somebody has to be called something.
            text(&contact.columns, NAME).clone_into(&mut name);
        }
        body.insert(NAME.to_owned(), json!(name));
    }
    Ok(body)
}

/// What a column takes for a value; `Err` says what is wrong with it.
fn written(kind: Kind, value: &Value) -> Result<Json, &'static str> {
    match (kind, value) {
        (Kind::OptOut | Kind::Bool, Value::Bool(yes)) => Ok(json!(yes)),
        (Kind::OptOut | Kind::Bool, value) if value.is_empty() => Ok(json!(false)),
        (Kind::OptOut | Kind::Bool, _) => Err("holds yes or no only"),
        (Kind::Date, Value::Date(day)) if day.year.is_none() => {
            Err("cannot hold a day without its year")
        }
        (Kind::Date, Value::Date(day)) => Ok(json!(format!("{day}T00:00:00Z"))),
        (Kind::Date, value) if value.is_empty() => Ok(Json::Null),
        (Kind::Date, _) => Err("holds a day only"),
        (Kind::DateTime, Value::Time(at)) => {
            Ok(json!(at.to_rfc3339_opts(SecondsFormat::AutoSi, true)))
        }
        (Kind::DateTime, value) if value.is_empty() => Ok(Json::Null),
        (Kind::DateTime, _) => Err("holds a time only"),
        (Kind::Number, Value::Number(text)) => {
            let number: Result<Number, _> = serde_json::from_str(text.trim());
            number.map(Json::Number).map_err(|_| "holds a number only")
        }
        // There is no empty number in Creatio.
        (Kind::Number, value) if value.is_empty() => Ok(json!(0)),
        (Kind::Number, _) => Err("holds a number only"),
        (_, Value::Text(text) | Value::Number(text)) => Ok(json!(text)),
        (_, value) if value.is_empty() => Ok(json!("")),
        _ => Err("holds a text only"),
    }
}

/// The id of the row that a name stands for; `Err` says what is wrong with it.
fn led(entity: &str, value: &Value, lookups: &Lookups) -> Result<Json, &'static str> {
    match value {
        value if value.is_empty() => Ok(json!(NO_ID)),
        Value::Text(name) => {
            let ids = lookups.get(&key(entity, name)).map(Vec::as_slice);
            match ids.unwrap_or_default() {
                [id] => Ok(json!(id)),
                [] => Err("leads to no record of this name: add it in Creatio first"),
                _ => Err("leads to several records of this name: give them different names"),
            }
        }
        _ => Err("holds the name of a record only"),
    }
}

/// The calls for what belongs to a contact.
fn belongings(contact: &Contact, fields: &Fields, lookups: &Lookups) -> Result<Vec<Part>, String> {
    let mut parts = Vec::new();
    for family in &FAMILIES {
        parts.extend(communications(contact, family, fields)?);
    }
    parts.extend(addresses::calls(contact, fields, lookups)?);
    Ok(parts)
}

fn communications(
    contact: &Contact,
    family: &Family,
    fields: &Fields,
) -> Result<Vec<Part>, String> {
    let rows = rows(contact, family);
    let places = allocate(family.slots, &rows);
    let mut parts = Vec::new();
    let mut first_goes = false;
    let swapped = swapped(family, fields, &rows, &places);
    let gone = swapped
        .iter()
        .map(|row| part("DELETE", url(&row.0.id), None));
    parts.extend(gone);
    for (slot, place) in family.slots.iter().zip(places) {
        let row = place.and_then(|at| rows.get(at));
        let row = row.filter(|row| swapped.iter().all(|gone| gone.0.id != row.0.id));
        let is_second = slot.types.contains(&SECOND);
        let Some(value) = fields.get(&FieldName::new(slot.field)) else {
            // The second address must not move up into the place of the first.
            let moves = row.filter(|row| is_second && first_goes && !row.is_second());
            parts.extend(moves.map(|row| {
                let body = object(json!({"Position": SECOND_POSITION}));
                part("PATCH", url(&row.0.id), Some(body))
            }));
            continue;
        };
        let number = match value {
            Value::Text(text) => text.as_str(),
            value if value.is_empty() => "",
            _ => return Err(format!("Creatio's field {} holds a text only", slot.field)),
        };
        let mut body = object(json!({"Number": number}));
        if is_second {
            body.insert("Position".to_owned(), json!(SECOND_POSITION));
        }
        match row {
            Some(row) if number.is_empty() => {
                first_goes = true;
                parts.push(part("DELETE", url(&row.0.id), None));
            }
            Some(row) => parts.push(part("PATCH", url(&row.0.id), Some(body))),
            None if number.is_empty() => {}
            None => {
                let kind = slot
                    .types
                    .iter()
                    .find(|kind| **kind != SECOND)
                    .unwrap_or(&EMAIL);
                body.insert("ContactId".to_owned(), json!(contact.id));
                body.insert("CommunicationTypeId".to_owned(), json!(kind));
                if contact.modified_on.is_empty() {
                    // Of a new contact: made again, it is the same row.
                    let id = guid(&format!("{} {}", contact.id, slot.field));
                    body.insert("Id".to_owned(), json!(id));
                }
                parts.push(part("POST", "ContactCommunication", Some(body)));
            }
        }
    }
    Ok(parts)
}

/// The rows that give way, all of those that are changed, if one of them is to have what another one has: two rows of one
/// number are one to Creatio.
fn swapped<'a>(
    family: &Family,
    fields: &Fields,
    rows: &[Placed<'a>],
    places: &[Option<usize>],
) -> Vec<Placed<'a>> {
    let changed = family.slots.iter().zip(places).filter_map(|(slot, place)| {
        let value = fields.get(&FieldName::new(slot.field))?;
        Some((
            value.as_text().unwrap_or_default().trim(),
            *rows.get((*place)?)?,
        ))
    });
    let changed: Vec<(&str, Placed<'a>)> = changed.collect();
    let meets = changed.iter().any(|(number, row)| {
        let mut others = changed.iter().filter(|(_, other)| other.0.id != row.0.id);
        others.any(|(_, other)| {
            !number.is_empty() && other.0.number.trim().eq_ignore_ascii_case(number)
        })
    });
    let rows = changed.into_iter().map(|(_, row)| row);
    rows.filter(|_| meets).collect()
}

fn url(id: &str) -> String {
    format!("ContactCommunication({id})")
}
