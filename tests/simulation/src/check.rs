//! What must hold once all is quiet: looked at from outside, by what people did and what is there now.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use syncline_model::{
    Blank, ConflictStatus, ConnectionId, Link, LinkState, ProblemReason, ProblemStatus, RemoteId,
    RunState, Side, Sides,
};
use syncline_store::StagedCounts;

use crate::book::{Loss, plain};
use crate::history::{Setup, Wish};
use crate::office::{Office, guards};
use crate::profile::{FIELDS, MAPPED};
use crate::world::{Author, Inner, Rec, World};

/// Most rows of a kind that a history leaves.
const MOST: u32 = 1000;

/// The rows that a quiet run must leave alone.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rows {
    connections: Vec<ConnectionRows>,
}

#[derive(Clone, Debug, PartialEq)]
struct ConnectionRows {
    links: Vec<Link>,
    staged: StagedCounts,
    intents: usize,
    state: Option<RunState>,
    error: Option<String>,
}

impl Rows {
    /// Reads them.
    pub async fn read(office: &Office) -> Self {
        let mut connections = Vec::new();
        for (index, connection) in office.connections.iter().enumerate() {
            let scope = office.scope(index);
            let links = scope.link_list(connection.id, None, None, MOST).await;
            let staged = scope.staged_counts(connection.id).await;
            let intents = scope.intents_open(connection.pair, MOST).await;
            let runs = scope.run_list(connection.id, None, 1).await;
            let run = runs.expect("the runs").into_iter().next();
            connections.push(ConnectionRows {
                links: links.expect("the links"),
                staged: staged.expect("the rows"),
                intents: intents.expect("the intents").len(),
                state: run.as_ref().map(|run| run.state),
                error: run.and_then(|run| run.error),
            });
        }
        Self { connections }
    }

    /// Whether every connection's last run went through and left nothing.
    pub fn all_over(&self) -> bool {
        self.connections.iter().all(|rows| {
            rows.state == Some(RunState::Succeeded)
                && rows.intents == 0
                && rows.staged.pending.a + rows.staged.pending.b == 0
                && rows.staged.over == Sides::default()
        })
    }

    /// Why it is not quiet, in words.
    pub fn unrest(&self) -> String {
        let words: Vec<String> = self
            .connections
            .iter()
            .map(|rows| {
                format!(
                    "{:?} {:?} intents {} {:?}",
                    rows.state, rows.error, rows.intents, rows.staged
                )
            })
            .collect();
        words.join("; ")
    }
}

/// What people were told of a connection.
#[derive(Default)]
struct Told {
    /// Values that conflicts and history name, by field.
    values: BTreeSet<(String, String)>,
    /// Records with an open problem.
    problems: BTreeSet<(Side, RemoteId)>,
}

/// Checks everything. Gives the laws that are broken, in words.
pub async fn check(office: &Office, setup: &Setup, rows: &Rows, world: &World) -> Vec<String> {
    let mut told = Vec::new();
    for (index, _) in office.connections.iter().enumerate() {
        told.push(read_told(office, index, &rows.connections[index].links, world).await);
    }
    let world = world.lock();
    let mut broken = Vec::new();
    for (index, wish) in setup.wishes.iter().enumerate() {
        let check = Check {
            world: &world,
            connection: office.connections[index].id,
            wish,
            links: &rows.connections[index].links,
            told: &told[index],
        };
        check.links(&mut broken);
        check.existence(&mut broken);
        check.places(&mut broken);
    }
    duplicates(&world, &mut broken);
    orphans(&world, setup, rows, &mut broken);
    untouched(&world, &mut broken);
    guarded(&world, setup, &mut broken);
    let all: BTreeSet<&(String, String)> = told.iter().flat_map(|told| &told.values).collect();
    for loss in &world.book.losses {
        if let Some(law) = lost(&world, setup, loss, &all) {
            broken.push(law);
        }
    }
    broken
}

