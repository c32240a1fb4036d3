//! The members of a tenant, and who may decide about them. Not here: signing in (`tenants`, `sessions`).
//!
//! Whoever decides waits for a lock on the tenant, and is then looked up anew: of two who decide about one another at the
//! same moment, the later one decides with what the earlier one left them.

use chrono::{DateTime, Utc};
use sqlx::FromRow;
use syncline_model::{Actor, MemberId, Role, TenantId};
use uuid::Uuid;

use crate::db::{Tx, execute, fetch_all, fetch_optional, page, transaction};
use crate::statement::statements;
use crate::{
    Decider, Member, NewMember, Result, Scope, Standing, StoreError, api_keys, invitations,
};

statements! {
    Tenant MEMBER_LIST = "select id, tenant_id, email, role, password_hash, created_at from members
        where tenant_id = $1 and id > $2 order by id limit cast($3 as bigint)";
    Tenant MEMBER_GET = "select id, tenant_id, email, role, password_hash, created_at from members
        where tenant_id = $1 and id = $2";
    Tenant MEMBER_BY_ADDRESS = "select 1 from members where tenant_id = $1 and email = $2";
    Tenant MEMBER_INSERT = "insert into members (tenant_id, id, email, role, password_hash, created_at)
        values ($1, $2, $3, $4, $5, $6)";
    Tenant MEMBER_ROLE_SET = "update members set role = $3 where tenant_id = $1 and id = $2";
    /// Sessions go with it.
    Tenant MEMBER_REMOVE = "delete from members where tenant_id = $1 and id = $2";
    Tenant OWNERS_COUNT = "select count(*) from members where tenant_id = $1 and role = 'owner'";
    /// Changes nothing, and has everybody wait who would do the same to this tenant.
    Tenant TENANT_LOCK = "update tenants set name = name where tenant_id = $1";
}

#[derive(FromRow)]
pub(crate) struct MemberRow {
    id: Uuid,
    tenant_id: Uuid,
    email: String,
    role: String,
    pub(crate) password_hash: String,
    created_at: DateTime<Utc>,
}

impl TryFrom<MemberRow> for Member {
    type Error = StoreError;

    fn try_from(row: MemberRow) -> Result<Self> {
        Ok(Self {
            id: MemberId::from_uuid(row.id),
            tenant: TenantId::from_uuid(row.tenant_id),
            email: row.email,
            role: role(&row.role)?,
            created_at: row.created_at,
        })
    }
}

impl Scope {
    /// Members in the order of their ids.
    pub async fn member_list(&self, after: Option<MemberId>, limit: u32) -> Result<Vec<Member>> {
        let after = after.map_or(Uuid::nil(), MemberId::uuid);
        let rows = transaction!(self.read_one(), tx => {
            fetch_all!(tx, MemberRow, MEMBER_LIST, self.id(), after, page(limit))
        })?;
        rows.into_iter().map(Member::try_from).collect()
    }

    /// One member.
    pub async fn member_get(&self, id: MemberId) -> Result<Member> {
        let found = transaction!(self.read_one(), tx => { get(tx, self.id(), id).await })?;
        found.ok_or(StoreError::NotFound)
    }

    /// Gives a member another role; who may give none any more has their invitations end. `Refused` when `by` may not
    /// decide about both roles, `Conflict { "owner" }` when it would leave the tenant without an owner.
    pub async fn member_role_set(&self, id: MemberId, role: Role, by: Decider) -> Result<Member> {
        let mut member = transaction!(self.write(), tx => {
            lock(tx, self.id()).await?;
            let member = get(tx, self.id(), id).await?.ok_or(StoreError::NotFound)?;
            decide(tx, self.id(), by, &[member.role, role]).await?;
            execute!(tx, MEMBER_ROLE_SET, self.id(), id.uuid(), role.as_str())?;
            keep_an_owner(tx, self).await?;
            if Role::ALL.iter().all(|any| !(by.may)(&Standing::Member(role), *any)) {
                invitations::end(tx, self.id(), Actor::Member(id)).await?;
            }
            Ok(member)
        })?;
        member.role = role;
        Ok(member)
    }

