//! What Zoho's refusals mean for us: whole-request errors (an object) and the errors of single records (inside
//! `data`), told apart by shape and decided by code, since the statuses vary. Pure but for reading the answer.
//!
//! Messages name fields and limits; never values.

use syncline_connector::{Error, Kind, Response};
use syncline_model::RemoteId;

use super::wire::{Details, Outcome, Outcomes};

/// The error of a call that was refused as a whole. A refused listing may word it as a record's error.
pub(super) fn refused(response: &Response) -> Error {
    let whole: Option<Outcome> = serde_json::from_slice(&response.body).ok();
    let outcome = whole
        .filter(|outcome| !outcome.code.is_empty())
        .or_else(|| {
            let inside: Option<Outcomes> = serde_json::from_slice(&response.body).ok();
            inside.and_then(|outcomes| outcomes.data.into_iter().next())
        });
    let Some(outcome) = outcome else {
        let kind = if response.is_success() {
            Kind::Malformed
        } else {
            response.kind()
        };
        return response.error(
            kind,
            format!("Zoho CRM answered with status {}", response.status),
        );
    };
    let (kind, message) = judge_request(&outcome, response.kind());
    let mut error = response.error(kind, message);
    error.code = Some(outcome.code);
    error
}

/// What the error of a whole call means; `by_status` is for codes that say nothing special.
pub(super) fn judge_request(outcome: &Outcome, by_status: Kind) -> (Kind, String) {
    let param = outcome.details.param_name.as_deref();
    let say = |kind, text: &str| (kind, text.to_owned());
    match outcome.code.as_str() {
        "INVALID_TOKEN" | "INVALID_OAUTHTOKEN" | "AUTHENTICATION_FAILURE" => say(
            Kind::Unauthorized,
            "Zoho CRM no longer accepts this account's authorisation",
        ),
        "OAUTH_SCOPE_MISMATCH" => say(
            Kind::Forbidden,
            "this account was authorised without a permission that syncing needs: authorise it again and allow everything asked for",
        ),
        "NO_PERMISSION" if !outcome.details.permissions.is_empty() => (
            Kind::Forbidden,
            format!(
                "the user's profile in Zoho CRM lacks a permission: {}",
                outcome.details.permissions.join(", ")
            ),
        ),
        "NO_PERMISSION"
        | "AUTHORIZATION_FAILED"
        | "FEATURE_NOT_SUPPORTED"
        | "FEATURE_NOT_ENABLED" => say(
            Kind::Forbidden,
            "the user's profile in Zoho CRM does not allow this",
        ),
        "INVALID_MODULE" => say(Kind::Forbidden, "the user has no contacts in Zoho CRM"),
        "EXPIRED_VALUE" | "TOKEN_BOUND_DATA_MISMATCH" => say(
            Kind::CursorExpired,
            "the place in Zoho CRM's listing is no longer known",
        ),
        "INVALID_DATA" if param == Some("page_token") => say(
            Kind::CursorExpired,
            "the place in Zoho CRM's listing is no longer known",
        ),
        "INVALID_DATA" if param == Some("cvid") => {
            say(Kind::NotFound, "the list view is no longer in Zoho CRM")
        }
        "PAGINATION_LIMIT_EXCEEDED" => say(
            Kind::Unsupported,
            "Zoho CRM lists at most 100,000 contacts of a list view: choose a smaller view, or all contacts",
        ),
        "TOO_MANY_REQUESTS" => say(
            Kind::RateLimited { retry_after: None },
            "Zoho CRM says that there were too many calls",
        ),
        "INTERNAL_ERROR" => say(Kind::Unavailable, "Zoho CRM had an internal error"),
        code => {
            let about = param.or(outcome.details.api_name.as_deref());
            let about = about.map(|name| format!(" ({name})")).unwrap_or_default();
            (
                by_status,
                format!("Zoho CRM refused the call: {code}{about}"),
            )
        }
    }
}

