//! Odoo's values to ours and back. Pure; what names stand for has been looked up before (`Names`).

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use chrono::{DateTime, NaiveDateTime, Utc};
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};
use syncline_model::{Address, FieldName, Fields, Record, RemoteId, Value, Version};

use super::fields::{Shape, Shapes, is_writable, system_shape, system_shapes};
use super::html;
use super::lookup::Names;
use super::wire::Row;

/// How Odoo writes a time, in UTC.
pub(super) const TIME: &str = "%Y-%m-%d %H:%M:%S";

/// A record as ours; `None` for what has no id or no time.
pub(super) fn record(row: &Row, shapes: &Shapes) -> Option<Record> {
    let changed = row.get("write_date")?.as_str()?;
    let mut fields = Fields::new();
    for (name, shape) in all_shapes(shapes) {
        let value = field(row, name, shape);
        if !value.is_empty() {
            fields.insert(FieldName::new(name), value);
        }
    }
    Some(Record {
        id: RemoteId::new(id(row)?.to_string()),
        version: Version::new(format!("{changed} {}", hash(row, shapes))),
        modified_at: instant(changed),
        fields,
    })
}

fn all_shapes<'a>(shapes: &'a Shapes) -> impl Iterator<Item = (&'a str, Shape)> + 'a {
    let own = shapes.iter().map(|(name, shape)| (name.as_str(), *shape));
    let system = system_shapes().map(|(name, shape)| -> (&'a str, Shape) { (name, shape) });
    system.chain(own)
}

/// A row's id.
pub(super) fn id(row: &Row) -> Option<i64> {
    row.get("id")?.as_i64()
}

/// Whether it is a person that is not archived; with a tag, one that has it.
pub(super) fn takes_part(row: &Row, tag: Option<i64>) -> bool {
    let is = |name: &str, wanted: bool| row.get(name).and_then(Json::as_bool) == Some(wanted);
    let has = |tag| {
        let tags = row.get("category_id").and_then(Json::as_array);
        let mut ids = tags.into_iter().flatten().map(|one| one.get("id"));
        ids.any(|id| id.and_then(Json::as_i64) == Some(tag))
    };
    is("active", true)
        && is("is_company", false)
        && row.get("type").and_then(Json::as_str) == Some("contact")
        && tag.is_none_or(has)
}

/// What tells two states of a contact apart that are of one second. The customer's own fields are read only where they are
/// wanted and do not count.
fn hash(row: &Row, shapes: &Shapes) -> String {
    let counted: BTreeMap<&String, &Json> = row
        .iter()
        .filter(|(name, _)| !shapes.contains_key(*name))
        .collect();
    let digest = Sha256::digest(json!(counted).to_string());
    STANDARD_NO_PAD.encode(digest.get(..9).unwrap_or_default())
}

fn field(row: &Row, name: &str, shape: Shape) -> Value {
    let nested = |column: &str, part: &str| {
        let found = row.get(column).and_then(|one| one.get(part));
        found.and_then(Json::as_str).unwrap_or_default().to_owned()
    };
    match shape {
        Shape::Address => {
            let lines = [text(row, "street"), text(row, "street2")];
            let lines = lines.into_iter().filter(|line| !line.trim().is_empty());
            let address = Address {
                street: lines.collect::<Vec<_>>().join("\n"),
                city: text(row, "city").to_owned(),
                region: nested("state_id", "name"),
                postal_code: text(row, "zip").to_owned(),
                country: nested("country_id", "name"),
            };
            Value::Address(address)
        }
        Shape::Company => match nested("parent_id", "name") {
            company if company.is_empty() => Value::text(text(row, name)),
            company => Value::text(company),
        },
        Shape::User => Value::text(nested(name, "login")),
        Shape::Tags => {
            let tags = row.get(name).and_then(Json::as_array);
            let names = tags.into_iter().flatten().filter_map(|tag| tag.get("name"));
            Value::List(names.filter_map(Json::as_str).map(Value::text).collect())
        }
        _ => row
            .get(name)
            .map_or(Value::Empty, |json| value(shape, json)),
    }
}

fn text<'a>(row: &'a Row, name: &str) -> &'a str {
    row.get(name).and_then(Json::as_str).unwrap_or_default()
}

fn value(shape: Shape, json: &Json) -> Value {
    match (shape, json) {
        (Shape::Bool, Json::Bool(yes)) => Value::Bool(*yes),
        (_, Json::Number(number)) => Value::Number(number.to_string()),
        (Shape::Html, Json::String(text)) => Value::text(html::to_text(text)),
        (Shape::Date, Json::String(text)) => text
            .parse()
            .map_or_else(|()| Value::text(text.as_str()), Value::Date),
        (Shape::Time, Json::String(text)) => {
            instant(text).map_or_else(|| Value::text(text.as_str()), Value::Time)
        }
        (_, Json::String(text)) => Value::text(text.as_str()),
        // `false` is what Odoo says where there is nothing.
        _ => Value::Empty,
    }
}

/// A time as Odoo writes it.
pub(super) fn instant(text: &str) -> Option<DateTime<Utc>> {
    let time = NaiveDateTime::parse_from_str(text, TIME).ok()?;
    Some(time.and_utc())
}

/// What is to stand in a column.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cell {
    Nothing,
    Plain(Json),
    One(i64),
    Many(BTreeSet<i64>),
}

