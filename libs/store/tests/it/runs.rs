//! Runs: one unfinished a connection, one winner a claim, and no write without the lease.

use serde_json::json;
use syncline_model::*;
use syncline_store::*;

use crate::harness::{World, at, present, remote, uuid};

on_both!(
    a_connection_has_one_unfinished_run,
    a_run_is_entered_though_the_one_in_its_way_ends_meanwhile,
    of_many_claimers_one_wins,
    a_backlog_is_walked_through_page_by_page,
    f11_a_stale_lease_writes_nothing,
    a_run_is_noted_released_and_finished,
    a_cancelled_run_is_fenced,
    a_parked_run_is_approved_with_what_it_held,
    pausing_stops_whatever_run_is_unfinished,
    another_tenants_lease_is_refused,
    leases_are_dropped_only_by_a_lone_process,
);

fn new_run(office: &crate::harness::Office, n: u32) -> NewRun {
    NewRun {
        id: RunId::from_uuid(uuid(n)),
        connection: office.connection,
        trigger: Trigger::Schedule,
        due_at: at(10),
        created_at: at(0),
    }
}

async fn a_connection_has_one_unfinished_run(world: World) {
    let office = world.office(10).await;
    let (first, made) = office
        .scope
        .run_enqueue(&new_run(&office, 100))
        .await
        .expect("enqueue");
    assert!(made);
    let (again, made) = office
        .scope
        .run_enqueue(&new_run(&office, 101))
        .await
        .expect("enqueue");
    assert!(!made);
    assert_eq!(again, first);
    assert_eq!(
        world.store.runs_due(at(9), None, 10).await.expect("due"),
        []
    );
    let due = DueRun {
        tenant: office.tenant,
        run: first.id,
        since: at(10),
        trigger: Trigger::Schedule,
        first: true,
    };
    assert_eq!(
        world.store.runs_due(at(10), None, 10).await.expect("due"),
        [due]
    );
    let list = office
        .scope
        .run_list(office.connection, None, 10)
        .await
        .expect("list");
    assert_eq!(list, [first]);
    world.end().await;
}

/// Whoever asks for a run gets one, whatever ends between two statements.
async fn a_run_is_entered_though_the_one_in_its_way_ends_meanwhile(world: World) {
    const ROUNDS: u32 = 150;
    let office = world.office(10).await;
    let ask = async |first: u32| {
        for n in first..first + ROUNDS {
            let (run, _) = office
                .scope
                .run_enqueue(&new_run(&office, n))
                .await
                .expect("a run");
            // The other one may have ended it already.
            office.scope.run_cancel(run.id, at(20)).await.ok();
        }
    };
    tokio::join!(ask(1000), ask(2000), ask(3000));
}

async fn of_many_claimers_one_wins(world: World) {
    let office = world.office(10).await;
    let (run, _) = office
        .scope
        .run_enqueue(&new_run(&office, 100))
        .await
        .expect("enqueue");
    for round in 0..5_i64 {
        let claims: Vec<_> = (0..24)
            .map(|n| {
                let (scope, run) = (office.scope.clone(), run.id);
                tokio::spawn(async move {
                    let now = at(10 + round * 100);
                    scope
                        .run_claim(run, now, at(60 + round * 100), &format!("w{n}"))
                        .await
                        .expect("claim")
                })
            })
            .collect();
        let mut leases = Vec::new();
        for claim in claims {
            leases.extend(claim.await.expect("task"));
        }
        let epochs: Vec<_> = leases.iter().map(|(lease, _)| lease.epoch).collect();
        assert_eq!(epochs, [round + 1]);
        let (_, claimed) = &leases[0];
        assert_eq!(claimed, &office.scope.run_get(run.id).await.expect("get"));
    }
    world.end().await;
}

