//! What a person's approval of a parked run covers: what was shown, and no more.

use anyhow::ensure;
use serde_json::{Value, json};
use system_tests::world::did;
use system_tests::{GOOGLE, World, ZOHO};

use crate::people::crm;

/// Deletes some people in the CRM.
async fn delete(world: &World, number: usize) -> anyhow::Result<()> {
    for record in world.sandbox.live(ZOHO).await?.iter().take(number) {
        world.sandbox.delete(ZOHO, &record.id).await?;
    }
    Ok(())
}

/// A run that must end parked, and what its guards count: `deletions` beside what was carried over before.
async fn parked(world: &World, run: &str) -> anyhow::Result<Vec<(String, u64)>> {
    let run = world.api.ended(run).await?;
    ensure!(run["state"] == "parked", "{run}");
    ensure!(run["approved"] == false, "{run}");
    let trips = run["guards"].as_array().cloned().unwrap_or_default();
    Ok(trips
        .iter()
        .map(|trip| {
            let count = trip["count"].as_u64().unwrap_or_default();
            let carried = trip["carried"].as_u64().unwrap_or_default();
            let kind = trip["kind"].as_str().unwrap_or_default().to_owned();
            (kind, count - carried)
        })
        .collect())
}

async fn approve(world: &World, run: &str) -> anyhow::Result<()> {
    let path = format!("/v1/runs/{run}/approve");
    world.api.post(&path, Value::Null).await?;
    Ok(())
}

/// F-50: more was deleted since the list was shown. The approval carries none of it over; the next one, of the whole
/// list, does.
#[tokio::test]
async fn an_approval_covers_no_more_than_was_shown() -> anyhow::Result<()> {
    let world = World::start(0).await?;
    for number in 0..60 {
        let contact = crm(&format!("Person{number}"), json!({}));
        world.sandbox.create(ZOHO, contact).await?;
    }
    let both = json!({"deletions": {"a_to_b": "delete", "b_to_a": "delete"}});
    let connection = world.connected(both).await?;
    let deletions = |count| ("deletions".to_owned(), count);

    delete(&world, 12).await?;
    let first = world.api.begin(&connection).await?;
    assert_eq!(parked(&world, &first).await?, [deletions(12)]);

    // A few more: alone they would pass, but with what is held they do not.
    delete(&world, 5).await?;
    let second = world.api.begin(&connection).await?;
    let all = parked(&world, &second).await?;
    assert!(all.contains(&deletions(17)), "{all:?}");
    assert_eq!(world.sandbox.live(GOOGLE).await?.len(), 60);

    approve(&world, &first).await?;
    let all = parked(&world, &first).await?;
    assert!(all.contains(&deletions(17)), "{all:?}");
    assert_eq!(world.sandbox.live(GOOGLE).await?.len(), 60);

    approve(&world, &first).await?;
    let run = world.api.ended(&first).await?;
    assert_eq!(run["state"], "succeeded", "{run}");
    assert_eq!(run["approved"], true, "{run}");
    assert_eq!(world.sandbox.live(GOOGLE).await?.len(), 43);
    // Nothing is left of what the other run held.
    let other = world.api.run(&second).await?;
    assert_eq!(other["state"], "cancelled", "{other}");
    world.quiet(&connection).await?;
    Ok(())
}

/// Guards that a person widens hold nothing any more: no approval is asked for.
#[tokio::test]
async fn what_no_guard_holds_any_more_goes_on() -> anyhow::Result<()> {
    let world = World::start(0).await?;
    for number in 0..40 {
        let contact = crm(&format!("Person{number}"), json!({}));
        world.sandbox.create(ZOHO, contact).await?;
    }
    let both = json!({"deletions": {"a_to_b": "delete", "b_to_a": "delete"}});
    let connection = world.connected(both).await?;
    delete(&world, 12).await?;
    let run = world.api.begin(&connection).await?;
    let trips = parked(&world, &run).await?;
    assert!(!trips.is_empty());
    let now = world
        .api
        .get(&format!("/v1/connections/{connection}"))
        .await?;
    let mut guards = now["guards"].clone();
    guards["deletions_min"] = json!(30);
    world
        .api
        .patch(&connection, json!({"guards": guards}))
        .await?;
    world.api.sync(&connection).await?;
    assert_eq!(world.sandbox.live(GOOGLE).await?.len(), 28);
    assert_eq!(world.api.run(&run).await?["state"], "cancelled");
    Ok(())
}

