//! Tests of the pure parts: fields out of people, changes into people.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Value as Json, json};
use syncline_model::{Address, FieldName, Fields, PartialDate, Value};

use super::fields;
use super::map::{self, Labels, Unfit};
use super::wire::Person;

fn person(members: Json) -> Person {
    let mut person: Person = serde_json::from_value(members).expect("a person");
    person.resource_name = "people/c1".into();
    person
}

fn labels() -> Labels {
    Labels(
        [
            ("contactGroups/1".to_owned(), "Friends".to_owned()),
            ("contactGroups/2".to_owned(), "Work".to_owned()),
        ]
        .into(),
    )
}

fn changes<const N: usize>(list: [(&str, Value); N]) -> Fields {
    list.into_iter()
        .map(|(name, value)| (FieldName::new(name), value))
        .collect()
}

fn read(person: &Person) -> Vec<(String, Json)> {
    map::fields(person, Some(&labels()))
        .iter()
        .filter(|(name, _)| name.as_str() != "starred")
        .map(|(name, value)| (name.as_str().to_owned(), value.to_json()))
        .collect()
}

#[test]
fn slots_take_their_own_type_first_and_then_what_is_left() {
    let check = |members: Json, want: Json| {
        let got: serde_json::Map<String, Json> =
            read(&person(members.clone())).into_iter().collect();
        assert_eq!(Json::Object(got), want, "{members}");
    };
    check(
        json!({"emailAddresses": [{"value": "x@a", "type": "school"}, {"value": "w@a", "type": "work"}, {"value": "y@a"}]}),
        json!({"email.work": "w@a", "email.home": "x@a", "email.further": ["y@a"]}),
    );
    check(
        json!({"emailAddresses": [{"value": "1@a"}, {"value": "2@a"}, {"value": "4@a"}, {"value": "3@a"}, {"value": "4@a"}, {"value": " "}]}),
        json!({"email.work": "1@a", "email.home": "2@a", "email.further": ["3@a", "4@a"]}),
    );
    check(
        json!({"emailAddresses": [{"value": "1@a", "type": "work"}, {"value": "2@a", "type": "work", "metadata": {"primary": true}}]}),
        json!({"email.work": "2@a", "email.home": "1@a"}),
    );
    // Blank items and items of other sources take no place; a fax slot takes nothing but faxes.
    check(
        json!({"phoneNumbers": [{"value": " ", "type": "work"}, {"value": "1", "type": "work", "metadata": {"source": {"type": "PROFILE"}}},
                                {"value": "2", "type": "main"}, {"value": "3", "type": "workFax"}, {"value": "4", "type": "home"}]}),
        json!({"phone.work": "2", "phone.work_fax": "3", "phone.home": "4"}),
    );
    check(
        json!({"addresses": [{"type": "home", "city": "Ulm", "countryCode": "DE"}, {"formattedValue": "Nowhere 1"}]}),
        json!({"address.work": {"street": "", "city": "Ulm", "region": "", "postal_code": "", "country": "DE"},
               "address.other": {"street": "Nowhere 1", "city": "", "region": "", "postal_code": "", "country": ""}}),
    );
    check(
        json!({"names": [{"givenName": "Ada", "displayName": "Ada L"}], "birthdays": [{"date": {"year": 0, "month": 2, "day": 29}}],
               "biographies": [{"value": "n"}], "urls": [{"value": "u"}], "nicknames": [{"value": "k"}],
               "organizations": [{"name": "C", "title": "T"}, {"name": "D"}],
               "userDefined": [{"key": "source", "value": "CRM"}, {"key": "", "value": "lost"}],
               "memberships": [{"contactGroupMembership": {"contactGroupResourceName": "contactGroups/2"}},
                               {"contactGroupMembership": {"contactGroupResourceName": "contactGroups/myContacts"}}]}),
        json!({"names.givenName": "Ada", "birthday": "--02-29", "note": "n", "url": "u", "nicknames": "k", "organization.name": "C",
               "organization.title": "T", "userDefined.source": "CRM", "groups": ["Work"]}),
    );
    check(json!({}), json!({}));
}

