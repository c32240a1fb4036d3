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
