//! What those who watch over the installation ask.

use serde_json::json;
use syncline_model::*;
use syncline_platform::seal::KeyRing;
use syncline_store::*;

use crate::harness::{World, at, remote, uuid};

on_both!(
    lag_and_outbox_are_told_over_all_tenants,
    keys_of_another_ring_do_not_fit,
);

async fn lag_and_outbox_are_told_over_all_tenants(world: World) {
    let store = &world.store;
    assert!(store.is_migrated().await.expect("migrated"));
    assert_eq!(store.vitals(at(0)).await.expect("none"), Vitals::default());
    let (office, other) = (world.office(10).await, world.office(20).await);
    let lag = async |now| store.vitals(at(now)).await.expect("vitals").due_since;
    assert_eq!(lag(-1).await, None, "nothing is due yet");
    assert_eq!(lag(5).await, Some(at(0)), "a connection is");
    // Both are taken up: what is executed is not late any more.
    let lease = office.lease(100).await;
    other.lease(200).await;
    assert_eq!(lag(9).await, None);
    let intent = Intent {
        operation: OperationId::from_uuid(uuid(300)),
        side: Side::B,
        kind: IntentKind::Create,
        link: None,
        source: Some(remote("a1")),
        remote: None,
        payload: json!({}),
        intended_at: at(3),
    };
    let intentions = Intentions {
        links: Vec::new(),
        intents: vec![intent],
        conflicts: Vec::new(),
    };
    office
        .scope
        .intend(&lease, &intentions)
        .await
        .expect("intend");
    let release = Release {
        due_at: at(20),
        progress: json!({}),
        error: None,
        attempts: 1,
    };
    office
        .scope
        .run_release(&lease, &release)
        .await
        .expect("release");
    let expect = |due_since| Vitals {
        due_since,
        open_intents: 1,
        oldest_intent: Some(at(3)),
    };
    assert_eq!(store.vitals(at(19)).await.expect("early"), expect(None));
    assert_eq!(
        store.vitals(at(25)).await.expect("late"),
        expect(Some(at(20))),
        "a run that waits for a worker"
    );
    world.end().await;
}

async fn keys_of_another_ring_do_not_fit(world: World) {
    let other = async || {
        Store::open(&world.url, KeyRing::generate())
            .await
            .expect("open")
    };
    let stranger = other().await;
    stranger.keys_fit().await.expect("nothing is sealed yet");
    world.tenant(10).await;
    world.store.keys_fit().await.expect("its own ring");
    let refused = stranger.keys_fit().await;
    assert!(
        matches!(refused, Err(StoreError::Corrupt(_))),
        "{refused:?}"
    );
    stranger.close().await;
    world.end().await;
}

#[tokio::test]
async fn an_empty_database_is_not_migrated() {
    let store = Store::open("sqlite::memory:", KeyRing::generate()).await;
    let store = store.expect("open");
    assert!(!store.is_migrated().await.expect("asked"));
    store.migrate().await.expect("migrate");
    assert!(store.is_migrated().await.expect("asked"));
}
