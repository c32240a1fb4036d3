//! Zoho's values to ours and back. Pure; which field has which shape is `fields.rs`.
//!
//! What Zoho cannot hold is left out of a payload and named in `Payload::left_out`: a birthday without its year, a
//! list in a single text, a postal address as one value (its parts are fields of their own here).

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value as Json, json};
use syncline_model::{FieldName, Fields, Record, RemoteId, Value, Version};

use super::fields::{NONE, Shape, Shapes, base, system_shape};
use super::wire::Row;

/// The field that carries a record's version.
pub(super) const MODIFIED: &str = "Modified_Time";

/// A record as ours; `None` when it has no id or no modification time, which Zoho documents for every record asked
/// with that field. The version is the modification time exactly as given: what `If-Unmodified-Since` takes.
pub(super) fn record(row: &Row, names: &[FieldName], shapes: &Shapes) -> Option<Record> {
    let id = row.get("id")?.as_str()?;
    let modified = row.get(MODIFIED)?.as_str()?;
    let modified_at = instant(modified)?;
    let fields = names
        .iter()
        .map(|name| (name.clone(), field(row, name, shapes)))
        .filter(|(_, value)| !value.is_empty())
        .collect();
    Some(Record {
        id: RemoteId::new(id),
        version: Version::new(modified),
        modified_at: Some(modified_at),
        fields,
    })
}

fn field(row: &Row, name: &FieldName, shapes: &Shapes) -> Value {
    let base = base(name);
    let Some(json) = row.get(base) else {
        return Value::Empty;
    };
    match name.as_str().split_once('.') {
        Some((_, part)) => json.get(part).map_or(Value::Empty, natural),
        None => value(shape(base, shapes), json),
    }
}

fn shape(name: &str, shapes: &Shapes) -> Option<Shape> {
    system_shape(name).or_else(|| shapes.get(name).copied())
}

/// A value as ours. What does not look as its shape promises is taken for what it looks like.
pub(super) fn value(shape: Option<Shape>, json: &Json) -> Value {
    match (shape, json) {
        (Some(Shape::Number | Shape::BigInt), Json::String(text)) if is_number(text) => {
            Value::Number(text.trim().to_owned())
        }
        (Some(Shape::Text | Shape::Phone), Json::Number(_) | Json::Bool(_)) => {
            Value::text(json.to_string())
        }
        (Some(Shape::Date), Json::String(text)) => text
            .parse()
            .map_or_else(|()| Value::text(text.as_str()), Value::Date),
        (Some(Shape::Time), Json::String(text)) => {
            instant(text).map_or_else(|| Value::text(text.as_str()), Value::Time)
        }
        // COQL writes several choices as one text.
        (Some(Shape::Many), Json::String(text)) => list(text.split(';').map(Value::text)),
        _ => natural(json),
    }
}

fn natural(json: &Json) -> Value {
    match json {
        Json::Null => Value::Empty,
        Json::Bool(yes) => Value::Bool(*yes),
        Json::Number(number) => Value::Number(plain(number)),
        Json::String(text) if text == NONE => Value::Empty,
        Json::String(text) => Value::text(text.as_str()),
        Json::Array(items) => list(items.iter().map(natural)),
        Json::Object(object) => object.get("name").map_or(Value::Empty, natural),
    }
}

fn list(items: impl Iterator<Item = Value>) -> Value {
    let items: Vec<Value> = items.filter(|item| !item.is_empty()).collect();
    if items.is_empty() {
        Value::Empty
    } else {
        Value::List(items)
    }
}

/// A number without an exponent.
fn plain(number: &serde_json::Number) -> String {
    let text = number.to_string();
    match number.as_f64() {
        Some(float) if text.contains(['e', 'E']) => float.to_string(),
        _ => text,
    }
}

fn is_number(text: &str) -> bool {
    let text = text.trim();
    text.parse::<f64>().is_ok_and(f64::is_finite) && text.bytes().any(|b| b.is_ascii_digit())
}

/// An instant in any of the ISO 8601 forms that Zoho writes.
pub(super) fn instant(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text)
        .ok()
        .map(|time| time.to_utc())
}

/// An instant as Zoho reads it: whole seconds, with an offset.
pub(super) fn instant_text(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, false)
}

/// The fields of a write.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Payload {
    /// What is sent.
    pub row: Row,
    /// The fields that Zoho cannot hold as they are, or that are not ours to write.
    pub left_out: Vec<FieldName>,
}

