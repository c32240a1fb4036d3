//! Gathering unlinked records that may concern one another: all that share a match key. Among them are survivors:
//! records whose partner was deleted and which the deletion did not concern.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use syncline_engine::{Cluster, Sight, match_keys};
use syncline_model::{Link, LinkState, Record, RemoteId, Side, Sides};
use syncline_store::SeenLink;

use super::batch::{Batch, seen};
use super::context::RunContext;
use crate::Trouble;

/// Steps from one record to others that share a key, to theirs, and so on. A chain that is longer says little.
const MAX_STEPS: usize = 8;

/// The links of survivors, by the record that survives on each side.
type Survivors = Sides<BTreeMap<RemoteId, Link>>;

/// Adds to the batch the clusters of its unlinked records, with every other unlinked record that shares a key.
pub async fn gather(
    context: &RunContext<'_>,
    mut records: Sides<Vec<Record>>,
    batch: &mut Batch,
) -> Result<(), Trouble> {
    let mut asked: BTreeSet<String> = BTreeSet::new();
    let mut survivors = Survivors::default();
    for _ in 0..MAX_STEPS {
        let keys: Vec<String> = Side::BOTH
            .into_iter()
            .flat_map(|side| records.get(side).iter().map(move |record| (side, record)))
            .flat_map(|(side, record)| match_keys(&context.policy, side, record))
            .filter(|key| asked.insert(key.clone()))
            .collect();
        if keys.is_empty() {
            break;
        }
        for side in Side::BOTH {
            let more = candidates(context, side, &keys, records.get(side), batch).await?;
            for (record, link) in more {
                if let Some(link) = link {
                    survivors.get_mut(side).insert(record.id.clone(), link);
                }
                records.get_mut(side).push(record);
            }
        }
    }
    batch
        .observation
        .clusters
        .extend(clusters(context, records, survivors));
    Ok(())
}

/// Records of a side, not among those here, that share a key: unlinked ones, and survivors with their links.
async fn candidates(
    context: &RunContext<'_>,
    side: Side,
    keys: &[String],
    here: &[Record],
    batch: &mut Batch,
) -> Result<Vec<(Record, Option<Link>)>, Trouble> {
    let found = context
        .scope
        .staged_candidates(context.connection.id, side, keys)
        .await?;
    let here: HashSet<_> = here.iter().map(|record| record.id.clone()).collect();
    let rows: Vec<_> = found
        .rows
        .into_iter()
        .filter(|row| !here.contains(&row.remote))
        .collect();
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<_> = rows.iter().map(|row| row.remote.clone()).collect();
    let mut linked: HashMap<_, _> = context
        .scope
        .links_by_remote(context.connection.id, context.connection.pair, side, &ids)
        .await?
        .into_iter()
        .map(|seen| (seen.link.remote.get(side).clone(), seen))
        .collect();
    let mut records = Vec::new();
    for row in rows {
        let link = match linked.remove(&row.remote) {
            None => None,
            Some(found) if survives(&found, side) && let_go(batch, &found.link, side) => {
                Some(found.link)
            }
            Some(_) => continue,
        };
        batch.phases.insert((side, row.remote.clone()), row.phase);
        if let Sight::Present(record) = seen(row) {
            records.push((*record, link));
        }
    }
    Ok(records)
}

/// Whether a link's record on this side survived the deletion of the other one, and is where this connection looks.
fn survives(found: &SeenLink, side: Side) -> bool {
    let has_left = found.left.as_ref().is_some_and(|left| *left.get(side));
    let gone = side.other();
    found.link.state == LinkState::Severed { gone } && !has_left
}

/// Takes a survivor's link out of what the batch looks at by itself, unless its deleted record is in sight again:
/// nothing is planned twice.
fn let_go(batch: &mut Batch, link: &Link, side: Side) -> bool {
    let linked = &mut batch.observation.linked;
    let Some(at) = linked.iter().position(|pair| pair.link.id == link.id) else {
        return true;
    };
    let alone = linked.get(at).is_some_and(|pair| {
        matches!(pair.sight.get(side), Sight::Present(_))
            && *pair.sight.get(side.other()) == Sight::Unchanged
    });
    if alone {
        linked.remove(at);
    }
    alone
}

/// Splits records into clusters that share no key with one another.
fn clusters(
    context: &RunContext<'_>,
    records: Sides<Vec<Record>>,
    mut survivors: Survivors,
) -> Vec<Cluster> {
    let mut groups = Groups::default();
    let mut all: Vec<(Side, Record)> = Vec::new();
    let mut holder: HashMap<String, usize> = HashMap::new();
    for (side, mut list) in [(Side::A, records.a), (Side::B, records.b)] {
        // The plan depends on the records, not on the order in which they came.
        list.sort_by(|x, y| x.id.cmp(&y.id));
        for record in list {
            let me = groups.add();
            for key in match_keys(&context.policy, side, &record) {
                match holder.get(&key) {
                    Some(other) => groups.join(me, *other),
                    None => {
                        holder.insert(key, me);
                    }
                }
            }
            all.push((side, record));
        }
    }
    let mut clusters: BTreeMap<usize, Cluster> = BTreeMap::new();
    for (index, (side, record)) in all.into_iter().enumerate() {
        let cluster = clusters.entry(groups.root(index)).or_default();
        if let Some(link) = survivors.get_mut(side).remove(&record.id) {
            let survivors = cluster.survivors.get_mut(side);
            survivors.insert(record.id.clone(), link);
        }
        cluster.records.get_mut(side).push(record);
    }
    clusters.into_values().collect()
}

/// Union-find.
#[derive(Default)]
struct Groups(Vec<usize>);

impl Groups {
    fn add(&mut self) -> usize {
        self.0.push(self.0.len());
        self.0.len() - 1
    }

    fn root(&self, mut at: usize) -> usize {
        while let Some(up) = self.0.get(at).copied().filter(|up| *up != at) {
            at = up;
        }
        at
    }

    fn join(&mut self, x: usize, y: usize) {
        let (x, y) = (self.root(x), self.root(y));
        if let Some(slot) = self.0.get_mut(x.max(y)) {
            *slot = x.min(y);
        }
    }
}
