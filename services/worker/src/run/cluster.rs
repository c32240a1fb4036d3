//! Gathering unlinked records that may concern one another: all that share a match key.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use syncline_engine::{Cluster, Sight, match_keys};
use syncline_model::{Record, Side, Sides};

use super::batch::{Batch, seen};
use super::context::RunContext;
use crate::Trouble;

/// Steps from one record to others that share a key, to theirs, and so on. A chain that is longer says little.
const MAX_STEPS: usize = 8;

/// Adds to the batch the clusters of its unlinked records, with every other unlinked record that shares a key.
pub async fn gather(
    context: &RunContext<'_>,
    mut records: Sides<Vec<Record>>,
    batch: &mut Batch,
) -> Result<(), Trouble> {
    let mut asked: BTreeSet<String> = BTreeSet::new();
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
            records.get_mut(side).extend(more);
        }
    }
    batch
        .observation
        .clusters
        .extend(clusters(context, records));
    Ok(())
}

/// Unlinked records of a side, not in the batch yet, that share a key.
async fn candidates(
    context: &RunContext<'_>,
    side: Side,
    keys: &[String],
    here: &[Record],
    batch: &mut Batch,
) -> Result<Vec<Record>, Trouble> {
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
    let linked: HashSet<_> = context
        .scope
        .links_by_remote(context.connection.id, context.connection.pair, side, &ids)
        .await?
        .into_iter()
        .map(|seen| seen.link.remote.get(side).clone())
        .collect();
    let mut records = Vec::new();
    for row in rows {
        if linked.contains(&row.remote) {
            continue;
        }
        batch.phases.insert((side, row.remote.clone()), row.phase);
        if let Sight::Present(record) = seen(row) {
            records.push(*record);
        }
    }
    Ok(records)
}

/// Splits records into clusters that share no key with one another.
fn clusters(context: &RunContext<'_>, records: Sides<Vec<Record>>) -> Vec<Cluster> {
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
