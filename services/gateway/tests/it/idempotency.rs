//! `Idempotency-Key`.

use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{Answer, Client, World};

async fn make(client: &Client<'_>, key: &str, body: &Value) -> Answer {
    let request = client.request(Method::POST, "/v1/accounts");
    let request = request.header("idempotency-key", key).json(body);
    client.world.send(request).await
}

#[actix_web::test]
async fn a_repeated_request_is_answered_again_and_not_done_again() {
    let world = World::new().await;
    let ann = world.sign_up("ann@example.com").await;
    let body = json!({"provider": "zoho_crm"});
    let first = make(&ann, "k1", &body).await;
    let second = make(&ann, "k1", &body).await;
    assert_eq!((second.status, &second.text), (201, &first.text));
    assert_eq!(second.header("idempotent-replayed"), Some("true"));
    assert_eq!(
        ann.get("/v1/accounts").await.ok(200)["data"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    make(&ann, "k1", &json!({"provider": "google_contacts"}))
        .await
        .problem(422, "idempotency_key_reused");
    make(&ann, &"k".repeat(256), &body)
        .await
        .problem(400, "invalid_parameter");
    let bob = world.sign_up("bob@example.com").await;
    let theirs = make(&bob, "k1", &body).await;
    assert_eq!(theirs.status, 201);
    assert_ne!(theirs.text, first.text, "a key is its caller's own");
    let problem = make(&ann, "k2", &json!({"provider": "acme"})).await;
    let again = make(&ann, "k2", &json!({"provider": "acme"})).await;
    assert_eq!(
        problem.problem(422, "validation_failed"),
        again.problem(422, "validation_failed")
    );
}

/// What holds a token or a key is answered once and kept nowhere, however its path is spelt.
#[actix_web::test]
async fn an_answer_with_a_secret_is_not_kept() {
    let world = World::new().await;
    let ann = world.sign_up("ann@example.com").await;
    let sign_in = json!({"email": "ann@example.com", "password": "correct horse"});
    let key = json!({"name": "robot", "scopes": ["read"]});
    let guest = json!({"email": "bob@example.com", "role": "viewer"});
    for (path, body, secret) in [
        ("/v1/sessions", &sign_in, "/access_token"),
        ("/v1/%73essions", &sign_in, "/access_token"),
        ("/v1/api-keys", &key, "/secret"),
        ("/v1/api%2Dkeys", &key, "/secret"),
        ("/v1/invitations", &guest, "/token"),
    ] {
        let ask = async || {
            let request = ann.request(Method::POST, path);
            let request = request.header("idempotency-key", "k1").json(body);
            let answer = world.send(request).await;
            assert_eq!(answer.header("idempotent-replayed"), None, "{path}");
            answer.ok(201).pointer(secret).unwrap().clone()
        };
        assert_ne!(ask().await, ask().await, "{path}");
    }
    let refresh = async |token: &Value| {
        let request = ann.request(Method::POST, "/v1/sessions/refresh");
        let body = json!({"refresh_token": token});
        let request = request.header("idempotency-key", "k1").json(&body);
        world.send(request).await
    };
    let session = world.post("/v1/sessions", &sign_in).await.ok(201);
    refresh(&session["refresh_token"]).await.ok(200);
    let again = refresh(&session["refresh_token"]).await;
    again.problem(401, "unauthenticated");
    for (n, status) in [(1, 201), (1, 409), (2, 201)] {
        let email = format!("new{n}@example.com");
        let body = json!({"organisation": "New", "email": email, "password": "correct horse"});
        let request = ann.request(Method::POST, "/v1/tenants");
        let request = request.header("idempotency-key", "k1").json(&body);
        assert_eq!(world.send(request).await.status, status);
    }
}
