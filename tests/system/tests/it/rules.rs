//! IF: which contacts take part.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use chrono::{DateTime, SecondsFormat, TimeDelta};
use serde_json::{Value, json};
use system_tests::http::{number, text};
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

/// Of the people of an address book only those in a group get to the CRM, wherever the connection's collection is; the
/// CRM's own all get to Google.
#[tokio::test]
async fn by_group() -> anyhow::Result<()> {
    let world = World::start(0).await?;
    let mut groups = Vec::new();
    for name in ["Customers", "Colleagues"] {
        let made = json!({"name": name});
        let made = world.sandbox.act(GOOGLE, "actions/group", made).await?;
        groups.push(text(&made, "/resourceName")?);
    }
    let member = |of: &[&str]| {
        let all = of.iter().copied().chain(["contactGroups/myContacts"]);
        let all: Vec<Value> = all
            .map(|group| json!({"contactGroupMembership": {"contactGroupResourceName": group}}))
            .collect();
        json!({"memberships": all})
    };
    let [customers, colleagues] = [0, 1].map(|index: usize| groups[index].as_str());
    for (name, of) in [
        ("Pass", member(&[colleagues, customers])),
        ("Fail", member(&[colleagues])),
        ("None", member(&[])),
    ] {
        world.sandbox.create(GOOGLE, book(name, of)).await?;
    }
    world.sandbox.create(ZOHO, crm("Own", json!({}))).await?;
    let rule = json!({"from": "b", "if": [{"field": "groups", "is": "Customers"}]});
    let connection = world.connected(json!({"rules": [rule]})).await?;
    let crm = async |name: &str| world.sandbox.find(ZOHO, &email(name)).await;
    assert!(crm("Pass").await?.is_some());
    assert!(world.sandbox.find(GOOGLE, &email("Own")).await?.is_some());
    for name in ["Fail", "None"] {
        assert!(crm(name).await?.is_none(), "{name}");
    }
    world.quiet(&connection).await?;
    // Fail is put into the group and comes in, Pass leaves it and is followed no more.
    for (name, of) in [("Fail", customers), ("Pass", colleagues)] {
        let there = world.sandbox.get(GOOGLE, &email(name)).await?;
        let mut edit = member(&[of]);
        edit["organizations"] = json!([{"title": "Moved"}]);
        world.sandbox.edit(GOOGLE, &there.id, edit).await?;
    }
    world.api.sync(&connection).await?;
    for (name, title) in [("Fail", "Moved"), ("Pass", "")] {
        let found = world.sandbox.get(ZOHO, &email(name)).await?;
        assert_eq!(Contact::read(&found.neutral).title, title, "{name}");
    }
    world.quiet(&connection).await?;
    Ok(())
}

