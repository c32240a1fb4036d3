//! `/v1/sessions`.

use reqwest::Method;
use serde_json::json;

use crate::world::{Answer, World};

async fn sign_in(world: &World, email: &str, password: &str) -> Answer {
    let body = json!({"email": email, "password": password});
    world.post("/v1/sessions", &body).await
}

#[actix_web::test]
async fn a_member_signs_in_with_the_right_password_only() {
    let world = World::new().await;
    world.sign_up("ann@example.com").await;
    let session = sign_in(&world, "ANN@example.com", "correct horse")
        .await
        .ok(201);
    assert_eq!(session["tenant"]["name"], "Acme");
    let wrong = sign_in(&world, "ann@example.com", "wrong horse").await;
    let unknown = sign_in(&world, "bob@example.com", "correct horse").await;
    wrong.problem(401, "invalid_credentials");
    assert_eq!(wrong.text, unknown.text, "nobody learns who is a member");
}

#[actix_web::test]
async fn a_refresh_token_is_good_once_and_its_reuse_ends_the_session() {
    let world = World::new().await;
    world.sign_up("ann@example.com").await;
    let session = sign_in(&world, "ann@example.com", "correct horse")
        .await
        .ok(201);
    let refresh = async |token: &serde_json::Value| {
        let body = json!({ "refresh_token": token });
        world.post("/v1/sessions/refresh", &body).await
    };
    let second = refresh(&session["refresh_token"]).await.ok(200);
    assert_ne!(second["refresh_token"], session["refresh_token"]);
    refresh(&session["refresh_token"])
        .await
        .problem(401, "unauthenticated");
    refresh(&second["refresh_token"])
        .await
        .problem(401, "unauthenticated");
}

#[actix_web::test]
async fn signing_out_ends_the_session() {
    let world = World::new().await;
    world.sign_up("ann@example.com").await;
    let session = sign_in(&world, "ann@example.com", "correct horse")
        .await
        .ok(201);
    let token = session["refresh_token"].as_str().unwrap();
    let out = world.request(Method::DELETE, "/v1/sessions");
    let answer = world.send(out.bearer_auth(token)).await;
    assert_eq!(answer.status, 204, "{}", answer.text);
    let body = json!({ "refresh_token": token });
    let answer = world.post("/v1/sessions/refresh", &body).await;
    answer.problem(401, "unauthenticated");
    let with_access_token = world.request(Method::DELETE, "/v1/sessions");
    let access = session["access_token"].as_str().unwrap();
    let answer = world.send(with_access_token.bearer_auth(access)).await;
    answer.problem(401, "unauthenticated");
}
