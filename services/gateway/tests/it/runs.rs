//! `/v1/runs` and `/v1/connections/{id}/runs`.

use serde_json::json;
use syncline_coordination::{Phase, Progress, ProgressEvent};
use syncline_model::{Counters, Job, RunState};

use crate::world::World;

#[actix_web::test]
async fn a_run_is_asked_for_once_rung_for_and_cancelled() {
    let world = World::new().await;
    let ann = world.sign_up("ann@example.com").await;
    let connection = ann.connection().await;
    let runs = format!(
        "/v1/connections/{}/runs",
        connection["id"].as_str().unwrap()
    );
    let run = ann.post(&runs, &json!({})).await.ok(202);
    assert_eq!(run["state"], "queued");
    assert_eq!(run["trigger"], "manual");
    let again = ann.post(&runs, &json!({})).await.ok(202);
    assert_eq!(again["id"], run["id"], "one unfinished run at most");
    assert_eq!(ann.get(&runs).await.ok(200)["data"], json!([run]));
    let rung = world.queue.receive().await.unwrap();
    let Job::Run { run: id, .. } = rung.job;
    assert_eq!(json!(id), run["id"]);

    let path = format!("/v1/runs/{id}");
    let mut got = ann.get(&path).await.ok(200);
    let next = got.as_object_mut().unwrap().remove("next_run_at").unwrap();
    assert!(next.as_str() > run["created_at"].as_str(), "{next}");
    assert_eq!(got, run);
    assert_eq!(
        ann.get(&format!("{path}/changes")).await.ok(200),
        json!({"data": [], "next": null})
    );
    ann.post(&format!("{path}/approve"), &json!({}))
        .await
        .problem(409, "wrong_state");
    let cancelled = ann
        .post(&format!("{path}/cancel"), &json!({}))
        .await
        .ok(200);
    assert_eq!(cancelled["state"], "cancelled");
    ann.post(&format!("{path}/cancel"), &json!({}))
        .await
        .problem(409, "wrong_state");
}

#[actix_web::test]
async fn a_run_is_followed_until_it_is_over() {
    let world = World::new().await;
    let ann = world.sign_up("ann@example.com").await;
    let connection = ann.connection().await;
    let runs = format!(
        "/v1/connections/{}/runs",
        connection["id"].as_str().unwrap()
    );
    let run = ann.post(&runs, &json!({})).await.ok(202);
    let id: syncline_model::RunId = run["id"].as_str().unwrap().parse().unwrap();
    let request = ann.request(reqwest::Method::GET, &format!("/v1/runs/{id}/events"));
    let mut stream = request.send().await.unwrap();
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    let first = stream.chunk().await.unwrap().unwrap();
    assert!(first.starts_with(b"event: run\ndata: {"), "{first:?}");
    let report = |state| ProgressEvent {
        run: id,
        state,
        counters: Counters::default(),
        phase: Phase::Pull,
    };
    world
        .progress
        .publish(&report(RunState::Running))
        .await
        .unwrap();
    let second = stream.chunk().await.unwrap().unwrap();
    assert!(
        second.starts_with(b"event: progress\ndata: {"),
        "{second:?}"
    );
    ann.post(&format!("/v1/runs/{id}/cancel"), &json!({}))
        .await
        .ok(200);
    world
        .progress
        .publish(&report(RunState::Cancelled))
        .await
        .unwrap();
    let mut rest = String::new();
    while let Some(chunk) = stream.chunk().await.unwrap() {
        rest.push_str(std::str::from_utf8(&chunk).unwrap());
    }
    assert!(rest.contains("\"state\":\"cancelled\""), "{rest}");
}
