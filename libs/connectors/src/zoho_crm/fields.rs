//! What Zoho's field metadata means for us: descriptors for mappings, and the shape that each field's values have on
//! the wire. Values themselves are `map.rs`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use syncline_model::{Cardinality, Choice, FieldDescriptor, FieldName, Kind};

use super::owners::Users;
use super::wire::FieldMeta;

/// What Zoho shows for an empty pick list; it reads back as null.
pub(super) const NONE: &str = "-None-";

/// What Zoho takes in a telephone number; a contact with anything else in one is refused as a whole.
const PHONE_CHARACTERS: &str = "0123456789+-(). ;";

/// How a field's values look on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Shape {
    /// A string.
    Text,
    /// A telephone number of a system field. Zoho refuses the slash of `030/1234567`: it is written as a space, which
    /// leaves the number the same.
    Phone,
    /// `true` or `false`; there is no empty.
    Bool,
    /// A number.
    Number,
    /// A whole number written as a string.
    BigInt,
    /// `yyyy-MM-dd`.
    Date,
    /// ISO 8601 with offset, in seconds.
    Time,
    /// An array of strings.
    Many,
    /// An array of `{name, id}`, written as `{name}`.
    Tags,
    /// `{name, id}` of another record or a user; of these only the owner is written, by `owners.rs`.
    Reference,
}

/// The shapes of the fields that `STANDARD` does not know: read from the metadata when such a field is wanted, and
/// carried in page tokens and cursors.
pub(super) type Shapes = BTreeMap<String, Shape>;

/// A system field of Contacts: its API name, its shape, and the standard field that it answers to.
struct System(&'static str, Shape, Option<&'static str>);

/// The system fields, whose shapes are the same in every account.
const STANDARD: &[System] = &[
    System("First_Name", Shape::Text, Some("given_name")),
    System("Last_Name", Shape::Text, Some("family_name")),
    System("Full_Name", Shape::Text, None),
    System("Salutation", Shape::Text, None),
    System("Email", Shape::Text, Some("email.work")),
    System("Secondary_Email", Shape::Text, Some("email.home")),
    System("Phone", Shape::Phone, Some("phone.work")),
    System("Mobile", Shape::Phone, Some("phone.mobile")),
    System("Home_Phone", Shape::Phone, Some("phone.home")),
    System("Other_Phone", Shape::Phone, Some("phone.other")),
    System("Fax", Shape::Phone, Some("phone.fax")),
    System("Asst_Phone", Shape::Phone, None),
    System("Assistant", Shape::Text, None),
    System("Title", Shape::Text, Some("job_title")),
    System("Department", Shape::Text, Some("department")),
    System("Date_of_Birth", Shape::Date, Some("birthday")),
    System("Description", Shape::Text, Some("note")),
    System(
        "Mailing_Street",
        Shape::Text,
        Some("address.mailing#street"),
    ),
    System("Mailing_City", Shape::Text, Some("address.mailing#city")),
    System("Mailing_State", Shape::Text, Some("address.mailing#region")),
    System(
        "Mailing_Zip",
        Shape::Text,
        Some("address.mailing#postal_code"),
    ),
    System(
        "Mailing_Country",
        Shape::Text,
        Some("address.mailing#country"),
    ),
    System("Other_Street", Shape::Text, Some("address.other#street")),
    System("Other_City", Shape::Text, Some("address.other#city")),
    System("Other_State", Shape::Text, Some("address.other#region")),
    System("Other_Zip", Shape::Text, Some("address.other#postal_code")),
    System("Other_Country", Shape::Text, Some("address.other#country")),
    System("Email_Opt_Out", Shape::Bool, Some("email_opt_out")),
    System("Lead_Source", Shape::Text, Some("lead_source")),
    System("Account_Name", Shape::Reference, Some("company")),
    System("Reporting_To", Shape::Reference, None),
    System("Owner", Shape::Reference, None),
    System("Created_By", Shape::Reference, None),
    System("Modified_By", Shape::Reference, None),
    System("Created_Time", Shape::Time, None),
    System("Modified_Time", Shape::Time, None),
    System("Last_Activity_Time", Shape::Time, None),
    System("Unsubscribed_Time", Shape::Time, None),
    System("Unsubscribed_Mode", Shape::Text, None),
    System("Skype_ID", Shape::Text, None),
    System("Twitter", Shape::Text, None),
    System("Locked__s", Shape::Bool, None),
    System("Record_Status__s", Shape::Text, None),
    System("Tag", Shape::Tags, None),
];

