//! Mailchimp's Marketing API 3.0 on the wire: own store, own wording.
//!
//! Not imitated: API keys (Basic authorization), campaigns, segments, asynchronous batches, interest groups, permissions by
//! GDPR. docs/sandbox.md has the list.

mod account;
mod admin;
mod convert;
mod hooks;
mod list;
mod members;
mod merge;
mod oauth;
mod refusal;
mod settings;
mod wire;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::web::{self, Bytes, Data, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::core::oauth::Registration;
use crate::core::oauth::params::Params;
use crate::core::provider::{AdminError, Call, Provider, ProviderAdmin as _};
use crate::core::{Core, lock};
use account::Account;
use hooks::Source;
use refusal::Refusal;
use wire::Ask;

type Shared = Arc<Mutex<Account>>;

/// The provider.
pub struct Mailchimp {
    core: Arc<Core>,
    accounts: Mutex<Vec<(String, Shared)>>,
    under_way: Mutex<HashMap<String, u32>>,
}

impl Mailchimp {
    /// Mailchimp without accounts.
    pub fn new(core: Arc<Core>) -> Arc<Self> {
        Arc::new(Self {
            core,
            accounts: Mutex::default(),
            under_way: Mutex::default(),
        })
    }

    /// The present by Mailchimp's own clock.
    fn now(&self) -> DateTime<Utc> {
        self.core.clock.now_at(self.id())
    }

    fn account(&self, id: &str) -> Option<Shared> {
        let accounts = lock(&self.accounts);
        let found = accounts.iter().find(|(known, _)| known == id);
        found.map(|(_, account)| Arc::clone(account))
    }

    fn known(&self, id: &str) -> Result<Shared, AdminError> {
        self.account(id)
            .ok_or_else(|| AdminError::not_found(format!("no account {id}")))
    }

    /// A place among an account's connections, while there is one.
    fn connect(&self, account: &str, most: u32) -> Option<Connection<'_>> {
        let mut under_way = lock(&self.under_way);
        let open = under_way.entry(account.to_owned()).or_default();
        if *open >= most {
            return None;
        }
        *open += 1;
        Some(Connection {
            mailchimp: self,
            account: account.to_owned(),
        })
    }
}

/// One of an account's connections; given up when dropped.
struct Connection<'a> {
    mailchimp: &'a Mailchimp,
    account: String,
}

impl Drop for Connection<'_> {
    fn drop(&mut self) {
        if let Some(open) = lock(&self.mailchimp.under_way).get_mut(&self.account) {
            *open = open.saturating_sub(1);
        }
    }
}

impl Provider for Mailchimp {
    fn routes(self: Arc<Self>, cfg: &mut ServiceConfig) {
        oauth::routes(cfg);
        cfg.app_data(Data::from(self))
            .service(web::resource(["/3.0", "/3.0/{rest:.*}"]).to(handle));
    }

    fn registration(&self) -> Option<Registration> {
        Some(oauth::registration())
    }

    fn places(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("Marketing API", "/3.0/"),
            ("consent", "/oauth2/authorize"),
            ("tokens", "/oauth2/token"),
        ]
    }

    fn owns(&self, path: &str) -> bool {
        path == "/3.0" || path.starts_with("/3.0/") || oauth::classify("GET", path).is_some()
    }

    fn classify(&self, method: &str, path: &str) -> Call {
        oauth::classify(method, path).unwrap_or_else(|| wire::classify(method, path))
    }

    fn error_body(&self, status: u16) -> Value {
        Refusal::of_status(status).body()
    }

    fn truncate_listing(&self, body: &mut Value) {
        for name in ["members", "lists", "merge_fields"] {
            if let Some(items) = body.get_mut(name).and_then(Value::as_array_mut) {
                items.truncate(items.len() / 2);
            }
        }
    }
}

async fn handle(mailchimp: Data<Mailchimp>, req: HttpRequest, body: Bytes) -> HttpResponse {
    match answer(&mailchimp, &req, &body).await {
        Ok(Some(body)) => HttpResponse::Ok()
            .content_type("application/json; charset=utf-8")
            .body(body.to_string()),
        Ok(None) => HttpResponse::NoContent().finish(),
        Err(refusal) => {
            HttpResponse::build(StatusCode::from_u16(refusal.status).unwrap_or_default())
                .content_type("application/problem+json; charset=utf-8")
                .body(refusal.body().to_string())
        }
    }
}

async fn answer(
    mailchimp: &Mailchimp,
    req: &HttpRequest,
    body: &Bytes,
) -> Result<Option<Value>, Refusal> {
    let header = |name: &str| {
        req.headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
    };
    let token = header("authorization").and_then(|sent| sent.strip_prefix("Bearer "));
    let login = token.and_then(|token| {
        mailchimp
            .core
            .oauth
            .authenticate(mailchimp.id(), token.trim())
            .ok()
    });
    let account = login.and_then(|login| mailchimp.account(&login.account));
    let account = account.ok_or_else(|| Refusal::key(header("authorization").is_some()))?;
    let (id, knobs) = {
        let account = lock(&account);
        (account.id.clone(), account.knobs.clone())
    };
    let _connection = mailchimp
        .connect(&id, knobs.connections)
        .ok_or_else(Refusal::too_many)?;
    if knobs.latency_ms > 0 {
        tokio::time::sleep(Duration::from_millis(knobs.latency_ms)).await;
    }
    let body = match body.as_ref() {
        b"" => Value::Null,
        text => serde_json::from_slice(text).map_err(|_| Refusal::json())?,
    };
    let ask = Ask {
        method: req.method().as_str(),
        path: wire::parts(req.path()),
        query: Params::read(req.query_string(), "", b""),
        body,
    };
    if let ("POST", [.., last]) = (ask.method, ask.path.as_slice())
        && last == "webhooks"
    {
        mailchimp.probe(&ask.body).await?;
    }
    let done = wire::answer(&mut lock(&account), &ask, mailchimp.now())?;
    mailchimp.tell(&account, Source::Api);
    Ok(done.map(|body| list::project(body, &ask.query)))
}
