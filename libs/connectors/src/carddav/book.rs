//! Making address books (RFC 5689), beside those that there are.

use syncline_connector::{Error, Kind, MadeCollection, Request, Session};
use url::Url;

use super::call::{About, at, expect, propfind};
use super::discover::{collection, discover};
use super::place;
use super::wire::{self, XML};

/// Paths that are tried for a new address book: earlier ones may be taken by books that have another name now.
const PATHS: u32 = 10;

/// Makes an address book, unless there is one of that name. Its path is made of the name, so that two calls at a time make
/// one.
pub(super) async fn create(session: &Session, name: &str) -> Result<MadeCollection, Error> {
    let server = session.server().await?;
    let found = discover(session, &server).await?;
    let known = |books: Vec<(String, String)>| {
        let book = books.into_iter().find(|(_, known)| known == name)?;
        Some(MadeCollection {
            collection: collection(book, false),
            is_new: false,
        })
    };
    if let Some(book) = known(found.books) {
        return Ok(book);
    }
    let home = found.home.ok_or_else(|| {
        let message = "the address of one address book was typed, and no other can be made beside it: log in with the server's own address";
        session.error(Kind::Rejected, message)
    })?;
    for turn in 1..=PATHS {
        let path = format!("{home}{}/", place::segment(name, turn));
        if make(session, &server, &path, name).await? {
            name_it(session, &server, &path, name).await?;
            return Ok(MadeCollection {
                collection: collection((path, name.to_owned()), false),
                is_new: true,
            });
        }
        // Made by a call like this one, or of another name now.
        if let Some(book) = known(discover(session, &server).await?.books) {
            return Ok(book);
        }
    }
    let message =
        "the server has too many address books that had this name once: choose another name";
    Err(session.error(Kind::Rejected, message))
}

/// Makes an address book at a path; `false` if something is there.
async fn make(session: &Session, server: &Url, path: &str, name: &str) -> Result<bool, Error> {
    let request = Request::change("MKCOL", at(server, path), XML, wire::mkcol(name));
    let request = request.ok_or_else(|| session.error(Kind::Unsupported, "no such method"))?;
    let response = session.send(request.route("MKCOL /{path}")).await?;
    let is_taken = match response.status {
        405 => true,
        403 => wire::names(&response, "resource-must-be-null"),
        _ => false,
    };
    if is_taken {
        return Ok(false);
    }
    expect(response, About::NewBook).map(|_| true)
}

/// SOGo calls a new address book by the last part of its path, whatever name it was told.
async fn name_it(session: &Session, server: &Url, path: &str, name: &str) -> Result<(), Error> {
    let (made, _) = propfind(session, server, path, 0, "<displayname/>").await?;
    let shown = made.resources.into_iter().next();
    if shown.and_then(|book| book.name).as_deref() == Some(name) {
        return Ok(());
    }
    let request = Request::change("PROPPATCH", at(server, path), XML, wire::rename(name));
    let request = request.ok_or_else(|| session.error(Kind::Unsupported, "no such method"))?;
    let response = session.send(request.route("PROPPATCH /{path}")).await?;
    expect(response, About::NewBook).map(drop)
}
