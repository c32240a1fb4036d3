//! `DELETE /v1/reviews/{id}`.

use actix_web::web::{self, Json};
use syncline_model::ReviewId;

use crate::auth::CanWrite;
use crate::extract::Id;
use crate::problem::Problem;
use crate::routes::connections::run_now;
use crate::schema;
use crate::state::State;
use crate::wire::SaidReview;

/// Take an answer back
///
/// The record is asked about again, by runs that begin at once of the connections of these two accounts; of a paused one, by
/// its next. If the answer led to a link, they take it apart: what was written stays, on both sides, and is followed no
/// more. Doing so again changes nothing.
#[utoipa::path(delete, path = "/v1/reviews/{id}", operation_id = "take_back_review", tag = "records",
    params(("id" = schema::ReviewId, Path)), responses((status = 200, description = "Taken back", body = SaidReview)))]
pub async fn handle(
    state: web::Data<State>,
    CanWrite(caller): CanWrite,
    Id(id): Id<ReviewId>,
) -> Result<Json<SaidReview>, Problem> {
    let partner = ReviewId::from_uuid(state.ids.next());
    let now = state.clock.now();
    let (review, due) = caller.rows.review_take_back(id, partner, now).await?;
    let runs = run_now::carry_out(&state, &caller, &due).await;
    let review = review.into();
    Ok(Json(SaidReview { review, runs }))
}
