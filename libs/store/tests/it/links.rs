//! Intents and settlements: all or nothing, one link a record, and what is read back afterwards.

use serde_json::json;
use syncline_model::*;
use syncline_store::*;

use crate::harness::{Office, World, at, follow, present, remote, uuid};

on_both!(
    f02_an_intent_is_there_until_settled,
    a_record_made_again_is_traced_by_the_one_before,
    a_settlement_is_read_back,
    f06_a_failing_item_rolls_everything_back,
    a_record_has_one_link,
    an_answer_survives_a_run_that_settles_the_link,
    an_open_conflict_is_one,
    a_problem_is_opened_once_and_closed,
    deletions_are_counted_since,
);

fn entry(name: &str) -> EntryKey {
    let path = FieldPath::whole(name);
    EntryKey::new(&path, &path)
}

fn conflict(office: &Office, lease: &Lease, n: u32, status: ConflictStatus) -> Conflict {
    Conflict {
        id: ConflictId::from_uuid(uuid(n)),
        connection: office.connection,
        run: lease.run,
        link: LinkId::from_uuid(uuid(200)),
        entry: entry("name"),
        values: Sides {
            a: Value::text("A"),
            b: Value::text(format!("B{n}")),
        },
        winner: None,
        status,
        at: at(4),
    }
}

fn problem(office: &Office, lease: &Lease, n: u32, remote: &str) -> Problem {
    Problem {
        id: ProblemId::from_uuid(uuid(n)),
        connection: office.connection,
        run: lease.run,
        side: Side::A,
        remote: RemoteId::new(remote),
        reason: ProblemReason::Ambiguous,
        message: format!("message {n}"),
        candidates: vec![RemoteId::new("b1"), RemoteId::new("b2")],
        status: ProblemStatus::Open,
        attempts: 1,
        retry_at: Some(at(i64::from(n))),
        created_at: at(i64::from(n)),
        updated_at: at(i64::from(n)),
    }
}

fn history(lease: &Lease, link: u32, kind: ChangeKind) -> HistoryEntry {
    HistoryEntry {
        run: lease.run,
        link: LinkId::from_uuid(uuid(link)),
        at: at(4),
        kind,
        side: Side::B,
        remote: remote("b1"),
        fields: vec![(entry("name"), Value::Empty, Value::text("Ann"))],
    }
}

fn intent(n: u32, kind: IntentKind) -> Intent {
    Intent {
        operation: OperationId::from_uuid(uuid(n)),
        side: Side::B,
        kind,
        link: None,
        source: Some(remote("a1")),
        remote: None,
        payload: json!({"fields": {"name": "Ann"}}),
        intended_at: at(3),
    }
}

async fn open(scope: &Scope, pair: PairId) -> Vec<Intent> {
    let open = scope.intents_open(pair, 10).await.expect("open");
    open.into_iter().map(|open| open.intent).collect()
}

async fn f02_an_intent_is_there_until_settled(world: World) {
    let office = world.office(10).await;
    let scope = &office.scope;
    let lease = office.lease(100).await;
    let update = Intent {
        link: Some(LinkId::from_uuid(uuid(200))),
        remote: Some(remote("b1")),
        source: None,
        ..intent(301, IntentKind::Update)
    };
    let intentions = Intentions {
        links: vec![office.link(200, "a1", "b1")],
        intents: vec![intent(300, IntentKind::Create), update.clone()],
        ..Intentions::default()
    };
    for _ in 0..2 {
        scope.intend(&lease, &intentions).await.expect("intend");
        let open = open(scope, office.pair).await;
        assert_eq!(open, intentions.intents, "repeating it changes nothing");
    }
    scope
        .link_get(LinkId::from_uuid(uuid(200)))
        .await
        .expect("the link");
    let settlement = Settlement {
        intents_cleared: vec![intentions.intents[0].operation],
        ..Settlement::default()
    };
    scope.settle(&lease, &settlement).await.expect("settle");
    assert_eq!(open(scope, office.pair).await, [update]);
    world.end().await;
}

