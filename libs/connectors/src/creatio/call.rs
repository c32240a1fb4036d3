//! Calls to a site's OData service, and what its refusals mean. Its messages may quote values and are never passed on.

use serde::de::DeserializeOwned;
use serde_json::{Value as Json, json};
use syncline_connector::{Error, Kind, Request, Response, Session};

use super::wire::{Answered, Part, Responses, Row, Rows};

/// Calls that a batch takes.
pub(super) const MOST: usize = 100;

/// The path of the OData service below the address that was typed. Builds on .NET Framework have it at `/0/odata`; where
/// that is not so, its whole address is typed.
pub(super) async fn service(session: &Session) -> Result<&'static str, Error> {
    let typed = session.server().await?;
    let is_whole = typed.path().trim_end_matches('/').ends_with("/odata");
    Ok(if is_whole { "" } else { "/0/odata" })
}

/// Reads something.
pub(super) async fn get(
    session: &Session,
    path: &str,
    route: &'static str,
    query: &[(&str, &str)],
) -> Result<Response, Error> {
    let mut request = Request::get(format!("{}/{path}", service(session).await?));
    for (name, value) in query {
        request = request.query(*name, *value);
    }
    session.send(request.route(route).take("calls", 1)).await
}

/// Rows that a query finds.
pub(super) async fn list(
    session: &Session,
    entity: &str,
    query: &[(&str, &str)],
) -> Result<(Response, Rows), Error> {
    let route = match entity {
        "Contact" => "GET /odata/Contact",
        "ContactCommunication" => "GET /odata/ContactCommunication",
        "ContactAddress" => "GET /odata/ContactAddress",
        "ContactInTag" => "GET /odata/ContactInTag",
        "ContactTag" => "GET /odata/ContactTag",
        _ => "GET /odata/{lookup}",
    };
    let response = get(session, entity, route, query).await?;
    let rows: Rows = expect(&response)?;
    if !is_of(&rows.context, entity) {
        let message = "Creatio's list does not say what it is a list of";
        return Err(response.error(Kind::Malformed, message));
    }
    Ok((response, rows))
}

/// Whether an answer is about an entity, as its context says (`...$metadata#Contact(Id,Name)`).
fn is_of(context: &str, entity: &str) -> bool {
    let named = context.rsplit_once('#').map(|(_, named)| named);
    let rest = named.and_then(|named| named.strip_prefix(entity));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['(', '/']))
}

/// One row; `None` where Creatio itself says that there is none. For one that is missing it has a status and no word, as
/// whatever stands before it has, or at another address: so it is asked for a list as well.
pub(super) async fn row<T: DeserializeOwned>(
    session: &Session,
    entity: &str,
    id: &str,
    query: &[(&str, &str)],
) -> Result<Option<T>, Error> {
    let route = match entity {
        "Contact" => "GET /odata/Contact({id})",
        "ContactTag" => "GET /odata/ContactTag({id})",
        _ => "GET /odata/{lookup}({id})",
    };
    let response = get(session, &format!("{entity}({id})"), route, query).await?;
    if response.status != 404 || has_no_route(&response) {
        return expect(&response).map(Some);
    }
    if is_listed(session, entity, id).await? {
        let message = "Creatio does not show a record that its lists have";
        return Err(response.error(Kind::Unavailable, message));
    }
    Ok(None)
}

/// Whether a list has a row.
async fn is_listed(session: &Session, entity: &str, id: &str) -> Result<bool, Error> {
    let filter = format!("Id eq {id}");
    let query = [
        ("$filter", &*filter),
        ("$select", "Id"),
        ("$top", "1"),
        ("$count", "true"),
    ];
    let (response, rows) = list(session, entity, &query).await?;
    let count = rows.count.ok_or_else(|| {
        let message = "Creatio does not say how many rows there are";
        response.error(Kind::Malformed, message)
    })?;
    Ok(count > 0 || !rows.value.is_empty())
}

/// Makes a row of its own and gives it as it is then.
pub(super) async fn post<T: DeserializeOwned>(
    session: &Session,
    entity: &'static str,
    body: Json,
) -> Result<T, Error> {
    let path = format!("{}/{entity}", service(session).await?);
    let request = Request::post(path, body).route("POST /odata/{entity}");
    expect(&session.send(request.take("calls", 1)).await?)
}