/// The fields of the owner: its name and, as fields of their own, so that rules can tell users apart, its other parts.
/// Each is a choice among the users. The address is no field of kind e-mail: by those the contact itself can be told,
/// and a user owns many contacts.
pub(super) const OWNER: [(&str, Option<&str>); 3] = [
    ("Owner", None),
    ("Owner.email", Some("e-mail")),
    ("Owner.id", Some("id")),
];

/// What the account has, beside the metadata, that fields can hold.
#[derive(Debug, Default)]
pub(super) struct Lists {
    /// Who can own a contact.
    pub users: Users,
    /// The names of the module's tags.
    pub tags: Vec<String>,
}

/// The fields that a pull reads when none is named.
pub(super) fn standard_names() -> impl Iterator<Item = FieldName> {
    STANDARD
        .iter()
        .filter(|System(.., standard)| standard.is_some())
        .map(|System(name, ..)| FieldName::new(*name))
}

/// The shape of a system field.
pub(super) fn system_shape(name: &str) -> Option<Shape> {
    STANDARD
        .iter()
        .find(|system| system.0 == name)
        .map(|System(_, shape, _)| *shape)
}

fn is_system_phone(name: &str) -> bool {
    system_shape(name) == Some(Shape::Phone)
}

/// Zoho's field behind one of ours: `Owner` for `Owner.email`.
pub(super) fn base(name: &FieldName) -> &str {
    let name = name.as_str();
    name.split_once('.').map_or(name, |(base, _)| base)
}

/// Whether the metadata is needed to read or write this field rightly.
pub(super) fn is_unknown(name: &FieldName) -> bool {
    system_shape(base(name)).is_none()
}

/// The shapes of the named fields that are not system fields. A name that the metadata does not know has none.
pub(super) fn shapes(metadata: &[FieldMeta], names: &[FieldName]) -> Shapes {
    names
        .iter()
        .filter(|name| is_unknown(name))
        .filter_map(|name| {
            let field = metadata.iter().find(|field| field.api_name == base(name))?;
            Some((field.api_name.clone(), known(field)?.shape))
        })
        .collect()
}

/// Descriptors of every field that can be read as a value, in Zoho's order.
pub(super) fn descriptors(metadata: &[FieldMeta], lists: &Lists) -> Vec<FieldDescriptor> {
    let mut found = Vec::with_capacity(metadata.len() + OWNER.len());
    for field in metadata.iter().filter(|field| field.visible != Some(false)) {
        let Some(kind) = known(field) else { continue };
        let mut described = descriptor(field, &kind);
        match field.api_name.as_str() {
            "Owner" => {
                found.extend(owners(&described, &lists.users));
                continue;
            }
            "Tag" => {
                described = described.membership("tag");
                described.choices = lists.tags.iter().map(|name| named(name)).collect();
            }
            _ => {}
        }
        found.push(described);
    }
    found
}

/// The owner's fields, from the description of the whole.
fn owners(whole: &FieldDescriptor, users: &Users) -> impl Iterator<Item = FieldDescriptor> {
    OWNER.iter().map(|(name, part)| {
        let mut field = whole.clone();
        field.name = FieldName::new(*name);
        if let Some(part) = part {
            field.label = format!("{} ({part})", whole.label);
        }
        field.choices = users.choices(name);
        field
    })
}

