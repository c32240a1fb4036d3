//! Columns of contacts beyond those that all sites have. Pure.
//!
//! The site's metadata tells of them: a large document, which is read for a list of the fields and not with each call. So what
//! a column holds is the beginning of its field's name (`number.UsrScore`): rows do not tell a time from a text. For one that
//! leads to another record that is the entity (`choice.UsrCategory.UsrTier`): its value is that record's name.
//!
//! A number that nobody filled in is told as 0 and emptied by 0: Creatio has no empty one, and nothing tells the two apart.
//!
//! Not here: where names lead (`lookups.rs`).

use std::collections::BTreeSet;

use roxmltree::{Document, Node, ParsingOptions};
use syncline_model::{FieldDescriptor, FieldName, Fields, Kind};

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

/// What the names of fields begin with whose columns lead to another record.
const LEADS: &str = "choice";
/// What an entity is called by.
const NAME: &str = "Name";

/// Columns that lead to records with fields of their own here, to users, or to what is no choice.
const COMMON_LEADS: &[&str] = &[
    "CreatedBy",
    "ModifiedBy",
    "Owner",
    "Account",
    "Photo",
    "AddressType",
    "City",
    "Region",
    "Country",
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

/// A column, as its field's name says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Column<'a> {
    /// What it holds.
    pub kind: Kind,
    /// Its name.
    pub name: &'a str,
    /// What the records are to which it leads, if it does.
    pub entity: Option<&'a str>,
}

/// A field's column; `None` for fields that are no column of this sort.
pub(super) fn column(field: &FieldName) -> Option<Column<'_>> {
    let (kind, rest) = field.as_str().split_once('.')?;
    let (kind, name, entity) = if kind == LEADS {
        let (entity, name) = rest.split_once('.')?;
        (Kind::Choice, name, Some(entity))
    } else {
        let (_, kind, _) = KINDS.iter().find(|(name, ..)| *name == kind)?;
        (*kind, rest, None)
    };
    let common = entity.map_or(COMMON, |_| COMMON_LEADS);
    let is_one = is_plain(name) && entity.is_none_or(is_plain) && !common.contains(&name);
    is_one.then_some(Column { kind, name, entity })
}

/// Whether a name can be part of a query.
fn is_plain(name: &str) -> bool {
    let is_good = |c: u8| c.is_ascii_alphanumeric() || c == b'_';
    !name.is_empty() && name.bytes().all(is_good)
}

/// The records that fields name, by entity.
pub(super) fn sought(fields: &Fields) -> impl Iterator<Item = (&str, &str)> {
    fields
        .iter()
        .filter_map(|(name, value)| Some((column(name)?.entity?, value.as_text()?)))
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
    let mut all: Vec<FieldDescriptor> = properties.filter_map(descriptor).collect();
    let ways = contact
        .children()
        .filter(|node| is(*node, "NavigationProperty"));
    let named = named(&document);
    all.extend(ways.filter_map(|way| lead(way, &named)));
    Some(all)
}

/// The entities whose records have names.
fn named<'a>(document: &'a Document<'_>) -> BTreeSet<&'a str> {
    let types = document
        .descendants()
        .filter(|node| is(*node, "EntityType"));
    let has_name = |node: &Node<'_, '_>| {
        let mut properties = node.children().filter(|node| is(*node, "Property"));
        properties.any(|one| one.attribute("Name") == Some(NAME))
    };
    let named = types.filter(has_name);
    named.filter_map(|node| node.attribute("Name")).collect()
}

/// The field for a column that leads to another record.
fn lead(way: Node<'_, '_>, named: &BTreeSet<&str>) -> Option<FieldDescriptor> {
    let (column, of) = (way.attribute("Name")?, way.attribute("Type")?);
    // Behind the namespace; a collection leads back from other records.
    let entity = of.rsplit('.').next().filter(|_| !of.ends_with(')'))?;
    named.get(entity)?;
    let mut field =
        FieldDescriptor::new(format!("{LEADS}.{entity}.{column}"), column, Kind::Choice);
    self::column(&field.name)?;
    field.custom = column.starts_with(ADDED);
    field.writable = !way.children().any(is_fixed);
    Some(field)
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
