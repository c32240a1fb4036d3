//! Faults, as a client suffers them.

use serde_json::{Value, json};

use crate::support::{ALL, Bench};

async fn fault(bench: &Bench, rule: Value) {
    let (status, answer) = bench.post("/_sandbox/faults", rule).await;
    assert_eq!(status, 201, "{answer}");
}

const LIST: &str = "GET /v1/people/me/connections";

#[tokio::test]
async fn a_status_strikes_after_and_times() {
    let bench = Bench::with(1).await;
    let rule = json!({"route": "GET /v1/people/{id}", "after": 1, "times": 1,
        "fault": {"kind": "status", "status": 503, "headers": {"Retry-After": "7"}}});
    fault(&bench, rule).await;
    let mut seen = Vec::new();
    for _ in 0..3 {
        let response = bench
            .http
            .get(bench.url("/v1/people/me?personFields=names"))
            .bearer_auth(&bench.token)
            .send()
            .await
            .unwrap();
        let retry = response
            .headers()
            .get("retry-after")
            .map(|v| v.to_str().unwrap().to_owned());
        seen.push((response.status().as_u16(), retry));
    }
    assert_eq!(seen, [(200, None), (503, Some("7".into())), (200, None)]);
    let (_, report) = bench.get("/_sandbox/requests").await;
    let counts: Vec<(u64, u64)> = report["counts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| (c["status"].as_u64().unwrap(), c["count"].as_u64().unwrap()))
        .collect();
    assert_eq!(counts, [(200, 2), (503, 1)]);
}

#[tokio::test]
async fn a_lost_answer_did_its_work_and_a_reset_did_not() {
    let bench = Bench::with(0).await;
    let create = async || {
        let request = bench
            .http
            .post(bench.url("/v1/people:createContact"))
            .bearer_auth(&bench.token);
        request
            .json(&json!({"names": [{"givenName": "Once"}]}))
            .send()
            .await
            .map(|r| r.status().as_u16())
            .ok()
    };
    let live = || bench.sandbox.state().provider("google").unwrap().accounts()[0].contacts;
    fault(
        &bench,
        json!({"method": "POST", "times": 1, "fault": {"kind": "reset_before"}}),
    )
    .await;
    assert_eq!((create().await, live()), (None, 0));
    fault(
        &bench,
        json!({"method": "POST", "times": 1, "fault": {"kind": "lost_answer"}}),
    )
    .await;
    assert_eq!((create().await, live()), (None, 1));
    fault(
        &bench,
        json!({"method": "POST", "times": 1, "fault": {"kind": "lost_answer", "status": 502}}),
    )
    .await;
    assert_eq!((create().await, live()), (Some(502), 2));
    assert_eq!((create().await, live()), (Some(200), 3));
}

#[tokio::test]
async fn listings_are_cut_shuffled_and_replaced() {
    let bench = Bench::with(40).await;
    let path = format!("/v1/people/me/connections?{ALL}&requestSyncToken=true");
    let whole = bench.ok(&path).await;
    fault(
        &bench,
        json!({"route": LIST, "times": 1, "fault": {"kind": "truncate_listing"}}),
    )
    .await;
    let cut = bench.ok(&path).await;
    assert_eq!(
        (
            cut["connections"].as_array().unwrap().len(),
            cut.get("nextSyncToken")
        ),
        (20, None)
    );
    fault(
        &bench,
        json!({"route": LIST, "times": 1, "fault": {"kind": "shuffle"}}),
    )
    .await;
    let mixed = bench.ok(&path).await;
    assert_ne!(mixed["connections"], whole["connections"]);
    assert_eq!(mixed["connections"].as_array().unwrap().len(), 40);
    fault(
        &bench,
        json!({"route": LIST, "times": 1, "fault": {"kind": "html_body"}}),
    )
    .await;
    let (status, page) = bench.get(&path).await;
    assert!(status == 200 && page.as_str().unwrap().starts_with("<!DOCTYPE html>"));
    assert_eq!(bench.ok(&path).await["connections"], whole["connections"]);
}

#[tokio::test]
async fn tokens_die_on_demand() {
    let bench = Bench::with(2).await;
    let (_, last) = bench.list(&format!("{ALL}&requestSyncToken=true")).await;
    let sync = format!(
        "/v1/people/me/connections?{ALL}&syncToken={}",
        last["nextSyncToken"].as_str().unwrap()
    );
    assert_eq!(bench.get(&sync).await.0, 200);
    fault(
        &bench,
        json!({"route": LIST, "times": 1, "fault": {"kind": "stale_token"}}),
    )
    .await;
    let (status, error) = bench.get(&sync).await;
    assert_eq!(
        (status, error["error"]["details"][0]["reason"].as_str()),
        (400, Some("EXPIRED_SYNC_TOKEN"))
    );
    fault(
        &bench,
        json!({"account": bench.account, "times": 1, "fault": {"kind": "expire_access_tokens"}}),
    )
    .await;
    assert_eq!(bench.get("/v1/people/me?personFields=names").await.0, 401);
}

#[tokio::test]
async fn the_provider_reformats_phones_by_itself() {
    let bench = Bench::with(0).await;
    let body = json!({"phoneNumbers": [{"value": "+49 30 2312 5000"}]});
    let (_, made) = bench.post("/v1/people:createContact", body).await;
    let name = made["resourceName"].as_str().unwrap();
    let read = format!("/v1/{name}?personFields=phoneNumbers,metadata");
    let etag = |p: &Value| p["metadata"]["sources"][0]["etag"].clone();
    fault(
        &bench,
        json!({"times": 1, "fault": {"kind": "reformat_phones"}}),
    )
    .await;
    let after = bench.ok(&read).await;
    assert_eq!(after["phoneNumbers"][0]["value"], "+493023125000");
    assert_eq!(etag(&after), etag(&made));
}

#[tokio::test]
async fn overlapping_writes_are_counted() {
    let bench = Bench::with(0).await;
    fault(
        &bench,
        json!({"method": "POST", "fault": {"kind": "delay_ms", "ms": 300}}),
    )
    .await;
    let create = || {
        bench.post(
            "/v1/people:createContact",
            json!({"names": [{"givenName": "A"}]}),
        )
    };
    create().await;
    assert_eq!(
        bench.get("/_sandbox/requests").await.1["concurrent_mutations"],
        0
    );
    tokio::join!(create(), create());
    assert_eq!(
        bench.get("/_sandbox/requests").await.1["concurrent_mutations"],
        1
    );
}

#[tokio::test]
async fn misspelt_faults_are_refused() {
    let bench = Bench::with(0).await;
    for rule in [
        json!({"fault": {"kind": "explode"}}),
        json!({"fault": {"kind": "shuffle"}, "tmies": 1}),
        json!({"provider": "x", "fault": {"kind": "shuffle"}}),
    ] {
        let (status, _) = bench.post("/_sandbox/faults", rule.clone()).await;
        assert!(matches!(status, 400 | 404), "{rule}");
    }
}