async fn read_told(office: &Office, index: usize, links: &[Link], world: &World) -> Told {
    let scope = office.scope(index);
    let id = office.connections[index].id;
    let mut told = Told::default();
    let conflicts = scope.conflict_list(id, None, None, MOST).await;
    let conflicts = conflicts.expect("the conflicts");
    let mut counted: BTreeMap<&'static str, u64> = BTreeMap::new();
    for conflict in &conflicts {
        *counted.entry("conflicts").or_default() += 1;
        if conflict.status == ConflictStatus::Resolved {
            *counted.entry("resolved_conflicts").or_default() += 1;
        }
        let field = conflict
            .entry
            .as_str()
            .split('=')
            .next()
            .unwrap_or_default();
        for value in [&conflict.values.a, &conflict.values.b] {
            told.values.insert((field.to_owned(), plain(field, value)));
        }
    }
    let open = Some(ProblemStatus::Open);
    let problems = scope.problem_list(id, open, None, None, MOST).await;
    for problem in problems.expect("the problems") {
        *counted.entry("problems").or_default() += 1;
        // Nothing moves any more: "it keeps moving" excuses nobody.
        if problem.reason != ProblemReason::Contended {
            told.problems.insert((problem.side, problem.remote));
        }
    }
    for link in links {
        let history = scope.history_by_link(link.id, None, MOST).await;
        for row in history.expect("the history") {
            for (entry, before, after) in &row.entry.fields {
                let field = entry.as_str().split('=').next().unwrap_or_default();
                told.values.insert((field.to_owned(), plain(field, before)));
                let _ = after;
            }
        }
    }
    let runs = scope.run_list(id, None, MOST).await;
    for run in runs.expect("the runs") {
        *counted.entry("tripped_guards").or_default() += run.guards.len() as u64;
        *counted.entry("runs").or_default() += 1;
    }
    let mut world = world.lock();
    for (name, count) in counted {
        *world.counted.entry(name).or_default() += count;
    }
    told
}

struct Check<'a> {
    world: &'a Inner,
    connection: ConnectionId,
    wish: &'a Wish,
    links: &'a [Link],
    told: &'a Told,
}

