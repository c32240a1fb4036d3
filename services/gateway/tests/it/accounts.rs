//! `/v1/accounts` and `/v1/oauth/callback`.

use serde_json::{Value, json};

use crate::world::{ADA, World};

#[actix_web::test]
async fn an_account_is_opened_looked_into_and_given_back() {
    let world = World::new().await;
    let ann = world.sign_up("ann@example.com").await;
    let id = ann.account("google_contacts").await;
    let path = format!("/v1/accounts/{id}");
    let account = ann.get(&path).await.ok(200);
    assert_eq!(account["status"], json!({"is": "active"}));
    assert_eq!(account["identity"]["label"], ADA);
    assert_eq!(
        ann.get("/v1/accounts").await.ok(200)["data"],
        json!([account])
    );
    let collections = ann.get(&format!("{path}/collections")).await.ok(200);
    assert!(
        collections["data"]
            .as_array()
            .unwrap()
            .iter()
            .any(|c| c["default"] == true)
    );
    let fields = ann.get(&format!("{path}/fields")).await.ok(200);
    assert!(
        fields["data"]
            .as_array()
            .unwrap()
            .iter()
            .any(|f| f["standard"] == "family_name")
    );
    assert_eq!(ann.delete(&path).await.status, 204);
    ann.get(&path).await.problem(404, "not_found");
}

#[actix_web::test]
async fn a_pending_account_is_not_used() {
    let world = World::new().await;
    let ann = world.sign_up("ann@example.com").await;
    let body = json!({"provider": "zoho_crm"});
    let made = ann.post("/v1/accounts", &body).await.ok(201);
    assert_eq!(made["account"]["status"]["is"], "pending");
    assert_eq!(made["account"]["identity"], Value::Null);
    let path = format!("/v1/accounts/{}", made["account"]["id"].as_str().unwrap());
    let answer = ann.get(&format!("{path}/fields")).await;
    answer.problem(409, "account_not_active");
    let again = ann.post(&format!("{path}/authorize"), &json!({})).await;
    let page = ann.consent(&again, "allow").await;
    assert_eq!(page.status, 200, "{}", page.text);
    ann.get(&format!("{path}/fields")).await.ok(200);
}

/// S-11: a state is good once, refusals are told in words, and nothing of the query comes back as markup.
#[actix_web::test]
async fn the_way_back_is_believed_in_nothing_but_its_state() {
    let world = World::new().await;
    let ann = world.sign_up("ann@example.com").await;
    let body = json!({"provider": "google_contacts"});
    let made = ann.post("/v1/accounts", &body).await;
    let page = ann.consent(&made, "deny").await;
    assert_eq!(page.status, 400);
    assert!(page.text.contains("not granted"), "{}", page.text);
    for query in [
        "",
        "?state=x&code=y",
        "?state=%3Cscript%3E&error=%3Cscript%3E",
        "?state=1&state=2",
    ] {
        let request = world.request(reqwest::Method::GET, &format!("/v1/oauth/callback{query}"));
        let page = world.send(request).await;
        assert_eq!(page.status, 400, "{query}");
        assert!(
            page.header("content-type")
                .unwrap()
                .starts_with("text/html")
        );
        assert!(
            page.header("content-security-policy")
                .unwrap()
                .contains("default-src 'none'")
        );
        assert!(!page.text.contains("<script>"));
    }
}

#[actix_web::test]
async fn an_unknown_provider_is_named_with_those_that_there_are() {
    let world = World::new().await;
    let ann = world.sign_up("ann@example.com").await;
    let answer = ann.post("/v1/accounts", &json!({"provider": "acme"})).await;
    let problem = answer.problem(422, "validation_failed");
    assert_eq!(problem["errors"][0]["pointer"], "/provider");
    assert!(
        problem["detail"].as_str().unwrap().contains("zoho_crm"),
        "{problem}"
    );
}
