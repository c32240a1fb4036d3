//! `GET /v1/members`: who there is.

use actix_web::web::Json;

use super::MemberJson;
use crate::auth::CanRead;
use crate::extract::{Page, PageQuery, Query};
use crate::problem::Problem;

/// List members
#[utoipa::path(get, path = "/v1/members", operation_id = "list_members", tag = "members",
    params(PageQuery), responses((status = 200, description = "A page", body = Page<MemberJson>)))]
pub async fn handle(
    CanRead(caller): CanRead,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<MemberJson>>, Problem> {
    query
        .page(
            |after, limit| caller.rows.member_list(after, limit),
            |member| member.id.to_string(),
            MemberJson::from,
        )
        .await
}
