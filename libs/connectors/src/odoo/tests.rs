//! The pure parts: values, notes, cursors, what makes a version.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value as Json, json};
use syncline_connector::Cursor;
use syncline_model::{Address, FieldName, Fields, Value, Version};

use super::call::is_refusal;
use super::cursor::{ALL, Mark, Stand, Sum, Trip, tag};
use super::fields::{Lists, Shape, Shapes, descriptors, specification};
use super::html;
use super::lookup::Names;
use super::map::{self, Cell, Unfit, change, creation, record, takes_part, texts, values};
use super::wire::{Described, Land, Loaded, Maybe, Row, Totals, User};

fn row(more: &Json) -> Row {
    let mut row = json!({
        "id": 7, "name": "Ada King", "email": "ada@x.example", "phone": false, "company_name": "Engines",
        "function": false, "website": false, "comment": "<p>One<br>two &amp; three</p>", "street": "Main 1",
        "street2": "Yard", "zip": "0150", "city": "Oslo", "lang": "en_US", "ref": false, "vat": false,
        "is_company": false, "type": "contact", "active": true, "write_date": "2026-01-02 03:04:05",
        "country_id": {"id": 165, "name": "Norway"}, "state_id": false, "parent_id": false,
        "category_id": [{"id": 1, "name": "VIP"}, {"id": 3, "name": "Twin"}], "user_id": {"id": 2, "login": "admin"},
    });
    for (name, value) in more.as_object().expect("an object") {
        row[name] = value.clone();
    }
    row.as_object().expect("an object").clone()
}

fn fields<const N: usize>(fields: [(&str, Value); N]) -> Fields {
    let fields = fields.into_iter();
    fields
        .map(|(name, value)| (FieldName::new(name), value))
        .collect()
}

fn names() -> Names {
    let land = |id, name: &str, code: &str| Land {
        id,
        name: Maybe(Some(name.into())),
        code: Maybe(Some(code.into())),
    };
    let user = User {
        id: 2,
        name: Maybe(None),
        login: "admin".into(),
        company_id: Maybe(None),
    };
    let tags = [("VIP", 1), ("Twin", 2), ("New", 9)].map(|(name, id)| (name.to_owned(), id));
    let us = vec![land(10, "Texas", "TX")];
    let countries = vec![land(165, "Norway", "NO"), land(233, "United States", "US")];
    Names::of(tags.into(), vec![user], countries, [(233, us)].into())
}

#[test]
fn a_row_becomes_a_record() {
    let record = record(&row(&json!({})), &Shapes::new()).expect("a record");
    let value = |name: &str| record.value(&FieldName::new(name)).clone();
    assert_eq!(record.id.as_str(), "7");
    assert_eq!(value("name"), "Ada King".into());
    assert_eq!(value("phone"), Value::Empty);
    assert_eq!(value("company_name"), "Engines".into());
    assert_eq!(value("comment"), "One\ntwo & three".into());
    assert_eq!(value("user_id"), "admin".into());
    let tags = ["VIP", "Twin"].map(Value::text);
    assert_eq!(value("category_id"), Value::List(tags.into()));
    let address = Address {
        street: "Main 1\nYard".into(),
        city: "Oslo".into(),
        region: String::new(),
        postal_code: "0150".into(),
        country: "Norway".into(),
    };
    assert_eq!(value("address"), Value::Address(address));
}

#[test]
fn a_version_is_a_time_and_what_was_there() {
    let version = |more: Json, shapes: &Shapes| {
        let record = record(&row(&more), shapes).expect("a record");
        record.version
    };
    let none = Shapes::new();
    let own: Shapes = [("x_shoe".to_owned(), Shape::Integer)].into();
    let first = version(json!({}), &none);
    assert_eq!(first.as_str().get(..20), Some("2026-01-02 03:04:05 "));
    assert_eq!(first, version(json!({}), &none));
    assert_ne!(first, version(json!({"phone": "1"}), &none));
    assert_ne!(first, version(json!({"category_id": []}), &none));
    // Whoever reads a customer's own field sees the same version as who does not.
    assert_eq!(first, version(json!({"x_shoe": 43}), &own));
}

#[test]
fn persons_that_are_not_archived_take_part() {
    let check = |more: Json, tag, want| assert_eq!(takes_part(&row(&more), tag), want, "{more}");
    check(json!({}), None, true);
    check(json!({}), Some(3), true);
    check(json!({}), Some(4), false);
    check(json!({"active": false}), None, false);
    check(json!({"is_company": true}), None, false);
    check(json!({"type": "delivery"}), None, false);
}

