//! A contact as a People API person, as `people.createContact` takes it. Types and singletons are the vendor's
//! (discovery document of the People API v1); whatever has no field becomes a `userDefined` pair, so that little is lost.

use serde_json::{Map, Value, json};

use super::contact::{Address, ImportedContact, Labelled, Organisation, PartialDate, Photo};
use super::loss::Losses;
use super::zoho_values::covers;

/// A person, and what is not part of its body.
#[derive(Debug, Clone, PartialEq)]
pub struct GooglePerson<'a> {
    /// The body, without resource name, etag and metadata.
    pub person: Value,
    /// Names of the contact groups it is in; the loader turns them into memberships.
    pub labels: Vec<String>,
    /// The photo, which has a call of its own.
    pub photo: Option<&'a Photo>,
}

/// The person. Fields without value are left out; a contact that says nothing gives `{}`.
pub fn to_google<'a>(contact: &'a ImportedContact, losses: &mut Losses) -> GooglePerson<'a> {
    losses.begin(&contact.display(), contact.line);
    let mut person = Person {
        body: Map::new(),
        user_defined: Vec::new(),
        losses,
    };
    person.names(contact);
    person.reach(contact);
    person.organisations(&contact.organisations);
    person.dates(contact);
    person.rest(contact);
    if let Some(Photo::Uri(uri)) = &contact.photo {
        let why = "the file has only its address; the picture itself is not there";
        person.losses.lost("photo", uri, why);
    }
    let pairs = std::mem::take(&mut person.user_defined);
    person.list("userDefined", pairs);
    GooglePerson {
        person: Value::Object(person.body),
        labels: contact.labels.clone(),
        photo: contact.photo.as_ref(),
    }
}

struct Person<'a> {
    body: Map<String, Value>,
    user_defined: Vec<Value>,
    losses: &'a mut Losses,
}

impl Person<'_> {
    fn list(&mut self, field: &str, items: Vec<Value>) {
        if !items.is_empty() {
            self.body.insert(field.to_owned(), Value::Array(items));
        }
    }

    /// Keeps a value as a custom field that the person sees.
    fn define(&mut self, key: &str, value: &str) {
        if !value.is_empty() {
            let key = if key.is_empty() { "Other" } else { key };
            self.user_defined
                .push(json!({ "key": key, "value": value }));
        }
    }

    fn names(&mut self, contact: &ImportedContact) {
        let names = &contact.names;
        let fields = [
            ("honorificPrefix", &names.prefix),
            ("givenName", &names.given),
            ("middleName", &names.middle),
            ("familyName", &names.family),
            ("honorificSuffix", &names.suffix),
            ("phoneticGivenName", &names.phonetic_given),
            ("phoneticMiddleName", &names.phonetic_middle),
            ("phoneticFamilyName", &names.phonetic_family),
        ];
        let mut name = object(&fields);
        let full = &names.full;
        let is_company = contact.company().is_some_and(|company| company == full);
        if names.has_parts() {
            if !covers(&contact.display_sources(), full) {
                self.losses.moved(
                    "displayed name",
                    full,
                    "placed in userDefined: Google makes its own",
                );
                self.define("Displayed name", full);
            }
        } else if !full.is_empty() && !is_company {
            // Structured parts win over the unstructured name, so it is sent only without them.
            name.insert("unstructuredName".to_owned(), json!(full));
        }
        if !name.is_empty() {
            self.list("names", vec![Value::Object(name)]);
        }
        let nicknames = contact
            .nicknames
            .iter()
            .map(|value| json!({ "value": value }));
        self.list("nicknames", nicknames.collect());
        if !names.file_as.is_empty() {
            self.body
                .insert("fileAses".to_owned(), json!([{ "value": names.file_as }]));
        }
    }

    fn reach(&mut self, contact: &ImportedContact) {
        self.list("emailAddresses", typed(&contact.emails, "value"));
        self.list("phoneNumbers", typed(&contact.phones, "value"));
        self.list("relations", typed(&contact.relations, "person"));
        let addresses = contact
            .addresses
            .iter()
            .map(|each| self.address(each))
            .collect();
        self.list("addresses", addresses);
        let mut urls = typed(&contact.urls, "value");
        for account in &contact.social {
            if account.value.contains("://") {
                urls.push(labelled(account, "value"));
            } else {
                self.define(&account.label, &account.value);
            }
        }
        self.list("urls", urls);
        let chats = contact.im.iter().map(|chat| {
            let mut item = object(&[("username", &chat.value), ("protocol", &chat.label)]);
            item.retain(|_, value| value != "");
            Value::Object(item)
        });
        self.list("imClients", chats.collect());
    }

    /// The formatted text is left out if there are parts: sent along it would go stale with the first change.
    fn address(&mut self, address: &Address) -> Value {
        let mut item = object(&[
            ("type", &address.label),
            ("poBox", &address.po_box),
            ("extendedAddress", &address.extended),
            ("streetAddress", &address.street),
            ("city", &address.city),
            ("region", &address.region),
            ("postalCode", &address.postal_code),
            ("country", &address.country),
            ("countryCode", &address.country_code),
        ]);
        if !address.has_parts() {
            item.insert("formattedValue".to_owned(), json!(address.formatted));
        } else if !covers(&address_words(address), &address.formatted) {
            let why = "placed in userDefined: Google makes its own from the parts";
            self.losses
                .moved("address as printed", &address.formatted, why);
            self.define("Address as printed", &address.formatted);
        }
        Value::Object(item)
    }

    fn organisations(&mut self, organisations: &[Organisation]) {
        let items = organisations.iter().map(|each| {
            Value::Object(object(&[
                ("name", &each.name),
                ("department", &each.department),
                ("title", &each.title),
                ("jobDescription", &each.role),
            ]))
        });
        let items = items.filter(|item| item.as_object().is_some_and(|item| !item.is_empty()));
        self.list("organizations", items.collect());
    }

    fn dates(&mut self, contact: &ImportedContact) {
        if let Some(birthday) = contact.birthday {
            match date(birthday) {
                Some(date) => self.list("birthdays", vec![json!({ "date": date })]),
                None => self.partial("Birthday", birthday),
            }
        }
        let mut events = Vec::new();
        for event in &contact.events {
            match date(event.date) {
                Some(date) if event.label.is_empty() => events.push(json!({ "date": date })),
                Some(date) => events.push(json!({ "date": date, "type": event.label })),
                None => self.partial(&event.label, event.date),
            }
        }
        self.list("events", events);
    }

    fn partial(&mut self, what: &str, date: PartialDate) {
        let why = "placed in userDefined: a date there has at least month and day";
        self.losses.moved(what, &date.text(), why);
        self.define(what, &date.text());
    }

    fn rest(&mut self, contact: &ImportedContact) {
        if !contact.notes.is_empty() {
            let note = json!({ "value": contact.notes, "contentType": "TEXT_PLAIN" });
            self.list("biographies", vec![note]);
        }
        for custom in &contact.custom {
            self.define(&custom.label, &custom.value);
        }
        for left in &contact.leftover {
            self.losses
                .moved(&left.property, &left.value, "placed in userDefined");
            self.define(&left.property, &left.value);
        }
    }
}

