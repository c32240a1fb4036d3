//! What a listing shows may be older than what we know. Where a row would undo what we know, and no date tells which of
//! the two is the newer, its record is read directly before anything is decided.
//!
//! Not here: records that a listing does not show (`absent`).

use std::collections::{BTreeMap, BTreeSet, HashMap};

use syncline_connector::Change;
use syncline_engine::{Sight, shows_edit};
use syncline_model::seeded::{Bug, seeded};
use syncline_model::{Link, LinkState, Record, RemoteId, Side, Sides};
use syncline_store::{GoneWhy, SeenLink, Staged, StagedState};

use super::batch::seen;
use super::context::RunContext;
use super::guards;
use super::pull::staged;
use crate::Trouble;

/// Reads what is doubtful. Such rows show their records as they are now; rows of records that are not there are taken
/// out and given back, to be dropped: whether a record is gone is for others to say.
pub async fn confirm(
    context: &RunContext<'_>,
    links: &[(SeenLink, Sides<RemoteId>)],
    rows: &mut BTreeMap<(Side, RemoteId), Staged>,
) -> Result<Vec<(Side, RemoteId)>, Trouble> {
    let mut dropped = Vec::new();
    for side in Side::BOTH {
        let doubtful: BTreeSet<RemoteId> = links
            .iter()
            .map(|(found, ids)| (&found.link, ids.get(side)))
            .filter(|(link, id)| {
                let row = rows.get(&(side, (*id).clone()));
                row.is_some_and(|row| is_doubtful(context, link, row))
            })
            .map(|(_, id)| id.clone())
            .collect();
        let doubtful: Vec<RemoteId> = doubtful.into_iter().collect();
        let mut found = read(context, side, &doubtful).await?;
        let mut leaving = Vec::new();
        for id in doubtful {
            let key = (side, id);
            let Some(row) = rows.remove(&key) else {
                continue;
            };
            let Some(record) = found.remove(&key.1) else {
                dropped.push(key);
                continue;
            };
            let before = match &row.state {
                StagedState::Present { fields } => Some(fields),
                StagedState::Gone { .. } => None,
            };
            let leaves = guards::leaves(context, side, before, &record.fields);
            let now = Change::Present {
                record,
                former: row.former,
            };
            let now = Staged {
                phase: row.phase,
                retry_at: row.retry_at,
                ..staged(context, side, &now)
            };
            leaving.extend(leaves.then(|| now.clone()));
            rows.insert(key, now);
        }
        guards::tell(context, leaving.into_iter()).await?;
    }
    Ok(dropped)
}

/// Reads records directly. Those that are not there, or go by another id by now, are left out.
pub async fn read(
    context: &RunContext<'_>,
    side: Side,
    ids: &[RemoteId],
) -> Result<HashMap<RemoteId, Record>, Trouble> {
    let open = context.sides.get(side);
    let mut there = HashMap::new();
    for ids in ids.chunks(open.connector.definition().batch.get.max(1)) {
        let found = open.connector.get(&open.session, ids, &open.fields).await;
        let found = found.map_err(|error| Trouble::Provider { side, error })?;
        let named = ids.iter().zip(found).filter_map(|(id, record)| {
            let record = record.filter(|record| record.id == *id)?;
            Some((id.clone(), record))
        });
        there.extend(named);
    }
    Ok(there)
}

/// Whether a row tells of something that a lagging listing could tell as well: that a record which is gone is there in
/// another version, or, without a later date, an edit.
fn is_doubtful(context: &RunContext<'_>, link: &Link, row: &Staged) -> bool {
    let known = link.version.get(row.side);
    if known.is_none() || row.version == *known {
        return false;
    }
    let gone = match link.state {
        LinkState::Buried => true,
        LinkState::Severed { gone } => gone == row.side,
        LinkState::Live | LinkState::Frozen { .. } => false,
    };
    if gone {
        // One that is shown outside has not come back: read directly, it would look as if it were inside.
        let why = GoneWhy::Left;
        return row.state != StagedState::Gone { why } && !seeded(Bug::StaleResurrects);
    }
    let is_later = match (row.modified_at, *link.modified_at.get(row.side)) {
        (Some(shown), Some(known)) => shown > known,
        _ => false,
    };
    if is_later {
        return false;
    }
    match seen(row.clone()) {
        Sight::Present(record) => shows_edit(&context.policy, link, row.side, &record),
        Sight::Unchanged | Sight::Deleted | Sight::Left => false,
    }
}
