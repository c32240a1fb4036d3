//! Whatever is wrong with a request, the answer is a problem and never a 500 (S-20).

use reqwest::Method;
use serde_json::json;

use crate::world::World;

#[actix_web::test]
async fn every_failure_is_a_problem() {
    let world = World::new().await;
    let ann = world.sign_up("ann@example.com").await;
    let raw = async |kind: &str, body: String| {
        let request = ann.request(Method::POST, "/v1/accounts");
        world
            .send(request.header("content-type", kind).body(body))
            .await
    };
    raw("application/json", "{".into())
        .await
        .problem(400, "malformed_json");
    raw("application/json", String::new())
        .await
        .problem(400, "malformed_json");
    raw("application/json", "[".repeat(100_000))
        .await
        .problem(400, "malformed_json");
    raw("application/json", "\u{0}".into())
        .await
        .problem(400, "malformed_json");
    raw("text/plain", "{}".into())
        .await
        .problem(415, "unsupported_media_type");
    let large = format!("\"{}\"", "x".repeat(1024 * 1024));
    raw("application/json", large)
        .await
        .problem(413, "body_too_large");
    ann.get("/v1/nothing").await.problem(404, "not_found");
    ann.get("/nothing").await.problem(404, "not_found");
    ann.get("/v1/accounts/../../etc/passwd")
        .await
        .problem(404, "not_found");
    let put = ann.request(Method::PUT, "/v1/accounts");
    let answer = world.send(put).await;
    answer.problem(405, "method_not_allowed");
    assert_eq!(answer.header("allow"), Some("GET, HEAD, POST"));
    for id in [
        "x",
        "acc_",
        "con_00000000000000000000000000000000",
        "%00",
        "'; drop table accounts",
    ] {
        ann.get(&format!("/v1/accounts/{id}"))
            .await
            .problem(404, "not_found");
    }
    let many = ann.get("/v1/accounts?limit=many").await;
    let many = many.problem(400, "invalid_parameter");
    assert_eq!(
        many["detail"],
        "The query is not valid: `limit` is a whole number from 1 to 200."
    );
    // Not routed yet.
    let preview = "/v1/connections/con_00000000000000000000000000000000/preview";
    ann.post(preview, &json!({}))
        .await
        .problem(404, "not_found");
}

#[actix_web::test]
async fn answers_carry_an_id_of_ours_and_no_leave_for_other_origins() {
    let world = World::new().await;
    let request = world.request(Method::GET, "/healthz");
    let request = request
        .header("origin", "https://evil.example")
        .header("x-request-id", "mine");
    let answer = world.send(request).await;
    assert_eq!(answer.header("x-request-id").unwrap().len(), 32);
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(answer.header("access-control-allow-origin"), None);
    answer.ok(200);
}

#[actix_web::test]
async fn only_one_good_bearer_token_is_credentials() {
    let world = World::new().await;
    let ann = world.sign_up("ann@example.com").await;
    for value in [
        "",
        "Bearer",
        "Bearer ",
        "Basic YTpi",
        &format!("Token {}", ann.token),
    ] {
        let request = world
            .request(Method::GET, "/v1/accounts")
            .header("authorization", value);
        world.send(request).await.problem(401, "unauthenticated");
    }
    let twice = ann
        .request(Method::GET, "/v1/accounts")
        .header("authorization", "Bearer x");
    world.send(twice).await.problem(401, "unauthenticated");
    let in_query = format!("/v1/accounts?access_token={}", ann.token);
    let request = world.request(Method::GET, &in_query);
    world.send(request).await.problem(401, "unauthenticated");
}

/// `HEAD` answers as `GET` does, but for the body.
#[actix_web::test]
async fn head_is_get_without_a_body() {
    let world = World::new().await;
    let ann = world.sign_up("ann@example.com").await;
    let connection = ann.connection().await;
    let path = format!("/v1/connections/{}", connection["id"].as_str().unwrap());
    let run = ann.post(&format!("{path}/runs"), &json!({})).await.ok(202);
    for path in [
        "/healthz".to_owned(),
        "/openapi.json".to_owned(),
        "/v1/providers".to_owned(),
        path.clone(),
        format!("{path}/links?format=csv"),
        // It would go on for as long as the run does.
        format!("/v1/runs/{}/events", run["id"].as_str().unwrap()),
        "/v1/connections/con_00000000000000000000000000000000".to_owned(),
    ] {
        let head = world.send(ann.request(Method::HEAD, &path)).await;
        assert_eq!(head.text, "", "{path}");
        if path.ends_with("/events") {
            assert_eq!(head.status, 200);
            continue;
        }
        let get = ann.get(&path).await;
        assert_eq!(head.status, get.status, "{path}");
        for name in ["content-type", "content-length", "etag", "cache-control"] {
            assert_eq!(head.header(name), get.header(name), "{path} {name}");
        }
    }
    let nobody = world.request(Method::HEAD, &path);
    assert_eq!(world.send(nobody).await.status, 401);
    let keys = ann.request(Method::HEAD, "/v1/sessions");
    assert_eq!(world.send(keys).await.status, 405);
}
