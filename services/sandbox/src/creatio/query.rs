//! `$select`, `$filter`, `$orderby`, `$top`, `$skip`, `$count` and `$expand`, and rows as an answer shows them.

use serde_json::{Map, Value, json};

use super::filter::{self, Filter, Path};
use super::refusal::Refusal;
use super::schema::{self, Holds, NO_ID, NO_TIME};
use super::site::{Row, Site, text};

/// What a query asks for.
#[derive(Debug, Default)]
pub struct Options {
    select: Option<Vec<String>>,
    filter: Option<Filter>,
    order: Vec<(Path, bool)>,
    top: Option<usize>,
    skip: usize,
    /// Whether the number of all rows is asked for.
    pub count: bool,
    expand: Vec<Expand>,
}

#[derive(Debug)]
struct Expand {
    name: String,
    to: To,
    options: Options,
}

/// Where an expansion leads.
#[derive(Debug)]
enum To {
    /// To the row that a lookup names.
    One(&'static str),
    /// To the rows whose lookup names this one.
    Many(&'static str, &'static str),
}

impl Options {
    /// Reads the parameters of a query about an entity.
    pub fn read<'a>(
        site: &Site,
        entity: &'static str,
        pairs: impl Iterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, Refusal> {
        let flat = site.knobs.flat_filters;
        let mut options = Self::default();
        for (name, value) in pairs {
            let number = || {
                value
                    .parse()
                    .map_err(|_| Refusal::bad(format!("Invalid value '{value}' for {name}.")))
            };
            match name {
                "$select" => options.select = Some(columns(site, entity, value)?),
                "$filter" => options.filter = Some(filter::parse(entity, value, flat)?),
                "$orderby" => options.order = order(entity, value, flat)?,
                "$top" => options.top = Some(number()?),
                "$skip" => options.skip = number()?,
                "$count" => options.count = value == "true",
                "$expand" => options.expand = expansions(site, entity, value)?,
                _ => {}
            }
        }
        Ok(options)
    }
}

/// Splits at a sign that is in no parentheses.
fn split(input: &str, at: char) -> Vec<&str> {
    let (mut depth, mut from, mut parts) = (0_i32, 0, Vec::new());
    for (place, c) in input.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ if c == at && depth == 0 => {
                parts.extend(input.get(from..place));
                from = place + c.len_utf8();
            }
            _ => {}
        }
    }
    parts.extend(input.get(from..));
    parts
        .into_iter()
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .collect()
}

fn columns(site: &Site, entity: &str, input: &str) -> Result<Vec<String>, Refusal> {
    let one = |name: &&str| {
        let plain = schema::column(entity, name).is_some_and(|(_, holds)| holds.target().is_none());
        let own = site.own(entity).any(|own| own.name == **name);
        if plain || own || schema::lookup(entity, name).is_some() {
            Ok((*name).to_owned())
        } else {
            let message = format!(
                "Could not find a property named '{name}' on type 'Terrasoft.Configuration.OData.{entity}'."
            );
            Err(Refusal::bad(message))
        }
    };
    split(input, ',').iter().map(one).collect()
}

fn order(entity: &str, input: &str, flat: bool) -> Result<Vec<(Path, bool)>, Refusal> {
    let one = |part: &&str| {
        let (name, way) = part.split_once(' ').unwrap_or((part, "asc"));
        Ok((filter::path(entity, name, flat)?, way.trim() == "desc"))
    };
    split(input, ',').iter().map(one).collect()
}

fn expansions(site: &Site, entity: &'static str, input: &str) -> Result<Vec<Expand>, Refusal> {
    let one = |part: &&str| {
        let (name, rest) = part.split_once('(').unwrap_or((part, ""));
        let to = match (schema::column(entity, name), schema::back(entity, name)) {
            (Some((_, holds)), _) => holds.target().map(To::One),
            (None, Some((child, by))) => Some(To::Many(child, by)),
            _ => None,
        };
        let to = to.ok_or_else(|| {
            Refusal::bad(format!("Could not find a property named '{name}' on type 'Terrasoft.Configuration.OData.{entity}'."))
        })?;
        let (To::One(target) | To::Many(target, _)) = to;
        let inner = rest.strip_suffix(')').unwrap_or(rest);
        let pairs = split(inner, ';')
            .into_iter()
            .filter_map(|pair| pair.split_once('='));
        Ok(Expand {
            name: name.to_owned(),
            to,
            options: Options::read(site, target, pairs)?,
        })
    };
    split(input, ',').iter().map(one).collect()
}

