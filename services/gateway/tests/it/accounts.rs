//! `/v1/accounts` and `/v1/oauth/callback`.

use reqwest::Method;
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

#[actix_web::test]
async fn a_collection_is_made_once_and_a_connection_takes_it() {
    let world = World::new().await;
    let ann = world.sign_up("ann@example.com").await;
    let google = ann.account("google_contacts").await;
    let path = format!("/v1/accounts/{google}/collections");
    let made = ann.post(&path, &json!({"name": " Creatio "})).await.ok(201);
    assert_eq!(made["name"], "Creatio", "{made}");
    assert_eq!(
        (&made["default"], &made["membership_writable"]),
        (&json!(false), &json!(true))
    );
    let again = ann.post(&path, &json!({"name": "Creatio"})).await.ok(200);
    assert_eq!(again, made);
    // With one key, what was answered first is answered again.
    for name in ["Sales", "Sales"] {
        let request = ann
            .request(Method::POST, &path)
            .json(&json!({ "name": name }));
        let answer = world.send(request.header("idempotency-key", "once")).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
    }
    let listed = ann.get(&path).await.ok(200);
    let listed = listed["data"].as_array().unwrap();
    let of = |name: &str| listed.iter().filter(|one| one["name"] == name).count();
    assert_eq!((of("Creatio"), of("Sales")), (1, 1), "{listed:?}");
    assert!(listed.contains(&made));

    let zoho = ann.account("zoho_crm").await;
    let body = json!({
        "name": "Sales", "a": {"account": zoho},
        "b": {"account": google, "collection": made["id"]},
    });
    let connection = ann.post("/v1/connections", &body).await.ok(201);
    assert_eq!(connection["b"]["collection"], made["id"], "{connection}");
    let log = ann.get("/v1/audit").await.ok(200);
    let entries = log["data"].as_array().unwrap().iter();
    let entries = entries.filter(|one| one["action"] == "create_account_collection");
    let told: Vec<_> = entries
        .map(|one| (&one["subject"], &one["status"]))
        .collect();
    let (id, status) = (json!(google), [json!(201), json!(200)]);
    assert_eq!(
        told,
        [(&id, &status[0]), (&id, &status[1]), (&id, &status[0])]
    );
}

#[actix_web::test]
async fn a_collection_that_cannot_be_made_is_refused_in_words() {
    let world = World::new().await;
    let ann = world.sign_up("ann@example.com").await;
    let google = ann.account("google_contacts").await;
    let path = format!("/v1/accounts/{google}/collections");
    let before = ann.get(&path).await.ok(200);
    for (name, why) in [
        (json!(""), "1 to 200 characters"),
        (json!(" \t "), "1 to 200 characters"),
        (json!("x".repeat(201)), "1 to 200 characters"),
        (json!("two\nlines"), "control characters"),
        (json!("My Contacts"), "Google refuses a group of that name"),
        (json!(1), "expected a string"),
    ] {
        let answer = ann.post(&path, &json!({ "name": name })).await;
        let problem = answer.problem(422, "validation_failed");
        assert_eq!(problem["errors"][0]["pointer"], "/name", "{problem}");
        let said = problem["detail"].as_str().unwrap();
        assert!(said.contains(why), "{said}");
    }
    for body in [json!({}), json!({"name": "x", "id": "y"})] {
        ann.post(&path, &body)
            .await
            .problem(422, "validation_failed");
    }
    assert_eq!(ann.get(&path).await.ok(200), before);
    let zoho = ann.account("zoho_crm").await;
    let path = format!("/v1/accounts/{zoho}/collections");
    let answer = ann.post(&path, &json!({"name": "Creatio"})).await;
    let problem = answer.problem(409, "wrong_state");
    let said = problem["detail"].as_str().unwrap();
    assert!(said.contains("Zoho CRM: make it there"), "{said}");
    let pending = ann
        .post("/v1/accounts", &json!({"provider": "google_contacts"}))
        .await
        .ok(201);
    let pending = pending["account"]["id"].as_str().unwrap();
    ann.post(
        &format!("/v1/accounts/{pending}/collections"),
        &json!({"name": "Creatio"}),
    )
    .await
    .problem(409, "account_not_active");
}
