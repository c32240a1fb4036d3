//! Two contacts of one app that are made one there, by hand.

use serde_json::json;
use system_tests::{Contact, GOOGLE, World, ZOHO};

use crate::people::{book, crm, email, title};

/// Ada twice, each on both sides.
async fn two_of_one(
    provider: &str,
    make: impl Fn(&str) -> serde_json::Value,
) -> anyhow::Result<(World, String, [String; 2])> {
    let world = World::start(0).await?;
    let stays = world.sandbox.create(provider, make("Ada")).await?;
    let goes = world.sandbox.create(provider, make("Augusta")).await?;
    let deletions = json!({"deletions": {"a_to_b": "delete", "b_to_a": "delete"}});
    let connection = world.connected(deletions).await?;
    Ok((world, connection, [stays, goes]))
}

/// One is left on the other side too, with what the merge gave it.
async fn is_followed(world: &World, connection: &str, other: &str) -> anyhow::Result<()> {
    world.api.sync(connection).await?;
    let there = world.sandbox.live(other).await?;
    assert_eq!(there.len(), 1, "{there:?}");
    let ada = world.sandbox.get(other, &email("Ada")).await?;
    assert_eq!(Contact::read(&ada.neutral).title, "Countess");
    world.quiet(connection).await?;
    Ok(())
}

#[tokio::test]
async fn a_merge_in_the_crm_is_followed() -> anyhow::Result<()> {
    let titled = |name: &str| {
        let more = match name {
            "Augusta" => json!({"Title": "Countess"}),
            _ => json!({}),
        };
        crm(name, more)
    };
    let (world, connection, [stays, goes]) = two_of_one(ZOHO, titled).await?;
    let merge = json!({"winner": stays, "loser": goes});
    world.sandbox.act(ZOHO, "actions/merge", merge).await?;
    is_followed(&world, &connection, GOOGLE).await
}

/// At Google a merge shows as one edit and one deletion.
#[tokio::test]
async fn a_merge_at_google_is_followed() -> anyhow::Result<()> {
    let (world, connection, [stays, goes]) =
        two_of_one(GOOGLE, |name| book(name, json!({}))).await?;
    world
        .sandbox
        .edit(GOOGLE, &stays, title("Countess"))
        .await?;
    world.sandbox.delete(GOOGLE, &goes).await?;
    is_followed(&world, &connection, ZOHO).await
}
