//! Columns of contacts beyond those that all sites have. Pure.
//!
//! The site's metadata tells of them: a large document, which is read for a list of the fields and not with each call. So what
//! a column holds is the beginning of its field's name (`number.UsrScore`): rows do not tell a time from a text.
//!
//! A number that nobody filled in is told as 0 and emptied by 0: Creatio has no empty one, and nothing tells the two apart.
//!
//! Not here: columns that lead to another record, whose name it would take further calls to read.

use roxmltree::{Document, Node, ParsingOptions};
use syncline_model::{FieldDescriptor, FieldName, Kind};

/// Elements of the metadata at most.
const NODES: u32 = 4_000_000;
/// What the names of columns begin with that a site's owner added.
const ADDED: &str = "Usr";

/// What field names begin with, and what the metadata calls such columns.
const KINDS: [(&str, Kind, &[&str]); 5] = [
    ("text", Kind::Text, &["Edm.String"]),
    ("flag", Kind::Bool, &["Edm.Boolean"]),
    (
        "number",
        Kind::Number,
        &[
            "Edm.Byte",
            "Edm.Int16",
            "Edm.Int32",
            "Edm.Int64",
            "Edm.Decimal",
            "Edm.Double",
            "Edm.Single",
        ],
    ),
    ("time", Kind::DateTime, &["Edm.DateTimeOffset"]),
    ("date", Kind::Date, &["Edm.Date"]),
];

/// Columns that all sites have: those that fields of their own are made of, and what Creatio keeps for itself.
const COMMON: &[&str] = &[
    "Id",
    "CreatedOn",
    "ModifiedOn",
    "ProcessListeners",
    "Name",
    "Surname",
    "GivenName",
    "MiddleName",
    "Dear",
    "JobTitle",
    "BirthDate",
    "Phone",
    "MobilePhone",
    "HomePhone",
    "Email",
    "Skype",
    "Facebook",
    "LinkedIn",
    "Twitter",
    "Address",
    "Zip",
    "DoNotUseEmail",
    "DoNotUseCall",
    "DoNotUseFax",
    "DoNotUseSms",
    "DoNotUseMail",
    "Notes",
    "Age",
    "Confirmed",
    "Completeness",
    "IsNonActualEmail",
    "IsEmailConfirmed",
    "GPSN",
    "GPSE",
];

/// What a field's column holds, and its name; `None` for fields that are no column of this sort.
pub(super) fn column(field: &FieldName) -> Option<(Kind, &str)> {
    let (kind, column) = field.as_str().split_once('.')?;
    let (_, kind, _) = KINDS.iter().find(|(name, ..)| *name == kind)?;
    // It becomes part of a query.
    let plain = column
        .bytes()
        .all(|c| c.is_ascii_alphanumeric() || c == b'_');
    (plain && !column.is_empty() && !COMMON.contains(&column)).then_some((*kind, column))
}

/// The fields among these that are such columns.
pub(super) fn among<'a>(fields: impl IntoIterator<Item = &'a FieldName>) -> Vec<FieldName> {
    let fields = fields.into_iter().filter(|name| column(name).is_some());
    let mut fields: Vec<FieldName> = fields.cloned().collect();
    fields.sort();
    fields.dedup();
    fields
}

/// The fields that the metadata tells of; `None` if it is not what OData prescribes.
pub(super) fn descriptors(metadata: &str) -> Option<Vec<FieldDescriptor>> {
    let options = ParsingOptions {
        allow_dtd: false,
        nodes_limit: NODES,
        ..ParsingOptions::default()
    };
    let document = Document::parse_with_options(metadata, options).ok()?;
    let contact = document.descendants().find(|node| {
        node.tag_name().name() == "EntityType" && node.attribute("Name") == Some("Contact")
    })?;
    let properties = contact.children().filter(|node| is(*node, "Property"));
    Some(properties.filter_map(descriptor).collect())
}

fn is(node: Node<'_, '_>, name: &str) -> bool {
    node.is_element() && node.tag_name().name() == name
}

fn descriptor(property: Node<'_, '_>) -> Option<FieldDescriptor> {
    let (column, of) = (property.attribute("Name")?, property.attribute("Type")?);
    let (prefix, kind, _) = KINDS.iter().find(|(.., types)| types.contains(&of))?;
    let mut field = FieldDescriptor::new(format!("{prefix}.{column}"), column, *kind);
    self::column(&field.name)?;
    field.custom = column.starts_with(ADDED);
    field.writable = !property.children().any(is_fixed);
    let longest = property.attribute("MaxLength");
    field.max_length = longest.and_then(|longest| longest.parse().ok());
    Some(field)
}

/// Whether an annotation says, in OData's own words, that a column is not to be written.
fn is_fixed(annotation: Node<'_, '_>) -> bool {
    let says = |word: &str| {
        let term = annotation.attribute("Term").unwrap_or_default();
        term.rsplit('.').next() == Some(word)
    };
    let value = |name: &str| annotation.attribute(name);
    is(annotation, "Annotation")
        && (says("Computed") && value("Bool") != Some("false")
            || says("Permissions") && value("EnumMember").is_some_and(|one| one.ends_with("/Read")))
}
