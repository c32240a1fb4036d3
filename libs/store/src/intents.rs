//! Intents: operations recorded, with the payload to be sent, before their provider is called. They hang on the pair:
//! whoever works on it next resolves them, even if the connection that intended them is deleted.

use chrono::{DateTime, Utc};
use sqlx::FromRow;
use syncline_model::{ConnectionId, LinkId, OperationId, PairId, RemoteId};
use uuid::Uuid;

use crate::bulk::bulk;
use crate::conflicts::ConflictWrite;
use crate::db::{fetch_all, page, transaction};
use crate::dialect::{CONFLICT_UPSERT, INTENT_INSERT};
use crate::links::links_write;
use crate::seal::INTENT_PAYLOAD;
use crate::staged::side_of;
use crate::statement::statements;
use crate::{Intent, IntentKind, Intentions, Lease, OpenIntent, Result, Scope, StoreError};

statements! {
    Tenant INTENTS_OPEN = "select operation_id, connection_id, side, kind, link_id, source, remote, payload,
            intended_at from intents
        where tenant_id = $1 and pair_id = $2 order by operation_id limit cast($3 as bigint)";
}

bulk! {
    /// An intent, as written.
    IntentWrite {
        operation: Uuid,
        side: &'static str,
        kind: &'static str,
        link: Option<Uuid>,
        source: Option<String>,
        remote: Option<String>,
        payload: Vec<u8>,
        intended_at: DateTime<Utc>,
    }
}

#[derive(FromRow)]
struct IntentRow {
    operation_id: Uuid,
    connection_id: Uuid,
    side: String,
    kind: String,
    link_id: Option<Uuid>,
    source: Option<String>,
    remote: Option<String>,
    payload: Vec<u8>,
    intended_at: DateTime<Utc>,
}

impl Scope {
    /// Records what is about to be done, in one transaction. Repeating it changes nothing.
    pub async fn intend(&self, lease: &Lease, intentions: &Intentions) -> Result<()> {
        let links = self.link_writes(&intentions.links)?;
        let intents = intentions
            .intents
            .iter()
            .map(|intent| self.intent_write(intent))
            .collect::<Result<Vec<_>>>()?;
        let conflicts = intentions
            .conflicts
            .iter()
            .map(|conflict| self.conflict_write(lease.connection, conflict))
            .collect::<Result<Vec<_>>>()?;
        let common = [self.id(), lease.connection.uuid(), lease.pair.uuid()];
        transaction!(self.write(), tx => {
            self.fence(tx, lease).await?;
            links_write(tx, self, &links).await?;
            IntentWrite::execute(tx, INTENT_INSERT, &common, &intents).await?;
            let common = [self.id(), lease.connection.uuid()];
            ConflictWrite::execute(tx, CONFLICT_UPSERT, &common, &conflicts).await?;
            Ok(())
        })
    }

    fn intent_write(&self, intent: &Intent) -> Result<IntentWrite> {
        let text = |id: &Option<RemoteId>| id.as_ref().map(|id| id.as_str().to_owned());
        let operation = intent.operation.uuid();
        Ok(IntentWrite {
            operation,
            side: intent.side.as_str(),
            kind: intent.kind.as_str(),
            link: intent.link.map(LinkId::uuid),
            source: text(&intent.source),
            remote: text(&intent.remote),
            payload: self.seal_json(INTENT_PAYLOAD, operation.as_bytes(), &intent.payload)?,
            intended_at: intent.intended_at,
        })
    }

    /// Operations on a pair that were intended and not settled, by whichever connection, in the order of their ids.
    pub async fn intents_open(&self, pair: PairId, limit: u32) -> Result<Vec<OpenIntent>> {
        let rows = transaction!(self.read_one(), tx => {
            fetch_all!(tx, IntentRow, INTENTS_OPEN, self.id(), pair.uuid(), page(limit))
        })?;
        rows.into_iter()
            .map(|row| {
                let connection = ConnectionId::from_uuid(row.connection_id);
                let intent = Intent {
                    operation: OperationId::from_uuid(row.operation_id),
                    side: side_of(&row.side)?,
                    kind: IntentKind::parse(&row.kind)
                        .ok_or_else(|| StoreError::word("intent kind", &row.kind))?,
                    link: row.link_id.map(LinkId::from_uuid),
                    source: row.source.map(RemoteId::new),
                    remote: row.remote.map(RemoteId::new),
                    payload: self.open_json(
                        INTENT_PAYLOAD,
                        row.operation_id.as_bytes(),
                        &row.payload,
                    )?,
                    intended_at: row.intended_at,
                };
                Ok(OpenIntent { connection, intent })
            })
            .collect()
    }
}
