//! The fields of a contact as data: which member of a person holds each, and what the API is told about them.

use std::collections::BTreeSet;

use syncline_model::{Cardinality, Choice, FieldDescriptor, Kind};

use super::map::{CUSTOM, Labels};
use super::slots::{Family, Shape};
use syncline_connector::slots::{Beyond, Slot, slot};

/// The names of the user's own groups that a contact is in.
pub(super) const GROUPS: &str = "groups";
/// Whether a contact is starred.
pub(super) const STARRED: &str = "starred";

/// Every field that each account has.
pub(super) fn descriptors(labels: &Labels) -> Vec<FieldDescriptor> {
    let mut all = Vec::new();
    for compound in &COMPOUNDS {
        for (field, label, standard, _) in compound.parts {
            all.push(FieldDescriptor::new(*field, *label, Kind::Text).standard(*standard));
        }
    }
    for (kind, family) in &FAMILIES {
        for slot in family.slots {
            let mut field =
                FieldDescriptor::new(slot.field, slot.label, *kind).standard(slot.standard);
            field.partial_dates = *kind == Kind::Date;
            all.push(field);
        }
        if let Some(beyond) = family.beyond {
            let mut field = FieldDescriptor::new(beyond.field, beyond.label, *kind);
            field = field.standard(beyond.standard);
            field.cardinality = Cardinality::Many;
            field.writable = false;
            all.push(field);
        }
    }
    let mut field = FieldDescriptor::new(GROUPS, "Groups", Kind::Choice).membership("group");
    field.cardinality = Cardinality::Many;
    let names: BTreeSet<&String> = labels.0.values().collect();
    field.choices = names
        .into_iter()
        .map(|name| Choice {
            value: name.clone(),
            label: name.clone(),
        })
        .collect();
    all.push(field);
    all.push(FieldDescriptor::new(STARRED, "Starred", Kind::Bool));
    // A person has custom fields of any name; Google lists none.
    let mut field = FieldDescriptor::new(format!("{CUSTOM}*"), "Custom field", Kind::Text);
    field.custom = true;
    all.push(field);
    all
}

/// The members whose items have one value each.
pub(super) static FAMILIES: [(Kind, Family); 7] = [
    (
        Kind::Email,
        Family {
            member: "emailAddresses",
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
    ),
    (
        Kind::Phone,
        Family {
            member: "phoneNumbers",
            shape: Shape::Text,
            slots: &[
                slot("phone.work", "Phone (work)", "phone.work", &["work"]),
                slot(
                    "phone.mobile",
                    "Phone (mobile)",
                    "phone.mobile",
                    &["mobile"],
                ),
                slot("phone.home", "Phone (home)", "phone.home", &["home"]),
                slot("phone.other", "Phone (other)", "phone.other", &["other"]),
                Slot {
                    field: "phone.work_fax",
                    label: "Fax (work)",
                    standard: "phone.fax",
                    types: &["workFax"],
                    fills: false,
                },
            ],
            beyond: None,
        },
    ),
    (
        Kind::Address,
        Family {
            member: "addresses",
            shape: Shape::Address,
            slots: &[
                slot(
                    "address.work",
                    "Address (work)",
                    "address.mailing",
                    &["work", "home"],
                ),
                slot(
                    "address.other",
                    "Address (other)",
                    "address.other",
                    &["other"],
                ),
            ],
            beyond: None,
        },
    ),
    (
        Kind::Text,
        Family {
            member: "nicknames",
            shape: Shape::Text,
            slots: &[slot("nicknames", "Nickname", "nickname", &[])],
            beyond: None,
        },
    ),
    (
        Kind::Date,
        Family {
            member: "birthdays",
            shape: Shape::Date,
            slots: &[slot("birthday", "Birthday", "birthday", &[])],
            beyond: None,
        },
    ),
    (
        Kind::LongText,
        Family {
            member: "biographies",
            shape: Shape::Text,
            slots: &[slot("note", "Notes", "note", &[])],
            beyond: None,
        },
    ),
    (
        Kind::Url,
        Family {
            member: "urls",
            shape: Shape::Text,
            slots: &[slot("url", "Website", "website", &["homePage"])],
            beyond: None,
        },
    ),
];

/// A member whose first item has several values, each a field.
pub(super) struct Compound {
    pub member: &'static str,
    /// Field, label, standard field, key in the item.
    pub parts: &'static [(&'static str, &'static str, &'static str, &'static str)],
    /// Keys that Google derives from the parts, or that would contradict them: dropped from an item that is changed.
    pub derived: &'static [&'static str],
    /// Keys that alone do not make an item worth keeping.
    pub trimmings: &'static [&'static str],
}

pub(super) static COMPOUNDS: [Compound; 2] = [
    Compound {
        member: "names",
        parts: &[
            ("names.givenName", "First name", "given_name", "givenName"),
            ("names.familyName", "Last name", "family_name", "familyName"),
            (
                "names.middleName",
                "Middle name",
                "middle_name",
                "middleName",
            ),
            (
                "names.honorificPrefix",
                "Prefix",
                "honorific_prefix",
                "honorificPrefix",
            ),
            (
                "names.honorificSuffix",
                "Suffix",
                "honorific_suffix",
                "honorificSuffix",
            ),
        ],
        derived: &["unstructuredName", "displayName", "displayNameLastFirst"],
        trimmings: &["metadata"],
    },
    Compound {
        member: "organizations",
        parts: &[
            ("organization.name", "Company", "company", "name"),
            ("organization.title", "Job title", "job_title", "title"),
            (
                "organization.department",
                "Department",
                "department",
                "department",
            ),
        ],
        derived: &[],
        trimmings: &["metadata", "type", "formattedType", "current"],
    },
];
