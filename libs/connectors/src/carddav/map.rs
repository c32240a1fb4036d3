//! A card as our fields, and our changes back into a card. Pure. What no field is about stays as it is, to the byte.

use std::collections::BTreeMap;

use syncline_model::{Address, FieldName, Fields, PartialDate, Value};

use super::card::{Card, Line, escaped, unescaped};
use super::fields::{Compound, FAMILIES, Family, LONGEST, NAME, ORGANISATION, Shape, UID, Unfit};
use syncline_connector::slots::{Item, allocate};

/// The year that Apple's address books write for none.
const NO_YEAR: i32 = 1604;
/// The parts of an address's value: post office box and extension, then ours.
const ADDRESS_PARTS: usize = 7;

/// Whether a card is a list of others, as address books keep their groups.
pub(super) fn is_group(card: &Card) -> bool {
    let kinds = ["KIND", "X-ADDRESSBOOKSERVER-KIND"];
    let mut kinds = kinds.into_iter().filter_map(|name| card.first(name));
    kinds.any(|line| line.value().trim().eq_ignore_ascii_case("group"))
}

/// A card's filled fields.
pub(super) fn fields(card: &Card) -> Fields {
    let mut fields = Fields::new();
    let mut set = |field: &str, value: Value| {
        if !value.is_empty() {
            fields.insert(FieldName::new(field), value);
        }
    };
    if let Some(uid) = card.first("UID") {
        set(UID, Value::text(uid.value().trim()));
    }
    for compound in [&NAME, &ORGANISATION] {
        let texts = compound.read(card);
        for (field, .., place) in compound.parts {
            set(
                field,
                texts
                    .get(*place)
                    .map_or(Value::Empty, |text| Value::text(text.clone())),
            );
        }
    }
    for family in &FAMILIES {
        let items = family.items(card);
        let places = allocate(family.slots, &items);
        for (slot, place) in family.slots.iter().zip(&places) {
            let item = place.and_then(|place| items.get(place));
            set(
                slot.field,
                item.map_or(Value::Empty, |item| item.value.clone()),
            );
        }
        if let Some(beyond) = family.beyond {
            let left = items.iter().enumerate();
            let left =
                left.filter(|(index, item)| item.is_filled() && !places.contains(&Some(*index)));
            let mut left: Vec<Value> = left.map(|(_, item)| item.value.clone()).collect();
            left.sort();
            left.dedup();
            set(beyond.field, Value::List(left));
        }
    }
    fields
}

/// Puts changes into a card, and says whether that changed anything.
pub(super) fn apply(card: &mut Card, changes: &Fields) -> Result<bool, Unfit> {
    let mut rest: BTreeMap<&str, (&FieldName, &Value)> = changes
        .iter()
        .map(|(field, value)| (field.as_str(), (field, value)))
        .collect();
    let renamed = NAME.write(card, &mut rest)?;
    let mut changed = renamed | ORGANISATION.write(card, &mut rest)?;
    for family in &FAMILIES {
        changed |= family.write(card, &mut rest)?;
    }
    if let Some((field, _)) = rest.into_values().next() {
        return Err(Unfit::NoSuchField(field.clone()));
    }
    // Every card must have a full name. People are shown by it: it follows the name.
    if renamed || card.first("FN").is_none() {
        changed |= full_name(card);
    }
    Ok(changed)
}

/// Writes the full name. Whoever has no name is called by the company, or by the first address or number: by nothing
/// that would be read as a name.
fn full_name(card: &mut Card) -> bool {
    /// Prefix, given, additional, family, suffix.
    const SPOKEN: [usize; 5] = [3, 1, 2, 0, 4];
    let texts = NAME.stated(card);
    let words = SPOKEN
        .iter()
        .filter_map(|place| Some(texts.get(*place)?.trim()));
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    let name = words.join(" ");
    let mut name: String = name.chars().take(LONGEST).collect();
    if name.is_empty() {
        name = stand_ins(card)
            .find(|text| !text.trim().is_empty())
            .unwrap_or_default();
    }
    if name.is_empty() {
        name = "-".into();
    }
    let value = escaped(&name);
    let place = card.all("FN").first().copied();
    match place.and_then(|place| card.line_mut(place)) {
        Some(line) => line.set_value(value),
        None => drop(card.add("FN:", value)),
    }
    true
}

