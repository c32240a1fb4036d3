//! Writing contacts: create, update, delete, mark. One outcome a record, in the order of the request.
//!
//! An update is conditional in one of two ways. Few are sent one by one, each with the version it was computed from
//! (`If-Unmodified-Since`, which Zoho takes for one record a call). Many go in one call, after one read of their
//! modification times leaves out those that changed: a change in between the two calls can be overwritten, in the
//! very fields that are being written. Versions have a resolution of one second.

use std::collections::BTreeSet;

use serde_json::json;
use syncline_connector::{Create, Error, Kind, Request, Response, Session, Update, Written};
use syncline_model::{FieldName, Fields, RemoteId, Version};

use super::answer::{outcomes, record_error, refused, succeeded};
use super::fields::{Shapes, base, is_unknown};
use super::map::{MODIFIED, Payload, change, creation, instant};
use super::owners::{Users, is_owner, users};
use super::read::{by_ids, is_id, learn};
use super::wire::{AddTags, Outcome, Row, TagName, Write};

/// The tag that marks a record as trash.
const TRASH: &str = "Syncline Trash";
/// Up to this many updates are sent one by one.
const SINGLY: usize = 5;

type Results<T> = Vec<Result<T, Error>>;

/// Creates contacts.
pub(super) async fn create(session: &Session, items: &[Create]) -> Results<Written> {
    let shapes = match learn_custom(session, items.iter().map(|item| &item.fields)).await {
        Ok(shapes) => shapes,
        Err(error) => return all(items.len(), &error),
    };
    let users = match users_for(session, items.iter().map(|item| &item.fields)).await {
        Ok(users) => users,
        Err(error) => return all(items.len(), &error),
    };
    let rows: Results<Row> = items
        .iter()
        .map(|item| {
            all_there(session, &item.fields, &shapes)?;
            let payload = creation(&item.fields, &shapes);
            filled(
                session,
                owned(session, payload, &item.fields, users.as_ref(), true)?,
            )
        })
        .collect();
    send_filled(rows, async |rows| {
        let credits = rows.len().div_ceil(10) as u32;
        let request = Request::post("/Contacts", body(&Write { data: rows.clone() }))
            .route("POST /Contacts")
            .take("credits", credits);
        many(session, request, rows.len(), written).await
    })
    .await
}

/// Changes contacts.
pub(super) async fn update(session: &Session, items: &[Update]) -> Results<Written> {
    let shapes = match learn_custom(session, items.iter().map(|item| &item.changes)).await {
        Ok(shapes) => shapes,
        Err(error) => return all(items.len(), &error),
    };
    let users = match users_for(session, items.iter().map(|item| &item.changes)).await {
        Ok(users) => users,
        Err(error) => return all(items.len(), &error),
    };
    let rows: Results<Row> = items
        .iter()
        .map(|item| {
            all_there(session, &item.changes, &shapes)?;
            let payload = change(&item.changes, &shapes);
            let payload = owned(session, payload, &item.changes, users.as_ref(), false)?;
            let mut row = filled(session, payload)?;
            row.insert("id".into(), item.id.as_str().into());
            Ok(row)
        })
        .collect();
    let conditional = items.iter().any(|item| item.version.is_some());
    if conditional && items.len() <= SINGLY {
        let mut results = Vec::with_capacity(items.len());
        for (item, row) in items.iter().zip(rows) {
            results.push(match row {
                Ok(row) => update_one(session, item, row).await,
                Err(error) => Err(error),
            });
        }
        return results;
    }
    let rows = match unchanged(session, items, rows).await {
        Ok(rows) => rows,
        Err(error) => return all(items.len(), &error),
    };
    let results = send_filled(rows, async |rows| {
        let credits = rows.len().div_ceil(10) as u32;
        let request = Request::put("/Contacts", body(&Write { data: rows.clone() }))
            .route("PUT /Contacts")
            .take("credits", credits)
            .repeatable();
        many(session, request, rows.len(), written).await
    })
    .await;
    let of_another = "Zoho CRM's answer is about another contact than the one changed";
    let own = |(result, item): (Result<Written, Error>, &Update)| match result {
        Ok(written) if written.id != item.id => Err(session.error(Kind::Malformed, of_another)),
        result => result,
    };
    results.into_iter().zip(items).map(own).collect()
}