async fn a_backlog_is_walked_through_page_by_page(world: World) {
    let mut runs = Vec::new();
    for n in 1..=5_u32 {
        let office = world.office(n * 1000).await;
        let (run, _) = office
            .scope
            .run_enqueue(&new_run(&office, n * 1000 + 100))
            .await
            .expect("enqueue");
        runs.push(run.id);
    }
    let (mut found, mut place) = (Vec::new(), None);
    loop {
        let page = world.store.runs_due(at(100), place, 2).await;
        let page = page.expect("due");
        place = page.last().map(|last| (last.since, last.run));
        if place.is_none() {
            break;
        }
        assert!(page.len() <= 2);
        found.extend(page.into_iter().map(|one| one.run));
    }
    runs.sort_by_key(|id| id.uuid());
    assert_eq!(found, runs, "all are due at the same moment");
    world.end().await;
}

async fn f11_a_stale_lease_writes_nothing(world: World) {
    let office = world.office(10).await;
    let scope = &office.scope;
    let old = office.lease(100).await;
    let due = world.store.runs_expired(at(61), 10).await.expect("due");
    let due: Vec<_> = due.iter().map(|one| (one.tenant, one.run)).collect();
    assert_eq!(due, [(office.tenant, old.run)]);
    let (new, _) = scope
        .run_claim(old.run, at(61), at(120), "other")
        .await
        .expect("claim")
        .expect("lease");
    assert_eq!(new.epoch, old.epoch + 1);
    let item = [present(Side::A, "a1", "Ann", &["k"])];
    let settlement = Settlement {
        links: vec![office.link(200, "a1", "b1")],
        ..Settlement::default()
    };
    let phases: [StagedPhase; 0] = [];
    let release = Release {
        due_at: at(0),
        progress: json!(1),
        error: None,
        attempts: 1,
    };
    let finish = Finish {
        state: RunState::Failed,
        error: None,
        counters: Counters::default(),
        guards: Vec::new(),
        now: at(70),
    };
    let refused = [
        scope.stage_page(&old, None, &item, &json!(1)).await,
        scope.intend(&old, &Intentions::default()).await,
        scope.settle(&old, &settlement).await,
        scope.run_heartbeat(&old, at(999)).await,
        scope.run_note(&old, &json!(1)).await,
        scope.stage_page(&old, None, &[], &json!(1)).await,
        scope.run_release(&old, &release).await,
        scope.run_finish(&old, &finish).await,
        scope.staged_phase_set(&old, &phases).await,
        scope
            .pull_end(&old, Side::A, Some(1), Some("c"), &json!(1))
            .await,
    ];
    for (n, answer) in refused.into_iter().enumerate() {
        assert!(
            matches!(answer, Err(StoreError::Fenced)),
            "write {n}: {answer:?}"
        );
    }
    assert_eq!(
        scope
            .link_list(office.connection, None, None, 10)
            .await
            .expect("list"),
        []
    );
    assert_eq!(
        scope
            .staged_counts(office.connection)
            .await
            .expect("counts"),
        StagedCounts::default()
    );
    scope
        .settle(&new, &settlement)
        .await
        .expect("the new lease settles");
    world.end().await;
}

