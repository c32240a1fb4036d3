//! What each mapping entry says for itself: the way, who wins, what a cleared value does, and how the two sides say the same
//! in other words. And fields that are not as they were when they were mapped.

use anyhow::Context;
use serde_json::{Value, json};
use system_tests::customer::succeeded;
use system_tests::http::text;
use system_tests::{GOOGLE, World, ZOHO};

use crate::people::{book, crm, email, title};

/// A CRM with fields of its own.
async fn world() -> anyhow::Result<World> {
    let world = World::start(0).await?;
    for field in [
        json!({"api_name": "Region__c", "data_type": "picklist", "options": ["North", "Far North", "South", "West"]}),
        json!({"api_name": "Member__c", "data_type": "boolean"}),
        json!({"api_name": "Score__c", "data_type": "double"}),
        json!({"api_name": "Since__c", "data_type": "date"}),
        json!({"api_name": "Met__c", "data_type": "datetime"}),
    ] {
        world.sandbox.act(ZOHO, "actions/add_field", field).await?;
    }
    Ok(world)
}

/// Names, the address and these entries.
fn mapping(more: Value) -> Value {
    let mut all = vec![
        json!({"a": "First_Name", "b": "names.givenName"}),
        json!({"a": "Last_Name", "b": "names.familyName"}),
        json!({"a": "Email", "b": "email.work"}),
    ];
    if let Value::Array(more) = more {
        all.extend(more);
    }
    json!(all)
}

/// What somebody says in a custom field at Google.
async fn own(world: &World, name: &str, key: &str) -> anyhow::Result<Option<String>> {
    let found = world.sandbox.get(GOOGLE, &email(name)).await?;
    let all = found.native["userDefined"].as_array();
    let one = all.and_then(|all| all.iter().find(|one| one["key"] == key));
    Ok(one.and_then(|one| one["value"].as_str()).map(str::to_owned))
}

async fn set_own(world: &World, name: &str, fields: &[(&str, &str)]) -> anyhow::Result<()> {
    let found = world.sandbox.get(GOOGLE, &email(name)).await?;
    let fields = fields.iter();
    let all: Vec<Value> = fields
        .map(|(key, value)| json!({"key": key, "value": value}))
        .collect();
    world
        .sandbox
        .edit(GOOGLE, &found.id, json!({"userDefined": all}))
        .await
}

async fn crm_value(world: &World, name: &str, field: &str) -> anyhow::Result<Value> {
    let found = world.sandbox.get(ZOHO, &email(name)).await?;
    Ok(found.native.get(field).cloned().unwrap_or_default())
}

async fn set_crm(world: &World, name: &str, fields: Value) -> anyhow::Result<()> {
    let found = world.sandbox.get(ZOHO, &email(name)).await?;
    world.sandbox.edit(ZOHO, &found.id, fields).await
}

async fn open_problems(world: &World, connection: &str) -> anyhow::Result<Vec<String>> {
    let path = format!("/v1/connections/{connection}/problems?status=open");
    let all = world.api.list(&path).await?;
    all.iter().map(|one| text(one, "/message")).collect()
}

fn regions() -> Value {
    json!({"a": "Region__c", "b": "userDefined.region", "values": [
        {"a": "North", "b": "N"}, {"a": "Far North", "b": "N"}, {"a": "South", "b": "S"}]})
}

