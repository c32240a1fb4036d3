//! `GET /v1/connections/{id}/runs`: its runs, newest first.

use actix_web::web::Json;
use syncline_model::ConnectionId;

use crate::auth::CanRead;
use crate::extract::{Id, Page, PageQuery, Query};
use crate::problem::Problem;
use crate::schema;
use crate::wire::RunJson;

/// List a connection's runs, newest first
#[utoipa::path(get, path = "/v1/connections/{id}/runs", operation_id = "list_runs", tag = "runs",
    params(("id" = schema::ConnectionId, Path), PageQuery),
    responses((status = 200, description = "A page", body = Page<RunJson>)))]
pub async fn handle(
    CanRead(caller): CanRead,
    Id(id): Id<ConnectionId>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<RunJson>>, Problem> {
    let connection = caller.rows.connection_get(id).await?;
    query
        .page(
            |after, limit| caller.rows.run_list(connection.id, after, limit),
            |row| row.id.to_string(),
            RunJson::from,
        )
        .await
}
