//! Contact photos: taken, checked and named, but not served: no client of a sandbox looks at them.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use serde_json::Value;

use super::etag::parse_resource_name;
use super::mask::Mask;
use super::refusal::Refusal;
use super::render::{self, View};
use super::wire::Turn;

/// `people.updateContactPhoto`.
pub fn update(turn: &mut Turn<'_>) -> Result<String, Refusal> {
    let body = turn.json()?;
    let text = body.get("photoBytes").and_then(Value::as_str).unwrap_or("");
    let bytes = STANDARD
        .decode(text)
        .or_else(|_| URL_SAFE.decode(text))
        .map_err(|_| Refusal::argument())?;
    if !bytes.starts_with(&[0xff, 0xd8, 0xff]) && !bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        return Err(Refusal::argument());
    }
    let digest = crate::core::ids::digest(text);
    let url = format!(
        "{}/contacts-photo/{digest:016x}.jpg",
        turn.google.core.base_url()
    );
    let fields = body
        .get("personFields")
        .and_then(Value::as_str)
        .unwrap_or("")
        .to_owned();
    set(turn, Some(url), &fields)
}

/// `people.deleteContactPhoto`.
pub fn delete(turn: &mut Turn<'_>) -> Result<String, Refusal> {
    let fields = turn.ask.query.all("personFields").join(",");
    set(turn, None, &fields)
}

fn set(turn: &mut Turn<'_>, photo: Option<String>, fields: &str) -> Result<String, Refusal> {
    let id = parse_resource_name(turn.id)
        .filter(|id| turn.account.live(*id).is_some())
        .ok_or_else(Refusal::not_found)?;
    let mask = match fields {
        "" => None,
        text => Some(Mask::parse(
            text,
            &[],
            "personFields",
            "people.updateContactPhoto",
        )?),
    };
    turn.account
        .change(id, turn.google.now(), |face| face.photo = photo);
    let contact = turn.account.live(id).ok_or_else(Refusal::not_found)?;
    Ok(match mask {
        Some(mask) => {
            format!(
                "{{\"person\":{}}}",
                render::person(
                    id,
                    &contact.face,
                    &mask,
                    View::Single,
                    turn.google.core.base_url()
                )
            )
        }
        None => "{}".to_owned(),
    })
}
