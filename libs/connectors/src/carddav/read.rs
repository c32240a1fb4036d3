//! Reading an address book: changes by its sync token (RFC 6578), else everything if its change count moved, else
//! everything. Cards are fetched by address, some at a time.
//!
//! Some servers answer a token that they have forgotten with a listing of everything and say nothing of what was deleted:
//! once a day everything is listed, whatever the token says.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use syncline_connector::{
    Change, Error, GoneWhy, Kind, Next, Page, Pull, Request, Response, Session,
};
use syncline_model::{Record, RemoteId, Version};
use url::Url;

use super::call::{self, About, ask, expect, propfind};
use super::card::Card;
use super::cursor::{Ended, Place, Stand};
use super::discover::BOOK;
use super::wire::{self, MultiStatus, Resource};
use super::{map, place};

/// Records of a page.
const PAGE: usize = 500;
/// Cards fetched at a time: photos make them large.
const CHUNK: usize = 50;
/// After this everything is listed again.
const LISTED: TimeDelta = TimeDelta::days(1);

/// A card as the server has it.
pub(super) struct Fetched {
    pub href: String,
    pub etag: String,
    pub modified_at: Option<DateTime<Utc>>,
    pub card: Card,
}

impl Fetched {
    pub(super) fn record(&self) -> Record {
        Record {
            id: RemoteId::new(self.href.clone()),
            version: Version::new(self.etag.clone()),
            modified_at: self.modified_at,
            fields: map::fields(&self.card),
        }
    }
}

/// The path of a collection by its id.
pub(super) fn path_of<'a>(session: &Session, collection: &'a str) -> Result<&'a str, Error> {
    collection
        .strip_prefix(BOOK)
        .filter(|path| path.starts_with('/'))
        .ok_or_else(|| {
            session.error(
                Kind::NotFound,
                "an address book is named by `book:` and its path",
            )
        })
}

/// One page of changes or of everything.
pub(super) async fn pull(session: &Session, pull: &Pull) -> Result<Page, Error> {
    let server = session.server().await?;
    let book = Book {
        session,
        server: &server,
        path: path_of(session, &pull.collection)?,
    };
    if let Some(page) = &pull.page {
        let expired = || session.error(Kind::CursorExpired, "the page token is not one of ours");
        let place = Place::read(page).ok_or_else(expired)?;
        return match &place.since {
            Some(since) => book.changes(since, Some(&place)).await,
            None => book.everything(Some(&place)).await,
        };
    }
    let Some(cursor) = &pull.cursor else {
        return book.everything(None).await;
    };
    let expired = || session.error(Kind::CursorExpired, "the cursor is not one of ours");
    let ended = Ended::read(cursor).ok_or_else(expired)?;
    book.since(ended).await
}

/// An address book that is being read.
struct Book<'a> {
    session: &'a Session,
    server: &'a Url,
    path: &'a str,
}

