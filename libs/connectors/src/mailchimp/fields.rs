//! The fields of an audience's contacts: those that each contact has, and merge fields, which each audience has of its
//! own. An account's fields are those of all of its audiences.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use syncline_model::{Cardinality, Choice, FieldDescriptor, FieldName, Kind};

use super::wire::MergeField;

/// The address.
pub(super) const EMAIL: &str = "email_address";
/// The status, to go by in rules.
pub(super) const STATUS: &str = "status";
/// Whether the status keeps mail from the contact.
pub(super) const OPT_OUT: &str = "email_opt_out";
/// The names of the tags.
pub(super) const TAGS: &str = "tags";

/// Most of a text, in bytes.
pub(super) const TEXT_BYTES: usize = 255;

/// What there is at Mailchimp, and what people read.
const STATUSES: [(&str, &str); 5] = [
    ("subscribed", "Subscribed"),
    ("unsubscribed", "Unsubscribed"),
    ("cleaned", "Cleaned"),
    ("pending", "Pending"),
    ("transactional", "Non-subscribed"),
];

/// Merge tags that mean the same in most audiences, and the standard fields that they answer to.
const STANDARD: [(&str, &str); 6] = [
    ("FNAME", "given_name"),
    ("LNAME", "family_name"),
    ("PHONE", "phone.work"),
    ("ADDRESS", "address.mailing"),
    ("BIRTHDAY", "birthday"),
    ("COMPANY", "company"),
];

/// How a merge field's values look on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Shape {
    /// A text.
    Text,
    /// A number.
    Number,
    /// `2001-02-03`.
    Date,
    /// `02/03`.
    Birthday,
    /// An object of the parts of an address.
    Address,
}

/// The shapes of an audience's merge fields, by tag.
pub(super) type Shapes = BTreeMap<String, Shape>;

/// Whether a field is one that every contact has.
pub(super) fn is_common(name: &FieldName) -> bool {
    matches!(name.as_str(), EMAIL | STATUS | OPT_OUT | TAGS)
}

/// The shapes of merge fields.
pub(super) fn shapes(fields: &[MergeField]) -> Shapes {
    fields
        .iter()
        .map(|field| (field.tag.clone(), known(&field.kind).1))
        .collect()
}

fn known(kind: &str) -> (Kind, Shape) {
    match kind {
        "number" => (Kind::Number, Shape::Number),
        "date" => (Kind::Date, Shape::Date),
        "birthday" => (Kind::Date, Shape::Birthday),
        "address" => (Kind::Address, Shape::Address),
        "phone" => (Kind::Phone, Shape::Text),
        "url" | "imageurl" => (Kind::Url, Shape::Text),
        "radio" | "dropdown" => (Kind::Choice, Shape::Text),
        _ => (Kind::Text, Shape::Text),
    }
}

/// The fields of an account, whose audiences have these merge fields and tags.
pub(super) fn descriptors(
    merge_fields: &[MergeField],
    tags: &BTreeSet<String>,
) -> Vec<FieldDescriptor> {
    let mut email =
        FieldDescriptor::new(EMAIL, "Email Address", Kind::Email).standard("email.work");
    email.required = true;
    let mut status = FieldDescriptor::new(STATUS, "Email Marketing Status", Kind::Choice);
    status.writable = false;
    status.choices = STATUSES.map(|(value, label)| choice(value, label)).into();
    let opt_out = FieldDescriptor::new(OPT_OUT, "Email Opt Out", Kind::OptOut).standard(OPT_OUT);
    let mut all_tags = FieldDescriptor::new(TAGS, "Tags", Kind::Choice).membership("tag");
    all_tags.cardinality = Cardinality::Many;
    all_tags.choices = tags.iter().map(|tag| choice(tag, tag)).collect();
    let mut found = vec![email, status, opt_out, all_tags];
    for field in merge_fields {
        let described = descriptor(field);
        match found.iter_mut().find(|one| one.name == described.name) {
            Some(known) => join(known, described),
            None => found.push(described),
        }
    }
    found
}

/// Another audience's field of the same tag.
fn join(known: &mut FieldDescriptor, other: FieldDescriptor) {
    if known.kind != other.kind {
        known.kind = Kind::Text;
        known.choices.clear();
    }
    known.required |= other.required;
    for choice in other.choices {
        if known.kind == Kind::Choice && !known.choices.contains(&choice) {
            known.choices.push(choice);
        }
    }
}

fn descriptor(field: &MergeField) -> FieldDescriptor {
    let (kind, shape) = known(&field.kind);
    let mut described = FieldDescriptor::new(&field.tag, &field.name, kind);
    described.required = field.required;
    described.partial_dates = shape == Shape::Birthday;
    described.max_length = (kind == Kind::Text).then_some(TEXT_BYTES);
    described.choices = field
        .options
        .choices
        .iter()
        .map(|one| choice(one, one))
        .collect();
    let standard = STANDARD.iter().find(|(tag, _)| *tag == field.tag);
    described.standard = standard.map(|(_, name)| (*name).to_owned());
    described.custom = standard.is_none();
    described
}

fn choice(value: &str, label: &str) -> Choice {
    Choice {
        value: value.to_owned(),
        label: label.to_owned(),
    }
}
