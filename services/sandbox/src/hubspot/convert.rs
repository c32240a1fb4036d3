//! Between invented people and HubSpot's properties, for seeding and for the neutral dump.

use super::account::Values;
use crate::core::people::{Labelled, Person, Postal};

/// A person as a client would send it; HubSpot has room for one address of each kind.
pub fn to_native(person: &Person) -> Values {
    let phone = |label: &str| person.phones.iter().find(|phone| phone.label == label);
    let postal = person.addresses.first();
    let part = |of: fn(&Postal) -> &String| postal.map(of).cloned();
    let first = |values: &[Labelled]| values.first().map(|one| one.value.clone());
    let parts = [
        ("salutation", person.prefix.clone()),
        ("firstname", person.given_name.clone()),
        ("lastname", person.family_name.clone()),
        ("email", first(&person.emails)),
        ("phone", phone("work").map(|phone| phone.value.clone())),
        (
            "mobilephone",
            phone("mobile").map(|phone| phone.value.clone()),
        ),
        ("company", person.company.clone()),
        ("jobtitle", person.job_title.clone()),
        ("website", first(&person.urls)),
        ("address", part(|postal| &postal.street)),
        ("city", part(|postal| &postal.city)),
        ("state", part(|postal| &postal.region)),
        ("zip", part(|postal| &postal.postal_code)),
        ("country", part(|postal| &postal.country)),
    ];
    parts
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .filter(|(_, value)| !value.is_empty())
        .collect()
}

/// Properties in neutral words.
pub fn to_neutral(values: &Values) -> Person {
    let text = |name: &str| values.get(name).cloned();
    let labelled = |name: &str, label: &str| {
        text(name).map(|value| Labelled {
            label: label.to_owned(),
            value,
        })
    };
    let part = |name: &str| text(name).unwrap_or_default();
    let postal = Postal {
        label: "work".into(),
        street: part("address"),
        city: part("city"),
        region: part("state"),
        postal_code: part("zip"),
        country: part("country"),
        country_code: String::new(),
    };
    let nowhere = Postal {
        label: "work".into(),
        ..Postal::default()
    };
    Person {
        prefix: text("salutation"),
        given_name: text("firstname"),
        family_name: text("lastname"),
        emails: labelled("email", "work").into_iter().collect(),
        phones: [labelled("phone", "work"), labelled("mobilephone", "mobile")]
            .into_iter()
            .flatten()
            .collect(),
        addresses: Some(postal)
            .filter(|postal| *postal != nowhere)
            .into_iter()
            .collect(),
        company: text("company"),
        job_title: text("jobtitle"),
        urls: labelled("website", "work").into_iter().collect(),
        ..Person::default()
    }
}