#[test]
fn what_is_written_is_by_columns() {
    let address = Address {
        street: "Main 1\nYard\nBack".into(),
        city: "Austin".into(),
        region: "tx".into(),
        postal_code: String::new(),
        country: "united states".into(),
    };
    let changes = fields([
        ("address", Value::Address(address)),
        (
            "category_id",
            Value::List(["New", "Twin"].map(Value::text).into()),
        ),
        ("comment", "a <b>\nc".into()),
        ("email", Value::Empty),
        ("user_id", "Admin".into()),
    ]);
    let current = row(&json!({}));
    let cells = change(&changes, &current, &names(), &Shapes::new()).expect("cells");
    let want = json!({
        "street": "Main 1", "street2": "Yard Back", "city": "Austin", "zip": false, "state_id": 10, "country_id": 233,
        // Of two tags of one name the one that it has.
        "category_id": [[6, 0, [3, 9]]],
        "comment": "<p>a &lt;b&gt;<br>c</p>", "email": false, "user_id": 2,
    });
    assert_eq!(values(&cells), want);
    let made = fields([
        ("name", "Bo".into()),
        ("category_id", "VIP".into()),
        ("email", Value::Empty),
    ]);
    let cells = creation(&made, &names(), &Shapes::new()).expect("cells");
    let own = [("category_id/.id", "1"), ("name", "Bo")];
    assert_eq!(
        texts(&cells),
        own.map(|(a, b)| (a.to_owned(), b.to_owned()))
    );
}

#[test]
fn what_cannot_be_written_is_said_by_its_field() {
    let name = |name: &str| FieldName::new(name);
    let check = |pair: (&str, Value), more: Json, want: Unfit| {
        let found = change(&fields([pair]), &row(&more), &names(), &Shapes::new());
        assert_eq!(found, Err(want), "{more}");
    };
    let company = json!({"parent_id": {"id": 5, "name": "Acme"}});
    check(
        ("name", Value::Empty),
        json!({}),
        Unfit::Required(name("name")),
    );
    check(
        ("vat", "NO1".into()),
        json!({}),
        Unfit::Unknown(name("vat")),
    );
    check(
        ("x_gone", "1".into()),
        json!({}),
        Unfit::Unknown(name("x_gone")),
    );
    check(
        ("user_id", "bo".into()),
        json!({}),
        Unfit::Nobody(name("user_id")),
    );
    check(
        ("email", Value::Bool(true)),
        json!({}),
        Unfit::Value(name("email")),
    );
    check(
        ("address", Value::Empty),
        company.clone(),
        Unfit::OfCompany(name("address")),
    );
    check(
        ("company_name", "B".into()),
        company,
        Unfit::OfCompany(name("company_name")),
    );
    let nameless = creation(
        &fields([("email", "a@b.example".into())]),
        &names(),
        &Shapes::new(),
    );
    assert_eq!(nameless, Err(Unfit::Required(name("name"))));
    let shapes: Shapes = [
        ("x_n".to_owned(), Shape::Integer),
        ("x_d".to_owned(), Shape::Date),
    ]
    .into();
    let unfit = |name: &str, value: Value| {
        change(
            &fields([(name, value)]),
            &row(&json!({})),
            &names(),
            &shapes,
        )
    };
    assert!(unfit("x_n", "1.5".into()).is_err() && unfit("x_n", "15".into()).is_ok());
    assert!(unfit("x_d", Value::Date("--02-03".parse().expect("a day"))).is_err());
    assert_eq!(
        unfit("x_n", Value::Empty).expect("cells")["x_n"],
        Cell::Nothing
    );
}

#[test]
fn notes_are_lines() {
    let check = |html: &str, want: &str| assert_eq!(html::to_text(html), want, "{html}");
    check("<p>a</p><p>b</p>", "a\nb");
    check(
        "<div>a<ul><li>b</li><li>c <b>d</b></li></ul></div>e",
        "a\nb\nc d\ne",
    );
    check("a&nbsp;&lt;b&gt; &#233;&#xe9; AT&T", "a\u{a0}<b> éé AT&T");
    check("5 < 6", "5  6");
    check("<p><br></p>", "");
    check("", "");
}

