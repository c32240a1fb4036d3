//! A small volume of each kind, so that the planner is proved with every run of the suite; the simulation's command
//! runs any more.

fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

fn none_failed(report: &planner::Report) {
    let failures: Vec<String> = report.failures.iter().map(ToString::to_string).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

#[test]
fn random_cases() {
    let count = 60_000;
    let report = planner::random(1, count, threads());
    none_failed(&report);
    assert_eq!(report.cases, count);
}

/// The same seed gives the same cases, whatever the threads.
#[test]
fn cases_replay() {
    for case in 0..256 {
        assert!(planner::replay(1, case).is_none());
    }
}