/// The rows that a query finds, as an answer shows them, and how many there are without `$top` and `$skip`.
pub fn list(site: &Site, entity: &str, options: &Options) -> Result<(Vec<Value>, usize), Refusal> {
    let admitted = |row: &&Row| {
        options
            .filter
            .as_ref()
            .is_none_or(|filter| filter.admits(site, row))
    };
    let mut rows: Vec<&Row> = site.rows(entity).filter(admitted).collect();
    let all = rows.len();
    sort(site, &mut rows, &options.order);
    let shown: Vec<&Row> = rows
        .into_iter()
        .skip(options.skip)
        .take(options.top.unwrap_or(usize::MAX))
        .collect();
    if shown.len() > site.knobs.max_rows {
        let message = format!("Maximum entity row count {} exceeded", site.knobs.max_rows);
        return Err(Refusal::exception("InvalidObjectStateException", &message));
    }
    let shown = shown
        .into_iter()
        .map(|row| render(site, entity, row, options, false));
    Ok((shown.collect(), all))
}

fn sort(site: &Site, rows: &mut [&Row], order: &[(Path, bool)]) {
    let key = |path: &Path, row: &Row| {
        let value = path.value(site, row);
        value.map_or_else(String::new, |value| match value {
            Value::String(text) => text.to_lowercase(),
            other => other.to_string(),
        })
    };
    rows.sort_by(|a, b| {
        let mut result = std::cmp::Ordering::Equal;
        for (path, down) in order {
            let by = key(path, a).cmp(&key(path, b));
            result = result.then(if *down { by.reverse() } else { by });
        }
        result
    });
}

/// A row as an answer shows it: nothing is never null. An answer to an insert has a digit more after the second.
pub fn render(site: &Site, entity: &str, row: &Row, options: &Options, inserted: bool) -> Value {
    let mut shown = Map::new();
    for (column, holds) in schema::columns(entity) {
        let name = match holds.target() {
            Some(_) => format!("{column}Id"),
            None => column.to_owned(),
        };
        let wanted = options.select.as_ref();
        if wanted.is_none_or(|names| names.contains(&name)) {
            shown.insert(name.clone(), value(row, &name, holds, inserted));
        }
    }
    for own in site.own(entity) {
        let wanted = options.select.as_ref();
        if wanted.is_none_or(|names| names.contains(&own.name)) {
            shown.insert(own.name.clone(), value(row, &own.name, own.holds, inserted));
        }
    }
    for expand in &options.expand {
        let expanded = match expand.to {
            To::One(target) => {
                let id = text(row, &format!("{}Id", expand.name));
                let found = site.row(target, id);
                found.map(|row| render(site, target, row, &expand.options, false))
            }
            To::Many(child, by) => {
                let rows = site.children_rows(child, by, text(row, "Id"));
                let rows = rows.iter().filter(|row| {
                    let filter = expand.options.filter.as_ref();
                    filter.is_none_or(|filter| filter.admits(site, row))
                });
                let rows = rows.map(|row| render(site, child, row, &expand.options, false));
                Some(Value::Array(rows.collect()))
            }
        };
        shown.insert(expand.name.clone(), expanded.unwrap_or_default());
    }
    Value::Object(shown)
}

fn value(row: &Row, name: &str, holds: Holds, inserted: bool) -> Value {
    let kept = text(row, name);
    match holds {
        Holds::Bool => json!(row.get(name).and_then(Value::as_bool).unwrap_or_default()),
        Holds::Int => json!(row.get(name).and_then(Value::as_i64).unwrap_or_default()),
        Holds::Decimal => json!(row.get(name).and_then(Value::as_f64).unwrap_or_default()),
        Holds::Lookup(_) | Holds::Parent(_) if kept.is_empty() => json!(NO_ID),
        Holds::Text | Holds::Required | Holds::Lookup(_) | Holds::Parent(_) => json!(kept),
        Holds::Time => {
            let kept = if kept.is_empty() { NO_TIME } else { kept };
            json!(clock(kept, inserted))
        }
    }
}

/// A time as an answer has it: six digits at most after the second, seven after an insert, none where it is whole.
fn clock(kept: &str, inserted: bool) -> String {
    let Some((whole, digits)) = kept.split_once('.') else {
        return kept.to_owned();
    };
    let digits = digits.trim_end_matches('Z');
    if digits.chars().all(|digit| digit == '0') {
        return format!("{whole}Z");
    }
    let most = if inserted { 7 } else { 6 };
    format!("{whole}.{}Z", digits.get(..most).unwrap_or(digits))
}
