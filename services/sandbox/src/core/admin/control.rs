//! Faults, request counts, clock, apps and token policies.

use actix_web::HttpResponse;
use actix_web::web::{self, Data, Json, Path, Query, ServiceConfig};
use serde::Deserialize;
use serde_json::{Value, json};

use super::provider;
use crate::core::State;
use crate::core::clock::Move;
use crate::core::faults::Rule;
use crate::core::oauth::{App, Policy};
use crate::core::provider::AdminError;

/// Recent requests shown.
const RECENT_SHOWN: usize = 100;

/// Registers the routes.
pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(
        web::resource("/_sandbox/faults")
            .route(web::get().to(faults))
            .route(web::post().to(add_fault))
            .route(web::delete().to(clear_faults)),
    )
    .service(web::resource("/_sandbox/faults/{id}").route(web::delete().to(remove_fault)))
    .service(web::resource("/_sandbox/requests").route(web::get().to(requests)))
    .service(web::resource("/_sandbox/requests/mark").route(web::post().to(mark)))
    .service(
        web::resource("/_sandbox/clock")
            .route(web::get().to(clock))
            .route(web::post().to(move_clock)),
    )
    .service(
        web::resource("/_sandbox/{provider}/apps")
            .route(web::get().to(apps))
            .route(web::post().to(add_app)),
    )
    .service(
        web::resource("/_sandbox/{provider}/oauth-policy")
            .route(web::get().to(policy))
            .route(web::post().to(set_policy)),
    );
}

async fn faults(state: Data<State>) -> HttpResponse {
    HttpResponse::Ok().json(json!({ "faults": state.core.faults.list() }))
}

async fn add_fault(state: Data<State>, rule: Json<Rule>) -> Result<HttpResponse, AdminError> {
    if let Some(id) = &rule.provider {
        provider(&state, id)?;
    }
    Ok(HttpResponse::Created().json(state.core.faults.add(rule.into_inner())))
}

async fn clear_faults(state: Data<State>) -> HttpResponse {
    HttpResponse::Ok().json(json!({ "removed": state.core.faults.remove(None) }))
}

async fn remove_fault(state: Data<State>, id: Path<String>) -> Result<HttpResponse, AdminError> {
    match state.core.faults.remove(Some(&id)) {
        0 => Err(AdminError::not_found(format!("no fault {id}"))),
        n => Ok(HttpResponse::Ok().json(json!({ "removed": n }))),
    }
}

#[derive(Deserialize)]
struct Of {
    provider: Option<String>,
    account: Option<String>,
}

async fn requests(state: Data<State>, of: Query<Of>) -> HttpResponse {
    let report = state
        .core
        .log
        .report(of.provider.as_deref(), of.account.as_deref());
    let mut body = serde_json::to_value(report).unwrap_or_default();
    if let Some(body) = body.as_object_mut() {
        body.insert(
            "recent".into(),
            serde_json::to_value(state.core.log.recent(RECENT_SHOWN)).unwrap_or_default(),
        );
    }
    HttpResponse::Ok().json(body)
}

async fn mark(state: Data<State>) -> HttpResponse {
    let now = state.core.clock.now();
    state.core.log.mark(now);
    HttpResponse::Ok().json(json!({ "since": now }))
}

async fn clock(state: Data<State>) -> HttpResponse {
    HttpResponse::Ok()
        .json(json!({ "now": state.core.clock.now(), "frozen": state.core.clock.is_frozen() }))
}

async fn move_clock(state: Data<State>, step: Json<Move>) -> Result<HttpResponse, AdminError> {
    for name in step.ahead_secs.keys() {
        provider(&state, name)?;
    }
    state.core.clock.shift(&step);
    Ok(clock(state).await)
}

async fn apps(state: Data<State>, id: Path<String>) -> Result<HttpResponse, AdminError> {
    provider(&state, &id)?;
    Ok(HttpResponse::Ok().json(json!({ "apps": state.core.oauth.apps(&id) })))
}

async fn add_app(
    state: Data<State>,
    id: Path<String>,
    app: Json<App>,
) -> Result<HttpResponse, AdminError> {
    provider(&state, &id)?;
    state.core.oauth.add_app(&id, app.clone());
    Ok(HttpResponse::Created().json(app.into_inner()))
}

async fn policy(state: Data<State>, id: Path<String>) -> Result<HttpResponse, AdminError> {
    let policy = state
        .core
        .oauth
        .policy(&id)
        .ok_or_else(|| AdminError::not_found(format!("no provider {id}")))?;
    Ok(HttpResponse::Ok().json(policy))
}

/// Members given replace those in force.
async fn set_policy(
    state: Data<State>,
    id: Path<String>,
    change: Json<Value>,
) -> Result<HttpResponse, AdminError> {
    let policy = state
        .core
        .oauth
        .policy(&id)
        .ok_or_else(|| AdminError::not_found(format!("no provider {id}")))?;
    let mut merged = serde_json::to_value(policy).unwrap_or_default();
    let (Some(members), Some(change)) = (merged.as_object_mut(), change.as_object()) else {
        return Err(AdminError::invalid("an object is needed"));
    };
    members.extend(change.clone());
    let policy: Policy =
        serde_json::from_value(merged).map_err(|e| AdminError::invalid(e.to_string()))?;
    state.core.oauth.set_policy(&id, policy.clone());
    Ok(HttpResponse::Ok().json(policy))
}
