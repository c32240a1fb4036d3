//! What the tenant's other connections know of the records of this one, where they lead from one side's account to the
//! other's as well: a ring. There somebody whom this connection has never seen may long be linked with both accounts,
//! and what looks like an edit may have been carried round (docs/adr/0013).
//!
//! Not here: what follows from it (`engine`), and matching by keys (`cluster`).

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use syncline_connector::Change;
use syncline_engine::{Elsewhere, Known, Observation, Sight};
use syncline_model::seeded::{Bug, seeded};
use syncline_model::{AccountId, Connection, LinkState, RemoteId, Side, Sides};
use syncline_store::{GoneWhy, Pair, Scope, SeenLink, Staged, StagedState};

use super::context::RunContext;
use super::pull::staged;
use super::stale;
use crate::Trouble;

/// Links followed from one account to the next.
const MAX_STEPS: usize = 8;

/// The tenant's other pairs of accounts, if they lead from one side to the other as well; else none.
pub async fn routes(scope: &Scope, connection: &Connection) -> Result<Vec<Pair>, Trouble> {
    let mut others = scope.pair_list(connection.object).await?;
    others.retain(|pair| pair.id != connection.pair);
    let mut reached = HashSet::from([connection.sides.a.account]);
    loop {
        let before = reached.len();
        for pair in &others {
            let ends = [pair.accounts.a, pair.accounts.b];
            if ends.iter().any(|end| reached.contains(end)) {
                reached.extend(ends);
            }
        }
        if reached.len() == before {
            break;
        }
    }
    if reached.contains(&connection.sides.b.account) {
        others.retain(|pair| reached.contains(&pair.accounts.a));
    } else {
        others.clear();
    }
    Ok(others)
}

/// Who a record is on the other side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Same {
    /// The record there.
    pub remote: RemoteId,
    /// Whether every link on the way is followed; else one of them ended with a deletion.
    pub alive: bool,
}

/// A record on the way from one account to another.
struct Trace {
    origin: RemoteId,
    account: AccountId,
    remote: RemoteId,
    alive: bool,
}

/// Who these records of a side are on the other side. Those of whom nothing is known are left out.
pub async fn of(
    context: &RunContext<'_>,
    side: Side,
    ids: &[RemoteId],
) -> Result<HashMap<RemoteId, Same>, Trouble> {
    let account = |side: Side| context.connection.sides.get(side).account;
    let (own, goal) = (account(side), account(side.other()));
    let mut found: HashMap<RemoteId, Same> = HashMap::new();
    let mut visited: HashSet<(RemoteId, AccountId, RemoteId)> = HashSet::new();
    let mut traces: Vec<Trace> = Vec::new();
    if !context.routes.is_empty() && !seeded(Bug::KinForgotten) {
        traces.extend(ids.iter().map(|id| Trace {
            origin: id.clone(),
            account: own,
            remote: id.clone(),
            alive: true,
        }));
    }
    for number in 0..MAX_STEPS {
        let mut next = Vec::new();
        // On the way it may have been made again as another record; who it is at the outset is the record itself.
        for trace in step(context, &traces, number > 0).await? {
            if trace.account == goal {
                let better = found
                    .get(&trace.origin)
                    .is_none_or(|known| trace.alive && !known.alive);
                if better {
                    let (remote, alive) = (trace.remote, trace.alive);
                    found.insert(trace.origin, Same { remote, alive });
                }
                continue;
            }
            let place = (trace.origin.clone(), trace.account, trace.remote.clone());
            if trace.account != own && visited.insert(place) {
                next.push(trace);
            }
        }
        traces = next;
        if traces.is_empty() {
            break;
        }
    }
    Ok(found)
}

/// Where one link leads from each of these.
async fn step(
    context: &RunContext<'_>,
    traces: &[Trace],
    made_again: bool,
) -> Result<Vec<Trace>, Trouble> {
    let mut next = Vec::new();
    for pair in &context.routes {
        for at in Side::BOTH {
            let here: Vec<&Trace> = traces
                .iter()
                .filter(|trace| trace.account == *pair.accounts.get(at))
                .collect();
            let ids: BTreeSet<RemoteId> = here.iter().map(|trace| trace.remote.clone()).collect();
            let found = if made_again {
                traced(context, pair, at, ids).await?
            } else {
                let links = links(context, pair, at, ids).await?.into_iter();
                let found = links.map(|seen| (seen.link.remote.get(at).clone(), seen));
                found.collect()
            };
            for (asked, seen) in found {
                let link = seen.link;
                let followed = matches!(link.state, LinkState::Live | LinkState::Frozen { .. });
                let from = here.iter().filter(|trace| trace.remote == asked);
                next.extend(from.map(|trace| Trace {
                    origin: trace.origin.clone(),
                    account: *pair.accounts.get(at.other()),
                    remote: link.remote.get(at.other()).clone(),
                    alive: trace.alive && followed,
                }));
            }
        }
    }
    Ok(next)
}

/// The links of these records; of one that has none, the link of the record that it was made again as.
async fn traced(
    context: &RunContext<'_>,
    pair: &Pair,
    side: Side,
    ids: BTreeSet<RemoteId>,
) -> Result<Vec<(RemoteId, SeenLink)>, Trouble> {
    let ids: Vec<RemoteId> = ids.into_iter().collect();
    let connection = context.connection.id;
    let mut found = context
        .scope
        .links_traced(connection, pair.id, side, &ids)
        .await?;
    let is_itself = |(asked, seen): &(RemoteId, SeenLink)| *asked == *seen.link.remote.get(side);
    let linked: BTreeSet<RemoteId> = found
        .iter()
        .filter(|one| is_itself(one))
        .map(|(asked, _)| asked.clone())
        .collect();
    found.retain(|one| is_itself(one) || !linked.contains(&one.0));
    found.sort_by_key(|(_, seen)| seen.link.id);
    Ok(found)
}

