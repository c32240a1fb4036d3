//! The neutral form of a contact between a file and an account: what address books hold, in nobody's format.
//! Not the model of the sync engine, which the sandbox must not share.

/// One contact as a file had it. Empty strings and lists mean "not there".
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImportedContact {
    /// The line of the file on which the contact begins, counted from 1.
    pub line: usize,
    /// The file's own id of the contact (vCard `UID`), without `urn:uuid:`.
    pub uid: Option<String>,
    /// The person's name.
    pub names: Names,
    /// Nicknames.
    pub nicknames: Vec<String>,
    /// E-mail addresses, in the file's order.
    pub emails: Vec<Labelled>,
    /// Phone numbers as typed.
    pub phones: Vec<Labelled>,
    /// Postal addresses.
    pub addresses: Vec<Address>,
    /// Companies, with the position held there.
    pub organisations: Vec<Organisation>,
    /// The birthday, perhaps without its year.
    pub birthday: Option<PartialDate>,
    /// Free text, joined by an empty line if the file had several notes.
    pub notes: String,
    /// Web pages.
    pub urls: Vec<Labelled>,
    /// Anniversaries and other dates.
    pub events: Vec<Event>,
    /// Related people, by name; the label says how they are related.
    pub relations: Vec<Labelled>,
    /// Chat accounts; the label is the service (`skype`, `jabber`).
    pub im: Vec<Labelled>,
    /// Accounts at social networks, as address or name; the label is the network (`twitter`).
    pub social: Vec<Labelled>,
    /// Fields the person made up: label and value.
    pub custom: Vec<Labelled>,
    /// Labels (groups, categories) the contact carries.
    pub labels: Vec<String>,
    /// The picture.
    pub photo: Option<Photo>,
    /// Properties and columns that mean nothing here, kept as text.
    pub leftover: Vec<Leftover>,
}

/// The parts of a name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// The whole name as shown (vCard `FN`, CSV `Name`).
    pub full: String,
    /// Title before the name: "Dr.".
    pub prefix: String,
    /// Given name.
    pub given: String,
    /// Middle names.
    pub middle: String,
    /// Family name.
    pub family: String,
    /// What follows the name: "Jr.".
    pub suffix: String,
    /// How the given name sounds.
    pub phonetic_given: String,
    /// How the middle name sounds.
    pub phonetic_middle: String,
    /// How the family name sounds.
    pub phonetic_family: String,
    /// What the contact is sorted by.
    pub file_as: String,
}

/// A value with the label it carries. Common labels are spelt as Google types (`home`, `work`, `mobile`, `workFax`);
/// others stay as the person wrote them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Labelled {
    /// The label, or empty.
    pub label: String,
    /// The value.
    pub value: String,
    /// Marked as the one to use first.
    pub preferred: bool,
}

/// A postal address.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Address {
    /// The label, or empty.
    pub label: String,
    /// Post-office box.
    pub po_box: String,
    /// Flat, floor, building.
    pub extended: String,
    /// Street and number; may have several lines.
    pub street: String,
    /// Town.
    pub city: String,
    /// State or province.
    pub region: String,
    /// Postal code.
    pub postal_code: String,
    /// Country by name.
    pub country: String,
    /// Country by its two letters.
    pub country_code: String,
    /// The whole address as printed on a letter.
    pub formatted: String,
    /// Marked as the one to use first.
    pub preferred: bool,
}

/// A company and the position held there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Organisation {
    /// The company's name.
    pub name: String,
    /// Department; further units are joined by a comma.
    pub department: String,
    /// Job title.
    pub title: String,
    /// What the person does there (vCard `ROLE`).
    pub role: String,
}

/// A date of which parts may be unknown. At least one part is there, and the parts fit together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PartialDate {
    /// Year, 1 to 9999.
    pub year: Option<u16>,
    /// Month, 1 to 12.
    pub month: Option<u8>,
    /// Day, 1 to 31.
    pub day: Option<u8>,
}

