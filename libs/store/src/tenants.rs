//! Tenants: signing up, plans, the end. Not here: their members (`members`).

use std::sync::PoisonError;

use syncline_model::TenantId;
use syncline_platform::seal::{TenantKey, WrappedKey};

use crate::db::{Who, execute, fetch_optional, transaction};
use crate::members::{self, MemberRow};
use crate::statement::statements;
use crate::{Member, NewMember, NewTenant, Result, Scope, Store, StoreError};

statements! {
    Tenant TENANT_INSERT = "insert into tenants (tenant_id, name, data_key, data_key_id, plan, created_at)
        values ($1, $2, $3, $4, $5, $6)";
    Tenant TENANT_KEY = "select data_key_id, data_key from tenants where tenant_id = $1";
    Tenant TENANT_NAME = "select name from tenants where tenant_id = $1";
    Tenant TENANT_PLAN = "select plan from tenants where tenant_id = $1";
    Tenant TENANT_PLAN_SET = "update tenants set plan = $2 where tenant_id = $1";
    Tenant TENANT_CONNECTIONS_DELETE = "delete from connections where tenant_id = $1";
    /// Everything else goes with it.
    Tenant TENANT_DELETE = "delete from tenants where tenant_id = $1";
    Global MEMBER_BY_EMAIL = "select id, tenant_id, email, role, password_hash, created_at from members
        where email = $1";
}

impl Store {
    /// Makes a tenant, its key and its first member. `Conflict { "email" }` when the address is taken.
    pub async fn signup(&self, tenant: &NewTenant, member: &NewMember) -> Result<Member> {
        let id = tenant.id.uuid();
        let key = TenantKey::generate();
        transaction!(self.write_for(tenant.id), tx => {
            let key = self.wrap(tx, &key, id).await?;
            execute!(tx, TENANT_INSERT, id, &tenant.name, &key.bytes, &key.key_id, &tenant.plan,
                tenant.created_at)
                .map_err(|error| error.or_conflict("tenant"))?;
            members::insert(tx, tenant.id, member, tenant.created_at).await
        })?;
        Ok(members::made(tenant.id, member, tenant.created_at))
    }

    /// The member with this address, in any tenant, and its password hash.
    pub async fn member_by_email(&self, email: &str) -> Result<Option<(Member, String)>> {
        let email = email.to_lowercase();
        let row = transaction!(self.read_one_global(), tx => {
            fetch_optional!(tx, MemberRow, MEMBER_BY_EMAIL, &email)
        })?;
        row.map(|row| {
            let hash = row.password_hash.clone();
            Ok((Member::try_from(row)?, hash))
        })
        .transpose()
    }

    /// Puts a tenant on another plan. `NotFound` when there is no such tenant.
    pub async fn tenant_plan_set(&self, tenant: TenantId, plan: &str) -> Result<()> {
        let found = transaction!(self.write_for(tenant), tx => {
            execute!(tx, TENANT_PLAN_SET, tenant.uuid(), plan)
        })?;
        if found == 0 {
            return Err(StoreError::NotFound);
        }
        Ok(())
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

    /// The name of its plan.
    pub async fn tenant_plan(&self) -> Result<String> {
        let row = transaction!(self.read_one(), tx => {
            fetch_optional!(tx, (String,), TENANT_PLAN, self.id())
        })?;
        row.map(|(plan,)| plan).ok_or(StoreError::NotFound)
    }
}
