//! Pulls: all contacts by the listing, changes by a search, and the archived contacts after the changes.
//!
//! A search shows a contact only some while after it was written, and then perhaps as it was before. So it is asked only
//! *which* contacts changed, from a while before the last pull began; what they are like is read by id. It goes on from the
//! last id instead of by pages, which end after 10,000.

use chrono::{DateTime, Utc};
use serde_json::json;
use syncline_connector::{
    Change, Error, GoneWhy, Kind, Next, Page, Pull, Request, Response, Session,
};
use syncline_model::{FieldName, RemoteId};

use super::cursor::{ALL, Stage, Trip};
use super::map::{MERGED, former, instant};
use super::read::{MOST, as_record, by_ids, expect, question, shapes, wanted};
use super::wire::Contacts;

/// Longest query of a listing: more properties than fit into an address are read by id.
const LONGEST_QUERY: usize = 4_000;

/// One page of a pull.
pub(super) async fn pull(session: &Session, pull: &Pull) -> Result<Page, Error> {
    if pull.collection != ALL {
        return Err(session.error(Kind::NotFound, "HubSpot has no such collection"));
    }
    let trip = match &pull.page {
        Some(page) => Trip::read(page),
        None => Trip::begin(pull.cursor.as_ref()),
    };
    let trip = trip.ok_or_else(|| {
        session.error(
            Kind::CursorExpired,
            "the place to resume at is not one of ours",
        )
    })?;
    match trip.stage {
        Stage::Listing => listing(session, pull, trip).await,
        Stage::Changed => changed(session, pull, trip).await,
        Stage::Archived => archived(session, trip).await,
    }
}

/// The place of the next page.
fn next(page: &Contacts) -> Option<String> {
    let next = page.paging.as_ref()?.next.as_ref()?;
    Some(next.after.clone())
}

async fn listing(session: &Session, pull: &Pull, mut trip: Trip) -> Result<Page, Error> {
    let wanted = wanted(&pull.fields);
    let shapes = shapes(session, &wanted).await?;
    let names: Vec<&str> = wanted.iter().map(FieldName::as_str).collect();
    let names = names.join(",");
    let fits = names.len() <= LONGEST_QUERY;
    let names = if fits { names } else { String::new() };
    let mut request = Request::get("/crm/v3/objects/contacts")
        .route("GET /crm/v3/objects/contacts")
        .query("limit", MOST.to_string())
        .query("archived", "false")
        .query("properties", format!("{MERGED},{names}"))
        .take("calls", 1);
    if let Some(after) = &trip.after {
        request = request.query("after", after.as_str());
    }
    let response = session.send(request).await?;
    trip.started = trip.started.or(response.date);
    let page: Contacts = expect(&response)?;
    trip.seen += page.results.len();
    trip.after = next(&page);
    let mut contacts = page.results;
    if !fits {
        let ids: Vec<&str> = contacts.iter().map(|one| one.id.as_str()).collect();
        contacts = by_ids(session, &ids, &wanted)
            .await?
            .into_values()
            .collect();
    }
    let mut changes = Vec::new();
    for contact in &contacts {
        changes.push(Change::Present {
            record: as_record(session, contact, &wanted, &shapes)?,
            former: former(contact),
        });
    }
    let next = if trip.after.is_some() {
        Next::Page(trip.write())
    } else {
        let complete = trip.seen >= count(session).await?;
        end(&trip, &response, complete)?
    };
    Ok(Page { changes, next })
}

/// How many contacts HubSpot says that there are. Those just archived may be among them: then a listing is not called
/// complete this time.
async fn count(session: &Session) -> Result<usize, Error> {
    let body = json!({"filterGroups": [], "limit": 1});
    let answer = search(session, &body).await?;
    let found: Contacts = expect(&answer)?;
    found
        .total
        .ok_or_else(|| answer.error(Kind::Malformed, "HubSpot does not say how many there are"))
}

