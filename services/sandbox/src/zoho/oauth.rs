//! Zoho's OAuth endpoints and wording (providers/zoho.md 1-2). One data centre only: the sandbox itself.

use actix_web::web::{self, Bytes, Data, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, http::header};
use serde_json::{Value, json};

use crate::core::State;
use crate::core::oauth::consent::Desk;
use crate::core::oauth::params::Params;
use crate::core::oauth::{App, Exchange, Issued, OAuthError, Policy, Registration};
use crate::core::provider::{Call, Class};

const PROVIDER: &str = "zoho";

const DESK: Desk = Desk {
    provider: PROVIDER,
    title: "Zoho Accounts",
    separator: ',',
    always_offline: false,
    extra: |state| {
        vec![
            ("location", "us".to_owned()),
            ("accounts-server", state.core.base_url().to_owned()),
        ]
    },
};

/// As a partner's portal has it ("Vertical CRM"): the redirect carries the code alone.
const PORTAL_DESK: Desk = Desk {
    title: "Acme CRM",
    extra: |_| Vec::new(),
    ..DESK
};

/// Where a portal says that its API is; calls to it are refused there all the same.
const PORTAL_DOMAIN: &str = "https://www.zohoapis.com";

/// Paths of this module, with the route names of the request log.
const PATHS: &[&str] = &[
    "/oauth/v2/auth",
    "/oauth/v2/token",
    "/oauth/v2/token/revoke",
    "/oauth/serverinfo",
];

/// The app that every sandbox knows, and Zoho's numbers (providers/zoho.md 2.2).
pub fn registration() -> Registration {
    Registration {
        app: App {
            client_id: "1000.SANDBOX".into(),
            client_secret: "sandbox-zoho-secret".into(),
            redirect_uris: Vec::new(),
        },
        policy: Policy {
            code_secs: 180,
            access_secs: 3_600,
            live_access: 15,
            refreshes_per_ten_minutes: Some(10),
            live_refresh: 20,
            code_prefix: "1000.".into(),
            access_prefix: "1000.".into(),
            refresh_prefix: "1000.".into(),
        },
    }
}

/// Names an OAuth request; nothing for other paths.
pub fn classify(method: &str, path: &str) -> Option<Call> {
    let known =
        PATHS.contains(&path) || path.starts_with("/portal/") && path.contains("/clientoauth/");
    known.then(|| Call {
        route: format!("{method} {path}"),
        class: Class::Auth,
    })
}

/// Registers the endpoints.
pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(
        web::resource("/oauth/v2/auth")
            .route(web::get().to(page))
            .route(web::post().to(decide)),
    );
    cfg.service(web::resource("/oauth/v2/token").route(web::post().to(token)));
    cfg.service(web::resource("/oauth/v2/token/revoke").route(web::post().to(revoke)));
    cfg.service(web::resource("/oauth/serverinfo").route(web::get().to(server_info)));
    cfg.service(
        web::resource("/portal/{portal}/clientoauth/v2/{id}/auth")
            .route(web::get().to(portal_page))
            .route(web::post().to(portal_decide)),
    );
    cfg.service(
        web::resource("/portal/{portal}/clientoauth/v2/{id}/token")
            .route(web::post().to(portal_token)),
    );
}

async fn page(state: Data<State>, req: HttpRequest) -> HttpResponse {
    DESK.page(
        &state,
        req.path(),
        &Params::read(req.query_string(), "", b""),
    )
}

async fn decide(state: Data<State>, req: HttpRequest, body: Bytes) -> HttpResponse {
    DESK.decide(&state, &read(&req, &body))
}

async fn portal_page(state: Data<State>, req: HttpRequest) -> HttpResponse {
    PORTAL_DESK.page(
        &state,
        req.path(),
        &Params::read(req.query_string(), "", b""),
    )
}

async fn portal_decide(state: Data<State>, req: HttpRequest, body: Bytes) -> HttpResponse {
    PORTAL_DESK.decide(&state, &read(&req, &body))
}

async fn server_info(state: Data<State>) -> HttpResponse {
    HttpResponse::Ok()
        .json(json!({"result": "success", "locations": {"us": state.core.base_url()}}))
}

async fn token(state: Data<State>, req: HttpRequest, body: Bytes) -> HttpResponse {
    let domain = state.core.base_url().to_owned();
    issue(&state, &read(&req, &body), &domain)
}

async fn portal_token(state: Data<State>, req: HttpRequest, body: Bytes) -> HttpResponse {
    issue(&state, &read(&req, &body), PORTAL_DOMAIN)
}

/// Errors are 200 with an `error` member, as Zoho has it.
fn issue(state: &State, params: &Params, domain: &str) -> HttpResponse {
    let oauth = &state.core.oauth;
    let (client_id, secret) = (params.get("client_id"), params.get("client_secret"));
    let issued = match params.get("grant_type") {
        "authorization_code" => oauth.exchange(
            PROVIDER,
            &Exchange {
                client_id: client_id.to_owned(),
                client_secret: secret.to_owned(),
                code: params.get("code").to_owned(),
                redirect_uri: params.get("redirect_uri").to_owned(),
                verifier: params.find("code_verifier").map(str::to_owned),
            },
        ),
        "refresh_token" => oauth.refresh(PROVIDER, client_id, secret, params.get("refresh_token")),
        _ => return json_answer(&json!({"error": "invalid_request"})),
    };
    json_answer(&match issued {
        Ok(issued) => answer(&issued, domain),
        Err(error) => trouble(error),
    })
}

async fn revoke(state: Data<State>, req: HttpRequest, body: Bytes) -> HttpResponse {
    if state
        .core
        .oauth
        .revoke(PROVIDER, read(&req, &body).get("token"))
    {
        json_answer(&json!({"status": "success"}))
    } else {
        HttpResponse::BadRequest().json(json!({"status": "failure", "error": "invalid_token"}))
    }
}

fn read(req: &HttpRequest, body: &[u8]) -> Params {
    let kind = req
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .unwrap_or("");
    Params::read(req.query_string(), kind, body)
}

fn json_answer(body: &Value) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/json;charset=UTF-8")
        .body(body.to_string())
}

fn answer(issued: &Issued, base_url: &str) -> Value {
    let mut body = json!({
        "access_token": issued.access_token,
        "scope": issued.scopes.join(" "),
        "api_domain": base_url,
        "token_type": "Bearer",
        "expires_in": issued.expires_in,
    });
    if let (Some(refresh), Some(body)) = (&issued.refresh_token, body.as_object_mut()) {
        body.insert("refresh_token".into(), refresh.as_str().into());
    }
    body
}

fn trouble(error: OAuthError) -> Value {
    let code = match error {
        OAuthError::UnknownClient => "invalid_client",
        OAuthError::WrongSecret => "invalid_client_secret",
        OAuthError::RedirectMismatch => "invalid_redirect_uri",
        OAuthError::BadCode | OAuthError::BadRefresh | OAuthError::BadVerifier => "invalid_code",
        OAuthError::TooMany => {
            return json!({
                "error_description": "You have made too many requests continuously. Please try again after some time.",
                "error": "Access Denied",
                "status": "failure",
            });
        }
    };
    json!({ "error": code })
}
