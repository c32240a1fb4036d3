//! Writing contacts. A call is one transaction: a refused record refuses all, and then each is written by itself.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};
use syncline_connector::{Create, Error, Kind, Update, Written};
use syncline_model::{OperationId, Record, RemoteId};

use super::call::{Odoo, PARTNER, all, is_about_records, of_one_record, refused};
use super::cursor;
use super::fields::{Shapes, learn, learn_to_write, specification};
use super::lookup::names;
use super::map::{self, Cell, Cells, change, creation, record, texts, values};
use super::read::{by_ids, number};
use super::wire::{Loaded, Row};

/// The tag of what is marked as trash.
const TRASH: &str = "Syncline Trash";

/// A creation's external id. Made once, it is found and not made again.
fn external(operation: OperationId) -> String {
    format!("contact_{operation}")
}

/// Under which Odoo keeps external ids of ours.
const MODULE: &str = "syncline";

/// Creates contacts, in a tag's collection with the tag.
pub(super) async fn create(
    odoo: &Odoo<'_>,
    collection: &str,
    items: &[Create],
) -> Vec<Result<Written, Error>> {
    let _turn = odoo.session.write_lock().await;
    let prepared = async {
        let wanted = items.iter().flat_map(|item| item.fields.keys());
        let (shapes, choices) = learn_to_write(odoo, wanted).await?;
        let names = names(odoo, items.iter().map(|item| &item.fields)).await?;
        Ok::<_, Error>((shapes, names.choosing(choices)))
    };
    let (shapes, names) = match prepared.await {
        Ok(prepared) => prepared,
        Err(error) => return all(items.len(), &error),
    };
    // Rows of one `load` fill the same columns: where one is empty, it is emptied.
    let mut groups: BTreeMap<Vec<String>, Vec<(usize, Vec<String>)>> = BTreeMap::new();
    let mut outcomes: Vec<Option<Result<i64, Error>>> = Vec::new();
    for (at, item) in items.iter().enumerate() {
        let cells = creation(&item.fields, &names, &shapes);
        outcomes.push(match cells {
            Ok(cells) => {
                let (mut columns, mut row) = (vec!["id".to_owned()], Vec::new());
                row.push(format!("{MODULE}.{}", external(item.operation)));
                for (column, text) in texts(&tagged(cells, cursor::tag(collection))) {
                    columns.push(column);
                    row.push(text);
                }
                groups.entry(columns).or_default().push((at, row));
                None
            }
            Err(unfit) => Some(Err(odoo.session.error(Kind::Rejected, unfit.to_string()))),
        });
    }
    for (columns, rows) in groups {
        for (at, outcome) in load_each(odoo, &columns, rows).await {
            if let Some(place) = outcomes.get_mut(at) {
                *place = Some(outcome);
            }
        }
    }
    let unsaid = || {
        odoo.session
            .error(Kind::Malformed, "Odoo does not say what it made")
    };
    let outcomes = outcomes.into_iter();
    let outcomes: Vec<_> = outcomes
        .map(|outcome| outcome.unwrap_or_else(|| Err(unsaid())))
        .collect();
    read_back(odoo, outcomes, &shapes).await
}

fn tagged(mut cells: Cells, tag: Option<i64>) -> Cells {
    if let Some(tag) = tag {
        let tags = cells.entry("category_id".into());
        if let Cell::Many(ids) = tags.or_insert_with(|| Cell::Many([tag].into())) {
            ids.insert(tag);
        }
    }
    cells
}

