//! Who has opted out of mail: a field in the CRM, a group at Google, and rules that go by either.

use anyhow::Context;
use serde_json::{Value, json};
use system_tests::customer::succeeded;
use system_tests::http::text;
use system_tests::{GOOGLE, World, ZOHO};

use crate::people::{book, crm, email, title};

const GROUP: &str = "Syncline Unsubscribed";

fn mapping(change: Value) -> Value {
    let mut entry = json!({"a": "Email_Opt_Out", "b": format!("groups#has:{GROUP}")});
    if let (Some(entry), Value::Object(change)) = (entry.as_object_mut(), change) {
        entry.extend(change);
    }
    json!([
        {"a": "First_Name", "b": "names.givenName"},
        {"a": "Last_Name", "b": "names.familyName"},
        {"a": "Email", "b": "email.work"},
        {"a": "Title", "b": "organization.title"},
        entry,
    ])
}

/// The group's resource name at Google, if it is there.
async fn group(world: &World) -> anyhow::Result<Option<String>> {
    let all = world
        .api
        .list(&format!("/v1/accounts/{}/collections", world.b))
        .await?;
    let found = all.iter().find(|one| one["name"] == GROUP);
    let id = found.map(|one| text(one, "/id")).transpose()?;
    Ok(id.and_then(|id| id.strip_prefix("group:").map(str::to_owned)))
}

/// Whether somebody has opted out in the CRM, and whether they are in the group at Google.
async fn out(world: &World, name: &str) -> anyhow::Result<(bool, bool)> {
    let crm = world.sandbox.get(ZOHO, &email(name)).await?;
    let google = world.sandbox.get(GOOGLE, &email(name)).await?;
    let there = google.native["memberships"].to_string();
    let group = group(world).await?;
    let member = group.is_some_and(|group| there.contains(&format!("\"{group}\"")));
    Ok((crm.native["Email_Opt_Out"] == true, member))
}

async fn set_crm(world: &World, name: &str, yes: bool) -> anyhow::Result<()> {
    let found = world.sandbox.get(ZOHO, &email(name)).await?;
    world
        .sandbox
        .edit(ZOHO, &found.id, json!({"Email_Opt_Out": yes}))
        .await
}

