//! Pulls. Creatio has no change feed and no trace of what was deleted: everything is listed at first, all contacts again
//! once a day, and a tag whenever somebody who had it has it no more as well. Else contacts are read that got the tag, that changed
//! themselves, or of whom a number or an address did, which the contact's own time does not tell.

use std::collections::{BTreeMap, BTreeSet};

use chrono::SecondsFormat;
use syncline_connector::{Change, Error, Kind, Next, Page, Pull, Response, Session};
use syncline_model::FieldName;

use super::call::list;
use super::cursor::{Stage, Trip};
use super::map::{instant, text};
use super::own;
use super::read::{self, as_record, by_ids, contact};
use super::tags::{self, tag_of};
use super::wire::{Contact, Row};

/// Contacts of a page.
const PAGE: usize = 100;
/// Members of a page, ids alone.
const MEMBERS: usize = 2_000;

/// The rows that a stage goes through.
struct Rows {
    entity: &'static str,
    /// The column that names the contact.
    contact: &'static str,
    /// The time that they are ordered by.
    time: &'static str,
    top: usize,
}

/// One page of a pull.
pub(super) async fn pull(session: &Session, pull: &Pull) -> Result<Page, Error> {
    let tag = tag_of(session, &pull.collection)?;
    let trip = match &pull.page {
        Some(page) => Trip::read(page),
        None => Trip::begin(&pull.collection, pull.cursor.as_ref()),
    };
    let mut trip = trip.ok_or_else(|| {
        session.error(
            Kind::CursorExpired,
            "the place to resume at is not one of ours",
        )
    })?;
    if let Some(tag) = tag.filter(|_| pull.page.is_none()) {
        tags::must_be_private(session, tag).await?;
    }
    let own = own::among(&pull.fields);
    let (response, rows, more) = rows(session, &mut trip, tag, &own).await?;
    trip.started = trip.started.or(response.date);
    if !more && trip.must_list(response.date) {
        trip.enter(Stage::Listing);
        return Ok(Page {
            changes: Vec::new(),
            next: Next::Page(trip.write()),
        });
    }
    let contacts = contacts(session, &trip, tag, rows, &own).await?;
    let mut changes = Vec::new();
    for contact in contacts.values() {
        changes.push(Change::Present {
            record: as_record(session, contact, &own)?,
            former: Vec::new(),
        });
    }
    Ok(Page {
        changes,
        next: next(trip, &response, more)?,
    })
}

/// What follows a page.
fn next(mut trip: Trip, response: &Response, more: bool) -> Result<Next, Error> {
    if !more {
        match trip.stage {
            Stage::Members => trip.enter(Stage::Contacts),
            Stage::Contacts => trip.enter(Stage::Communications),
            Stage::Communications => trip.enter(Stage::Addresses),
            Stage::Listing | Stage::Addresses => {
                let cursor = trip.cursor(response.date).ok_or_else(|| {
                    response.error(Kind::Malformed, "Creatio does not say what time it is")
                })?;
                return Ok(Next::End {
                    cursor,
                    complete_listing: trip.stage == Stage::Listing,
                });
            }
        }
    }
    Ok(Next::Page(trip.write()))
}

fn of(stage: Stage, tag: Option<&str>) -> Rows {
    let (entity, contact, time, top) = match (stage, tag) {
        (Stage::Listing, None) => ("Contact", "Id", "CreatedOn", PAGE),
        (Stage::Listing, Some(_)) => ("ContactInTag", "EntityId", "CreatedOn", PAGE),
        (Stage::Members, _) => ("ContactInTag", "EntityId", "CreatedOn", MEMBERS),
        (Stage::Contacts, _) => ("Contact", "Id", "ModifiedOn", PAGE),
        (Stage::Communications, _) => ("ContactCommunication", "ContactId", "ModifiedOn", PAGE),
        (Stage::Addresses, _) => ("ContactAddress", "ContactId", "ModifiedOn", PAGE),
    };
    Rows {
        entity,
        contact,
        time,
        top,
    }
}

/// The next rows of a stage, and whether there are more. What an answer leaves out of those that it counts comes with the
/// next one.
async fn rows(
    session: &Session,
    trip: &mut Trip,
    tag: Option<&str>,
    own: &[FieldName],
) -> Result<(Response, Vec<Row>, bool), Error> {
    let stage = trip.stage;
    let Rows {
        entity,
        contact,
        time,
        top,
    } = of(stage, tag);
    let mut conditions = Vec::new();
    if let Some(tag) = tag.filter(|_| entity == "ContactInTag") {
        conditions.push(format!("Tag/Id eq {tag}"));
    }
    match &trip.last {
        Some(last) => conditions.push(format!("{time} ge {last}")),
        None if time == "ModifiedOn" => {
            let from = trip.from().to_rfc3339_opts(SecondsFormat::Secs, true);
            conditions.push(format!("{time} ge {from}"));
        }
        None => {}
    }
    let (filter, order) = (conditions.join(" and "), format!("{time},Id"));
    let (top, skip) = (top.to_string(), trip.skip().to_string());
    let ids = if contact == "Id" {
        format!("Id,{time}")
    } else {
        format!("Id,{contact},{time}")
    };
    let whole = entity == "Contact" && tag.is_none();
    let mut query = vec![
        ("$orderby", &*order),
        ("$top", &top),
        ("$skip", &skip),
        ("$count", "true"),
    ];
    if !filter.is_empty() {
        query.push(("$filter", &filter));
    }
    let (response, page) = if whole {
        read::contacts(session, own, &query).await?
    } else {
        query.push(("$select", &ids));
        list(session, entity, &query).await?
    };
    let count = page.count.ok_or_else(|| {
        response.error(
            Kind::Malformed,
            "Creatio does not say how many rows there are",
        )
    })?;
    let more = count.saturating_sub(trip.skip()) > page.value.len();
    let mut rows = page.value;
    let Some(known) = trip.known(rows.iter().map(|row| text(row, "Id"))) else {
        return Ok((response, Vec::new(), true));
    };
    rows.drain(..known);
    if more && rows.is_empty() {
        let message = "Creatio counts rows that it does not show";
        return Err(response.error(Kind::Malformed, message));
    }
    rows.retain(|row| {
        trip.pass(text(row, "Id"), text(row, time));
        let since = instant(text(row, time));
        let is_new = entity != "ContactInTag" || trip.meet(text(row, contact), since);
        is_new || stage == Stage::Listing
    });
    Ok((response, rows, more))
}

/// The contacts that rows are about, those that have the tag.
async fn contacts(
    session: &Session,
    trip: &Trip,
    tag: Option<&str>,
    rows: Vec<Row>,
    own: &[FieldName],
) -> Result<BTreeMap<String, Contact>, Error> {
    let from = of(trip.stage, tag);
    if from.entity == "Contact" && tag.is_none() {
        let all = rows.into_iter().map(|row| {
            let contact = contact(session, row)?;
            Ok((contact.id.clone(), contact))
        });
        return all.collect();
    }
    let ids: BTreeSet<&str> = rows.iter().map(|row| text(row, from.contact)).collect();
    let ids: Vec<&str> = ids.into_iter().collect();
    match tag.filter(|_| from.entity != "ContactInTag") {
        None => by_ids(session, &ids, own).await,
        Some(tag) => {
            let members = tags::members(session, tag, &ids).await?;
            let ids: Vec<&str> = members.iter().map(|(id, _)| id.as_str()).collect();
            by_ids(session, &ids, own).await
        }
    }
}
