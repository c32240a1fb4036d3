//! Working off what is staged, batch by batch: observe, plan, push, settle.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, Utc};
use syncline_coordination::Phase as ProgressPhase;
use syncline_engine::{Held, LinkedPair, Observation, Outcome, Sight, Step, Subject, plan};
use syncline_model::{Link, LinkId, LinkState, Record, RemoteId, RunState, Side, Sides};
use syncline_store::{
    BESIDE, DirtyLink, DirtyMark, GoneWhy, Membership, Phase, Place, SeenLink, Staged, StagedPhase,
    StagedState,
};

use super::contended::{self, Moves};
use super::context::RunContext;
use super::{cluster, guards, kin, merged, neighbours, push, reread, settle, stale, vanished};
use crate::Trouble;

/// Links with a person's answer that are read together.
const DIRTY: u32 = 1000;

/// How working off ended.
#[derive(Debug, Default)]
pub struct Pass {
    /// The slice's time is used up.
    pub slice_over: bool,
    /// Something is left that has to wait.
    pub wait: Option<(DateTime<Utc>, String)>,
}

/// Works off everything that is pending.
pub async fn work_off(context: &RunContext<'_>) -> Result<Pass, Trouble> {
    let now = context.tools.clock.now();
    context
        .scope
        .staged_wake(context.connection.id, now)
        .await?;
    let mut answered = wake_answered(context).await?;
    let mut pass = Pass::default();
    let mut moves = Moves::default();
    loop {
        if !guards::evaluate(context).await? {
            pass.slice_over = true;
            return Ok(pass);
        }
        let held = {
            let notes = context.notes.lock().await;
            Held::by(&notes.guards, &context.policy)
        };
        let mut batches = Batches::new();
        let mut stale = Vec::new();
        let mut again = false;
        while let Some(batch) = batches.next(context, &held).await? {
            again |= !batch.merged.is_empty();
            batches.skip.extend(batch.merged.iter().cloned());
            let mut plan = plan(&batch.observation, &context.policy);
            again |= guards::hold_back(context, &mut plan).await;
            let put_off = plan.keep_within(&context.allowance());
            if !vanished::before(context, &plan).await? {
                pass.slice_over = true;
                return Ok(pass);
            }
            let mut pushed = push::push(context, &plan).await?;
            let there = vanished::after(context, &plan, &mut pushed).await?;
            let left =
                settle::settle(context, &batch, (&plan, &put_off), &pushed, &mut answered).await?;
            batches.skip.extend(left);
            let moved = |outcome: &Outcome| {
                matches!(outcome, Outcome::Done { .. } | Outcome::Refused { .. })
            };
            if pushed.outcomes.is_empty() || pushed.outcomes.iter().any(moved) {
                context.mark_moved();
            }
            reread::changed(context, &pushed).await?;
            stale.extend(pushed.stale);
            context.tell(RunState::Running, ProgressPhase::Settle).await;
            if let Some(trouble) = pushed.trouble {
                return Err(trouble);
            }
            if let Some((until, why)) = pushed.wait {
                pass.wait = Some((until, why));
                return Ok(pass);
            }
            if !there || context.border().await? {
                pass.slice_over = true;
                return Ok(pass);
            }
        }
        // Those that moved under our hands are planned again, but not for ever.
        let given_up = moves.too_often(&stale);
        contended::give_up(context, &given_up).await?;
        if given_up.len() == stale.len() && !again {
            return Ok(pass);
        }
    }
}

/// Rows that wait for a person's answer which has come are pending again.
async fn wake_answered(context: &RunContext<'_>) -> Result<HashMap<LinkId, DirtyMark>, Trouble> {
    let pair = context.connection.pair;
    let mut answered = HashMap::new();
    let mut after = None;
    loop {
        let dirty = context.scope.links_dirty(pair, after, DIRTY).await?;
        after = dirty.last().map(|dirty| dirty.link.id);
        if after.is_none() {
            return Ok(answered);
        }
        wake_rows(context, &dirty).await?;
        answered.extend(dirty.into_iter().map(|dirty| (dirty.link.id, dirty.mark)));
    }
}

