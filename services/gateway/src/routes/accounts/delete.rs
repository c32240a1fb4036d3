//! `DELETE /v1/accounts/{id}`: gives an account's access back to its owner.

use actix_web::{HttpResponse, web};
use syncline_model::AccountId;
use syncline_store::StoreError;

use crate::auth::CanWrite;
use crate::extract::Id;
use crate::problem::{Code, Problem, ProblemBody};
use crate::schema;
use crate::state::State;

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
    caller.rows.account_get(id).await?;
    if super::super::connections::any(&caller, |c| {
        c.sides.a.account == id || c.sides.b.account == id
    })
    .await?
    .is_some()
    {
        return Err(in_use());
    }
    // The owner asked for the end of our access; a provider that does not answer cannot keep the account alive.
    if let Err(error) = state.accounts.revoke(caller.tenant, id).await {
        tracing::warn!(tenant.id = %caller.tenant, account.id = %id, %error, "access could not be revoked at the provider");
    }
    match caller.rows.account_delete(id).await {
        Err(StoreError::Conflict { .. }) => return Err(in_use()),
        other => other?,
    }
    tracing::info!(tenant.id = %caller.tenant, account.id = %id, "an account was deleted");
    Ok(HttpResponse::NoContent().finish())
}

fn in_use() -> Problem {
    Problem::new(
        Code::AccountInUse,
        "A connection uses this account: delete the connection first.",
    )
}
