//! `/healthz`, `/readyz`, `/openapi.json`, `/docs`.

use reqwest::Method;
use serde_json::json;

use crate::world::World;

#[actix_web::test]
async fn the_process_says_how_it_is_and_what_it_offers() {
    let world = World::new().await;
    let get = async |path: &str| world.send(world.request(Method::GET, path)).await;
    assert_eq!(get("/healthz").await.ok(200), json!({"status": "ok"}));
    let parts = |parts: [&str; 4]| parts.map(|part| json!({"part": part, "status": "ok"}));
    assert_eq!(
        get("/readyz").await.ok(200),
        json!({"status": "ok", "parts": parts(["database", "keys", "queue", "coordination"])})
    );
    assert_eq!(get("/metrics").await.text, "syncline_ready 1\n");
    let document = get("/openapi.json").await.ok(200);
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(get("/docs").await.header("location"), Some("/docs/"));
    let page = get("/docs/").await;
    assert_eq!(page.status, 200);
    assert!(page.text.contains("swagger-ui"), "{}", page.text);
    world.store.close().await;
    let problem = get("/readyz").await.problem(503, "unavailable");
    assert_eq!(problem["parts"][0]["part"], "database");
    assert_eq!(problem["parts"][0]["status"], "unavailable");
    assert_eq!(
        problem["parts"][1]["status"], "ok",
        "the keys are not to blame"
    );
}
