//! The fields of a contact as data: which column of Odoo's holds each, and what the API is told about them. The customer's
//! own fields (`x_...`) are found out.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use syncline_connector::Error;
use syncline_model::{Cardinality, Choice, FieldDescriptor, FieldName, Kind};

use super::call::{Odoo, PARTNER};
use super::wire::{Described, FieldMeta, Named, User};

/// How a field's values look on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Shape {
    Text,
    Html,
    Bool,
    Integer,
    Float,
    Date,
    Time,
    /// One of the values that the field has.
    Selection,
    /// Tags, by name.
    Tags,
    /// A user, by what it logs in with.
    User,
    /// The name of the company that the contact belongs to, or a text.
    Company,
    /// Six columns.
    Address,
}

/// The shapes of the customer's own fields that are wanted.
pub(super) type Shapes = BTreeMap<String, Shape>;

/// The values of selections, by field.
pub(super) type Choices = BTreeMap<String, Vec<String>>;

/// A field that every Odoo has.
struct System {
    name: &'static str,
    kind: Kind,
    shape: Shape,
    standard: Option<&'static str>,
}

const fn system(
    name: &'static str,
    kind: Kind,
    shape: Shape,
    standard: Option<&'static str>,
) -> System {
    System {
        name,
        kind,
        shape,
        standard,
    }
}

const SYSTEM: &[System] = &[
    system("name", Kind::FullName, Shape::Text, Some("full_name")),
    system("email", Kind::Email, Shape::Text, Some("email.work")),
    system("phone", Kind::Phone, Shape::Text, Some("phone.work")),
    system("company_name", Kind::Text, Shape::Company, Some("company")),
    system("function", Kind::Text, Shape::Text, Some("job_title")),
    system("website", Kind::Url, Shape::Text, Some("website")),
    system(
        ADDRESS,
        Kind::Address,
        Shape::Address,
        Some("address.mailing"),
    ),
    system("comment", Kind::LongText, Shape::Html, Some("note")),
    system("category_id", Kind::Choice, Shape::Tags, None),
    system("user_id", Kind::Choice, Shape::User, None),
    system("lang", Kind::Choice, Shape::Selection, None),
    system("ref", Kind::Text, Shape::Text, None),
    system(TAX_ID, Kind::Text, Shape::Text, None),
];

/// Our name for the six columns together.
const ADDRESS: &str = "address";
/// A company's: written at a person, it would be the company's.
const TAX_ID: &str = "vat";

/// What is read of every contact.
const COLUMNS: [&str; 16] = [
    "name",
    "email",
    "phone",
    "company_name",
    "function",
    "website",
    "comment",
    "street",
    "street2",
    "zip",
    "city",
    "lang",
    "ref",
    TAX_ID,
    "is_company",
    "type",
];

/// What is asked about fields.
const ATTRIBUTES: [&str; 8] = [
    "string",
    "type",
    "readonly",
    "required",
    "store",
    "manual",
    "size",
    "selection",
];

/// What the account has that fields can hold.
#[derive(Debug, Default)]
pub(super) struct Lists {
    pub users: Vec<User>,
    pub tags: Vec<Named>,
}

/// The shape of a field that every Odoo has.
pub(super) fn system_shape(name: &str) -> Option<Shape> {
    let system = SYSTEM.iter().find(|system| system.name == name)?;
    Some(system.shape)
}

/// Those fields and their shapes.
pub(super) fn system_shapes() -> impl Iterator<Item = (&'static str, Shape)> {
    SYSTEM.iter().map(|system| (system.name, system.shape))
}

/// Whether a field that every Odoo has can be written.
pub(super) fn is_writable(name: &str) -> bool {
    name != TAX_ID
}

/// What `web_read` and its kin are asked for.
pub(super) fn specification(shapes: &Shapes) -> Json {
    let mut specification: serde_json::Map<String, Json> = COLUMNS
        .iter()
        .copied()
        .chain(["active", "write_date"])
        .chain(shapes.keys().map(String::as_str))
        .map(|column| (column.to_owned(), json!({})))
        .collect();
    for (column, names) in [
        ("country_id", "name"),
        ("state_id", "name"),
        ("parent_id", "name"),
        ("category_id", "name"),
        ("user_id", "login"),
    ] {
        let nested = json!({"fields": {names: {}}});
        specification.insert(column.to_owned(), nested);
    }
    Json::Object(specification)
}

/// What Odoo says about the fields of contacts.
pub(super) async fn described(odoo: &Odoo<'_>) -> Result<Described, Error> {
    odoo.ask(PARTNER, "fields_get", json!({ "attributes": ATTRIBUTES }))
        .await
}

