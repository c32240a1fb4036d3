//! `GET /v1/audit`: who changed what.

use actix_web::http::Method;
use actix_web::web::{self, Json};
use chrono::{DateTime, Utc};
use serde::Serialize;
use syncline_model::AuditId;
use syncline_store::AuditEntry;
use utoipa::ToSchema;

use crate::auth::CanAdmin;
use crate::extract::{Page, PageQuery, Query};
use crate::problem::Problem;
use crate::schema;

pub(super) fn configure(app: &mut web::ServiceConfig) {
    app.service(super::at("/v1/audit", [(Method::GET, web::to(handle))]));
}

/// What somebody did.
#[derive(Serialize, ToSchema)]
#[schema(as = AuditEntry)]
pub struct AuditEntryJson {
    /// Its id.
    #[schema(value_type = schema::AuditId)]
    pub id: AuditId,
    /// When.
    pub at: DateTime<Utc>,
    /// The id of the member or the API key; null if nobody was signed in.
    #[schema(required)]
    pub actor: Option<String>,
    /// The operation, as this document names it (`operationId`).
    #[schema(example = "pause_connection")]
    pub action: String,
    /// The id of what it was done to.
    #[schema(required)]
    pub subject: Option<String>,
    /// The status of the answer: 401, 403 and 409 were refused, everything else was done.
    pub status: i32,
    /// The network address that the request came from.
    #[schema(required)]
    pub network: Option<String>,
}

impl From<AuditEntry> for AuditEntryJson {
    fn from(entry: AuditEntry) -> Self {
        Self {
            id: entry.id,
            at: entry.at,
            actor: entry.actor.map(|actor| actor.to_string()),
            action: entry.action,
            subject: entry.subject,
            status: entry.status,
            network: entry.network,
        }
    }
}

/// Read the audit log
///
/// Everything that was changed, and everything that was refused by role or by rule, the newest first. Entries are only added.
#[utoipa::path(get, path = "/v1/audit", operation_id = "list_audit", tag = "sign-up and sessions",
    params(PageQuery), responses((status = 200, description = "A page", body = Page<AuditEntryJson>)))]
pub async fn handle(
    CanAdmin(caller): CanAdmin,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<AuditEntryJson>>, Problem> {
    query
        .page(
            |after, limit| caller.rows.audit_list(after, limit),
            |entry| entry.id.to_string(),
            AuditEntryJson::from,
        )
        .await
}
