//! S-18: `/v1/audit`.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::world::{Client, World};

/// The newest entries: (actor, action, subject, status).
async fn log(client: &Client<'_>) -> Vec<Value> {
    let page = client.get("/v1/audit?limit=200").await.ok(200);
    page["data"].as_array().unwrap().clone()
}

#[actix_web::test]
async fn who_changed_what_is_told() {
    let world = World::new().await;
    let ann = world.sign_up("ann@example.com").await;
    let connection = ann.connection().await;
    let id = connection["id"].as_str().unwrap();
    let path = format!("/v1/connections/{id}");
    ann.post(&format!("{path}/pause"), &json!({})).await.ok(200);
    let body = json!({"name": "reader", "scopes": ["read"]});
    let key = ann.post("/v1/api-keys", &body).await.ok(201);
    let robot = Client {
        world: &world,
        token: key["secret"].as_str().unwrap().to_owned(),
    };
    robot
        .post(&format!("{path}/resume"), &json!({}))
        .await
        .problem(403, "forbidden");
    robot.get("/v1/audit").await.problem(403, "forbidden");
    // Asked twice with one key, done once.
    let again = || async {
        let request = ann.request(reqwest::Method::POST, &format!("{path}/resume"));
        world.send(request.header("idempotency-key", "once")).await
    };
    assert_eq!((again().await.status, again().await.status), (200, 200));
    // What changes nothing is not entered: reads, and what could not be.
    ann.get(&path).await.ok(200);
    ann.delete("/v1/connections/con_00000000000000000000000000000000")
        .await
        .problem(404, "not_found");
    assert_eq!(ann.delete(&path).await.status, 204);

    let member = connection_maker(&log(&ann).await);
    let robot_id = &key["api_key"]["id"];
    let (a, b) = (&connection["a"]["account"], &connection["b"]["account"]);
    let (id, member_id) = (json!(id), json!(member));
    let expect = [
        (&member_id, "delete_connection", &id, 204),
        (&member_id, "resume_connection", &id, 200),
        (robot_id, "resume_connection", &id, 403),
        (&member_id, "create_api_key", robot_id, 201),
        (&member_id, "pause_connection", &id, 200),
        (&member_id, "create_connection", &id, 201),
        (&member_id, "oauth_callback", b, 200),
        (&member_id, "create_account", b, 201),
        (&member_id, "oauth_callback", a, 200),
        (&member_id, "create_account", a, 201),
        (&member_id, "sign_up", &member_id, 201),
    ];
    let entries = log(&ann).await;
    let told: Vec<_> = entries
        .iter()
        .map(|entry| {
            let action = entry["action"].as_str().unwrap();
            (
                &entry["actor"],
                action,
                &entry["subject"],
                entry["status"].as_i64().unwrap(),
            )
        })
        .collect();
    assert_eq!(told, expect);
    assert!(entries.iter().all(|entry| entry["network"] == "127.0.0.1"));
    assert!(entries.iter().all(|entry| entry["at"].is_string()));
    let page = ann.get("/v1/audit?limit=4").await.ok(200);
    let rest = format!("/v1/audit?after={}", page["next"].as_str().unwrap());
    assert_eq!(
        ann.get(&rest).await.ok(200)["data"]
            .as_array()
            .unwrap()
            .len(),
        7
    );
}

/// What is refused by rule is entered like what is refused by role; looks, and requests that came too early, are not.
#[actix_web::test]
async fn refusals_by_rule_are_told_and_looks_are_not() {
    let world = World::new().await;
    let ann = world.sign_up("ann@example.com").await;
    let connection = ann.connection().await;
    let path = format!("/v1/connections/{}", connection["id"].as_str().unwrap());
    let account = connection["a"]["account"].as_str().unwrap();
    let before = log(&ann).await.len();
    let preview = format!("{path}/preview");
    ann.post(&preview, &json!({"conflict": "b_wins"}))
        .await
        .ok(200);
    ann.delete(&format!("/v1/accounts/{account}"))
        .await
        .problem(409, "account_in_use");
    let me = log(&ann).await[0]["actor"].as_str().unwrap().to_owned();
    ann.delete(&format!("/v1/members/{me}"))
        .await
        .problem(409, "last_owner");
    ann.patch(&path, "\"9\"", &json!({"conflict": "b_wins"}))
        .await
        .problem(412, "version_mismatch");
    let body = json!({"name": "reader", "scopes": ["read"]});
    let key = ann.post("/v1/api-keys", &body).await.ok(201);
    let robot = Client {
        world: &world,
        token: key["secret"].as_str().unwrap().to_owned(),
    };
    let refused = robot.post(&preview, &json!({})).await;
    refused.problem(403, "forbidden");
    let entries = log(&ann).await;
    let told: Vec<_> = entries[..entries.len() - before]
        .iter()
        .map(|entry| {
            (
                entry["action"].as_str().unwrap(),
                entry["status"].as_i64().unwrap(),
            )
        })
        .collect();
    let expect = [
        ("preview_connection", 403),
        ("create_api_key", 201),
        ("remove_member", 409),
        ("delete_account", 409),
    ];
    assert_eq!(told, expect);
}

