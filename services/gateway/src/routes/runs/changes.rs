//! `GET /v1/runs/{id}/changes`: what a run changed.

use actix_web::web::Json;
use syncline_model::RunId;

use crate::auth::CanRead;
use crate::extract::{Id, Page, PageQuery, Query};
use crate::problem::Problem;
use crate::schema;
use crate::wire::HistoryJson;

/// List what a run changed
#[utoipa::path(get, path = "/v1/runs/{id}/changes", operation_id = "list_run_changes", tag = "runs",
    params(("id" = schema::RunId, Path), PageQuery),
    responses((status = 200, description = "A page", body = Page<HistoryJson>)))]
pub async fn handle(
    CanRead(caller): CanRead,
    Id(id): Id<RunId>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<HistoryJson>>, Problem> {
    caller.rows.run_get(id).await?;
    query
        .page(
            |after, limit| caller.rows.history_by_run(id, after, limit),
            |row| row.seq.to_string(),
            |row| row.entry.into(),
        )
        .await
}
