//! `/healthz`, `/readyz` and `/metrics`: for those who watch over the process. Every role serves them.

use actix_web::HttpResponse;
use actix_web::http::Method;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::web;
use serde::Serialize;
use utoipa::ToSchema;

use crate::health::{Health, Part, Readiness, Status};
use crate::problem::Code;
use crate::state::Metrics;

pub(crate) fn configure(app: &mut web::ServiceConfig) {
    app.service(super::at("/healthz", [(Method::GET, web::to(alive))]))
        .service(super::at("/readyz", [(Method::GET, web::to(ready))]))
        .service(super::at("/metrics", [(Method::GET, web::to(metrics))]));
}

/// All is well.
#[derive(Serialize, ToSchema)]
pub struct Well {
    /// Always `ok`.
    status: &'static str,
}

/// A process that cannot do its work, as a problem that says of each part how it is.
#[derive(Serialize)]
struct Unready {
    r#type: &'static str,
    title: &'static str,
    status: u16,
    code: Code,
    detail: String,
    parts: Vec<Part>,
}

/// Is the process alive?
#[utoipa::path(get, path = "/healthz", operation_id = "healthz", tag = "operations", security(()),
    responses((status = 200, description = "It is", body = Well)))]
pub async fn alive() -> HttpResponse {
    HttpResponse::Ok().json(Well { status: "ok" })
}

/// Can the process do its work?
///
/// Asks the database, the key ring, the queue and what coordinates. `degraded` is good enough to go on: `parts` says
/// what is missing.
#[utoipa::path(get, path = "/readyz", operation_id = "readyz", tag = "operations", security(()),
    responses((status = 200, description = "It can", body = Readiness)))]
pub async fn ready(health: web::Data<Health>) -> HttpResponse {
    let readiness = health.look().await;
    if readiness.status != Status::Unavailable {
        return HttpResponse::Ok()
            .insert_header((CACHE_CONTROL, "no-store"))
            .json(readiness);
    }
    let code = Code::Unavailable;
    let away = |part: &Part| {
        let detail = part.detail.as_deref()?;
        (part.status == Status::Unavailable).then(|| format!("{}: {detail}.", part.part))
    };
    let detail: Vec<String> = readiness.parts.iter().filter_map(away).collect();
    HttpResponse::build(code.status())
        .insert_header((CACHE_CONTROL, "no-store"))
        .content_type("application/problem+json")
        .json(Unready {
            r#type: "urn:syncline:problem:unavailable",
            title: code.title(),
            status: code.status().as_u16(),
            code,
            detail: detail.join(" "),
            parts: readiness.parts,
        })
}

/// Numbers about this process
///
/// In Prometheus' text format. No tenant, account or person is in any of them.
#[utoipa::path(get, path = "/metrics", operation_id = "metrics", tag = "operations", security(()),
    responses((status = 200, description = "The numbers", body = String, content_type = "text/plain")))]
pub async fn metrics(metrics: web::Data<Metrics>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/plain; version=0.0.4; charset=utf-8")
        .body((metrics.0)())
}
