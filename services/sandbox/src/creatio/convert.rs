//! Between invented people and Creatio's rows, for seeding and for the neutral dump.

use serde_json::{Value, json};

use super::refusal::Refusal;
use super::schema::{BUSINESS_ADDRESS, EMAIL, HOME, HOME_ADDRESS, ME, MOBILE, WEB, WORK};
use super::site::{Row, Site, is, text};
use crate::core::people::{Date, Labelled, Person, Postal};

/// Telephone labels and the kinds that they are.
const PHONES: [(&str, &str); 3] = [("work", WORK), ("mobile", MOBILE), ("home", HOME)];

fn row(pairs: impl IntoIterator<Item = (&'static str, Value)>) -> Row {
    let filled = pairs
        .into_iter()
        .filter(|(_, value)| value.as_str() != Some(""));
    filled
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// Enters a person as one types them in; answers the contact's id.
pub fn enter(site: &mut Site, person: &Person) -> Result<String, Refusal> {
    let word = |text: &Option<String>| json!(text.clone().unwrap_or_default());
    let birthday = person.birthday.and_then(|day| {
        Some(format!(
            "{:04}-{:02}-{:02}T00:00:00Z",
            day.year?, day.month, day.day
        ))
    });
    let account = person
        .company
        .clone()
        .map(|name| lookup(site, "Account", &name));
    let mut contact = row([
        ("GivenName", word(&person.given_name)),
        ("MiddleName", word(&person.middle_name)),
        ("Surname", word(&person.family_name)),
        ("JobTitle", word(&person.job_title)),
        ("Notes", word(&person.notes)),
        ("BirthDate", json!(birthday.unwrap_or_default())),
        ("AccountId", json!(account.unwrap_or_default())),
    ]);
    if person.given_name.is_none() && person.family_name.is_none() {
        contact.insert("Name".into(), word(&person.company));
    }
    let id = site.insert("Contact", &contact, ME)?;
    let emails = person.emails.iter().map(|one| (EMAIL, one));
    let phones = person.phones.iter().filter_map(|one| {
        let (_, kind) = PHONES.iter().find(|(label, _)| *label == one.label)?;
        Some((*kind, one))
    });
    let urls = person.urls.iter().map(|one| (WEB, one)).take(1);
    for (kind, one) in emails.chain(phones).chain(urls) {
        let body = row([
            ("ContactId", json!(id)),
            ("CommunicationTypeId", json!(kind)),
            ("Number", json!(one.value)),
        ]);
        site.insert("ContactCommunication", &body, ME)?;
    }
    for (at, postal) in person.addresses.iter().enumerate() {
        let kind = match postal.label.as_str() {
            "home" => HOME_ADDRESS,
            "work" => BUSINESS_ADDRESS,
            _ => "",
        };
        let [city, region, country] = [
            ("City", &postal.city),
            ("Region", &postal.region),
            ("Country", &postal.country),
        ]
        .map(|(entity, name)| lookup(site, entity, name));
        let body = row([
            ("ContactId", json!(id)),
            ("AddressTypeId", json!(kind)),
            ("Address", json!(postal.street)),
            ("Zip", json!(postal.postal_code)),
            ("CityId", json!(city)),
            ("RegionId", json!(region)),
            ("CountryId", json!(country)),
            ("Primary", json!(at == 0)),
        ]);
        site.insert("ContactAddress", &body, ME)?;
    }
    Ok(id)
}

/// The row of a lookup by its name, made if need be; nothing for no name.
pub fn lookup(site: &mut Site, entity: &'static str, name: &str) -> String {
    if name.trim().is_empty() {
        return String::new();
    }
    let found = site.rows(entity).find(|row| text(row, "Name") == name);
    if let Some(found) = found {
        return text(found, "Id").to_owned();
    }
    let id = site.fresh();
    site.put(entity, &id, [("Name".to_owned(), json!(name))].into_iter());
    id
}

/// A contact in neutral words.
pub fn to_neutral(site: &Site, contact: &Row) -> Person {
    let word = |name: &str| Some(text(contact, name).to_owned()).filter(|word| !word.is_empty());
    let id = text(contact, "Id");
    let name = |entity: &str, row: &Row, column: &str| {
        let found = site.row(entity, text(row, column));
        found
            .map(|row| text(row, "Name").to_owned())
            .unwrap_or_default()
    };
    let mut rows = site.children_rows("ContactCommunication", "Contact", id);
    rows.sort_by_key(|row| (!is(row, "Primary"), text(row, "CreatedOn").to_owned()));
    let of = |kind: &str, label: &str| -> Vec<Labelled> {
        let mine = rows
            .iter()
            .filter(|row| text(row, "CommunicationTypeId") == kind);
        mine.map(|row| Labelled {
            label: label.to_owned(),
            value: text(row, "Number").to_owned(),
        })
        .collect()
    };
    let mut addresses = site.children_rows("ContactAddress", "Contact", id);
    addresses.sort_by_key(|row| (!is(row, "Primary"), text(row, "CreatedOn").to_owned()));
    let addresses = addresses.iter().enumerate().map(|(at, row)| Postal {
        label: place(at, text(row, "AddressTypeId")).into(),
        street: text(row, "Address").to_owned(),
        city: name("City", row, "CityId"),
        region: name("Region", row, "RegionId"),
        postal_code: text(row, "Zip").to_owned(),
        country: name("Country", row, "CountryId"),
        country_code: String::new(),
    });
    Person {
        given_name: word("GivenName"),
        middle_name: word("MiddleName"),
        family_name: word("Surname"),
        job_title: word("JobTitle"),
        notes: word("Notes"),
        company: Some(name("Account", contact, "AccountId")).filter(|name| !name.is_empty()),
        emails: addressed(of(EMAIL, "work")),
        phones: PHONES
            .iter()
            .flat_map(|(label, kind)| of(kind, label))
            .collect(),
        urls: of(WEB, "work"),
        birthday: word("BirthDate").and_then(|text| day(&text)),
        addresses: addresses.collect(),
        ..Person::default()
    }
}

/// The first address is that at work, whatever its type.
fn place(at: usize, kind: &str) -> &'static str {
    match (at, kind) {
        (0, _) | (_, BUSINESS_ADDRESS) => "work",
        (_, HOME_ADDRESS) => "home",
        _ => "other",
    }
}

/// There is one kind of e-mail addresses: the primary one is that at work.
fn addressed(mut all: Vec<Labelled>) -> Vec<Labelled> {
    for further in all.iter_mut().skip(1) {
        "other".clone_into(&mut further.label);
    }
    all
}

fn day(text: &str) -> Option<Date> {
    let mut parts = text.get(..10)?.split('-');
    Some(Date {
        year: Some(parts.next()?.parse().ok()?),
        month: parts.next()?.parse().ok()?,
        day: parts.next()?.parse().ok()?,
    })
}