async fn a_run_is_noted_released_and_finished(world: World) {
    let office = world.office(10).await;
    let scope = &office.scope;
    let lease = office.lease(100).await;
    let one = Counters {
        pulled: 1,
        ..Counters::default()
    };
    let page = [present(Side::A, "a1", "Ann", &[])];
    scope
        .stage_page(&lease, None, &page, &json!({"page": 1}))
        .await
        .expect("a page");
    scope
        .run_note(&lease, &json!({"page": 2}))
        .await
        .expect("a note");
    let run = scope.run_get(lease.run).await.expect("get");
    assert_eq!((run.progress, run.counters), (json!({"page": 2}), one));
    let release = Release {
        due_at: at(30),
        progress: json!({"page": 3}),
        error: Some("slow down".into()),
        attempts: 2,
    };
    scope.run_release(&lease, &release).await.expect("release");
    let run = scope.run_get(lease.run).await.expect("get");
    assert_eq!(
        (run.state, run.attempts, run.due_at),
        (RunState::Queued, 2, at(30))
    );
    assert_eq!(
        (run.progress, run.started_at),
        (json!({"page": 3}), Some(at(1)))
    );
    assert!(matches!(
        scope.run_note(&lease, &json!(1)).await,
        Err(StoreError::Fenced)
    ));
    assert_eq!(
        scope
            .run_claim(lease.run, at(29), at(60), "w")
            .await
            .expect("claim"),
        None
    );
    let (lease, _) = scope
        .run_claim(lease.run, at(30), at(60), "w")
        .await
        .expect("claim")
        .expect("lease");
    scope
        .run_heartbeat(&lease, at(90))
        .await
        .expect("heartbeat");
    assert_eq!(
        scope
            .run_claim(lease.run, at(89), at(200), "x")
            .await
            .expect("claim"),
        None
    );
    let trip = GuardTrip {
        kind: GuardKind::Deletions,
        from: Side::A,
        entry: None,
        count: 11,
        limit: 10,
        carried: 3,
    };
    let finish = Finish {
        state: RunState::Succeeded,
        error: None,
        counters: one,
        guards: vec![trip.clone()],
        now: at(95),
    };
    scope.run_finish(&lease, &finish).await.expect("finish");
    let run = scope.run_get(lease.run).await.expect("get");
    assert_eq!((run.state, run.counters.pulled), (RunState::Succeeded, 2));
    assert_eq!((run.guards, run.finished_at), (vec![trip], Some(at(95))));
    assert_eq!(
        scope
            .run_claim(lease.run, at(999), at(9999), "w")
            .await
            .expect("claim"),
        None
    );
    world.end().await;
}

async fn a_cancelled_run_is_fenced(world: World) {
    let office = world.office(10).await;
    let lease = office.lease(100).await;
    let run = office
        .scope
        .run_cancel(lease.run, at(5))
        .await
        .expect("cancel");
    assert_eq!(
        (run.state, run.finished_at),
        (RunState::Cancelled, Some(at(5)))
    );
    assert!(matches!(
        office.scope.run_heartbeat(&lease, at(99)).await,
        Err(StoreError::Fenced)
    ));
    assert!(matches!(
        office.scope.run_cancel(lease.run, at(6)).await,
        Err(StoreError::Conflict { .. })
    ));
    assert!(matches!(
        office
            .scope
            .run_cancel(RunId::from_uuid(uuid(999)), at(6))
            .await,
        Err(StoreError::NotFound)
    ));
    world.end().await;
}

