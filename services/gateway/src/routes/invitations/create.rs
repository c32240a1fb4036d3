//! `POST /v1/invitations`: somebody is asked to become a member.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use syncline_model::{InvitationId, Role};
use syncline_platform::random_token;
use syncline_store::{NewInvitation, StoreError};
use utoipa::ToSchema;

use super::InvitationJson;
use crate::audit;
use crate::auth::{CanAdmin, Secret, SecretKind};
use crate::extract::{Body, Checked, Findings};
use crate::problem::{Code, Problem, ProblemBody};
use crate::routes::members::may_decide;
use crate::routes::sessions::normal_email;
use crate::schema;
use crate::state::State;

/// How long an invitation can be accepted.
const GOOD_FOR: TimeDelta = TimeDelta::days(7);
/// Most invitations of a tenant that can be accepted at a time.
const MOST: u32 = 100;

/// Who is invited, and as what.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Invite {
    /// Their e-mail address.
    #[schema(format = "email", max_length = 254)]
    email: String,
    /// What they will be.
    #[schema(value_type = schema::Role)]
    role: Role,
}

impl Checked for Invite {
    fn check(&self, findings: &mut Findings) {
        findings.email("/email", &self.email);
    }
}

/// An invitation just made.
#[derive(Serialize, ToSchema)]
pub struct Invited {
    /// The invitation as it is listed later.
    invitation: InvitationJson,
    /// What it is accepted with, at `POST /v1/invitations/accept`. Shown this once and kept nowhere: hand it to the person.
    token: String,
}

/// Invite somebody
///
/// The answer has a token for the person to accept with, within seven days; no mail is sent. It is the same whether or not
/// somebody signs in to another organisation with this address. Inviting the same address again replaces the invitation. At
/// most 100 invitations are open at a time. The token cannot be shown again, so an `Idempotency-Key` is not honoured here.
#[utoipa::path(post, path = "/v1/invitations", operation_id = "create_invitation", tag = "members",
    request_body = Invite,
    responses((status = 201, description = "Invited", body = Invited),
              (status = 403, description = "`forbidden`: owners are made by owners alone, and who was invited as one is not invited as something else by others", body = ProblemBody, content_type = "application/problem+json"),
              (status = 409, description = "`email_taken`: by a member of this organisation; `too_many_invitations`", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn handle(
    state: web::Data<State>,
    CanAdmin(caller): CanAdmin,
    request: HttpRequest,
    Body(body): Body<Invite>,
) -> Result<HttpResponse, Problem> {
    let token = Secret::new(SecretKind::Invitation, &random_token(32));
    let now = state.clock.now();
    let invitation = NewInvitation {
        id: InvitationId::from_uuid(state.ids.next()),
        email: normal_email(&body.email),
        role: body.role,
        token_hash: token.hash().to_vec(),
        invited_by: caller.who,
        created_at: now,
        expires_at: now + GOOD_FOR,
    };
    let kept = caller.rows.invitation_put(&invitation, may_decide, MOST);
    let invitation = match kept.await {
        Err(StoreError::Conflict { what: "email" }) => return Err(is_member()),
        Err(StoreError::Conflict {
            what: "invitations",
        }) => return Err(too_many()),
        other => other?,
    };
    tracing::info!(tenant.id = %caller.tenant, invitation.id = %invitation.id, "somebody was invited");
    audit::made(&request, &invitation.id);
    Ok(HttpResponse::Created()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(Invited {
            invitation: invitation.into(),
            token: token.reveal(),
        }))
}

fn is_member() -> Problem {
    Problem::new(
        Code::EmailTaken,
        "A member of this organisation has this e-mail address already.",
    )
}

fn too_many() -> Problem {
    Problem::new(
        Code::TooManyInvitations,
        format!(
            "{MOST} invitations are open: wait until some are accepted or have expired, or take some back."
        ),
    )
}
