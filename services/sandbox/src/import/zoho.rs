//! A contact as the body of a Zoho CRM record in the module Contacts, as `POST /crm/v8/Contacts` takes it in `data`.
//!
//! Field names, types and value rules are the vendor's (API v8 and v7 documentation). A company is a look-up there,
//! written by id only, so it goes to the custom text field [`COMPANY_FIELD`], which the account must have.
//! Photos, urls, dates other than the birthday and everything else without a field are named as lost.

use serde_json::{Map, Value, json};

use super::contact::{Address, ImportedContact, Labelled, join};
use super::loss::Losses;
use super::zoho_values::{covers, cut, handle, is_email, phone_field, phone_number};
use crate::zoho::tags;

/// The custom field (text, 255) that takes the company's name.
pub const COMPANY_FIELD: &str = "Company";

/// The most tags on a record.
const MAX_TAGS: usize = 10;
/// The longest tag, in characters.
const MAX_TAG_CHARS: usize = 25;
/// The longest description (large text area), in characters.
const MAX_DESCRIPTION_CHARS: usize = 32_000;

/// Text fields by their longest value in characters; 255 where nothing shorter is known.
const LIMITS: [(&str, usize); 8] = [
    ("First_Name", 40),
    ("Last_Name", 80),
    ("Title", 100),
    ("Department", 50),
    ("Skype_ID", 50),
    ("Twitter", 50),
    ("Mailing_Zip", 30),
    ("Other_Zip", 30),
];
const DEFAULT_LIMIT: usize = 255;

/// The record's body. Absent fields are left out; `Last_Name` is always there.
pub fn to_zoho(contact: &ImportedContact, losses: &mut Losses) -> Value {
    losses.begin(&contact.display(), contact.line);
    let mut record = Record {
        body: Map::new(),
        overflow: Vec::new(),
        losses,
    };
    record.names(contact);
    record.emails(&contact.emails);
    record.phones(&contact.phones);
    record.addresses(&contact.addresses);
    record.company(contact);
    record.birthday(contact);
    record.chats(contact);
    record.tags(&contact.labels);
    record.without_place(contact);
    record.description(&contact.notes);
    Value::Object(record.body)
}

struct Record<'a> {
    body: Map<String, Value>,
    /// The ends of values that were too long for their field.
    overflow: Vec<String>,
    losses: &'a mut Losses,
}

