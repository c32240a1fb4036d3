//! Reading contacts by id, with what belongs to them. Listings are `pull.rs`.

use std::collections::BTreeMap;

use syncline_connector::{Error, Kind, Session};
use syncline_model::{Record, RemoteId};

use super::call::{expect, get as call, is_nobody, list};
use super::map::{is_guid, record};
use super::wire::{Contact, Row};

/// Ids in one filter: OData services bear so many conditions only.
pub(super) const TOGETHER: usize = 20;

/// The columns of a contact that are read.
pub(super) const SELECT: &str = "Id,CreatedOn,ModifiedOn,Name,GivenName,MiddleName,Surname,JobTitle,BirthDate,Notes,\
    DoNotUseEmail,DoNotUseCall,DoNotUseSms,DoNotUseFax,DoNotUseMail";
/// What is read with it.
pub(super) const EXPAND: &str = "Account($select=Id,Name),\
    ContactCommunicationCollectionByContact($select=Id,CommunicationTypeId,Number,Position,Primary,NonActual,CreatedOn,ModifiedOn),\
    ContactAddressCollectionByContact($select=Id,Address,Zip,Primary,CreatedOn,ModifiedOn;\
    $expand=City($select=Id,Name),Region($select=Id,Name),Country($select=Id,Name))";

/// A filter that lets through those of whom a path leads to one of these ids.
pub(super) fn any_of(path: &str, ids: &[&str]) -> String {
    let each: Vec<String> = ids.iter().map(|id| format!("{path} eq {id}")).collect();
    each.join(" or ")
}

/// Reads records by id, in the order asked.
pub(super) async fn get(session: &Session, ids: &[RemoteId]) -> Result<Vec<Option<Record>>, Error> {
    let asked: Vec<&str> = ids.iter().map(RemoteId::as_str).collect();
    let found = by_ids(session, &asked).await?;
    let mut all = Vec::new();
    for id in asked {
        let contact = match found.get(&id.to_lowercase()) {
            Some(contact) => Some(contact.clone()),
            // An answer that was cut off must not make anybody look deleted.
            None if is_guid(id) => one(session, id).await?,
            None => None,
        };
        all.push(
            contact
                .map(|contact| as_record(session, &contact))
                .transpose()?,
        );
    }
    Ok(all)
}

/// A contact as a record.
pub(super) fn as_record(session: &Session, contact: &Contact) -> Result<Record, Error> {
    record(contact).ok_or_else(|| {
        let message = "a contact of Creatio's answer has no time of its last change";
        session.error(Kind::Malformed, message)
    })
}

/// Contacts by id; those that Creatio does not show are left out.
pub(super) async fn by_ids(
    session: &Session,
    ids: &[&str],
) -> Result<BTreeMap<String, Contact>, Error> {
    let mut ids: Vec<&str> = ids.iter().copied().filter(|id| is_guid(id)).collect();
    ids.sort_unstable();
    ids.dedup();
    let mut found = BTreeMap::new();
    for ids in ids.chunks(TOGETHER) {
        let (filter, top) = (any_of("Id", ids), ids.len().to_string());
        let query = [
            ("$filter", &*filter),
            ("$select", SELECT),
            ("$expand", EXPAND),
            ("$top", &top),
            ("$count", "true"),
        ];
        let (_, rows) = list(session, "Contact", &query).await?;
        let is_cut = rows.count != Some(rows.value.len());
        for row in rows.value {
            let contact = contact(session, row)?;
            found.insert(contact.id.to_lowercase(), contact);
        }
        for id in ids.iter().filter(|_| is_cut) {
            if !found.contains_key(&id.to_lowercase())
                && let Some(contact) = one(session, id).await?
            {
                found.insert(contact.id.to_lowercase(), contact);
            }
        }
    }
    Ok(found)
}

/// A row as a contact.
pub(super) fn contact(session: &Session, row: Row) -> Result<Contact, Error> {
    serde_json::from_value(row.into()).map_err(|_| {
        let message = "a contact of Creatio's answer is not what it documents";
        session.error(Kind::Malformed, message)
    })
}

/// One contact; `None` where Creatio says that there is none.
async fn one(session: &Session, id: &str) -> Result<Option<Contact>, Error> {
    let query = [("$select", SELECT), ("$expand", EXPAND)];
    let path = format!("Contact({id})");
    let response = call(session, &path, "GET /odata/Contact({id})", &query).await?;
    if is_nobody(&response) {
        return Ok(None);
    }
    expect(&response).map(Some)
}
