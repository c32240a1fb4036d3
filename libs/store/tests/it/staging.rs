//! Staged records: upserts that keep what was judged, paging, candidates, listings.

use serde_json::json;
use syncline_model::*;
use syncline_store::*;

use crate::harness::{Office, World, at, present, remote, without_keys};

on_both!(
    a_staged_record_reads_back,
    an_unchanged_record_keeps_its_phase,
    pending_records_are_walked_in_order,
    candidates_share_a_key,
    waiting_records_wake,
    absence_from_a_listing_is_found,
    more_than_one_batch_is_staged,
    a_repeated_page_changes_nothing_but_the_count,
);

fn gone(side: Side, id: &str) -> Staged {
    Staged {
        version: None,
        modified_at: None,
        state: StagedState::Gone {
            why: GoneWhy::Deleted,
        },
        ..present(side, id, "", &[])
    }
}

async fn stage(office: &Office, lease: &Lease, items: &[Staged]) {
    office
        .scope
        .stage_page(lease, None, items, &json!({}))
        .await
        .expect("stage");
}

fn ids(staged: &[Staged]) -> Vec<(Side, &str)> {
    staged
        .iter()
        .map(|item| (item.side, item.remote.as_str()))
        .collect()
}

async fn a_staged_record_reads_back(world: World) {
    let office = world.office(10).await;
    let lease = office.lease(100).await;
    let full = Staged {
        former: vec![remote("old")],
        retry_at: Some(at(77)),
        phase: Phase::Waiting,
        ..present(Side::A, "a1", "Änn \"x\" \\ \u{1F600}", &["k1", "k2", "k1"])
    };
    let items = [full.clone(), gone(Side::B, "b1")];
    office
        .scope
        .stage_page(&lease, Some(7), &items, &json!({"page": "p2"}))
        .await
        .expect("stage");
    for item in items {
        let read = office
            .scope
            .staged_get(
                office.connection,
                item.side,
                &[remote("none"), item.remote.clone()],
            )
            .await
            .expect("get");
        assert_eq!(read, [without_keys(item)]);
    }
    let run = office.scope.run_get(lease.run).await.expect("run");
    assert_eq!(
        (run.progress, run.counters.pulled),
        (json!({"page": "p2"}), 2)
    );
    let counts = office
        .scope
        .staged_counts(office.connection)
        .await
        .expect("counts");
    let want = StagedCounts {
        pending: Sides { a: 0, b: 1 },
        gone: Sides { a: 0, b: 1 },
        waiting: 1,
        retrying: 1,
        ..StagedCounts::default()
    };
    assert_eq!(counts, want);
    assert_eq!(
        office
            .scope
            .staged_get(office.connection, Side::A, &[])
            .await
            .expect("get"),
        []
    );
    world.end().await;
}

async fn an_unchanged_record_keeps_its_phase(world: World) {
    let office = world.office(10).await;
    let lease = office.lease(100).await;
    let item = present(Side::A, "a1", "Ann", &["k"]);
    let phase = async || {
        let read = office
            .scope
            .staged_get(office.connection, Side::A, &[remote("a1")])
            .await
            .expect("get");
        read.first().map(|item| item.phase)
    };
    let judged = [StagedPhase {
        side: Side::A,
        remote: remote("a1"),
        phase: Phase::Known,
        retry_at: None,
    }];
    let cases = [
        ("the same", item.clone(), Phase::Known),
        (
            "another modification time",
            Staged {
                modified_at: Some(at(99)),
                ..item.clone()
            },
            Phase::Known,
        ),
        (
            "another version",
            Staged {
                version: Some(Version::new("new")),
                ..item.clone()
            },
            Phase::Pending,
        ),
        (
            "another former id",
            Staged {
                former: vec![remote("a0")],
                ..item.clone()
            },
            Phase::Pending,
        ),
        ("gone", gone(Side::A, "a1"), Phase::Pending),
    ];
    for (what, again, want) in cases {
        stage(&office, &lease, std::slice::from_ref(&item)).await;
        office
            .scope
            .staged_phase_set(&lease, &judged)
            .await
            .expect("judge");
        assert_eq!(phase().await, Some(Phase::Known));
        stage(&office, &lease, &[again]).await;
        assert_eq!(phase().await, Some(want), "{what}");
    }
    stage(&office, &lease, std::slice::from_ref(&item)).await;
    office
        .scope
        .staged_phase_set(&lease, &judged)
        .await
        .expect("judge");
    assert_eq!(
        office
            .scope
            .staged_requeue_all(office.connection)
            .await
            .expect("requeue"),
        1
    );
    assert_eq!(phase().await, Some(Phase::Pending), "rules changed");
    world.end().await;
}