async fn wake_rows(context: &RunContext<'_>, dirty: &[DirtyLink]) -> Result<(), Trouble> {
    let mut phases = Vec::new();
    for side in Side::BOTH {
        let ids: Vec<RemoteId> = dirty
            .iter()
            .map(|dirty| dirty.link.remote.get(side).clone())
            .collect();
        let rows = context.scope.staged_get(context.connection.id, side, &ids);
        // Who waits in line keeps their place, and hears the answer when it is their turn.
        let rows = rows.await?.into_iter();
        let rows = rows.filter(|row| !matches!(row.phase, Phase::Over(_)));
        phases.extend(rows.map(|row| StagedPhase {
            side,
            remote: row.remote,
            phase: Phase::Pending,
            retry_at: None,
        }));
    }
    context
        .scope
        .staged_phase_set(&context.lease, &phases)
        .await?;
    Ok(())
}

/// Why rows are looked at.
#[derive(Clone, Copy, Debug)]
pub enum Look<'a> {
    /// To do what they call for: what a guard holds is left out, and records are read that a write needs.
    Act(&'a Held),
    /// To count what would be done. No provider is asked.
    Rehearse,
}

impl<'a> Look<'a> {
    /// What guards hold, if something is to be done.
    pub fn acts(self) -> Option<&'a Held> {
        match self {
            Self::Act(held) => Some(held),
            Self::Rehearse => None,
        }
    }
}

/// One batch of facts, and the rows that they came from.
#[derive(Debug, Default)]
pub struct Batch {
    /// The facts.
    pub observation: Observation,
    /// The phase of every row in it.
    pub phases: HashMap<(Side, RemoteId), Phase>,
    /// Rows that concern nobody: records gone that were never linked.
    pub dropped: Vec<(Side, RemoteId)>,
    /// Rows of links whose record was found to have gone by merging: looked at once the guards have looked again.
    merged: Vec<(Side, RemoteId)>,
    /// Rows of records that are gone and held so by a guard, by the links of those who survive and may be found again.
    pub held_gone: HashMap<LinkId, (Side, RemoteId)>,
    /// How this connection has to do with each link in it.
    ties: HashMap<LinkId, Tie>,
}

/// How a connection has to do with a link.
#[derive(Debug)]
struct Tie {
    /// The ids under which the rows of its records go.
    named: Sides<RemoteId>,
    /// The membership as it is stored, if there is one.
    stored: Option<Sides<bool>>,
    /// The sides that had left, or were never seen, before this batch.
    before: Sides<bool>,
    /// The sides that have left now.
    now: Sides<bool>,
}

impl Batch {
    /// Whether a link's record had left this connection before: its absence is no news.
    pub fn had_left(&self, link: LinkId, side: Side) -> bool {
        self.ties
            .get(&link)
            .is_some_and(|tie| *tie.before.get(side))
    }

    /// The row of a step's record on a side, if there is one.
    pub fn row(&self, step: &Step, side: Side) -> Option<RemoteId> {
        let named = match &step.subject {
            Subject::Link(link) => self.ties.get(&link.id).map(|tie| tie.named.get(side)),
            Subject::New | Subject::Nothing => None,
        };
        let observed = step.remote.get(side).as_ref();
        let mut ids = [observed, named].into_iter().flatten().cloned();
        ids.find(|id| self.phases.contains_key(&(side, id.clone())))
    }

    /// This connection's membership of a link that ends in a state, if it is not stored so already.
    pub fn membership(&self, link: LinkId, state: LinkState) -> Option<Membership> {
        let tie = self.ties.get(&link);
        let left = Sides::of(|side| {
            state == LinkState::Frozen { left: side }
                || state != LinkState::Live && tie.is_some_and(|tie| *tie.now.get(side))
        });
        let stored = tie.and_then(|tie| tie.stored.as_ref());
        (stored != Some(&left)).then_some(Membership { link, left })
    }
}

/// Walks once over the rows that earlier runs left to this one, as far as it may write, then over the pending ones: first
/// those of records that are gone. Whose partner is left behind by that may be the one of a record that has come.
#[derive(Default)]
pub struct Batches {
    line: Sides<Option<Place>>,
    /// Whether those that are gone have been walked over.
    present: bool,
    after: Option<(Side, RemoteId)>,
    /// Rows dealt with already that may still be pending.
    pub skip: HashSet<(Side, RemoteId)>,
}