async fn search(session: &Session, body: &serde_json::Value) -> Result<Response, Error> {
    let request = question(session, "/crm/v3/objects/contacts/search", body)?
        .route("POST /crm/v3/objects/contacts/search")
        .take("searches", 1);
    session.send(request).await
}

async fn changed(session: &Session, pull: &Pull, mut trip: Trip) -> Result<Page, Error> {
    let from = trip.from().unwrap_or(DateTime::UNIX_EPOCH);
    let millis = |at: DateTime<Utc>| at.timestamp_millis().to_string();
    let mut filters = vec![json!({
        "propertyName": "lastmodifieddate", "operator": "GTE", "value": millis(from),
    })];
    if let Some(last) = &trip.after {
        filters.push(json!({"propertyName": "hs_object_id", "operator": "GT", "value": last}));
    }
    let body = json!({
        "filterGroups": [{"filters": filters}],
        "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
        "properties": ["hs_object_id"],
        "limit": MOST,
    });
    let response = search(session, &body).await?;
    trip.started = trip.started.or(response.date);
    if trip.is_too_old(response.date) {
        return Err(response.error(Kind::CursorExpired, "it is time to list all contacts again"));
    }
    let found: Contacts = expect(&response)?;
    let ids: Vec<&str> = found.results.iter().map(|one| one.id.as_str()).collect();
    // Whoever counts more than he shows has more: what comes next is asked for by id.
    let more = found.total.is_some_and(|total| total > ids.len()) || next(&found).is_some();
    if more && ids.is_empty() {
        let message = "HubSpot counts contacts that it does not show";
        return Err(response.error(Kind::Malformed, message));
    }
    let mut changes = Vec::new();
    if !ids.is_empty() {
        let wanted = wanted(&pull.fields);
        let shapes = shapes(session, &wanted).await?;
        let contacts = by_ids(session, &ids, &wanted).await?;
        for contact in contacts.values() {
            changes.push(Change::Present {
                record: as_record(session, contact, &wanted, &shapes)?,
                former: former(contact),
            });
        }
    }
    trip.after = ids.last().filter(|_| more).map(|id| (*id).to_owned());
    if !more {
        trip.stage = Stage::Archived;
    }
    Ok(Page {
        changes,
        next: Next::Page(trip.write()),
    })
}

/// Archived contacts are listed by id, without regard to time: all of them are looked at.
async fn archived(session: &Session, mut trip: Trip) -> Result<Page, Error> {
    let mut request = Request::get("/crm/v3/objects/contacts")
        .route("GET /crm/v3/objects/contacts")
        .query("limit", MOST.to_string())
        .query("archived", "true")
        .query("properties", "hs_object_id")
        .take("calls", 1);
    if let Some(after) = &trip.after {
        request = request.query("after", after.as_str());
    }
    let response = session.send(request).await?;
    let page: Contacts = expect(&response)?;
    trip.after = next(&page);
    let since = trip.from();
    let gone = page.results.iter().filter(|contact| {
        let at = contact.archived_at.as_deref().and_then(instant);
        contact.archived && at.is_none_or(|at| since.is_none_or(|since| at >= since))
    });
    let changes = gone.map(|contact| Change::Gone {
        id: RemoteId::new(&contact.id),
        why: GoneWhy::Deleted,
        former: Vec::new(),
    });
    let changes = changes.collect();
    let next = if trip.after.is_some() {
        Next::Page(trip.write())
    } else {
        end(&trip, &response, false)?
    };
    Ok(Page { changes, next })
}

fn end(trip: &Trip, response: &Response, complete_listing: bool) -> Result<Next, Error> {
    let cursor = trip.cursor(response.date);
    let cursor = cursor
        .ok_or_else(|| response.error(Kind::Malformed, "HubSpot does not say what time it is"))?;
    Ok(Next::End {
        cursor,
        complete_listing,
    })
}
