//! IF: which contacts take part.

use anyhow::Context;
use serde_json::{Value, json};
use system_tests::http::text;
use system_tests::{Contact, GOOGLE, World, ZOHO};

use crate::people::{book, crm, email};

/// Of contacts in the CRM only those that pass `condition` get to Google; Google's own all get to the CRM.
async fn check(world: &World, condition: Value, pass: Value, fail: Value) -> anyhow::Result<()> {
    world.sandbox.create(ZOHO, crm("Pass", pass)).await?;
    world.sandbox.create(ZOHO, crm("Fail", fail)).await?;
    world.sandbox.create(GOOGLE, book("Own", json!({}))).await?;
    let rules = json!({"rules": [{"from": "a", "if": [condition]}]});
    let connection = world.connected(rules).await?;
    assert!(world.sandbox.find(GOOGLE, &email("Pass")).await?.is_some());
    assert!(world.sandbox.find(GOOGLE, &email("Fail")).await?.is_none());
    assert!(world.sandbox.find(ZOHO, &email("Own")).await?.is_some());
    // Nothing outside the rules is ever written: not the one that failed, not after an edit either.
    let fail = world.sandbox.get(ZOHO, &email("Fail")).await?;
    let edit = json!({"Title": "Still outside"});
    world.sandbox.edit(ZOHO, &fail.id, edit).await?;
    world.quiet(&connection).await?;
    Ok(())
}

#[tokio::test]
async fn by_owner() -> anyhow::Result<()> {
    let world = World::start(0).await?;
    let user = json!({"first_name": "Olga", "last_name": "Owner", "email": "olga@crm.example"});
    let made = world.sandbox.act(ZOHO, "actions/add_user", user).await?;
    let mine = json!({"Owner": {"id": text(&made, "/id")?}});
    let condition = json!({"field": "Owner.email", "is": "olga@crm.example"});
    check(&world, condition, mine, json!({})).await
}

#[tokio::test]
async fn by_owner_name() -> anyhow::Result<()> {
    let world = World::start(0).await?;
    let user = json!({"first_name": "Olga", "last_name": "Owner", "email": "olga@crm.example"});
    let made = world.sandbox.act(ZOHO, "actions/add_user", user).await?;
    let mine = json!({"Owner": {"id": text(&made, "/id")?}});
    let condition = json!({"field": "Owner", "is": "Olga Owner"});
    check(&world, condition, mine, json!({})).await
}

#[tokio::test]
async fn by_tag() -> anyhow::Result<()> {
    let world = World::start(0).await?;
    let condition = json!({"field": "Tag", "is": "VIP"});
    let (pass, fail) = (
        json!({"Tag": [{"name": "Partner"}, {"name": "VIP"}]}),
        json!({"Tag": [{"name": "Partner"}]}),
    );
    check(&world, condition, pass, fail).await
}

