//! The meaning of a card's properties. Every property ends in a field of the contact, in its leftover, or in a loss.

use super::super::contact::{Address, Event, ImportedContact, Labelled, Organisation, PartialDate};
use super::super::loss::Losses;
use super::super::{dates, labels};
use super::lines::RawCard;
use super::property::{self, Property};

/// The year Apple writes for "no year".
const APPLE_NO_YEAR: u16 = 1604;

/// One card: a contact, or a group if there is a list of members.
pub(super) struct Card {
    pub contact: ImportedContact,
    pub group: Option<Vec<String>>,
}

/// Reads a card.
pub(super) fn read(raw: RawCard, losses: &mut Losses) -> Card {
    let mut reader = Reader {
        contact: ImportedContact {
            line: raw.line,
            ..ImportedContact::default()
        },
        ..Reader::default()
    };
    let mut properties = Vec::with_capacity(raw.lines.len());
    for logical in raw.lines {
        let line = logical.line;
        match property::read(&logical, raw.old) {
            Ok(property) => properties.push(property),
            Err(unreadable) => {
                let why = format!("{}; kept as text", unreadable.why);
                losses.at(line).moved("line", &unreadable.text, &why);
                reader.contact.keep("unreadable line", &unreadable.text);
            }
        }
    }
    reader.apple_labels(&mut properties, losses);
    for property in &properties {
        reader.property(property, losses);
    }
    reader.finish(losses)
}

#[derive(Default)]
pub(super) struct Reader {
    pub(super) contact: ImportedContact,
    is_group: bool,
    members: Vec<String>,
    /// `X-ABLabel` by group.
    item_labels: Vec<(String, String)>,
    /// `X-ABADR` by group.
    item_countries: Vec<(String, String)>,
    titles: Vec<String>,
    roles: Vec<String>,
}

impl Reader {
    /// Takes out the labels and countries that Apple gives by group, before what they belong to is read.
    fn apple_labels(&mut self, properties: &mut Vec<Property>, losses: &mut Losses) {
        let of_items = |name: &str| matches!(name, "X-ABLABEL" | "X-ABADR");
        let used: Vec<String> = properties
            .iter()
            .filter(|each| !of_items(&each.name))
            .filter_map(|each| each.group.clone())
            .collect();
        properties.retain(|property| {
            if !of_items(&property.name) {
                return true;
            }
            let (group, text) = (property.group.clone().unwrap_or_default(), property.text());
            if !used.contains(&group) {
                let why = "it belongs to no property of the card";
                losses.at(property.line).lost(&property.name, &text, why);
            } else if property.name == "X-ABADR" {
                self.item_countries.push((group, text.to_ascii_uppercase()));
            } else {
                self.item_labels.push((group, text));
            }
            false
        });
    }

    /// The label of a property: Apple's, else its types. Types that no label expresses are named.
    pub(super) fn label(&self, property: &Property, losses: &mut Losses) -> String {
        let of_item = self.item_labels.iter();
        let own = of_item
            .filter(|(group, _)| Some(group) == property.group.as_ref())
            .map(|(_, label)| labels::normal(label).0)
            .find(|label| !label.is_empty());
        let (by_type, rest) = labels::of_types(&property.types);
        for unused in rest {
            let why = "a value has one label, and it has another";
            losses
                .at(property.line)
                .lost(&format!("type of {}", property.name), &unused, why);
        }
        own.unwrap_or(by_type)
    }

    fn labelled(&self, property: &Property, losses: &mut Losses) -> Labelled {
        Labelled {
            label: self.label(property, losses),
            value: property.text(),
            preferred: property.preferred,
        }
    }

    fn property(&mut self, property: &Property, losses: &mut Losses) {
        if let Some(doubt) = &property.doubt {
            losses
                .at(property.line)
                .guessed(&property.name, &property.text(), doubt);
        }
        Self::unused_params(property, losses);
        if property.name == "PHOTO" {
            return self.photo(property, losses);
        }
        if let Some(data) = &property.binary {
            return self.binary(property, data, losses);
        }
        if property.text().is_empty() {
            return;
        }
        if !self.person(property, losses) && !self.reach(property, losses) {
            self.rest(property, losses);
        }
    }