#[test]
fn what_is_false_is_nothing() {
    let totals = json!([
        {"is_company": false, "type": "contact", "active": true, "__count": 0, "id:sum": false, "id:max": false, "write_date:max": false},
    ]);
    let totals: Vec<Totals> = serde_json::from_value(totals).expect("totals");
    assert_eq!(Stand::of(totals.first(), &totals), Stand::default());
    let loaded: Loaded = serde_json::from_str(r#"{"ids": false, "messages": [{"field": "lang"}]}"#)
        .expect("an answer");
    assert_eq!(loaded.ids.0, None);
}

#[test]
fn trouble_that_passes_is_no_refusal() {
    let body = |name: &str| json!({"name": name, "message": "", "arguments": []}).to_string();
    for (name, refuses) in [
        ("odoo.exceptions.ValidationError", true),
        ("builtins.ValueError", true),
        ("builtins.ConnectionResetError", false),
        ("builtins.OSError", false),
        ("psycopg2.errors.SerializationFailure", false),
    ] {
        assert_eq!(is_refusal(body(name).as_bytes()), refuses, "{name}");
    }
    assert!(!is_refusal(b"<html>"));
}

#[test]
fn a_pull_knows_what_it_told_and_whether_that_is_all() {
    let stand = |count, ids, top, high: &str| Stand {
        sum: Sum { count, ids },
        top,
        high: high.into(),
    };
    let version = |time: &str, hash: &str| Version::new(format!("{time} {hash}"));
    let (old, new) = ("2026-01-02 03:00:00", "2026-01-02 03:04:05");
    let mut trip = Trip::everything(ALL, stand(2, 3, 2, new), None, Shapes::new());
    assert_eq!(trip.low(), None);
    assert!(trip.note(1, &version(old, "a"), true) && !trip.adds_up());
    assert!(trip.note(2, &version(new, "b"), true) && trip.note(7, &version(old, "x"), false));
    assert!(trip.adds_up() && !trip.adds_up_to(&stand(3, 6, 3, new)));
    let mark = trip.mark();
    // Only what is as late as something that may still come is noted.
    assert_eq!(mark.told, BTreeMap::from([(2, format!("{new} b"))]));
    let again = Mark::read(&mark.write(), ALL).expect("a mark");
    assert_eq!(again, mark);
    assert!(
        Mark::read(&mark.write(), "tag:1").is_none()
            && Mark::read(&Cursor("x".into()), ALL).is_none()
    );
    let since = |now: Stand| Trip::since(mark.clone(), now, None, Shapes::new());
    let mut quiet = since(stand(2, 3, 2, new));
    assert_eq!(quiet.low().as_deref(), Some("2026-01-02 03:02:05"));
    assert!(!quiet.note(2, &version(new, "b"), true) && quiet.note(2, &version(new, "c"), true));
    assert!(quiet.adds_up());
    let mut grown = since(stand(3, 6, 3, new));
    assert!(!grown.adds_up() && grown.note(3, &version(new, "d"), true) && grown.adds_up());
    let mut swapped = since(stand(2, 4, 3, new));
    assert!(swapped.note(3, &version(new, "d"), true) && !swapped.adds_up());
    // Long after the last change nothing is left that may still come.
    let later = map::instant("2026-01-02 03:09:00");
    let settled = Trip::since(mark.clone(), stand(2, 3, 2, new), later, Shapes::new()).mark();
    assert!(settled.told.is_empty());
    let next = Trip::since(settled, stand(2, 3, 2, new), later, Shapes::new());
    assert_eq!(next.low().as_deref(), Some("2026-01-02 03:04:06"));
    let page = swapped.write();
    assert_eq!(Trip::read(&page, ALL), Some(swapped));
    assert!(Trip::read(&page, "tag:1").is_none());
    assert_eq!(
        (tag("tag:12"), tag(ALL), tag("tag:x")),
        (Some(12), None, None)
    );
}

#[test]
fn fields_are_described_once_and_the_customers_own_too() {
    let described = json!({
        "name": {"string": "Name", "type": "char", "store": true},
        "x_size": {"string": "Size", "type": "selection", "store": true, "manual": true, "size": false, "selection": [["s", "Small"]]},
        "x_sum": {"string": "Sum", "type": "integer", "store": false, "manual": true},
        "x_friend": {"string": "Friend", "type": "many2one", "store": true, "manual": true},
        "color": {"string": "Colour", "type": "integer", "store": true, "manual": false},
    });
    let described: Described = serde_json::from_value(described).expect("fields");
    let all = descriptors(&described, &Lists::default());
    let custom: Vec<&str> = all
        .iter()
        .filter(|one| one.custom)
        .map(|one| one.name.as_str())
        .collect();
    assert_eq!(custom, ["x_size"]);
    let mut names: Vec<&FieldName> = all.iter().map(|one| &one.name).collect();
    names.dedup();
    assert_eq!(names.len(), all.len());
    assert!(
        all.iter()
            .any(|one| one.required && one.name.as_str() == "name")
    );
    let own: Shapes = [("x_size".to_owned(), Shape::Text)].into();
    assert!(
        specification(&own)["x_size"].is_object()
            && specification(&Shapes::new())["x_size"].is_null()
    );
}

proptest! {
    #[test]
    fn a_note_comes_back_as_it_was(lines in prop::collection::vec("[ -~é李]{0,12}", 0..5)) {
        let lines: Vec<&str> = lines.iter().map(|line| line.trim_end()).collect();
        let text = lines.join("\n").trim_end().to_owned();
        prop_assert_eq!(html::to_text(&html::of_text(&text)), text);
    }
}
