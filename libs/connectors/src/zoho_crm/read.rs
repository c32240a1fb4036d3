//! Reading contacts: pulls of all contacts (delta by modification time), of a list view (always in full), tombstones,
//! and records by id. Where a pull resumes is `cursor.rs`; what values mean is `map.rs`.
//!
//! All contacts are listed in order of their modification time, so that a contact changed while the listing is on its
//! way comes again at the end of it, and so that a listing longer than Zoho's page tokens reach can be continued.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use syncline_connector::{
    Change, Error, GoneWhy, Kind, Next, Page, Pull, Request, Response, Session,
};
use syncline_model::{FieldName, Record, RemoteId};

use super::answer::refused;
use super::cursor::{ALL, Mark, Stage, Trip};
use super::fields::{Shapes, base, is_unknown, shapes, standard_names};
use super::map::{MODIFIED, instant, instant_text, record};
use super::wire::{Count, DeletedList, FieldList, FieldMeta, Info, List, Row};

/// Records and tombstones a page.
const PER_PAGE: usize = 200;
/// Names that `fields` takes.
const MAX_FIELDS: usize = 50;
/// Ids that `ids` takes.
const MAX_IDS: usize = 100;
/// Records that page tokens reach.
const TOKEN_REACH: usize = 100_000;

/// One page of a pull.
pub(super) async fn pull(session: &Session, pull: &Pull) -> Result<Page, Error> {
    let expired = || {
        session.error(
            Kind::CursorExpired,
            "the place to resume at is not one of ours",
        )
    };
    let trip = match (&pull.page, &pull.cursor) {
        (Some(page), _) => Trip::read(page).ok_or_else(expired)?,
        (None, Some(cursor)) => Trip::begin(Some(
            Mark::read(cursor, &pull.collection).ok_or_else(expired)?,
        )),
        (None, None) => Trip::begin(None),
    };
    match trip.stage {
        Stage::Listing => listing(session, pull, trip).await,
        Stage::Deleted => deleted(session, trip).await,
    }
}

async fn listing(session: &Session, pull: &Pull, mut trip: Trip) -> Result<Page, Error> {
    let wanted = wanted(&pull.fields);
    let names = wire_names(&wanted);
    let response = session
        .send(listing_request(session, pull, &trip, &names)?)
        .await?;
    trip.started = trip.started.or(response.date);
    if let (Some(mark), Some(now)) = (&trip.from, response.date)
        && mark.is_too_old(now)
    {
        return Err(response.error(
            Kind::CursorExpired,
            "Zoho CRM keeps tombstones no longer than this",
        ));
    }
    let rows = match response.status {
        200 => {
            let list: List = response.json()?;
            let next = follow(
                &response,
                &list.info,
                list.data.len(),
                trip.token.as_deref(),
            )?;
            trip.chain += list.data.len();
            trip.token = next;
            list.data
        }
        204 | 304 if response.status == 204 || trip.since.is_some() => {
            // A page was announced and is not there: what it held is not gone, only not seen.
            trip.whole &= trip.token.is_none();
            trip.token = None;
            Vec::new()
        }
        304 => {
            return Err(response.error(
                Kind::Malformed,
                "Zoho CRM answers 304 to a question without a date",
            ));
        }
        404 | 410 if trip.token.is_some() => {
            return Err(response.error(
                Kind::CursorExpired,
                "the place in Zoho CRM's listing is no longer known",
            ));
        }
        _ => return Err(refused(&response)),
    };
    let changes = present(session, &response, rows, &wanted, &names, &mut trip).await?;
    if trip.token.is_none() && trip.is_full() && trip.whole {
        let count = count(session, pull).await?;
        trip.counted = count.is_some_and(|count| trip.seen >= count);
        trip.whole = trip.counted || count.is_none();
    }
    after_listing(pull, trip, &response, changes)
}

/// What follows a page of the listing.
fn after_listing(
    pull: &Pull,
    mut trip: Trip,
    response: &Response,
    changes: Vec<Change>,
) -> Result<Page, Error> {
    if trip.token.is_some() {
        if pull.collection == ALL && trip.chain >= TOKEN_REACH {
            restart(&mut trip, response)?;
        }
        return Ok(Page {
            changes,
            next: Next::Page(trip.write()),
        });
    }
    let mark = trip.settle(&pull.collection, response.date);
    let next = if trip.from.is_some() {
        trip.stage = Stage::Deleted;
        trip.next = Some(mark);
        Next::Page(trip.write())
    } else {
        Next::End {
            cursor: mark.write(),
            complete_listing: trip.whole,
        }
    };
    Ok(Page { changes, next })
}

