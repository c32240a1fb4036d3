//! Other connections that have the same collection: who leaves for one of them may be there for another, and then stays.

use std::collections::BTreeSet;

use syncline_engine::{LinkedPair, Policy};
use syncline_model::{Connection, ConnectionId, LinkState, PairId, RemoteId, Side, Sides};
use syncline_store::Scope;

use super::context::RunContext;
use crate::Trouble;

/// Connections that are read together.
const PAGE: u32 = 200;

/// Another connection with the same collection.
pub struct Neighbour {
    connection: ConnectionId,
    pair: PairId,
    /// Which of its sides it is.
    side: Side,
}

/// The connections that have a side's collection as well; none of a side where nobody is taken out of it.
pub async fn find(
    scope: &Scope,
    connection: &Connection,
    policy: &Policy,
) -> Result<Sides<Vec<Neighbour>>, Trouble> {
    let mut found = Sides::<Vec<Neighbour>>::default();
    if !policy.parts() {
        return Ok(found);
    }
    let mut after = None;
    loop {
        let page = scope.connection_list(after, PAGE).await?;
        after = page.last().map(|other| other.id);
        for other in page.iter().filter(|other| other.id != connection.id) {
            for side in Side::BOTH
                .into_iter()
                .filter(|side| policy.takes_out(side.other()))
            {
                let same = |at: &Side| other.sides.get(*at) == connection.sides.get(side);
                let neighbours = Side::BOTH.into_iter().filter(same);
                found.get_mut(side).extend(neighbours.map(|side| Neighbour {
                    connection: other.id,
                    pair: other.pair,
                    side,
                }));
            }
        }
        if page.len() < PAGE as usize {
            return Ok(found);
        }
    }
}

/// Per side, the records of these links that another connection follows in the same collection.
pub async fn keep(
    context: &RunContext<'_>,
    linked: &[LinkedPair],
) -> Result<Sides<BTreeSet<RemoteId>>, Trouble> {
    let mut kept = Sides::<BTreeSet<RemoteId>>::default();
    for side in Side::BOTH {
        let ids = linked.iter().map(|pair| pair.link.remote.get(side).clone());
        let ids: Vec<RemoteId> = ids.collect();
        for other in context.neighbours.get(side) {
            let links = context
                .scope
                .links_by_remote(other.connection, other.pair, other.side, &ids)
                .await?;
            let followed = links.into_iter().filter(|seen| {
                let member = seen.left.as_ref().is_some_and(|left| !left.a && !left.b);
                member && seen.link.state == LinkState::Live
            });
            kept.get_mut(side)
                .extend(followed.map(|seen| seen.link.remote.get(other.side).clone()));
        }
    }
    Ok(kept)
}
