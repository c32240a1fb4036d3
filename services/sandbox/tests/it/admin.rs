//! The admin API.

use reqwest::Method;
use serde_json::json;

use crate::support::Bench;

#[tokio::test]
async fn accounts_are_opened_seeded_and_dumped_by_page() {
    let bench = Bench::with(0).await;
    let body = json!({"email": "bob@mail.example", "name": "Bob <b>", "seed": {"contacts": 25, "overlap": 40}});
    let (status, account) = bench.post("/_sandbox/google/accounts", body.clone()).await;
    assert_eq!((status, account["contacts"].as_u64()), (201, Some(25)));
    assert_eq!(bench.post("/_sandbox/google/accounts", body).await.0, 409);
    let at = format!(
        "/_sandbox/google/accounts/{}",
        account["id"].as_str().unwrap()
    );
    assert_eq!(
        bench
            .post(&format!("{at}/seed"), json!({"contacts": 5, "seed": 9}))
            .await
            .1,
        json!({"added": 5})
    );
    let (mut ids, mut after) = (Vec::new(), String::new());
    loop {
        let (_, page) = bench.get(&format!("{at}/contacts?limit=12{after}")).await;
        ids.extend(
            page["contacts"]
                .as_array()
                .unwrap()
                .iter()
                .map(|c| c["id"].as_str().unwrap().to_owned()),
        );
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    ids.dedup();
    assert_eq!(ids.len(), 30);
    let (_, index) = bench.get("/_sandbox").await;
    assert!(index.as_str().unwrap().contains("Bob &lt;b&gt;"));
    assert_eq!(bench.get("/_sandbox/nobody/accounts").await.0, 404);
    assert_eq!(
        bench.get("/_sandbox/google/accounts/7/contacts").await.0,
        404
    );
}

#[tokio::test]
async fn a_person_edits_deletes_and_restores() {
    let bench = Bench::with(0).await;
    let native = json!({"names": [{"givenName": "Ada"}], "emailAddresses": [{"value": "a@mail.example", "type": "home"}]});
    let (status, made) = bench.post(&bench.admin("/contacts"), native).await;
    assert_eq!(
        (status, made["neutral"]["given_name"].as_str()),
        (201, Some("Ada"))
    );
    let at = bench.admin(&format!("/contacts/{}", made["id"].as_str().unwrap()));
    let (_, edited) = bench
        .call(
            Method::PATCH,
            &at,
            Some(json!({"names": [{"givenName": "Eva"}], "emailAddresses": null})),
        )
        .await;
    assert_eq!(
        (
            edited["neutral"]["given_name"].as_str(),
            &edited["neutral"]["emails"]
        ),
        (Some("Eva"), &json!([]))
    );
    assert_eq!(bench.call(Method::DELETE, &at, None).await.0, 204);
    assert_eq!(bench.call(Method::DELETE, &at, None).await.0, 404);
    assert_eq!(bench.get(&at).await.1["deleted"], true);
    assert_eq!(bench.call(Method::PATCH, &at, Some(json!({}))).await.0, 404);
    assert_eq!(
        bench
            .call(Method::POST, &format!("{at}/restore"), None)
            .await
            .1["deleted"],
        false
    );
    assert_eq!(
        bench
            .post(&bench.admin("/contacts"), json!({"shoes": []}))
            .await
            .0,
        400
    );
}

#[tokio::test]
async fn clock_counts_policies_and_tokens() {
    let bench = Bench::with(0).await;
    let (_, clock) = bench
        .post("/_sandbox/clock", json!({"advance_secs": 60}))
        .await;
    assert_eq!(
        clock,
        json!({"now": "2026-03-01T10:01:00Z", "frozen": true})
    );
    assert_eq!(
        bench
            .post("/_sandbox/clock", json!({"advance": 60}))
            .await
            .0,
        400
    );

    bench.ok("/v1/people/me?personFields=names").await;
    bench.create("A").await;
    let (_, report) = bench
        .get(&format!(
            "/_sandbox/requests?provider=google&account={}",
            bench.account
        ))
        .await;
    assert_eq!(
        (&report["total"], &report["reads"], &report["writes"]),
        (&json!(2), &json!(1), &json!(1))
    );
    bench
        .call(Method::POST, "/_sandbox/requests/mark", None)
        .await;
    assert_eq!(bench.get("/_sandbox/requests").await.1["total"], 0);

    let (status, policy) = bench
        .post("/_sandbox/google/oauth-policy", json!({"access_secs": 5}))
        .await;
    assert_eq!((status, policy["access_secs"].as_i64()), (200, Some(5)));
    let (status, issued) = bench
        .post(&bench.admin("/tokens"), json!({"scopes": ["x"]}))
        .await;
    assert_eq!((status, issued["expires_in"].as_i64()), (201, Some(5)));
    assert!(issued["refresh_token"].is_string());
    let (_, expired) = bench
        .call(Method::POST, &bench.admin("/expire-access-tokens"), None)
        .await;
    assert_eq!(expired, json!({"expired": 2}));
    let (status, answer) = bench
        .post(
            "/_sandbox/google/apps",
            json!({"client_id": "c", "client_secret": "s"}),
        )
        .await;
    assert_eq!((status, answer["client_id"].as_str()), (201, Some("c")));
    assert_eq!(
        bench
            .call(Method::DELETE, &bench.admin("/tokens"), None)
            .await
            .1,
        json!({"revoked": 2})
    );
}
