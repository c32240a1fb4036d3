//! `on_leave: leave`, and deletions by `unlink`: who leaves the collection on the other side stays in the account.

use anyhow::Context;
use reqwest::Method;
use serde_json::{Value, json};
use system_tests::http::text;
use system_tests::world::did;
use system_tests::{Contact, GOOGLE, World, ZOHO};

use crate::people::{book, crm, email, title};

/// A group at Google. Gives its resource name.
async fn group(world: &World, name: &str) -> anyhow::Result<String> {
    let named = json!({"name": name});
    let made = world.sandbox.act(GOOGLE, "actions/group", named).await?;
    text(&made, "/resourceName")
}

/// What a connection says that has this group, and as its rule `if`.
fn wish(world: &World, group: &str, condition: &Value, on_leave: &str) -> Value {
    json!({
        "b": {"account": world.b, "collection": format!("group:{group}")},
        "rules": [{"from": "a", "if": [condition]}],
        "on_leave": on_leave,
        "deletions": {"a_to_b": "delete", "b_to_a": "delete"},
    })
}

fn chat() -> Value {
    json!({"field": "Lead_Source", "is": "Chat"})
}

/// Whether somebody is in a group at Google; it is an error if they are not there at all.
async fn is_in(world: &World, name: &str, group: &str) -> anyhow::Result<bool> {
    let there = world.sandbox.get(GOOGLE, &email(name)).await?;
    let groups = there.native["memberships"].as_array();
    let groups = groups.context("memberships")?.iter();
    let names = groups.map(|one| &one["contactGroupMembership"]["contactGroupResourceName"]);
    Ok(names.into_iter().any(|name| name == group))
}

async fn put(world: &World, name: &str, groups: &[&str]) -> anyhow::Result<()> {
    let there = world.sandbox.get(GOOGLE, &email(name)).await?;
    let member =
        |group: &&str| json!({"contactGroupMembership": {"contactGroupResourceName": group}});
    let all: Vec<Value> = groups.iter().map(member).collect();
    let edit = json!({"memberships": all});
    world.sandbox.edit(GOOGLE, &there.id, edit).await
}

async fn job(world: &World, provider: &str, name: &str) -> anyhow::Result<String> {
    let there = world.sandbox.get(provider, &email(name)).await?;
    Ok(Contact::read(&there.neutral).title)
}

/// What a run did, by the words of its changes.
async fn changes(world: &World, run: &Value) -> anyhow::Result<Vec<String>> {
    let path = format!("/v1/runs/{}/changes", text(run, "/id")?);
    let all = world.api.list(&path).await?;
    all.iter().map(|change| text(change, "/kind")).collect()
}

const MINE: &str = "contactGroups/myContacts";

/// F-52: a contact of the CRM stops matching: its partner leaves the group and keeps all its fields. It matches again: the
/// partner is put back, and then what both have to say goes over.
#[tokio::test]
async fn a_contact_leaves_the_group_and_comes_back() -> anyhow::Result<()> {
    let world = World::start(0).await?;
    let ours = group(&world, "Zoho").await?;
    let more = json!({"Lead_Source": "Chat", "Title": "Engineer"});
    let ada = world.sandbox.create(ZOHO, crm("Ada", more)).await?;
    let connection = world
        .connected(wish(&world, &ours, &chat(), "leave"))
        .await?;
    assert!(is_in(&world, "Ada", &ours).await?);
    let gone = json!({"Lead_Source": "Advertisement", "Title": "Director"});
    world.sandbox.edit(ZOHO, &ada, gone).await?;
    let run = world.api.sync(&connection).await?;
    assert!(!is_in(&world, "Ada", &ours).await?);
    assert_eq!(job(&world, GOOGLE, "Ada").await?, "Engineer");
    let did_so = changes(&world, &run).await?;
    assert!(did_so.contains(&"unlinked".to_owned()), "{did_so:?}");
    // That it left comes back as news, and is none.
    world.quiet(&connection).await?;
    let there = world.sandbox.get(GOOGLE, &email("Ada")).await?;
    world
        .sandbox
        .edit(
            GOOGLE,
            &there.id,
            json!({"nicknames": [{"value": "Queen"}]}),
        )
        .await?;
    world.quiet(&connection).await?;
    let back = json!({"Lead_Source": "Chat"});
    world.sandbox.edit(ZOHO, &ada, back).await?;
    let run = world.api.sync(&connection).await?;
    assert!(is_in(&world, "Ada", &ours).await?);
    assert_eq!(job(&world, GOOGLE, "Ada").await?, "Director");
    let did_so = changes(&world, &run).await?;
    assert!(did_so.contains(&"joined".to_owned()), "{did_so:?}");
    assert_eq!(did(&run, "created"), 0, "{run}");
    assert_eq!(world.sandbox.live(GOOGLE).await?.len(), 1);
    world.quiet(&connection).await?;
    Ok(())
}

