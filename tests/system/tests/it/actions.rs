//! THEN: what rules do to the other record, and how it is undone.

use serde_json::{Value, json};
use system_tests::http::text;
use system_tests::{GOOGLE, World, ZOHO};

use crate::people::{book, crm, email};

/// A CRM with fields of its own.
async fn world() -> anyhow::Result<World> {
    let world = World::start(0).await?;
    for field in [
        json!({"api_name": "Origin__c", "data_type": "text"}),
        json!({"api_name": "Nick__c", "data_type": "text"}),
        json!({"api_name": "Seen__c", "data_type": "date"}),
        json!({"api_name": "Score__c", "data_type": "integer"}),
    ] {
        world.sandbox.act(ZOHO, "actions/add_field", field).await?;
    }
    Ok(world)
}

async fn value(world: &World, name: &str, field: &str) -> anyhow::Result<Value> {
    let found = world.sandbox.get(ZOHO, &email(name)).await?;
    Ok(found.native.get(field).cloned().unwrap_or_default())
}

/// Constants of every kind that a person sets by hand: opt-out, lead source, custom fields; and another field's value.
#[tokio::test]
async fn set_opt_out_lead_source_custom_fields_and_another_fields_value() -> anyhow::Result<()> {
    let world = world().await?;
    let nick = json!({"nicknames": [{"value": "Queen"}]});
    world.sandbox.create(GOOGLE, book("Ada", nick)).await?;
    let then = json!([
        {"set": "Email_Opt_Out", "to": true},
        {"set": "Lead_Source", "to": "Chat"},
        {"set": "Origin__c", "to": "address book", "when": "create"},
        {"set": "Nick__c", "from": "nicknames"},
        {"set": "Seen__c", "to": "2026-01-31"},
        {"set": "Score__c", "to": 7},
    ]);
    let map = json!([{"a": "Last_Name", "b": "names.familyName"}, {"a": "Email", "b": "email.work"},
        {"a": "First_Name", "b": "names.givenName"}, {"a": "Title", "b": "organization.title"}]);
    let rules = json!({"rules": [{"from": "b", "then": then}], "mapping": map});
    let connection = world.connected(rules).await?;
    for (field, expect) in [
        ("Email_Opt_Out", json!(true)),
        ("Lead_Source", json!("Chat")),
        ("Origin__c", json!("address book")),
        ("Nick__c", json!("Queen")),
        ("Seen__c", json!("2026-01-31")),
        ("Score__c", json!(7)),
    ] {
        assert_eq!(value(&world, "Ada", field).await?, expect, "{field}");
    }
    world.quiet(&connection).await?;
    // On creation only, or whenever a change is carried over.
    let ada = world.sandbox.get(ZOHO, &email("Ada")).await?;
    let own = json!({"Origin__c": "own", "Lead_Source": "Cold Call"});
    world.sandbox.edit(ZOHO, &ada.id, own).await?;
    world.api.sync(&connection).await?;
    assert_eq!(
        value(&world, "Ada", "Lead_Source").await?,
        json!("Cold Call")
    );
    let there = world.sandbox.get(GOOGLE, &email("Ada")).await?;
    let job = json!({"organizations": [{"title": "Countess"}]});
    world.sandbox.edit(GOOGLE, &there.id, job).await?;
    world.api.sync(&connection).await?;
    assert_eq!(value(&world, "Ada", "Origin__c").await?, json!("own"));
    assert_eq!(value(&world, "Ada", "Lead_Source").await?, json!("Chat"));
    world.quiet(&connection).await?;
    Ok(())
}

/// Who asks for mail again at Google is opted in by a rule, at first contact and later; nobody else is, and who opts out
/// again stays so while nothing new is carried over.
#[tokio::test]
async fn opt_in_by_a_rule() -> anyhow::Result<()> {
    let world = World::start(0).await?;
    let out = json!({"Email_Opt_Out": true});
    for name in ["Ada", "Bob"] {
        world.sandbox.create(ZOHO, crm(name, out.clone())).await?;
    }
    let asks = json!({"nicknames": [{"value": "Mail me"}]});
    world
        .sandbox
        .create(GOOGLE, book("Ada", asks.clone()))
        .await?;
    world.sandbox.create(GOOGLE, book("Bob", json!({}))).await?;
    let rules = json!([{"from": "b", "if": [{"field": "nicknames", "is": "Mail me"}],
        "then": [{"set": "Email_Opt_Out", "to": false}]}]);
    let connection = world.connected(json!({"rules": rules})).await?;
    let opted_out = async |name: &str| value(&world, name, "Email_Opt_Out").await;
    assert_eq!(opted_out("Ada").await?, json!(false));
    assert_eq!(opted_out("Bob").await?, json!(true));
    world.quiet(&connection).await?;
    let bob = world.sandbox.get(GOOGLE, &email("Bob")).await?;
    world.sandbox.edit(GOOGLE, &bob.id, asks).await?;
    let ada = world.sandbox.get(ZOHO, &email("Ada")).await?;
    world.sandbox.edit(ZOHO, &ada.id, out).await?;
    world.api.sync(&connection).await?;
    assert_eq!(opted_out("Bob").await?, json!(false));
    assert_eq!(opted_out("Ada").await?, json!(true));
    world.quiet(&connection).await?;
    Ok(())
}

