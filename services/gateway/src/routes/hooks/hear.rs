//! `POST /v1/hooks/{provider}/{token}`: a provider says that something changed.

use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, web};
use chrono::TimeDelta;
use syncline_connector::watch::{Heard, Knock};

use super::watch_of;
use crate::problem::{Code, Problem, ProblemBody};
use crate::state::State;

/// How long a run waits for more of the same: changes come in swarms, and each is a call.
const GATHER: TimeDelta = TimeDelta::seconds(10);

/// Say that something changed
///
/// For providers. The connections that sync the collection run soon; what the call says of records is not believed, and
/// one that is missed is made up for by the schedule.
#[utoipa::path(post, path = "/v1/hooks/{provider}/{token}", operation_id = "hear_hook", tag = "hooks", security(()),
    params(("provider" = String, Path, description = "The provider's id"),
           ("token" = String, Path, description = "What only the provider and we know")),
    request_body(content = String, content_type = "*/*", description = "What the provider says, in its own words"),
    responses((status = 204, description = "Heard"),
              (status = 403, description = "`forbidden`: the call is not signed as the provider signs, or is an old one", body = ProblemBody, content_type = "application/problem+json"),
              (status = 410, description = "`gone`: nobody waits for calls here, or not any more", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn handle(
    state: web::Data<State>,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    body: Bytes,
) -> Result<HttpResponse, Problem> {
    let (provider, token) = path.into_inner();
    let watch = watch_of(&state, &request, &token).await?;
    let rows = state.store.scope(watch.tenant).await?;
    let account = rows.account_get(watch.account).await?;
    let connector = state.registry.get(&account.provider);
    let connector = connector.filter(|_| account.provider.as_str() == provider);
    let connector = connector.ok_or_else(Problem::not_found)?;
    let header = |name: &str| request.headers().get(name)?.to_str().ok();
    let now = state.clock.now();
    let heard = connector.hear(&Knock {
        header: &header,
        body: &body,
        secret: watch.secret.as_ref(),
        now,
    });
    let heard = heard.map_err(|forged| Problem::new(Code::Forbidden, forged.to_string()))?;
    if heard == Heard::Changed {
        let at = now + GATHER;
        let hastened = rows.connections_hasten(watch.account, &watch.collection, at);
        let connections = hastened.await?;
        metrics::counter!("syncline_hints_total", "provider" => provider).increment(1);
        tracing::debug!(account.id = %watch.account, connections, "something changed");
    }
    Ok(HttpResponse::NoContent().finish())
}
