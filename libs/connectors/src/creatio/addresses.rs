//! Postal addresses: rows of a contact's own, of which two are fields. Which row is which, and what is called to change
//! them. Pure.
//!
//! Creatio has any number of them, of types that a site's owner may rename and add to. The row that is marked as primary is
//! the address, else one at work, else the oldest; of those left one is the other address: that of this type, the one at
//! home, or the oldest. Any further one is left alone.
//!
//! What was entered as the other address has an id of our own, so that it stays the other one where there is no first.

use serde_json::json;
use syncline_connector::slots::{Item, Slot, allocate, slot};
use syncline_model::{self as model, FieldName, Fields, Value};

use super::change::{NO_ID, object, part};
use super::lookups::{Lookups, key};
use super::map::guid;
use super::wire::{Address, Contact, Named, Part, Row};

/// The address.
const FIRST: &str = "address";
/// The other one.
const OTHER: &str = "address.other";

/// Types of addresses.
const BUSINESS: &str = "fb7a3f6a-f36b-1410-6f81-1c6f65e50343";
const WORK: &str = "780bf68c-4b6e-df11-b988-001d60e938c6";
const HOME: &str = "4f8b2d67-71d0-45fb-897e-cd4a308a97c0";
const OTHER_TYPE: &str = "ce157f11-f425-4811-ba0e-e3816e8eced5";
/// What else tells rows apart: the mark, and whether it was entered as the other one.
const PRIMARY: &str = "primary";
const ANY: &str = "any";
const OURS: &str = "ours";

/// The two fields.
pub(super) static SLOTS: [Slot; 2] = [
    slot(
        FIRST,
        "Address",
        "address.mailing",
        &[PRIMARY, BUSINESS, WORK, ANY],
    ),
    slot(
        OTHER,
        "Address (other)",
        "address.other",
        &[OURS, OTHER_TYPE, HOME],
    ),
];

/// The parts of an address that are rows of their own: entity, and the column that leads there.
const PLACES: [(&str, &str); 3] = [
    ("City", "CityId"),
    ("Region", "RegionId"),
    ("Country", "CountryId"),
];

/// A row by what it is.
#[derive(Clone, Copy, Debug)]
struct Placed<'a> {
    row: &'a Address,
    /// Whether it was entered as the other address.
    is_ours: bool,
}

impl Item for Placed<'_> {
    /// An empty one keeps its place.
    fn is_filled(&self) -> bool {
        true
    }

    fn is_of(&self, kind: &str) -> bool {
        match kind {
            OURS => self.is_ours,
            _ if self.is_ours => false,
            PRIMARY => self.row.primary,
            ANY => true,
            kind => self.row.kind == kind,
        }
    }

    fn is_apart(&self) -> bool {
        self.is_ours
    }
}

/// Whether a field is one of the two.
pub(super) fn is_address(field: &str) -> bool {
    SLOTS.iter().any(|slot| slot.field == field)
}

/// The id of the other address that we enter for a contact.
fn ours(contact: &Contact) -> String {
    guid(&format!("{} {OTHER}", contact.id))
}

fn rows(contact: &Contact) -> Vec<Placed<'_>> {
    let ours = ours(contact);
    let all = contact.addresses.iter();
    let mut all: Vec<Placed<'_>> = all
        .map(|row| Placed {
            row,
            is_ours: row.id == ours,
        })
        .collect();
    all.sort_by_key(|one| (!one.row.primary, &one.row.created_on, &one.row.id));
    all
}

/// The row of each of the two fields, in their order.
fn placed<'a>(rows: &[Placed<'a>]) -> Vec<Option<&'a Address>> {
    let places = allocate(&SLOTS, rows).into_iter();
    places.map(|place| Some(rows.get(place?)?.row)).collect()
}

/// The two fields of a contact.
pub(super) fn told(contact: &Contact) -> impl Iterator<Item = (&'static str, Value)> {
    let places = placed(&rows(contact)).into_iter();
    let values = places.map(|row| row.map_or(Value::Empty, |row| Value::Address(postal(row))));
    SLOTS.iter().map(|slot| slot.field).zip(values)
}

/// An address by its parts.
pub(super) fn postal(address: &Address) -> model::Address {
    let name = |of: &Option<Named>| of.as_ref().map(|one| one.name.clone()).unwrap_or_default();
    model::Address {
        street: address.street.clone(),
        city: name(&address.city),
        region: name(&address.region),
        postal_code: address.zip.clone(),
        country: name(&address.country),
    }
}

