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
        "links?state=frozen",
        "problems?reason=rejected",
        "records?state=excluded",
        "records?state=waiting_for_limit&format=json",
    ] {
        let page = ann.get(&format!("{path}/{list}")).await.ok(200);
        assert_eq!(page, json!({"data": [], "next": null}), "{list}");
    }
    for (list, columns) in [
        ("links?format=csv", "id,a,b,state,"),
        ("problems?format=csv", "id,side,record,reason,"),
        ("conflicts?format=csv", "id,link,entry,a,b,"),
        ("records?state=held&format=csv", "side,record,state,"),
    ] {
        let table = ann.get(&format!("{path}/{list}")).await;
        let kind = table.header("content-type").unwrap();
        assert!(kind.starts_with("text/csv"), "{list}: {kind}");
        assert!(table.text.starts_with(columns), "{list}: {}", table.text);
        assert_eq!(table.text.lines().count(), 1, "{list}");
    }
    for list in [
        "links?limit=0",
        "links?limit=201",
        "links?limit=x",
        "links?after=con_1",
        "links?colour=red",
        "problems?status=odd",
        "conflicts?after=%00",
        "records",
        "records?state=odd",
        "records?state=held&after=c:1",
        "links?format=xml",
        "links?format=csv&after=con_1",
    ] {
        let answer = ann.get(&format!("{path}/{list}")).await;
        answer.problem(400, "invalid_parameter");
    }
}
