//! What the user who authorised an account may do at the provider decides what a connection may do.

use anyhow::Context;
use reqwest::Method;
use serde_json::{Value, json};
use system_tests::customer::succeeded;
use system_tests::{GOOGLE, World, ZOHO};

use crate::people::{book, crm, email};

/// A CRM user without these permissions on contacts.
async fn without(permissions: &[&str]) -> anyhow::Result<World> {
    let world = World::start(0).await?;
    world.sandbox.create(ZOHO, crm("Ada", json!({}))).await?;
    world.sandbox.create(GOOGLE, book("Bob", json!({}))).await?;
    take(&world, permissions).await?;
    Ok(world)
}

async fn take(world: &World, permissions: &[&str]) -> anyhow::Result<()> {
    let names = permissions
        .iter()
        .map(|name| (format!("Crm_Implied_{name}_Contacts"), json!(false)));
    let body = Value::Object(names.collect());
    world
        .sandbox
        .act(ZOHO, "actions/set_permissions", body)
        .await?;
    Ok(())
}

fn errors(refused: &Value) -> Vec<(String, String)> {
    let errors = refused["errors"].as_array().into_iter().flatten();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    errors
        .map(|error| (text(&error["pointer"]), text(&error["message"])))
        .collect()
}

#[tokio::test]
async fn a_user_who_may_only_view_syncs_one_way_out_of_the_crm() -> anyhow::Result<()> {
    let world = without(&["Create", "Edit", "Delete"]).await?;
    let path = format!("/v1/accounts/{}/permissions", world.a);
    let told = world.api.get(&path).await?;
    let rights = ["view", "create", "edit", "delete"].map(|right| told[right].as_bool());
    assert_eq!(rights, [Some(true), Some(false), Some(false), Some(false)]);
    let other = format!("/v1/accounts/{}/permissions", world.b);
    assert_eq!(world.api.get(&other).await?["missing"], json!([]));
    for direction in ["two_way", "b_to_a"] {
        let refused = world.refused(json!({"direction": direction})).await?;
        let errors = errors(&refused);
        assert_eq!(errors.len(), 2, "{refused}");
        for ((pointer, message), name) in errors.iter().zip(["Create", "Edit"]) {
            assert_eq!(pointer, "/direction");
            let name = format!("Crm_Implied_{name}_Contacts");
            assert!(message.contains(&name), "{message}");
            assert!(message.contains("a_to_b"), "{message}");
        }
    }
    let connection = world.connected(json!({"direction": "a_to_b"})).await?;
    assert!(world.sandbox.find(GOOGLE, &email("Ada")).await?.is_some());
    assert!(world.sandbox.find(ZOHO, &email("Bob")).await?.is_none());
    world.quiet(&connection).await?;
    Ok(())
}

/// A user who may not even view has no connection, whichever way; with the right given, there is one, and it stops with the
/// right's name when that is taken away.
#[tokio::test]
async fn a_user_who_may_not_view_syncs_nothing() -> anyhow::Result<()> {
    let world = without(&["View"]).await?;
    let name = "Crm_Implied_View_Contacts";
    let path = format!("/v1/accounts/{}/permissions", world.a);
    let told = world.api.get(&path).await?;
    assert_eq!(told["view"], false, "{told}");
    assert!(told["missing"].to_string().contains(name), "{told}");
    for direction in ["two_way", "a_to_b", "b_to_a"] {
        let refused = world.refused(json!({"direction": direction})).await?;
        let errors = errors(&refused);
        let [(pointer, message)] = errors.as_slice() else {
            anyhow::bail!("{refused}");
        };
        assert_eq!(pointer, "/a/account");
        assert!(message.contains(name), "{message}");
        assert!(message.contains("may not view contacts"), "{message}");
    }
    let given = json!({name: true});
    world
        .sandbox
        .act(ZOHO, "actions/set_permissions", given)
        .await?;
    let connection = world.connected(json!({})).await?;
    assert!(world.sandbox.find(GOOGLE, &email("Ada")).await?.is_some());
    take(&world, &["View"]).await?;
    let run = world.api.begin(&connection).await?;
    let run = world.api.ended(&run).await?;
    let error = run["error"].as_str().unwrap_or_default();
    assert!(error.contains(name), "{run}");
    assert_eq!(world.sandbox.live(GOOGLE).await?.len(), 2);
    Ok(())
}

#[tokio::test]
async fn without_the_permission_to_delete_deletions_are_not_carried_over() -> anyhow::Result<()> {
    let world = without(&["Delete"]).await?;
    let wish = |policy: &str| json!({"deletions": {"a_to_b": "ignore", "b_to_a": policy}});
    let refused = world.refused(wish("delete")).await?;
    let errors = errors(&refused);
    let (pointer, message) = errors.first().context("an error")?;
    assert_eq!(pointer, "/deletions/b_to_a");
    assert!(message.contains("Crm_Implied_Delete_Contacts"), "{message}");
    world.connected(wish("mark")).await?;
    Ok(())
}

/// A permission that is taken away later stops the connection with its name, and loses nothing.
#[tokio::test]
async fn a_permission_taken_away_later_is_named() -> anyhow::Result<()> {
    let world = without(&[]).await?;
    let connection = world.connected(json!({})).await?;
    take(&world, &["Edit"]).await?;
    let google = world.sandbox.get(GOOGLE, &email("Ada")).await?;
    let edit = json!({"organizations": [{"title": "Engineer"}]});
    world.sandbox.edit(GOOGLE, &google.id, edit).await?;
    let run = world.api.begin(&connection).await?;
    let run = world.api.ended(&run).await?;
    let error = run["error"].as_str().unwrap_or_default();
    assert!(error.contains("Crm_Implied_Edit_Contacts"), "{run}");
    let given = json!({"Crm_Implied_Edit_Contacts": true});
    world
        .sandbox
        .act(ZOHO, "actions/set_permissions", given)
        .await?;
    let resume = format!("/v1/connections/{connection}/resume");
    world.api.call(Method::POST, &resume, None).await?;
    succeeded(world.api.sync(&connection).await?)?;
    let ada = world.sandbox.get(ZOHO, &email("Ada")).await?;
    assert_eq!(ada.native["Title"], "Engineer");
    Ok(())
}
