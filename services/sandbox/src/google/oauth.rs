//! Google's OAuth endpoints and wording (providers/google.md 1). No id tokens, no discovery document, no device flow.

use actix_web::web::{self, Bytes, Data, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, http::StatusCode, http::header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::core::State;
use crate::core::oauth::consent::Desk;
use crate::core::oauth::params::Params;
use crate::core::oauth::{
    App, Exchange, Issued, OAuthError, Policy, REMEMBERED_ACCESS, Registration,
};
use crate::core::provider::{Call, Class};

const PROVIDER: &str = "google";

const DESK: Desk = Desk {
    provider: PROVIDER,
    title: "Sign in with Google",
    separator: ' ',
    always_offline: false,
    extra: |_| Vec::new(),
};

/// Paths of this module, with the route names of the request log.
const PATHS: &[&str] = &[
    "/o/oauth2/v2/auth",
    "/o/oauth2/auth",
    "/token",
    "/revoke",
    "/tokeninfo",
    "/oauth2/v2/userinfo",
    "/userinfo/v2/me",
    "/v1/userinfo",
];

/// The app that every sandbox knows, and Google's numbers (providers/google.md 1.2-1.3).
pub fn registration() -> Registration {
    Registration {
        app: App {
            client_id: "sandbox.apps.googleusercontent.com".into(),
            client_secret: "sandbox-google-secret".into(),
            redirect_uris: Vec::new(),
        },
        policy: Policy {
            code_secs: 600,
            access_secs: 3_600,
            live_access: REMEMBERED_ACCESS,
            refreshes_per_ten_minutes: None,
            live_refresh: 100,
            code_prefix: "4/0A".into(),
            access_prefix: "ya29.a0".into(),
            refresh_prefix: "1//0".into(),
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
    for path in ["/o/oauth2/v2/auth", "/o/oauth2/auth"] {
        cfg.service(
            web::resource(path)
                .route(web::get().to(page))
                .route(web::post().to(decide)),
        );
    }
    cfg.service(web::resource("/token").route(web::post().to(token)));
    cfg.service(
        web::resource("/revoke")
            .route(web::post().to(revoke))
            .route(web::get().to(revoke)),
    );
    cfg.service(
        web::resource("/tokeninfo")
            .route(web::get().to(token_info))
            .route(web::post().to(token_info)),
    );
    for path in ["/oauth2/v2/userinfo", "/userinfo/v2/me", "/v1/userinfo"] {
        cfg.service(web::resource(path).route(web::get().to(user_info)));
    }
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

async fn token(state: Data<State>, req: HttpRequest, body: Bytes) -> HttpResponse {
    let params = read(&req, &body);
    let (client_id, client_secret) = client(&req, &params);
    let oauth = &state.core.oauth;
    let issued = match params.get("grant_type") {
        "authorization_code" => oauth.exchange(
            PROVIDER,
            &Exchange {
                client_id,
                client_secret,
                code: params.get("code").to_owned(),
                redirect_uri: params.get("redirect_uri").to_owned(),
                verifier: params.find("code_verifier").map(str::to_owned),
            },
        ),
        "refresh_token" => oauth.refresh(
            PROVIDER,
            &client_id,
            &client_secret,
            params.get("refresh_token"),
        ),
        other => {
            return refuse(
                400,
                "unsupported_grant_type",
                &format!("Invalid grant_type: {other}"),
            );
        }
    };
    match issued {
        Ok(issued) => no_store(StatusCode::OK).json(answer(&issued)),
        Err(error) => trouble(error),
    }
}

async fn revoke(state: Data<State>, req: HttpRequest, body: Bytes) -> HttpResponse {
    if state
        .core
        .oauth
        .revoke(PROVIDER, read(&req, &body).get("token"))
    {
        HttpResponse::Ok().json(json!({}))
    } else {
        refuse(400, "invalid_token", "Token expired or revoked")
    }
}

async fn token_info(state: Data<State>, req: HttpRequest, body: Bytes) -> HttpResponse {
    let params = read(&req, &body);
    let token = params.get("access_token");
    match state.core.oauth.authenticate(PROVIDER, token) {
        Ok(login) => {
            let left = (login.expires_at - state.core.clock.now()).num_seconds();
            let mut info = json!({
                "azp": login.client_id, "aud": login.client_id, "sub": login.account, "scope": login.scopes.join(" "),
                "exp": login.expires_at.timestamp().to_string(), "expires_in": left.to_string(), "access_type": "offline",
            });
            if let (Some(account), Some(info)) =
                (account(&state, &login.account), info.as_object_mut())
            {
                info.insert("email".into(), account.email.into());
                info.insert("email_verified".into(), "true".into());
            }
            HttpResponse::Ok().json(info)
        }
        Err(_) => refuse(400, "invalid_token", "Invalid Value"),
    }
}

async fn user_info(state: Data<State>, req: HttpRequest) -> HttpResponse {
    let header = req
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|v| v.to_str().ok())
        .unwrap_or("");
    let query = Params::read(req.query_string(), "", b"");
    let token = header
        .split_once(' ')
        .map_or_else(|| query.get("access_token"), |(_, t)| t.trim());
    let login = state.core.oauth.authenticate(PROVIDER, token).ok();
    let Some(account) = login.and_then(|l| account(&state, &l.account)) else {
        return HttpResponse::Unauthorized().json(json!({"error": {
            "code": 401, "status": "UNAUTHENTICATED",
            "message": "Request is missing required authentication credential. Expected OAuth 2 access token, login cookie or other valid authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project.",
        }}));
    };
    let (given, family) = account
        .name
        .split_once(' ')
        .unwrap_or((account.name.as_str(), ""));
    let mut info = json!({"email": account.email, "name": account.name, "given_name": given, "family_name": family, "locale": "en"});
    let (id, verified) = if req.path() == "/v1/userinfo" {
        ("sub", "email_verified")
    } else {
        ("id", "verified_email")
    };
    if let Some(info) = info.as_object_mut() {
        info.insert(id.into(), account.id.into());
        info.insert(verified.into(), Value::Bool(true));
    }
    HttpResponse::Ok().json(info)
}

fn account(state: &State, id: &str) -> Option<crate::core::provider::AccountInfo> {
    state
        .provider(PROVIDER)?
        .accounts()
        .into_iter()
        .find(|a| a.id == id)
}

fn read(req: &HttpRequest, body: &[u8]) -> Params {
    let kind = req
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .unwrap_or("");
    Params::read(req.query_string(), kind, body)
}

/// Client id and secret from HTTP Basic or from the body.
fn client(req: &HttpRequest, params: &Params) -> (String, String) {
    let basic = req
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|v| v.to_str().ok())
        .and_then(|v| v.strip_prefix("Basic "))
        .and_then(|v| STANDARD.decode(v.trim()).ok())
        .and_then(|v| String::from_utf8(v).ok());
    let plain = |text: &str| {
        // RFC 6749 2.3.1: both halves are form-encoded before Basic.
        url::form_urlencoded::parse(text.as_bytes())
            .next()
            .map_or_else(String::new, |(k, _)| k.into_owned())
    };
    match basic.as_deref().and_then(|v| v.split_once(':')) {
        Some((id, secret)) => (plain(id), plain(secret)),
        None => (
            params.get("client_id").to_owned(),
            params.get("client_secret").to_owned(),
        ),
    }
}

fn answer(issued: &Issued) -> Value {
    let mut body = json!({
        "access_token": issued.access_token,
        // Google counts one second for the way.
        "expires_in": (issued.expires_in - 1).max(0),
        "scope": issued.scopes.join(" "),
        "token_type": "Bearer",
    });
    if let (Some(refresh), Some(body)) = (&issued.refresh_token, body.as_object_mut()) {
        body.insert("refresh_token".into(), refresh.as_str().into());
    }
    body
}

fn trouble(error: OAuthError) -> HttpResponse {
    match error {
        OAuthError::UnknownClient => {
            refuse(401, "invalid_client", "The OAuth client was not found.")
        }
        OAuthError::WrongSecret => refuse(401, "invalid_client", "Unauthorized"),
        OAuthError::BadRefresh => {
            refuse(400, "invalid_grant", "Token has been expired or revoked.")
        }
        OAuthError::BadCode => refuse(400, "invalid_grant", "Malformed auth code."),
        OAuthError::BadVerifier => refuse(400, "invalid_grant", "Invalid code verifier."),
        OAuthError::RedirectMismatch => refuse(400, "redirect_uri_mismatch", "Bad Request"),
        OAuthError::TooMany => refuse(429, "rate_limit_exceeded", "Rate Limit Exceeded"),
    }
}

fn refuse(status: u16, error: &str, description: &str) -> HttpResponse {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
    no_store(status).json(json!({"error": error, "error_description": description}))
}

fn no_store(status: StatusCode) -> actix_web::HttpResponseBuilder {
    let mut response = HttpResponse::build(status);
    response.insert_header((
        header::CACHE_CONTROL,
        "no-cache, no-store, max-age=0, must-revalidate",
    ));
    response
}
