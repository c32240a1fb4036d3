//! The record calls on Contacts: whole requests, their limits and statuses. Single records are changed in `writes`.

use serde_json::{Value, json};

use super::{Answer, Ask};
use crate::zoho::deleted;
use crate::zoho::errors::{ItemError, Refusal};
use crate::zoho::listing::{self, Listing};
use crate::zoho::org::Org;
use crate::zoho::others;
use crate::zoho::writes::{self, Author};
use crate::zoho::{coql as query, render, search as index, values, workflow};

const MAX_RECORDS: usize = 100;

/// `GET /Contacts`.
pub fn list(org: &mut Org, ask: &Ask) -> Result<Answer, Refusal> {
    listing::contacts(org, &listing_ask(ask)).map(Answer::from)
}

/// `GET /Contacts/deleted`.
pub fn deleted(org: &mut Org, ask: &Ask) -> Result<Answer, Refusal> {
    deleted::deleted(org, &listing_ask(ask)).map(Answer::from)
}

fn listing_ask(ask: &Ask) -> listing::Ask<'_> {
    listing::Ask {
        params: &ask.params,
        since: ask.since,
        now: ask.now(),
    }
}

/// `GET /Contacts/{id}`.
pub fn one(org: &mut Org, ask: &Ask) -> Result<Answer, Refusal> {
    let Some(record) = org.table.get(ask.path_id()?) else {
        return Ok(Answer::nothing());
    };
    if ask.since.is_some_and(|since| record.modified <= since) {
        return Ok(Listing::Unchanged.into());
    }
    let data = match listing::columns(org, &ask.params)? {
        Some(fields) => render::columns(org, record, &fields),
        None => render::whole(org, record),
    };
    Ok(Answer::ok(json!({"data": [data]})))
}

/// `GET /Contacts/search`.
pub fn search(org: &mut Org, ask: &Ask) -> Result<Answer, Refusal> {
    index::search(org, &ask.params, ask.now_ms).map(Answer::from)
}

/// `GET /Contacts/actions/count`.
pub fn count(org: &mut Org, ask: &Ask) -> Result<Answer, Refusal> {
    Ok(Answer::ok(
        json!({"count": index::count(org, &ask.params)?}),
    ))
}

/// `POST /coql`.
pub fn coql(org: &mut Org, ask: &Ask) -> Result<Answer, Refusal> {
    let text = ask
        .object()?
        .get("select_query")
        .ok_or_else(|| Refusal::missing_key("select_query"))?;
    let text = text
        .as_str()
        .ok_or_else(|| Refusal::bad_key("select_query", "string"))?;
    Ok(query::run(org, text)?.map_or_else(Answer::nothing, Answer::ok))
}

/// `GET /Leads`.
pub fn leads(org: &mut Org, ask: &Ask) -> Result<Answer, Refusal> {
    page(&others::leads(org), ask)
}

/// `GET /Leads/{id}`.
pub fn lead(org: &mut Org, ask: &Ask) -> Result<Answer, Refusal> {
    single(&others::leads(org), ask)
}

/// `GET /Accounts`.
pub fn accounts(org: &mut Org, ask: &Ask) -> Result<Answer, Refusal> {
    page(&others::accounts(org), ask)
}

/// `GET /Accounts/{id}`.
pub fn account(org: &mut Org, ask: &Ask) -> Result<Answer, Refusal> {
    single(&others::accounts(org), ask)
}

fn page(rows: &[Value], ask: &Ask) -> Result<Answer, Refusal> {
    Ok(others::page(rows, &ask.params)?.map_or_else(Answer::nothing, Answer::ok))
}

fn single(rows: &[Value], ask: &Ask) -> Result<Answer, Refusal> {
    let id = json!(ask.path_id()?.to_string());
    let found = rows.iter().find(|row| row.get("id") == Some(&id));
    Ok(found.map_or_else(Answer::nothing, |row| Answer::ok(json!({"data": [row]}))))
}

/// The records of a write.
fn data(ask: &Ask) -> Result<&Vec<Value>, Refusal> {
    let items = ask.array("data")?;
    if items.len() > MAX_RECORDS {
        Err(Refusal::array_too_long("data", MAX_RECORDS))
    } else {
        Ok(items)
    }
}

fn trigger(ask: &Ask) -> Option<&Value> {
    ask.body.as_ref()?.get("trigger")
}

/// `POST /Contacts`.
pub fn insert(org: &mut Org, ask: &Ask) -> Result<Answer, Refusal> {
    let author = ask.author(org);
    let mut outcomes = Vec::new();
    let mut written = Vec::new();
    for (index, item) in data(ask)?.iter().enumerate() {
        outcomes.push(match writes::insert(org, item, index, author) {
            Ok(id) => {
                written.push(id);
                writes::success(org, id, "record added")
            }
            Err(error) => error.body(),
        });
    }
    triggered(org, ask, &written);
    Ok(Answer::outcomes("data", outcomes, 201, 400))
}

/// `PUT /Contacts`.
pub fn update(org: &mut Org, ask: &Ask) -> Result<Answer, Refusal> {
    let items: Vec<(Option<u64>, &Value)> = data(ask)?
        .iter()
        .map(|item| (values::id_of(item), item))
        .collect();
    Ok(update_all(org, ask, &items))
}

