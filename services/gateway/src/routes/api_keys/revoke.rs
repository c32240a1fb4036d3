//! `DELETE /v1/api-keys/{id}`: a key is refused from now on.

use actix_web::{HttpResponse, web};
use syncline_model::ApiKeyId;

use crate::auth::CanAdmin;
use crate::extract::Id;
use crate::problem::Problem;
use crate::schema;
use crate::state::State;

/// Revoke an API key
///
/// It is refused from the next request on, and stays listed. Invitations that it made end.
#[utoipa::path(delete, path = "/v1/api-keys/{id}", operation_id = "revoke_api_key", tag = "API keys",
    params(("id" = schema::ApiKeyId, Path)), responses((status = 204, description = "Revoked")))]
pub async fn handle(
    state: web::Data<State>,
    CanAdmin(caller): CanAdmin,
    Id(id): Id<ApiKeyId>,
) -> Result<HttpResponse, Problem> {
    caller.rows.api_key_revoke(id, state.clock.now()).await?;
    tracing::info!(tenant.id = %caller.tenant, key.id = %id, "an API key was revoked");
    Ok(HttpResponse::NoContent().finish())
}
