//! Links: read by id, by record, by page; written by `intend` and `settle`. A link belongs to the pair of accounts; that a
//! connection follows it, or that a side has left, is the connection's membership, which `settle` writes.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sqlx::FromRow;
use syncline_model::{
    ConnectionId, EntryKey, Link, LinkBody, LinkId, LinkState, PairId, RemoteId, Side, Sides,
    Version,
};
use uuid::Uuid;

use crate::bulk::bulk;
use crate::db::{Tx, fetch_all, fetch_listed, fetch_optional, page, transaction};
use crate::dialect::{
    LINK_UPSERT, LINKS_BY_A, LINKS_BY_B, LINKS_GET, LINKS_TRACED_A, LINKS_TRACED_B,
    link_seen_columns, link_seen_members, link_seen_select, link_select,
};
use crate::seal::LINK_BODY;
use crate::staged::{distinct, side_of};
use crate::statement::statements;
use crate::{DirtyLink, DirtyMark, LinkWord, Result, Scope, SeenLink, StoreError};

statements! {
    Tenant LINK_GET = concat!(link_select!(), "and id = $2");
    Tenant LINK_LIST = concat!(link_seen_select!(), "and m.link_id > $3
        and (cast($5 as text) is null
            or $5 = case when l.state = 'live' and (m.left_a or m.left_b) then 'frozen' else l.state end)
        order by m.link_id limit cast($4 as bigint)");
    Tenant LINKS_DIRTY = concat!(link_select!(), "and pair_id = $2 and id > $3 and dirty > 0 order by id limit cast($4 as bigint)");
    Tenant LINK_COUNT = "select count(*) from link_members m
        join links l on l.tenant_id = m.tenant_id and l.id = m.link_id
        where m.tenant_id = $1 and m.connection_id = $2 and not m.left_a and not m.left_b and l.state = 'live'";
    Tenant LINK_COUNT_PAIR = "select count(*) from links l
        join connections c on c.tenant_id = l.tenant_id and c.pair_id = l.pair_id
        where l.tenant_id = $1 and c.id = $2 and l.state = 'live'
            and not exists (select 1 from link_members m where m.tenant_id = l.tenant_id and m.connection_id = c.id)";
}

bulk! {
    /// A link, as written.
    LinkWrite {
        id: Uuid,
        pair: Uuid,
        a_remote: String,
        b_remote: String,
        a_version: Option<String>,
        b_version: Option<String>,
        a_modified_at: Option<DateTime<Utc>>,
        b_modified_at: Option<DateTime<Utc>>,
        state: &'static str,
        state_side: Option<&'static str>,
        body: Vec<u8>,
    }
}

#[derive(FromRow)]
pub(crate) struct LinkRow {
    id: Uuid,
    pair_id: Uuid,
    a_remote: String,
    b_remote: String,
    a_version: Option<String>,
    b_version: Option<String>,
    a_modified_at: Option<DateTime<Utc>>,
    b_modified_at: Option<DateTime<Utc>>,
    state: String,
    state_side: Option<String>,
    body: Vec<u8>,
    resolutions: String,
    dirty: i64,
}

#[derive(FromRow)]
struct SeenRow {
    #[sqlx(flatten)]
    link: LinkRow,
    left_a: Option<bool>,
    left_b: Option<bool>,
    elsewhere: bool,
}

/// A link, and the record by which it was asked for.
#[derive(FromRow)]
struct TracedRow {
    #[sqlx(flatten)]
    seen: SeenRow,
    asked: String,
}

/// Writes links inside a transaction. One that comes twice is written as it comes last.
pub(crate) async fn links_write(tx: &mut Tx, scope: &Scope, rows: &[LinkWrite]) -> Result<()> {
    LinkWrite::execute(tx, LINK_UPSERT, &[scope.id()], rows)
        .await
        .map_err(|error| error.or_conflict("link: a record has another link already"))?;
    Ok(())
}

impl Scope {
    pub(crate) fn link_writes(&self, links: &[Link]) -> Result<Vec<LinkWrite>> {
        let latest: BTreeMap<LinkId, &Link> = links.iter().map(|link| (link.id, link)).collect();
        latest
            .into_values()
            .map(|link| self.link_write(link))
            .collect()
    }

    fn link_write(&self, link: &Link) -> Result<LinkWrite> {
        let version = |side| {
            let version: &Option<Version> = link.version.get(side);
            version.as_ref().map(|v| v.as_str().to_owned())
        };
        let body = LinkBody {
            resolutions: BTreeMap::new(),
            ..link.body.clone()
        };
        let state = match link.state {
            LinkState::Frozen { .. } => LinkState::Live,
            state => state,
        };
        Ok(LinkWrite {
            id: link.id.uuid(),
            pair: link.pair.uuid(),
            a_remote: link.remote.a.as_str().to_owned(),
            b_remote: link.remote.b.as_str().to_owned(),
            a_version: version(Side::A),
            b_version: version(Side::B),
            a_modified_at: link.modified_at.a,
            b_modified_at: link.modified_at.b,
            state: state.as_str(),
            state_side: state.side().map(Side::as_str),
            body: self.seal_json(LINK_BODY, link.id.uuid().as_bytes(), &body)?,
        })
    }

    fn link_read(&self, row: LinkRow) -> Result<DirtyLink> {
        let mut body: LinkBody = self.open_json(LINK_BODY, row.id.as_bytes(), &row.body)?;
        body.resolutions = serde_json::from_str::<BTreeMap<EntryKey, Side>>(&row.resolutions)?;
        let state_side = row.state_side.as_deref().map(side_of).transpose()?;
        let id = LinkId::from_uuid(row.id);
        Ok(DirtyLink {
            mark: DirtyMark {
                link: id,
                mark: row.dirty,
            },
            link: Link {
                id,
                pair: PairId::from_uuid(row.pair_id),
                remote: Sides {
                    a: RemoteId::new(row.a_remote),
                    b: RemoteId::new(row.b_remote),
                },
                version: Sides {
                    a: row.a_version.map(Version::new),
                    b: row.b_version.map(Version::new),
                },
                modified_at: Sides {
                    a: row.a_modified_at,
                    b: row.b_modified_at,
                },
                state: LinkState::from_parts(&row.state, state_side)
                    .ok_or_else(|| StoreError::word("link state", &row.state))?,
                body,
            },
        })
    }

    fn link_seen(&self, row: SeenRow) -> Result<SeenLink> {
        let left = row.left_a.zip(row.left_b).map(|(a, b)| Sides { a, b });
        let mut link = self.link_read(row.link)?.link;
        let gone = |side: &Side| left.as_ref().is_some_and(|left| *left.get(*side));
        if let (LinkState::Live, Some(left)) = (link.state, Side::BOTH.into_iter().find(gone)) {
            link.state = LinkState::Frozen { left };
        }
        Ok(SeenLink {
            link,
            left,
            elsewhere: row.elsewhere,
        })
    }

    fn link_read_all(&self, rows: Vec<LinkRow>) -> Result<Vec<Link>> {
        rows.into_iter()
            .map(|row| self.link_read(row).map(|dirty| dirty.link))
            .collect()
    }

    /// The pair's links of these records, in any state, as the connection sees them; a record without one is left out.
    /// In no order.
    pub async fn links_by_remote(
        &self,
        connection: ConnectionId,
        pair: PairId,
        side: Side,
        remotes: &[RemoteId],
    ) -> Result<Vec<SeenLink>> {
        if remotes.is_empty() {
            return Ok(Vec::new());
        }
        let statement = match side {
            Side::A => LINKS_BY_A,
            Side::B => LINKS_BY_B,
        };
        let ids = distinct(remotes);
        let rows = transaction!(self.read_one(), tx => {
            fetch_listed!(tx, SeenRow, statement, [self.id(), connection.uuid(), pair.uuid()], &ids)
        })?;
        rows.into_iter().map(|row| self.link_seen(row)).collect()
    }

    /// The pair's links of these records, or of those that they were made again as: each with the record that was asked
    /// for. In no order.
    pub async fn links_traced(
        &self,
        connection: ConnectionId,
        pair: PairId,
        side: Side,
        remotes: &[RemoteId],
    ) -> Result<Vec<(RemoteId, SeenLink)>> {
        if remotes.is_empty() {
            return Ok(Vec::new());
        }
        let statement = match side {
            Side::A => LINKS_TRACED_A,
            Side::B => LINKS_TRACED_B,
        };
        let ids = distinct(remotes);
        let rows = transaction!(self.read_one(), tx => {
            fetch_listed!(tx, TracedRow, statement, [self.id(), connection.uuid(), pair.uuid()], &ids)
        })?;
        rows.into_iter()
            .map(|row| Ok((RemoteId::new(row.asked), self.link_seen(row.seen)?)))
            .collect()
    }

    /// Links by id, as the pair knows them; those that are not there are left out. In no order.
    pub async fn links_get(&self, ids: &[LinkId]) -> Result<Vec<Link>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
        let rows = transaction!(self.read_one(), tx => {
            fetch_listed!(tx, LinkRow, LINKS_GET, [self.id()], &ids)
        })?;
        self.link_read_all(rows)
    }

    /// One link, as the pair knows it.
    pub async fn link_get(&self, id: LinkId) -> Result<Link> {
        let row = transaction!(self.read_one(), tx => {
            fetch_optional!(tx, LinkRow, LINK_GET, self.id(), id.uuid())
        })?;
        Ok(self.link_read(row.ok_or(StoreError::NotFound)?)?.link)
    }

    /// The links that a connection has had to do with, in one state or in any, in the order of their ids.
    pub async fn link_list(
        &self,
        connection: ConnectionId,
        state: Option<LinkWord>,
        after: Option<LinkId>,
        limit: u32,
    ) -> Result<Vec<Link>> {
        let after = after.map_or(Uuid::nil(), LinkId::uuid);
        let state = state.map(LinkWord::as_str);
        let rows = transaction!(self.read_one(), tx => {
            fetch_all!(tx, SeenRow, LINK_LIST, self.id(), connection.uuid(), after, page(limit), state)
        })?;
        rows.into_iter()
            .map(|row| Ok(self.link_seen(row)?.link))
            .collect()
    }

    /// How many live links a connection follows.
    pub async fn link_count(&self, connection: ConnectionId) -> Result<u64> {
        let row = transaction!(self.read_one(), tx => {
            fetch_optional!(tx, (i64,), LINK_COUNT, self.id(), connection.uuid())
        })?;
        Ok(row.map_or(0, |(count,)| count.unsigned_abs()))
    }

    /// Against how many links a connection's guards measure: those that it follows, or all of its pair while it has not
    /// had to do with any.
    pub async fn link_count_guarded(&self, connection: ConnectionId) -> Result<u64> {
        let (own, pair) = transaction!(self.read(), tx => {
            let own = fetch_optional!(tx, (i64,), LINK_COUNT, self.id(), connection.uuid())?;
            let pair = fetch_optional!(tx, (i64,), LINK_COUNT_PAIR, self.id(), connection.uuid())?;
            Ok((own, pair))
        })?;
        let count = |row: Option<(i64,)>| row.map_or(0, |(count,)| count.unsigned_abs());
        Ok(count(own).max(count(pair)))
    }

    /// Links for which a person's answer waits to be planned, in the order of their ids.
    pub async fn links_dirty(
        &self,
        pair: PairId,
        after: Option<LinkId>,
        limit: u32,
    ) -> Result<Vec<DirtyLink>> {
        let after = after.map_or(Uuid::nil(), LinkId::uuid);
        let rows = transaction!(self.read_one(), tx => {
            fetch_all!(tx, LinkRow, LINKS_DIRTY, self.id(), pair.uuid(), after, page(limit))
        })?;
        rows.into_iter().map(|row| self.link_read(row)).collect()
    }
}