/// Makes contacts together, or else one by one.
async fn load_each(
    odoo: &Odoo<'_>,
    columns: &[String],
    rows: Vec<(usize, Vec<String>)>,
) -> Vec<(usize, Result<i64, Error>)> {
    let texts: Vec<&[String]> = rows.iter().map(|(_, row)| row.as_slice()).collect();
    match load(odoo, columns, &texts).await {
        Ok(ids) => rows
            .iter()
            .zip(ids)
            .map(|((at, _), id)| (*at, Ok(id)))
            .collect(),
        Err(error) if is_about_records(&error) && rows.len() > 1 => {
            let mut outcomes = Vec::new();
            for (at, row) in &rows {
                let one = load(odoo, columns, &[row.as_slice()]).await;
                let id = one.and_then(|ids| {
                    let unsaid = || odoo.session.error(Kind::Malformed, "Odoo made nothing");
                    ids.into_iter().next().ok_or_else(unsaid)
                });
                outcomes.push((*at, id.map_err(of_one_record)));
            }
            outcomes
        }
        Err(error) => rows
            .iter()
            .map(|(at, _)| (*at, Err(error.clone())))
            .collect(),
    }
}

async fn load(odoo: &Odoo<'_>, columns: &[String], rows: &[&[String]]) -> Result<Vec<i64>, Error> {
    // Times without a zone are the user's, unless it is said.
    let asked = json!({"fields": columns, "data": rows, "context": {"tz": "UTC"}});
    let loaded: Loaded = odoo.act(PARTNER, "load", asked).await?;
    match loaded.ids.0 {
        Some(ids) if ids.len() == rows.len() => Ok(ids),
        Some(_) => {
            let message = "Odoo does not say what it made of each contact";
            let mut error = odoo.session.error(Kind::Malformed, message);
            error.maybe_applied = true;
            Err(error)
        }
        None => {
            let field = loaded
                .messages
                .into_iter()
                .find_map(|message| message.field);
            let message = match field {
                Some(field) => format!("Odoo does not take the value of {field}"),
                None => "Odoo does not take the contact as it is".to_owned(),
            };
            Err(odoo.session.error(Kind::Rejected, message))
        }
    }
}

/// What Odoo made of what was created. It is known to be made, even if that cannot be seen.
async fn read_back(
    odoo: &Odoo<'_>,
    outcomes: Vec<Result<i64, Error>>,
    shapes: &Shapes,
) -> Vec<Result<Written, Error>> {
    let made = outcomes.iter().filter_map(|outcome| outcome.as_ref().ok());
    let ids: Vec<RemoteId> = made.map(|id| RemoteId::new(id.to_string())).collect();
    let rows = match by_ids(odoo, &ids, shapes).await {
        Ok(rows) => rows,
        Err(error) => {
            tracing::debug!(%error, "what was created could not be read back");
            BTreeMap::new()
        }
    };
    let written = |id: i64| match rows.get(&id).and_then(|row| record(row, shapes)) {
        Some(record) => written(record),
        None => Written {
            id: RemoteId::new(id.to_string()),
            version: None,
            modified_at: None,
            fields: None,
        },
    };
    outcomes
        .into_iter()
        .map(|outcome| outcome.map(written))
        .collect()
}

fn written(record: Record) -> Written {
    Written {
        id: record.id,
        version: Some(record.version),
        modified_at: record.modified_at,
        fields: Some(record.fields),
    }
}

/// What creations made, by their external ids.
pub(super) async fn find_created(
    odoo: &Odoo<'_>,
    items: &[Create],
) -> Result<Vec<Option<Record>>, Error> {
    let mut ids = Vec::new();
    for item in items {
        // Whoever was archived since is there still.
        let asked = json!({
            "module": MODULE, "xml_id": external(item.operation), "context": {"active_test": false},
        });
        let response = odoo
            .reply("ir.model.data", "check_object_reference", &asked)
            .await?;
        if response.is_success() {
            let (_, id): (String, i64) = response.json()?;
            ids.push(Some(id));
            continue;
        }
        let error = refused(&response);
        match error.code.as_deref() {
            Some("ValueError") => ids.push(None),
            _ => return Err(error),
        }
    }
    let wanted = items.iter().flat_map(|item| item.fields.keys()).cloned();
    let wanted: Vec<_> = wanted.collect();
    let made: Vec<RemoteId> = ids
        .iter()
        .flatten()
        .map(|id| RemoteId::new(id.to_string()))
        .collect();
    let shapes = learn(odoo, &wanted).await?;
    let rows = by_ids(odoo, &made, &shapes).await?;
    let found = |id: Option<i64>| record(rows.get(&id?)?, &shapes);
    Ok(ids.into_iter().map(found).collect())
}

