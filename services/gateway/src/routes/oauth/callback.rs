//! `GET /v1/oauth/callback`: an account's owner comes back from the provider's consent page.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use syncline_accounts::{Browser, BrowserMark, Callback, Completed, Error};

use super::page::{page, question};
use super::{LONGEST, cookie};
use crate::audit::{self, Note};
use crate::problem::Problem;
use crate::state::State;

/// Come back from a provider
///
/// For browsers only; providers send account owners here. A browser that is not the one that began (it lacks the cookie
/// that the beginning gave it) is shown who asks for what, and its owner must agree.
#[utoipa::path(get, path = "/v1/oauth/callback", operation_id = "oauth_callback", tag = "accounts", security(()),
    params(("state" = Option<String>, Query, description = "Which authorisation it belongs to"),
           ("code" = Option<String>, Query, description = "What the provider gave"),
           ("error" = Option<String>, Query, description = "Why it gave nothing")),
    responses((status = 200, description = "A page that says that the account is connected, or asks", body = String, content_type = "text/html"),
              (status = 400, description = "A page that says why it is not", body = String, content_type = "text/html")))]
pub async fn handle(
    state: web::Data<State>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let callback = read(request.query_string());
    let name = callback.state.as_deref().map(BrowserMark::name);
    let sent = name
        .as_deref()
        .and_then(|name| cookie::read(&request, name));
    let done = state
        .accounts
        .complete_authorization(&callback, Browser::Sent(sent));
    let mut answer = match done.await {
        Err(error @ Error::OtherBrowser { .. }) => {
            return Ok(question(&format!("{error}."), &callback));
        }
        done => answer(&state, &request, done).await?,
    };
    if let Some(name) = name.filter(|_| sent.is_some()) {
        let gone = cookie::forget(&state, &name)?;
        answer.headers_mut().insert(header::SET_COOKIE, gone);
    }
    Ok(answer)
}

/// What a browser brought.
pub fn read(query: &str) -> Callback {
    if query.len() > LONGEST {
        return Callback::default();
    }
    web::Query::<Callback>::from_query(query)
        .map_or_else(|_| Callback::default(), web::Query::into_inner)
}

/// How it ended, for the person.
pub async fn answer(
    state: &State,
    request: &HttpRequest,
    done: Result<Completed, Error>,
) -> Result<HttpResponse, Problem> {
    match done {
        Ok(Completed {
            tenant,
            account,
            begun_by,
        }) => {
            tracing::info!(tenant.id = %tenant, account.id = %account, "an account was authorised");
            let note = Note {
                rows: Some(state.store.scope(tenant).await?),
                actor: begun_by,
                subject: Some(account.to_string()),
                ..Note::default()
            };
            audit::note(request, note);
            Ok(page(
                StatusCode::OK,
                "Account connected",
                "You can close this window and go back to Syncline.",
            ))
        }
        Err(error) => {
            let mut words = error.to_string();
            let problem = Problem::from(error);
            if problem.code().status().is_server_error() {
                words = "something went wrong on our side or the provider's: try again".into();
            }
            Ok(page(
                StatusCode::BAD_REQUEST,
                "Account not connected",
                &words,
            ))
        }
    }
}
