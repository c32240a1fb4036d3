//! `POST /v1/tenants`: an organisation signs up.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use secrecy::SecretString;
use serde::Deserialize;
use syncline_model::{MemberId, Role, TenantId};
use syncline_store::{NewMember, NewTenant, StoreError};
use utoipa::ToSchema;

use crate::auth::password;
use crate::extract::{Body, Checked, Findings};
use crate::problem::{Code, Problem};
use crate::routes::sessions::{self, SessionJson};
use crate::state::State;

/// An organisation and its first member.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignUp {
    /// The organisation's name.
    #[schema(min_length = 1, max_length = 200)]
    organisation: String,
    /// The first member's e-mail address.
    #[schema(format = "email", max_length = 254)]
    email: String,
    /// The first member's password.
    #[schema(value_type = String, format = "password", min_length = 10, max_length = 200)]
    password: SecretString,
}

impl Checked for SignUp {
    fn check(&self, findings: &mut Findings) {
        findings.text("/organisation", &self.organisation, 1, 200);
        findings.email("/email", &self.email);
        password::check(&self.password, findings);
    }
}

/// Sign an organisation up
///
/// Makes a tenant and its first member, and signs them in. An `Idempotency-Key` is not honoured here: after a lost answer
/// sign in.
#[utoipa::path(post, path = "/v1/tenants", operation_id = "sign_up", tag = "sign-up and sessions",
    request_body = SignUp, security(()),
    responses((status = 201, description = "Signed up and in", body = SessionJson),
              (status = 409, description = "`email_taken`", body = crate::problem::ProblemBody, content_type = "application/problem+json")))]
pub async fn handle(
    state: web::Data<State>,
    request: HttpRequest,
    Body(body): Body<SignUp>,
) -> Result<HttpResponse, Problem> {
    state.limits.sign_up(&request).await?;
    let now = state.clock.now();
    let tenant = NewTenant {
        id: TenantId::from_uuid(state.ids.next()),
        name: body.organisation.trim().to_owned(),
        plan: state.tariffs.usual().name.clone(),
        created_at: now,
    };
    let member = NewMember {
        id: MemberId::from_uuid(state.ids.next()),
        email: sessions::normal_email(&body.email),
        password_hash: state.passwords.hash(body.password).await?,
        // Somebody has to be.
        role: Role::Owner,
    };
    let member = match state.store.signup(&tenant, &member).await {
        Err(StoreError::Conflict { .. }) => {
            return Err(Problem::new(
                Code::EmailTaken,
                "Someone has signed up with this e-mail address already.",
            ));
        }
        other => other?,
    };
    tracing::info!(tenant.id = %member.tenant, "a tenant signed up");
    sessions::enter(&state, &request, &member, true).await?;
    let session = sessions::open(&state, member, tenant.name).await?;
    Ok(sessions::answer(StatusCode::CREATED, &session))
}
