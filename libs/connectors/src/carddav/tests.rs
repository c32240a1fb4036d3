//! Cards as servers keep them, and what we make of them. Real servers are tried in `tests/it/carddav.rs`.

use std::collections::BTreeSet;

use chrono::DateTime;
use proptest::prelude::*;
use serde_json::{Value as Json, json};
use syncline_model::{Address, FieldName, Fields, PartialDate, Value};
use url::Url;

use super::card::{Card, escaped, unescaped};
use super::cursor::Stand;
use super::fields::Unfit;
use super::map;
use super::{fields, place};

/// A card as an address book of Apple's writes it, with much that no field is about.
const RICH: &str = "BEGIN:VCARD\r\nVERSION:3.0\r\nPRODID:-//Example//Books 1//EN\r\n\
N:Lovelace;Ada;King\\, Noel;Lady;\r\nFN:Lady Ada King\\, Noel Lovelace\r\n\
ORG:Analytical Engines\\; Ltd;Research;Basement\r\n\
item1.EMAIL;type=INTERNET;type=pref:ada@people.example\r\nitem1.X-ABLabel:_$!<Other>!$_\r\n\
EMAIL;TYPE=HOME:home@people.example\r\nEMAIL:third@people.example\r\n\
TEL;TYPE=\"work,voice\":+44 20 7946 0001\r\nTEL;TYPE=WORK,FAX:+44 20 7946 0002\r\n\
tel;CELL:+44 7700 900001\r\n\
ADR;TYPE=HOME;LABEL=\"1, St James's Sq\":;Flat 2;1 St James's Sq\\nBack yard;London;;SW1Y;UK\r\n\
BDAY;X-APPLE-OMIT-YEAR=1604:1604-12-10\r\nNOTE:first line\\nsecond\\, longer than the seventy-five bytes that a line on the\r\n  wire has at most\r\n\
PHOTO;ENCODING=b;TYPE=JPEG:/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAMCAgMCAgMDAwMEAwMEBQgF\r\n BQQEBQoHBwYIDAoMDAsKCwsNDhIQDQ4RDgsLEBYQERMUFRUVDA8XGBYUGBIUFRT\r\n\
X-CUSTOM;X-P=\"a:b\":keep; me\\,\r\nUID:1\r\nEND:VCARD\r\n";

fn read(card: &Card) -> Json {
    let fields = map::fields(card).into_iter().map(|(name, value)| {
        let value = match value {
            Value::Date(date) => json!(date.to_string()),
            Value::Address(address) => json!([
                address.street,
                address.city,
                address.region,
                address.postal_code,
                address.country
            ]),
            Value::List(items) => items.iter().filter_map(Value::as_text).collect(),
            value => json!(value.as_text()),
        };
        (name.to_string(), value)
    });
    Json::Object(fields.collect())
}

fn changes<const N: usize>(changes: [(&str, Value); N]) -> Fields {
    changes
        .into_iter()
        .map(|(name, value)| (FieldName::new(name), value))
        .collect()
}

fn card(lines: &str) -> Card {
    Card::parse(&format!(
        "BEGIN:VCARD\nVERSION:4.0\nFN:x\n{lines}END:VCARD\n"
    ))
}

#[test]
fn a_rich_card_is_read() {
    let card = Card::parse(RICH);
    assert!(card.is_card());
    assert_eq!(
        read(&card),
        json!({
            "uid": "1",
            "n.family": "Lovelace", "n.given": "Ada", "n.additional": "King, Noel", "n.prefix": "Lady",
            "org.name": "Analytical Engines; Ltd", "org.unit": "Research",
            "email.work": "ada@people.example", "email.home": "home@people.example",
            "email.further": ["third@people.example"],
            "tel.work": "+44 20 7946 0001", "tel.fax": "+44 20 7946 0002", "tel.cell": "+44 7700 900001",
            "adr.work": ["1 St James's Sq\nBack yard", "London", "", "SW1Y", "UK"],
            "bday": "--12-10",
            "note": "first line\nsecond, longer than the seventy-five bytes that a line on the wire has at most",
        })
    );
}

