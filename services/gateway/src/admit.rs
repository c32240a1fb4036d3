//! The door: finds out who calls, keeps the rate limits, does things once for POST with an `Idempotency-Key`, and
//! enters what was done into the audit log.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::http::{Method, header};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, ResponseError, web};
use syncline_model::Actor;

use crate::audit;
use crate::auth::{Admission, authenticate};
use crate::idempotency;
use crate::limits::{Allowance, peer};
use crate::problem::Problem;
use crate::routes::hooks;
use crate::state::State;

/// Admits requests below `/v1`, but for providers' calls; everything else passes.
pub async fn admit(
    state: web::Data<State>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    // As it is routed: a path may spell its letters otherwise.
    let path = request.match_info().as_str();
    if !path.starts_with("/v1/") || path.starts_with(hooks::BELOW) {
        return Ok(next.call(request).await?.map_into_boxed_body());
    }
    let caller = authenticate(&state, request.headers()).await;
    let known = caller.as_ref().ok().map(|caller| {
        let key = match caller.who {
            Actor::ApiKey(key) => Some(key),
            Actor::Member(_) => None,
        };
        (caller.tenant, key)
    });
    let allowance = match state.limits.request(known, peer(request.request())).await {
        Ok(Ok(allowance)) => allowance,
        Ok(Err((allowance, wait))) => {
            let mut response = refuse(request, &Problem::too_many(wait));
            describe(&mut response, allowance);
            return Ok(response);
        }
        Err(problem) => return Ok(refuse(request, &problem)),
    };
    let once = match (&caller, request.method()) {
        (Ok(caller), &Method::POST) => match idempotency::key(&request, caller) {
            Ok(key) => key.map(|key| (key, caller.rows.clone())),
            Err(problem) => return Ok(refuse(request, &problem)),
        },
        _ => None,
    };
    request.extensions_mut().insert(Admission(caller));
    let mut response = match once {
        Some((key, rows)) => idempotency::once(&state, &rows, &key, request, next).await?,
        None => next.call(request).await?.map_into_boxed_body(),
    };
    audit::enter(&state, &response).await;
    describe(&mut response, allowance);
    Ok(response)
}

/// Answers with a problem, in place of what was asked for.
pub fn refuse(request: ServiceRequest, problem: &Problem) -> ServiceResponse<BoxBody> {
    request.into_response(problem.error_response())
}

/// Adds the `RateLimit` headers (draft-ietf-httpapi-ratelimit-headers).
fn describe(response: &mut ServiceResponse<BoxBody>, allowance: Allowance) {
    let Allowance { name, quota, left } = allowance;
    let headers = response.headers_mut();
    for (header, text) in [
        ("ratelimit-policy", format!("\"{name}\";q={quota};w=60")),
        ("ratelimit", format!("\"{name}\";r={left}")),
    ] {
        if let Ok(value) = HeaderValue::from_str(&text) {
            headers.insert(HeaderName::from_static(header), value);
        }
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        let value = HeaderValue::from_static("private, no-store");
        headers.insert(header::CACHE_CONTROL, value);
    }
}
