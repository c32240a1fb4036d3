//! Histories that once broke a law, in their shortest form. They are played before any others.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use syncline_model::{Blank, ConflictPolicy, DeletionPolicy, Flow};

use crate::crew;
use crate::history::{Class, History, Op, Ride, Setup, Wish};
use crate::office::Bench;
use crate::play::{Failure, play};
use crate::profile::Profile;
use crate::sweep::wish;
use crate::world::people::Act;

/// The number of the given name.
const FIRST: u8 = 1;
/// The number of the family name.
const LAST: u8 = 2;
/// The number of the title.
const TITLE: u8 = 4;

/// The histories, by name.
pub fn all() -> Vec<(&'static str, History)> {
    let touch = |account| Op::Person(Act::Touch { account, who: 0 });
    let delete = |account| Op::Person(Act::Delete { account, who: 0 });
    let edit = |account, field| {
        let who = 0;
        Op::Person(Act::Edit {
            account,
            who,
            field,
        })
    };
    let clear = |account, field: u8| {
        let (who, field) = (0, field - 1);
        Op::Person(Act::Clear {
            account,
            who,
            field,
        })
    };
    vec![
        (
            "a deletion is noticed where nothing but listings tells of it",
            history(
                [listing(), Profile::plain()],
                vec![create(0), run(1), delete(0), run(2)],
            ),
        ),
        (
            "a listing that lags behind brings nothing back that we deleted",
            history(
                [late(listing()), Profile::plain()],
                vec![
                    create(0),
                    Op::Wait(1000),
                    run(1),
                    touch(0),
                    delete(1),
                    run(2),
                    run(3),
                    run(4),
                ],
            ),
        ),
        (
            "a record that is brought back outside the collection is not followed there",
            grouped(vec![
                create(1),
                run(1),
                delete(1),
                run(2),
                Op::Person(Act::Restore { account: 1 }),
                Op::Person(Act::Move { account: 1, who: 0 }),
                run(3),
            ]),
        ),
        (
            "a newcomer whose copy does not pass is not driven out",
            grouped(vec![outside(1), run(1), run(2)]),
        ),
        (
            "a record that went by merging is gone, though only the one that stays tells of it",
            history(
                [
                    Profile {
                        quiet_merges: true,
                        ..Profile::plain()
                    },
                    Profile::plain(),
                ],
                vec![create(0), create(0), run(1), merge(0), run(2)],
            ),
        ),
        (
            "an old value that a lagging listing without dates shows is no edit",
            twice(
                [late(undated()), late(undated())],
                [None, None],
                vec![
                    create(0),
                    Op::Wait(1000),
                    run(1),
                    Op::Wait(1000),
                    edit(1, LAST),
                    run(2),
                    run(3),
                    edit(0, LAST),
                    run(4),
                    run(5),
                ],
            ),
        ),
        (
            "an edit that one connection leaves standing goes over by the other",
            twice(
                [Profile::plain(), Profile::plain()],
                [Some((LAST, Flow::AToB)), Some((LAST, Flow::BToA))],
                vec![
                    create(0),
                    run(1),
                    edit(1, LAST),
                    run(2),
                    edit(0, LAST),
                    run(3),
                ],
            ),
        ),
        (
            "an edit of a record whose creation was not settled is no spelling",
            history(
                [Profile::plain(), Profile::plain()],
                vec![create(0), dying(1, 39), edit(1, TITLE), run(2)],
            ),
        ),
        (
            "a record that is filtered out and takes up a linked one does not hold up the run",
            filtered(
                [listing(), Profile::plain()],
                vec![
                    create(1),
                    create(0),
                    outside(0),
                    run(1),
                    Op::Person(merging(0, 2, 0)),
                    run(2),
                ],
            ),
        ),
        (
            "what fills a required name never replaces a person's own",
            one_way(
                [
                    Profile {
                        required: Some("last"),
                        ..Profile::plain()
                    },
                    Profile::plain(),
                ],
                vec![create(1), run(1), touch(0), run(2)],
            ),
        ),
        (
            "a family name that cannot be cleared is nobody's given name",
            given_back(
                [
                    Profile::plain(),
                    Profile {
                        required: Some("last"),
                        ..Profile::plain()
                    },
                ],
                vec![
                    create(0),
                    run(1),
                    clear(0, LAST),
                    run(2),
                    edit(1, FIRST),
                    run(3),
                ],
            ),
        ),
    ]
}

/// Seeds whose histories once broke a law and are too long to be told by hand.
const SEEDS: [(u64, Option<Class>); 53] = [
    (128, Some(Class::Ring)),
    (137, Some(Class::Ring)),
    (155, Some(Class::Ring)),
    (162, Some(Class::Ring)),
    (281, Some(Class::Ring)),
    (457, Some(Class::Ring)),
    (570, Some(Class::Ring)),
    (695, Some(Class::Ring)),
    (1_426, Some(Class::Ring)),
    (5_069, Some(Class::Ring)),
    (5_427, Some(Class::Ring)),
    (5_780, Some(Class::Ring)),
    (5_864, Some(Class::Ring)),
    (6_992, Some(Class::Ring)),
    (300_320, Some(Class::Ring)),
    (334, Some(Class::Guards)),
    (453, Some(Class::Guards)),
    (725, Some(Class::Guards)),
    (839, Some(Class::Guards)),
    (1_280, Some(Class::Guards)),
    (82, Some(Class::Deletions)),
    (570, Some(Class::Deletions)),
    (9, Some(Class::Wild)),
    (657, Some(Class::Wild)),
    (768, Some(Class::Wild)),
    (5_032, None),
    (5_284, None),
    (5_567, None),
    (5_870, None),
    (6_549, None),
    (7_252, None),
    (11_413, None),
    (13_716, None),
    (13_489, None),
    (100_926, None),
    (101_352, None),
    (400_125, None),
    (500_837, None),
    (500_884, None),
    (600_005, None),
    (600_147, None),
    (600_362, None),
    (600_560, None),
    (2_000_110, None),
    (2_006_458, None),
    (2_019_045, None),
    (3_018_479, None),
    (3_026_259, None),
    (3_028_482, None),
    (3_031_250, None),
    (3_032_267, None),
    (3_032_897, None),
    (5_001_350, None),
];

