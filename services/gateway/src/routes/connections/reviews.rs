//! `GET /v1/connections/{id}/reviews`: what people said about records that may be any of several.

use actix_web::web::Json;
use syncline_model::ConnectionId;

use crate::auth::CanRead;
use crate::extract::{Id, Page, PageQuery, Query};
use crate::problem::Problem;
use crate::schema;
use crate::wire::ReviewJson;

/// List what was said about records that may be any of several
///
/// Newest first; other connections of the same two accounts included.
#[utoipa::path(get, path = "/v1/connections/{id}/reviews", operation_id = "list_reviews", tag = "records",
    params(("id" = schema::ConnectionId, Path), PageQuery),
    responses((status = 200, description = "A page", body = Page<ReviewJson>)))]
pub async fn handle(
    CanRead(caller): CanRead,
    Id(id): Id<ConnectionId>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<ReviewJson>>, Problem> {
    caller.rows.connection_get(id).await?;
    page.page(
        |after, limit| caller.rows.review_list(id, after, limit),
        |row| row.id.to_string(),
        ReviewJson::from,
    )
    .await
}
