//! Gathering unlinked records that may concern one another: all that share a match key. Among them are survivors:
//! records whose partner was deleted and which the deletion did not concern, or not yet: a guard holds it.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use syncline_engine::{Cluster, Kin, MOST_SHARING, Sight, is_weak, match_keys};
use syncline_model::{Answer, Link, LinkId, LinkState, Record, RemoteId, Review, Side, Sides};
use syncline_store::{CandidateQuery, Phase, SeenLink, Staged};

use super::batch::{Batch, Look, seen};
use super::context::RunContext;
use super::kin::{self, GONE};
use super::stale;
use crate::Trouble;

/// Steps from one record to others that share a key, to theirs, and so on. A chain that is longer says little.
const MAX_STEPS: usize = 8;

/// The links of survivors, by the record that survives on each side.
type Survivors = Sides<BTreeMap<RemoteId, Link>>;

/// Adds to the batch the clusters of its unlinked records, with every other unlinked record that shares a key.
pub async fn gather(
    context: &RunContext<'_>,
    mut records: Sides<Vec<Record>>,
    look: Look<'_>,
    batch: &mut Batch,
) -> Result<(), Trouble> {
    let mut asked: BTreeSet<String> = BTreeSet::new();
    let mut survivors = Survivors::default();
    let mut taken = Sides::<BTreeSet<String>>::default();
    let mut known = Told::default();
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
            let (here, taken) = (records.get(side), taken.get_mut(side));
            let more = candidates(
                context,
                look,
                (side, &keys, here),
                (taken, &mut known),
                batch,
            );
            let more = more.await?;
            for (record, link) in more {
                if let Some(link) = link {
                    survivors.get_mut(side).insert(record.id.clone(), link);
                }
                records.get_mut(side).push(record);
            }
        }
    }
    for side in Side::BOTH.into_iter().filter(|_| look.acts().is_some()) {
        let taken = taken.get(side.other());
        drop_ghosts(context, side, records.get_mut(side), taken, batch).await?;
    }
    add_chosen(context, &mut records, &mut known, batch).await?;
    let kin = add_kin(context, &mut records, &mut survivors, batch).await?;
    batch
        .observation
        .clusters
        .extend(clusters(context, records, survivors, kin, known));
    Ok(())
}

/// What keys and people tell of records, by the way of looking for those who share a key.
#[derive(Default)]
struct Told {
    /// Weak keys that too many records of a side have.
    common: BTreeSet<String>,
    /// What people said.
    reviews: Sides<BTreeMap<RemoteId, Review>>,
}

impl Told {
    /// Those of the other side whom a record of this side is, or may be, as a person said.
    fn partners(&self, side: Side) -> impl Iterator<Item = (&RemoteId, &RemoteId)> {
        let reviews = self.reviews.get(side).iter();
        reviews.flat_map(|(id, review)| {
            let others = match &review.answer {
                Some(Answer::Link(with)) => std::slice::from_ref(with),
                None => review.candidates.as_slice(),
                Some(Answer::KeepApart | Answer::Create) => &[],
            };
            others.iter().map(move |other| (id, other))
        })
    }
}

/// Adds whom a person chose, or may choose, and who shares no key (any more).
async fn add_chosen(
    context: &RunContext<'_>,
    records: &mut Sides<Vec<Record>>,
    told: &mut Told,
    batch: &mut Batch,
) -> Result<(), Trouble> {
    let (connection, pair) = (context.connection.id, context.connection.pair);
    for side in Side::BOTH {
        let other = side.other();
        let here: HashSet<&RemoteId> = records.get(other).iter().map(|one| &one.id).collect();
        let chosen = told.partners(side).map(|(_, id)| id);
        let missing: BTreeSet<RemoteId> = chosen.filter(|id| !here.contains(id)).cloned().collect();
        let missing: Vec<RemoteId> = missing.into_iter().collect();
        if missing.is_empty() {
            continue;
        }
        let linked = context
            .scope
            .links_by_remote(connection, pair, other, &missing);
        let linked: HashSet<RemoteId> = linked
            .await?
            .into_iter()
            .map(|found| found.link.remote.get(other).clone())
            .collect();
        let free: Vec<RemoteId> = missing
            .into_iter()
            .filter(|id| !linked.contains(id))
            .collect();
        // Of them something may have been said as well.
        for review in context.scope.reviews_of(pair, other, &free).await? {
            let reviews = told.reviews.get_mut(other);
            reviews.insert(review.remote.clone(), review);
        }
        for (id, row) in kin::in_sight(context, other, &free).await? {
            batch.phases.insert((other, id), row.phase);
            if let Sight::Present(record) = seen(row) {
                records.get_mut(other).push(*record);
            }
        }
    }
    Ok(())
}

