//! No tenant sees or changes another's rows (S-01 to S-05): by the scope on both databases, by row-level security on
//! PostgreSQL even without the scope.

use serde_json::json;
use sqlx::{Connection as _, Row as _};
use syncline_model::*;
use syncline_store::*;

use crate::harness::{Office, World, account, at, connection, present, remote, uuid};

on_both!(
    a_scope_sees_only_its_tenant,
    s04_a_foreign_parent_is_refused,
    s03_interleaved_tenants_do_not_leak
);

/// Fills every table that a sync fills.
async fn fill(office: &Office, n: u32) -> Lease {
    let lease = office.lease(n).await;
    let items = [present(Side::A, "a1", "Ann", &["k"])];
    office
        .scope
        .stage_page(&lease, None, &items, &json!({}))
        .await
        .expect("stage");
    let settlement = Settlement {
        links: vec![office.link(n + 1, "a1", "b1")],
        members: crate::harness::follow(&[office.link(n + 1, "a1", "b1")]),
        deletions: Sides { a: 1, b: 1 },
        ..Settlement::default()
    };
    office
        .scope
        .settle(&lease, &settlement)
        .await
        .expect("settle");
    office
        .scope
        .pull_end(&lease, Side::A, None, Some("c"), &json!({}))
        .await
        .expect("cursor");
    lease
}

async fn a_scope_sees_only_its_tenant(world: World) {
    let (mine, theirs) = (world.office(10).await, world.office(30).await);
    let lease = fill(&theirs, 100).await;
    let scope = &mine.scope;
    let (account, conn, pair) = (theirs.accounts.a, theirs.connection, theirs.pair);
    let link = LinkId::from_uuid(uuid(101));
    let name = |error: StoreError| match error {
        StoreError::NotFound => "not found",
        _ => "something else",
    };
    let missing = [
        scope.account_get(account).await.map(drop),
        scope.account_delete(account).await,
        scope.account_refused(account, "why", at(1)).await.map(drop),
        scope.account_authorized(account, at(1)).await.map(drop),
        scope.credentials_get(account).await.map(drop),
        scope.credentials_put(account, b"x", None).await.map(drop),
        scope.connection_get(conn).await.map(drop),
        scope.connection_delete(conn).await,
        scope.connection_schedule_next(conn, None).await,
        scope.connection_request_repull(conn).await,
        scope.connection_revision(conn).await.map(drop),
        scope.connection_pause(conn, "why", at(1)).await.map(drop),
        scope.run_get(lease.run).await.map(drop),
        scope.run_cancel(lease.run, at(1)).await.map(drop),
        scope.run_approve(lease.run, at(1)).await.map(drop),
        scope.link_get(link).await.map(drop),
        scope
            .member_get(MemberId::from_uuid(uuid(31)))
            .await
            .map(drop),
    ];
    for (n, answer) in missing.into_iter().enumerate() {
        assert_eq!(answer.map_err(name), Err("not found"), "call {n}");
    }
    let empty = [
        scope.run_list(conn, None, 10).await.expect("runs").len(),
        scope
            .link_list(conn, None, None, 10)
            .await
            .expect("links")
            .len(),
        scope.links_get(&[link]).await.expect("links").len(),
        scope
            .links_by_remote(conn, pair, Side::A, &[remote("a1")])
            .await
            .expect("links")
            .len(),
        scope
            .staged_pending(conn, None, 10)
            .await
            .expect("staged")
            .len(),
        scope
            .staged_get(conn, Side::A, &[remote("a1")])
            .await
            .expect("staged")
            .len(),
        scope
            .staged_candidates(theirs.candidates(Side::A, &["k".into()]))
            .await
            .expect("staged")
            .rows
            .len(),
        scope
            .staged_absent(conn, Side::B, 1, true, None, 10)
            .await
            .expect("absent")
            .len(),
        scope
            .history_by_link(link, None, 10)
            .await
            .expect("history")
            .len(),
        usize::from(scope.cursors_get(conn).await.expect("cursors").a.is_some()),
        usize::try_from(scope.deletions_since(conn, at(-9)).await.expect("count").a)
            .expect("small"),
        usize::try_from(scope.staged_requeue_all(conn).await.expect("requeue")).expect("small"),
        usize::from(
            scope
                .run_claim(lease.run, at(999), at(9999), "w")
                .await
                .expect("claim")
                .is_some(),
        ),
    ];
    assert_eq!(empty, [0; 13]);
    assert_eq!(
        theirs
            .scope
            .account_list(None, 10)
            .await
            .expect("list")
            .len(),
        2
    );
    world.end().await;
}

