//! Invented people as Zoho contacts, and contacts in the neutral words of the admin API.

use serde_json::{Map, Value, json};

use super::errors::ItemError;
use super::fields::Kind;
use super::org::Org;
use super::record::Record;
use super::time;
use super::writes::{self, Author};
use crate::core::ids::{Rng, digest};
use crate::core::people::{Date, Labelled, Person, Postal};

/// Adds a person; the contact is theirs as far as Zoho's fields go.
pub fn add(org: &mut Org, person: &Person, author: Author) -> Result<u64, ItemError> {
    let native = native(org, person);
    writes::insert(org, &native, 0, author)
}

/// A person in Zoho's fields: cut to length, without what Zoho would refuse.
fn native(org: &mut Org, person: &Person) -> Value {
    let mut map = Map::new();
    let first = [&person.given_name, &person.middle_name];
    let first: Vec<&str> = first.into_iter().flatten().map(String::as_str).collect();
    let first = first.join(" ");
    let email = person.emails.first().map(|email| email.value.clone());
    // Last_Name is mandatory: mononyms, companies and bare addresses have it all the same.
    match &person.family_name {
        Some(last) => {
            put(org, &mut map, "Last_Name", last);
            put(org, &mut map, "First_Name", &first);
        }
        None if !first.is_empty() => put(org, &mut map, "Last_Name", &first),
        None => {
            let last = person
                .company
                .clone()
                .or(email)
                .unwrap_or_else(|| "Unknown".to_owned());
            put(org, &mut map, "Last_Name", &last);
        }
    }
    let texts = [
        ("Salutation", &person.prefix),
        ("Title", &person.job_title),
        ("Department", &person.department),
        ("Description", &person.notes),
    ];
    for (name, text) in texts {
        put(org, &mut map, name, text.as_deref().unwrap_or_default());
    }
    for (name, email) in ["Email", "Secondary_Email"].into_iter().zip(&person.emails) {
        put(org, &mut map, name, &email.value);
    }
    phones(org, &mut map, &person.phones);
    for (prefix, address) in ["Mailing", "Other"].into_iter().zip(&person.addresses) {
        let parts = [
            ("Street", &address.street),
            ("City", &address.city),
            ("State", &address.region),
            ("Zip", &address.postal_code),
            ("Country", &address.country),
        ];
        for (part, text) in parts {
            put(org, &mut map, &format!("{prefix}_{part}"), text);
        }
    }
    if let Some(Date {
        year: Some(year),
        month,
        day,
    }) = person.birthday
    {
        put(
            org,
            &mut map,
            "Date_of_Birth",
            &format!("{year:04}-{month:02}-{day:02}"),
        );
    }
    if let Some(company) = &person.company {
        map.insert("Account_Name".into(), json!({"id": org.company(company)}));
    }
    sales(org, &mut map, person);
    Value::Object(map)
}

/// What only a CRM knows: where a lead came from, who opted out.
fn sales(org: &Org, map: &mut Map<String, Value>, person: &Person) {
    let key = person
        .emails
        .first()
        .map_or("", |email| email.value.as_str());
    let mut rng = Rng::new(digest(&format!("{key}{:?}", person.family_name)));
    if rng.chance(60)
        && let Some(field) = org.fields.get("Lead_Source")
    {
        let at = rng.below(field.options.len() as u64) as usize;
        map.extend(
            field
                .options
                .get(at)
                .map(|option| ("Lead_Source".to_owned(), json!(option.actual))),
        );
    }
    map.insert("Email_Opt_Out".into(), json!(rng.chance(10)));
}

fn phones(org: &Org, map: &mut Map<String, Value>, phones: &[Labelled]) {
    for phone in phones {
        let allowed = |c: &char| c.is_ascii_digit() || "+-(). ;".contains(*c);
        let number: String = phone.value.chars().filter(allowed).collect();
        let wanted = match phone.label.as_str() {
            "mobile" => "Mobile",
            "home" => "Home_Phone",
            "work" => "Phone",
            _ => "Other_Phone",
        };
        let free = [wanted, "Phone", "Mobile", "Home_Phone", "Other_Phone"];
        if let Some(name) = free.into_iter().find(|name| !map.contains_key(*name)) {
            put(org, map, name, number.trim());
        }
    }
}

