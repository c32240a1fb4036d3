//! `DELETE /v1/members/{id}`: somebody is no member any more.

use actix_web::HttpResponse;
use syncline_model::MemberId;
use syncline_store::StoreError;

use super::{decider, last_owner};
use crate::auth::CanAdmin;
use crate::extract::Id;
use crate::problem::{Problem, ProblemBody};
use crate::schema;

/// Remove a member
///
/// They are signed out at once, and invitations that they made end. Accounts and connections belong to the organisation and
/// stay, as do API keys that they made.
#[utoipa::path(delete, path = "/v1/members/{id}", operation_id = "remove_member", tag = "members",
    params(("id" = schema::MemberId, Path)),
    responses((status = 204, description = "Removed"),
              (status = 403, description = "`forbidden`: owners are unmade by owners alone", body = ProblemBody, content_type = "application/problem+json"),
              (status = 409, description = "`last_owner`", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn handle(
    CanAdmin(caller): CanAdmin,
    Id(id): Id<MemberId>,
) -> Result<HttpResponse, Problem> {
    match caller.rows.member_remove(id, decider(&caller)).await {
        Err(StoreError::Conflict { .. }) => return Err(last_owner()),
        other => other?,
    }
    tracing::info!(tenant.id = %caller.tenant, member.id = %id, "a member was removed");
    Ok(HttpResponse::NoContent().finish())
}