impl Record<'_> {
    /// Sets a text field; what is too long is cut, and its end goes to the description.
    fn text(&mut self, field: &str, value: &str) {
        let value = value.trim();
        if value.is_empty() {
            return;
        }
        let limit = LIMITS.iter().find(|(name, _)| *name == field);
        let limit = limit.map_or(DEFAULT_LIMIT, |(_, limit)| *limit);
        let (fits, rest) = cut(value, limit);
        if !rest.is_empty() {
            let why = format!("longer than {limit} characters; the end went to Description");
            self.losses.changed(field, value, &why);
            self.overflow.push(format!("{field} (end): {rest}"));
        }
        self.body.insert(field.to_owned(), json!(fits));
    }

    fn names(&mut self, contact: &ImportedContact) {
        let names = &contact.names;
        if !names.family.is_empty() {
            self.text("First_Name", &names.given);
            self.text("Last_Name", &names.family);
        } else if !names.given.is_empty() {
            self.stand_in(
                &names.given,
                "the given name, because there is no family name",
            );
        } else if is_company(contact) {
            let company = contact.company().unwrap_or_default();
            self.stand_in(company, "the company, because there is no name");
        } else if !names.full.is_empty() {
            self.whole_name(&names.full);
        } else {
            self.nameless(contact);
        }
        self.text("Salutation", &names.prefix);
        self.lost("middle name", &names.middle);
        self.lost("name suffix", &names.suffix);
        self.lost("phonetic given name", &names.phonetic_given);
        self.lost("phonetic middle name", &names.phonetic_middle);
        self.lost("phonetic family name", &names.phonetic_family);
        self.lost("file as", &names.file_as);
        if names.has_parts() && !covers(&contact.display_sources(), &names.full) {
            self.lost("displayed name", &names.full);
        }
        for nickname in &contact.nicknames {
            self.lost("nickname", nickname);
        }
    }

    /// A name in one piece: the last word is taken as the family name.
    fn whole_name(&mut self, full: &str) {
        match full.trim().rsplit_once(char::is_whitespace) {
            Some((given, family)) => {
                let why = "the name is in one piece: its last word became Last_Name";
                self.losses.guessed("name", full, why);
                self.text("First_Name", given);
                self.text("Last_Name", family);
            }
            None => self.stand_in(full, "the whole name, which is one word"),
        }
    }

    fn nameless(&mut self, contact: &ImportedContact) {
        let first = |values: &[Labelled]| {
            let first = values.iter().find(|value| !value.value.is_empty());
            first.map(|value| value.value.clone())
        };
        if let Some(nickname) = contact.nicknames.iter().find(|each| !each.is_empty()) {
            self.stand_in(nickname, "the nickname, because there is no name");
        } else if let Some(email) = first(&contact.emails) {
            self.stand_in(&email, "the e-mail address, because there is no name");
        } else if let Some(phone) = first(&contact.phones) {
            self.stand_in(&phone, "the phone number, because there is no name");
        } else {
            self.stand_in(
                "(no name)",
                "made up: there is no name, company, address or number",
            );
        }
    }

    /// `Last_Name` is mandatory: something stands in for it, and is named.
    fn stand_in(&mut self, value: &str, why: &str) {
        self.losses
            .moved("Last_Name", value, &format!("placed in Last_Name: {why}"));
        self.text("Last_Name", value);
    }

    fn emails(&mut self, emails: &[Labelled]) {
        let mut fields = ["Email", "Secondary_Email"].into_iter();
        for email in preferred_first(emails) {
            let what = titled("e-mail", &email.label);
            if !is_email(&email.value) {
                self.losses
                    .lost(&what, &email.value, "Zoho takes no such e-mail address");
            } else if self.has_value(&["Email", "Secondary_Email"], &email.value) {
                self.losses
                    .lost(&what, &email.value, "the same address is there already");
            } else if let Some(field) = fields.next() {
                self.body.insert(field.to_owned(), json!(email.value));
            } else {
                self.losses.lost(
                    &what,
                    &email.value,
                    "a Zoho contact has two e-mail addresses",
                );
            }
        }
    }

    fn phones(&mut self, phones: &[Labelled]) {
        const FIELDS: [&str; 6] = [
            "Phone",
            "Mobile",
            "Home_Phone",
            "Other_Phone",
            "Fax",
            "Asst_Phone",
        ];
        for phone in preferred_first(phones) {
            let what = titled("phone", &phone.label);
            let Some(number) = phone_number(&phone.value) else {
                self.losses
                    .lost(&what, &phone.value, "Zoho takes no such phone number");
                continue;
            };
            if self.has_value(&FIELDS, &number) {
                self.losses
                    .lost(&what, &phone.value, "the same number is there already");
                continue;
            }
            let (own, is_fax) = phone_field(&phone.label);
            let spare: &[&str] = if is_fax {
                &[]
            } else {
                &["Other_Phone", "Phone"]
            };
            let free = |field: &&str| !self.body.contains_key(*field);
            let field = std::iter::once(own).chain(spare.iter().copied()).find(free);
            let Some(field) = field else {
                let why = "the fields for such a number are taken";
                self.losses.lost(&what, &phone.value, why);
                continue;
            };
            if field != own {
                let why = format!("placed in {field}: {own} is taken");
                self.losses.moved(&what, &phone.value, &why);
            } else if own == "Other_Phone" && !matches!(phone.label.as_str(), "" | "other") {
                self.losses.moved(
                    &what,
                    &phone.value,
                    "placed in Other_Phone: Zoho has no such label",
                );
            }
            if number != phone.value {
                let why = "Zoho takes digits, blanks and + - ( ) . ; only";
                self.losses.changed(&what, &phone.value, why);
            }
            self.body.insert(field.to_owned(), json!(number));
        }
    }

    fn has_value(&self, fields: &[&str], value: &str) -> bool {
        let mut set = fields.iter().filter_map(|field| self.body.get(*field));
        set.any(|has| has == value)
    }

    fn addresses(&mut self, addresses: &[Address]) {
        let mut sorted: Vec<&Address> = addresses.iter().collect();
        sorted.sort_by_key(|address| !address.preferred);
        let mut prefixes = ["Mailing", "Other"].into_iter();
        for address in sorted {
            if let Some(prefix) = prefixes.next() {
                self.address(prefix, address);
            } else {
                let what = titled("address", &address.label);
                let why = "a Zoho contact has two addresses";
                self.losses.lost(&what, &one_line(address), why);
            }
        }
    }

    fn address(&mut self, prefix: &str, address: &Address) {
        let street = join([&address.street, &address.extended, &address.po_box], ", ");
        for (what, value) in [
            ("flat or floor", &address.extended),
            ("post-office box", &address.po_box),
        ] {
            if !value.is_empty() {
                let why = format!("placed in {prefix}_Street: Zoho has no field for it");
                self.losses.moved(what, value, &why);
            }
        }
        if address.has_parts() {
            self.text(&format!("{prefix}_Street"), &street);
            if !covers(&[one_line(address)], &address.formatted) {
                self.lost("address as printed", &address.formatted);
            }
        } else {
            let why = format!("placed in {prefix}_Street: the address is in one piece");
            self.losses.moved("address", &address.formatted, &why);
            self.text(&format!("{prefix}_Street"), &address.formatted);
        }
        self.text(&format!("{prefix}_City"), &address.city);
        self.text(&format!("{prefix}_State"), &address.region);
        self.text(&format!("{prefix}_Zip"), &address.postal_code);
        self.text(&format!("{prefix}_Country"), &address.country);
        self.lost("country code", &address.country_code);
        if !matches!(address.label.as_str(), "" | "home" | "work" | "other") {
            self.lost("address label", &address.label);
        }
    }

    fn company(&mut self, contact: &ImportedContact) {
        let mut organisations = contact.organisations.iter();
        if let Some(first) = organisations.next() {
            if !first.name.is_empty() {
                let why = "placed in the custom field Company: Account_Name is a look-up";
                self.losses.moved("company", &first.name, why);
            }
            self.text(COMPANY_FIELD, &first.name);
            self.text("Title", &first.title);
            self.text("Department", &first.department);
            self.lost("role", &first.role);
        }
        for other in organisations {
            let all = join(
                [&other.name, &other.department, &other.title, &other.role],
                ", ",
            );
            self.lost("further company", &all);
        }
    }

    fn birthday(&mut self, contact: &ImportedContact) {
        let Some(date) = contact.birthday else { return };
        if let Some(complete) = date.complete() {
            self.body
                .insert("Date_of_Birth".to_owned(), json!(complete));
        } else {
            let why = "Date_of_Birth takes complete dates only";
            self.losses.lost("birthday", &date.text(), why);
        }
    }

    fn chats(&mut self, contact: &ImportedContact) {
        for account in contact.im.iter().chain(&contact.social) {
            let service = account.label.to_lowercase();
            let (field, value) = match service.as_str() {
                "skype" => ("Skype_ID", account.value.clone()),
                "twitter" | "x" => ("Twitter", handle(&account.value)),
                _ => ("", String::new()),
            };
            if field.is_empty() || value.is_empty() || self.body.contains_key(field) {
                self.lost(&titled("account", &account.label), &account.value);
                continue;
            }
            if value != account.value {
                self.losses.changed(
                    &service,
                    &account.value,
                    "the account's name was taken out of it",
                );
            }
            self.text(field, &value);
        }
    }

    fn tags(&mut self, labels: &[String]) {
        let mut tags: Vec<Value> = Vec::new();
        for label in labels {
            if label.chars().count() > MAX_TAG_CHARS {
                let why = format!("a tag has at most {MAX_TAG_CHARS} characters");
                self.losses.lost("label", label, &why);
            } else if tags::check_name(label, "").is_err() {
                let why = "a tag has no comma, no angle bracket and no emoji";
                self.losses.lost("label", label, why);
            } else if tags.len() == MAX_TAGS {
                let why = format!("a record has at most {MAX_TAGS} tags");
                self.losses.lost("label", label, &why);
            } else {
                tags.push(json!({ "name": label }));
            }
        }
        if !tags.is_empty() {
            self.body.insert("Tag".to_owned(), Value::Array(tags));
        }
    }

    fn without_place(&mut self, contact: &ImportedContact) {
        for url in &contact.urls {
            self.lost(&titled("url", &url.label), &url.value);
        }
        for event in &contact.events {
            self.lost(&titled("date", &event.label), &event.date.text());
        }
        for relation in &contact.relations {
            self.lost(&titled("relation", &relation.label), &relation.value);
        }
        for custom in &contact.custom {
            self.lost(&titled("custom field", &custom.label), &custom.value);
        }
        for left in &contact.leftover {
            self.lost(&left.property, &left.value);
        }
        if contact.photo.is_some() {
            self.losses
                .lost("photo", "", "Zoho keeps pictures apart from records");
        }
    }

    fn description(&mut self, notes: &str) {
        let mut all = notes.to_owned();
        for end in &self.overflow {
            if !all.is_empty() {
                all.push('\n');
            }
            all.push_str(end);
        }
        let (fits, rest) = cut(&all, MAX_DESCRIPTION_CHARS);
        if !rest.is_empty() {
            let why = format!("longer than {MAX_DESCRIPTION_CHARS} characters; the end was cut");
            self.losses.lost("Description", rest, &why);
        }
        if !fits.is_empty() {
            self.body.insert("Description".to_owned(), json!(fits));
        }
    }

    fn lost(&mut self, what: &str, value: &str) {
        if !value.is_empty() {
            self.losses
                .lost(what, value, "Zoho contacts have no field for it");
        }
    }
}

