//! Google's repeated items seen as slots (`syncline_connector::slots`), and written back through them. Pure: it works on plain JSON
//! items and decides nothing about when to write.
//!
//! Items beyond the slots are not written and stay as they are; of some members they are read, to know a contact by.
//! Google does not promise an order of items but marks one as primary: that one counts as the first.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json, json};
use syncline_model::{Address, PartialDate, Value};

use syncline_connector::slots::{Beyond, Item, Slot, allocate};

/// What an item's value looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// `{"value": "..."}`
    Text,
    /// Parts of a postal address.
    Address,
    /// `{"date": {"year": .., "month": .., "day": ..}}`
    Date,
}

/// A member of a person with its slots.
#[derive(Clone, Copy, Debug)]
pub(super) struct Family {
    /// The member (`emailAddresses`).
    pub member: &'static str,
    /// What its items look like.
    pub shape: Shape,
    /// Its slots, in the order in which they fill.
    pub slots: &'static [Slot],
    /// Where what is beyond the slots is read, if anywhere.
    pub beyond: Option<Beyond>,
}

/// Item keys that Google derives from others: they are dropped from an item that is changed.
const DERIVED: [&str; 3] = ["formattedType", "canonicalForm", "formattedValue"];

impl Family {
    /// The slots' values.
    pub(super) fn read(&self, items: &[&Json]) -> Vec<Value> {
        self.allocate(items)
            .into_iter()
            .map(|place| {
                place
                    .and_then(|index| items.get(index))
                    .map_or(Value::Empty, |item| self.shape.read(item))
            })
            .collect()
    }

    /// The values of the items that no slot has, in an order of ours: Google's own is not fixed.
    pub(super) fn read_beyond(&self, items: &[&Json]) -> Value {
        let placed: BTreeSet<usize> = self.allocate(items).into_iter().flatten().collect();
        let left = items
            .iter()
            .enumerate()
            .filter(|(index, _)| !placed.contains(index))
            .map(|(_, item)| self.shape.read(item))
            .filter(|value| !value.is_empty());
        let mut left: Vec<Value> = left.collect();
        left.sort();
        left.dedup();
        Value::List(left)
    }

    /// The items with some slots (by position) changed; `None` when that changes nothing. Values must have been
    /// checked with `Shape::fits`.
    pub(super) fn write(&self, items: &[&Json], changes: &[(usize, Value)]) -> Option<Vec<Json>> {
        let before = self.allocate(items);
        let mut kept: Vec<Option<Json>> = items.iter().map(|item| Some((*item).clone())).collect();
        // Which item is meant to be in which slot.
        let mut meant = before.clone();
        let mut changed = false;
        for (slot, value) in changes {
            let place = before.get(*slot).copied().flatten();
            let current = place
                .and_then(|index| items.get(index))
                .map_or(Value::Empty, |item| self.shape.read(item));
            if current == *value || (current.is_empty() && value.is_empty()) {
                continue;
            }
            changed = true;
            let new_place = match place {
                Some(index) if value.is_empty() => {
                    if let Some(item) = kept.get_mut(index) {
                        *item = None;
                    }
                    None
                }
                Some(index) => {
                    if let Some(Some(item)) = kept.get_mut(index) {
                        Shape::write(item, value);
                    }
                    Some(index)
                }
                None => {
                    let mut item = json!({});
                    self.set_type(&mut item, *slot);
                    Shape::write(&mut item, value);
                    kept.push(Some(item));
                    Some(kept.len() - 1)
                }
            };
            if let Some(meant) = meant.get_mut(*slot) {
                *meant = new_place;
            }
        }
        changed.then(|| self.settle(kept, &meant))
    }

    /// Drops the removed items and sees to it that every other item stays in its slot: one that was there only
    /// because its slot was free takes on the slot's type if it would move otherwise.
    fn settle(&self, kept: Vec<Option<Json>>, meant: &[Option<usize>]) -> Vec<Json> {
        let mut items = Vec::new();
        let mut moved = vec![None; kept.len()];
        for (index, item) in kept.into_iter().enumerate() {
            if let (Some(item), Some(to)) = (item, moved.get_mut(index)) {
                *to = Some(items.len());
                items.push(item);
            }
        }
        let meant: Vec<Option<usize>> = meant
            .iter()
            .map(|place| place.and_then(|index| moved.get(index).copied().flatten()))
            .collect();
        // One that takes on a type makes room in which another could move.
        for _ in 0..self.slots.len() {
            let now = self.allocate(&items.iter().collect::<Vec<_>>());
            let mut moves = false;
            for (slot, (meant, now)) in meant.iter().zip(now).enumerate() {
                if let Some(item) = meant
                    .filter(|_| *meant != now)
                    .and_then(|index| items.get_mut(index))
                {
                    self.set_type(item, slot);
                    drop_keys(item, &DERIVED);
                    moves = true;
                }
            }
            if !moves {
                break;
            }
        }
        items
    }

