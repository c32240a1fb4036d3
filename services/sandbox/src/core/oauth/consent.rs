//! The consent page: a person picks an account and allows or denies; a test posts the same form. Nobody logs in here.

use std::fmt::Write as _;

use actix_web::{HttpResponse, http::header};

use super::params::Params;
use super::{Approval, OAuthError};
use crate::core::State;
use crate::core::provider::AccountInfo;

/// What differs between the consent pages of the providers.
pub struct Desk {
    /// Provider id.
    pub provider: &'static str,
    /// Name shown.
    pub title: &'static str,
    /// What stands between scopes.
    pub separator: char,
    /// Every consent gives a refresh token, asked for or not.
    pub always_offline: bool,
    /// More query parameters of the redirect back, when allowed.
    pub extra: fn(&State) -> Vec<(&'static str, String)>,
}

impl Desk {
    /// GET: the page, or why the request cannot be answered at its redirect URI.
    pub fn page(&self, state: &State, path: &str, params: &Params) -> HttpResponse {
        if let Err(error) = self.check(state, params) {
            return self.refusal(error);
        }
        if params.get("response_type") != "code" {
            return self.back(params, &[("error", "unsupported_response_type".to_owned())]);
        }
        if params.get("prompt") == "none" {
            return self.back(params, &[("error", "interaction_required".to_owned())]);
        }
        let accounts = state
            .provider(self.provider)
            .map(|p| p.accounts())
            .unwrap_or_default();
        let html = self.html(path, params, &accounts);
        HttpResponse::Ok()
            .content_type("text/html; charset=utf-8")
            .body(html)
    }

    /// POST: the decision. Fields: those of the page's query, `account` (id or address), `decision` (`allow` or `deny`),
    /// `granted` (repeated; all scopes when absent).
    pub fn decide(&self, state: &State, params: &Params) -> HttpResponse {
        if let Err(error) = self.check(state, params) {
            return self.refusal(error);
        }
        if params.get("decision") != "allow" {
            return self.back(params, &[("error", "access_denied".to_owned())]);
        }
        let wanted = params
            .find("account")
            .unwrap_or_else(|| params.get("login_hint"));
        let accounts = state
            .provider(self.provider)
            .map(|p| p.accounts())
            .unwrap_or_default();
        let Some(account) = accounts
            .iter()
            .find(|a| a.id == wanted || a.email.eq_ignore_ascii_case(wanted))
        else {
            return HttpResponse::BadRequest()
                .content_type("text/plain; charset=utf-8")
                .body("no such account");
        };
        let scopes = match params.all("granted") {
            [] => self.scopes(params),
            granted => granted.to_vec(),
        };
        let challenge = params.find("code_challenge").map(|c| {
            (
                c.to_owned(),
                params
                    .find("code_challenge_method")
                    .unwrap_or("plain")
                    .to_owned(),
            )
        });
        let code = state.core.oauth.approve(
            self.provider,
            Approval {
                client_id: params.get("client_id").to_owned(),
                redirect_uri: params.get("redirect_uri").to_owned(),
                account: account.id.clone(),
                scopes: scopes.clone(),
                offline: self.always_offline || params.get("access_type") == "offline",
                prompt_consent: self.always_offline
                    || params
                        .get("prompt")
                        .split_whitespace()
                        .any(|p| p == "consent"),
                by_hand: false,
                challenge,
            },
        );
        match code {
            Ok(code) => {
                let mut query = vec![("code", code)];
                if self.separator == ' ' {
                    query.push(("scope", scopes.join(" ")));
                }
                query.extend((self.extra)(state));
                self.back(params, &query)
            }
            Err(error) => self.refusal(error),
        }
    }

    fn scopes(&self, params: &Params) -> Vec<String> {
        let text = params.get("scope");
        text.split([' ', self.separator])
            .filter(|s| !s.is_empty())
            .map(str::to_owned)
            .collect()
    }

    fn check(&self, state: &State, params: &Params) -> Result<(), OAuthError> {
        state.core.oauth.check_redirect(
            self.provider,
            params.get("client_id"),
            params.get("redirect_uri"),
        )
    }

    /// Back to the app, with its state.
    fn back(&self, params: &Params, query: &[(&'static str, String)]) -> HttpResponse {
        let Ok(mut target) = url::Url::parse(params.get("redirect_uri")) else {
            return self.refusal(OAuthError::RedirectMismatch);
        };
        {
            let mut pairs = target.query_pairs_mut();
            if let Some(state) = params.find("state") {
                pairs.append_pair("state", state);
            }
            for (name, value) in query {
                pairs.append_pair(name, value);
            }
        }
        HttpResponse::Found()
            .insert_header((header::LOCATION, target.to_string()))
            .finish()
    }

    /// A page for the person: the app must not be told.
    fn refusal(&self, error: OAuthError) -> HttpResponse {
        let (status, code) = match error {
            OAuthError::UnknownClient => (401, "invalid_client"),
            _ => (400, "redirect_uri_mismatch"),
        };
        let status = actix_web::http::StatusCode::from_u16(status).unwrap_or_default();
        HttpResponse::build(status).content_type("text/html; charset=utf-8").body(format!(
            "<!DOCTYPE html><title>{title}</title><h1>Access blocked</h1><p>Error {status}: {code}</p>",
            title = self.title,
            status = status.as_u16(),
        ))
    }

    fn html(&self, path: &str, params: &Params, accounts: &[AccountInfo]) -> String {
        let mut hidden = String::new();
        for (name, value) in params.iter() {
            let (name, value) = (escape(name), escape(value));
            let _ = writeln!(
                hidden,
                "<input type=\"hidden\" name=\"{name}\" value=\"{value}\">"
            );
        }
        let hint = params.get("login_hint");
        let mut choices = String::new();
        for (n, account) in accounts.iter().enumerate() {
            let hinted = account.id == hint || account.email.eq_ignore_ascii_case(hint);
            let chosen = if hint.is_empty() { n == 0 } else { hinted };
            let _ = writeln!(
                choices,
                "<label><input type=\"radio\" name=\"account\" value=\"{}\"{}> {} &lt;{}&gt;, {} contacts</label><br>",
                escape(&account.id),
                if chosen { " checked" } else { "" },
                escape(&account.name),
                escape(&account.email),
                account.contacts
            );
        }
        let mut scopes = String::new();
        for scope in self.scopes(params) {
            let scope = escape(&scope);
            let _ = writeln!(
                scopes,
                "<label><input type=\"checkbox\" name=\"granted\" value=\"{scope}\" checked> {scope}</label><br>"
            );
        }
        let empty = if accounts.is_empty() {
            "<p>No account yet: create one at <a href=\"/_sandbox\">/_sandbox</a>.</p>"
        } else {
            ""
        };
        format!(
            "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title} (sandbox)</title>\n\
             <style>body{{font-family:sans-serif;max-width:40rem;margin:3rem auto}}fieldset{{margin:1rem 0}}</style></head>\n\
             <body><h1>{title} <small>(sandbox)</small></h1>\n<p><b>{client}</b> asks for access. Choose an account.</p>\n{empty}\
             <form method=\"post\" action=\"{path}\">\n{hidden}<fieldset><legend>Account</legend>\n{choices}</fieldset>\n\
             <fieldset><legend>Access</legend>\n{scopes}</fieldset>\n\
             <button name=\"decision\" value=\"allow\">Allow</button> <button name=\"decision\" value=\"deny\">Deny</button>\n\
             </form></body></html>\n",
            title = self.title,
            client = escape(params.get("client_id")),
            path = escape(path),
        )
    }
}

/// Text as HTML.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}