impl Compound {
    /// The texts of the value's parts, in the value's order.
    fn stated(&self, card: &Card) -> Vec<String> {
        let line = card.first(self.property).filter(|line| line.is_text());
        let texts = line.map(|line| line.components().into_iter().map(unescaped).collect());
        texts.unwrap_or_default()
    }

    /// The same; of a name that is not there, what can be told of it.
    fn read(&self, card: &Card) -> Vec<String> {
        let texts = self.stated(card);
        let is_blank = texts.iter().all(|text| text.trim().is_empty());
        if self.property == NAME.property && is_blank {
            return guessed(card);
        }
        texts
    }

    fn write(
        &self,
        card: &mut Card,
        rest: &mut BTreeMap<&str, (&FieldName, &Value)>,
    ) -> Result<bool, Unfit> {
        let mut wanted = Vec::new();
        for (name, .., place) in self.parts {
            if let Some((field, value)) = rest.remove(name) {
                let text = text_of(value).ok_or_else(|| Unfit::WrongKind(field.clone()))?;
                if text.chars().count() > LONGEST {
                    return Err(Unfit::TooLong(field.clone()));
                }
                wanted.push((*place, text));
            }
        }
        let now = self.read(card);
        let has = |place: usize| now.get(place).map_or("", String::as_str);
        if wanted.iter().all(|(place, text)| has(*place) == text) {
            return Ok(false);
        }
        let index = card.all(self.property).first().copied();
        let line = index.and_then(|index| card.line(index));
        let there = line.filter(|line| line.components().iter().any(|part| !part.is_empty()));
        // What other parts say stays as it is spelt.
        let mut components: Vec<String> = match there {
            Some(line) => line.components().into_iter().map(str::to_owned).collect(),
            None => now.iter().map(|text| escaped(text)).collect(),
        };
        for (place, text) in wanted {
            put(&mut components, place, escaped(&text));
        }
        components.resize(components.len().max(self.length), String::new());
        while components.len() > self.length && components.last().is_some_and(String::is_empty) {
            components.pop();
        }
        let value = components.join(";");
        let is_blank = components.iter().all(String::is_empty);
        match index {
            // Version 3 wants a name of every card.
            Some(index) if is_blank && self.property != NAME.property => {
                drop(card.remove(&[index]));
            }
            Some(index) => {
                if let Some(line) = card.line_mut(index) {
                    line.set_value(value);
                    // It would sort by the old one.
                    line.drop_param("SORT-AS");
                }
            }
            None => drop(card.add(&format!("{}:", self.property), value)),
        }
        Ok(true)
    }
}

/// A card may have nothing but a full name: its last word is the family's. A company's name is no person's, nor is an
/// address or a number.
fn guessed(card: &Card) -> Vec<String> {
    let whole = card.first("FN").map(Line::text).unwrap_or_default();
    let whole = whole.trim();
    let is_stand_in = stand_ins(card).any(|text| text.trim() == whole);
    if is_stand_in || whole.contains('@') || !whole.contains(char::is_alphabetic) {
        return Vec::new();
    }
    let (given, family) = whole.rsplit_once(' ').unwrap_or(("", whole));
    vec![family.to_owned(), given.trim().to_owned()]
}

/// What a card is called by that has no name.
fn stand_ins(card: &Card) -> impl Iterator<Item = String> {
    let lines = ["ORG", "EMAIL", "TEL"]
        .into_iter()
        .filter_map(|name| card.first(name));
    lines.map(|line| {
        let components = line.components();
        components
            .first()
            .map(|text| unescaped(text))
            .unwrap_or_default()
    })
}

/// Puts a text in a place, with empty ones before it if need be.
fn put(all: &mut Vec<String>, place: usize, text: String) {
    if all.len() <= place {
        all.resize(place + 1, String::new());
    }
    if let Some(there) = all.get_mut(place) {
        *there = text;
    }
}

/// One line of a family.
struct Found {
    /// Where it is in the card.
    index: usize,
    value: Value,
    types: Vec<String>,
}

impl Item for Found {
    fn is_filled(&self) -> bool {
        !self.value.is_empty()
    }

    /// A number that is a fax as well as of work is a fax.
    fn is_of(&self, kind: &str) -> bool {
        let has = |kind: &str| self.types.iter().any(|own| own.eq_ignore_ascii_case(kind));
        has(kind) && (kind == "fax" || !has("fax"))
    }

    fn is_apart(&self) -> bool {
        self.is_of("fax")
    }
}