/// The calls that write what these fields say of a contact's addresses.
pub(super) fn calls(
    contact: &Contact,
    fields: &Fields,
    lookups: &Lookups,
) -> Result<Vec<Part>, String> {
    let rows = rows(contact);
    let (mut parts, mut gone) = (Vec::new(), Vec::new());
    for (slot, row) in SLOTS.iter().zip(placed(&rows)) {
        let Some(value) = fields.get(&FieldName::new(slot.field)) else {
            continue;
        };
        match (value, row) {
            (Value::Address(postal), row) if !postal.is_empty() => {
                parts.push(entry(contact, slot, row, body(row, postal, lookups)));
            }
            (value, row) if value.is_empty() => gone.extend(row),
            _ => {
                return Err(format!(
                    "Creatio's field {} holds an address only",
                    slot.field
                ));
            }
        }
    }
    let removed = leaves_a_gap(&rows, &gone);
    parts.extend(gone.into_iter().map(|row| {
        if removed {
            return part("DELETE", url(row), None);
        }
        // Else another one would take its place. An empty row keeps it.
        let nowhere = body(None, &model::Address::default(), lookups);
        part("PATCH", url(row), Some(nowhere))
    }));
    Ok(parts)
}

fn url(row: &Address) -> String {
    format!("ContactAddress({})", row.id)
}

/// Whether the places of some rows are empty once these are gone, and all others are where they were.
fn leaves_a_gap(rows: &[Placed<'_>], gone: &[&Address]) -> bool {
    let stays = |row: &Address| gone.iter().all(|gone| gone.id != row.id);
    let rest: Vec<Placed<'_>> = rows.iter().copied().filter(|one| stays(one.row)).collect();
    let id = |row: Option<&Address>| row.filter(|row| stays(row)).map(|row| row.id.clone());
    let before = placed(rows).into_iter().map(id);
    before.eq(placed(&rest).into_iter().map(id))
}

/// The call that enters an address.
fn entry(contact: &Contact, slot: &Slot, row: Option<&Address>, mut body: Row) -> Part {
    if let Some(row) = row {
        return part("PATCH", url(row), Some(body));
    }
    body.insert("ContactId".to_owned(), json!(contact.id));
    if slot.field == OTHER {
        body.insert("Id".to_owned(), json!(ours(contact)));
    } else {
        body.insert("Primary".to_owned(), json!(true));
        if contact.modified_on.is_empty() {
            // Of a new contact: made again, it is the same row.
            let id = guid(&format!("{} {FIRST}", contact.id));
            body.insert("Id".to_owned(), json!(id));
        }
    }
    part("POST", "ContactAddress", Some(body))
}

/// The columns of an address.
fn body(row: Option<&Address>, postal: &model::Address, lookups: &Lookups) -> Row {
    let mut body = object(json!({"Address": postal.street, "Zip": postal.postal_code}));
    // A name that stays leads where it led: there may be several places of it.
    let own = row.map(known).unwrap_or_default();
    for ((entity, column), name) in PLACES.iter().zip(names(postal)) {
        let key = key(entity, name);
        let ids = own.get(&key).or_else(|| lookups.get(&key));
        // What the site does not have is left out; of several places of a name any is as good.
        let id = ids.and_then(|ids| ids.first());
        body.insert((*column).to_owned(), json!(id.map_or(NO_ID, |id| id)));
    }
    body
}

/// The names of an address's city, region and country, in the order of `PLACES`.
fn names(postal: &model::Address) -> [&String; 3] {
    [&postal.city, &postal.region, &postal.country]
}

/// The places that fields name, by entity.
pub(super) fn sought(fields: &Fields) -> impl Iterator<Item = (&str, &str)> {
    let values = SLOTS
        .iter()
        .filter_map(|slot| fields.get(&FieldName::new(slot.field)));
    let addresses = values.filter_map(|value| match value {
        Value::Address(postal) => Some(postal),
        _ => None,
    });
    addresses.flat_map(|postal| {
        let names = PLACES.iter().zip(names(postal));
        names.map(|((entity, _), name)| (*entity, name.as_str()))
    })
}

/// The places that an address names already.
fn known(address: &Address) -> Lookups {
    let names = postal(address);
    let ids = [&address.city, &address.region, &address.country];
    let all = PLACES.iter().zip(self::names(&names)).zip(ids);
    all.filter_map(|(((entity, _), name), there)| {
        Some((key(entity, name), vec![there.as_ref()?.id.clone()]))
    })
    .collect()
}
