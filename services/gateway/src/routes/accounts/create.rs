//! `POST /v1/accounts`: begins to open an account at a provider.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use syncline_model::{Account, AccountId, AccountStatus, ProviderId};
use utoipa::ToSchema;

use super::Authorization;
use super::login::{self, TypedLogin};
use crate::audit;
use crate::auth::CanWrite;
use crate::extract::{Body, Checked, Findings};
use crate::problem::{Problem, ProblemBody};
use crate::routes::oauth::cookie;
use crate::schema;
use crate::state::State;

/// An account to open.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAccount {
    /// Where.
    #[schema(value_type = schema::ProviderId)]
    provider: ProviderId,
    /// For an app whose `auth` is `password`.
    login: Option<TypedLogin>,
}

impl Checked for NewAccount {
    fn check(&self, findings: &mut Findings) {
        if let Some(login) = &self.login {
            login.check_at("/login", findings);
        }
    }
}

/// Open an account
///
/// The account is `pending` until its owner has agreed on the provider's consent page. The answer sets a cookie: the
/// browser that has it comes back without further questions, any other one is asked whether this is meant. With a `login`
/// that the server takes it is `active` at once; one that it does not take makes no account.
#[utoipa::path(post, path = "/v1/accounts", operation_id = "create_account", tag = "accounts",
    request_body = NewAccount,
    responses((status = 201, description = "Made; its owner must agree, if there is an `authorize_url`", body = Authorization),
              (status = 403, description = "`forbidden`; `plan_limit`: the app is for paid plans only", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn handle(
    state: web::Data<State>,
    CanWrite(caller): CanWrite,
    request: HttpRequest,
    Body(body): Body<NewAccount>,
) -> Result<HttpResponse, Problem> {
    let Some(connector) = state.registry.get(&body.provider) else {
        let known: Vec<_> = state
            .registry
            .iter()
            .map(|connector| connector.definition().id.as_str())
            .collect();
        return Err(Problem::invalid(
            "/provider",
            format!("No such provider; there are: {}.", known.join(", ")),
        ));
    };
    let (app, plan) = (connector.definition(), caller.rows.tenant_plan().await?);
    let tariff = state.tariffs.of(&plan);
    if let Some(refusal) = tariff.refuses_app(&app.name, app.paid_plans_only) {
        return Err(Problem::plan_limit(&[refusal]));
    }
    if !state.accounts.is_configured(&body.provider) {
        return Err(Problem::invalid(
            "/provider",
            "This server has no OAuth client at the provider: its operator must set one up.",
        ));
    }
    login::wanted(app, body.login.is_some())?;
    let account = Account {
        id: AccountId::from_uuid(state.ids.next()),
        tenant: caller.tenant,
        provider: body.provider,
        identity: None,
        status: AccountStatus::Pending,
        created_at: state.clock.now(),
    };
    if let Some(login) = body.login {
        let tried = state.accounts.try_login(&account, &login.into()).await;
        let entered = tried.map_err(|error| login::refused(error, Some(app), "/login"))?;
        state.accounts.create_with(&account, entered).await?;
        tracing::info!(tenant.id = %caller.tenant, account.id = %account.id, "an account was made");
        audit::made(&request, &account.id);
        let account = caller.rows.account_get(account.id).await?;
        return Ok(HttpResponse::Created().json(Authorization {
            account: account.into(),
            authorize_url: None,
        }));
    }
    caller.rows.account_create(&account).await?;
    let begun = state
        .accounts
        .begin_authorization(
            (caller.tenant, caller.who),
            account.id,
            &state.callback_url(),
        )
        .await?;
    tracing::info!(tenant.id = %caller.tenant, account.id = %account.id, "an account was made");
    audit::made(&request, &account.id);
    Ok(HttpResponse::Created()
        .insert_header((header::SET_COOKIE, cookie::keep(&state, &begun.browser)?))
        .json(Authorization {
            account: account.into(),
            authorize_url: Some(begun.url),
        }))
}