impl Family {
    fn items(&self, card: &Card) -> Vec<Found> {
        let found = card.all(self.property).into_iter();
        let found = found.filter_map(|index| {
            let line = card.line(index).filter(|line| line.is_text())?;
            Some(Found {
                index,
                value: self.shape.read(line),
                types: line.params("TYPE").collect(),
            })
        });
        found.collect()
    }

    fn write(
        &self,
        card: &mut Card,
        rest: &mut BTreeMap<&str, (&FieldName, &Value)>,
    ) -> Result<bool, Unfit> {
        let mut wanted = Vec::new();
        for (index, slot) in self.slots.iter().enumerate() {
            if let Some((field, value)) = rest.remove(slot.field) {
                let fits = self.shape.fits(value);
                wanted.push((index, fits.ok_or_else(|| Unfit::WrongKind(field.clone()))?));
            }
        }
        let items = self.items(card);
        let places = allocate(self.slots, &items);
        // Which line is meant to be in which slot.
        let line_of = |place: &Option<usize>| place.and_then(|place| items.get(place));
        let mut meant: Vec<Option<usize>> = places
            .iter()
            .map(|place| Some(line_of(place)?.index))
            .collect();
        let (mut changed, mut gone) = (false, Vec::new());
        for (slot, value) in wanted {
            let item = places.get(slot).and_then(line_of);
            let current = item.map_or(&Value::Empty, |item| &item.value);
            if *current == value || current.is_empty() && value.is_empty() {
                continue;
            }
            changed = true;
            let place = match item {
                Some(item) if value.is_empty() => {
                    gone.push(item.index);
                    None
                }
                Some(item) => {
                    let is_v4 = card.is_v4();
                    if let Some(line) = card.line_mut(item.index) {
                        self.shape.write(line, &value, is_v4);
                    }
                    Some(item.index)
                }
                None => Some(self.add(card, slot, &value)),
            };
            if let Some(meant) = meant.get_mut(slot) {
                *meant = place;
            }
        }
        self.settle(card, &gone, meant);
        Ok(changed)
    }

    fn add(&self, card: &mut Card, slot: usize, value: &Value) -> usize {
        let own = self.slots.get(slot).and_then(|slot| slot.types.first());
        let head = match own {
            Some(own) => format!("{};TYPE={}:", self.property, own.to_ascii_uppercase()),
            None => format!("{}:", self.property),
        };
        let is_v4 = card.is_v4();
        let index = card.add(&head, String::new());
        if let Some(line) = card.line_mut(index) {
            self.shape.write(line, value, is_v4);
        }
        index
    }

    /// Drops what was cleared and sees to it that every other line stays in its slot: one that was there only because
    /// its slot was free takes on the slot's type if it would move otherwise.
    fn settle(&self, card: &mut Card, gone: &[usize], meant: Vec<Option<usize>>) {
        if gone.is_empty() && meant.iter().all(Option::is_none) {
            return;
        }
        let gone = card.remove(gone);
        let before = |index: usize| gone.iter().filter(|gone| **gone < index).count();
        let meant: Vec<Option<usize>> = meant
            .into_iter()
            .map(|place| place.map(|index| index - before(index)))
            .collect();
        // One that takes on a type makes room in which another could move.
        for _ in self.slots {
            let items = self.items(card);
            let now = allocate(self.slots, &items);
            let mut moves = false;
            for (slot, (meant, now)) in self.slots.iter().zip(meant.iter().zip(now)) {
                let now = now.and_then(|place| Some(items.get(place)?.index));
                let (Some(index), Some(own)) =
                    (meant.filter(|_| *meant != now), slot.types.first())
                else {
                    continue;
                };
                if let Some(line) = card.line_mut(index) {
                    line.drop_param("TYPE");
                    line.add_param(&format!("TYPE={}", own.to_ascii_uppercase()));
                    moves = true;
                }
            }
            if !moves {
                break;
            }
        }
    }
}

impl Shape {
    /// The value as a line of this shape holds it, or nothing when it cannot.
    fn fits(self, value: &Value) -> Option<Value> {
        match (self, value) {
            (_, value) if value.is_empty() => Some(Value::Empty),
            (Self::Text | Self::Uri, value) => text_of(value).map(Value::text),
            (Self::Address, Value::Address(_)) | (Self::Date, Value::Date(_)) => {
                Some(value.clone())
            }
            _ => None,
        }
    }

