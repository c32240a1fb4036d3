//! Mailchimp with Zoho CRM and with Google, both ways, through the default mapping: who wants mail, and who does not.

use serde_json::{Value, json};
use system_tests::world::did;
use system_tests::{GOOGLE, World, ZOHO};

use crate::people::{book, crm, email};

/// Mailchimp, as the sandbox calls it.
const MAILCHIMP: &str = "mailchimp";
/// A person's login there.
const LOGIN: &str = "news@mail.example";

/// A sandbox with an account at Mailchimp beside the others, authorised as side b.
async fn world() -> anyhow::Result<World> {
    let mut world = World::start(0).await?;
    let opened = world.sandbox.open_account(MAILCHIMP, LOGIN, 0, 1);
    opened.await?;
    world.b = world.api.authorise("mailchimp", LOGIN).await?;
    Ok(world)
}

fn member(name: &str, status: &str) -> Value {
    json!({
        "email_address": email(name), "status": status,
        "merge_fields": {"FNAME": name, "LNAME": "Tester"},
    })
}

async fn status(world: &World, name: &str) -> anyhow::Result<Value> {
    let found = world.sandbox.get(MAILCHIMP, &email(name)).await?;
    Ok(found.native["status"].clone())
}

async fn opted_out(world: &World, name: &str) -> anyhow::Result<Value> {
    let found = world.sandbox.get(ZOHO, &email(name)).await?;
    Ok(found.native["Email_Opt_Out"].clone())
}

#[tokio::test]
async fn who_unsubscribes_at_mailchimp_or_opts_out_in_the_crm_does_so_in_both() -> anyhow::Result<()>
{
    let world = world().await?;
    let out = json!({"Email_Opt_Out": true});
    let ada = world.sandbox.create(ZOHO, crm("Ada", json!({}))).await?;
    let bob = world.sandbox.create(ZOHO, crm("Bob", out.clone())).await?;
    // Nobody without an address can be in an audience.
    let carl = json!({"First_Name": "Carl", "Last_Name": "Nameless"});
    world.sandbox.create(ZOHO, carl).await?;
    let eve = world
        .sandbox
        .create(MAILCHIMP, member("Eve", "subscribed"))
        .await?;
    let finn = world
        .sandbox
        .create(MAILCHIMP, member("Finn", "subscribed"))
        .await?;
    let unsubscribe = async |id: &str| {
        let body = json!({"contact": id});
        world
            .sandbox
            .act(MAILCHIMP, "actions/unsubscribe", body)
            .await
    };
    unsubscribe(&finn).await?;
    // A listing ends a few seconds before the present; who came since is in the next one.
    world.sandbox.pass(30).await?;
    let connection = world.connected(json!({})).await?;
    assert_eq!(status(&world, "Ada").await?, "subscribed");
    assert_eq!(status(&world, "Bob").await?, "unsubscribed");
    assert_eq!(opted_out(&world, "Eve").await?, false);
    assert_eq!(opted_out(&world, "Finn").await?, true);
    assert_eq!(world.sandbox.live(MAILCHIMP).await?.len(), 4);
    assert_eq!(world.sandbox.live(ZOHO).await?.len(), 5);
    world.quiet(&connection).await?;

    // By the link in a mail, and by hand in the CRM.
    let there = world.sandbox.get(MAILCHIMP, &email("Ada")).await?;
    unsubscribe(&there.id).await?;
    let here = world.sandbox.get(ZOHO, &email("Eve")).await?;
    world.sandbox.edit(ZOHO, &here.id, out).await?;
    world.api.sync(&connection).await?;
    assert_eq!(opted_out(&world, "Ada").await?, true);
    assert_eq!(status(&world, "Eve").await?, "unsubscribed");
    world.quiet(&connection).await?;

    // Opted in again in the CRM by whomever: nobody who left gets mail by that.
    world
        .sandbox
        .edit(ZOHO, &bob, json!({"Email_Opt_Out": false}))
        .await?;
    world.api.sync(&connection).await?;
    assert_eq!(status(&world, "Bob").await?, "unsubscribed");

    // Names and addresses go both ways, and the address that is changed is still the same person.
    let moved = json!({"Email": email("Ada2"), "Last_Name": "Byron"});
    world.sandbox.edit(ZOHO, &ada, moved).await?;
    let named = json!({"merge_fields": {"FNAME": "Evelyn", "LNAME": "Tester"}});
    world.sandbox.edit(MAILCHIMP, &eve, named).await?;
    world.api.sync(&connection).await?;
    let there = world.sandbox.read(MAILCHIMP, &there.id).await?;
    assert_eq!(there.native["email_address"], email("Ada2"));
    assert_eq!(there.native["merge_fields"]["LNAME"], "Byron");
    assert_eq!(there.native["status"], "unsubscribed");
    let here = world.sandbox.read(ZOHO, &here.id).await?;
    assert_eq!(here.native["First_Name"], "Evelyn");
    assert_eq!(world.sandbox.live(MAILCHIMP).await?.len(), 4);
    world.quiet(&connection).await?;
    Ok(())
}