#[test]
fn a_change_leaves_every_other_line_as_it_was() {
    let check = |changes: Fields, line: &str, instead: &str| {
        let mut card = Card::parse(RICH);
        assert_eq!(map::apply(&mut card, &changes), Ok(true), "{line}");
        assert!(RICH.contains(line), "{line}");
        assert_eq!(card.text(), RICH.replace(line, instead));
    };
    check(
        changes([("email.work", "countess@people.example".into())]),
        "item1.EMAIL;type=INTERNET;type=pref:ada@people.example\r\n",
        "item1.EMAIL;type=INTERNET;type=pref:countess@people.example\r\n",
    );
    check(
        changes([("org.unit", "Engines, large".into())]),
        "ORG:Analytical Engines\\; Ltd;Research;Basement\r\n",
        "ORG:Analytical Engines\\; Ltd;Engines\\, large;Basement\r\n",
    );
    check(
        changes([(
            "bday",
            Value::Date(PartialDate::new(Some(1815), 12, 10).expect("a day")),
        )]),
        "BDAY;X-APPLE-OMIT-YEAR=1604:1604-12-10\r\n",
        "BDAY:1815-12-10\r\n",
    );
    // What described the old value goes with it: the label that would be printed, the label of the group.
    let address = Address {
        street: "2 St James's Sq".into(),
        city: "London".into(),
        postal_code: "SW1Y".into(),
        country: "UK".into(),
        ..Address::default()
    };
    check(
        changes([("adr.work", Value::Address(address))]),
        "ADR;TYPE=HOME;LABEL=\"1, St James's Sq\":;Flat 2;1 St James's Sq\\nBack yard;London;;SW1Y;UK\r\n",
        "ADR;TYPE=HOME:;Flat 2;2 St James's Sq;London;;SW1Y;UK\r\n",
    );
    let name = changes([("n.prefix", Value::Empty), ("n.given", "Augusta".into())]);
    check(
        name,
        "N:Lovelace;Ada;King\\, Noel;Lady;\r\nFN:Lady Ada King\\, Noel Lovelace\r\n",
        "N:Lovelace;Augusta;King\\, Noel;;\r\nFN:Augusta King\\, Noel Lovelace\r\n",
    );
}

#[test]
fn clearing_takes_a_line_away_with_what_belongs_to_it_and_moves_nobody() {
    let mut card = Card::parse(RICH);
    let cleared = changes([("email.work", Value::Empty), ("note", Value::Empty)]);
    assert_eq!(map::apply(&mut card, &cleared), Ok(true));
    let text = card.text();
    assert!(!text.contains("item1.") && !text.contains("NOTE") && !text.contains("wire has"));
    // The third one would take the free place, as it would have if it had been there first.
    assert!(text.contains("EMAIL:third@people.example\r\n"), "{text}");
    let mut card = self::card("EMAIL;TYPE=HOME:h\nEMAIL;X-A=1:w\nTEL:1\n");
    let cleared = changes([("email.home", Value::Empty)]);
    assert_eq!(map::apply(&mut card, &cleared), Ok(true));
    assert_eq!(read(&card)["email.work"], "w");
}

#[test]
fn names_are_guessed_where_there_is_nothing_but_a_full_one() {
    let check = |lines: &str, given: Json, family: Json| {
        let read = read(&Card::parse(&format!(
            "BEGIN:VCARD\nVERSION:4.0\n{lines}END:VCARD\n"
        )));
        assert_eq!(
            (&read["n.given"], &read["n.family"]),
            (&given, &family),
            "{lines}"
        );
    };
    check(
        "FN:Ada King Lovelace\n",
        json!("Ada King"),
        json!("Lovelace"),
    );
    check("FN:Ada\nN:;;;;\n", Json::Null, json!("Ada"));
    check("FN:Acme\nORG:Acme;Sales\n", Json::Null, Json::Null);
    check("FN:ada@people.example\n", Json::Null, Json::Null);
    check("FN:x\nN:Lovelace;Ada\n", json!("Ada"), json!("Lovelace"));
    // One part written, the other stays what it was taken for.
    let mut card = Card::parse("BEGIN:VCARD\nVERSION:4.0\nFN:Ada Lovelace\nEND:VCARD\n");
    let edit = changes([("n.given", "Augusta".into())]);
    assert_eq!(map::apply(&mut card, &edit), Ok(true));
    assert!(
        card.text().contains("N:Lovelace;Augusta;;;\n"),
        "{}",
        card.text()
    );
    assert!(card.text().contains("FN:Augusta Lovelace\n"));
}