/// Takes out records that are no longer there. A listing that lags behind may still show one that was deleted, and made
/// again under another id since: whoever shares a key with somebody who is linked is read directly before another copy
/// is made.
async fn drop_ghosts(
    context: &RunContext<'_>,
    side: Side,
    records: &mut Vec<Record>,
    taken: &BTreeSet<String>,
    batch: &mut Batch,
) -> Result<(), Trouble> {
    let doubtful = records.iter().filter(|record| {
        let keys = match_keys(&context.policy, side, record);
        keys.iter().any(|key| taken.contains(key))
    });
    let doubtful: Vec<RemoteId> = doubtful.map(|record| record.id.clone()).collect();
    let there = stale::read(context, side, &doubtful).await?;
    let ghosts: HashSet<RemoteId> = doubtful
        .into_iter()
        .filter(|id| !there.contains_key(id))
        .collect();
    records.retain(|record| !ghosts.contains(&record.id));
    batch
        .dropped
        .extend(ghosts.into_iter().map(|id| (side, id)));
    Ok(())
}

/// What other connections know of the records, by record of each side.
type Kinship = Sides<BTreeMap<RemoteId, Kin>>;

/// Asks whom other connections know the records to be, and adds those of the other side that they name.
async fn add_kin(
    context: &RunContext<'_>,
    records: &mut Sides<Vec<Record>>,
    survivors: &mut Survivors,
    batch: &mut Batch,
) -> Result<Kinship, Trouble> {
    let mut kinship = Kinship::default();
    for side in Side::BOTH {
        let other = side.other();
        let ids: Vec<RemoteId> = records.get(side).iter().map(|one| one.id.clone()).collect();
        let same = kin::of(context, side, &ids).await?;
        let alive = same.values().filter(|same| same.alive);
        let named: Vec<RemoteId> = alive.map(|same| same.remote.clone()).collect();
        let mut here: HashSet<RemoteId> = records
            .get(other)
            .iter()
            .map(|one| one.id.clone())
            .collect();
        let rows = context
            .scope
            .links_by_remote(
                context.connection.id,
                context.connection.pair,
                other,
                &named,
            )
            .await?;
        let mut linked: HashMap<RemoteId, RemoteId> = HashMap::new();
        for found in rows {
            let (id, with) = (found.link.remote.get(other), found.link.remote.get(side));
            let (id, with) = (id.clone(), with.clone());
            if here.contains(&id) {
                continue;
            }
            if !survives(&found, other) {
                linked.insert(id, with);
            } else if let_go(batch, &found.link, other)
                && let Some(record) = survivor(context, other, &id, batch).await?
            {
                survivors.get_mut(other).insert(id.clone(), found.link);
                records.get_mut(other).push(record);
                here.insert(id);
            }
        }
        let unseen: Vec<RemoteId> = named
            .iter()
            .filter(|id| !here.contains(*id) && !linked.contains_key(*id))
            .cloned()
            .collect();
        for (id, row) in kin::in_sight(context, other, &unseen).await? {
            batch.phases.insert((other, id.clone()), row.phase);
            if let Sight::Present(record) = seen(row) {
                records.get_mut(other).push(*record);
                here.insert(id);
            }
        }
        for (id, same) in same {
            let kin = match linked.get(&same.remote) {
                Some(with) if same.alive => Kin::Linked { with: with.clone() },
                _ if same.alive && here.contains(&same.remote) => Kin::Record(same.remote),
                _ => Kin::OutOfSight,
            };
            kinship.get_mut(side).insert(id, kin);
        }
    }
    Ok(kinship)
}

/// The record that survived its partner, as it is staged.
async fn survivor(
    context: &RunContext<'_>,
    side: Side,
    id: &RemoteId,
    batch: &mut Batch,
) -> Result<Option<Record>, Trouble> {
    let ids = std::slice::from_ref(id);
    let rows = context
        .scope
        .staged_get(context.connection.id, side, ids)
        .await?;
    let Some(row) = rows.into_iter().next() else {
        return Ok(None);
    };
    batch.phases.insert((side, id.clone()), row.phase);
    Ok(match seen(row) {
        Sight::Present(record) => Some(*record),
        _ => None,
    })
}

