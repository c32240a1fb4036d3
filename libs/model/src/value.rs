//! What a field can hold, independent of any provider.
//!
//! Values are kept as the provider gave them; what makes two of them *equal* is the engine's normal form.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

/// One field's value. Serialised compactly, since it is what links and staged records are made of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Value {
    /// Nothing: absent, null and the empty text are one and the same.
    #[default]
    #[serde(rename = "e")]
    Empty,
    /// Text of any kind: names, e-mail addresses, phone numbers, URLs, choices.
    #[serde(rename = "s")]
    Text(String),
    /// Yes or no.
    #[serde(rename = "b")]
    Bool(bool),
    /// A decimal number in plain notation (`-12.50`), kept as text so that nothing is rounded.
    #[serde(rename = "n")]
    Number(String),
    /// A day, of which the year may be unknown.
    #[serde(rename = "d")]
    Date(PartialDate),
    /// An instant, UTC.
    #[serde(rename = "t")]
    Time(DateTime<Utc>),
    /// A postal address.
    #[serde(rename = "a")]
    Address(Address),
    /// Several values, in the provider's order; merged as a set.
    #[serde(rename = "l")]
    List(Vec<Value>),
}

impl Value {
    /// Text, or `Empty` when there is nothing but white space in it.
    pub fn text(text: impl Into<String>) -> Self {
        let text = text.into();
        if text.trim().is_empty() {
            Self::Empty
        } else {
            Self::Text(text)
        }
    }

    /// Whether there is nothing in it: an address with only empty parts and a list with no filled item are empty too.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Text(text) | Self::Number(text) => text.trim().is_empty(),
            Self::Bool(_) | Self::Date(_) | Self::Time(_) => false,
            Self::Address(address) => address.is_empty(),
            Self::List(items) => items.iter().all(Self::is_empty),
        }
    }

    /// The text inside, if it is text.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The value as plain JSON, as the API shows it.
    pub fn to_json(&self) -> serde_json::Value {
        use serde_json::Value as J;
        match self {
            Self::Empty => J::Null,
            Self::Text(text) | Self::Number(text) => J::String(text.clone()),
            Self::Bool(yes) => J::Bool(*yes),
            Self::Date(date) => J::String(date.to_string()),
            Self::Time(time) => J::String(time.to_rfc3339()),
            Self::Address(address) => serde_json::to_value(address).unwrap_or(J::Null),
            Self::List(items) => J::Array(items.iter().map(Self::to_json).collect()),
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::text(text)
    }
}

/// A day, of which the year may be unknown (birthdays often come without one).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PartialDate {
    /// Calendar year, if known.
    pub year: Option<i32>,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
}

impl PartialDate {
    /// A date that exists in the calendar; the year 2000 stands in for an unknown one, so that 29 February passes.
    pub fn new(year: Option<i32>, month: u8, day: u8) -> Option<Self> {
        NaiveDate::from_ymd_opt(year.unwrap_or(2000), month.into(), day.into())?;
        Some(Self { year, month, day })
    }
}

impl std::fmt::Display for PartialDate {
    /// `2001-02-03`, or `--02-03` when the year is unknown (the form of vCard 4).
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.year {
            Some(year) => write!(f, "{year:04}-{:02}-{:02}", self.month, self.day),
            None => write!(f, "--{:02}-{:02}", self.month, self.day),
        }
    }
}

impl std::str::FromStr for PartialDate {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        let (year, rest) = if let Some(rest) = text.strip_prefix("--") {
            (None, rest)
        } else {
            let (year, rest) = text.split_once('-').ok_or(())?;
            (Some(year.parse().map_err(|_| ())?), rest)
        };
        let (month, day) = rest.split_once('-').ok_or(())?;
        let month = month.parse().map_err(|_| ())?;
        let day = day.parse().map_err(|_| ())?;
        Self::new(year, month, day).ok_or(())
    }
}

/// A postal address by its parts; an unknown part is the empty text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default)]
pub struct Address {
    /// Street, house number and anything above the city; may have several lines.
    pub street: String,
    /// City or locality.
    pub city: String,
    /// State, province or region.
    pub region: String,
    /// Postal code.
    pub postal_code: String,
    /// Country, as the provider words it.
    pub country: String,
}

impl Address {
    /// Whether every part is empty.
    pub fn is_empty(&self) -> bool {
        [
            &self.street,
            &self.city,
            &self.region,
            &self.postal_code,
            &self.country,
        ]
        .iter()
        .all(|part| part.trim().is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_print_and_parse() {
        for text in ["2001-02-03", "--02-29", "0999-12-31"] {
            assert_eq!(
                text.parse::<PartialDate>().map(|d| d.to_string()),
                Ok(text.into())
            );
        }
        for bad in ["2001-02-30", "--13-01", "x", "2001", "2001-1", ""] {
            assert!(bad.parse::<PartialDate>().is_err(), "{bad}");
        }
    }

    #[test]
    fn emptiness() {
        assert!(Value::text("  ").is_empty());
        assert!(Value::Address(Address::default()).is_empty());
        assert!(Value::List(vec![Value::Empty]).is_empty());
        assert!(!Value::Bool(false).is_empty());
    }

    #[test]
    fn stored_form_round_trips() {
        let value = Value::List(vec![
            Value::text("x"),
            Value::Date(PartialDate::new(None, 2, 29).expect("a date")),
            Value::Address(Address {
                city: "Köln".into(),
                ..Address::default()
            }),
        ]);
        let json = serde_json::to_string(&value).expect("json");
        assert_eq!(serde_json::from_str::<Value>(&json).expect("value"), value);
    }
}
