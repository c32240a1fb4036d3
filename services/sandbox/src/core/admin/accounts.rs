//! Accounts and their contacts: everything here acts as the account's owner would in the provider's own pages.

use actix_web::HttpResponse;
use actix_web::web::{self, Data, Json, Path, Query, ServiceConfig};
use serde::Deserialize;
use serde_json::{Value, json};

use super::provider;
use crate::core::State;
use crate::core::people::Seed;
use crate::core::provider::{AdminError, NewAccount};

/// Contacts of one dump page, when not said.
const PAGE: usize = 100;
/// Most contacts of one dump page.
const PAGE_LIMIT: usize = 5_000;

type Answer = Result<HttpResponse, AdminError>;
type At = Path<(String, String)>;
type AtContact = Path<(String, String, String)>;

/// Registers the routes.
pub fn routes(cfg: &mut ServiceConfig) {
    let at = "/_sandbox/{provider}/accounts/{account}";
    cfg.service(
        web::resource("/_sandbox/{provider}/accounts")
            .route(web::get().to(list))
            .route(web::post().to(create)),
    )
    .service(web::resource(format!("{at}/seed")).route(web::post().to(seed)))
    .service(
        web::resource(format!("{at}/tokens"))
            .route(web::post().to(issue))
            .route(web::delete().to(revoke)),
    )
    .service(
        web::resource(format!("{at}/expire-sync-tokens")).route(web::post().to(expire_sync_tokens)),
    )
    .service(
        web::resource(format!("{at}/expire-access-tokens"))
            .route(web::post().to(expire_access_tokens)),
    )
    .service(web::resource(format!("{at}/reformat-phones")).route(web::post().to(reformat_phones)))
    .service(
        web::resource([format!("{at}/knobs"), format!("{at}/quota")])
            .route(web::get().to(knobs))
            .route(web::post().to(set_knobs)),
    )
    .service(web::resource(format!("{at}/actions/{{name}}")).route(web::post().to(action)))
    .service(
        web::resource(format!("{at}/contacts"))
            .route(web::get().to(contacts))
            .route(web::post().to(add_contact)),
    )
    .service(
        web::resource(format!("{at}/contacts/{{id}}/restore"))
            .route(web::post().to(restore_contact)),
    )
    .service(
        web::resource(format!("{at}/contacts/{{id}}"))
            .route(web::get().to(contact))
            .route(web::patch().to(patch_contact))
            .route(web::delete().to(delete_contact)),
    );
}

async fn list(state: Data<State>, id: Path<String>) -> Answer {
    Ok(HttpResponse::Ok().json(json!({ "accounts": provider(&state, &id)?.accounts() })))
}

async fn create(state: Data<State>, id: Path<String>, account: Json<NewAccount>) -> Answer {
    Ok(HttpResponse::Created().json(provider(&state, &id)?.create_account(&account)?))
}

async fn seed(state: Data<State>, at: At, seed: Json<Seed>) -> Answer {
    let added = provider(&state, &at.0)?.seed(&at.1, &seed)?;
    Ok(HttpResponse::Ok().json(json!({ "added": added })))
}

#[derive(Deserialize)]
struct Scopes {
    #[serde(default)]
    scopes: Vec<String>,
}

/// Tokens for the default app, as if the owner had just consented.
async fn issue(state: Data<State>, at: At, scopes: Json<Scopes>) -> Answer {
    let known = provider(&state, &at.0)?
        .accounts()
        .iter()
        .any(|a| a.id == at.1);
    let issued = state
        .core
        .oauth
        .issue(&at.0, &at.1, &scopes.scopes)
        .filter(|_| known);
    let issued = issued.ok_or_else(|| AdminError::not_found(format!("no account {}", at.1)))?;
    Ok(HttpResponse::Created().json(issued))
}

/// The owner withdraws consent.
async fn revoke(state: Data<State>, at: At) -> Answer {
    provider(&state, &at.0)?;
    Ok(
        HttpResponse::Ok()
            .json(json!({ "revoked": state.core.oauth.revoke_account(&at.0, &at.1) })),
    )
}

async fn expire_sync_tokens(state: Data<State>, at: At) -> Answer {
    let generation = provider(&state, &at.0)?.expire_sync_tokens(&at.1)?;
    Ok(HttpResponse::Ok().json(json!({ "generation": generation })))
}

async fn expire_access_tokens(state: Data<State>, at: At) -> Answer {
    provider(&state, &at.0)?;
    Ok(HttpResponse::Ok()
        .json(json!({ "expired": state.core.oauth.expire_access_tokens(&at.0, &at.1) })))
}

#[derive(Deserialize)]
struct Reformat {
    #[serde(default)]
    bump_modified: bool,
}

async fn reformat_phones(state: Data<State>, at: At, how: Json<Reformat>) -> Answer {
    let changed = provider(&state, &at.0)?.reformat_phones(&at.1, how.bump_modified)?;
    Ok(HttpResponse::Ok().json(json!({ "changed": changed })))
}

async fn knobs(state: Data<State>, at: At) -> Answer {
    Ok(HttpResponse::Ok().json(provider(&state, &at.0)?.knobs(&at.1)?))
}

async fn set_knobs(state: Data<State>, at: At, knobs: Json<Value>) -> Answer {
    Ok(HttpResponse::Ok().json(provider(&state, &at.0)?.set_knobs(&at.1, &knobs)?))
}

async fn action(state: Data<State>, at: AtContact, body: Json<Value>) -> Answer {
    Ok(HttpResponse::Ok().json(provider(&state, &at.0)?.action(&at.1, &at.2, &body)?))
}

#[derive(Deserialize)]
struct Page {
    after: Option<String>,
    limit: Option<usize>,
}

async fn contacts(state: Data<State>, at: At, page: Query<Page>) -> Answer {
    let limit = page.limit.unwrap_or(PAGE).clamp(1, PAGE_LIMIT);
    Ok(HttpResponse::Ok().json(provider(&state, &at.0)?.contacts(
        &at.1,
        page.after.as_deref(),
        limit,
    )?))
}

async fn add_contact(state: Data<State>, at: At, native: Json<Value>) -> Answer {
    Ok(HttpResponse::Created().json(provider(&state, &at.0)?.create_contact(&at.1, &native)?))
}

async fn contact(state: Data<State>, at: AtContact) -> Answer {
    Ok(HttpResponse::Ok().json(provider(&state, &at.0)?.contact(&at.1, &at.2)?))
}

async fn patch_contact(state: Data<State>, at: AtContact, native: Json<Value>) -> Answer {
    Ok(HttpResponse::Ok().json(provider(&state, &at.0)?.patch_contact(&at.1, &at.2, &native)?))
}

async fn delete_contact(state: Data<State>, at: AtContact) -> Answer {
    provider(&state, &at.0)?.delete_contact(&at.1, &at.2)?;
    Ok(HttpResponse::NoContent().finish())
}

async fn restore_contact(state: Data<State>, at: AtContact) -> Answer {
    Ok(HttpResponse::Ok().json(provider(&state, &at.0)?.restore_contact(&at.1, &at.2)?))
}
