//! Tenants, members, sessions, API keys, OAuth states and idempotency. Secrets arrive hashed; none is kept in clear.

use chrono::{DateTime, Utc};
use syncline_model::{AccountId, Actor, ApiKeyId, AuditId, InvitationId, MemberId, Role, TenantId};
use uuid::Uuid;

/// A tenant to make.
#[derive(Clone, Debug)]
pub struct NewTenant {
    /// Its id.
    pub id: TenantId,
    /// The organisation's name.
    pub name: String,
    /// The name of its plan.
    pub plan: String,
    /// Now.
    pub created_at: DateTime<Utc>,
}

/// A member to make.
#[derive(Clone, Debug)]
pub struct NewMember {
    /// Its id.
    pub id: MemberId,
    /// E-mail address; kept in lower case, unique over all tenants because people log in with it.
    pub email: String,
    /// Password hash in PHC form.
    pub password_hash: String,
    /// What they may do.
    pub role: Role,
}

/// A person of a tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its id.
    pub id: MemberId,
    /// The tenant.
    pub tenant: TenantId,
    /// E-mail address in lower case.
    pub email: String,
    /// What they may do.
    pub role: Role,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// What somebody may do who decides about members, as the rows say at that moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// What a member of this role may.
    Member(Role),
    /// What an API key with these scopes may.
    ApiKey(Vec<String>),
}

/// The rule by which somebody may make members of a role, and unmake them.
pub type MayDecide = fn(&Standing, Role) -> bool;

/// Somebody who decides about members, and by what rule. What they may do is looked up when it is done.
#[derive(Clone, Copy, Debug)]
pub struct Decider {
    /// Who.
    pub who: Actor,
    /// The rule.
    pub may: MayDecide,
}

/// An invitation to make.
#[derive(Clone, Debug)]
pub struct NewInvitation {
    /// Its id.
    pub id: InvitationId,
    /// To whom; kept in lower case.
    pub email: String,
    /// What they will be.
    pub role: Role,
    /// Hash of the token that they accept it with.
    pub token_hash: Vec<u8>,
    /// Who invites.
    pub invited_by: Actor,
    /// Now.
    pub created_at: DateTime<Utc>,
    /// When it stops working.
    pub expires_at: DateTime<Utc>,
}

/// An invitation to become a member, not accepted yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// Its id.
    pub id: InvitationId,
    /// The tenant.
    pub tenant: TenantId,
    /// To whom, in lower case.
    pub email: String,
    /// What they will be.
    pub role: Role,
    /// Who invited, if it is known.
    pub invited_by: Option<Actor>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it stops working.
    pub expires_at: DateTime<Utc>,
}

/// A session to make: one refresh token of a family.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// Hash of the refresh token.
    pub token_hash: Vec<u8>,
    /// The log-in that it descends from: made anew at each log-in, kept by rotation.
    pub family: Uuid,
    /// The tenant.
    pub tenant: TenantId,
    /// The member.
    pub member: MemberId,
    /// Now.
    pub created_at: DateTime<Utc>,
    /// When the token stops working.
    pub expires_at: DateTime<Utc>,
}

/// An API key to make.
#[derive(Clone, Debug)]
pub struct NewApiKey {
    /// Its id.
    pub id: ApiKeyId,
    /// What people call it.
    pub name: String,
    /// Hash of the key.
    pub hash: Vec<u8>,
    /// What it may do.
    pub scopes: Vec<String>,
    /// Now.
    pub created_at: DateTime<Utc>,
}

/// An API key as stored, without its hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// Its id.
    pub id: ApiKeyId,
    /// What people call it.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<String>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was revoked.
    pub revoked_at: Option<DateTime<Utc>>,
}

/// What a repeated request should get.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Idempotency {
    /// Never seen (or given up by its first sender): go on, then call `idempotency_finish` or `idempotency_abandon`.
    Fresh,
    /// Answered before: answer the same.
    Replay {
        /// HTTP status.
        status: u16,
        /// Body.
        body: Vec<u8>,
    },
    /// The first request is still being answered.
    InFlight,
    /// The key was used for another request.
    Mismatch,
}

/// An OAuth authorization under way, to store.
#[derive(Clone, Debug)]
pub struct NewOauthState {
    /// Hash of the `state` parameter.
    pub state_hash: Vec<u8>,
    /// The account to authorise.
    pub account: AccountId,
    /// Where the provider sends the person back.
    pub redirect_uri: String,
    /// PKCE verifier; sealed at rest.
    pub verifier: String,
    /// Hash of the secret by which the browser that began is known again.
    pub browser_hash: Vec<u8>,
    /// Who began.
    pub begun_by: Actor,
    /// When it stops working.
    pub expires_at: DateTime<Utc>,
}

/// An OAuth authorization under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OauthState {
    /// The tenant.
    pub tenant: TenantId,
    /// The account to authorise.
    pub account: AccountId,
    /// Where the provider sent the person back.
    pub redirect_uri: String,
    /// PKCE verifier.
    pub verifier: String,
    /// Hash of the secret by which the browser that began is known again, if it has one.
    pub browser_hash: Option<Vec<u8>>,
    /// Who began, if it is known.
    pub begun_by: Option<Actor>,
}

/// What somebody did, in the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its id; later ones are larger.
    pub id: AuditId,
    /// When.
    pub at: DateTime<Utc>,
    /// Who, if it is known.
    pub actor: Option<Actor>,
    /// What: the name of the operation.
    pub action: String,
    /// The id of what it was done to.
    pub subject: Option<String>,
    /// How it was answered: a status of HTTP.
    pub status: i32,
    /// The network address that it came from.
    pub network: Option<String>,
}
