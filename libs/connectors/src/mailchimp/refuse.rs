//! What Mailchimp's refusals mean, told apart by their titles. Details may quote addresses and are never passed on.

use syncline_connector::{Error, Kind, Response, Session};

use super::wire::{BatchError, Problem};

/// Only the person can undo it.
const LEFT: &str = "the person unsubscribed or the address bounced: only the person can subscribe it again at Mailchimp";
const FORGOTTEN: &str =
    "the contact was deleted for good at Mailchimp: only the person can come back";
const CROWDED: &str = "Mailchimp takes no more sign-ups of this address for now";
/// Most fields that a message names.
const MOST: usize = 5;

/// The error for an answer that is no success.
pub(super) fn refusal(response: &Response) -> Error {
    let problem = serde_json::from_slice::<Problem>(&response.body).unwrap_or_default();
    let kind = match response.kind() {
        // A page of what stands before Mailchimp.
        Kind::Forbidden if problem.title.is_empty() => Kind::Unavailable,
        kind => kind,
    };
    let message = match kind {
        Kind::NotFound => "Mailchimp has no such contact or audience".to_owned(),
        Kind::Unauthorized => "Mailchimp does not accept our access".to_owned(),
        Kind::Forbidden => "the access that was given does not allow this at Mailchimp".to_owned(),
        Kind::Rejected => {
            let fields = problem.errors.iter().map(|one| one.field.as_str());
            rejected(&problem.title, &problem.detail, fields)
        }
        _ => format!("Mailchimp answered with an error ({})", response.status),
    };
    let mut error = response.error(kind, message);
    error.code = Some(problem.title).filter(|title| !title.is_empty());
    error
}

/// The error of one contact among many.
pub(super) fn of_item(session: &Session, item: &BatchError) -> Error {
    let fields = [item.field.as_str()].into_iter();
    let mut error = session.error(Kind::Rejected, rejected("", &item.error, fields));
    error.code = Some(item.error_code.clone()).filter(|code| !code.is_empty());
    error
}

fn rejected<'a>(title: &str, detail: &str, fields: impl Iterator<Item = &'a str>) -> String {
    match title {
        "Member In Compliance State" => return LEFT.into(),
        "Forgotten Email Not Subscribed" => return FORGOTTEN.into(),
        "Member Exists" => return "another contact of the audience has this e-mail address".into(),
        _ => {}
    }
    // What is refused among many comes without a title.
    for (words, message) in [
        (
            "already a list member",
            "another contact of the audience has this e-mail address",
        ),
        ("in a compliance state", LEFT),
        ("was permanently deleted", FORGOTTEN),
        ("signed up to a lot of lists", CROWDED),
        (
            "looks fake or invalid",
            "Mailchimp takes the e-mail address for a fake or invalid one",
        ),
    ] {
        if detail.contains(words) {
            return message.into();
        }
    }
    let fields: Vec<&str> = fields
        .filter(|field| !field.is_empty())
        .take(MOST)
        .collect();
    if fields.is_empty() {
        "Mailchimp refused the contact".into()
    } else {
        format!(
            "Mailchimp refused the contact because of {}",
            fields.join(", ")
        )
    }
}