impl ImportedContact {
    /// The texts that a displayed name is usually made of.
    pub(super) fn display_sources(&self) -> Vec<String> {
        let mut all = vec![self.names.composed()];
        all.extend(self.nicknames.iter().cloned());
        all.extend(self.organisations.iter().map(|each| each.name.clone()));
        all
    }
}

/// A card of a company: its displayed name is the company's, or there is no name.
fn is_company(contact: &ImportedContact) -> bool {
    let full = &contact.names.full;
    contact
        .company()
        .is_some_and(|company| full.is_empty() || full == company)
}

fn preferred_first(values: &[Labelled]) -> Vec<&Labelled> {
    let mut sorted: Vec<&Labelled> = values.iter().collect();
    sorted.sort_by_key(|value| !value.preferred);
    sorted
}

fn titled(what: &str, label: &str) -> String {
    if label.is_empty() {
        what.to_owned()
    } else {
        format!("{what} ({label})")
    }
}

fn one_line(address: &Address) -> String {
    let parts = [
        &address.po_box,
        &address.extended,
        &address.street,
        &address.city,
        &address.region,
        &address.postal_code,
        &address.country,
    ];
    if address.has_parts() {
        join(parts, ", ")
    } else {
        address.formatted.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::{Names, Organisation, PartialDate};

    fn check(contact: &ImportedContact, expect: &Value, named: &[&str]) {
        let mut losses = Losses::default();
        assert_eq!(to_zoho(contact, &mut losses), *expect);
        let what: Vec<&str> = losses
            .list()
            .iter()
            .map(|loss| loss.what.as_str())
            .collect();
        assert_eq!(what, named);
    }

    fn named(given: &str, family: &str) -> ImportedContact {
        let names = Names {
            given: given.to_owned(),
            family: family.to_owned(),
            ..Names::default()
        };
        ImportedContact {
            names,
            ..ImportedContact::default()
        }
    }

    #[test]
    fn last_name_is_always_there() {
        check(
            &named("Ann", "Lee"),
            &json!({"First_Name": "Ann", "Last_Name": "Lee"}),
            &[],
        );
        check(
            &named("Ann", ""),
            &json!({"Last_Name": "Ann"}),
            &["Last_Name"],
        );
        let mut whole = ImportedContact::default();
        whole.names.full = "Ann Mary Lee".to_owned();
        check(
            &whole,
            &json!({"First_Name": "Ann Mary", "Last_Name": "Lee"}),
            &["name"],
        );
        let mut company = ImportedContact::default();
        company.names.full = "ACME Inc".to_owned();
        company.organisations.push(Organisation {
            name: "ACME Inc".to_owned(),
            ..Organisation::default()
        });
        check(
            &company,
            &json!({"Last_Name": "ACME Inc", "Company": "ACME Inc"}),
            &["Last_Name", "company"],
        );
        let mut mail = ImportedContact::default();
        mail.emails.push(Labelled::new("", "a@b.example"));
        check(
            &mail,
            &json!({"Last_Name": "a@b.example", "Email": "a@b.example"}),
            &["Last_Name"],
        );
        check(
            &ImportedContact::default(),
            &json!({"Last_Name": "(no name)"}),
            &["Last_Name"],
        );
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let mut long = named("Ann", &"ä".repeat(81));
        long.birthday = Some(PartialDate {
            year: None,
            month: Some(4),
            day: Some(12),
        });
        long.labels = vec!["Friends".to_owned(), "x".repeat(26), "two,words".to_owned()];
        let expect = json!({
            "First_Name": "Ann", "Last_Name": "ä".repeat(80), "Description": "Last_Name (end): ä",
            "Tag": [{"name": "Friends"}],
        });
        check(&long, &expect, &["Last_Name", "birthday", "label", "label"]);
    }

    fn check_phones(phones: &[(&str, &str)], expect: &Value, named_losses: &[&str]) {
        let mut contact = named("", "Lee");
        contact.phones = phones
            .iter()
            .map(|(label, value)| Labelled::new(*label, value))
            .collect();
        let mut expect = expect.clone();
        expect["Last_Name"] = json!("Lee");
        check(&contact, &expect, named_losses);
    }

    #[test]
    fn phones_find_their_field() {
        check_phones(
            &[("work", "+1 555 0100 ext. 12")],
            &json!({"Phone": "+1 555 0100 ; 12"}),
            &["phone (work)"],
        );
        check_phones(
            &[
                ("mobile", "1"),
                ("mobile", "2"),
                ("mobile", "3"),
                ("mobile", "4"),
            ],
            &json!({"Mobile": "1", "Other_Phone": "2", "Phone": "3"}),
            &["phone (mobile)", "phone (mobile)", "phone (mobile)"],
        );
        check_phones(
            &[("homeFax", "1"), ("workFax", "2")],
            &json!({"Fax": "1"}),
            &["phone (workFax)"],
        );
        check_phones(&[("home", "1-800-FLOWERS")], &json!({}), &["phone (home)"]);
        check_phones(
            &[("home", "\u{202a}030/12\u{a0}3\u{202c}")],
            &json!({"Home_Phone": "030-12 3"}),
            &["phone (home)"],
        );
    }
}