/// Several choices of the CRM may be one word at Google: changing between them changes nothing there, and nothing comes back.
#[tokio::test]
async fn a_table_of_values_carries_choices_both_ways() -> anyhow::Result<()> {
    let world = world().await?;
    world
        .sandbox
        .create(ZOHO, crm("Ada", json!({"Region__c": "Far North"})))
        .await?;
    world
        .sandbox
        .create(
            GOOGLE,
            book(
                "Bob",
                json!({"userDefined": [{"key": "region", "value": "S"}]}),
            ),
        )
        .await?;
    let connection = world
        .connected(json!({"mapping": mapping(json!([regions()]))}))
        .await?;
    assert_eq!(own(&world, "Ada", "region").await?.as_deref(), Some("N"));
    assert_eq!(crm_value(&world, "Bob", "Region__c").await?, "South");
    world.quiet(&connection).await?;
    assert_eq!(crm_value(&world, "Ada", "Region__c").await?, "Far North");
    set_crm(&world, "Ada", json!({"Region__c": "North"})).await?;
    set_own(&world, "Bob", &[("region", "N")]).await?;
    succeeded(world.api.sync(&connection).await?)?;
    assert_eq!(crm_value(&world, "Ada", "Region__c").await?, "North");
    assert_eq!(own(&world, "Ada", "region").await?.as_deref(), Some("N"));
    assert_eq!(crm_value(&world, "Bob", "Region__c").await?, "North");
    world.quiet(&connection).await?;
    Ok(())
}

/// Between two dropdowns, each with choices of its own: a table, both ways, and what it does not name is left alone.
#[tokio::test]
async fn a_table_of_values_joins_two_dropdowns() -> anyhow::Result<()> {
    let world = world().await?;
    let (logins, second) = world.sandbox.open_accounts(2, 0, 1).await?;
    let other = world.api.authorise("zoho_crm", &logins[0]).await?;
    let area =
        json!({"api_name": "Area__c", "data_type": "picklist", "options": ["N", "S", "East"]});
    second.act(ZOHO, "actions/add_field", area).await?;
    let north = json!({"Region__c": "North"});
    world.sandbox.create(ZOHO, crm("Ada", north)).await?;
    let south = json!({"Area__c": "S"});
    second.create(ZOHO, crm("Bob", south)).await?;
    let wish = |region: Value| {
        let same = ["First_Name", "Last_Name", "Email"];
        let mut all = same.map(|name| json!({"a": name, "b": name})).to_vec();
        all.push(region);
        json!({"b": {"account": other}, "mapping": all})
    };
    let plain = json!({"a": "Region__c", "b": "Area__c"});
    let wrong = json!({"a": "Region__c", "b": "Area__c", "values": [{"a": "North", "b": "West"}]});
    let refused = world.refused(wish(wrong)).await?;
    let message = refused["errors"].to_string();
    assert!(message.contains("N, S, East"), "{refused}");
    let mut table = plain;
    table["values"] = json!([{"a": "North", "b": "N"}, {"a": "South", "b": "S"}]);
    let connection = world.connected(wish(table)).await?;
    let area = async |name: &str| {
        let found = second.get(ZOHO, &email(name)).await?;
        anyhow::Ok(found.native["Area__c"].clone())
    };
    assert_eq!(area("Ada").await?, "N");
    assert_eq!(crm_value(&world, "Bob", "Region__c").await?, "South");
    world.quiet(&connection).await?;
    let ada = second.get(ZOHO, &email("Ada")).await?;
    second.edit(ZOHO, &ada.id, json!({"Area__c": "S"})).await?;
    set_crm(&world, "Bob", json!({"Region__c": "North"})).await?;
    succeeded(world.api.sync(&connection).await?)?;
    assert_eq!(crm_value(&world, "Ada", "Region__c").await?, "South");
    assert_eq!(area("Bob").await?, "N");
    world.quiet(&connection).await?;
    set_crm(&world, "Bob", json!({"Region__c": "West"})).await?;
    succeeded(world.api.sync(&connection).await?)?;
    assert_eq!(area("Bob").await?, "N");
    assert_eq!(crm_value(&world, "Bob", "Region__c").await?, "West");
    assert_eq!(open_problems(&world, &connection).await?.len(), 1);
    Ok(())
}

