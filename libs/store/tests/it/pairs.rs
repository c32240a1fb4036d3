//! Several connections over one pair of accounts: what each follows, who may work, and what outlives a connection.

use serde_json::json;
use syncline_model::*;
use syncline_store::*;

use crate::harness::{Office, World, account, at, connection, follow, present, remote, uuid};

on_both!(
    a_link_is_seen_through_the_membership,
    absence_is_asked_about_what_is_followed,
    f68_one_run_at_a_time_works_on_a_pair,
    f68_of_two_claims_at_once_one_wins,
    f68_one_run_at_a_time_works_on_a_ring,
    pairs_that_form_no_ring_do_not_wait,
    f11_who_lost_the_pair_writes_nothing,
    an_answer_that_one_used_up_wakes_the_others,
    what_was_intended_is_settled_first,
    f02_intents_outlive_their_connection,
    a_pair_knows_its_order,
);

/// A second connection over the office's pair.
async fn second(office: &Office) -> ConnectionId {
    let id = uuid(19);
    let second = connection(&office.scope, id, office.pair, &office.accounts);
    let made = office.scope.connection_create(&second, None, None).await;
    made.expect("connection");
    second.id
}

async fn enqueue(office: &Office, connection: ConnectionId, n: u32) -> RunId {
    let run = NewRun {
        id: RunId::from_uuid(uuid(n)),
        connection,
        trigger: Trigger::Manual,
        due_at: at(0),
        created_at: at(0),
    };
    office.scope.run_enqueue(&run).await.expect("enqueue").0.id
}

/// Claims for a minute.
async fn claim(office: &Office, run: RunId, now: i64) -> Option<Lease> {
    let claim = office.scope.run_claim(run, at(now), at(now + 60), "w");
    claim.await.expect("claim").map(|(lease, _)| lease)
}

async fn release(office: &Office, lease: &Lease, due: i64) {
    let release = Release {
        due_at: at(due),
        progress: json!({}),
        error: None,
        attempts: 0,
    };
    office
        .scope
        .run_release(lease, &release)
        .await
        .expect("release");
}

async fn finish(office: &Office, lease: &Lease) {
    let finish = Finish {
        state: RunState::Succeeded,
        error: None,
        counters: Counters::default(),
        guards: Vec::new(),
        now: at(9),
    };
    office
        .scope
        .run_finish(lease, &finish)
        .await
        .expect("finish");
}

async fn settle(office: &Office, lease: &Lease, settlement: Settlement) {
    office
        .scope
        .settle(lease, &settlement)
        .await
        .expect("settle");
}

fn creation() -> Intentions {
    Intentions {
        links: Vec::new(),
        intents: vec![Intent {
            operation: OperationId::from_uuid(uuid(300)),
            side: Side::B,
            kind: IntentKind::Create,
            link: None,
            source: Some(remote("a1")),
            remote: None,
            payload: json!({"fields": {}}),
            intended_at: at(3),
        }],
        ..Intentions::default()
    }
}

async fn a_link_is_seen_through_the_membership(world: World) {
    let office = world.office(10).await;
    let (scope, one, two) = (&office.scope, office.connection, second(&office).await);
    let seen = async |connection| {
        let ids = [remote("a1")];
        let found = scope.links_by_remote(connection, office.pair, Side::A, &ids);
        let mut found = found.await.expect("found");
        let seen = found.pop().expect("one link");
        (seen.link.state, seen.left, seen.elsewhere)
    };
    let counts = async || {
        let of = async |id| scope.link_count(id).await.expect("count");
        (of(one).await, of(two).await)
    };
    let lease = office.lease(100).await;
    let links = vec![office.link(200, "a1", "b1")];
    let settlement = Settlement {
        members: follow(&links),
        links,
        ..Settlement::default()
    };
    settle(&office, &lease, settlement).await;
    let whole = Some(Sides { a: false, b: false });
    assert_eq!(seen(one).await, (LinkState::Live, whole.clone(), false));
    assert_eq!(seen(two).await, (LinkState::Live, None, true));
    assert_eq!(counts().await, (1, 0));
    assert_eq!(scope.link_count_guarded(two).await.expect("count"), 1);
    finish(&office, &lease).await;

    // For the second it is frozen; for the first it is not.
    let run = enqueue(&office, two, 101).await;
    let lease = claim(&office, run, 2).await.expect("lease");
    let frozen = Link {
        state: LinkState::Frozen { left: Side::B },
        ..office.link(200, "a1", "b1")
    };
    let settlement = Settlement {
        members: follow(std::slice::from_ref(&frozen)),
        links: vec![frozen.clone()],
        ..Settlement::default()
    };
    settle(&office, &lease, settlement).await;
    let left = Some(Sides { a: false, b: true });
    let state = LinkState::Frozen { left: Side::B };
    assert_eq!(seen(two).await, (state, left, true));
    assert_eq!(seen(one).await, (LinkState::Live, whole, false));
    assert_eq!(counts().await, (1, 0));
    assert_eq!(scope.link_count_guarded(two).await.expect("count"), 0);
    assert_eq!(
        scope.link_list(two, None, None, 9).await.expect("list"),
        [frozen]
    );

    // Its membership goes with a connection, the link stays.
    scope.connection_delete(one).await.expect("delete");
    let link = scope.link_get(LinkId::from_uuid(uuid(200))).await;
    assert_eq!(link.expect("link").state, LinkState::Live);
    assert_eq!(scope.link_list(one, None, None, 9).await.expect("list"), []);
    world.end().await;
}

