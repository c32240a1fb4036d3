//! `POST /v1/sessions`: a member signs in.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{SessionJson, answer, normal_email, open};
use crate::auth::password;
use crate::extract::{Body, Checked, Findings};
use crate::problem::{Code, Problem, ProblemBody};
use crate::state::State;

/// Who signs in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    /// The member's e-mail address.
    #[schema(format = "email", max_length = 254)]
    email: String,
    /// Their password.
    #[schema(value_type = String, format = "password", max_length = 200)]
    password: SecretString,
}

impl Checked for SignIn {
    fn check(&self, findings: &mut Findings) {
        findings.text("/email", &self.email, 1, 254);
        if self.password.expose_secret().chars().count() > password::LONGEST {
            let most = format!("At most {} characters.", password::LONGEST);
            findings.add("/password", most);
        }
    }
}

/// Sign in
///
/// Too many tries for one address or from one network are refused for a while, right or wrong. An `Idempotency-Key` is not
/// honoured here: the answer holds tokens, and is kept nowhere.
#[utoipa::path(post, path = "/v1/sessions", operation_id = "sign_in", tag = "sign-up and sessions",
    request_body = SignIn, security(()),
    responses((status = 201, description = "Signed in", body = SessionJson),
              (status = 401, description = "`invalid_credentials`", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn handle(
    state: web::Data<State>,
    request: HttpRequest,
    Body(body): Body<SignIn>,
) -> Result<HttpResponse, Problem> {
    let email = normal_email(&body.email);
    state.limits.sign_in(&request, &email).await?;
    let (member, hash) = state.store.member_by_email(&email).await?.unzip();
    let right = state.passwords.check(body.password, hash).await?;
    if let Some(member) = &member {
        super::enter(&state, &request, member, right).await?;
    }
    let Some(member) = member.filter(|_| right) else {
        return Err(Problem::new(
            Code::InvalidCredentials,
            "There is no member with this e-mail address and password.",
        ));
    };
    let name = state
        .store
        .scope(member.tenant)
        .await?
        .tenant_name()
        .await?;
    let session = open(&state, member, name).await?;
    Ok(answer(StatusCode::CREATED, &session))
}
