//! `DELETE /v1/reviews/{id}`.

use actix_web::web::{self, Json};
use syncline_model::ReviewId;

use crate::auth::CanWrite;
use crate::extract::Id;
use crate::problem::Problem;
use crate::schema;
use crate::state::State;
use crate::wire::ReviewJson;

/// Take an answer back
///
/// The record is asked about again. If the answer led to a link, the next run takes it apart: what was written stays, on
/// both sides, and is followed no more. Doing so again changes nothing.
#[utoipa::path(delete, path = "/v1/reviews/{id}", operation_id = "take_back_review", tag = "records",
    params(("id" = schema::ReviewId, Path)), responses((status = 200, description = "Taken back", body = ReviewJson)))]
pub async fn handle(
    state: web::Data<State>,
    CanWrite(caller): CanWrite,
    Id(id): Id<ReviewId>,
) -> Result<Json<ReviewJson>, Problem> {
    let partner = ReviewId::from_uuid(state.ids.next());
    let now = state.clock.now();
    let review = caller.rows.review_take_back(id, partner, now).await?;
    Ok(Json(review.into()))
}
