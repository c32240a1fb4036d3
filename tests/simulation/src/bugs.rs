//! Seeded bugs: deliberate faults of the core, each of which the suite must find within its normal budget.
//!
//! Each is looked for first where looking is cheapest: in planner cases, then in a few direct questions to the store,
//! then in whole-run histories, then in the crash sweep. A history counts only if it holds without the bug.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use syncline_model::seeded::{Bug, with};

use crate::crew;
use crate::fencing;
use crate::history::{Class, History};
use crate::office::Bench;
use crate::play::play;
use crate::sweep;

/// Planner cases in which a bug is looked for: a fortieth of what every run of the suite looks at.
const CASES: u64 = 25_000;
/// Whole-run histories of each class in which it is looked for; together a sixth of the suite's.
const HISTORIES: u64 = 250;

/// What came of the seeded bugs.
#[derive(Clone, Debug, Default)]
pub struct Hunt {
    /// How many bugs there are.
    pub seeded: u64,
    /// For each bug that was found, after how many cases, histories or points.
    pub killed: BTreeMap<String, u64>,
    /// For each bug that was found, by what, and what it broke.
    pub how: BTreeMap<String, (&'static str, String)>,
    /// Those that were not found.
    pub survivors: Vec<String>,
}

/// A bug that was found.
struct Kill {
    by: &'static str,
    after: u64,
    broken: String,
}

/// Switches each bug on and looks for it.
pub fn run(threads: usize) -> Hunt {
    only(threads, |_| true)
}

/// The same for some of the bugs.
pub fn only(threads: usize, wanted: impl Fn(Bug) -> bool) -> Hunt {
    // A bug that panics is found like any other; what it says is in the report.
    let loud = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| ()));
    let bugs: Vec<Bug> = Bug::ALL
        .iter()
        .copied()
        .filter(|bug| wanted(*bug))
        .collect();
    let next = AtomicUsize::new(0);
    let hunt = Mutex::new(Hunt {
        seeded: bugs.len() as u64,
        ..Hunt::default()
    });
    crew::work(threads, || {
        while let Some(bug) = bugs.get(next.fetch_add(1, Ordering::Relaxed)) {
            let found = find(*bug);
            let mut hunt = hunt.lock().unwrap_or_else(PoisonError::into_inner);
            let name = format!("{bug:?}");
            // A hunt takes minutes: what was found is told at once.
            let after = found.as_ref().map(|kill| (kill.after, kill.by));
            eprintln!("{name}: {after:?}");
            match found {
                Some(kill) => {
                    hunt.killed.insert(name.clone(), kill.after);
                    hunt.how.insert(name, (kill.by, kill.broken));
                }
                None => hunt.survivors.push(name),
            }
        }
    });
    std::panic::set_hook(loud);
    hunt.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn find(bug: Bug) -> Option<Kill> {
    let by_case = with(Some(bug), || planner::first_failure(1, CASES));
    if let Some((after, broken)) = by_case {
        return Some(Kill {
            by: "planner cases",
            after,
            broken,
        });
    }
    in_fencing(bug)
        .or_else(|| in_histories(bug))
        .or_else(|| in_sweep(bug))
}

fn in_fencing(bug: Bug) -> Option<Kill> {
    let bench = Bench::new();
    let broken = with(Some(bug), || fencing::check(&bench)).err()?;
    Some(Kill {
        by: "a lost lease",
        after: 1,
        broken,
    })
}

/// The classes take turns, so that the one that a bug hides in is never far.
fn in_histories(bug: Bug) -> Option<Kill> {
    let mut bench = Bench::new();
    let mut after = 0;
    for seed in 1..=HISTORIES {
        for class in Class::ALL {
            after += 1;
            let history = History::of(seed, Some(class));
            let Some(broken) = breaks(&bench, bug, &history) else {
                continue;
            };
            // What a bug left behind is nothing to go on with.
            bench = Bench::new();
            if play(&bench, &history, false).is_ok() {
                let by = "histories";
                return Some(Kill { by, after, broken });
            }
            bench = Bench::new();
        }
    }
    None
}

fn in_sweep(bug: Bug) -> Option<Kill> {
    let mut after = 0;
    for (_, history) in sweep::scenarios() {
        let mut bench = Bench::new();
        let turns = play(&bench, &history, false).ok()?.turns;
        for turn in 0..turns as u32 {
            for late in [false, true] {
                after += 1;
                let dying = sweep::dying(&history, turn, late);
                let Some(broken) = breaks(&bench, bug, &dying) else {
                    continue;
                };
                bench = Bench::new();
                if play(&bench, &dying, false).is_ok() {
                    let by = "sweep points";
                    return Some(Kill { by, after, broken });
                }
            }
        }
    }
    None
}

/// What a history breaks with a bug in the core, a panic included.
fn breaks(bench: &Bench, bug: Bug, history: &History) -> Option<String> {
    let played = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        with(Some(bug), || play(bench, history, false))
    }));
    match played {
        Ok(Ok(_)) => None,
        Ok(Err(failure)) => Some(failure.broken.first().cloned().unwrap_or_default()),
        Err(_) => Some("a panic".to_owned()),
    }
}
