//! `POST /v1/oauth/callback`: a person agreed on the page that asked.

use actix_web::http::{StatusCode, header};
use actix_web::{FromRequest, HttpRequest, HttpResponse, dev, web};
use futures::future::LocalBoxFuture;
use syncline_accounts::{Browser, Callback};

use super::callback::{answer, read};
use super::page::page;
use crate::problem::Problem;
use crate::state::State;

/// What the page's form sends: the same as the browser brought.
pub struct Agreement(Callback);

impl FromRequest for Agreement {
    type Error = actix_web::Error;
    type Future = LocalBoxFuture<'static, Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, payload: &mut dev::Payload) -> Self::Future {
        let body = web::Bytes::from_request(request, payload);
        Box::pin(async move {
            let body = body.await?;
            Ok(Self(
                std::str::from_utf8(&body).map(read).unwrap_or_default(),
            ))
        })
    }
}

/// Agree to an authorisation
///
/// For the form on the page that `GET` shows to a browser that did not begin the authorisation, and for nothing else.
#[utoipa::path(post, path = "/v1/oauth/callback", operation_id = "agree_to_authorization", tag = "accounts", security(()),
    responses((status = 200, description = "A page that says that the account is connected", body = String, content_type = "text/html"),
              (status = 400, description = "A page that says why it is not", body = String, content_type = "text/html")))]
pub async fn handle(
    state: web::Data<State>,
    request: HttpRequest,
    Agreement(callback): Agreement,
) -> Result<HttpResponse, Problem> {
    // Another site's page could send a form of its own here: a browser says whose page sent it.
    let origin = request.headers().get(header::ORIGIN);
    if !origin.is_some_and(|origin| state.is_own_origin(origin.as_bytes())) {
        let words = "the button was not pressed on a page of ours: start again";
        return Ok(page(
            StatusCode::BAD_REQUEST,
            "Account not connected",
            words,
        ));
    }
    let done = state
        .accounts
        .complete_authorization(&callback, Browser::Agreed);
    answer(&state, &request, done.await).await
}