/// What is to be written, by column.
pub(super) type Cells = BTreeMap<String, Cell>;

/// Why a value cannot be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unfit {
    #[error("contacts in Odoo have no field {0} that can be written")]
    Unknown(FieldName),
    #[error("Odoo cannot hold this value of {0}")]
    Value(FieldName),
    #[error("Odoo does not take a contact without {0}")]
    Required(FieldName),
    #[error(
        "the contact belongs to a company in Odoo, and {0} is the company's: change it there, or take the contact out of the company"
    )]
    OfCompany(FieldName),
    #[error("the owner in {0} is no user of Odoo that can have contacts")]
    Nobody(FieldName),
}

/// A contact to make: what is empty is left out.
pub(super) fn creation(fields: &Fields, names: &Names, shapes: &Shapes) -> Result<Cells, Unfit> {
    let mut cells = Cells::new();
    for (name, value) in fields.iter().filter(|(_, value)| !value.is_empty()) {
        write(&mut cells, name, value, None, names, shapes)?;
    }
    cells.retain(|_, cell| *cell != Cell::Nothing);
    if !cells.contains_key("name") {
        return Err(Unfit::Required(FieldName::new("name")));
    }
    Ok(cells)
}

/// What changes in a contact that stands so.
pub(super) fn change(
    fields: &Fields,
    current: &Row,
    names: &Names,
    shapes: &Shapes,
) -> Result<Cells, Unfit> {
    let mut cells = Cells::new();
    for (name, value) in fields {
        write(&mut cells, name, value, Some(current), names, shapes)?;
    }
    Ok(cells)
}

fn write(
    cells: &mut Cells,
    name: &FieldName,
    value: &Value,
    current: Option<&Row>,
    names: &Names,
    shapes: &Shapes,
) -> Result<(), Unfit> {
    let shape = system_shape(name.as_str()).filter(|_| is_writable(name.as_str()));
    let shape = shape.or_else(|| shapes.get(name.as_str()).copied());
    let shape = shape.ok_or_else(|| Unfit::Unknown(name.clone()))?;
    let belongs = current.is_some_and(|row| row.get("parent_id").is_some_and(Json::is_object));
    if belongs && matches!(shape, Shape::Address | Shape::Company) {
        return Err(Unfit::OfCompany(name.clone()));
    }
    if name.as_str() == "name" && value.is_empty() {
        return Err(Unfit::Required(name.clone()));
    }
    let unfit = || Unfit::Value(name.clone());
    let cell = match (shape, value) {
        (Shape::Address, _) => {
            cells.extend(address(value, names).ok_or_else(unfit)?);
            return Ok(());
        }
        (Shape::Tags, _) => Cell::Many(tags(value, current, names).ok_or_else(unfit)?),
        (Shape::Bool, Value::Bool(yes)) => Cell::Plain(json!(yes)),
        (_, value) if value.is_empty() => Cell::Nothing,
        (Shape::User, Value::Text(login)) => {
            let user = names.user(login);
            Cell::One(user.ok_or_else(|| Unfit::Nobody(name.clone()))?)
        }
        (Shape::Selection, Value::Text(text)) if names.has_choice(name.as_str(), text) => {
            Cell::Plain(json!(text))
        }
        (Shape::Html, Value::Text(text)) => Cell::Plain(json!(html::of_text(text))),
        (Shape::Text | Shape::Company, Value::Text(text) | Value::Number(text)) => {
            Cell::Plain(json!(text))
        }
        (Shape::Integer, Value::Number(text) | Value::Text(text)) => {
            Cell::Plain(json!(text.trim().parse::<i64>().map_err(|_| unfit())?))
        }
        (Shape::Float, Value::Number(text) | Value::Text(text)) => {
            let number = text.trim().parse::<f64>().ok();
            let number = number.filter(|number| number.is_finite());
            Cell::Plain(json!(number.ok_or_else(unfit)?))
        }
        (Shape::Date, Value::Date(date)) if date.year.is_some() => {
            Cell::Plain(json!(date.to_string()))
        }
        (Shape::Time, Value::Time(time)) => Cell::Plain(json!(time.format(TIME).to_string())),
        _ => return Err(unfit()),
    };
    cells.insert(name.as_str().to_owned(), cell);
    Ok(())
}

