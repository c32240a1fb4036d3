//! `GET /v1/hooks/{provider}/{token}`: a provider asks whether anybody is there.

use actix_web::{HttpRequest, HttpResponse, web};

use super::watch_of;
use crate::problem::{Problem, ProblemBody};
use crate::state::State;

/// See whether anybody listens
///
/// For providers, which ask before they call.
#[utoipa::path(get, path = "/v1/hooks/{provider}/{token}", operation_id = "probe_hook", tag = "hooks", security(()),
    params(("provider" = String, Path, description = "The provider's id"),
           ("token" = String, Path, description = "What only the provider and we know")),
    responses((status = 200, description = "Somebody does"),
              (status = 410, description = "`gone`: nobody does, or not any more", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn handle(
    state: web::Data<State>,
    request: HttpRequest,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let (_, token) = path.into_inner();
    watch_of(&state, &request, &token).await?;
    Ok(HttpResponse::Ok().finish())
}
