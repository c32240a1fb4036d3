//! `POST /v1/sessions/refresh`: a refresh token for fresh tokens.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use syncline_platform::random_token;
use syncline_store::StoreError;
use utoipa::ToSchema;

use super::{RANDOM, SessionJson, answer, describe};
use crate::auth::{Secret, SecretKind, refused};
use crate::extract::{Body, Checked, Findings};
use crate::problem::{Problem, ProblemBody};
use crate::state::State;

/// The token that the last answer gave.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Refresh {
    /// A refresh token that was not used yet.
    #[schema(value_type = String, max_length = 100)]
    refresh_token: SecretString,
}

impl Checked for Refresh {
    fn check(&self, _: &mut Findings) {}
}

/// Stay signed in
///
/// A refresh token is good once. If one is used again, someone has a copy: every token that came of the same sign-in is
/// refused from then on. An `Idempotency-Key` is not honoured here: after a lost answer sign in again.
#[utoipa::path(post, path = "/v1/sessions/refresh", operation_id = "refresh_session", tag = "sign-up and sessions",
    request_body = Refresh, security(()),
    responses((status = 200, description = "Fresh tokens", body = SessionJson),
              (status = 401, description = "`unauthenticated`: used before, expired or ended", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn handle(
    state: web::Data<State>,
    request: HttpRequest,
    Body(body): Body<Refresh>,
) -> Result<HttpResponse, Problem> {
    state.limits.refresh(&request).await?;
    let old = Secret::parse(SecretKind::RefreshToken, body.refresh_token.expose_secret())
        .ok_or_else(refused)?;
    let new = Secret::new(SecretKind::RefreshToken, &random_token(RANDOM));
    let now = state.clock.now();
    let rotated = state
        .store
        .session_rotate(&old.hash(), &new.hash(), now + state.refresh_token_ttl, now)
        .await;
    let member = match rotated {
        Err(StoreError::NotFound) => return Err(refused()),
        other => other?,
    };
    let name = state
        .store
        .scope(member.tenant)
        .await?
        .tenant_name()
        .await?;
    let session = describe(&state, member, name, &new)?;
    Ok(answer(StatusCode::OK, &session))
}