/// What the table does not name is left alone on both sides, and a problem says what to do; a row more, and it goes over.
#[tokio::test]
async fn a_value_that_the_table_does_not_name_is_a_problem_until_it_does() -> anyhow::Result<()> {
    let world = world().await?;
    world
        .sandbox
        .create(ZOHO, crm("Ada", json!({"Region__c": "South"})))
        .await?;
    let connection = world
        .connected(json!({"mapping": mapping(json!([regions()]))}))
        .await?;
    set_crm(
        &world,
        "Ada",
        json!({"Region__c": "West", "First_Name": "Ada Maria"}),
    )
    .await?;
    succeeded(world.api.sync(&connection).await?)?;
    let there = world.sandbox.get(GOOGLE, &email("Ada")).await?;
    assert_eq!(there.native["names"][0]["givenName"], "Ada Maria");
    assert_eq!(own(&world, "Ada", "region").await?.as_deref(), Some("S"));
    assert_eq!(crm_value(&world, "Ada", "Region__c").await?, "West");
    let problems = open_problems(&world, &connection).await?;
    let [problem] = problems.as_slice() else {
        anyhow::bail!("{problems:?}");
    };
    assert!(problem.contains("Add a row for it"), "{problem}");
    assert!(
        !problem.contains("West"),
        "a value is never shown: {problem}"
    );
    world.quiet(&connection).await?;
    let mut more = regions();
    let rows = more["values"].as_array_mut().context("rows")?;
    rows.push(json!({"a": "West", "b": "W"}));
    let patch = json!({"mapping": mapping(json!([more]))});
    world.api.patch(&connection, patch).await?;
    succeeded(world.api.sync(&connection).await?)?;
    assert_eq!(own(&world, "Ada", "region").await?.as_deref(), Some("W"));
    assert_eq!(
        open_problems(&world, &connection).await?,
        Vec::<String>::new()
    );
    world.quiet(&connection).await?;
    Ok(())
}

/// A choice that is taken off the list at the provider pauses the table that names it, and nothing else.
#[tokio::test]
async fn a_choice_that_vanishes_pauses_its_table_alone() -> anyhow::Result<()> {
    let mut world = world().await?;
    world
        .sandbox
        .create(ZOHO, crm("Ada", json!({"Region__c": "South"})))
        .await?;
    let connection = world
        .connected(json!({"mapping": mapping(json!([regions()]))}))
        .await?;
    let fewer = json!({"api_name": "Region__c", "options": ["North", "Far North", "West"]});
    world
        .sandbox
        .act(ZOHO, "actions/change_field", fewer)
        .await?;
    world.stop().await?;
    world.start_again().await?;
    set_crm(&world, "Ada", json!({"First_Name": "Ada Maria"})).await?;
    succeeded(world.api.sync(&connection).await?)?;
    let there = world.sandbox.get(GOOGLE, &email("Ada")).await?;
    assert_eq!(there.native["names"][0]["givenName"], "Ada Maria");
    assert_eq!(own(&world, "Ada", "region").await?.as_deref(), Some("S"));
    let path = format!("/v1/connections/{connection}/health");
    let told = world.api.get(&path).await?;
    let reason = text(&told, "/paused_mapping/0/reason")?;
    assert!(
        reason.contains("`Region__c` has no choice `South`; it has: North, Far North, West"),
        "{reason}"
    );
    Ok(())
}

#[tokio::test]
async fn a_yes_or_no_by_a_table_and_as_a_text() -> anyhow::Result<()> {
    for entry in [
        json!({"a": "Member__c", "b": "userDefined.member", "as": "bool"}),
        json!({"a": "Member__c", "b": "userDefined.member",
            "values": [{"a": true, "b": "true"}, {"a": false, "b": "no member"}]}),
    ] {
        let world = world().await?;
        world
            .sandbox
            .create(ZOHO, crm("Ada", json!({"Member__c": true})))
            .await?;
        let no = if entry.get("as").is_some() {
            "No"
        } else {
            "no member"
        };
        let connection = world
            .connected(json!({"mapping": mapping(json!([entry]))}))
            .await?;
        assert_eq!(own(&world, "Ada", "member").await?.as_deref(), Some("true"));
        set_own(&world, "Ada", &[("member", no)]).await?;
        succeeded(world.api.sync(&connection).await?)?;
        assert_eq!(crm_value(&world, "Ada", "Member__c").await?, false);
        assert_eq!(own(&world, "Ada", "member").await?.as_deref(), Some(no));
        world.quiet(&connection).await?;
    }
    Ok(())
}

