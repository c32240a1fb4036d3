//! S-01: every operation of the OpenAPI document, without credentials and with another tenant's.

use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{Client, World};

/// What an operation's path names, among what a tenant has.
struct Victim {
    account: String,
    connection: String,
    run: String,
    api_key: String,
    member: String,
    invitation: String,
}

impl Victim {
    async fn new(client: &Client<'_>) -> Self {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let connection = client.connection().await;
        let id = text(&connection["id"]);
        let run = client
            .post(&format!("/v1/connections/{id}/runs"), &json!({}))
            .await
            .ok(202);
        let body = json!({"name": "robot", "scopes": ["read"]});
        let key = client.post("/v1/api-keys", &body).await.ok(201);
        let members = client.get("/v1/members").await.ok(200);
        let body = json!({"email": "new@example.com", "role": "viewer"});
        let invited = client.post("/v1/invitations", &body).await.ok(201);
        Self {
            account: text(&connection["a"]["account"]),
            connection: id,
            run: text(&run["id"]),
            api_key: text(&key["api_key"]["id"]),
            member: text(&members["data"][0]["id"]),
            invitation: text(&invited["invitation"]["id"]),
        }
    }

    /// A path with the victim's ids in it, and the same with ids that nobody has.
    fn paths(&self, path: &str) -> (String, String) {
        // A list that wants to know of what.
        let path = &match path.strip_suffix("/records") {
            Some(_) => format!("{path}?state=held"),
            None => path.to_owned(),
        };
        let none = |prefix: &str| format!("{prefix}_{}", "0".repeat(32));
        let (theirs, missing) = match path.split('/').nth(2).unwrap_or_default() {
            "accounts" => (self.account.clone(), none("acc")),
            "connections" => (self.connection.clone(), none("con")),
            "runs" => (self.run.clone(), none("run")),
            "api-keys" => (self.api_key.clone(), none("key")),
            "members" => (self.member.clone(), none("mem")),
            "invitations" => (self.invitation.clone(), none("inv")),
            "problems" => (none("prb"), none("prb")),
            "reviews" => (none("rev"), none("rev")),
            "conflicts" => (none("cfl"), none("cfl")),
            "records" => (none("lnk"), none("lnk")),
            "default-mapping" => {
                let with = |id: &str| format!("{path}?a={id}&b={id}");
                return (with(&self.account), with(&none("acc")));
            }
            other => panic!("a resource without a row in the matrix: {other}"),
        };
        (
            path.replace("{id}", &theirs),
            path.replace("{id}", &missing),
        )
    }
}

/// Every operation: path, method, operation id, and whether it needs credentials.
fn operations() -> Vec<(String, Method, String, bool)> {
    let document: Value = serde_json::from_str(&syncline_gateway::openapi().unwrap()).unwrap();
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let public = operation["security"] == json!([{}]);
            let id = operation["operationId"].as_str().unwrap().to_owned();
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            all.push((path.clone(), method, id, !public));
        }
    }
    all
}

/// A body with which the operation would work on one's own.
fn body(operation: &str) -> Value {
    match operation {
        "update_connection" | "create_account_collection" => json!({"name": "Stolen"}),
        "update_member" => json!({"role": "viewer"}),
        "resolve_conflict" => json!({"winner": "a"}),
        _ => json!({}),
    }
}

#[actix_web::test]
async fn nobody_gets_nothing() {
    let world = World::new().await;
    let mut open = Vec::new();
    for (path, method, id, needs) in operations() {
        let path = path.replace("{id}", "x");
        let request = world.request(method, &path).json(&body(&id));
        if needs {
            world.send(request).await.problem(401, "unauthenticated");
        } else {
            open.push(id);
        }
    }
    open.sort();
    let known = [
        "accept_invitation",
        "agree_to_authorization",
        "healthz",
        "hear_hook",
        "metrics",
        "oauth_callback",
        "openapi",
        "probe_hook",
        "readyz",
        "refresh_session",
        "sign_in",
        "sign_up",
    ];
    assert_eq!(open, known, "a new open operation needs a reason");
}

#[actix_web::test]
async fn what_is_someone_elses_is_not_there() {
    let world = World::new().await;
    let ann = world.sign_up("ann@example.com").await;
    let eve = world.sign_up("eve@example.com").await;
    let victim = Victim::new(&ann).await;
    let before = snapshot(&ann, &victim).await;
    let mut tried = 0;
    for (path, method, id, needs) in operations() {
        let names_something = path.contains('{') || path == "/v1/default-mapping";
        if !needs || !names_something || path.starts_with("/v1/providers") {
            continue;
        }
        let (theirs, missing) = victim.paths(&path);
        let ask = async |path: &str| {
            let request = eve
                .request(method.clone(), path)
                .header("if-match", "\"1\"");
            world.send(request.json(&body(&id))).await
        };
        let (theirs, missing) = (ask(&theirs).await, ask(&missing).await);
        theirs.problem(404, "not_found");
        assert_eq!(
            (theirs.status, theirs.text),
            (missing.status, missing.text),
            "{id}"
        );
        tried += 1;
    }
    assert!(tried >= 28, "{tried}");
    assert_eq!(
        snapshot(&ann, &victim).await,
        before,
        "nothing of the victim's changed"
    );
    for list in [
        "/v1/accounts",
        "/v1/connections",
        "/v1/api-keys",
        "/v1/invitations",
    ] {
        assert_eq!(eve.get(list).await.ok(200)["data"], json!([]), "{list}");
    }
    let other = format!("acc_{}", "0".repeat(32));
    let join = json!({"name": "x", "a": {"account": victim.account}, "b": {"account": other}});
    let answer = eve.post("/v1/connections", &join).await;
    let problem = answer.problem(422, "validation_failed");
    assert_eq!(problem["errors"][0]["pointer"], "/a/account");
    assert!(
        problem["detail"]
            .as_str()
            .unwrap()
            .contains("no such account"),
        "{problem}"
    );
}

async fn snapshot(ann: &Client<'_>, victim: &Victim) -> Vec<Value> {
    let mut all = Vec::new();
    for path in [
        format!("/v1/accounts/{}", victim.account),
        format!("/v1/connections/{}", victim.connection),
        format!("/v1/runs/{}", victim.run),
        "/v1/api-keys".to_owned(),
        "/v1/members".to_owned(),
        "/v1/invitations".to_owned(),
    ] {
        all.push(ann.get(&path).await.ok(200));
    }
    all
}
