//! Creatio's OData 4 service for contacts and what belongs to them (providers/creatio.md 1-5): own store, own wording.
//! Every account is a site of its own, as it is in reality, below `/creatio/<site>`.
//!
//! Not imitated: activities, folders, stream columns, multipart batches, rights of single rows.
//! docs/sandbox.md has the list.

mod admin;
mod batch;
mod convert;
mod door;
mod filter;
mod metadata;
mod query;
mod refusal;
mod rules;
mod schema;
pub mod site;
mod wire;

use std::sync::{Arc, Mutex};

use actix_web::web::ServiceConfig;
use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::core::oauth::Registration;
use crate::core::provider::{AdminError, Call, Provider, ProviderAdmin as _};
use crate::core::{Core, lock};
use refusal::Refusal;
use site::Site;

/// What all paths begin with.
const ROOT: &str = "/creatio/";

/// The provider.
pub struct Creatio {
    core: Arc<Core>,
    sites: Mutex<Vec<(String, Arc<Mutex<Site>>)>>,
}

impl Creatio {
    /// Creatio without sites.
    pub fn new(core: Arc<Core>) -> Arc<Self> {
        Arc::new(Self {
            core,
            sites: Mutex::default(),
        })
    }

    /// A site by its name. Lock it for one operation only.
    pub fn site(&self, name: &str) -> Option<Arc<Mutex<Site>>> {
        lock(&self.sites)
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, site)| Arc::clone(site))
    }

    /// The present by Creatio's own clock.
    fn now(&self) -> DateTime<Utc> {
        self.core.clock.now_at(self.id())
    }

    fn known(&self, name: &str) -> Result<Arc<Mutex<Site>>, AdminError> {
        self.site(name)
            .ok_or_else(|| AdminError::not_found(format!("no site {name}")))
    }
}

impl Provider for Creatio {
    fn routes(self: Arc<Self>, cfg: &mut ServiceConfig) {
        door::routes(self, cfg);
    }

    fn registration(&self) -> Option<Registration> {
        Some(door::registration())
    }

    fn places(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("OData", "/creatio/<site>/0/odata/"),
            ("tokens", "/creatio/<site>/connect/token"),
        ]
    }

    fn owns(&self, path: &str) -> bool {
        path.starts_with(ROOT)
    }

    fn classify(&self, method: &str, path: &str) -> Call {
        wire::classify(method, path)
    }

    fn error_body(&self, status: u16) -> Value {
        Refusal::of_status(status).body
    }

    fn truncate_listing(&self, body: &mut Value) {
        if let Some(rows) = body.get_mut("value").and_then(Value::as_array_mut) {
            rows.truncate(rows.len() / 2);
        }
    }
}