/// Goes on behind the reach of page tokens, from the last modification time seen.
fn restart(trip: &mut Trip, response: &Response) -> Result<(), Error> {
    let since = trip.high.map(|high| high - chrono::TimeDelta::seconds(1));
    if since <= trip.since {
        let message = "more than 100,000 contacts in Zoho CRM were changed in the same second";
        return Err(response.error(Kind::Unsupported, message));
    }
    trip.since = since;
    trip.token = None;
    trip.chain = 0;
    Ok(())
}

fn listing_request(
    session: &Session,
    pull: &Pull,
    trip: &Trip,
    names: &[String],
) -> Result<Request, Error> {
    let request = Request::get("/crm/v8/Contacts")
        .route("GET /crm/v8/Contacts")
        .query("fields", first(names).join(","))
        .query("per_page", PER_PAGE.to_string());
    let mut request = if pull.collection == ALL {
        request
            .query("sort_by", MODIFIED)
            .query("sort_order", "asc")
            .take("credits", 1)
    } else {
        let view = pull
            .collection
            .strip_prefix("view:")
            .filter(|id| is_id(id))
            .ok_or_else(|| {
                session.error(
                    Kind::NotFound,
                    "the collection is not one of Zoho CRM's list views",
                )
            })?;
        request.query("cvid", view).take("credits", 3)
    };
    if let Some(token) = &trip.token {
        request = request.query("page_token", token);
    }
    if let Some(since) = trip.since.filter(|_| pull.collection == ALL) {
        request = request.header("if-modified-since", instant_text(since));
    }
    Ok(request)
}

/// How many contacts there are, by Zoho's own count, which may be some minutes old; `None` when it does not say.
/// A listing with fewer is not taken for complete.
async fn count(session: &Session, pull: &Pull) -> Result<Option<usize>, Error> {
    let request = Request::get("/crm/v8/Contacts/actions/count")
        .route("GET /crm/v8/Contacts/actions/count")
        .take("credits", 1);
    let request = match pull.collection.strip_prefix("view:") {
        Some(view) if pull.collection != ALL => request.query("cvid", view),
        _ => request,
    };
    let response = session.send(request).await?;
    match response.status {
        200 => Ok(Some(response.json::<Count>()?.count)),
        // Accounts whose authorisation does not cover counting are listed all the same.
        _ => Ok(None),
    }
}

/// Whether a text is a Zoho id; others would end up in addresses and queries.
fn is_id(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The token of the page that follows. A page that does not agree with what it says of itself is refused, so that it
/// is asked for again: what is missing from it must not look absent.
fn follow(
    response: &Response,
    info: &Info,
    found: usize,
    token: Option<&str>,
) -> Result<Option<String>, Error> {
    let bad = |message| Err(response.error(Kind::Malformed, message));
    if info.count.is_some_and(|count| count != found) {
        return bad("a page of Zoho CRM's listing has fewer contacts than it says");
    }
    if !info.more_records {
        return Ok(None);
    }
    match info.next_page_token.as_deref() {
        _ if found == 0 => bad("a page of Zoho CRM's listing is empty although more follow"),
        None => bad("Zoho CRM's listing breaks off: more contacts follow, but not where"),
        Some(next) if token == Some(next) => bad("Zoho CRM's listing leads back to the same page"),
        Some(next) => Ok(Some(next.to_owned())),
    }
}

async fn present(
    session: &Session,
    response: &Response,
    rows: Vec<Row>,
    wanted: &[FieldName],
    names: &[String],
    trip: &mut Trip,
) -> Result<Vec<Change>, Error> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    learn(session, wanted, &mut trip.shapes).await?;
    let rows = complete(session, rows, names).await?;
    let mut place: HashMap<RemoteId, usize> = HashMap::with_capacity(rows.len());
    let mut changes: Vec<Change> = Vec::with_capacity(rows.len());
    for row in &rows {
        let record = record(row, wanted, &trip.shapes).ok_or_else(|| nameless(response))?;
        trip.note(record.modified_at);
        let id = record.id.clone();
        let change = Change::Present {
            record,
            former: Vec::new(),
        };
        match place.get(&id).and_then(|at| changes.get_mut(*at)) {
            Some(earlier) => *earlier = change,
            None => {
                place.insert(id, changes.len());
                changes.push(change);
            }
        }
    }
    Ok(changes)
}

