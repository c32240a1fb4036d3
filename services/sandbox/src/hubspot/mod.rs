//! HubSpot's CRM v3 for contacts on the wire (providers/hubspot.md 1-4, 6): own store, own wording.
//!
//! Not imitated: other objects, associations, lists, communication preferences, webhooks, property history, validation
//! rules. docs/sandbox.md has the list.

pub mod account;
mod admin;
mod batch;
mod convert;
mod oauth;
mod objects;
mod properties;
mod refusal;
mod search;
mod wire;

use std::sync::{Arc, Mutex};

use actix_web::http::StatusCode;
use actix_web::web::{self, Bytes, Data, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::core::oauth::Registration;
use crate::core::provider::{AdminError, Call, Provider, ProviderAdmin as _};
use crate::core::{Core, lock};
use account::Account;
use refusal::Refusal;
use wire::Ask;

/// The provider.
pub struct HubSpot {
    core: Arc<Core>,
    accounts: Mutex<Vec<(String, Arc<Mutex<Account>>)>>,
}

impl HubSpot {
    /// HubSpot without accounts.
    pub fn new(core: Arc<Core>) -> Arc<Self> {
        Arc::new(Self {
            core,
            accounts: Mutex::default(),
        })
    }

    /// An account by its id. Lock it for one operation only.
    pub fn account(&self, id: &str) -> Option<Arc<Mutex<Account>>> {
        lock(&self.accounts)
            .iter()
            .find(|(known, _)| known == id)
            .map(|(_, account)| Arc::clone(account))
    }

    /// The present by HubSpot's own clock.
    fn now(&self) -> DateTime<Utc> {
        self.core.clock.now_at(self.id())
    }

    fn known(&self, id: &str) -> Result<Arc<Mutex<Account>>, AdminError> {
        self.account(id)
            .ok_or_else(|| AdminError::not_found(format!("no account {id}")))
    }
}

impl Provider for HubSpot {
    fn routes(self: Arc<Self>, cfg: &mut ServiceConfig) {
        oauth::routes(cfg);
        cfg.app_data(Data::from(self))
            .service(web::resource("/crm/v3/{rest:.*}").to(handle))
            .service(web::resource("/account-info/v3/{rest:.*}").to(handle));
    }

    fn registration(&self) -> Option<Registration> {
        Some(oauth::registration())
    }

    fn places(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("CRM API", "/crm/v3/"),
            ("consent", "/oauth/authorize"),
            ("tokens", "/oauth/v1/token"),
        ]
    }

    fn owns(&self, path: &str) -> bool {
        path.starts_with("/crm/v3/")
            || path.starts_with("/account-info/v3/")
            || oauth::classify("GET", path).is_some()
    }

    fn classify(&self, method: &str, path: &str) -> Call {
        oauth::classify(method, path).unwrap_or_else(|| wire::classify(method, path))
    }

    fn error_body(&self, status: u16) -> Value {
        Refusal::of_status(status).body
    }

    fn truncate_listing(&self, body: &mut Value) {
        let Some(members) = body.as_object_mut() else {
            return;
        };
        members.remove("paging");
        if let Some(results) = members.get_mut("results").and_then(Value::as_array_mut) {
            results.truncate(results.len() / 2);
        }
    }
}

async fn handle(hubspot: Data<HubSpot>, req: HttpRequest, body: Bytes) -> HttpResponse {
    let text = |name: &str| req.headers().get(name).and_then(|v| v.to_str().ok());
    let token = text("authorization").and_then(|h| h.split_once(' '));
    let ask = Ask {
        method: req.method().as_str().to_owned(),
        path: req.path().to_owned(),
        query: crate::core::oauth::params::Params::read(req.query_string(), "", b""),
        body: serde_json::from_slice(&body).unwrap_or(Value::Null),
        token: token.map(|(_, token)| token.trim().to_owned()),
    };
    let reply = wire::answer(&hubspot, &ask);
    let mut response = HttpResponse::build(StatusCode::from_u16(reply.status).unwrap_or_default());
    if let Some((left, most)) = reply.left {
        response
            .insert_header(("X-HubSpot-RateLimit-Max", most.to_string()))
            .insert_header(("X-HubSpot-RateLimit-Remaining", left.to_string()))
            .insert_header(("X-HubSpot-RateLimit-Interval-Milliseconds", "10000"));
    }
    if reply.body.is_null() {
        return response.finish();
    }
    response
        .content_type("application/json;charset=utf-8")
        .body(reply.body.to_string())
}