#[test]
fn dates_of_every_spelling_are_read_and_written_in_the_cards_own_version() {
    let check = |line: &str, want: Option<&str>| {
        assert_eq!(read(&card(line))["bday"].as_str(), want, "{line}");
    };
    check("BDAY:1985-04-12\n", Some("1985-04-12"));
    check("BDAY:19850412\n", Some("1985-04-12"));
    check(
        "BDAY;VALUE=date-and-or-time:19850412T000000Z\n",
        Some("1985-04-12"),
    );
    check("BDAY:--0412\n", Some("--04-12"));
    check("BDAY:--04-12\n", Some("--04-12"));
    check("BDAY;VALUE=text:circa 1800\n", None);
    check("BDAY:1985\n", None);
    let mut card = card("BDAY:19850412\n");
    let day = Value::Date(PartialDate::new(None, 2, 29).expect("a day"));
    assert_eq!(map::apply(&mut card, &changes([("bday", day)])), Ok(true));
    assert!(card.text().contains("BDAY:--0229\n"), "{}", card.text());
}

#[test]
fn what_does_not_fit_is_refused() {
    let check = |field: &str, value: Value, want: fn(FieldName) -> Unfit| {
        let got = map::apply(&mut Card::parse(RICH), &changes([(field, value)]));
        assert_eq!(got, Err(want(FieldName::new(field))), "{field}");
    };
    check("shoe_size", "46".into(), Unfit::NoSuchField);
    check("email.further", Value::Empty, Unfit::NoSuchField);
    check("uid", "2".into(), Unfit::NoSuchField);
    check("bday", "soon".into(), Unfit::WrongKind);
    check("adr.work", "Ulm".into(), Unfit::WrongKind);
    check("n.given", Value::List(vec!["x".into()]), Unfit::WrongKind);
}

#[test]
fn every_field_is_listed_once() {
    let all = fields::descriptors();
    let names: BTreeSet<&str> = all.iter().map(|field| field.name.as_str()).collect();
    let standard: BTreeSet<&str> = all
        .iter()
        .filter_map(|field| field.standard.as_deref())
        .collect();
    assert_eq!((names.len(), standard.len()), (all.len(), all.len()));
}

#[test]
fn hrefs_of_every_spelling_are_one() {
    let base = Url::parse("https://dav.example.com/dav/").expect("a URL");
    let check = |href: &str, want: Option<&str>| {
        assert_eq!(place::normal(href, &base).as_deref(), want, "{href}");
    };
    check("/alice/c%40x.vcf", Some("/alice/c@x.vcf"));
    check("/alice/c@x.vcf", Some("/alice/c@x.vcf"));
    check(
        "https://dav.example.com/alice/%e4%b8%ad.vcf",
        Some("/alice/%E4%B8%AD.vcf"),
    );
    check("/alice/\u{4e2d}.vcf", Some("/alice/%E4%B8%AD.vcf"));
    check("/a%2Fb/c%20d.vcf", Some("/a%2Fb/c%20d.vcf"));
    check("https://other.example.com/alice/x.vcf", None);
    assert_eq!(place::parent("/alice/book/x.vcf"), "/alice/book/");
    assert_eq!(place::parent("/x.vcf"), "/");
}

#[test]
fn what_is_no_card_is_told_apart() {
    assert!(Card::parse(RICH).is_card());
    for text in [
        "",
        "hello world",
        "BEGIN:VCALENDAR\nEND:VCALENDAR\n",
        "BEGIN:VCARD\nFN:x\n",
    ] {
        assert!(!Card::parse(text).is_card(), "{text}");
    }
    assert!(map::is_group(&card("KIND:group\n")));
    assert!(!map::is_group(&card("KIND:individual\n")));
}

