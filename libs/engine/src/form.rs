//! How one side says what both sides of a mapping entry mean. Values are merged in one common form; here they are read into
//! it and written out of it.
//!
//! Laws, held by tests: what was written reads as what was meant, and what reads as what is meant is not written again
//! (the merge sees to that: it compares what was read). What cannot be read stays as it is: it is nobody's date, and it is
//! carried nowhere, but it is never lost.

mod day;
mod table;

use chrono::{NaiveDate, NaiveTime, SecondsFormat, Utc};
use syncline_model::{Address, Cardinality, DateFormat, Kind, PartialDate, Value};

use crate::normal;

pub(crate) use table::Table;

/// How a side says it.
#[derive(Clone, Debug)]
pub(crate) enum Form {
    /// As a value of this kind.
    Plain(Kind),
    /// As a yes or no, which is never blank, to a side that may be.
    Flag,
    /// As a text that tells a value of this kind.
    Told(Kind, DateFormat),
    /// As a time, of which only the day counts: its day in UTC, and midnight where it is written.
    Day,
    /// As a set or an address, written out into a text. Nothing is read back from there.
    WrittenOut,
    /// In the words of a table.
    Words(Table),
}

impl Form {
    /// Reads what stands on the side.
    pub fn read(&self, value: Value) -> Value {
        match (self, &value) {
            (Self::Told(kind, format), Value::Text(text)) => {
                told(*kind, *format, text).unwrap_or(value)
            }
            (Self::Flag, value) if value.is_empty() => Value::Bool(false),
            (Self::Day, Value::Time(time)) => {
                let date = time.date_naive();
                day::of(date).map_or(value, Value::Date)
            }
            (Self::WrittenOut, Value::Address(address)) => address_text(address),
            (Self::WrittenOut, Value::List(_)) => set_text(&value),
            (Self::Words(table), _) => table.read(value),
            _ => value,
        }
    }

    /// What is to stand on the side; or why it cannot, in words that go on from the field's name.
    pub fn write(&self, value: &Value) -> Result<Value, String> {
        if value.is_empty() {
            return Ok(Value::Empty);
        }
        match (self, value) {
            (Self::Plain(kind), value) => plain(*kind, value).map(|()| value.clone()),
            (Self::Flag, value) => plain(Kind::Bool, value).map(|()| value.clone()),
            (Self::Told(_, format), Value::Date(date)) => day::spell(*date, *format)
                .map(Value::Text)
                .ok_or_else(|| NO_YEAR.into()),
            (Self::Told(..), Value::Time(time)) => {
                Ok(Value::Text(time.to_rfc3339_opts(SecondsFormat::Secs, true)))
            }
            (Self::Told(..), Value::Bool(yes)) => Ok(Value::Text(yes.to_string())),
            (Self::Told(..), Value::Number(number)) => Ok(Value::Text(number.clone())),
            (Self::Told(..), value) => Ok(value.clone()),
            (Self::Day, Value::Date(date)) => midnight(*date),
            (Self::Day, value) => plain(Kind::Date, value).map(|()| value.clone()),
            (Self::WrittenOut, _) => Err("is only ever read".into()),
            (Self::Words(table), value) => table.write(value),
        }
    }
}

const NO_YEAR: &str = "needs a day with a year of four digits. Add the year";

/// Whether a value is of a kind, as far as kinds say more than that it is a text.
fn plain(kind: Kind, value: &Value) -> Result<(), String> {
    let (fits, why) = match (kind, normal(kind, Cardinality::One, value)) {
        (Kind::Date, read) => (
            matches!(read, Value::Date(_)),
            "holds a date, and the value cannot be read as one. Write it as the mapping's `dates` says (2001-02-03 if it says nothing)",
        ),
        (Kind::DateTime, _) => (
            matches!(value, Value::Time(_)),
            "holds a time, and the value cannot be read as one. Write it as 2001-02-03T04:05:06Z",
        ),
        (Kind::Number, read) => (
            matches!(read, Value::Number(_)),
            "holds a number, and the value is none. Write it in digits, such as 12.5",
        ),
        (Kind::Bool | Kind::OptOut, read) => (
            matches!(read, Value::Bool(_)),
            "holds yes or no, and the value is neither. Write true or false",
        ),
        _ => (true, ""),
    };
    fits.then_some(()).ok_or_else(|| why.to_owned())
}

/// The value of a kind that a text tells.
fn told(kind: Kind, format: DateFormat, text: &str) -> Option<Value> {
    match kind {
        Kind::Date => day::parse(text, format).map(Value::Date),
        Kind::DateTime => chrono::DateTime::parse_from_rfc3339(text.trim())
            .ok()
            .map(|time| Value::Time(time.to_utc())),
        Kind::Number => {
            let number = normal(Kind::Number, Cardinality::One, &Value::text(text));
            let told =
                matches!(number, Value::Number(_)) && text.bytes().any(|b| b.is_ascii_digit());
            told.then_some(number)
        }
        Kind::Bool | Kind::OptOut => {
            let flag = normal(Kind::Bool, Cardinality::One, &Value::text(text));
            matches!(flag, Value::Bool(_)).then_some(flag)
        }
        _ => None,
    }
}

fn midnight(date: PartialDate) -> Result<Value, String> {
    let day = date
        .year
        .and_then(|year| NaiveDate::from_ymd_opt(year, date.month.into(), date.day.into()))
        .ok_or(NO_YEAR)?;
    Ok(Value::Time(
        day.and_time(NaiveTime::MIN)
            .and_local_timezone(Utc)
            .single()
            .ok_or(NO_YEAR)?,
    ))
}

/// An address in one line.
fn address_text(address: &Address) -> Value {
    let parts = [
        &address.street,
        &address.city,
        &address.region,
        &address.postal_code,
        &address.country,
    ];
    let words: Vec<String> = parts
        .iter()
        .map(|part| part.split_whitespace().collect::<Vec<_>>().join(" "))
        .filter(|part| !part.is_empty())
        .collect();
    Value::text(words.join(", "))
}

/// A set in one line, in an order of its own: a provider may list it in any.
fn set_text(set: &Value) -> Value {
    let Value::List(items) = normal(Kind::Choice, Cardinality::Many, set) else {
        return Value::Empty;
    };
    let words: Vec<&str> = items.iter().filter_map(Value::as_text).collect();
    Value::text(words.join(", "))
}
