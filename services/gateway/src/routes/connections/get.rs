//! `GET /v1/connections/{id}`: one connection, with its version.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use syncline_model::ConnectionId;

use super::answer;
use crate::auth::CanRead;
use crate::extract::Id;
use crate::problem::Problem;
use crate::schema;
use crate::wire::ConnectionJson;

/// Get a connection
#[utoipa::path(get, path = "/v1/connections/{id}", operation_id = "get_connection", tag = "connections",
    params(("id" = schema::ConnectionId, Path)),
    responses((status = 200, description = "The connection", body = ConnectionJson, headers(("ETag" = String, description = "Its version")))))]
pub async fn handle(
    CanRead(caller): CanRead,
    Id(id): Id<ConnectionId>,
) -> Result<HttpResponse, Problem> {
    let connection = caller.rows.connection_get(id).await?;
    Ok(answer(StatusCode::OK, connection))
}
