//! `GET /v1/connections`: the tenant's connections.

use actix_web::web::Json;

use crate::auth::CanRead;
use crate::extract::{Page, PageQuery, Query};
use crate::problem::Problem;
use crate::wire::ConnectionJson;

/// List connections
#[utoipa::path(get, path = "/v1/connections", operation_id = "list_connections", tag = "connections",
    params(PageQuery), responses((status = 200, description = "A page", body = Page<ConnectionJson>)))]
pub async fn handle(
    CanRead(caller): CanRead,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<ConnectionJson>>, Problem> {
    query
        .page(
            |after, limit| caller.rows.connection_list(after, limit),
            |connection| connection.id.to_string(),
            ConnectionJson::from,
        )
        .await
}
