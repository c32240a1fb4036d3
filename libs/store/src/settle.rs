//! Settling: everything that became true, in one transaction with clearing the intents that said it would.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use syncline_model::seeded::{Bug, seeded};
use syncline_model::{ConflictStatus, ConnectionId, LinkId, OperationId, Problem, Side, Sides};
use uuid::Uuid;

use crate::bulk::bulk;
use crate::conflicts::{ConflictName, ConflictWrite};
use crate::db::{Tx, execute, fetch_all, transaction};
use crate::dialect::{
    CONFLICT_CLOSE, CONFLICT_UPSERT, HISTORY_INSERT, INTENT_DELETE, LINK_CLEAN, LINK_DELETE,
    MEMBER_UPSERT, PROBLEM_CLOSE_BULK, PROBLEM_UPSERT, STAGED_ANSWERED, STAGED_DELETE,
};
use crate::history::{HistoryWrite, word};
use crate::leases::count;
use crate::links::{LinkWrite, links_write};
use crate::problems::{ProblemName, ProblemWrite, problem_write};
use crate::staged::{StagedName, names, phases_write, side_of};
use crate::statement::statements;
use crate::{Lease, Membership, Result, Scope, Settlement};

statements! {
    Tenant DELETIONS_INSERT = "insert into deletions (tenant_id, connection_id, run_id, side, at, number)
        values ($1, $2, $3, $4, $5, $6)";
    Tenant DELETIONS_SINCE = "select side, cast(sum(number) as bigint) from deletions
        where tenant_id = $1 and connection_id = $2 and at >= $3 group by side";
}

bulk! {
    /// Names a row by its id.
    IdName { id: Uuid }
}

bulk! {
    /// Says up to which answer a link was planned.
    MarkWrite { id: Uuid, mark: i64 }
}

bulk! {
    /// A connection's membership of a link, as written.
    MemberWrite { link: Uuid, left_a: bool, left_b: bool }
}

/// A settlement as rows, sealed: made once, written as often as the transaction is tried.
struct Rows {
    links: Vec<LinkWrite>,
    members: Vec<MemberWrite>,
    links_removed: Vec<IdName>,
    links_cleaned: Vec<MarkWrite>,
    intents_cleared: Vec<IdName>,
    staged_removed: Vec<StagedName>,
    history: Vec<HistoryWrite>,
    conflicts: Vec<ConflictWrite>,
    conflicts_closed: Vec<ConflictName>,
    problems: Vec<ProblemWrite>,
    problems_closed: Vec<ProblemName>,
}

impl Scope {
    /// Writes what is now true, all or nothing. `Fenced` when the lease is lost; `Conflict` when a record would get a
    /// second link.
    pub async fn settle(&self, lease: &Lease, settlement: &Settlement) -> Result<()> {
        let rows = self.settlement_rows(lease.connection, settlement)?;
        let restaged = self.staging(lease.connection, None, &settlement.restaged)?;
        let common = [self.id(), lease.connection.uuid()];
        if seeded(Bug::TwoTransactions) {
            transaction!(self.write(), tx => {
                self.fence(tx, lease).await?;
                IdName::execute(tx, INTENT_DELETE, &[self.id(), lease.pair.uuid()], &rows.intents_cleared).await
            })?;
        }
        transaction!(self.write(), tx => {
            let counters = self.fence(tx, lease).await?;
            self.write_links(tx, lease, &rows).await?;
            IdName::execute(tx, INTENT_DELETE, &[self.id(), lease.pair.uuid()], &rows.intents_cleared).await?;
            StagedName::execute(tx, STAGED_DELETE, &common, &rows.staged_removed).await?;
            restaged.write(tx, &common).await?;
            phases_write(tx, self, lease.connection, &settlement.staged_phases).await?;
            ConflictName::execute(tx, CONFLICT_CLOSE, &common, &rows.conflicts_closed).await?;
            ConflictWrite::execute(tx, CONFLICT_UPSERT, &common, &rows.conflicts).await?;
            ProblemName::execute(tx, PROBLEM_CLOSE_BULK, &common, &rows.problems_closed).await?;
            ProblemWrite::execute(tx, PROBLEM_UPSERT, &common, &rows.problems).await?;
            self.deletions_write(tx, lease, &settlement.deletions, settlement.now).await?;
            count(tx, lease, counters, &settlement.counters).await
        })
    }

