//! Providers' calls: something changed in a collection that they were asked to watch.

pub mod hear;
pub mod probe;

use actix_web::http::Method;
use actix_web::web;
use syncline_platform::random::digest;
use syncline_store::FoundWatch;

use crate::problem::{Code, Problem};
use crate::state::State;

/// Where these calls arrive. They are not counted as requests of a network address: a provider's are all from a few.
pub const BELOW: &str = "/v1/hooks/";

/// Adds the routes.
pub fn configure(app: &mut web::ServiceConfig) {
    app.service(super::at(
        "/v1/hooks/{provider}/{token}",
        [
            (Method::GET, web::to(probe::handle)),
            (Method::POST, web::to(hear::handle)),
        ],
    ));
}

/// The watch that a call is about. `gone` has the provider stop calling; whoever only guesses is counted.
async fn watch_of(
    state: &State,
    request: &actix_web::HttpRequest,
    token: &str,
) -> Result<FoundWatch, Problem> {
    let known = if is_token(token) {
        state.store.watch_by_token(&digest(token)).await?
    } else {
        None
    };
    if let Some(watch) = known {
        return Ok(watch);
    }
    let (provider, outcome) = ("unknown", "gone");
    metrics::counter!("syncline_hints_total", "provider" => provider, "outcome" => outcome)
        .increment(1);
    state.limits.guess(request).await?;
    Err(gone())
}

/// Whether a text has the form of a token: 32 bytes in unpadded base64url.
fn is_token(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    text.len() == 43 && text.bytes().all(fits)
}

/// Has a provider stop calling.
fn gone() -> Problem {
    Problem::new(
        Code::Gone,
        "Nobody waits for calls at this address: stop calling it.",
    )
}
