//! Webhooks: Mailchimp calls when a contact of an audience changed, but for its tags. What its calls say of it is not read.

use chrono::{DateTime, TimeDelta};
use serde_json::json;
use syncline_connector::watch::{Forged, Heard, Knock, Watch, Watched, is_signed};
use syncline_connector::{Error, Kind, Request, Session};
use url::form_urlencoded;

use super::read::{list_of, send};
use super::wire::Webhook;

/// How old or how early a call may be by its signature. A call that is not taken is made again for more than an hour; one that
/// somebody repeats does no more than have us look.
const TOLERANCE: TimeDelta = TimeDelta::hours(2);

/// What is told of. Calls because of what integrations wrote are among them: of two that use an audience each would not
/// hear of the other, and our own writes cost a look that finds nothing.
pub(super) async fn watch(session: &Session, watch: &Watch) -> Result<Watched, Error> {
    let list = list_of(session, &watch.collection)?;
    let body = json!({
        "url": watch.url,
        "events": {
            "subscribe": true, "unsubscribe": true, "profile": true, "cleaned": true, "upemail": true,
            "campaign": false,
        },
        "sources": {"user": true, "admin": true, "api": true},
    });
    let request = Request::post(format!("/lists/{list}/webhooks"), body);
    let request = request.route("POST /lists/{id}/webhooks");
    let made: Webhook = send(session, request).await?.json()?;
    Ok(Watched {
        id: made.id,
        secret: made.signing_secret.map(Into::into),
        until: None,
    })
}

pub(super) async fn unwatch(session: &Session, collection: &str, id: &str) -> Result<(), Error> {
    let list = list_of(session, collection)?;
    let request = Request::delete(format!("/lists/{list}/webhooks/{id}"))
        .route("DELETE /lists/{id}/webhooks/{id}");
    match send(session, request).await {
        Err(error) if error.kind == Kind::NotFound => Ok(()),
        done => done.map(drop),
    }
}

/// A webhook that was made without a secret is not signed: its address alone says whose calls they are.
pub(super) fn hear(knock: &Knock<'_>) -> Result<Heard, Forged> {
    if let Some(secret) = knock.secret {
        let sent = (knock.header)("x-mailchimp-signature").ok_or(Forged("it is not signed"))?;
        let part = |name: &str| {
            let mut parts = sent.split(',').map(str::trim);
            parts.find_map(|part| part.strip_prefix(name)?.strip_prefix('='))
        };
        let (at, signature) = part("t")
            .zip(part("v1"))
            .ok_or(Forged("it is not signed"))?;
        let signed_at = at
            .parse()
            .ok()
            .and_then(|at| DateTime::from_timestamp(at, 0));
        let age = signed_at.map(|signed_at| (knock.now - signed_at).abs());
        if age.is_none_or(|age| age > TOLERANCE) {
            return Err(Forged("it is an old call"));
        }
        if !is_signed(secret, &[at.as_bytes(), b".", knock.body], signature) {
            return Err(Forged("its signature is wrong"));
        }
    }
    let mut form = form_urlencoded::parse(knock.body);
    let kind = form.find(|(name, _)| name == "type").map(|(_, kind)| kind);
    Ok(match kind.as_deref() {
        Some("subscribe" | "unsubscribe" | "profile" | "cleaned" | "upemail") => Heard::Changed,
        _ => Heard::Nothing,
    })
}