#[tokio::test]
async fn with_freeze_it_stays_in_the_group() -> anyhow::Result<()> {
    let world = World::start(0).await?;
    let ours = group(&world, "Zoho").await?;
    let more = json!({"Lead_Source": "Chat"});
    let ada = world.sandbox.create(ZOHO, crm("Ada", more)).await?;
    let connection = world
        .connected(wish(&world, &ours, &chat(), "freeze"))
        .await?;
    let gone = json!({"Lead_Source": "Advertisement"});
    world.sandbox.edit(ZOHO, &ada, gone).await?;
    world.quiet(&connection).await?;
    assert!(is_in(&world, "Ada", &ours).await?);
    Ok(())
}

/// From Google to the CRM, whose list views nobody can be taken out of: what rules tagged loses its tag.
#[tokio::test]
async fn a_contact_loses_the_tag_and_gets_it_back() -> anyhow::Result<()> {
    let world = World::start(0).await?;
    let tagged = json!({"Tag": [{"name": "Google"}, {"name": "VIP"}]});
    world.sandbox.create(ZOHO, crm("Eve", tagged)).await?;
    let partner = title("Partner");
    world.sandbox.create(GOOGLE, book("Ada", partner)).await?;
    let rule = json!({"from": "b", "if": [{"field": "organization.title", "is": "Partner"}],
        "then": [{"add_to": "tag:Google"}]});
    let leaving = json!({"rules": [rule], "on_leave": "leave", "direction": "b_to_a"});
    let made = world
        .api
        .post("/v1/connections", world.wish(&leaving)?)
        .await?;
    assert_eq!(made["warnings"], json!([]), "{made}");
    let connection = text(&made, "/id")?;
    world.api.first_run(&connection).await?;
    let tags = async |name: &str| -> anyhow::Result<String> {
        let there = world.sandbox.get(ZOHO, &email(name)).await?;
        Ok(there.native["Tag"].to_string())
    };
    assert!(tags("Ada").await?.contains("Google"));
    let there = world.sandbox.get(GOOGLE, &email("Ada")).await?;
    world
        .sandbox
        .edit(GOOGLE, &there.id, title("Former partner"))
        .await?;
    world.api.sync(&connection).await?;
    assert!(!tags("Ada").await?.contains("Google"));
    assert_eq!(job(&world, ZOHO, "Ada").await?, "Partner");
    world.quiet(&connection).await?;
    let again = title("Partner");
    world.sandbox.edit(GOOGLE, &there.id, again).await?;
    world.api.sync(&connection).await?;
    assert!(tags("Ada").await?.contains("Google"));
    // Eve's tags are a person's.
    assert!(tags("Eve").await?.contains("Google"));
    world.quiet(&connection).await?;
    Ok(())
}

/// What people do with their hands holds: who is put back into the group meanwhile stays in it, and what becomes of a
/// contact there while it is out concerns nobody.
#[tokio::test]
async fn hands_and_deletions_while_it_is_out() -> anyhow::Result<()> {
    let world = World::start(0).await?;
    let ours = group(&world, "Zoho").await?;
    let more = || json!({"Lead_Source": "Chat"});
    let (back, out) = (more(), json!({"Lead_Source": "Partner"}));
    let mut ids = Vec::new();
    for name in ["Ada", "Bea"] {
        ids.push(world.sandbox.create(ZOHO, crm(name, more())).await?);
    }
    let connection = world
        .connected(wish(&world, &ours, &chat(), "leave"))
        .await?;
    for id in &ids {
        world.sandbox.edit(ZOHO, id, out.clone()).await?;
    }
    world.api.sync(&connection).await?;
    put(&world, "Ada", &[MINE, &ours]).await?;
    let bea = world.sandbox.get(GOOGLE, &email("Bea")).await?;
    world.sandbox.delete(GOOGLE, &bea.id).await?;
    world.quiet(&connection).await?;
    assert!(is_in(&world, "Ada", &ours).await?);
    for id in &ids {
        world.sandbox.edit(ZOHO, id, back.clone()).await?;
    }
    world.api.sync(&connection).await?;
    world.quiet(&connection).await?;
    assert!(is_in(&world, "Ada", &ours).await?);
    assert!(world.sandbox.find(ZOHO, &email("Bea")).await?.is_some());
    assert!(world.sandbox.find(GOOGLE, &email("Bea")).await?.is_none());
    Ok(())
}

