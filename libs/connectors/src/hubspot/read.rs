//! Reading contacts by id, and what every reading shares: the names to ask for and the shapes of properties. Listings are
//! `pull.rs`.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::{Value as Json, json};
use syncline_connector::{Create, Error, Kind, Request, Response, Session};
use syncline_model::{FieldName, Record, RemoteId};

use super::fields::{MARK, Shapes, fixed, shape, standard_names};
use super::map::{MERGED, record};
use super::refuse::refusal;
use super::wire::{Contact, Contacts, Properties, Property, Refused};

/// What HubSpot says of a contact that there is not. Anything else about one is no evidence of that.
const NO_SUCH: &str = "OBJECT_NOT_FOUND";
/// Inputs of a call.
pub(super) const MOST: usize = 100;

/// The body of a success, or the error that another answer is.
pub(super) fn expect<T: DeserializeOwned>(response: &Response) -> Result<T, Error> {
    if response.is_success() {
        response.json()
    } else {
        Err(refusal(response))
    }
}

/// A question that HubSpot takes as a `POST`.
pub(super) fn question(session: &Session, path: &str, body: &Json) -> Result<Request, Error> {
    Request::ask("POST", path, "application/json", body.to_string())
        .ok_or_else(|| session.error(Kind::Unsupported, "HTTP cannot carry the question"))
}

/// Every property of contacts.
pub(super) async fn properties(session: &Session) -> Result<Vec<Property>, Error> {
    let request = Request::get("/crm/v3/properties/contacts")
        .route("GET /crm/v3/properties/contacts")
        .take("calls", 1);
    let all: Properties = expect(&session.send(request).await?)?;
    Ok(all.results)
}

/// The shapes of the named fields that are not the same in every account. Costs a call only if there is such a field.
pub(super) async fn shapes<'a>(
    session: &Session,
    names: impl IntoIterator<Item = &'a FieldName>,
) -> Result<Shapes, Error> {
    if names.into_iter().all(|name| fixed(name.as_str()).is_some()) {
        return Ok(Shapes::new());
    }
    let all = properties(session).await?.into_iter();
    Ok(all
        .map(|property| (property.name.clone(), shape(&property)))
        .collect())
}

/// What to read: the fields asked for, or the standard ones.
pub(super) fn wanted(fields: &[FieldName]) -> Vec<FieldName> {
    if fields.is_empty() {
        standard_names().collect()
    } else {
        fields.to_vec()
    }
}

/// HubSpot's names for them, and for what a record's identity needs.
fn names(wanted: &[FieldName]) -> Vec<&str> {
    let names = wanted.iter().map(FieldName::as_str);
    names.chain([MERGED, MARK]).collect()
}

/// Reads records by id, in the order asked.
pub(super) async fn get(
    session: &Session,
    ids: &[RemoteId],
    fields: &[FieldName],
) -> Result<Vec<Option<Record>>, Error> {
    let wanted = wanted(fields);
    let shapes = shapes(session, &wanted).await?;
    let asked: Vec<&str> = ids.iter().map(RemoteId::as_str).collect();
    let mut found = by_ids(session, &asked, &wanted).await?;
    asked
        .iter()
        .map(|id| match found.remove(*id) {
            Some(contact) => as_record(session, &contact, &wanted, &shapes).map(Some),
            None => Ok(None),
        })
        .collect()
}

/// A contact as a record.
pub(super) fn as_record(
    session: &Session,
    contact: &Contact,
    wanted: &[FieldName],
    shapes: &Shapes,
) -> Result<Record, Error> {
    record(contact, wanted, shapes).ok_or_else(|| {
        let message = "a contact of HubSpot's answer has no time of its last change";
        session.error(Kind::Malformed, message)
    })
}

/// Contacts by id. Those that are archived or never were are left out.
pub(super) async fn by_ids(
    session: &Session,
    ids: &[&str],
    wanted: &[FieldName],
) -> Result<BTreeMap<String, Contact>, Error> {
    // Anything else than a number is refused for the whole batch.
    let is_id = |id: &&&str| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
    let mut ids: Vec<&str> = ids.iter().filter(is_id).copied().collect();
    ids.sort_unstable();
    ids.dedup();
    let mut found = BTreeMap::new();
    for ids in ids.chunks(MOST) {
        for contact in batch(session, ids, None, wanted).await? {
            found.insert(contact.id.clone(), contact);
        }
    }
    Ok(found)
}

