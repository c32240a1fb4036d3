//! `GET /v1/connections/{id}/default-mapping`: what `"mapping": "default"` stands for in a connection.

use actix_web::web::{self, Json};
use syncline_model::{ConnectionId, MappingEntry};

use crate::auth::CanRead;
use crate::extract::{Id, Page};
use crate::live;
use crate::problem::Problem;
use crate::schema;
use crate::state::State;

/// Get a connection's default mapping
///
/// From the fields that the two accounts have now; always one page.
#[utoipa::path(get, path = "/v1/connections/{id}/default-mapping", operation_id = "get_connection_default_mapping", tag = "connections",
    params(("id" = schema::ConnectionId, Path)),
    responses((status = 200, description = "Its entries", body = Page<schema::MappingEntry>)))]
pub async fn handle(
    state: web::Data<State>,
    CanRead(caller): CanRead,
    Id(id): Id<ConnectionId>,
) -> Result<Json<Page<MappingEntry>>, Problem> {
    let connection = caller.rows.connection_get(id).await?;
    let live = live::look(&state, &caller, &connection.sides).await?;
    Ok(Json(Page {
        data: live.default_mapping(connection.direction).entries,
        next: None,
    }))
}