/// A day, a time, a number: told by texts in the customer's format and read back from there. What cannot be read is named,
/// and never written as empty.
#[tokio::test]
async fn a_date_a_time_and_a_number_as_texts() -> anyhow::Result<()> {
    let world = world().await?;
    let had = json!({"Since__c": "2001-02-03", "Met__c": "2026-01-31T09:30:00Z", "Score__c": 7.5});
    world.sandbox.create(ZOHO, crm("Ada", had)).await?;
    let entries = json!([
        {"a": "Since__c", "b": "userDefined.since", "as": "date", "dates": "dd.mm.yyyy", "blank": "sync"},
        {"a": "Met__c", "b": "userDefined.met", "as": "date_time"},
        {"a": "Score__c", "b": "userDefined.score", "as": "number"},
    ]);
    let connection = world
        .connected(json!({"mapping": mapping(entries)}))
        .await?;
    assert_eq!(
        own(&world, "Ada", "since").await?.as_deref(),
        Some("03.02.2001")
    );
    assert_eq!(
        own(&world, "Ada", "met").await?.as_deref(),
        Some("2026-01-31T09:30:00Z")
    );
    assert_eq!(own(&world, "Ada", "score").await?.as_deref(), Some("7.5"));
    world.quiet(&connection).await?;
    let edits = [
        ("since", "4.3.2002"),
        ("met", "2026-02-01T10:00:00+01:00"),
        ("score", "8.0"),
    ];
    set_own(&world, "Ada", &edits).await?;
    succeeded(world.api.sync(&connection).await?)?;
    assert_eq!(crm_value(&world, "Ada", "Since__c").await?, "2002-03-04");
    let met = crm_value(&world, "Ada", "Met__c").await?;
    assert_eq!(met, "2026-02-01T14:30:00+05:30");
    assert_eq!(
        crm_value(&world, "Ada", "Score__c").await?.as_f64(),
        Some(8.0)
    );
    assert_eq!(
        own(&world, "Ada", "since").await?.as_deref(),
        Some("4.3.2002")
    );
    world.quiet(&connection).await?;
    let edits = [
        ("since", "spring"),
        ("met", "2026-02-01T10:00:00+01:00"),
        ("score", "8.0"),
    ];
    set_own(&world, "Ada", &edits).await?;
    succeeded(world.api.sync(&connection).await?)?;
    assert_eq!(crm_value(&world, "Ada", "Since__c").await?, "2002-03-04");
    assert_eq!(
        own(&world, "Ada", "since").await?.as_deref(),
        Some("spring")
    );
    let problems = open_problems(&world, &connection).await?;
    assert!(
        problems.len() == 1 && problems[0].contains("the mapping's `dates`"),
        "{problems:?}"
    );
    world.quiet(&connection).await?;
    set_own(&world, "Ada", &edits[1..]).await?;
    succeeded(world.api.sync(&connection).await?)?;
    assert_eq!(crm_value(&world, "Ada", "Since__c").await?, Value::Null);
    assert_eq!(
        open_problems(&world, &connection).await?,
        Vec::<String>::new()
    );
    Ok(())
}

