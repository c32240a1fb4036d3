//! Sealing of columns: every sealed value is bound to its tenant, table, column and row.

use serde::Serialize;
use serde::de::DeserializeOwned;
use syncline_platform::seal::{Context, TenantKey};
use uuid::Uuid;

use crate::{Result, Scope, StoreError};

/// A sealed column.
#[derive(Clone, Copy)]
pub(crate) struct Column {
    pub(crate) table: &'static str,
    pub(crate) column: &'static str,
}

pub(crate) const CREDENTIALS: Column = Column::of("accounts", "credentials");
pub(crate) const VERIFIER: Column = Column::of("oauth_states", "verifier");
pub(crate) const ANSWER: Column = Column::of("idempotency", "body");
pub(crate) const STAGED_BODY: Column = Column::of("staged", "body");
pub(crate) const LINK_BODY: Column = Column::of("links", "body");
pub(crate) const INTENT_PAYLOAD: Column = Column::of("intents", "payload");
pub(crate) const HISTORY_FIELDS: Column = Column::of("history", "fields");
pub(crate) const WATCH_SECRET: Column = Column::of("watches", "secret");
pub(crate) const CONFLICT_VALUES: Column = Column::of("conflicts", "pair_values");

impl Column {
    const fn of(table: &'static str, column: &'static str) -> Self {
        Self { table, column }
    }

    const fn at(self, tenant: Uuid, row: &[u8]) -> Context<'_> {
        Context {
            tenant,
            table: self.table,
            column: self.column,
            row,
        }
    }
}

/// Opens a value with a key that no scope carries yet.
pub(crate) fn open_with(
    key: &TenantKey,
    tenant: Uuid,
    column: Column,
    row: &[u8],
    sealed: &[u8],
) -> Result<Vec<u8>> {
    key.open(&column.at(tenant, row), sealed).map_err(|_| {
        StoreError::Corrupt(format!("{}.{} does not open", column.table, column.column))
    })
}

impl Scope {
    pub(crate) fn seal(&self, column: Column, row: &[u8], plain: &[u8]) -> Vec<u8> {
        self.key.seal(&column.at(self.id(), row), plain)
    }

    pub(crate) fn open(&self, column: Column, row: &[u8], sealed: &[u8]) -> Result<Vec<u8>> {
        open_with(&self.key, self.id(), column, row, sealed)
    }

    pub(crate) fn seal_json<T: Serialize>(
        &self,
        column: Column,
        row: &[u8],
        value: &T,
    ) -> Result<Vec<u8>> {
        Ok(self.seal(column, row, &serde_json::to_vec(value)?))
    }

    pub(crate) fn open_json<T: DeserializeOwned>(
        &self,
        column: Column,
        row: &[u8],
        sealed: &[u8],
    ) -> Result<T> {
        Ok(serde_json::from_slice(&self.open(column, row, sealed)?)?)
    }
}

/// A row's key made of several parts: each with its length, so that no two rows share one.
pub(crate) fn row_key(parts: &[&[u8]]) -> Vec<u8> {
    let mut key = Vec::new();
    for part in parts {
        key.extend_from_slice(&(part.len() as u64).to_be_bytes());
        key.extend_from_slice(part);
    }
    key
}