async fn pending_records_are_walked_in_order(world: World) {
    let office = world.office(10).await;
    let lease = office.lease(100).await;
    let names = [
        (Side::A, "2"),
        (Side::B, "1"),
        (Side::A, "10"),
        (Side::A, "Z"),
        (Side::A, "a"),
    ];
    let items: Vec<_> = names
        .iter()
        .map(|(side, id)| present(*side, id, "x", &[]))
        .collect();
    stage(&office, &lease, &items).await;
    let mut walked = Vec::new();
    let mut after = None;
    loop {
        let page = office
            .scope
            .staged_pending(office.connection, after.as_ref(), 2)
            .await
            .expect("pending");
        let Some(last) = page.last() else { break };
        after = Some((last.side, last.remote.clone()));
        walked.extend(ids(&page).iter().map(|(side, id)| format!("{side}{id}")));
    }
    assert_eq!(walked, ["a10", "a2", "aZ", "aa", "b1"]);
    world.end().await;
}

async fn candidates_share_a_key(world: World) {
    let office = world.office(10).await;
    let lease = office.lease(100).await;
    let items = [
        present(Side::B, "b1", "Ann", &["ann@x.test", "a@home.test"]),
        present(Side::B, "b2", "Ann too", &["other@x.test", "ann@x.test"]),
        present(Side::B, "b3", "Bob", &["bob@x.test"]),
        present(Side::A, "a1", "Ann", &["ann@x.test"]),
    ];
    stage(&office, &lease, &items).await;
    let ask = async |keys: &[&str]| {
        let keys: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
        let found = office
            .scope
            .staged_candidates(office.candidates(Side::B, &keys))
            .await
            .expect("candidates");
        let mut rows: Vec<_> = found
            .rows
            .iter()
            .map(|row| row.remote.as_str().to_owned())
            .collect();
        rows.sort();
        let mut matches: Vec<_> = found
            .matches
            .iter()
            .map(|(key, rank, id)| format!("{key} {rank} {id}"))
            .collect();
        matches.sort();
        (matches, rows)
    };
    let (matches, rows) = ask(&["ann@x.test", "nobody@x.test", "bob@x.test"]).await;
    assert_eq!(
        matches,
        ["ann@x.test 0 b1", "ann@x.test 1 b2", "bob@x.test 0 b3"]
    );
    assert_eq!(rows, ["b1", "b2", "b3"]);
    assert_eq!(ask(&[]).await, (vec![], vec![]));
    stage(
        &office,
        &lease,
        &[present(Side::B, "b1", "Ann", &["new@x.test"])],
    )
    .await;
    stage(&office, &lease, &[gone(Side::B, "b3")]).await;
    let (matches, rows) = ask(&["ann@x.test", "bob@x.test"]).await;
    assert_eq!(
        matches,
        ["ann@x.test 1 b2"],
        "old keys are forgotten, gone records are no match"
    );
    assert_eq!(rows, ["b2"]);
    world.end().await;
}

async fn waiting_records_wake(world: World) {
    let office = world.office(10).await;
    let lease = office.lease(100).await;
    stage(&office, &lease, &[present(Side::A, "a1", "Ann", &[])]).await;
    let wait = [StagedPhase {
        side: Side::A,
        remote: remote("a1"),
        phase: Phase::Waiting,
        retry_at: Some(at(500)),
    }];
    office
        .scope
        .staged_phase_set(&lease, &wait)
        .await
        .expect("wait");
    assert_eq!(
        office
            .scope
            .staged_wake(office.connection, at(499))
            .await
            .expect("wake"),
        0
    );
    assert_eq!(
        office
            .scope
            .staged_wake(office.connection, at(500))
            .await
            .expect("wake"),
        1
    );
    let pending = office
        .scope
        .staged_pending(office.connection, None, 9)
        .await
        .expect("pending");
    assert_eq!(ids(&pending), [(Side::A, "a1")]);
    world.end().await;
}

