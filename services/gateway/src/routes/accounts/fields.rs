//! `GET /v1/accounts/{id}/fields`: the fields of an account's records, asked of the provider now.

use actix_web::web::{self, Json};
use syncline_model::{AccountId, FieldDescriptor};

use crate::auth::CanRead;
use crate::extract::{Id, Page};
use crate::live;
use crate::problem::Problem;
use crate::schema;
use crate::state::State;

/// List an account's fields
///
/// Standard and custom ones, asked of the provider at each call; always one page.
#[utoipa::path(get, path = "/v1/accounts/{id}/fields", operation_id = "list_account_fields", tag = "accounts",
    params(("id" = schema::AccountId, Path)),
    responses((status = 200, description = "All of them", body = Page<schema::FieldDescriptor>)))]
pub async fn handle(
    state: web::Data<State>,
    CanRead(caller): CanRead,
    Id(id): Id<AccountId>,
) -> Result<Json<Page<FieldDescriptor>>, Problem> {
    let account = caller.rows.account_get(id).await?;
    let (connector, session) = live::open(&state, &caller, &account).await?;
    let data = connector.fields(&session).await?;
    Ok(Json(Page { data, next: None }))
}
