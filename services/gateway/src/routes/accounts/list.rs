//! `GET /v1/accounts`: the tenant's accounts.

use actix_web::web::Json;

use crate::auth::CanRead;
use crate::extract::{Page, PageQuery, Query};
use crate::problem::Problem;
use crate::wire::AccountJson;

/// List accounts
#[utoipa::path(get, path = "/v1/accounts", operation_id = "list_accounts", tag = "accounts",
    params(PageQuery), responses((status = 200, description = "A page", body = Page<AccountJson>)))]
pub async fn handle(
    CanRead(caller): CanRead,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<AccountJson>>, Problem> {
    query
        .page(
            |after, limit| caller.rows.account_list(after, limit),
            |account| account.id.to_string(),
            AccountJson::from,
        )
        .await
}
