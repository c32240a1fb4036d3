//! Reads that lie: listings cut short, web pages for JSON, tokens that died, answers in another order.

use serde_json::{Value, json};
use system_tests::http::number;
use system_tests::world::did;
use system_tests::{Audit, GOOGLE, World, ZOHO};

use crate::people::{crm, email};

const LIST: [(&str, &str); 2] = [
    (ZOHO, "GET /crm/v8/Contacts"),
    (GOOGLE, "GET /v1/people/me/connections"),
];

fn truncated((provider, route): (&str, &str)) -> Value {
    json!({"provider": provider, "route": route, "times": 1, "fault": {"kind": "truncate_listing"}})
}

/// F-37: the first listing of a side is cut short with status 200, so that people who are on both sides seem to be on
/// one.
async fn cut_short_at_first(side: (&str, &str)) -> anyhow::Result<()> {
    let world = World::start(40).await?;
    let fault = world.sandbox.fault(truncated(side)).await?;
    let connection = world.connected(json!({})).await?;
    assert_eq!(world.sandbox.struck(&fault).await?, 1);
    world.api.sync(&connection).await?;
    world.whole(&connection).await
}

#[tokio::test]
async fn a_first_listing_of_the_crm_cut_short() -> anyhow::Result<()> {
    cut_short_at_first(LIST[0]).await
}

#[tokio::test]
async fn a_first_listing_of_google_cut_short() -> anyhow::Result<()> {
    cut_short_at_first(LIST[1]).await
}

/// F-37: once all is synced, a side is read in full again and the listing is cut short. Nothing is deleted.
async fn cut_short_later(side: (&str, &str), connection: Value) -> anyhow::Result<()> {
    let world = World::start(40).await?;
    let connection = world.connected(connection).await?;
    let before = Audit::take(&world.sandbox).await?;
    world
        .sandbox
        .act(GOOGLE, "expire-sync-tokens", json!({}))
        .await?;
    let fault = world.sandbox.fault(truncated(side)).await?;
    world.quiet(&connection).await?;
    assert_eq!(world.sandbox.struck(&fault).await?, 1);
    let after = Audit::take(&world.sandbox).await?;
    assert_eq!(after.deleted(), before.deleted());
    world.quiet(&connection).await?;
    Ok(())
}

fn deleting() -> Value {
    json!({"deletions": {"a_to_b": "delete", "b_to_a": "delete"}})
}

#[tokio::test]
async fn a_later_listing_of_google_cut_short() -> anyhow::Result<()> {
    cut_short_later(LIST[1], deleting()).await
}

/// F-37: the CRM says what changed in a list cut short. What it left out is not lost: the next sync brings it, and nothing
/// is deleted.
#[tokio::test]
async fn a_later_listing_of_the_crm_cut_short() -> anyhow::Result<()> {
    let world = World::start(0).await?;
    let people = ["Ada", "Bea", "Cem", "Dov", "Eve", "Fay"];
    for name in people {
        world.sandbox.create(ZOHO, crm(name, json!({}))).await?;
    }
    let connection = world.connected(deleting()).await?;
    let before = Audit::take(&world.sandbox).await?;
    world.sandbox.pass(900).await?;
    for name in people {
        let record = world.sandbox.get(ZOHO, &email(name)).await?;
        let edit = json!({"Title": "Director"});
        world.sandbox.edit(ZOHO, &record.id, edit).await?;
    }
    let fault = world.sandbox.fault(truncated(LIST[0])).await?;
    let run = world.api.sync(&connection).await?;
    assert_eq!(world.sandbox.struck(&fault).await?, 1);
    let updated = did(&run, "updated");
    assert!((1..6).contains(&updated), "not cut short: {run}");
    world.api.sync(&connection).await?;
    let after = Audit::take(&world.sandbox).await?;
    assert_eq!(after.deleted(), before.deleted());
    after.whole(&before)?;
    world.quiet(&connection).await?;
    Ok(())
}

/// F-34: the sync token died: everything is read again, in few requests, and nothing is written.
#[tokio::test]
async fn an_expired_sync_token_costs_a_reading_and_no_writes() -> anyhow::Result<()> {
    let world = World::start(40).await?;
    let connection = world.connected(json!({})).await?;
    for provider in [ZOHO, GOOGLE] {
        world
            .sandbox
            .act(provider, "expire-sync-tokens", json!({}))
            .await?;
    }
    let run = world.quiet(&connection).await?;
    let asked = number(&world.sandbox.requests(Some(GOOGLE)).await?, "/total");
    assert!((2..=6).contains(&asked), "{asked} requests");
    assert_eq!(
        did(&run, "created") + did(&run, "updated") + did(&run, "linked"),
        0
    );
    world.whole(&connection).await
}

/// F-38: 200 with a web page, on both sides.
#[tokio::test]
async fn a_web_page_instead_of_json_changes_nothing() -> anyhow::Result<()> {
    let world = World::start(30).await?;
    let connection = world.connected(deleting()).await?;
    let mut faults = Vec::new();
    for (provider, route) in LIST {
        let rule = json!({"provider": provider, "route": route, "times": 1, "fault": {"kind": "html_body"}});
        faults.push(world.sandbox.fault(rule).await?);
    }
    world.quiet(&connection).await?;
    for fault in &faults {
        assert_eq!(world.sandbox.struck(fault).await?, 1);
    }
    world.whole(&connection).await
}

/// F-41, F-42: providers answer in another order, and one rewrites telephone numbers by itself. Nothing is written.
#[tokio::test]
async fn reordered_and_reformatted_answers_write_nothing() -> anyhow::Result<()> {
    let world = World::start(40).await?;
    let connection = world.connected(json!({})).await?;
    for provider in [ZOHO, GOOGLE] {
        let rule = json!({"provider": provider, "method": "GET", "fault": {"kind": "shuffle"}});
        world.sandbox.fault(rule).await?;
    }
    let touch = json!({"bump_modified": true});
    world.sandbox.act(GOOGLE, "reformat-phones", touch).await?;
    // Everything is read again, so that all of it is seen in another order.
    world
        .sandbox
        .act(GOOGLE, "expire-sync-tokens", json!({}))
        .await?;
    let run = world.quiet(&connection).await?;
    assert!(number(&run, "/counters/pulled") > 20, "{run}");
    world.sandbox.mend().await?;
    world.whole(&connection).await
}
