//! A budget of the planner's cases that costs seconds: every small state, and random cases of a fixed seed.

fn none_failed(report: &planner::Report) {
    let failures: Vec<String> = report.failures.iter().map(ToString::to_string).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

#[test]
fn every_small_state() {
    let report = planner::exhaustive(2);
    none_failed(&report);
    assert_eq!(report.cases, 1040 * 18 + 252 * 252);
}

#[test]
fn random_cases() {
    let count = 20_000;
    let report = planner::random(1, count, 2);
    none_failed(&report);
    assert_eq!(report.cases, count);
}