async fn s04_a_foreign_parent_is_refused(world: World) {
    let (mine, theirs) = (world.office(10).await, world.office(30).await);
    let pair = mine
        .scope
        .pair_for(
            mine.accounts.a,
            theirs.accounts.b,
            ObjectType::Contact,
            PairId::from_uuid(uuid(90)),
        )
        .await;
    assert!(matches!(pair, Err(StoreError::Conflict { .. })), "{pair:?}");
    let foreign = connection(&mine.scope, uuid(91), theirs.pair, &theirs.accounts);
    let made = mine.scope.connection_create(&foreign, None, None).await;
    assert!(matches!(made, Err(StoreError::Conflict { .. })), "{made:?}");
    let run = NewRun {
        id: RunId::from_uuid(uuid(92)),
        connection: theirs.connection,
        trigger: Trigger::Manual,
        due_at: at(0),
        created_at: at(0),
    };
    let made = mine.scope.run_enqueue(&run).await;
    assert!(matches!(made, Err(StoreError::Conflict { .. })), "{made:?}");
    let lease = mine.lease(100).await;
    let link = Link {
        pair: theirs.pair,
        ..mine.link(93, "a1", "b1")
    };
    let settlement = Settlement {
        links: vec![link],
        ..Settlement::default()
    };
    let made = mine.scope.settle(&lease, &settlement).await;
    assert!(matches!(made, Err(StoreError::Conflict { .. })), "{made:?}");
    // The same id in two tenants is two rows: an id that is taken elsewhere says nothing.
    let same = account(mine.tenant, theirs.accounts.a);
    mine.scope.account_create(&same).await.expect("its own row");
    world.end().await;
}

async fn s03_interleaved_tenants_do_not_leak(world: World) {
    let mut scopes = Vec::new();
    for n in 0..8 {
        let scope = world.tenant(1000 + n * 10).await;
        let id = AccountId::from_uuid(uuid(5000 + n));
        scope
            .account_create(&account(scope.tenant(), id))
            .await
            .expect("account");
        scopes.push((scope, id));
    }
    let tasks: Vec<_> = (0..32_usize)
        .map(|task| {
            let scopes = scopes.clone();
            tokio::spawn(async move {
                for n in 0..25 {
                    let (scope, id) = &scopes[(task * 7 + n * 3) % scopes.len()];
                    let list = scope.account_list(None, 10).await.expect("list");
                    let ids: Vec<_> = list.iter().map(|account| account.id).collect();
                    assert_eq!(ids, [*id]);
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("no leak");
    }
    world.end().await;
}

/// S-02: the second wall stands without the first.
#[tokio::test]
async fn s02_row_level_security_holds_for_the_owner() {
    let world = World::postgres().await;
    let (mine, theirs) = (world.office(10).await, world.office(30).await);
    fill(&mine, 100).await;
    fill(&theirs, 200).await;
    let mut connection = sqlx::PgConnection::connect(&world.url)
        .await
        .expect("connect");
    let tables: Vec<(String, bool, bool)> = sqlx::query_as(
        "select c.relname::text, c.relrowsecurity, c.relforcerowsecurity from pg_class c
         join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id'
         where c.relkind = 'r' order by 1",
    )
    .fetch_all(&mut connection)
    .await
    .expect("tables");
    assert_eq!(tables.len(), 24);
    for (table, enabled, forced) in &tables {
        assert!(*enabled && *forced, "{table}");
        let (checked,): (i64,) = sqlx::query_as(
            "select count(*) from pg_policies where tablename = $1 and policyname = 'tenant' and cmd = 'ALL'
             and qual is not null and with_check is not null",
        )
        .bind(table)
        .fetch_one(&mut connection)
        .await
        .expect("policies");
        assert_eq!(checked, 1, "{table}");
        let count = format!("select count(*) from {table}");
        let rows = sqlx::query(sqlx::AssertSqlSafe(count))
            .fetch_one(&mut connection)
            .await
            .expect("count");
        assert_eq!(
            rows.get::<i64, _>(0),
            0,
            "{table} shows nothing while no tenant is set"
        );
    }
    let (system,): (i64,) = sqlx::query_as(
        "select count(*) from pg_policies where policyname = 'system' and cmd <> 'SELECT'",
    )
    .fetch_one(&mut connection)
    .await
    .expect("policies");
    assert_eq!(system, 0, "the system policies only read");
    let mut tx = connection.begin().await.expect("begin");
    sqlx::query("select set_config('app.tenant', $1, true)")
        .bind(mine.tenant.uuid().to_string())
        .execute(&mut *tx)
        .await
        .expect("set");
    for table in [
        "accounts",
        "connections",
        "runs",
        "staged",
        "staged_keys",
        "links",
        "link_members",
        "deletions",
        "members",
    ] {
        let foreign =
            format!("select count(*) filter (where tenant_id <> $1), count(*) from {table}");
        let row = sqlx::query(sqlx::AssertSqlSafe(foreign))
            .bind(mine.tenant.uuid())
            .fetch_one(&mut *tx)
            .await
            .expect("count");
        assert_eq!(row.get::<i64, _>(0), 0, "{table}");
        assert!(row.get::<i64, _>(1) > 0, "{table} has rows of its own");
    }
    let moved = sqlx::query("update accounts set tenant_id = $1")
        .bind(theirs.tenant.uuid())
        .execute(&mut *tx)
        .await;
    assert!(moved.is_err(), "a row cannot be given to another tenant");
    drop(tx);
    drop(connection);
    world.end().await;
}