/// A contact that stops matching gets back what stood there before; what a person changed since stays.
#[tokio::test]
async fn actions_are_reversed_when_the_record_stops_matching() -> anyhow::Result<()> {
    let world = world().await?;
    let job = |title: &str| json!({"organizations": [{"title": title}]});
    for name in ["Ada", "Bea"] {
        world
            .sandbox
            .create(GOOGLE, book(name, job("Partner")))
            .await?;
        let had = json!({"Lead_Source": "Advertisement", "Origin__c": "fair"});
        world.sandbox.create(ZOHO, crm(name, had)).await?;
    }
    let rule = json!({"from": "b", "if": [{"field": "organization.title", "is": "Partner"}],
        "then": [{"set": "Lead_Source", "to": "Chat"}, {"set": "Origin__c", "to": "partner"}],
        "reverse_on_exit": true});
    let connection = world.connected(json!({"rules": [rule]})).await?;
    for name in ["Ada", "Bea"] {
        assert_eq!(value(&world, name, "Lead_Source").await?, json!("Chat"));
        assert_eq!(value(&world, name, "Origin__c").await?, json!("partner"));
    }
    world.quiet(&connection).await?;
    let bea = world.sandbox.get(ZOHO, &email("Bea")).await?;
    world
        .sandbox
        .edit(ZOHO, &bea.id, json!({"Origin__c": "own"}))
        .await?;
    for name in ["Ada", "Bea"] {
        let there = world.sandbox.get(GOOGLE, &email(name)).await?;
        world
            .sandbox
            .edit(GOOGLE, &there.id, job("Former partner"))
            .await?;
    }
    world.api.sync(&connection).await?;
    assert_eq!(
        value(&world, "Ada", "Lead_Source").await?,
        json!("Advertisement")
    );
    assert_eq!(value(&world, "Ada", "Origin__c").await?, json!("fair"));
    assert_eq!(
        value(&world, "Bea", "Lead_Source").await?,
        json!("Advertisement")
    );
    assert_eq!(value(&world, "Bea", "Origin__c").await?, json!("own"));
    // The link is frozen: the title did not follow.
    assert_eq!(value(&world, "Ada", "Title").await?, json!("Partner"));
    world.quiet(&connection).await?;
    let there = world.sandbox.get(GOOGLE, &email("Ada")).await?;
    world
        .sandbox
        .edit(GOOGLE, &there.id, job("Partner"))
        .await?;
    world.api.sync(&connection).await?;
    assert_eq!(value(&world, "Ada", "Lead_Source").await?, json!("Chat"));
    world.quiet(&connection).await?;
    Ok(())
}

