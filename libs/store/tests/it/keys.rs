//! Which key of the ring wraps tenants' keys, and wrapping them anew beside those who use them.

use std::path::{Path, PathBuf};

use syncline_model::*;
use syncline_platform::seal::{KeyRing, KeyRingFile};
use syncline_store::*;

use crate::harness::{World, at, uuid};

on_both!(
    the_first_to_wrap_says_with_what,
    every_process_wraps_with_the_key_that_the_row_names,
    all_are_wrapped_anew_and_open_as_before,
    what_does_not_open_stays_as_it_is,
    who_is_overtaken_by_another_rotation_is_told,
    a_sign_up_and_a_rotation_at_once_leave_nothing_behind,
);

/// A ring in a file of its own, and stores of the world's database that read it, as processes do.
struct Ring {
    file: PathBuf,
    first: String,
}

impl Ring {
    fn make(world: &World) -> Self {
        let name = format!(
            "syncline_store_ring_{}",
            world.url.replace(['/', ':', '?'], "_")
        );
        let file = std::env::temp_dir().join(format!("{name}.toml"));
        let first = KeyRing::open_or_create(&file).expect("a ring").active();
        Self { file, first }
    }

    async fn process(&self, world: &World) -> Store {
        let ring = KeyRing::open(&self.file).expect("the ring");
        Store::open(&world.url, ring).await.expect("open")
    }

    fn add(&self) -> String {
        let mut file = KeyRingFile::hold(&self.file).expect("hold");
        file.add().expect("add")
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        for file in [&self.file, &self.file.with_extension("lock")] {
            drop(std::fs::remove_file(Path::new(file)));
        }
    }
}

async fn sign_up(store: &Store, n: u32) -> Result<TenantId> {
    let tenant = NewTenant {
        plan: "enterprise".into(),
        id: TenantId::from_uuid(uuid(n)),
        name: format!("Tenant {n}"),
        created_at: at(0),
    };
    let member = NewMember {
        id: MemberId::from_uuid(uuid(n + 1)),
        email: format!("owner{n}@example.test"),
        password_hash: "$argon2id$x".into(),
        role: syncline_model::Role::Owner,
    };
    store.signup(&tenant, &member).await?;
    Ok(tenant.id)
}

async fn using(store: &Store) -> (Option<String>, Vec<(String, u64)>) {
    let usage = store.key_use().await.expect("use");
    (usage.wrapping, usage.tenants.into_iter().collect())
}

async fn the_first_to_wrap_says_with_what(world: World) {
    let ring = Ring::make(&world);
    let store = ring.process(&world).await;
    assert_eq!(using(&store).await, (None, vec![]));
    sign_up(&store, 10).await.expect("sign up");
    let (first, one) = (ring.first.clone(), vec![(ring.first.clone(), 1)]);
    assert_eq!(using(&store).await, (Some(first), one.clone()));
    // The file's word does not count any more.
    let id = ring.add();
    let mut file = KeyRingFile::hold(&ring.file).expect("hold");
    file.activate(&id).expect("activate");
    let late = ring.process(&world).await;
    assert_eq!(
        late.key_use().await.expect("use").wrapping,
        Some(ring.first.clone())
    );
    sign_up(&late, 20).await.expect("sign up");
    assert_eq!(using(&store).await.1, [(ring.first.clone(), 2)]);
    late.close().await;
    store.close().await;
    world.end().await;
}

async fn every_process_wraps_with_the_key_that_the_row_names(world: World) {
    let ring = Ring::make(&world);
    let running = ring.process(&world).await;
    sign_up(&running, 10).await.expect("sign up");
    // One that cannot find the key wraps nothing, rather than with a key that may go.
    let copy = ring.file.with_extension("copy");
    std::fs::copy(&ring.file, &copy).expect("copy");
    let stale = KeyRing::open(&copy).expect("the copy");
    let stale = Store::open(&world.url, stale).await.expect("open");
    let id = ring.add();
    running.wrapping_key_set(&id).await.expect("set");
    let tenant = sign_up(&running, 20).await.expect("sign up");
    let mut expect = vec![(ring.first.clone(), 1), (id.clone(), 1)];
    expect.sort();
    assert_eq!(using(&running).await, (Some(id), expect));
    let refused = sign_up(&stale, 30).await;
    assert!(
        matches!(refused, Err(StoreError::Corrupt(_))),
        "{refused:?}"
    );
    assert!(stale.scope(tenant).await.is_err());
    // Once it has the key, it goes on.
    std::fs::copy(&ring.file, &copy).expect("copy");
    stale.scope(tenant).await.expect("found in the file");
    sign_up(&stale, 30).await.expect("sign up");
    std::fs::remove_file(copy).expect("remove");
    stale.close().await;
    running.close().await;
    world.end().await;
}