impl Book<'_> {
    /// What changed since a pull ended.
    async fn since(&self, ended: Ended) -> Result<Page, Error> {
        let (stand, date) = self.stand().await?;
        let listed = ended
            .listed
            .and_then(|listed| DateTime::from_timestamp(listed, 0));
        let is_stale = date
            .zip(listed)
            .is_none_or(|(now, then)| now - then >= LISTED);
        let same = |now: &Option<String>, then: &Option<String>| then.is_some() && now == then;
        let is_same =
            same(&stand.ended.token, &ended.token) || same(&stand.ended.ctag, &ended.ctag);
        match &ended.token {
            _ if is_stale => self.everything(None).await,
            _ if is_same && !stand.is_open => Ok(Page {
                changes: Vec::new(),
                next: Next::End {
                    cursor: ended.write(),
                    complete_listing: false,
                },
            }),
            Some(token) if stand.syncs => {
                let mut until = ended.clone();
                if stand.by_second {
                    until.token = stand.ended.token;
                }
                let place = Place {
                    since: Some(token.clone()),
                    until,
                    after: String::new(),
                    more: false,
                };
                self.first_changes(token, place, stand.by_second).await
            }
            _ => self.everything(None).await,
        }
    }

    /// How the collection stands.
    async fn stand(&self) -> Result<(Stand, Option<DateTime<Utc>>), Error> {
        let properties = "<resourcetype/><sync-token/><S:getctag/><supported-report-set/>";
        let (found, response) =
            propfind(self.session, self.server, self.path, 0, properties).await?;
        let Some(book) = found.resources.into_iter().find(|one| one.is_book) else {
            return Err(response.error(
                Kind::NotFound,
                "there is no address book at this address any more",
            ));
        };
        let syncs = book.syncs || book.sync_token.is_some();
        let stand = Stand::new(book.sync_token, book.ctag, syncs, response.date);
        Ok((stand, response.date))
    }

    /// One page of everything. Where the pull will end is noted before the first: what changes meanwhile comes again.
    async fn everything(&self, place: Option<&Place>) -> Result<Page, Error> {
        let (until, after) = match place {
            Some(place) => (place.until.clone(), place.after.as_str()),
            None => (self.beginning().await?, ""),
        };
        let properties = "<resourcetype/><getetag/>";
        let (listing, response) =
            propfind(self.session, self.server, self.path, 1, properties).await?;
        if listing.resources.iter().any(|one| one.status == Some(507)) {
            return Err(response.error(
                Kind::Malformed,
                "the server lists a part of the address book only",
            ));
        }
        let cards = listing
            .resources
            .into_iter()
            .filter(|one| !one.is_collection);
        let hrefs: BTreeSet<String> = cards.filter_map(|one| self.href(&one)).collect();
        let left: Vec<String> = hrefs
            .into_iter()
            .filter(|href| href.as_str() > after)
            .collect();
        let page: Vec<&str> = left.iter().take(PAGE).map(String::as_str).collect();
        let found = fetch(self.session, self.server, &page).await?;
        let next = if left.len() > PAGE {
            let place = Place {
                since: None,
                until,
                after: page
                    .last()
                    .map(|href| (*href).to_owned())
                    .unwrap_or_default(),
                more: false,
            };
            Next::Page(place.write())
        } else {
            Next::End {
                cursor: until.write(),
                complete_listing: true,
            }
        };
        Ok(Page {
            changes: present(found),
            next,
        })
    }

    /// Where a pull of everything that begins now will have ended.
    async fn beginning(&self) -> Result<Ended, Error> {
        let (
            Stand {
                mut ended, syncs, ..
            },
            _,
        ) = self.stand().await?;
        if syncs && ended.token.is_none() {
            let (found, _) = self.report("").await?;
            ended.token = found.sync_token;
        }
        Ok(ended)
    }

    /// The first page of what changed since a token. Where that ends the answer says, unless tokens are seconds.
    async fn first_changes(
        &self,
        since: &str,
        place: Place,
        by_second: bool,
    ) -> Result<Page, Error> {
        let (found, more) = self.report(since).await?;
        let told = found.sync_token.clone().filter(|_| !by_second);
        let until = Ended {
            token: told.or_else(|| place.until.token.clone()),
            ctag: None,
            listed: place.until.listed,
        };
        self.page_of(since, found, more, until, "").await
    }

    /// One page of what changed since a token.
    async fn changes(&self, since: &str, place: Option<&Place>) -> Result<Page, Error> {
        let Some(place) = place else {
            return Err(self
                .session
                .error(Kind::CursorExpired, "the page token is not one of ours"));
        };
        if place.more {
            // The server cut its answer short: its token is where it goes on.
            return self.first_changes(since, place.clone(), false).await;
        }
        let (found, _) = self.report(since).await?;
        self.page_of(since, found, false, place.until.clone(), &place.after)
            .await
    }

    async fn page_of(
        &self,
        since: &str,
        found: MultiStatus,
        more: bool,
        until: Ended,
        after: &str,
    ) -> Result<Page, Error> {
        let (mut gone, mut changed) = (BTreeSet::new(), BTreeSet::new());
        for one in found.resources {
            let Some(href) = self.href(&one) else {
                continue;
            };
            match one.status {
                Some(404 | 410) => gone.insert(href),
                _ => changed.insert(href),
            };
        }
        let left: Vec<String> = changed
            .into_iter()
            .filter(|href| href.as_str() > after)
            .collect();
        let page: Vec<&str> = left.iter().take(PAGE).map(String::as_str).collect();
        let mut changes = present(fetch(self.session, self.server, &page).await?);
        if after.is_empty() {
            changes.extend(gone.into_iter().map(|href| Change::Gone {
                id: RemoteId::new(href),
                why: GoneWhy::Deleted,
                former: Vec::new(),
            }));
        }
        let next = if left.len() > PAGE {
            Next::Page(
                Place {
                    since: Some(since.to_owned()),
                    until,
                    after: page
                        .last()
                        .map(|href| (*href).to_owned())
                        .unwrap_or_default(),
                    more: false,
                }
                .write(),
            )
        } else if more && until.token.as_deref() != Some(since) {
            Next::Page(
                Place {
                    since: until.token.clone(),
                    until,
                    after: String::new(),
                    more: true,
                }
                .write(),
            )
        } else {
            Next::End {
                cursor: until.write(),
                complete_listing: false,
            }
        };
        Ok(Page { changes, next })
    }

    /// What changed since a token, and whether there is more than this.
    async fn report(&self, since: &str) -> Result<(MultiStatus, bool), Error> {
        let url = call::at(self.server, self.path);
        let response = ask(
            self.session,
            "REPORT",
            &url,
            0,
            wire::sync_collection(since),
        )
        .await?;
        if matches!(response.status, 400 | 403 | 404 | 409 | 410 | 412)
            && wire::names(&response, "valid-sync-token")
        {
            return Err(response.error(
                Kind::CursorExpired,
                "the server has forgotten the sync token",
            ));
        }
        let found = wire::multi_status(&expect(response, About::Collection)?)?;
        let more = found.resources.iter().any(|one| one.status == Some(507));
        Ok((found, more))
    }

    /// Our spelling of a card's href; none for the address book itself.
    fn href(&self, one: &Resource) -> Option<String> {
        let href = place::normal(&one.href, self.server)?;
        let is_card = !href.ends_with('/') && href != self.path.trim_end_matches('/');
        is_card.then_some(href)
    }
}