fn address_words(address: &Address) -> Vec<String> {
    vec![
        address.po_box.clone(),
        address.extended.clone(),
        address.street.clone(),
        address.city.clone(),
        address.region.clone(),
        address.postal_code.clone(),
        address.country.clone(),
    ]
}

/// The fields that have a value.
fn object(fields: &[(&str, &String)]) -> Map<String, Value> {
    let set = fields.iter().filter(|(_, value)| !value.is_empty());
    set.map(|(name, value)| ((*name).to_owned(), json!(value)))
        .collect()
}

fn typed(values: &[Labelled], field: &str) -> Vec<Value> {
    // Google takes one primary of a kind; the first one marked is it.
    let first = values.iter().position(|each| each.preferred);
    let numbered = values.iter().enumerate();
    let each = numbered.map(|(place, value)| {
        let mut item = labelled(value, field);
        if let Some(item) = item.as_object_mut().filter(|_| first == Some(place)) {
            item.insert("metadata".to_owned(), json!({ "sourcePrimary": true }));
        }
        item
    });
    each.collect()
}

fn labelled(value: &Labelled, field: &str) -> Value {
    Value::Object(object(&[(field, &value.value), ("type", &value.label)]))
}

/// Year 0 stands for an unknown year; a date without month or day cannot be said.
fn date(date: PartialDate) -> Option<Value> {
    let (month, day) = (date.month?, date.day?);
    Some(json!({ "year": date.year.unwrap_or(0), "month": month, "day": day }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::Leftover;

    fn check(contact: &ImportedContact, expect: &Value, named: usize) {
        let mut losses = Losses::default();
        assert_eq!(to_google(contact, &mut losses).person, *expect);
        assert_eq!(losses.list().len(), named, "{:?}", losses.list());
    }

    #[test]
    fn names_are_parts_or_one_piece() {
        let mut contact = ImportedContact::default();
        check(&contact, &json!({}), 0);
        contact.names.full = "Ann Lee".to_owned();
        check(
            &contact,
            &json!({"names": [{"unstructuredName": "Ann Lee"}]}),
            0,
        );
        contact.names.given = "Ann".to_owned();
        contact.names.family = "Lee".to_owned();
        let parts = json!({"names": [{"givenName": "Ann", "familyName": "Lee"}]});
        check(&contact, &parts, 0);
        contact.names.full = "Boss".to_owned();
        let shown = json!({
            "names": [{"givenName": "Ann", "familyName": "Lee"}],
            "userDefined": [{"key": "Displayed name", "value": "Boss"}],
        });
        check(&contact, &shown, 1);
    }

    #[test]
    fn dates_may_lack_their_year_only() {
        let contact = |year, month, day| ImportedContact {
            birthday: Some(PartialDate { year, month, day }),
            ..ImportedContact::default()
        };
        let no_year = json!({"birthdays": [{"date": {"year": 0, "month": 4, "day": 12}}]});
        check(&contact(None, Some(4), Some(12)), &no_year, 0);
        let year_only = json!({"userDefined": [{"key": "Birthday", "value": "1985"}]});
        check(&contact(Some(1985), None, None), &year_only, 1);
    }

    #[test]
    fn leftovers_become_custom_fields() {
        let mut contact = ImportedContact::default();
        contact.leftover.push(Leftover {
            property: "X-FOO".to_owned(),
            value: "bar".to_owned(),
        });
        contact.im.push(Labelled::new("", "bob"));
        let expect = json!({
            "imClients": [{"username": "bob"}], "userDefined": [{"key": "X-FOO", "value": "bar"}],
        });
        check(&contact, &expect, 1);
    }
}
