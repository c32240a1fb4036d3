//! Names that stand for ids of other rows: cities, regions and countries. Looked up as far as a write names some. None is ever
//! made.

use std::collections::{BTreeMap, BTreeSet};

use syncline_connector::{Error, Session};
use syncline_model::Fields;

use super::addresses;
use super::call::list;
use super::map::text;
use super::read::TOGETHER;
use super::wire::Row;

/// Ids by entity and name in lower case. Several rows may have one name.
pub(super) type Lookups = BTreeMap<(String, String), Vec<String>>;

/// Rows of one name that are usual.
const SAME_NAME: usize = 5;

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
        for (entity, name) in addresses::sought(fields) {
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
