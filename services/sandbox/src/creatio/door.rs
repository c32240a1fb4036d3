//! A site's doors: tokens by client credentials, login by cookie, and the OData service behind either
//! (providers/creatio.md 2). Every site has its identity service below its own address.

use std::sync::Arc;

use actix_web::http::{StatusCode, header};
use actix_web::web::{self, Bytes, Data, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Value, json};

use super::refusal::Refusal;
use super::site::Site;
use super::wire::{self, Ask, Reply};
use super::{Creatio, ROOT, batch, metadata};
use crate::core::lock;
use crate::core::oauth::params::Params;
use crate::core::oauth::{App, Policy, REMEMBERED_ACCESS, Registration};

const PROVIDER: &str = "creatio";
/// Every user's password.
pub const PASSWORD: &str = "sandbox-creatio-password";
/// The cookie of a session.
const SESSION: &str = ".ASPXAUTH";

/// The client that every site knows.
pub fn registration() -> Registration {
    Registration {
        app: App {
            client_id: "sandbox-creatio".into(),
            client_secret: "sandbox-creatio-secret".into(),
            redirect_uris: Vec::new(),
        },
        policy: Policy {
            code_secs: 60,
            access_secs: 3_600,
            live_access: REMEMBERED_ACCESS,
            refreshes_per_ten_minutes: None,
            live_refresh: 100,
            code_prefix: String::new(),
            access_prefix: "eyJ".into(),
            refresh_prefix: String::new(),
        },
    }
}

/// Registers the one route that all of it is behind.
pub fn routes(creatio: Arc<Creatio>, cfg: &mut ServiceConfig) {
    cfg.app_data(Data::from(creatio))
        .service(web::resource("/creatio/{rest:.*}").to(handle));
}

async fn handle(creatio: Data<Creatio>, req: HttpRequest, body: Bytes) -> HttpResponse {
    let path = req.path().strip_prefix(ROOT).unwrap_or_default();
    let (name, rest) = path.split_once('/').unwrap_or((path, ""));
    let Some(site) = creatio.site(name) else {
        return HttpResponse::NotFound().body("There is no such site.");
    };
    let mut site = lock(&site);
    let base = format!("{}{ROOT}{name}", creatio.core.base_url());
    // Builds on .NET have no `/0`.
    let service = if site.is_core { "odata/" } else { "0/odata/" };
    match rest {
        ".well-known/openid-configuration" => HttpResponse::Ok().json(json!({
            "issuer": base, "token_endpoint": format!("{base}/connect/token"),
            "grant_types_supported": ["client_credentials"],
        })),
        "connect/token" if req.method() == "POST" => token(&creatio, &site, &req, &body),
        "ServiceModel/AuthService.svc/Login" if req.method() == "POST" => {
            log_in(&creatio, &mut site, &body)
        }
        "0/ping" => HttpResponse::Ok().finish(),
        _ => match rest.strip_prefix(service) {
            Some(target) => odata(
                &creatio,
                &mut site,
                &req,
                &body,
                (target, format!("{base}/{service}")),
            ),
            None => HttpResponse::NotFound().finish(),
        },
    }
}

fn token(creatio: &Creatio, site: &Site, req: &HttpRequest, body: &[u8]) -> HttpResponse {
    let kind = req
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|v| v.to_str().ok());
    let params = Params::read("", kind.unwrap_or_default(), body);
    let oauth = &creatio.core.oauth;
    let (id, secret) = (params.get("client_id"), params.get("client_secret"));
    let refused = |word: &str| HttpResponse::BadRequest().json(json!({ "error": word }));
    if params.get("grant_type") != "client_credentials" {
        return refused("unsupported_grant_type");
    }
    let apps = oauth.apps(PROVIDER);
    if !apps
        .iter()
        .any(|app| app.client_id == id && app.client_secret == secret)
    {
        return refused("invalid_client");
    }
    let scope = format!("ApplicationAccess_{id}");
    match oauth.issue(PROVIDER, &site.id, std::slice::from_ref(&scope)) {
        Some(issued) => HttpResponse::Ok().json(json!({
            "access_token": issued.access_token, "expires_in": issued.expires_in,
            "token_type": "Bearer", "scope": scope,
        })),
        None => refused("invalid_client"),
    }
}

