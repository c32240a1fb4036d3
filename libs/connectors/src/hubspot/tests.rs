//! The pure parts: values there and back, cursors.

use chrono::{DateTime, TimeDelta};
use syncline_connector::Cursor;
use syncline_model::Value;

use super::cursor::{OVERLAP, Stage, Trip};
use super::fields::Shape;
use super::map::{read, write};

#[test]
fn values_come_back_as_they_were() {
    let day = |text: &str| Value::Date(text.parse().expect("a day"));
    let at = |text: &str| Value::Time(text.parse().expect("a time"));
    for (shape, text, value) in [
        (Shape::Text, " Ann; Bo ", Value::text(" Ann; Bo ")),
        (Shape::Text, "true", Value::text("true")),
        (Shape::Bool, "false", Value::Bool(false)),
        (Shape::Number, "-12.50", Value::Number("-12.50".into())),
        (Shape::Date, "2001-02-03", day("2001-02-03")),
        (
            Shape::Time,
            "2026-03-01T10:00:00.123Z",
            at("2026-03-01T10:00:00.123Z"),
        ),
        (
            Shape::Many,
            "a;b",
            Value::List(vec!["a".into(), "b".into()]),
        ),
    ] {
        assert_eq!(read(shape, text), value);
        assert_eq!(write(shape, &value).as_deref(), Ok(text));
    }
    assert_eq!(read(Shape::Date, "981158400000"), day("2001-02-03"));
    assert_eq!(read(Shape::Number, "1e5"), Value::text("1e5"));
    assert_eq!(write(Shape::Many, &Value::Empty).as_deref(), Ok(""));
}

#[test]
fn what_does_not_fit_is_refused() {
    for (shape, value) in [
        (Shape::Date, Value::Date("--02-29".parse().expect("a day"))),
        (Shape::Many, Value::List(vec!["a;b".into()])),
        (Shape::Text, Value::List(vec!["a".into()])),
    ] {
        assert!(write(shape, &value).is_err(), "{value:?}");
    }
}

#[test]
fn a_pull_resumes_a_while_before_the_last_one_began() {
    let began = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
    let mut trip = Trip::begin(None).expect("a pull");
    assert_eq!((trip.stage, trip.from()), (Stage::Listing, None));
    trip.started = Some(began);
    let cursor = trip.cursor(None).expect("a cursor");
    let next = Trip::begin(Some(&cursor)).expect("a pull");
    assert_eq!(
        (next.stage, next.from()),
        (Stage::Changed, Some(began - OVERLAP))
    );
    assert_eq!(Trip::read(&next.write()), Some(next.clone()));
    assert!(!next.is_too_old(Some(began + TimeDelta::days(1))));
    let mut later = next.clone();
    later.started = Some(began + TimeDelta::hours(20));
    let cursor = later.cursor(None).expect("a cursor");
    let later = Trip::begin(Some(&cursor)).expect("a pull");
    assert!(later.is_too_old(Some(began + TimeDelta::hours(25))));
    assert_eq!(
        Trip::begin(Some(&Cursor("{\"not\": \"ours\"}".into()))),
        None
    );
}
