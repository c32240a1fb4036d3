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

    scope
        .watch_forget(office.accounts.a, "view:1")
        .await
        .expect("forgotten");
    assert!(found(3).await.is_none());
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
    let found = async |scope: &Scope, account, collection: &str| {
        let found = scope.connections_hintable(account, collection).await;
        let found = found.expect("read").into_iter();
        let told = found.map(|one| (one.connection.id, one.last_run_at));
        told.collect::<Vec<_>>()
    };
    office.lease(100).await;
    let ran = (id, Some(at(0)));
    assert_eq!(found(scope, account, "view:1").await, [ran]);
    assert_eq!(found(scope, account, "view:2").await, [(other.id, None)]);
    assert_eq!(found(scope, account, "view:3").await, []);
    // A side that names no collection may be on any.
    let b = office.accounts.b;
    assert_eq!(found(scope, b, "whatever").await, [ran, (other.id, None)]);
    let foreign = world.office(30).await;
    assert_eq!(found(&foreign.scope, account, "view:1").await, []);
    let hint = async |scope: &Scope, seconds| {
        scope
            .connection_hint(id, at(seconds))
            .await
            .expect("hinted")
    };
    assert!(!hint(&foreign.scope, 1).await);

    let next = async || scope.connection_next_run_at(id).await.expect("read");
    let set = async |next| scope.connection_schedule_next(id, next).await.expect("set");
    set(Some(at(900))).await;
    assert!(hint(scope, 50).await);
    assert_eq!(next().await, Some(at(50)));
    // A later call does not put it off, and is not forgotten when the run begins that is due before.
    assert!(hint(scope, 59).await);
    assert_eq!(next().await, Some(at(50)));
    let after = async |now, next: Option<i64>, rested| {
        let done = scope.connection_schedule_after(id, at(now), next.map(at), at(rested));
        done.await.expect("set");
    };
    after(50, Some(950), 51).await;
    assert_eq!(next().await, Some(at(59)));
    after(59, Some(959), 60).await;
    assert_eq!(next().await, Some(at(959)));
    // Not before the connection has rested, nor later than it would have run anyway.
    assert!(hint(scope, 70).await);
    after(65, Some(965), 125).await;
    assert_eq!(next().await, Some(at(125)));
    assert!(hint(scope, 130).await);
    after(126, Some(140), 190).await;
    assert_eq!(next().await, Some(at(140)));
    assert!(hint(scope, 160).await);
    after(150, None, 155).await;
    assert_eq!(next().await, None);
    // What runs only when it is asked to, or not at all, stays so.
    assert!(!hint(scope, 170).await);
    set(Some(at(900))).await;
    scope
        .connection_pause(id, "by hand", at(170))
        .await
        .expect("paused");
    assert!(!hint(scope, 180).await);
    scope.watch_forget(account, "view:1").await.expect("none");
    world.end().await;
}