async fn links(
    context: &RunContext<'_>,
    pair: &Pair,
    side: Side,
    ids: BTreeSet<RemoteId>,
) -> Result<Vec<SeenLink>, Trouble> {
    let ids: Vec<RemoteId> = ids.into_iter().collect();
    let connection = context.connection.id;
    let mut links = context
        .scope
        .links_by_remote(connection, pair.id, side, &ids)
        .await?;
    links.sort_by_key(|seen| seen.link.id);
    Ok(links)
}

/// What others remember of the records that are seen in a batch; `None` where there is no ring.
pub async fn elsewhere(
    context: &RunContext<'_>,
    observation: &Observation,
) -> Result<Option<Elsewhere>, Trouble> {
    if context.routes.is_empty() || seeded(Bug::OriginsForgotten) {
        return Ok(None);
    }
    let mut elsewhere = Elsewhere {
        now: context.tools.clock.now().timestamp_micros(),
        known: Sides::default(),
    };
    for side in Side::BOTH {
        let account = context.connection.sides.get(side).account;
        let linked = observation.linked.iter();
        let mut ids: BTreeSet<RemoteId> = linked
            .filter_map(|pair| match pair.sight.get(side) {
                Sight::Present(record) => Some(record.id.clone()),
                Sight::Deleted => Some(pair.link.remote.get(side).clone()),
                Sight::Unchanged | Sight::Left => None,
            })
            .collect();
        let clusters = observation.clusters.iter();
        ids.extend(clusters.flat_map(|cluster| {
            let records = cluster.records.get(side).iter();
            records.map(|record| record.id.clone())
        }));
        let known: &mut BTreeMap<_, Vec<_>> = elsewhere.known.get_mut(side);
        for pair in &context.routes {
            for at in Side::BOTH {
                if *pair.accounts.get(at) != account {
                    continue;
                }
                for seen in links(context, pair, at, ids.clone()).await? {
                    let id = seen.link.remote.get(at).clone();
                    known.entry(id).or_default().push(Known {
                        side: at,
                        body: seen.link.body,
                    });
                }
            }
        }
    }
    Ok(Some(elsewhere))
}

/// Linked records that are gone, and that another connection has made again as others: the links go on with those.
/// Gives the rows that concern nobody any more.
pub async fn follow(
    context: &RunContext<'_>,
    links: &mut [(SeenLink, Sides<RemoteId>)],
    rows: &mut BTreeMap<(Side, RemoteId), Staged>,
) -> Result<Vec<(Side, RemoteId)>, Trouble> {
    let mut dropped = Vec::new();
    if context.routes.is_empty() {
        return Ok(dropped);
    }
    for gone in Side::BOTH {
        let rest = gone.other();
        let lost = |seen: &SeenLink, ids: &Sides<RemoteId>| {
            let is_gone = |side: Side| {
                let row = rows.get(&(side, ids.get(side).clone()));
                row.is_some_and(|row| row.state == GONE)
            };
            seen.link.state == LinkState::Live && is_gone(gone) && !is_gone(rest)
        };
        let ids: Vec<RemoteId> = links
            .iter()
            .filter(|(seen, ids)| lost(seen, ids))
            .map(|(_, ids)| ids.get(rest).clone())
            .collect();
        let same = of(context, rest, &ids).await?;
        let made: Vec<RemoteId> = same
            .values()
            .filter(|same| same.alive)
            .map(|same| same.remote.clone())
            .collect();
        let mut there = in_sight(context, gone, &made).await?;
        for (_, ids) in links.iter_mut() {
            let old = ids.get(gone).clone();
            let Some(same) = same.get(ids.get(rest)).filter(|same| same.remote != old) else {
                continue;
            };
            if let Some(mut row) = there.remove(&same.remote) {
                row.former.push(old.clone());
                rows.remove(&(gone, old.clone()));
                dropped.push((gone, old));
                *ids.get_mut(gone) = row.remote.clone();
                rows.insert((gone, row.remote.clone()), row);
            }
        }
    }
    Ok(dropped)
}

/// What a row says of a record that is deleted.
pub const GONE: StagedState = StagedState::Gone {
    why: GoneWhy::Deleted,
};

/// The rows of these records, as far as they are unlinked and there: as staged, else read now if that is all it takes
/// to be in the collection.
pub async fn in_sight(
    context: &RunContext<'_>,
    side: Side,
    ids: &[RemoteId],
) -> Result<HashMap<RemoteId, Staged>, Trouble> {
    let (connection, pair) = (context.connection.id, context.connection.pair);
    let linked: HashSet<RemoteId> = context
        .scope
        .links_by_remote(connection, pair, side, ids)
        .await?
        .into_iter()
        .map(|seen| seen.link.remote.get(side).clone())
        .collect();
    let mut there: HashMap<RemoteId, Staged> = context
        .scope
        .staged_get(connection, side, ids)
        .await?
        .into_iter()
        .map(|row| (row.remote.clone(), row))
        .collect();
    if context.sides.get(side).everything {
        let unknown: Vec<RemoteId> = ids
            .iter()
            .filter(|id| !there.contains_key(*id) && !linked.contains(*id))
            .cloned()
            .collect();
        for (id, record) in stale::read(context, side, &unknown).await? {
            let change = Change::Present {
                record,
                former: Vec::new(),
            };
            there.insert(id, staged(context, side, &change));
        }
    }
    there
        .retain(|id, row| !linked.contains(id) && matches!(row.state, StagedState::Present { .. }));
    Ok(there)
}