/// One call for many. Of an id that is in the answer neither as a contact nor as one that HubSpot does not have, it is
/// asked by itself: an answer that was cut off must not make a contact look deleted.
async fn batch(
    session: &Session,
    ids: &[&str],
    by: Option<&str>,
    wanted: &[FieldName],
) -> Result<Vec<Contact>, Error> {
    let inputs: Vec<Json> = ids.iter().map(|id| json!({ "id": id })).collect();
    let mut body = json!({"inputs": inputs, "properties": names(wanted)});
    if let (Some(by), Some(body)) = (by, body.as_object_mut()) {
        body.insert("idProperty".into(), by.into());
    }
    let request = question(session, "/crm/v3/objects/contacts/batch/read", &body)?
        .route("POST /crm/v3/objects/contacts/batch/read")
        .take("calls", 1);
    let answer: Contacts = expect(&session.send(request).await?)?;
    let errors = answer.errors.iter();
    let missing = errors.filter(|error| error.category == NO_SUCH);
    let missing = missing.filter_map(|error| error.context.get("ids"));
    let missing: Vec<&Json> = missing.filter_map(Json::as_array).flatten().collect();
    let mut found = answer.results;
    for id in ids {
        let is_it = |contact: &Contact| match by {
            Some(by) => contact.properties.get(by).and_then(Option::as_deref) == Some(*id),
            None => contact.id == *id,
        };
        if missing.iter().all(|one| *one != id) && !found.iter().any(is_it) {
            found.extend(one(session, id, by, wanted).await?);
        }
    }
    found.retain(|contact| !contact.archived);
    Ok(found)
}

/// One contact; `None` where HubSpot says that there is none.
async fn one(
    session: &Session,
    id: &str,
    by: Option<&str>,
    wanted: &[FieldName],
) -> Result<Option<Contact>, Error> {
    let mut request = Request::get(format!("/crm/v3/objects/contacts/{id}"))
        .route("GET /crm/v3/objects/contacts/{id}")
        .query("properties", names(wanted).join(","))
        .take("calls", 1);
    if let Some(by) = by {
        request = request.query("idProperty", by);
    }
    let response = session.send(request).await?;
    if response.status == 404
        && response
            .json::<Refused>()
            .is_ok_and(|said| said.category == NO_SUCH)
    {
        return Ok(None);
    }
    expect(&response).map(Some)
}

/// The contacts that creations made, by the mark that they carry.
pub(super) async fn find_created(
    session: &Session,
    items: &[Create],
    known: &[RemoteId],
) -> Result<Vec<Option<Record>>, Error> {
    let mut names: Vec<FieldName> = Vec::new();
    for name in items.iter().flat_map(|item| item.fields.keys()) {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    let shapes = shapes(session, &names).await?;
    let marks: Vec<String> = items.iter().map(mark).collect();
    let mut found = BTreeMap::new();
    for marks in marks.chunks(MOST) {
        let marks: Vec<&str> = marks.iter().map(String::as_str).collect();
        let contacts = match batch(session, &marks, Some(MARK), &names).await {
            // Where there is no such property yet, nothing was made with it.
            Err(error) if error.kind == Kind::Rejected => Vec::new(),
            contacts => contacts?,
        };
        for contact in contacts {
            if let Some(Some(mark)) = contact.properties.get(MARK) {
                found.insert(mark.clone(), contact);
            }
        }
    }
    marks
        .iter()
        .map(|mark| match found.remove(mark) {
            Some(contact) if !known.contains(&RemoteId::new(&contact.id)) => {
                as_record(session, &contact, &names, &shapes).map(Some)
            }
            _ => Ok(None),
        })
        .collect()
}

/// The mark of a creation.
pub(super) fn mark(item: &Create) -> String {
    item.operation.to_string()
}
