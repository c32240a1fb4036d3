//! `/v1/connections`, `/v1/default-mapping` and `/v1/compatible-kinds`.

use serde_json::{Value, json};

use crate::world::{Answer, World};

fn pointers(answer: &Answer) -> Vec<String> {
    let problem = answer.problem(422, "validation_failed");
    let errors = problem["errors"].as_array().unwrap();
    errors
        .iter()
        .map(|e| e["pointer"].as_str().unwrap().to_owned())
        .collect()
}

#[actix_web::test]
async fn a_connection_lives_from_creation_to_deletion() {
    let world = World::new().await;
    let ann = world.sign_up("ann@example.com").await;
    let made = ann.connection().await;
    assert_eq!(made["status"], json!({"is": "active"}));
    assert_eq!(made["mapping"], "default");
    assert_eq!(made["schedule"], json!({"every": "5m"}));
    assert!(
        made["a"]["collection"].is_string(),
        "the default is pinned: {made}"
    );
    let path = format!("/v1/connections/{}", made["id"].as_str().unwrap());
    let got = ann.get(&path).await;
    let tag = got.header("etag").unwrap().to_owned();
    assert_eq!(got.ok(200), made);
    assert_eq!(
        ann.get("/v1/connections").await.ok(200)["data"],
        json!([made])
    );

    let health = ann.get(&format!("{path}/health")).await.ok(200);
    assert_eq!(health["health"], "healthy");
    assert!(
        health["next_run_at"].is_string(),
        "the first run is due: {health}"
    );
    let mapping = ann.get(&format!("{path}/default-mapping")).await.ok(200);
    assert!(!mapping["data"].as_array().unwrap().is_empty());

    let renamed = ann.patch(&path, &tag, &json!({"name": "Renamed"})).await;
    assert_ne!(renamed.header("etag"), Some(tag.as_str()));
    assert_eq!(renamed.ok(200)["name"], "Renamed");
    ann.patch(&path, &tag, &json!({"name": "Lost"}))
        .await
        .problem(412, "version_mismatch");

    let account = format!("/v1/accounts/{}", made["a"]["account"].as_str().unwrap());
    ann.delete(&account).await.problem(409, "account_in_use");
    let paused = ann.post(&format!("{path}/pause"), &json!({})).await.ok(200);
    assert_eq!(paused["status"]["is"], "paused");
    ann.post(&format!("{path}/runs"), &json!({}))
        .await
        .problem(409, "wrong_state");
    let resumed = ann
        .post(&format!("{path}/resume"), &json!({}))
        .await
        .ok(200);
    assert_eq!(resumed["status"]["is"], "active");

    assert_eq!(ann.delete(&path).await.status, 204);
    ann.get(&path).await.problem(404, "not_found");
    assert_eq!(ann.delete(&account).await.status, 204);
}

#[actix_web::test]
async fn an_edit_needs_the_version_it_was_made_from() {
    let world = World::new().await;
    let ann = world.sign_up("ann@example.com").await;
    let made = ann.connection().await;
    let path = format!("/v1/connections/{}", made["id"].as_str().unwrap());
    let request = ann
        .request(reqwest::Method::PATCH, &path)
        .json(&json!({"name": "x"}));
    world.send(request).await.problem(428, "version_required");
    ann.patch(&path, "*", &json!({"name": "x"}))
        .await
        .problem(400, "invalid_parameter");
    for tag in ["x", "1"] {
        let malformed = ann.patch(&path, tag, &json!({"name": "x"})).await;
        let why = malformed.problem(400, "invalid_parameter")["detail"].to_string();
        assert!(why.contains("with its quotes"), "{why}");
    }
    let sides = ann.patch(&path, "\"1\"", &json!({"a": made["b"]})).await;
    assert_eq!(pointers(&sides), ["/a"], "sides do not change");
    assert_eq!(ann.get(&path).await.ok(200), made);
}

/// What asks for nothing new puts nobody's version out of date.
#[actix_web::test]
async fn an_edit_that_changes_nothing_is_none() {
    let world = World::new().await;
    let ann = world.sign_up("ann@example.com").await;
    let made = ann.connection().await;
    let path = format!("/v1/connections/{}", made["id"].as_str().unwrap());
    for nothing in [json!({}), json!({"name": "Sales", "direction": "two_way"})] {
        let same = ann.patch(&path, "\"1\"", &nothing).await;
        assert_eq!(same.header("etag"), Some("\"1\""));
        assert_eq!(same.ok(200), made);
    }
    let edited = ann.patch(&path, "\"1\"", &json!({"name": "Other"})).await;
    assert_eq!(edited.header("etag"), Some("\"2\""));
    // Of what has members, those that are left out stay too.
    let wish = json!({"guards": {"deletions_min": 5}});
    ann.patch(&path, "\"2\"", &wish).await.ok(200);
    let wish = json!({"guards": {"shrink_percent": 7}, "deletions": {}});
    let guards = ann.patch(&path, "\"3\"", &wish).await.ok(200)["guards"].clone();
    assert_eq!(
        (&guards["deletions_min"], &guards["shrink_percent"]),
        (&json!(5), &json!(7))
    );
    ann.patch(&path, "\"1\"", &json!({}))
        .await
        .problem(412, "version_mismatch");
}

