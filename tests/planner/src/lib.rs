//! The planner at volume: `plan` and `settle` of the engine against oracles that share no code with it.
//!
//! Three kinds of proof. [`exhaustive`]: every small state of one and two fields (I-6). [`random`]: cases made from a
//! seed: links with any memory, policy, sight and outcome, followed over several runs; unlinked records; guards; whole
//! histories of people and faults. A case that fails is shortened by leaving parts out, and its number and seed give
//! it again. Here too are the small connections (`setup`) and the two simulated accounts (`world`) that the engine's
//! own tests use. Not here: the worker, the store, time; those are the whole-run simulation's.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails by panicking"
)]
#![expect(
    clippy::option_option,
    clippy::trivially_copy_pass_by_ref,
    reason = "an oracle reads as the words that it goes by"
)]

mod exhaustive;
mod history;
mod limits;
mod pair;
pub mod rng;
pub mod setup;
mod unlinked;
pub mod world;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// What a volume of cases came to.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Cases that were run.
    pub cases: u64,
    /// Those that failed; after [`ENOUGH`] of them the run stops.
    pub failures: Vec<Failure>,
}

/// A case that failed.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Which one; `seed S case N` replays with [`replay`].
    pub case: String,
    /// What did not hold.
    pub what: String,
    /// The case after leaving out all that the failure does not need.
    pub shortest: String,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}\n{}", self.case, self.what, self.shortest)
    }
}

/// Failures after which a run stops: more say nothing new.
pub const ENOUGH: usize = 5;

/// Every small state of one and two fields.
pub fn exhaustive(threads: usize) -> Report {
    exhaustive::run(threads)
}

/// `count` random cases of a seed, on so many threads. What is run does not depend on the threads.
pub fn random(seed: u64, count: u64, threads: usize) -> Report {
    random_from(seed, 0, count, threads)
}

/// The same, from the case of this number on.
pub fn random_from(seed: u64, first: u64, count: u64, threads: usize) -> Report {
    let pool = pair::Pool::new(seed);
    in_parallel(first, count, threads, &|index| one(seed, index, &pool))
}

/// One case again. Gives its failure.
pub fn replay(seed: u64, case: u64) -> Option<Failure> {
    one(seed, case, &pair::Pool::new(seed))
}

/// The number of cases of a seed after which the first one fails, and why. In order, on the caller's own thread and with
/// what is switched on for it alone; what fails is not shortened.
pub fn first_failure(seed: u64, count: u64) -> Option<(u64, String)> {
    let pool = pair::Pool::new(seed);
    (0..count).find_map(|index| {
        let what = failing(seed, index, &pool, Haste::Quick)?.0;
        Some((index + 1, what))
    })
}

/// Whether a failing case is worth the time to shorten it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Haste {
    /// Only whether it fails.
    Quick,
    /// The shortest form, too.
    Thorough,
}

/// Most cases are of one link: they are the cheapest and there the decisions are made. The others cost more.
fn failing(seed: u64, index: u64, pool: &pair::Pool, haste: Haste) -> Option<(String, String)> {
    let mut rng = rng::Rng::of_case(seed, index);
    match index % 128 {
        0 => history::case(&mut rng, haste),
        1..=8 => unlinked::case(&mut rng, haste),
        9 => limits::case(&mut rng, haste),
        _ => pair::case(&mut rng, pool, haste),
    }
}

fn one(seed: u64, index: u64, pool: &pair::Pool) -> Option<Failure> {
    let (what, shortest) = failing(seed, index, pool, Haste::Thorough)?;
    Some(Failure {
        case: format!("seed {seed} case {index}"),
        what,
        shortest,
    })
}

/// Runs the cases of a range, in chunks, until all are done or enough have failed.
pub(crate) fn in_parallel(
    first: u64,
    count: u64,
    threads: usize,
    case: &(dyn Fn(u64) -> Option<Failure> + Sync),
) -> Report {
    const CHUNK: u64 = 256;
    let (next, done) = (AtomicU64::new(0), AtomicU64::new(0));
    let stop = AtomicBool::new(false);
    let failures = Mutex::new(Vec::new());
    let work = || {
        while !stop.load(Ordering::Relaxed) {
            let from = next.fetch_add(CHUNK, Ordering::Relaxed);
            if from >= count {
                break;
            }
            for index in from..(from + CHUNK).min(count) {
                if let Some(failure) = case(first + index) {
                    let mut all = failures.lock().unwrap_or_else(PoisonError::into_inner);
                    all.push((index, failure));
                    if all.len() >= ENOUGH {
                        stop.store(true, Ordering::Relaxed);
                    }
                }
                done.fetch_add(1, Ordering::Relaxed);
                if stop.load(Ordering::Relaxed) {
                    break;
                }
            }
        }
    };
    if threads <= 1 {
        // On the caller's own thread, and with what is set for it alone.
        work();
    } else {
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(work);
            }
        });
    }
    let mut failures = failures
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    failures.sort_by_key(|(index, _)| *index);
    Report {
        cases: done.into_inner(),
        failures: failures.into_iter().map(|(_, failure)| failure).collect(),
    }
}

/// A check, and a panic in the code under test as its failure.
pub(crate) fn guarded(check: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(check)).unwrap_or_else(|panic| {
        let text = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied());
        Err(format!("panicked: {}", text.unwrap_or("without a text")))
    })
}

/// The shortest case that still fails: tries what `shorter` offers, as long as one of them fails too.
pub(crate) fn shortened<C>(
    mut case: C,
    mut what: String,
    shorter: impl Fn(&C) -> Vec<C>,
    check: impl Fn(&C) -> Result<(), String>,
    haste: Haste,
) -> (C, String) {
    let mut tries = match haste {
        Haste::Quick => 0,
        Haste::Thorough => 3000,
    };
    'again: while tries > 0 {
        for other in shorter(&case) {
            tries -= 1;
            if let Err(why) = check(&other) {
                (case, what) = (other, why);
                continue 'again;
            }
            if tries == 0 {
                break;
            }
        }
        break;
    }
    (case, what)
}

/// Ends a check with a message where something does not hold.
macro_rules! ensure {
    ($holds:expr, $($message:tt)+) => {
        if !$holds {
            return Err(format!($($message)+));
        }
    };
}
pub(crate) use ensure;