/// A date with a meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The meaning: `anniversary`, or the person's own word.
    pub label: String,
    /// The date.
    pub date: PartialDate,
}

/// A picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Photo {
    /// The picture itself.
    Bytes {
        /// The media type if the file told it or the bytes show it (`image/jpeg`).
        media_type: Option<String>,
        /// The encoded picture.
        data: Vec<u8>,
    },
    /// Where the picture is.
    Uri(String),
}

/// A property or column that means nothing here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leftover {
    /// Its name in the file.
    pub property: String,
    /// Its text, decoded.
    pub value: String,
}

impl ImportedContact {
    /// What to call the contact in a message: its name, else company, e-mail address, phone number.
    pub fn display(&self) -> String {
        let first = |values: &[Labelled]| values.first().map(|first| first.value.clone());
        let name = Some(self.names.full.clone()).filter(|full| !full.is_empty());
        name.or_else(|| Some(self.names.composed()).filter(|name| !name.is_empty()))
            .or_else(|| self.company().map(str::to_owned))
            .or_else(|| self.nicknames.first().cloned())
            .or_else(|| first(&self.emails))
            .or_else(|| first(&self.phones))
            .unwrap_or_else(|| "(no name)".to_owned())
    }

    /// The first company's name.
    pub fn company(&self) -> Option<&str> {
        let named = self.organisations.iter().find(|org| !org.name.is_empty());
        named.map(|org| org.name.as_str())
    }

    /// Whether the contact says nothing at all.
    pub fn is_empty(&self) -> bool {
        let bare = Self {
            line: self.line,
            uid: self.uid.clone(),
            ..Self::default()
        };
        *self == bare
    }

    /// Keeps a text that has no field of its own.
    pub(super) fn keep(&mut self, property: &str, value: &str) {
        if !value.trim().is_empty() {
            self.leftover.push(Leftover {
                property: property.to_owned(),
                value: value.trim().to_owned(),
            });
        }
    }

    /// Adds a note after those already there.
    pub(super) fn add_note(&mut self, note: &str) {
        if note.trim().is_empty() {
            return;
        }
        if !self.notes.is_empty() {
            self.notes.push_str("\n\n");
        }
        self.notes.push_str(note.trim());
    }

    /// Adds a label unless it is there already.
    pub(super) fn add_label(&mut self, label: &str) {
        let label = label.trim();
        if !label.is_empty() && !self.labels.iter().any(|has| has == label) {
            self.labels.push(label.to_owned());
        }
    }
}

impl Names {
    /// The name put together from its parts, in western order.
    pub fn composed(&self) -> String {
        let parts = [
            &self.prefix,
            &self.given,
            &self.middle,
            &self.family,
            &self.suffix,
        ];
        join(parts, " ")
    }

    /// Whether any of the parts that make a name is there.
    pub fn has_parts(&self) -> bool {
        !(self.given.is_empty() && self.middle.is_empty() && self.family.is_empty())
    }
}

impl Labelled {
    /// A value and its label, trimmed.
    pub fn new(label: impl Into<String>, value: &str) -> Self {
        Self {
            label: label.into(),
            value: value.trim().to_owned(),
            preferred: false,
        }
    }
}

impl Address {
    /// Whether any single part is there, besides the formatted text.
    pub fn has_parts(&self) -> bool {
        let parts = [
            &self.po_box,
            &self.extended,
            &self.street,
            &self.city,
            &self.region,
            &self.postal_code,
            &self.country,
        ];
        parts.iter().any(|part| !part.is_empty())
    }
}

/// Joins what is not empty.
pub(super) fn join<'a>(parts: impl IntoIterator<Item = &'a String>, with: &str) -> String {
    let mut all = String::new();
    for part in parts.into_iter().filter(|part| !part.is_empty()) {
        if !all.is_empty() {
            all.push_str(with);
        }
        all.push_str(part);
    }
    all
}