    fn set_type(&self, item: &mut Json, slot: usize) {
        let own = self.slots.get(slot).and_then(|slot| slot.types.first());
        if let (Some(own), Some(item)) = (own, item.as_object_mut()) {
            item.insert("type".into(), json!(own));
        }
    }

    fn allocate(&self, items: &[&Json]) -> Vec<Option<usize>> {
        let shape = self.shape;
        let items: Vec<Seen<'_>> = items.iter().map(|item| Seen { item, shape }).collect();
        allocate(self.slots, &items)
    }
}

/// An item as the slots see it.
struct Seen<'a> {
    item: &'a Json,
    shape: Shape,
}

impl Item for Seen<'_> {
    fn is_filled(&self) -> bool {
        !self.shape.read(self.item).is_empty()
    }

    fn is_of(&self, kind: &str) -> bool {
        self.item.get("type").and_then(Json::as_str) == Some(kind)
    }
}

impl Shape {
    /// The value as an item of this shape holds it, or nothing when it cannot.
    pub(super) fn fits(self, value: &Value) -> Option<Value> {
        match (self, value) {
            (_, value) if value.is_empty() => Some(Value::Empty),
            (Self::Text, value) => as_text(value).map(Value::text),
            (Self::Address, Value::Address(_)) | (Self::Date, Value::Date(_)) => {
                Some(value.clone())
            }
            _ => None,
        }
    }

    fn read(self, item: &Json) -> Value {
        match self {
            Self::Text => Value::text(text(item, "value")),
            Self::Address => read_address(item),
            Self::Date => read_date(item).map_or(Value::Empty, Value::Date),
        }
    }

    fn write(item: &mut Json, value: &Value) {
        drop_keys(item, &DERIVED);
        let Some(item) = item.as_object_mut() else {
            return;
        };
        match value {
            Value::Address(address) => write_address(item, address),
            Value::Date(date) => {
                // `text` would say the old day.
                item.remove("text");
                item.insert("date".into(), write_date(*date));
            }
            value => {
                if item.contains_key("contentType") {
                    item.insert("contentType".into(), json!("TEXT_PLAIN"));
                }
                item.insert("value".into(), json!(as_text(value).unwrap_or_default()));
            }
        }
    }
}

/// Any value that has a text of its own.
pub(super) fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::Text(text) | Value::Number(text) => Some(text.clone()),
        Value::Bool(yes) => Some(yes.to_string()),
        Value::Date(date) => Some(date.to_string()),
        Value::Time(time) => Some(time.to_rfc3339()),
        Value::Empty | Value::Address(_) | Value::List(_) => None,
    }
}

/// The text under a key; the empty text when there is none.
pub(super) fn text<'a>(item: &'a Json, key: &str) -> &'a str {
    item.get(key).and_then(Json::as_str).unwrap_or_default()
}

/// Takes keys out of an item.
pub(super) fn drop_keys(item: &mut Json, keys: &[&str]) {
    if let Some(item) = item.as_object_mut() {
        for key in keys {
            item.remove(*key);
        }
    }
}

/// `extendedAddress` and `poBox` have no place in our address: they stay in the item, unseen.
fn read_address(item: &Json) -> Value {
    let mut address = Address {
        street: text(item, "streetAddress").to_owned(),
        city: text(item, "city").to_owned(),
        region: text(item, "region").to_owned(),
        postal_code: text(item, "postalCode").to_owned(),
        country: match text(item, "country") {
            "" => text(item, "countryCode").to_owned(),
            country => country.to_owned(),
        },
    };
    if address.is_empty() {
        // Typed as one text and never taken apart.
        text(item, "formattedValue").clone_into(&mut address.street);
    }
    if address.is_empty() {
        Value::Empty
    } else {
        Value::Address(address)
    }
}

fn write_address(item: &mut Map<String, Json>, address: &Address) {
    if item
        .get("country")
        .and_then(Json::as_str)
        .unwrap_or_default()
        != address.country
    {
        // It would go on naming the old country.
        item.remove("countryCode");
    }
    for (key, part) in [
        ("streetAddress", &address.street),
        ("city", &address.city),
        ("region", &address.region),
        ("postalCode", &address.postal_code),
        ("country", &address.country),
    ] {
        if part.is_empty() {
            item.remove(key);
        } else {
            item.insert(key.into(), json!(part));
        }
    }
}

/// Year 0, or none, is an unknown year.
fn read_date(item: &Json) -> Option<PartialDate> {
    let date = item.get("date")?;
    let number = |key: &str| date.get(key).and_then(Json::as_i64);
    let year = number("year")
        .and_then(|year| i32::try_from(year).ok())
        .filter(|year| *year != 0);
    PartialDate::new(
        year,
        u8::try_from(number("month")?).ok()?,
        u8::try_from(number("day")?).ok()?,
    )
}

fn write_date(date: PartialDate) -> Json {
    match date.year {
        Some(year) => json!({"year": year, "month": date.month, "day": date.day}),
        None => json!({"month": date.month, "day": date.day}),
    }
}
