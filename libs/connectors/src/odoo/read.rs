//! Reading contacts: everything, what changed, and by id. Where a pull resumes is `cursor.rs`.
//!
//! Contacts are read in the order of their ids, which no change moves: one that changes behind the reader comes with the
//! next pull. Whoever changed and takes part no more (archived, become a company, without the tag) is told as such.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde_json::{Value as Json, json};
use syncline_connector::{Change, Error, GoneWhy, Kind, Next, Page, Pull};
use syncline_model::{FieldName, Record, RemoteId};

use super::call::{Odoo, PARTNER, refused};
use super::cursor::{ALL, Mark, NOTED, Stand, Trip, tag};
use super::fields::{Shapes, learn, specification};
use super::map::{self, record, takes_part};
use super::wire::{Found, Row, Totals};

/// Records of a page.
const PAGE: usize = 200;

/// One page of a pull.
pub(super) async fn pull(odoo: &Odoo<'_>, pull: &Pull) -> Result<Page, Error> {
    let session = odoo.session;
    let collection = pull.collection.as_str();
    if collection != ALL && tag(collection).is_none() {
        let message = "the collection is neither all contacts nor one of Odoo's tags";
        return Err(session.error(Kind::NotFound, message));
    }
    let expired = || {
        let message = "the place to resume at is not one of ours";
        session.error(Kind::CursorExpired, message)
    };
    let trip = match (&pull.page, &pull.cursor) {
        (Some(page), _) => Trip::read(page, collection).ok_or_else(expired)?,
        (None, cursor) => {
            let from = cursor.as_ref().map(|cursor| Mark::read(cursor, collection));
            let from = from.map(|from| from.ok_or_else(expired)).transpose()?;
            begin(odoo, pull, from).await?
        }
    };
    match trip.from {
        Some(_) => changes(odoo, trip).await,
        None => everything(odoo, trip).await,
    }
}

async fn begin(odoo: &Odoo<'_>, pull: &Pull, from: Option<Mark>) -> Result<Trip, Error> {
    let (stand, now) = stand(odoo, &pull.collection).await?;
    let shapes = learn(odoo, &pull.fields).await?;
    Ok(match from.filter(|from| !from.is_stale(now)) {
        Some(from) => Trip::since(from, stand, now, shapes),
        None => Trip::everything(&pull.collection, stand, now, shapes),
    })
}

/// How a collection stands, and the server's clock.
async fn stand(odoo: &Odoo<'_>, collection: &str) -> Result<(Stand, Option<DateTime<Utc>>), Error> {
    let (all, now) = totals(odoo, Vec::new()).await?;
    let own = match tag(collection) {
        Some(tag) => &totals(odoo, vec![tagged(tag)]).await?.0,
        None => &all,
    };
    let persons = own.iter().find(|totals| {
        totals.active && !totals.is_company && totals.kind.0.as_deref() == Some("contact")
    });
    if let (Some(tag), None) = (tag(collection), persons) {
        is_there(odoo, tag).await?;
    }
    Ok((Stand::of(persons, &all), now))
}

/// Totals of those that take part, and of those that do not.
async fn totals(
    odoo: &Odoo<'_>,
    mut domain: Vec<Json>,
) -> Result<(Vec<Totals>, Option<DateTime<Utc>>), Error> {
    domain.push(anybody());
    let asked = json!({
        "domain": domain,
        "groupby": ["is_company", "type", "active"],
        "aggregates": ["__count", "id:sum", "id:max", "write_date:max"],
    });
    let response = odoo.reply(PARTNER, "formatted_read_group", &asked).await?;
    if response.is_success() {
        Ok((response.json()?, response.date))
    } else {
        Err(refused(&response))
    }
}

fn tagged(tag: i64) -> Json {
    json!(["category_id", "in", [tag]])
}

/// Unless it is asked for, what is archived is left out.
fn anybody() -> Json {
    json!(["active", "in", [true, false]])
}

