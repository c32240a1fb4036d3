//! `GET /v1/records/{link}/history`: what was ever changed in a pair of records.

use actix_web::http::Method;
use actix_web::web::{self, Json};
use syncline_model::LinkId;

use crate::auth::CanRead;
use crate::extract::{Id, Page, PageQuery, Query};
use crate::problem::Problem;
use crate::schema;
use crate::wire::HistoryJson;

pub(super) fn configure(app: &mut web::ServiceConfig) {
    app.service(super::at(
        "/v1/records/{id}/history",
        [(Method::GET, web::to(handle))],
    ));
}

/// List what was changed in a pair of records
#[utoipa::path(get, path = "/v1/records/{id}/history", operation_id = "list_record_history", tag = "records",
    params(("id" = schema::LinkId, Path, description = "The link that joins the two records"), PageQuery),
    responses((status = 200, description = "A page", body = Page<HistoryJson>)))]
pub async fn handle(
    CanRead(caller): CanRead,
    Id(id): Id<LinkId>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<HistoryJson>>, Problem> {
    caller.rows.link_get(id).await?;
    query
        .page(
            |after, limit| caller.rows.history_by_link(id, after, limit),
            |row| row.seq.to_string(),
            |row| row.entry.into(),
        )
        .await
}
