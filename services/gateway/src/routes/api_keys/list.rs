//! `GET /v1/api-keys`: the keys that were made, without the keys.

use actix_web::web::Json;

use super::ApiKeyJson;
use crate::auth::CanAdmin;
use crate::extract::{Page, PageQuery, Query};
use crate::problem::Problem;

/// List API keys
#[utoipa::path(get, path = "/v1/api-keys", operation_id = "list_api_keys", tag = "API keys",
    params(PageQuery), responses((status = 200, description = "A page", body = Page<ApiKeyJson>)))]
pub async fn handle(
    CanAdmin(caller): CanAdmin,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<ApiKeyJson>>, Problem> {
    query
        .page(
            |after, limit| caller.rows.api_key_list(after, limit),
            |key| key.id.to_string(),
            ApiKeyJson::from,
        )
        .await
}
