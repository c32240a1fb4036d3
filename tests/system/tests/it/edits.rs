//! A connection is changed while it lives.

use reqwest::Method;
use serde_json::{Value, json};
use system_tests::world::did;
use system_tests::{Contact, GOOGLE, World, ZOHO};

use crate::people::{crm, email};

async fn preview(world: &World, connection: &str, edit: Value) -> anyhow::Result<Value> {
    let path = format!("/v1/connections/{connection}/preview");
    world.api.call(Method::POST, &path, Some(&edit)).await?.ok()
}

fn only(source: &str) -> Value {
    json!({"rules": [{"from": "a", "if": [{"field": "Lead_Source", "is": source}]}]})
}

/// What becomes of those who leave is said before; then everybody is judged anew, nobody is made anew, and nothing is
/// deleted.
#[tokio::test]
async fn a_rule_is_edited_and_what_becomes_of_those_who_leave_is_said_before() -> anyhow::Result<()>
{
    let world = World::start(0).await?;
    let mut ids = Vec::new();
    for (name, source) in [("Ada", "Chat"), ("Bob", "Chat"), ("Cem", "Cold Call")] {
        let contact = crm(name, json!({"Lead_Source": source}));
        ids.push(world.sandbox.create(ZOHO, contact).await?);
    }
    let connection = world.connected(only("Chat")).await?;
    assert_eq!(world.sandbox.live(GOOGLE).await?.len(), 2);
    let path = format!("/v1/connections/{connection}");
    let before = world.api.get(&path).await?;

    let told = preview(&world, &connection, only("Cold Call")).await?;
    assert_eq!(told["changed"], json!(["rules"]), "{told}");
    assert_eq!(told["links"], 2, "{told}");
    let condition = &told["connection"]["rules"][0]["if"][0];
    assert_eq!(condition["is"], "Cold Call", "{told}");
    let words = told["consequences"].to_string();
    for part in ["stay as they are on both sides", "Nothing is deleted"] {
        assert!(words.contains(part), "{words}");
    }
    assert_eq!(world.api.get(&path).await?, before);
    let nothing = preview(&world, &connection, only("Chat")).await?;
    assert_eq!(nothing["changed"], json!([]), "{nothing}");
    assert_eq!(nothing["consequences"], json!([]), "{nothing}");
    let unknown = json!({"rules": [{"from": "a", "if": [{"field": "Shoe_Size", "is": "44"}]}]});
    let refused = world
        .api
        .call(Method::POST, &format!("{path}/preview"), Some(&unknown))
        .await?;
    assert_eq!(refused.status, 422);

    world.sandbox.mark().await?;
    world.api.patch(&connection, only("Cold Call")).await?;
    let run = world.api.sync(&connection).await?;
    assert_eq!(did(&run, "deleted"), 0, "{run}");
    let there = world.sandbox.live(GOOGLE).await?;
    assert_eq!(there.len(), 3, "{there:?}");
    world
        .sandbox
        .edit(ZOHO, &ids[0], json!({"Title": "Left"}))
        .await?;
    world.quiet(&connection).await?;

    world.api.patch(&connection, only("Chat")).await?;
    world.api.sync(&connection).await?;
    let ada = world.sandbox.get(GOOGLE, &email("Ada")).await?;
    assert_eq!(Contact::read(&ada.neutral).title, "Left");
    assert_eq!(world.sandbox.live(GOOGLE).await?.len(), 3);
    world.quiet(&connection).await?;
    Ok(())
}

/// Every part of a connection has words for what its edit does.
#[tokio::test]
async fn each_edit_says_what_it_does() -> anyhow::Result<()> {
    let world = World::start(0).await?;
    let connection = world.connected(json!({})).await?;
    for (edit, words) in [
        (
            json!({"direction": "a_to_b"}),
            "Nothing is written to side a",
        ),
        (json!({"conflict": "b_wins"}), "side b wins"),
        (
            json!({"conflict": "most_recent_or_b"}),
            "changed last wins, and side b where the clocks",
        ),
        (
            json!({"deletions": {"a_to_b": "delete"}}),
            "is deleted on the other side",
        ),
        (json!({"match": ["phone"]}), "linked stay linked"),
        (
            json!({"schedule": {"every": "1h"}}),
            "then by the new schedule",
        ),
    ] {
        let told = preview(&world, &connection, edit).await?;
        let all = told["consequences"].to_string();
        assert!(all.contains(words), "{words}: {all}");
    }
    Ok(())
}

/// What a patch says of deletions in one direction leaves the other as it was.
#[tokio::test]
async fn what_a_patch_leaves_out_stays() -> anyhow::Result<()> {
    let world = World::start(0).await?;
    let wish = json!({"deletions": {"a_to_b": "mark", "b_to_a": "ignore"}});
    let connection = world.connected(wish).await?;
    let path = format!("/v1/connections/{connection}");
    for (patch, expect) in [
        (json!({"b_to_a": "mark"}), ["mark", "mark"]),
        (json!({}), ["mark", "mark"]),
        (json!({"a_to_b": "ignore"}), ["ignore", "mark"]),
    ] {
        world
            .api
            .patch(&connection, json!({"deletions": patch}))
            .await?;
        let now = &world.api.get(&path).await?["deletions"];
        assert_eq!(*now, json!({"a_to_b": expect[0], "b_to_a": expect[1]}));
    }
    Ok(())
}