/// What a rule can speak of is listed with what it can be: users, tags and groups by name, and what puts a contact
/// into one.
#[tokio::test]
async fn fields_list_owners_tags_and_groups() -> anyhow::Result<()> {
    let world = World::start(0).await?;
    let user = json!({"first_name": "Olga", "last_name": "Owner", "email": "olga@crm.example"});
    let olga = text(
        &world.sandbox.act(ZOHO, "actions/add_user", user).await?,
        "/id",
    )?;
    let tagged = json!({"Tag": [{"name": "VIP"}]});
    world.sandbox.create(ZOHO, crm("Ada", tagged)).await?;
    let group = json!({"name": "Customers"});
    world.sandbox.act(GOOGLE, "actions/group", group).await?;
    let of = async |account: &str, field: &str| -> anyhow::Result<Value> {
        let fields = world
            .api
            .list(&format!("/v1/accounts/{account}/fields"))
            .await?;
        let found = fields.into_iter().find(|one| one["name"] == field);
        found.with_context(|| format!("no field {field}"))
    };
    let label = "Olga Owner <olga@crm.example>";
    for (field, value) in [
        ("Owner", "Olga Owner"),
        ("Owner.email", "olga@crm.example"),
        ("Owner.id", &olga),
    ] {
        let owner = of(&world.a, field).await?;
        let choices = owner["choices"].as_array().context("choices")?;
        assert!(
            choices.contains(&json!({"value": value, "label": label})),
            "{owner}"
        );
        assert!(!choices.iter().any(|one| {
            one["label"]
                .as_str()
                .is_some_and(|label| label.contains("Nina"))
        }));
        assert_eq!(
            (&owner["kind"], &owner["writable"]),
            (&json!("choice"), &json!(true))
        );
        assert_eq!(owner.get("membership"), None);
    }
    let tag = of(&world.a, "Tag").await?;
    assert_eq!(tag["choices"], json!([{"value": "VIP", "label": "VIP"}]));
    assert_eq!(
        (&tag["membership"], &tag["cardinality"]),
        (&json!("tag"), &json!("many"))
    );
    let groups = of(&world.b, "groups").await?;
    assert_eq!(
        groups["choices"],
        json!([{"value": "Customers", "label": "Customers"}])
    );
    assert_eq!(
        (&groups["membership"], &groups["cardinality"]),
        (&json!("group"), &json!("many"))
    );
    assert_eq!(groups["label"], "Groups");
    Ok(())
}

/// A rule gives new contacts of the CRM to the user that they name; one that names none is a problem of its own.
#[tokio::test]
async fn an_owner_that_cannot_be_had_stops_nobody_else() -> anyhow::Result<()> {
    let world = World::start(0).await?;
    let user = json!({"first_name": "Olga", "last_name": "Owner", "email": "olga@crm.example"});
    world.sandbox.act(ZOHO, "actions/add_user", user).await?;
    let owned = |email: &str| json!({"nicknames": [{"value": email}]});
    for (name, more) in [
        ("Ada", owned("olga@crm.example")),
        ("Bob", owned("nobody@crm.example")),
        ("Cy", json!({})),
    ] {
        world.sandbox.create(GOOGLE, book(name, more)).await?;
    }
    let then = json!([{"set": "Owner.email", "from": "nicknames", "when": "create"}]);
    let rules = json!({"rules": [{"from": "b", "then": then}]});
    world.connected(rules).await?;
    let ada = world.sandbox.get(ZOHO, &email("Ada")).await?;
    assert_eq!(ada.native["Owner"]["email"], "olga@crm.example");
    assert!(world.sandbox.find(ZOHO, &email("Bob")).await?.is_none());
    assert!(world.sandbox.find(ZOHO, &email("Cy")).await?.is_some());
    Ok(())
}

#[tokio::test]
async fn by_lead_source() -> anyhow::Result<()> {
    let world = World::start(0).await?;
    let condition = json!({"field": "Lead_Source", "in": ["Chat", "Cold Call"]});
    let (pass, fail) = (
        json!({"Lead_Source": "Cold Call"}),
        json!({"Lead_Source": "Advertisement"}),
    );
    check(&world, condition, pass, fail).await
}

#[tokio::test]
async fn by_opt_out() -> anyhow::Result<()> {
    let world = World::start(0).await?;
    let condition = json!({"field": "Email_Opt_Out", "is": false});
    let (pass, fail) = (
        json!({"Email_Opt_Out": false}),
        json!({"Email_Opt_Out": true}),
    );
    check(&world, condition, pass, fail).await
}

#[tokio::test]
async fn by_a_custom_field() -> anyhow::Result<()> {
    let world = World::start(0).await?;
    let field = json!({"api_name": "Region__c", "data_type": "text"});
    world.sandbox.act(ZOHO, "actions/add_field", field).await?;
    let condition = json!({"field": "Region__c", "contains": "EMEA"});
    let (pass, fail) = (
        json!({"Region__c": "North EMEA"}),
        json!({"Region__c": "APAC"}),
    );
    check(&world, condition, pass, fail).await
}