async fn all_are_wrapped_anew_and_open_as_before(world: World) {
    let ring = Ring::make(&world);
    let running = ring.process(&world).await;
    // More than one transaction's.
    for n in 0..130 {
        sign_up(&running, 1000 + 10 * n).await.expect("sign up");
    }
    let tenant = TenantId::from_uuid(uuid(1000));
    let scope = running.scope(tenant).await.expect("scope");
    let begun = scope.idempotency_begin("k", b"r", at(0)).await;
    begun.expect("begin");
    let finished = scope.idempotency_finish("k", 200, b"sealed before").await;
    finished.expect("finish");
    let id = ring.add();
    let operator = ring.process(&world).await;
    operator.wrapping_key_set(&id).await.expect("set");
    let done = operator.keys_rewrap(&id).await.expect("rewrap");
    assert_eq!((done.wrapped, done.refused), (130, 0));
    assert_eq!(
        using(&running).await,
        (Some(id.clone()), vec![(id.clone(), 130)])
    );
    let again = operator.keys_rewrap(&id).await.expect("again");
    assert_eq!(again, Rewrapped::default());
    // The old key goes, and whoever starts after that opens everything.
    let mut file = KeyRingFile::hold(&ring.file).expect("hold");
    file.remove(&ring.first, &id).expect("remove");
    let fresh = ring.process(&world).await;
    fresh.keys_fit().await.expect("fit");
    for n in 0..130 {
        let tenant = TenantId::from_uuid(uuid(1000 + 10 * n));
        fresh.scope(tenant).await.expect("opens");
    }
    let scope = fresh.scope(tenant).await.expect("scope");
    let kept = scope
        .idempotency_begin("k", b"r", at(1))
        .await
        .expect("read");
    assert!(format!("{kept:?}").contains("200"), "{kept:?}");
    for store in [fresh, operator, running] {
        store.close().await;
    }
    world.end().await;
}

async fn what_does_not_open_stays_as_it_is(world: World) {
    let ring = Ring::make(&world);
    let store = ring.process(&world).await;
    sign_up(&store, 10).await.expect("sign up");
    let id = ring.add();
    store.wrapping_key_set(&id).await.expect("set");
    sign_up(&store, 20).await.expect("sign up");
    // A ring that lacks the first key.
    let mut file = KeyRingFile::hold(&ring.file).expect("hold");
    file.remove(&ring.first, &id).expect("remove");
    let poor = ring.process(&world).await;
    let done = poor.keys_rewrap(&id).await.expect("rewrap");
    assert_eq!((done.wrapped, done.refused), (0, 1));
    let first = TenantId::from_uuid(uuid(10));
    assert!(poor.scope(first).await.is_err());
    store
        .scope(first)
        .await
        .expect("with the old ring it opens");
    poor.close().await;
    store.close().await;
    world.end().await;
}

async fn who_is_overtaken_by_another_rotation_is_told(world: World) {
    let ring = Ring::make(&world);
    let store = ring.process(&world).await;
    sign_up(&store, 10).await.expect("sign up");
    let (second, third) = (ring.add(), ring.add());
    store.wrapping_key_set(&second).await.expect("set");
    store.wrapping_key_set(&third).await.expect("set");
    let overtaken = store.keys_rewrap(&second).await;
    assert!(
        matches!(
            overtaken,
            Err(StoreError::Conflict {
                what: "wrapping key"
            })
        ),
        "{overtaken:?}"
    );
    assert_eq!(using(&store).await.1, [(ring.first.clone(), 1)]);
    let done = store.keys_rewrap(&third).await.expect("rewrap");
    assert_eq!(done.wrapped, 1);
    store.close().await;
    world.end().await;
}

async fn a_sign_up_and_a_rotation_at_once_leave_nothing_behind(world: World) {
    let ring = Ring::make(&world);
    let store = ring.process(&world).await;
    sign_up(&store, 10).await.expect("sign up");
    let signing_up = async {
        for n in 0..40 {
            sign_up(&store, 1000 + 10 * n).await.expect("sign up");
        }
    };
    let rotating = async {
        let operator = ring.process(&world).await;
        let mut id = String::new();
        for _ in 0..4 {
            id = ring.add();
            operator.wrapping_key_set(&id).await.expect("set");
            operator.keys_rewrap(&id).await.expect("rewrap");
            let usage = operator.key_use().await.expect("use");
            let left: Vec<_> = usage.tenants.keys().filter(|key| **key != id).collect();
            assert!(left.is_empty(), "{left:?} is still used");
        }
        operator.close().await;
        id
    };
    let ((), id) = tokio::join!(signing_up, rotating);
    assert_eq!(using(&store).await, (Some(id.clone()), vec![(id, 41)]));
    store.close().await;
    world.end().await;
}