async fn a_record_made_again_is_traced_by_the_one_before(world: World) {
    let office = world.office(10).await;
    let scope = &office.scope;
    let lease = office.lease(100).await;
    let put = async |links: Vec<Link>| {
        let settlement = Settlement {
            now: at(4),
            links,
            ..Settlement::default()
        };
        scope.settle(&lease, &settlement).await.expect("settle");
    };
    put(vec![
        office.link(200, "a1", "b1"),
        office.link(201, "a9", "b9"),
    ])
    .await;
    put(vec![office.link(200, "a1", "b2")]).await;
    put(vec![office.link(200, "a1", "b2")]).await;
    let ids = ["b1", "b2", "b9", "b7"].map(remote);
    let traced = async |side, ids: &[RemoteId]| {
        let found = scope
            .links_traced(office.connection, office.pair, side, ids)
            .await
            .expect("traced");
        let mut found: Vec<String> = found
            .iter()
            .map(|(asked, seen)| format!("{asked} {}", seen.link.remote.a))
            .collect();
        found.sort();
        found
    };
    assert_eq!(traced(Side::B, &ids).await, ["b1 a1", "b2 a1", "b9 a9"]);
    assert_eq!(traced(Side::A, &[remote("a1")]).await, ["a1 a1"]);
    assert!(traced(Side::A, &[]).await.is_empty());
    world.end().await;
}

async fn a_settlement_is_read_back(world: World) {
    let office = world.office(10).await;
    let (scope, pair) = (&office.scope, office.pair);
    let lease = office.lease(100).await;
    let staged = [
        present(Side::A, "a1", "Ann", &["k"]),
        present(Side::A, "a2", "Bob", &[]),
    ];
    scope
        .stage_page(&lease, None, &staged, &json!({}))
        .await
        .expect("stage");
    let link = office.link(200, "a1", "b1");
    let frozen = Link {
        state: LinkState::Frozen { left: Side::A },
        ..office.link(201, "a2", "b2")
    };
    let entries = vec![
        history(&lease, 200, ChangeKind::Created),
        history(&lease, 200, ChangeKind::Updated),
    ];
    let counters = Counters {
        a_to_b: DirectionCounters {
            created: 1,
            ..DirectionCounters::default()
        },
        ..Counters::default()
    };
    let settlement = Settlement {
        now: at(4),
        links: vec![link.clone(), frozen.clone()],
        members: follow(&[link.clone(), frozen.clone()]),
        staged_removed: vec![(Side::A, remote("a1"))],
        staged_phases: vec![StagedPhase {
            side: Side::A,
            remote: remote("a2"),
            phase: Phase::Known,
            retry_at: None,
        }],
        history: entries.clone(),
        counters,
        ..Settlement::default()
    };
    scope.settle(&lease, &settlement).await.expect("settle");
    assert_eq!(
        scope
            .link_list(office.connection, None, None, 10)
            .await
            .expect("list"),
        [link.clone(), frozen.clone()]
    );
    assert_eq!(
        scope
            .link_list(office.connection, None, Some(link.id), 10)
            .await
            .expect("list"),
        std::slice::from_ref(&frozen)
    );
    assert_eq!(scope.link_get(link.id).await.expect("get"), link);
    assert_eq!(
        scope.links_get(&[frozen.id]).await.expect("get"),
        [Link {
            state: LinkState::Live,
            ..frozen.clone()
        }],
        "the pair knows nothing of it"
    );
    assert_eq!(scope.link_count(office.connection).await.expect("count"), 1);
    for (side, id) in [(Side::A, "a1"), (Side::B, "b1")] {
        let found = scope
            .links_by_remote(office.connection, pair, side, &[remote(id), remote("x")])
            .await
            .expect("by");
        let found: Vec<Link> = found.into_iter().map(|seen| seen.link).collect();
        assert_eq!(found, std::slice::from_ref(&link));
    }
    let counts = scope
        .staged_counts(office.connection)
        .await
        .expect("counts");
    assert_eq!((counts.pending.a, counts.known.a), (0, 1));
    let run = scope.run_get(lease.run).await.expect("run");
    assert_eq!((run.counters.a_to_b.created, run.counters.pulled), (1, 2));
    let by_run = scope
        .history_by_run(lease.run, None, 10)
        .await
        .expect("history");
    let told: Vec<_> = by_run.iter().map(|row| row.entry.clone()).collect();
    assert_eq!(told, entries);
    let rest = scope
        .history_by_run(lease.run, Some(by_run[0].seq), 10)
        .await
        .expect("history");
    assert_eq!(rest, by_run[1..]);
    let by_link = scope
        .history_by_link(link.id, None, 1)
        .await
        .expect("history");
    assert_eq!(by_link, by_run[1..], "newest first");
    let moved = Link {
        version: Sides {
            a: None,
            b: Some(Version::new("9")),
        },
        ..office.link(200, "a1", "b9")
    };
    let settlement = Settlement {
        links: vec![moved.clone()],
        links_removed: vec![frozen.id],
        ..Settlement::default()
    };
    scope.settle(&lease, &settlement).await.expect("settle");
    assert_eq!(
        scope
            .link_list(office.connection, None, None, 10)
            .await
            .expect("list"),
        [moved]
    );
    world.end().await;
}