#[test]
fn changes_touch_only_what_they_must() {
    let check = |members: Json, changes: Fields, want: Json| {
        let mut person = person(members.clone());
        let touched = map::apply(&mut person, &changes, &labels()).expect("it fits");
        let got: serde_json::Map<String, Json> = touched
            .iter()
            .map(|member| {
                (
                    (*member).to_owned(),
                    person.members.get(*member).cloned().unwrap_or_default(),
                )
            })
            .collect();
        assert_eq!(Json::Object(got), want, "{members} {changes:?}");
    };
    let phones = json!({"phoneNumbers": [{"value": "1", "type": "main", "canonicalForm": "+1", "odd": true}, {"value": "2", "type": "pager"}]});
    // In place, keeping type and unknown keys.
    check(
        phones.clone(),
        changes([("phone.work", "9".into())]),
        json!({"phoneNumbers": [{"value": "9", "type": "main", "odd": true}, {"value": "2", "type": "pager"}]}),
    );
    // Appended with the slot's type.
    check(
        phones.clone(),
        changes([("phone.home", "9".into())]),
        json!({"phoneNumbers": [{"value": "1", "type": "main", "canonicalForm": "+1", "odd": true}, {"value": "2", "type": "pager"},
                                {"value": "9", "type": "home"}]}),
    );
    // Removed; the other one stays where it is.
    check(
        phones.clone(),
        changes([("phone.work", Value::Empty)]),
        json!({"phoneNumbers": [{"value": "2", "type": "mobile"}]}),
    );
    // All the others do, however many move because one of them would.
    check(
        json!({"phoneNumbers": [{"value": "1", "type": "main"}, {"value": "2", "type": "work"}, {"value": "3", "type": "work"}]}),
        changes([("phone.work", Value::Empty)]),
        json!({"phoneNumbers": [{"value": "1", "type": "mobile"}, {"value": "3", "type": "home"}]}),
    );
    check(
        phones,
        changes([("phone.work", "1".into()), ("phone.home", Value::Empty)]),
        json!({}),
    );
    check(
        json!({"names": [{"givenName": "A", "unstructuredName": "A B", "displayName": "A B", "phoneticGivenName": "p"}]}),
        changes([("names.familyName", "C".into())]),
        json!({"names": [{"givenName": "A", "familyName": "C", "phoneticGivenName": "p"}]}),
    );
    check(
        json!({"names": [{"givenName": "A", "displayName": "A", "metadata": {"primary": true}}]}),
        changes([("names.givenName", Value::Empty)]),
        json!({"names": []}),
    );
    check(
        json!({"organizations": [{"name": "C", "domain": "c.example"}, {"name": "D"}]}),
        changes([
            ("organization.name", Value::Empty),
            ("organization.title", "T".into()),
        ]),
        json!({"organizations": [{"title": "T", "domain": "c.example"}, {"name": "D"}]}),
    );
    check(
        json!({"addresses": [{"type": "work", "city": "Ulm", "country": "Germany", "countryCode": "DE", "poBox": "7", "formattedValue": "old"}]}),
        changes([(
            "address.work",
            Value::Address(Address {
                city: "Bern".into(),
                country: "Switzerland".into(),
                ..Address::default()
            }),
        )]),
        json!({"addresses": [{"type": "work", "city": "Bern", "country": "Switzerland", "poBox": "7"}]}),
    );
    check(
        json!({"birthdays": [{"text": "tomorrow"}], "biographies": [{"value": "<b>x</b>", "contentType": "TEXT_HTML"}]}),
        changes([
            (
                "birthday",
                Value::Date(PartialDate::new(None, 2, 29).expect("a day")),
            ),
            ("note", "x".into()),
        ]),
        json!({"birthdays": [{"text": "tomorrow"}, {"date": {"month": 2, "day": 29}}],
               "biographies": [{"value": "x", "contentType": "TEXT_PLAIN"}]}),
    );
    let member = |group: &str| json!({"contactGroupMembership": {"contactGroupResourceName": format!("contactGroups/{group}")}});
    check(
        json!({"memberships": [member("myContacts"), member("1")]}),
        changes([
            ("groups", Value::List(vec!["Work".into()])),
            ("starred", Value::Bool(true)),
        ]),
        json!({"memberships": [member("myContacts"), member("2"), member("starred")]}),
    );
    check(
        json!({"memberships": [member("1")]}),
        changes([("groups", Value::Empty)]),
        json!({"memberships": [member("myContacts")]}),
    );
}

#[test]
fn what_does_not_fit_is_refused() {
    let check = |field: &str, value: Value, want: fn(FieldName) -> Unfit| {
        let got = map::apply(
            &mut person(json!({})),
            &changes([(field, value)]),
            &labels(),
        );
        assert_eq!(got, Err(want(FieldName::new(field))), "{field}");
    };
    check("shoe_size", "46".into(), Unfit::NoSuchField);
    check("userDefined.", "x".into(), Unfit::NoSuchField);
    check(
        "email.work",
        Value::List(vec!["x".into()]),
        Unfit::WrongKind,
    );
    check("birthday", "soon".into(), Unfit::WrongKind);
    check("address.work", "Ulm".into(), Unfit::WrongKind);
    check(
        "names.givenName",
        Value::List(vec!["x".into()]),
        Unfit::WrongKind,
    );
    check("starred", "yes".into(), Unfit::WrongKind);
    check(
        "groups",
        Value::List(vec!["Foes".into()]),
        Unfit::NoSuchGroup,
    );
}

