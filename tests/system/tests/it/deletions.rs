//! Deletions, by policy and under guard.

use serde_json::{Value, json};
use system_tests::world::did;
use system_tests::{Contact, GOOGLE, World, ZOHO};

use crate::people::{book, crm, email};

/// A world with Ada in the CRM and Bob at Google, synced, with the same policy both ways.
async fn synced(policy: &str) -> anyhow::Result<(World, String)> {
    let world = World::start(0).await?;
    world.sandbox.create(ZOHO, crm("Ada", json!({}))).await?;
    world.sandbox.create(GOOGLE, book("Bob", json!({}))).await?;
    let both = json!({"deletions": {"a_to_b": policy, "b_to_a": policy}});
    let connection = world.connected(both).await?;
    Ok((world, connection))
}

/// Ada is deleted in the CRM, Bob at Google.
async fn both_deleted(world: &World) -> anyhow::Result<()> {
    for (side, name) in [(ZOHO, "Ada"), (GOOGLE, "Bob")] {
        let record = world.sandbox.get(side, &email(name)).await?;
        world.sandbox.delete(side, &record.id).await?;
    }
    Ok(())
}

/// Who is where: Ada and Bob in the CRM, Ada and Bob at Google.
async fn present(world: &World) -> anyhow::Result<[bool; 4]> {
    let mut all = [false; 4];
    let places = [
        (ZOHO, "Ada"),
        (ZOHO, "Bob"),
        (GOOGLE, "Ada"),
        (GOOGLE, "Bob"),
    ];
    for (slot, (side, name)) in all.iter_mut().zip(places) {
        *slot = world.sandbox.find(side, &email(name)).await?.is_some();
    }
    Ok(all)
}

#[tokio::test]
async fn ignored_deletions_stay_where_they_are() -> anyhow::Result<()> {
    let (world, connection) = synced("ignore").await?;
    both_deleted(&world).await?;
    for _ in 0..3 {
        world.quiet(&connection).await?;
        assert_eq!(present(&world).await?, [false, true, true, false]);
    }
    Ok(())
}

/// A deletion that was ignored, and the same person made anew: the record that stayed is the partner, on both sides,
/// in whichever app it stayed; nobody is doubled.
#[tokio::test]
async fn who_was_deleted_and_comes_back_anew_is_linked_again() -> anyhow::Result<()> {
    let (world, connection) = synced("ignore").await?;
    both_deleted(&world).await?;
    world.quiet(&connection).await?;
    world.sandbox.pass(600).await?;
    let titled = json!({"Title": "Director"});
    world.sandbox.create(ZOHO, crm("Ada", titled)).await?;
    world.sandbox.create(GOOGLE, book("Bob", json!({}))).await?;
    let run = world.api.sync(&connection).await?;
    assert_eq!(did(&run, "created"), 0, "{run}");
    assert_eq!(did(&run, "linked"), 2, "{run}");
    assert_eq!(present(&world).await?, [true; 4]);
    let there = world.sandbox.get(GOOGLE, &email("Ada")).await?;
    assert_eq!(Contact::read(&there.neutral).title, "Director");
    world.quiet(&connection).await?;
    Ok(())
}

#[tokio::test]
async fn carried_deletions_delete_once() -> anyhow::Result<()> {
    let (world, connection) = synced("delete").await?;
    both_deleted(&world).await?;
    world.api.sync(&connection).await?;
    assert_eq!(present(&world).await?, [false; 4]);
    world.quiet(&connection).await?;
    Ok(())
}

#[tokio::test]
async fn marked_deletions_keep_the_record_and_say_so() -> anyhow::Result<()> {
    let (world, connection) = synced("mark").await?;
    both_deleted(&world).await?;
    world.api.sync(&connection).await?;
    assert_eq!(present(&world).await?, [false, true, true, false]);
    let bob = world.sandbox.get(ZOHO, &email("Bob")).await?;
    assert!(
        bob.native["Tag"].to_string().contains("Syncline Trash"),
        "{}",
        bob.native
    );
    let ada = world.sandbox.get(GOOGLE, &email("Ada")).await?;
    let groups = ada.native["memberships"].as_array().map_or(0, Vec::len);
    assert_eq!(groups, 2, "{}", ada.native);
    world.quiet(&connection).await?;
    assert_eq!(present(&world).await?, [false, true, true, false]);
    Ok(())
}

/// A record edited after the last sync is not deleted with its partner: the edit brings it back.
#[tokio::test]
async fn an_edit_beats_a_deletion() -> anyhow::Result<()> {
    let (world, connection) = synced("delete").await?;
    let ada = world.sandbox.get(ZOHO, &email("Ada")).await?;
    world.sandbox.delete(ZOHO, &ada.id).await?;
    let ada = world.sandbox.get(GOOGLE, &email("Ada")).await?;
    let edit = json!({"phoneNumbers": [{"value": "+44 20 7946 0958", "type": "work"}]});
    world.sandbox.edit(GOOGLE, &ada.id, edit).await?;
    world.api.sync(&connection).await?;
    assert_eq!(present(&world).await?, [true; 4]);
    world.quiet(&connection).await?;
    Ok(())
}

/// F-50: deletes many on a side, makes one new contact there, and syncs: the deletions wait for a person, the new
/// contact does not.
async fn many_deleted(from: &str, people: u64, deleted: usize) -> anyhow::Result<()> {
    let to = if from == ZOHO { GOOGLE } else { ZOHO };
    let world = World::start(0).await?;
    for number in 0..people {
        let contact = crm(&format!("Person{number}"), json!({}));
        world.sandbox.create(ZOHO, contact).await?;
    }
    let both = json!({"deletions": {"a_to_b": "delete", "b_to_a": "delete"}});
    let connection = world.connected(both).await?;
    for record in world.sandbox.live(from).await?.iter().take(deleted) {
        world.sandbox.delete(from, &record.id).await?;
    }
    let new = if from == ZOHO {
        crm("New", json!({}))
    } else {
        book("New", json!({}))
    };
    world.sandbox.create(from, new).await?;
    let run = world.api.begin(&connection).await?;
    let parked = world.api.ended(&run).await?;
    assert_eq!(parked["state"], "parked", "{parked}");
    assert!(
        parked["guards"]
            .as_array()
            .is_some_and(|trips| !trips.is_empty())
    );
    let all = usize::try_from(people)?;
    assert_eq!(world.sandbox.live(to).await?.len(), all + 1);
    assert!(world.sandbox.find(to, &email("New")).await?.is_some());
    world
        .api
        .post(&format!("/v1/runs/{run}/approve"), Value::Null)
        .await?;
    let approved = world.api.ended(&run).await?;
    assert_eq!(approved["state"], "succeeded", "{approved}");
    assert_eq!(world.sandbox.live(to).await?.len(), all + 1 - deleted);
    world.quiet(&connection).await?;
    Ok(())
}

#[tokio::test]
async fn a_mass_deletion_in_the_crm_waits_for_a_person() -> anyhow::Result<()> {
    many_deleted(ZOHO, 30, 15).await
}

#[tokio::test]
async fn a_mass_deletion_at_google_waits_for_a_person() -> anyhow::Result<()> {
    many_deleted(GOOGLE, 30, 15).await
}

/// A side that turns empty waits for a person however few there were.
#[tokio::test]
async fn an_emptied_side_waits_for_a_person() -> anyhow::Result<()> {
    many_deleted(ZOHO, 5, 5).await
}
