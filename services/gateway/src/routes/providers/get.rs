//! `GET /v1/providers/{id}`: one provider, with what is real there.

use actix_web::web::{self, Json};

use crate::auth::CanRead;
use crate::problem::Problem;
use crate::schema;
use crate::state::State;
use crate::wire::ProviderJson;

/// Get a provider
#[utoipa::path(get, path = "/v1/providers/{id}", operation_id = "get_provider", tag = "providers",
    params(("id" = schema::ProviderId, Path)),
    responses((status = 200, description = "The provider", body = ProviderJson)))]
pub async fn handle(
    state: web::Data<State>,
    _caller: CanRead,
    id: web::Path<String>,
) -> Result<Json<ProviderJson>, Problem> {
    let id = syncline_model::ProviderId::parse(&id).ok_or_else(Problem::not_found)?;
    let connector = state.registry.get(&id).ok_or_else(Problem::not_found)?;
    Ok(Json(ProviderJson::from(connector.definition())))
}
