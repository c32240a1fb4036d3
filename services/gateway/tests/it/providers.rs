//! `/v1/providers`.

use crate::world::World;

#[actix_web::test]
async fn providers_say_what_is_real() {
    let world = World::new().await;
    let ann = world.sign_up("ann@example.com").await;
    let all = ann.get("/v1/providers").await.ok(200);
    let ids: Vec<_> = all["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| p["id"].as_str().unwrap())
        .collect();
    assert!(ids.is_sorted() && ids.contains(&"zoho_crm"), "{ids:?}");
    let dav = ann.get("/v1/providers/carddav").await.ok(200);
    assert_eq!(dav["auth"], "password");
    let zoho = ann.get("/v1/providers/zoho_crm").await.ok(200);
    assert_eq!(zoho["auth"], "oauth2");
    assert!(zoho["capabilities"]["deletions"].is_array());
    for (one, can) in [(&dav, true), (&zoho, false)] {
        assert_eq!(one["capabilities"]["create_collection"], can, "{one}");
    }
    let mailchimp = ann.get("/v1/providers/mailchimp").await.ok(200);
    assert_eq!(mailchimp["capabilities"]["watch"], true);
    assert_eq!(zoho["capabilities"]["watch"], false);
    for id in ["nothing", "Zoho!", "..%2fx"] {
        let answer = ann.get(&format!("/v1/providers/{id}")).await;
        answer.problem(404, "not_found");
    }
}