impl Batches {
    /// Begins at the first row.
    pub fn new() -> Self {
        Self::default()
    }

    /// The next batch; `None` at the end.
    pub async fn next(
        &mut self,
        context: &RunContext<'_>,
        held: &Held,
    ) -> Result<Option<Batch>, Trouble> {
        for to in Side::BOTH {
            let left = self.next_left(context, held, to).await?;
            if left.is_some() {
                return Ok(left);
            }
        }
        loop {
            let rows = self.pending(context).await?;
            let Some(last) = rows.last() else {
                if self.present {
                    return Ok(None);
                }
                self.present = true;
                self.after = None;
                continue;
            };
            self.after = Some((last.side, last.remote.clone()));
            let rows: Vec<Staged> = rows
                .into_iter()
                .filter(|row| {
                    let key = (row.side, row.remote.clone());
                    !self.skip.contains(&key)
                })
                .collect();
            if rows.is_empty() {
                continue;
            }
            let batch = observe(context, rows, Look::Act(held)).await?;
            // The walk that is under way has passed by the others.
            let comes = |key: &&(Side, RemoteId)| {
                !self.present || self.after.as_ref().is_some_and(|after| *key > after)
            };
            let again: Vec<_> = batch.phases.keys().filter(comes).cloned().collect();
            self.skip.extend(again);
            return Ok(Some(batch));
        }
    }

    /// The next pending rows of the walk.
    async fn pending(&self, context: &RunContext<'_>) -> Result<Vec<Staged>, Trouble> {
        let (connection, after) = (context.connection.id, self.after.as_ref());
        let limit = context.tools.settings.batch as u32;
        let rows = if self.present {
            context.scope.staged_pending(connection, after, limit).await
        } else {
            context
                .scope
                .staged_pending_gone(connection, after, limit)
                .await
        };
        Ok(rows?)
    }

    /// The next batch of those that wait for a write on a side, no more than may be written there.
    async fn next_left(
        &mut self,
        context: &RunContext<'_>,
        held: &Held,
        to: Side,
    ) -> Result<Option<Batch>, Trouble> {
        let most = context.tools.settings.batch as u64;
        let limit = context.allowance().get(to).unwrap_or(most).min(most) as u32;
        if limit == 0 {
            return Ok(None);
        }
        let connection = context.connection.id;
        let place = self.line.get_mut(to);
        let rows = context
            .scope
            .staged_over(connection, to, place.as_ref(), limit);
        let rows = rows.await?;
        let Some(last) = rows.last() else {
            return Ok(None);
        };
        let since = last.retry_at.unwrap_or(BESIDE);
        *place = Some((since, last.side, last.remote.clone()));
        let batch = observe(context, rows, Look::Act(held)).await?;
        // What was pending and came with them has been looked at by that.
        let pending = batch.phases.iter();
        let pending = pending.filter(|(_, phase)| **phase == Phase::Pending);
        self.skip.extend(pending.map(|(key, _)| key.clone()));
        Ok(Some(batch))
    }
}

