//! Conflicts: fields that both sides changed, differently, and a person's answers to them.
//!
//! An answer is kept beside the link's sealed body, in a column that only `conflict_resolve` fills, so that a run that
//! settles the link at the same moment cannot overwrite it; `dirty` counts answers until a run has planned for them.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sqlx::FromRow;
use syncline_model::{
    Conflict, ConflictId, ConflictStatus, ConnectionId, EntryKey, LinkId, RunId, Side, Sides, Value,
};
use uuid::Uuid;

use crate::bulk::bulk;
use crate::db::{execute, fetch_all, fetch_optional, page, transaction};
use crate::history::{from_word, word};
use crate::seal::{CONFLICT_VALUES, row_key};
use crate::staged::side_of;
use crate::statement::statements;
use crate::{Result, Scope, StoreError, connections};

macro_rules! conflict_select {
    () => {
        "select id, connection_id, run_id, link_id, entry, pair_values, winner, status, at from conflicts
         where tenant_id = $1 "
    };
}

statements! {
    Tenant CONFLICT_GET = concat!(conflict_select!(), "and id = $2");
    Tenant CONFLICT_LIST = concat!(conflict_select!(), "and connection_id = $2
        and (cast($3 as text) is null or status = $3) and id < $4 order by id desc limit cast($5 as bigint)");
    Tenant CONFLICT_RESOLVE = "update conflicts set status = 'resolved', winner = $3
        where tenant_id = $1 and id = $2 and status = 'open'";
    Tenant LINK_ANSWERS = "select resolutions, dirty from links where tenant_id = $1 and id = $2";
    /// Compare-and-swap: two answers at once are both kept.
    Tenant LINK_ANSWER = "update links set resolutions = $3, dirty = dirty + 1
        where tenant_id = $1 and id = $2 and dirty = $4";
}

bulk! {
    /// A conflict, as written.
    ConflictWrite {
        id: Uuid,
        run: Uuid,
        link: Uuid,
        entry: String,
        values: Vec<u8>,
        winner: Option<&'static str>,
        status: String,
        at: DateTime<Utc>,
    }
}

bulk! {
    /// Names an open conflict that is none any more.
    ConflictName {
        link: Uuid,
        entry: String,
        winner: Option<&'static str>,
    }
}

#[derive(FromRow)]
struct ConflictRow {
    id: Uuid,
    connection_id: Uuid,
    run_id: Uuid,
    link_id: Uuid,
    entry: String,
    pair_values: Vec<u8>,
    winner: Option<String>,
    status: String,
    at: DateTime<Utc>,
}

/// An open conflict keeps its id while its values change, so its place is its link and entry.
fn place(connection: Uuid, link: Uuid, entry: &str) -> Vec<u8> {
    row_key(&[connection.as_bytes(), link.as_bytes(), entry.as_bytes()])
}

impl Scope {
    pub(crate) fn conflict_write(
        &self,
        connection: ConnectionId,
        conflict: &Conflict,
    ) -> Result<ConflictWrite> {
        let (link, entry) = (conflict.link.uuid(), conflict.entry.as_str());
        let place = place(connection.uuid(), link, entry);
        Ok(ConflictWrite {
            id: conflict.id.uuid(),
            run: conflict.run.uuid(),
            link,
            entry: entry.to_owned(),
            values: self.seal_json(CONFLICT_VALUES, &place, &conflict.values)?,
            winner: conflict.winner.map(Side::as_str),
            status: word(&conflict.status)?,
            at: conflict.at,
        })
    }

    fn conflict_read(&self, row: &ConflictRow) -> Result<Conflict> {
        let place = place(row.connection_id, row.link_id, &row.entry);
        let values: Sides<Value> = self.open_json(CONFLICT_VALUES, &place, &row.pair_values)?;
        Ok(Conflict {
            id: ConflictId::from_uuid(row.id),
            connection: ConnectionId::from_uuid(row.connection_id),
            run: RunId::from_uuid(row.run_id),
            link: LinkId::from_uuid(row.link_id),
            entry: entry_key(&row.entry)?,
            values,
            winner: row.winner.as_deref().map(side_of).transpose()?,
            status: from_word("conflict status", &row.status)?,
            at: row.at,
        })
    }

    /// A connection's conflicts, newest first.
    pub async fn conflict_list(
        &self,
        connection: ConnectionId,
        status: Option<ConflictStatus>,
        after: Option<ConflictId>,
        limit: u32,
    ) -> Result<Vec<Conflict>> {
        let status = status.map(|status| word(&status)).transpose()?;
        let before = after.map_or(Uuid::max(), ConflictId::uuid);
        let rows = transaction!(self.read_one(), tx => {
            fetch_all!(tx, ConflictRow, CONFLICT_LIST, self.id(), connection.uuid(), &status, before, page(limit))
        })?;
        rows.into_iter()
            .map(|row| self.conflict_read(&row))
            .collect()
    }

    /// One conflict.
    pub async fn conflict_get(&self, id: ConflictId) -> Result<Conflict> {
        let row = transaction!(self.read_one(), tx => {
            fetch_optional!(tx, ConflictRow, CONFLICT_GET, self.id(), id.uuid())
        })?;
        self.conflict_read(&row.ok_or(StoreError::NotFound)?)
    }

    /// A person's answer to an open conflict: the next run, which is due at once, plans the link again with it
    /// (`links_dirty`). `Conflict { "conflict is not open" }` otherwise.
    pub async fn conflict_resolve(
        &self,
        id: ConflictId,
        winner: Side,
        now: DateTime<Utc>,
    ) -> Result<Conflict> {
        let row = transaction!(self.write(), tx => {
            let resolved = execute!(tx, CONFLICT_RESOLVE, self.id(), id.uuid(), winner.as_str())?;
            let row = fetch_optional!(tx, ConflictRow, CONFLICT_GET, self.id(), id.uuid())?
                .ok_or(StoreError::NotFound)?;
            if resolved == 0 {
                return Err(StoreError::Conflict { what: "conflict is not open" });
            }
            let link = fetch_optional!(tx, (String, i64), LINK_ANSWERS, self.id(), row.link_id)?;
            if let Some((answers, mark)) = link {
                let mut answers: BTreeMap<EntryKey, Side> = serde_json::from_str(&answers)?;
                answers.insert(entry_key(&row.entry)?, winner);
                let answers = serde_json::to_string(&answers)?;
                if execute!(tx, LINK_ANSWER, self.id(), row.link_id, &answers, mark)? == 0 {
                    return Err(StoreError::Conflict { what: "link is being changed" });
                }
            }
            connections::soon(tx, self, ConnectionId::from_uuid(row.connection_id), now).await?;
            Ok(row)
        })?;
        self.conflict_read(&row)
    }
}

fn entry_key(text: &str) -> Result<EntryKey> {
    from_word("entry", text)
}
