//! Sessions: refresh tokens by hash, in families that die as a whole when a used token comes back.

use chrono::{DateTime, Utc};
use sqlx::FromRow;
use syncline_model::{MemberId, TenantId};
use uuid::Uuid;

use crate::db::{Who, execute, fetch_optional, transaction};
use crate::members::MemberRow;
use crate::statement::statements;
use crate::{Member, NewSession, Result, Store, StoreError};

statements! {
    Tenant SESSION_INSERT = "insert into sessions
        (tenant_id, token_hash, family, member_id, created_at, expires_at) values ($1, $2, $3, $4, $5, $6)";
    Tenant SESSIONS_EXPIRED_DELETE = "delete from sessions
        where tenant_id = $1 and member_id = $2 and expires_at <= $3";
    Global SESSION_FIND = "select tenant_id, family, member_id, expires_at from sessions where token_hash = $1";
    /// Compare-and-swap: a token is used once.
    Tenant SESSION_USE = "update sessions set rotated_at = $3
        where tenant_id = $1 and token_hash = $2 and rotated_at is null";
    Tenant SESSION_FAMILY_DELETE = "delete from sessions where tenant_id = $1 and family = $2";
    Tenant SESSION_MEMBER = "select id, tenant_id, email, role, password_hash, created_at from members
        where tenant_id = $1 and id = $2";
}

#[derive(FromRow)]
struct SessionRow {
    tenant_id: Uuid,
    family: Uuid,
    member_id: Uuid,
    expires_at: DateTime<Utc>,
}

impl Store {
    /// Keeps a new session, and drops the member's expired ones.
    pub async fn session_create(&self, session: &NewSession) -> Result<()> {
        let (tenant, member) = (session.tenant.uuid(), session.member.uuid());
        transaction!(self.write_for(session.tenant), tx => {
            execute!(tx, SESSIONS_EXPIRED_DELETE, tenant, member, session.created_at)?;
            execute!(tx, SESSION_INSERT, tenant, &session.token_hash, session.family, member, session.created_at,
                session.expires_at).map_err(|error| error.or_conflict("session"))?;
            Ok(())
        })
    }

    /// Exchanges a refresh token for a new one of its family. `NotFound` when it is unknown, expired, revoked, or was
    /// used before: then somebody else has it, and the whole family is revoked.
    pub async fn session_rotate(
        &self,
        old_hash: &[u8],
        new_hash: &[u8],
        new_expires_at: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<Member> {
        let member = transaction!(self.write_global(), tx => {
            let Some(old) = fetch_optional!(tx, SessionRow, SESSION_FIND, old_hash)? else {
                return Ok(None);
            };
            tx.become_(Who::Tenant(old.tenant_id)).await?;
            let used = execute!(tx, SESSION_USE, old.tenant_id, old_hash, now)?;
            if used == 0 {
                execute!(tx, SESSION_FAMILY_DELETE, old.tenant_id, old.family)?;
                return Ok(None);
            }
            if old.expires_at <= now {
                return Ok(None);
            }
            execute!(tx, SESSION_INSERT, old.tenant_id, new_hash, old.family, old.member_id, now, new_expires_at)
                .map_err(|error| error.or_conflict("session"))?;
            fetch_optional!(tx, MemberRow, SESSION_MEMBER, old.tenant_id, old.member_id)
        })?;
        member.map_or(Err(StoreError::NotFound), Member::try_from)
    }

    /// Revokes a session with its whole family and says whose it was; an unknown one is no error.
    pub async fn session_revoke(&self, token_hash: &[u8]) -> Result<Option<(TenantId, MemberId)>> {
        transaction!(self.write_global(), tx => {
            let Some(row) = fetch_optional!(tx, SessionRow, SESSION_FIND, token_hash)? else {
                return Ok(None);
            };
            tx.become_(Who::Tenant(row.tenant_id)).await?;
            execute!(tx, SESSION_FAMILY_DELETE, row.tenant_id, row.family)?;
            Ok(Some((TenantId::from_uuid(row.tenant_id), MemberId::from_uuid(row.member_id))))
        })
    }
}
