//! Creatio's rows -> a record. Pure. The way back is `change.rs`.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use serde_json::Value as Json;
use sha2::{Digest, Sha256};
use syncline_connector::slots::{Item, allocate};
use syncline_model::{FieldName, Fields, Kind, Record, RemoteId, Value, Version};

use super::addresses::{self, postal};
use super::fields::{
    COLUMNS, COMPANY, EMAIL, FAMILIES, FAX, Family, NAME, NAME_PARTS, SECOND, SECOND_POSITION,
};
use super::own;
use super::wire::{Communication, Contact, Row};

/// The year of a time that stands for nothing.
const NO_YEAR: &str = "0001-";

/// An instant; none where it stands for nothing.
pub(super) fn instant(text: &str) -> Option<DateTime<Utc>> {
    let filled = !text.starts_with(NO_YEAR);
    text.parse().ok().filter(|_| filled)
}

/// A column's text.
pub(super) fn text<'a>(row: &'a Row, name: &str) -> &'a str {
    row.get(name).and_then(Json::as_str).unwrap_or_default()
}

/// A contact as a record, with these of the site's own columns; `None` if its time of change is no time.
pub(super) fn record(contact: &Contact, own: &[FieldName]) -> Option<Record> {
    let mut fields = Fields::new();
    let mut put = |name: &str, value: Value| {
        if !value.is_empty() {
            fields.insert(FieldName::new(name), value);
        }
    };
    let is_named = !goes_by_number(contact);
    for (name, _, kind, _) in COLUMNS {
        if is_named || !NAME_PARTS.contains(name) {
            put(name, column(&contact.columns, name, *kind));
        }
    }
    for field in own {
        if let Some(own::Column { kind, name, .. }) = own::column(field) {
            put(field.as_str(), column(&contact.columns, name, kind));
        }
    }
    if is_named {
        put(NAME, Value::text(text(&contact.columns, NAME)));
    }
    let company = contact.account.as_ref().map(|account| &*account.name);
    put(COMPANY, Value::text(company.unwrap_or_default()));
    for family in &FAMILIES {
        let rows = rows(contact, family);
        let places = allocate(family.slots, &rows);
        for (slot, place) in family.slots.iter().zip(&places) {
            let row = place.and_then(|at| rows.get(at));
            put(
                slot.field,
                Value::text(row.map_or("", |row| &*row.0.number)),
            );
        }
        if let Some(beyond) = family.beyond {
            let left = rows.iter().enumerate();
            let left = left.filter(|(at, _)| !places.contains(&Some(*at)));
            let left = left.map(|(_, row)| Value::text(&*row.0.number));
            put(
                beyond.field,
                Value::List(left.filter(|one| !one.is_empty()).collect()),
            );
        }
    }
    for (field, address) in addresses::told(contact) {
        put(field, address);
    }
    Some(Record {
        id: RemoteId::new(&contact.id),
        version: version(contact),
        modified_at: Some(changed(contact)?),
        fields,
    })
}

/// Whether a contact is called by a number or an address of its own, having no name: nobody is called that.
pub(super) fn goes_by_number(contact: &Contact) -> bool {
    let name = text(&contact.columns, NAME).trim();
    let mut numbers = contact.communications.iter();
    !name.is_empty() && numbers.any(|row| row.number.trim() == name)
}

fn column(row: &Row, name: &str, kind: Kind) -> Value {
    match kind {
        Kind::OptOut | Kind::Bool => row
            .get(name)
            .and_then(Json::as_bool)
            .map_or(Value::Empty, Value::Bool),
        Kind::Date => {
            let at = instant(text(row, name));
            let day = match at {
                Some(at) => at.date_naive().to_string().parse().ok(),
                None if text(row, name).starts_with(NO_YEAR) => None,
                None => text(row, name).parse().ok(),
            };
            day.map_or(Value::Empty, Value::Date)
        }
        Kind::DateTime => instant(text(row, name)).map_or(Value::Empty, Value::Time),
        Kind::Number => row.get(name).map_or(Value::Empty, number),
        // It leads to a row that is read with the contact.
        Kind::Choice => {
            let there = row.get(name).and_then(|there| there.get(NAME)?.as_str());
            Value::text(there.unwrap_or_default())
        }
        _ => Value::text(text(row, name)),
    }
}

