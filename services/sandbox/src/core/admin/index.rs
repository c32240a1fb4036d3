//! The page at `/_sandbox` for a person who looks in.

use std::fmt::Write as _;

use actix_web::HttpResponse;
use actix_web::web::Data;

use crate::core::State;
use crate::core::oauth::consent::escape;

/// Accounts, apps and how to go on.
pub async fn page(state: Data<State>) -> HttpResponse {
    let base = escape(state.core.base_url());
    let mut body = String::new();
    for provider in state.providers() {
        let id = provider.id();
        let places: Vec<String> = provider
            .places()
            .iter()
            .map(|(what, path)| format!("{what} at <code>{base}{path}</code>"))
            .collect();
        let _ = write!(
            body,
            "<h2>{id}</h2>\n<p>{}.</p>\n<table><tr><th>account</th><th>name</th><th>e-mail</th><th>contacts</th><th></th></tr>\n",
            places.join(", ")
        );
        for account in provider.accounts() {
            let at = format!("/_sandbox/{id}/accounts/{}", escape(&account.id));
            let _ = writeln!(
                body,
                "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td><a href=\"{at}/contacts\">contacts</a> <a href=\"{at}/knobs\">knobs</a></td></tr>",
                escape(&account.id),
                escape(&account.name),
                escape(&account.email),
                account.contacts
            );
        }
        body.push_str("</table>\n");
        for app in state.core.oauth.apps(id) {
            let _ = writeln!(
                body,
                "<p>App <code>{}</code>, secret <code>{}</code>; any loopback redirect URI.</p>",
                escape(&app.client_id),
                escape(&app.client_secret)
            );
        }
    }
    let html = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Sandbox</title>\n\
         <style>body{{font-family:sans-serif;max-width:60rem;margin:2rem auto}}td,th{{padding:.2rem .8rem;text-align:left}}</style>\n\
         </head><body><h1>Provider sandbox</h1>\n{body}\
         <h2>Control</h2>\n<p><a href=\"/_sandbox/requests\">requests</a>, <a href=\"/_sandbox/faults\">faults</a>, \
         <a href=\"/_sandbox/clock\">clock</a></p>\n<pre>curl -X POST {base}/_sandbox/google/accounts \\\n  \
         -H 'content-type: application/json' -d '{{\"email\":\"ada@mail.example\",\"name\":\"Ada Example\",\"seed\":{{\"contacts\":100}}}}'</pre>\n\
         </body></html>\n"
    );
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .body(html)
}
