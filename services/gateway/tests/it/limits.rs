//! Rate limits and the brake on guessing passwords (S-16).

use serde_json::json;
use syncline_gateway::LimitSettings;

use crate::world::{Client, World};

#[actix_web::test]
async fn a_tenant_is_held_to_its_quota_and_told_so() {
    let limits = LimitSettings {
        tenant: 3,
        ..LimitSettings::default()
    };
    let world = World::with(limits).await;
    let ann = world.sign_up("ann@example.com").await;
    let bob = world.sign_up("bob@example.com").await;
    for left in [2, 1, 0] {
        let answer = ann.get("/v1/connections").await;
        assert_eq!(
            answer.header("ratelimit-policy"),
            Some("\"tenant\";q=3;w=60")
        );
        assert_eq!(
            answer.header("ratelimit"),
            Some(format!("\"tenant\";r={left}").as_str())
        );
        answer.ok(200);
    }
    let refused = ann.get("/v1/connections").await;
    refused.problem(429, "too_many_requests");
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=20).contains(&wait), "{wait}");
    bob.get("/v1/connections").await.ok(200);
}

#[actix_web::test]
async fn a_key_has_a_quota_within_its_tenants() {
    let limits = LimitSettings {
        tenant: 100,
        api_key: 2,
        ..LimitSettings::default()
    };
    let world = World::with(limits).await;
    let ann = world.sign_up("ann@example.com").await;
    let body = json!({"name": "robot", "scopes": ["read"]});
    let made = ann.post("/v1/api-keys", &body).await.ok(201);
    let robot = Client {
        world: &world,
        token: made["secret"].as_str().unwrap().to_owned(),
    };
    for left in [1, 0] {
        let answer = robot.get("/v1/connections").await;
        assert_eq!(
            answer.header("ratelimit-policy"),
            Some("\"api-key\";q=2;w=60")
        );
        assert_eq!(
            answer.header("ratelimit"),
            Some(format!("\"api-key\";r={left}").as_str())
        );
        answer.ok(200);
    }
    let refused = robot.get("/v1/connections").await;
    refused.problem(429, "too_many_requests");
    let answer = ann.get("/v1/connections").await;
    assert_eq!(
        answer.header("ratelimit-policy"),
        Some("\"tenant\";q=100;w=60"),
        "the tenant has more"
    );
    answer.ok(200);
}

#[actix_web::test]
async fn guessing_a_password_is_slow() {
    let limits = LimitSettings {
        sign_in_address: 2,
        ..LimitSettings::default()
    };
    let world = World::with(limits).await;
    world.sign_up("ann@example.com").await;
    let guess = async |email: &str, password: &str| {
        let body = json!({"email": email, "password": password});
        world.post("/v1/sessions", &body).await
    };
    guess("ann@example.com", "wrong")
        .await
        .problem(401, "invalid_credentials");
    guess("ANN@example.com ", "wrong")
        .await
        .problem(401, "invalid_credentials");
    let third = guess("ann@example.com", "correct horse").await;
    third.problem(429, "too_many_requests");
    guess("bob@example.com", "wrong")
        .await
        .problem(401, "invalid_credentials");
}