/// What rows say, with those that concern the same link or may concern the same person.
pub async fn observe(
    context: &RunContext<'_>,
    rows: Vec<Staged>,
    look: Look<'_>,
) -> Result<Batch, Trouble> {
    let mut batch = Batch::default();
    let acts = look.acts();
    let mut rows: BTreeMap<(Side, RemoteId), Staged> = rows
        .into_iter()
        .map(|row| ((row.side, row.remote.clone()), row))
        .collect();
    let mut links = links_of(context, &rows).await?;
    add_partners(context, &links, &mut rows).await?;
    if acts.is_some() {
        batch.merged = merged::stage(context, &rows).await?;
        if !batch.merged.is_empty() {
            rows.retain(|key, _| !batch.merged.contains(key));
            links = links_of(context, &rows).await?;
        }
        batch.dropped = stale::confirm(context, &links, &mut rows).await?;
    }
    let made_again = kin::follow(context, &mut links, &mut rows).await?;
    batch.dropped.extend(made_again);
    if let Some(held) = acts
        && stage_survivors(context, held, &links, &rows).await?
    {
        add_partners(context, &links, &mut rows).await?;
    }
    for (key, row) in &rows {
        batch.phases.insert(key.clone(), row.phase);
    }
    for (found, ids) in links {
        // What a guard holds stays held, whatever its partner brings, until a person approves it.
        let keys = Side::BOTH.map(|side| (side, ids.get(side).clone()));
        let is_held = |key| {
            rows.get(key)
                .is_some_and(|row: &Staged| row.phase == Phase::Held)
        };
        if acts.is_some() && keys.iter().any(is_held) {
            for key in &keys {
                rows.remove(key);
                batch.phases.remove(key);
            }
            continue;
        }
        let (mut link, known) = (found.link.clone(), found.left.clone());
        let mut sight = Sides::of(|_| Sight::Unchanged);
        let mut unseen = Sides::of(|_| true);
        for side in Side::BOTH {
            let Some(row) = rows.remove(&(side, ids.get(side).clone())) else {
                continue;
            };
            *unseen.get_mut(side) = false;
            if is_late(&row, &link) {
                batch.dropped.push((side, row.remote));
            } else {
                *sight.get_mut(side) = seen(row);
            }
        }
        // A record that left this connection, or was never in it, stays outside until it is seen.
        let before = Sides::of(|side| {
            let outside = known.as_ref().map(|left| *left.get(side));
            outside.unwrap_or_else(|| *unseen.get(side) && !context.sides.get(side).everything)
        });
        for side in Side::BOTH {
            if *before.get(side) && *unseen.get(side) {
                *sight.get_mut(side) = Sight::Left;
                if link.state == LinkState::Live {
                    link.state = LinkState::Frozen { left: side };
                }
            }
        }
        if is_anothers(&found, &before, &sight) {
            let gone = Side::BOTH.into_iter().filter(|side| !*unseen.get(*side));
            batch
                .dropped
                .extend(gone.map(|side| (side, ids.get(side).clone())));
            continue;
        }
        let left = Sides::of(|side| *sight.get(side) == Sight::Left);
        let tie = Tie {
            named: ids.clone(),
            stored: known,
            before,
            now: left,
        };
        batch.ties.insert(link.id, tie);
        // A row that tells of two links is the first one's.
        let named = Sides::of(|side| {
            let known = if *unseen.get(side) {
                &link.remote
            } else {
                &ids
            };
            known.get(side).clone()
        });
        batch
            .observation
            .linked
            .push(LinkedPair { link, sight, named });
    }
    let mut unlinked = Sides::<Vec<Record>>::default();
    for ((side, remote), row) in rows {
        match seen(row) {
            Sight::Present(record) => unlinked.get_mut(side).push(*record),
            _ => batch.dropped.push((side, remote)),
        }
    }
    if acts.is_some() {
        reread::before_writing(context, &mut batch).await?;
    }
    batch.observation.kept = neighbours::keep(context, &batch.observation.linked).await?;
    cluster::gather(context, unlinked, look, &mut batch).await?;
    match acts {
        Some(held) => batch.observation.held = held.clone(),
        None => batch.observation.rehearsal = true,
    }
    batch.observation.elsewhere = kin::elsewhere(context, &batch.observation).await?;
    batch.observation.clocks = context.clocks();
    Ok(batch)
}

/// Whether a deletion is for another connection to carry over: one that follows both records, as this one does not.
fn is_anothers(found: &SeenLink, before: &Sides<bool>, sight: &Sides<Sight>) -> bool {
    let deleted = Side::BOTH
        .into_iter()
        .any(|side| *sight.get(side) == Sight::Deleted);
    let apart = before.a || before.b;
    found.elsewhere && apart && deleted && found.link.state != LinkState::Buried
}