/// A condition or an action on something that does not exist is refused, with what does.
#[tokio::test]
async fn what_does_not_exist_is_refused_with_what_does() -> anyhow::Result<()> {
    let world = world().await?;
    let group = json!({"name": "Customers"});
    world.sandbox.act(GOOGLE, "actions/group", group).await?;
    let tagged = json!({"Tag": [{"name": "VIP"}]});
    world.sandbox.create(ZOHO, crm("Ada", tagged)).await?;
    for (rule, pointer, part) in [
        (
            json!({"from": "a", "if": [{"field": "Owner", "is": "Nobody"}]}),
            "/rules/0/if/0/is",
            "Patricia Boyle",
        ),
        (
            json!({"from": "a", "if": [{"field": "Owner.email", "in": ["nobody@crm.example"]}]}),
            "/rules/0/if/0/in",
            "patricia@crm.example",
        ),
        (
            json!({"from": "a", "if": [{"field": "Tag", "is": "Unheard of"}]}),
            "/rules/0/if/0/is",
            "VIP",
        ),
        (
            json!({"from": "b", "if": [{"field": "groups", "is_not": "Unheard of"}]}),
            "/rules/0/if/0/is_not",
            "Customers",
        ),
        (
            json!({"from": "a", "then": [{"add_to": "group:Unheard of"}]}),
            "/rules/0/then/0/add_to",
            "Customers",
        ),
        (
            json!({"from": "b", "then": [{"add_to": "list:Unheard of"}]}),
            "/rules/0/then/0/add_to",
            "tag",
        ),
        (
            json!({"from": "b", "then": [{"set": "Owner.email", "to": "nobody@crm.example"}]}),
            "/rules/0/then/0/to",
            "patricia@crm.example",
        ),
        (
            json!({"from": "a", "if": [{"field": "Lead_Source", "is": "Smoke signal"}]}),
            "/rules/0/if/0/is",
            "Cold Call",
        ),
        (
            json!({"from": "a", "if": [{"field": "Regoin__c", "is": "x"}]}),
            "/rules/0/if/0/field",
            "Lead_Source",
        ),
        (
            json!({"from": "a", "if": [{"field": "Last_Name", "after": "2026-01-31"}]}),
            "/rules/0/if/0/after",
            "dates and times",
        ),
        (
            json!({"from": "b", "then": [{"set": "Lead_Source", "to": "Smoke signal"}]}),
            "/rules/0/then/0/to",
            "Cold Call",
        ),
        (
            json!({"from": "b", "then": [{"set": "Created_Time", "to": "2026-01-31T00:00:00Z"}]}),
            "/rules/0/then/0/set",
            "read-only",
        ),
    ] {
        let refused = world.refused(json!({"rules": [rule]})).await?;
        let found = refused.pointer("/errors").and_then(Value::as_array);
        let named = found.into_iter().flatten().any(|error| {
            error.get("pointer").and_then(Value::as_str) == Some(pointer)
                && text(error, "/message").is_ok_and(|detail| detail.contains(part))
        });
        assert!(named, "wanted {part} at {pointer}: {refused}");
    }
    for (side, account, collection, part) in [
        ("a", &world.a, "view:4150868000000999999", "All Contacts"),
        ("b", &world.b, "group:contactGroups/none", "Customers"),
    ] {
        let wish = json!({side: {"account": account, "collection": collection}});
        let refused = world.refused(wish).await?;
        let error = &refused["errors"][0];
        assert_eq!(error["pointer"], format!("/{side}/collection"), "{refused}");
        assert!(error["message"].to_string().contains(part), "{refused}");
    }
    Ok(())
}

/// PieSync's rule: contacts of Olga's from a chat or a cold call who have not opted out get a custom field and are put into
/// a group; whoever stops matching is as before.
#[tokio::test]
async fn a_custom_field_and_a_group_for_who_matches_and_undone_for_who_leaves() -> anyhow::Result<()>
{
    let world = world().await?;
    let user = json!({"first_name": "Olga", "last_name": "Owner", "email": "olga@crm.example"});
    let olga = text(
        &world.sandbox.act(ZOHO, "actions/add_user", user).await?,
        "/id",
    )?;
    let group = json!({"name": "Leads"});
    let group = text(
        &world.sandbox.act(GOOGLE, "actions/group", group).await?,
        "/resourceName",
    )?;
    let of_olga = |source: &str| json!({"Owner": {"id": olga}, "Lead_Source": source});
    for (name, more) in [
        ("Ada", of_olga("Chat")),
        ("Bea", of_olga("Cold Call")),
        ("Cy", of_olga("Trade Show")),
        ("Dan", json!({"Lead_Source": "Chat"})),
        (
            "Eve",
            json!({"Owner": {"id": olga}, "Lead_Source": "Chat", "Email_Opt_Out": true}),
        ),
    ] {
        world.sandbox.create(ZOHO, crm(name, more)).await?;
    }
    let rule = json!({"from": "a", "if": [
            {"field": "Owner.email", "is": "olga@crm.example"},
            {"field": "Lead_Source", "in": ["Chat", "Cold Call"]},
            {"field": "Email_Opt_Out", "is": false}],
        "then": [{"set": "userDefined.source", "to": "CRM"}, {"add_to": "group:Leads"}],
        "reverse_on_exit": true});
    let connection = world.connected(json!({"rules": [rule]})).await?;
    let has = async |name: &str| -> anyhow::Result<(bool, bool)> {
        let native = world.sandbox.get(GOOGLE, &email(name)).await?.native;
        let custom = native["userDefined"].to_string().contains("CRM");
        Ok((custom, native["memberships"].to_string().contains(&group)))
    };
    for name in ["Ada", "Bea"] {
        assert_eq!(has(name).await?, (true, true), "{name}");
    }
    for name in ["Cy", "Dan", "Eve"] {
        assert!(
            world.sandbox.find(GOOGLE, &email(name)).await?.is_none(),
            "{name}"
        );
    }
    world.quiet(&connection).await?;
    // Ada opts out: she stays, without what the rule gave her.
    let ada = world.sandbox.get(ZOHO, &email("Ada")).await?;
    world
        .sandbox
        .edit(ZOHO, &ada.id, json!({"Email_Opt_Out": true}))
        .await?;
    world.api.sync(&connection).await?;
    assert_eq!(has("Ada").await?, (false, false));
    assert_eq!(has("Bea").await?, (true, true));
    world.quiet(&connection).await?;
    world
        .sandbox
        .edit(ZOHO, &ada.id, json!({"Email_Opt_Out": false}))
        .await?;
    world.api.sync(&connection).await?;
    assert_eq!(has("Ada").await?, (true, true));
    world.quiet(&connection).await?;
    Ok(())
}

