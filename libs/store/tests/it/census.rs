//! The census: every statement prepares on both databases and names its tenant; the migrations run side by side.

use std::collections::BTreeSet;
use std::path::Path;

use syncline_store::{Home, census};

use crate::harness::World;

on_both!(
    every_statement_fits_the_schema,
    migrating_again_changes_nothing
);

async fn every_statement_fits_the_schema(world: World) {
    world
        .store
        .verify()
        .await
        .expect("every statement prepares");
    world.end().await;
}

async fn migrating_again_changes_nothing(world: World) {
    world.store.migrate().await.expect("again");
    world.store.ping().await.expect("ping");
    world.end().await;
}

#[test]
fn statements_of_a_tenant_name_it() {
    let census = census();
    assert!(census.len() > 80, "{} statements", census.len());
    for statement in &census {
        for sql in [statement.postgres, statement.sqlite] {
            let names = sql.contains("tenant_id = $1")
                || (sql.starts_with("insert into") && sql.contains("(tenant_id, "))
                || (sql.starts_with("insert into") && sql.contains("(tenant_id,\n"));
            assert_eq!(
                names,
                statement.home == Home::Tenant,
                "{}: {sql}",
                statement.name
            );
        }
    }
    let names: BTreeSet<_> = census.iter().map(|statement| statement.name).collect();
    assert_eq!(names.len(), census.len(), "names are unique");
}

/// SQLite plans a statement anew whenever a parameter that stands in `limit` by itself is bound.
#[test]
fn limits_are_no_bare_parameters() {
    for statement in census() {
        assert!(
            !statement.sqlite.contains("limit $"),
            "{}: write `limit cast($N as bigint)`",
            statement.name
        );
    }
}

#[test]
fn few_statements_are_global() {
    let global: Vec<_> = census()
        .into_iter()
        .filter(|statement| statement.home == Home::Global)
        .map(|statement| statement.name)
        .collect();
    assert_eq!(
        global,
        [
            "API_KEY_BY_HASH",
            "CONNECTIONS_DUE",
            "WHO_SET",
            "ROLE_BYPASSES",
            "INVITATION_BY_TOKEN",
            "WRAPPING_KEY_HOLD",
            "WRAPPING_KEY_GET",
            "WRAPPING_KEY_SET",
            "TENANT_KEYS_COUNT",
            "TENANT_KEYS_OTHER",
            "PAIRS_DROP",
            "LEASES_DROP",
            "OAUTH_STATE_FIND",
            "RUNS_EXPIRED",
            "RUNS_DUE",
            "SESSION_FIND",
            "MEMBER_BY_EMAIL",
            "MIGRATIONS_APPLIED",
            "TENANT_FIRST",
            "TENANT_LAST",
            "CONNECTION_LATEST",
            "RUN_LATEST",
            "INTENTS_COUNT",
            "INTENT_OLDEST",
            "WATCH_BY_TOKEN",
        ]
    );
}

#[test]
fn migrations_have_the_same_names() {
    let names = |folder: &str| -> BTreeSet<String> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../migrations")
            .join(folder);
        std::fs::read_dir(path)
            .expect("folder")
            .map(|entry| {
                entry
                    .expect("entry")
                    .file_name()
                    .to_string_lossy()
                    .into_owned()
            })
            .collect()
    };
    assert_eq!(names("postgres"), names("sqlite"));
    assert!(!names("sqlite").is_empty());
}
