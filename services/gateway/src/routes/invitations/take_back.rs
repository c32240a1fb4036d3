//! `DELETE /v1/invitations/{id}`: an invitation is refused from now on.

use actix_web::{HttpResponse, web};
use syncline_model::InvitationId;

use crate::auth::CanAdmin;
use crate::extract::Id;
use crate::problem::{Problem, ProblemBody};
use crate::routes::members::decider;
use crate::schema;
use crate::state::State;

/// Take an invitation back
#[utoipa::path(delete, path = "/v1/invitations/{id}", operation_id = "delete_invitation", tag = "members",
    params(("id" = schema::InvitationId, Path)),
    responses((status = 204, description = "Taken back"),
              (status = 403, description = "`forbidden`: an open invitation to become an owner is taken back by owners alone", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn handle(
    state: web::Data<State>,
    CanAdmin(caller): CanAdmin,
    Id(id): Id<InvitationId>,
) -> Result<HttpResponse, Problem> {
    let now = state.clock.now();
    caller
        .rows
        .invitation_delete(id, decider(&caller), now)
        .await?;
    tracing::info!(tenant.id = %caller.tenant, invitation.id = %id, "an invitation was taken back");
    Ok(HttpResponse::NoContent().finish())
}