/// Contacts that come into the CRM get an owner and a tag beside those that they have.
#[tokio::test]
async fn an_owner_and_a_tag_for_who_comes_into_the_crm() -> anyhow::Result<()> {
    let world = world().await?;
    let user = json!({"first_name": "Olga", "last_name": "Owner", "email": "olga@crm.example"});
    world.sandbox.act(ZOHO, "actions/add_user", user).await?;
    let tags = json!({"Tag": [{"name": "Old"}, {"name": "Imported"}]});
    world.sandbox.create(ZOHO, crm("Zed", tags)).await?;
    world
        .sandbox
        .create(ZOHO, crm("Bea", json!({"Tag": [{"name": "Old"}]})))
        .await?;
    for name in ["Ada", "Bea"] {
        world.sandbox.create(GOOGLE, book(name, json!({}))).await?;
    }
    let then =
        json!([{"add_to": "tag:Imported"}, {"set": "Owner.email", "to": "olga@crm.example"}]);
    let rules = json!({"rules": [{"from": "b", "then": then}]});
    let connection = world.connected(rules).await?;
    let tags = async |name: &str| -> anyhow::Result<Vec<String>> {
        let native = world.sandbox.get(ZOHO, &email(name)).await?.native;
        assert_eq!(native["Owner"]["email"], "olga@crm.example", "{name}");
        let tags = native["Tag"].as_array().cloned().unwrap_or_default();
        tags.iter().map(|tag| text(tag, "/name")).collect()
    };
    assert_eq!(tags("Ada").await?, ["Imported"]);
    assert_eq!(tags("Bea").await?, ["Old", "Imported"]);
    world.quiet(&connection).await?;
    Ok(())
}

/// What a worker remembers of an account may be older than what a rule names: it looks again before it gives up.
#[tokio::test]
async fn a_rule_may_name_what_was_made_a_moment_ago() -> anyhow::Result<()> {
    let world = world().await?;
    world.sandbox.create(ZOHO, crm("Ada", json!({}))).await?;
    let connection = world.connected(json!({})).await?;
    let group = json!({"name": "Late"});
    let made = world.sandbox.act(GOOGLE, "actions/group", group).await?;
    let group = text(&made, "/resourceName")?;
    let rule = json!({"from": "a", "then": [{"add_to": "group:Late"}]});
    world
        .api
        .patch(&connection, json!({"rules": [rule]}))
        .await?;
    world.api.sync(&connection).await?;
    let ada = world.sandbox.get(GOOGLE, &email("Ada")).await?;
    assert!(
        ada.native["memberships"].to_string().contains(&group),
        "{}",
        ada.native
    );
    world.quiet(&connection).await?;
    Ok(())
}

/// A rule may opt people in, since the customer's word is what counts; what that means is said before.
#[tokio::test]
async fn a_rule_that_opts_people_in_says_so_before() -> anyhow::Result<()> {
    let world = world().await?;
    let then =
        |to: bool| json!({"rules": [{"from": "b", "then": [{"set": "Email_Opt_Out", "to": to}]}]});
    let asked = world.wish(&then(true))?;
    let made = world.api.post("/v1/connections", asked).await?;
    assert_eq!(made["warnings"], json!([]), "{made}");
    let path = format!(
        "/v1/connections/{}/preview",
        made["id"].as_str().unwrap_or_default()
    );
    let seen = world.api.post(&path, then(false)).await?;
    let warnings = seen["warnings"].to_string();
    assert!(warnings.contains("Rule 1 opts everybody in"), "{seen}");
    Ok(())
}