async fn f06_a_failing_item_rolls_everything_back(world: World) {
    let office = world.office(10).await;
    let (scope, id) = (&office.scope, office.connection);
    let lease = office.lease(100).await;
    let intentions = Intentions {
        links: Vec::new(),
        intents: vec![intent(300, IntentKind::Create)],
        ..Intentions::default()
    };
    scope.intend(&lease, &intentions).await.expect("intend");
    let settled = conflict(&office, &lease, 400, ConflictStatus::Settled);
    let first = Settlement {
        links: vec![office.link(200, "a1", "b1")],
        members: follow(&[office.link(200, "a1", "b1")]),
        conflicts: vec![settled.clone()],
        ..Settlement::default()
    };
    scope.settle(&lease, &first).await.expect("settle");
    // The last table written refuses: a settled conflict with an id that is taken.
    let failing = Settlement {
        links: vec![office.link(201, "a2", "b2")],
        links_removed: vec![LinkId::from_uuid(uuid(200))],
        intents_cleared: vec![OperationId::from_uuid(uuid(300))],
        history: vec![history(&lease, 201, ChangeKind::Created)],
        conflicts: vec![settled],
        deletions: Sides { a: 1, b: 0 },
        ..Settlement::default()
    };
    let refused = scope.settle(&lease, &failing).await;
    assert!(
        matches!(refused, Err(StoreError::Unavailable(_))),
        "{refused:?}"
    );
    let links = scope
        .link_list(office.connection, None, None, 10)
        .await
        .expect("list");
    assert_eq!(links, [office.link(200, "a1", "b1")]);
    assert_eq!(
        scope
            .intents_open(office.pair, 10)
            .await
            .expect("open")
            .len(),
        1
    );
    assert_eq!(
        scope
            .history_by_run(lease.run, None, 10)
            .await
            .expect("history"),
        []
    );
    assert_eq!(
        scope.deletions_since(id, at(-9)).await.expect("count"),
        Sides::default()
    );
    world.end().await;
}

async fn a_record_has_one_link(world: World) {
    let office = world.office(10).await;
    let lease = office.lease(100).await;
    let settle = async |links: Vec<Link>| {
        let settlement = Settlement {
            links,
            ..Settlement::default()
        };
        office.scope.settle(&lease, &settlement).await
    };
    settle(vec![office.link(200, "a1", "b1")])
        .await
        .expect("settle");
    for (a, b) in [("a1", "b2"), ("a2", "b1")] {
        let refused = settle(vec![office.link(201, a, b)]).await;
        assert!(
            matches!(refused, Err(StoreError::Conflict { .. })),
            "{a} {b}: {refused:?}"
        );
    }
    let stranger = Link {
        pair: PairId::from_uuid(uuid(9999)),
        ..office.link(202, "a3", "b3")
    };
    assert!(matches!(
        settle(vec![stranger]).await,
        Err(StoreError::Conflict { .. })
    ));
    settle(vec![office.link(201, "a2", "b2")])
        .await
        .expect("settle");
    world.end().await;
}

