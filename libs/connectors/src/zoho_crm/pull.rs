//! Pulls: of all contacts (delta by modification time), of a list view (always in full), and the tombstones after
//! either. Where a pull resumes is `cursor.rs`, what values mean `map.rs`, reading by id `read.rs`.
//!
//! All contacts are listed in order of their modification time, so that a contact changed while the listing is on its
//! way comes again at the end of it, and so that a listing longer than Zoho's page tokens reach can be continued.

use std::collections::{BTreeSet, HashMap};

use chrono::TimeDelta;
use syncline_connector::{
    Change, Error, GoneWhy, Kind, Next, Page, Pull, Request, Response, Session,
};
use syncline_model::{FieldName, RemoteId};

use super::answer::refused;
use super::cursor::{ALL, Mark, Stage, Trip};
use super::map::{MODIFIED, instant, instant_text, record};
use super::read::{complete, first, is_id, learn, nameless, wanted, wire_names};
use super::wire::{Count, DeletedList, Info, List, Row};

/// Records and tombstones a page.
const PER_PAGE: usize = 200;
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
        if pull.collection == ALL && trip.chain >= TOKEN_REACH && !restart(&mut trip) {
            let message = "more than 100,000 contacts in Zoho CRM were changed in the same second";
            return Err(response.error(Kind::Unsupported, message));
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

/// Goes on behind the reach of page tokens, from the last modification time seen; false when that is no way on.
fn restart(trip: &mut Trip) -> bool {
    let since = trip.high.map(|high| high - TimeDelta::seconds(1));
    if since <= trip.since {
        return false;
    }
    trip.since = since;
    trip.token = None;
    trip.chain = 0;
    true
}

fn listing_request(
    session: &Session,
    pull: &Pull,
    trip: &Trip,
    names: &[String],
) -> Result<Request, Error> {
    let request = Request::get("/Contacts")
        .route("GET /Contacts")
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
    let request = Request::get("/Contacts/actions/count")
        .route("GET /Contacts/actions/count")
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

/// The token of the page that follows. A page that does not agree with what it says of itself is refused, so that it
/// is asked for again: what is missing from it must not look absent.
fn follow(
    response: &Response,
    info: &Info,
    found: usize,
    token: Option<&str>,
) -> Result<Option<String>, Error> {
    let bad = |message| Err(response.error(Kind::Malformed, message));
    if info.miscounts(found) {
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
    if !trip.learned {
        trip.learned = learn(session, wanted, &mut trip.shapes).await?;
    }
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
        if let Some(earlier) = place.get(&id).and_then(|at| changes.get_mut(*at)) {
            *earlier = change;
        } else {
            place.insert(id, changes.len());
            changes.push(change);
        }
    }
    Ok(changes)
}

async fn deleted(session: &Session, mut trip: Trip) -> Result<Page, Error> {
    let Some(mark) = trip.next.clone() else {
        return Err(session.error(
            Kind::CursorExpired,
            "the place to resume at is not one of ours",
        ));
    };
    let mut request = Request::get("/Contacts/deleted")
        .route("GET /Contacts/deleted")
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
    if list.info.miscounts(list.data.len()) {
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
        former: Vec::new(),
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

#[cfg(test)]
mod tests {
    use super::*;

    /// (what the chain asked for, last change seen) -> where the next chain begins; `None` when it would not move.
    #[test]
    fn a_listing_longer_than_page_tokens_reach_goes_on_by_time() {
        let at = |second: i64| chrono::DateTime::from_timestamp(1_800_000_000 + second, 0);
        let check = |since: Option<i64>, high: i64, expect: Option<i64>| {
            let mut trip = Trip::begin(None);
            trip.since = since.and_then(at);
            trip.high = at(high);
            trip.token = Some("c8582".into());
            trip.chain = TOKEN_REACH;
            assert_eq!(restart(&mut trip), expect.is_some(), "{since:?} {high}");
            if let Some(expect) = expect {
                assert_eq!((trip.since, trip.token, trip.chain), (at(expect), None, 0));
            }
        };
        check(None, 50, Some(49));
        check(Some(10), 50, Some(49));
        check(Some(49), 50, None);
    }
}