/// Answers that are lost, leaving and coming back: in the end it is out, and in.
#[tokio::test]
async fn answers_are_lost_on_the_way_out_and_in() -> anyhow::Result<()> {
    let world = World::start(0).await?;
    let ours = group(&world, "Zoho").await?;
    let more = json!({"Lead_Source": "Chat"});
    let ada = world.sandbox.create(ZOHO, crm("Ada", more)).await?;
    let connection = world
        .connected(wish(&world, &ours, &chat(), "leave"))
        .await?;
    let route = "POST /v1/contactGroups/{id}/members:modify";
    let lost =
        json!({"provider": GOOGLE, "route": route, "times": 4, "fault": {"kind": "lost_answer"}});
    for (source, expect) in [("Partner", false), ("Chat", true)] {
        let fault = world.sandbox.fault(lost.clone()).await?;
        let edit = json!({"Lead_Source": source, "Title": source});
        world.sandbox.edit(ZOHO, &ada, edit).await?;
        world.api.sync(&connection).await?;
        assert!(world.sandbox.struck(&fault).await? > 0, "{source}");
        world.sandbox.mend().await?;
        assert_eq!(is_in(&world, "Ada", &ours).await?, expect, "{source}");
        world.quiet(&connection).await?;
    }
    assert_eq!(job(&world, GOOGLE, "Ada").await?, "Chat");
    Ok(())
}

/// F-48: a rule is changed so that everybody leaves. The group is not emptied before a person has said so, and is filled
/// again when the rule is what it was.
#[tokio::test]
async fn an_edited_rule_does_not_empty_the_group_by_itself() -> anyhow::Result<()> {
    let world = World::start(0).await?;
    let ours = group(&world, "Zoho").await?;
    for number in 0..30 {
        let contact = crm(&format!("Person{number}"), json!({"Lead_Source": "Chat"}));
        world.sandbox.create(ZOHO, contact).await?;
    }
    let connection = world
        .connected(wish(&world, &ours, &chat(), "leave"))
        .await?;
    let inside = async || -> anyhow::Result<usize> {
        let mut count = 0;
        for number in 0..30 {
            count += usize::from(is_in(&world, &format!("Person{number}"), &ours).await?);
        }
        Ok(count)
    };
    assert_eq!(inside().await?, 30);
    let other = json!([{"from": "a", "if": [{"field": "Lead_Source", "is": "Partner"}]}]);
    world
        .api
        .patch(&connection, json!({"rules": other}))
        .await?;
    let run = world.api.begin(&connection).await?;
    let parked = world.api.ended(&run).await?;
    assert_eq!(parked["state"], "parked", "{parked}");
    let trip = &parked["guards"][0];
    assert_eq!(
        (&trip["kind"], &trip["from"], &trip["count"]),
        (&json!("deletions"), &json!("a"), &json!(30)),
        "{parked}"
    );
    assert_eq!(inside().await?, 30);
    let approve = format!("/v1/runs/{run}/approve");
    world.api.post(&approve, Value::Null).await?;
    let approved = world.api.ended(&run).await?;
    assert_eq!(approved["state"], "succeeded", "{approved}");
    assert_eq!(inside().await?, 0);
    assert_eq!(world.sandbox.live(GOOGLE).await?.len(), 30);
    // What we took out is not a side that shrank.
    world.quiet(&connection).await?;
    let before = json!([{"from": "a", "if": [chat()]}]);
    world
        .api
        .patch(&connection, json!({"rules": before}))
        .await?;
    world.api.sync(&connection).await?;
    assert_eq!(inside().await?, 30);
    assert_eq!(world.sandbox.live(GOOGLE).await?.len(), 30);
    world.quiet(&connection).await?;
    Ok(())
}

