//! `DELETE /v1/sessions`: a member signs out.

use actix_web::{HttpRequest, HttpResponse, web};
use syncline_model::Actor;

use crate::audit::{self, Note};
use crate::auth::{Secret, SecretKind, bearer, refused};
use crate::problem::Problem;
use crate::state::State;

/// Sign out
///
/// The credentials are the *refresh token*: it, and every one that came of the same sign-in, is refused from then on.
/// Access tokens stay good for the minutes that they have left.
#[utoipa::path(delete, path = "/v1/sessions", operation_id = "sign_out", tag = "sign-up and sessions",
    security(("refresh_token" = [])),
    responses((status = 204, description = "Signed out")))]
pub async fn handle(
    state: web::Data<State>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let token = bearer(request.headers())?;
    let token = Secret::parse(SecretKind::RefreshToken, token).ok_or_else(refused)?;
    if let Some((tenant, member)) = state.store.session_revoke(&token.hash()).await? {
        let note = Note {
            rows: Some(state.store.scope(tenant).await?),
            actor: Some(Actor::Member(member)),
            subject: Some(member.to_string()),
            ..Note::default()
        };
        audit::note(&request, note);
    }
    Ok(HttpResponse::NoContent().finish())
}
