//! Writes that go wrong: answers lost, records that moved between reading and writing, storms of errors.

use anyhow::ensure;
use serde_json::{Value, json};
use system_tests::http::until;
use system_tests::{Contact, GOOGLE, World, ZOHO};

use crate::people::{book, crm, email, title};

const CREATE: [(&str, &str); 2] = [
    (ZOHO, "POST /crm/v8/Contacts"),
    (GOOGLE, "POST /v1/people:batchCreateContacts"),
];

/// A first sync of invented contacts under a fault that must strike; then all must be whole.
async fn first_sync_under(contacts: u64, faults: &[Value]) -> anyhow::Result<()> {
    let world = World::start(contacts).await?;
    let mut ids = Vec::new();
    for fault in faults {
        ids.push(world.sandbox.fault(fault.clone()).await?);
    }
    let connection = world.connected(json!({})).await?;
    for id in &ids {
        ensure!(
            world.sandbox.struck(id).await? > 0,
            "a fault did not strike"
        );
    }
    world.sandbox.mend().await?;
    world.whole(&connection).await
}

/// F-03: a creation is done and its answer lost.
#[tokio::test]
async fn a_lost_answer_after_a_creation_in_the_crm() -> anyhow::Result<()> {
    let (provider, route) = CREATE[0];
    let fault = json!({"kind": "lost_answer"});
    let rule = json!({"provider": provider, "route": route, "times": 1, "fault": fault});
    first_sync_under(30, &[rule]).await
}

/// F-03: the same at Google.
#[tokio::test]
async fn a_lost_answer_after_a_creation_at_google() -> anyhow::Result<()> {
    let (provider, route) = CREATE[1];
    let fault = json!({"kind": "lost_answer"});
    let rule = json!({"provider": provider, "route": route, "times": 1, "fault": fault});
    first_sync_under(30, &[rule]).await
}

/// F-03: the work is done, and a gateway on the way answers 502.
#[tokio::test]
async fn a_gateway_error_after_creations_on_both_sides() -> anyhow::Result<()> {
    let fault = json!({"kind": "lost_answer", "status": 502});
    let rules = CREATE.map(|(provider, route)| {
        json!({"provider": provider, "route": route, "times": 1, "fault": fault})
    });
    first_sync_under(30, &rules).await
}

/// F-01: the connection breaks before the provider has done anything.
#[tokio::test]
async fn creations_that_never_arrived_are_made_once() -> anyhow::Result<()> {
    let rules = CREATE.map(|(provider, route)| {
        json!({"provider": provider, "route": route, "times": 1, "fault": {"kind": "reset_before"}})
    });
    first_sync_under(30, &rules).await
}

/// F-59: both providers answer nothing but errors for a while.
#[tokio::test]
async fn a_storm_of_errors_passes() -> anyhow::Result<()> {
    let storm = json!({"kind": "status", "status": 500});
    let rules = [(ZOHO, "*/crm/v8/Contacts*"), (GOOGLE, "*/v1/people*")].map(|(provider, route)| {
        json!({"provider": provider, "route": route, "after": 1, "times": 6, "fault": storm})
    });
    first_sync_under(30, &rules).await
}

/// F-54: a person edits the record between our reading and our writing. Neither edit is lost.
async fn edited_meanwhile(provider: &str, route: &str) -> anyhow::Result<()> {
    let world = World::start(0).await?;
    world.sandbox.create(ZOHO, crm("Ada", json!({}))).await?;
    world.sandbox.create(GOOGLE, book("Bob", json!({}))).await?;
    let connection = world.connected(json!({})).await?;
    let address = email("Ada");
    let (here, there) = (
        world.sandbox.get(ZOHO, &address).await?,
        world.sandbox.get(GOOGLE, &address).await?,
    );
    // Some minutes later: no two edits fall into one second.
    world.sandbox.pass(600).await?;
    let slow = json!({"provider": provider, "route": route, "times": 1, "fault": {"kind": "delay_ms", "ms": 1500}});
    let fault = world.sandbox.fault(slow).await?;
    if provider == GOOGLE {
        let edit = json!({"Title": "Director"});
        world.sandbox.edit(ZOHO, &here.id, edit).await?;
    } else {
        let edit = title("Director");
        world.sandbox.edit(GOOGLE, &there.id, edit).await?;
    }
    let run = world.api.begin(&connection).await?;
    until("our write", 20, async || {
        Ok((world.sandbox.struck(&fault).await? > 0).then_some(()))
    })
    .await?;
    world.sandbox.pass(60).await?;
    if provider == GOOGLE {
        let edit = json!({"phoneNumbers": [{"value": "+44 20 7946 0958", "type": "mobile"}]});
        world.sandbox.edit(GOOGLE, &there.id, edit).await?;
    } else {
        let edit = json!({"Mobile": "+44 20 7946 0958"});
        world.sandbox.edit(ZOHO, &here.id, edit).await?;
    }
    ensure!(
        world.api.run(&run).await?["finished_at"].is_null(),
        "the run was over before the edit"
    );
    let run = world.api.ended(&run).await?;
    assert_eq!(run["state"], "succeeded", "{run}");
    // The edit may have come too late for that run's reading.
    world.api.sync(&connection).await?;
    for side in [ZOHO, GOOGLE] {
        let contact = Contact::read(&world.sandbox.get(side, &address).await?.neutral);
        assert_eq!(contact.title, "Director", "{side}");
        assert!(
            contact.phones.contains("442079460958"),
            "{side}: {contact:?}"
        );
    }
    world.quiet(&connection).await?;
    Ok(())
}

#[tokio::test]
async fn an_edit_at_google_between_reading_and_writing_is_kept() -> anyhow::Result<()> {
    edited_meanwhile(GOOGLE, "*pdateContact*").await
}

#[tokio::test]
async fn an_edit_in_the_crm_between_reading_and_writing_is_kept() -> anyhow::Result<()> {
    edited_meanwhile(ZOHO, "PUT /crm/v8/Contacts*").await
}