/// Two connections have the group: who leaves for one of them and is there for the other stays, until it leaves for both.
#[tokio::test]
async fn a_contact_that_another_connection_keeps_stays() -> anyhow::Result<()> {
    let world = World::start(0).await?;
    let ours = group(&world, "Zoho").await?;
    let view = |name: &str, field: &str, value: &str| {
        let criteria = json!({"field": {"api_name": field}, "comparator": "equal", "value": value});
        json!({"name": name, "criteria": criteria})
    };
    let mut views = Vec::new();
    for (name, field, value) in [
        ("Sales people", "Department", "Sales"),
        ("Chatters", "Lead_Source", "Chat"),
    ] {
        let made = world
            .sandbox
            .act(ZOHO, "actions/add_view", view(name, field, value))
            .await?;
        views.push(text(&made, "/id")?);
    }
    let both = json!({"Department": "Sales", "Lead_Source": "Chat"});
    let ada = world.sandbox.create(ZOHO, crm("Ada", both)).await?;
    let mut connections = Vec::new();
    for view in &views {
        let wish = json!({
            "a": {"account": world.a, "collection": format!("view:{view}")},
            "b": {"account": world.b, "collection": format!("group:{ours}")},
            "on_leave": "leave",
        });
        connections.push(world.connected(wish).await?);
    }
    let settle = async || -> anyhow::Result<()> {
        for _ in 0..2 {
            for connection in &connections {
                world.api.sync(connection).await?;
            }
        }
        for connection in &connections {
            world.quiet(connection).await?;
        }
        Ok(())
    };
    settle().await?;
    for (edit, expect) in [
        (json!({"Department": "Legal", "Title": "One"}), true),
        (json!({"Lead_Source": "Partner", "Title": "Two"}), false),
        (json!({"Department": "Sales", "Title": "Three"}), true),
        (json!({"Lead_Source": "Chat", "Title": "Four"}), true),
    ] {
        world.sandbox.pass(600).await?;
        world.sandbox.edit(ZOHO, &ada, edit.clone()).await?;
        settle().await?;
        assert_eq!(is_in(&world, "Ada", &ours).await?, expect, "{edit}");
    }
    assert_eq!(job(&world, GOOGLE, "Ada").await?, "Four");
    assert_eq!(world.sandbox.live(GOOGLE).await?.len(), 1);
    Ok(())
}

