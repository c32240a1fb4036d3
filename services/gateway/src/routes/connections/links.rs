//! `GET /v1/connections/{id}/links`: which record is which.

use actix_web::web::Json;
use syncline_model::ConnectionId;

use crate::auth::CanRead;
use crate::extract::{Id, Page, PageQuery, Query};
use crate::problem::Problem;
use crate::schema;
use crate::wire::LinkJson;

/// List a connection's links
#[utoipa::path(get, path = "/v1/connections/{id}/links", operation_id = "list_links", tag = "records",
    params(("id" = schema::ConnectionId, Path), PageQuery),
    responses((status = 200, description = "A page", body = Page<LinkJson>)))]
pub async fn handle(
    CanRead(caller): CanRead,
    Id(id): Id<ConnectionId>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<LinkJson>>, Problem> {
    caller.rows.connection_get(id).await?;
    let limit = query.limit()?;
    let rows = caller.rows.link_list(id, query.after()?, limit).await?;
    Ok(Json(Page::new(
        rows,
        limit,
        |row| row.id.to_string(),
        LinkJson::from,
    )))
}
