//! The one door every provider request passes: names it, lets faults strike, counts it. Admin requests pass untouched.

use std::net::{Shutdown, TcpStream};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

use actix_web::{
    Error, HttpResponse,
    body::{BoxBody, MessageBody, to_bytes},
    dev::{Extensions, ServiceRequest, ServiceResponse},
    http::{
        StatusCode,
        header::{self, HeaderMap, HeaderValue},
    },
    middleware::Next,
    web::Data,
};
use chrono::{DateTime, Utc};
use serde_json::Value;

use super::State;
use super::faults::Fault;
use super::ids::Rng;
use super::log::Entry;
use super::provider::{Call, Class, Provider};

/// A second handle on the connection, so that a fault can cut it without an answer.
pub struct Wire(TcpStream);

/// Keeps a [`Wire`] for each new connection; for `HttpServer::on_connect`.
pub fn on_connect(connection: &dyn std::any::Any, data: &mut Extensions) {
    let Some(stream) = connection.downcast_ref::<actix_web::rt::net::TcpStream>() else {
        return;
    };
    if let Ok(handle) = stream.as_fd().try_clone_to_owned() {
        data.insert(Wire(TcpStream::from(handle)));
    }
}

struct Passage {
    provider: Arc<dyn Provider>,
    account: String,
    call: Call,
}

/// The middleware.
pub async fn pass(
    req: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let Some(state) = req.app_data::<Data<State>>().cloned() else {
        return Ok(next.call(req).await?.map_into_boxed_body());
    };
    let Some(passage) = name(&state, &req) else {
        return Ok(next.call(req).await?.map_into_boxed_body());
    };
    let core = &state.core;
    let faults = core.faults.strike(
        passage.provider.id(),
        &passage.account,
        method_of(&req),
        &passage.call.route,
    );
    let _under_way = UnderWay::begin(Data::clone(&state), &passage);
    let mut answer = suffer(&state, &passage, &faults, req, next).await?;
    let now = core.clock.now_at(passage.provider.id());
    date(answer.response.headers_mut(), now);
    core.log.record(Entry {
        at: core.clock.now(),
        provider: passage.provider.id().to_owned(),
        account: passage.account.clone(),
        route: passage.call.route.clone(),
        class: passage.call.class,
        status: if answer.cut {
            0
        } else {
            answer.response.status().as_u16()
        },
        faults: faults.iter().map(|f| f.kind().to_owned()).collect(),
    });
    Ok(answer.response)
}

/// Dates an answer by the provider's clock, which clients may compare with the times of records.
fn date(headers: &mut HeaderMap, now: DateTime<Utc>) {
    let text = now.format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    if let Ok(value) = HeaderValue::from_str(&text) {
        headers.insert(header::DATE, value);
    }
}

/// Marks a request as under way for as long as it lives, also when the client goes away.
struct UnderWay {
    state: Data<State>,
    provider: &'static str,
    account: String,
    call: Call,
}

impl UnderWay {
    fn begin(state: Data<State>, passage: &Passage) -> Self {
        let provider = passage.provider.id();
        state
            .core
            .log
            .begin(provider, &passage.account, &passage.call);
        Self {
            state,
            provider,
            account: passage.account.clone(),
            call: passage.call.clone(),
        }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.state
            .core
            .log
            .end(self.provider, &self.account, &self.call);
    }
}

struct Answer {
    response: ServiceResponse<BoxBody>,
    cut: bool,
}

