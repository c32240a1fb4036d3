//! People in words that every provider shares, from and to members.

use serde_json::{Map, Value, json};

use super::account::Member;
use crate::core::people::{Date, Labelled, Person, Postal};

/// A person as what a new member is sent with; nothing for a person without an address.
pub fn to_native(person: &Person) -> Option<Value> {
    let email = &person.emails.first()?.value;
    let mut merge = Map::new();
    let mut put = |tag: &str, value: Option<Value>| {
        if let Some(value) = value {
            merge.insert(tag.to_owned(), value);
        }
    };
    put("FNAME", person.given_name.as_deref().map(Into::into));
    put("LNAME", person.family_name.as_deref().map(Into::into));
    put(
        "PHONE",
        person
            .phones
            .first()
            .map(|phone| phone.value.as_str().into()),
    );
    let day = person
        .birthday
        .map(|day| format!("{:02}/{:02}", day.month, day.day).into());
    put("BIRTHDAY", day);
    put("ADDRESS", person.addresses.first().and_then(address));
    Some(json!({"email_address": email, "status": "subscribed", "merge_fields": merge}))
}

/// An address that has all that Mailchimp wants.
fn address(postal: &Postal) -> Option<Value> {
    let needed = [
        &postal.street,
        &postal.city,
        &postal.region,
        &postal.postal_code,
    ];
    needed.iter().all(|part| !part.trim().is_empty()).then(|| {
        json!({
            "addr1": postal.street, "city": postal.city, "state": postal.region, "zip": postal.postal_code,
            "country": postal.country_code,
        })
    })
}

/// A member as a person.
pub fn to_neutral(member: &Member) -> Person {
    let text = |tag: &str| {
        let value = member.merge.get(tag).and_then(Value::as_str);
        value.filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let labelled = |value: String| Labelled {
        label: "work".into(),
        value,
    };
    Person {
        given_name: text("FNAME"),
        family_name: text("LNAME"),
        emails: vec![labelled(member.email.clone())],
        phones: text("PHONE").map(labelled).into_iter().collect(),
        addresses: member
            .merge
            .get("ADDRESS")
            .and_then(postal)
            .into_iter()
            .collect(),
        birthday: text("BIRTHDAY").and_then(|text| {
            let (month, day) = text.split_once('/')?;
            Some(Date {
                year: None,
                month: month.parse().ok()?,
                day: day.parse().ok()?,
            })
        }),
        ..Person::default()
    }
}

fn postal(value: &Value) -> Option<Postal> {
    let parts = value.as_object()?;
    let part = |name: &str| {
        parts
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or("")
            .to_owned()
    };
    Some(Postal {
        label: "work".into(),
        street: part("addr1"),
        city: part("city"),
        region: part("state"),
        postal_code: part("zip"),
        country: String::new(),
        country_code: part("country"),
    })
}
