//! Sign-up, sessions, API keys, idempotency.

use syncline_model::*;
use syncline_store::*;

use crate::harness::{World, at, uuid};

on_both!(
    an_address_signs_up_once,
    a_session_rotates_and_a_reused_token_kills_its_family,
    an_api_key_is_found_until_revoked,
    a_request_is_answered_once,
    a_deleted_tenant_leaves_nothing,
);

async fn an_address_signs_up_once(world: World) {
    let scope = world.tenant(10).await;
    let again = world
        .store
        .signup(
            &NewTenant {
                plan: "enterprise".into(),
                id: TenantId::from_uuid(uuid(20)),
                name: "Other".into(),
                created_at: at(0),
            },
            &NewMember {
                id: MemberId::from_uuid(uuid(21)),
                email: "OWNER10@example.TEST".into(),
                password_hash: "x".into(),
                role: Role::Owner,
            },
        )
        .await;
    assert!(
        matches!(again, Err(StoreError::Conflict { what: "email" })),
        "{again:?}"
    );
    let gone = world.store.scope(TenantId::from_uuid(uuid(20))).await;
    assert!(
        matches!(gone, Err(StoreError::NotFound)),
        "the other tenant was not made"
    );
    let (member, hash) = world
        .store
        .member_by_email("owner10@EXAMPLE.test")
        .await
        .expect("read")
        .expect("a member");
    assert_eq!(
        (member.tenant, hash.as_str()),
        (scope.tenant(), "$argon2id$x")
    );
    assert_eq!(scope.member_get(member.id).await.expect("member"), member);
    assert_eq!(scope.tenant_name().await.expect("name"), "Tenant 10");
    assert_eq!(
        world
            .store
            .member_by_email("nobody@x.test")
            .await
            .expect("read"),
        None
    );
    world.end().await;
}

async fn a_session_rotates_and_a_reused_token_kills_its_family(world: World) {
    let store = &world.store;
    let scope = world.tenant(10).await;
    let session = |token: &[u8], family| NewSession {
        token_hash: token.to_vec(),
        family: uuid(family),
        tenant: scope.tenant(),
        member: MemberId::from_uuid(uuid(11)),
        created_at: at(0),
        expires_at: at(100),
    };
    store
        .session_create(&session(b"one", 90))
        .await
        .expect("create");
    store
        .session_create(&session(b"elsewhere", 91))
        .await
        .expect("create");
    let member = store
        .session_rotate(b"one", b"two", at(200), at(10))
        .await
        .expect("rotate");
    assert_eq!(member.tenant, scope.tenant());
    let rotate = async |old: &[u8], new: &[u8], now| match store
        .session_rotate(old, new, at(300), at(now))
        .await
    {
        Ok(_) => "rotated",
        Err(StoreError::NotFound) => "not found",
        Err(other) => panic!("{other}"),
    };
    assert_eq!(
        rotate(b"one", b"three", 11).await,
        "not found",
        "used before"
    );
    assert_eq!(
        rotate(b"two", b"three", 12).await,
        "not found",
        "its family is dead"
    );
    assert_eq!(rotate(b"unknown", b"three", 12).await, "not found");
    assert_eq!(
        rotate(b"elsewhere", b"four", 101).await,
        "not found",
        "expired"
    );
    store
        .session_create(&session(b"five", 92))
        .await
        .expect("create");
    let whose = store.session_revoke(b"five").await.expect("revoke");
    assert!(whose.is_some());
    assert_eq!(store.session_revoke(b"five").await.expect("again"), None);
    assert_eq!(rotate(b"five", b"six", 12).await, "not found", "revoked");
    world.end().await;
}

async fn an_api_key_is_found_until_revoked(world: World) {
    let scope = world.tenant(10).await;
    let new = NewApiKey {
        id: ApiKeyId::from_uuid(uuid(50)),
        name: "ci".into(),
        hash: b"hash".to_vec(),
        scopes: vec!["read".into()],
        created_at: at(0),
    };
    let key = scope.api_key_create(&new).await.expect("create");
    let found = world.store.api_key_by_hash(b"hash").await.expect("read");
    assert_eq!(found, Some((scope.tenant(), key.clone())));
    scope.api_key_revoke(key.id, at(9)).await.expect("revoke");
    scope.api_key_revoke(key.id, at(10)).await.expect("again");
    assert_eq!(
        world.store.api_key_by_hash(b"hash").await.expect("read"),
        None
    );
    let list = scope.api_key_list(None, 10).await.expect("list");
    assert_eq!(list.first().and_then(|key| key.revoked_at), Some(at(9)));
    assert_eq!(
        scope.api_key_list(Some(key.id), 10).await.expect("list"),
        []
    );
    world.end().await;
}

async fn a_request_is_answered_once(world: World) {
    let scope = world.tenant(10).await;
    let begin = async |hash: &[u8], now| {
        scope
            .idempotency_begin("POST /x k", hash, at(now))
            .await
            .expect("begin")
    };
    assert_eq!(begin(b"r", 0).await, Idempotency::Fresh);
    assert_eq!(begin(b"r", 1).await, Idempotency::InFlight);
    assert_eq!(begin(b"other", 1).await, Idempotency::Mismatch);
    scope
        .idempotency_abandon("POST /x k")
        .await
        .expect("abandon");
    assert_eq!(begin(b"r", 2).await, Idempotency::Fresh);
    assert_eq!(
        begin(b"r", 62).await,
        Idempotency::Fresh,
        "its first sender is dead"
    );
    scope
        .idempotency_finish("POST /x k", 201, b"body")
        .await
        .expect("finish");
    let replay = Idempotency::Replay {
        status: 201,
        body: b"body".to_vec(),
    };
    assert_eq!(begin(b"r", 5000).await, replay);
    assert_eq!(
        begin(b"r", 62 + 86_400).await,
        Idempotency::Fresh,
        "a day later"
    );
    world.end().await;
}

async fn a_deleted_tenant_leaves_nothing(world: World) {
    let office = world.office(10).await;
    let other = world.office(30).await;
    let lease = office.lease(100).await;
    let settlement = Settlement {
        links: vec![office.link(200, "a1", "b1")],
        ..Settlement::default()
    };
    office
        .scope
        .settle(&lease, &settlement)
        .await
        .expect("settle");
    world
        .store
        .tenant_delete(office.tenant)
        .await
        .expect("delete");
    assert!(matches!(
        world.store.scope(office.tenant).await,
        Err(StoreError::NotFound)
    ));
    assert!(matches!(
        world.store.tenant_delete(office.tenant).await,
        Err(StoreError::NotFound)
    ));
    assert_eq!(office.scope.account_list(None, 10).await.expect("list"), []);
    assert_eq!(
        office
            .scope
            .link_list(office.connection, None, None, 10)
            .await
            .expect("list"),
        []
    );
    assert_eq!(
        other
            .scope
            .account_list(None, 10)
            .await
            .expect("list")
            .len(),
        2
    );
    world.end().await;
}
