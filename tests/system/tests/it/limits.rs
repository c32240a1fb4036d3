//! Providers that ask for patience: 429 with and without a time.

use serde_json::{Value, json};
use system_tests::http::number;
use system_tests::{GOOGLE, World, ZOHO};

/// The times of recent requests of a route, with their statuses, oldest first.
fn recent(report: &Value, route: &str) -> Vec<(String, u64)> {
    let all = report["recent"].as_array().cloned().unwrap_or_default();
    all.iter()
        .filter(|entry| entry["route"] == route)
        .map(|entry| {
            let at = entry["at"].as_str().unwrap_or_default().to_owned();
            (at, number(entry, "/status"))
        })
        .collect()
}

/// Seconds of the day of an RFC 3339 time.
fn seconds(time: &str) -> f64 {
    let clock = time.split('T').nth(1).unwrap_or_default();
    let clock = clock.trim_end_matches('Z').trim_end_matches("+00:00");
    clock
        .split(':')
        .filter_map(|part| part.parse::<f64>().ok())
        .fold(0.0, |sum, part| sum * 60.0 + part)
}

/// F-58: what was refused with `Retry-After` is not asked for again any sooner.
#[tokio::test]
async fn retry_after_is_honoured() -> anyhow::Result<()> {
    let world = World::start(30).await?;
    let fault = json!({"kind": "status", "status": 429, "headers": {"Retry-After": "2"}});
    let route = "POST /v1/people:batchCreateContacts";
    let rule = json!({"provider": GOOGLE, "route": route, "times": 1, "fault": fault});
    let fault = world.sandbox.fault(rule).await?;
    let connection = world.connected(json!({})).await?;
    assert_eq!(world.sandbox.struck(&fault).await?, 1);
    let report = world.sandbox.requests(None).await?;
    let asked = recent(&report, route);
    let refused = asked.iter().position(|(_, status)| *status == 429);
    let at = refused.expect("a refusal in the log");
    let waited = seconds(&asked[at + 1].0) - seconds(&asked[at].0);
    // Past midnight the day begins anew.
    let waited = waited.rem_euclid(86_400.0);
    assert!(waited >= 1.9, "asked again after {waited} s");
    world.whole(&connection).await
}

/// F-58: Zoho CRM refuses without saying for how long.
#[tokio::test]
async fn a_refusal_without_a_time_is_waited_out() -> anyhow::Result<()> {
    let world = World::start(30).await?;
    let route = "POST /crm/v8/Contacts";
    let rule = json!({"provider": ZOHO, "route": route, "times": 1, "fault": {"kind": "status", "status": 429}});
    let fault = world.sandbox.fault(rule).await?;
    let connection = world.connected(json!({})).await?;
    assert_eq!(world.sandbox.struck(&fault).await?, 1);
    world.whole(&connection).await
}
