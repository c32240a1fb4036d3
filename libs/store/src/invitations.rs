//! Invitations to become a member. Each stands on whoever made it: it ends with them, and is accepted only while they may
//! give its role.

use chrono::{DateTime, Utc};
use sqlx::FromRow;
use syncline_model::{Actor, InvitationId, TenantId};
use uuid::Uuid;

use crate::db::{Tx, execute, fetch_all, fetch_optional, page, transaction};
use crate::members::{self, decide, is_member, lock, role};
use crate::statement::statements;
use crate::{
    Decider, Invitation, MayDecide, Member, NewInvitation, NewMember, Result, Scope, Store,
    StoreError,
};

macro_rules! invitation_select {
    () => {
        "select id, tenant_id, email, role, invited_by, created_at, expires_at from invitations "
    };
}

statements! {
    Tenant INVITATION_UPSERT = "insert into invitations
        (tenant_id, id, email, role, token_hash, invited_by, created_at, expires_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8)
        on conflict (tenant_id, email) do update set id = excluded.id, role = excluded.role,
            token_hash = excluded.token_hash, invited_by = excluded.invited_by, created_at = excluded.created_at,
            expires_at = excluded.expires_at";
    Tenant INVITATION_LIST = concat!(invitation_select!(), "where tenant_id = $1 and id > $2
        order by id limit cast($3 as bigint)");
    Tenant INVITATION_GET = concat!(invitation_select!(), "where tenant_id = $1 and id = $2");
    Tenant INVITATION_TO = concat!(invitation_select!(), "where tenant_id = $1 and email = $2");
    /// Those that can be accepted, but for one address.
    Tenant INVITATIONS_COUNT = "select count(*) from invitations
        where tenant_id = $1 and email <> $2 and expires_at > $3";
    Tenant INVITATION_DELETE = "delete from invitations where tenant_id = $1 and id = $2";
    Tenant INVITATIONS_END = "delete from invitations where tenant_id = $1 and invited_by = $2";
    Global INVITATION_BY_TOKEN = concat!(invitation_select!(), "where token_hash = $1");
}

#[derive(FromRow)]
struct InvitationRow {
    id: Uuid,
    tenant_id: Uuid,
    email: String,
    role: String,
    invited_by: Option<String>,
    created_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
}

impl TryFrom<InvitationRow> for Invitation {
    type Error = StoreError;

    fn try_from(row: InvitationRow) -> Result<Self> {
        Ok(Self {
            id: InvitationId::from_uuid(row.id),
            tenant: TenantId::from_uuid(row.tenant_id),
            email: row.email,
            role: role(&row.role)?,
            invited_by: row.invited_by.and_then(|actor| actor.parse().ok()),
            created_at: row.created_at,
            expires_at: row.expires_at,
        })
    }
}

impl Store {
    /// The invitation with this token, expired or not.
    pub async fn invitation_by_token(&self, hash: &[u8]) -> Result<Option<Invitation>> {
        let row = transaction!(self.read_one_global(), tx => {
            fetch_optional!(tx, InvitationRow, INVITATION_BY_TOKEN, hash)
        })?;
        row.map(Invitation::try_from).transpose()
    }

    /// Makes a member of whoever was invited; the invitation ends. `NotFound` when it ended before, `Refused` when whoever
    /// made it may not give its role any more, `Conflict { "email" }` when the address is taken, in any tenant.
    pub async fn invitation_accept(
        &self,
        invitation: &Invitation,
        member: &NewMember,
        may: MayDecide,
        now: DateTime<Utc>,
    ) -> Result<Member> {
        let tenant = invitation.tenant.uuid();
        transaction!(self.write_for(invitation.tenant), tx => {
            lock(tx, tenant).await?;
            if execute!(tx, INVITATION_DELETE, tenant, invitation.id.uuid())? == 0 {
                return Err(StoreError::NotFound);
            }
            let who = invitation.invited_by.ok_or(StoreError::Refused)?;
            decide(tx, tenant, Decider { who, may }, &[invitation.role]).await?;
            members::insert(tx, invitation.tenant, member, now).await
        })?;
        Ok(members::made(invitation.tenant, member, now))
    }
}

impl Scope {
    /// Keeps an invitation, in place of an earlier one to the same address. `Refused` when whoever makes it may not decide
    /// about its role, or about that of the open one that it replaces; `Conflict { "email" }` when the address is a
    /// member's here; `Conflict { "invitations" }` when `most` others are open.
    pub async fn invitation_put(
        &self,
        new: &NewInvitation,
        may: MayDecide,
        most: u32,
    ) -> Result<Invitation> {
        let (email, now) = (new.email.to_lowercase(), new.created_at);
        let who = new.invited_by;
        let by = who.to_string();
        transaction!(self.write(), tx => {
            lock(tx, self.id()).await?;
            let earlier = fetch_optional!(tx, InvitationRow, INVITATION_TO, self.id(), &email)?;
            let mut roles = vec![new.role];
            if let Some(earlier) = earlier.filter(|earlier| earlier.expires_at > now) {
                roles.push(role(&earlier.role)?);
            }
            decide(tx, self.id(), Decider { who, may }, &roles).await?;
            if is_member(tx, self.id(), &email).await? {
                return Err(StoreError::Conflict { what: "email" });
            }
            let open = fetch_optional!(tx, (i64,), INVITATIONS_COUNT, self.id(), &email, now)?;
            if open.is_some_and(|(open,)| open >= i64::from(most)) {
                return Err(StoreError::Conflict { what: "invitations" });
            }
            execute!(tx, INVITATION_UPSERT, self.id(), new.id.uuid(), &email, new.role.as_str(), &new.token_hash, &by,
                now, new.expires_at)
        })?;
        Ok(Invitation {
            id: new.id,
            tenant: self.tenant(),
            email,
            role: new.role,
            invited_by: Some(who),
            created_at: now,
            expires_at: new.expires_at,
        })
    }

    /// Invitations in the order of their ids, expired ones too.
    pub async fn invitation_list(
        &self,
        after: Option<InvitationId>,
        limit: u32,
    ) -> Result<Vec<Invitation>> {
        let after = after.map_or(Uuid::nil(), InvitationId::uuid);
        let rows = transaction!(self.read_one(), tx => {
            fetch_all!(tx, InvitationRow, INVITATION_LIST, self.id(), after, page(limit))
        })?;
        rows.into_iter().map(Invitation::try_from).collect()
    }

    /// Takes an invitation back. `Refused` when it is open and `by` may not decide about its role.
    pub async fn invitation_delete(
        &self,
        id: InvitationId,
        by: Decider,
        now: DateTime<Utc>,
    ) -> Result<()> {
        transaction!(self.write(), tx => {
            lock(tx, self.id()).await?;
            let row = fetch_optional!(tx, InvitationRow, INVITATION_GET, self.id(), id.uuid())?;
            let row = row.ok_or(StoreError::NotFound)?;
            if row.expires_at > now {
                decide(tx, self.id(), by, &[role(&row.role)?]).await?;
            }
            execute!(tx, INVITATION_DELETE, self.id(), id.uuid()).map(drop)
        })
    }
}

/// Ends the invitations that somebody made.
pub(crate) async fn end(tx: &mut Tx, tenant: Uuid, by: Actor) -> Result<()> {
    execute!(tx, INVITATIONS_END, tenant, by.to_string()).map(drop)
}