/// A list view of the CRM, a tag and a group together: of the view only who has the tag, of the book only who is in the
/// group.
#[tokio::test]
async fn by_list_view_tag_and_group_together() -> anyhow::Result<()> {
    let world = World::start(0).await?;
    let criteria =
        json!({"field": {"api_name": "Department"}, "comparator": "equal", "value": "EMEA"});
    let view = json!({"name": "EMEA", "criteria": criteria});
    let view = world.sandbox.act(ZOHO, "actions/add_view", view).await?;
    let group = json!({"name": "Customers"});
    let group = world.sandbox.act(GOOGLE, "actions/group", group).await?;
    let member = json!([{"contactGroupMembership": {"contactGroupResourceName": text(&group, "/resourceName")?}},
        {"contactGroupMembership": {"contactGroupResourceName": "contactGroups/myContacts"}}]);
    let tag = json!([{"name": "VIP"}]);
    for (name, more) in [
        ("Ann", json!({"Department": "EMEA", "Tag": tag})),
        ("Ben", json!({"Department": "EMEA"})),
        ("Cid", json!({"Department": "APAC", "Tag": tag})),
    ] {
        world.sandbox.create(ZOHO, crm(name, more)).await?;
    }
    for (name, more) in [("Dot", json!({"memberships": member})), ("Eve", json!({}))] {
        world.sandbox.create(GOOGLE, book(name, more)).await?;
    }
    let rules = json!([{"from": "a", "if": [{"field": "Tag", "is": "VIP"}]},
        {"from": "b", "if": [{"field": "groups", "is": "Customers"}],
            "then": [{"set": "Department", "to": "EMEA"}, {"add_to": "tag:VIP"}]}]);
    let a = json!({"account": world.a, "collection": format!("view:{}", text(&view, "/id")?)});
    let mapping = json!([{"a": "Last_Name", "b": "names.familyName"}, {"a": "First_Name", "b": "names.givenName"},
        {"a": "Email", "b": "email.work"}]);
    let wish = json!({"a": a, "rules": rules, "mapping": mapping});
    let connection = world.connected(wish).await?;
    for (side, name, there) in [
        (GOOGLE, "Ann", true),
        (GOOGLE, "Ben", false),
        (GOOGLE, "Cid", false),
        (ZOHO, "Dot", true),
        (ZOHO, "Eve", false),
    ] {
        let found = world.sandbox.find(side, &email(name)).await?;
        assert_eq!(found.is_some(), there, "{name} in {side}");
    }
    world.quiet(&connection).await?;
    Ok(())
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
async fn by_what_a_field_is_not() -> anyhow::Result<()> {
    let world = World::start(0).await?;
    let condition = json!({"field": "Lead_Source", "is_not": "Chat"});
    let (pass, fail) = (
        json!({"Lead_Source": "Partner"}),
        json!({"Lead_Source": "Chat"}),
    );
    // Who has no lead source has not this one.
    world.sandbox.create(ZOHO, crm("Blank", json!({}))).await?;
    check(&world, condition, pass, fail).await?;
    assert!(world.sandbox.find(GOOGLE, &email("Blank")).await?.is_some());
    Ok(())
}

#[tokio::test]
async fn by_a_field_that_is_empty() -> anyhow::Result<()> {
    let world = World::start(0).await?;
    let condition = json!({"field": "Department", "empty": true});
    check(&world, condition, json!({}), json!({"Department": "Sales"})).await
}

#[tokio::test]
async fn by_a_field_that_is_not_empty() -> anyhow::Result<()> {
    let world = World::start(0).await?;
    let condition = json!({"field": "Department", "empty": false});
    check(&world, condition, json!({"Department": "Sales"}), json!({})).await
}

/// Of two rules one is enough, and whoever met both takes part as long as one is left; conditions of one rule must hold
/// together.
#[tokio::test]
async fn one_rule_of_two_is_enough() -> anyhow::Result<()> {
    let world = World::start(0).await?;
    let (chat, boss) = (
        json!({"Lead_Source": "Chat", "Department": "Sales"}),
        json!({"Title": "Boss"}),
    );
    let both = json!({"Lead_Source": "Chat", "Department": "Sales", "Title": "Boss"});
    let half = json!({"Lead_Source": "Chat", "Department": "Legal"});
    for (name, more) in [
        ("Chat", chat),
        ("Boss", boss),
        ("Both", both),
        ("Half", half),
    ] {
        world.sandbox.create(ZOHO, crm(name, more)).await?;
    }
    world.sandbox.create(ZOHO, crm("None", json!({}))).await?;
    let first =
        json!([{"field": "Lead_Source", "is": "Chat"}, {"field": "Department", "is": "Sales"}]);
    let second = json!([{"field": "Title", "is": "Boss"}]);
    let rules = json!([{"from": "a", "if": first}, {"from": "a", "if": second}]);
    let connection = world.connected(json!({"rules": rules})).await?;
    for (name, there) in [
        ("Chat", true),
        ("Boss", true),
        ("Both", true),
        ("Half", false),
        ("None", false),
    ] {
        let found = world.sandbox.find(GOOGLE, &email(name)).await?;
        assert_eq!(found.is_some(), there, "{name}");
    }
    world.quiet(&connection).await?;
    // Both still meets the second rule, Chat meets none.
    for name in ["Both", "Chat"] {
        let there = world.sandbox.get(ZOHO, &email(name)).await?;
        let edit = json!({"Lead_Source": "Partner", "Department": "Legal"});
        world.sandbox.edit(ZOHO, &there.id, edit).await?;
    }
    world.api.sync(&connection).await?;
    for (name, department) in [("Both", "Legal"), ("Chat", "Sales")] {
        let found = world.sandbox.get(GOOGLE, &email(name)).await?;
        assert_eq!(
            Contact::read(&found.neutral).department,
            department,
            "{name}"
        );
    }
    world.quiet(&connection).await?;
    Ok(())
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

/// Only contacts: a lead that has the address of a contact, or of somebody at Google, and a company are not read, not matched,
/// not written; nor is access to them ever asked for.
#[tokio::test]
async fn only_contacts_never_leads_or_accounts() -> anyhow::Result<()> {
    let world = World::start(0).await?;
    let zoho = json!({"provider": "zoho_crm"});
    let asked = world.api.post("/v1/accounts", zoho).await?;
    let url = text(&asked, "/authorize_url")?;
    let modules: Vec<&str> = url
        .match_indices("ZohoCRM.modules.")
        .filter_map(|(at, word)| url[at + word.len()..].split('.').next())
        .collect();
    assert_eq!(modules, ["contacts"], "{url}");

    for name in ["Ada", "Leo"] {
        let lead = crm(name, json!({"Company": "Acme", "Title": "Lead"}));
        world.sandbox.act(ZOHO, "actions/add_lead", lead).await?;
    }
    let company = json!({"name": "Acme"});
    world
        .sandbox
        .act(ZOHO, "actions/add_company", company)
        .await?;
    let leads = async || world.sandbox.act(ZOHO, "actions/leads", json!({})).await;
    let before = leads().await?;
    assert_eq!(before.as_array().map(Vec::len), Some(2), "{before}");
    world.sandbox.create(ZOHO, crm("Ada", json!({}))).await?;
    world.sandbox.create(GOOGLE, book("Leo", json!({}))).await?;
    let both = json!({"a_to_b": "delete", "b_to_a": "delete"});
    let connection = world.connected(json!({"deletions": both})).await?;
    // Leo is nobody's partner and becomes a contact; Ada has the contact's title, which is none.
    for side in [ZOHO, GOOGLE] {
        let people = world.sandbox.live(side).await?;
        assert_eq!(people.len(), 2, "{side}: {people:?}");
        for name in ["Ada", "Leo"] {
            let found = world.sandbox.get(side, &email(name)).await?;
            assert_eq!(Contact::read(&found.neutral).title, "", "{side}");
        }
    }
    let leo = world.sandbox.get(GOOGLE, &email("Leo")).await?;
    world.sandbox.delete(GOOGLE, &leo.id).await?;
    let ada = world.sandbox.get(ZOHO, &email("Ada")).await?;
    let edit = json!({"Title": "Engineer"});
    world.sandbox.edit(ZOHO, &ada.id, edit).await?;
    world.api.sync(&connection).await?;
    assert_eq!(world.sandbox.live(ZOHO).await?.len(), 1);
    assert_eq!(leads().await?, before);
    let report = world.sandbox.requests(Some(ZOHO)).await?;
    let routes = report["counts"].to_string();
    assert!(routes.contains("/Contacts"), "{routes}");
    for module in ["/Leads", "/Accounts"] {
        assert!(!routes.contains(module), "{routes}");
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

/// Who of the three is at Google, and whether the rule's mark is on them.
async fn looks(world: &World) -> anyhow::Result<[Option<bool>; 3]> {
    let mut all = [None; 3];
    for (look, name) in all.iter_mut().zip(["Stays", "Leaves", "Enters"]) {
        let there = world.sandbox.find(GOOGLE, &email(name)).await?;
        *look = there.map(|there| there.native["userDefined"].to_string().contains("CRM"));
    }
    Ok(all)
}

/// A contact that only grows older leaves, and one whose day comes enters, although nobody edits either: with the look at
/// all of them that is due once a day, across a restart. Where no rule is about age there is no such look.
#[tokio::test]
async fn who_only_grows_older_leaves() -> anyhow::Result<()> {
    let mut world = World::start(0).await?;
    let field = json!({"api_name": "Since__c", "data_type": "datetime"});
    world.sandbox.act(ZOHO, "actions/add_field", field).await?;
    world.sandbox.create(ZOHO, crm("Now", json!({}))).await?;
    let now = world.sandbox.get(ZOHO, &email("Now")).await?.native;
    let now = DateTime::parse_from_rfc3339(&text(&now, "/Created_Time")?)?;
    let soon = TimeDelta::seconds(12);
    let begun = Instant::now();
    for (name, since) in [
        ("Stays", now),
        ("Leaves", now + soon - TimeDelta::days(1)),
        ("Enters", now + soon),
    ] {
        let since = since.to_rfc3339_opts(SecondsFormat::Secs, false);
        let person = crm(name, json!({"Since__c": since}));
        world.sandbox.create(ZOHO, person).await?;
    }
    let rule = json!({"from": "a", "if": [{"field": "Since__c", "within_days": 1}],
        "then": [{"set": "userDefined.source", "to": "CRM"}], "reverse_on_exit": true});
    let connection = world.connected(json!({"rules": [rule]})).await?;
    let before = [Some(true), Some(true), None];
    assert_eq!(looks(&world).await?, before);
    // The CRM is read with some overlap: until that is over, what was written comes once more.
    world.sandbox.pass(600).await?;
    for _ in 0..2 {
        world.quiet(&connection).await?;
    }
    ensure!(
        begun.elapsed() < Duration::from_secs(11),
        "too slow to tell"
    );
    let late = begun + Duration::from_secs(14);
    tokio::time::sleep(late.saturating_duration_since(Instant::now())).await;
    // The last look is not a day old.
    world.quiet(&connection).await?;
    assert_eq!(looks(&world).await?, before);
    world.stop().await?;
    world.set("SYNCLINE__WORKER__RELOOK", "1s");
    world.start_again().await?;
    let run = world.api.sync(&connection).await?;
    assert_eq!(
        looks(&world).await?,
        [Some(true), Some(false), Some(true)],
        "{run}"
    );
    world.quiet(&connection).await?;
    // Where no rule is about age, what did not change is not read again.
    let rule = json!({"from": "a", "if": [{"field": "Since__c", "empty": false}]});
    world
        .api
        .patch(&connection, json!({"rules": [rule]}))
        .await?;
    world.api.sync(&connection).await?;
    world.sandbox.pass(600).await?;
    for _ in 0..2 {
        tokio::time::sleep(Duration::from_millis(1_100)).await;
        world.quiet(&connection).await?;
    }
    let run = world.quiet(&connection).await?;
    assert_eq!(number(&run, "/counters/pulled"), 0, "{run}");
    Ok(())
}
