//! S-06: what is sealed is nowhere in clear, and opens only where it was sealed.

use serde_json::json;
use sqlx::Connection as _;
use syncline_model::*;
use syncline_platform::seal::KeyRing;
use syncline_store::*;

use crate::harness::{World, at, present, remote, uuid};

on_both!(
    a_ciphertext_moved_to_another_row_does_not_open,
    another_key_ring_opens_nothing
);

const CANARY: &str = "canary-4b1d";

#[tokio::test]
async fn s06_the_file_holds_no_plaintext() {
    let world = World::sqlite().await;
    let office = world.office(10).await;
    let scope = &office.scope;
    let lease = office.lease(100).await;
    scope
        .credentials_put(office.accounts.a, CANARY.as_bytes(), None)
        .await
        .expect("put");
    let state = NewOauthState {
        state_hash: b"s".to_vec(),
        account: office.accounts.a,
        redirect_uri: "https://plain-marker.test".into(),
        verifier: CANARY.into(),
        browser_hash: b"b".to_vec(),
        begun_by: Actor::Member(MemberId::from_uuid(uuid(1))),
        expires_at: at(9),
    };
    scope
        .oauth_state_create(&state, at(0))
        .await
        .expect("state");
    scope
        .idempotency_begin("k", b"r", at(0))
        .await
        .expect("begin");
    scope
        .idempotency_finish("k", 200, CANARY.as_bytes())
        .await
        .expect("finish");
    let items = [present(Side::A, "a1", CANARY, &[CANARY])];
    let mut items = items.to_vec();
    items[0].version = None;
    scope
        .stage_page(&lease, None, &items, &json!({}))
        .await
        .expect("stage");
    let path = FieldPath::whole("name");
    let entry = EntryKey::new(&path, &path);
    let mut link = office.link(200, "a1", "b1");
    link.body.target.insert(entry.clone(), Value::text(CANARY));
    link.body.seen.a.insert(entry.clone(), Value::text(CANARY));
    let intentions = Intentions {
        links: vec![link.clone()],
        intents: vec![Intent {
            operation: OperationId::from_uuid(uuid(300)),
            side: Side::B,
            kind: IntentKind::Create,
            link: None,
            source: None,
            remote: None,
            payload: json!({ "name": CANARY }),
            intended_at: at(1),
        }],
        ..Intentions::default()
    };
    scope.intend(&lease, &intentions).await.expect("intend");
    let settlement = Settlement {
        history: vec![HistoryEntry {
            run: lease.run,
            link: link.id,
            at: at(1),
            kind: ChangeKind::Updated,
            side: Side::A,
            remote: remote("a1"),
            fields: vec![(entry.clone(), Value::Empty, Value::text(CANARY))],
        }],
        conflicts: vec![Conflict {
            id: ConflictId::from_uuid(uuid(400)),
            connection: office.connection,
            run: lease.run,
            link: link.id,
            entry,
            values: Sides {
                a: Value::text(CANARY),
                b: Value::Empty,
            },
            winner: None,
            status: ConflictStatus::Open,
            at: at(1),
        }],
        ..Settlement::default()
    };
    scope.settle(&lease, &settlement).await.expect("settle");
    let file = world.file().expect("a file").clone();
    let holds = |text: &str| {
        ["", "-wal"].iter().any(|suffix| {
            let mut name = file.clone().into_os_string();
            name.push(suffix);
            std::fs::read(name).is_ok_and(|bytes| {
                bytes
                    .windows(text.len())
                    .any(|window| window == text.as_bytes())
            })
        })
    };
    assert!(
        holds("plain-marker"),
        "the search would find what is in clear"
    );
    assert!(!holds(CANARY));
    let staged = scope
        .staged_candidates(office.candidates(Side::A, &[CANARY.into()]))
        .await
        .expect("find");
    assert_eq!(staged.rows.len(), 1, "and yet it is found and opened");
    world.end().await;
}

async fn swap(world: &World, sql: &'static str) {
    if world.is_postgres() {
        let mut connection = sqlx::PgConnection::connect(&world.url)
            .await
            .expect("connect");
        let mut tx = connection.begin().await.expect("begin");
        sqlx::query("select set_config('app.tenant', $1, true)")
            .bind(uuid(10).to_string())
            .execute(&mut *tx)
            .await
            .expect("set");
        assert!(
            sqlx::query(sql)
                .execute(&mut *tx)
                .await
                .expect("swap")
                .rows_affected()
                > 0
        );
        tx.commit().await.expect("commit");
    } else {
        let mut connection = sqlx::SqliteConnection::connect(&world.url)
            .await
            .expect("connect");
        assert!(
            sqlx::query(sql)
                .execute(&mut connection)
                .await
                .expect("swap")
                .rows_affected()
                > 0
        );
        connection.close().await.expect("close");
    }
}

async fn a_ciphertext_moved_to_another_row_does_not_open(world: World) {
    let office = world.office(10).await;
    let scope = &office.scope;
    let lease = office.lease(100).await;
    for (id, text) in [(office.accounts.a, "mine"), (office.accounts.b, "yours")] {
        scope
            .credentials_put(id, text.as_bytes(), None)
            .await
            .expect("put");
    }
    let items = [
        present(Side::A, "a1", "Ann", &[]),
        present(Side::A, "a2", "Bob", &[]),
    ];
    scope
        .stage_page(&lease, None, &items, &json!({}))
        .await
        .expect("stage");
    let settlement = Settlement {
        links: vec![office.link(200, "a1", "b1"), office.link(201, "a2", "b2")],
        members: crate::harness::follow(&[
            office.link(200, "a1", "b1"),
            office.link(201, "a2", "b2"),
        ]),
        ..Settlement::default()
    };
    scope.settle(&lease, &settlement).await.expect("settle");
    assert_eq!(
        scope
            .link_list(office.connection, None, None, 10)
            .await
            .expect("list")
            .len(),
        2
    );
    swap(
        &world,
        "update accounts set credentials = (select c.credentials from accounts c order by c.id limit 1)",
    )
    .await;
    swap(
        &world,
        "update staged set body = (select s.body from staged s where s.remote_id = 'a2')",
    )
    .await;
    swap(
        &world,
        "update links set body = (select l.body from links l where l.a_remote = 'a2')",
    )
    .await;
    let opened = [
        scope.credentials_get(office.accounts.a).await.is_ok(),
        scope.credentials_get(office.accounts.b).await.is_ok(),
    ];
    assert_eq!(
        opened.iter().filter(|ok| **ok).count(),
        1,
        "only where it was sealed"
    );
    let corrupt = [
        scope
            .staged_pending(office.connection, None, 10)
            .await
            .map(drop),
        scope
            .link_list(office.connection, None, None, 10)
            .await
            .map(drop),
    ];
    for answer in corrupt {
        assert!(matches!(answer, Err(StoreError::Corrupt(_))), "{answer:?}");
    }
    world.end().await;
}

async fn another_key_ring_opens_nothing(world: World) {
    let office = world.office(10).await;
    let stranger = Store::open(&world.url, KeyRing::generate())
        .await
        .expect("open");
    let answer = stranger.scope(office.tenant).await;
    assert!(matches!(answer, Err(StoreError::Corrupt(_))));
    stranger.close().await;
    world.end().await;
}
