//! One call to a provider and its answer, as plain data. Sending is `session`'s, classifying mostly the connector's.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use reqwest::Method;
use reqwest::header::HeaderMap;
use serde::de::DeserializeOwned;

use crate::{Error, Kind};

/// A call to make.
#[derive(Clone, Debug)]
pub struct Request {
    pub(crate) method: Method,
    pub(crate) target: String,
    pub(crate) route: &'static str,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Option<Body>,
    pub(crate) buckets: Vec<(&'static str, u32)>,
    pub(crate) safe: bool,
    writes: bool,
    refuses: Option<fn(&[u8]) -> bool>,
}

/// What a call carries.
#[derive(Clone, Debug)]
pub(crate) enum Body {
    Json(serde_json::Value),
    /// Anything else; the connector says of what kind it is.
    Text(String),
}

impl Request {
    fn new(method: Method, target: impl Into<String>, safe: bool) -> Self {
        Self {
            writes: method != Method::GET,
            method,
            target: target.into(),
            route: "other",
            query: Vec::new(),
            headers: Vec::new(),
            body: None,
            buckets: Vec::new(),
            safe,
            refuses: None,
        }
    }

    /// A `GET`. The target is a path below the API's base address, already percent-encoded and beginning with `/`,
    /// or a whole URL of the same origin (as some providers give for the next page).
    pub fn get(target: impl Into<String>) -> Self {
        Self::new(Method::GET, target, true)
    }

    /// A `POST` of JSON, taken as unsafe to repeat unless `repeatable` says otherwise.
    pub fn post(target: impl Into<String>, body: serde_json::Value) -> Self {
        Self::new(Method::POST, target, false).body(body)
    }

    /// A `PUT` of JSON, taken as unsafe to repeat unless `repeatable` says otherwise.
    pub fn put(target: impl Into<String>, body: serde_json::Value) -> Self {
        Self::new(Method::PUT, target, false).body(body)
    }

    /// A `PATCH` with JSON, taken as unsafe to repeat unless `repeatable` says otherwise.
    pub fn patch(target: impl Into<String>, body: serde_json::Value) -> Self {
        Self::new(Method::PATCH, target, false).body(body)
    }

    /// A question by another method than `GET` (`PROPFIND`, `REPORT`, which HTTP lets anybody define): it changes
    /// nothing. `None` for a method that HTTP cannot carry.
    pub fn ask(
        method: &str,
        target: impl Into<String>,
        content_type: &str,
        body: String,
    ) -> Option<Self> {
        let method = Method::from_bytes(method.as_bytes()).ok()?;
        let mut request = Self::new(method, target, true).text(content_type, body);
        request.writes = false;
        Some(request)
    }

    /// A change by another method than the usual ones (`MKCOL`), taken as unsafe to repeat unless `repeatable` says
    /// otherwise. `None` for a method that HTTP cannot carry.
    pub fn change(
        method: &str,
        target: impl Into<String>,
        content_type: &str,
        body: String,
    ) -> Option<Self> {
        let method = Method::from_bytes(method.as_bytes()).ok()?;
        Some(Self::new(method, target, false).text(content_type, body))
    }

    /// A `PUT` of anything but JSON, taken as unsafe to repeat unless `repeatable` says otherwise.
    pub fn put_text(target: impl Into<String>, content_type: &str, body: String) -> Self {
        Self::new(Method::PUT, target, false).text(content_type, body)
    }

    /// A `DELETE`, taken as unsafe to repeat unless `repeatable` says otherwise.
    pub fn delete(target: impl Into<String>) -> Self {
        Self::new(Method::DELETE, target, false)
    }

    /// Whether it may change something at the provider.
    pub(crate) const fn writes(&self) -> bool {
        self.writes
    }

    /// Whether the body of a server error is a refusal in the provider's own words.
    pub(crate) fn is_refused_by(&self, body: &[u8]) -> bool {
        self.refuses.is_some_and(|refuses| refuses(body))
    }

    fn body(mut self, body: serde_json::Value) -> Self {
        self.body = Some(Body::Json(body));
        self
    }

    fn text(mut self, content_type: &str, body: String) -> Self {
        self.body = Some(Body::Text(body));
        self.header("content-type", content_type)
    }

    /// Names the route for logs and metrics: a template without ids (`GET /v1/people/{id}`).
    pub const fn route(mut self, template: &'static str) -> Self {
        self.route = template;
        self
    }

    /// Adds a query parameter; the value is encoded here.
    pub fn query(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.query.push((key.into(), value.into()));
        self
    }

    /// Adds a header, by its lower-case name.
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Draws tokens from a bucket of the definition's `limits` before the call.
    pub fn take(mut self, bucket: &'static str, tokens: u32) -> Self {
        self.buckets.push((bucket, tokens));
        self
    }

    /// For providers that say no with a server error: one whose body this knows for a refusal comes back as an answer, and
    /// is not repeated.
    pub const fn refused_by(mut self, refuses: fn(&[u8]) -> bool) -> Self {
        self.refuses = Some(refuses);
        self
    }

    /// Says that doing this twice is the same as doing it once, so that it may be repeated when no answer came.
    pub const fn repeatable(mut self) -> Self {
        self.safe = true;
        self
    }
}

/// An answer. Its `Debug` form leaves out headers and body.
#[derive(Clone)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The provider's clock when it answered (`Date`).
    pub date: Option<DateTime<Utc>>,
    /// The body, unpacked.
    pub body: Bytes,
    pub(crate) provider: String,
    pub(crate) safe: bool,
}

impl std::fmt::Debug for Response {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

impl Response {
    /// Whether the status is 2xx.
    pub const fn is_success(&self) -> bool {
        self.status >= 200 && self.status < 300
    }

    /// The body as JSON of a shape. Anything else (HTML, nothing, another shape) is `Malformed`; if the call was
    /// not repeatable and the status a success, it may have been done all the same.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_slice(&self.body).map_err(|parse| {
            // serde_json's message may quote the body: only the place of the trouble is kept.
            let place = format!("line {}, column {}", parse.line(), parse.column());
            let mut error = self.error(
                Kind::Malformed,
                format!("the answer is not what the provider documents ({place})"),
            );
            error.maybe_applied = !self.safe && self.is_success();
            error
        })
    }

    /// A header's text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// An error of this answer, of a kind that the connector chose.
    pub fn error(&self, kind: Kind, message: impl Into<String>) -> Error {
        let mut error = Error::new(self.provider.clone(), kind, message);
        error.status = Some(self.status);
        error
    }

    /// The kind that the status alone suggests; connectors refine it by the body.
    pub const fn kind(&self) -> Kind {
        match self.status {
            401 => Kind::Unauthorized,
            403 => Kind::Forbidden,
            404 | 410 => Kind::NotFound,
            409 | 412 => Kind::VersionMismatch,
            408 | 425 | 500..=599 => Kind::Unavailable,
            429 => Kind::RateLimited { retry_after: None },
            400..=499 => Kind::Rejected,
            _ => Kind::Malformed,
        }
    }
}
