//! Contacts without an e-mail address: nothing but a name tells who they are.

use reqwest::Method;
use serde_json::{Value, json};
use system_tests::world::did;
use system_tests::{GOOGLE, World, ZOHO};

fn in_the_crm(name: &str) -> Value {
    json!({"First_Name": name, "Last_Name": "Nameless"})
}

fn at_google(name: &str) -> Value {
    json!({"names": [{"givenName": name, "familyName": "Nameless"}]})
}

async fn counts(world: &World) -> anyhow::Result<[usize; 2]> {
    Ok([
        world.sandbox.live(ZOHO).await?.len(),
        world.sandbox.live(GOOGLE).await?.len(),
    ])
}

/// Never doubled: not when both apps had them before, not by edits, not when the connection is made again, and not when
/// one is deleted and entered again.
#[tokio::test]
async fn nobody_without_an_address_is_ever_doubled() -> anyhow::Result<()> {
    let world = World::start(0).await?;
    let both = world.sandbox.create(ZOHO, in_the_crm("Both")).await?;
    let gone = world.sandbox.create(GOOGLE, at_google("Both")).await?;
    world.sandbox.create(ZOHO, in_the_crm("Crm")).await?;
    world.sandbox.create(GOOGLE, at_google("Book")).await?;
    let connection = world.connected(json!({})).await?;
    assert_eq!(counts(&world).await?, [3, 3]);

    let edit = json!({"Title": "Engineer"});
    world.sandbox.edit(ZOHO, &both, edit).await?;
    let run = world.api.sync(&connection).await?;
    assert_eq!(did(&run, "created"), 0, "{run}");

    let path = format!("/v1/connections/{connection}");
    world.api.call(Method::DELETE, &path, None).await?.ok()?;
    let connection = world.connect(json!({})).await?;
    let run = world.api.first_run(&connection).await?;
    assert_eq!(did(&run, "created"), 0, "{run}");

    world.sandbox.delete(GOOGLE, &gone).await?;
    world.api.sync(&connection).await?;
    assert_eq!(counts(&world).await?, [3, 2]);
    world.sandbox.create(GOOGLE, at_google("Both")).await?;
    let run = world.api.sync(&connection).await?;
    assert_eq!(did(&run, "created"), 0, "{run}");
    assert_eq!(counts(&world).await?, [3, 3]);
    world.quiet(&connection).await?;
    Ok(())
}

/// Nor when one is deleted and entered again in the CRM, with a sync between the two or without; nor at Google.
#[tokio::test]
async fn who_is_entered_again_in_the_crm_is_not_doubled() -> anyhow::Result<()> {
    let world = World::start(0).await?;
    let both = world.sandbox.create(ZOHO, in_the_crm("Both")).await?;
    let there = world.sandbox.create(GOOGLE, at_google("Both")).await?;
    world.sandbox.create(ZOHO, in_the_crm("Crm")).await?;
    let connection = world.connected(json!({})).await?;
    assert_eq!(counts(&world).await?, [2, 2]);

    world.sandbox.delete(ZOHO, &both).await?;
    world.api.sync(&connection).await?;
    assert_eq!(counts(&world).await?, [1, 2]);
    let again = world.sandbox.create(ZOHO, in_the_crm("Both")).await?;
    let run = world.api.sync(&connection).await?;
    assert_eq!(did(&run, "created"), 0, "{run}");
    assert_eq!(counts(&world).await?, [2, 2]);
    world.quiet(&connection).await?;
    world.sandbox.delete(ZOHO, &again).await?;
    let again = world.sandbox.create(ZOHO, in_the_crm("Both")).await?;
    let run = world.api.sync(&connection).await?;
    assert_eq!(did(&run, "created"), 0, "{run}");
    assert_eq!(counts(&world).await?, [2, 2]);
    world.sandbox.delete(GOOGLE, &there).await?;
    world.sandbox.create(GOOGLE, at_google("Both")).await?;
    let run = world.api.sync(&connection).await?;
    assert_eq!(did(&run, "created"), 0, "{run}");
    assert_eq!(counts(&world).await?, [2, 2]);
    world.quiet(&connection).await?;
    // They are partners again: an edit goes over.
    let edit = json!({"Title": "Engineer"});
    world.sandbox.edit(ZOHO, &again, edit).await?;
    let run = world.api.sync(&connection).await?;
    assert_eq!(did(&run, "updated"), 1, "{run}");
    world.quiet(&connection).await?;
    Ok(())
}
