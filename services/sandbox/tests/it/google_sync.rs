//! `connections.list`: full listings, incremental sync, expiry, delay.

use std::collections::HashSet;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{ALL, Bench, id_of};

fn sync(answer: &Value) -> String {
    format!(
        "{ALL}&requestSyncToken=true&syncToken={}",
        answer["nextSyncToken"].as_str().unwrap()
    )
}

#[tokio::test]
async fn a_full_listing_has_everybody_once_in_every_order() {
    let bench = Bench::with(250).await;
    for order in [
        "",
        "LAST_MODIFIED_DESCENDING",
        "FIRST_NAME_ASCENDING",
        "LAST_NAME_ASCENDING",
    ] {
        let (people, last) = bench
            .list(&format!(
                "{ALL}&pageSize=60&sortOrder={order}&requestSyncToken=true"
            ))
            .await;
        let ids: HashSet<&str> = people.iter().map(id_of).collect();
        assert_eq!((people.len(), ids.len()), (250, 250), "{order}");
        assert_eq!(last["totalItems"], 250);
        let (changes, _) = bench
            .list(&format!("{}&sortOrder={order}", sync(&last)))
            .await;
        assert!(changes.is_empty(), "{order}");
    }
}

#[tokio::test]
async fn a_sync_has_what_changed_and_stubs_of_what_went() {
    let bench = Bench::with(30).await;
    let (people, last) = bench.list(&format!("{ALL}&requestSyncToken=true")).await;
    let (edited, gone) = (id_of(&people[3]), id_of(&people[5]));
    bench
        .call(
            Method::PATCH,
            &bench.admin(&format!("/contacts/{edited}")),
            Some(json!({"names": [{"givenName": "New"}]})),
        )
        .await;
    assert_eq!(
        bench
            .call(
                Method::DELETE,
                &bench.admin(&format!("/contacts/{gone}")),
                None
            )
            .await
            .0,
        204
    );
    let made = bench.create("Made").await;
    let (changes, next) = bench.list(&sync(&last)).await;
    let ids: Vec<&str> = changes.iter().map(id_of).collect();
    assert_eq!(ids, [edited, gone, id_of(&made)]);
    assert_eq!(changes[0]["names"][0]["displayName"], "New");
    assert_eq!(changes[1]["metadata"]["deleted"], true);
    assert_eq!(changes[1].get("names"), None);
    bench
        .call(
            Method::POST,
            &bench.admin(&format!("/contacts/{gone}/restore")),
            None,
        )
        .await;
    let (changes, last) = bench.list(&sync(&next)).await;
    assert_eq!(
        (changes.len(), changes[0]["metadata"].get("deleted")),
        (1, None)
    );
    assert!(bench.list(&sync(&last)).await.0.is_empty());
}

#[tokio::test]
async fn tokens_are_bound_to_their_parameters() {
    let bench = Bench::with(5).await;
    let first = bench
        .ok(&format!(
            "/v1/people/me/connections?{ALL}&pageSize=2&requestSyncToken=true"
        ))
        .await;
    let page = first["nextPageToken"].as_str().unwrap();
    let (_, last) = bench.list(&format!("{ALL}&requestSyncToken=true")).await;
    let token = last["nextSyncToken"].as_str().unwrap();
    for query in [
        format!("personFields=names&pageSize=2&requestSyncToken=true&pageToken={page}"),
        format!("{ALL}&pageSize=3&requestSyncToken=true&pageToken={page}"),
        format!("{ALL}&pageSize=2&requestSyncToken=true&pageToken=bogus"),
        format!("personFields=names&requestSyncToken=true&syncToken={token}"),
    ] {
        let (status, error) = bench
            .get(&format!("/v1/people/me/connections?{query}"))
            .await;
        assert_eq!(
            (status, error["error"]["message"].as_str()),
            (400, Some("Request contains an invalid argument.")),
            "{query}"
        );
    }
}

