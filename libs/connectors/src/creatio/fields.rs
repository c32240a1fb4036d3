//! The fields of a contact as data: its own columns, and the rows that belong to it by what they are.

use syncline_connector::slots::{Beyond, Slot, slot};
use syncline_model::{Cardinality, FieldDescriptor, Kind};

use super::addresses::SLOTS;

/// A column of a contact: name, label, what it holds, the standard field.
pub(super) type Column = (&'static str, &'static str, Kind, Option<&'static str>);

/// The columns that can be written.
pub(super) const COLUMNS: &[Column] = &[
    ("GivenName", "First name", Kind::Text, Some("given_name")),
    ("MiddleName", "Middle name", Kind::Text, Some("middle_name")),
    ("Surname", "Last name", Kind::Text, Some("family_name")),
    ("JobTitle", "Full job title", Kind::Text, Some("job_title")),
    ("BirthDate", "Date of birth", Kind::Date, Some("birthday")),
    ("Notes", "Notes", Kind::LongText, Some("note")),
    (
        "DoNotUseEmail",
        "Do not use email",
        Kind::OptOut,
        Some("email_opt_out"),
    ),
    ("DoNotUseCall", "Do not use phone", Kind::Bool, None),
    ("DoNotUseSms", "Do not use SMS", Kind::Bool, None),
    ("DoNotUseFax", "Do not use fax", Kind::Bool, None),
    ("DoNotUseMail", "Do not use mail", Kind::Bool, None),
];

/// The parts of a name, in the order in which they make the whole.
pub(super) const NAME_PARTS: [&str; 3] = ["GivenName", "MiddleName", "Surname"];
/// The whole name, which Creatio wants with the parts.
pub(super) const NAME: &str = "Name";
/// The company, a row of its own in Creatio.
pub(super) const COMPANY: &str = "Account";

/// Kinds of communication.
pub(super) const EMAIL: &str = "ee1c85c3-cfcb-df11-9b2a-001d60e938c6";
const MOBILE: &str = "d4a2dc80-30ca-df11-9b2a-001d60e938c6";
const HOME: &str = "0da6a26b-d7bc-df11-b00f-001d60e938c6";
const WORK: &str = "3dddb3cc-53ee-49c4-a71f-e9e257f59e49";
const MAIN: &str = "6a3fb10c-67cc-df11-9b2a-001d60e938c6";
const ADDITIONAL: &str = "2b387201-67cc-df11-9b2a-001d60e938c6";
const OTHER: &str = "21c0d693-9a52-43fa-b7f1-c6d8b53975d4";
pub(super) const FAX: &str = "9a7ab41b-67cc-df11-9b2a-001d60e938c6";
const WEB: &str = "6a8ba927-67cc-df11-9b2a-001d60e938c6";

/// The second address: Creatio has one kind of them alone, and the row says by its position that it is not the first.
pub(super) const SECOND: &str = "second";
/// That position.
pub(super) const SECOND_POSITION: i64 = 2;

/// Rows of one sort.
pub(super) struct Family {
    pub kind: Kind,
    /// The kinds of communication that are of this sort.
    pub kinds: &'static [&'static str],
    pub slots: &'static [Slot],
    pub beyond: Option<Beyond>,
}

pub(super) static FAMILIES: [Family; 3] = [
    Family {
        kind: Kind::Email,
        kinds: &[EMAIL],
        slots: &[
            slot("email.work", "Email", "email.work", &[EMAIL]),
            slot(
                "email.home",
                "Email (second)",
                "email.home",
                &[SECOND, EMAIL],
            ),
        ],
        beyond: Some(Beyond {
            field: "email.further",
            label: "Further emails",
            standard: "email.further",
        }),
    },
    Family {
        kind: Kind::Phone,
        kinds: &[WORK, MAIN, MOBILE, HOME, OTHER, ADDITIONAL, FAX],
        slots: &[
            slot("phone.work", "Business phone", "phone.work", &[WORK, MAIN]),
            slot("phone.mobile", "Mobile phone", "phone.mobile", &[MOBILE]),
            slot("phone.home", "Home phone", "phone.home", &[HOME]),
            slot(
                "phone.other",
                "Other phone",
                "phone.other",
                &[OTHER, ADDITIONAL],
            ),
            Slot {
                field: "phone.fax",
                label: "Fax",
                standard: "phone.fax",
                types: &[FAX],
                fills: false,
            },
        ],
        beyond: None,
    },
    Family {
        kind: Kind::Url,
        kinds: &[WEB],
        slots: &[slot("website", "Web", "website", &[WEB])],
        beyond: None,
    },
];

/// Every field of a contact.
pub(super) fn descriptors() -> Vec<FieldDescriptor> {
    let mut all = Vec::new();
    for (name, label, kind, standard) in COLUMNS {
        let mut field = FieldDescriptor::new(*name, *label, *kind);
        field.standard = standard.map(str::to_owned);
        all.push(field);
    }
    for family in &FAMILIES {
        for slot in family.slots {
            let field = FieldDescriptor::new(slot.field, slot.label, family.kind);
            all.push(field.standard(slot.standard));
        }
        if let Some(beyond) = family.beyond {
            let field = FieldDescriptor::new(beyond.field, beyond.label, family.kind);
            let mut field = read_only(field.standard(beyond.standard));
            field.cardinality = Cardinality::Many;
            all.push(field);
        }
    }
    for slot in &SLOTS {
        let field = FieldDescriptor::new(slot.field, slot.label, Kind::Address);
        all.push(field.standard(slot.standard));
    }
    let company = FieldDescriptor::new(COMPANY, "Account", Kind::Reference);
    all.push(read_only(company.standard("company")));
    all.push(read_only(FieldDescriptor::new(
        NAME,
        "Full name",
        Kind::Text,
    )));
    all
}

fn read_only(field: FieldDescriptor) -> FieldDescriptor {
    FieldDescriptor {
        writable: false,
        ..field
    }
}
