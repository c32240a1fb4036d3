//! Watches: asked for once, found by their token alone, and what a call of theirs makes due.

use chrono::{DateTime, Utc};
use secrecy::ExposeSecret as _;
use syncline_store::*;

use crate::harness::{Office, World, at, connection, uuid};

on_both!(
    a_watch_is_asked_for_by_one_and_again_when_it_is_due,
    a_call_makes_the_connections_of_its_collection_due,
);

fn new(office: &Office, token: u8, address: &str, due_at: DateTime<Utc>) -> NewWatch {
    NewWatch {
        account: office.accounts.a,
        collection: "view:1".into(),
        token_hash: [token; 32],
        address: address.into(),
        due_at,
    }
}

async fn a_watch_is_asked_for_by_one_and_again_when_it_is_due(world: World) {
    let office = world.office(10).await;
    let scope = &office.scope;
    let first = new(&office, 1, "https://here", at(100));
    assert_eq!(
        scope.watch_claim(&first, at(0)).await.expect("claim"),
        Some(None)
    );
    // It is known before the provider has answered, and asked for by nobody else.
    let found = async |token: u8| {
        world
            .store
            .watch_by_token(&[token; 32])
            .await
            .expect("read")
    };
    let there = found(1).await.expect("a watch");
    assert_eq!(
        (there.tenant, there.account),
        (office.tenant, office.accounts.a)
    );
    assert!(there.collection == "view:1" && there.secret.is_none());
    let second = new(&office, 2, "https://here", at(200));
    assert_eq!(
        scope.watch_claim(&second, at(99)).await.expect("claim"),
        None
    );
    assert!(found(2).await.is_none());
    let agreed = |id: &str, due: i64| AgreedWatch {
        remote_id: id.into(),
        secret: Some("s3cret".into()),
        due_at: at(due),
    };
    assert!(
        scope
            .watch_agree(&first, &agreed("hook-1", 300))
            .await
            .expect("agree")
    );
    let secret = found(1).await.expect("a watch").secret.expect("a secret");
    assert_eq!(secret.expose_secret(), "s3cret");
    assert_eq!(
        scope.watch_claim(&second, at(299)).await.expect("claim"),
        None
    );

    // When it is due, or we are reached elsewhere, there is another one, and the old token is nobody's.
    let earlier = scope.watch_claim(&second, at(300)).await.expect("claim");
    assert_eq!(earlier, Some(Some("hook-1".into())));
    assert!(found(1).await.is_none() && found(2).await.expect("a watch").secret.is_none());
    assert!(
        !scope
            .watch_agree(&first, &agreed("late", 900))
            .await
            .expect("agree")
    );
    assert!(
        scope
            .watch_agree(&second, &agreed("hook-2", 900))
            .await
            .expect("agree")
    );
    let moved = new(&office, 3, "https://there", at(400));
    let earlier = scope.watch_claim(&moved, at(301)).await.expect("claim");
    assert_eq!(earlier, Some(Some("hook-2".into())));

    let foreign = world.office(30).await;
    let stolen = NewWatch {
        token_hash: [4; 32],
        ..moved.clone()
    };
    let claimed = foreign.scope.watch_claim(&stolen, at(500)).await;
    assert!(
        matches!(claimed, Err(StoreError::Conflict { .. })),
        "{claimed:?}"
    );
    world.end().await;
}

async fn a_call_makes_the_connections_of_its_collection_due(world: World) {
    let office = world.office(10).await;
    let scope = &office.scope;
    let (id, account) = (office.connection, office.accounts.a);
    let mut other = connection(scope, uuid(90), office.pair, &office.accounts);
    other.sides.a.collection = Some("view:2".into());
    let kept = scope.connection_create(&other, Some(at(900)), None).await;
    kept.expect("a connection");
    let next = async |id| scope.connection_next_run_at(id).await.expect("read");
    let hasten = async |account, collection: &str, when| {
        let done = scope
            .connections_hasten(account, collection, at(when))
            .await;
        done.expect("hastened")
    };
    scope
        .connection_schedule_next(id, Some(at(900)))
        .await
        .expect("set");
    assert_eq!(hasten(account, "view:1", 50).await, 1);
    assert_eq!(
        (next(id).await, next(other.id).await),
        (Some(at(50)), Some(at(900)))
    );
    // A later call does not put it off, and is not forgotten when the run begins that is due before.
    assert_eq!(hasten(account, "view:1", 59).await, 1);
    assert_eq!(next(id).await, Some(at(50)));
    let after = async |now, then| {
        scope
            .connection_schedule_after(id, at(now), then)
            .await
            .expect("set")
    };
    after(50, Some(at(950))).await;
    assert_eq!(next(id).await, Some(at(59)));
    after(59, Some(at(959))).await;
    assert_eq!(next(id).await, Some(at(959)));
    // A side that names no collection may be on any.
    assert_eq!(hasten(office.accounts.b, "whatever", 70).await, 2);
    assert_eq!(
        (next(id).await, next(other.id).await),
        (Some(at(70)), Some(at(70)))
    );
    // What runs only when it is asked to, or not at all, stays so.
    after(100, None).await;
    scope
        .connection_pause(other.id, "by hand", at(100))
        .await
        .expect("paused");
    assert_eq!(hasten(office.accounts.b, "whatever", 110).await, 0);
    assert_eq!(next(id).await, None);
    let foreign = world.office(30).await;
    let none = foreign
        .scope
        .connections_hasten(account, "view:1", at(1))
        .await;
    assert_eq!(none.expect("none"), 0);
    world.end().await;
}