async fn absence_is_asked_about_what_is_followed(world: World) {
    let office = world.office(10).await;
    let two = second(&office).await;
    let lease = office.lease(100).await;
    let frozen = Link {
        state: LinkState::Frozen { left: Side::A },
        ..office.link(201, "a2", "b2")
    };
    let links = vec![office.link(200, "a1", "b1"), frozen];
    let settlement = Settlement {
        members: follow(&links),
        links,
        ..Settlement::default()
    };
    settle(&office, &lease, settlement).await;
    let absent = async |connection, side, everything| {
        let found = office
            .scope
            .staged_absent(connection, side, 1, everything, None, 9);
        let found = found.await.expect("absent");
        let ids = found.iter().map(|id| id.as_str().to_owned());
        ids.collect::<Vec<_>>().join(" ")
    };
    let one = office.connection;
    let cases = [
        (one, Side::A, false, "a1"),
        (one, Side::A, true, "a1"),
        (one, Side::B, false, "b1 b2"),
        (two, Side::A, false, ""),
        (two, Side::A, true, "a1 a2"),
    ];
    for (connection, side, everything, expect) in cases {
        let found = absent(connection, side, everything).await;
        assert_eq!(found, expect, "{side} {everything}");
    }
    world.end().await;
}

async fn f68_one_run_at_a_time_works_on_a_pair(world: World) {
    let office = world.office(10).await;
    let two = second(&office).await;
    let first = office.lease(100).await;
    let other = enqueue(&office, two, 101).await;
    assert_eq!(claim(&office, other, 2).await, None);
    let run = office.scope.run_get(other).await.expect("run");
    assert_eq!(run.state, RunState::Queued);
    assert!(run.due_at > at(2) && run.due_at < at(3), "{}", run.due_at);

    // The first gives its run back for a moment: it is the other's turn.
    release(&office, &first, 3).await;
    assert_eq!(claim(&office, first.run, 3).await, None);
    let second = claim(&office, other, 4).await.expect("its turn");
    assert_eq!(claim(&office, first.run, 5).await, None);
    finish(&office, &second).await;
    let first = claim(&office, first.run, 6).await.expect("free again");

    // Who does not come back is not waited for.
    let other = enqueue(&office, two, 102).await;
    assert_eq!(claim(&office, other, 7).await, None);
    release(&office, &first, 7).await;
    assert_eq!(claim(&office, first.run, 8).await, None);
    assert!(claim(&office, first.run, 20).await.is_some());
    world.end().await;
}

async fn f68_of_two_claims_at_once_one_wins(world: World) {
    let office = world.office(10).await;
    let two = second(&office).await;
    for n in 0..20 {
        let runs = [
            enqueue(&office, office.connection, 100 + 2 * n).await,
            enqueue(&office, two, 101 + 2 * n).await,
        ];
        // Past whoever was refused in the round before.
        let now = 100 * i64::from(n) + 20;
        let (a, b) = tokio::join!(claim(&office, runs[0], now), claim(&office, runs[1], now));
        let won = [a, b].into_iter().flatten().collect::<Vec<_>>();
        assert_eq!(won.len(), 1, "round {n}");
        finish(&office, &won[0]).await;
        for run in runs {
            // The winner's is over.
            let _ = office.scope.run_cancel(run, at(now)).await;
        }
    }
    world.end().await;
}

