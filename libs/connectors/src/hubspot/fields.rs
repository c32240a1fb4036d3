//! What HubSpot's properties mean for us: descriptors for mappings, and the shape of each one's values. Values themselves
//! are `map.rs`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use syncline_model::{Cardinality, Choice, FieldDescriptor, FieldName, Kind};

use super::wire::Property;

/// The property by which a creation is found again and never done twice.
pub(super) const MARK: &str = "syncline_creation";

/// How a property's values look; all of them are texts on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Shape {
    Text,
    Bool,
    Number,
    /// `yyyy-MM-dd`
    Date,
    /// ISO 8601
    Time,
    /// Internal names with semicolons between them.
    Many,
}

/// The shapes of the properties that are not plain text, by name.
pub(super) type Shapes = BTreeMap<String, Shape>;

/// HubSpot's own properties that answer to standard fields, with their kinds.
const STANDARD: &[(&str, Kind, &str)] = &[
    ("salutation", Kind::Text, "honorific_prefix"),
    ("firstname", Kind::Text, "given_name"),
    ("lastname", Kind::Text, "family_name"),
    ("email", Kind::Email, "email.work"),
    ("phone", Kind::Phone, "phone.work"),
    ("mobilephone", Kind::Phone, "phone.mobile"),
    ("fax", Kind::Phone, "phone.fax"),
    ("company", Kind::Text, "company"),
    ("jobtitle", Kind::Text, "job_title"),
    ("website", Kind::Url, "website"),
    ("address", Kind::Text, "address.mailing#street"),
    ("city", Kind::Text, "address.mailing#city"),
    ("state", Kind::Text, "address.mailing#region"),
    ("zip", Kind::Text, "address.mailing#postal_code"),
    ("country", Kind::Text, "address.mailing#country"),
    ("hs_email_optout", Kind::OptOut, "email_opt_out"),
];

/// The properties that a pull reads when none is named.
pub(super) fn standard_names() -> impl Iterator<Item = FieldName> {
    STANDARD.iter().map(|(name, ..)| FieldName::new(*name))
}

/// The shape of a property whose values look alike in every account.
pub(super) fn fixed(name: &str) -> Option<Shape> {
    let (_, kind, _) = STANDARD.iter().find(|(own, ..)| *own == name)?;
    Some(if kind.is_flag() {
        Shape::Bool
    } else {
        Shape::Text
    })
}

/// The shape that a property's metadata tells of.
pub(super) fn shape(property: &Property) -> Shape {
    match (property.kind.as_str(), property.field_type.as_str()) {
        ("bool", _) | ("enumeration", "booleancheckbox") => Shape::Bool,
        ("number", _) => Shape::Number,
        ("date", _) => Shape::Date,
        ("datetime", _) => Shape::Time,
        ("enumeration", "checkbox") => Shape::Many,
        _ => Shape::Text,
    }
}

/// Descriptors of every property that a person sees.
pub(super) fn descriptors(properties: &[Property]) -> Vec<FieldDescriptor> {
    properties
        .iter()
        .filter(|property| !property.hidden && property.name != MARK)
        .map(descriptor)
        .collect()
}

fn descriptor(property: &Property) -> FieldDescriptor {
    let own = STANDARD.iter().find(|(name, ..)| *name == property.name);
    let kind = match own {
        Some((_, kind, _)) => *kind,
        None => kind(property),
    };
    let mut field = FieldDescriptor::new(&property.name, &property.label, kind);
    field.standard = own.map(|(.., standard)| (*standard).to_owned());
    field.custom = property.hubspot_defined == Some(false);
    let fixed = property.modification_metadata.as_ref();
    field.writable = !property.calculated && !fixed.is_some_and(|fixed| fixed.read_only_value);
    if shape(property) == Shape::Many {
        field.cardinality = Cardinality::Many;
    }
    if kind == Kind::Choice {
        let choice = |choice: &super::wire::Choice| Choice {
            value: choice.value.clone(),
            label: choice.label.clone(),
        };
        field.choices = property.options.iter().map(choice).collect();
    }
    field
}

fn kind(property: &Property) -> Kind {
    match shape(property) {
        Shape::Bool => Kind::Bool,
        Shape::Number => Kind::Number,
        Shape::Date => Kind::Date,
        Shape::Time => Kind::DateTime,
        Shape::Many => Kind::Choice,
        Shape::Text => match (property.kind.as_str(), property.field_type.as_str()) {
            // Owners and the like have their choices elsewhere.
            ("enumeration", _) if property.options.is_empty() => Kind::Text,
            ("enumeration", _) => Kind::Choice,
            ("phone_number", _) | (_, "phonenumber") => Kind::Phone,
            (_, "textarea" | "html") => Kind::LongText,
            _ => Kind::Text,
        },
    }
}