/// A tag that is gone has nobody, and is not the same as one that nobody has.
async fn is_there(odoo: &Odoo<'_>, tag: i64) -> Result<(), Error> {
    let asked = json!({"domain": [["id", "=", tag], ["active", "in", [true, false]]]});
    let found: u32 = odoo
        .ask("res.partner.category", "search_count", asked)
        .await?;
    if found > 0 {
        return Ok(());
    }
    let message = "the tag is not in Odoo any more";
    Err(odoo.session.error(Kind::NotFound, message))
}

fn persons(collection: &str) -> Vec<Json> {
    let mut domain = vec![
        json!(["is_company", "=", false]),
        json!(["type", "=", "contact"]),
    ];
    domain.extend(tag(collection).map(tagged));
    domain
}

/// One page of everything.
async fn everything(odoo: &Odoo<'_>, mut trip: Trip) -> Result<Page, Error> {
    let rows = page(odoo, persons(&trip.of), &trip).await?;
    let is_last = rows.len() < PAGE;
    let mut changes = told(odoo, rows, &mut trip)?;
    let next = if is_last {
        let complete_listing = trip.adds_up() || trip.adds_up_to(&stand(odoo, &trip.of).await?.0);
        changed_meanwhile(odoo, &mut trip, &mut changes).await?;
        let mut mark = trip.mark();
        // What is not all there is, is listed again by the next pull.
        mark.listed = mark.listed.filter(|_| complete_listing);
        Next::End {
            cursor: mark.write(),
            complete_listing,
        }
    } else {
        Next::Page(trip.write())
    };
    Ok(Page { changes, next })
}

/// What changed behind the reader, and what the next pull would read again without knowing it: others than those that take
/// part are not told as gone when nobody has heard of them.
async fn changed_meanwhile(
    odoo: &Odoo<'_>,
    trip: &mut Trip,
    changes: &mut Vec<Change>,
) -> Result<(), Error> {
    let Some(low) = trip.window() else {
        return Ok(());
    };
    let mut listed: BTreeMap<RemoteId, usize> = BTreeMap::new();
    for (at, change) in changes.iter().enumerate() {
        if let Change::Present { record, .. } = change {
            listed.insert(record.id.clone(), at);
        }
    }
    let mut lately = Vec::new();
    while lately.len() < NOTED {
        let after = lately.last().and_then(map::id).unwrap_or_default();
        let domain = vec![json!(["write_date", ">=", low]), json!(["id", ">", after])];
        let found = rows(odoo, domain, &trip.shapes).await?;
        let is_last = found.len() < PAGE;
        lately.extend(found);
        if is_last {
            break;
        }
    }
    for row in lately {
        let (id, record) = read(odoo, &row, &trip.shapes)?;
        let is_news = trip.remember(id, &record.version);
        if !is_news || !takes_part(&row, tag(&trip.of)) {
            continue;
        }
        let place = listed.get(&record.id).and_then(|at| changes.get_mut(*at));
        let change = Change::Present {
            record,
            former: Vec::new(),
        };
        match place {
            Some(place) => *place = change,
            None => changes.push(change),
        }
    }
    Ok(())
}

/// One page of what changed. If that is not all that happened, everything is listed after it.
async fn changes(odoo: &Odoo<'_>, mut trip: Trip) -> Result<Page, Error> {
    let low = trip.low();
    let domain = low.map(|low| json!(["write_date", ">=", low]));
    let rows = page(odoo, domain.into_iter().collect(), &trip).await?;
    let is_last = rows.len() < PAGE;
    let changes = told(odoo, rows, &mut trip)?;
    let next = if !is_last {
        Next::Page(trip.write())
    } else if trip.adds_up() {
        Next::End {
            cursor: trip.mark().write(),
            complete_listing: false,
        }
    } else {
        let (stand, now) = stand(odoo, &trip.of).await?;
        Next::Page(trip.relisted(stand, now).write())
    };
    Ok(Page { changes, next })
}

