//! The audit log is only added to.

use sqlx::{Connection as _, Executor as _};
use syncline_model::*;
use syncline_store::*;

use crate::harness::{World, at, uuid};

on_both!(
    s18_entries_are_listed_from_the_newest_on,
    s18_entries_are_neither_changed_nor_deleted,
    a_deleted_tenant_takes_its_entries_along
);

fn entry(n: u32) -> AuditEntry {
    AuditEntry {
        id: AuditId::from_uuid(uuid(n)),
        at: at(n.into()),
        actor: Some(Actor::Member(MemberId::from_uuid(uuid(11)))),
        action: "pause_connection".into(),
        subject: Some("con_1".into()),
        status: 200,
        network: Some("192.0.2.7".into()),
    }
}

async fn s18_entries_are_listed_from_the_newest_on(world: World) {
    let (mine, theirs) = (world.tenant(10).await, world.tenant(20).await);
    let nobody = AuditEntry {
        actor: None,
        subject: None,
        network: None,
        ..entry(3)
    };
    let entries = [entry(1), entry(2), nobody];
    for entry in &entries {
        mine.audit_add(entry).await.expect("add");
    }
    let [first, second, third] = entries;
    let newest = mine.audit_list(None, 2).await.expect("list");
    assert_eq!(newest, [third, second.clone()]);
    let older = mine.audit_list(Some(second.id), 2).await.expect("list");
    assert_eq!(older, [first]);
    assert_eq!(theirs.audit_list(None, 2).await.expect("list"), []);
    world.end().await;
}

async fn s18_entries_are_neither_changed_nor_deleted(world: World) {
    let scope = world.tenant(10).await;
    scope.audit_add(&entry(1)).await.expect("add");
    let who = scope.tenant().uuid();
    let attempts = ["update audit set status = 500", "delete from audit"];
    if world.is_postgres() {
        let mut connection = sqlx::PgConnection::connect(&world.url)
            .await
            .expect("connect");
        let truncate = ["truncate audit", "truncate tenants cascade"];
        for attempt in attempts.into_iter().chain(truncate) {
            let mut tx = connection.begin().await.expect("begin");
            sqlx::query("select set_config('app.tenant', $1, true)")
                .bind(who.to_string())
                .execute(&mut *tx)
                .await
                .expect("set");
            refused(tx.execute(attempt).await.map(drop), attempt);
        }
    } else {
        let mut connection = sqlx::SqliteConnection::connect(&world.url)
            .await
            .expect("connect");
        for attempt in attempts {
            refused(connection.execute(attempt).await.map(drop), attempt);
        }
    }
    assert_eq!(scope.audit_list(None, 9).await.expect("list"), [entry(1)]);
    world.end().await;
}

fn refused(outcome: Result<(), sqlx::Error>, attempt: &str) {
    let error = outcome.expect_err(attempt).to_string();
    assert!(error.contains("only added to"), "{attempt}: {error}");
}

async fn a_deleted_tenant_takes_its_entries_along(world: World) {
    let (gone, stays) = (world.tenant(10).await, world.tenant(20).await);
    gone.audit_add(&entry(1)).await.expect("add");
    stays.audit_add(&entry(1)).await.expect("add");
    world
        .store
        .tenant_delete(gone.tenant())
        .await
        .expect("delete");
    assert_eq!(gone.audit_list(None, 9).await.expect("list"), []);
    assert_eq!(stays.audit_list(None, 9).await.expect("list"), [entry(1)]);
    world.end().await;
}