/// The outcomes of a write of `count` records, in their order; an error when the call failed as a whole.
pub(super) fn outcomes(response: &Response, count: usize) -> Result<Vec<Outcome>, Error> {
    if let Ok(outcomes) = serde_json::from_slice::<Outcomes>(&response.body)
        && outcomes.data.len() == count
    {
        return Ok(outcomes.data);
    }
    let mut error = refused(response);
    if response.is_success() {
        error.kind = Kind::Malformed;
        error.message = "Zoho CRM's answer does not say what became of each record".into();
        error.maybe_applied = true;
    }
    Err(error)
}

/// Whether a record's outcome is a success.
pub(super) fn succeeded(outcome: &Outcome) -> bool {
    outcome.code == "SUCCESS"
}

/// The error of one record.
pub(super) fn record_error(outcome: &Outcome, response: &Response) -> Error {
    let (kind, message) = judge_record(outcome);
    let mut error = response.error(kind, message);
    error.maybe_applied = outcome.code == "INTERNAL_ERROR";
    error.existing = existing(outcome);
    error.code = Some(outcome.code.clone());
    error
}

/// What the error of one record means.
pub(super) fn judge_record(outcome: &Outcome) -> (Kind, String) {
    let details = &outcome.details;
    let field = details.api_name.as_deref().unwrap_or("the contact");
    let say = |kind, text: &str| (kind, text.to_owned());
    match outcome.code.as_str() {
        "DUPLICATE_DATA" => (
            Kind::Rejected,
            format!("Zoho CRM allows no second contact with the same {field}"),
        ),
        "MANDATORY_NOT_FOUND" => (Kind::Rejected, format!("Zoho CRM needs {field}")),
        "INVALID_DATA" if is_about_id(details) => {
            say(Kind::NotFound, "the contact is no longer in Zoho CRM")
        }
        "INVALID_DATA" => (Kind::Rejected, invalid(details, field)),
        "MULTIPLE_OR_MULTI_ERRORS" => {
            let all: Vec<String> = details
                .errors
                .iter()
                .map(|one| judge_record(one).1)
                .collect();
            (Kind::Rejected, all.join("; "))
        }
        "ALREADY_MODIFIED" => say(
            Kind::VersionMismatch,
            "the contact was changed in Zoho CRM meanwhile",
        ),
        "RECORD_LOCKED" => say(
            Kind::Unavailable,
            "the contact is locked in Zoho CRM: the change waits",
        ),
        "TOO_MANY_REQUESTS" => say(
            Kind::RateLimited { retry_after: None },
            "Zoho CRM says that there were too many calls",
        ),
        "INTERNAL_ERROR" => say(Kind::Unavailable, "Zoho CRM had an internal error"),
        // What concerns one record must not stop the others.
        "NO_PERMISSION" => say(
            Kind::Rejected,
            "the user may not change this contact in Zoho CRM",
        ),
        "NOT_APPROVED" => say(Kind::Rejected, "the contact waits for approval in Zoho CRM"),
        code => (Kind::Rejected, format!("Zoho CRM refused {field}: {code}")),
    }
}

fn is_about_id(details: &Details) -> bool {
    details.api_name.as_deref() == Some("id")
        || (details.api_name.is_none() && details.id.is_some())
}

fn invalid(details: &Details, field: &str) -> String {
    match (
        details.maximum_length,
        details.expected_data_type.as_deref(),
    ) {
        (Some(length), _) => format!("{field} holds at most {length} characters in Zoho CRM"),
        (None, Some(expected)) => {
            format!("Zoho CRM does not accept the value of {field} as {expected}")
        }
        (None, None) => format!("Zoho CRM does not accept the value of {field}"),
    }
}

/// The record that is in the way of a duplicate.
pub(super) fn existing(outcome: &Outcome) -> Option<RemoteId> {
    let details = &outcome.details;
    let inner = || details.errors.iter().find_map(existing);
    match outcome.code.as_str() {
        "DUPLICATE_DATA" => {
            let named = details.duplicate_record.as_ref().map(|record| &record.id);
            named.or(details.id.as_ref()).map(RemoteId::new)
        }
        "MULTIPLE_OR_MULTI_ERRORS" => inner(),
        _ => None,
    }
}
