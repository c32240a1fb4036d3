//! `POST /v1/accounts/{id}/authorize`: sends an account's owner to the provider again.

use actix_web::http::header;
use actix_web::{HttpResponse, web};
use syncline_model::AccountId;

use super::Authorization;
use crate::auth::CanWrite;
use crate::extract::Id;
use crate::problem::{Code, Problem, ProblemBody};
use crate::routes::oauth::cookie;
use crate::schema;
use crate::state::State;

/// Authorise an account again
///
/// After the provider refused our access, or when the first authorisation was not finished. It must be the same login as
/// before.
#[utoipa::path(post, path = "/v1/accounts/{id}/authorize", operation_id = "authorize_account", tag = "accounts",
    params(("id" = schema::AccountId, Path)),
    responses((status = 200, description = "Its owner must agree", body = Authorization),
              (status = 409, description = "`wrong_state`: the account has a login instead", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn handle(
    state: web::Data<State>,
    CanWrite(caller): CanWrite,
    Id(id): Id<AccountId>,
) -> Result<HttpResponse, Problem> {
    let account = caller.rows.account_get(id).await?;
    let connector = state.registry.get(&account.provider);
    if connector.is_some_and(|one| one.definition().auth.oauth2().is_none()) {
        let message =
            "This account has no consent page but a login: `PUT /v1/accounts/{id}/login`.";
        return Err(Problem::new(Code::WrongState, message));
    }
    let begun = state
        .accounts
        .begin_authorization((caller.tenant, caller.who), id, &state.callback_url())
        .await?;
    Ok(HttpResponse::Ok()
        .insert_header((header::SET_COOKIE, cookie::keep(&state, &begun.browser)?))
        .json(Authorization {
            account: account.into(),
            authorize_url: Some(begun.url),
        }))
}
