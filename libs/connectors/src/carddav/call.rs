//! Calls to a server, and what its refusals mean.

use chrono::{DateTime, Utc};
use syncline_connector::{Error, Kind, Request, Response, Session};
use url::Url;

use super::wire::{self, MultiStatus, XML};

/// Places that we may be sent to before we give up.
const REDIRECTS: usize = 5;

/// A whole address on the account's server.
pub(super) fn at(server: &Url, path: &str) -> String {
    let mut url = server.clone();
    url.set_path("");
    url.set_query(None);
    format!("{}{path}", url.as_str().trim_end_matches('/'))
}

/// Asks for properties of a resource, and of what is directly in it with a depth of 1.
pub(super) async fn propfind(
    session: &Session,
    server: &Url,
    path: &str,
    depth: u8,
    properties: &str,
) -> Result<(MultiStatus, Response), Error> {
    let body = wire::propfind(properties);
    let response = ask(session, "PROPFIND", &at(server, path), depth, body).await?;
    let response = expect(response, About::Collection)?;
    Ok((wire::multi_status(&response)?, response))
}

/// Puts a question that changes nothing. Redirections are for the caller to follow.
pub(super) async fn ask(
    session: &Session,
    method: &'static str,
    url: &str,
    depth: u8,
    body: String,
) -> Result<Response, Error> {
    let request = Request::ask(method, url, XML, body);
    let request = request.ok_or_else(|| session.error(Kind::Unsupported, "no such method"))?;
    let route = match method {
        "PROPFIND" => "PROPFIND /{path}",
        _ => "REPORT /{path}",
    };
    let request = request
        .route(route)
        .header("depth", depth.to_string())
        .header("accept", "application/xml, text/xml");
    session.send(request).await
}

/// Asks for properties, wherever on the server we are sent to for them: the answer, and where it was found.
pub(super) async fn find(
    session: &Session,
    server: &Url,
    path: &str,
    depth: u8,
    properties: &str,
) -> Result<(MultiStatus, String), Error> {
    let mut url = at(server, path);
    for _ in 0..=REDIRECTS {
        let response = ask(session, "PROPFIND", &url, depth, wire::propfind(properties)).await?;
        if !matches!(response.status, 301 | 302 | 303 | 307 | 308) {
            let response = expect(response, About::Collection)?;
            let path = Url::parse(&url).map(|url| url.path().to_owned());
            return Ok((wire::multi_status(&response)?, path.unwrap_or_default()));
        }
        url = redirected(&response, &url, server)?;
    }
    Err(session.error(
        Kind::Malformed,
        "the server sends us from one address to the next",
    ))
}

/// Where we are sent. The password is for the server that was typed, and for no other.
fn redirected(response: &Response, from: &str, server: &Url) -> Result<String, Error> {
    let target = response.header("location");
    let target = target.and_then(|target| Url::parse(from).ok()?.join(target).ok());
    let Some(target) = target else {
        return Err(response.error(
            Kind::Malformed,
            "the server sends us on without saying where to",
        ));
    };
    if target.origin() != server.origin() {
        let other = target.origin().ascii_serialization();
        return Err(response.error(
            Kind::Forbidden,
            format!("the server sends us on to {other}, which does not get the password unasked: type that address if it is yours"),
        ));
    }
    Ok(target.into())
}

/// What a call was about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum About {
    Collection,
    NewBook,
    Card,
}

/// The answer, if it is a success; else what the refusal means.
pub(super) fn expect(response: Response, about: About) -> Result<Response, Error> {
    let is_page = || {
        let kind = response.header("content-type").unwrap_or_default();
        kind.trim_start()
            .to_ascii_lowercase()
            .starts_with("text/html")
    };
    if !response.is_success() {
        Err(refused(&response, about))
    } else if is_page() {
        // Somebody's log-in page or proxy: nothing that was asked for was done.
        Err(response.error(Kind::Malformed, "a web page answers in place of the server"))
    } else {
        Ok(response)
    }
}

/// The condition that a card of an id that another one has does not meet (RFC 6352 section 6.3.2.1).
const UID_TAKEN: &str = "no-uid-conflict";

fn refused(response: &Response, about: About) -> Error {
    let names = |condition: &str| wire::names(response, condition);
    let (kind, message) = match response.status {
        401 => (
            Kind::Unauthorized,
            "the server does not take the user name and password any more",
        ),
        400 | 403 | 404 | 405 | 409 | 410 | 415 | 422 | 501 if about == About::NewBook => (
            Kind::Rejected,
            "the server does not let an address book of this name be made",
        ),
        404 | 410 if about == About::Collection => (
            Kind::NotFound,
            "there is no such address book on the server, or it is not one",
        ),
        404 | 410 => (Kind::NotFound, "the contact is not there any more"),
        412 if names("valid-address-data") => (
            Kind::Rejected,
            "the server does not take the contact as it is",
        ),
        412 => (Kind::VersionMismatch, "the contact was changed meanwhile"),
        403 | 409 if names(UID_TAKEN) => (
            Kind::Rejected,
            "another contact of the address book has the same id",
        ),
        403 if [
            "valid-address-data",
            "supported-address-data",
            "max-resource-size",
        ]
        .into_iter()
        .any(names) =>
        {
            (
                Kind::Rejected,
                "the server does not take the contact as it is, or finds it too large",
            )
        }
        403 | 405 | 501 => (
            Kind::Forbidden,
            "the server does not allow this: the address book can only be read",
        ),
        409 => (Kind::NotFound, "the address book is not there any more"),
        413 | 415 | 422 => (
            Kind::Rejected,
            "the server does not take the contact as it is, or finds it too large",
        ),
        423 => (Kind::Unavailable, "the contact is locked at the moment"),
        300..=399 => (Kind::Malformed, "the server sends us to another address"),
        _ => (response.kind(), "the server refused the call"),
    };
    let mut error = response.error(kind, message);
    error.code = names(UID_TAKEN).then(|| UID_TAKEN.to_owned());
    error
}

/// Whether a card was refused for having another one's id.
pub(super) fn is_uid_taken(error: &Error) -> bool {
    error.code.as_deref() == Some(UID_TAKEN)
}

/// The version in an answer's head.
pub(super) fn etag(response: &Response) -> Option<String> {
    response.header("etag").map(wire::strong)
}

/// A moment as HTTP writes it.
pub(super) fn http_date(text: &str) -> Option<DateTime<Utc>> {
    let date = DateTime::parse_from_rfc2822(text).ok()?;
    Some(date.with_timezone(&Utc))
}
