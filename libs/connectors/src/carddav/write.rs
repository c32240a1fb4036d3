//! Writing cards, one by one and by one writer at a time: not every server can be relied on to refuse the second of two.
//!
//! What was written is read back, since servers rewrite what they are given.

use std::collections::BTreeMap;

use syncline_connector::{Create, Error, Kind, Request, Response, Session, Update, Written};
use syncline_model::{FieldName, Fields, RemoteId, Value, Version};
use url::Url;

use super::call::{self, About, expect};
use super::card::Card;
use super::fields::{LONGEST, UID};
use super::map;
use super::read::{Fetched, fetch_all, fetch_alone, path_of};
use super::wire::CARD;

/// What was written: where, and which version the server says that made.
struct Done {
    href: String,
    etag: Option<String>,
}

/// Where a creation's card is: the same in every attempt.
pub(super) fn href(session: &Session, collection: &str, item: &Create) -> Result<RemoteId, Error> {
    let path = path_of(session, collection)?;
    Ok(RemoteId::new(format!("{path}{}.vcf", item.operation)))
}

/// Creates cards. Each has an address and an id of ours, so that a second attempt finds the first.
pub(super) async fn create(
    session: &Session,
    collection: &str,
    items: &[Create],
) -> Vec<Result<Written, Error>> {
    let _turn = session.write_lock().await;
    let server = match session.server().await {
        Ok(server) => server,
        Err(error) => return all_fail(items.len(), &error),
    };
    let mut outcomes = Vec::new();
    for item in items {
        outcomes.push(create_one(session, &server, collection, item).await);
    }
    read_back(session, &server, outcomes).await
}

async fn create_one(
    session: &Session,
    server: &Url,
    collection: &str,
    item: &Create,
) -> Result<Done, Error> {
    let href = href(session, collection, item)?.as_str().to_owned();
    let own = item.operation.to_string();
    let mut fields = item.fields.clone();
    let uid = match fields.remove(&FieldName::new(UID)) {
        Some(Value::Text(uid)) if is_uid(&uid) => uid,
        _ => own.clone(),
    };
    let mut made = put_new(session, server, &href, (&uid, item), &fields).await;
    // A card of that id is there already, and is somebody else to this connection.
    if made.as_ref().is_err_and(call::is_uid_taken) && uid != own {
        made = put_new(session, server, &href, (&own, item), &fields).await;
    }
    match made {
        Ok(response) => Ok(Done {
            etag: call::etag(&response),
            href,
        }),
        // There is one: an attempt of ours that we never heard of.
        Err(error) if error.kind == Kind::VersionMismatch => Ok(Done { href, etag: None }),
        // Said of a new card, that is the address book.
        Err(mut error) if error.kind == Kind::NotFound => {
            error.message = "the address book is not there any more, or the server does not understand the contact".into();
            Err(error)
        }
        Err(error) => Err(error),
    }
}

/// Puts a card of this id where there is none.
async fn put_new(
    session: &Session,
    server: &Url,
    href: &str,
    (uid, item): (&str, &Create),
    fields: &Fields,
) -> Result<Response, Error> {
    let mut card = Card::new(uid, item.intended_at);
    map::apply(&mut card, fields)
        .map_err(|unfit| session.error(Kind::Rejected, unfit.to_string()))?;
    let request = put(server, href, &card).header("if-none-match", "*");
    expect(session.send(request).await?, About::Card)
}

/// Whether a card can have this id, as it stands on another one.
fn is_uid(uid: &str) -> bool {
    !uid.trim().is_empty() && uid.len() <= LONGEST && !uid.contains(char::is_control)
}

/// Changes cards: each is read, changed and written on condition that it still is what was read.
pub(super) async fn update(session: &Session, items: &[Update]) -> Vec<Result<Written, Error>> {
    let _turn = session.write_lock().await;
    let server = match session.server().await {
        Ok(server) => server,
        Err(error) => return all_fail(items.len(), &error),
    };
    let mut outcomes = Vec::new();
    for item in items {
        outcomes.push(update_one(session, &server, item).await);
    }
    read_back(session, &server, outcomes).await
}

async fn update_one(session: &Session, server: &Url, item: &Update) -> Result<Done, Error> {
    // By itself: in the XML of several the ends of its lines are lost.
    let found = fetch_alone(session, server, item.id.as_str()).await?;
    let Some(Fetched {
        href,
        etag,
        mut card,
        ..
    }) = found
    else {
        return Err(session.error(Kind::NotFound, "the contact is not there any more"));
    };
    let is_same = |version: &Version| version.as_str() == etag;
    if !item.version.as_ref().is_none_or(is_same) {
        return Err(session.error(Kind::VersionMismatch, "the contact was changed meanwhile"));
    }
    if !card.is_card() {
        return Err(session.error(Kind::Rejected, "what the server has there is no vCard"));
    }
    let changed = map::apply(&mut card, &item.changes);
    let changed = changed.map_err(|unfit| session.error(Kind::Rejected, unfit.to_string()))?;
    if !changed {
        return Ok(Done {
            href,
            etag: Some(etag),
        });
    }
    let request = put(server, &href, &card).header("if-match", etag);
    let response = expect(session.send(request).await?, About::Card)?;
    Ok(Done {
        href,
        etag: call::etag(&response),
    })
}

/// Deletes cards.
pub(super) async fn delete(session: &Session, ids: &[RemoteId]) -> Vec<Result<(), Error>> {
    let _turn = session.write_lock().await;
    let server = match session.server().await {
        Ok(server) => server,
        Err(error) => return ids.iter().map(|_| Err(error.clone())).collect(),
    };
    let mut outcomes = Vec::new();
    for id in ids {
        let request = Request::delete(call::at(&server, id.as_str()))
            .route("DELETE /{path}")
            .repeatable();
        let response = session.send(request).await;
        outcomes.push(match response {
            Ok(response) if matches!(response.status, 404 | 410) => Ok(()),
            Ok(response) => expect(response, About::Card).map(drop),
            Err(error) => Err(error),
        });
    }
    outcomes
}

fn put(server: &Url, href: &str, card: &Card) -> Request {
    Request::put_text(call::at(server, href), CARD, card.text()).route("PUT /{path}")
}

/// What the server made of what was written. It is known to be written, even if that cannot be seen.
async fn read_back(
    session: &Session,
    server: &Url,
    outcomes: Vec<Result<Done, Error>>,
) -> Vec<Result<Written, Error>> {
    let done = outcomes.iter().filter_map(|outcome| outcome.as_ref().ok());
    let hrefs: Vec<&str> = done.map(|done| done.href.as_str()).collect();
    let found = fetch_all(session, server, &hrefs)
        .await
        .unwrap_or_else(|error| {
            tracing::debug!(%error, "what was written could not be read back");
            BTreeMap::new()
        });
    let written = |done: Done| {
        let seen = found.get(&done.href);
        // Somebody may have changed it already: then it is read as their change.
        let ours = seen.filter(|seen| done.etag.as_ref().is_none_or(|etag| *etag == seen.etag));
        let etag = done.etag.or_else(|| Some(ours?.etag.clone()));
        Written {
            id: RemoteId::new(done.href),
            version: etag.map(Version::new),
            modified_at: ours.and_then(|seen| seen.modified_at),
            fields: ours.map(|seen| map::fields(&seen.card)),
        }
    };
    outcomes
        .into_iter()
        .map(|outcome| outcome.map(written))
        .collect()
}

fn all_fail(count: usize, error: &Error) -> Vec<Result<Written, Error>> {
    (0..count).map(|_| Err(error.clone())).collect()
}