async fn update_one(session: &Session, item: &Update, mut row: Row) -> Result<Written, Error> {
    row.remove("id");
    let mut request = Request::put(
        format!("/Contacts/{}", path_id(session, &item.id)?),
        body(&Write { data: vec![row] }),
    )
    .route("PUT /Contacts/{id}")
    .take("credits", 1)
    .repeatable();
    if let Some(version) = &item.version {
        request = request.header("if-unmodified-since", version.as_str());
    }
    let response = session.send(request).await?;
    let outcome = outcomes(&response, 1)?
        .into_iter()
        .next()
        .unwrap_or_default();
    written(&outcome, &response)
}

/// An id as a part of an address.
fn path_id<'a>(session: &Session, id: &'a RemoteId) -> Result<&'a str, Error> {
    if is_id(id.as_str()) {
        Ok(id.as_str())
    } else {
        Err(session.error(Kind::NotFound, "the contact's id is not one of Zoho CRM's"))
    }
}

/// The rows of records that are still at the version they were computed from.
async fn unchanged(
    session: &Session,
    items: &[Update],
    rows: Results<Row>,
) -> Result<Results<Row>, Error> {
    let versioned = items.iter().filter(|item| item.version.is_some());
    let ids: Vec<&str> = versioned.map(|item| item.id.as_str()).collect();
    if ids.is_empty() {
        return Ok(rows);
    }
    let now = by_ids(session, &ids, &[MODIFIED.to_owned()]).await?;
    let changed = |item: &Update| {
        let current = now
            .get(item.id.as_str())
            .and_then(|row| row.get(MODIFIED)?.as_str());
        match (&item.version, current) {
            (Some(version), Some(current)) => {
                version.as_str() != current && instant(version.as_str()) != instant(current)
            }
            // Without a version there is no condition; a record that is gone is for the write to report.
            _ => false,
        }
    };
    let message = "the contact was changed in Zoho CRM meanwhile";
    Ok(items
        .iter()
        .zip(rows)
        .map(|(item, row)| {
            if changed(item) {
                Err(session.error(Kind::VersionMismatch, message))
            } else {
                row
            }
        })
        .collect())
}

/// Deletes contacts; what is not there counts as deleted.
pub(super) async fn delete(session: &Session, ids: &[RemoteId]) -> Results<()> {
    let joined: Vec<&str> = ids.iter().map(RemoteId::as_str).collect();
    let request = Request::delete("/Contacts")
        .route("DELETE /Contacts")
        .query("ids", joined.join(","))
        .take("credits", 1)
        .repeatable();
    many(
        session,
        request,
        ids.len(),
        |outcome, response| match record_error_unless_done(outcome, response) {
            Err(error) if error.kind == Kind::NotFound => Ok(()),
            result => result,
        },
    )
    .await
}

/// Tags contacts as trash. A tag that does not exist yet is made by naming it.
pub(super) async fn mark(session: &Session, ids: &[RemoteId]) -> Results<()> {
    let tags = AddTags {
        tags: vec![TagName { name: TRASH }],
        ids: ids.iter().map(RemoteId::as_str).collect(),
        over_write: false,
    };
    let request = Request::post("/Contacts/actions/add_tags", body(&tags))
        .route("POST /Contacts/actions/add_tags")
        .take("credits", ids.len().div_ceil(50) as u32)
        .repeatable();
    many(session, request, ids.len(), record_error_unless_done).await
}

fn record_error_unless_done(outcome: &Outcome, response: &Response) -> Result<(), Error> {
    if succeeded(outcome) {
        Ok(())
    } else {
        Err(record_error(outcome, response))
    }
}

fn written(outcome: &Outcome, response: &Response) -> Result<Written, Error> {
    record_error_unless_done(outcome, response)?;
    let Some(id) = &outcome.details.id else {
        let mut error = response.error(
            Kind::Malformed,
            "Zoho CRM does not say which contact it wrote",
        );
        error.maybe_applied = true;
        return Err(error);
    };
    let modified = outcome.details.modified_time.as_deref();
    Ok(Written {
        id: RemoteId::new(id),
        version: modified.map(Version::new),
        modified_at: modified.and_then(instant),
        fields: None,
    })
}