#[tokio::test]
async fn sync_tokens_expire_a_week_after_the_full_sync() {
    let bench = Bench::with(1).await;
    let (_, last) = bench.list(&format!("{ALL}&requestSyncToken=true")).await;
    bench.advance(6 * 24 * 3_600);
    let expect_expired = async |query: String| {
        let token = bench
            .sandbox
            .state()
            .core
            .oauth
            .issue("google", &bench.account, &[])
            .unwrap()
            .access_token;
        let url = bench.url(&format!("/v1/people/me/connections?{query}"));
        let response = bench.http.get(url).bearer_auth(token).send().await.unwrap();
        let status = response.status().as_u16();
        let body: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
        (
            status,
            body["error"]["details"][0]["reason"]
                .as_str()
                .unwrap_or("")
                .to_owned(),
            body,
        )
    };
    let (status, _, renewed) = expect_expired(sync(&last)).await;
    assert_eq!(status, 200);
    bench.advance(24 * 3_600);
    // The incremental sync did not prolong the token's life.
    for query in [sync(&last), sync(&renewed)] {
        let (status, reason, body) = expect_expired(query).await;
        assert_eq!(
            (status, reason.as_str()),
            (400, "EXPIRED_SYNC_TOKEN"),
            "{body}"
        );
        assert_eq!(body["error"]["status"], "FAILED_PRECONDITION");
    }
}

#[tokio::test]
async fn writes_show_late_when_asked_for() {
    let bench = Bench::with(3).await;
    bench.advance(60);
    bench
        .post(
            &bench.admin("/knobs"),
            json!({"propagation_delay_ms": 30_000}),
        )
        .await;
    let (people, last) = bench.list(&format!("{ALL}&requestSyncToken=true")).await;
    let id = id_of(&people[0]).to_owned();
    bench
        .call(
            Method::PATCH,
            &bench.admin(&format!("/contacts/{id}")),
            Some(json!({"names": [{"givenName": "Late"}]})),
        )
        .await;
    bench.create("Unseen").await;
    let (changes, next) = bench.list(&sync(&last)).await;
    assert!(changes.is_empty());
    let (full, during) = bench.list(&format!("{ALL}&requestSyncToken=true")).await;
    assert_eq!(full.len(), 3);
    let shown = full.iter().find(|p| id_of(p) == id).unwrap();
    assert_eq!(shown["names"], people[0]["names"]);
    assert_eq!(
        bench
            .ok(&format!("/v1/people/{id}?personFields=names"))
            .await["names"][0]["displayName"],
        "Late"
    );
    bench.advance(31);
    for token in [&last, &next, &during] {
        let (changes, _) = bench.list(&sync(token)).await;
        assert_eq!(changes.len(), 2, "{token}");
    }
}

#[tokio::test]
async fn a_contact_changed_between_pages_is_not_missed() {
    let bench = Bench::with(6).await;
    let query = format!("{ALL}&pageSize=2&requestSyncToken=true");
    let (before, _) = bench.list(&query).await;
    let first = bench
        .ok(&format!("/v1/people/me/connections?{query}"))
        .await;
    let id = id_of(&before[3]);
    bench
        .call(
            Method::PATCH,
            &bench.admin(&format!("/contacts/{id}")),
            Some(json!({"names": [{"givenName": "Moved"}]})),
        )
        .await;
    let page = first["nextPageToken"].as_str().unwrap().to_owned();
    let (mut ids, mut token) = (HashSet::new(), Some(page));
    ids.extend(
        first["connections"]
            .as_array()
            .unwrap()
            .iter()
            .map(|p| id_of(p).to_owned()),
    );
    while let Some(page) = token {
        let answer = bench
            .ok(&format!(
                "/v1/people/me/connections?{query}&pageToken={page}"
            ))
            .await;
        ids.extend(
            answer["connections"]
                .as_array()
                .unwrap()
                .iter()
                .map(|p| id_of(p).to_owned()),
        );
        token = answer["nextPageToken"].as_str().map(str::to_owned);
    }
    assert_eq!(ids.len(), 6);
}