#[test]
fn every_field_is_listed_once_and_is_accepted() {
    let all = fields::descriptors(&labels());
    let names: BTreeSet<&str> = all.iter().map(|field| field.name.as_str()).collect();
    assert_eq!(names.len(), all.len());
    let standard: BTreeSet<&str> = all
        .iter()
        .filter_map(|field| field.standard.as_deref())
        .collect();
    assert_eq!(
        standard.len(),
        all.len() - 3,
        "all but groups, starred and those of any name"
    );
    for mut field in all {
        if let Some(named) = field.named(&FieldName::new("userDefined.source")) {
            field = named;
        }
        let cleared: Fields = [(field.name.clone(), Value::Empty)].into();
        let want = if field.writable {
            Ok(BTreeSet::new())
        } else {
            Err(Unfit::NoSuchField(field.name.clone()))
        };
        let got = map::apply(&mut person(json!({})), &cleared, &labels());
        assert_eq!(got, want, "{}", field.name);
    }
}

/// A person with at most as many items as there are slots (or any number), each item with a key of its own to be
/// recognised by.
fn people(beyond: usize) -> impl Strategy<Value = Person> {
    let types = [
        "", "work", "home", "other", "mobile", "workFax", "main", "custom",
    ];
    let items = move |most: usize| {
        prop::collection::vec(
            (prop::sample::select(types.to_vec()), "[a-d]{0,2}"),
            0..=most + beyond,
        )
    };
    (items(2), items(4), items(2), "[a-c]{0,1}", "[a-c]{0,1}").prop_map(
        |(emails, phones, addresses, given, note)| {
            let mut keep = 0;
            let mut list = |items: &[(&str, String)], key: &str| -> Vec<Json> {
                items
                    .iter()
                    .map(|(kind, value)| {
                        keep += 1;
                        let mut item = json!({key: value, "keep": keep});
                        if !kind.is_empty() {
                            item["type"] = json!(kind);
                        }
                        item
                    })
                    .collect()
            };
            person(json!({
                "emailAddresses": list(&emails, "value"),
                "phoneNumbers": list(&phones, "value"),
                "addresses": list(&addresses, "city"),
                "names": [{"givenName": given, "phoneticGivenName": "p"}],
                "biographies": list(&[("", note)], "value"),
            }))
        },
    )
}

const FIELDS: [&str; 10] = [
    "email.work",
    "email.home",
    "phone.work",
    "phone.mobile",
    "phone.home",
    "phone.other",
    "phone.work_fax",
    "names.givenName",
    "note",
    "userDefined.k",
];

fn edits(empty: bool) -> impl Strategy<Value = Fields> {
    let value = if empty { "[e-h]{0,2}" } else { "[e-h]{1,2}" };
    let texts = prop::collection::btree_map(prop::sample::select(FIELDS.to_vec()), value, 0..6);
    let addresses = prop::collection::btree_map(
        prop::sample::select(vec!["address.work", "address.other"]),
        value,
        0..3,
    );
    (texts, addresses).prop_map(|(texts, addresses)| {
        let texts = texts
            .into_iter()
            .map(|(name, text)| (FieldName::new(name), Value::text(text)));
        let addresses = addresses.into_iter().map(|(name, city)| {
            let address = Address {
                city,
                ..Address::default()
            };
            (
                FieldName::new(name),
                if address.is_empty() {
                    Value::Empty
                } else {
                    Value::Address(address)
                },
            )
        });
        texts.chain(addresses).collect()
    })
}

fn kept(person: &Person) -> BTreeSet<i64> {
    person
        .members
        .values()
        .filter_map(Json::as_array)
        .flatten()
        .filter_map(|item| item.get("keep")?.as_i64())
        .collect()
}

proptest! {
    /// Writing what was read changes nothing.
    #[test]
    fn get_put(before in people(3)) {
        let mut after = before.clone();
        let mut all = map::fields(&before, Some(&labels()));
        all.remove(&FieldName::new("email.further"));
        prop_assert_eq!(map::apply(&mut after, &all, &labels()), Ok(BTreeSet::new()));
        prop_assert_eq!(after, before);
    }

    /// What was written is read, what was not written reads as before, and no item is lost that was not cleared.
    #[test]
    fn put_get(before in people(0), edits in edits(true)) {
        let mut after = before.clone();
        map::apply(&mut after, &edits, &labels()).expect("it fits");
        let mut want = map::fields(&before, None);
        let cleared = edits.iter().filter(|(name, value)| value.is_empty() && want.contains_key(*name)).count();
        for (name, value) in &edits {
            want.insert(name.clone(), value.clone());
        }
        want.retain(|_, value| !value.is_empty());
        prop_assert_eq!(map::fields(&after, None), want);
        prop_assert!(kept(&after).is_subset(&kept(&before)));
        prop_assert!(kept(&before).len() - kept(&after).len() <= cleared);
        prop_assert_eq!(&after.members["names"][0]["phoneticGivenName"], "p");
    }

    /// With more items than slots: what is set is read, and the items beyond the slots survive.
    #[test]
    fn put_get_beyond_the_slots(before in people(3), edits in edits(false)) {
        let mut after = before.clone();
        map::apply(&mut after, &edits, &labels()).expect("it fits");
        let mut want = map::fields(&before, None);
        want.extend(edits);
        prop_assert_eq!(map::fields(&after, None), want);
        prop_assert_eq!(kept(&after), kept(&before));
    }
}
