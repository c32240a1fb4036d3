//! The pure parts, by example.

use chrono::{DateTime, Utc};
use serde_json::{Value as Json, json};
use syncline_connector::Cursor;
use syncline_model::{Address, Fields, PartialDate, RemoteId, Value};

use super::cursor::{LAG, Mark, Step, Trip};
use super::fields::{OPT_OUT, Shape, Shapes};
use super::map::{self, Payload};
use super::wire::Member;

fn shapes() -> Shapes {
    [
        ("FNAME", Shape::Text),
        ("ADDRESS", Shape::Address),
        ("BIRTHDAY", Shape::Birthday),
        ("SINCE", Shape::Date),
        ("SCORE", Shape::Number),
    ]
    .map(|(tag, shape)| (tag.to_owned(), shape))
    .into()
}

fn member(status: &str, merge: &Json) -> Member {
    let member = json!({
        "id": "0a", "contact_id": "c1", "email_address": "ada@mail.example", "status": status,
        "merge_fields": merge, "last_changed": "2026-03-01T00:00:00+00:00",
    });
    serde_json::from_value(member).expect("a member")
}

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + seconds, 0).expect("an instant")
}

#[test]
fn what_is_read_is_written_back_the_same() {
    let merge = json!({
        "FNAME": "Ada", "SINCE": "2001-02-03", "BIRTHDAY": "02/29", "SCORE": 12.5,
        "ADDRESS": {"addr1": "1 Road", "addr2": "Yard", "city": "Ely", "state": "CB", "zip": "7", "country": "GB"},
    });
    let mut fields = map::fields(&member("subscribed", &merge), &shapes());
    let day = PartialDate::new(None, 2, 29).expect("a day");
    assert_eq!(fields.get(&"BIRTHDAY".into()), Some(&Value::Date(day)));
    fields.remove(&"status".into());
    let payload = Payload::of(&fields, &shapes()).expect("a payload");
    assert_eq!(Json::Object(payload.merge_fields), merge);
    assert_eq!(payload.opt_out, Some(false));
}

#[test]
fn only_unsubscribed_and_cleaned_are_opted_out() {
    for (status, expect) in [
        ("subscribed", Some(false)),
        ("unsubscribed", Some(true)),
        ("cleaned", Some(true)),
        ("pending", None),
        ("transactional", None),
    ] {
        let fields = map::fields(&member(status, &json!({})), &shapes());
        assert_eq!(
            fields.get(&OPT_OUT.into()),
            expect.map(Value::Bool).as_ref(),
            "{status}"
        );
    }
}

#[test]
fn an_address_that_is_not_whole_is_left_out() {
    let address = Address {
        street: "1 Road".into(),
        ..Address::default()
    };
    let fields = Fields::from([
        ("ADDRESS".into(), Value::Address(address)),
        ("FNAME".into(), "Ada".into()),
    ]);
    let payload = Payload::of(&fields, &shapes()).expect("a payload");
    assert_eq!(payload.left_out.len(), 1);
    assert_eq!(Json::Object(payload.merge_fields), json!({"FNAME": "Ada"}));
}

#[test]
fn what_cannot_be_sent_is_said() {
    let check = |tag: &str, value: Value| {
        let fields = Fields::from([(tag.into(), value)]);
        assert!(Payload::of(&fields, &shapes()).is_err(), "{tag}");
    };
    check("FNAME", Value::text("\u{e9}".repeat(128)));
    check("SCORE", Value::text("many"));
    check(
        "SINCE",
        Value::Date(PartialDate::new(None, 2, 3).expect("a day")),
    );
    check("NOBODY", Value::text("x"));
    check("status", Value::text("subscribed"));
}

#[test]
fn ids_are_of_an_audience_and_a_contact() {
    let check = |id: &str, expect| assert_eq!(map::parts(&RemoteId::new(id)), expect, "{id}");
    check("a1:c2", Some(("a1", "c2")));
    check("a1", None);
    check("a1:../x", None);
    check(":c2", None);
}

#[test]
fn the_version_tells_of_tags_too() {
    let plain = member("subscribed", &json!({}));
    let mut tagged = plain.clone();
    tagged.tags = serde_json::from_value(json!([{"name": "VIP"}])).expect("tags");
    assert_ne!(map::version(&plain), map::version(&tagged));
}

/// What leaves a listing on its way moves the rest forward: as many places are read again.
#[test]
fn nobody_is_passed_over_when_others_leave_the_listing() {
    let mut trip = Trip::begin(None, Some(at(0)), Shapes::new());
    assert_eq!(trip.step(500, 1200, at(5)), Step::On);
    assert_eq!(trip.step(500, 1197, at(6)), Step::On);
    assert_eq!(trip.offset, 497);
    assert_eq!(trip.step(500, 1197, at(7)), Step::On);
    assert_eq!(trip.step(200, 1197, at(8)), Step::Over);
}

#[test]
fn a_page_that_lacks_what_it_announces_is_no_end() {
    let mut trip = Trip::begin(None, Some(at(0)), Shapes::new());
    assert_eq!(trip.step(250, 500, at(5)), Step::On);
    assert_eq!(trip.step(0, 500, at(6)), Step::Cut);
}

#[test]
fn many_changes_are_read_from_the_start_to_an_end_that_stays() {
    let mark = Mark {
        of: "a1".into(),
        until: at(0),
        listed: at(0),
        shapes: shapes(),
    };
    assert_eq!(Mark::read(&mark.write(), "a1").as_ref(), Some(&mark));
    assert_eq!(Mark::read(&mark.write(), "a2"), None);
    assert_eq!(Mark::read(&Cursor("x".into()), "a1"), None);
    let mut trip = Trip::begin(Some(mark), None, Shapes::new());
    assert_eq!(trip.since(), Some(at(0) - LAG));
    assert_eq!(trip.step(500, 501, at(60)), Step::On);
    assert_eq!(
        (trip.offset, trip.before, trip.until),
        (0, Some(at(60) - LAG), Some(at(60) - LAG))
    );
    assert_eq!(Trip::read(&trip.write()), Some(trip));
}