/// A third account, and connections of the first two with it as far as asked for.
async fn spokes(office: &Office, from_a: bool, from_b: bool) -> Vec<ConnectionId> {
    let third = AccountId::from_uuid(uuid(20));
    let made = account(office.tenant, third);
    office.scope.account_create(&made).await.expect("account");
    let mut connections = Vec::new();
    for (n, from, wanted) in [
        (21, office.accounts.a, from_a),
        (23, office.accounts.b, from_b),
    ] {
        if !wanted {
            continue;
        }
        let accounts = Sides { a: from, b: third };
        let pair = office
            .scope
            .pair_for(from, third, ObjectType::Contact, PairId::from_uuid(uuid(n)))
            .await
            .expect("pair");
        let made = connection(&office.scope, uuid(n + 1), pair, &accounts);
        let kept = office.scope.connection_create(&made, None, None).await;
        kept.expect("connection");
        connections.push(made.id);
    }
    connections
}

async fn f68_one_run_at_a_time_works_on_a_ring(world: World) {
    let office = world.office(10).await;
    let others = spokes(&office, true, true).await;
    let first = office.lease(100).await;
    let runs = [
        enqueue(&office, others[0], 101).await,
        enqueue(&office, others[1], 102).await,
    ];
    for run in runs {
        assert_eq!(claim(&office, run, 2).await, None, "the ring is taken");
    }
    finish(&office, &first).await;
    let second = claim(&office, runs[0], 20).await.expect("the ring is free");
    assert_eq!(second.seat, first.seat);
    // A worker that is asleep past its lease is not waited for, and writes nothing when it wakes up.
    let third = claim(&office, runs[1], 90)
        .await
        .expect("the lease is over");
    let asleep = office.scope.settle(&second, &Settlement::default()).await;
    assert!(matches!(asleep, Err(StoreError::Fenced)), "{asleep:?}");
    finish(&office, &third).await;
    world.end().await;
}

async fn pairs_that_form_no_ring_do_not_wait(world: World) {
    let office = world.office(10).await;
    let others = spokes(&office, true, false).await;
    let first = office.lease(100).await;
    let run = enqueue(&office, others[0], 101).await;
    let second = claim(&office, run, 2).await.expect("nothing is in its way");
    assert_ne!(second.seat, first.seat);
    world.end().await;
}

async fn f11_who_lost_the_pair_writes_nothing(world: World) {
    let office = world.office(10).await;
    let two = second(&office).await;
    let asleep = office.lease(100).await;
    let other = enqueue(&office, two, 101).await;
    let awake = claim(&office, other, 70).await.expect("the lease is over");
    let items = [present(Side::A, "a1", "Ann", &[])];
    let notes = json!({});
    let late = office.scope.stage_page(&asleep, None, &items, &notes);
    assert!(matches!(late.await, Err(StoreError::Fenced)));
    let late = office.scope.run_heartbeat(&asleep, at(200)).await;
    assert!(matches!(late, Err(StoreError::Fenced)));
    // Letting go of what is another's changes nothing.
    office.scope.run_let_go(&asleep).await.expect("let go");
    let staged = office.scope.stage_page(&awake, None, &items, &notes);
    staged.await.expect("stage");
    assert_eq!(claim(&office, asleep.run, 75).await, None);
    finish(&office, &awake).await;
    assert!(
        claim(&office, asleep.run, 80).await.is_some(),
        "queued again"
    );
    world.end().await;
}

async fn what_was_intended_is_settled_first(world: World) {
    let office = world.office(10).await;
    let two = second(&office).await;
    let dead = office.lease(100).await;
    let intend = office.scope.intend(&dead, &creation()).await;
    intend.expect("intend");
    let other = enqueue(&office, two, 101).await;
    assert_eq!(claim(&office, other, 70).await, None, "not its affair");
    let again = claim(&office, dead.run, 71).await.expect("its own");
    finish(&office, &again).await;
    // It ended without settling; without a run of its own nobody else would.
    let lease = claim(&office, other, 90).await.expect("a lease");
    let open = office
        .scope
        .intents_open(office.pair, 9)
        .await
        .expect("open");
    assert_eq!(open.len(), 1);
    assert_eq!(open[0].connection, office.connection);
    let settlement = Settlement {
        intents_cleared: vec![open[0].intent.operation],
        ..Settlement::default()
    };
    settle(&office, &lease, settlement).await;
    let open = office
        .scope
        .intents_open(office.pair, 9)
        .await
        .expect("open");
    assert_eq!(open, []);
    world.end().await;
}