fn nameless(response: &Response) -> Error {
    response.error(
        Kind::Malformed,
        "a contact of Zoho CRM's answer has no id or no modification time",
    )
}

async fn deleted(session: &Session, mut trip: Trip) -> Result<Page, Error> {
    let Some(mark) = trip.next.clone() else {
        return Err(session.error(
            Kind::CursorExpired,
            "the place to resume at is not one of ours",
        ));
    };
    let mut request = Request::get("/crm/v8/Contacts/deleted")
        .route("GET /crm/v8/Contacts/deleted")
        .query("type", "all")
        .query("per_page", PER_PAGE.to_string())
        .query("page", trip.page.to_string())
        .take("credits", 2);
    if let Some(since) = mark.deleted_since {
        request = request.header("if-modified-since", instant_text(since));
    }
    let response = session.send(request).await?;
    trip.deleted_started = trip.deleted_started.or(response.date);
    let list = match response.status {
        200 => response.json::<DeletedList>()?,
        204 | 304 => DeletedList {
            data: Vec::new(),
            info: Info::default(),
        },
        // Too many tombstones to page through: a listing of everything tells as much.
        400 if trip.page > 1 => {
            return Err(response.error(Kind::CursorExpired, "Zoho CRM lists no more tombstones"));
        }
        _ => return Err(refused(&response)),
    };
    if list
        .info
        .count
        .is_some_and(|count| count != list.data.len())
    {
        return Err(response.error(
            Kind::Malformed,
            "a page of tombstones has fewer than it says",
        ));
    }
    let mut ids = BTreeSet::new();
    for row in list.data {
        let time = row.deleted_time.as_deref().and_then(instant);
        trip.deleted_high = trip.deleted_high.max(time);
        ids.insert(row.id);
    }
    let gone = |id| Change::Gone {
        id: RemoteId::new(id),
        why: GoneWhy::Deleted,
    };
    let more = list.info.more_records && !ids.is_empty();
    let changes = ids.into_iter().map(gone).collect();
    let next = if more {
        trip.page += 1;
        Next::Page(trip.write())
    } else {
        let listing = trip.whole && trip.is_full();
        let cursor = trip.settle_deleted(mark).write();
        Next::End {
            cursor,
            complete_listing: listing,
        }
    };
    Ok(Page { changes, next })
}

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
        let request = Request::get("/crm/v8/Contacts")
            .route("GET /crm/v8/Contacts?ids")
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

/// Adds the fields that the listing had no room for. A record deleted meanwhile is left to the tombstones.
async fn complete(session: &Session, rows: Vec<Row>, names: &[String]) -> Result<Vec<Row>, Error> {
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
fn wanted(fields: &[FieldName]) -> Vec<FieldName> {
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

fn first(names: &[String]) -> &[String] {
    names.get(..MAX_FIELDS).unwrap_or(names)
}

fn rest(names: &[String]) -> impl Iterator<Item = &[String]> {
    names
        .get(MAX_FIELDS..)
        .unwrap_or_default()
        .chunks(MAX_FIELDS)
}

/// Learns the shapes of the wanted fields that are not system fields, if any is not known yet.
pub(super) async fn learn(
    session: &Session,
    wanted: &[FieldName],
    known: &mut Shapes,
) -> Result<(), Error> {
    if wanted
        .iter()
        .all(|name| !is_unknown(name) || known.contains_key(base(name)))
    {
        return Ok(());
    }
    *known = shapes(&metadata(session).await?, wanted);
    Ok(())
}

/// Zoho's metadata of every field of contacts.
pub(super) async fn metadata(session: &Session) -> Result<Vec<FieldMeta>, Error> {
    let request = Request::get("/crm/v8/settings/fields")
        .route("GET /crm/v8/settings/fields")
        .query("module", "Contacts")
        .take("credits", 1);
    let response = session.send(request).await?;
    match response.status {
        200 => Ok(response.json::<FieldList>()?.fields),
        _ => Err(refused(&response)),
    }
}