#[actix_web::test]
async fn a_connection_is_checked_against_the_accounts_as_they_are() {
    let world = World::new().await;
    let ann = world.sign_up("ann@example.com").await;
    let (a, b) = (
        ann.account("zoho_crm").await,
        ann.account("google_contacts").await,
    );
    let check = async |change: Value, want: &[&str], needle: &str| {
        let mut body = json!({"name": "x", "a": {"account": a}, "b": {"account": b}});
        for (name, value) in change.as_object().unwrap() {
            body[name] = value.clone();
        }
        let answer = ann.post("/v1/connections", &body).await;
        assert_eq!(pointers(&answer), want, "{}", answer.text);
        assert!(answer.text.contains(needle), "{}", answer.text);
    };
    let nobody = format!("acc_{}", "0".repeat(32));
    check(
        json!({"b": {"account": a}}),
        &["/b/account"],
        "another account",
    )
    .await;
    check(
        json!({"a": {"account": nobody}}),
        &["/a/account"],
        "no such account",
    )
    .await;
    check(json!({"a": {"account": "x"}}), &["/a/account"], "acc").await;
    check(
        json!({"b": {"account": b, "collection": "group:none"}}),
        &["/b/collection"],
        "There are:",
    )
    .await;
    check(
        json!({"rules": [{"from": "a", "if": [{"field": "Nope", "is": 1}]}]}),
        &["/rules/0/if/0/field"],
        "Nope",
    )
    .await;
    check(
        json!({"mapping": [{"a": "Nope", "b": "nicknames"}]}),
        &["/mapping/0/a"],
        "Nope",
    )
    .await;
    check(json!({"mapping": []}), &["/mapping"], "entries").await;
    let birthday = json!({"a": "Date_of_Birth", "b": "userDefined.born"});
    check(
        json!({"mapping": [birthday]}),
        &["/mapping/0"],
        "go together as a date only",
    )
    .await;
    let dated = json!({"a": "Date_of_Birth", "b": "userDefined.born", "as": "date", "dates": "yy"});
    check(json!({"mapping": [dated]}), &["/mapping"], "dd.mm.yyyy").await;
    let valued =
        json!({"a": "Lead_Source", "b": "nicknames", "values": [{"a": "Telepathy", "b": "x"}]});
    check(
        json!({"mapping": [valued]}),
        &["/mapping/0/values/0/a"],
        "it has: ",
    )
    .await;
    check(
        json!({"deletions": {"a_to_b": "explode"}}),
        &["/deletions/a_to_b"],
        "explode",
    )
    .await;
    check(
        json!({"direction": "a_to_b", "deletions": {"b_to_a": "delete"}}),
        &["/deletions/b_to_a"],
        "direction",
    )
    .await;
    check(json!({"schedule": {"every": "1s"}}), &["/schedule"], "60s").await;
    check(
        json!({"guards": {"shrink_percent": 101}}),
        &["/guards/shrink_percent"],
        "100",
    )
    .await;
    check(json!({"tenant": "x"}), &["/tenant"], "tenant").await;
    assert_eq!(ann.get("/v1/connections").await.ok(200)["data"], json!([]));
}

#[actix_web::test]
async fn the_same_two_collections_are_joined_once() {
    let world = World::new().await;
    let ann = world.sign_up("ann@example.com").await;
    let made = ann.connection().await;
    let body = json!({"name": "Mirror", "a": made["b"], "b": made["a"]});
    let answer = ann.post("/v1/connections", &body).await;
    answer.problem(409, "connection_exists");
    let between = format!(
        "/v1/default-mapping?a={}&b={}",
        made["a"]["account"].as_str().unwrap(),
        made["b"]["account"].as_str().unwrap()
    );
    let entries = ann.get(&between).await.ok(200);
    assert!(
        entries["data"]
            .as_array()
            .unwrap()
            .iter()
            .any(|e| e["a"] == "Last_Name"),
        "{entries}"
    );
}

#[actix_web::test]
async fn kinds_that_go_together_are_listed() {
    let world = World::new().await;
    let ann = world.sign_up("ann@example.com").await;
    let list = ann.get("/v1/compatible-kinds").await.ok(200);
    let pairs = list["data"].as_array().unwrap();
    let by = |a: &str, b: &str| pairs.iter().find(|pair| pair["a"] == a && pair["b"] == b);
    assert_eq!(
        by("text", "date"),
        Some(&json!({"a": "text", "b": "date", "by": "as", "as": "date", "flow": "both"}))
    );
    assert_eq!(
        by("choice", "bool"),
        Some(&json!({"a": "choice", "b": "bool", "by": "values", "flow": "both"}))
    );
    assert_eq!(
        by("text", "email"),
        Some(&json!({"a": "text", "b": "email", "by": "nothing", "flow": "both"}))
    );
    assert_eq!(by("date", "bool"), None);
}
