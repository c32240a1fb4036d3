//! Records that were merged at their provider into others with links of their own. Such a merge may be told by the
//! record that stays alone, as an id by which it went before.
//!
//! The one that went is deleted, like any other: its link ends, and the connection's deletion policy says what becomes
//! of the record on the other side. Guards look at it first.

use std::collections::{BTreeMap, HashMap, HashSet};

use syncline_connector::{Change, GoneWhy};
use syncline_model::{LinkState, RemoteId, Side};
use syncline_store::{Staged, StagedState};

use super::context::RunContext;
use super::pull::staged;
use super::stale;
use crate::Trouble;

/// Finds the records that went by merging, reads each directly, and stages those that are not there as deleted. Gives
/// the rows that are to be looked at again once the guards have.
pub async fn stage(
    context: &RunContext<'_>,
    rows: &BTreeMap<(Side, RemoteId), Staged>,
) -> Result<Vec<(Side, RemoteId)>, Trouble> {
    let mut later = Vec::new();
    for side in Side::BOTH {
        let mut went = went(context, side, rows).await?;
        let ids: Vec<RemoteId> = went.keys().cloned().collect();
        let known = context
            .scope
            .staged_get(context.connection.id, side, &ids)
            .await?;
        let known: HashMap<&RemoteId, &StagedState> =
            known.iter().map(|row| (&row.remote, &row.state)).collect();
        went.retain(|id, partner| match known.get(id) {
            // What is known to be gone already is on its way, or held.
            Some(StagedState::Gone { .. }) => false,
            Some(StagedState::Present { .. }) => true,
            None => partner.is_some(),
        });
        let ids: Vec<RemoteId> = went.keys().cloned().collect();
        let there = stale::read(context, side, &ids).await?;
        let gone = |id: &RemoteId| Change::Gone {
            id: id.clone(),
            why: GoneWhy::Deleted,
            former: Vec::new(),
        };
        let items: Vec<Staged> = ids
            .iter()
            .filter(|id| !there.contains_key(*id))
            .map(|id| staged(context, side, &gone(id)))
            .collect();
        if items.is_empty() {
            continue;
        }
        let mut notes = context.notes.lock().await;
        notes.look_again();
        context.stage(None, &items, &notes.write()).await?;
        for item in items {
            let partner = went.get(&item.remote).cloned().flatten();
            later.extend(partner.map(|id| (side.other(), id)));
            later.push((side, item.remote));
        }
    }
    Ok(later)
}

/// The records of a side that others go on for: linked ones, where the other is linked as well, each with its partner;
/// and those without a link, which may have been read before they went.
async fn went(
    context: &RunContext<'_>,
    side: Side,
    rows: &BTreeMap<(Side, RemoteId), Staged>,
) -> Result<BTreeMap<RemoteId, Option<RemoteId>>, Trouble> {
    let rows = rows.values().filter(|row| row.side == side);
    let into: HashMap<&RemoteId, &RemoteId> = rows
        .flat_map(|row| row.former.iter().map(|former| (former, &row.remote)))
        .filter(|(former, stays)| former != stays)
        .collect();
    if into.is_empty() {
        return Ok(BTreeMap::new());
    }
    let ids: HashSet<&RemoteId> = into
        .iter()
        .flat_map(|(one, other)| [*one, *other])
        .collect();
    let ids: Vec<RemoteId> = ids.into_iter().cloned().collect();
    let (connection, pair) = (context.connection.id, context.connection.pair);
    let links = context
        .scope
        .links_by_remote(connection, pair, side, &ids)
        .await?;
    let linked: HashSet<RemoteId> = links
        .iter()
        .map(|seen| seen.link.remote.get(side).clone())
        .collect();
    let unlinked = into.keys().filter(|id| !linked.contains(**id));
    let unlinked: Vec<RemoteId> = unlinked.map(|id| (*id).clone()).collect();
    let went = links.into_iter().filter_map(|seen| {
        let id = seen.link.remote.get(side).clone();
        let ended = match seen.link.state {
            LinkState::Buried => true,
            LinkState::Severed { gone } => gone == side,
            LinkState::Live | LinkState::Frozen { .. } => false,
        };
        let stays = into.get(&id).filter(|stays| linked.contains(**stays));
        let is_news = stays.is_some() && !ended;
        is_news.then(|| (id, Some(seen.link.remote.get(side.other()).clone())))
    });
    let went = went.chain(unlinked.into_iter().map(|id| (id, None)));
    Ok(went.collect())
}
