//! Staged records: what pulls brought, until plans have dealt with it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use syncline_model::{ConnectionId, Counters, RemoteId, Review, Side, Version};

use crate::bulk::bulk;
use crate::db::{Tx, execute, fetch_all, fetch_listed, page, transaction};
use crate::dialect::{
    REVIEWS_OF, STAGED_GET, STAGED_KEYS_DELETE, STAGED_KEYS_INSERT, STAGED_MATCHES,
    STAGED_PHASE_SET, STAGED_UPSERT, staged_select,
};
use crate::leases::checkpoint;
use crate::reviews::ReviewRow;
use crate::seal::{STAGED_BODY, row_key};
use crate::statement::statements;
use crate::{
    BESIDE, CandidateQuery, Candidates, GoneWhy, Lease, Phase, Place, Result, Scope, Staged,
    StagedCounts, StagedPhase, StagedState, StoreError,
};

statements! {
    Tenant STAGED_PENDING = concat!(staged_select!(), "and phase = 'pending' and (side, remote_id) > ($3, $4)
        order by side, remote_id limit cast($5 as bigint)");
    /// The same, of those that are gone.
    Tenant STAGED_PENDING_GONE = concat!(staged_select!(), "and phase = 'pending' and gone is not null
        and (side, remote_id) > ($3, $4) order by side, remote_id limit cast($5 as bigint)");
    /// The same, with what guards hold.
    Tenant STAGED_PENDING_OR_HELD = concat!(staged_select!(), "and phase in ('pending', 'held')
        and (side, remote_id) > ($3, $4) order by side, remote_id limit cast($5 as bigint)");
    /// $3 phase, which the index needs to be told of twice; strictly after a place in the line.
    Tenant STAGED_OVER = concat!(staged_select!(), "and phase = $3 and phase in ('over_a', 'over_b') and (retry_at, side, remote_id) > ($4, $5, $6)
        order by retry_at, side, remote_id limit cast($7 as bigint)");
    /// $3: what stands for "since when" of a record whose partner is counted.
    Tenant STAGED_COUNTS = "select side, phase, count(*), count(gone), count(case when retry_at < $3 then 1 end)
        from staged where tenant_id = $1 and connection_id = $2 group by side, phase";
    /// Who waits for a run that may write more keeps the place in the line.
    Tenant STAGED_REQUEUE = "update staged set phase = 'pending',
            retry_at = case when phase in ('over_a', 'over_b') then retry_at end
        where tenant_id = $1 and connection_id = $2 and phase in ('known', 'waiting', 'over_a', 'over_b')";
    Tenant STAGED_REQUEUE_OVER = "update staged set phase = 'pending'
        where tenant_id = $1 and connection_id = $2 and phase in ('over_a', 'over_b')";
    Tenant STAGED_UNHOLD = "update staged set phase = 'pending'
        where tenant_id = $1 and connection_id = $2 and phase = 'held'";
    Tenant STAGED_WAKE = "update staged set phase = 'pending', retry_at = null
        where tenant_id = $1 and connection_id = $2 and phase = 'waiting' and retry_at <= $3";
    /// $6: what to make of links that the connection has not had to do with yet.
    Tenant STAGED_ABSENT_A = "select l.a_remote from links l
        join connections c on c.tenant_id = l.tenant_id and c.pair_id = l.pair_id
        left join link_members m on m.tenant_id = l.tenant_id and m.connection_id = c.id and m.link_id = l.id
        where l.tenant_id = $1 and c.id = $2 and l.a_remote > $4
            and (l.state = 'live' or (l.state = 'severed' and l.state_side = 'b'))
            and not coalesce(m.left_a, not $6) and not exists (select 1 from staged s where s.tenant_id = l.tenant_id and s.connection_id = c.id
                and s.side = 'a' and s.remote_id = l.a_remote and s.listing = $3)
        order by l.a_remote limit cast($5 as bigint)";
    Tenant STAGED_ABSENT_B = "select l.b_remote from links l
        join connections c on c.tenant_id = l.tenant_id and c.pair_id = l.pair_id
        left join link_members m on m.tenant_id = l.tenant_id and m.connection_id = c.id and m.link_id = l.id
        where l.tenant_id = $1 and c.id = $2 and l.b_remote > $4
            and (l.state = 'live' or (l.state = 'severed' and l.state_side = 'a'))
            and not coalesce(m.left_b, not $6) and not exists (select 1 from staged s where s.tenant_id = l.tenant_id and s.connection_id = c.id
                and s.side = 'b' and s.remote_id = l.b_remote and s.listing = $3)
        order by l.b_remote limit cast($5 as bigint)";
    /// Evidence that a record is gone stays.
    Tenant STAGED_FORGET_UNSEEN = "delete from staged
        where tenant_id = $1 and connection_id = $2 and side = $3 and gone is null
            and (listing is null or listing <> $4)";
}

bulk! {
    /// A staged record, as written.
    StagedWrite {
        side: &'static str,
        remote: String,
        version: Option<String>,
        gone: Option<&'static str>,
        content: Vec<u8>,
        body: Vec<u8>,
        phase: &'static str,
        retry_at: Option<DateTime<Utc>>,
        listing: Option<i64>,
    }
}

bulk! {
    /// A hashed match key, as written.
    KeyWrite {
        side: &'static str,
        remote: String,
        hash: Vec<u8>,
        rank: i32,
    }
}

bulk! {
    /// Names a staged record.
    StagedName {
        side: &'static str,
        remote: String,
    }
}

bulk! {
    /// A staged record's new phase.
    PhaseWrite {
        side: &'static str,
        remote: String,
        phase: &'static str,
        retry_at: Option<DateTime<Utc>>,
    }
}

/// What is sealed of a staged record.
#[derive(Serialize, Deserialize)]
struct Body {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    modified_at: Option<DateTime<Utc>>,
    state: StagedState,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    former: Vec<RemoteId>,
}

#[derive(FromRow)]
struct StagedRow {
    side: String,
    remote_id: String,
    version: Option<String>,
    gone: Option<String>,
    body: Vec<u8>,
    phase: String,
    retry_at: Option<DateTime<Utc>>,
}

#[derive(FromRow)]
struct MatchRow {
    hash: Vec<u8>,
    rank: i32,
    remote_id: String,
}

/// The side stored under a word.
pub(crate) fn side_of(word: &str) -> Result<Side> {
    Side::BOTH
        .into_iter()
        .find(|side| side.as_str() == word)
        .ok_or_else(|| StoreError::word("side", word))
}

fn place(connection: ConnectionId, side: Side, remote: &str) -> Vec<u8> {
    row_key(&[
        connection.uuid().as_bytes(),
        side.as_str().as_bytes(),
        remote.as_bytes(),
    ])
}

/// Ids as bound: each once.
pub(crate) fn distinct(remotes: &[RemoteId]) -> Vec<String> {
    let ids: BTreeSet<&str> = remotes.iter().map(RemoteId::as_str).collect();
    ids.into_iter().map(str::to_owned).collect()
}

pub(crate) fn names(records: &[(Side, RemoteId)]) -> Vec<StagedName> {
    records
        .iter()
        .map(|(side, remote)| StagedName {
            side: side.as_str(),
            remote: remote.as_str().to_owned(),
        })
        .collect()
}

/// Records on their way into staged rows.
pub(crate) struct Staging {
    rows: Vec<StagedWrite>,
    keys: Vec<KeyWrite>,
    named: Vec<StagedName>,
}

impl Staging {
    /// Writes them, inside a transaction that holds the run's lock.
    pub(crate) async fn write(&self, tx: &mut Tx, common: &[uuid::Uuid; 2]) -> Result<()> {
        StagedWrite::execute(tx, STAGED_UPSERT, common, &self.rows).await?;
        StagedName::execute(tx, STAGED_KEYS_DELETE, common, &self.named).await?;
        KeyWrite::execute(tx, STAGED_KEYS_INSERT, common, &self.keys).await?;
        Ok(())
    }
}

pub(crate) async fn phases_write(
    tx: &mut Tx,
    scope: &Scope,
    connection: ConnectionId,
    phases: &[StagedPhase],
) -> Result<()> {
    let rows: Vec<_> = phases
        .iter()
        .map(|item| PhaseWrite {
            side: item.side.as_str(),
            remote: item.remote.as_str().to_owned(),
            phase: item.phase.as_str(),
            retry_at: item.retry_at,
        })
        .collect();
    let common = [scope.id(), connection.uuid()];
    PhaseWrite::execute(tx, STAGED_PHASE_SET, &common, &rows).await?;
    Ok(())
}

/// `known` and `waiting` records, and those over the limit, are planned again. How many.
pub(crate) async fn requeue(tx: &mut Tx, scope: &Scope, connection: ConnectionId) -> Result<u64> {
    execute!(tx, STAGED_REQUEUE, scope.id(), connection.uuid())
}

/// Records over the limit are planned again, and guards look at what becomes of them. How many.
pub(crate) async fn requeue_over(
    tx: &mut Tx,
    scope: &Scope,
    connection: ConnectionId,
) -> Result<u64> {
    execute!(tx, STAGED_REQUEUE_OVER, scope.id(), connection.uuid())
}

/// Drops present records of a side that a complete listing of it did not stage. How many.
pub(crate) async fn forget_unseen(
    tx: &mut Tx,
    scope: &Scope,
    connection: ConnectionId,
    side: Side,
    listing: i64,
) -> Result<u64> {
    execute!(
        tx,
        STAGED_FORGET_UNSEEN,
        scope.id(),
        connection.uuid(),
        side.as_str(),
        listing
    )
}

/// What guards held is planned again. How many.
pub(crate) async fn unhold(tx: &mut Tx, scope: &Scope, connection: ConnectionId) -> Result<u64> {
    execute!(tx, STAGED_UNHOLD, scope.id(), connection.uuid())
}

/// Those who have a key that not too many have.
fn telling(
    matches: &[MatchRow],
    by_hash: &HashMap<Vec<u8>, &String>,
    most: fn(&str) -> usize,
) -> Vec<String> {
    let mut holders: HashMap<&[u8], usize> = HashMap::new();
    for found in matches {
        *holders.entry(&found.hash).or_default() += 1;
    }
    let tells = |found: &&MatchRow| {
        let (key, holders) = (by_hash.get(&found.hash), holders.get(found.hash.as_slice()));
        key.zip(holders)
            .is_some_and(|(key, holders)| *holders <= most(key))
    };
    let found = matches.iter().filter(tells);
    let ids: BTreeSet<String> = found.map(|found| found.remote_id.clone()).collect();
    ids.into_iter().collect()
}

impl Scope {
    /// Keeps a page of a pull, the worker's notes (with the place of the next page) and the `pulled` counter, in one
    /// transaction. `listing` marks rows that belong to a listing of everything. If a record comes twice in `items`,
    /// the later one counts. An unchanged record (version, fields, former ids) keeps its phase.
    pub async fn stage_page(
        &self,
        lease: &Lease,
        listing: Option<i64>,
        items: &[Staged],
        progress: &serde_json::Value,
    ) -> Result<()> {
        if items.is_empty() {
            return self.run_note(lease, progress).await;
        }
        let page = self.staging(lease.connection, listing, items)?;
        let pulled = Counters {
            pulled: items.len() as u64,
            ..Counters::default()
        };
        let common = [self.id(), lease.connection.uuid()];
        transaction!(self.write(), tx => {
            let counters = self.fence(tx, lease).await?;
            page.write(tx, &common).await?;
            checkpoint(tx, lease, counters, &pulled, progress).await
        })
    }

    /// What staging some records writes; the last one of several with the same id counts.
    pub(crate) fn staging(
        &self,
        connection: ConnectionId,
        listing: Option<i64>,
        items: &[Staged],
    ) -> Result<Staging> {
        let latest: BTreeMap<(Side, &RemoteId), &Staged> = items
            .iter()
            .map(|item| ((item.side, &item.remote), item))
            .collect();
        let mut staging = Staging {
            rows: Vec::with_capacity(latest.len()),
            keys: Vec::with_capacity(latest.len() * 2),
            named: Vec::new(),
        };
        let mut named = Vec::with_capacity(latest.len());
        for item in latest.values() {
            staging
                .rows
                .push(self.staged_write(connection, listing, item)?);
            staging.keys.extend(self.key_writes(connection, item));
            named.push((item.side, item.remote.clone()));
        }
        staging.named = names(&named);
        Ok(staging)
    }

    fn staged_write(
        &self,
        connection: ConnectionId,
        listing: Option<i64>,
        item: &Staged,
    ) -> Result<StagedWrite> {
        let remote = item.remote.as_str();
        let content = serde_json::to_string(&(&item.version, &item.state, &item.former))?;
        let body = Body {
            modified_at: item.modified_at,
            state: item.state.clone(),
            former: item.former.clone(),
        };
        Ok(StagedWrite {
            side: item.side.as_str(),
            remote: remote.to_owned(),
            version: item.version.as_ref().map(|v| v.as_str().to_owned()),
            gone: match item.state {
                StagedState::Present { .. } => None,
                StagedState::Gone { why } => Some(why.as_str()),
            },
            content: self.key.match_hash(b"staged content", &content).to_vec(),
            body: self.seal_json(STAGED_BODY, &place(connection, item.side, remote), &body)?,
            phase: item.phase.as_str(),
            retry_at: item.retry_at,
            listing,
        })
    }

    fn key_writes(&self, connection: ConnectionId, item: &Staged) -> Vec<KeyWrite> {
        let mut seen = BTreeSet::new();
        item.keys
            .iter()
            .enumerate()
            .filter(|(_, key)| seen.insert(key.as_str()))
            .map(|(rank, key)| KeyWrite {
                side: item.side.as_str(),
                remote: item.remote.as_str().to_owned(),
                hash: self.key_hash(connection, key),
                rank: i32::try_from(rank).unwrap_or(i32::MAX),
            })
            .collect()
    }

    fn key_hash(&self, connection: ConnectionId, key: &str) -> Vec<u8> {
        self.key
            .match_hash(connection.uuid().as_bytes(), key)
            .to_vec()
    }

    fn staged_read(&self, connection: ConnectionId, row: StagedRow) -> Result<Staged> {
        let side = side_of(&row.side)?;
        let body: Body = self.open_json(
            STAGED_BODY,
            &place(connection, side, &row.remote_id),
            &row.body,
        )?;
        let gone = row.gone.as_deref().map(GoneWhy::parse);
        if gone.is_some() != matches!(body.state, StagedState::Gone { .. }) {
            return Err(StoreError::Corrupt(
                "staged.gone is not what was sealed".to_owned(),
            ));
        }
        Ok(Staged {
            side,
            remote: RemoteId::new(row.remote_id),
            version: row.version.map(Version::new),
            modified_at: body.modified_at,
            state: body.state,
            former: body.former,
            keys: Vec::new(),
            phase: Phase::parse(&row.phase).ok_or_else(|| StoreError::word("phase", &row.phase))?,
            retry_at: row.retry_at,
        })
    }

    fn staged_read_all(
        &self,
        connection: ConnectionId,
        rows: Vec<StagedRow>,
    ) -> Result<Vec<Staged>> {
        rows.into_iter()
            .map(|row| self.staged_read(connection, row))
            .collect()
    }

    /// Records to be planned, by side and id, strictly after `after`.
    pub async fn staged_pending(
        &self,
        connection: ConnectionId,
        after: Option<&(Side, RemoteId)>,
        limit: u32,
    ) -> Result<Vec<Staged>> {
        let (side, remote) =
            after.map_or(("", ""), |(side, remote)| (side.as_str(), remote.as_str()));
        let rows = transaction!(self.read_one(), tx => {
            fetch_all!(tx, StagedRow, STAGED_PENDING, self.id(), connection.uuid(), side, remote, page(limit))
        })?;
        self.staged_read_all(connection, rows)
    }

    /// As `staged_pending`, of those that are gone.
    pub async fn staged_pending_gone(
        &self,
        connection: ConnectionId,
        after: Option<&(Side, RemoteId)>,
        limit: u32,
    ) -> Result<Vec<Staged>> {
        let (side, remote) =
            after.map_or(("", ""), |(side, remote)| (side.as_str(), remote.as_str()));
        let rows = transaction!(self.read_one(), tx => {
            fetch_all!(tx, StagedRow, STAGED_PENDING_GONE, self.id(), connection.uuid(), side, remote, page(limit))
        })?;
        self.staged_read_all(connection, rows)
    }

    /// As `staged_pending`, with the records that guards hold: all that a plan of the whole would be about.
    pub async fn staged_pending_or_held(
        &self,
        connection: ConnectionId,
        after: Option<&(Side, RemoteId)>,
        limit: u32,
    ) -> Result<Vec<Staged>> {
        let (side, remote) =
            after.map_or(("", ""), |(side, remote)| (side.as_str(), remote.as_str()));
        let rows = transaction!(self.read_one(), tx => {
            fetch_all!(tx, StagedRow, STAGED_PENDING_OR_HELD, self.id(), connection.uuid(), side, remote, page(limit))
        })?;
        self.staged_read_all(connection, rows)
    }

    /// Records that wait for a run that may write one more on a side: those longest since first, strictly after `after`.
    pub async fn staged_over(
        &self,
        connection: ConnectionId,
        to: Side,
        after: Option<&Place>,
        limit: u32,
    ) -> Result<Vec<Staged>> {
        let first = (DateTime::UNIX_EPOCH, "", "");
        let (since, side, remote) = after.map_or(first, |(since, side, remote)| {
            (*since, side.as_str(), remote.as_str())
        });
        let phase = Phase::Over(to).as_str();
        let rows = transaction!(self.read_one(), tx => {
            fetch_all!(tx, StagedRow, STAGED_OVER, self.id(), connection.uuid(), phase, since, side, remote,
                page(limit))
        })?;
        self.staged_read_all(connection, rows)
    }

    /// No guard holds anything any more: what was held is pending. How many.
    pub async fn staged_unhold(&self, lease: &Lease) -> Result<u64> {
        transaction!(self.write(), tx => {
            self.fence(tx, lease).await?;
            unhold(tx, self, lease.connection).await
        })
    }

    /// Staged records by id; those that are not staged are left out. In no order.
    pub async fn staged_get(
        &self,
        connection: ConnectionId,
        side: Side,
        remotes: &[RemoteId],
    ) -> Result<Vec<Staged>> {
        if remotes.is_empty() {
            return Ok(Vec::new());
        }
        let ids = distinct(remotes);
        let rows = transaction!(self.read_one(), tx => {
            fetch_listed!(tx, StagedRow, STAGED_GET, [self.id(), connection.uuid(), side.as_str()], &ids)
        })?;
        self.staged_read_all(connection, rows)
    }

    /// Present staged records that have one of the match keys, in any phase, with what people said about them and about
    /// those who asked.
    pub async fn staged_candidates(&self, query: CandidateQuery<'_>) -> Result<Candidates> {
        let CandidateQuery {
            connection,
            pair,
            side,
            keys,
            ids,
            most,
        } = query;
        if keys.is_empty() {
            return Ok(Candidates::default());
        }
        let by_hash: HashMap<Vec<u8>, &String> = keys
            .iter()
            .map(|key| (self.key_hash(connection, key), key))
            .collect();
        let hashes: Vec<Vec<u8>> = by_hash.keys().cloned().collect();
        let (matches, rows, reviews) = transaction!(self.read(), tx => {
            let matches = fetch_listed!(tx, MatchRow, STAGED_MATCHES,
                [self.id(), connection.uuid(), side.as_str()], &hashes)?;
            let found = telling(&matches, &by_hash, most);
            let rows = fetch_listed!(tx, StagedRow, STAGED_GET, [self.id(), connection.uuid(), side.as_str()], &found)?;
            let mut asked = distinct(ids);
            asked.extend(found);
            let reviews = fetch_listed!(tx, ReviewRow, REVIEWS_OF, [self.id(), pair.uuid(), side.as_str()], &asked)?;
            Ok((matches, rows, reviews))
        })?;
        Ok(Candidates {
            matches: matches
                .into_iter()
                .filter_map(|found| {
                    let key = by_hash.get(&found.hash)?;
                    Some(((*key).clone(), found.rank, RemoteId::new(found.remote_id)))
                })
                .collect(),
            rows: self.staged_read_all(connection, rows)?,
            reviews: reviews
                .into_iter()
                .map(Review::try_from)
                .collect::<Result<_>>()?,
        })
    }

    /// How many records are staged, by phase.
    pub async fn staged_counts(&self, connection: ConnectionId) -> Result<StagedCounts> {
        let rows = transaction!(self.read_one(), tx => {
            fetch_all!(tx, (String, String, i64, i64, i64), STAGED_COUNTS, self.id(), connection.uuid(), BESIDE)
        })?;
        let mut counts = StagedCounts::default();
        for (side, phase, all, gone, counted) in rows {
            let (side, all) = (side_of(&side)?, all.unsigned_abs());
            match Phase::parse(&phase).ok_or_else(|| StoreError::word("phase", &phase))? {
                Phase::Pending => {
                    *counts.pending.get_mut(side) = all;
                    *counts.gone.get_mut(side) = gone.unsigned_abs();
                }
                Phase::Known => *counts.known.get_mut(side) = all,
                Phase::Held => counts.held += all,
                Phase::Waiting => {
                    counts.waiting += all;
                    counts.retrying += counted.unsigned_abs();
                }
                Phase::Over(to) => *counts.over.get_mut(to) += counted.unsigned_abs(),
            }
        }
        Ok(counts)
    }

    /// Moves staged records to other phases.
    pub async fn staged_phase_set(&self, lease: &Lease, phases: &[StagedPhase]) -> Result<()> {
        transaction!(self.write(), tx => {
            self.fence(tx, lease).await?;
            phases_write(tx, self, lease.connection, phases).await
        })
    }

    /// When rules, mapping or direction changed: `known` and `waiting` records, and those over the limit, are planned
    /// again. How many.
    pub async fn staged_requeue_all(&self, connection: ConnectionId) -> Result<u64> {
        transaction!(self.write(), tx => {
            requeue(tx, self, connection).await
        })
    }

    /// `waiting` records whose `retry_at` has come are planned again. How many.
    pub async fn staged_wake(&self, connection: ConnectionId, now: DateTime<Utc>) -> Result<u64> {
        transaction!(self.write_one(), tx => {
            execute!(tx, STAGED_WAKE, self.id(), connection.uuid(), now)
        })
    }

    /// Linked records that a complete listing of their side did not stage: to be confirmed by a direct read, never to be
    /// taken for deleted. Only of links that the connection follows, or would if the other side's record came back, and
    /// whose record has not left on this side;
    /// `everything`: also of those that it has not had to do with yet, since no record can be outside its collection.
    /// In the order of ids, strictly after `after`.
    pub async fn staged_absent(
        &self,
        connection: ConnectionId,
        side: Side,
        listing: i64,
        everything: bool,
        after: Option<&RemoteId>,
        limit: u32,
    ) -> Result<Vec<RemoteId>> {
        let statement = match side {
            Side::A => STAGED_ABSENT_A,
            Side::B => STAGED_ABSENT_B,
        };
        let after = after.map_or("", RemoteId::as_str);
        let rows = transaction!(self.read_one(), tx => {
            fetch_all!(tx, (String,), statement, self.id(), connection.uuid(), listing, after, page(limit), everything)
        })?;
        Ok(rows.into_iter().map(|(id,)| RemoteId::new(id)).collect())
    }
}