/// The links of the rows, each with the ids under which its rows go (a record may have a new id by now).
async fn links_of(
    context: &RunContext<'_>,
    rows: &BTreeMap<(Side, RemoteId), Staged>,
) -> Result<Vec<(SeenLink, Sides<RemoteId>)>, Trouble> {
    let mut found: HashMap<LinkId, (SeenLink, Sides<RemoteId>)> = HashMap::new();
    for side in Side::BOTH {
        let mut now_named: HashMap<RemoteId, RemoteId> = HashMap::new();
        for row in rows.values().filter(|row| row.side == side) {
            now_named.insert(row.remote.clone(), row.remote.clone());
            for former in &row.former {
                now_named
                    .entry(former.clone())
                    .or_insert_with(|| row.remote.clone());
            }
        }
        let mut names: Vec<RemoteId> = now_named.keys().cloned().collect();
        names.sort();
        let links = context
            .scope
            .links_by_remote(context.connection.id, context.connection.pair, side, &names)
            .await?;
        let taken: HashSet<RemoteId> = links
            .iter()
            .map(|seen| seen.link.remote.get(side).clone())
            .collect();
        for seen in links {
            let old = seen.link.remote.get(side).clone();
            let new = now_named.get(&old).cloned().unwrap_or_else(|| old.clone());
            // Merged at the provider into a record that has a link of its own: that one stays, this one ends (`merged`).
            if new != old && taken.contains(&new) {
                continue;
            }
            let entry = found.entry(seen.link.id).or_insert_with(|| {
                let ids = seen.link.remote.clone();
                (seen, ids)
            });
            *entry.1.get_mut(side) = new;
        }
    }
    let mut links: Vec<_> = found.into_values().collect();
    links.sort_by_key(|(seen, _)| seen.link.id);
    Ok(links)
}

/// Adds the rows of the links' other records, whatever phase they are in.
async fn add_partners(
    context: &RunContext<'_>,
    links: &[(SeenLink, Sides<RemoteId>)],
    rows: &mut BTreeMap<(Side, RemoteId), Staged>,
) -> Result<(), Trouble> {
    for side in Side::BOTH {
        let missing: Vec<RemoteId> = links
            .iter()
            .map(|(_, ids)| ids.get(side).clone())
            .filter(|id| !rows.contains_key(&(side, id.clone())))
            .collect();
        if missing.is_empty() {
            continue;
        }
        let found = context
            .scope
            .staged_get(context.connection.id, side, &missing)
            .await?;
        rows.extend(
            found
                .into_iter()
                .map(|row| ((side, row.remote.clone()), row)),
        );
    }
    Ok(())
}

/// Reads the records that stay when their partners are deleted, be it until a guard lets go, and stages them: there, they
/// are found should that person come back on the other side as a new record. Says whether there were any.
async fn stage_survivors(
    context: &RunContext<'_>,
    held: &Held,
    links: &[(SeenLink, Sides<RemoteId>)],
    rows: &BTreeMap<(Side, RemoteId), Staged>,
) -> Result<bool, Trouble> {
    let deleted = |side: Side, ids: &Sides<RemoteId>| {
        let row = rows.get(&(side, ids.get(side).clone()));
        row.is_some_and(|row| {
            matches!(
                row.state,
                StagedState::Gone {
                    why: GoneWhy::Deleted
                }
            )
        })
    };
    let mut any = false;
    for gone in Side::BOTH {
        if !context.policy.survives(gone) && !*held.gone.get(gone) {
            continue;
        }
        let rest = gone.other();
        let ids: Vec<RemoteId> = links
            .iter()
            .filter(|(seen, ids)| {
                let followed = matches!(seen.link.state, LinkState::Live);
                followed && deleted(gone, ids) && !rows.contains_key(&(rest, ids.get(rest).clone()))
            })
            .map(|(_, ids)| ids.get(rest).clone())
            .collect();
        if !ids.is_empty() {
            reread::restage(context, rest, context.sides.get(rest), &ids).await?;
            any = true;
        }
    }
    Ok(any)
}

/// Whether a row shows its record as it was before our last look at it: a listing that lags behind. What is older
/// than what we know is no news; the newer state comes with a later listing.
fn is_late(row: &Staged, link: &Link) -> bool {
    match (row.modified_at, *link.modified_at.get(row.side)) {
        (Some(shown), Some(known)) => shown < known,
        _ => false,
    }
}

/// What a row says of its record.
pub fn seen(row: Staged) -> Sight {
    match row.state {
        StagedState::Present { fields } => Sight::Present(Box::new(Record {
            id: row.remote,
            version: row
                .version
                .unwrap_or_else(|| syncline_model::Version::new("")),
            modified_at: row.modified_at,
            fields,
        })),
        StagedState::Gone { why } => match why {
            GoneWhy::Deleted => Sight::Deleted,
            GoneWhy::Left => Sight::Left,
        },
    }
}
