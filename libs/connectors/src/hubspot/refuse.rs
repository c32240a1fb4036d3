//! What HubSpot's refusals mean. Messages of theirs may quote values and are never passed on; property names and codes
//! are.

use std::time::Duration;

use syncline_connector::{Error, Kind, Response};
use syncline_model::RemoteId;

use super::wire::Refused;

/// Waits that HubSpot asks for without saying how long: a bulk change is under way.
const LOCKED: Duration = Duration::from_secs(2);
/// The account is being moved to another data centre.
const MOVING: Duration = Duration::from_mins(10);

/// The error for an answer that is no success.
pub(super) fn refusal(response: &Response) -> Error {
    let body = serde_json::from_slice::<Refused>(&response.body).unwrap_or_default();
    let asked = response
        .header("retry-after")
        .and_then(|text| text.parse().ok());
    let wait = |least: Duration| Kind::RateLimited {
        retry_after: Some(asked.map_or(least, Duration::from_secs)),
    };
    let kind = match response.status {
        423 => wait(LOCKED),
        477 => wait(MOVING),
        409 => Kind::Rejected,
        _ => response.kind(),
    };
    of(response, kind, &body)
}

/// The error of one input of a batch.
pub(super) fn of_input(response: &Response, body: &Refused) -> Error {
    let kind = match body.category.as_str() {
        "OBJECT_NOT_FOUND" => Kind::NotFound,
        "RATE_LIMITS" => Kind::RateLimited { retry_after: None },
        "MISSING_SCOPES" => Kind::Forbidden,
        "INTERNAL_ERROR" => Kind::Unavailable,
        _ => Kind::Rejected,
    };
    of(response, kind, body)
}

fn of(response: &Response, kind: Kind, body: &Refused) -> Error {
    let message = match &kind {
        Kind::Unauthorized => "HubSpot does not accept our access".to_owned(),
        Kind::Forbidden => "the access that was given does not allow this at HubSpot".to_owned(),
        Kind::NotFound => "HubSpot has no such contact".to_owned(),
        Kind::RateLimited { .. } => "HubSpot asks us to wait".to_owned(),
        Kind::Rejected if body.category == "CONFLICT" => {
            "HubSpot has another contact with this e-mail address or another unique value"
                .to_owned()
        }
        Kind::Rejected => rejected(body),
        _ => format!("HubSpot answered with an error ({})", response.status),
    };
    let mut error = response.error(kind, message);
    error.existing = existing(body);
    let code = body.errors.iter().find_map(|detail| detail.code.clone());
    error.code = code.or_else(|| Some(body.category.clone()).filter(|code| !code.is_empty()));
    error
}

fn rejected(body: &Refused) -> String {
    /// Longest list of properties shown.
    const MOST: usize = 5;
    let names = body
        .errors
        .iter()
        .filter_map(|detail| detail.within.as_deref());
    let names: Vec<&str> = names.take(MOST).collect();
    if names.is_empty() {
        "HubSpot refused the contact".to_owned()
    } else {
        format!(
            "HubSpot refused the contact because of {}",
            names.join(", ")
        )
    }
}

/// The contact that is in the way. That it is said in a sentence is no promise of HubSpot's: whoever uses it reads it first.
fn existing(body: &Refused) -> Option<RemoteId> {
    let (_, id) = body.message.split_once("Existing ID: ")?;
    let id: String = id.chars().take_while(char::is_ascii_digit).collect();
    (body.category == "CONFLICT" && !id.is_empty()).then(|| RemoteId::new(id))
}
