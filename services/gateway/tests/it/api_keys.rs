//! `/v1/api-keys`.

use serde_json::json;

use crate::world::{Client, World};

async fn key<'a>(client: &Client<'a>, scopes: &[&str]) -> (Client<'a>, String) {
    let body = json!({"name": "robot", "scopes": scopes});
    let made = client.post("/v1/api-keys", &body).await.ok(201);
    let robot = Client {
        world: client.world,
        token: made["secret"].as_str().unwrap().to_owned(),
    };
    (robot, made["api_key"]["id"].as_str().unwrap().to_owned())
}

#[actix_web::test]
async fn a_key_may_do_what_it_was_given_until_it_is_revoked() {
    let world = World::new().await;
    let ann = world.sign_up("ann@example.com").await;
    let (robot, id) = key(&ann, &["read"]).await;
    assert!(robot.token.starts_with("sk_"));
    robot.get("/v1/connections").await.ok(200);
    let body = json!({"provider": "zoho_crm"});
    robot
        .post("/v1/accounts", &body)
        .await
        .problem(403, "forbidden");
    robot.get("/v1/api-keys").await.problem(403, "forbidden");
    let listed = ann.get("/v1/api-keys").await;
    assert!(!listed.text.contains(&robot.token));
    assert_eq!(listed.ok(200)["data"][0]["scopes"], json!(["read"]));
    let revoked = ann.delete(&format!("/v1/api-keys/{id}")).await;
    assert_eq!(revoked.status, 204);
    robot
        .get("/v1/connections")
        .await
        .problem(401, "unauthenticated");
}

#[actix_web::test]
async fn no_key_gives_more_than_it_has() {
    let world = World::new().await;
    let ann = world.sign_up("ann@example.com").await;
    let (robot, _) = key(&ann, &["admin"]).await;
    let more = json!({"name": "x", "scopes": ["admin", "write"]});
    robot
        .post("/v1/api-keys", &more)
        .await
        .problem(403, "forbidden");
    let unknown = json!({"name": "x", "scopes": ["root"]});
    let answer = ann.post("/v1/api-keys", &unknown).await;
    assert_eq!(
        answer.problem(422, "validation_failed")["errors"][0]["pointer"],
        "/scopes/0"
    );
}

/// S-10: malformed, unknown and empty keys are all refused alike.
#[actix_web::test]
async fn keys_that_are_none_are_refused() {
    let world = World::new().await;
    for token in ["sk_", "sk_x", &format!("sk_{}", "A".repeat(43)), "x"] {
        let nobody = Client {
            world: &world,
            token: token.to_owned(),
        };
        let answer = nobody.get("/v1/accounts").await;
        answer.problem(401, "unauthenticated");
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
    }
}
