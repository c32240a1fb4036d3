//! `/v1/api-keys`: keys with which programs act for a tenant.

pub mod create;
pub mod list;
pub mod revoke;

use actix_web::http::Method;
use actix_web::web;
use chrono::{DateTime, Utc};
use serde::Serialize;
use syncline_model::ApiKeyId;
use syncline_store::ApiKey;
use utoipa::ToSchema;

use crate::auth::Scope;
use crate::schema;

pub(super) fn configure(app: &mut web::ServiceConfig) {
    app.service(super::at(
        "/v1/api-keys",
        [
            (Method::GET, web::to(list::handle)),
            (Method::POST, web::to(create::handle)),
        ],
    ))
    .service(super::at(
        "/v1/api-keys/{id}",
        [(Method::DELETE, web::to(revoke::handle))],
    ));
}

/// An API key, without the key.
#[derive(Serialize, ToSchema)]
#[schema(as = ApiKey)]
pub struct ApiKeyJson {
    /// Its id.
    #[schema(value_type = schema::ApiKeyId)]
    pub id: ApiKeyId,
    /// What people call it.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was revoked; null while it is good.
    #[schema(required)]
    pub revoked_at: Option<DateTime<Utc>>,
}

impl From<ApiKey> for ApiKeyJson {
    fn from(key: ApiKey) -> Self {
        let scopes = key.scopes.iter().filter_map(|word| Scope::parse(word));
        Self {
            id: key.id,
            scopes: scopes.collect(),
            name: key.name,
            created_at: key.created_at,
            revoked_at: key.revoked_at,
        }
    }
}