/// In a two-way connection one field goes only one way, and the other side's own edit of it stands.
#[tokio::test]
async fn the_way_is_each_fields_own() -> anyhow::Result<()> {
    let world = world().await?;
    let had = json!({"Title": "Engineer", "Department": "Works"});
    world.sandbox.create(ZOHO, crm("Ada", had)).await?;
    let entries = json!([
        {"a": "Title", "b": "organization.title", "flow": "a_to_b"},
        {"a": "Department", "b": "organization.department", "flow": "b_to_a"},
    ]);
    let connection = world
        .connected(json!({"mapping": mapping(entries)}))
        .await?;
    let job = async |world: &World| -> anyhow::Result<Value> {
        let there = world.sandbox.get(GOOGLE, &email("Ada")).await?;
        let job = &there.native["organizations"][0];
        Ok(json!([job["title"], job["department"]]))
    };
    assert_eq!(job(&world).await?, json!(["Engineer", null]));
    let there = world.sandbox.get(GOOGLE, &email("Ada")).await?;
    let edit = json!({"organizations": [{"title": "Countess", "department": "Sums"}]});
    world.sandbox.edit(GOOGLE, &there.id, edit).await?;
    succeeded(world.api.sync(&connection).await?)?;
    assert_eq!(crm_value(&world, "Ada", "Title").await?, "Engineer");
    assert_eq!(crm_value(&world, "Ada", "Department").await?, "Sums");
    assert_eq!(job(&world).await?, json!(["Countess", "Sums"]));
    set_crm(
        &world,
        "Ada",
        json!({"Title": "Analyst", "Department": "own"}),
    )
    .await?;
    succeeded(world.api.sync(&connection).await?)?;
    assert_eq!(job(&world).await?, json!(["Analyst", "Sums"]));
    assert_eq!(crm_value(&world, "Ada", "Department").await?, "own");
    world.quiet(&connection).await?;
    Ok(())
}

/// The connection says that the CRM wins, one field that Google does.
#[tokio::test]
async fn who_wins_is_each_fields_own() -> anyhow::Result<()> {
    let world = world().await?;
    let had = json!({"Title": "Engineer", "Department": "Works"});
    world.sandbox.create(ZOHO, crm("Ada", had)).await?;
    let entries = json!([
        {"a": "Title", "b": "organization.title"},
        {"a": "Department", "b": "organization.department", "winner": "b_wins"},
    ]);
    let all = json!({"mapping": mapping(entries), "conflict": "a_wins"});
    let connection = world.connected(all).await?;
    set_crm(
        &world,
        "Ada",
        json!({"Title": "In the CRM", "Department": "In the CRM"}),
    )
    .await?;
    let there = world.sandbox.get(GOOGLE, &email("Ada")).await?;
    let edit = json!({"organizations": [{"title": "At Google", "department": "At Google"}]});
    world.sandbox.edit(GOOGLE, &there.id, edit).await?;
    succeeded(world.api.sync(&connection).await?)?;
    assert_eq!(crm_value(&world, "Ada", "Title").await?, "In the CRM");
    assert_eq!(crm_value(&world, "Ada", "Department").await?, "At Google");
    let there = world.sandbox.get(GOOGLE, &email("Ada")).await?;
    assert_eq!(there.native["organizations"][0]["title"], "In the CRM");
    assert_eq!(there.native["organizations"][0]["department"], "At Google");
    let met = world
        .api
        .list(&format!("/v1/connections/{connection}/conflicts"))
        .await?;
    assert_eq!(met.len(), 2, "{met:?}");
    world.quiet(&connection).await?;
    Ok(())
}

/// One field that is cleared is filled again, another is cleared on the other side too.
#[tokio::test]
async fn what_a_cleared_value_does_is_each_fields_own() -> anyhow::Result<()> {
    let world = world().await?;
    let had = json!({"Title": "Engineer", "Department": "Works"});
    world.sandbox.create(ZOHO, crm("Ada", had)).await?;
    let entries = json!([
        {"a": "Title", "b": "organization.title", "blank": "keep"},
        {"a": "Department", "b": "organization.department", "blank": "sync"},
    ]);
    let connection = world
        .connected(json!({"mapping": mapping(entries)}))
        .await?;
    set_crm(&world, "Ada", json!({"Title": null, "Department": null})).await?;
    succeeded(world.api.sync(&connection).await?)?;
    let there = world.sandbox.get(GOOGLE, &email("Ada")).await?;
    assert_eq!(there.native["organizations"][0]["title"], "Engineer");
    assert_eq!(there.native["organizations"][0]["department"], Value::Null);
    assert_eq!(crm_value(&world, "Ada", "Title").await?, "Engineer");
    assert_eq!(crm_value(&world, "Ada", "Department").await?, Value::Null);
    world.quiet(&connection).await?;
    Ok(())
}