/// Puts text into a field, cut to its length; left out when Zoho would refuse it.
fn put(org: &Org, map: &mut Map<String, Value>, name: &str, text: &str) {
    let Some(field) = org.fields.get(name).filter(|_| !text.is_empty()) else {
        return;
    };
    let value = json!(text.chars().take(field.length as usize).collect::<String>());
    if super::values::check(org, field, &value, 0).is_ok() {
        map.insert(name.to_owned(), value);
    }
}

/// A contact in neutral words.
pub fn neutral(org: &Org, record: &Record) -> Person {
    let text = |name: &str| record.values.text(name).map(str::to_owned);
    let labelled = |rows: &[(&str, &str)]| -> Vec<Labelled> {
        let row = |(name, label): &(&str, &str)| {
            Some(Labelled {
                label: (*label).to_owned(),
                value: text(name)?,
            })
        };
        rows.iter().filter_map(row).collect()
    };
    let company = record.values.get("Account_Name").and_then(Value::as_u64);
    let websites = org
        .fields
        .iter()
        .filter(|field| field.kind == Kind::Website);
    let birthday = record
        .values
        .text("Date_of_Birth")
        .and_then(time::parse_date);
    Person {
        prefix: text("Salutation"),
        given_name: text("First_Name"),
        family_name: text("Last_Name"),
        emails: labelled(&[("Email", "work"), ("Secondary_Email", "other")]),
        phones: labelled(&[
            ("Phone", "work"),
            ("Mobile", "mobile"),
            ("Home_Phone", "home"),
            ("Other_Phone", "other"),
            ("Fax", "fax"),
            ("Asst_Phone", "assistant"),
        ]),
        addresses: [("Mailing", "work"), ("Other", "other")]
            .into_iter()
            .filter_map(|(prefix, label)| postal(record, prefix, label))
            .collect(),
        company: company.and_then(|id| org.companies.get(&id)).cloned(),
        department: text("Department"),
        job_title: text("Title"),
        birthday: birthday.map(|date| {
            use chrono::Datelike;
            Date {
                year: Some(date.year()),
                month: date.month(),
                day: date.day(),
            }
        }),
        urls: websites
            .filter_map(|field| {
                Some(Labelled {
                    label: field.label.clone(),
                    value: text(&field.api_name)?,
                })
            })
            .collect(),
        notes: text("Description"),
        ..Person::default()
    }
}

fn postal(record: &Record, prefix: &str, label: &str) -> Option<Postal> {
    let part = |name: &str| {
        record
            .values
            .text(&format!("{prefix}_{name}"))
            .unwrap_or_default()
            .to_owned()
    };
    let address = Postal {
        label: label.to_owned(),
        street: part("Street"),
        city: part("City"),
        region: part("State"),
        postal_code: part("Zip"),
        country: part("Country"),
        country_code: String::new(),
    };
    let empty = Postal {
        label: label.to_owned(),
        ..Postal::default()
    };
    (address != empty).then_some(address)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::people::{Seed, people};
    use crate::zoho::testing::{START, org};

    #[test]
    fn every_invented_person_becomes_a_contact() {
        let mut org = org();
        let seed = Seed {
            contacts: 500,
            seed: 7,
            ..Seed::default()
        };
        for person in people(&seed, "zoho") {
            let author = Author {
                user: org.me(),
                now: START,
            };
            let id = add(&mut org, &person, author).unwrap();
            let back = neutral(&org, org.table.get(id).unwrap());
            assert_eq!(back.company, person.company);
            assert_eq!(
                back.emails.first().map(|e| &e.value),
                person.emails.first().map(|e| &e.value)
            );
        }
        assert_eq!(org.table.len(), 500);
    }
}