async fn page(odoo: &Odoo<'_>, mut domain: Vec<Json>, trip: &Trip) -> Result<Vec<Row>, Error> {
    domain.push(json!(["id", ">", trip.after]));
    rows(odoo, domain, &trip.shapes).await
}

/// The first rows by id, archived ones too.
async fn rows(odoo: &Odoo<'_>, mut domain: Vec<Json>, shapes: &Shapes) -> Result<Vec<Row>, Error> {
    domain.push(anybody());
    let asked = json!({
        "domain": domain,
        "specification": specification(shapes),
        "order": "id",
        "limit": PAGE,
        // Else they are counted each time.
        "count_limit": 1,
    });
    let found: Found = odoo.ask(PARTNER, "web_search_read", asked).await?;
    Ok(found.records)
}

/// What rows say that was not told before.
fn told(odoo: &Odoo<'_>, rows: Vec<Row>, trip: &mut Trip) -> Result<Vec<Change>, Error> {
    let tag = tag(&trip.of);
    let mut changes = Vec::new();
    for row in rows {
        let takes_part = takes_part(&row, tag);
        let (id, record) = read(odoo, &row, &trip.shapes)?;
        if !trip.note(id, &record.version, takes_part) {
            continue;
        }
        let former = Vec::new();
        changes.push(if takes_part {
            Change::Present { record, former }
        } else {
            Change::Gone {
                id: record.id,
                why: GoneWhy::Left,
                former,
            }
        });
    }
    Ok(changes)
}

fn read(odoo: &Odoo<'_>, row: &Row, shapes: &Shapes) -> Result<(i64, Record), Error> {
    let read = map::id(row).zip(record(row, shapes));
    let message = "a contact of Odoo's answer has no id or no time";
    read.ok_or_else(|| odoo.session.error(Kind::Malformed, message))
}

/// Reads records by their ids.
pub(super) async fn get(
    odoo: &Odoo<'_>,
    ids: &[RemoteId],
    fields: &[FieldName],
) -> Result<Vec<Option<Record>>, Error> {
    let shapes = learn(odoo, fields).await?;
    let mut found = by_ids(odoo, ids, &shapes).await?;
    let missing: BTreeSet<i64> = ids
        .iter()
        .filter_map(number)
        .filter(|id| !found.contains_key(id))
        .collect();
    if !missing.is_empty() {
        // Whoever is there, but not to be seen by this user, is no deletion: Odoo refuses.
        let asked = json!({"ids": missing, "specification": specification(&shapes)});
        for row in odoo.ask::<Vec<Row>>(PARTNER, "web_read", asked).await? {
            found.extend(map::id(&row).map(|id| (id, row)));
        }
    }
    let record = |id: &RemoteId| {
        let row = number(id).and_then(|id| found.get(&id));
        row.map(|row| read(odoo, row, &shapes).map(|(_, record)| record))
            .transpose()
    };
    ids.iter().map(record).collect()
}

/// The rows of these that the user sees, by id.
pub(super) async fn by_ids(
    odoo: &Odoo<'_>,
    ids: &[RemoteId],
    shapes: &Shapes,
) -> Result<BTreeMap<i64, Row>, Error> {
    let ids: Vec<i64> = ids.iter().filter_map(number).collect();
    let mut all = BTreeMap::new();
    for ids in ids.chunks(PAGE) {
        let found = rows(odoo, vec![json!(["id", "in", ids])], shapes).await?;
        all.extend(
            found
                .into_iter()
                .filter_map(|row| Some((map::id(&row)?, row))),
        );
    }
    Ok(all)
}

/// An id as Odoo has it. What is none is of no contact.
pub(super) fn number(id: &RemoteId) -> Option<i64> {
    id.as_str().parse().ok()
}