/// A rule that is added would write over what stands in many contacts: it waits for a person, who is told the field.
#[tokio::test]
async fn a_rule_that_writes_over_many_waits_for_a_person() -> anyhow::Result<()> {
    let world = World::start(0).await?;
    for number in 0..20 {
        let source = json!({"Lead_Source": "Advertisement"});
        let contact = crm(&format!("Person{number}"), source);
        world.sandbox.create(ZOHO, contact).await?;
    }
    let connection = world.connected(json!({})).await?;
    let with = async |source: &str| -> anyhow::Result<usize> {
        let all = world.sandbox.live(ZOHO).await?;
        let are = all.iter().filter(|one| one.native["Lead_Source"] == source);
        Ok(are.count())
    };
    let rule = json!({"from": "b", "then": [{"set": "Lead_Source", "to": "Chat"}]});
    world
        .api
        .patch(&connection, json!({"rules": [rule]}))
        .await?;
    let run = world.api.begin(&connection).await?;
    assert_eq!(parked(&world, &run).await?, [("overwrite".to_owned(), 20)]);
    let shown = world.api.run(&run).await?;
    assert_eq!(shown["guards"][0]["entry"], "Lead_Source=", "{shown}");
    assert_eq!(with("Advertisement").await?, 20);
    approve(&world, &run).await?;
    let run = world.api.ended(&run).await?;
    assert_eq!(run["state"], "succeeded", "{run}");
    assert_eq!(with("Chat").await?, 20);
    world.quiet(&connection).await?;
    Ok(())
}

/// Everybody is deleted, which a guard holds, and most are entered again before anybody has looked, some of them without an
/// address. Those are who they were: nobody is made twice, and nobody is deleted but who is not there any more.
#[tokio::test]
async fn who_is_entered_again_while_a_guard_holds_is_who_they_were() -> anyhow::Result<()> {
    let world = World::start(0).await?;
    let person = |number: usize| {
        if number.is_multiple_of(2) {
            crm(&format!("Person{number}"), json!({}))
        } else {
            json!({"First_Name": format!("Person{number}"), "Last_Name": "Nameless"})
        }
    };
    for number in 0..16 {
        world.sandbox.create(ZOHO, person(number)).await?;
    }
    let both = json!({"deletions": {"a_to_b": "delete", "b_to_a": "delete"}});
    let connection = world.connected(both).await?;
    let before = ids(&world).await?;
    delete(&world, 16).await?;
    let first = world.api.begin(&connection).await?;
    assert!(!parked(&world, &first).await?.is_empty());

    for number in 0..14 {
        world.sandbox.create(ZOHO, person(number)).await?;
    }
    let newcomer = crm("Newcomer", json!({}));
    world.sandbox.create(ZOHO, newcomer).await?;
    let second = world.api.begin(&connection).await?;
    let run = world.api.ended(&second).await?;
    assert_eq!(did(&run, "created"), 1, "{run}");
    assert_eq!(did(&run, "deleted"), 0, "{run}");
    let held = format!("/v1/connections/{connection}/records?state=held");
    let held = world.api.list(&held).await?;
    assert_eq!(held.len(), 2, "{held:?}");

    // Two of sixteen are what no guard holds.
    let run = world.api.sync(&connection).await?;
    assert_eq!(did(&run, "deleted"), 2, "{run}");
    world.quiet(&connection).await?;
    assert_eq!(world.sandbox.live(ZOHO).await?.len(), 15);
    let now = ids(&world).await?;
    assert_eq!(now.len(), 15);
    assert_eq!(now.iter().filter(|id| before.contains(id)).count(), 14);

    // They are partners again: an edit goes over.
    let all = world.sandbox.live(ZOHO).await?;
    for record in all.iter().take(3) {
        let edit = json!({"Title": "Engineer"});
        world.sandbox.edit(ZOHO, &record.id, edit).await?;
    }
    let run = world.api.sync(&connection).await?;
    assert_eq!(did(&run, "updated"), 3, "{run}");
    world.quiet(&connection).await?;
    Ok(())
}

/// The records that live at Google.
async fn ids(world: &World) -> anyhow::Result<Vec<String>> {
    let live = world.sandbox.live(GOOGLE).await?;
    Ok(live.into_iter().map(|record| record.id).collect())
}
