//! History: the changes that runs made, per run and per link.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::FromRow;
use syncline_model::{HistoryEntry, LinkId, RemoteId, RunId};
use uuid::Uuid;

use crate::bulk::bulk;
use crate::db::{fetch_all, page, transaction};
use crate::seal::{HISTORY_FIELDS, row_key};
use crate::staged::side_of;
use crate::statement::statements;
use crate::{HistoryRow, Result, Scope, StoreError};

statements! {
    Tenant HISTORY_BY_RUN = "select seq, run_id, link_id, at, kind, side, remote_id, fields from history
        where tenant_id = $1 and run_id = $2 and seq > $3 order by seq limit cast($4 as bigint)";
    Tenant HISTORY_BY_LINK = "select seq, run_id, link_id, at, kind, side, remote_id, fields from history
        where tenant_id = $1 and link_id = $2 and seq < $3 order by seq desc limit cast($4 as bigint)";
}

bulk! {
    /// A history entry, as written.
    HistoryWrite {
        run: Uuid,
        link: Uuid,
        at: DateTime<Utc>,
        kind: String,
        side: &'static str,
        remote: String,
        fields: Vec<u8>,
    }
}

#[derive(FromRow)]
struct Row {
    seq: i64,
    run_id: Uuid,
    link_id: Uuid,
    at: DateTime<Utc>,
    kind: String,
    side: String,
    remote_id: String,
    fields: Vec<u8>,
}

/// The word under which a plain enum of the model is stored: the one it is serialised as.
pub(crate) fn word<T: Serialize>(value: &T) -> Result<String> {
    match serde_json::to_value(value)? {
        serde_json::Value::String(word) => Ok(word),
        other => Err(StoreError::Corrupt(format!("`{other}` is no word"))),
    }
}

/// The plain enum of the model stored under a word.
pub(crate) fn from_word<T: DeserializeOwned>(what: &str, word: &str) -> Result<T> {
    serde_json::from_value(serde_json::Value::from(word)).map_err(|_| StoreError::word(what, word))
}

/// A history row has no key before it is written: everything plain in it stands for one.
fn place(
    run: Uuid,
    link: Uuid,
    at: DateTime<Utc>,
    kind: &str,
    side: &str,
    remote: &str,
) -> Vec<u8> {
    row_key(&[
        run.as_bytes(),
        link.as_bytes(),
        &at.timestamp_micros().to_be_bytes(),
        kind.as_bytes(),
        side.as_bytes(),
        remote.as_bytes(),
    ])
}

impl Scope {
    pub(crate) fn history_write(&self, entry: &HistoryEntry) -> Result<HistoryWrite> {
        let (run, link) = (entry.run.uuid(), entry.link.uuid());
        let (kind, side) = (word(&entry.kind)?, entry.side.as_str());
        let place = place(run, link, entry.at, &kind, side, entry.remote.as_str());
        Ok(HistoryWrite {
            run,
            link,
            at: entry.at,
            kind,
            side,
            remote: entry.remote.as_str().to_owned(),
            fields: self.seal_json(HISTORY_FIELDS, &place, &entry.fields)?,
        })
    }

    fn history_read(&self, row: Row) -> Result<HistoryRow> {
        let place = place(
            row.run_id,
            row.link_id,
            row.at,
            &row.kind,
            &row.side,
            &row.remote_id,
        );
        Ok(HistoryRow {
            seq: row.seq,
            entry: HistoryEntry {
                run: RunId::from_uuid(row.run_id),
                link: LinkId::from_uuid(row.link_id),
                at: row.at,
                kind: from_word("change", &row.kind)?,
                side: side_of(&row.side)?,
                remote: RemoteId::new(row.remote_id),
                fields: self.open_json(HISTORY_FIELDS, &place, &row.fields)?,
            },
        })
    }

    /// What a run did, in order, strictly after `after`.
    pub async fn history_by_run(
        &self,
        run: RunId,
        after: Option<i64>,
        limit: u32,
    ) -> Result<Vec<HistoryRow>> {
        let rows = transaction!(self.read_one(), tx => {
            fetch_all!(tx, Row, HISTORY_BY_RUN, self.id(), run.uuid(), after.unwrap_or(0), page(limit))
        })?;
        rows.into_iter().map(|row| self.history_read(row)).collect()
    }

    /// What happened to a link, newest first; `after` is the last `seq` of the page before.
    pub async fn history_by_link(
        &self,
        link: LinkId,
        after: Option<i64>,
        limit: u32,
    ) -> Result<Vec<HistoryRow>> {
        let before = after.unwrap_or(i64::MAX);
        let rows = transaction!(self.read_one(), tx => {
            fetch_all!(tx, Row, HISTORY_BY_LINK, self.id(), link.uuid(), before, page(limit))
        })?;
        rows.into_iter().map(|row| self.history_read(row)).collect()
    }
}
