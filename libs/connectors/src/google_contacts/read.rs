//! Reading: listings, changes, single records, and the search for creations whose answer was lost.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use serde_json::Value as Json;
use syncline_connector::{
    Change, Create, Cursor, Error, GoneWhy, Kind, Next, Page, Pull, Request, Response, Session,
};
use syncline_model::{FieldName, Identity, Record, RemoteId};

use super::cursor::{MASK, Place, Stand, mask_hash};
use super::groups::{self, group_of};
use super::map::{self, Labels};
use super::refuse::{About, of_item, refusal};
use super::wire::{BatchGot, Connections, Person};

/// The largest page that Google gives.
const PAGE: &str = "1000";
/// What the markers of our creations are called; the value is the operation's id.
pub(super) const MARKER: &str = "syncline.operation";
/// How far back from the intention a search for a creation looks: more than the clocks can differ.
const DOUBT: TimeDelta = TimeDelta::minutes(10);
/// Pages that a search for creations reads at most.
const SEARCH_PAGES: usize = 50;

/// Makes a call whose refusals are errors.
pub(super) async fn send(
    session: &Session,
    request: Request,
    about: About,
) -> Result<Response, Error> {
    let response = session.send(request).await?;
    if response.is_success() {
        Ok(response)
    } else {
        Err(refusal(&response, about))
    }
}

/// A resource name as part of a path. What is not one cannot name anything.
pub(super) fn path_of<'a>(
    session: &Session,
    name: &'a str,
    prefix: &str,
) -> Result<&'a str, Error> {
    name.strip_prefix(prefix)
        .filter(|id| {
            !id.is_empty()
                && id
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
        })
        .map(|_| name)
        .ok_or_else(|| session.error(Kind::NotFound, "that is not the id of anything at Google"))
}

