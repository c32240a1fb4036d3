//! Values as small numbers, and what they look like in records. 0 is blank; a set is a bit mask; a value may be spelt
//! in two ways that mean the same.
//!
//! Written without the engine's normal forms and lenses: what is read here is what the engine is held to.

use syncline_model::{Address, FieldName, Fields, Value};

/// What an entry is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One line of text.
    Text,
    /// An e-mail address.
    Email,
    /// A telephone number.
    Phone,
    /// Yes or no, of which "no" and nothing are one.
    Bool,
    /// A set of three choices.
    Set,
    /// A text of which b holds four characters only.
    Long,
    /// A text on a, the street of an address on b.
    Street,
    /// A text on a, the city of the same address on b.
    City,
    /// A text on a, the given name in a whole name on b. Never blank.
    Given,
    /// The family name in the same whole name. Never blank.
    Family,
}

const GIVEN: [&str; 5] = ["", "Ann", "Bob", "Cyd", "Dov"];
const FAMILY: [&str; 5] = ["", "Lee", "Moe", "Ney", "Orr"];

impl Shape {
    /// The numbers that a person may enter.
    pub const fn numbers(self) -> std::ops::Range<u8> {
        match self {
            Self::Bool => 0..2,
            Self::Set => 0..8,
            Self::Given | Self::Family => 1..4,
            _ => 0..4,
        }
    }

    /// Whether a number is nothing at all.
    pub const fn is_blank(self, number: u8) -> bool {
        number == 0 && !matches!(self, Self::Bool)
    }

    /// Whether b cannot hold it.
    pub const fn is_too_long(self, number: u8) -> bool {
        number == 3 && matches!(self, Self::Long)
    }

    /// Its field on a side (0 is a), without the part.
    pub fn field(self, side: usize, index: usize) -> FieldName {
        match (self, side) {
            (Self::Street | Self::City, 1) => FieldName::new("home"),
            (Self::Given | Self::Family, 1) => FieldName::new("full"),
            _ => FieldName::new(["f0", "f1", "f2", "f3", "f4"][index]),
        }
    }

    /// Its path on a side.
    pub fn path(self, side: usize, index: usize) -> String {
        let part = match (self, side) {
            (Self::Street, 1) => "#street",
            (Self::City, 1) => "#city",
            (Self::Given, 1) => "#given",
            (Self::Family, 1) => "#family",
            _ => "",
        };
        format!("{}{part}", self.field(side, index))
    }

    /// A number as a value of an entry, spelt in one of two ways.
    pub fn value(self, number: u8, other_spelling: bool) -> Value {
        if self.is_blank(number) {
            return Value::Empty;
        }
        let text = match (self, other_spelling) {
            (Self::Bool, other) => {
                return match (number, other) {
                    (0, true) => Value::Empty,
                    (number, _) => Value::Bool(number == 1),
                };
            }
            (Self::Set, other) => {
                let mut items: Vec<Value> = (0..3)
                    .filter(|bit| number >> bit & 1 == 1)
                    .map(|bit| Value::Text(["i0", "i1", "i2"][bit].to_owned()))
                    .collect();
                if other {
                    items.reverse();
                }
                return Value::List(items);
            }
            (Self::Given, _) => GIVEN[usize::from(number)].to_owned(),
            (Self::Family, _) => FAMILY[usize::from(number)].to_owned(),
            (Self::Email, false) => format!("v{number}@x.io"),
            (Self::Email, true) => format!(" V{number}@X.io"),
            (Self::Phone, false) => format!("650-253-000{number}"),
            (Self::Phone, true) => format!("(650) 253 000{number}"),
            (Self::Long, _) if self.is_too_long(number) => format!("v{number}-and-a-tail"),
            // Blanks around a long text would not fit.
            (Self::Long, _) | (_, false) => format!("v{number}"),
            (_, true) => format!("  v{number} "),
        };
        Value::Text(text)
    }

    /// The number of a value of an entry.
    pub fn number(self, value: &Value) -> u8 {
        match (self, value) {
            (_, Value::Bool(yes)) => u8::from(*yes),
            (_, Value::List(items)) => items
                .iter()
                .filter_map(Value::as_text)
                .fold(0, |set, item| {
                    set | 1 << item.as_bytes()[1].saturating_sub(b'0')
                }),
            (Self::Given, Value::Text(text)) => place(&GIVEN, text),
            (Self::Family, Value::Text(text)) => place(&FAMILY, text),
            (Self::Phone, Value::Text(text)) => text.as_bytes()[text.len() - 1] - b'0',
            (_, Value::Text(text)) => {
                let text = text.trim_start();
                text.as_bytes().get(1).map_or(0, |digit| digit - b'0')
            }
            _ => 0,
        }
    }

    /// What a record says.
    pub fn read(self, side: usize, index: usize, fields: &Fields) -> u8 {
        let Some(whole) = fields.get(&self.field(side, index)) else {
            return 0;
        };
        match (self, side, whole) {
            (Self::Street, 1, Value::Address(home)) => self.number(&Value::text(&home.street)),
            (Self::City, 1, Value::Address(home)) => self.number(&Value::text(&home.city)),
            (Self::Given, 1, Value::Text(full)) => {
                place(&GIVEN, full.split(' ').next().unwrap_or(""))
            }
            (Self::Family, 1, Value::Text(full)) => {
                place(&FAMILY, full.split(' ').nth(1).unwrap_or(""))
            }
            (Self::Street | Self::City | Self::Given | Self::Family, 1, _) => 0,
            (_, _, value) => self.number(value),
        }
    }

    /// Enters a number into a record.
    pub fn write(self, side: usize, index: usize, fields: &mut Fields, number: u8, other: bool) {
        let field = self.field(side, index);
        let value = self.value(number, other);
        let text = || value.as_text().unwrap_or("").to_owned();
        let value = match (self, side) {
            (Self::Street | Self::City, 1) => {
                let mut home = match fields.remove(&field) {
                    Some(Value::Address(home)) => home,
                    _ => Address {
                        country: "Iceland".into(),
                        ..Address::default()
                    },
                };
                match self {
                    Self::Street => home.street = text(),
                    _ => home.city = text(),
                }
                Value::Address(home)
            }
            (Self::Given | Self::Family, 1) => {
                let full = fields
                    .get(&field)
                    .and_then(Value::as_text)
                    .unwrap_or("Ann Lee");
                let mut words = full.split(' ');
                let (given, family) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
                Value::Text(match self {
                    Self::Given => format!("{} {family}", text()),
                    _ => format!("{given} {}", text()),
                })
            }
            _ => value,
        };
        fields.insert(field, value);
    }
}

fn place(words: &[&str], word: &str) -> u8 {
    words.iter().position(|one| *one == word).unwrap_or(0) as u8
}
