//! Zoho CRM v8 on the wire, for the module Contacts: records, deletions, search, COQL, tags, views, field metadata, users.
//!
//! Written from the vendor's pages and clients, with its own data model. It is not a CRM: Leads and Accounts can be read and no
//! more, other modules answer `INVALID_MODULE`, and where the vendor is silent the choice made is said at the place.

mod actions;
mod admin;
mod coql;
mod criteria;
mod deleted;
mod errors;
mod fields;
mod filter;
mod http;
mod knobs;
mod limits;
mod listing;
mod metadata;
mod oauth;
mod org;
mod others;
mod page_token;
mod params;
mod record;
mod render;
mod search;
mod seed;
mod table;
pub(crate) mod tags;
#[cfg(test)]
mod testing;
mod time;
mod values;
mod views;
mod workflow;
mod writes;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use actix_web::web::ServiceConfig;
use serde_json::{Value, json};

use self::errors::Refusal;
use self::org::Org;
use crate::core::oauth::Registration;
use crate::core::provider::{Call, Provider, ProviderAdmin as _};
use crate::core::{Core, lock};

/// Zoho, with all its organisations; each account is one user of one organisation.
pub struct Zoho {
    core: Arc<Core>,
    orgs: Mutex<BTreeMap<String, Arc<Mutex<Org>>>>,
}

impl Zoho {
    /// A Zoho without accounts.
    pub fn new(core: Arc<Core>) -> Arc<Self> {
        Arc::new(Self {
            core,
            orgs: Mutex::default(),
        })
    }

    /// The organisation of an account.
    fn org(&self, account: &str) -> Option<Arc<Mutex<Org>>> {
        lock(&self.orgs).get(account).cloned()
    }

    /// Unix milliseconds of its clock.
    fn now_ms(&self) -> i64 {
        self.core.clock.now_at(self.id()).timestamp_millis()
    }
}

impl Provider for Zoho {
    fn routes(self: Arc<Self>, cfg: &mut ServiceConfig) {
        oauth::routes(cfg);
        http::routes(&self, cfg);
    }

    fn registration(&self) -> Option<Registration> {
        Some(oauth::registration())
    }

    fn places(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("CRM API", "/crm/v8/"),
            ("consent", "/oauth/v2/auth"),
            ("tokens", "/oauth/v2/token"),
        ]
    }

    fn owns(&self, path: &str) -> bool {
        path.starts_with("/crm/")
            || path.starts_with("/portal/")
            || oauth::classify("GET", path).is_some()
    }

    fn classify(&self, method: &str, path: &str) -> Call {
        oauth::classify(method, path).unwrap_or_else(|| http::classify(method, path))
    }

    fn error_body(&self, status: u16) -> Value {
        let refusal = match status {
            401 => Refusal::invalid_token(),
            403 => Refusal::no_permission("Crm_Implied_View_Contacts"),
            404 => Refusal::unknown_url(),
            429 => Refusal::too_many("Too many requests fired in concurrency limit"),
            400..=499 => Refusal::new(status, "INVALID_DATA", "invalid data", json!({})),
            _ => Refusal::new(status, "INTERNAL_ERROR", "Internal Server Error", json!({})),
        };
        refusal.body
    }

    fn truncate_listing(&self, body: &mut Value) {
        let Some(data) = body.get_mut("data").and_then(Value::as_array_mut) else {
            return;
        };
        data.truncate(data.len() / 2);
        let count = data.len();
        if let Some(info) = body.get_mut("info").and_then(Value::as_object_mut) {
            info.insert("count".into(), json!(count));
            info.insert("more_records".into(), json!(false));
            if info.contains_key("next_page_token") {
                info.insert("next_page_token".into(), Value::Null);
                info.insert("page_token_expiry".into(), Value::Null);
            }
        }
    }
}
