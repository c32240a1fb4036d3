//! Runs that a person or the system interrupts in the middle: an edit, a pause, a stop.

use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use system_tests::customer::succeeded;
use system_tests::http::until;
use system_tests::world::did;
use system_tests::{GOOGLE, World, ZOHO};
use tokio::time::Instant;

use crate::people::{crm, email, title};

/// A world where a first sync takes many small batches, and that sync, after something was created.
async fn in_the_middle(tuning: &[(&str, &str)]) -> anyhow::Result<(World, String, String)> {
    let mut all = vec![("BATCH", "10")];
    all.extend(tuning);
    let world = World::start_tuned(200, &all).await?;
    for provider in [ZOHO, GOOGLE] {
        let slow = json!({"provider": provider, "fault": {"kind": "delay_ms", "ms": 150}});
        world.sandbox.fault(slow).await?;
    }
    let connection = world.connect(json!({})).await?;
    let run = world.api.begin(&connection).await?;
    until("something created", 60, async || {
        let now = world.api.run(&run).await?;
        ensure!(now["finished_at"].is_null(), "the run was over: {now}");
        Ok((did(&now, "created") > 0).then_some(()))
    })
    .await?;
    Ok((world, connection, run))
}

async fn people(world: &World) -> anyhow::Result<usize> {
    Ok(world.sandbox.live(ZOHO).await?.len() + world.sandbox.live(GOOGLE).await?.len())
}

/// Rules that let nobody of the CRM through, made while a run goes on: it does not carry over the rest by the rules of before.
#[tokio::test]
async fn an_edit_takes_hold_in_the_run_that_goes_on() -> anyhow::Result<()> {
    let (world, connection, run) = in_the_middle(&[]).await?;
    let nobody = json!({"field": "Last_Name", "is": "Nobody"});
    let rules = json!({"rules": [{"from": "a", "if": [nobody]}]});
    world.api.patch(&connection, rules).await?;
    let run = succeeded(world.api.ended(&run).await?)?;
    world.sandbox.mend().await?;
    let after = people(&world).await?;
    // The same again with everybody let through: that is what the run would have done.
    world.quiet(&connection).await?;
    world.api.patch(&connection, json!({"rules": []})).await?;
    world.api.sync(&connection).await?;
    let whole = people(&world).await?;
    assert!(after < whole, "{after} of {whole} people after {run}");
    world.whole(&connection).await
}

/// A pause ends the run that goes on at its next batch.
#[tokio::test]
async fn a_pause_stops_the_run_that_goes_on() -> anyhow::Result<()> {
    let (world, connection, run) = in_the_middle(&[]).await?;
    let path = format!("/v1/connections/{connection}");
    world
        .api
        .post(&format!("{path}/pause"), Value::Null)
        .await?;
    let run = world.api.ended(&run).await?;
    assert_eq!(run["state"], "cancelled", "{run}");
    world.sandbox.mend().await?;
    let after = people(&world).await?;
    world
        .api
        .post(&format!("{path}/resume"), Value::Null)
        .await?;
    world.api.sync(&connection).await?;
    let whole = people(&world).await?;
    assert!(after < whole, "{after} of {whole} people after {run}");
    world.whole(&connection).await
}

/// Asked to stop, a server gives its run back: at the next batch, or after its grace wherever the run stands.
async fn stopped(grace: &str, ms: u64, said: bool) -> anyhow::Result<()> {
    let (mut world, connection, run) = in_the_middle(&[("GRACE", grace)]).await?;
    let slow = json!({"provider": ZOHO, "fault": {"kind": "delay_ms", "ms": ms}});
    let fault = world.sandbox.fault(slow).await?;
    until("a slow call", 20, async || {
        Ok((world.sandbox.struck(&fault).await? > 0).then_some(()))
    })
    .await?;
    let log = world.stop().await?;
    let stopped = Instant::now();
    let cut_off = log.contains("the run is given back where it stands");
    assert_eq!(cut_off, said, "after {grace}");
    world.sandbox.mend().await?;
    // A call that nobody waits for any more is still carried out: what it creates shows that much later.
    world.set(
        "SYNCLINE__PROVIDERS__ZOHO_CRM__SETTLE",
        &format!("{}ms", 2 * ms),
    );
    world.start_again().await?;
    succeeded(world.api.ended(&run).await?)?;
    tokio::time::sleep_until(stopped + Duration::from_millis(2 * ms)).await;
    world.whole(&connection).await
}

#[tokio::test]
async fn a_stop_waits_for_the_next_batch() -> anyhow::Result<()> {
    stopped("20s", 400, false).await
}

#[tokio::test]
async fn a_stop_waits_no_longer_than_its_grace() -> anyhow::Result<()> {
    stopped("100ms", 4_000, true).await
}

/// F-11: providers that answer slowly while the accounts are opened do not cost the run its lease.
#[tokio::test]
async fn a_slow_opening_keeps_its_lease() -> anyhow::Result<()> {
    let mut world = World::start_tuned(5, &[("LEASE", "5s")]).await?;
    let connection = world.connect(json!({})).await?;
    succeeded(world.api.first_run(&connection).await?)?;
    // Whoever takes the next run knows nothing of the accounts.
    world.stop().await?;
    world.start_again().await?;
    for provider in [ZOHO, GOOGLE] {
        let slow = json!({"kind": "delay_ms", "ms": 7_000});
        let rule = json!({"provider": provider, "times": 1, "fault": slow});
        world.sandbox.fault(rule).await?;
    }
    world.api.sync(&connection).await?;
    let log = world.stop().await?;
    assert!(!log.contains("another worker holds this run now"), "{log}");
    Ok(())
}

/// A record that moves whenever it is written becomes a problem; the rest of the run does not wait for it.
#[tokio::test]
async fn a_record_that_keeps_moving_is_left_to_the_next_run() -> anyhow::Result<()> {
    let world = World::start(0).await?;
    world.sandbox.create(ZOHO, crm("Ada", json!({}))).await?;
    let connection = world.connected(json!({})).await?;
    let ada = world.sandbox.get(ZOHO, &email("Ada")).await?;
    world.sandbox.pass(600).await?;
    let edit = json!({"Title": "Director"});
    world.sandbox.edit(ZOHO, &ada.id, edit).await?;
    world.sandbox.create(ZOHO, crm("Bob", json!({}))).await?;
    let error = json!({"error": {"code": 400, "status": "FAILED_PRECONDITION",
        "message": "Request person.etag is different than the current person.etag."}});
    let moved = json!({"kind": "status", "status": 400, "body": error});
    for route in ["POST /v1/people:batchUpdateContacts", "PATCH /v1/people/*"] {
        let rule = json!({"provider": GOOGLE, "route": route, "fault": moved});
        world.sandbox.fault(rule).await?;
    }
    let run = world.api.sync(&connection).await?;
    assert_eq!(did(&run, "failed"), 1, "{run}");
    assert!(world.sandbox.find(GOOGLE, &email("Bob")).await?.is_some());
    let path = format!("/v1/connections/{connection}/problems?status=open");
    let problems = world.api.list(&path).await?;
    let problem = problems.first().context("no problem")?;
    assert_eq!(problem["reason"], "contended", "{problems:?}");
    world.sandbox.mend().await?;
    world.api.sync(&connection).await?;
    let there = world.sandbox.get(GOOGLE, &email("Ada")).await?;
    let wanted = title("Director")["organizations"][0]["title"].clone();
    assert_eq!(there.native["organizations"][0]["title"], wanted);
    assert!(world.api.list(&path).await?.is_empty());
    world.quiet(&connection).await?;
    Ok(())
}