/// Compact JSON: a client looks for `"Code":1` in it.
fn log_in(creatio: &Creatio, site: &mut Site, body: &[u8]) -> HttpResponse {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    let known = text("UserName").eq_ignore_ascii_case(&site.email);
    if !known || text("UserPassword") != PASSWORD {
        let message =
            "The username or password you specified is incorrect, or your account is blocked.";
        return HttpResponse::Ok().json(json!({
            "Code": 1, "Message": message, "PasswordChangeUrl": null, "RedirectUrl": null,
            "Exception": {"HelpLink": null, "InnerException": null, "Message": message, "StackTrace": null,
                "Type": "System.Security.SecurityException"},
        }));
    }
    let ids = &creatio.core.ids;
    let (session, csrf) = (ids.hex(64), ids.token(22));
    site.sessions.insert(session.clone(), csrf.clone());
    let mut answer = HttpResponse::Ok();
    for cookie in [
        format!("BPMLOADER={}; path=/; HttpOnly", ids.token(24)),
        format!("{SESSION}={session}; path=/; HttpOnly"),
        format!("BPMCSRF={csrf}; path=/"),
        "UserType=General; path=/".to_owned(),
    ] {
        answer.append_header((header::SET_COOKIE, cookie));
    }
    answer.json(json!({
        "Code": 0, "Message": "", "Exception": null, "PasswordChangeUrl": null,
        "RedirectUrl": "/0/Shell", "UserType": "General",
    }))
}

/// Whether a call may pass: by its token, or by the cookie of a session with its CSRF token.
fn admit(creatio: &Creatio, site: &Site, req: &HttpRequest) -> Result<(), Refusal> {
    let text = |name: &str| req.headers().get(name).and_then(|v| v.to_str().ok());
    if let Some(token) = text("authorization").and_then(|h| h.strip_prefix("Bearer ")) {
        let login = creatio.core.oauth.authenticate(PROVIDER, token.trim());
        let mine = login.is_ok_and(|login| login.account == site.id);
        return if mine { Ok(()) } else { Err(Refusal::denied()) };
    }
    let cookies = text("cookie").unwrap_or_default().split(';').map(str::trim);
    let session = cookies
        .filter_map(|one| one.split_once('='))
        .find(|(name, _)| *name == SESSION);
    let csrf = session.and_then(|(_, value)| site.sessions.get(value));
    let csrf = csrf.ok_or_else(Refusal::denied)?;
    if site.knobs.csrf && text("bpmcsrf") != Some(csrf) {
        return Err(Refusal::of_status(403));
    }
    Ok(())
}

fn odata(
    creatio: &Creatio,
    site: &mut Site,
    req: &HttpRequest,
    body: &[u8],
    (target, base): (&str, String),
) -> HttpResponse {
    if let Err(refusal) = admit(creatio, site, req) {
        return respond(refusal.into());
    }
    site.at(creatio.now());
    if target == "$metadata" && !site.knobs.rebuilding {
        return HttpResponse::Ok()
            .insert_header(("odata-version", "4.0"))
            .content_type("application/xml")
            .body(metadata::document(site));
    }
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    if target == "$batch" {
        let prefer = req.headers().get("prefer").and_then(|v| v.to_str().ok());
        let go_on = prefer.is_some_and(|prefer| prefer.contains("continue-on-error"));
        return respond(batch::answer(site, &body, &base, go_on));
    }
    let ask = Ask {
        method: req.method().as_str().to_owned(),
        path: target.to_owned(),
        query: Params::read(req.query_string(), "", b""),
        body,
        base,
    };
    respond(wire::answer(site, &ask))
}

fn respond(reply: Reply) -> HttpResponse {
    let mut response = HttpResponse::build(StatusCode::from_u16(reply.status).unwrap_or_default());
    response.insert_header(("odata-version", "4.0"));
    if let Some(location) = reply.location {
        response.insert_header((header::LOCATION, location));
    }
    if reply.body.is_null() {
        return response.finish();
    }
    response
        .content_type("application/json; odata.metadata=minimal")
        .body(reply.body.to_string())
}
