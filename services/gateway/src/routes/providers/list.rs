//! `GET /v1/providers`: every provider, with what is real there.

use actix_web::web::{self, Json};

use crate::auth::CanRead;
use crate::extract::Page;
use crate::problem::Problem;
use crate::state::State;
use crate::wire::ProviderJson;

/// List providers
///
/// There are few: the list is always one page.
#[utoipa::path(get, path = "/v1/providers", operation_id = "list_providers", tag = "providers",
    responses((status = 200, description = "All of them", body = Page<ProviderJson>)))]
pub async fn handle(
    state: web::Data<State>,
    _caller: CanRead,
) -> Result<Json<Page<ProviderJson>>, Problem> {
    let all = state.registry.iter();
    Ok(Json(Page {
        data: all.map(|c| ProviderJson::from(c.definition())).collect(),
        next: None,
    }))
}
