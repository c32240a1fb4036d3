//! Reading contacts by id, and what every reading shares: the names to ask for and the shapes of custom fields.
//! Listings are `pull.rs`.

use std::collections::{BTreeMap, BTreeSet};

use syncline_connector::{Error, Kind, Request, Response, Session};
use syncline_model::{FieldName, Record, RemoteId};

use super::answer::refused;
use super::fields::{Shapes, base, is_unknown, shapes, standard_names};
use super::map::{MODIFIED, record};
use super::wire::{FieldList, FieldMeta, List, Row};

/// Names that `fields` takes.
const MAX_FIELDS: usize = 50;
/// Ids that `ids` takes.
const MAX_IDS: usize = 100;

/// Reads records by id, in the order asked.
pub(super) async fn get(
    session: &Session,
    ids: &[RemoteId],
    fields: &[FieldName],
) -> Result<Vec<Option<Record>>, Error> {
    let wanted = wanted(fields);
    let mut known = Shapes::new();
    learn(session, &wanted, &mut known).await?;
    let asked: Vec<&str> = ids.iter().map(RemoteId::as_str).collect();
    let rows = by_ids(session, &asked, &wire_names(&wanted)).await?;
    asked
        .iter()
        .map(|id| {
            let Some(row) = rows.get(*id) else {
                return Ok(None);
            };
            let message = "a contact of Zoho CRM's answer has no modification time";
            let read = record(row, &wanted, &known);
            read.map(Some)
                .ok_or_else(|| session.error(Kind::Malformed, message))
        })
        .collect()
}

/// Rows by id. More fields than a call takes are read in several; a record that is missing from one is left out.
pub(super) async fn by_ids(
    session: &Session,
    ids: &[&str],
    names: &[String],
) -> Result<BTreeMap<String, Row>, Error> {
    let ids: BTreeSet<&str> = ids.iter().copied().filter(|id| is_id(id)).collect();
    let ids: Vec<&str> = ids.into_iter().collect();
    let mut found = BTreeMap::new();
    for ids in ids.chunks(MAX_IDS) {
        let mut rows = by_ids_once(session, ids, first(names)).await?;
        for names in rest(names) {
            let mut more = by_ids_once(session, ids, names).await?;
            rows.retain(|id, row| match more.remove(id) {
                Some(more) => {
                    merge(row, more);
                    true
                }
                None => false,
            });
        }
        found.append(&mut rows);
    }
    Ok(found)
}

/// Rows by at most `MAX_IDS` ids. What is missing from an answer is asked for again, until Zoho says that it has none of
/// those ids (204): an answer that was cut off must not make a record look deleted.
async fn by_ids_once(
    session: &Session,
    ids: &[&str],
    names: &[String],
) -> Result<BTreeMap<String, Row>, Error> {
    let mut rows = BTreeMap::new();
    let mut missing: Vec<&str> = ids.to_vec();
    while !missing.is_empty() {
        let request = Request::get("/Contacts")
            .route("GET /Contacts?ids")
            .query("ids", missing.join(","))
            .query("fields", names.join(","))
            .take("credits", 1);
        let response = session.send(request).await?;
        let list = match response.status {
            200 => response.json::<List>()?,
            204 => break,
            _ => return Err(refused(&response)),
        };
        let before = rows.len();
        for row in list.data {
            let id = row
                .get("id")
                .and_then(|id| id.as_str())
                .ok_or_else(|| nameless(&response))?;
            rows.insert(id.to_owned(), row);
        }
        if rows.len() == before {
            return Err(response.error(
                Kind::Malformed,
                "Zoho CRM gave none of the contacts asked for",
            ));
        }
        missing.retain(|id| !rows.contains_key(*id));
    }
    Ok(rows)
}

/// Whether a text is a Zoho id; others would end up in addresses and queries.
pub(super) fn is_id(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

pub(super) fn nameless(response: &Response) -> Error {
    response.error(
        Kind::Malformed,
        "a contact of Zoho CRM's answer has no id or no modification time",
    )
}

/// Adds the fields that the listing had no room for. A record deleted meanwhile is left to the tombstones.
pub(super) async fn complete(
    session: &Session,
    rows: Vec<Row>,
    names: &[String],
) -> Result<Vec<Row>, Error> {
    let missing = names.get(MAX_FIELDS..).unwrap_or_default();
    if missing.is_empty() {
        return Ok(rows);
    }
    let id = |row: &Row| {
        row.get("id")
            .and_then(|id| id.as_str())
            .unwrap_or_default()
            .to_owned()
    };
    let ids: Vec<String> = rows.iter().map(id).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let mut more = by_ids(session, &ids, missing).await?;
    Ok(rows
        .into_iter()
        .filter_map(|mut row| {
            let more = more.remove(&id(&row))?;
            merge(&mut row, more);
            Some(row)
        })
        .collect())
}

/// Adds what a row does not have yet; what it has was read first and stays.
fn merge(row: &mut Row, more: Row) {
    for (name, value) in more {
        row.entry(name).or_insert(value);
    }
}

/// What to read: the fields asked for, or the standard ones.
pub(super) fn wanted(fields: &[FieldName]) -> Vec<FieldName> {
    if fields.is_empty() {
        standard_names().collect()
    } else {
        fields.to_vec()
    }
}

/// Zoho's names for the fields to read, each once, the version first.
pub(super) fn wire_names(wanted: &[FieldName]) -> Vec<String> {
    let names: BTreeSet<&str> = wanted
        .iter()
        .map(base)
        .filter(|name| !matches!(*name, MODIFIED | "id"))
        .collect();
    std::iter::once(MODIFIED)
        .chain(names)
        .map(str::to_owned)
        .collect()
}

pub(super) fn first(names: &[String]) -> &[String] {
    names.get(..MAX_FIELDS).unwrap_or(names)
}

fn rest(names: &[String]) -> impl Iterator<Item = &[String]> {
    names
        .get(MAX_FIELDS..)
        .unwrap_or_default()
        .chunks(MAX_FIELDS)
}

/// Learns the shapes of the wanted fields that are not system fields, if any is not known yet; whether it had to ask.
pub(super) async fn learn(
    session: &Session,
    wanted: &[FieldName],
    known: &mut Shapes,
) -> Result<bool, Error> {
    let is_known = |name: &FieldName| !is_unknown(name) || known.contains_key(base(name));
    if wanted.iter().all(is_known) {
        return Ok(false);
    }
    *known = shapes(&metadata(session).await?, wanted);
    Ok(true)
}

/// Zoho's metadata of every field of contacts.
pub(super) async fn metadata(session: &Session) -> Result<Vec<FieldMeta>, Error> {
    let request = Request::get("/settings/fields")
        .route("GET /settings/fields")
        .query("module", "Contacts")
        .take("credits", 1);
    let response = session.send(request).await?;
    match response.status {
        200 => Ok(response.json::<FieldList>()?.fields),
        _ => Err(refused(&response)),
    }
}
