//! Who calls and what they may do. `admit` finds out once a request; a handler takes `CanRead`, `CanWrite` or
//! `CanAdmin` and so cannot run without the permission that its type names.

use std::future::{Ready, ready};

use actix_web::http::header::{self, HeaderMap};
use actix_web::{FromRequest, HttpMessage, HttpRequest, dev};
use serde::{Deserialize, Serialize};
use syncline_model::{Actor, Role, TenantId};
use syncline_store::StoreError;
use utoipa::ToSchema;

use super::{Secret, SecretKind};
use crate::problem::{Code, Problem};
use crate::state::State;

/// What a caller may do: a member by their role, an API key what it was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Look at everything but API keys, invitations and the audit log.
    Read,
    /// Change accounts and connections, start and stop runs.
    Write,
    /// Manage members, invitations and API keys; read the audit log.
    Admin,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 3] = [Self::Read, Self::Write, Self::Admin];

    /// The word for it, as stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Admin => "admin",
        }
    }

    /// What a member of a role may do.
    pub const fn of(role: Role) -> &'static [Self] {
        match role {
            Role::Owner | Role::Admin => &Self::ALL,
            Role::Editor => &[Self::Read, Self::Write],
            Role::Viewer => &[Self::Read],
        }
    }

    /// The scope stored under a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == word)
    }
}

/// Who calls, with the handle on their tenant's rows.
#[derive(Clone)]
pub struct Caller {
    /// The tenant that is acted for.
    pub tenant: TenantId,
    /// Who.
    pub who: Actor,
    /// A member's role; none of an API key.
    pub role: Option<Role>,
    /// What they may do.
    pub scopes: Vec<Scope>,
    /// Their tenant's rows, and no others.
    pub rows: syncline_store::Scope,
}

/// What `admit` found out, for the extractors.
#[derive(Clone)]
pub struct Admission(pub Result<Caller, Problem>);

/// Finds out who calls from the `Authorization` header.
pub async fn authenticate(state: &State, headers: &HeaderMap) -> Result<Caller, Problem> {
    let token = bearer(headers)?;
    if token.starts_with(SecretKind::ApiKey.prefix()) {
        let key = Secret::parse(SecretKind::ApiKey, token).ok_or_else(refused)?;
        let found = state.store.api_key_by_hash(&key.hash()).await?;
        let (tenant, key) = found
            .filter(|(_, key)| key.revoked_at.is_none())
            .ok_or_else(refused)?;
        let scopes = key.scopes.iter().filter_map(|word| Scope::parse(word));
        let rows = rows(state, tenant).await?;
        return Ok(Caller {
            tenant,
            who: Actor::ApiKey(key.id),
            role: None,
            scopes: scopes.collect(),
            rows,
        });
    }
    let token = state
        .tokens
        .check(token, state.clock.now())
        .ok_or_else(refused)?;
    let rows = rows(state, token.tenant).await?;
    // Asked each time: who is removed, or has another role, is so at once.
    let member = rows.member_get(token.member).await.map_err(unknown)?;
    Ok(Caller {
        tenant: token.tenant,
        who: Actor::Member(member.id),
        role: Some(member.role),
        scopes: Scope::of(member.role).to_vec(),
        rows,
    })
}

async fn rows(state: &State, tenant: TenantId) -> Result<syncline_store::Scope, Problem> {
    state.store.scope(tenant).await.map_err(unknown)
}

/// Who is not there any more has no good credentials.
fn unknown(error: StoreError) -> Problem {
    match error {
        StoreError::NotFound => refused(),
        other => other.into(),
    }
}

/// The one bearer token of a request.
pub fn bearer(headers: &HeaderMap) -> Result<&str, Problem> {
    let mut all = headers.get_all(header::AUTHORIZATION);
    let (Some(value), None) = (all.next(), all.next()) else {
        return Err(Problem::new(
            Code::Unauthenticated,
            "Send an access token or an API key as `Authorization: Bearer ...`.",
        ));
    };
    value
        .to_str()
        .ok()
        .and_then(|text| text.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim())
        .ok_or_else(refused)
}

/// The problem of credentials that are not good.
pub fn refused() -> Problem {
    Problem::new(
        Code::Unauthenticated,
        "These credentials are not, or no longer, good.",
    )
}

fn permitted(request: &HttpRequest, scope: Scope) -> Result<Caller, Problem> {
    let admission = request.extensions().get::<Admission>().cloned();
    let caller = admission.ok_or_else(refused)?.0?;
    if caller.scopes.contains(&scope) {
        return Ok(caller);
    }
    let scope = scope.as_str();
    let why = match caller.role {
        Some(role) => format!("Your role `{role}` does not have the scope `{scope}`."),
        None => format!("This API key does not have the scope `{scope}`."),
    };
    Err(Problem::new(Code::Forbidden, why))
}

macro_rules! permissions {
    ($($(#[$doc:meta])* $name:ident = $scope:expr;)*) => {$(
        $(#[$doc])*
        pub struct $name(pub Caller);

        impl FromRequest for $name {
            type Error = Problem;
            type Future = Ready<Result<Self, Problem>>;

            fn from_request(request: &HttpRequest, _: &mut dev::Payload) -> Self::Future {
                ready(permitted(request, $scope).map(Self))
            }
        }
    )*};
}

permissions! {
    /// A caller that may look.
    CanRead = Scope::Read;
    /// A caller that may change things.
    CanWrite = Scope::Write;
    /// A caller that may manage members, invitations and API keys.
    CanAdmin = Scope::Admin;
}
