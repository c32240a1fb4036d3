//! The fields of a contact as data: which property of a card holds each, and what the API is told about them.

use syncline_model::{Cardinality, FieldDescriptor, FieldName, Kind};

use syncline_connector::slots::{Beyond, Slot, slot};

/// Characters of a part of a name: SOGo has room for no more, and answers a longer one as if it were ill.
pub(super) const LONGEST: usize = 255;

/// A change that a card cannot hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unfit {
    #[error("a contact of an address book has no field `{0}` that can be written")]
    NoSuchField(FieldName),
    #[error("the field `{0}` of an address book cannot hold a value of this kind")]
    WrongKind(FieldName),
    #[error("the field `{0}` of an address book holds {LONGEST} characters at most")]
    TooLong(FieldName),
}

/// A property whose value has parts, each a field.
pub(super) struct Compound {
    pub property: &'static str,
    /// Field, label, standard field, place in the value.
    pub parts: &'static [(&'static str, &'static str, &'static str, usize)],
    /// How many parts the value has at least.
    pub length: usize,
}

pub(super) static NAME: Compound = Compound {
    property: "N",
    parts: &[
        ("n.given", "First name", "given_name", 1),
        ("n.family", "Last name", "family_name", 0),
        ("n.additional", "Middle name", "middle_name", 2),
        ("n.prefix", "Prefix", "honorific_prefix", 3),
        ("n.suffix", "Suffix", "honorific_suffix", 4),
    ],
    length: 5,
};

pub(super) static ORGANISATION: Compound = Compound {
    property: "ORG",
    parts: &[
        ("org.name", "Company", "company", 0),
        ("org.unit", "Department", "department", 1),
    ],
    length: 1,
};

/// What a property's value looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Text,
    Uri,
    Address,
    Date,
}

/// A property that a card may have several of.
pub(super) struct Family {
    pub property: &'static str,
    pub kind: Kind,
    pub shape: Shape,
    pub slots: &'static [Slot],
    pub beyond: Option<Beyond>,
}

pub(super) static FAMILIES: [Family; 8] = [
    Family {
        property: "EMAIL",
        kind: Kind::Email,
        shape: Shape::Text,
        slots: &[
            slot("email.work", "E-mail (work)", "email.work", &["work"]),
            slot("email.home", "E-mail (home)", "email.home", &["home"]),
        ],
        beyond: Some(Beyond {
            field: "email.further",
            label: "Further e-mail addresses",
            standard: "email.further",
        }),
    },
    Family {
        property: "TEL",
        kind: Kind::Phone,
        shape: Shape::Text,
        slots: &[
            slot("tel.work", "Phone (work)", "phone.work", &["work"]),
            slot("tel.cell", "Phone (mobile)", "phone.mobile", &["cell"]),
            slot("tel.home", "Phone (home)", "phone.home", &["home"]),
            slot("tel.other", "Phone (other)", "phone.other", &["voice"]),
            Slot {
                field: "tel.fax",
                label: "Fax",
                standard: "phone.fax",
                types: &["fax"],
                fills: false,
            },
        ],
        beyond: None,
    },
    Family {
        property: "ADR",
        kind: Kind::Address,
        shape: Shape::Address,
        slots: &[
            slot(
                "adr.work",
                "Address (work)",
                "address.mailing",
                &["work", "home"],
            ),
            slot("adr.other", "Address (other)", "address.other", &["other"]),
        ],
        beyond: None,
    },
    only(
        "TITLE",
        Kind::Text,
        Shape::Text,
        &[slot("title", "Job title", "job_title", &[])],
    ),
    only(
        "NICKNAME",
        Kind::Text,
        Shape::Text,
        &[slot("nickname", "Nickname", "nickname", &[])],
    ),
    only(
        "BDAY",
        Kind::Date,
        Shape::Date,
        &[slot("bday", "Birthday", "birthday", &[])],
    ),
    only(
        "NOTE",
        Kind::LongText,
        Shape::Text,
        &[slot("note", "Notes", "note", &[])],
    ),
    only(
        "URL",
        Kind::Url,
        Shape::Uri,
        &[slot("url", "Website", "website", &["work"])],
    ),
];

const fn only(property: &'static str, kind: Kind, shape: Shape, slots: &'static [Slot]) -> Family {
    Family {
        property,
        kind,
        shape,
        slots,
        beyond: None,
    }
}

/// The id that a card keeps wherever it is copied to, by which other programs know it.
pub(super) const UID: &str = "uid";

/// Every field that a card has.
pub(super) fn descriptors() -> Vec<FieldDescriptor> {
    let mut uid = FieldDescriptor::new(UID, "Card's id", Kind::Text).standard("uid");
    uid.writable = false;
    uid.at_creation = true;
    let mut all = vec![uid];
    for compound in [&NAME, &ORGANISATION] {
        for (field, label, standard, _) in compound.parts {
            let field = FieldDescriptor::new(*field, *label, Kind::Text);
            let mut field = field.standard(*standard);
            field.max_length = Some(LONGEST);
            all.push(field);
        }
    }
    for family in &FAMILIES {
        for slot in family.slots {
            let field = FieldDescriptor::new(slot.field, slot.label, family.kind);
            let mut field = field.standard(slot.standard);
            field.partial_dates = family.shape == Shape::Date;
            all.push(field);
        }
        if let Some(beyond) = family.beyond {
            let field = FieldDescriptor::new(beyond.field, beyond.label, family.kind);
            let mut field = field.standard(beyond.standard);
            field.cardinality = Cardinality::Many;
            field.writable = false;
            all.push(field);
        }
    }
    all
}
