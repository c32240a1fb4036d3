//! What a person sees who comes back from a provider. Nothing that a browser brought becomes markup, and the browser is
//! never sent anywhere: there is no `return_to` to abuse.

use actix_web::HttpResponse;
use actix_web::http::{StatusCode, header};
use syncline_accounts::Callback;

/// A page with a title and a sentence.
pub fn page(status: StatusCode, title: &str, words: &str) -> HttpResponse {
    build(status, title, &paragraph(words))
}

/// A page that says who asks for what, with a button that sends the same once more, agreed to.
pub fn question(words: &str, callback: &Callback) -> HttpResponse {
    let code = callback
        .code
        .as_ref()
        .map(secrecy::ExposeSecret::expose_secret);
    let fields = [
        ("state", callback.state.as_deref()),
        ("code", code),
        ("accounts-server", callback.accounts_server.as_deref()),
    ];
    let fields = fields.into_iter().filter_map(|(name, value)| {
        let value = escape(value?);
        Some(format!(
            "<input type=\"hidden\" name=\"{name}\" value=\"{value}\">"
        ))
    });
    let form = format!(
        "<form method=\"post\" action=\"callback\">{}<button>Allow</button></form>",
        fields.collect::<String>()
    );
    let warning = "If you did not begin this yourself, and nobody you trust asked you to, close this window: whoever \
                   asks would read and change your contacts.";
    build(
        StatusCode::OK,
        "Is this what you want?",
        &format!("{}{}{form}", paragraph(words), paragraph(warning)),
    )
}

fn build(status: StatusCode, title: &str, body: &str) -> HttpResponse {
    let title = escape(title);
    HttpResponse::build(status)
        .insert_header((header::CONTENT_TYPE, "text/html; charset=utf-8"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
        ))
        .body(format!(
            "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{title}</title>\
             <style>body{{font:16px/1.5 system-ui,sans-serif;max-width:32rem;margin:4rem auto;padding:0 1rem}}</style>\
             <h1>{title}</h1>{body}</html>"
        ))
}

fn paragraph(words: &str) -> String {
    format!("<p>{}</p>", escape(&capitalised(words)))
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
