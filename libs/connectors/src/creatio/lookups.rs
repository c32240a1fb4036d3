//! Names that stand for ids of other rows: cities, regions and countries, and what the site's own columns lead to. Looked up
//! as far as a write names some. None is ever made.

use std::collections::{BTreeMap, BTreeSet};

use syncline_connector::{Error, Kind, Session};
use syncline_model::{Choice, FieldDescriptor, Fields};

use super::call::list;
use super::map::text;
use super::read::TOGETHER;
use super::wire::Row;
use super::{addresses, own};

/// Ids by entity and name in lower case. Several rows may have one name.
pub(super) type Lookups = BTreeMap<(String, String), Vec<String>>;

/// Rows of one name that are usual.
const SAME_NAME: usize = 5;
/// Rows of a lookup that are told as choices; one with more of them is a field whose choices nobody is shown.
const CHOICES: usize = 500;
/// Lookups whose rows are told.
const LISTED: usize = 50;

/// Where a name is found.
pub(super) fn key(entity: &str, name: &str) -> (String, String) {
    (entity.to_owned(), name.trim().to_lowercase())
}

/// The ids of what fields name.
pub(super) async fn look_up<'a>(
    session: &Session,
    fields: impl Iterator<Item = &'a Fields>,
) -> Result<Lookups, Error> {
    let mut sought: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for fields in fields {
        for (entity, name) in addresses::sought(fields).chain(own::sought(fields)) {
            let name = name.trim();
            if !name.is_empty() {
                sought.entry(entity).or_default().insert(name);
            }
        }
    }
    let mut found = Lookups::new();
    for (entity, names) in sought {
        let names: Vec<&str> = names.into_iter().collect();
        for some in names.chunks(TOGETHER) {
            let rows = named(session, entity, some).await?;
            let is_cut = rows.len() >= some.len() * SAME_NAME;
            note(&mut found, entity, &rows);
            // One name of many has pushed others out.
            for name in some.iter().filter(|_| is_cut && some.len() > 1) {
                let rows = named(session, entity, &[name]).await?;
                note(&mut found, entity, &rows);
            }
        }
    }
    Ok(found)
}

/// Rows of these names.
async fn named(session: &Session, entity: &str, names: &[&str]) -> Result<Vec<Row>, Error> {
    let each = names
        .iter()
        .map(|name| format!("Name eq '{}'", name.replace('\'', "''")));
    let filter = each.collect::<Vec<_>>().join(" or ");
    let top = (names.len() * SAME_NAME).to_string();
    let query = [
        ("$filter", &*filter),
        ("$select", "Id,Name"),
        ("$orderby", "Name"),
        ("$top", &*top),
    ];
    let (_, rows) = list(session, entity, &query).await?;
    Ok(rows.value)
}

fn note(found: &mut Lookups, entity: &str, rows: &[Row]) {
    for row in rows {
        let ids = found.entry(key(entity, text(row, "Name"))).or_default();
        let id = text(row, "Id").to_owned();
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
}

/// Tells the choices of the fields that lead to other rows. One whose rows the user may not see is not written.
pub(super) async fn tell_choices(
    session: &Session,
    fields: &mut [FieldDescriptor],
) -> Result<(), Error> {
    let mut told: BTreeMap<String, Option<Vec<Choice>>> = BTreeMap::new();
    for field in fields {
        let Some(entity) = own::column(&field.name).and_then(|column| column.entity) else {
            continue;
        };
        if !told.contains_key(entity) && told.len() < LISTED {
            let choices = match choices(session, entity).await {
                Ok(choices) => Some(choices),
                Err(error) if matches!(error.kind, Kind::Forbidden | Kind::Rejected) => None,
                Err(error) => return Err(error),
            };
            told.insert(entity.to_owned(), choices);
        }
        match told.get(entity) {
            Some(Some(choices)) => field.choices.clone_from(choices),
            Some(None) => field.writable = false,
            None => {}
        }
    }
    Ok(())
}

/// The names of an entity's rows, each once; none where there are too many.
async fn choices(session: &Session, entity: &str) -> Result<Vec<Choice>, Error> {
    let top = CHOICES.to_string();
    let query = [
        ("$select", "Id,Name"),
        ("$orderby", "Name"),
        ("$top", &*top),
        ("$count", "true"),
    ];
    let (response, rows) = list(session, entity, &query).await?;
    match rows.count {
        Some(count) if count > CHOICES => return Ok(Vec::new()),
        Some(count) if count == rows.value.len() => {}
        _ => {
            let message = "Creatio does not show all rows of a lookup";
            return Err(response.error(Kind::Malformed, message));
        }
    }
    let names: BTreeSet<&str> = rows.value.iter().map(|row| text(row, "Name")).collect();
    let filled = names.into_iter().filter(|name| !name.trim().is_empty());
    Ok(filled
        .map(|name| Choice {
            value: name.to_owned(),
            label: name.to_owned(),
        })
        .collect())
}
