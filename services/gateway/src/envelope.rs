//! Around every answer: its request's id, headers that keep browsers careful, one log line, and the certainty that an
//! error is a problem. The log never has a query, a header or a body.

use std::time::{Duration, Instant};

use actix_web::body::{BodySize, BodyStream, BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::web::Bytes;
use actix_web::{Error, ResponseError, web};
use futures::stream;
use syncline_platform::trace;
use tracing::Instrument as _;

use crate::problem::Problem;
use crate::state::State;

/// By which a caller says in which trace it calls.
const TRACEPARENT: &str = "traceparent";

/// Wraps every answer.
pub async fn envelope(
    state: web::Data<State>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let id = state.ids.next().simple().to_string();
    let began = Instant::now();
    let method = request.method().clone();
    let span = tracing::info_span!("request", request.id = %id, trace.id = tracing::field::Empty);
    let parent = request.headers().get(TRACEPARENT);
    trace::follow(&span, parent.and_then(|parent| parent.to_str().ok()));
    let answered = async {
        let response = next.call(request).await?.map_into_boxed_body();
        let mut response = as_problem(response);
        if method == Method::HEAD {
            response = response.map_body(|_, body| unread(body));
        }
        let pattern = response.request().match_pattern();
        let route = pattern.as_deref().unwrap_or("none");
        count(route, response.status().as_u16(), began.elapsed());
        tracing::info!(
            %method,
            route,
            status = response.status().as_u16(),
            ms = began.elapsed().as_millis() as u64,
            "answered"
        );
        let headers = response.headers_mut();
        if let Ok(id) = HeaderValue::from_str(&id) {
            headers.insert(HeaderName::from_static("x-request-id"), id);
        }
        for (name, value) in [
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::X_FRAME_OPTIONS, "DENY"),
            (header::REFERRER_POLICY, "no-referrer"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        Ok(response)
    };
    answered.instrument(span).await
}

/// Counts an answer. A pattern of a route has no ids in it.
fn count(route: &str, status: u16, took: Duration) {
    let route = route.to_owned();
    metrics::counter!("syncline_http_requests_total", "route" => route.clone(), "status" => status.to_string())
        .increment(1);
    metrics::histogram!("syncline_http_request_seconds", "route" => route)
        .record(took.as_secs_f64());
}

/// A body of which nothing will be sent: one that is made as it is sent is not made.
fn unread(body: BoxBody) -> BoxBody {
    match body.size() {
        BodySize::Stream => BodyStream::new(stream::empty::<Result<Bytes, Error>>()).boxed(),
        BodySize::None | BodySize::Sized(_) => body,
    }
}

/// Any error that is not a problem yet, as one.
fn as_problem(response: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    let status = response.status();
    let problem = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/problem+json"));
    let html = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if status.as_u16() < 400 || problem || html {
        return response;
    }
    response.into_response(Problem::of_status(status).error_response())
}