fn named(name: &str) -> Choice {
    Choice {
        value: name.to_owned(),
        label: name.to_owned(),
    }
}

fn descriptor(field: &FieldMeta, known: &Known) -> FieldDescriptor {
    let mut descriptor = FieldDescriptor::new(&field.api_name, &field.field_label, known.kind);
    if matches!(known.shape, Shape::Many | Shape::Tags) {
        descriptor.cardinality = Cardinality::Many;
    }
    let api_update = field
        .operation_type
        .as_ref()
        .is_none_or(|may| may.api_update);
    descriptor.writable =
        known.writable && api_update && !field.read_only && !field.field_read_only;
    descriptor.required = field.system_mandatory;
    descriptor.max_length = field.length.filter(|length| {
        *length > 0
            && matches!(
                known.kind,
                Kind::Text | Kind::LongText | Kind::Email | Kind::Phone | Kind::Url
            )
    });
    descriptor.characters = (known.kind == Kind::Phone).then(|| {
        let more = if is_system_phone(&field.api_name) {
            "/"
        } else {
            ""
        };
        format!("{PHONE_CHARACTERS}{more}")
    });
    descriptor.choices = field
        .pick_list_values
        .iter()
        .filter(|choice| choice.kind.as_deref() != Some("unused") && choice.actual_value != NONE)
        .map(|choice| Choice {
            value: choice.actual_value.clone(),
            label: choice.display_value.clone(),
        })
        .collect();
    descriptor.custom = field.custom_field;
    descriptor.standard = STANDARD
        .iter()
        .find(|system| system.0 == field.api_name)
        .and_then(|System(.., standard)| standard.map(str::to_owned));
    descriptor
}

/// What a field is to us.
struct Known {
    kind: Kind,
    shape: Shape,
    writable: bool,
}

/// What a field is to us; `None` for what has no single value (sub-forms, files, images, reminders, layouts).
fn known(field: &FieldMeta) -> Option<Known> {
    let rw = |kind, shape| Known {
        kind,
        shape,
        writable: true,
    };
    let ro = |kind, shape| Known {
        kind,
        shape,
        writable: false,
    };
    if field.api_name == "Tag" {
        return Some(rw(Kind::Choice, Shape::Tags));
    }
    if field.api_name == "Owner" {
        return Some(rw(Kind::Choice, Shape::Reference));
    }
    if field.api_name == "Email_Opt_Out" {
        return Some(rw(Kind::OptOut, Shape::Bool));
    }
    if field.api_name == "Full_Name" {
        return Some(ro(Kind::FullName, Shape::Text));
    }
    Some(match field.data_type.as_str() {
        "text" | "mediumtext" => rw(Kind::Text, Shape::Text),
        "textarea" => rw(Kind::LongText, Shape::Text),
        "email" => rw(Kind::Email, Shape::Text),
        "phone" => rw(Kind::Phone, Shape::Text),
        "website" => rw(Kind::Url, Shape::Text),
        "boolean" => rw(Kind::Bool, Shape::Bool),
        "integer" | "double" | "currency" | "percent" => rw(Kind::Number, Shape::Number),
        "bigint" | "long" => rw(Kind::Number, Shape::BigInt),
        "date" => rw(Kind::Date, Shape::Date),
        "datetime" => rw(Kind::DateTime, Shape::Time),
        "picklist" => rw(Kind::Choice, Shape::Text),
        "multiselectpicklist" => rw(Kind::Choice, Shape::Many),
        "lookup" | "ownerlookup" | "userlookup" => ro(Kind::Reference, Shape::Reference),
        "autonumber" => ro(Kind::Text, Shape::Text),
        "rollup_summary" => ro(Kind::Number, Shape::Number),
        "formula" => match field.json_type.as_deref() {
            Some("double" | "integer" | "long") => ro(Kind::Number, Shape::Number),
            Some("boolean") => ro(Kind::Bool, Shape::Bool),
            _ => ro(Kind::Text, Shape::Text),
        },
        _ => return None,
    })
}