/// Puts somebody into the group at Google, or takes them out of it; their other groups stay.
async fn set_google(world: &World, name: &str, yes: bool) -> anyhow::Result<()> {
    let group = group(world).await?.context("the group")?;
    let found = world.sandbox.get(GOOGLE, &email(name)).await?;
    let own = found.native["memberships"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let name = |one: &Value| one["contactGroupMembership"]["contactGroupResourceName"].clone();
    let mut groups: Vec<Value> = own.iter().map(name).filter(|one| *one != group).collect();
    if yes {
        groups.push(json!(group));
    }
    let groups = groups.iter();
    let all: Vec<Value> = groups
        .map(|group| json!({"contactGroupMembership": {"contactGroupResourceName": group}}))
        .collect();
    world
        .sandbox
        .edit(GOOGLE, &found.id, json!({"memberships": all}))
        .await
}

/// Ada and Bob, synced; Ada has opted out in the CRM before, so that the group is there.
async fn synced(change: Value, more: Value) -> anyhow::Result<(World, String)> {
    let world = World::start(0).await?;
    world
        .sandbox
        .create(ZOHO, crm("Ada", json!({"Email_Opt_Out": true})))
        .await?;
    world.sandbox.create(ZOHO, crm("Bob", json!({}))).await?;
    let mut all = json!({"mapping": mapping(change)});
    if let (Some(all), Value::Object(more)) = (all.as_object_mut(), more) {
        all.extend(more);
    }
    let connection = world.connected(all).await?;
    Ok((world, connection))
}

/// Both ways: the group is made when it is needed; who opts in again by hand is opted out again.
#[tokio::test]
async fn an_opt_out_is_a_field_here_and_a_group_there() -> anyhow::Result<()> {
    let (world, connection) = synced(json!({}), json!({})).await?;
    assert_eq!(out(&world, "Ada").await?, (true, true));
    assert_eq!(out(&world, "Bob").await?, (false, false));
    world.quiet(&connection).await?;
    set_google(&world, "Bob", true).await?;
    succeeded(world.api.sync(&connection).await?)?;
    assert_eq!(out(&world, "Bob").await?, (true, true));
    world.quiet(&connection).await?;
    // Neither side undoes it on the other.
    set_google(&world, "Bob", false).await?;
    set_crm(&world, "Ada", false).await?;
    succeeded(world.api.sync(&connection).await?)?;
    assert_eq!(out(&world, "Ada").await?, (true, true));
    assert_eq!(out(&world, "Bob").await?, (true, true));
    world.quiet(&connection).await?;
    // Somebody's other groups have nothing to do with it.
    let vip = world
        .sandbox
        .act(GOOGLE, "actions/group", json!({"name": "VIP"}))
        .await?;
    let vip = text(&vip, "/resourceName")?;
    world
        .sandbox
        .create(
            GOOGLE,
            book(
                "Eve",
                json!({"memberships": [
        {"contactGroupMembership": {"contactGroupResourceName": vip}},
        {"contactGroupMembership": {"contactGroupResourceName": "contactGroups/myContacts"}}]}),
            ),
        )
        .await?;
    succeeded(world.api.sync(&connection).await?)?;
    assert_eq!(out(&world, "Eve").await?, (false, false));
    set_crm(&world, "Eve", true).await?;
    succeeded(world.api.sync(&connection).await?)?;
    assert_eq!(out(&world, "Eve").await?, (true, true));
    let eve = world.sandbox.get(GOOGLE, &email("Eve")).await?;
    assert!(
        eve.native["memberships"].to_string().contains(&vip),
        "{}",
        eve.native
    );
    world.quiet(&connection).await?;
    Ok(())
}

#[tokio::test]
async fn opt_outs_go_one_way_where_the_customer_says_so() -> anyhow::Result<()> {
    let (world, connection) = synced(json!({"flow": "a_to_b"}), json!({})).await?;
    assert_eq!(out(&world, "Ada").await?, (true, true));
    set_google(&world, "Bob", true).await?;
    succeeded(world.api.sync(&connection).await?)?;
    assert_eq!(out(&world, "Bob").await?, (false, true));
    // A later edit of his in the CRM opts nobody in at Google.
    let bob = world.sandbox.get(ZOHO, &email("Bob")).await?;
    world
        .sandbox
        .edit(ZOHO, &bob.id, json!({"Title": "Engineer"}))
        .await?;
    succeeded(world.api.sync(&connection).await?)?;
    assert_eq!(out(&world, "Bob").await?, (false, true));
    world.quiet(&connection).await?;
    Ok(())
}

#[tokio::test]
async fn opt_ins_are_carried_over_only_where_the_customer_says_so() -> anyhow::Result<()> {
    let (world, connection) = synced(json!({"opt_in": true}), json!({})).await?;
    set_crm(&world, "Ada", false).await?;
    succeeded(world.api.sync(&connection).await?)?;
    assert_eq!(out(&world, "Ada").await?, (false, false));
    set_google(&world, "Ada", true).await?;
    succeeded(world.api.sync(&connection).await?)?;
    assert_eq!(out(&world, "Ada").await?, (true, true));
    set_google(&world, "Ada", false).await?;
    succeeded(world.api.sync(&connection).await?)?;
    assert_eq!(out(&world, "Ada").await?, (false, false));
    world.quiet(&connection).await?;
    Ok(())
}

/// Each of two contacts that are found to be one has opted out on one side only: both have, whoever wins conflicts.
#[tokio::test]
async fn who_has_opted_out_on_either_side_has_at_first_contact() -> anyhow::Result<()> {
    let world = World::start(0).await?;
    let made = world
        .sandbox
        .act(GOOGLE, "actions/group", json!({"name": GROUP}))
        .await?;
    let member = json!({"memberships": [
        {"contactGroupMembership": {"contactGroupResourceName": text(&made, "/resourceName")?}},
        {"contactGroupMembership": {"contactGroupResourceName": "contactGroups/myContacts"}}]});
    world
        .sandbox
        .create(ZOHO, crm("Ada", json!({"Email_Opt_Out": true})))
        .await?;
    world.sandbox.create(GOOGLE, book("Ada", json!({}))).await?;
    world.sandbox.create(ZOHO, crm("Bob", json!({}))).await?;
    world.sandbox.create(GOOGLE, book("Bob", member)).await?;
    let all = json!({"mapping": mapping(json!({})), "conflict": "a_wins"});
    let connection = world.connected(all).await?;
    assert_eq!(out(&world, "Ada").await?, (true, true));
    assert_eq!(out(&world, "Bob").await?, (true, true));
    world.quiet(&connection).await?;
    Ok(())
}

/// One way, from where the rule lets only those take part who have not opted out: whoever is at Google already hears of it all
/// the same, and nobody is made there for it.
#[tokio::test]
async fn one_way_an_opt_out_reaches_who_is_there_at_first_contact() -> anyhow::Result<()> {
    let world = World::start(0).await?;
    let out_and = |more: &str| json!({"Email_Opt_Out": true, "Title": more});
    let ada = crm("Ada", out_and("Gone"));
    world.sandbox.create(ZOHO, ada).await?;
    let eve = crm("Eve", out_and("Gone"));
    world.sandbox.create(ZOHO, eve).await?;
    world.sandbox.create(ZOHO, crm("Bob", json!({}))).await?;
    world.sandbox.create(GOOGLE, book("Ada", json!({}))).await?;
    let one_way = json!({
        "mapping": mapping(json!({})),
        "direction": "a_to_b",
        "rules": [{"from": "a", "if": [{"field": "Email_Opt_Out", "is": false}]}],
    });
    let connection = world.connected(one_way).await?;
    assert_eq!(out(&world, "Ada").await?, (true, true));
    assert_eq!(out(&world, "Bob").await?, (false, false));
    assert!(world.sandbox.find(GOOGLE, &email("Eve")).await?.is_none());
    let there = world.sandbox.get(GOOGLE, &email("Ada")).await?;
    assert_eq!(there.native["organizations"][0]["title"], Value::Null);
    world.quiet(&connection).await?;
    Ok(())
}

/// The rule lets only those take part who have not opted out, here as a field and there as a group. To opt out is to leave,
/// and the other side hears of that one thing.
#[tokio::test]
async fn who_opts_out_and_leaves_by_it_is_opted_out_on_the_other_side() -> anyhow::Result<()> {
    let rules = json!({"rules": [
        {"from": "a", "if": [{"field": "Email_Opt_Out", "is": false}]},
        {"from": "b", "if": [{"field": format!("groups#has:{GROUP}"), "is": false}]}]});
    let (world, connection) = synced(json!({}), rules).await?;
    assert!(world.sandbox.find(GOOGLE, &email("Ada")).await?.is_none());
    let bob = world.sandbox.get(ZOHO, &email("Bob")).await?;
    let edit = json!({"Email_Opt_Out": true, "Title": "Gone"});
    world.sandbox.edit(ZOHO, &bob.id, edit).await?;
    succeeded(world.api.sync(&connection).await?)?;
    assert_eq!(out(&world, "Bob").await?, (true, true));
    let there = world.sandbox.get(GOOGLE, &email("Bob")).await?;
    assert_eq!(there.native["organizations"][0]["title"], Value::Null);
    world.quiet(&connection).await?;
    // Eve comes from Google, and opts out there.
    world
        .sandbox
        .create(GOOGLE, book("Eve", title("Engineer")))
        .await?;
    succeeded(world.api.sync(&connection).await?)?;
    assert_eq!(out(&world, "Eve").await?, (false, false));
    set_google(&world, "Eve", true).await?;
    succeeded(world.api.sync(&connection).await?)?;
    assert_eq!(out(&world, "Eve").await?, (true, true));
    world.quiet(&connection).await?;
    // Who is taken back by hand on both sides is synced again.
    set_google(&world, "Eve", false).await?;
    set_crm(&world, "Eve", false).await?;
    let eve = world.sandbox.get(GOOGLE, &email("Eve")).await?;
    world
        .sandbox
        .edit(GOOGLE, &eve.id, title("Countess"))
        .await?;
    succeeded(world.api.sync(&connection).await?)?;
    assert_eq!(out(&world, "Eve").await?, (false, false));
    let eve = world.sandbox.get(ZOHO, &email("Eve")).await?;
    assert_eq!(eve.native["Title"], "Countess");
    world.quiet(&connection).await?;
    Ok(())
}

/// Where the CRM is to know it by a tag as well, that one is made too.
#[tokio::test]
async fn a_tag_here_and_a_group_there() -> anyhow::Result<()> {
    let tag = json!({"a": format!("Tag#has:{GROUP}")});
    let (world, connection) = synced(tag, json!({})).await?;
    let tags = async |name: &str| -> anyhow::Result<String> {
        let found = world.sandbox.get(ZOHO, &email(name)).await?;
        Ok(found.native["Tag"].to_string())
    };
    // The group comes to be by a person, the tag by us.
    let made = json!({"name": GROUP});
    world.sandbox.act(GOOGLE, "actions/group", made).await?;
    set_google(&world, "Bob", true).await?;
    succeeded(world.api.sync(&connection).await?)?;
    assert!(tags("Bob").await?.contains(GROUP), "{}", tags("Bob").await?);
    assert!(!tags("Ada").await?.contains(GROUP));
    world.quiet(&connection).await?;
    set_google(&world, "Bob", false).await?;
    succeeded(world.api.sync(&connection).await?)?;
    assert!(out(&world, "Bob").await?.1);
    assert!(tags("Bob").await?.contains(GROUP));
    world.quiet(&connection).await?;
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_said_of_opt_outs_is_refused_with_why() -> anyhow::Result<()> {
    let world = World::start(0).await?;
    let made = json!({"name": "VIP"});
    world.sandbox.act(GOOGLE, "actions/group", made).await?;
    let cases = [
        (
            mapping(json!({"blank": "sync"})),
            "/mapping/4/blank",
            "say `opt_in`",
        ),
        (
            mapping(json!({"b": "groups#has:Nobody"})),
            "/mapping/4/b",
            "has no choice `Nobody`; it has: VIP",
        ),
        (
            mapping(json!({"b": "groups"})),
            "/mapping/4",
            "one holds a single value and the other a set",
        ),
    ];
    for (mapping, pointer, why) in cases {
        let refused = world.refused(json!({"mapping": mapping})).await?;
        let found = refused["errors"].as_array().context("errors")?;
        let found = found.iter().find(|error| error["pointer"] == pointer);
        let message = found.and_then(|error| error["message"].as_str());
        let told = message.map(str::to_lowercase);
        assert!(
            told.is_some_and(|text| text.contains(&why.to_lowercase())),
            "{refused}"
        );
    }
    Ok(())
}
