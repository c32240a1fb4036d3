//! Records that are not in step, as people see them: lists and numbers. What is in them is not opened.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sqlx::FromRow;
use syncline_model::{ConnectionId, ProblemReason, RemoteId, Side, Sides};

use crate::db::{Tx, fetch_all, fetch_optional, page, transaction};
use crate::history::from_word;
use crate::staged::side_of;
use crate::statement::statements;
use crate::{BESIDE, Phase, RecordAside, RecordCounts, RecordState, Result, Scope};

/// $3, $4: strictly after this record; $6: what stands for "since when" of a record that waits beside its partner.
macro_rules! record_list {
    ($condition:expr) => {
        concat!(
            "select s.side, s.remote_id, s.retry_at, s.phase from staged s
                where s.tenant_id = $1 and s.connection_id = $2 and ",
            $condition,
            " and (s.side, s.remote_id) > ($3, $4) and (s.retry_at is null or s.retry_at < $6)
                order by s.side, s.remote_id limit cast($5 as bigint)"
        )
    };
}

/// Judged, and no trouble: it takes no part.
macro_rules! excluded {
    () => {
        "s.phase = 'known' and s.gone is null and not exists (select 1 from problems p
            where p.tenant_id = s.tenant_id and p.connection_id = s.connection_id and p.side = s.side
                and p.remote_id = s.remote_id and p.status = 'open')"
    };
}

statements! {
    Tenant RECORDS_EXCLUDED = record_list!(excluded!());
    Tenant RECORDS_OVER = record_list!("s.phase in ('over_a', 'over_b')");
    Tenant RECORDS_RETRYING = record_list!("s.phase = 'waiting' and s.retry_at is not null");
    Tenant RECORDS_HELD = record_list!("s.phase = 'held'");
    Tenant RECORDS_EXCLUDED_COUNT = concat!("select s.side, count(*) from staged s
        where s.tenant_id = $1 and s.connection_id = $2 and ", excluded!(), " group by s.side");
    Tenant RECORDS_OVER_COUNT = "select phase, count(*) from staged
        where tenant_id = $1 and connection_id = $2 and phase in ('over_a', 'over_b') and retry_at < $3 group by phase";
    Tenant RECORDS_WAITING_COUNT = "select phase, count(*) from staged where tenant_id = $1 and connection_id = $2
        and (phase = 'held' or (phase = 'waiting' and retry_at is not null)) group by phase";
    Tenant PROBLEMS_COUNT = "select reason, count(*) from problems
        where tenant_id = $1 and connection_id = $2 and status = 'open' group by reason";
    Tenant CONFLICTS_COUNT = "select count(*) from conflicts
        where tenant_id = $1 and connection_id = $2 and status = 'open'";
    Tenant LINKS_COUNT = "select case when l.state = 'severed' then 'severed' when m.left_a or m.left_b then 'frozen' else 'live' end as word, count(*)
        from link_members m join links l on l.tenant_id = m.tenant_id and l.id = m.link_id
        where m.tenant_id = $1 and m.connection_id = $2 and l.state in ('live', 'severed') group by word";
}

#[derive(FromRow)]
struct RecordRow {
    side: String,
    remote_id: String,
    retry_at: Option<DateTime<Utc>>,
    phase: String,
}

/// How many records wait for a run that may write more, per side on which they do.
pub(crate) async fn over(tx: &mut Tx, scope: &Scope, id: ConnectionId) -> Result<Sides<u64>> {
    let rows = fetch_all!(
        tx,
        (String, i64),
        RECORDS_OVER_COUNT,
        scope.id(),
        id.uuid(),
        BESIDE
    )?;
    let mut counts = Sides::default();
    for (phase, count) in rows {
        if let Some(Phase::Over(to)) = Phase::parse(&phase) {
            *counts.get_mut(to) = count.unsigned_abs();
        }
    }
    Ok(counts)
}

impl Scope {
    /// A connection's records that are so, by side and id, strictly after one.
    pub async fn record_list(
        &self,
        connection: ConnectionId,
        state: RecordState,
        after: Option<&(Side, RemoteId)>,
        limit: u32,
    ) -> Result<Vec<RecordAside>> {
        let statement = match state {
            RecordState::Excluded => RECORDS_EXCLUDED,
            RecordState::WaitingForLimit => RECORDS_OVER,
            RecordState::WaitingForRetry => RECORDS_RETRYING,
            RecordState::Held => RECORDS_HELD,
        };
        let (side, remote) =
            after.map_or(("", ""), |(side, remote)| (side.as_str(), remote.as_str()));
        let rows = transaction!(self.read_one(), tx => {
            fetch_all!(tx, RecordRow, statement, self.id(), connection.uuid(), side, remote, page(limit), BESIDE)
        })?;
        let aside = |row: RecordRow| {
            let over = matches!(Phase::parse(&row.phase), Some(Phase::Over(_)));
            Ok(RecordAside {
                side: side_of(&row.side)?,
                remote: RemoteId::new(row.remote_id),
                since: row.retry_at.filter(|_| over),
                retry_at: row.retry_at.filter(|_| !over),
            })
        };
        rows.into_iter().map(aside).collect()
    }

    /// How many of a connection's records are in step, and how many are not and why, at one moment.
    pub async fn record_counts(&self, connection: ConnectionId) -> Result<RecordCounts> {
        let (tenant, id) = (self.id(), connection.uuid());
        let (links, excluded, over, waiting, problems, conflicts) = transaction!(self.read(), tx => {
            let links = fetch_all!(tx, (String, i64), LINKS_COUNT, tenant, id)?;
            let excluded = fetch_all!(tx, (String, i64), RECORDS_EXCLUDED_COUNT, tenant, id)?;
            let over = over(tx, self, connection).await?;
            let waiting = fetch_all!(tx, (String, i64), RECORDS_WAITING_COUNT, tenant, id)?;
            let problems = fetch_all!(tx, (String, i64), PROBLEMS_COUNT, tenant, id)?;
            let conflicts = fetch_optional!(tx, (i64,), CONFLICTS_COUNT, tenant, id)?;
            Ok((links, excluded, over, waiting, problems, conflicts))
        })?;
        let of = |rows: &[(String, i64)], word: &str| {
            let found = rows.iter().find(|(one, _)| one == word);
            found.map_or(0, |(_, count)| count.unsigned_abs())
        };
        let problems = problems.iter().map(|(reason, count)| {
            let reason = from_word("problem reason", reason)?;
            Ok((reason, count.unsigned_abs()))
        });
        Ok(RecordCounts {
            live: of(&links, "live"),
            frozen: of(&links, "frozen"),
            severed: of(&links, "severed"),
            excluded: Sides::of(|side| of(&excluded, side.as_str())),
            over,
            retrying: of(&waiting, "waiting"),
            held: of(&waiting, "held"),
            problems: problems.collect::<Result<BTreeMap<ProblemReason, u64>>>()?,
            conflicts: conflicts.map_or(0, |(count,)| count.unsigned_abs()),
        })
    }
}
