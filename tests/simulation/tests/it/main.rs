//! What the simulation promises of itself, and a few histories in every ordinary test run.

use simulation::{Bench, History, play, regressions, volume};

/// I-17: the same seed gives the same trace, on another bench too.
#[test]
fn the_same_seed_gives_the_same_trace() {
    let (one, other) = (Bench::new(), Bench::new());
    for seed in 0..40 {
        let history = History::of(seed, None);
        let hash = |bench| play(bench, &history, false).map(|stats| stats.hash).ok();
        let first = hash(&one);
        assert_eq!(first, hash(&one), "seed {seed}, again");
        assert_eq!(first, hash(&other), "seed {seed}, elsewhere");
    }
}

#[test]
fn what_was_mended_stays_mended() {
    let failed = regressions::run_all(2);
    assert!(failed.is_empty(), "{failed:#?}");
}

#[test]
fn a_few_histories_hold() {
    let runs = volume::run(1, 60, None, 2);
    assert_eq!(runs.totals.histories, 60);
    assert!(runs.failures.is_empty(), "{:#?}", runs.failures);
}