async fn suffer(
    state: &State,
    passage: &Passage,
    faults: &[Fault],
    req: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<Answer, Error> {
    for fault in faults {
        match fault {
            Fault::DelayMs { ms } => tokio::time::sleep(Duration::from_millis(*ms)).await,
            Fault::ResetBefore => {
                cut(&req);
                let response = HttpResponse::new(StatusCode::BAD_GATEWAY);
                return Ok(Answer {
                    response: req.into_response(response),
                    cut: true,
                });
            }
            Fault::Status {
                status,
                body,
                headers,
            } => {
                let response = refusal(passage.provider.as_ref(), *status, body.as_ref(), headers);
                return Ok(Answer {
                    response: req.into_response(response),
                    cut: false,
                });
            }
            Fault::HtmlBody => {
                let page = "<!DOCTYPE html><html><head><title>Sign in</title></head><body>Please sign in.</body></html>";
                let response = HttpResponse::Ok()
                    .content_type("text/html; charset=utf-8")
                    .body(page);
                return Ok(Answer {
                    response: req.into_response(response),
                    cut: false,
                });
            }
            _ => prepare(state, passage, fault),
        }
    }
    let wire_cut = faults
        .iter()
        .any(|f| matches!(f, Fault::LostAnswer { status: None }));
    let mut response = next.call(req).await?.map_into_boxed_body();
    for fault in faults {
        match fault {
            Fault::LostAnswer {
                status: Some(status),
            } => {
                let lost = refusal(
                    passage.provider.as_ref(),
                    *status,
                    None,
                    &std::collections::BTreeMap::new(),
                );
                response = response.into_response(lost);
            }
            Fault::TruncateListing => {
                response = rewrite(response, |json| {
                    passage.provider.truncate_listing(json);
                    None
                })
                .await?;
            }
            Fault::Shuffle => {
                response = rewrite(response, |json| {
                    Some(shuffled(json, &mut state.core.ids.rng()))
                })
                .await?;
            }
            _ => {}
        }
    }
    if wire_cut && let Some(wire) = response.request().conn_data::<Wire>() {
        shut(wire);
    }
    Ok(Answer {
        response,
        cut: wire_cut,
    })
}

/// Faults that change the account before the request is handled. A fault that cannot apply here does nothing.
fn prepare(state: &State, passage: &Passage, fault: &Fault) {
    let provider = &passage.provider;
    let outcome = match fault {
        Fault::ExpireSyncTokens => provider.expire_sync_tokens(&passage.account).map(drop),
        Fault::ExpireAccessTokens => {
            state
                .core
                .oauth
                .expire_access_tokens(provider.id(), &passage.account);
            Ok(())
        }
        Fault::ReformatPhones { bump_modified } => provider
            .reformat_phones(&passage.account, *bump_modified)
            .map(drop),
        Fault::Knobs { knobs } => provider.set_knobs(&passage.account, knobs).map(drop),
        _ => Ok(()),
    };
    if let Err(error) = outcome {
        tracing::warn!(fault = fault.kind(), %error, "fault could not be applied");
    }
}

fn name(state: &State, req: &ServiceRequest) -> Option<Passage> {
    let path = req.path();
    if path.starts_with("/_sandbox") {
        return None;
    }
    let provider = state.providers().iter().find(|p| p.owns(path))?;
    let call = provider.classify(method_of(req), path);
    let account = bearer(req)
        .and_then(|t| state.core.oauth.account_of(provider.id(), &t))
        .unwrap_or_default();
    Some(Passage {
        provider: Arc::clone(provider),
        account,
        call,
    })
}

/// The method meant: a POST may carry another one in `X-HTTP-Method-Override`.
fn method_of(req: &ServiceRequest) -> &str {
    let meant = req
        .headers()
        .get("x-http-method-override")
        .and_then(|v| v.to_str().ok());
    match meant {
        Some(method) if req.method() == actix_web::http::Method::POST => method,
        _ => req.method().as_str(),
    }
}

/// The access token a request carries: `Authorization` with any scheme, or the query.
fn bearer(req: &ServiceRequest) -> Option<String> {
    let header = req
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|v| v.to_str().ok());
    if let Some((_, token)) = header.and_then(|h| h.split_once(' ')) {
        return Some(token.trim().to_owned());
    }
    url::form_urlencoded::parse(req.query_string().as_bytes())
        .find(|(k, _)| k == "access_token" || k == "oauth_token")
        .map(|(_, v)| v.into_owned())
}

fn cut(req: &ServiceRequest) {
    if let Some(wire) = req.conn_data::<Wire>() {
        shut(wire);
    }
}

fn shut(wire: &Wire) {
    if let Err(error) = wire.0.shutdown(Shutdown::Both) {
        tracing::debug!(%error, "the connection was closed already");
    }
}

fn refusal(
    provider: &dyn Provider,
    status: u16,
    body: Option<&Value>,
    headers: &std::collections::BTreeMap<String, String>,
) -> HttpResponse {
    let mut response = HttpResponse::build(
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
    );
    for (name, value) in headers {
        response.insert_header((name.as_str(), value.as_str()));
    }
    match body {
        Some(Value::String(text)) => response
            .content_type("text/plain; charset=utf-8")
            .body(text.clone()),
        Some(json) => response.json(json),
        None => response.json(provider.error_body(status)),
    }
}

/// Passes a JSON answer through `change`, which edits it or spells it itself; other answers stay as they are.
async fn rewrite(
    response: ServiceResponse<BoxBody>,
    change: impl FnOnce(&mut Value) -> Option<String>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let (req, response) = response.into_parts();
    let (head, body) = response.into_parts();
    let bytes = to_bytes(body)
        .await
        .map_err(actix_web::error::ErrorInternalServerError)?;
    let text = match serde_json::from_slice::<Value>(&bytes) {
        Ok(mut json) => change(&mut json).unwrap_or_else(|| json.to_string()).into(),
        Err(_) => bytes,
    };
    Ok(ServiceResponse::new(req, head.set_body(BoxBody::new(text))))
}

/// Spells JSON with its arrays and object keys in another order.
fn shuffled(json: &Value, rng: &mut Rng) -> String {
    match json {
        Value::Array(items) => {
            let mut parts: Vec<String> = items.iter().map(|i| shuffled(i, rng)).collect();
            rng.shuffle(&mut parts);
            format!("[{}]", parts.join(","))
        }
        Value::Object(members) => {
            let mut parts: Vec<String> = members
                .iter()
                .map(|(k, v)| format!("{}:{}", Value::from(k.as_str()), shuffled(v, rng)))
                .collect();
            rng.shuffle(&mut parts);
            format!("{{{}}}", parts.join(","))
        }
        plain => plain.to_string(),
    }
}

/// A call no provider names: kept apart in the log.
pub fn unnamed(method: &str, path: &str) -> Call {
    Call {
        route: format!("{method} {path}"),
        class: Class::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shuffling_keeps_the_content() {
        let json =
            serde_json::json!({"a": [1, 2, 3, 4, 5, 6, 7, 8], "b": {"c": "x\"y", "d": null}});
        let text = shuffled(&json, &mut Rng::new(3));
        assert_ne!(text, json.to_string());
        let mut back: Value = serde_json::from_str(&text).unwrap();
        back["a"].as_array_mut().unwrap().sort_by_key(Value::as_u64);
        assert_eq!(back, json);
    }
}
