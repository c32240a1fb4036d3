//! `DELETE /v1/accounts/{id}`: gives an account's access back to its owner.

use actix_web::{HttpResponse, web};
use syncline_model::AccountId;
use syncline_store::StoreError;

use crate::auth::{Caller, CanWrite};
use crate::extract::Id;
use crate::problem::{Code, Problem, ProblemBody};
use crate::schema;
use crate::state::State;

/// Why an account is not used whose end was interrupted.
const ENDING: &str =
    "It is being deleted, and our access with it: delete it once more, or authorise it again.";

/// Delete an account
///
/// Our access is revoked at the provider and its credentials are destroyed. Refused while a connection uses the account.
#[utoipa::path(delete, path = "/v1/accounts/{id}", operation_id = "delete_account", tag = "accounts",
    params(("id" = schema::AccountId, Path)),
    responses((status = 204, description = "Deleted"),
              (status = 409, description = "`account_in_use`", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn handle(
    state: web::Data<State>,
    CanWrite(caller): CanWrite,
    Id(id): Id<AccountId>,
) -> Result<HttpResponse, Problem> {
    match caller.rows.account_retire(id, ENDING).await {
        Err(StoreError::Conflict { .. }) => return Err(in_use()),
        other => other?,
    }
    end(&state, &caller, id).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Ends an account that nobody may use any more: gives its access back, then forgets it.
pub async fn end(state: &State, caller: &Caller, id: AccountId) -> Result<(), Problem> {
    revoke(state, caller, id).await;
    match caller.rows.account_delete(id).await {
        // Whoever authorised it again meanwhile, and connected it, goes on with it.
        Err(StoreError::Conflict { .. }) => return Err(in_use()),
        // Somebody else was faster.
        Err(StoreError::NotFound) => {}
        other => other?,
    }
    tracing::info!(tenant.id = %caller.tenant, account.id = %id, "an account was deleted");
    Ok(())
}

/// Gives an account's access back. The owner asked for its end: a provider that does not answer cannot keep the account
/// alive.
pub async fn revoke(state: &State, caller: &Caller, id: AccountId) {
    if let Err(error) = state.accounts.revoke(caller.tenant, id).await {
        tracing::warn!(tenant.id = %caller.tenant, account.id = %id, %error, "access could not be revoked at the provider");
    }
}

fn in_use() -> Problem {
    Problem::new(
        Code::AccountInUse,
        "A connection uses this account: delete the connection first.",
    )
}