    async fn write_links(&self, tx: &mut Tx, lease: &Lease, rows: &Rows) -> Result<()> {
        IdName::execute(tx, LINK_DELETE, &[self.id()], &rows.links_removed).await?;
        links_write(tx, self, &rows.links).await?;
        let common = [self.id(), lease.connection.uuid()];
        MemberWrite::execute(tx, MEMBER_UPSERT, &common, &rows.members).await?;
        let pair = [self.id(), lease.pair.uuid(), lease.connection.uuid()];
        MarkWrite::execute(tx, STAGED_ANSWERED, &pair, &rows.links_cleaned).await?;
        MarkWrite::execute(tx, LINK_CLEAN, &[self.id()], &rows.links_cleaned).await?;
        let common = [self.id(), lease.pair.uuid()];
        HistoryWrite::execute(tx, HISTORY_INSERT, &common, &rows.history).await?;
        Ok(())
    }

    async fn deletions_write(
        &self,
        tx: &mut Tx,
        lease: &Lease,
        deletions: &Sides<u32>,
        now: DateTime<Utc>,
    ) -> Result<()> {
        for side in Side::BOTH {
            let number = i64::from(*deletions.get(side));
            if number > 0 {
                execute!(
                    tx,
                    DELETIONS_INSERT,
                    self.id(),
                    lease.connection.uuid(),
                    lease.run.uuid(),
                    side.as_str(),
                    now,
                    number
                )?;
            }
        }
        Ok(())
    }

    fn settlement_rows(&self, connection: ConnectionId, settlement: &Settlement) -> Result<Rows> {
        let problems: BTreeMap<_, &Problem> = settlement
            .problems
            .iter()
            .map(|problem| {
                let reason = word(&problem.reason)?;
                Ok(((problem.side, &problem.remote, reason), problem))
            })
            .collect::<Result<_>>()?;
        // An open conflict is one per link and entry; a settled one is an event of its own.
        let conflicts: BTreeMap<_, _> = settlement
            .conflicts
            .iter()
            .map(|conflict| {
                let event = (conflict.status != ConflictStatus::Open).then_some(conflict.id);
                ((conflict.link, &conflict.entry, event), conflict)
            })
            .collect();
        Ok(Rows {
            links: self.link_writes(&settlement.links)?,
            members: members(&settlement.members),
            links_removed: ids(settlement.links_removed.iter().map(|id: &LinkId| id.uuid())),
            links_cleaned: settlement
                .links_cleaned
                .iter()
                .map(|mark| MarkWrite {
                    id: mark.link.uuid(),
                    mark: mark.mark,
                })
                .collect(),
            intents_cleared: ids(settlement
                .intents_cleared
                .iter()
                .map(|id: &OperationId| id.uuid())),
            staged_removed: names(&settlement.staged_removed),
            history: settlement
                .history
                .iter()
                .map(|entry| self.history_write(entry))
                .collect::<Result<_>>()?,
            conflicts: conflicts
                .into_values()
                .map(|conflict| self.conflict_write(connection, conflict))
                .collect::<Result<_>>()?,
            conflicts_closed: settlement
                .conflicts_closed
                .iter()
                .map(|close| ConflictName {
                    link: close.link.uuid(),
                    entry: close.entry.as_str().to_owned(),
                    winner: close.winner.map(Side::as_str),
                })
                .collect(),
            problems: problems
                .into_values()
                .map(problem_write)
                .collect::<Result<_>>()?,
            problems_closed: settlement
                .problems_closed
                .iter()
                .map(|close| {
                    Ok(ProblemName {
                        side: close.side.as_str(),
                        remote: close.remote.as_str().to_owned(),
                        reason: close.reason.as_ref().map(word).transpose()?,
                        at: settlement.now,
                    })
                })
                .collect::<Result<_>>()?,
        })
    }

    /// How many deletions, marks and unlinks were carried over from each side since then.
    pub async fn deletions_since(
        &self,
        connection: ConnectionId,
        since: DateTime<Utc>,
    ) -> Result<Sides<u64>> {
        let rows = transaction!(self.read_one(), tx => {
            fetch_all!(tx, (String, i64), DELETIONS_SINCE, self.id(), connection.uuid(), since)
        })?;
        let mut sums = Sides::default();
        for (side, sum) in rows {
            *sums.get_mut(side_of(&side)?) = sum.unsigned_abs();
        }
        Ok(sums)
    }
}

/// One row a link: the last of several counts.
fn members(members: &[Membership]) -> Vec<MemberWrite> {
    let latest: BTreeMap<LinkId, &Membership> =
        members.iter().map(|member| (member.link, member)).collect();
    latest
        .into_values()
        .map(|member| MemberWrite {
            link: member.link.uuid(),
            left_a: member.left.a,
            left_b: member.left.b,
        })
        .collect()
}

fn ids(ids: impl Iterator<Item = Uuid>) -> Vec<IdName> {
    ids.map(|id| IdName { id }).collect()
}