/// What cannot be mapped is refused at its place, with why and with what could be.
#[tokio::test]
async fn a_mapping_that_cannot_be_is_refused_with_why() -> anyhow::Result<()> {
    let world = world().await?;
    let cases = [
        (
            json!({"a": "Since__c", "b": "userDefined.since"}),
            "/mapping/3",
            "a date and a text go together as a date only: say `\"as\": \"date\"`",
        ),
        (
            json!({"a": "Since__c", "b": "starred"}),
            "/mapping/3",
            "kinds date and bool are not compatible; a date goes with: text, long_text, date, date_time;",
        ),
        (
            json!({"a": "Region__c", "b": "starred"}),
            "/mapping/3",
            "by a table only: say in `values`",
        ),
        (
            json!({"a": "Region__c", "b": "userDefined.r", "values": [{"a": "East", "b": "E"}]}),
            "/mapping/3/values/0/a",
            "`Region__c` has no choice `East`; it has: North, Far North, South, West",
        ),
        (
            json!({"a": "Created_Time", "b": "userDefined.made", "as": "date_time", "flow": "b_to_a"}),
            "/mapping/3",
            "read-only fields leave no way",
        ),
        (
            json!({"a": "Tag", "b": "userDefined.tags", "as": "text", "flow": "b_to_a"}),
            "/mapping/3",
            "is not read back from there",
        ),
    ];
    for (entry, pointer, why) in cases {
        let refused = world
            .refused(json!({"mapping": mapping(json!([entry]))}))
            .await?;
        let found = refused["errors"].as_array().context("errors")?;
        let found = found.iter().find(|error| error["pointer"] == pointer);
        let message = found.and_then(|error| error["message"].as_str());
        assert!(
            message.is_some_and(|text| text.contains(why)),
            "{entry}: {refused}"
        );
    }
    let kinds = world.api.get("/v1/compatible-kinds").await?;
    let known = kinds["data"].as_array().context("kinds")?;
    assert!(
        known
            .contains(&json!({"a": "date", "b": "text", "by": "as", "as": "date", "flow": "both"}))
    );
    assert!(known.contains(
        &json!({"a": "address", "b": "text", "by": "as", "as": "text", "flow": "a_to_b"})
    ));
    Ok(())
}

const REGION: &str = "Region__c";

fn with_region(blank: &str) -> Value {
    mapping(json!([
        {"a": "Title", "b": "organization.title"},
        {"a": REGION, "b": "userDefined.region", "blank": blank},
    ]))
}

/// What Ada says at Google under `region`.
async fn region(world: &World) -> anyhow::Result<Option<String>> {
    own(world, "Ada", "region").await
}

async fn health(world: &World, connection: &str) -> anyhow::Result<Value> {
    let path = format!("/v1/connections/{connection}/health");
    world.api.get(&path).await
}

/// Ada, synced with her region.
async fn synced(blank: &str) -> anyhow::Result<(World, String)> {
    let world = World::start(0).await?;
    let field = json!({"api_name": REGION});
    world.sandbox.act(ZOHO, "actions/add_field", field).await?;
    let ada = crm("Ada", json!({REGION: "EMEA"}));
    world.sandbox.create(ZOHO, ada).await?;
    world.sandbox.create(GOOGLE, book("Bob", json!({}))).await?;
    let connection = world
        .connected(json!({"mapping": with_region(blank)}))
        .await?;
    assert_eq!(region(&world).await?.as_deref(), Some("EMEA"));
    Ok((world, connection))
}

