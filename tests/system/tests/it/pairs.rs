//! Several connections over one pair of accounts.

use reqwest::Method;
use serde_json::{Value, json};
use system_tests::customer::succeeded;
use system_tests::http::{text, until};
use system_tests::world::did;
use system_tests::{Audit, Contact, GOOGLE, World, ZOHO};

use crate::people::{book, crm, email, title};

/// A list view of the sales people, and a group at Google.
async fn view_and_group(world: &World) -> anyhow::Result<(String, String)> {
    let criteria =
        json!({"field": {"api_name": "Department"}, "comparator": "equal", "value": "Sales"});
    let view = json!({"name": "Sales people", "criteria": criteria});
    let view = world.sandbox.act(ZOHO, "actions/add_view", view).await?;
    let group = json!({"name": "Sales"});
    let group = world.sandbox.act(GOOGLE, "actions/group", group).await?;
    Ok((text(&view, "/id")?, text(&group, "/resourceName")?))
}

/// F-68: everything with everything, and a view with a group, over the same two accounts. Nobody is twice, neither
/// connection stops the other, edits flow and it ends quiet.
#[tokio::test]
async fn the_same_accounts_are_connected_twice() -> anyhow::Result<()> {
    let world = World::start(10).await?;
    let (view, group) = view_and_group(&world).await?;
    let ada = crm("Ada", json!({"Department": "Sales"}));
    let ada = world.sandbox.create(ZOHO, ada).await?;
    let eve = crm("Eve", json!({"Department": "Legal"}));
    let eve = world.sandbox.create(ZOHO, eve).await?;
    let before = Audit::take(&world.sandbox).await?;
    let all = world.connected(json!({"name": "All"})).await?;
    // Ada, who is everywhere by now, is put into the group by a person; Bob is in it from the start.
    let member = json!([
        {"contactGroupMembership": {"contactGroupResourceName": group}},
        {"contactGroupMembership": {"contactGroupResourceName": "contactGroups/myContacts"}},
    ]);
    let there = world.sandbox.get(GOOGLE, &email("Ada")).await?;
    let join = json!({"memberships": member});
    world.sandbox.edit(GOOGLE, &there.id, join.clone()).await?;
    world.sandbox.create(GOOGLE, book("Bob", join)).await?;
    let narrow = json!({
        "name": "Sales",
        "a": {"account": world.a, "collection": format!("view:{view}")},
        "b": {"account": world.b, "collection": format!("group:{group}")},
        "schedule": {"every": "manual"},
        "deletions": {"a_to_b": "delete", "b_to_a": "delete"},
    });
    let made = world.api.post("/v1/connections", narrow).await?;
    assert!(made["warnings"].to_string().contains(&all), "{made}");
    let sales = text(&made, "/id")?;
    succeeded(world.api.first_run(&sales).await?)?;
    let both = [&all, &sales];
    for connection in both {
        world.api.sync(connection).await?;
    }
    Audit::take(&world.sandbox).await?.whole(&before)?;
    for connection in both {
        world.quiet(connection).await?;
    }
    // Eve is outside the view and the group: not the affair of the second, and not frozen for the first.
    world.sandbox.pass(600).await?;
    for (id, name) in [(&ada, "Ada"), (&eve, "Eve")] {
        let edit = json!({"Title": format!("Director {name}")});
        world.sandbox.edit(ZOHO, id, edit).await?;
    }
    world.api.sync(&sales).await?;
    let at_google = async |name: &str| -> anyhow::Result<String> {
        let record = world.sandbox.get(GOOGLE, &email(name)).await?;
        Ok(Contact::read(&record.neutral).title)
    };
    assert_eq!(at_google("Ada").await?, "Director Ada");
    assert_eq!(at_google("Eve").await?, "");
    world.api.sync(&all).await?;
    assert_eq!(at_google("Eve").await?, "Director Eve");
    for connection in both {
        world.quiet(connection).await?;
    }
    // Ada leaves the view: frozen for the second, still followed by the first.
    let leave = json!({"Department": "Legal", "Title": "Counsel"});
    world.sandbox.edit(ZOHO, &ada, leave).await?;
    world.quiet(&sales).await?;
    world.api.sync(&all).await?;
    assert_eq!(at_google("Ada").await?, "Counsel");
    let there = world.sandbox.get(GOOGLE, &email("Ada")).await?;
    world.sandbox.pass(600).await?;
    world
        .sandbox
        .edit(GOOGLE, &there.id, title("Partner"))
        .await?;
    world.quiet(&sales).await?;
    world.api.sync(&all).await?;
    let here = world.sandbox.get(ZOHO, &email("Ada")).await?;
    assert_eq!(Contact::read(&here.neutral).title, "Partner");
    for connection in both {
        world.quiet(connection).await?;
    }
    Audit::take(&world.sandbox).await?.whole(&before)
}

/// F-03, F-68: a connection is deleted while its creations are under way, and made again. Nobody is twice.
async fn deleted_in_mid_push(fault: Value) -> anyhow::Result<()> {
    let world = World::start(30).await?;
    let mut ids = Vec::new();
    for (provider, route) in [
        (ZOHO, "POST /crm/v8/Contacts"),
        (GOOGLE, "POST /v1/people:batchCreateContacts"),
    ] {
        let rule = json!({"provider": provider, "route": route, "times": 1, "fault": fault});
        ids.push(world.sandbox.fault(rule).await?);
    }
    let connection = world.connect(json!({})).await?;
    until("a creation that is struck", 60, async || {
        let mut struck = 0;
        for id in &ids {
            struck += world.sandbox.struck(id).await?;
        }
        Ok((struck > 0).then_some(()))
    })
    .await?;
    let path = format!("/v1/connections/{connection}");
    world.api.call(Method::DELETE, &path, None).await?.ok()?;
    let again = world.connect(json!({})).await?;
    let run = succeeded(world.api.first_run(&again).await?)?;
    println!("created by the second connection: {}", did(&run, "created"));
    world.whole(&again).await
}

#[tokio::test]
async fn a_connection_deleted_while_creations_are_slow() -> anyhow::Result<()> {
    deleted_in_mid_push(json!({"kind": "delay_ms", "ms": 2000})).await
}

#[tokio::test]
async fn a_connection_deleted_while_answers_are_lost() -> anyhow::Result<()> {
    deleted_in_mid_push(json!({"kind": "lost_answer"})).await
}

/// Links know their records by side: the other order is refused, also after the connection is gone.
#[tokio::test]
async fn the_other_order_is_refused() -> anyhow::Result<()> {
    let world = World::start(3).await?;
    let connection = world.connected(json!({})).await?;
    let (view, _) = view_and_group(&world).await?;
    let swapped = json!({
        "name": "Swapped",
        "a": {"account": world.b}, "b": {"account": world.a, "collection": format!("view:{view}")},
        "schedule": {"every": "manual"},
    });
    for deleted in [false, true] {
        let answer = world
            .api
            .call(Method::POST, "/v1/connections", Some(&swapped))
            .await?;
        assert_eq!(answer.status, 409, "deleted: {deleted}");
        let told = answer.body.to_string();
        assert!(told.contains("sides_swapped"), "{told}");
        let order = format!(
            "a = zoho_crm ({}), b = google_contacts ({})",
            world.a, world.b
        );
        assert!(told.contains(&order), "{told}");
        let path = format!("/v1/connections/{connection}");
        if !deleted {
            world.api.call(Method::DELETE, &path, None).await?.ok()?;
        }
    }
    Ok(())
}
