//! Many histories, on as many threads as asked for.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::crew;
use crate::history::{Class, History};
use crate::office::Bench;
use crate::play::{Failure, play};
use crate::stats::Totals;

/// After so many failures no more are looked for.
const ENOUGH: usize = 20;
/// Histories after which a thread begins with a fresh store.
const FRESH: u64 = 5_000;

/// What came of many histories.
#[derive(Debug, Default)]
pub struct Runs {
    /// What happened.
    pub totals: Totals,
    /// Those that broke a law.
    pub failures: Vec<Failure>,
    /// How long it took.
    pub took: Duration,
}

impl Runs {
    /// Histories a second.
    pub fn per_second(&self) -> f64 {
        self.totals.histories as f64 / self.took.as_secs_f64().max(0.001)
    }
}

/// Plays the histories of so many seeds in a row.
pub fn run(first: u64, count: u64, class: Option<Class>, threads: usize) -> Runs {
    let begun = Instant::now();
    let next = AtomicU64::new(0);
    let runs = Mutex::new(Runs::default());
    crew::work(threads, || worker(first, count, class, &next, &runs));
    let mut runs = runs.into_inner().unwrap_or_else(PoisonError::into_inner);
    runs.took = begun.elapsed();
    runs.failures.sort_by_key(|failure| failure.seed);
    runs
}

fn worker(first: u64, count: u64, class: Option<Class>, next: &AtomicU64, runs: &Mutex<Runs>) {
    let mut totals = Totals::default();
    let mut bench = Bench::new();
    let mut played = 0;
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= count {
            break;
        }
        played += 1;
        if played % FRESH == 0 {
            bench = Bench::new();
        }
        match play(&bench, &History::of(first + number, class), false) {
            Ok(stats) => totals.add(&stats),
            Err(failure) => {
                totals.histories += 1;
                let mut runs = runs.lock().unwrap_or_else(PoisonError::into_inner);
                runs.failures.push(failure);
                if runs.failures.len() >= ENOUGH {
                    next.store(count, Ordering::Relaxed);
                }
            }
        }
    }
    let mut runs = runs.lock().unwrap_or_else(PoisonError::into_inner);
    runs.totals.merge(totals);
}
