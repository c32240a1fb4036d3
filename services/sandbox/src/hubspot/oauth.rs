//! HubSpot's OAuth endpoints and wording (providers/hubspot.md 1): consent page, tokens, who a token speaks for.

use actix_web::web::{self, Bytes, Data, Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, http::header};
use serde_json::json;

use crate::core::State;
use crate::core::oauth::consent::Desk;
use crate::core::oauth::params::Params;
use crate::core::oauth::{App, Exchange, OAuthError, Policy, REMEMBERED_ACCESS, Registration};
use crate::core::provider::{Call, Class};

const PROVIDER: &str = "hubspot";

const DESK: Desk = Desk {
    provider: PROVIDER,
    title: "HubSpot",
    separator: ' ',
    always_offline: true,
    extra: |_| Vec::new(),
};

/// Where it says whom an access token speaks for.
const TOKEN_INFO: &str = "/oauth/v1/access-tokens/";

/// The app that every sandbox knows, and HubSpot's numbers (providers/hubspot.md 1).
pub fn registration() -> Registration {
    Registration {
        app: App {
            client_id: "sandbox-hubspot".into(),
            client_secret: "sandbox-hubspot-secret".into(),
            redirect_uris: Vec::new(),
        },
        policy: Policy {
            code_secs: 60,
            access_secs: 1_800,
            live_access: REMEMBERED_ACCESS,
            refreshes_per_ten_minutes: None,
            live_refresh: 100,
            code_prefix: "na1-".into(),
            access_prefix: "C".into(),
            refresh_prefix: "na1-".into(),
        },
    }
}

/// Names an OAuth request; nothing for other paths.
pub fn classify(method: &str, path: &str) -> Option<Call> {
    let route = match path {
        "/oauth/authorize" | "/oauth/v1/token" => path.to_owned(),
        _ if path.starts_with(TOKEN_INFO) => format!("{TOKEN_INFO}{{token}}"),
        _ if path.starts_with("/oauth/v1/refresh-tokens/") => {
            "/oauth/v1/refresh-tokens/{token}".to_owned()
        }
        _ => return None,
    };
    Some(Call {
        route: format!("{method} {route}"),
        class: Class::Auth,
    })
}

/// Registers the endpoints.
pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(
        web::resource("/oauth/authorize")
            .route(web::get().to(page))
            .route(web::post().to(decide)),
    );
    cfg.service(web::resource("/oauth/v1/token").route(web::post().to(token)));
    cfg.service(web::resource("/oauth/v1/access-tokens/{token}").route(web::get().to(info)));
    cfg.service(web::resource("/oauth/v1/refresh-tokens/{token}").route(web::delete().to(revoke)));
}

/// HubSpot's consent page knows no `response_type`: a code is all that there is.
async fn page(state: Data<State>, req: HttpRequest) -> HttpResponse {
    let query = if req.query_string().contains("response_type=") {
        req.query_string().to_owned()
    } else {
        format!("{}&response_type=code", req.query_string())
    };
    DESK.page(&state, req.path(), &Params::read(&query, "", b""))
}

async fn decide(state: Data<State>, req: HttpRequest, body: Bytes) -> HttpResponse {
    DESK.decide(&state, &read(&req, &body))
}

async fn token(state: Data<State>, req: HttpRequest, body: Bytes) -> HttpResponse {
    let params = read(&req, &body);
    let oauth = &state.core.oauth;
    let (client_id, secret) = (params.get("client_id"), params.get("client_secret"));
    let refresh = params.get("refresh_token");
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
        "refresh_token" => oauth.refresh(PROVIDER, client_id, secret, refresh),
        _ => return refused("BAD_GRANT_TYPE", "missing or unknown grant_type"),
    };
    match issued {
        // The refresh token stays the same and is said again with every answer.
        Ok(issued) => HttpResponse::Ok().json(json!({
            "token_type": "bearer",
            "access_token": issued.access_token,
            "refresh_token": issued.refresh_token.as_deref().unwrap_or(refresh),
            "expires_in": issued.expires_in,
        })),
        Err(error) => trouble(error),
    }
}

async fn info(state: Data<State>, token: Path<String>) -> HttpResponse {
    let Ok(login) = state.core.oauth.authenticate(PROVIDER, &token) else {
        return HttpResponse::NotFound().json(
            json!({"status": "error", "message": "not found", "category": "OBJECT_NOT_FOUND"}),
        );
    };
    let accounts = state.provider(PROVIDER).map(|p| p.accounts());
    let account = accounts
        .unwrap_or_default()
        .into_iter()
        .find(|account| account.id == login.account);
    let left = login.expires_at - state.core.clock.now();
    HttpResponse::Ok().json(json!({
        "token": token.as_str(),
        "token_type": "access",
        "user": account.as_ref().map(|account| account.email.as_str()),
        "hub_domain": account.as_ref().map(|account| account.name.as_str()),
        "hub_id": login.account.parse::<u64>().unwrap_or_default(),
        "user_id": 1,
        "app_id": 1,
        "scopes": login.scopes,
        "expires_in": left.num_seconds(),
    }))
}

async fn revoke(state: Data<State>, token: Path<String>) -> HttpResponse {
    state.core.oauth.revoke(PROVIDER, &token);
    HttpResponse::NoContent().finish()
}

fn read(req: &HttpRequest, body: &[u8]) -> Params {
    let kind = req
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .unwrap_or("");
    Params::read(req.query_string(), kind, body)
}

fn trouble(error: OAuthError) -> HttpResponse {
    match error {
        OAuthError::UnknownClient | OAuthError::WrongSecret => {
            refused("BAD_CLIENT_ID", "missing or unknown client id")
        }
        OAuthError::RedirectMismatch => refused(
            "MISMATCH_REDIRECT_URI_AUTH_CODE",
            "redirect URI does not match the one of the authorization code",
        ),
        OAuthError::BadCode | OAuthError::BadVerifier => {
            refused("BAD_AUTH_CODE", "missing or unknown auth code")
        }
        OAuthError::BadRefresh | OAuthError::TooMany => {
            refused("BAD_REFRESH_TOKEN", "missing or unknown refresh token")
        }
    }
}

/// Both words for it: HubSpot's own and the standard's (RFC 6749 section 5.2).
fn refused(status: &str, message: &str) -> HttpResponse {
    let error = match status {
        "BAD_CLIENT_ID" => "invalid_client",
        "BAD_GRANT_TYPE" => "unsupported_grant_type",
        _ => "invalid_grant",
    };
    HttpResponse::BadRequest().json(json!({
        "status": status,
        "message": message,
        "error": error,
        "error_description": message,
    }))
}