    fn read(self, line: &Line) -> Value {
        match self {
            Self::Text => Value::text(strip_scheme(line.text())),
            Self::Uri => Value::text(line.value().trim()),
            Self::Address => read_address(line),
            Self::Date => read_date(line).map_or(Value::Empty, Value::Date),
        }
    }

    fn write(self, line: &mut Line, value: &Value, is_v4: bool) {
        match value {
            Value::Address(address) => write_address(line, address),
            Value::Date(date) => write_date(line, *date, is_v4),
            value => {
                let text = text_of(value).unwrap_or_default();
                let is_uri = line
                    .params("VALUE")
                    .any(|kind| kind.eq_ignore_ascii_case("uri"));
                if self == Self::Uri {
                    line.set_value(text);
                } else {
                    // Version 4 may have a number as `tel:+49-30-1`, which does not bear every text.
                    if is_uri {
                        line.drop_param("VALUE");
                    }
                    line.set_value(escaped(&text));
                }
            }
        }
    }
}

/// A number or an address without the scheme that version 4 may put before it.
fn strip_scheme(text: String) -> String {
    let bare = text
        .strip_prefix("tel:")
        .or_else(|| text.strip_prefix("mailto:"));
    bare.map(str::to_owned).unwrap_or(text)
}

/// Any value that has a text of its own; the empty text for none.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::Text(text) | Value::Number(text) => Some(text.clone()),
        Value::Bool(yes) => Some(yes.to_string()),
        Value::Date(date) => Some(date.to_string()),
        Value::Time(time) => Some(time.to_rfc3339()),
        value => value.is_empty().then(String::new),
    }
}

/// Post office box and extension have no place in our address: they stay in the line, unseen.
fn read_address(line: &Line) -> Value {
    let components = line.components();
    let part = |place: usize| {
        components
            .get(place)
            .map(|part| unescaped(part))
            .unwrap_or_default()
    };
    let address = Address {
        street: part(2),
        city: part(3),
        region: part(4),
        postal_code: part(5),
        country: part(6),
    };
    if address.is_empty() {
        Value::Empty
    } else {
        Value::Address(address)
    }
}

fn write_address(line: &mut Line, address: &Address) {
    let mut components: Vec<String> = line.components().into_iter().map(str::to_owned).collect();
    components.resize(components.len().max(ADDRESS_PARTS), String::new());
    let parts = [
        &address.street,
        &address.city,
        &address.region,
        &address.postal_code,
        &address.country,
    ];
    for (place, part) in (2..).zip(parts) {
        let same = components
            .get(place)
            .is_some_and(|there| unescaped(there) == *part);
        if !same {
            put(&mut components, place, escaped(part));
        }
    }
    line.set_value(components.join(";"));
    // It would print the old one.
    line.drop_param("LABEL");
}

/// `1985-04-12`, `19850412`, `--0412`, `--04-12`, each perhaps with a time behind it; and Apple's way of leaving out the
/// year.
fn read_date(line: &Line) -> Option<PartialDate> {
    let text = line.value().split('T').next()?.trim();
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let number = |from: usize, to: usize| digits.get(from..to)?.parse::<i32>().ok();
    let (year, at) = match (text.starts_with("--"), digits.len()) {
        (true, 4) => (None, 0),
        (false, 8) => (number(0, 4), 4),
        _ => return None,
    };
    let omitted = line.params("X-APPLE-OMIT-YEAR").next();
    let year = year.filter(|year| omitted.is_none_or(|omitted| omitted != year.to_string()));
    let month = u8::try_from(number(at, at + 2)?).ok()?;
    let day = u8::try_from(number(at + 2, at + 4)?).ok()?;
    PartialDate::new(year, month, day)
}

fn write_date(line: &mut Line, date: PartialDate, is_v4: bool) {
    line.drop_param("X-APPLE-OMIT-YEAR");
    line.drop_param("VALUE");
    let (month, day) = (date.month, date.day);
    match date.year {
        Some(year) => line.set_value(format!("{year:04}-{month:02}-{day:02}")),
        None if is_v4 => line.set_value(format!("--{month:02}{day:02}")),
        None => {
            line.add_param(&format!("X-APPLE-OMIT-YEAR={NO_YEAR}"));
            line.set_value(format!("{NO_YEAR}-{month:02}-{day:02}"));
        }
    }
}