    /// Parameters that carry something, and are not read.
    fn unused_params(property: &Property, losses: &mut Losses) {
        const SILENT: [&str; 13] = [
            "LANGUAGE",
            "PID",
            "ALTID",
            "INDEX",
            "PROP-ID",
            "MEDIATYPE",
            "CALSCALE",
            "LABEL",
            "SORT-AS",
            "X-SERVICE-TYPE",
            "SERVICE-TYPE",
            "X-APPLE-OMIT-YEAR",
            "X-USER",
        ];
        for (name, value) in &property.params {
            if !SILENT.contains(&name.as_str()) && !value.is_empty() {
                let what = format!("{name} of {}", property.name);
                losses
                    .at(property.line)
                    .lost(&what, value, "this parameter is not read");
            }
        }
    }

    /// Who the contact is.
    fn person(&mut self, property: &Property, losses: &mut Losses) -> bool {
        let text = property.text();
        let names = &mut self.contact.names;
        match property.name.as_str() {
            "N" => self.name(property),
            "FN" if names.full.is_empty() => names.full = text,
            "FN" if names.full == text => {}
            "NICKNAME" | "X-NICKNAME" => {
                let each = property.parts.iter().map(|part| part.trim());
                let each = each.filter(|part| !part.is_empty()).map(str::to_owned);
                self.contact.nicknames.extend(each);
            }
            "X-PHONETIC-FIRST-NAME" if names.phonetic_given.is_empty() => {
                names.phonetic_given = text;
            }
            "X-PHONETIC-MIDDLE-NAME" if names.phonetic_middle.is_empty() => {
                names.phonetic_middle = text;
            }
            "X-PHONETIC-LAST-NAME" if names.phonetic_family.is_empty() => {
                names.phonetic_family = text;
            }
            "SORT-STRING" | "X-EVOLUTION-FILE-AS" if names.file_as.is_empty() => {
                names.file_as = text;
            }
            "ORG" => self.organisation(property),
            "TITLE" => self.titles.push(text),
            "ROLE" => self.roles.push(text),
            "BDAY" => self.birthday(property, losses),
            "NOTE" => self.contact.add_note(&text),
            "CATEGORIES" => {
                for label in &property.parts {
                    self.contact.add_label(label);
                }
            }
            "UID" => self.contact.uid = Some(property::bare_id(&text)),
            "KIND" | "X-ADDRESSBOOKSERVER-KIND" if text.eq_ignore_ascii_case("group") => {
                self.is_group = true;
            }
            "KIND" if text.eq_ignore_ascii_case("individual") => {}
            "MEMBER" | "X-ADDRESSBOOKSERVER-MEMBER" => self.members.push(text),
            _ => return false,
        }
        true
    }

    /// Where the contact is reached, and whom it knows.
    fn reach(&mut self, property: &Property, losses: &mut Losses) -> bool {
        match property.name.as_str() {
            "EMAIL" => {
                let mut email = self.labelled(property, losses);
                email.value = without_scheme(&email.value, "mailto:");
                self.contact.emails.push(email);
            }
            "TEL" => {
                let mut phone = self.labelled(property, losses);
                phone.value = without_scheme(&phone.value, "tel:");
                self.contact.phones.push(phone);
            }
            "ADR" => self.address(property, losses),
            "LABEL" => self.printed_address(property, losses),
            "URL" => {
                let url = self.labelled(property, losses);
                self.contact.urls.push(url);
            }
            "ANNIVERSARY" | "X-ANNIVERSARY" | "X-EVOLUTION-ANNIVERSARY" => {
                self.event(property, "anniversary", losses);
            }
            "X-ABDATE" => {
                let label = self.label(property, losses);
                self.event(property, &label, losses);
            }
            "RELATED" | "X-ABRELATEDNAMES" => {
                let relation = self.labelled(property, losses);
                self.contact.relations.push(relation);
            }
            "IMPP" => self.chat(property, losses),
            "X-SOCIALPROFILE" | "SOCIALPROFILE" => self.social(property, losses),
            "X-ANDROID-CUSTOM" => self.android(property, losses),
            name => return self.by_name(name, property),
        }
        true
    }

