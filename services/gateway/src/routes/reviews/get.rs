//! `GET /v1/reviews/{id}`.

use actix_web::web::Json;
use syncline_model::ReviewId;

use crate::auth::CanRead;
use crate::extract::Id;
use crate::problem::Problem;
use crate::schema;
use crate::wire::ReviewJson;

/// Get what was said about a record
#[utoipa::path(get, path = "/v1/reviews/{id}", operation_id = "get_review", tag = "records",
    params(("id" = schema::ReviewId, Path)), responses((status = 200, description = "The review", body = ReviewJson)))]
pub async fn handle(
    CanRead(caller): CanRead,
    Id(id): Id<ReviewId>,
) -> Result<Json<ReviewJson>, Problem> {
    Ok(Json(caller.rows.review_get(id).await?.into()))
}
