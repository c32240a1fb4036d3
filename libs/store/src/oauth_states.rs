//! OAuth authorizations under way: found by the hash of `state` alone, taken once.

use chrono::{DateTime, Utc};
use sqlx::FromRow;
use syncline_model::{AccountId, TenantId};
use uuid::Uuid;

use crate::db::{Who, execute, fetch_optional, transaction};
use crate::seal::VERIFIER;
use crate::statement::statements;
use crate::{NewOauthState, OauthState, Result, Scope, Store, StoreError};

statements! {
    Tenant OAUTH_STATE_INSERT = "insert into oauth_states
        (tenant_id, state_hash, account_id, redirect_uri, verifier, browser_hash, begun_by, expires_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8)";
    Global OAUTH_STATE_FIND = "select tenant_id, account_id, redirect_uri, verifier, browser_hash, begun_by, expires_at
        from oauth_states where state_hash = $1";
    Tenant OAUTH_STATES_FORGET = "delete from oauth_states where tenant_id = $1 and expires_at <= $2";
    Tenant OAUTH_STATE_DELETE = "delete from oauth_states where tenant_id = $1 and state_hash = $2";
}

#[derive(FromRow)]
struct StateRow {
    tenant_id: Uuid,
    account_id: Uuid,
    redirect_uri: String,
    verifier: Vec<u8>,
    browser_hash: Option<Vec<u8>>,
    begun_by: Option<String>,
    expires_at: DateTime<Utc>,
}

impl Store {
    /// Looks at an authorization under way, which stays. `NotFound` when unknown, taken or expired.
    pub async fn oauth_state_find(
        &self,
        state_hash: &[u8],
        now: DateTime<Utc>,
    ) -> Result<OauthState> {
        let row = transaction!(self.read_global(), tx => {
            fetch_optional!(tx, StateRow, OAUTH_STATE_FIND, state_hash)
        })?;
        let row = row.filter(|row| row.expires_at > now);
        self.under_way(state_hash, row).await
    }

    /// Takes an authorization under way: it cannot be taken again. `NotFound` when unknown, taken or expired.
    pub async fn oauth_state_take(
        &self,
        state_hash: &[u8],
        now: DateTime<Utc>,
    ) -> Result<OauthState> {
        let row = transaction!(self.write_global(), tx => {
            let Some(row) = fetch_optional!(tx, StateRow, OAUTH_STATE_FIND, state_hash)? else {
                return Ok(None);
            };
            tx.become_(Who::Tenant(row.tenant_id)).await?;
            let taken = execute!(tx, OAUTH_STATE_DELETE, row.tenant_id, state_hash)? == 1;
            Ok((taken && row.expires_at > now).then_some(row))
        })?;
        self.under_way(state_hash, row).await
    }

    async fn under_way(&self, state_hash: &[u8], row: Option<StateRow>) -> Result<OauthState> {
        let row = row.ok_or(StoreError::NotFound)?;
        let scope = self.scope(TenantId::from_uuid(row.tenant_id)).await?;
        let verifier = scope.open(VERIFIER, state_hash, &row.verifier)?;
        Ok(OauthState {
            tenant: scope.tenant(),
            account: AccountId::from_uuid(row.account_id),
            redirect_uri: row.redirect_uri,
            verifier: String::from_utf8(verifier)
                .map_err(|_| StoreError::Corrupt("verifier is no text".to_owned()))?,
            browser_hash: row.browser_hash,
            begun_by: row.begun_by.and_then(|actor| actor.parse().ok()),
        })
    }
}

impl Scope {
    /// Keeps an authorization under way and forgets those that have expired. `Conflict` when the account is not there.
    pub async fn oauth_state_create(
        &self,
        state: &NewOauthState,
        now: DateTime<Utc>,
    ) -> Result<()> {
        let verifier = self.seal(VERIFIER, &state.state_hash, state.verifier.as_bytes());
        let begun_by = state.begun_by.to_string();
        transaction!(self.write(), tx => {
            execute!(tx, OAUTH_STATES_FORGET, self.id(), now)?;
            execute!(tx, OAUTH_STATE_INSERT, self.id(), &state.state_hash, state.account.uuid(), &state.redirect_uri,
                &verifier, &state.browser_hash, &begun_by, state.expires_at).map_err(|error| error.or_conflict("authorization"))
        })?;
        Ok(())
    }
}
