//! Reading: pages of changes, contacts by id, and what an audience is made of.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use syncline_connector::{
    Change, Create, Error, GoneWhy, Kind, Next, Page, Pull, Request, Response, Session,
};
use syncline_model::{FieldName, Record, RemoteId, Value};

use super::cursor::{COUNT, CURSOR_LIFE, LAG, Mark, Stage, Step, Trip};
use super::fields::{EMAIL, Shapes, is_common, shapes};
use super::map;
use super::refuse::refusal;
use super::wire::{List, Lists, Member, Members, MergeField, MergeFields, Tag, Tags};

/// Most merge fields, tags or audiences of an answer.
const MOST: &str = "1000";
/// Audiences of which an account's fields are collected.
const AUDIENCES: usize = 100;
/// What no answer needs to say.
const LINKS: &str = "_links";

/// Sends a call; a refusal is an error.
pub(super) async fn send(session: &Session, request: Request) -> Result<Response, Error> {
    let response = session.send(request).await?;
    if response.is_success() {
        Ok(response)
    } else {
        Err(refusal(&response))
    }
}

/// The audience of a collection's id.
pub(super) fn list_of<'a>(session: &Session, collection: &'a str) -> Result<&'a str, Error> {
    let list = collection.strip_prefix("audience:");
    let is_id = |list: &&str| !list.is_empty() && list.bytes().all(|b| b.is_ascii_alphanumeric());
    list.filter(is_id)
        .ok_or_else(|| session.error(Kind::NotFound, "Mailchimp has no such audience"))
}

/// The account's audiences, the oldest first.
pub(super) async fn lists(session: &Session) -> Result<Vec<List>, Error> {
    let request = Request::get("/lists")
        .route("GET /lists")
        .query("count", MOST)
        .query(
            "fields",
            "lists.id,lists.name,lists.date_created,total_items",
        );
    let answer: Lists = send(session, request).await?.json()?;
    let mut lists = answer.lists;
    if lists.len() < answer.total_items {
        return Err(session.error(Kind::Malformed, "Mailchimp does not name all audiences"));
    }
    lists.sort_by(|a, b| (&a.date_created, &a.id).cmp(&(&b.date_created, &b.id)));
    Ok(lists)
}

/// Whether people confirm by mail that they want to be in an audience.
pub(super) async fn is_double_optin(session: &Session, list: &str) -> Result<bool, Error> {
    let request = Request::get(format!("/lists/{list}"))
        .route("GET /lists/{id}")
        .query("fields", "id,double_optin");
    let list: List = send(session, request).await?.json()?;
    Ok(list.double_optin)
}

async fn merge_fields_answer(session: &Session, list: &str) -> Result<Response, Error> {
    let request = Request::get(format!("/lists/{list}/merge-fields"))
        .route("GET /lists/{id}/merge-fields")
        .query("count", MOST)
        .query("exclude_fields", "_links,merge_fields._links");
    send(session, request).await
}

/// The shapes of an audience's merge fields.
pub(super) async fn shapes_of(session: &Session, list: &str) -> Result<Shapes, Error> {
    let answer: MergeFields = merge_fields_answer(session, list).await?.json()?;
    Ok(shapes(&answer.merge_fields))
}

/// The merge fields and the tags of all audiences.
pub(super) async fn everything(
    session: &Session,
) -> Result<(Vec<MergeField>, BTreeSet<String>), Error> {
    let (mut fields, mut tags) = (Vec::new(), BTreeSet::new());
    for list in lists(session).await?.iter().take(AUDIENCES) {
        let answer: MergeFields = merge_fields_answer(session, &list.id).await?.json()?;
        fields.extend(answer.merge_fields);
        let request = Request::get(format!("/lists/{}/tag-search", list.id))
            .route("GET /lists/{id}/tag-search");
        let answer: Tags = send(session, request).await?.json()?;
        tags.extend(answer.tags.into_iter().map(|tag| tag.name));
    }
    Ok((fields, tags))
}