impl Check<'_> {
    fn record(&self, side: usize, id: &RemoteId) -> Option<&Rec> {
        self.world.record(self.wish.accounts[side], id)
    }

    /// I-1: what is linked is the same on both sides.
    fn links(&self, broken: &mut Vec<String>) {
        for link in self
            .links
            .iter()
            .filter(|link| link.state == LinkState::Live)
        {
            let ids = [&link.remote.a, &link.remote.b];
            let (Some(a), Some(b)) = (self.record(0, ids[0]), self.record(1, ids[1])) else {
                broken.push(format!(
                    "I-1: a live link names a record that is gone: {ids:?}"
                ));
                continue;
            };
            let problem = [(Side::A, &a.id), (Side::B, &b.id)]
                .into_iter()
                .any(|(side, id)| self.told.problems.contains(&(side, id.clone())));
            if problem {
                continue;
            }
            for (number, field) in FIELDS.iter().take(MAPPED).enumerate() {
                if !self.settled(number, a, b) {
                    broken.push(format!(
                        "I-1: {field} of {} and {} differ: `{}` and `{}`",
                        a.id,
                        b.id,
                        a.plain(field),
                        b.plain(field)
                    ));
                }
            }
        }
    }

    /// I-7: who is followed is in the collection, and nobody is left outside whose partner is back.
    fn places(&self, broken: &mut Vec<String>) {
        for link in self.links {
            let ids = [&link.remote.a, &link.remote.b];
            let (Some(a), Some(b)) = (self.record(0, ids[0]), self.record(1, ids[1])) else {
                continue;
            };
            let told = [(Side::A, &a.id), (Side::B, &b.id)];
            let mut told = told.into_iter();
            let problem = told.any(|(side, id)| self.told.problems.contains(&(side, id.clone())));
            if problem {
                continue;
            }
            let inside = |side: usize, rec: &Rec| !self.wish.grouped[side] || rec.group;
            if link.state == LinkState::Live && !(inside(0, a) && inside(1, b)) {
                broken.push(format!("I-7: {} and {} are followed outside", a.id, b.id));
            }
            let mut parted = link.body.parted.iter();
            let parted = parted.find(|(connection, _)| **connection == self.connection);
            let Some((_, parted)) = parted else { continue };
            let side = usize::from(parted.side == Side::A);
            let partner = [a, b][side];
            let passes = [(Side::A, a), (Side::B, b)].map(|(from, rec)| {
                let filtered = self.wish.filtered[usize::from(from == Side::B)];
                let flows = self.wish.direction.from_side(from);
                !(filtered && flows) || rec.plain("region") == "in"
            });
            let followed = matches!(link.state, LinkState::Live | LinkState::Frozen { .. });
            // Who does not pass the rules of its own side has nothing to come in for.
            let waits = !parted.out && !passes[1 - side];
            if !parted.done && followed && !waits {
                broken.push(format!("I-7: {} is on its way for ever", ids[1 - side]));
            }
            if inside(side, partner) && passes == [true; 2] && parted.out && followed {
                broken.push(format!("I-7: {} is back, its partner is not", partner.id));
            }
        }
    }

    fn settled(&self, number: usize, a: &Rec, b: &Rec) -> bool {
        let field = FIELDS[number];
        let values = [a.plain(field), b.plain(field)];
        if values[0] == values[1] || self.only_name(field, a, b) {
            return true;
        }
        let from = match self.wish.flows(number, field, &self.world.accounts) {
            [true, true] => return false,
            [true, false] => 0,
            [false, true] => 1,
            [false, false] => return true,
        };
        // One way: the receiving side keeps an edit of its own until the source changes again, and what it has where
        // the source is blank.
        if values[from].is_empty() {
            return true;
        }
        let (receiver, source) = ([a, b][1 - from], [a, b][from]);
        let key = (self.wish.accounts[1 - from], receiver.id.clone(), field);
        let source = (self.wish.accounts[from], source.id.clone());
        let cell = self.world.book.cells.get(&key);
        cell.is_some_and(|cell| cell.edited_at > cell.met(&source))
    }

    /// Where a family name is required, somebody with one name has it there, whichever it is.
    fn only_name(&self, field: &str, a: &Rec, b: &Rec) -> bool {
        let required = self
            .wish
            .accounts
            .iter()
            .any(|account| self.world.accounts[*account].profile.required == Some("last"));
        let one = [a, b]
            .iter()
            .any(|rec| rec.plain("first").is_empty() || rec.plain("last").is_empty());
        required && one && matches!(field, "first" | "last")
    }

    /// Everybody who takes part is on both sides.
    fn existence(&self, broken: &mut Vec<String>) {
        for (side, from) in [Side::A, Side::B].into_iter().enumerate() {
            let account = self.wish.accounts[side];
            if !self.wish.direction.from_side(from) {
                continue;
            }
            for rec in self.world.accounts[account].records.values() {
                if rec.author != Author::Person || !self.takes_part(rec, side) {
                    continue;
                }
                if self.may_hide(account) {
                    continue;
                }
                if self.told.problems.contains(&(from, rec.id.clone())) {
                    continue;
                }
                let linked = self
                    .links
                    .iter()
                    .any(|link| *link.remote.get(from) == rec.id);
                if !linked {
                    broken.push(format!("I-1: {} of side {from} is nowhere else", rec.id));
                }
            }
        }
    }

    /// Whether a listing of an account may have passed over a record: where pages are counted from the start, one that
    /// is deleted meanwhile moves another one to a page that was read before. Nobody tells of it until it changes.
    fn may_hide(&self, account: usize) -> bool {
        let account = &self.world.accounts[account];
        account.profile.shifts && account.profile.delta && !account.bin.is_empty()
    }

    /// Whether nothing that people did keeps a record from the other side.
    fn takes_part(&self, rec: &Rec, side: usize) -> bool {
        let class = self.world.book.class(rec.entity);
        let undisturbed = self.world.book.members(class).all(|entity| {
            entity.deleted.is_empty()
                && entity.moved.is_empty()
                && entity.restored == 0
                && !entity.merged
        });
        let passes = !self.wish.filtered[side] || rec.plain("region") == "in";
        undisturbed && passes
    }
}

/// I-3: nobody is there more often than people made them.
fn duplicates(world: &Inner, broken: &mut Vec<String>) {
    for account in &world.accounts {
        let mut there: BTreeMap<usize, usize> = BTreeMap::new();
        for rec in account.records.values() {
            *there.entry(world.book.class(rec.entity)).or_default() += 1;
        }
        for (class, count) in there {
            let members = world.book.members(class).count();
            let restored: u32 = world
                .book
                .members(class)
                .map(|entity| entity.restored)
                .sum();
            if count > members + restored as usize {
                if world.struck_unseen(class) {
                    continue;
                }
                let names: Vec<&str> = account
                    .records
                    .values()
                    .filter(|rec| world.book.class(rec.entity) == class)
                    .map(|rec| rec.id.as_str())
                    .collect();
                broken.push(format!(
                    "I-3: {count} records of {members} person(s) in account {}: {names:?}",
                    account.number
                ));
            }
        }
    }
}