    /// Removes a member, with what they are signed in by and the invitations that they made. `Refused` when `by` may not
    /// decide about their role, `Conflict { "owner" }` when it is the last owner.
    pub async fn member_remove(&self, id: MemberId, by: Decider) -> Result<()> {
        transaction!(self.write(), tx => {
            lock(tx, self.id()).await?;
            let member = get(tx, self.id(), id).await?.ok_or(StoreError::NotFound)?;
            decide(tx, self.id(), by, &[member.role]).await?;
            execute!(tx, MEMBER_REMOVE, self.id(), id.uuid())?;
            keep_an_owner(tx, self).await?;
            invitations::end(tx, self.id(), Actor::Member(id)).await
        })
    }
}

/// Has everybody wait who would decide about this tenant's members too.
pub(crate) async fn lock(tx: &mut Tx, tenant: Uuid) -> Result<()> {
    execute!(tx, TENANT_LOCK, tenant).map(drop)
}

/// `Refused` unless this one may, by now, decide about all these roles.
pub(crate) async fn decide(tx: &mut Tx, tenant: Uuid, by: Decider, roles: &[Role]) -> Result<()> {
    let standing = match by.who {
        Actor::Member(id) => {
            let member = get(tx, tenant, id).await?;
            member.map(|member| Standing::Member(member.role))
        }
        Actor::ApiKey(id) => {
            let scopes = api_keys::scopes(tx, tenant, id).await?;
            scopes.map(Standing::ApiKey)
        }
    };
    let may = |role: &Role| standing.as_ref().is_some_and(|now| (by.may)(now, *role));
    if roles.iter().all(may) {
        Ok(())
    } else {
        Err(StoreError::Refused)
    }
}

/// Whether an address is a member's of this tenant.
pub(crate) async fn is_member(tx: &mut Tx, tenant: Uuid, email: &str) -> Result<bool> {
    let found = fetch_optional!(tx, (i32,), MEMBER_BY_ADDRESS, tenant, email)?;
    Ok(found.is_some())
}

async fn get(tx: &mut Tx, tenant: Uuid, id: MemberId) -> Result<Option<Member>> {
    let row = fetch_optional!(tx, MemberRow, MEMBER_GET, tenant, id.uuid())?;
    row.map(Member::try_from).transpose()
}

pub(crate) fn role(word: &str) -> Result<Role> {
    Role::parse(word).ok_or_else(|| StoreError::word("role", word))
}

/// A tenant without an owner could never get one again.
async fn keep_an_owner(tx: &mut Tx, scope: &Scope) -> Result<()> {
    let owners = fetch_optional!(tx, (i64,), OWNERS_COUNT, scope.id())?;
    if owners == Some((0,)) {
        return Err(StoreError::Conflict { what: "owner" });
    }
    Ok(())
}

/// Adds a member. `Conflict { "email" }` when the address is taken, in any tenant.
pub(crate) async fn insert(
    tx: &mut Tx,
    tenant: TenantId,
    member: &NewMember,
    now: DateTime<Utc>,
) -> Result<()> {
    let email = member.email.to_lowercase();
    execute!(
        tx,
        MEMBER_INSERT,
        tenant.uuid(),
        member.id.uuid(),
        &email,
        member.role.as_str(),
        &member.password_hash,
        now
    )
    .map_err(|error| error.or_conflict("email"))?;
    Ok(())
}

/// A member who was just added.
pub(crate) fn made(tenant: TenantId, member: &NewMember, now: DateTime<Utc>) -> Member {
    Member {
        id: member.id,
        tenant,
        email: member.email.to_lowercase(),
        role: member.role,
        created_at: now,
    }
}