#[tokio::test]
async fn an_archived_contact_is_gone_and_nobody_brings_it_back_to_an_audience() -> anyhow::Result<()>
{
    let mut world = world().await?;
    world.a = world
        .api
        .authorise("google_contacts", system_tests::world::GOOGLE_LOGIN)
        .await?;
    for name in ["Ada", "Bob"] {
        world.sandbox.create(GOOGLE, book(name, json!({}))).await?;
    }
    let eve = member("Eve", "subscribed");
    let eve = world.sandbox.create(MAILCHIMP, eve).await?;
    world.sandbox.pass(30).await?;
    let deletions = json!({"deletions": {"a_to_b": "delete", "b_to_a": "delete"}});
    let connection = world.connected(deletions).await?;
    assert_eq!(world.sandbox.live(MAILCHIMP).await?.len(), 3);
    assert_eq!(world.sandbox.live(GOOGLE).await?.len(), 3);
    world.quiet(&connection).await?;

    world.sandbox.delete(MAILCHIMP, &eve).await?;
    let ada = world.sandbox.get(GOOGLE, &email("Ada")).await?;
    world.sandbox.delete(GOOGLE, &ada.id).await?;
    let run = world.api.sync(&connection).await?;
    assert_eq!(did(&run, "deleted"), 2, "{run}");
    assert!(world.sandbox.find(GOOGLE, &email("Eve")).await?.is_none());
    let live = world.sandbox.live(MAILCHIMP).await?;
    assert_eq!(live.len(), 1, "{}", live.len());
    world.quiet(&connection).await?;

    // Entered again at Google: whether an archived contact gets mail again is for a person to say.
    world.sandbox.create(GOOGLE, book("Eve", json!({}))).await?;
    world.api.sync(&connection).await?;
    let archived = world.sandbox.read(MAILCHIMP, &eve).await?;
    assert_eq!(archived.native["status"], "archived");
    let problems = format!("/v1/connections/{connection}/problems");
    let problems = world.api.list(&problems).await?;
    assert_eq!(problems.len(), 1, "{problems:?}");
    let message = problems[0]["message"].as_str().unwrap_or_default();
    assert!(message.contains("archived"), "{problems:?}");
    Ok(())
}

/// Two people share an address, of whom an audience has room for one: the one who is there stays who they are, on both sides.
#[tokio::test]
async fn two_people_of_one_address_are_not_mixed_up() -> anyhow::Result<()> {
    let mut world = world().await?;
    world.a = world
        .api
        .authorise("google_contacts", system_tests::world::GOOGLE_LOGIN)
        .await?;
    world.sandbox.create(GOOGLE, book("Ann", json!({}))).await?;
    let connection = world.connected(json!({})).await?;
    world.sandbox.pass(30).await?;
    world.quiet(&connection).await?;
    let first = world.sandbox.get(MAILCHIMP, &email("Ann")).await?;
    let mut bob = book("Bob", json!({}));
    bob["emailAddresses"] = json!([{"value": email("Ann"), "type": "work"}]);
    let bob = world.sandbox.create(GOOGLE, bob).await?;
    for _ in 0..2 {
        world.api.sync(&connection).await?;
        world.sandbox.pass(30).await?;
    }
    let there = world.sandbox.live(MAILCHIMP).await?;
    assert_eq!(there.len(), 1);
    assert_eq!(
        there[0].native["merge_fields"],
        first.native["merge_fields"]
    );
    let names: Vec<Value> = world
        .sandbox
        .live(GOOGLE)
        .await?
        .iter()
        .map(|one| one.neutral["given_name"].clone())
        .collect();
    assert!(
        names.contains(&json!("Ann")) && names.contains(&json!("Bob")),
        "{names:?}"
    );
    let problems = format!("/v1/connections/{connection}/problems");
    let problems = world.api.list(&problems).await?;
    assert_eq!(problems.len(), 1, "{problems:?}");
    let record = problems[0]["record"].as_str().unwrap_or_default();
    assert!(record.ends_with(&bob), "{problems:?}");
    world.quiet(&connection).await?;
    Ok(())
}