async fn an_answer_survives_a_run_that_settles_the_link(world: World) {
    let office = world.office(10).await;
    let (scope, pair) = (&office.scope, office.pair);
    let lease = office.lease(100).await;
    let link = office.link(200, "a1", "b1");
    let email = Conflict {
        entry: entry("email"),
        ..conflict(&office, &lease, 401, ConflictStatus::Open)
    };
    let settlement = Settlement {
        links: vec![link.clone()],
        conflicts: vec![
            conflict(&office, &lease, 400, ConflictStatus::Open),
            email.clone(),
        ],
        ..Settlement::default()
    };
    scope.settle(&lease, &settlement).await.expect("settle");
    assert_eq!(scope.links_dirty(pair, None, 10).await.expect("dirty"), []);
    let id = office.connection;
    let never = scope.connection_schedule_next(id, None).await;
    never.expect("no run by itself");
    let resolved = scope
        .conflict_resolve(ConflictId::from_uuid(uuid(400)), Side::B, at(20))
        .await
        .expect("resolve");
    let next = scope.connection_next_run_at(id).await.expect("next");
    assert_eq!(next, Some(at(20)), "the answer is carried out");
    assert_eq!(
        (resolved.status, resolved.winner),
        (ConflictStatus::Resolved, Some(Side::B))
    );
    assert!(matches!(
        scope.conflict_resolve(resolved.id, Side::A, at(21)).await,
        Err(StoreError::Conflict { .. })
    ));
    let dirty = scope.links_dirty(pair, None, 10).await.expect("dirty");
    assert_eq!(
        dirty[0].link.body.resolutions,
        [(entry("name"), Side::B)].into()
    );
    scope
        .conflict_resolve(email.id, Side::A, at(22))
        .await
        .expect("an answer during the run");
    let planned = Settlement {
        links: vec![link.clone()],
        links_cleaned: vec![dirty[0].mark],
        ..Settlement::default()
    };
    scope.settle(&lease, &planned).await.expect("settle");
    let dirty = scope.links_dirty(pair, None, 10).await.expect("dirty");
    let both = [(entry("name"), Side::B), (entry("email"), Side::A)].into();
    assert_eq!(
        dirty[0].link.body.resolutions, both,
        "the second answer is not lost"
    );
    let planned = Settlement {
        links_cleaned: vec![dirty[0].mark],
        ..Settlement::default()
    };
    scope.settle(&lease, &planned).await.expect("settle");
    assert_eq!(scope.links_dirty(pair, None, 10).await.expect("dirty"), []);
    assert_eq!(scope.link_get(link.id).await.expect("get"), link);
    world.end().await;
}

async fn an_open_conflict_is_one(world: World) {
    let office = world.office(10).await;
    let (scope, id) = (&office.scope, office.connection);
    let lease = office.lease(100).await;
    for n in [400, 401] {
        let settlement = Settlement {
            conflicts: vec![conflict(&office, &lease, n, ConflictStatus::Open)],
            ..Settlement::default()
        };
        scope.settle(&lease, &settlement).await.expect("settle");
    }
    let open = scope
        .conflict_list(id, Some(ConflictStatus::Open), None, 10)
        .await
        .expect("list");
    let want = Conflict {
        values: conflict(&office, &lease, 401, ConflictStatus::Open).values,
        ..conflict(&office, &lease, 400, ConflictStatus::Open)
    };
    assert_eq!(
        open,
        std::slice::from_ref(&want),
        "the first id with the last values"
    );
    assert_eq!(scope.conflict_get(want.id).await.expect("get"), want);
    let settlement = Settlement {
        conflicts: vec![conflict(&office, &lease, 402, ConflictStatus::Settled)],
        conflicts_closed: vec![ConflictClose {
            link: want.link,
            entry: entry("name"),
            winner: Some(Side::A),
        }],
        ..Settlement::default()
    };
    scope.settle(&lease, &settlement).await.expect("settle");
    assert_eq!(
        scope
            .conflict_list(id, Some(ConflictStatus::Open), None, 10)
            .await
            .expect("list"),
        []
    );
    let all = scope.conflict_list(id, None, None, 10).await.expect("list");
    let ids: Vec<_> = all.iter().map(|conflict| conflict.id.uuid()).collect();
    assert_eq!(ids, [uuid(402), uuid(400)], "newest first");
    assert_eq!(
        scope
            .conflict_list(id, None, Some(all[0].id), 10)
            .await
            .expect("list"),
        all[1..]
    );
    world.end().await;
}

