//! HubSpot with Google and with Zoho, both ways, through the default mapping.

use serde_json::{Value, json};
use system_tests::{Contact, GOOGLE, World, ZOHO};

use crate::people::{book, crm, email};

/// HubSpot, as the sandbox calls it.
const HUBSPOT: &str = "hubspot";
/// A person's login there.
const LOGIN: &str = "hub@crm.example";

/// A sandbox with an account at HubSpot beside the others, authorised as side a.
async fn world(contacts: u64) -> anyhow::Result<World> {
    let mut world = World::start(contacts).await?;
    let opened = world.sandbox.open_account(HUBSPOT, LOGIN, contacts, 1);
    opened.await?;
    world.a = world.api.authorise("hubspot", LOGIN).await?;
    Ok(world)
}

/// Every address that a provider's people have, in order.
async fn addresses(world: &World, provider: &str) -> anyhow::Result<Vec<String>> {
    let live = world.sandbox.live(provider).await?;
    let all = live.iter().flat_map(|one| {
        let emails = one.neutral.pointer("/emails").and_then(Value::as_array);
        let emails = emails.into_iter().flatten();
        emails.filter_map(|one| one.pointer("/value").and_then(Value::as_str))
    });
    let mut all: Vec<String> = all.map(str::to_lowercase).collect();
    all.sort();
    Ok(all)
}

#[tokio::test]
async fn hubspot_and_google_become_the_same() -> anyhow::Result<()> {
    let world = world(40).await?;
    let ada = json!({"email": email("Ada"), "firstname": "Ada", "lastname": "Byron", "jobtitle": "Engineer"});
    let ada = world.sandbox.create(HUBSPOT, ada).await?;
    world.sandbox.create(GOOGLE, book("Bob", json!({}))).await?;
    let connection = world.connected(json!({})).await?;
    let people = world.sandbox.live(HUBSPOT).await?.len();
    assert!(people > 70, "{people}");
    assert_eq!(people, world.sandbox.live(GOOGLE).await?.len());
    // HubSpot has room for one address, which is the one at work.
    let [here, there] = [
        addresses(&world, HUBSPOT).await?,
        addresses(&world, GOOGLE).await?,
    ];
    let mut once = here.clone();
    once.dedup();
    assert_eq!(once, here, "nobody is twice");
    let lacking: Vec<_> = here.iter().filter(|one| !there.contains(one)).collect();
    assert!(lacking.is_empty(), "Google lacks {lacking:?}");
    world.quiet(&connection).await?;
    world.quiet(&connection).await?;
    // Edits on both sides, of different fields of one person.
    let at_google = world.sandbox.get(GOOGLE, &email("Ada")).await?;
    let title = json!({"organizations": [{"title": "Countess"}]});
    world.sandbox.edit(GOOGLE, &at_google.id, title).await?;
    let phone = json!({"mobilephone": "+44 20 7946 0018"});
    world.sandbox.edit(HUBSPOT, &ada, phone).await?;
    world.api.sync(&connection).await?;
    let at_hubspot = world.sandbox.read(HUBSPOT, &ada).await?;
    assert_eq!(Contact::read(&at_hubspot.neutral).title, "Countess");
    let at_google = world.sandbox.get(GOOGLE, &email("Ada")).await?;
    let phones = at_google.neutral["phones"].to_string();
    assert!(phones.contains("+44 20 7946 0018"), "{phones}");
    world.quiet(&connection).await?;
    Ok(())
}

#[tokio::test]
async fn an_answer_of_hubspot_that_is_lost_makes_nobody_twice() -> anyhow::Result<()> {
    let world = world(10).await?;
    let route = "POST /crm/v3/objects/contacts/batch/upsert";
    let fault =
        json!({"provider": HUBSPOT, "route": route, "times": 2, "fault": {"kind": "lost_answer"}});
    world.sandbox.fault(fault).await?;
    let connection = world.connected(json!({})).await?;
    world.api.sync(&connection).await?;
    let [here, there] = [
        world.sandbox.live(HUBSPOT).await?,
        world.sandbox.live(GOOGLE).await?,
    ];
    assert_eq!(here.len(), there.len());
    world.quiet(&connection).await?;
    Ok(())
}

#[tokio::test]
async fn a_contact_archived_in_hubspot_is_deleted_at_zoho() -> anyhow::Result<()> {
    let mut world = world(0).await?;
    world.b = world
        .api
        .authorise("zoho_crm", system_tests::world::ZOHO_LOGIN)
        .await?;
    let eve = json!({"email": email("Eve"), "firstname": "Eve", "lastname": "Holt"});
    let eve = world.sandbox.create(HUBSPOT, eve).await?;
    world.sandbox.create(ZOHO, crm("Ada", json!({}))).await?;
    let deletions = json!({"deletions": {"a_to_b": "delete", "b_to_a": "delete"}});
    let connection = world.connected(deletions).await?;
    assert!(world.sandbox.find(ZOHO, &email("Eve")).await?.is_some());
    assert!(world.sandbox.find(HUBSPOT, &email("Ada")).await?.is_some());
    world.quiet(&connection).await?;
    world.sandbox.delete(HUBSPOT, &eve).await?;
    world.api.sync(&connection).await?;
    assert!(world.sandbox.find(ZOHO, &email("Eve")).await?.is_none());
    assert!(world.sandbox.find(ZOHO, &email("Ada")).await?.is_some());
    world.quiet(&connection).await?;
    Ok(())
}
