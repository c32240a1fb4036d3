//! `GET /v1/accounts/{id}/permissions`: what the user who authorised an account may do there, asked of the provider now.

use actix_web::web::{self, Json};
use serde::Serialize;
use syncline_model::{AccountId, Permission, Permissions};
use utoipa::ToSchema;

use crate::auth::CanRead;
use crate::extract::Id;
use crate::live;
use crate::problem::Problem;
use crate::schema;
use crate::state::State;

/// What the user may do with records. Where the provider does not tell, everything is true.
#[derive(Serialize, ToSchema)]
#[schema(as = AccountPermissions)]
pub struct AccountPermissionsJson {
    /// See them: needed whatever the connection does.
    view: bool,
    /// Make new ones: needed on a side that receives.
    create: bool,
    /// Change them: needed on a side that receives.
    edit: bool,
    /// Delete them: needed where deletions are carried over as such.
    delete: bool,
    /// What is missing, by the provider's names.
    missing: Vec<String>,
}

impl From<Permissions> for AccountPermissionsJson {
    fn from(permissions: Permissions) -> Self {
        let has = |permission| !permissions.missing.contains_key(&permission);
        Self {
            view: has(Permission::View),
            create: has(Permission::Create),
            edit: has(Permission::Edit),
            delete: has(Permission::Delete),
            missing: permissions.missing.values().cloned().collect(),
        }
    }
}

/// Get what may be done with an account's records
///
/// Asked of the provider at each call.
#[utoipa::path(get, path = "/v1/accounts/{id}/permissions", operation_id = "get_account_permissions", tag = "accounts",
    params(("id" = schema::AccountId, Path)),
    responses((status = 200, description = "What the user may do", body = AccountPermissionsJson)))]
pub async fn handle(
    state: web::Data<State>,
    CanRead(caller): CanRead,
    Id(id): Id<AccountId>,
) -> Result<Json<AccountPermissionsJson>, Problem> {
    let account = caller.rows.account_get(id).await?;
    let (connector, session) = live::open(&state, &caller, &account).await?;
    Ok(Json(connector.permissions(&session).await?.into()))
}
