//! Which way: one-way connections write to one side only.

use serde_json::json;
use system_tests::{Contact, GOOGLE, World, ZOHO};

use crate::people::{book, crm, email, title};

async fn people() -> anyhow::Result<World> {
    let world = World::start(0).await?;
    world
        .sandbox
        .create(ZOHO, crm("Ada", json!({"Title": "Engineer"})))
        .await?;
    world.sandbox.create(GOOGLE, book("Bob", json!({}))).await?;
    Ok(world)
}

#[tokio::test]
async fn one_way_from_the_crm_to_google() -> anyhow::Result<()> {
    let world = people().await?;
    let connection = world.connected(json!({"direction": "a_to_b"})).await?;
    let ada = world.sandbox.get(GOOGLE, &email("Ada")).await?;
    assert!(world.sandbox.find(ZOHO, &email("Bob")).await?.is_none());
    // An edit at Google stays there; the next one in the CRM goes over it, and is told of.
    world
        .sandbox
        .edit(GOOGLE, &ada.id, title("Countess"))
        .await?;
    world.quiet(&connection).await?;
    let there = world.sandbox.get(ZOHO, &email("Ada")).await?;
    assert_eq!(Contact::read(&there.neutral).title, "Engineer");
    world
        .sandbox
        .edit(ZOHO, &there.id, json!({"Title": "Director"}))
        .await?;
    let run = world.api.sync(&connection).await?;
    let here = world.sandbox.get(GOOGLE, &email("Ada")).await?;
    assert_eq!(Contact::read(&here.neutral).title, "Director", "{run}");
    world.quiet(&connection).await?;
    Ok(())
}

#[tokio::test]
async fn one_way_from_google_to_the_crm() -> anyhow::Result<()> {
    let world = people().await?;
    let connection = world.connected(json!({"direction": "b_to_a"})).await?;
    assert!(world.sandbox.find(ZOHO, &email("Bob")).await?.is_some());
    assert!(world.sandbox.find(GOOGLE, &email("Ada")).await?.is_none());
    world.quiet(&connection).await?;
    Ok(())
}
