//! Fields that are not as they were when they were mapped.

use anyhow::Context;
use serde_json::{Value, json};
use system_tests::customer::succeeded;
use system_tests::{GOOGLE, World, ZOHO};

use crate::people::{book, crm, email, title};

const REGION: &str = "Region__c";

fn mapping(blank: &str) -> Value {
    json!([
        {"a": "First_Name", "b": "names.givenName"},
        {"a": "Last_Name", "b": "names.familyName"},
        {"a": "Email", "b": "email.work"},
        {"a": "Title", "b": "organization.title"},
        {"a": REGION, "b": "userDefined.region", "blank": blank},
    ])
}

/// What Ada says at Google under `region`.
async fn region(world: &World) -> anyhow::Result<Option<String>> {
    let ada = world.sandbox.get(GOOGLE, &email("Ada")).await?;
    let all = ada.native["userDefined"].as_array();
    let one = all.and_then(|all| all.iter().find(|one| one["key"] == "region"));
    Ok(one.and_then(|one| one["value"].as_str()).map(str::to_owned))
}

async fn health(world: &World, connection: &str) -> anyhow::Result<Value> {
    let path = format!("/v1/connections/{connection}/health");
    world.api.get(&path).await
}

/// Ada, synced with her region.
async fn synced(blank: &str) -> anyhow::Result<(World, String)> {
    let world = World::start(0).await?;
    let field = json!({"api_name": REGION});
    world.sandbox.act(ZOHO, "actions/add_field", field).await?;
    let ada = crm("Ada", json!({REGION: "EMEA"}));
    world.sandbox.create(ZOHO, ada).await?;
    world.sandbox.create(GOOGLE, book("Bob", json!({}))).await?;
    let connection = world.connected(json!({"mapping": mapping(blank)})).await?;
    assert_eq!(region(&world).await?.as_deref(), Some("EMEA"));
    Ok((world, connection))
}

/// A custom field that goes at the provider pauses its mapping and nothing else, writes nothing empty, and goes on when
/// it comes back.
async fn pauses(blank: &str) -> anyhow::Result<()> {
    let (world, connection) = synced(blank).await?;
    let field = json!({"api_name": REGION});
    world
        .sandbox
        .act(ZOHO, "actions/remove_field", field.clone())
        .await?;
    let ada = world.sandbox.get(ZOHO, &email("Ada")).await?;
    let edit = json!({"Title": "Engineer"});
    world.sandbox.edit(ZOHO, &ada.id, edit).await?;
    succeeded(world.api.sync(&connection).await?)?;
    let google = world.sandbox.get(GOOGLE, &email("Ada")).await?;
    assert_eq!(google.native["organizations"][0]["title"], "Engineer");
    assert_eq!(region(&world).await?.as_deref(), Some("EMEA"));
    let told = health(&world, &connection).await?;
    let paused = told["paused_mapping"].as_array().context("a list")?;
    assert_eq!(paused.len(), 1, "{told}");
    assert_eq!(paused[0]["a"], REGION);
    let reason = paused[0]["reason"].as_str().context("a reason")?;
    assert!(reason.contains("there is no field"), "{reason}");
    assert_eq!(told["health"], "needs_attention");
    // The other side of the paused entry changes meanwhile.
    let google = world.sandbox.get(GOOGLE, &email("Ada")).await?;
    let more = json!({"userDefined": [{"key": "region", "value": "APAC"}]});
    world.sandbox.edit(GOOGLE, &google.id, more).await?;
    succeeded(world.api.sync(&connection).await?)?;
    world.quiet(&connection).await?;
    // It comes back, and what changed goes over.
    world.sandbox.act(ZOHO, "actions/add_field", field).await?;
    succeeded(world.api.sync(&connection).await?)?;
    succeeded(world.api.sync(&connection).await?)?;
    let ada = world.sandbox.get(ZOHO, &email("Ada")).await?;
    assert_eq!(ada.native[REGION], "APAC");
    assert_eq!(region(&world).await?.as_deref(), Some("APAC"));
    let told = health(&world, &connection).await?;
    assert_eq!(
        (&told["paused_mapping"], &told["health"]),
        (&json!([]), &json!("healthy"))
    );
    world.quiet(&connection).await?;
    Ok(())
}

#[tokio::test]
async fn a_field_that_vanishes_pauses_its_mapping_alone() -> anyhow::Result<()> {
    pauses("keep").await
}

#[tokio::test]
async fn a_field_that_vanishes_clears_nothing_where_blanks_are_synced() -> anyhow::Result<()> {
    pauses("sync").await
}

/// A field whose kind was changed cannot be mapped any more: it rests, and the rest goes on. What an account looks like is
/// remembered for an hour, or until a server starts anew.
#[tokio::test]
async fn a_field_that_changed_its_kind_pauses_its_mapping_alone() -> anyhow::Result<()> {
    let (mut world, connection) = synced("keep").await?;
    let changed = json!({"api_name": REGION, "data_type": "boolean"});
    world
        .sandbox
        .act(ZOHO, "actions/change_field", changed)
        .await?;
    world.stop().await?;
    world.start_again().await?;
    let google = world.sandbox.get(GOOGLE, &email("Ada")).await?;
    world
        .sandbox
        .edit(GOOGLE, &google.id, title("Engineer"))
        .await?;
    succeeded(world.api.sync(&connection).await?)?;
    let ada = world.sandbox.get(ZOHO, &email("Ada")).await?;
    assert_eq!(ada.native["Title"], "Engineer");
    let told = health(&world, &connection).await?;
    let reason = told["paused_mapping"][0]["reason"].as_str();
    assert!(
        reason.is_some_and(|why| why.contains("cannot be mapped")),
        "{told}"
    );
    assert_eq!(region(&world).await?.as_deref(), Some("EMEA"));
    Ok(())
}
