//! `GET /v1/oauth/callback`: an account's owner comes back from the provider's consent page.
//!
//! Answers with a page for a person and never sends the browser anywhere: there is no `return_to` to abuse.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use syncline_accounts::Callback;

use crate::problem::Problem;
use crate::state::State;

/// Longest query looked at, in bytes.
const LONGEST: usize = 8192;

/// Come back from a provider
///
/// For browsers only; providers send account owners here.
#[utoipa::path(get, path = "/v1/oauth/callback", operation_id = "oauth_callback", tag = "accounts", security(()),
    params(("state" = Option<String>, Query, description = "Which authorisation it belongs to"),
           ("code" = Option<String>, Query, description = "What the provider gave"),
           ("error" = Option<String>, Query, description = "Why it gave nothing")),
    responses((status = 200, description = "A page that says that the account is connected", body = String, content_type = "text/html"),
              (status = 400, description = "A page that says why it is not", body = String, content_type = "text/html")))]
pub async fn handle(state: web::Data<State>, request: HttpRequest) -> HttpResponse {
    let query = request.query_string();
    let callback = if query.len() <= LONGEST {
        web::Query::<Callback>::from_query(query)
            .map_or_else(|_| Callback::default(), web::Query::into_inner)
    } else {
        Callback::default()
    };
    match state.accounts.complete_authorization(&callback).await {
        Ok((tenant, account)) => {
            tracing::info!(tenant.id = %tenant, account.id = %account, "an account was authorised");
            page(
                StatusCode::OK,
                "Account connected",
                "You can close this window and go back to Syncline.",
            )
        }
        Err(error) => {
            let mut words = error.to_string();
            let problem = Problem::from(error);
            if problem.code().status().is_server_error() {
                words = "something went wrong on our side or the provider's: try again".into();
            }
            page(StatusCode::BAD_REQUEST, "Account not connected", &words)
        }
    }
}

fn page(status: StatusCode, title: &str, words: &str) -> HttpResponse {
    let (title, words) = (escape(title), escape(&capitalised(words)));
    HttpResponse::build(status)
        .insert_header((header::CONTENT_TYPE, "text/html; charset=utf-8"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
        ))
        .body(format!(
            "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{title}</title>\
             <style>body{{font:16px/1.5 system-ui,sans-serif;max-width:32rem;margin:4rem auto;padding:0 1rem}}</style>\
             <h1>{title}</h1><p>{words}</p></html>"
        ))
}

fn capitalised(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| {
        format!("{}{}", first.to_uppercase(), letters.as_str())
    })
}

/// Text as HTML.
fn escape(text: &str) -> String {
    text.chars().fold(String::new(), |mut html, c| {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            c => html.push(c),
        }
        html
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_become_markup() {
        let check = |text: &str, want: &str| assert_eq!(escape(text), want);
        check("a & b", "a &amp; b");
        check(
            "<script>\"x\"'</script>",
            "&lt;script&gt;&quot;x&quot;&#39;&lt;/script&gt;",
        );
    }
}