/// A record to create: empty fields are not sent.
pub(super) fn creation(fields: &Fields, shapes: &Shapes) -> Payload {
    payload(fields.iter().filter(|(_, value)| !value.is_empty()), shapes)
}

/// A change: an empty field is cleared.
pub(super) fn change(fields: &Fields, shapes: &Shapes) -> Payload {
    payload(fields.iter(), shapes)
}

fn payload<'a>(
    fields: impl Iterator<Item = (&'a FieldName, &'a Value)>,
    shapes: &Shapes,
) -> Payload {
    let mut payload = Payload::default();
    for (name, value) in fields {
        let writable = !matches!(
            name.as_str(),
            "id" | "Full_Name" | MODIFIED | "Created_Time"
        ) && !name.as_str().contains('.');
        match json(shape(name.as_str(), shapes), value).filter(|_| writable) {
            Some(json) => {
                payload.row.insert(name.as_str().to_owned(), json);
            }
            None => payload.left_out.push(name.clone()),
        }
    }
    payload
}

/// A value as Zoho takes it; `None` when it cannot hold it.
pub(super) fn json(shape: Option<Shape>, value: &Value) -> Option<Json> {
    if shape == Some(Shape::Reference) {
        return None;
    }
    if value.is_empty() {
        return Some(match shape {
            Some(Shape::Bool) => Json::Bool(false),
            Some(Shape::Tags | Shape::Many) => json!([]),
            _ => Json::Null,
        });
    }
    match value {
        Value::Empty | Value::Address(_) => None,
        Value::Text(text) => text_json(shape, text),
        Value::Number(text) => number_json(shape, text),
        Value::Bool(yes) => Some(match shape {
            Some(Shape::Text | Shape::Phone) => Json::String(yes.to_string()),
            _ => Json::Bool(*yes),
        }),
        Value::Date(date) => date.year.map(|_| Json::String(date.to_string())),
        Value::Time(time) => Some(Json::String(instant_text(*time))),
        Value::List(items) => match shape {
            Some(Shape::Tags) => Some(items.iter().filter_map(Value::as_text).map(tag).collect()),
            Some(Shape::Many) | None => Some(items.iter().filter_map(Value::as_text).collect()),
            Some(_) => match items.as_slice() {
                [only] => json(shape, only),
                _ => None,
            },
        },
    }
}

fn text_json(shape: Option<Shape>, text: &str) -> Option<Json> {
    match shape {
        Some(Shape::Tags) => Some(json!([tag(text)])),
        Some(Shape::Phone) => Some(Json::String(text.replace('/', " "))),
        Some(Shape::Many) => Some(json!([text])),
        Some(Shape::Number | Shape::BigInt) => number_json(shape, text),
        Some(Shape::Bool) => text
            .trim()
            .to_ascii_lowercase()
            .parse()
            .ok()
            .map(Json::Bool),
        _ => Some(Json::String(text.to_owned())),
    }
}

fn tag(name: &str) -> Json {
    json!({ "name": name })
}