/// `PUT /Contacts/{id}`.
pub fn update_one(org: &mut Org, ask: &Ask) -> Result<Answer, Refusal> {
    let id = ask.path_id()?;
    let items: Vec<(Option<u64>, &Value)> = data(ask)?
        .iter()
        .take(1)
        .map(|item| (Some(id), item))
        .collect();
    Ok(update_all(org, ask, &items))
}

fn update_all(org: &mut Org, ask: &Ask, items: &[(Option<u64>, &Value)]) -> Answer {
    let author = ask.author(org);
    let (mut outcomes, mut written, mut late) = (Vec::new(), Vec::new(), false);
    for (index, (id, item)) in items.iter().enumerate() {
        let Some(id) = id else {
            let details = json!({"api_name": "id", "json_path": format!("$.data[{index}].id")});
            outcomes.push(
                ItemError::new("MANDATORY_NOT_FOUND", "required field not found", details).body(),
            );
            continue;
        };
        if let Some(error) = already_modified(org, ask, *id) {
            late = true;
            outcomes.push(error.body());
            continue;
        }
        outcomes.push(match writes::update(org, *id, item, index, author) {
            Ok(()) => {
                written.push(*id);
                writes::success(org, *id, "record updated")
            }
            Err(error) => error.body(),
        });
    }
    triggered(org, ask, &written);
    Answer::outcomes("data", outcomes, 200, if late { 412 } else { 400 })
}

/// `ALREADY_MODIFIED` when the record changed after `If-Unmodified-Since`.
fn already_modified(org: &Org, ask: &Ask, id: u64) -> Option<ItemError> {
    let limit = ask.unmodified_since?;
    let record = org.table.get(id).filter(|record| record.modified > limit)?;
    let message = "record updated time has already passed if-unmodified-since time";
    Some(ItemError::new(
        "ALREADY_MODIFIED",
        message,
        render::write_details(org, record),
    ))
}

/// `POST /Contacts/upsert`.
pub fn upsert(org: &mut Org, ask: &Ask) -> Result<Answer, Refusal> {
    let asked = ask
        .object()?
        .get("duplicate_check_fields")
        .filter(|value| !value.is_null());
    let names: Option<Vec<String>> = match asked {
        None => None,
        Some(value) => {
            let list = value
                .as_array()
                .ok_or_else(|| Refusal::bad_key("duplicate_check_fields", "jsonarray"))?;
            Some(
                list.iter()
                    .filter_map(Value::as_str)
                    .map(str::to_owned)
                    .collect(),
            )
        }
    };
    let checks = writes::duplicate_checks(org, names.as_deref());
    let checks =
        checks.ok_or_else(|| Refusal::bad_key("duplicate_check_fields", "unique field"))?;
    let author = ask.author(org);
    let (mut outcomes, mut written, mut late) = (Vec::new(), Vec::new(), false);
    for (index, item) in data(ask)?.iter().enumerate() {
        let target =
            values::id_of(item).or_else(|| writes::duplicate(org, item, &checks).map(|(id, _)| id));
        if let Some(error) = target.and_then(|id| already_modified(org, ask, id)) {
            late = true;
            outcomes.push(error.body());
            continue;
        }
        outcomes.push(match writes::upsert(org, item, index, &checks, author) {
            Ok(done) => {
                written.push(done.id);
                upserted(org, &done, target.is_some())
            }
            Err(error) => error.body(),
        });
    }
    triggered(org, ask, &written);
    Ok(Answer::outcomes(
        "data",
        outcomes,
        200,
        if late { 412 } else { 400 },
    ))
}

fn upserted(org: &Org, done: &writes::Upserted, existed: bool) -> Value {
    let (message, action) = if existed {
        ("record updated", "update")
    } else {
        ("record added", "insert")
    };
    let mut outcome = writes::success(org, done.id, message);
    if let Some(map) = outcome.as_object_mut() {
        map.insert("duplicate_field".into(), json!(done.duplicate_field));
        map.insert("action".into(), json!(action));
    }
    outcome
}

/// `DELETE /Contacts?ids=` and `DELETE /Contacts/{id}`.
pub fn delete(org: &mut Org, ask: &Ask) -> Result<Answer, Refusal> {
    let ids: Vec<&str> = match (&ask.id, ask.params.list("ids")) {
        (Some(id), _) => vec![id],
        (None, Some(ids)) => ids,
        (None, None) => return Err(Refusal::missing_param("ids")),
    };
    if ids.len() > MAX_RECORDS {
        return Err(Refusal::over_limit("ids", MAX_RECORDS));
    }
    let author: Author = ask.author(org);
    let mut outcomes = Vec::new();
    for id in ids {
        let details = json!({"id": id});
        let record = id.parse().ok().and_then(|id| org.table.get(id));
        outcomes.push(match record.map(|record| (record.id, record.locked)) {
            Some((_, true)) => ItemError::new("RECORD_LOCKED", "the record is locked", details).body(),
            Some((id, false)) if writes::delete(org, id, false, author) => {
                json!({"code": "SUCCESS", "details": details, "message": "record deleted", "status": "success"})
            }
            _ => ItemError::new("INVALID_DATA", "record not deleted", details).body(),
        });
    }
    Ok(Answer::outcomes("data", outcomes, 200, 400))
}

fn triggered(org: &mut Org, ask: &Ask, written: &[u64]) {
    for id in written {
        workflow::schedule(org, *id, trigger(ask), ask.now_ms);
    }
}