    /// Properties whose name says service or relation.
    fn by_name(&mut self, name: &str, property: &Property) -> bool {
        const CHATS: [&str; 10] = [
            "SKYPE",
            "AIM",
            "JABBER",
            "MSN",
            "ICQ",
            "YAHOO",
            "GTALK",
            "QQ",
            "GOOGLE-TALK",
            "MATRIX",
        ];
        const RELATIONS: [&str; 6] = [
            "SPOUSE",
            "MANAGER",
            "ASSISTANT",
            "CHILD",
            "PARTNER",
            "FRIEND",
        ];
        let Some(short) = name.strip_prefix("X-") else {
            return false;
        };
        let short = short.strip_prefix("EVOLUTION-").unwrap_or(short);
        let short = short.strip_suffix("-USERNAME").unwrap_or(short);
        let value = Labelled::new(short.to_ascii_lowercase(), &property.text());
        if CHATS.contains(&short) {
            self.contact.im.push(value);
        } else if RELATIONS.contains(&short) {
            self.contact.relations.push(value);
        } else if short == "TWITTER" || short == "FACEBOOK" || short == "LINKEDIN" {
            self.contact.social.push(value);
        } else {
            return false;
        }
        true
    }

    /// What has no field: the exporting program's own bookkeeping is named, everything else kept.
    fn rest(&mut self, property: &Property, losses: &mut Losses) {
        const BOOKKEEPING: [&str; 8] = [
            "PRODID",
            "REV",
            "CLIENTPIDMAP",
            "X-ABUID",
            "X-IMAGEHASH",
            "X-IMAGETYPE",
            "CREATED",
            "SOURCE",
        ];
        let text = property.text();
        match property.name.as_str() {
            "VERSION" => {}
            name if BOOKKEEPING.contains(&name) => {
                losses.at(property.line).lost(
                    name,
                    &text,
                    "bookkeeping of the program that wrote it",
                );
            }
            name => {
                let label = self.label(property, losses);
                let name = if label.is_empty() {
                    name.to_owned()
                } else {
                    format!("{name} ({label})")
                };
                self.contact.keep(&name, &text);
            }
        }
    }

    fn name(&mut self, property: &Property) {
        if self.contact.names.has_parts() {
            self.contact.keep("N", &property.text());
            return;
        }
        let names = &mut self.contact.names;
        names.family = property.part(0);
        names.given = property.part(1);
        names.middle = property.part(2);
        names.prefix = property.part(3);
        names.suffix = property.part(4);
        if let Some(sort) = property
            .param("SORT-AS")
            .filter(|_| names.file_as.is_empty())
        {
            sort.clone_into(&mut names.file_as);
        }
        // RFC 9554 repeats the second family name and the generation in places 6 and 7.
        let shown = names.composed();
        for extra in property.parts.iter().skip(5).map(|part| part.trim()) {
            if !shown.contains(extra) {
                self.contact.keep("N", extra);
            }
        }
    }

    fn organisation(&mut self, property: &Property) {
        let units: Vec<&str> = property
            .parts
            .iter()
            .skip(1)
            .map(|part| part.trim())
            .collect();
        let units: Vec<&str> = units.into_iter().filter(|part| !part.is_empty()).collect();
        self.contact.organisations.push(Organisation {
            name: property.part(0),
            department: units.join(", "),
            ..Organisation::default()
        });
    }

    fn address(&mut self, property: &Property, losses: &mut Losses) {
        let address = Address {
            label: self.label(property, losses),
            po_box: property.part(0),
            extended: property.part(1),
            street: property.part(2),
            city: property.part(3),
            region: property.part(4),
            postal_code: property.part(5),
            country: property.part(6),
            country_code: self.country_of(property),
            formatted: property.param("LABEL").unwrap_or_default().to_owned(),
            preferred: property.preferred,
        };
        // RFC 9554 repeats the street's details in places 8 and later.
        for extra in property.parts.iter().skip(7).map(|part| part.trim()) {
            if !address.street.contains(extra) && !address.extended.contains(extra) {
                self.contact.keep("ADR", extra);
            }
        }
        self.contact.addresses.push(address);
    }