fn number_json(shape: Option<Shape>, text: &str) -> Option<Json> {
    let text = text.trim();
    match shape {
        Some(Shape::BigInt) => text
            .parse::<i64>()
            .ok()
            .map(|number| Json::String(number.to_string())),
        Some(Shape::Number) | None => match text.parse::<i64>() {
            Ok(whole) => Some(json!(whole)),
            Err(_) => text
                .parse::<f64>()
                .ok()
                .filter(|number| number.is_finite())
                .map(|n| json!(n)),
        },
        Some(_) => Some(Json::String(text.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use syncline_model::{Address, PartialDate};

    fn date(text: &str) -> Value {
        Value::Date(text.parse::<PartialDate>().expect("a date"))
    }

    fn time(text: &str) -> Value {
        Value::Time(instant(text).expect("an instant"))
    }

    fn texts(items: &[&str]) -> Value {
        Value::List(items.iter().map(|item| Value::text(*item)).collect())
    }

    #[test]
    fn values_are_read_by_their_shape() {
        let check = |shape, json: Json, expect: Value| {
            assert_eq!(value(Some(shape), &json), expect, "{shape:?} {json}");
        };
        check(Shape::Text, json!("Müller"), "Müller".into());
        check(Shape::Text, json!("2001-02-03"), "2001-02-03".into());
        check(Shape::Text, json!("  "), Value::Empty);
        check(Shape::Text, json!(null), Value::Empty);
        check(Shape::Text, json!("-None-"), Value::Empty);
        check(Shape::Text, json!(12), "12".into());
        check(Shape::Bool, json!(false), Value::Bool(false));
        check(Shape::Number, json!(12.5), Value::Number("12.5".into()));
        check(
            Shape::Number,
            json!(1e20),
            Value::Number("100000000000000000000".into()),
        );
        check(
            Shape::BigInt,
            json!("4150868000000376008"),
            Value::Number("4150868000000376008".into()),
        );
        check(Shape::BigInt, json!("n/a"), "n/a".into());
        check(Shape::Date, json!("2001-02-03"), date("2001-02-03"));
        check(Shape::Date, json!("soon"), "soon".into());
        check(
            Shape::Time,
            json!("2026-02-03T04:05:06+01:00"),
            time("2026-02-03T03:05:06Z"),
        );
        check(Shape::Many, json!(["a", "b"]), texts(&["a", "b"]));
        check(Shape::Many, json!("a;b"), texts(&["a", "b"]));
        check(Shape::Many, json!([]), Value::Empty);
        check(
            Shape::Tags,
            json!([{"name": "VIP", "id": "1", "color_code": null}]),
            texts(&["VIP"]),
        );
        check(
            Shape::Reference,
            json!({"name": "Zylker", "id": "1"}),
            "Zylker".into(),
        );
    }

    #[test]
    fn what_is_written_reads_back() {
        let check = |shape, given: Value| {
            let wire = json(Some(shape), &given).expect("Zoho can hold it");
            assert_eq!(value(Some(shape), &wire), given, "{shape:?} {wire}");
        };
        for text in [
            "x",
            "ß\nzwei",
            "2001-02-03",
            "12",
            "true",
            "a;b",
            "\"quoted\"",
        ] {
            check(Shape::Text, text.into());
            check(Shape::Tags, texts(&[text]));
            check(Shape::Many, texts(&[text, "other"]));
        }
        for number in ["0", "-7", "12.5", "999999999"] {
            check(Shape::Number, Value::Number(number.into()));
        }
        check(Shape::BigInt, Value::Number("9007199254740993".into()));
        check(Shape::Bool, Value::Bool(true));
        check(Shape::Date, date("1980-02-29"));
        check(Shape::Time, time("2026-02-03T04:05:06Z"));
        for shape in [
            Shape::Text,
            Shape::Number,
            Shape::Date,
            Shape::Time,
            Shape::Many,
            Shape::Tags,
        ] {
            check(shape, Value::Empty);
        }
    }

    #[test]
    fn a_telephone_number_loses_the_slash_that_zoho_refuses() {
        let check = |given: &str, expect: &str| {
            let wire = json(Some(Shape::Phone), &given.into());
            assert_eq!(wire, Some(json!(expect)), "{given}");
        };
        check("030/1234567", "030 1234567");
        check("+49 (30) 123-45.67;8", "+49 (30) 123-45.67;8");
    }

    #[test]
    fn what_zoho_cannot_hold_is_left_out() {
        let check = |shape, given: Value| assert_eq!(json(shape, &given), None, "{given:?}");
        check(Some(Shape::Date), date("--02-29"));
        check(Some(Shape::Text), texts(&["a", "b"]));
        check(Some(Shape::Number), "many".into());
        check(Some(Shape::Reference), "Zylker".into());
        check(
            None,
            Value::Address(Address {
                city: "Köln".into(),
                ..Address::default()
            }),
        );
    }

    #[test]
    fn payloads_send_what_was_asked_and_nothing_else() {
        let fields: Fields = [
            ("First_Name", Value::Empty),
            ("Last_Name", "Boyle".into()),
            ("Full_Name", "Pat Boyle".into()),
            ("Owner.email", "p@zylker.com".into()),
            ("Email_Opt_Out", Value::Empty),
            ("Date_of_Birth", date("--02-29")),
            ("Tag", texts(&["VIP"])),
        ]
        .into_iter()
        .map(|(name, value)| (FieldName::new(name), value))
        .collect();
        let names = |payload: &Payload| -> Vec<String> {
            payload.left_out.iter().map(ToString::to_string).collect()
        };

        let made = creation(&fields, &Shapes::new());
        assert_eq!(
            Json::Object(made.row.clone()),
            json!({"Last_Name": "Boyle", "Tag": [{"name": "VIP"}]})
        );
        assert_eq!(names(&made), ["Date_of_Birth", "Full_Name", "Owner.email"]);

        let changed = change(&fields, &Shapes::new());
        assert_eq!(
            Json::Object(changed.row.clone()),
            json!({"First_Name": null, "Last_Name": "Boyle", "Email_Opt_Out": false, "Tag": [{"name": "VIP"}]})
        );
        assert_eq!(
            names(&changed),
            ["Date_of_Birth", "Full_Name", "Owner.email"]
        );
    }

    #[test]
    fn records_keep_their_version_as_given() {
        let row = json!({
            "id": "4150868000000376008", "Last_Name": "Boyle", "First_Name": null, "Level__c": "3",
            "Owner": {"name": "Patricia Boyle", "id": "4150868000000225013", "email": "p.boyle@zylker.com"},
            "Modified_Time": "2026-02-03T04:05:06+01:00", "$editable": true
        });
        let names: Vec<FieldName> = [
            "Last_Name",
            "First_Name",
            "Owner",
            "Owner.email",
            "Owner.id",
            "Level__c",
        ]
        .map(FieldName::from)
        .into();
        let shapes: Shapes = [("Level__c".to_owned(), Shape::BigInt)].into();
        let read = record(row.as_object().expect("an object"), &names, &shapes).expect("a record");
        assert_eq!(read.id.as_str(), "4150868000000376008");
        assert_eq!(read.version.as_str(), "2026-02-03T04:05:06+01:00");
        assert_eq!(read.modified_at, instant("2026-02-03T03:05:06Z"));
        let expect: Fields = [
            ("Last_Name", "Boyle".into()),
            ("Owner", "Patricia Boyle".into()),
            ("Owner.email", "p.boyle@zylker.com".into()),
            ("Owner.id", "4150868000000225013".into()),
            ("Level__c", Value::Number("3".into())),
        ]
        .into_iter()
        .map(|(name, value): (&str, Value)| (FieldName::new(name), value))
        .collect();
        assert_eq!(read.fields, expect);

        let without_time = json!({"id": "1", "Last_Name": "Boyle"});
        assert!(
            record(
                without_time.as_object().expect("an object"),
                &names,
                &shapes
            )
            .is_none()
        );
    }

    fn any_text() -> impl proptest::strategy::Strategy<Value = String> {
        use proptest::strategy::Strategy;
        "\\PC{1,40}".prop_filter("a filled text", |text| {
            !text.trim().is_empty() && text != NONE
        })
    }

    proptest::proptest! {
        #[test]
        fn any_value_that_is_written_reads_back(
            text in any_text(), other in any_text(), whole in -999_999_999_i64.., cents in -1_000_000_i32..1_000_000,
            days in 0_i64..40_000, seconds in 0_i64..4_000_000_000, yes: bool,
        ) {
            let day = DateTime::from_timestamp(days * 86_400, 0).expect("an instant").date_naive();
            let price = f64::from(cents) / 100.0;
            let list = Value::List(vec![Value::text(text.as_str()), Value::text(other)]);
            for (shape, given) in [
                (Shape::Text, Value::text(text)),
                (Shape::Many, list.clone()),
                (Shape::Tags, list),
                (Shape::BigInt, Value::Number(whole.to_string())),
                (Shape::Number, Value::Number(whole.to_string())),
                (Shape::Number, value(Some(Shape::Number), &json!(price))),
                (Shape::Date, date(&day.to_string())),
                (Shape::Time, Value::Time(DateTime::from_timestamp(seconds, 0).expect("an instant"))),
                (Shape::Bool, Value::Bool(yes)),
            ] {
                let wire = super::json(Some(shape), &given).expect("Zoho can hold it");
                proptest::prop_assert_eq!(value(Some(shape), &wire), given);
            }
        }

        #[test]
        fn a_change_sends_each_field_or_says_that_it_did_not(
            names in proptest::collection::btree_set("[A-Z][a-z]{1,5}(__c|\\.id)?", 0..8), text in any_text(),
        ) {
            let fields: Fields = names.iter().map(|name| (FieldName::new(name), Value::text(text.as_str()))).collect();
            let payload = change(&fields, &Shapes::new());
            for name in fields.keys() {
                proptest::prop_assert!(payload.row.contains_key(name.as_str()) != payload.left_out.contains(name));
            }
            proptest::prop_assert_eq!(payload.row.len() + payload.left_out.len(), fields.len());
        }
    }
}
