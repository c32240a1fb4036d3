//! Who did what: entries are added and read. No statement changes or deletes one, and the schema would refuse it.

use chrono::{DateTime, Utc};
use sqlx::FromRow;
use syncline_model::AuditId;
use uuid::Uuid;

use crate::db::{execute, fetch_all, page, transaction};
use crate::statement::statements;
use crate::{AuditEntry, Result, Scope};

statements! {
    Tenant AUDIT_INSERT = "insert into audit (tenant_id, id, at, actor, action, subject, status, network)
        values ($1, $2, $3, $4, $5, $6, $7, $8)";
    Tenant AUDIT_LIST = "select id, at, actor, action, subject, status, network from audit
        where tenant_id = $1 and id < $2 order by id desc limit cast($3 as bigint)";
}

#[derive(FromRow)]
struct AuditRow {
    id: Uuid,
    at: DateTime<Utc>,
    actor: Option<String>,
    action: String,
    subject: Option<String>,
    status: i32,
    network: Option<String>,
}

impl From<AuditRow> for AuditEntry {
    fn from(row: AuditRow) -> Self {
        Self {
            id: AuditId::from_uuid(row.id),
            at: row.at,
            actor: row.actor.and_then(|actor| actor.parse().ok()),
            action: row.action,
            subject: row.subject,
            status: row.status,
            network: row.network,
        }
    }
}

impl Scope {
    /// Adds an entry.
    pub async fn audit_add(&self, entry: &AuditEntry) -> Result<()> {
        let actor = entry.actor.map(|actor| actor.to_string());
        transaction!(self.write_one(), tx => {
            execute!(tx, AUDIT_INSERT, self.id(), entry.id.uuid(), entry.at, &actor, &entry.action, &entry.subject,
                entry.status, &entry.network)
        })?;
        Ok(())
    }

    /// Entries, the newest first, that are older than one.
    pub async fn audit_list(&self, after: Option<AuditId>, limit: u32) -> Result<Vec<AuditEntry>> {
        let before = after.map_or(Uuid::max(), AuditId::uuid);
        let rows = transaction!(self.read_one(), tx => {
            fetch_all!(tx, AuditRow, AUDIT_LIST, self.id(), before, page(limit))
        })?;
        Ok(rows.into_iter().map(AuditEntry::from).collect())
    }
}