/// The shapes of those of the named fields that are the customer's own. One that is not there any more has none.
pub(super) async fn learn(odoo: &Odoo<'_>, names: &[FieldName]) -> Result<Shapes, Error> {
    if names
        .iter()
        .all(|name| system_shape(name.as_str()).is_some())
    {
        return Ok(Shapes::new());
    }
    Ok(shapes(&described(odoo).await?, names.iter()))
}

/// The same for writing, and the values that selections have: Odoo writes any.
pub(super) async fn learn_to_write<'n>(
    odoo: &Odoo<'_>,
    names: impl Iterator<Item = &'n FieldName>,
) -> Result<(Shapes, Choices), Error> {
    let asks =
        |name: &&FieldName| matches!(system_shape(name.as_str()), None | Some(Shape::Selection));
    let names: Vec<&FieldName> = names.filter(asks).collect();
    if names.is_empty() {
        return Ok((Shapes::new(), Choices::new()));
    }
    let described = described(odoo).await?;
    let values = |meta: &FieldMeta| {
        meta.selection
            .iter()
            .map(|(value, _)| value.clone())
            .collect()
    };
    let choices = names.iter().filter_map(|name| {
        let meta = described.get(name.as_str())?;
        Some((name.as_str().to_owned(), values(meta)))
    });
    let choices = choices.collect();
    Ok((shapes(&described, names.into_iter()), choices))
}

fn shapes<'n>(described: &Described, names: impl Iterator<Item = &'n FieldName>) -> Shapes {
    names
        .map(FieldName::as_str)
        .filter(|name| system_shape(name).is_none())
        .filter_map(|name| Some((name.to_owned(), own_shape(described.get(name)?)?.1)))
        .collect()
}

/// Every field, Odoo's before the customer's own.
pub(super) fn descriptors(described: &Described, lists: &Lists) -> Vec<FieldDescriptor> {
    let mut all: Vec<FieldDescriptor> = SYSTEM
        .iter()
        .map(|system| described_system(system, described, lists))
        .collect();
    for (name, meta) in described {
        let Some((kind, _)) = own_shape(meta).filter(|_| system_shape(name).is_none()) else {
            continue;
        };
        let mut field = FieldDescriptor::new(name, &meta.string, kind);
        field.custom = true;
        field.writable = !meta.readonly;
        field.required = meta.required;
        field.max_length = meta.size.0.filter(|size| *size > 0);
        field.choices = choices(meta);
        all.push(field);
    }
    all
}

fn described_system(system: &System, described: &Described, lists: &Lists) -> FieldDescriptor {
    let meta = described.get(system.name);
    let label = meta.map_or("Address", |meta| meta.string.as_str());
    let mut field = FieldDescriptor::new(system.name, label, system.kind);
    field.standard = system.standard.map(str::to_owned);
    field.required = system.name == "name";
    field.writable = is_writable(system.name);
    match system.shape {
        Shape::Tags => {
            field = field.membership("tag");
            field.cardinality = Cardinality::Many;
            let tags = lists.tags.iter().map(|tag| Choice {
                value: tag.name.clone(),
                label: tag.name.clone(),
            });
            field.choices = tags.collect();
            // Tags of one name are one choice.
            field.choices.sort_by(|a, b| a.value.cmp(&b.value));
            field.choices.dedup();
        }
        Shape::User => {
            let users = lists.users.iter().map(|user| Choice {
                value: user.login.clone(),
                label: match &user.name.0 {
                    Some(name) => format!("{name} <{}>", user.login),
                    None => user.login.clone(),
                },
            });
            field.choices = users.collect();
        }
        _ => field.choices = meta.map(choices).unwrap_or_default(),
    }
    field
}

fn choices(meta: &FieldMeta) -> Vec<Choice> {
    let choices = meta.selection.iter().map(|(value, label)| Choice {
        value: value.clone(),
        label: label.clone(),
    });
    choices.collect()
}

/// What a field is to us that the customer added; `None` for what is no single value, or is nowhere kept.
fn own_shape(meta: &FieldMeta) -> Option<(Kind, Shape)> {
    if !meta.manual || !meta.store {
        return None;
    }
    Some(match meta.kind.as_str() {
        "char" => (Kind::Text, Shape::Text),
        "text" => (Kind::LongText, Shape::Text),
        "html" => (Kind::LongText, Shape::Html),
        "selection" => (Kind::Choice, Shape::Selection),
        "boolean" => (Kind::Bool, Shape::Bool),
        "integer" => (Kind::Number, Shape::Integer),
        "float" | "monetary" => (Kind::Number, Shape::Float),
        "date" => (Kind::Date, Shape::Date),
        "datetime" => (Kind::DateTime, Shape::Time),
        _ => return None,
    })
}
