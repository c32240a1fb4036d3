//! The crash sweep: named scenarios, in each of which the worker dies at every point once, before and after the
//! point's effect.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use syncline_connector::Idempotency;
use syncline_model::{Blank, ConflictPolicy, DeletionPolicy, Direction};

use crate::crew;
use crate::history::{Class, History, Op, Ride, Setup, Wish};
use crate::office::Bench;
use crate::play::{Failure, play};
use crate::profile::{Profile, Spelling};
use crate::world::people::Act;

/// What came of the sweep.
#[derive(Debug, Default)]
pub struct Swept {
    /// Scenarios.
    pub scenarios: usize,
    /// Points in them, before and after counted apart.
    pub total: u64,
    /// Points at which the worker died.
    pub covered: u64,
    /// Deaths after which something did not hold: the scenario, the point, whether after its effect, and what.
    pub failed: Vec<(String, u32, bool, Failure)>,
}

/// Sweeps all scenarios.
pub fn run(threads: usize) -> Swept {
    let scenarios = scenarios();
    let next = AtomicUsize::new(0);
    let swept = Mutex::new(Swept {
        scenarios: scenarios.len(),
        ..Swept::default()
    });
    crew::work(threads, || {
        let bench = Bench::new();
        while let Some((name, history)) = scenarios.get(next.fetch_add(1, Ordering::Relaxed)) {
            let one = sweep(&bench, name, history);
            let mut swept = swept.lock().unwrap_or_else(PoisonError::into_inner);
            swept.total += one.total;
            swept.covered += one.covered;
            swept.failed.extend(one.failed);
        }
    });
    swept.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// Dies at every point of a scenario's last run.
pub fn sweep(bench: &Bench, name: &str, history: &History) -> Swept {
    let mut swept = Swept::default();
    let turns = match play(bench, history, false) {
        Ok(stats) => stats.turns,
        Err(failure) => {
            swept.failed.push((name.to_owned(), 0, false, failure));
            return swept;
        }
    };
    for turn in 0..turns as u32 {
        for after in [false, true] {
            swept.total += 1;
            match play(bench, &dying(history, turn, after), false) {
                Ok(stats) => swept.covered += u64::from(stats.crashes > 0),
                Err(failure) => {
                    swept.covered += 1;
                    swept.failed.push((name.to_owned(), turn, after, failure));
                }
            }
        }
    }
    swept
}

/// The scenario with a death in its last run.
pub fn dying(history: &History, turn: u32, after: bool) -> History {
    let mut dying = history.clone();
    let last = dying.ops.iter_mut().rev().find_map(|op| match op {
        Op::Run(ride) => Some(ride),
        _ => None,
    });
    if let Some(ride) = last {
        ride.crash = Some((turn, after));
    }
    dying
}

/// The scenarios: what people did, at which kinds of provider.
pub fn scenarios() -> Vec<(String, History)> {
    let mut scenarios = Vec::new();
    let mut add = |provider: &str, sides: [&Profile; 2], situation: Situation| {
        let (what, ops, wish) = situation;
        let history = History {
            seed: 1 + scenarios.len() as u64,
            class: Class::Crashes,
            setup: Setup {
                accounts: sides.map(|profile| (0, profile.clone())).to_vec(),
                wishes: vec![wish],
                slice: 60,
                batch: 1000,
                limit: None,
            },
            ops,
        };
        scenarios.push((format!("{what} at {provider}"), history));
    };
    for (provider, a, b) in providers() {
        for situation in situations() {
            add(provider, [&a, &b], situation);
        }
    }
    let plain = Profile::plain();
    add("markers", [&plain, &plain], upkeep());
    scenarios
}

/// What people did, and in what connection.
type Situation = (&'static str, Vec<Op>, Wish);

fn providers() -> Vec<(&'static str, Profile, Profile)> {
    let plain = Profile::plain();
    let made = |create| Profile {
        create,
        ..Profile::plain()
    };
    let late = Profile {
        lag: Duration::from_secs(40),
        ..Profile::plain()
    };
    let listing = Profile {
        delta: false,
        etag: false,
        ..Profile::plain()
    };
    let shifting = Profile {
        shifts: true,
        page: 1,
        ..listing.clone()
    };
    let lowering = Profile {
        spelling: Spelling::Lowers,
        ..Profile::plain()
    };
    let silent = Profile {
        spelling: Spelling::Trims,
        shows: false,
        dated: false,
        ..Profile::plain()
    };
    let search = Profile {
        etag: false,
        ..made(Idempotency::Search)
    };
    vec![
        ("markers", plain.clone(), plain.clone()),
        ("client ids", made(Idempotency::ClientId), plain.clone()),
        ("upserts", made(Idempotency::Upsert), plain.clone()),
        ("searches", search.clone(), search),
        ("late listings", late.clone(), late),
        ("listings only", listing, plain.clone()),
        ("shifting pages", shifting, plain.clone()),
        ("lower case", lowering, plain),
        ("silent answers", silent.clone(), silent),
    ]
}

/// A record is to be written whose version rose without a word: only reading it again shows the new one.
fn upkeep() -> Situation {
    let ops = vec![
        Op::Person(Act::Create {
            account: 0,
            pool: None,
            passes: true,
        }),
        Op::Run(ride(1)),
        Op::Person(Act::Upkeep { account: 0, who: 0 }),
        Op::Person(Act::Edit {
            account: 1,
            who: 0,
            field: 1,
        }),
        Op::Run(ride(2)),
    ];
    ("a version that rose unheard", ops, wish())
}

fn situations() -> Vec<Situation> {
    let person = Op::Person;
    let create = |account, pool| {
        person(Act::Create {
            account,
            pool,
            passes: true,
        })
    };
    let edit = |account, who, field| {
        person(Act::Edit {
            account,
            who,
            field,
        })
    };
    let delete = |account, who| person(Act::Delete { account, who });
    let run = |chance| Op::Run(ride(chance));
    let beginning = vec![
        create(0, None),
        create(1, None),
        create(0, Some(0)),
        create(1, Some(0)),
    ];
    let after = |acts: Vec<Op>| {
        let mut ops = beginning.clone();
        ops.push(run(1));
        ops.extend(acts);
        ops.push(run(2));
        ops
    };
    let first = [beginning.clone(), vec![run(1)]].concat();
    let asking = Wish {
        conflict: ConflictPolicy::Ask,
        ..wish()
    };
    let marking = Wish {
        deletions: [DeletionPolicy::Mark, DeletionPolicy::Unlink],
        ..wish()
    };
    let leaving = Wish {
        grouped: [true, true],
        leaves: true,
        ..wish()
    };
    let moved = |account, who| person(Act::Move { account, who });
    let tag = |account, away| {
        person(Act::Tag {
            account,
            who: 0,
            away,
        })
    };
    vec![
        ("first contact", first, wish()),
        (
            "edits on both sides",
            after(vec![edit(0, 0, 1), edit(1, 1, 4), tag(0, false)]),
            wish(),
        ),
        (
            "a conflict",
            after(vec![edit(0, 0, 1), edit(1, 0, 1)]),
            wish(),
        ),
        (
            "a question",
            after(vec![edit(0, 0, 1), edit(1, 0, 1), edit(1, 1, 2)]),
            asking,
        ),
        (
            "deletions",
            after(vec![delete(0, 0), delete(1, 1), edit(0, 2, 1)]),
            wish(),
        ),
        ("marks", after(vec![delete(0, 0), delete(1, 1)]), marking),
        (
            "leaving",
            after(vec![moved(0, 0), edit(1, 0, 1), moved(1, 1)]),
            leaving.clone(),
        ),
        (
            "coming back",
            after(vec![
                moved(0, 0),
                moved(1, 1),
                run(3),
                moved(0, 0),
                edit(0, 0, 1),
                moved(1, 1),
            ]),
            leaving.clone(),
        ),
        (
            "leaving in the middle of coming back",
            after(vec![
                moved(0, 0),
                run(3),
                moved(0, 0),
                run(4),
                moved(0, 0),
                delete(1, 1),
            ]),
            leaving,
        ),
        (
            "newcomers and a deletion against an edit",
            after(vec![
                delete(0, 0),
                edit(1, 0, 1),
                create(0, None),
                create(1, Some(1)),
            ]),
            wish(),
        ),
    ]
}

fn ride(chance: u64) -> Ride {
    Ride {
        chance,
        stormy: false,
        crash: None,
        during: Vec::new(),
        slices: 4,
    }
}

/// A plain connection, both ways.
pub fn wish() -> Wish {
    Wish {
        tenant: 0,
        accounts: [0, 1],
        grouped: [false, false],
        direction: Direction::TwoWay,
        conflict: ConflictPolicy::BWins,
        deletions: [DeletionPolicy::Delete, DeletionPolicy::Delete],
        leaves: false,
        filtered: [false, false],
        narrow: false,
        one_way: None,
        blank: Blank::Sync,
    }
}