/// The six columns. A country or a part of one that Odoo does not know is left out.
fn address(value: &Value, names: &Names) -> Option<Cells> {
    let empty = Address::default();
    let address = match value {
        Value::Address(address) => address,
        value if value.is_empty() => &empty,
        _ => return None,
    };
    let mut lines = address.street.lines();
    let street = lines.next().unwrap_or_default().to_owned();
    let rest: Vec<&str> = lines.map(str::trim).collect();
    let country = names.country(&address.country);
    let region = country.and_then(|country| names.region(country, &address.region));
    let plain = |text: &str| match text.trim() {
        "" => Cell::Nothing,
        _ => Cell::Plain(json!(text)),
    };
    let one = |id: Option<i64>| id.map_or(Cell::Nothing, Cell::One);
    let cells = [
        ("street", plain(&street)),
        ("street2", plain(rest.join(" ").trim())),
        ("zip", plain(&address.postal_code)),
        ("city", plain(&address.city)),
        ("state_id", one(region)),
        ("country_id", one(country)),
    ];
    Some(
        cells
            .into_iter()
            .map(|(name, cell)| (name.to_owned(), cell))
            .collect(),
    )
}

/// The tags by these names: of several that have one, what the contact has already.
fn tags(value: &Value, current: Option<&Row>, names: &Names) -> Option<BTreeSet<i64>> {
    let has: Vec<(&str, i64)> = current
        .and_then(|row| row.get("category_id")?.as_array())
        .into_iter()
        .flatten()
        .filter_map(|tag| Some((tag.get("name")?.as_str()?, tag.get("id")?.as_i64()?)))
        .collect();
    let mut ids = BTreeSet::new();
    for name in tag_names(value)? {
        let mut own = has.iter().filter(|(own, _)| *own == name).peekable();
        if own.peek().is_some() {
            ids.extend(own.map(|(_, id)| *id));
        } else {
            ids.insert(names.tag(name)?);
        }
    }
    Some(ids)
}

/// The names in a value of the tags' field.
pub(super) fn tag_names(value: &Value) -> Option<Vec<&str>> {
    match value {
        Value::List(items) => items.iter().map(Value::as_text).collect(),
        Value::Text(text) => Some(vec![text]),
        value if value.is_empty() => Some(Vec::new()),
        _ => None,
    }
}

/// What `write` is given.
pub(super) fn values(cells: &Cells) -> Json {
    let values = cells.iter().map(|(name, cell)| {
        let value = match cell {
            Cell::Nothing => json!(false),
            Cell::Plain(json) => json.clone(),
            Cell::One(id) => json!(id),
            Cell::Many(ids) => json!([[6, 0, ids]]),
        };
        (name.clone(), value)
    });
    Json::Object(values.collect())
}

/// What `load` is given: columns and texts.
pub(super) fn texts(cells: &Cells) -> Vec<(String, String)> {
    let texts = cells.iter().map(|(name, cell)| match cell {
        Cell::Nothing => (name.clone(), String::new()),
        Cell::Plain(Json::String(text)) => (name.clone(), text.clone()),
        Cell::Plain(json) => (name.clone(), json.to_string()),
        Cell::One(id) => (format!("{name}/.id"), id.to_string()),
        Cell::Many(ids) => {
            let ids: Vec<String> = ids.iter().map(i64::to_string).collect();
            (format!("{name}/.id"), ids.join(","))
        }
    });
    texts.collect()
}