    /// `LABEL` of vCard 2.1 and 3.0 is an address as printed: of the ADR with the same label, if there is one.
    fn printed_address(&mut self, property: &Property, losses: &mut Losses) {
        let (label, text) = (self.label(property, losses), property.text());
        let fitting = self.contact.addresses.iter_mut();
        let mut fitting = fitting.filter(|each| each.label == label && each.formatted.is_empty());
        match fitting.next() {
            Some(address) => address.formatted = text,
            None => self.contact.addresses.push(Address {
                label,
                formatted: text,
                ..Address::default()
            }),
        }
    }

    /// Apple gives an address's country by its letters, in a property beside it.
    fn country_of(&self, property: &Property) -> String {
        let mut all = self.item_countries.iter();
        let found = all.find(|(group, _)| Some(group) == property.group.as_ref());
        found.map(|(_, code)| code.clone()).unwrap_or_default()
    }

    fn date(&mut self, property: &Property, losses: &mut Losses) -> Option<PartialDate> {
        let text = property.text();
        let Some(read) = dates::read(&text) else {
            let why = "it cannot be read as a date; kept as text";
            losses.at(property.line).moved(&property.name, &text, why);
            self.contact.keep(&property.name, &text);
            return None;
        };
        if let Some(doubt) = read.doubt {
            losses
                .at(property.line)
                .guessed(&property.name, &text, doubt);
        }
        let mut date = read.date;
        let omitted = property
            .param("X-APPLE-OMIT-YEAR")
            .and_then(|year| year.parse().ok());
        if date.year.is_some() && (date.year == omitted || date.year == Some(APPLE_NO_YEAR)) {
            date.year = None;
        }
        Some(date)
    }

    fn birthday(&mut self, property: &Property, losses: &mut Losses) {
        match self.contact.birthday {
            None => self.contact.birthday = self.date(property, losses),
            Some(_) => self.contact.keep("BDAY", &property.text()),
        }
    }

    fn event(&mut self, property: &Property, label: &str, losses: &mut Losses) {
        if let Some(date) = self.date(property, losses) {
            let label = label.to_owned();
            self.contact.events.push(Event { label, date });
        }
    }

    /// Base64 of anything but a photo: text if it is text, else only its size is told.
    fn binary(&mut self, property: &Property, data: &[u8], losses: &mut Losses) {
        match std::str::from_utf8(data) {
            Ok(text) if !text.contains('\0') => {
                let decoded = Property {
                    line: property.line,
                    group: property.group.clone(),
                    name: property.name.clone(),
                    types: property.types.clone(),
                    preferred: property.preferred,
                    params: Vec::new(),
                    parts: vec![text.to_owned()],
                    binary: None,
                    doubt: None,
                };
                self.property(&decoded, losses);
            }
            _ => {
                let size = format!("{} bytes", data.len());
                let why = "only a photo may be other than text";
                losses.at(property.line).lost(&property.name, &size, why);
            }
        }
    }

    fn finish(mut self, losses: &mut Losses) -> Card {
        let organisations = &mut self.contact.organisations;
        let wanted = self.titles.len().max(self.roles.len());
        if organisations.len() < wanted {
            organisations.resize_with(wanted, Organisation::default);
        }
        for (organisation, title) in organisations.iter_mut().zip(self.titles) {
            organisation.title = title;
        }
        for (organisation, role) in organisations.iter_mut().zip(self.roles) {
            organisation.role = role;
        }
        if !self.is_group {
            for member in &self.members {
                losses.lost("member", member, "only a group has members");
            }
        }
        let group = self.is_group.then_some(self.members);
        let contact = self.contact;
        Card { contact, group }
    }
}

fn without_scheme(value: &str, scheme: &str) -> String {
    let start = value.get(..scheme.len());
    let has = start.is_some_and(|start| start.eq_ignore_ascii_case(scheme));
    let bare = if has { value.get(scheme.len()..) } else { None };
    bare.unwrap_or(value).trim().to_owned()
}
