//! From the address that somebody typed to their address books (RFC 6764): by what is there, by `.well-known`, by the
//! principal and its home set.

use syncline_connector::{Error, Kind, Session};
use syncline_model::{Collection, Identity};
use url::Url;

use super::call::{self, find};
use super::place;
use super::wire::{MultiStatus, Resource};

/// What an address book's id begins with.
pub(super) const BOOK: &str = "book:";

const HERE: &str =
    "<resourcetype/><current-user-principal/><A:addressbook-home-set/><displayname/>";
const BOOKS: &str = "<resourcetype/><displayname/>";

/// What was found.
pub(super) struct Found {
    /// The person's own address on the server, if it tells.
    principal: Option<String>,
    /// What the server calls the person.
    name: Option<String>,
    /// Where the address books are kept, if that is known.
    pub home: Option<String>,
    /// The address books: path and name, at least one.
    pub books: Vec<(String, String)>,
}

/// Who the account is.
pub(super) async fn identity(session: &Session) -> Result<Identity, Error> {
    let server = session.server().await?;
    let found = discover(session, &server).await?;
    let home = found
        .principal
        .or_else(|| Some(found.books.first()?.0.clone()));
    let home = home.unwrap_or_default();
    let host = server.host_str().unwrap_or_default();
    let name = found.name.unwrap_or_else(|| place::last(&home));
    Ok(Identity {
        subject: call::at(&server, &home),
        label: format!("{name} ({host})"),
    })
}

/// The address books.
pub(super) async fn collections(session: &Session) -> Result<Vec<Collection>, Error> {
    let server = session.server().await?;
    let found = discover(session, &server).await?;
    let books = found.books.into_iter().enumerate();
    let books = books.map(|(index, book)| collection(book, index == 0));
    Ok(books.collect())
}

/// An address book, of its path and name.
pub(super) fn collection((path, name): (String, String), default: bool) -> Collection {
    Collection {
        id: format!("{BOOK}{path}"),
        name,
        default,
        // A contact is in the book that it is kept in.
        membership_writable: false,
    }
}

/// What is at the address that was typed, or where that leads.
pub(super) async fn discover(session: &Session, server: &Url) -> Result<Found, Error> {
    let typed = server.path().to_owned();
    let mut refusal = None;
    for start in [typed.as_str(), "/.well-known/carddav", "/"] {
        match from(session, server, start).await {
            Ok(Some(found)) => return Ok(found),
            Ok(None) => {}
            // Another address may know better; what was said of the typed one is what the person should hear.
            Err(error)
                if matches!(
                    error.kind,
                    Kind::NotFound | Kind::Forbidden | Kind::Malformed | Kind::Rejected
                ) =>
            {
                refusal.get_or_insert(error);
            }
            Err(error) => return Err(error),
        }
    }
    Err(refusal.unwrap_or_else(|| {
        session.error(
            Kind::NotFound,
            "no address book was found there: type the address of the address book itself, as the server shows it",
        )
    }))
}

async fn from(session: &Session, server: &Url, start: &str) -> Result<Option<Found>, Error> {
    let (here, at) = find(session, server, start, 0, HERE).await?;
    let Some(here) = here.resources.into_iter().next() else {
        return Ok(None);
    };
    let principal = here
        .principal
        .as_deref()
        .and_then(|href| place::normal(href, server));
    if here.is_book {
        let path = place::normal(&at, server).unwrap_or(at);
        let name = here.name.unwrap_or_else(|| place::last(&path));
        return Ok(Some(Found {
            principal: None,
            name: None,
            home: None,
            books: vec![(slashed(path), name)],
        }));
    }
    let (mut homes, mut name) = (here.homes, None);
    if let Some(principal) = &principal
        && homes.is_empty()
    {
        let (person, _) = find(session, server, principal, 0, HERE).await?;
        if let Some(person) = person.resources.into_iter().next() {
            homes = person.homes;
            name = person.name;
        }
    }
    if homes.is_empty() {
        // Perhaps it is the home set itself that was typed.
        homes.push(at);
    }
    let (mut books, mut first) = (Vec::new(), None);
    for home in homes {
        let path = place::normal(&home, server).ok_or_else(|| elsewhere(session, &home, server))?;
        let path = slashed(path);
        let (listing, _) = find(session, server, &path, 1, BOOKS).await?;
        books.extend(listed(listing, server));
        first.get_or_insert(path);
    }
    books.sort();
    books.dedup();
    Ok((!books.is_empty()).then_some(Found {
        principal,
        name,
        home: first,
        books,
    }))
}

fn listed(listing: MultiStatus, server: &Url) -> impl Iterator<Item = (String, String)> {
    let books = listing.resources.into_iter().filter(|one| one.is_book);
    books.filter_map(move |Resource { href, name, .. }| {
        let path = slashed(place::normal(&href, server)?);
        let name = name.unwrap_or_else(|| place::last(&path));
        Some((path, name))
    })
}

/// An address on another server: the password is not for that one.
fn elsewhere(session: &Session, href: &str, server: &Url) -> Error {
    let other = server
        .join(href)
        .map(|url| url.origin().ascii_serialization());
    session.error(
        Kind::Forbidden,
        format!(
            "the address books are at {}, which does not get the password unasked: type that address if it is yours",
            other.unwrap_or_default()
        ),
    )
}

fn slashed(mut path: String) -> String {
    if !path.ends_with('/') {
        path.push('/');
    }
    path
}