/// Cards with more items than there are slots, of any type, each with a parameter to be recognised by.
fn cards() -> impl Strategy<Value = String> {
    let types = [
        "",
        ";TYPE=WORK",
        ";TYPE=home,pref",
        ";type=cell",
        ";TYPE=fax;TYPE=work",
        ";OTHER",
        ";PREF=1",
    ];
    let items = |name: &'static str| {
        let item = (
            prop::sample::select(types.to_vec()),
            "[a-d;,]{0,3}",
            "[ -~]{0,90}",
        );
        prop::collection::vec(item, 0..5).prop_map(move |items| {
            items
                .iter()
                .enumerate()
                .map(|(index, (kind, value, rest))| {
                    let rest = rest.replace(['"', ':', ';', '\\'], "-");
                    format!("{name}{kind};X-KEEP=\"{index}{rest}\":{}\n", escaped(value))
                })
                .collect::<Vec<_>>()
                .concat()
        })
    };
    let name = prop::option::of("[a-c]{0,2};[a-c]{0,2};;[a-c]{0,2}");
    (
        items("EMAIL"),
        items("TEL"),
        items("item1.X-SOCIAL"),
        name,
        "[a-c ]{0,4}",
    )
        .prop_map(|(emails, phones, others, name, full)| {
            let name = name.map(|name| format!("N:{name}\n")).unwrap_or_default();
            format!(
                "BEGIN:VCARD\nVERSION:3.0\nFN:{full}\n{name}{emails}{others}{phones}END:VCARD\n"
            )
        })
}

const TEXTS: [&str; 12] = [
    "n.given",
    "n.family",
    "n.suffix",
    "org.name",
    "org.unit",
    "email.work",
    "email.home",
    "tel.work",
    "tel.cell",
    "tel.other",
    "tel.fax",
    "note",
];

fn edits() -> impl Strategy<Value = Fields> {
    let field = prop::sample::select(TEXTS.to_vec());
    let texts = prop::collection::btree_map(field, "[e-h;,\\\\\n]{1,40}", 0..6);
    texts.prop_map(|texts| {
        let texts = texts.into_iter();
        texts
            .map(|(name, text)| (FieldName::new(name), Value::text(text.trim())))
            .filter(|(_, value)| !value.is_empty())
            .collect()
    })
}

fn kept(text: &str) -> BTreeSet<String> {
    let unfolded = text.replace("\n ", "");
    let lines = unfolded
        .lines()
        .filter_map(|line| line.split("X-KEEP=").nth(1));
    lines
        .filter_map(|rest| rest.split('"').nth(1))
        .map(str::to_owned)
        .collect()
}

proptest! {
    #[test]
    fn texts_survive_escaping(text in "[ -~\n\u{e9}\u{4e2d}]{0,60}") {
        prop_assert_eq!(unescaped(&escaped(&text)), text);
    }

    /// Any text at all is given back to the byte.
    #[test]
    fn what_is_not_changed_stays(text in "([A-Z.;:=\"\\\\,-]{0,12}\r?\n[ \t]?){0,8}") {
        prop_assert_eq!(Card::parse(&text).text(), text);
    }

    /// Writing what was read changes nothing.
    #[test]
    fn get_put(text in cards()) {
        let mut card = Card::parse(&text);
        let mut all = map::fields(&card);
        for read_only in ["email.further", "uid"] {
            all.remove(&FieldName::new(read_only));
        }
        prop_assert_eq!(map::apply(&mut card, &all), Ok(false));
        prop_assert_eq!(card.text(), text);
    }

    /// What was written is read, on the wire too; what was not written reads as before; and no line is lost.
    #[test]
    fn put_get(text in cards(), edits in edits()) {
        let mut card = Card::parse(&text);
        let mut want = map::fields(&card);
        map::apply(&mut card, &edits).expect("it fits");
        let named = edits.keys().any(|name| name.as_str().starts_with("n."));
        want.extend(edits);
        let written = card.text();
        let mut got = map::fields(&Card::parse(&written));
        if !named {
            // A company's name may be what the full name was taken for until it came.
            for field in ["n.given", "n.family"] {
                want.remove(&FieldName::new(field));
                got.remove(&FieldName::new(field));
            }
        }
        prop_assert_eq!(got, want, "{}", written);
        prop_assert!(written.lines().all(|line| line.len() <= 75 || text.contains(line)), "{}", written);
        prop_assert_eq!(kept(&written), kept(&text));
    }

    /// What is cleared is gone, and the rest reads as before but for those who step up from beyond the slots.
    #[test]
    fn what_is_cleared_is_gone(text in cards(), field in prop::sample::select(TEXTS.to_vec())) {
        let mut card = Card::parse(&text);
        let before = map::fields(&card);
        let name = FieldName::new(field);
        let had = before.get(&name).cloned();
        let cleared = [(name.clone(), Value::Empty)].into();
        map::apply(&mut card, &cleared).expect("it fits");
        let after = map::fields(&Card::parse(&card.text()));
        if had.is_some() && !before.contains_key(&FieldName::new("email.further")) && !field.starts_with("tel.") {
            prop_assert_eq!(after.get(&name), None, "{}", card.text());
        }
        let steps_up = |name: &FieldName| {
            let family = field.split('.').next().unwrap_or_default();
            // A full name that is the number that stepped up is no name, but stands in for one.
            (field.starts_with("tel.") && name.as_str().starts_with("n.")) || name.as_str() == field || name.as_str() == "email.further" || name.as_str().starts_with(family)
        };
        for (name, value) in before.iter().filter(|(name, _)| !steps_up(name)) {
            prop_assert_eq!(after.get(name), Some(value), "{}", name);
        }
    }
}

