//! Records that wait because a run has written as many as the tenant's plan allows, and the plan itself.

use serde_json::json;
use syncline_model::*;
use syncline_store::*;

use crate::harness::{Office, World, at, present, remote, uuid};

on_both!(
    the_line_is_walked_in_the_order_of_waiting,
    what_waits_is_counted_once_and_at_the_end_of_a_run,
    a_changed_record_and_a_changed_connection_end_the_wait,
    the_place_in_the_line_is_kept,
    the_first_run_is_told_from_later_ones,
    a_tenant_has_a_plan_and_no_more_connections_than_it_allows,
);

async fn stage(office: &Office, lease: &Lease, items: &[Staged]) {
    let notes = json!({});
    let staged = office.scope.stage_page(lease, None, items, &notes);
    staged.await.expect("stage");
}

/// Four of a and one of b that wait for a write on b, one of a that waits for one on a.
async fn waiting(office: &Office, lease: &Lease) {
    let of = |side, id| present(side, id, "x", &[]);
    let all = ["a1", "a2", "a3", "a4", "a5"].map(|id| of(Side::A, id));
    stage(office, lease, &all).await;
    stage(office, lease, &[of(Side::B, "b1")]).await;
    let over = |side, id, to, since| StagedPhase {
        side,
        remote: remote(id),
        phase: Phase::Over(to),
        retry_at: Some(since),
    };
    let phases = [
        over(Side::A, "a1", Side::B, at(30)),
        over(Side::A, "a2", Side::B, at(20)),
        over(Side::A, "a3", Side::B, at(20)),
        over(Side::A, "a4", Side::B, at(40)),
        over(Side::A, "a5", Side::A, at(10)),
        over(Side::B, "b1", Side::B, BESIDE),
    ];
    let set = office.scope.staged_phase_set(lease, &phases);
    set.await.expect("phases");
}

async fn line(office: &Office, to: Side, after: Option<&Place>, limit: u32) -> Vec<Place> {
    let rows = office
        .scope
        .staged_over(office.connection, to, after, limit)
        .await
        .expect("a line");
    let place = |row: Staged| (row.retry_at.expect("since when"), row.side, row.remote);
    rows.into_iter().map(place).collect()
}

async fn the_line_is_walked_in_the_order_of_waiting(world: World) {
    let office = world.office(10).await;
    let lease = office.lease(100).await;
    waiting(&office, &lease).await;
    let all = [
        (at(20), Side::A, remote("a2")),
        (at(20), Side::A, remote("a3")),
        (at(30), Side::A, remote("a1")),
        (at(40), Side::A, remote("a4")),
        (BESIDE, Side::B, remote("b1")),
    ];
    assert_eq!(line(&office, Side::B, None, 9).await, all);
    for (index, place) in all.iter().enumerate() {
        let rest = line(&office, Side::B, Some(place), 2).await;
        let until = all.len().min(index + 3);
        assert_eq!(rest, all[index + 1..until], "after {place:?}");
    }
    let a = [(at(10), Side::A, remote("a5"))];
    assert_eq!(line(&office, Side::A, None, 9).await, a);
    let pending = office.scope.staged_pending(office.connection, None, 9);
    assert_eq!(pending.await.expect("pending"), []);
    world.end().await;
}

async fn what_waits_is_counted_once_and_at_the_end_of_a_run(world: World) {
    let office = world.office(10).await;
    let lease = office.lease(100).await;
    waiting(&office, &lease).await;
    let counts = office.scope.staged_counts(office.connection).await;
    let expect = StagedCounts {
        over: Sides { a: 1, b: 4 },
        ..StagedCounts::default()
    };
    assert_eq!(counts.expect("counts"), expect);
    let finish = Finish {
        state: RunState::Succeeded,
        error: None,
        counters: Counters::default(),
        guards: Vec::new(),
        now: at(50),
    };
    office.scope.run_finish(&lease, &finish).await.expect("end");
    let run = office.scope.run_get(lease.run).await.expect("run");
    assert_eq!(
        (run.counters.a_to_b.waiting, run.counters.b_to_a.waiting),
        (4, 1)
    );
    world.end().await;
}

async fn a_changed_record_and_a_changed_connection_end_the_wait(world: World) {
    let office = world.office(10).await;
    let lease = office.lease(100).await;
    waiting(&office, &lease).await;
    let now = [
        present(Side::A, "a1", "x", &[]),
        present(Side::A, "a2", "other", &[]),
    ];
    stage(&office, &lease, &now).await;
    let counts = office.scope.staged_counts(office.connection).await;
    let expect = StagedCounts {
        pending: Sides { a: 1, b: 0 },
        over: Sides { a: 1, b: 3 },
        ..StagedCounts::default()
    };
    assert_eq!(counts.expect("counts"), expect);
    // Time alone does not.
    let woken = office.scope.staged_wake(office.connection, at(1000)).await;
    assert_eq!(woken.expect("wake"), 0);
    let again = office.scope.staged_requeue_all(office.connection).await;
    assert_eq!(again.expect("requeue"), 5);
    world.end().await;
}

