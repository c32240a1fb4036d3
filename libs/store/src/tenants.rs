//! Tenants and their members.

use chrono::{DateTime, Utc};
use sqlx::FromRow;
use std::sync::PoisonError;
use syncline_model::{MemberId, TenantId};
use syncline_platform::seal::{TenantKey, WrappedKey};
use uuid::Uuid;

use crate::db::{Who, execute, fetch_optional, transaction};
use crate::statement::statements;
use crate::{Member, NewMember, NewTenant, Result, Scope, Store, StoreError};

statements! {
    Tenant TENANT_INSERT = "insert into tenants (tenant_id, name, data_key, data_key_id, created_at)
        values ($1, $2, $3, $4, $5)";
    Tenant TENANT_KEY = "select data_key_id, data_key from tenants where tenant_id = $1";
    Tenant TENANT_NAME = "select name from tenants where tenant_id = $1";
    Tenant TENANT_CONNECTIONS_DELETE = "delete from connections where tenant_id = $1";
    /// Everything else goes with it.
    Tenant TENANT_DELETE = "delete from tenants where tenant_id = $1";
    Tenant MEMBER_INSERT = "insert into members (tenant_id, id, email, role, password_hash, created_at)
        values ($1, $2, $3, $4, $5, $6)";
    Tenant MEMBER_GET = "select id, tenant_id, email, role, password_hash, created_at from members
        where tenant_id = $1 and id = $2";
    Global MEMBER_BY_EMAIL = "select id, tenant_id, email, role, password_hash, created_at from members
        where email = $1";
}

#[derive(FromRow)]
pub(crate) struct MemberRow {
    id: Uuid,
    tenant_id: Uuid,
    email: String,
    role: String,
    password_hash: String,
    created_at: DateTime<Utc>,
}

impl From<MemberRow> for Member {
    fn from(row: MemberRow) -> Self {
        Self {
            id: MemberId::from_uuid(row.id),
            tenant: TenantId::from_uuid(row.tenant_id),
            email: row.email,
            role: row.role,
            created_at: row.created_at,
        }
    }
}

impl Store {
    /// Makes a tenant, its key and its first member. `Conflict { "email" }` when the address is taken.
    pub async fn signup(&self, tenant: &NewTenant, member: &NewMember) -> Result<Member> {
        let id = tenant.id.uuid();
        let key = TenantKey::generate();
        let email = member.email.to_lowercase();
        transaction!(self.write_for(tenant.id), tx => {
            let key = self.wrap(tx, &key, id).await?;
            execute!(tx, TENANT_INSERT, id, &tenant.name, &key.bytes, &key.key_id, tenant.created_at)
                .map_err(|error| error.or_conflict("tenant"))?;
            execute!(tx, MEMBER_INSERT, id, member.id.uuid(), &email, &member.role, &member.password_hash,
                tenant.created_at).map_err(|error| error.or_conflict("email"))?;
            Ok(())
        })?;
        Ok(Member {
            id: member.id,
            tenant: tenant.id,
            email,
            role: member.role.clone(),
            created_at: tenant.created_at,
        })
    }

    /// The member with this address, in any tenant, and its password hash.
    pub async fn member_by_email(&self, email: &str) -> Result<Option<(Member, String)>> {
        let email = email.to_lowercase();
        let row = transaction!(self.read_one_global(), tx => {
            fetch_optional!(tx, MemberRow, MEMBER_BY_EMAIL, &email)
        })?;
        Ok(row
            .map(|row| (row.password_hash.clone(), row))
            .map(|(hash, row)| (row.into(), hash)))
    }

    /// Destroys a tenant's key and all of its rows. `NotFound` when there is none.
    pub async fn tenant_delete(&self, tenant: TenantId) -> Result<()> {
        let gone = transaction!(self.write_for(tenant), tx => {
            execute!(tx, TENANT_CONNECTIONS_DELETE, tenant.uuid())?;
            execute!(tx, TENANT_DELETE, tenant.uuid())
        })?;
        self.unwrapped
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&tenant);
        if gone == 0 {
            return Err(StoreError::NotFound);
        }
        Ok(())
    }

    pub(crate) async fn tenant_key(&self, tenant: TenantId) -> Result<WrappedKey> {
        let row = transaction!(self.db.read_one(Who::Tenant(tenant.uuid())), tx => {
            fetch_optional!(tx, (String, Vec<u8>), TENANT_KEY, tenant.uuid())
        })?;
        let (key_id, bytes) = row.ok_or(StoreError::NotFound)?;
        Ok(WrappedKey { key_id, bytes })
    }
}

impl Scope {
    /// The organisation's name.
    pub async fn tenant_name(&self) -> Result<String> {
        let row = transaction!(self.read_one(), tx => {
            fetch_optional!(tx, (String,), TENANT_NAME, self.id())
        })?;
        row.map(|(name,)| name).ok_or(StoreError::NotFound)
    }

    /// One member.
    pub async fn member_get(&self, id: MemberId) -> Result<Member> {
        let row = transaction!(self.read_one(), tx => {
            fetch_optional!(tx, MemberRow, MEMBER_GET, self.id(), id.uuid())
        })?;
        row.map(Member::from).ok_or(StoreError::NotFound)
    }
}
