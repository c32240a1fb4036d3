//! `POST /v1/tenants`: an organisation signs up.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use syncline_model::{MemberId, TenantId};
use syncline_store::{NewMember, NewTenant, StoreError};
use utoipa::ToSchema;

use crate::auth::password;
use crate::extract::{Body, Checked, Findings};
use crate::problem::{Code, Problem};
use crate::routes::sessions::{self, SessionJson};
use crate::state::State;

/// The role of the person who signs an organisation up.
const FIRST_ROLE: &str = "owner";

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
        if !is_email(self.email.trim()) {
            findings.add("/email", "Must be an e-mail address.");
        }
        let length = self.password.expose_secret().chars().count();
        if !(password::SHORTEST..=password::LONGEST).contains(&length) {
            findings.add(
                "/password",
                format!(
                    "Must have {} to {} characters.",
                    password::SHORTEST,
                    password::LONGEST
                ),
            );
        }
    }
}

/// Sign an organisation up
///
/// Makes a tenant and its first member, and signs them in.
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
        created_at: now,
    };
    let member = NewMember {
        id: MemberId::from_uuid(state.ids.next()),
        email: sessions::normal_email(&body.email),
        password_hash: state.passwords.hash(body.password).await?,
        role: FIRST_ROLE.into(),
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

/// Whether a text can be an e-mail address: one `@`, something on both sides, no spaces or control characters.
fn is_email(text: &str) -> bool {
    text.len() <= 254
        && text.split_once('@').is_some_and(|(local, domain)| {
            !local.is_empty()
                && !domain.is_empty()
                && !domain.contains('@')
                && !domain.starts_with('.')
                && !domain.ends_with('.')
        })
        && !text
            .chars()
            .any(|c| c.is_whitespace() || c.is_control() || "<>,;\"()".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for good in ["ann@example.com", "a.b+c@x.co", "jürgen@köln.example"] {
            assert!(is_email(good), "{good}");
        }
        for bad in [
            "",
            "ann",
            "@x",
            "x@",
            "a@b@c",
            "a b@c.d",
            "a@b\n.c",
            "<a@b.c>",
            "a@.b",
            "a@b.",
            &"x".repeat(300),
        ] {
            assert!(!is_email(bad), "{bad}");
        }
    }
}