/// A number in plain notation. Some services write those as texts that are larger than what others can read.
fn number(json: &Json) -> Value {
    match json {
        Json::Number(number) if number.is_f64() => {
            let float = number.as_f64().map(|float| float.to_string());
            float.map_or(Value::Empty, Value::Number)
        }
        Json::Number(number) => Value::Number(number.to_string()),
        Json::String(text) if !text.is_empty() => Value::Number(text.clone()),
        _ => Value::Empty,
    }
}

/// A row by what it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Placed<'a>(pub &'a Communication);

impl Item for Placed<'_> {
    fn is_filled(&self) -> bool {
        !self.0.number.trim().is_empty()
    }

    fn is_of(&self, kind: &str) -> bool {
        let second = self.is_second();
        if kind == SECOND {
            second
        } else {
            !second && self.0.kind == kind
        }
    }

    fn is_apart(&self) -> bool {
        self.0.kind == FAX || self.is_second()
    }
}

impl Placed<'_> {
    /// Whether it is marked as the second address.
    pub(super) fn is_second(self) -> bool {
        self.0.kind == EMAIL && self.0.position == SECOND_POSITION
    }
}

/// A contact's rows of one sort that are good still, the primary ones first.
pub(super) fn rows<'a>(contact: &'a Contact, family: &Family) -> Vec<Placed<'a>> {
    let good = |row: &&Communication| !row.non_actual && family.kinds.contains(&&*row.kind);
    let mut rows: Vec<Placed<'a>> = contact
        .communications
        .iter()
        .filter(good)
        .map(Placed)
        .collect();
    rows.sort_by_key(|row| (!row.0.primary, &row.0.created_on, &row.0.id));
    rows
}

/// When the contact or what belongs to it was changed last.
fn changed(contact: &Contact) -> Option<DateTime<Utc>> {
    let rows = contact.communications.iter().map(|row| &row.modified_on);
    let rows = rows.chain(contact.addresses.iter().map(|row| &row.modified_on));
    let latest = rows.filter_map(|at| instant(at)).max();
    Some(instant(&contact.modified_on)?.max(latest.unwrap_or_default()))
}

/// A contact's own time says nothing of its further numbers and addresses: the version is made of all of them.
fn version(contact: &Contact) -> Version {
    let rows = contact.communications.iter();
    let rows = rows.map(|row| format!("{} {} {}", row.id, row.modified_on, row.number));
    let addresses = contact.addresses.iter();
    let addresses =
        addresses.map(|row| format!("{} {} {:?}", row.id, row.modified_on, postal(row)));
    let mut all: Vec<String> = rows.chain(addresses).collect();
    all.sort_unstable();
    let digest = Sha256::digest(all.join("\n").as_bytes());
    Version::new(format!("{} {}", contact.modified_on, hex(&digest, 8)))
}

/// An id of our own making: the same for the same words.
pub(super) fn guid(words: &str) -> String {
    let digest = hex(&Sha256::digest(words.as_bytes()), 16);
    let part = |from: usize, to: usize| digest.get(from..to).unwrap_or_default();
    // Version 8 of RFC 9562: what the rest means is ours to say.
    format!(
        "{}-{}-8{}-a{}-{}",
        part(0, 8),
        part(8, 12),
        part(13, 16),
        part(17, 20),
        part(20, 32)
    )
}

fn hex(bytes: &[u8], most: usize) -> String {
    bytes
        .iter()
        .take(most)
        .fold(String::new(), |mut text, byte| {
            // Writing to a text does not fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// Whether a text is an id.
pub(super) fn is_guid(text: &str) -> bool {
    let lengths: Vec<usize> = text.split('-').map(str::len).collect();
    lengths == [8, 4, 4, 4, 12] && text.bytes().all(|c| c.is_ascii_hexdigit() || c == b'-')
}
