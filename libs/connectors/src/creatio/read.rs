//! Reading contacts by id, with what belongs to them. Listings are `pull.rs`.

use std::collections::BTreeMap;

use syncline_connector::{Error, Kind, Response, Session};
use syncline_model::{FieldDescriptor, FieldName, Record, RemoteId};

use super::call::{get as call, list, refusal, row};
use super::map::{is_guid, record};
use super::own;
use super::wire::{Contact, Row, Rows};

/// Ids in one filter: OData services bear so many conditions only.
pub(super) const TOGETHER: usize = 20;

/// The columns of a contact that are read, beside the site's own.
const SELECT: &str = "Id,CreatedOn,ModifiedOn,Name,GivenName,MiddleName,Surname,JobTitle,BirthDate,Notes,\
    DoNotUseEmail,DoNotUseCall,DoNotUseSms,DoNotUseFax,DoNotUseMail";
/// What is read with it in any case.
const EXPAND: &str = "Account($select=Id,Name),\
    ContactCommunicationCollectionByContact($select=Id,CommunicationTypeId,Number,Position,Primary,NonActual,CreatedOn,ModifiedOn),\
    ContactAddressCollectionByContact($select=Id,AddressTypeId,Address,Zip,Primary,CreatedOn,ModifiedOn;\
    $expand=City($select=Id,Name),Region($select=Id,Name),Country($select=Id,Name))";

/// A filter that lets through those of whom a path leads to one of these ids.
pub(super) fn any_of(path: &str, ids: &[&str]) -> String {
    let each: Vec<String> = ids.iter().map(|id| format!("{path} eq {id}")).collect();
    each.join(" or ")
}

/// The fields for the columns that the site has beyond those of all sites.
pub(super) async fn own_columns(session: &Session) -> Result<Vec<FieldDescriptor>, Error> {
    let response = call(session, "$metadata", "GET /odata/$metadata", &[]).await?;
    if !response.is_success() {
        return Err(refusal(&response));
    }
    let text = std::str::from_utf8(&response.body).unwrap_or_default();
    own::descriptors(text).ok_or_else(|| {
        let message = "Creatio's description of its data has no contacts";
        response.error(Kind::Malformed, message)
    })
}

/// What is read of contacts, with these of the site's own columns.
fn select(own: &[FieldName]) -> String {
    let own = own.iter().filter_map(own::column);
    let own = own.filter(|column| column.entity.is_none());
    own.fold(SELECT.to_owned(), |all, column| {
        format!("{all},{}", column.name)
    })
}

/// What is read with it: also what these of the site's own columns lead to.
fn expand(own: &[FieldName]) -> String {
    let own = own.iter().filter_map(own::column);
    let own = own.filter(|column| column.entity.is_some());
    own.fold(EXPAND.to_owned(), |all, column| {
        format!("{all},{}($select=Id,Name)", column.name)
    })
}

/// Those of the site's own columns that it still has.
async fn left(session: &Session, own: &[FieldName]) -> Result<Vec<FieldName>, Error> {
    let known = own_columns(session).await?;
    let is_known = |name: &&FieldName| known.iter().any(|field| field.name == **name);
    Ok(own.iter().filter(is_known).cloned().collect())
}

/// Contacts that a query finds. Where the site refuses it, one of its own columns may be gone: it is left out then.
pub(super) async fn contacts(
    session: &Session,
    own: &[FieldName],
    query: &[(&str, &str)],
) -> Result<(Response, Rows), Error> {
    let read = async |own: &[FieldName]| {
        let (select, expand) = (select(own), expand(own));
        let mut whole = vec![("$select", &*select), ("$expand", &*expand)];
        whole.extend(query);
        list(session, "Contact", &whole).await
    };
    match read(own).await {
        Err(error) if error.kind == Kind::Rejected && !own.is_empty() => {
            let left = left(session, own).await?;
            if left == own {
                return Err(error);
            }
            read(&left).await
        }
        done => done,
    }
}

/// Reads records by id, in the order asked, with these of the site's own columns.
pub(super) async fn get(
    session: &Session,
    ids: &[RemoteId],
    own: &[FieldName],
) -> Result<Vec<Option<Record>>, Error> {
    let asked: Vec<&str> = ids.iter().map(RemoteId::as_str).collect();
    let found = by_ids(session, &asked, own).await?;
    let mut all = Vec::new();
    for id in asked {
        let contact = match found.get(&id.to_lowercase()) {
            Some(contact) => Some(contact.clone()),
            // An answer that was cut off must not make anybody look deleted.
            None if is_guid(id) => one(session, id, own).await?,
            None => None,
        };
        all.push(
            contact
                .map(|contact| as_record(session, &contact, own))
                .transpose()?,
        );
    }
    Ok(all)
}

/// A contact as a record.
pub(super) fn as_record(
    session: &Session,
    contact: &Contact,
    own: &[FieldName],
) -> Result<Record, Error> {
    record(contact, own).ok_or_else(|| {
        let message = "a contact of Creatio's answer has no time of its last change";
        session.error(Kind::Malformed, message)
    })
}

/// Contacts by id; those that Creatio does not show are left out.
pub(super) async fn by_ids(
    session: &Session,
    ids: &[&str],
    own: &[FieldName],
) -> Result<BTreeMap<String, Contact>, Error> {
    let mut ids: Vec<&str> = ids.iter().copied().filter(|id| is_guid(id)).collect();
    ids.sort_unstable();
    ids.dedup();
    let mut found = BTreeMap::new();
    for ids in ids.chunks(TOGETHER) {
        let (filter, top) = (any_of("Id", ids), ids.len().to_string());
        let query = [("$filter", &*filter), ("$top", &*top), ("$count", "true")];
        let (_, rows) = contacts(session, own, &query).await?;
        let is_cut = rows.count != Some(rows.value.len());
        for row in rows.value {
            let contact = contact(session, row)?;
            found.insert(contact.id.to_lowercase(), contact);
        }
        for id in ids.iter().filter(|_| is_cut) {
            if !found.contains_key(&id.to_lowercase())
                && let Some(contact) = one(session, id, own).await?
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
async fn one(session: &Session, id: &str, own: &[FieldName]) -> Result<Option<Contact>, Error> {
    let read = async |own: &[FieldName]| {
        let (select, expand) = (select(own), expand(own));
        let query = [("$select", &*select), ("$expand", &*expand)];
        row(session, "Contact", id, &query).await
    };
    match read(own).await {
        Err(error) if error.kind == Kind::Rejected && !own.is_empty() => {
            read(&left(session, own).await?).await
        }
        done => done,
    }
}