/// Removes a row; one that is gone is removed.
pub(super) async fn remove(session: &Session, entity: &str, id: &str) -> Result<(), Error> {
    let target = format!("{}/{entity}({id})", service(session).await?);
    let request = Request::delete(target).route("DELETE /odata/{entity}({id})");
    let response = session.send(request.take("calls", 1).repeatable()).await?;
    if response.status == 204 {
        return Ok(());
    }
    if response.status == 404 && !is_listed(session, entity, id).await? {
        return Ok(());
    }
    if response.is_success() {
        let message = "Creatio answers to a deletion with something else";
        return Err(response.error(Kind::Malformed, message));
    }
    Err(refusal(&response))
}

/// Makes calls together, each with an outcome of its own; a failure of the whole is an error.
pub(super) async fn batch(session: &Session, parts: &[Part]) -> Result<Vec<Answered>, Error> {
    let mut answered = Vec::new();
    for parts in parts.chunks(MOST) {
        let path = format!("{}/$batch", service(session).await?);
        let request = Request::post(path, json!({ "requests": parts }))
            .route("POST /odata/$batch")
            .header("prefer", "continue-on-error")
            .take("calls", 1);
        let response = session.send(request).await?;
        let told: Result<Responses, Error> = expect(&response);
        let told = told.map_err(|mut error| {
            // It says that all is well, and then that it is not.
            error.maybe_applied |= response.is_success();
            error
        })?;
        if told.responses.len() != parts.len() {
            let message = "Creatio does not say what became of each call of a batch";
            let mut error = response.error(Kind::Malformed, message);
            error.maybe_applied = true;
            return Err(error);
        }
        answered.extend(told.responses);
    }
    Ok(answered)
}

/// The body of a success, or the error that another answer is: also one whose status says that all is well.
pub(super) fn expect<T: DeserializeOwned>(response: &Response) -> Result<T, Error> {
    if !response.is_success() {
        return Err(refusal(response));
    }
    match response.json::<Row>() {
        Ok(body) if is_error(&body) => Err(refusal(response)),
        Ok(_) => response.json(),
        Err(error) => Err(error),
    }
}

/// Whether a body is one of an error, of any of the layers that there are.
fn is_error(body: &Row) -> bool {
    ["error", "Message", "ExceptionMessage"]
        .iter()
        .any(|member| body.contains_key(*member))
}

/// Whether an answer is of a service that knows no such collection: it is just being built anew.
fn has_no_route(response: &Response) -> bool {
    let body = response.json::<Row>();
    body.is_ok_and(|body| body.contains_key("MessageDetail"))
}

/// The error for an answer that is no success.
pub(super) fn refusal(response: &Response) -> Error {
    let no_route = has_no_route(response);
    let kind = match response.status {
        // Of no record: what is missing is the service, and nobody is gone with it.
        404 => Kind::Unavailable,
        200..300 if no_route => Kind::Unavailable,
        200..300 => Kind::Malformed,
        409 | 412 => Kind::Rejected,
        _ => response.kind(),
    };
    let message = match &kind {
        Kind::Unauthorized => "Creatio does not accept our access",
        Kind::Forbidden => "the user of the OAuth client may not do this in Creatio",
        Kind::Unavailable if no_route => {
            "Creatio's OData service does not know the collection: it is being built anew, or the address is not that of a site"
        }
        Kind::Unavailable if response.status == 404 => {
            "there is no OData service of Creatio at this address: on .NET, type the address with /odata at its end"
        }
        Kind::Unavailable => "Creatio does not work at the moment",
        Kind::Rejected => "Creatio refused the call",
        _ => "Creatio answered with something else than it documents",
    };
    response.error(kind, message)
}

/// The error of one call of a batch; none if it was done. It is about one record: the call for all of them was let in.
pub(super) fn of_part(session: &Session, part: &Answered) -> Option<Error> {
    let body = part.body.as_object();
    let said = body.is_some_and(is_error);
    let no_route = body.is_some_and(|body| body.contains_key("MessageDetail"));
    let (kind, message) = match part.status {
        200..300 if !said => return None,
        403 => (
            Kind::Rejected,
            "the user of the OAuth client may not do this with this contact in Creatio",
        ),
        401 | 502..=504 => (Kind::Unavailable, "Creatio does not work at the moment"),
        404 if no_route => (Kind::Unavailable, "Creatio does not work at the moment"),
        404 => (Kind::NotFound, "Creatio has no such record"),
        429 => (
            Kind::RateLimited { retry_after: None },
            "Creatio asks us to wait",
        ),
        // Creatio's own rules fail with a server error as well, however often it is tried.
        _ => (
            Kind::Rejected,
            "Creatio refused the contact or what belongs to it",
        ),
    };
    let mut error = session.error(kind, message);
    error.status = Some(part.status);
    Some(error)
}
