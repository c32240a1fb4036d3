//! Google's People API v1 on the wire (providers/google.md 1, 2, 4): own store, own wording.
//!
//! Not imitated: id tokens, domain directories, merged profile data, photo downloads, Calendar. docs/sandbox.md has the list.

pub mod account;
mod admin;
mod batch;
mod convert;
mod etag;
mod fields;
mod groups;
mod list;
mod mask;
mod names;
mod oauth;
mod others;
mod people;
mod photos;
mod quota;
mod refusal;
mod render;
mod search;
mod tokens;
mod wire;

use std::sync::{Arc, Mutex};

use actix_web::http::{StatusCode, header};
use actix_web::web::{self, Bytes, Data, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::core::oauth::Registration;
use crate::core::oauth::params::Params;
use crate::core::provider::{AdminError, Call, Class, Provider, ProviderAdmin as _};
use crate::core::{Core, lock};
use account::Account;
use refusal::Refusal;
use wire::{Ask, Reply};

/// The provider.
pub struct Google {
    core: Arc<Core>,
    accounts: Mutex<Vec<(String, Arc<Mutex<Account>>)>>,
}

impl Google {
    /// Google without accounts.
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

    /// The present by Google's own clock.
    fn now(&self) -> DateTime<Utc> {
        self.core.clock.now_at(self.id())
    }

    fn known(&self, id: &str) -> Result<Arc<Mutex<Account>>, AdminError> {
        self.account(id)
            .ok_or_else(|| AdminError::not_found(format!("no account {id}")))
    }
}

impl Provider for Google {
    fn routes(self: Arc<Self>, cfg: &mut ServiceConfig) {
        oauth::routes(cfg);
        cfg.app_data(Data::from(self))
            .service(web::resource("/batch").route(web::post().to(batch::handle)))
            .service(web::resource("/v1/{rest:.*}").to(handle));
    }

    fn registration(&self) -> Option<Registration> {
        Some(oauth::registration())
    }

    fn places(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("People API", "/v1/"),
            ("consent", "/o/oauth2/v2/auth"),
            ("tokens", "/token"),
        ]
    }

    fn owns(&self, path: &str) -> bool {
        path.starts_with("/v1/") || path == "/batch" || oauth::classify("GET", path).is_some()
    }

    fn classify(&self, method: &str, path: &str) -> Call {
        if path == "/batch" {
            return Call {
                route: format!("{method} /batch"),
                class: Class::Other,
            };
        }
        oauth::classify(method, path).unwrap_or_else(|| wire::classify(method, path))
    }

    fn error_body(&self, status: u16) -> Value {
        Refusal::of_status(status).body(false)
    }

    fn truncate_listing(&self, body: &mut Value) {
        let Some(members) = body.as_object_mut() else {
            return;
        };
        members.remove("nextPageToken");
        members.remove("nextSyncToken");
        for name in ["connections", "contactGroups", "otherContacts"] {
            if let Some(items) = members.get_mut(name).and_then(Value::as_array_mut) {
                items.truncate(items.len() / 2);
            }
        }
    }
}

async fn handle(google: Data<Google>, req: HttpRequest, body: Bytes) -> HttpResponse {
    to_response(&wire::answer(&google, &ask(&req, &body)))
}

/// Reads a request; a POST that stands for a long GET has its query in the body.
fn ask(req: &HttpRequest, body: &Bytes) -> Ask {
    let text = |name: &str| req.headers().get(name).and_then(|v| v.to_str().ok());
    let overridden =
        text("x-http-method-override").filter(|_| req.method() == actix_web::http::Method::POST);
    let is_form =
        text("content-type").is_some_and(|t| t.starts_with("application/x-www-form-urlencoded"));
    let (query, body) = if overridden.is_some() && is_form {
        (Params::read(req.query_string(), "", body), Vec::new())
    } else {
        (Params::read(req.query_string(), "", b""), body.to_vec())
    };
    let token = text("authorization")
        .and_then(|h| h.split_once(' '))
        .map(|(_, t)| t.trim().to_owned())
        .or_else(|| {
            query
                .find("access_token")
                .or_else(|| query.find("oauth_token"))
                .map(str::to_owned)
        });
    Ask {
        method: overridden.unwrap_or(req.method().as_str()).to_owned(),
        path: req.path().to_owned(),
        query,
        body,
        token,
    }
}

fn to_response(reply: &Reply) -> HttpResponse {
    let mut response = HttpResponse::build(StatusCode::from_u16(reply.status).unwrap_or_default());
    if let Some(challenge) = challenge(reply) {
        response.insert_header((header::WWW_AUTHENTICATE, challenge));
    }
    response
        .content_type("application/json; charset=UTF-8")
        .body(reply.body.clone())
}

fn challenge(reply: &Reply) -> Option<String> {
    const REALM: &str = "Bearer realm=\"https://accounts.google.com/\"";
    match (reply.status, reply.wants_scope) {
        (401, _) => Some(format!("{REALM}, error=\"invalid_token\"")),
        (403, Some(scope)) => Some(format!(
            "{REALM}, error=\"insufficient_scope\", scope=\"{scope}\""
        )),
        _ => None,
    }
}
