//! HubSpot's texts <-> values. Pure.

use chrono::{DateTime, SecondsFormat, Utc};
use syncline_model::{FieldName, Fields, PartialDate, Record, RemoteId, Value, Version};

use super::fields::{Shape, Shapes, fixed};
use super::wire::Contact;

/// The property that holds the ids of contacts that were merged into this one.
pub(super) const MERGED: &str = "hs_merged_object_ids";

fn shape_of(name: &str, shapes: &Shapes) -> Shape {
    fixed(name)
        .or_else(|| shapes.get(name).copied())
        .unwrap_or(Shape::Text)
}

/// A contact as a record, with the fields that are wanted; `None` if its time of change is no time.
pub(super) fn record(contact: &Contact, wanted: &[FieldName], shapes: &Shapes) -> Option<Record> {
    let fields = wanted.iter().filter_map(|name| {
        let text = contact.properties.get(name.as_str())?.as_deref()?;
        let value = read(shape_of(name.as_str(), shapes), text);
        (!value.is_empty()).then(|| (name.clone(), value))
    });
    Some(Record {
        id: RemoteId::new(&contact.id),
        version: Version::new(&contact.updated_at),
        modified_at: Some(instant(&contact.updated_at)?),
        fields: fields.collect(),
    })
}

/// The ids by which a contact went before it was merged.
pub(super) fn former(contact: &Contact) -> Vec<RemoteId> {
    let ids = contact.properties.get(MERGED).and_then(Option::as_deref);
    let ids = ids.unwrap_or_default().split(';').map(str::trim);
    ids.filter(|id| !id.is_empty() && *id != contact.id)
        .map(RemoteId::new)
        .collect()
}

/// A text as a value. One that is not of its property's shape is kept as it is.
pub(super) fn read(shape: Shape, text: &str) -> Value {
    let plain = || Value::text(text);
    match shape {
        Shape::Text => plain(),
        Shape::Bool => match text {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            _ => plain(),
        },
        Shape::Number => {
            let digits = |c: char| c.is_ascii_digit() || matches!(c, '-' | '.');
            if text.is_empty() || !text.chars().all(digits) {
                plain()
            } else {
                Value::Number(text.to_owned())
            }
        }
        Shape::Date => day(text).map_or_else(plain, Value::Date),
        Shape::Time => instant(text).map_or_else(plain, Value::Time),
        Shape::Many => Value::List(
            text.split(';')
                .map(Value::text)
                .filter(|value| !value.is_empty())
                .collect(),
        ),
    }
}

/// What a property takes for a value; `Err` says what is wrong with it. Nothing is the empty text.
pub(super) fn write(shape: Shape, value: &Value) -> Result<String, &'static str> {
    if value.is_empty() {
        return Ok(String::new());
    }
    match (shape, value) {
        (Shape::Many, Value::List(items)) => {
            let texts: Option<Vec<&str>> = items
                .iter()
                .filter(|item| !item.is_empty())
                .map(Value::as_text)
                .collect();
            let texts = texts.ok_or("holds choices only")?;
            if texts.iter().any(|text| text.contains(';')) {
                return Err("cannot hold a choice with a semicolon");
            }
            Ok(texts.join(";"))
        }
        (_, Value::List(_)) => Err("holds one value only"),
        (Shape::Date, Value::Date(date)) if date.year.is_none() => {
            Err("cannot hold a day without its year")
        }
        (_, Value::Text(text) | Value::Number(text)) => Ok(text.clone()),
        (_, Value::Bool(yes)) => Ok(yes.to_string()),
        (_, Value::Date(date)) => Ok(date.to_string()),
        (_, Value::Time(at)) => Ok(at.to_rfc3339_opts(SecondsFormat::Millis, true)),
        (_, Value::Address(_)) => Err("cannot hold an address"),
        (_, Value::Empty) => Ok(String::new()),
    }
}

/// What HubSpot takes for fields, by property; `Err` names the one that cannot be.
pub(super) fn written(
    fields: &Fields,
    shapes: &Shapes,
) -> Result<serde_json::Map<String, serde_json::Value>, String> {
    let one = |(name, value): (&FieldName, &Value)| {
        let text = write(shape_of(name.as_str(), shapes), value)
            .map_err(|why| format!("HubSpot's property {name} {why}"))?;
        Ok((name.as_str().to_owned(), text.into()))
    };
    fields.iter().map(one).collect()
}

/// A day; HubSpot also writes days as the milliseconds of their midnight.
fn day(text: &str) -> Option<PartialDate> {
    let midnight = text.parse().ok().and_then(DateTime::from_timestamp_millis);
    let text = midnight.map_or_else(|| text.to_owned(), |at| at.date_naive().to_string());
    text.parse()
        .ok()
        .filter(|day: &PartialDate| day.year.is_some())
}

/// An instant.
pub(super) fn instant(text: &str) -> Option<DateTime<Utc>> {
    let millis = text.parse().ok().and_then(DateTime::from_timestamp_millis);
    millis.or_else(|| text.parse().ok())
}
