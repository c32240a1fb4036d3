//! Mailchimp's OAuth endpoints: no scopes, no refresh tokens, tokens that never expire, and the metadata call that
//! says in which data centre an account is. One data centre only: the sandbox itself.

use actix_web::web::{self, Bytes, Data, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, http::header};
use serde_json::json;

use crate::core::State;
use crate::core::oauth::consent::Desk;
use crate::core::oauth::params::Params;
use crate::core::oauth::{App, Exchange, OAuthError, Policy, REMEMBERED_ACCESS, Registration};
use crate::core::provider::{Call, Class};

const PROVIDER: &str = "mailchimp";

/// The name of the data centre.
const DATA_CENTRE: &str = "us1";

const DESK: Desk = Desk {
    provider: PROVIDER,
    title: "Mailchimp",
    separator: ',',
    always_offline: false,
    extra: |_| Vec::new(),
};

const PATHS: &[&str] = &["/oauth2/authorize", "/oauth2/token", "/oauth2/metadata"];

/// The app that every sandbox knows, and Mailchimp's numbers: tokens that never expire, and none to renew them with.
pub fn registration() -> Registration {
    Registration {
        app: App {
            client_id: "100000000001".into(),
            client_secret: "sandbox-mailchimp-secret".into(),
            redirect_uris: Vec::new(),
        },
        policy: Policy {
            code_secs: 600,
            access_secs: 100 * 365 * 86_400,
            live_access: REMEMBERED_ACCESS,
            refreshes_per_ten_minutes: None,
            live_refresh: REMEMBERED_ACCESS,
            code_prefix: String::new(),
            access_prefix: String::new(),
            refresh_prefix: String::new(),
        },
    }
}

/// Names an OAuth request; nothing for other paths.
pub fn classify(method: &str, path: &str) -> Option<Call> {
    PATHS.contains(&path).then(|| Call {
        route: format!("{method} {path}"),
        class: Class::Auth,
    })
}

/// Registers the endpoints.
pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(
        web::resource("/oauth2/authorize")
            .route(web::get().to(page))
            .route(web::post().to(decide)),
    );
    cfg.service(web::resource("/oauth2/token").route(web::post().to(token)));
    cfg.service(web::resource("/oauth2/metadata").route(web::get().to(metadata)));
}

async fn page(state: Data<State>, req: HttpRequest) -> HttpResponse {
    let params = Params::read(req.query_string(), "", b"");
    DESK.page(&state, req.path(), &params)
}

async fn decide(state: Data<State>, req: HttpRequest, body: Bytes) -> HttpResponse {
    DESK.decide(&state, &read(&req, &body))
}

async fn token(state: Data<State>, req: HttpRequest, body: Bytes) -> HttpResponse {
    let params = read(&req, &body);
    if params.get("grant_type") != "authorization_code" {
        return trouble("unsupported_grant_type");
    }
    let exchange = Exchange {
        client_id: params.get("client_id").to_owned(),
        client_secret: params.get("client_secret").to_owned(),
        code: params.get("code").to_owned(),
        redirect_uri: params.get("redirect_uri").to_owned(),
        verifier: params.find("code_verifier").map(str::to_owned),
    };
    match state.core.oauth.exchange(PROVIDER, &exchange) {
        Ok(issued) => HttpResponse::Ok()
            .json(json!({"access_token": issued.access_token, "expires_in": 0, "scope": null})),
        Err(OAuthError::UnknownClient | OAuthError::WrongSecret) => trouble("invalid_client"),
        Err(_) => trouble("invalid_grant"),
    }
}

fn trouble(word: &str) -> HttpResponse {
    HttpResponse::BadRequest().json(json!({ "error": word }))
}

/// Where the account of a token is.
async fn metadata(state: Data<State>, req: HttpRequest) -> HttpResponse {
    let sent = req.headers().get(header::AUTHORIZATION);
    let token = sent
        .and_then(|text| text.to_str().ok())
        .and_then(|text| text.strip_prefix("OAuth "));
    let login = token.and_then(|token| state.core.oauth.authenticate(PROVIDER, token).ok());
    let accounts = state.provider(PROVIDER).map(|one| one.accounts());
    let account = login.and_then(|login| {
        accounts?
            .into_iter()
            .find(|account| account.id == login.account)
    });
    let Some(account) = account else {
        return HttpResponse::Ok().json(json!({"error": "invalid_token"}));
    };
    let base = state.core.base_url();
    HttpResponse::Ok().json(json!({
        "dc": DATA_CENTRE,
        "role": "owner",
        "accountname": account.name,
        "user_id": account.id,
        "login": {"email": account.email, "login_email": account.email, "login_name": account.email},
        "login_url": "https://login.mailchimp.com",
        "api_endpoint": base,
    }))
}

fn read(req: &HttpRequest, body: &[u8]) -> Params {
    let kind = req.headers().get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or("");
    Params::read(req.query_string(), kind, body)
}
