//! `GET /v1/connections/{id}/conflicts`: fields that both sides changed.

use actix_web::web::Json;
use serde::Deserialize;
use syncline_model::{ConflictStatus, ConnectionId};
use utoipa::IntoParams;

use crate::auth::CanRead;
use crate::extract::{Id, Page, PageQuery, Query, page_limit};
use crate::problem::Problem;
use crate::schema;
use crate::wire::ConflictJson;

/// Which of them.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Which {
    /// Only those with this status; all when left out.
    #[param(value_type = Option<schema::ConflictStatus>)]
    status: Option<ConflictStatus>,
    /// Items on the page, 1 to 200; 50 when left out.
    #[param(minimum = 1, maximum = 200)]
    #[serde(default, deserialize_with = "page_limit")]
    limit: Option<u32>,
    /// `next` of the page before.
    after: Option<String>,
}

/// List fields that both sides changed, differently
#[utoipa::path(get, path = "/v1/connections/{id}/conflicts", operation_id = "list_conflicts", tag = "records",
    params(("id" = schema::ConnectionId, Path), Which),
    responses((status = 200, description = "A page", body = Page<ConflictJson>)))]
pub async fn handle(
    CanRead(caller): CanRead,
    Id(id): Id<ConnectionId>,
    Query(which): Query<Which>,
) -> Result<Json<Page<ConflictJson>>, Problem> {
    caller.rows.connection_get(id).await?;
    let Which {
        status,
        limit,
        after,
    } = which;
    PageQuery { limit, after }
        .page(
            |after, limit| caller.rows.conflict_list(id, status, after, limit),
            |row| row.id.to_string(),
            ConflictJson::from,
        )
        .await
}