/// Changes contacts that are what they were when the changes were thought of.
pub(super) async fn update(odoo: &Odoo<'_>, items: &[Update]) -> Vec<Result<Written, Error>> {
    let _turn = odoo.session.write_lock().await;
    let prepared = async {
        let wanted = items.iter().flat_map(|item| item.changes.keys());
        let (shapes, choices) = learn_to_write(odoo, wanted).await?;
        let ids: Vec<RemoteId> = items.iter().map(|item| item.id.clone()).collect();
        let rows = by_ids(odoo, &ids, &shapes).await?;
        let names = names(odoo, items.iter().map(|item| &item.changes)).await?;
        Ok::<_, Error>((shapes, rows, names.choosing(choices)))
    };
    let (shapes, rows, names) = match prepared.await {
        Ok(prepared) => prepared,
        Err(error) => return all(items.len(), &error),
    };
    let refusal = |kind, message: &str| odoo.session.error(kind, message);
    let mut writes: Vec<(usize, i64, Json)> = Vec::new();
    let mut outcomes: Vec<Option<Result<Written, Error>>> = Vec::new();
    for (at, item) in items.iter().enumerate() {
        let row = number(&item.id).and_then(|id| Some((id, rows.get(&id)?)));
        let now = row.and_then(|(id, row)| Some((id, row, record(row, &shapes)?)));
        outcomes.push(match now {
            None => Some(Err(refusal(
                Kind::NotFound,
                "the contact is not in Odoo any more",
            ))),
            Some((.., now)) if item.version.as_ref().is_some_and(|own| *own != now.version) => {
                Some(Err(refusal(
                    Kind::VersionMismatch,
                    "the contact was changed in Odoo meanwhile",
                )))
            }
            Some((id, row, now)) => match change(&item.changes, row, &names, &shapes) {
                Err(unfit) => Some(Err(refusal(Kind::Rejected, &unfit.to_string()))),
                Ok(cells) if cells.is_empty() => Some(Ok(written(now))),
                Ok(cells) => {
                    writes.push((at, id, values(&cells)));
                    None
                }
            },
        });
    }
    for (at, outcome) in save_each(odoo, &writes, &shapes).await {
        if let Some(place) = outcomes.get_mut(at) {
            *place = Some(outcome);
        }
    }
    let unsaid = || refusal(Kind::Malformed, "Odoo does not say what it wrote");
    outcomes
        .into_iter()
        .map(|outcome| outcome.unwrap_or_else(|| Err(unsaid())))
        .collect()
}

/// Writes contacts together, or else one by one.
async fn save_each(
    odoo: &Odoo<'_>,
    writes: &[(usize, i64, Json)],
    shapes: &Shapes,
) -> Vec<(usize, Result<Written, Error>)> {
    if writes.is_empty() {
        return Vec::new();
    }
    match save(odoo, writes, shapes).await {
        Ok(written) => written,
        Err(error) if is_about_records(&error) && writes.len() > 1 => {
            let mut outcomes = Vec::new();
            for write in writes {
                match save(odoo, std::slice::from_ref(write), shapes).await {
                    Ok(written) => outcomes.extend(written),
                    Err(error) => outcomes.push((write.0, Err(of_one_record(error)))),
                }
            }
            outcomes
        }
        Err(error) => {
            let error = match writes {
                [_] => of_one_record(error),
                _ => error,
            };
            writes
                .iter()
                .map(|(at, ..)| (*at, Err(error.clone())))
                .collect()
        }
    }
}

