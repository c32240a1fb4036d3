//! `GET /v1/accounts/{id}`: one account.

use actix_web::web::Json;
use syncline_model::AccountId;

use crate::auth::CanRead;
use crate::extract::Id;
use crate::problem::Problem;
use crate::schema;
use crate::wire::AccountJson;

/// Get an account
#[utoipa::path(get, path = "/v1/accounts/{id}", operation_id = "get_account", tag = "accounts",
    params(("id" = schema::AccountId, Path)),
    responses((status = 200, description = "The account", body = AccountJson)))]
pub async fn handle(
    CanRead(caller): CanRead,
    Id(id): Id<AccountId>,
) -> Result<Json<AccountJson>, Problem> {
    Ok(Json(caller.rows.account_get(id).await?.into()))
}
