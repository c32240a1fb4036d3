//! `/v1/tenants`.

use serde_json::json;

use crate::world::World;

#[actix_web::test]
async fn an_organisation_signs_up_once() {
    let world = World::new().await;
    let body =
        json!({"organisation": " Acme ", "email": "Ann@Example.com", "password": "correct horse"});
    let session = world.post("/v1/tenants", &body).await.ok(201);
    assert_eq!(session["tenant"]["name"], "Acme");
    assert_eq!(session["member"]["email"], "ann@example.com");
    assert_eq!(session["member"]["role"], "owner");
    assert_eq!(session["expires_in"], 900);
    let again = world.post("/v1/tenants", &body).await;
    again.problem(409, "email_taken");
}

#[actix_web::test]
async fn what_is_wrong_is_named() {
    let world = World::new().await;
    let check = async |body: serde_json::Value, pointers: &[&str]| {
        let answer = world.post("/v1/tenants", &body).await;
        let problem = answer.problem(422, "validation_failed");
        let got: Vec<_> = problem["errors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|error| error["pointer"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(got, pointers, "{body}");
    };
    check(
        json!({"organisation": " ", "email": "ann", "password": "short"}),
        &["/organisation", "/email", "/password"],
    )
    .await;
    check(
        json!({"organisation": 7, "email": "a@b.c", "password": "x"}),
        &["/organisation"],
    )
    .await;
    // S-17: what is not ours to set is refused, not ignored.
    check(
        json!({"organisation": "x", "email": "a@b.c", "password": "correct horse", "role": "root"}),
        &["/role"],
    )
    .await;
}