async fn f02_intents_outlive_their_connection(world: World) {
    let office = world.office(10).await;
    let scope = &office.scope;
    let lease = office.lease(100).await;
    scope.intend(&lease, &creation()).await.expect("intend");
    scope
        .connection_delete(office.connection)
        .await
        .expect("delete");
    let refused = scope.settle(&lease, &Settlement::default()).await;
    assert!(matches!(refused, Err(StoreError::Fenced)), "{refused:?}");
    let again = second(&office).await;
    let run = enqueue(&office, again, 101).await;
    // Its worker may still be writing: it has to be waited for, until it says that it has stopped.
    assert_eq!(claim(&office, run, 2).await, None);
    scope.run_let_go(&lease).await.expect("let go");
    assert!(claim(&office, run, 3).await.is_some());
    let open = scope.intents_open(office.pair, 9).await.expect("open");
    let open: Vec<_> = open.into_iter().map(|open| open.intent).collect();
    assert_eq!(open, creation().intents);
    world.end().await;
}

async fn a_pair_knows_its_order(world: World) {
    let office = world.office(10).await;
    let (scope, Sides { a, b }) = (&office.scope, &office.accounts);
    let swapped = async |a, b| {
        let swapped = scope.pair_swapped(a, b, ObjectType::Contact).await;
        swapped.expect("swapped")
    };
    assert!(!swapped(*a, *b).await);
    assert!(swapped(*b, *a).await);
    let lease = office.lease(100).await;
    let settlement = Settlement {
        links: vec![office.link(200, "a1", "b1")],
        ..Settlement::default()
    };
    settle(&office, &lease, settlement).await;
    scope
        .connection_delete(office.connection)
        .await
        .expect("delete");
    assert!(swapped(*b, *a).await, "links stay");
    let gone = Settlement {
        links_removed: vec![LinkId::from_uuid(uuid(200))],
        ..Settlement::default()
    };
    let again = second(&office).await;
    scope.run_let_go(&lease).await.expect("let go");
    let run = enqueue(&office, again, 101).await;
    let lease = claim(&office, run, 3).await.expect("lease");
    settle(&office, &lease, gone).await;
    scope.connection_delete(again).await.expect("delete");
    assert!(!swapped(*b, *a).await, "nothing is paired");
    world.end().await;
}

/// Two connections wait for the same answer. The one that uses it up has the other look again; what waits to be tried again,
/// and what concerns other records, goes on waiting.
async fn an_answer_that_one_used_up_wakes_the_others(world: World) {
    let office = world.office(10).await;
    let scope = &office.scope;
    let two = second(&office).await;
    let run = enqueue(&office, two, 101).await;
    let lease = claim(&office, run, 1).await.expect("free");
    let (link, other) = (office.link(200, "a1", "b1"), office.link(201, "a2", "b2"));
    let linked = Settlement {
        links: vec![link.clone(), other],
        conflicts: vec![Conflict {
            id: ConflictId::from_uuid(uuid(400)),
            connection: two,
            run,
            link: link.id,
            entry: EntryKey::new(&FieldPath::whole("name"), &FieldPath::whole("name")),
            values: Sides::of(|side| Value::text(side.as_str())),
            winner: None,
            status: ConflictStatus::Open,
            at: at(1),
        }],
        ..Settlement::default()
    };
    scope.settle(&lease, &linked).await.expect("settle");
    let rows = [
        (Side::A, "a1"),
        (Side::B, "b1"),
        (Side::A, "a2"),
        (Side::B, "b2"),
    ];
    let staged = rows.map(|(side, id)| present(side, id, "Ann", &[]));
    scope
        .stage_page(&lease, None, &staged, &json!({}))
        .await
        .expect("stage");
    let waits = rows.map(|(side, id)| StagedPhase {
        side,
        remote: remote(id),
        phase: Phase::Waiting,
        retry_at: (id == "b1").then(|| at(500)),
    });
    scope.staged_phase_set(&lease, &waits).await.expect("wait");
    finish(&office, &lease).await;

    let answer = scope.conflict_resolve(ConflictId::from_uuid(uuid(400)), Side::A, at(9));
    answer.await.expect("an answer");
    let dirty = scope
        .links_dirty(office.pair, None, 10)
        .await
        .expect("dirty");
    let run = enqueue(&office, office.connection, 102).await;
    let lease = claim(&office, run, 20).await.expect("free");
    let used = Settlement {
        links_cleaned: vec![dirty[0].mark],
        ..Settlement::default()
    };
    scope.settle(&lease, &used).await.expect("settle");
    let pending = scope.staged_pending(two, None, 10).await.expect("pending");
    let pending: Vec<_> = pending.iter().map(|row| row.remote.as_str()).collect();
    assert_eq!(pending, ["a1"]);
    world.end().await;
}