/// Who the account is. The id of the profile is the login's stable id.
pub(super) async fn identity(session: &Session) -> Result<Identity, Error> {
    let request = Request::get("/v1/people/me")
        .route("/v1/people/me")
        .query("personFields", "emailAddresses,metadata,names")
        .take("read", 1);
    let me: Person = send(session, request, About::Plain).await?.json()?;
    let profile = me
        .metadata
        .sources
        .iter()
        .find(|source| source.r#type == "PROFILE" && !source.id.is_empty());
    let subject = profile
        .map(|source| source.id.clone())
        .or_else(|| me.resource_name.strip_prefix("people/").map(str::to_owned))
        .ok_or_else(|| session.error(Kind::Malformed, "Google does not say who the account is"))?;
    let text = |member: &str, key: &str| {
        let items = me.members.get(member).and_then(Json::as_array)?;
        let is_primary = |item: &&Json| {
            item.get("metadata")
                .and_then(|metadata| metadata.get("primary"))
                .and_then(Json::as_bool)
                == Some(true)
        };
        let item = items.iter().find(is_primary).or_else(|| items.first())?;
        Some(item.get(key)?.as_str()?.to_owned())
    };
    let label = text("emailAddresses", "value").or_else(|| text("names", "displayName"));
    Ok(Identity {
        label: label.unwrap_or_else(|| subject.clone()),
        subject,
    })
}

/// One page of changes or of everything.
pub(super) async fn pull(session: &Session, pull: &Pull) -> Result<Page, Error> {
    let group = group_of(session, &pull.collection)?;
    let mut stand = match &pull.page {
        Some(page) => serde_json::from_str::<Stand>(page)
            .map_err(|_| session.error(Kind::CursorExpired, "the page token is not one of ours"))?,
        None => Stand::begin(pull.cursor.as_ref().map(|cursor| cursor.0.as_str())),
    };
    let (mut response, mut list) = fetch(session, &stand).await?;
    if stand.page.is_none() && stand.is_stale(response.date) {
        stand = Stand::full();
        (response, list) = fetch(session, &stand).await?;
    }
    if !is_whole(&stand, &list) {
        // An answer that was cut short looks like a last page: a second look tells them apart.
        tracing::warn!(
            people = list.people.len(),
            "the listing does not add up and is read again"
        );
        (response, list) = fetch(session, &stand).await?;
    }
    let full = stand.token.is_none();
    let full_at = if full && stand.page.is_none() {
        response.date
    } else {
        stand.full_at
    };
    let complete = full && is_whole(&stand, &list);
    let next = if let Some(page) = next_page(&list) {
        let stand = Stand {
            page: Some(page),
            seen: stand.seen + distinct(&list),
            full_at,
            token: stand.token.clone(),
        };
        Next::Page(sealed(session, &stand)?)
    } else {
        let token = list
            .next_sync_token
            .clone()
            .filter(|token| !token.is_empty());
        let place = Place {
            token: token.ok_or_else(|| {
                response.error(
                    Kind::Malformed,
                    "Google's listing ended without a sync token",
                )
            })?,
            mask: mask_hash(),
            full_at,
        };
        Next::End {
            cursor: Cursor(sealed(session, &place)?),
            complete_listing: complete,
        }
    };
    if let Some(group) = group {
        let first = full && stand.page.is_none();
        if first
            || list
                .people
                .iter()
                .any(|person| !map::is_member(person, group))
        {
            groups::must_exist(session, group).await?;
        }
    }
    let labels = if map::needs_labels(&pull.fields) && !list.people.is_empty() {
        Some(groups::labels(session).await?)
    } else {
        None
    };
    Ok(Page {
        changes: changes(list.people, group, full, labels.as_ref()),
        next,
    })
}

async fn fetch(session: &Session, stand: &Stand) -> Result<(Response, Connections), Error> {
    // Google wants every page and every later sync asked for with the same parameters.
    let mut request = Request::get("/v1/people/me/connections")
        .route("/v1/people/me/connections")
        .query("personFields", MASK)
        .query("sources", "READ_SOURCE_TYPE_CONTACT")
        .query("pageSize", PAGE)
        .query("requestSyncToken", "true")
        .take("read", 1);
    if let Some(token) = &stand.token {
        request = request.query("syncToken", token);
    }
    if let Some(page) = &stand.page {
        request = request.query("pageToken", page);
    }
    let about = if stand.token.is_some() || stand.page.is_some() {
        About::Token
    } else {
        About::Plain
    };
    let response = send(session, request, about).await?;
    let list = response.json()?;
    Ok((response, list))
}

/// Whether what looks like the end of a listing has everyone that Google counts.
fn is_whole(stand: &Stand, list: &Connections) -> bool {
    if next_page(list).is_some() {
        return true;
    }
    let counted = match list.total_items {
        Some(total) if stand.token.is_none() => stand.seen + distinct(list) == total,
        _ => true,
    };
    counted && list.next_sync_token.is_some()
}

fn next_page(list: &Connections) -> Option<String> {
    list.next_page_token
        .clone()
        .filter(|token| !token.is_empty())
}

fn distinct(list: &Connections) -> u64 {
    let names: BTreeSet<&str> = list
        .people
        .iter()
        .map(|person| person.resource_name.as_str())
        .collect();
    names.len() as u64
}

fn sealed<T: serde::Serialize>(session: &Session, value: &T) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|_| {
        session.error(
            Kind::Malformed,
            "the place in the listing cannot be written down",
        )
    })
}

/// People as changes, each once; the last of several counts.
fn changes(
    people: Vec<Person>,
    group: Option<&str>,
    full: bool,
    labels: Option<&Labels>,
) -> Vec<Change> {
    let mut place: BTreeMap<String, usize> = BTreeMap::new();
    let mut changes: Vec<Change> = Vec::with_capacity(people.len());
    for person in people {
        let Some(change) = change(&person, group, full, labels) else {
            continue;
        };
        let earlier = place
            .get(&person.resource_name)
            .and_then(|index| changes.get_mut(*index));
        if let Some(earlier) = earlier {
            *earlier = change;
        } else {
            place.insert(person.resource_name, changes.len());
            changes.push(change);
        }
    }
    changes
}

fn change(
    person: &Person,
    group: Option<&str>,
    full: bool,
    labels: Option<&Labels>,
) -> Option<Change> {
    let former = || {
        let names = person.metadata.previous_resource_names.iter();
        names.map(|name| RemoteId::new(name.clone())).collect()
    };
    let gone = |why| Change::Gone {
        id: RemoteId::new(person.resource_name.clone()),
        why,
        former: former(),
    };
    if person.resource_name.is_empty() {
        return None;
    }
    let Some(record) = map::record(person, labels) else {
        return Some(gone(GoneWhy::Deleted));
    };
    if group.is_some_and(|group| !map::is_member(person, group)) {
        // In a listing of everything, those outside are not news.
        return (!full).then(|| gone(GoneWhy::Left));
    }
    Some(Change::Present {
        record,
        former: former(),
    })
}

