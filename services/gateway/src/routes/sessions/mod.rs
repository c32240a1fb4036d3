//! `/v1/sessions`: signing in, staying signed in, signing out.

pub mod create;
pub mod delete;
pub mod refresh;

use actix_web::http::{Method, StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use syncline_model::{Actor, TenantId};
use syncline_platform::random_token;
use syncline_store::{Member, NewSession};
use utoipa::ToSchema;

use crate::audit::{self, Note};
use crate::auth::{AccessToken, Secret, SecretKind};
use crate::problem::Problem;
use crate::routes::members::MemberJson;
use crate::schema;
use crate::state::State;

/// Random bytes of a refresh token.
const RANDOM: usize = 32;

pub(super) fn configure(app: &mut web::ServiceConfig) {
    app.service(super::at(
        "/v1/sessions",
        [
            (Method::POST, web::to(create::handle)),
            (Method::DELETE, web::to(delete::handle)),
        ],
    ))
    .service(super::at(
        "/v1/sessions/refresh",
        [(Method::POST, web::to(refresh::handle))],
    ));
}

/// A member who is signed in.
#[derive(Serialize, ToSchema)]
#[schema(as = Session)]
pub struct SessionJson {
    /// The organisation.
    pub tenant: TenantJson,
    /// The person.
    pub member: MemberJson,
    /// Sent with every call as `Authorization: Bearer ...`.
    pub access_token: String,
    /// For `POST /v1/sessions/refresh`, once.
    pub refresh_token: String,
    /// How long the access token is good, in seconds.
    pub expires_in: i64,
}

/// An organisation.
#[derive(Serialize, ToSchema)]
#[schema(as = Tenant)]
pub struct TenantJson {
    /// Its id.
    #[schema(value_type = schema::TenantId)]
    pub id: TenantId,
    /// Its name.
    pub name: String,
}

/// Has the audit log tell of a member who signed in or up, or in whose name somebody tried to.
pub async fn enter(
    state: &State,
    request: &HttpRequest,
    member: &Member,
    is_member: bool,
) -> Result<(), Problem> {
    let note = Note {
        rows: Some(state.store.scope(member.tenant).await?),
        actor: is_member.then_some(Actor::Member(member.id)),
        subject: Some(member.id.to_string()),
        ..Note::default()
    };
    audit::note(request, note);
    Ok(())
}

/// Signs a member in: a new session with its own family of refresh tokens.
pub async fn open(
    state: &State,
    member: Member,
    tenant_name: String,
) -> Result<SessionJson, Problem> {
    let now = state.clock.now();
    let refresh = Secret::new(SecretKind::RefreshToken, &random_token(RANDOM));
    state
        .store
        .session_create(&NewSession {
            token_hash: refresh.hash().to_vec(),
            family: state.ids.next(),
            tenant: member.tenant,
            member: member.id,
            created_at: now,
            expires_at: now + state.refresh_token_ttl,
        })
        .await?;
    describe(state, member, tenant_name, &refresh)
}

/// What a member who is signed in is told.
fn describe(
    state: &State,
    member: Member,
    tenant_name: String,
    refresh: &Secret,
) -> Result<SessionJson, Problem> {
    let token = AccessToken {
        tenant: member.tenant,
        member: member.id,
    };
    let nonce = state.ids.next().simple().to_string();
    let access_token = state
        .tokens
        .issue(token, nonce, state.clock.now())
        .map_err(|error| Problem::internal(&error))?;
    Ok(SessionJson {
        tenant: TenantJson {
            id: member.tenant,
            name: tenant_name,
        },
        member: member.into(),
        access_token,
        refresh_token: refresh.reveal(),
        expires_in: state.tokens.lifetime_seconds(),
    })
}

/// The answer, which no cache may keep.
pub fn answer(status: StatusCode, session: &SessionJson) -> HttpResponse {
    HttpResponse::build(status)
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(session)
}

/// An e-mail address as it is looked up.
pub fn normal_email(text: &str) -> String {
    text.trim().to_lowercase()
}
