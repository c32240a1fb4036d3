//! `PATCH /v1/members/{id}`: another role.

use actix_web::web::Json;
use serde::Deserialize;
use syncline_model::{MemberId, Role};
use syncline_store::StoreError;
use utoipa::ToSchema;

use super::{MemberJson, decider, last_owner};
use crate::auth::CanAdmin;
use crate::extract::{Body, Checked, Findings, Id};
use crate::problem::{Problem, ProblemBody};
use crate::schema;

/// What to change of a member.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MemberPatch {
    /// The new role.
    #[schema(value_type = schema::Role)]
    role: Role,
}

impl Checked for MemberPatch {
    fn check(&self, _: &mut Findings) {}
}

/// Give a member another role
///
/// It holds from the member's next request on. Invitations that they made end if they may invite nobody any more; API keys
/// that they made stay as they are.
#[utoipa::path(patch, path = "/v1/members/{id}", operation_id = "update_member", tag = "members",
    params(("id" = schema::MemberId, Path)), request_body = MemberPatch,
    responses((status = 200, description = "Changed", body = MemberJson),
              (status = 403, description = "`forbidden`: owners are made and unmade by owners alone", body = ProblemBody, content_type = "application/problem+json"),
              (status = 409, description = "`last_owner`", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn handle(
    CanAdmin(caller): CanAdmin,
    Id(id): Id<MemberId>,
    Body(body): Body<MemberPatch>,
) -> Result<Json<MemberJson>, Problem> {
    let changed = caller.rows.member_role_set(id, body.role, decider(&caller));
    let after = match changed.await {
        Err(StoreError::Conflict { .. }) => return Err(last_owner()),
        other => other?,
    };
    tracing::info!(tenant.id = %caller.tenant, member.id = %id, role = %after.role, "a member has another role");
    Ok(Json(after.into()))
}
