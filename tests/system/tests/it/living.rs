//! What happens by itself: runs on a schedule, and progress while a run goes on.

use std::time::Duration;

use anyhow::Context;
use chrono::{DateTime, TimeDelta};
use reqwest::Method;
use serde_json::{Value, json};
use system_tests::http::{stays, until};
use system_tests::{GOOGLE, World, http};

use crate::people::book;

/// A connection with a schedule runs without anybody's asking.
#[tokio::test]
async fn a_schedule_runs_by_itself() -> anyhow::Result<()> {
    let world = World::start(20).await?;
    let connection = world.connect(json!({"schedule": {"every": "60s"}})).await?;
    let run = world.api.first_run(&connection).await?;
    assert_eq!(
        (&run["state"], &run["trigger"]),
        (&json!("succeeded"), &json!("schedule"))
    );
    let health = world
        .api
        .get(&format!("/v1/connections/{connection}/health"))
        .await?;
    assert!(health["next_run_at"].is_string(), "{health}");
    world.whole(&connection).await
}

/// Every schedule that Zoho offers, each told of as the time of the next run; on demand there is none, and nothing happens
/// by itself. What is too short, too long or no time is refused.
#[tokio::test]
async fn schedules_from_five_minutes_to_a_day_and_on_demand() -> anyhow::Result<()> {
    let world = World::start(0).await?;
    let connection = world.connected(json!({})).await?;
    let path = format!("/v1/connections/{connection}");
    let runs = async || anyhow::Ok(world.api.list(&format!("{path}/runs")).await?.len());
    let time = |value: &Value| {
        let text = value.as_str().unwrap_or_default();
        DateTime::parse_from_rfc3339(text).ok()
    };
    for (number, (every, minutes)) in [
        ("5m", 5),
        ("15m", 15),
        ("30m", 30),
        ("1h", 60),
        ("4h", 240),
        ("12h", 720),
        ("24h", 1440),
    ]
    .into_iter()
    .enumerate()
    {
        let schedule = json!({"schedule": {"every": every}});
        world.api.patch(&connection, schedule).await?;
        let next = until("a run at once and the time of the next", 30, async || {
            let health = world.api.get(&format!("{path}/health")).await?;
            let (last, next) = (&health["last_run"], &health["next_run_at"]);
            let is_new = runs().await? == number + 2 && last["state"] == "succeeded";
            let ahead = time(next).zip(time(&last["created_at"]));
            let ahead = ahead.filter(|_| is_new).map(|(next, last)| next - last);
            Ok(ahead.filter(|ahead| *ahead > TimeDelta::minutes(1)))
        })
        .await?;
        let wanted = TimeDelta::minutes(minutes);
        assert!(
            (next - wanted).abs() < TimeDelta::seconds(5),
            "{every}: {next}"
        );
    }
    let manual = json!({"schedule": {"every": "manual"}});
    world.api.patch(&connection, manual).await?;
    let health = world.api.get(&format!("{path}/health")).await?;
    assert_eq!(health["next_run_at"], Value::Null, "{health}");
    // Many ticks of the scheduler.
    assert_eq!(
        stays("runs", Duration::from_secs(1), async || Ok(
            runs().await? as u64
        ))
        .await?,
        8
    );
    for wrong in ["59s", "31d", "0m", "often"] {
        let wish = json!({"schedule": {"every": wrong}});
        let answer = world
            .api
            .call(Method::POST, &format!("{path}/preview"), Some(&wish))
            .await?;
        assert!((400..500).contains(&answer.status), "{}", answer.body);
        let told = answer.body.to_string();
        assert!(told.contains("from `60s` to `30d`"), "{told}");
    }
    Ok(())
}

/// The stream of a run: the row, reports, and the row again once it is over.
#[tokio::test]
async fn progress_is_told_while_a_run_goes_on() -> anyhow::Result<()> {
    let world = World::start(20).await?;
    let connection = world.connected(json!({})).await?;
    world.sandbox.create(GOOGLE, book("New", json!({}))).await?;
    // Slow enough that somebody who comes to watch sees it.
    let slow = json!({"kind": "delay_ms", "ms": 400});
    world
        .sandbox
        .fault(json!({"provider": GOOGLE, "fault": slow}))
        .await?;
    let run = world.api.begin(&connection).await?;
    let events = follow(&world, &run).await?;
    let names: Vec<&str> = events.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names.first(), Some(&"run"), "{names:?}");
    assert_eq!(names.last(), Some(&"run"), "{names:?}");
    assert!(names.len() >= 3, "{names:?}");
    assert!(
        names[1..names.len() - 1]
            .iter()
            .all(|name| *name == "progress"),
        "{names:?}"
    );
    let (_, begun) = events.first().context("a first event")?;
    assert!(begun["finished_at"].is_null(), "{begun}");
    let (_, over) = events.last().context("a last event")?;
    assert_eq!(over["state"], "succeeded", "{over}");
    assert_eq!(over["counters"]["b_to_a"]["created"], 1, "{over}");
    Ok(())
}

/// Reads a stream of server-sent events to its end.
async fn follow(world: &World, run: &str) -> anyhow::Result<Vec<(String, Value)>> {
    let url = format!("{}/v1/runs/{run}/events", world.api.base);
    let mut stream = http::client()?
        .get(url)
        .bearer_auth(world.api.token())
        .send()
        .await?;
    let mut text = String::new();
    while let Some(chunk) = stream.chunk().await? {
        text.push_str(std::str::from_utf8(&chunk)?);
    }
    let mut events = Vec::new();
    for block in text.split("\n\n") {
        let line = |key: &str| block.lines().find_map(|line| line.strip_prefix(key));
        if let (Some(name), Some(data)) = (line("event: "), line("data: ")) {
            events.push((name.to_owned(), serde_json::from_str(data)?));
        }
    }
    Ok(events)
}