// ---- pull

fn now(session: &Session, response: &Response) -> Result<DateTime<Utc>, Error> {
    let silent = || session.error(Kind::Malformed, "Mailchimp does not say what time it is");
    response.date.ok_or_else(silent)
}

/// One page of a pull.
pub(super) async fn pull(session: &Session, pull: &Pull) -> Result<Page, Error> {
    let list = list_of(session, &pull.collection)?;
    let mut trip = match &pull.page {
        Some(token) => Trip::read(token).ok_or_else(|| expired(session))?,
        None => begin(session, list, pull).await?,
    };
    let response = send(session, listing(list, &trip)).await?;
    let at = now(session, &response)?;
    let page: Members = response.json()?;
    if let Some(mark) = &trip.from
        && at - mark.listed > CURSOR_LIFE
    {
        return Err(expired(session));
    }
    let (got, total) = (page.members.len(), page.total_items);
    let changes = changes(session, list, page.members, &trip).await?;
    let next = match trip.step(got, total, at) {
        Step::Cut => {
            return Err(session.error(Kind::Malformed, "Mailchimp's list ends before its end"));
        }
        Step::On => Next::Page(trip.write()),
        Step::Over if trip.stage == Stage::There && trip.from.is_some() => {
            trip.turn();
            Next::Page(trip.write())
        }
        Step::Over => end(list, trip, at),
    };
    Ok(Page { changes, next })
}

fn expired(session: &Session) -> Error {
    session.error(
        Kind::CursorExpired,
        "it is time to list the audience in full again",
    )
}

async fn begin(session: &Session, list: &str, pull: &Pull) -> Result<Trip, Error> {
    let Some(cursor) = &pull.cursor else {
        let response = merge_fields_answer(session, list).await?;
        let fields: MergeFields = response.json()?;
        let before = now(session, &response)? - LAG;
        return Ok(Trip::begin(
            None,
            Some(before),
            shapes(&fields.merge_fields),
        ));
    };
    let mark = Mark::read(cursor, list).ok_or_else(|| expired(session))?;
    let is_new = |name: &FieldName| !is_common(name) && !mark.shapes.contains_key(name.as_str());
    let shapes = if pull.fields.iter().any(is_new) {
        shapes_of(session, list).await?
    } else {
        mark.shapes.clone()
    };
    Ok(Trip::begin(Some(mark), None, shapes))
}

fn listing(list: &str, trip: &Trip) -> Request {
    let text = |at: DateTime<Utc>| at.format("%Y-%m-%dT%H:%M:%S+00:00").to_string();
    let mut request = Request::get(format!("/lists/{list}/members"))
        .route("GET /lists/{id}/members")
        .query("count", COUNT.to_string())
        .query("offset", trip.offset.to_string())
        .query("sort_field", "last_changed")
        .query("sort_dir", "ASC")
        .query("exclude_fields", "_links,members._links,members.stats");
    if let Some(since) = trip.since() {
        request = request.query("since_last_changed", text(since));
    }
    if let Some(before) = trip.before {
        request = request.query("before_last_changed", text(before));
    }
    match trip.stage {
        Stage::There => request,
        Stage::Archived => request.query("status", "archived"),
    }
}

async fn changes(
    session: &Session,
    list: &str,
    members: Vec<Member>,
    trip: &Trip,
) -> Result<Vec<Change>, Error> {
    let mut changes = Vec::with_capacity(members.len());
    let mut known = BTreeSet::new();
    for member in members {
        if !known.insert(member.contact_id.clone()) {
            continue;
        }
        if member.status != "archived" {
            let member = with_all_tags(session, list, member).await?;
            let record = map::record(list, &member, &trip.shapes);
            changes.push(Change::Present {
                record,
                former: Vec::new(),
            });
        } else if trip.from.is_some() {
            changes.push(Change::Gone {
                id: map::id(list, &member.contact_id),
                why: GoneWhy::Deleted,
                former: Vec::new(),
            });
        }
    }
    Ok(changes)
}

