//! How a connection is doing: each number, the list behind it, and that list as a table.

use anyhow::{Context, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use system_tests::http::{text, until};
use system_tests::world::OWNER;
use system_tests::{GOOGLE, World, ZOHO};

use crate::people::{book, crm, email};

/// Ann and Cid are in step, but for a title that both have set; Ben and Zoe take no part, and Google's Dot has a title too
/// long for the CRM. Rules of both sides leave out who is `Out`.
async fn motley() -> anyhow::Result<(World, String)> {
    let world = World::start(0).await?;
    let title = |title: &str| json!({"organizations": [{"title": title}]});
    for (name, more) in [
        ("Ann", json!({})),
        ("Ben", json!({"Title": "Out"})),
        ("Cid", json!({"Title": "=HYPERLINK(\"http://x.example\")"})),
    ] {
        world.sandbox.create(ZOHO, crm(name, more)).await?;
    }
    for (name, more) in [
        ("Cid", title("Boss, big")),
        ("Dot", title(&"x".repeat(300))),
        ("Zoe", title("Out")),
    ] {
        world.sandbox.create(GOOGLE, book(name, more)).await?;
    }
    let rule =
        |from: &str, field: &str| json!({"from": from, "if": [{"field": field, "is_not": "Out"}]});
    let changes =
        json!({"conflict": "ask", "rules": [rule("a", "Title"), rule("b", "organization.title")]});
    let connection = world.connected(changes).await?;
    Ok((world, connection))
}

async fn ids(
    world: &World,
    connection: &str,
    list: &str,
    key: &str,
) -> anyhow::Result<Vec<String>> {
    let rows = world
        .api
        .list(&format!("/v1/connections/{connection}/{list}"))
        .await?;
    rows.iter().map(|row| text(row, key)).collect()
}

#[tokio::test]
async fn each_number_has_a_list_and_each_list_is_a_table() -> anyhow::Result<()> {
    let (world, connection) = motley().await?;
    let path = format!("/v1/connections/{connection}");
    let health = world.api.get(&format!("{path}/health")).await?;
    let expect = json!({"links": 3, "frozen": 0, "severed": 0, "excluded": {"a": 1, "b": 1}, "open_problems": 1,
        "problems": {"field_unfit": 1}, "open_conflicts": 1, "held": 0, "waiting": {"limit": 0, "retry": 0}});
    for (key, value) in expect.as_object().into_iter().flatten() {
        assert_eq!(health[key], *value, "{key}: {health}");
    }
    assert_eq!(health["health"], "needs_attention");
    assert_eq!(health["last_sync_at"], health["last_run"]["finished_at"]);
    assert!(health["last_sync_at"].is_string(), "{health}");

    let record = async |provider, name: &str| {
        let record = world.sandbox.get(provider, &email(name)).await?;
        anyhow::Ok(record.id.trim_start_matches("people/").to_owned())
    };
    let (ben, zoe) = (record(ZOHO, "Ben").await?, record(GOOGLE, "Zoe").await?);
    let excluded = ids(&world, &connection, "records?state=excluded", "/record").await?;
    assert_eq!(excluded.len(), 2, "{excluded:?}");
    assert!(
        excluded[0].contains(&ben) && excluded[1].contains(&zoe),
        "{excluded:?}"
    );
    // Page by page as well.
    let first = world
        .api
        .get(&format!("{path}/records?state=excluded&limit=1"))
        .await?;
    let next = text(&first, "/next")?;
    let rest = ids(
        &world,
        &connection,
        &format!("records?state=excluded&limit=1&after={next}"),
        "/record",
    )
    .await?;
    assert_eq!(rest, excluded[1..]);
    for (list, count) in [
        ("links?state=live", 3),
        ("links?state=frozen", 0),
        ("links?state=severed", 0),
        ("problems?status=open&reason=field_unfit", 1),
        ("problems?status=open&reason=rejected", 0),
        ("conflicts?status=open", 1),
        ("records?state=held", 0),
        ("records?state=waiting_for_limit", 0),
        ("records?state=waiting_for_retry", 0),
    ] {
        let table = world.api.table(&format!("{path}/{list}")).await?;
        let rows = world.api.list(&format!("{path}/{list}")).await?;
        assert_eq!(
            (rows.len(), table.lines().count()),
            (count, count + 1),
            "{list}: {table}"
        );
    }
    let table = world
        .api
        .table(&format!("{path}/records?state=excluded"))
        .await?;
    let why = |rule: &str, field: &str| {
        format!(r#""{rule} {{""field"":""{field}"",""is_not"":""Out""}}""#)
    };
    let expect = format!(
        "side,record,state,since,retry_at,excluded_by\r\na,{},excluded,,,{}\r\nb,{},excluded,,,{}\r\n",
        excluded[0],
        why("/rules/0/if/0", "Title"),
        excluded[1],
        why("/rules/1/if/0", "organization.title")
    );
    assert_eq!(table, expect);
    // What people write into their contacts is no formula of a spreadsheet.
    let conflicts = world.api.table(&format!("{path}/conflicts")).await?;
    let harmless = "\"'=HYPERLINK(\"\"http://x.example\"\")\",\"Boss, big\"";
    assert!(conflicts.contains(harmless), "{conflicts}");

    world.sandbox.pass(600).await?;
    let ann = world.sandbox.get(ZOHO, &email("Ann")).await?;
    world
        .sandbox
        .edit(ZOHO, &ann.id, json!({"Title": "Out"}))
        .await?;
    world.api.sync(&connection).await?;
    let health = world.api.get(&format!("{path}/health")).await?;
    assert_eq!(
        (&health["links"], &health["frozen"]),
        (&json!(2), &json!(1)),
        "{health}"
    );
    let frozen = ids(&world, &connection, "links?state=frozen", "/a").await?;
    assert_eq!(frozen, [ann.id]);
    Ok(())
}

/// Who could be several is counted and listed, with those to choose from, until a person has said who it is.
#[tokio::test]
async fn who_needs_review_is_counted_and_listed() -> anyhow::Result<()> {
    let world = World::start(0).await?;
    let ada = world.sandbox.create(ZOHO, crm("Ada", json!({}))).await?;
    world.sandbox.create(ZOHO, crm("Bob", json!({}))).await?;
    let mut two = Vec::new();
    for name in ["Bea", "Cleo"] {
        let mail = json!({"emailAddresses": [{"value": email("Ada"), "type": "work"}]});
        let id = world.sandbox.create(GOOGLE, book(name, mail)).await?;
        two.push(format!("people/{}", id.trim_start_matches("people/")));
    }
    two.sort();
    let connection = world.connected(json!({})).await?;
    let path = format!("/v1/connections/{connection}");
    let health = world.api.get(&format!("{path}/health")).await?;
    for (key, value) in [
        ("health", json!("needs_attention")),
        ("links", json!(1)),
        ("open_problems", json!(3)),
        ("problems", json!({"ambiguous": 3})),
    ] {
        assert_eq!(health[key], value, "{key}: {health}");
    }
    let list = format!("{path}/problems?status=open&reason=ambiguous");
    let rows = world.api.list(&list).await?;
    assert_eq!(rows.len(), 3, "{rows:?}");
    let mine = rows.iter().find(|row| row["side"] == "a");
    let mine = mine.context("nobody asks about Ada")?;
    let mut choice: Vec<&str> = (mine["candidates"].as_array().into_iter().flatten())
        .filter_map(Value::as_str)
        .collect();
    choice.sort_unstable();
    assert_eq!(
        (&mine["record"], choice),
        (&json!(ada), two.iter().map(String::as_str).collect())
    );
    let table = world.api.table(&list).await?;
    assert_eq!(table.lines().count(), 4, "{table}");
    assert!(table.contains(&ada), "{table}");

    let answer = format!("/v1/problems/{}/answer", text(mine, "/id")?);
    let apart = json!({"answer": "keep_apart"});
    world.api.post(&answer, apart).await?;
    world.api.sync(&connection).await?;
    let health = world.api.get(&format!("{path}/health")).await?;
    assert_eq!(
        (&health["problems"], &health["health"]),
        (&json!({}), &json!("healthy")),
        "{health}"
    );
    assert_eq!(world.api.list(&list).await?, Vec::<Value>::new());
    Ok(())
}

/// Who takes no part comes with every condition of every rule that it does not meet, as the rules are now; where nothing is
/// carried over from a side, that says so; where the account is not to be asked, the list is there without.
#[tokio::test]
async fn who_is_excluded_is_told_by_which_condition() -> anyhow::Result<()> {
    let world = World::start(0).await?;
    for (name, more) in [
        ("Ann", json!({"Lead_Source": "Chat"})),
        ("Ben", json!({"Lead_Source": "Chat", "Email_Opt_Out": true})),
        (
            "Cid",
            json!({"Lead_Source": "Partner", "Title": "Clerk", "Email_Opt_Out": true}),
        ),
    ] {
        world.sandbox.create(ZOHO, crm(name, more)).await?;
    }
    world.sandbox.create(GOOGLE, book("Zoe", json!({}))).await?;
    let source = json!({"field": "Lead_Source", "in": ["Chat", "Cold Call"]});
    let out = json!({"field": "Email_Opt_Out", "is": false});
    let boss = json!({"field": "Title", "starts_with": "boss"});
    let rules = json!([{"from": "a", "if": [source, out]}, {"from": "a", "if": [boss]}]);
    let connection = world
        .connected(json!({"direction": "a_to_b", "rules": rules}))
        .await?;
    let path = format!("/v1/connections/{connection}/records?state=excluded");
    let id = async |provider, name: &str| {
        let record = world.sandbox.get(provider, &email(name)).await?;
        anyhow::Ok(record.id.trim_start_matches("people/").to_owned())
    };
    let why = async |provider, name: &str| {
        let id = id(provider, name).await?;
        let rows = world.api.list(&path).await?;
        let mut mine = rows.iter().filter(|row| {
            let record = row["record"].as_str();
            record.is_some_and(|record| record.ends_with(&id))
        });
        anyhow::Ok(mine.next().map(|row| row["excluded_by"].clone()))
    };
    let by = |pointer: &str, condition: &Value| json!({"pointer": pointer, "condition": condition});
    let (first, second) = (by("/rules/0/if/0", &source), by("/rules/0/if/1", &out));
    let third = by("/rules/1/if/0", &boss);
    assert_eq!(why(ZOHO, "Ann").await?, None);
    assert_eq!(why(ZOHO, "Ben").await?, Some(json!([second, third])));
    assert_eq!(why(ZOHO, "Cid").await?, Some(json!([first, second, third])));
    let way = json!([by("/direction", &Value::Null)]);
    assert_eq!(why(GOOGLE, "Zoe").await?, Some(way.clone()));

    // Ben is put right but for his opt-out's place in the other rule; Cid becomes a boss.
    let cid = id(ZOHO, "Cid").await?;
    world
        .sandbox
        .edit(ZOHO, &cid, json!({"Title": "Boss of all"}))
        .await?;
    let rules = json!([{"from": "a", "if": [source]}, {"from": "a", "if": [boss]}]);
    world
        .api
        .patch(&connection, json!({"rules": rules}))
        .await?;
    world.api.sync(&connection).await?;
    for name in ["Ben", "Cid"] {
        assert_eq!(why(ZOHO, name).await?, None, "{name}");
        assert!(world.sandbox.find(GOOGLE, &email(name)).await?.is_some());
    }
    let dot = json!({"Lead_Source": "Partner"});
    world.sandbox.create(ZOHO, crm("Dot", dot)).await?;
    world.api.sync(&connection).await?;
    assert_eq!(
        why(ZOHO, "Dot").await?,
        Some(json!([first, by("/rules/1/if/0", &boss)]))
    );
    // A pair that was in step is told of the same way.
    let cid = id(ZOHO, "Cid").await?;
    let clerk = json!({"Title": "Clerk"});
    world.sandbox.edit(ZOHO, &cid, clerk).await?;
    world.api.sync(&connection).await?;
    let frozen = format!("/v1/connections/{connection}/links?state=frozen");
    let links = world.api.list(&frozen).await?;
    assert_eq!(links.len(), 1, "{links:?}");
    let unmet = json!([first, by("/rules/1/if/0", &boss)]);
    assert_eq!(
        (&links[0]["a"], &links[0]["excluded_by"]),
        (&json!(cid), &unmet)
    );

    world.sandbox.revoke(GOOGLE).await?;
    let run = world.api.begin(&connection).await?;
    world.api.ended(&run).await?;
    assert_eq!(why(ZOHO, "Dot").await?, Some(Value::Null));
    assert_eq!(why(GOOGLE, "Zoe").await?, Some(way));
    Ok(())
}

/// What a guard holds and what is tried again are told apart from what waits for the next run.
#[tokio::test]
async fn what_is_held_and_what_is_tried_again() -> anyhow::Result<()> {
    let world = World::start(0).await?;
    for name in ["Ann", "Ben", "Cid"] {
        world.sandbox.create(ZOHO, crm(name, json!({}))).await?;
    }
    let guards = json!({"deletions_min": 1, "deletions_percent": 0});
    let connection = world
        .connected(json!({"deletions": {"a_to_b": "delete"}, "guards": guards}))
        .await?;
    let mut gone = Vec::new();
    for name in ["Ann", "Ben"] {
        let record = world.sandbox.get(ZOHO, &email(name)).await?;
        world.sandbox.delete(ZOHO, &record.id).await?;
        gone.push(record.id);
    }
    gone.sort();
    let refused = json!({"kind": "status", "status": 400,
        "body": {"error": {"code": 400, "status": "INVALID_ARGUMENT", "message": "No."}}});
    for route in [
        "POST /v1/people:batchCreateContacts",
        "POST /v1/people:createContact",
    ] {
        let rule = json!({"provider": GOOGLE, "route": route, "fault": refused});
        world.sandbox.fault(rule).await?;
    }
    world.sandbox.create(ZOHO, crm("Dot", json!({}))).await?;
    let run = world.api.begin(&connection).await?;
    let run = world.api.ended(&run).await?;
    assert_eq!(run["state"], "parked", "{run}");
    let path = format!("/v1/connections/{connection}");
    let health = world.api.get(&format!("{path}/health")).await?;
    // The two that are deleted; their partners wait with them.
    assert_eq!(health["held"], 2, "{health}");
    assert_eq!(
        health["waiting"],
        json!({"limit": 0, "retry": 1}),
        "{health}"
    );
    assert_eq!(health["problems"], json!({"rejected": 1}), "{health}");
    let held = ids(&world, &connection, "records?state=held", "/record").await?;
    assert_eq!(held, gone);
    let retried = world
        .api
        .list(&format!("{path}/records?state=waiting_for_retry"))
        .await?;
    assert_eq!(retried.len(), 1, "{retried:?}");
    assert!(
        retried[0]["retry_at"].is_string() && retried[0]["since"].is_null(),
        "{retried:?}"
    );
    // Why, what to do, since when, and when it is tried again.
    let open = format!("{path}/problems?status=open");
    let problems = world.api.list(&open).await?;
    assert_eq!(problems.len(), 1, "{problems:?}");
    let problem = &problems[0];
    let message = "Google refused the contact. Once that is put right it is carried over; until then it is tried again by itself, ever more rarely.";
    assert_eq!(problem["message"], message);
    assert_eq!(problem["retry_at"], retried[0]["retry_at"]);
    let since = problem["created_at"].as_str();
    assert!(
        since.is_some() && since < problem["retry_at"].as_str(),
        "{problem}"
    );
    Ok(())
}

/// A connection is deactivated: it is gone with its state, and our access to its accounts is given back, but for those that
/// another connection uses.
#[tokio::test]
async fn deactivating_gives_access_back_where_nobody_else_needs_it() -> anyhow::Result<()> {
    let world = World::start(2).await?;
    let connection = world.connected(json!({})).await?;
    let made = world
        .sandbox
        .act(GOOGLE, "actions/group", json!({"name": "Zoho"}))
        .await?;
    let group = format!("group:{}", text(&made, "/resourceName")?);
    let second = world
        .api
        .authorise("zoho_crm", system_tests::world::ZOHO_LOGIN)
        .await?;
    let other = json!({"a": {"account": second}, "b": {"account": world.b, "collection": group}});
    let other = world.connect(other).await?;
    world.sandbox.mark().await?;
    let deactivate = async |connection: &str| {
        let path = format!("/v1/connections/{connection}?revoke=true");
        world.api.call(Method::DELETE, &path, None).await?.ok()
    };
    let accounts = async || {
        let all = world.api.list("/v1/accounts").await?;
        let mut ids: Vec<String> = all
            .iter()
            .map(|one| text(one, "/id"))
            .collect::<anyhow::Result<_>>()?;
        ids.sort();
        anyhow::Ok(ids)
    };
    deactivate(&connection).await?;
    let mut left = vec![world.b.clone(), second.clone()];
    left.sort();
    assert_eq!(accounts().await?, left);
    let revoked = world
        .sandbox
        .asked(ZOHO, "POST /oauth/v2/token/revoke")
        .await?;
    let kept = world.sandbox.asked(GOOGLE, "POST /revoke").await?;
    assert_eq!((revoked, kept), (1, 0));
    deactivate(&other).await?;
    assert_eq!(accounts().await?, Vec::<String>::new());
    assert_eq!(world.sandbox.asked(GOOGLE, "POST /revoke").await?, 1);
    let gone = world
        .api
        .call(Method::GET, &format!("/v1/connections/{other}"), None)
        .await?;
    assert_eq!(
        (gone.status, gone.body["code"].clone()),
        (404, Value::from("not_found"))
    );
    Ok(())
}

/// An end that is interrupted after access was given back can be repeated; until then nothing runs.
#[tokio::test]
async fn deactivating_can_be_repeated_after_a_crash() -> anyhow::Result<()> {
    let mut world = World::start(2).await?;
    let connection = world
        .connected(json!({"schedule": {"every": "60s"}}))
        .await?;
    let slow = json!({"provider": GOOGLE, "route": "POST /revoke", "times": 1,
        "fault": {"kind": "delay_ms", "ms": 4000}});
    let fault = world.sandbox.fault(slow).await?;
    let path = format!("/v1/connections/{connection}");
    let ending = format!("{path}?revoke=true");
    // Whoever asked hears nothing: the server dies meanwhile.
    let asked = world.api.call(Method::DELETE, &ending, None);
    let struck = until("the access is being given back", 20, async || {
        Ok((world.sandbox.struck(&fault).await? > 0).then_some(()))
    });
    tokio::select! {
        answer = asked => anyhow::bail!("it was answered: {answer:?}"),
        struck = struck => struck?,
    }
    world.crash().await?;
    let there = world.api.get(&path).await?;
    assert_eq!(there["status"]["is"], "paused", "{there}");
    assert_eq!(world.api.list("/v1/accounts").await?.len(), 2);
    let done = world.api.call(Method::DELETE, &ending, None).await?;
    assert_eq!(done.status, 204, "{}", done.body);
    let gone = world.api.call(Method::GET, &path, None).await?;
    assert_eq!(gone.status, 404);
    assert_eq!(world.api.list("/v1/accounts").await?, Vec::<Value>::new());
    Ok(())
}

/// A plan that the operator took away under a tenant: the connection goes on by what new tenants get, and its health says
/// so until the tenant is put on a plan that there is.
#[tokio::test]
async fn a_plan_that_is_taken_away_shows_in_the_health() -> anyhow::Result<()> {
    let usual = "[plans.enterprise]\npaid = true\nlimits.later = 1\n";
    let mut world = World::start(0).await?;
    world.stop().await?;
    world.set_plans(&format!("{usual}[plans.gold]\npaid = true"))?;
    world.start_again().await?;
    ensure!(
        world
            .operate(&["plans", "set", OWNER, "gold"])
            .await?
            .success
    );
    let connection = world.connected(json!({})).await?;
    let path = format!("/v1/connections/{connection}/health");
    let trouble = async |world: &World| {
        let health = world.api.get(&path).await?;
        anyhow::Ok((health["health"].clone(), health["plan_trouble"].clone()))
    };
    assert_eq!(trouble(&world).await?, (json!("healthy"), Value::Null));
    world.stop().await?;
    world.set_plans(usual)?;
    world.start_again().await?;
    let (word, words) = trouble(&world).await?;
    assert_eq!(word, "needs_attention");
    let words = words.as_str().unwrap_or_default();
    for part in [
        "`gold` is not there any more",
        "`enterprise`",
        "Ask whoever runs Syncline",
    ] {
        assert!(words.contains(part), "{words}");
    }
    assert_eq!(world.api.get("/v1/plan").await?["missing"], "gold");
    for name in ["Ann", "Ben", "Cid"] {
        world.sandbox.create(ZOHO, crm(name, json!({}))).await?;
    }
    world.api.sync(&connection).await?;
    assert_eq!(world.sandbox.live(GOOGLE).await?.len(), 1);
    ensure!(
        world
            .operate(&["plans", "set", OWNER, "enterprise"])
            .await?
            .success
    );
    assert_eq!(trouble(&world).await?, (json!("healthy"), Value::Null));
    Ok(())
}