async fn a_parked_run_is_approved_with_what_it_held(world: World) {
    let office = world.office(10).await;
    let scope = &office.scope;
    let lease = office.lease(100).await;
    assert!(matches!(
        scope.run_approve(lease.run, at(5)).await,
        Err(StoreError::Conflict {
            what: "run is not parked"
        })
    ));
    let held = Staged {
        phase: Phase::Held,
        ..present(Side::A, "a1", "Ann", &[])
    };
    scope
        .stage_page(&lease, None, &[held], &json!(null))
        .await
        .expect("stage");
    let trip = GuardTrip {
        kind: GuardKind::Deletions,
        from: Side::A,
        entry: None,
        count: 11,
        limit: 10,
        carried: 0,
    };
    let finish = Finish {
        state: RunState::Parked,
        error: None,
        counters: Counters::default(),
        guards: vec![trip.clone()],
        now: at(5),
    };
    scope.run_finish(&lease, &finish).await.expect("park");
    let (later, made) = scope
        .run_enqueue(&new_run(&office, 101))
        .await
        .expect("enqueue");
    assert!(made, "a parked run blocks no other");
    assert!(matches!(
        scope.run_approve(lease.run, at(6)).await,
        Err(StoreError::Conflict {
            what: "another run is unfinished"
        })
    ));
    scope.run_cancel(later.id, at(6)).await.expect("cancel");
    let run = scope.run_approve(lease.run, at(7)).await.expect("approve");
    assert_eq!(
        (run.state, run.approved, run.due_at),
        (RunState::Queued, true, at(7))
    );
    assert_eq!(run.guards, [trip], "what was agreed to stays in the row");
    let pending = async || {
        let rows = scope.staged_pending(office.connection, None, 10).await;
        rows.expect("pending").len()
    };
    assert_eq!(pending().await, 1);
    // More than was agreed to: parked again, and no longer approved.
    let claim = async |run| {
        let claimed = scope.run_claim(run, at(11), at(99), "w").await;
        claimed.expect("claim").expect("lease").0
    };
    let lease = claim(lease.run).await;
    let held = [StagedPhase {
        side: Side::A,
        remote: remote("a1"),
        phase: Phase::Held,
        retry_at: None,
    }];
    let hold = scope.staged_phase_set(&lease, &held).await;
    hold.expect("hold");
    scope.run_finish(&lease, &finish).await.expect("park");
    let run = scope.run_get(lease.run).await.expect("get");
    assert_eq!((run.state, run.approved), (RunState::Parked, false));
    // A later run finds that no guard holds anything any more.
    let (later, _) = scope
        .run_enqueue(&new_run(&office, 102))
        .await
        .expect("enqueue");
    let lease = claim(later.id).await;
    let all = scope.staged_pending_or_held(office.connection, None, 10);
    assert_eq!((all.await.expect("all").len(), pending().await), (1, 0));
    assert_eq!(scope.staged_unhold(&lease).await.expect("unhold"), 1);
    assert_eq!(pending().await, 1);
    let done = Finish {
        state: RunState::Succeeded,
        ..finish
    };
    scope.run_finish(&lease, &done).await.expect("finish");
    let run = scope.run_get(run.id).await.expect("get");
    assert_eq!(run.state, RunState::Cancelled);
    world.end().await;
}

async fn pausing_stops_whatever_run_is_unfinished(world: World) {
    // Claimed, until when its lease lasts, and what pausing at 50 makes of it.
    for (first, lease_until, expect) in [
        (10, None, RunState::Cancelled),
        (30, Some(40), RunState::Cancelled),
        (50, Some(60), RunState::Running),
    ] {
        let office = world.office(first).await;
        let scope = &office.scope;
        let (run, _) = scope
            .run_enqueue(&new_run(&office, 100 + first))
            .await
            .expect("enqueue");
        if let Some(until) = lease_until {
            let lease = scope.run_claim(run.id, at(20), at(until), "w").await;
            lease.expect("claim").expect("lease");
        }
        let revision = scope.connection_revision(office.connection).await;
        let paused = scope.connection_pause(office.connection, "why", at(50));
        let paused = paused.await.expect("pause");
        assert_eq!(paused.revision, revision.expect("revision") + 1);
        let reason = "why".into();
        assert_eq!(paused.status, ConnectionStatus::Paused { reason });
        let run = scope.run_get(run.id).await.expect("get");
        assert_eq!(run.state, expect, "{lease_until:?}");
    }
    world.end().await;
}

async fn another_tenants_lease_is_refused(world: World) {
    let office = world.office(10).await;
    let other = world.office(30).await;
    let lease = other.lease(100).await;
    let mixed = Lease {
        connection: office.connection,
        ..lease
    };
    for lease in [lease, mixed] {
        let answer = office.scope.settle(&lease, &Settlement::default()).await;
        assert!(matches!(answer, Err(StoreError::Fenced)), "{answer:?}");
    }
    world.end().await;
}

async fn leases_are_dropped_only_by_a_lone_process(world: World) {
    let office = world.office(10).await;
    let lease = office.lease(100).await;
    let dropped = world.store.leases_drop(at(5)).await.expect("drop");
    let again = office
        .scope
        .run_claim(lease.run, at(5), at(60), "next")
        .await
        .expect("claim");
    let alone = !world.is_postgres();
    assert_eq!((dropped, again.is_some()), (u64::from(alone), alone));
    world.end().await;
}