/// Records by id, in the order asked.
pub(super) async fn get(
    session: &Session,
    ids: &[RemoteId],
    fields: &[FieldName],
) -> Result<Vec<Option<Record>>, Error> {
    let labels = if map::needs_labels(fields) && !ids.is_empty() {
        Some(groups::labels(session).await?)
    } else {
        None
    };
    let people = people(session, ids).await?;
    people
        .into_iter()
        .map(|person| Ok(person?.and_then(|person| map::record(&person, labels.as_ref()))))
        .collect()
}

/// People by id, in the order asked; `None` where there is none.
pub(super) async fn people(
    session: &Session,
    ids: &[RemoteId],
) -> Result<Vec<Result<Option<Person>, Error>>, Error> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut request = Request::get("/v1/people:batchGet")
        .route("/v1/people:batchGet")
        .query("personFields", MASK)
        .query("sources", "READ_SOURCE_TYPE_CONTACT")
        .take("read", 1);
    let well_formed = |id: &RemoteId| path_of(session, id.as_str(), "people/").is_ok();
    for id in ids.iter().filter(|id| well_formed(id)) {
        request = request.query("resourceNames", id.as_str());
    }
    if !ids.iter().any(well_formed) {
        return Ok(ids.iter().map(|_| Ok(None)).collect());
    }
    let response = send(session, request, About::Plain).await?;
    let got: BatchGot = response.json()?;
    let mut found = BTreeMap::new();
    for one in got.responses {
        let name = one.requested_resource_name.clone().or_else(|| {
            one.person
                .as_ref()
                .map(|person| person.resource_name.clone())
        });
        found.insert(name.unwrap_or_default(), one);
    }
    Ok(ids
        .iter()
        .map(|id| {
            if !well_formed(id) {
                return Ok(None);
            }
            // Each id must be answered for: silence is no proof that a contact is gone.
            let Some(one) = found.get(id.as_str()) else {
                return Err(response.error(
                    Kind::Malformed,
                    "Google left out a contact that was asked for",
                ));
            };
            let status = one.status.clone().unwrap_or_default();
            match &one.person {
                _ if status.code == 5 || one.http_status_code == Some(404) => Ok(None),
                _ if status.code != 0 => Err(of_item(&response, &status)),
                Some(person) => Ok(Some(person.clone())),
                None => Err(response.error(
                    Kind::Malformed,
                    "Google's answer lacks a contact and says not why",
                )),
            }
        })
        .collect())
}

/// Looks through the latest changes for contacts that carry the markers of these creations.
pub(super) async fn find_created(
    session: &Session,
    items: &[Create],
) -> Result<Vec<Option<Record>>, Error> {
    let Some(earliest) = items.iter().map(|item| item.intended_at).min() else {
        return Ok(Vec::new());
    };
    let wanted: BTreeMap<String, usize> = items
        .iter()
        .enumerate()
        .map(|(index, item)| (item.operation.to_string(), index))
        .collect();
    let mut found: Vec<Option<Record>> = items.iter().map(|_| None).collect();
    let mut page: Option<String> = None;
    for _ in 0..SEARCH_PAGES {
        let mut request = Request::get("/v1/people/me/connections")
            .route("/v1/people/me/connections")
            .query("personFields", format!("{MASK},clientData"))
            .query("sources", "READ_SOURCE_TYPE_CONTACT")
            .query("pageSize", PAGE)
            .query("sortOrder", "LAST_MODIFIED_DESCENDING")
            .take("read", 1);
        if let Some(token) = &page {
            request = request.query("pageToken", token);
        }
        let list: Connections = send(session, request, About::Plain).await?.json()?;
        page = next_page(&list);
        for person in &list.people {
            for index in markers(person).filter_map(|operation| wanted.get(operation)) {
                if let Some(place) = found.get_mut(*index) {
                    *place = map::record(person, None);
                }
            }
        }
        let oldest = list
            .people
            .iter()
            .filter_map(|person| person.contact()?.update_time)
            .min();
        let past = oldest.is_some_and(|oldest| oldest < earliest - DOUBT);
        if past || page.is_none() || found.iter().all(Option::is_some) {
            return Ok(found);
        }
    }
    Err(session.error(
        Kind::Unavailable,
        "too much changed at Google to look for lost creations",
    ))
}

/// The operations that a person's markers name.
pub(super) fn markers(person: &Person) -> impl Iterator<Item = &str> {
    map::own_items(person, "clientData")
        .into_iter()
        .filter(|item| item.get("key").and_then(Json::as_str) == Some(MARKER))
        .filter_map(|item| item.get("value").and_then(Json::as_str))
}