/// Whatever makes a record that waits be planned anew: if it has to wait again, it does so since when it did.
async fn the_place_in_the_line_is_kept(world: World) {
    let office = world.office(10).await;
    let (scope, id) = (&office.scope, office.connection);
    let lease = office.lease(100).await;
    waiting(&office, &lease).await;
    let put_off = async |remotes: &[&str], to, since| {
        let phases: Vec<_> = remotes
            .iter()
            .map(|id| StagedPhase {
                side: Side::A,
                remote: remote(*id),
                phase: Phase::Over(to),
                retry_at: Some(since),
            })
            .collect();
        let set = scope.staged_phase_set(&lease, &phases).await;
        set.expect("phases");
    };
    let place = |since, id: &str| (at(since), Side::A, remote(id));
    // Touched, twice: a2 is pending, and then put off by a run.
    for name in ["other", "another"] {
        stage(&office, &lease, &[present(Side::A, "a2", name, &[])]).await;
    }
    put_off(&["a2"], Side::B, at(90)).await;
    // To the other line: a1 keeps the place as well. Beside its partner it has none.
    put_off(&["a1"], Side::A, at(90)).await;
    put_off(&["a3"], Side::B, BESIDE).await;
    assert_eq!(
        line(&office, Side::A, None, 9).await,
        [place(10, "a5"), place(30, "a1")]
    );
    let b = [place(20, "a2"), place(40, "a4")];
    assert_eq!(line(&office, Side::B, None, 2).await, b);
    // Who has waited beside another waits by itself from now on.
    put_off(&["a3"], Side::B, at(95)).await;
    assert_eq!(line(&office, Side::B, None, 3).await[2], place(95, "a3"));
    // The connection was edited: all are planned anew, and wait again.
    for effects in [
        EditEffects {
            replan: true,
            ..EditEffects::default()
        },
        EditEffects {
            reguard: true,
            ..EditEffects::default()
        },
    ] {
        let stored = scope.connection_get(id).await.expect("get");
        let edited = scope.connection_update(&stored, stored.revision, &effects);
        edited.await.expect("an edit");
        assert_eq!(line(&office, Side::A, None, 9).await, []);
        assert_eq!(line(&office, Side::B, None, 9).await, []);
        put_off(&["a1", "a2", "a3", "a4", "a5"], Side::B, at(99)).await;
        let all = [(10, "a5"), (20, "a2"), (30, "a1"), (40, "a4"), (95, "a3")];
        let all = all.map(|(since, id)| place(since, id));
        assert_eq!(line(&office, Side::B, None, 5).await, all);
    }
    // Tried again after a problem, one begins anew.
    let waits = StagedPhase {
        side: Side::A,
        remote: remote("a5"),
        phase: Phase::Waiting,
        retry_at: Some(at(96)),
    };
    let set = scope.staged_phase_set(&lease, &[waits]).await;
    set.expect("phases");
    assert_eq!(scope.staged_wake(id, at(97)).await.expect("wake"), 1);
    put_off(&["a5"], Side::B, at(98)).await;
    assert_eq!(line(&office, Side::B, None, 9).await[4], place(98, "a5"));
    world.end().await;
}

async fn the_first_run_is_told_from_later_ones(world: World) {
    let office = world.office(10).await;
    let id = office.connection;
    let first = async |lease: &Lease| {
        let first = office.scope.run_first(lease.run, id).await.expect("first");
        first.map(|written| (written.a, written.b))
    };
    let end = async |lease: &Lease, state| {
        let mut counters = Counters::default();
        counters.a_to_b.created = 3;
        counters.a_to_b.updated = 2;
        counters.b_to_a.created = 1;
        counters.b_to_a.deleted = 9;
        let finish = Finish {
            state,
            error: None,
            counters,
            guards: Vec::new(),
            now: at(50),
        };
        office.scope.run_finish(lease, &finish).await.expect("end");
    };
    let one = office.lease(100).await;
    assert_eq!(first(&one).await, Some((0, 0)));
    end(&one, RunState::Failed).await;
    let two = office.lease(101).await;
    assert_eq!(first(&two).await, Some((1, 5)));
    end(&two, RunState::Cancelled).await;
    let three = office.lease(102).await;
    assert_eq!(first(&three).await, Some((2, 10)));
    end(&three, RunState::Succeeded).await;
    let four = office.lease(103).await;
    assert_eq!(first(&four).await, None);
    assert_eq!(first(&three).await, Some((2, 10)));
    world.end().await;
}

async fn a_tenant_has_a_plan_and_no_more_connections_than_it_allows(world: World) {
    let office = world.office(10).await;
    assert_eq!(
        office.scope.tenant_plan().await.expect("plan"),
        "enterprise"
    );
    let set = world.store.tenant_plan_set(office.tenant, "free").await;
    set.expect("another plan");
    assert_eq!(office.scope.tenant_plan().await.expect("plan"), "free");
    let opened = office.scope.connection_open(office.connection).await;
    assert_eq!(opened.expect("open").plan, "free");
    let nobody = TenantId::from_uuid(uuid(999));
    let set = world.store.tenant_plan_set(nobody, "free").await;
    assert!(matches!(set, Err(StoreError::NotFound)), "{set:?}");

    let one = office.scope.connection_get(office.connection).await;
    let another = |n| Connection {
        id: ConnectionId::from_uuid(uuid(n)),
        ..one.as_ref().expect("a connection").clone()
    };
    let make = async |n, most| {
        office
            .scope
            .connection_create(&another(n), None, most)
            .await
    };
    let refused = make(50, Some(1)).await;
    assert!(
        matches!(
            refused,
            Err(StoreError::Conflict {
                what: "connections"
            })
        ),
        "{refused:?}"
    );
    make(51, Some(2)).await.expect("room for one");
    make(52, None).await.expect("no limit");
    // Two at the same time: one of them is too many.
    let (x, y) = tokio::join!(make(53, Some(4)), make(54, Some(4)));
    assert_ne!(x.is_ok(), y.is_ok(), "{x:?} {y:?}");
    world.end().await;
}
