//! `GET /v1/accounts/{id}/collections`: what in an account can be synced, asked of the provider now.

use actix_web::web::{self, Json};
use syncline_model::{AccountId, Collection};

use crate::auth::CanRead;
use crate::extract::{Id, Page};
use crate::live;
use crate::problem::Problem;
use crate::schema;
use crate::state::State;

/// List an account's collections
///
/// Asked of the provider at each call; always one page.
#[utoipa::path(get, path = "/v1/accounts/{id}/collections", operation_id = "list_account_collections", tag = "accounts",
    params(("id" = schema::AccountId, Path)),
    responses((status = 200, description = "All of them", body = Page<schema::Collection>)))]
pub async fn handle(
    state: web::Data<State>,
    CanRead(caller): CanRead,
    Id(id): Id<AccountId>,
) -> Result<Json<Page<Collection>>, Problem> {
    let account = caller.rows.account_get(id).await?;
    let (connector, session) = live::open(&state, &caller, &account).await?;
    let data = connector.collections(&session).await?;
    Ok(Json(Page { data, next: None }))
}
