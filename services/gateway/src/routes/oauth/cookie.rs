//! The cookie by which the browser that began an authorisation is known again. Only the callback sees it.

use actix_web::HttpRequest;
use actix_web::http::header::{self, HeaderValue};
use secrecy::ExposeSecret as _;
use syncline_accounts::{Accounts, BrowserMark};

use crate::problem::Problem;
use crate::state::State;

/// The `Set-Cookie` header for whoever begins.
pub fn keep(state: &State, mark: &BrowserMark) -> Result<HeaderValue, Problem> {
    let seconds = Accounts::PATIENCE.as_secs();
    header(state, &mark.name, mark.secret.expose_secret(), seconds)
}

/// The `Set-Cookie` header that takes it away again.
pub fn forget(state: &State, name: &str) -> Result<HeaderValue, Problem> {
    header(state, name, "", 0)
}

// Lax and not Strict: the browser comes back from the provider's site.
fn header(state: &State, name: &str, value: &str, seconds: u64) -> Result<HeaderValue, Problem> {
    let url = state.callback_url();
    let secure = if url.starts_with("https:") {
        "; Secure"
    } else {
        ""
    };
    let path = url
        .split_once("://")
        .and_then(|(_, rest)| rest.find('/').and_then(|at| rest.get(at..)))
        .unwrap_or("/");
    let text =
        format!("{name}={value}; Path={path}; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
    HeaderValue::from_str(&text).map_err(|error| Problem::internal(&error))
}

/// The value of a request's cookie.
pub fn read<'r>(request: &'r HttpRequest, name: &str) -> Option<&'r str> {
    let sent = request.headers().get_all(header::COOKIE);
    let mut pairs = sent
        .filter_map(|header| header.to_str().ok())
        .flat_map(|header| header.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    pairs
        .find(|(found, _)| *found == name)
        .map(|(_, value)| value)
}