fn present(found: Vec<Fetched>) -> Vec<Change> {
    let is_contact = |one: &Fetched| {
        // Servers keep other things too, and groups are cards of another kind.
        let is_contact = one.card.is_card() && !map::is_group(&one.card);
        if !one.card.is_card() {
            tracing::warn!(href = one.href, "what is no vCard is left out");
        }
        is_contact
    };
    let records = found
        .into_iter()
        .filter(is_contact)
        .map(|one| Change::Present {
            record: one.record(),
            former: Vec::new(),
        });
    records.collect()
}

/// Reads records by their ids.
pub(super) async fn get(session: &Session, ids: &[RemoteId]) -> Result<Vec<Option<Record>>, Error> {
    let server = session.server().await?;
    let hrefs: Vec<&str> = ids.iter().map(RemoteId::as_str).collect();
    let found = fetch_all(session, &server, &hrefs).await?;
    let record = |href: &&str| found.get(*href).map(Fetched::record);
    Ok(hrefs.iter().map(record).collect())
}

/// The cards at these addresses, whatever address books they are in. One that is not there is left out, and only if the
/// server says of it that it is not.
pub(super) async fn fetch_all(
    session: &Session,
    server: &Url,
    hrefs: &[&str],
) -> Result<BTreeMap<String, Fetched>, Error> {
    let mut books: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for href in hrefs {
        books.entry(place::parent(href)).or_default().push(href);
    }
    let mut all = BTreeMap::new();
    for hrefs in books.into_values() {
        for one in fetch(session, server, &hrefs).await? {
            all.insert(one.href.clone(), one);
        }
    }
    Ok(all)
}

/// The cards at these addresses of one address book. Where photos make them too large for one answer, they are fetched in
/// smaller parts.
async fn fetch(session: &Session, server: &Url, hrefs: &[&str]) -> Result<Vec<Fetched>, Error> {
    let mut all = Vec::new();
    let mut parts: Vec<&[&str]> = hrefs.chunks(CHUNK).rev().collect();
    while let Some(part) = parts.pop() {
        match fetch_chunk(session, server, part, &mut all).await {
            Err(error) if error.is_too_large() && part.len() > 1 => {
                let (first, second) = part.split_at(part.len() / 2);
                parts.extend([second, first]);
            }
            outcome => outcome?,
        }
    }
    Ok(all)
}

async fn fetch_chunk(
    session: &Session,
    server: &Url,
    hrefs: &[&str],
    all: &mut Vec<Fetched>,
) -> Result<(), Error> {
    let Some(first) = hrefs.first() else {
        return Ok(());
    };
    let url = call::at(server, place::parent(first));
    let response = ask(
        session,
        "REPORT",
        &url,
        1,
        wire::multiget(hrefs.iter().copied()),
    )
    .await?;
    let found = wire::multi_status(&expect(response, About::Collection)?)?;
    let mut told = BTreeSet::new();
    for one in found.resources {
        let Some(href) = place::normal(&one.href, server) else {
            continue;
        };
        let is_missing = matches!(one.status, Some(404 | 410));
        let fetched = fetched(href.clone(), one);
        if is_missing || fetched.is_some() {
            told.insert(href);
        }
        all.extend(fetched);
    }
    for href in hrefs.iter().filter(|href| !told.contains(**href)) {
        // Some servers leave out what is not there; it counts as gone only if that is said.
        all.extend(fetch_alone(session, server, href).await?);
    }
    Ok(())
}

/// One card by itself, as the server has it to the byte.
pub(super) async fn fetch_alone(
    session: &Session,
    server: &Url,
    href: &str,
) -> Result<Option<Fetched>, Error> {
    let request = Request::get(call::at(server, href))
        .route("GET /{path}")
        .header(
            "accept",
            "text/vcard; version=3.0, text/vcard;q=0.9, */*;q=0.1",
        );
    let response: Response = session.send(request).await?;
    if matches!(response.status, 404 | 410) {
        return Ok(None);
    }
    let response = expect(response, About::Card)?;
    let malformed = || {
        response.error(
            Kind::Malformed,
            "the server gives a contact without version or text",
        )
    };
    let text = std::str::from_utf8(&response.body).map_err(|_| malformed())?;
    Ok(Some(Fetched {
        href: href.to_owned(),
        etag: call::etag(&response).ok_or_else(malformed)?,
        modified_at: response.header("last-modified").and_then(call::http_date),
        card: Card::parse(text),
    }))
}

fn fetched(href: String, one: Resource) -> Option<Fetched> {
    Some(Fetched {
        href,
        etag: one.etag?,
        modified_at: one.modified.as_deref().and_then(call::http_date),
        card: Card::parse(&one.card?),
    })
}
