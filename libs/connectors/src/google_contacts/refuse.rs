//! What Google's refusals mean (providers' error bodies, one place). Messages of theirs may quote values and are
//! never passed on; field paths and codes are.

use syncline_connector::{Error, Kind, Response};

use super::wire::{ErrorBody, Status};

/// What a refused call carried that its refusal may be about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum About {
    /// Nothing special.
    Plain,
    /// A sync token or a page token, which Google may no longer take.
    Token,
}

/// The error for an answer that is no success.
pub(super) fn refusal(response: &Response, about: About) -> Error {
    let body = serde_json::from_slice::<ErrorBody>(&response.body).unwrap_or_default();
    let kind = classify(response, &body, about);
    let message = match &kind {
        Kind::CursorExpired => "Google no longer knows where the last sync ended".to_owned(),
        Kind::VersionMismatch => "the contact was changed at Google meanwhile".to_owned(),
        Kind::NotFound => "Google has no such contact or group".to_owned(),
        Kind::Unauthorized => "Google does not accept our access".to_owned(),
        Kind::Forbidden => "the access that was given does not allow this at Google".to_owned(),
        Kind::RateLimited { .. } => "Google says that there were too many calls".to_owned(),
        Kind::Rejected => rejected(&body),
        _ => format!("Google answered with an error ({})", response.status),
    };
    let mut error = response.error(kind, message);
    error.code = code(&body);
    error
}

fn classify(response: &Response, body: &ErrorBody, about: About) -> Kind {
    let error = &body.error;
    let reason = |wanted: &[&str]| {
        error
            .details
            .iter()
            .any(|detail| wanted.contains(&detail.reason.as_str()))
            || error
                .errors
                .iter()
                .any(|legacy| wanted.contains(&legacy.reason.as_str()))
    };
    let says = |words: &str| error.message.contains(words);
    match response.status {
        // The status word of an expired token is disputed; reason and message are not.
        400 if reason(&["EXPIRED_SYNC_TOKEN"]) || says("Sync token is expired") => {
            Kind::CursorExpired
        }
        400 | 410 if about == About::Token => Kind::CursorExpired,
        400 if says("etag is different than the current") => Kind::VersionMismatch,
        400 if error.status == "FAILED_PRECONDITION" && says("etag") => Kind::VersionMismatch,
        403 if error.status == "RESOURCE_EXHAUSTED"
            || reason(&[
                "RATE_LIMIT_EXCEEDED",
                "rateLimitExceeded",
                "userRateLimitExceeded",
                "quotaExceeded",
            ]) =>
        {
            Kind::RateLimited { retry_after: None }
        }
        // ABORTED: another change was under way.
        409 if error.status == "ABORTED" => Kind::Unavailable,
        409 => Kind::Rejected,
        _ => response.kind(),
    }
}

fn rejected(body: &ErrorBody) -> String {
    /// Longest list of fields shown.
    const MOST: usize = 5;
    let fields: Vec<&str> = body
        .error
        .details
        .iter()
        .flat_map(|detail| &detail.field_violations)
        .map(|violation| violation.field.as_str())
        .filter(|field| !field.is_empty())
        .take(MOST)
        .collect();
    if fields.is_empty() {
        "Google refused the contact".to_owned()
    } else {
        format!(
            "Google refused the contact because of {}",
            fields.join(", ")
        )
    }
}

fn code(body: &ErrorBody) -> Option<String> {
    let reason = body
        .error
        .details
        .iter()
        .map(|detail| &detail.reason)
        .find(|reason| !reason.is_empty());
    reason
        .or(Some(&body.error.status))
        .filter(|code| !code.is_empty())
        .cloned()
}

/// The error of one person of a batch, by its `google.rpc.Code`.
pub(super) fn of_item(response: &Response, status: &Status) -> Error {
    let (kind, message) = match status.code {
        5 => (Kind::NotFound, "Google has no such contact"),
        9 => (
            Kind::VersionMismatch,
            "the contact was changed at Google meanwhile",
        ),
        8 => (
            Kind::RateLimited { retry_after: None },
            "Google says that there were too many calls",
        ),
        7 => (
            Kind::Forbidden,
            "the access that was given does not allow this at Google",
        ),
        4 | 10 | 13 | 14 => (Kind::Unavailable, "Google could not do it just now"),
        _ => (Kind::Rejected, "Google refused the contact"),
    };
    response.error(kind, message)
}
