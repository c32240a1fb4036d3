//! `DELETE /v1/connections/{id}`: ends a connection; nothing is deleted at the providers.

use actix_web::{HttpResponse, web};
use syncline_model::ConnectionId;

use crate::auth::CanWrite;
use crate::extract::Id;
use crate::problem::Problem;
use crate::schema;
use crate::state::State;

/// Delete a connection
///
/// Both sides keep their records. Which record is which stays known, so that making the connection again creates nothing
/// twice. A run that is going on is cancelled; whether its last writes were done is found out by the next run of any
/// connection of these two accounts.
#[utoipa::path(delete, path = "/v1/connections/{id}", operation_id = "delete_connection", tag = "connections",
    params(("id" = schema::ConnectionId, Path)), responses((status = 204, description = "Deleted")))]
pub async fn handle(
    state: web::Data<State>,
    CanWrite(caller): CanWrite,
    Id(id): Id<ConnectionId>,
) -> Result<HttpResponse, Problem> {
    caller.rows.connection_get(id).await?;
    super::pause::stop_run(&state, &caller, id).await?;
    caller.rows.connection_delete(id).await?;
    tracing::info!(tenant.id = %caller.tenant, connection.id = %id, "a connection was deleted");
    Ok(HttpResponse::NoContent().finish())
}