#[test]
fn a_name_is_one_segment_of_a_path() {
    let check = |name: &str, turn: u32, want: &str| {
        assert_eq!(place::segment(name, turn), want, "{name:?}");
    };
    check("Creatio", 1, "Creatio");
    check("Creatio", 2, "Creatio-2");
    check("Friends & Family", 1, "Friends%20-%20Family");
    check("a/b\\c", 1, "a-b-c");
    check("..", 1, "--");
    check("../x", 1, "---x");
    check("it's", 1, "it-s");
    check("  ", 1, "-1");
    assert!(place::segment("it's é", 1).starts_with("it-s%20--"));
    assert_ne!(place::segment("朋友", 1), place::segment("家人", 1));
}

/// A token that is the second of the last change is good once that second is over.
#[test]
fn a_second_that_is_not_over_is_asked_about_again() {
    let stand = |token: &str, now: i64| {
        let now = DateTime::from_timestamp(now, 0);
        Stand::new(Some(token.into()), Some(token.into()), true, now)
    };
    for (now, is_open, token) in [
        (1_795_943_440, true, "1795943439"),
        (1_795_943_442, true, "1795943439"),
        (1_795_943_443, false, "1795943440"),
    ] {
        let found = stand("1795943440", now);
        assert!(found.by_second && found.is_open == is_open, "{found:?}");
        assert_eq!(found.ended.token.as_deref(), Some(token));
        // The count of changes is the same second, and as little to be trusted.
        assert_eq!(found.ended.ctag, None);
    }
    for token in ["data:,1795943440", "179594344", "17959434400", "e3b0c44298"] {
        let found = stand(token, 1_795_943_440);
        assert!(!found.by_second && !found.is_open, "{token}");
        assert_eq!(found.ended.token.as_deref(), Some(token));
        assert_eq!(found.ended.ctag.as_deref(), Some(token));
    }
    assert_eq!(stand("-1", 1_795_943_440).ended.token, None);
}

#[test]
fn a_version_is_the_same_whoever_compressed_the_answer() {
    for (etag, strong) in [("W/\"a\"", "\"a\""), ("\"a\"", "\"a\""), ("W/", "")] {
        assert_eq!(super::wire::strong(etag), strong);
    }
}

#[test]
fn a_name_that_is_too_long_is_refused() {
    let mut card = Card::new("1", DateTime::UNIX_EPOCH);
    let given = |length: usize| {
        Fields::from([(
            FieldName::new("n.given"),
            Value::text("\u{e9}".repeat(length)),
        )])
    };
    assert_eq!(map::apply(&mut card, &given(255)), Ok(true));
    let refused = map::apply(&mut card, &given(256));
    assert_eq!(refused, Err(Unfit::TooLong(FieldName::new("n.given"))));
    assert!(card.text().contains("\r\nREV:19700101T000000Z\r\n"));
}