/// A custom field that goes at the provider pauses its mapping and nothing else, writes nothing empty, and goes on when
/// it comes back.
async fn pauses(blank: &str) -> anyhow::Result<()> {
    let (world, connection) = synced(blank).await?;
    let field = json!({"api_name": REGION});
    world
        .sandbox
        .act(ZOHO, "actions/remove_field", field.clone())
        .await?;
    let ada = world.sandbox.get(ZOHO, &email("Ada")).await?;
    let edit = json!({"Title": "Engineer"});
    world.sandbox.edit(ZOHO, &ada.id, edit).await?;
    succeeded(world.api.sync(&connection).await?)?;
    let google = world.sandbox.get(GOOGLE, &email("Ada")).await?;
    assert_eq!(google.native["organizations"][0]["title"], "Engineer");
    assert_eq!(region(&world).await?.as_deref(), Some("EMEA"));
    let told = health(&world, &connection).await?;
    let paused = told["paused_mapping"].as_array().context("a list")?;
    assert_eq!(paused.len(), 1, "{told}");
    assert_eq!(paused[0]["a"], REGION);
    let reason = paused[0]["reason"].as_str().context("a reason")?;
    assert!(reason.contains("there is no field"), "{reason}");
    assert_eq!(told["health"], "needs_attention");
    // The other side of the paused entry changes meanwhile.
    let google = world.sandbox.get(GOOGLE, &email("Ada")).await?;
    let more = json!({"userDefined": [{"key": "region", "value": "APAC"}]});
    world.sandbox.edit(GOOGLE, &google.id, more).await?;
    succeeded(world.api.sync(&connection).await?)?;
    world.quiet(&connection).await?;
    // It comes back, and what changed goes over.
    world.sandbox.act(ZOHO, "actions/add_field", field).await?;
    succeeded(world.api.sync(&connection).await?)?;
    succeeded(world.api.sync(&connection).await?)?;
    let ada = world.sandbox.get(ZOHO, &email("Ada")).await?;
    assert_eq!(ada.native[REGION], "APAC");
    assert_eq!(region(&world).await?.as_deref(), Some("APAC"));
    let told = health(&world, &connection).await?;
    assert_eq!(
        (&told["paused_mapping"], &told["health"]),
        (&json!([]), &json!("healthy"))
    );
    world.quiet(&connection).await?;
    Ok(())
}

#[tokio::test]
async fn a_field_that_vanishes_pauses_its_mapping_alone() -> anyhow::Result<()> {
    pauses("keep").await
}

#[tokio::test]
async fn a_field_that_vanishes_clears_nothing_where_blanks_are_synced() -> anyhow::Result<()> {
    pauses("sync").await
}

/// A field whose kind was changed cannot be mapped any more: it rests, and the rest goes on. What an account looks like is
/// remembered for an hour, or until a server starts anew.
#[tokio::test]
async fn a_field_that_changed_its_kind_pauses_its_mapping_alone() -> anyhow::Result<()> {
    let (mut world, connection) = synced("keep").await?;
    let changed = json!({"api_name": REGION, "data_type": "boolean"});
    world
        .sandbox
        .act(ZOHO, "actions/change_field", changed)
        .await?;
    world.stop().await?;
    world.start_again().await?;
    let google = world.sandbox.get(GOOGLE, &email("Ada")).await?;
    world
        .sandbox
        .edit(GOOGLE, &google.id, title("Engineer"))
        .await?;
    succeeded(world.api.sync(&connection).await?)?;
    let ada = world.sandbox.get(ZOHO, &email("Ada")).await?;
    assert_eq!(ada.native["Title"], "Engineer");
    let told = health(&world, &connection).await?;
    let reason = told["paused_mapping"][0]["reason"].as_str();
    assert!(
        reason.is_some_and(|why| why.contains("cannot be mapped")),
        "{told}"
    );
    assert_eq!(region(&world).await?.as_deref(), Some("EMEA"));
    Ok(())
}