#[tokio::test]
async fn by_number_date_and_time() -> anyhow::Result<()> {
    let world = World::start(0).await?;
    for field in [
        json!({"api_name": "Score__c", "data_type": "integer"}),
        json!({"api_name": "Since__c", "data_type": "date"}),
    ] {
        world.sandbox.act(ZOHO, "actions/add_field", field).await?;
    }
    let pass = json!({"Score__c": 12, "Since__c": "2026-01-31"});
    world.sandbox.create(ZOHO, crm("Pass", pass)).await?;
    for (name, fails) in [
        ("Low", json!({"Score__c": 9, "Since__c": "2026-01-31"})),
        ("Early", json!({"Score__c": 12, "Since__c": "2025-12-31"})),
        ("Blank", json!({})),
    ] {
        world.sandbox.create(ZOHO, crm(name, fails)).await?;
    }
    let conditions = json!([{"field": "Score__c", "greater": 10}, {"field": "Score__c", "less": 12.5},
        {"field": "Since__c", "after": "2025-12-31"}, {"field": "Since__c", "before": "2026-02-01"},
        {"field": "Created_Time", "within_days": 7}]);
    let rules = json!({"rules": [{"from": "a", "if": conditions}]});
    let connection = world.connected(rules).await?;
    assert!(world.sandbox.find(GOOGLE, &email("Pass")).await?.is_some());
    for name in ["Low", "Early", "Blank"] {
        assert!(
            world.sandbox.find(GOOGLE, &email(name)).await?.is_none(),
            "{name}"
        );
    }
    world.quiet(&connection).await?;
    Ok(())
}

/// F-52: a contact that leaves the rules is frozen, nothing is deleted; coming back, it is merged.
#[tokio::test]
async fn leaving_and_coming_back() -> anyhow::Result<()> {
    let world = World::start(0).await?;
    let chat = json!({"Lead_Source": "Chat", "Title": "Engineer"});
    let id = world.sandbox.create(ZOHO, crm("Ada", chat)).await?;
    let condition = json!({"field": "Lead_Source", "is": "Chat"});
    let rules = json!({"rules": [{"from": "a", "if": [condition]}], "deletions": {"a_to_b": "delete", "b_to_a": "delete"}});
    let connection = world.connected(rules).await?;
    let title = async || -> anyhow::Result<String> {
        let ada = world.sandbox.get(GOOGLE, &email("Ada")).await?;
        Ok(Contact::read(&ada.neutral).title)
    };
    assert_eq!(title().await?, "Engineer");
    let leave = json!({"Lead_Source": "Advertisement", "Title": "Director"});
    world.sandbox.edit(ZOHO, &id, leave).await?;
    world.quiet(&connection).await?;
    assert_eq!(title().await?, "Engineer");
    world
        .sandbox
        .edit(ZOHO, &id, json!({"Lead_Source": "Chat"}))
        .await?;
    world.api.sync(&connection).await?;
    assert_eq!(title().await?, "Director");
    assert_eq!(world.sandbox.live(GOOGLE).await?.len(), 1);
    world.quiet(&connection).await?;
    Ok(())
}

/// "Only from this date on": who was in the CRM before stays there alone, whatever is edited.
#[tokio::test]
async fn only_from_this_date_on() -> anyhow::Result<()> {
    let world = World::start(0).await?;
    world.sandbox.create(ZOHO, crm("Old", json!({}))).await?;
    world.sandbox.pass(10 * 86_400).await?;
    world.sandbox.create(ZOHO, crm("New", json!({}))).await?;
    let old = world.sandbox.get(ZOHO, &email("Old")).await?;
    let since = text(&old.native, "/Created_Time")?;
    let condition = json!({"field": "Created_Time", "after": since});
    let rules = json!({"rules": [{"from": "a", "if": [condition]}]});
    let connection = world.connected(rules).await?;
    let edit = json!({"Title": "Still here"});
    world.sandbox.edit(ZOHO, &old.id, edit).await?;
    world.api.sync(&connection).await?;
    assert!(world.sandbox.find(GOOGLE, &email("New")).await?.is_some());
    assert!(world.sandbox.find(GOOGLE, &email("Old")).await?.is_none());
    world.quiet(&connection).await?;
    Ok(())
}
