//! Which values say the same, whatever a provider made of them.

use syncline_engine::{equal, is_blank};
use syncline_model::{Address, Cardinality, Kind, Value};

#[track_caller]
fn check(kind: Kind, left: &str, right: &str, same: bool) {
    let (left, right) = (Value::text(left), Value::text(right));
    for (left, right) in [(&left, &right), (&right, &left)] {
        let got = equal(kind, Cardinality::One, left, right);
        assert_eq!(got, same, "{kind:?}: {left:?} and {right:?}");
    }
}

#[test]
fn what_is_no_number_is_compared_as_it_is_written() {
    check(Kind::Number, "n/a", "0n/a", false);
    check(Kind::Number, "1.2.3", "01.2.3", false);
    check(Kind::Number, "-", "", false);
    check(Kind::Number, " 1.2.3 ", "1.2.3", true);
    check(Kind::Number, "-7", "7", false);
    check(Kind::Number, ".5", "0.50", true);
}

#[test]
fn yes_and_no_are_read_in_words() {
    let yes = Value::Bool(true);
    for (text, want) in [
        ("Yes", true),
        (" 1 ", true),
        ("no", false),
        ("maybe", false),
    ] {
        let got = equal(Kind::Bool, Cardinality::One, &yes, &Value::text(text));
        assert_eq!(got, want, "{text}");
    }
    check(Kind::Bool, "no", "", true);
    check(Kind::Bool, "maybe", "no", false);
}

#[test]
fn nothing_is_nothing_in_whatever_form() {
    let nothing = [Value::Empty, Value::List(Vec::new()), Value::text("  ")];
    let address = Value::Address(Address::default());
    for left in nothing.iter().chain([&address]) {
        assert!(is_blank(Kind::Text, left), "{left:?}");
        for cardinality in [Cardinality::One, Cardinality::Many] {
            assert!(
                equal(Kind::Text, cardinality, left, &Value::Empty),
                "{left:?}"
            );
        }
    }
    assert!(!is_blank(Kind::Text, &Value::text("x")));
    assert!(!is_blank(Kind::Bool, &Value::Empty), "no is an answer");
}

#[test]
fn an_address_is_compared_line_by_line_as_text() {
    let of = |street: &str, city: &str| {
        Value::Address(Address {
            street: street.into(),
            city: city.into(),
            ..Address::default()
        })
    };
    let same = |left: &Value, right: &Value| equal(Kind::Address, Cardinality::One, left, right);
    assert!(same(
        &of("1 High St\nFlat 2", "Ely"),
        &of("1 High St Flat 2", "Ely ")
    ));
    assert!(!same(&of("1 High St", "Ely"), &of("1 High St", "York")));
    assert!(!same(&of("1 High St", ""), &of("", "1 High St")));
}

#[test]
fn web_addresses_differ_by_scheme_only_where_it_is_no_web_scheme() {
    check(
        Kind::Url,
        "http://example.com",
        "HTTPS://Example.com/",
        true,
    );
    check(Kind::Url, "ftp://example.com", "example.com", false);
    check(Kind::Url, "example.com?A", "Example.com?A", true);
    check(Kind::Url, "example.com/a/", "example.com/a", true);
}

#[test]
fn numbers_that_are_dialled_alike_are_one() {
    check(Kind::Phone, "tel:+49-30-901820", "+49 30 901820", true);
    check(Kind::Phone, "030 901820;ext=7", "030/901820 ;ext=7", true);
    check(Kind::Phone, "030 901820;ext=7", "030 901820", false);
    check(
        Kind::Phone,
        "+1 650 253 0000 ext. 12",
        "+1 (650) 253-0000 x12",
        true,
    );
    check(Kind::Phone, "reception", " reception ", true);
}
