//! `GET /v1/invitations`: who was asked and has not answered.

use actix_web::web::Json;

use super::InvitationJson;
use crate::auth::CanAdmin;
use crate::extract::{Page, PageQuery, Query};
use crate::problem::Problem;

/// List invitations
///
/// Expired ones too; those that were accepted are members.
#[utoipa::path(get, path = "/v1/invitations", operation_id = "list_invitations", tag = "members",
    params(PageQuery), responses((status = 200, description = "A page", body = Page<InvitationJson>)))]
pub async fn handle(
    CanAdmin(caller): CanAdmin,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<InvitationJson>>, Problem> {
    query
        .page(
            |after, limit| caller.rows.invitation_list(after, limit),
            |invitation| invitation.id.to_string(),
            InvitationJson::from,
        )
        .await
}