/// A path that spells its letters otherwise is the same path.
#[actix_web::test]
async fn no_spelling_of_a_path_gets_past_the_log() {
    let world = World::new().await;
    let ann = world.sign_up("ann@example.com").await;
    let wrong = json!({"email": "ann@example.com", "password": "wrong horse"});
    for path in ["/%761/sessions", "/v1/%73essions"] {
        let answer = world.post(path, &wrong).await;
        answer.problem(401, "invalid_credentials");
        assert!(answer.header("ratelimit").is_some(), "{path}");
    }
    let tried = log(&ann).await;
    assert_eq!(
        tried.iter().filter(|entry| entry["status"] == 401).count(),
        2
    );
}

fn connection_maker(entries: &[Value]) -> String {
    let made = entries
        .iter()
        .find(|entry| entry["action"] == "create_connection");
    made.unwrap()["actor"].as_str().unwrap().to_owned()
}

#[actix_web::test]
async fn sign_ins_are_told_also_those_that_were_not() {
    let world = World::new().await;
    let ann = world.sign_up("ann@example.com").await;
    let eve = world.sign_up("eve@example.com").await;
    let sign_in = async |password: &str| {
        let body = json!({"email": "ann@example.com", "password": password});
        world.post("/v1/sessions", &body).await
    };
    sign_in("wrong horse")
        .await
        .problem(401, "invalid_credentials");
    let session = sign_in("correct horse").await.ok(201);
    let out = world.request(reqwest::Method::DELETE, "/v1/sessions");
    let out = out.bearer_auth(session["refresh_token"].as_str().unwrap());
    assert_eq!(world.send(out).await.status, 204);
    let member = &session["member"]["id"];
    let entries = log(&ann).await;
    let told: Vec<_> = entries
        .iter()
        .map(|entry| {
            (
                &entry["action"],
                &entry["actor"],
                &entry["subject"],
                &entry["status"],
            )
        })
        .collect();
    let expect = [
        ("sign_out", member.clone(), 204),
        ("sign_in", member.clone(), 201),
        ("sign_in", Value::Null, 401),
        ("sign_up", member.clone(), 201),
    ];
    let expect = expect.map(|(action, actor, status)| (json!(action), actor, json!(status)));
    let expect: Vec<_> = expect
        .iter()
        .map(|(action, actor, status)| (action, actor, member, status))
        .collect();
    assert_eq!(told, expect);
    assert_eq!(log(&eve).await.len(), 1, "their own sign-up");
}

/// Whatever changes something can be entered: every such operation of the API has a name that the log finds.
#[actix_web::test]
async fn no_operation_is_forgotten() {
    let world = World::new().await;
    let ann = world.sign_up("ann@example.com").await;
    let body = json!({"name": "reader", "scopes": ["read"]});
    let key = ann.post("/v1/api-keys", &body).await.ok(201);
    let robot = Client {
        world: &world,
        token: key["secret"].as_str().unwrap().to_owned(),
    };
    let before = log(&ann).await.len();
    let document: Value = serde_json::from_str(&syncline_gateway::openapi().unwrap()).unwrap();
    let mut changing = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let public = operation["security"] == json!([{}]);
            if method == "get" || public || path == "/v1/sessions" {
                continue;
            }
            changing.insert(operation["operationId"].as_str().unwrap().to_owned());
            let method = reqwest::Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            let id = document_id(path);
            let request = robot.request(method, &path.replace("{id}", &id));
            let request = request.header("if-match", "\"1\"").json(&json!({}));
            world.send(request).await.problem(403, "forbidden");
        }
    }
    let entries = log(&ann).await;
    let refused = &entries[..entries.len() - before];
    let told: BTreeSet<_> = refused
        .iter()
        .map(|entry| entry["action"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(told, changing);
    assert!(told.len() >= 12, "{told:?}");
}

/// An id of the kind that a path takes; nobody has it.
fn document_id(path: &str) -> String {
    let prefix = match path.split('/').nth(2).unwrap() {
        "accounts" => "acc",
        "connections" => "con",
        "runs" => "run",
        "api-keys" => "key",
        "members" => "mem",
        "invitations" => "inv",
        "conflicts" => "cfl",
        "problems" => "prb",
        "reviews" => "rev",
        other => panic!("a resource without a row: {other}"),
    };
    format!("{prefix}_{}", "0".repeat(32))
}