async fn a_problem_is_opened_once_and_closed(world: World) {
    let office = world.office(10).await;
    let (scope, id) = (&office.scope, office.connection);
    let lease = office.lease(100).await;
    let settle = async |problems, problems_closed| {
        let settlement = Settlement {
            now: at(50),
            problems,
            problems_closed,
            ..Settlement::default()
        };
        scope.settle(&lease, &settlement).await.expect("settle");
    };
    settle(
        vec![
            problem(&office, &lease, 1, "a1"),
            problem(&office, &lease, 2, "a2"),
        ],
        vec![],
    )
    .await;
    settle(vec![problem(&office, &lease, 3, "a1")], vec![]).await;
    let again = scope
        .problem_get(ProblemId::from_uuid(uuid(1)))
        .await
        .expect("get");
    let want = Problem {
        attempts: 2,
        created_at: at(1),
        id: ProblemId::from_uuid(uuid(1)),
        ..problem(&office, &lease, 3, "a1")
    };
    assert_eq!(again, want);
    let asked = ["a1", "a2", "a3"].map(RemoteId::new);
    let attempts = scope.problem_attempts(id, Side::A, &asked).await;
    let attempts = attempts.expect("attempts");
    let times = |remote: &str| attempts.get(&(RemoteId::new(remote), want.reason));
    assert_eq!(["a1", "a2", "a3"].map(times), [Some(&2), Some(&1), None]);
    let other = scope.problem_attempts(id, Side::B, &asked).await;
    assert!(other.expect("attempts").is_empty());
    let open = async || {
        let open = scope
            .problem_list(id, Some(ProblemStatus::Open), None, None, 10)
            .await
            .expect("list");
        open.iter()
            .map(|problem| problem.remote.as_str().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(open().await, ["a2", "a1"]);
    let close = |remote: &str, reason| ProblemClose {
        side: Side::A,
        remote: RemoteId::new(remote),
        reason,
    };
    settle(
        vec![],
        vec![
            close("a1", Some(ProblemReason::Rejected)),
            close("a2", None),
        ],
    )
    .await;
    assert_eq!(open().await, ["a1"], "another reason closes nothing");
    let closed = scope.problem_close(want.id, at(60)).await.expect("close");
    assert_eq!(
        (closed.status, closed.updated_at),
        (ProblemStatus::Closed, at(60))
    );
    settle(vec![problem(&office, &lease, 4, "a1")], vec![]).await;
    let new = scope
        .problem_get(ProblemId::from_uuid(uuid(4)))
        .await
        .expect("get");
    assert_eq!(
        new.attempts, 1,
        "a new problem after the old one was closed"
    );
    world.end().await;
}

async fn deletions_are_counted_since(world: World) {
    let office = world.office(10).await;
    let lease = office.lease(100).await;
    for (now, a, b) in [(10, 3, 0), (20, 2, 1), (30, 0, 4)] {
        let settlement = Settlement {
            now: at(now),
            deletions: Sides { a, b },
            ..Settlement::default()
        };
        office
            .scope
            .settle(&lease, &settlement)
            .await
            .expect("settle");
    }
    for (since, want) in [(0, (5, 5)), (20, (2, 5)), (21, (0, 4)), (31, (0, 0))] {
        let sums = office
            .scope
            .deletions_since(office.connection, at(since))
            .await
            .expect("count");
        assert_eq!((sums.a, sums.b), want, "since {since}");
    }
    world.end().await;
}
