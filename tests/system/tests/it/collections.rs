//! Where: a group at Google, a list view in the CRM.

use serde_json::json;
use system_tests::http::text;
use system_tests::{Contact, GOOGLE, World, ZOHO};

use crate::people::{book, crm, email, title};

/// Contacts from the CRM are put into the group, and only the group's members come to the CRM.
#[tokio::test]
async fn a_group_at_google() -> anyhow::Result<()> {
    let world = World::start(0).await?;
    let made = world
        .sandbox
        .act(GOOGLE, "actions/group", json!({"name": "Zoho"}))
        .await?;
    let group = text(&made, "/resourceName")?;
    let member = |name: &str| {
        let mine = json!([
            {"contactGroupMembership": {"contactGroupResourceName": group}},
            {"contactGroupMembership": {"contactGroupResourceName": "contactGroups/myContacts"}},
        ]);
        book(name, json!({"memberships": mine}))
    };
    world.sandbox.create(ZOHO, crm("Ada", json!({}))).await?;
    let bob = world.sandbox.create(GOOGLE, member("Bob")).await?;
    let eve = world.sandbox.create(GOOGLE, book("Eve", json!({}))).await?;
    let b = json!({"account": world.b, "collection": format!("group:{group}")});
    let deletions = json!({"a_to_b": "delete", "b_to_a": "delete"});
    let connection = world
        .connected(json!({"b": b, "deletions": deletions}))
        .await?;
    let ada = world.sandbox.get(GOOGLE, &email("Ada")).await?;
    assert!(
        ada.native["memberships"].to_string().contains(&group),
        "{}",
        ada.native
    );
    assert!(world.sandbox.find(ZOHO, &email("Bob")).await?.is_some());
    assert!(world.sandbox.find(ZOHO, &email("Eve")).await?.is_none());
    world.quiet(&connection).await?;

    // Bob leaves the group: he is left as he is, on both sides.
    let none = json!([{"contactGroupMembership": {"contactGroupResourceName": "contactGroups/myContacts"}}]);
    world
        .sandbox
        .edit(GOOGLE, &bob, json!({"memberships": none}))
        .await?;
    world.sandbox.edit(GOOGLE, &bob, title("Outside")).await?;
    world.quiet(&connection).await?;
    let there = world.sandbox.get(ZOHO, &email("Bob")).await?;
    assert_eq!(Contact::read(&there.neutral).title, "");

    // Eve comes in, Bob comes back.
    for id in [&bob, &eve] {
        let back = member("any")["memberships"].clone();
        world
            .sandbox
            .edit(GOOGLE, id, json!({"memberships": back}))
            .await?;
    }
    world.api.sync(&connection).await?;
    let there = world.sandbox.get(ZOHO, &email("Bob")).await?;
    assert_eq!(Contact::read(&there.neutral).title, "Outside");
    assert!(world.sandbox.find(ZOHO, &email("Eve")).await?.is_some());
    assert_eq!(world.sandbox.live(ZOHO).await?.len(), 3);
    world.quiet(&connection).await?;
    Ok(())
}

/// Only what the view shows gets to Google; what leaves the view is left as it is.
#[tokio::test]
async fn a_view_in_the_crm() -> anyhow::Result<()> {
    let world = World::start(0).await?;
    let criteria =
        json!({"field": {"api_name": "Department"}, "comparator": "equal", "value": "Sales"});
    let view = json!({"name": "Sales people", "criteria": criteria});
    let made = world.sandbox.act(ZOHO, "actions/add_view", view).await?;
    let ada = crm("Ada", json!({"Department": "Sales"}));
    let ada = world.sandbox.create(ZOHO, ada).await?;
    let eve = crm("Eve", json!({"Department": "Legal"}));
    world.sandbox.create(ZOHO, eve).await?;
    let a = json!({"account": world.a, "collection": format!("view:{}", text(&made, "/id")?)});
    let deletions = json!({"a_to_b": "delete", "b_to_a": "delete"});
    let connection = world
        .connected(json!({"a": a, "deletions": deletions}))
        .await?;
    assert!(world.sandbox.find(GOOGLE, &email("Ada")).await?.is_some());
    assert!(world.sandbox.find(GOOGLE, &email("Eve")).await?.is_none());
    world.quiet(&connection).await?;

    let leave = json!({"Department": "Legal", "Title": "Outside"});
    world.sandbox.edit(ZOHO, &ada, leave).await?;
    world.quiet(&connection).await?;
    let there = world.sandbox.get(GOOGLE, &email("Ada")).await?;
    assert_eq!(Contact::read(&there.neutral).title, "");
    let back = json!({"Department": "Sales"});
    world.sandbox.edit(ZOHO, &ada, back).await?;
    world.api.sync(&connection).await?;
    let there = world.sandbox.get(GOOGLE, &email("Ada")).await?;
    assert_eq!(Contact::read(&there.neutral).title, "Outside");
    assert_eq!(world.sandbox.live(GOOGLE).await?.len(), 1);
    world.quiet(&connection).await?;
    Ok(())
}