async fn absence_from_a_listing_is_found(world: World) {
    let office = world.office(10).await;
    let (scope, id) = (&office.scope, office.connection);
    let lease = office.lease(100).await;
    let frozen = Link {
        state: LinkState::Frozen { left: Side::B },
        ..office.link(202, "a3", "b3")
    };
    let severed = Link {
        state: LinkState::Severed { gone: Side::B },
        ..office.link(203, "a4", "b4")
    };
    let settlement = Settlement {
        links: vec![
            office.link(200, "a1", "b1"),
            office.link(201, "a2", "b2"),
            frozen,
            severed,
        ],
        ..Settlement::default()
    };
    scope.settle(&lease, &settlement).await.expect("settle");
    let old = [
        present(Side::A, "unlinked", "U", &[]),
        present(Side::A, "a2", "old", &[]),
        gone(Side::A, "a9"),
    ];
    scope
        .stage_page(&lease, Some(1), &old, &json!({}))
        .await
        .expect("an earlier listing");
    let seen = [
        present(Side::A, "a1", "Ann", &[]),
        present(Side::B, "b2", "B", &[]),
    ];
    scope
        .stage_page(&lease, Some(2), &seen, &json!({}))
        .await
        .expect("this listing");
    stage(&office, &lease, &[present(Side::A, "a1", "Ann", &[])]).await;
    let absent = async |side, after: Option<&str>, limit| {
        let after = after.map(remote);
        let found = scope
            .staged_absent(id, side, 2, true, after.as_ref(), limit)
            .await
            .expect("absent");
        found
            .iter()
            .map(|id| id.as_str().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        absent(Side::A, None, 10).await,
        ["a2", "a3", "a4"],
        "a later delta keeps the mark; what stays of a severed link is looked for"
    );
    assert_eq!(absent(Side::A, None, 1).await, ["a2"]);
    assert_eq!(absent(Side::A, Some("a2"), 1).await, ["a3"]);
    assert_eq!(absent(Side::B, None, 10).await, ["b1", "b3"]);
    let done = json!({"done": true});
    let end = scope.pull_end(&lease, Side::A, Some(2), Some("c"), &done);
    end.await.expect("the end of the pull");
    let cursors = scope.cursors_get(id).await.expect("cursors");
    assert_eq!((cursors.a.as_deref(), cursors.b), (Some("c"), None));
    let run = scope.run_get(lease.run).await.expect("run");
    assert_eq!(run.progress, done);
    let left = scope.staged_pending(id, None, 10).await.expect("pending");
    assert_eq!(
        ids(&left),
        [(Side::A, "a1"), (Side::A, "a9"), (Side::B, "b2")],
        "evidence of a deletion stays"
    );
    world.end().await;
}

async fn more_than_one_batch_is_staged(world: World) {
    let office = world.office(10).await;
    let lease = office.lease(100).await;
    let items: Vec<_> = (0..2300)
        .map(|n| present(Side::A, &format!("a{n}"), "x", &[&format!("k{n}"), "all"]))
        .collect();
    stage(&office, &lease, &items).await;
    let counts = office
        .scope
        .staged_counts(office.connection)
        .await
        .expect("counts");
    assert_eq!(counts.pending.a, 2300);
    let settlement = Settlement {
        staged_removed: items
            .iter()
            .skip(1)
            .map(|item| (item.side, item.remote.clone()))
            .collect(),
        ..Settlement::default()
    };
    office
        .scope
        .settle(&lease, &settlement)
        .await
        .expect("settle");
    let found = office
        .scope
        .staged_candidates(office.candidates(Side::A, &["all".to_owned()]))
        .await
        .expect("candidates");
    assert_eq!(
        ids(&found.rows),
        [(Side::A, "a0")],
        "keys go with their record"
    );
    world.end().await;
}

async fn a_repeated_page_changes_nothing_but_the_count(world: World) {
    let office = world.office(10).await;
    let lease = office.lease(100).await;
    let items = [
        present(Side::A, "a1", "early", &["k"]),
        present(Side::A, "a1", "late", &["k"]),
    ];
    for _ in 0..2 {
        stage(&office, &lease, &items).await;
    }
    let read = office
        .scope
        .staged_pending(office.connection, None, 9)
        .await
        .expect("pending");
    assert_eq!(read, [without_keys(present(Side::A, "a1", "late", &["k"]))]);
    world.end().await;
}
