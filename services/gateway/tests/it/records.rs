//! Links, problems, conflicts and history, where there are none yet.

use serde_json::json;

use crate::world::World;

#[actix_web::test]
async fn lists_begin_empty_and_check_their_queries() {
    let world = World::new().await;
    let ann = world.sign_up("ann@example.com").await;
    let connection = ann.connection().await;
    let path = format!("/v1/connections/{}", connection["id"].as_str().unwrap());
    for list in [
        "links",
        "problems",
        "conflicts",
        "problems?status=open",
        "conflicts?status=resolved",
    ] {
        let page = ann.get(&format!("{path}/{list}")).await.ok(200);
        assert_eq!(page, json!({"data": [], "next": null}), "{list}");
    }
    for list in [
        "links?limit=0",
        "links?limit=201",
        "links?limit=x",
        "links?after=con_1",
        "links?colour=red",
        "problems?status=odd",
        "conflicts?after=%00",
    ] {
        let answer = ann.get(&format!("{path}/{list}")).await;
        answer.problem(400, "invalid_parameter");
    }
}
