//! Who is who at first contact: by the keys that a customer chose, and by what people say where keys do not tell.

use anyhow::{Context, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use system_tests::customer::succeeded;
use system_tests::http::{text, until};
use system_tests::{GOOGLE, Record, World, ZOHO};

use crate::people::{book, crm, email};

/// Puts Ada into both apps in the ways given, connects with these match keys, and says whether she is one person.
async fn is_one(keys: Value, a: Value, b: Value) -> anyhow::Result<bool> {
    let world = World::start(0).await?;
    world.sandbox.create(ZOHO, a).await?;
    world.sandbox.create(GOOGLE, b).await?;
    let connection = world.connected(json!({"match": keys})).await?;
    let links = format!("/v1/connections/{connection}/links");
    let links = world.api.list(&links).await?;
    ensure!((1..=2).contains(&links.len()), "{links:?}");
    world.quiet(&connection).await?;
    Ok(links.len() == 1)
}

fn mail(kind: &str, address: &str) -> Value {
    json!([{"value": address, "type": kind}])
}

#[tokio::test]
async fn match_by_work_email_alone() -> anyhow::Result<()> {
    let keys = json!(["work_email"]);
    let same = json!({"emailAddresses": mail("work", "ADA@people.example")});
    assert!(is_one(keys.clone(), crm("Ada", json!({})), book("Ada", same)).await?);
    let home = json!({"emailAddresses": mail("home", "ada@people.example")});
    assert!(!is_one(keys, crm("Ada", json!({})), book("Ada", home)).await?);
    Ok(())
}

#[tokio::test]
async fn match_by_any_email() -> anyhow::Result<()> {
    let home = json!({"emailAddresses": mail("home", "ada@people.example")});
    assert!(is_one(json!(["email"]), crm("Ada", json!({})), book("Ada", home)).await?);
    // A third address, which no field of the CRM has a place for.
    let items = ["1@people.example", "2@people.example", "ADA@people.example"];
    let items = items.map(|address| json!({"value": address, "type": "other"}));
    let several = book("Ada", json!({"emailAddresses": items}));
    assert!(is_one(json!(["email"]), crm("Ada", json!({})), several.clone()).await?);
    assert!(!is_one(json!(["work_email"]), crm("Ada", json!({})), several).await?);
    Ok(())
}

#[tokio::test]
async fn match_by_phone() -> anyhow::Result<()> {
    let a = crm("Ada", json!({"Mobile": "+49 30 5550100"}));
    let b = json!({
        "emailAddresses": mail("work", "other@people.example"),
        "phoneNumbers": [{"value": "+49 (30) 555-0100", "type": "work"}],
    });
    let b = book("Ada", b);
    assert!(is_one(json!(["email", "phone"]), a.clone(), b.clone()).await?);
    assert!(!is_one(json!(["email"]), a, b).await?);
    Ok(())
}

/// An address says one, a telephone number another: the key that comes first decides.
#[tokio::test]
async fn the_first_key_decides() -> anyhow::Result<()> {
    for (keys, expect) in [(["email", "phone"], 0), (["phone", "email"], 1)] {
        let world = World::start(0).await?;
        let phone = json!({"Phone": "+49 30 5550100"});
        let ada = world.sandbox.create(ZOHO, crm("Ada", phone)).await?;
        let by_email = json!({"emailAddresses": mail("work", "ada@people.example")});
        let by_phone = json!({
            "emailAddresses": mail("work", "other@people.example"),
            "phoneNumbers": [{"value": "+49305550100", "type": "work"}],
        });
        let mut there = Vec::new();
        for (name, more) in [("Bea", by_email), ("Cleo", by_phone)] {
            world.sandbox.create(GOOGLE, book(name, more)).await?;
        }
        for address in ["ada@people.example", "other@people.example"] {
            there.push(resource(&world.sandbox.get(GOOGLE, address).await?));
        }
        let wish = json!({"match": keys, "direction": "a_to_b"});
        let connection = world.connected(wish).await?;
        let found = partner(&world, &connection, &ada).await?;
        assert_eq!(found.as_ref(), Some(&there[expect]), "{keys:?}");
        assert_eq!(world.sandbox.live(GOOGLE).await?.len(), 2, "{keys:?}");
        world.quiet(&connection).await?;
    }
    Ok(())
}

#[tokio::test]
async fn match_by_full_name_and_company() -> anyhow::Result<()> {
    let a = crm("Ada", json!({"Account_Name": {"name": "Acme"}}));
    let at = |company: &str| {
        let more = json!({
            "emailAddresses": mail("work", "other@people.example"),
            "organizations": [{"name": company}],
        });
        book("Ada", more)
    };
    let keys = json!(["name_and_company"]);
    assert!(is_one(keys.clone(), a.clone(), at("ACME")).await?);
    assert!(!is_one(keys, a, at("Zeta")).await?);
    Ok(())
}

/// The id that one app has of the other's record, in a field of its own.
#[tokio::test]
async fn match_by_an_external_id_field() -> anyhow::Result<()> {
    let world = World::start(0).await?;
    let a = crm("Ada", json!({"Department": "K-17"}));
    world.sandbox.create(ZOHO, a).await?;
    let b = json!({
        "emailAddresses": mail("work", "other@people.example"),
        "userDefined": [{"key": "number", "value": "k-17"}],
    });
    world.sandbox.create(GOOGLE, book("Adele", b)).await?;
    let mapping = json!([
        {"a": "First_Name", "b": "names.givenName"},
        {"a": "Last_Name", "b": "names.familyName"},
        {"a": "Department", "b": "userDefined.number"},
    ]);
    let wish = json!({"mapping": mapping, "match": [{"field": "Department"}]});
    let connection = world.connected(wish).await?;
    let links = format!("/v1/connections/{connection}/links");
    assert_eq!(world.api.list(&links).await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn match_keys_that_cannot_be_are_refused() -> anyhow::Result<()> {
    let world = World::start(0).await?;
    for (keys, pointer, says) in [
        (json!([]), "/match", "From 1 to 10 keys"),
        (json!(["email", "email"]), "/match/1", "already"),
        (json!([{"field": "Nowhere"}]), "/match/0", "not mapped"),
        (
            json!([{"field": "Email_Opt_Out"}]),
            "/match/0",
            "not mapped",
        ),
    ] {
        let refused = world.refused(json!({"match": keys})).await?;
        let first = &refused["errors"][0];
        assert_eq!(first["pointer"], pointer, "{refused}");
        let message = first["message"].as_str().context("a message")?;
        assert!(message.contains(says), "{message}");
    }
    Ok(())
}

/// Keys are changed later: who is not linked yet is matched by the new ones.
#[tokio::test]
async fn match_keys_can_be_changed_later() -> anyhow::Result<()> {
    let world = World::start(0).await?;
    let (world, connection, ask) = tied(world).await?;
    assert_eq!(ask.len(), 3, "{ask:?}");
    let google = world.sandbox.get(GOOGLE, &email("Bea")).await?;
    let phone = json!({"phoneNumbers": [{"value": "+49305550100", "type": "work"}]});
    world.sandbox.edit(GOOGLE, &google.id, phone).await?;
    let crm = world.sandbox.get(ZOHO, &email("Ada")).await?;
    world
        .sandbox
        .edit(ZOHO, &crm.id, json!({"Phone": "+49305550100"}))
        .await?;
    let keys = json!({"match": ["email", "phone"]});
    world.api.patch(&connection, keys).await?;
    succeeded(world.api.sync(&connection).await?)?;
    assert_eq!(
        partner(&world, &connection, &crm.id).await?,
        Some(resource(&google))
    );
    Ok(())
}

/// Ada in the CRM, and two of her address at Google, with other names. Gives the problems that ask.
async fn tied(world: World) -> anyhow::Result<(World, String, Vec<Value>)> {
    world.sandbox.create(ZOHO, crm("Ada", json!({}))).await?;
    for name in ["Bea", "Cleo"] {
        let both = json!([
            {"value": email(name), "type": "home"},
            {"value": email("Ada"), "type": "work"},
        ]);
        let contact = book(name, json!({"emailAddresses": both}));
        world.sandbox.create(GOOGLE, contact).await?;
    }
    let connection = world.connected(json!({})).await?;
    let ask = open(&world, &connection).await?;
    Ok((world, connection, ask))
}

async fn open(world: &World, connection: &str) -> anyhow::Result<Vec<Value>> {
    let path = format!("/v1/connections/{connection}/problems?status=open");
    world.api.list(&path).await
}

/// The problem that asks about Ada, and her possible records at Google.
fn adas(ask: &[Value]) -> anyhow::Result<(String, Vec<String>)> {
    let problem = ask.iter().find(|problem| problem["side"] == "a");
    let problem = problem.context("nobody asks about Ada")?;
    ensure!(problem["reason"] == "ambiguous", "{problem}");
    let candidates = problem["candidates"].as_array().context("candidates")?;
    let candidates = candidates.iter().filter_map(Value::as_str);
    let candidates = candidates.map(str::to_owned).collect();
    Ok((text(problem, "/id")?, candidates))
}

/// A contact's id as Google's API has it.
fn resource(record: &Record) -> String {
    format!("people/{}", record.id)
}

/// Gives the review.
async fn answer(world: &World, problem: &str, answer: Value) -> anyhow::Result<Value> {
    let path = format!("/v1/problems/{problem}/answer");
    let body = json!({"answer": answer});
    let given = world.api.call(Method::POST, &path, Some(&body)).await?;
    ensure!(given.status == 201, "{}: {}", given.status, given.body);
    let mut review = given.body;
    let all = review.as_object_mut().context("a review")?;
    all.remove("runs").context("what carries it out")?;
    Ok(review)
}

async fn partner(world: &World, connection: &str, a: &str) -> anyhow::Result<Option<String>> {
    let path = format!("/v1/connections/{connection}/links");
    let links = world.api.list(&path).await?;
    let found = links.iter().find(|link| link["a"] == a);
    found.map(|link| text(link, "/b")).transpose()
}

#[tokio::test]
async fn review_links_one_of_several_and_can_be_undone() -> anyhow::Result<()> {
    let (world, connection, ask) = tied(World::start(0).await?).await?;
    let (problem, candidates) = adas(&ask)?;
    assert_eq!(candidates.len(), 2);
    let ada = world.sandbox.get(ZOHO, &email("Ada")).await?;
    let cleo = resource(&world.sandbox.get(GOOGLE, &email("Cleo")).await?);

    let wrong = json!({"answer": {"link": "somebody"}});
    let path = format!("/v1/problems/{problem}/answer");
    let refused = world.api.call(Method::POST, &path, Some(&wrong)).await?;
    assert_eq!(refused.status, 422);
    let names = refused.body["errors"][0]["message"].to_string();
    assert!(candidates.iter().all(|id| names.contains(id)), "{names}");

    let review = answer(&world, &problem, json!({"link": cleo})).await?;
    succeeded(world.api.sync(&connection).await?)?;
    assert_eq!(
        partner(&world, &connection, &ada.id).await?.as_ref(),
        Some(&cleo)
    );
    assert!(adas(&open(&world, &connection).await?).is_err());
    let again = world
        .api
        .call(Method::POST, &path, Some(&json!({"answer": "create"})))
        .await?;
    assert_eq!(
        (again.status, &again.body["code"]),
        (409, &json!("wrong_state"))
    );

    // It is remembered: the connection deleted and made again asks nothing.
    let gone = format!("/v1/connections/{connection}");
    world.api.call(Method::DELETE, &gone, None).await?;
    let connection = world.connected(json!({})).await?;
    assert_eq!(
        partner(&world, &connection, &ada.id).await?.as_ref(),
        Some(&cleo)
    );
    let reviews = format!("/v1/connections/{connection}/reviews");
    let listed = world.api.list(&reviews).await?;
    assert_eq!(listed, std::slice::from_ref(&review));

    // Taken back: both are asked about, nothing more is written, and another answer can be given.
    let id = text(&review, "/id")?;
    let path = format!("/v1/reviews/{id}");
    let back = world.api.call(Method::DELETE, &path, None).await?;
    assert_eq!((back.status, &back.body["answer"]), (200, &Value::Null));
    let before = world.sandbox.live(GOOGLE).await?.len();
    succeeded(world.api.sync(&connection).await?)?;
    assert_eq!(partner(&world, &connection, &ada.id).await?, None);
    assert_eq!(world.sandbox.live(GOOGLE).await?.len(), before);
    let ask = open(&world, &connection).await?;
    let (problem, candidates) = adas(&ask)?;
    assert!(candidates.contains(&cleo));
    answer(&world, &problem, json!({"link": cleo})).await?;
    succeeded(world.api.sync(&connection).await?)?;
    assert_eq!(partner(&world, &connection, &ada.id).await?, Some(cleo));
    world.quiet(&connection).await?;
    Ok(())
}

#[tokio::test]
async fn review_keeps_apart() -> anyhow::Result<()> {
    let (world, connection, ask) = tied(World::start(0).await?).await?;
    let (problem, _) = adas(&ask)?;
    answer(&world, &problem, json!("keep_apart")).await?;
    succeeded(world.api.sync(&connection).await?)?;
    let ada = world.sandbox.get(ZOHO, &email("Ada")).await?;
    assert_eq!(partner(&world, &connection, &ada.id).await?, None);
    assert_eq!(
        world.sandbox.live(GOOGLE).await?.len(),
        2,
        "Ada is not made there"
    );
    assert!(open(&world, &connection).await?.is_empty());
    assert_eq!(
        world.sandbox.live(ZOHO).await?.len(),
        3,
        "the others are made in the CRM"
    );
    world.quiet(&connection).await?;
    Ok(())
}

#[tokio::test]
async fn review_creates_and_undoing_it_doubles_nobody() -> anyhow::Result<()> {
    let (world, connection, ask) = tied(World::start(0).await?).await?;
    let (problem, candidates) = adas(&ask)?;
    let review = answer(&world, &problem, json!("create")).await?;
    succeeded(world.api.sync(&connection).await?)?;
    let ada = world.sandbox.get(ZOHO, &email("Ada")).await?;
    let made = partner(&world, &connection, &ada.id)
        .await?
        .context("a partner")?;
    assert!(!candidates.contains(&made));
    let counts = async || -> anyhow::Result<[usize; 2]> {
        Ok([
            world.sandbox.live(ZOHO).await?.len(),
            world.sandbox.live(GOOGLE).await?.len(),
        ])
    };
    let before = counts().await?;
    let path = format!("/v1/reviews/{}", text(&review, "/id")?);
    world.api.call(Method::DELETE, &path, None).await?;
    succeeded(world.api.sync(&connection).await?)?;
    assert_eq!(counts().await?, before);
    let (problem, candidates) = adas(&open(&world, &connection).await?)?;
    assert!(candidates.contains(&made));
    answer(&world, &problem, json!({"link": made})).await?;
    succeeded(world.api.sync(&connection).await?)?;
    assert_eq!(partner(&world, &connection, &ada.id).await?, Some(made));
    assert_eq!(counts().await?, before);
    world.quiet(&connection).await?;
    Ok(())
}

/// An answer is carried out at once, though nobody asks for a sync; while the connection is paused it waits.
#[tokio::test]
async fn an_answer_is_carried_out_at_once() -> anyhow::Result<()> {
    let (world, connection, ask) = tied(World::start(0).await?).await?;
    let (problem, _) = adas(&ask)?;
    let ada = world.sandbox.get(ZOHO, &email("Ada")).await?;
    let cleo = resource(&world.sandbox.get(GOOGLE, &email("Cleo")).await?);
    let runs = format!("/v1/connections/{connection}/runs");
    let before = world.api.list(&runs).await?.len();
    let review = answer(&world, &problem, json!({"link": cleo})).await?;
    until("the link", 20, async || {
        let found = partner(&world, &connection, &ada.id).await?;
        Ok((found.as_ref() == Some(&cleo)).then_some(()))
    })
    .await?;
    let now = world.api.list(&runs).await?;
    // Whoever begins it: the answer itself, or the scheduler that sees it first.
    assert_eq!(now.len(), before + 1);
    world.api.ended(&text(&now[0], "/id")?).await?;

    // Taken back at once, too; and nothing is, the second time.
    let path = format!("/v1/reviews/{}", text(&review, "/id")?);
    let back = world.api.call(Method::DELETE, &path, None).await?.ok()?;
    let run = text(&back, "/runs/0")?;
    succeeded(world.api.ended(&run).await?)?;
    let again = world.api.call(Method::DELETE, &path, None).await?.ok()?;
    assert_eq!(again["runs"], json!([]), "{again}");
    let pause = format!("/v1/connections/{connection}/pause");
    world.api.post(&pause, Value::Null).await?;
    let (problem, _) = adas(&open(&world, &connection).await?)?;
    let before = world.api.list(&runs).await?.len();
    answer(&world, &problem, json!({"link": cleo})).await?;
    assert_eq!(world.api.list(&runs).await?.len(), before);
    let resume = format!("/v1/connections/{connection}/resume");
    world.api.post(&resume, Value::Null).await?;
    world.api.sync(&connection).await?;
    assert_eq!(partner(&world, &connection, &ada.id).await?, Some(cleo));
    Ok(())
}

/// An answer is kept though no run can be asked for, and says so: one begins by itself, also where nothing is scheduled.
#[tokio::test]
async fn an_answer_is_kept_though_no_run_can_be_asked_for() -> anyhow::Result<()> {
    let (world, connection, ask) = tied(World::start(0).await?).await?;
    let (problem, _) = adas(&ask)?;
    let ada = world.sandbox.get(ZOHO, &email("Ada")).await?;
    let cleo = resource(&world.sandbox.get(GOOGLE, &email("Cleo")).await?);
    world.refuse_runs(true).await?;
    let path = format!("/v1/problems/{problem}/answer");
    let body = json!({"answer": {"link": cleo}});
    let given = world.api.call(Method::POST, &path, Some(&body)).await?;
    assert_eq!((given.status, &given.body["runs"]), (201, &json!([])));
    world.refuse_runs(false).await?;
    until("the link", 20, async || {
        let found = partner(&world, &connection, &ada.id).await?;
        Ok((found.as_ref() == Some(&cleo)).then_some(()))
    })
    .await
}
