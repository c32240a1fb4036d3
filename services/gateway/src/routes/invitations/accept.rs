//! `POST /v1/invitations/accept`: whoever was invited becomes a member.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use syncline_model::{MemberId, Role};
use syncline_store::{NewMember, StoreError};
use utoipa::ToSchema;

use crate::audit::{self, Note};
use crate::auth::{Secret, SecretKind, password};
use crate::extract::{Body, Checked, Findings};
use crate::problem::{Code, Problem, ProblemBody};
use crate::routes::members::may_decide;
use crate::routes::sessions::{self, SessionJson};
use crate::state::State;

/// An invitation's token, and the password that its bearer will sign in with.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Acceptance {
    /// The token that the invitation came with.
    #[schema(value_type = String, max_length = 100)]
    token: SecretString,
    /// The new member's password.
    #[schema(value_type = String, format = "password", min_length = 10, max_length = 200)]
    password: SecretString,
}

impl Checked for Acceptance {
    fn check(&self, findings: &mut Findings) {
        password::check(&self.password, findings);
    }
}

/// Accept an invitation
///
/// Makes a member with the invitation's address and role, and signs them in. An `Idempotency-Key` is not honoured here: after
/// a lost answer sign in.
#[utoipa::path(post, path = "/v1/invitations/accept", operation_id = "accept_invitation", tag = "members",
    request_body = Acceptance, security(()),
    responses((status = 201, description = "A member now, and signed in", body = SessionJson),
              (status = 401, description = "`unauthenticated`: the invitation is unknown, expired, taken back or accepted already", body = ProblemBody, content_type = "application/problem+json"),
              (status = 403, description = "`forbidden`: whoever invited may not give this role any more", body = ProblemBody, content_type = "application/problem+json"),
              (status = 409, description = "`email_taken`, here or in another organisation", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn handle(
    state: web::Data<State>,
    request: HttpRequest,
    Body(body): Body<Acceptance>,
) -> Result<HttpResponse, Problem> {
    state.limits.sign_up(&request).await?;
    let token = Secret::parse(SecretKind::Invitation, body.token.expose_secret());
    let token = token.ok_or_else(ended)?;
    let now = state.clock.now();
    let found = state.store.invitation_by_token(&token.hash()).await?;
    let invitation = found
        .filter(|invitation| now < invitation.expires_at)
        .ok_or_else(ended)?;
    let member = NewMember {
        id: MemberId::from_uuid(state.ids.next()),
        email: invitation.email.clone(),
        password_hash: state.passwords.hash(body.password).await?,
        role: invitation.role,
    };
    // Whoever reads the log of the organisation sees who knocked in vain.
    let rows = state.store.scope(invitation.tenant).await?;
    let knocked = Note {
        rows: Some(rows.clone()),
        subject: Some(invitation.id.to_string()),
        ..Note::default()
    };
    audit::note(&request, knocked);
    let accepted = state
        .store
        .invitation_accept(&invitation, &member, may_decide, now);
    let member = match accepted.await {
        Err(StoreError::Refused) => return Err(not_given(invitation.role)),
        Err(StoreError::NotFound) => return Err(ended()),
        Err(StoreError::Conflict { .. }) => return Err(taken()),
        other => other?,
    };
    tracing::info!(tenant.id = %member.tenant, member.id = %member.id, "an invitation was accepted");
    sessions::enter(&state, &request, &member, true).await?;
    let name = rows.tenant_name().await?;
    let session = sessions::open(&state, member, name).await?;
    Ok(sessions::answer(StatusCode::CREATED, &session))
}

fn ended() -> Problem {
    Problem::new(
        Code::Unauthenticated,
        "This invitation is unknown, has expired, was taken back or was accepted already. Ask for another one.",
    )
}

fn not_given(role: Role) -> Problem {
    let whom = match role {
        Role::Owner => "an owner",
        Role::Admin | Role::Editor | Role::Viewer => "an owner or admin",
    };
    Problem::new(
        Code::Forbidden,
        format!(
            "Whoever invited you may not give the role `{role}` any more: ask {whom} of the organisation to invite you again."
        ),
    )
}

fn taken() -> Problem {
    Problem::new(
        Code::EmailTaken,
        "Somebody is a member with this e-mail address already, here or in another organisation: ask to be invited with another one.",
    )
}
