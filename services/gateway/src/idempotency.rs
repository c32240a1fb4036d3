//! `Idempotency-Key` on POST: a request that is repeated gets the first one's answer and is not done again.
//!
//! The key belongs to the caller. What was answered is kept with a hash of the request, so that a key cannot be used
//! for something else. It is sealed like what else a tenant has. Answers of 500 and above are not kept: such a request may be
//! repeated. Exempt is whatever answers with a token or a key: those are kept as hashes or nowhere, not for a day in an answer.

use actix_web::body::{BoxBody, MessageBody, to_bytes_limited};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::{StatusCode, header};
use actix_web::middleware::Next;
use actix_web::{Error, HttpResponse, web};
use base64::Engine as _;
use sha2::{Digest, Sha256};
use syncline_store::{Idempotency, Scope};

use crate::admit::refuse;
use crate::auth::Caller;
use crate::extract::{MAX_BODY, unreadable};
use crate::problem::{Code, Problem};
use crate::state::State;

/// Marks an answer that was given before.
pub const REPLAYED: &str = "idempotent-replayed";
/// The header.
const HEADER: &str = "idempotency-key";
/// Longest key, in characters.
const LONGEST: usize = 255;
/// Largest answer kept, in bytes.
const MAX_ANSWER: usize = 4 * MAX_BODY;
/// Paths whose answers hold a token or a key, and are not kept.
pub const EXEMPT: [&str; 6] = [
    "/v1/api-keys",
    "/v1/invitations",
    "/v1/invitations/accept",
    "/v1/sessions",
    "/v1/sessions/refresh",
    "/v1/tenants",
];

/// The key under which a request is done once, if it asks for that.
pub fn key(request: &ServiceRequest, caller: &Caller) -> Result<Option<String>, Problem> {
    let Some(value) = request.headers().get(HEADER) else {
        return Ok(None);
    };
    let wrong = || {
        Problem::new(
            Code::InvalidParameter,
            "`Idempotency-Key` has 1 to 255 visible ASCII characters.",
        )
    };
    let text = value.to_str().map_err(|_| wrong())?;
    if text.is_empty() || text.len() > LONGEST {
        return Err(wrong());
    }
    // As it is routed: a path may spell its letters otherwise.
    if EXEMPT.contains(&request.match_info().as_str()) {
        return Ok(None);
    }
    let digest = Sha256::digest(format!("{:?}\n{text}", caller.who));
    Ok(Some(
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(digest),
    ))
}

/// Does a request if it was not done before, or gives its first answer again.
pub async fn once(
    state: &State,
    rows: &Scope,
    key: &str,
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let bytes = match request.extract::<web::Bytes>().await {
        Ok(bytes) => bytes,
        Err(error) => return Ok(refuse(request, &unreadable(&error))),
    };
    let mut hash = Sha256::new();
    for part in [
        request.method().as_str(),
        request.path(),
        request.query_string(),
    ] {
        hash.update(part);
        hash.update("\n");
    }
    hash.update(&bytes);
    let again = futures::stream::once(std::future::ready(Ok(bytes)));
    request.set_payload(Payload::Stream {
        payload: Box::pin(again),
    });
    let begun = rows
        .idempotency_begin(key, &hash.finalize(), state.clock.now())
        .await;
    let problem = match begun {
        Ok(Idempotency::Fresh) => return first(rows, key, next.call(request).await?).await,
        Ok(Idempotency::Replay { status, body }) => {
            return Ok(request.into_response(replay(status, body)));
        }
        Ok(Idempotency::InFlight) => Problem::new(
            Code::RequestInProgress,
            "The first request with this `Idempotency-Key` is not answered yet.",
        )
        .retry_after(std::time::Duration::from_secs(1)),
        Ok(Idempotency::Mismatch) => Problem::new(
            Code::IdempotencyKeyReused,
            "This `Idempotency-Key` was used for another request: make a new one.",
        ),
        Err(error) => error.into(),
    };
    Ok(refuse(request, &problem))
}

/// Keeps the first answer.
async fn first(
    rows: &Scope,
    key: &str,
    response: ServiceResponse<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let (request, response) = response.into_parts();
    let status = response.status();
    let (head, body) = response.into_parts();
    let kept = match to_bytes_limited(body, MAX_ANSWER).await {
        Ok(Ok(bytes)) if keepable(status) => {
            let kept = rows.idempotency_finish(key, status.as_u16(), &bytes).await;
            (bytes, kept)
        }
        Ok(Ok(bytes)) => (bytes, rows.idempotency_abandon(key).await),
        Ok(Err(_)) | Err(_) => (web::Bytes::new(), rows.idempotency_abandon(key).await),
    };
    let (bytes, kept) = kept;
    if let Err(error) = kept {
        tracing::error!(%error, "an answer could not be kept for its Idempotency-Key");
    }
    let response = head.set_body(bytes).map_into_boxed_body();
    Ok(ServiceResponse::new(request, response))
}

/// Whether repeating the request would give the same answer.
fn keepable(status: StatusCode) -> bool {
    !status.is_server_error()
        && status != StatusCode::UNAUTHORIZED
        && status != StatusCode::TOO_MANY_REQUESTS
}

fn replay(status: u16, body: Vec<u8>) -> HttpResponse {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    let kind = if status.as_u16() < 400 {
        "application/json"
    } else {
        "application/problem+json"
    };
    HttpResponse::build(status)
        .insert_header((header::CONTENT_TYPE, kind))
        .insert_header((REPLAYED, "true"))
        .body(body)
}