/// Records of a side, not among those here, that share a key: unlinked ones, and survivors with their links. The keys of
/// linked ones are `taken`.
async fn candidates(
    context: &RunContext<'_>,
    look: Look<'_>,
    (side, keys, here): (Side, &[String], &[Record]),
    (taken, told): (&mut BTreeSet<String>, &mut Told),
    batch: &mut Batch,
) -> Result<Vec<(Record, Option<Link>)>, Trouble> {
    let ids: Vec<RemoteId> = here.iter().map(|record| record.id.clone()).collect();
    let query = CandidateQuery {
        connection: context.connection.id,
        pair: context.connection.pair,
        side,
        keys,
        ids: &ids,
        most: most_sharing,
    };
    let found = context.scope.staged_candidates(query).await?;
    let mut holders: BTreeMap<&str, usize> = BTreeMap::new();
    for (key, _, _) in &found.matches {
        *holders.entry(key).or_default() += 1;
    }
    let common = holders
        .into_iter()
        .filter(|(key, holders)| *holders > most_sharing(key));
    told.common.extend(common.map(|(key, _)| key.to_owned()));
    let reviews = found.reviews.into_iter();
    let reviews = reviews.map(|review| (review.remote.clone(), review));
    told.reviews.get_mut(side).extend(reviews);
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
    if look.acts().is_some_and(|held| *held.gone.get(side.other())) {
        let held = held_gone(context, side, linked.values()).await?;
        batch.held_gone.extend(held);
    }
    let mut records = Vec::new();
    for row in rows {
        let link = match linked.remove(&row.remote) {
            None => None,
            Some(found)
                if (survives(&found, side) || batch.held_gone.contains_key(&found.link.id))
                    && let_go(batch, &found.link, side) =>
            {
                Some(found.link)
            }
            Some(_) => {
                if let Sight::Present(record) = seen(row) {
                    taken.extend(match_keys(&context.policy, side, &record));
                }
                continue;
            }
        };
        batch.phases.insert((side, row.remote.clone()), row.phase);
        if let Sight::Present(record) = seen(row) {
            records.push((*record, link));
        }
    }
    Ok(records)
}

/// How many records of a side may have a key for it to say anything.
fn most_sharing(key: &str) -> usize {
    if is_weak(key) {
        MOST_SHARING
    } else {
        usize::MAX
    }
}

/// Whether a link's record on this side survived the deletion of the other one, and is where this connection looks.
fn survives(found: &SeenLink, side: Side) -> bool {
    let has_left = found.left.as_ref().is_some_and(|left| *left.get(side));
    let gone = side.other();
    found.link.state == LinkState::Severed { gone } && !has_left
}

/// The links whose records on this side survive until a guard lets go of the deletion of the other ones, with the rows of
/// those.
async fn held_gone(
    context: &RunContext<'_>,
    side: Side,
    linked: impl Iterator<Item = &SeenLink>,
) -> Result<HashMap<LinkId, (Side, RemoteId)>, Trouble> {
    let gone = side.other();
    let links: HashMap<RemoteId, LinkId> = linked
        .filter(|found| found.link.state == LinkState::Live)
        .map(|found| (found.link.remote.get(gone).clone(), found.link.id))
        .collect();
    let ids: Vec<RemoteId> = links.keys().cloned().collect();
    let rows = context
        .scope
        .staged_get(context.connection.id, gone, &ids)
        .await?;
    let is_held = |row: &Staged| row.phase == Phase::Held && row.state == GONE;
    let held = rows.into_iter().filter(is_held);
    Ok(held
        .filter_map(|row| Some((*links.get(&row.remote)?, (gone, row.remote))))
        .collect())
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
    mut kin: Kinship,
    mut told: Told,
) -> Vec<Cluster> {
    let mut groups = Groups::default();
    let mut all: Vec<(Side, Record)> = Vec::new();
    let mut holder: HashMap<String, usize> = HashMap::new();
    let mut place: HashMap<(Side, RemoteId), usize> = HashMap::new();
    for (side, mut list) in [(Side::A, records.a), (Side::B, records.b)] {
        // The plan depends on the records, not on the order in which they came.
        list.sort_by(|x, y| x.id.cmp(&y.id));
        for record in list {
            let me = groups.add();
            for key in match_keys(&context.policy, side, &record) {
                if told.common.contains(&key) {
                    continue;
                }
                match holder.get(&key) {
                    Some(other) => groups.join(me, *other),
                    None => {
                        holder.insert(key, me);
                    }
                }
            }
            place.insert((side, record.id.clone()), me);
            all.push((side, record));
        }
    }
    for side in Side::BOTH {
        for (id, kin) in kin.get(side) {
            if let Kin::Record(same) = kin
                && let Some(me) = place.get(&(side, id.clone()))
                && let Some(other) = place.get(&(side.other(), same.clone()))
            {
                groups.join(*me, *other);
            }
        }
    }
    for side in Side::BOTH {
        for (id, other) in told.partners(side) {
            if let Some(me) = place.get(&(side, id.clone()))
                && let Some(other) = place.get(&(side.other(), other.clone()))
            {
                groups.join(*me, *other);
            }
        }
    }
    let mut clusters: BTreeMap<usize, Cluster> = BTreeMap::new();
    for (index, (side, record)) in all.into_iter().enumerate() {
        let cluster = clusters.entry(groups.root(index)).or_default();
        if let Some(link) = survivors.get_mut(side).remove(&record.id) {
            let survivors = cluster.survivors.get_mut(side);
            survivors.insert(record.id.clone(), link);
        }
        if let Some(kin) = kin.get_mut(side).remove(&record.id) {
            cluster.kin.get_mut(side).insert(record.id.clone(), kin);
        }
        if let Some(review) = told.reviews.get_mut(side).remove(&record.id) {
            let reviews = cluster.reviews.get_mut(side);
            reviews.insert(record.id.clone(), review);
        }
        let mut common = match_keys(&context.policy, side, &record);
        common.retain(|key| told.common.contains(key));
        cluster.common.extend(common);
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