/// I-3: what we made belongs to a link.
fn orphans(world: &Inner, setup: &Setup, rows: &Rows, broken: &mut Vec<String>) {
    let mut linked: BTreeSet<(usize, &RemoteId)> = BTreeSet::new();
    for (wish, rows) in setup.wishes.iter().zip(&rows.connections) {
        for link in &rows.links {
            linked.insert((wish.accounts[0], &link.remote.a));
            linked.insert((wish.accounts[1], &link.remote.b));
        }
    }
    for account in &world.accounts {
        for rec in account.records.values() {
            let class = world.book.class(rec.entity);
            let merged = world.book.members(class).any(|entity| entity.merged);
            // What a person brings back is that person's.
            let restored = world.book.members(class).any(|one| one.restored > 0);
            // Edited before its creation was known, where that is known by values alone: it counts as a person's own.
            let unfindable = world.struck_unseen(class);
            let ours = rec.author == Author::Engine && !merged && !restored && !unfindable;
            if ours && !linked.contains(&(account.number, &rec.id)) {
                broken.push(format!("I-3: {}, which we made, belongs to nobody", rec.id));
            }
        }
    }
}

/// I-7: what is not mapped is as people left it.
fn untouched(world: &Inner, broken: &mut Vec<String>) {
    for account in &world.accounts {
        for rec in account.records.values() {
            let key = (account.number, rec.id.clone(), "owner");
            let edited = world
                .book
                .cells
                .get(&key)
                .and_then(|cell| cell.edited.clone());
            if rec.plain("owner") != edited.unwrap_or_default() {
                broken.push(format!("I-7: the owner of {} was changed", rec.id));
            }
        }
    }
}

/// I-12: until a person agrees to more, no more is taken away in a day than the guard lets through. Asked where one
/// connection alone takes away.
fn guarded(world: &Inner, setup: &Setup, broken: &mut Vec<String>) {
    let [wish] = setup.wishes.as_slice() else {
        return;
    };
    let limits = guards(wish);
    for account in &world.accounts {
        let removals = account.removals.iter();
        let alone: Vec<_> = removals
            .filter(|(_, at, _)| world.approved.is_none_or(|approved| *at < approved))
            .collect();
        for (_, last, _) in &alone {
            let day: Vec<_> = alone
                .iter()
                .filter(|(_, at, _)| at <= last && *last - *at < TimeDelta::hours(24))
                .collect();
            // One of which no answer came may be taken away again.
            let records: BTreeSet<_> = day.iter().map(|(id, ..)| id).collect();
            let there = day.iter().map(|(.., there)| *there).max().unwrap_or(0);
            let share = there * limits.deletions_percent as usize / 100;
            let limit = share.max(limits.deletions_min as usize);
            if records.len() > limit {
                broken.push(format!(
                    "I-12: {} of {there} records were taken away in account {} in a day, and nobody agreed",
                    records.len(),
                    account.number
                ));
                break;
            }
        }
    }
}

/// I-4: an edit that is nowhere any more had to give way to another one, and somebody was told.
fn lost(
    world: &Inner,
    setup: &Setup,
    loss: &Loss,
    told: &BTreeSet<&(String, String)>,
) -> Option<String> {
    let (account, id, field) = &loss.cell;
    let class = world.book.class(loss.entity);
    let disturbed = world
        .book
        .members(class)
        .any(|entity| !entity.deleted.is_empty() || entity.merged || entity.restored > 0);
    if disturbed || world.book.blind.contains(&loss.value) || *field == "tags" {
        return None;
    }
    let keeps = setup.wishes.iter().any(|wish| wish.blank == Blank::Keep);
    if loss.value.is_empty() && keeps {
        return None;
    }
    let named = told.contains(&((*field).to_owned(), loss.value.clone()));
    // In a ring two records that other connections joined may meet for the first time after an edit. What another tool
    // copied to the other side is an edit there, as far as anybody can tell. And where no answer came, nobody knows
    // whether a value had arrived when a person edited it.
    let elsewhere = setup.wishes.len() > 2 || world.book.copied || world.struck.unanswered();
    let excused = elsewhere && named;
    if !loss.contested && !excused {
        return Some(format!(
            "I-4: `{}` in {field} of {id} (account {account}) was lost to `{}`, which is older",
            loss.value, loss.winner
        ));
    }
    (!named && !loss.value.is_empty()).then(|| {
        format!(
            "I-4: `{}` in {field} of {id} (account {account}) was lost to `{}`, and nobody is told",
            loss.value, loss.winner
        )
    })
}