/// Sends a write of `count` records and reads each one's outcome.
async fn many<T>(
    session: &Session,
    request: Request,
    count: usize,
    read: impl Fn(&Outcome, &Response) -> Result<T, Error>,
) -> Results<T> {
    let response = match session.send(request).await {
        Ok(response) => response,
        Err(error) => return all(count, &error),
    };
    if matches!(response.status, 401 | 403) {
        return all(count, &refused(&response));
    }
    match outcomes(&response, count) {
        Ok(outcomes) => outcomes
            .iter()
            .map(|outcome| read(outcome, &response))
            .collect(),
        Err(error) => all(count, &error),
    }
}

/// Sends the rows that there are and puts their outcomes back in place.
async fn send_filled(
    rows: Results<Row>,
    send: impl AsyncFnOnce(Vec<Row>) -> Results<Written>,
) -> Results<Written> {
    let sendable: Vec<Row> = rows
        .iter()
        .filter_map(|row| row.as_ref().ok().cloned())
        .collect();
    let mut sent = if sendable.is_empty() {
        Vec::new()
    } else {
        send(sendable).await
    }
    .into_iter();
    rows.into_iter()
        .filter_map(|row| match row {
            Ok(_) => sent.next(),
            Err(error) => Some(Err(error)),
        })
        .collect()
}

/// A payload's row; one with nothing in it is refused here, naming what Zoho cannot hold.
fn filled(session: &Session, payload: Payload) -> Result<Row, Error> {
    if !payload.row.is_empty() {
        return Ok(payload.row);
    }
    let names: Vec<&str> = payload.left_out.iter().map(FieldName::as_str).collect();
    Err(session.error(
        Kind::Rejected,
        format!("Zoho CRM cannot hold this value of {}", names.join(", ")),
    ))
}

fn all<T>(count: usize, error: &Error) -> Results<T> {
    (0..count).map(|_| Err(error.clone())).collect()
}

fn body(value: &impl serde::Serialize) -> serde_json::Value {
    serde_json::to_value(value).unwrap_or_default()
}

/// Refuses fields that Zoho does not have (any more): it would drop them from the record and call that a success.
fn all_there(session: &Session, fields: &Fields, shapes: &Shapes) -> Result<(), Error> {
    let missing = fields
        .keys()
        .find(|name| is_unknown(name) && !shapes.contains_key(base(name)));
    match missing {
        None => Ok(()),
        Some(name) => Err(session.error(
            Kind::Rejected,
            format!("contacts in Zoho CRM have no field {name}"),
        )),
    }
}

/// The active users, if any of these fields is about the owner; `None` when this user may not see them.
async fn users_for(
    session: &Session,
    mut items: impl Iterator<Item = &Fields>,
) -> Result<Option<Users>, Error> {
    if items.any(|fields| fields.keys().any(is_owner)) {
        users(session).await
    } else {
        Ok(Some(Users::default()))
    }
}

/// The payload with the owner that the fields name.
fn owned(
    session: &Session,
    mut payload: Payload,
    fields: &Fields,
    users: Option<&Users>,
    creation: bool,
) -> Result<Payload, Error> {
    if !fields.keys().any(is_owner) {
        return Ok(payload);
    }
    let unseen = "the user may not see who could own a contact in Zoho CRM";
    let users = users.ok_or_else(|| session.error(Kind::Rejected, unseen))?;
    let owner = users
        .owner(fields, creation)
        .map_err(|unfit| session.error(Kind::Rejected, unfit.to_string()))?;
    if let Some(owner) = owner {
        payload.row.insert("Owner".into(), json!({ "id": owner }));
    }
    payload.left_out.retain(|name| !is_owner(name));
    Ok(payload)
}

/// The shapes of the custom fields that are to be written: some numbers Zoho takes only as strings, and what it does
/// not know it drops without a word.
async fn learn_custom(
    session: &Session,
    items: impl Iterator<Item = &Fields>,
) -> Result<Shapes, Error> {
    let names: BTreeSet<&FieldName> = items
        .flat_map(Fields::keys)
        .filter(|name| is_unknown(name))
        .collect();
    let names: Vec<FieldName> = names.into_iter().cloned().collect();
    let mut shapes = Shapes::new();
    learn(session, &names, &mut shapes).await?;
    Ok(shapes)
}