/// Writes and reads what was written, in one transaction: nobody else's edit is among it.
async fn save(
    odoo: &Odoo<'_>,
    writes: &[(usize, i64, Json)],
    shapes: &Shapes,
) -> Result<Vec<(usize, Result<Written, Error>)>, Error> {
    let ids: Vec<i64> = writes.iter().map(|(_, id, _)| *id).collect();
    let values: Vec<&Json> = writes.iter().map(|(.., values)| values).collect();
    let asked = json!({
        "ids": ids,
        "vals_list": values,
        "specification": specification(shapes),
    });
    let rows: Vec<Row> = odoo.act(PARTNER, "web_save_multi", asked).await?;
    let mut rows: BTreeMap<i64, Row> = rows
        .into_iter()
        .filter_map(|row| Some((map::id(&row)?, row)))
        .collect();
    let outcome = |(at, id, _): &(usize, i64, Json)| {
        let record = rows.remove(id).and_then(|row| record(&row, shapes));
        let outcome = record.map(written).ok_or_else(|| {
            let message = "Odoo does not say what it wrote";
            let mut error = odoo.session.error(Kind::Malformed, message);
            error.maybe_applied = true;
            error
        });
        (*at, outcome)
    };
    Ok(writes.iter().map(outcome).collect())
}

/// Deletes contacts; one that is not there counts as deleted.
pub(super) async fn delete(odoo: &Odoo<'_>, ids: &[RemoteId]) -> Vec<Result<(), Error>> {
    let _turn = odoo.session.write_lock().await;
    let outcomes = for_each(odoo, ids, "unlink", &json!({})).await;
    let gone = |outcome: Result<(), Error>| match outcome {
        Err(error) if error.kind == Kind::NotFound => Ok(()),
        outcome => outcome,
    };
    outcomes.into_iter().map(gone).collect()
}

/// Marks contacts as trash.
pub(super) async fn mark(odoo: &Odoo<'_>, ids: &[RemoteId]) -> Vec<Result<(), Error>> {
    let fields = [("category_id".into(), TRASH.into())].into();
    let looked = names(odoo, std::iter::once(&fields)).await;
    let found = looked.map(|names| names.tag(TRASH));
    match found {
        Ok(Some(trash)) => tag(odoo, ids, trash, Tagging::Give).await,
        Ok(None) => {
            let message = "Odoo does not say which tag it made";
            all(ids.len(), &odoo.session.error(Kind::Malformed, message))
        }
        Err(error) => all(ids.len(), &error),
    }
}

/// What is done with a tag.
#[derive(Clone, Copy, Debug)]
pub(super) enum Tagging {
    Give,
    Take,
}

/// Gives or takes a tag.
pub(super) async fn tag(
    odoo: &Odoo<'_>,
    ids: &[RemoteId],
    tag: i64,
    tagging: Tagging,
) -> Vec<Result<(), Error>> {
    let _turn = odoo.session.write_lock().await;
    // Odoo's numbers for it.
    let command = match tagging {
        Tagging::Give => 4,
        Tagging::Take => 3,
    };
    let values = json!({"vals": {"category_id": [[command, tag]]}});
    for_each(odoo, ids, "write", &values).await
}

/// Does something with all, or else with one by one.
async fn for_each(
    odoo: &Odoo<'_>,
    ids: &[RemoteId],
    method: &str,
    arguments: &Json,
) -> Vec<Result<(), Error>> {
    // What is no id of Odoo's is of nobody.
    let ids: Vec<i64> = ids.iter().map(|id| number(id).unwrap_or(-1)).collect();
    if ids.is_empty() {
        return Vec::new();
    }
    let error = match act(odoo, &ids, method, arguments).await {
        Ok(()) => return ids.iter().map(|_| Ok(())).collect(),
        Err(error) if !is_about_records(&error) => return all(ids.len(), &error),
        Err(error) => error,
    };
    if ids.len() == 1 {
        return vec![Err(of_one_record(error))];
    }
    let mut outcomes = Vec::new();
    for id in ids {
        let outcome = act(odoo, &[id], method, arguments).await;
        outcomes.push(outcome.map_err(of_one_record));
    }
    outcomes
}

async fn act(odoo: &Odoo<'_>, ids: &[i64], method: &str, arguments: &Json) -> Result<(), Error> {
    let mut arguments = arguments.clone();
    if let Some(arguments) = arguments.as_object_mut() {
        arguments.insert("ids".into(), json!(ids));
    }
    odoo.act::<Json>(PARTNER, method, arguments).await.map(drop)
}