/// The same, of those that were drawn since partners leave along.
const SINCE_LEAVING: [u64; 6] = [4_106, 8_320, 9_878, 13_189, 17_705, 33_416];

/// Plays them all, on so many threads. Gives those that break a law again.
pub fn run_all(threads: usize) -> Vec<(String, Failure)> {
    let told = all().into_iter();
    let told = told.map(|(name, history)| (name.to_owned(), history));
    let before = SEEDS.map(|(seed, class)| (seed, History::drawn(seed, class, false)));
    let since = SINCE_LEAVING.map(|seed| (seed, History::of(seed, None)));
    let drawn = before.into_iter().chain(since);
    let drawn = drawn.map(|(seed, history)| (format!("seed {seed}"), history));
    let histories: Vec<(String, History)> = told.chain(drawn).collect();
    let (next, failed) = (AtomicUsize::new(0), Mutex::default());
    crew::work(threads, || {
        let bench = Bench::new();
        while let Some((name, history)) = histories.get(next.fetch_add(1, Ordering::Relaxed)) {
            if let Err(failure) = play(&bench, history, false) {
                let mut failed: MutexGuard<'_, Vec<_>> =
                    failed.lock().unwrap_or_else(PoisonError::into_inner);
                failed.push((name.clone(), failure));
            }
        }
    });
    failed.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn history(accounts: [Profile; 2], ops: Vec<Op>) -> History {
    History {
        seed: 1,
        class: Class::Wild,
        setup: Setup {
            accounts: accounts.into_iter().map(|profile| (0, profile)).collect(),
            wishes: vec![Wish {
                conflict: ConflictPolicy::AWins,
                deletions: [DeletionPolicy::Delete; 2],
                ..wish()
            }],
            slice: 60,
            batch: 1000,
            limit: None,
        },
        ops,
    }
}

/// Only records of a that pass the filter go over; both sides are groups, which partners leave with one another.
fn grouped(ops: Vec<Op>) -> History {
    let mut history = filtered([Profile::plain(), Profile::plain()], ops);
    let wish = &mut history.setup.wishes[0];
    (wish.grouped, wish.leaves) = ([true, true], true);
    wish.deletions = [DeletionPolicy::Mark; 2];
    history
}

/// The same pair connected twice, with a field that flows one way in each.
fn twice(accounts: [Profile; 2], one_way: [Option<(u8, Flow)>; 2], ops: Vec<Op>) -> History {
    let mut history = history(accounts, ops);
    history.class = Class::Twice;
    let wish = history.setup.wishes[0].clone();
    history.setup.wishes = one_way
        .into_iter()
        .map(|one_way| Wish {
            one_way,
            ..wish.clone()
        })
        .collect();
    history
}

/// Given names flow from b to a only, and blanks overwrite.
fn given_back(accounts: [Profile; 2], ops: Vec<Op>) -> History {
    let mut history = history(accounts, ops);
    history.setup.wishes[0].one_way = Some((FIRST, Flow::BToA));
    history.setup.wishes[0].blank = Blank::Sync;
    history
}

/// Family names flow from a to b only.
fn one_way(accounts: [Profile; 2], ops: Vec<Op>) -> History {
    let mut history = history(accounts, ops);
    history.setup.wishes[0].one_way = Some((LAST, Flow::AToB));
    history
}

/// A provider whose listings show a change a quarter of an hour late, or less.
fn late(mut profile: Profile) -> Profile {
    profile.lag = Duration::from_mins(15);
    profile
}

/// A provider that does not say when a record was changed, and lists everything.
fn undated() -> Profile {
    Profile {
        dated: false,
        ..listing()
    }
}

/// A provider that tells of changes only by listing everything.
fn listing() -> Profile {
    Profile {
        delta: false,
        ..Profile::plain()
    }
}

fn create(account: usize) -> Op {
    Op::Person(Act::Create {
        account,
        pool: None,
        passes: true,
    })
}

fn merge(account: usize) -> Op {
    Op::Person(merging(account, 0, 1))
}

const fn merging(account: usize, who: u16, other: u16) -> Act {
    Act::Merge {
        account,
        who,
        other,
    }
}

/// Somebody whom the filter keeps out.
fn outside(account: usize) -> Op {
    Op::Person(Act::Create {
        account,
        pool: None,
        passes: false,
    })
}

/// Only records of a that pass the filter go over.
fn filtered(accounts: [Profile; 2], ops: Vec<Op>) -> History {
    let mut history = history(accounts, ops);
    history.setup.wishes[0].filtered = [true, false];
    history.setup.batch = 2;
    history
}

fn run(chance: u64) -> Op {
    Op::Run(ride(chance))
}

/// A run in which the worker dies once a turn has taken effect.
fn dying(chance: u64, turn: u32) -> Op {
    Op::Run(Ride {
        crash: Some((turn, true)),
        slices: 1,
        ..ride(chance)
    })
}

const fn ride(chance: u64) -> Ride {
    Ride {
        chance,
        stormy: false,
        crash: None,
        during: Vec::new(),
        slices: 4,
    }
}