/// Where nobody can be taken out of anything, `leave` is refused with the reason and what to do; where it can be done on
/// one side only, that is said.
#[tokio::test]
async fn leave_is_offered_where_it_can_be_done() -> anyhow::Result<()> {
    let world = World::start(0).await?;
    let ours = group(&world, "Zoho").await?;
    let refused = world.refused(json!({"on_leave": "leave"})).await?;
    let told = refused["errors"].to_string();
    for part in [
        "/on_leave",
        "Zoho CRM",
        "Google Contacts",
        "`add_to`",
        "`freeze`",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    let one = wish(&world, &ours, &chat(), "leave");
    let made = world.api.post("/v1/connections", world.wish(&one)?).await?;
    let warnings = made["warnings"].to_string();
    assert!(warnings.contains("Side a: Zoho CRM"), "{warnings}");
    let only_back = world
        .refused(json!({"b": one["b"], "on_leave": "leave", "direction": "b_to_a"}))
        .await?;
    let told = only_back["errors"].to_string();
    assert!(told.contains("Side a: Zoho CRM"), "{told}");
    // Also when a connection is changed.
    let plain = world.connected(json!({})).await?;
    let patched = world.api.patch(&plain, json!({"on_leave": "leave"})).await;
    let told = patched.expect_err("refused").to_string();
    assert!(told.contains("/on_leave"), "{told}");
    // And before it is.
    let id = text(&made, "/id")?;
    let preview = format!("/v1/connections/{id}/preview");
    let other =
        json!({"rules": [{"from": "a", "if": [{"field": "Lead_Source", "is": "Cold Call"}]}]});
    let seen = world.api.post(&preview, other).await?;
    assert_eq!(seen["warnings"], made["warnings"], "{seen}");
    let words = seen["consequences"].to_string();
    assert!(words.contains("How many leave is not known"), "{words}");
    let freeze = world
        .api
        .post(&preview, json!({"on_leave": "freeze"}))
        .await?;
    assert_eq!(freeze["warnings"], json!([]), "{freeze}");
    Ok(())
}

/// Deletions by `unlink`: a contact deleted in the CRM takes its partner out of the group, which stays in the account.
#[tokio::test]
async fn a_deletion_by_unlink_takes_the_partner_out_of_the_group() -> anyhow::Result<()> {
    let world = World::start(0).await?;
    let ours = group(&world, "Zoho").await?;
    let titled = json!({"Title": "Engineer"});
    let ada = world.sandbox.create(ZOHO, crm("Ada", titled)).await?;
    world.sandbox.create(ZOHO, crm("Bea", json!({}))).await?;
    let unlink = json!({
        "b": {"account": world.b, "collection": format!("group:{ours}")},
        "deletions": {"a_to_b": "unlink", "b_to_a": "ignore"},
    });
    let connection = world.connected(unlink).await?;
    world.sandbox.delete(ZOHO, &ada).await?;
    let run = world.api.sync(&connection).await?;
    let did_so = changes(&world, &run).await?;
    assert!(did_so.contains(&"unlinked".to_owned()), "{did_so:?}");
    assert!(!is_in(&world, "Ada", &ours).await?);
    assert_eq!(job(&world, GOOGLE, "Ada").await?, "Engineer");
    assert!(is_in(&world, "Bea", &ours).await?);
    for _ in 0..2 {
        world.quiet(&connection).await?;
    }
    assert!(world.sandbox.find(ZOHO, &email("Ada")).await?.is_none());
    Ok(())
}

/// Where nobody can be taken out, `unlink` is refused, and told what can be done instead.
#[tokio::test]
async fn unlink_is_offered_where_it_can_be_done() -> anyhow::Result<()> {
    let world = World::start(0).await?;
    let ours = group(&world, "Zoho").await?;
    // Zoho's list views hold who meets their criteria; so does the view of all.
    let view = json!({"name": "Sales people", "criteria":
        {"field": {"api_name": "Department"}, "comparator": "equal", "value": "Sales"}});
    let view = world.sandbox.act(ZOHO, "actions/add_view", view).await?;
    let view = format!("view:{}", text(&view, "/id")?);
    let check = async |wish: Value, pointer: &str, part: &str| -> anyhow::Result<()> {
        let told = world.refused(wish).await?["errors"].to_string();
        assert!(told.contains(pointer) && told.contains(part), "{told}");
        Ok(())
    };
    for a in [
        json!({"account": world.a}),
        json!({"account": world.a, "collection": view}),
    ] {
        let wish = json!({"a": a, "deletions": {"b_to_a": "unlink"}});
        check(
            wish,
            "/deletions/b_to_a",
            "Zoho CRM cannot do `unlink`: a contact is in a list view because of what its fields say, and cannot be taken out of one. It can do: `ignore`, `mark`, `delete`",
        )
        .await?;
    }
    let wish = json!({"deletions": {"a_to_b": "unlink"}});
    check(
        wish,
        "/deletions/a_to_b",
        "cannot be taken out of this collection",
    )
    .await?;
    // What each provider can do is told beforehand, and why it cannot do the rest.
    for (id, can, why) in [
        (
            "zoho_crm",
            json!(["ignore", "mark", "delete"]),
            json!({"unlink": "a contact is in a list view because of what its fields say, and cannot be taken out of one"}),
        ),
        (
            "google_contacts",
            json!(["ignore", "unlink", "mark", "delete"]),
            json!({}),
        ),
    ] {
        let one = world.api.get(&format!("/v1/providers/{id}")).await?;
        let told = &one["capabilities"];
        assert_eq!(
            (&told["deletions"], &told["impossible"]),
            (&can, &why),
            "{one}"
        );
    }
    let path = "/v1/connections";
    let sound = json!({"b": {"account": world.b, "collection": format!("group:{ours}")},
        "deletions": {"a_to_b": "unlink"}});
    let answer = world
        .api
        .call(Method::POST, path, Some(&world.wish(&sound)?))
        .await?;
    assert_eq!(answer.status, 201, "{}", answer.body);
    Ok(())
}
