//! Between invented people and Google's person objects, for seeding and for the neutral dump.

use serde_json::{Map, Value, json};

use super::fields::Fields;
use crate::core::people::{Date, Labelled, Person, Postal};

/// A person as a client would send it.
pub fn to_native(person: &Person) -> Value {
    let mut out = Map::new();
    let mut name = Map::new();
    for (key, value) in [
        ("honorificPrefix", &person.prefix),
        ("givenName", &person.given_name),
        ("middleName", &person.middle_name),
        ("familyName", &person.family_name),
        ("honorificSuffix", &person.suffix),
    ] {
        if let Some(value) = value {
            name.insert(key.into(), value.as_str().into());
        }
    }
    let mut put = |key: &str, items: Vec<Value>| {
        if !items.is_empty() {
            out.insert(key.to_owned(), items.into());
        }
    };
    if !name.is_empty() {
        put("names", vec![name.into()]);
    }
    put(
        "nicknames",
        person
            .nickname
            .iter()
            .map(|n| json!({"value": n}))
            .collect(),
    );
    put("emailAddresses", labelled(&person.emails));
    put("phoneNumbers", labelled(&person.phones));
    put("urls", labelled(&person.urls));
    put(
        "biographies",
        person
            .notes
            .iter()
            .map(|n| json!({"value": n, "contentType": "TEXT_PLAIN"}))
            .collect(),
    );
    put("addresses", person.addresses.iter().map(address).collect());
    if person.company.is_some() || person.job_title.is_some() {
        put(
            "organizations",
            vec![
                json!({"name": person.company, "title": person.job_title, "department": person.department, "type": "work"}),
            ],
        );
    }
    put(
        "birthdays",
        person
            .birthday
            .iter()
            .map(|b| json!({"date": date(*b)}))
            .collect(),
    );
    out.into()
}

fn labelled(values: &[Labelled]) -> Vec<Value> {
    values
        .iter()
        .map(|v| json!({"value": v.value, "type": v.label}))
        .collect()
}

fn address(postal: &Postal) -> Value {
    json!({
        "type": postal.label, "streetAddress": postal.street, "city": postal.city, "region": postal.region,
        "postalCode": postal.postal_code, "country": postal.country, "countryCode": postal.country_code,
    })
}

fn date(date: Date) -> Value {
    let mut out = json!({"month": date.month, "day": date.day});
    if let (Some(year), Some(out)) = (date.year, out.as_object_mut()) {
        out.insert("year".into(), year.into());
    }
    out
}

/// A stored contact in neutral words.
pub fn to_neutral(fields: &Fields) -> Person {
    let first = |field: &str| fields.items(field).into_iter().next().unwrap_or_default();
    let text = |item: &Value, key: &str| item.get(key).and_then(Value::as_str).map(str::to_owned);
    let many = |field: &str| -> Vec<Labelled> {
        fields
            .items(field)
            .iter()
            .filter_map(|i| {
                Some(Labelled {
                    label: text(i, "type").unwrap_or_default(),
                    value: text(i, "value")?,
                })
            })
            .collect()
    };
    let (name, work, birthday) = (first("names"), first("organizations"), first("birthdays"));
    let number = |key: &str| {
        birthday
            .get("date")
            .and_then(|d| d.get(key))
            .and_then(Value::as_u64)
    };
    Person {
        prefix: text(&name, "honorificPrefix"),
        given_name: text(&name, "givenName"),
        middle_name: text(&name, "middleName"),
        family_name: text(&name, "familyName"),
        suffix: text(&name, "honorificSuffix"),
        nickname: text(&first("nicknames"), "value"),
        emails: many("emailAddresses"),
        phones: many("phoneNumbers"),
        addresses: fields
            .items("addresses")
            .iter()
            .map(|i| postal(i, &text))
            .collect(),
        company: text(&work, "name"),
        department: text(&work, "department"),
        job_title: text(&work, "title"),
        birthday: number("month").zip(number("day")).map(|(month, day)| Date {
            year: number("year").filter(|y| *y > 0).map(|y| y as i32),
            month: month as u32,
            day: day as u32,
        }),
        urls: many("urls"),
        notes: text(&first("biographies"), "value"),
    }
}

fn postal(item: &Value, text: &impl Fn(&Value, &str) -> Option<String>) -> Postal {
    let get = |key: &str| text(item, key).unwrap_or_default();
    Postal {
        label: get("type"),
        street: get("streetAddress"),
        city: get("city"),
        region: get("region"),
        postal_code: get("postalCode"),
        country: get("country"),
        country_code: get("countryCode"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::people::{Seed, people};
    use crate::google::fields::{FIELDS, store};

    #[test]
    fn invented_people_survive_the_way_there_and_back() {
        for person in people(
            &Seed {
                contacts: 300,
                ..Seed::default()
            },
            "x",
        ) {
            let native = to_native(&person);
            let mut fields = Fields::default();
            for (place, field) in FIELDS.iter().enumerate() {
                fields.set(place as u8, store(place as u8, native.get(field.name), "1"));
            }
            assert_eq!(to_neutral(&fields), person);
        }
    }
}