/// Members are shown with some of their tags only.
pub(super) async fn with_all_tags(
    session: &Session,
    list: &str,
    mut member: Member,
) -> Result<Member, Error> {
    if member.tags.len() >= member.tags_count {
        return Ok(member);
    }
    let mut tags: Vec<Tag> = Vec::new();
    while tags.len() < member.tags_count {
        let request = Request::get(format!("/lists/{list}/members/{}/tags", member.id))
            .route("GET /lists/{id}/members/{id}/tags")
            .query("count", MOST)
            .query("offset", tags.len().to_string());
        let answer: Tags = send(session, request).await?.json()?;
        if answer.tags.is_empty() {
            break;
        }
        tags.extend(answer.tags);
    }
    member.tags = tags;
    Ok(member)
}

fn end(list: &str, trip: Trip, at: DateTime<Utc>) -> Next {
    let until = trip.until.unwrap_or(at - LAG);
    let complete_listing = trip.from.is_none();
    let mark = Mark {
        of: list.to_owned(),
        until,
        listed: trip.from.map_or(until, |mark| mark.listed),
        shapes: trip.shapes,
    };
    Next::End {
        cursor: mark.write(),
        complete_listing,
    }
}

// ---- by id

/// One member by a name of it; `None` if there is none, or only in the archive.
pub(super) async fn member(
    session: &Session,
    list: &str,
    name: &str,
) -> Result<Option<Member>, Error> {
    let request = Request::get(format!("/lists/{list}/members/{name}"))
        .route("GET /lists/{id}/members/{id}")
        .query("exclude_fields", LINKS);
    match send(session, request).await {
        Ok(response) => {
            let member: Member = response.json()?;
            if member.status == "archived" {
                return Ok(None);
            }
            with_all_tags(session, list, member).await.map(Some)
        }
        Err(error) if error.kind == Kind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Reads contacts by id.
pub(super) async fn get(session: &Session, ids: &[RemoteId]) -> Result<Vec<Option<Record>>, Error> {
    let mut known: BTreeMap<&str, Shapes> = BTreeMap::new();
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        let Some((list, contact)) = map::parts(id) else {
            found.push(None);
            continue;
        };
        if !known.contains_key(list) {
            known.insert(list, shapes_of(session, list).await?);
        }
        let member = member(session, list, contact).await?;
        let shapes = known.get(list);
        found.push(
            member
                .zip(shapes)
                .map(|(member, shapes)| map::record(list, &member, shapes)),
        );
    }
    Ok(found)
}

/// Looks for what earlier creations made: an audience has an address once.
pub(super) async fn find_created(
    session: &Session,
    collection: &str,
    items: &[Create],
    known: &[RemoteId],
) -> Result<Vec<Option<Record>>, Error> {
    let list = list_of(session, collection)?;
    if items.is_empty() {
        return Ok(Vec::new());
    }
    let shapes = shapes_of(session, list).await?;
    let mut given = BTreeSet::new();
    let mut found = Vec::with_capacity(items.len());
    for item in items {
        let email = item
            .fields
            .get(&FieldName::new(EMAIL))
            .and_then(Value::as_text);
        let member = match email.map(str::trim).filter(|email| !email.is_empty()) {
            Some(email) => member(session, list, &encoded(email)).await?,
            None => None,
        };
        let record = member.map(|member| map::record(list, &member, &shapes));
        found.push(record.filter(|one| !known.contains(&one.id) && given.insert(one.id.clone())));
    }
    Ok(found)
}

/// An address as a part of a path.
pub(super) fn encoded(email: &str) -> String {
    let mut text = String::with_capacity(email.len());
    for byte in email.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~@".contains(&byte) {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}
