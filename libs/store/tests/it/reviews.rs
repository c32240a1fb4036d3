//! What people said about records that could be any of several.

use serde_json::json;
use syncline_model::*;
use syncline_store::*;

use crate::harness::{Office, World, at, present, remote, uuid};

on_both!(
    an_answer_closes_the_problem_and_looks_again,
    an_answer_is_found_with_the_records_it_is_about,
    a_link_is_taken_apart_by_who_next_holds_the_lease,
    what_is_said_is_due_at_once,
    what_is_under_way_is_settled_before_a_link_is_taken_apart,
    keys_that_too_many_have_come_without_their_records,
);

fn review_id(n: u32) -> ReviewId {
    ReviewId::from_uuid(uuid(n))
}

/// Two records of side b that a record of side a may be, all judged, and the problem that asks.
async fn asked(office: &Office, lease: &Lease) -> ProblemId {
    let known = |side, id: &str| Staged {
        phase: Phase::Known,
        ..present(side, id, "Ann", &["ann@x.test"])
    };
    let items = [
        known(Side::A, "a1"),
        known(Side::B, "b1"),
        known(Side::B, "b2"),
        known(Side::B, "b3"),
    ];
    let progress = json!({});
    let staged = office.scope.stage_page(lease, None, &items, &progress);
    staged.await.expect("stage");
    let problem = Problem {
        id: ProblemId::from_uuid(uuid(900)),
        connection: office.connection,
        run: lease.run,
        side: Side::A,
        remote: remote("a1"),
        reason: ProblemReason::Ambiguous,
        message: "which".into(),
        candidates: vec![remote("b1"), remote("b2")],
        status: ProblemStatus::Open,
        attempts: 1,
        retry_at: None,
        created_at: at(1),
        updated_at: at(1),
    };
    let settlement = Settlement {
        now: at(2),
        problems: vec![problem.clone()],
        ..Settlement::default()
    };
    let settled = office.scope.settle(lease, &settlement);
    settled.await.expect("settle");
    problem.id
}

async fn pending(office: &Office) -> Vec<String> {
    let rows = office
        .scope
        .staged_pending(office.connection, None, 10)
        .await
        .expect("pending");
    rows.iter().map(|row| row.remote.to_string()).collect()
}

async fn end(office: &Office, lease: &Lease) {
    let finish = Finish {
        state: RunState::Succeeded,
        error: None,
        counters: Counters::default(),
        guards: Vec::new(),
        now: at(3),
    };
    let ended = office.scope.run_finish(lease, &finish).await;
    ended.expect("the run ends");
}

/// Links `a1` with `b1`, and ends the run.
async fn link(office: &Office, lease: &Lease) {
    let settlement = Settlement {
        now: at(2),
        links: vec![office.link(200, "a1", "b1")],
        staged_phases: [(Side::A, "a1"), (Side::B, "b1")]
            .map(|(side, id)| StagedPhase {
                side,
                remote: remote(id),
                phase: Phase::Known,
                retry_at: None,
            })
            .to_vec(),
        ..Settlement::default()
    };
    office
        .scope
        .settle(lease, &settlement)
        .await
        .expect("settle");
    end(office, lease).await;
}

async fn links(office: &Office) -> usize {
    let links = office
        .scope
        .links_by_remote(office.connection, office.pair, Side::A, &[remote("a1")])
        .await
        .expect("links");
    links.len()
}

async fn an_answer_closes_the_problem_and_looks_again(world: World) {
    let office = world.office(10).await;
    let scope = &office.scope;
    let lease = office.lease(100).await;
    let problem = asked(&office, &lease).await;
    assert!(pending(&office).await.is_empty());
    let answer = Answer::Link(remote("b1"));
    let review = scope
        .review_answer(review_id(1), problem, &answer, at(5))
        .await
        .expect("answer");
    let want = Review {
        id: review_id(1),
        pair: office.pair,
        side: Side::A,
        remote: remote("a1"),
        candidates: vec![remote("b1"), remote("b2")],
        answer: Some(answer.clone()),
        at: at(5),
    };
    assert_eq!(review, want);
    assert_eq!(scope.review_get(want.id).await.expect("get"), want);
    let listed = scope.review_list(office.connection, None, 10).await;
    assert_eq!(listed.expect("list"), [want]);
    let closed = scope.problem_get(problem).await.expect("problem");
    assert_eq!(closed.status, ProblemStatus::Closed);
    assert_eq!(
        pending(&office).await,
        ["a1", "b1", "b2"],
        "b3 is no candidate"
    );
    let again = scope
        .review_answer(review_id(2), problem, &Answer::Create, at(6))
        .await;
    assert!(
        matches!(again, Err(StoreError::Conflict { .. })),
        "{again:?}"
    );
    world.end().await;
}

async fn an_answer_is_found_with_the_records_it_is_about(world: World) {
    let office = world.office(10).await;
    let scope = &office.scope;
    let lease = office.lease(100).await;
    let problem = asked(&office, &lease).await;
    scope
        .review_answer(review_id(1), problem, &Answer::KeepApart, at(5))
        .await
        .expect("answer");
    let keys = ["ann@x.test".to_owned()];
    let by_key = scope.staged_candidates(office.candidates(Side::A, &keys));
    let by_key = by_key.await.expect("by key").reviews;
    assert_eq!(by_key.len(), 1);
    assert_eq!(by_key[0].answer, Some(Answer::KeepApart));
    let other = scope.staged_candidates(office.candidates(Side::B, &keys));
    assert!(other.await.expect("side b").reviews.is_empty());
    let keys = ["nobody@x.test".to_owned()];
    let query = CandidateQuery {
        ids: &[remote("a1"), remote("a2")],
        ..office.candidates(Side::A, &keys)
    };
    let by_id = scope.staged_candidates(query).await.expect("by id");
    assert!(by_id.rows.is_empty());
    assert_eq!(by_id.reviews, by_key);
    world.end().await;
}

async fn a_link_is_taken_apart_by_who_next_holds_the_lease(world: World) {
    let office = world.office(10).await;
    let scope = &office.scope;
    let lease = office.lease(100).await;
    let problem = asked(&office, &lease).await;
    scope
        .review_answer(review_id(1), problem, &Answer::Link(remote("b1")), at(5))
        .await
        .expect("answer");
    link(&office, &lease).await;
    let (back, _) = scope
        .review_take_back(review_id(1), review_id(2), at(6))
        .await
        .expect("take back");
    assert_eq!((&back.answer, back.at), (&None, at(6)));
    assert_eq!(back.candidates, [remote("b1"), remote("b2")]);
    assert_eq!(links(&office).await, 1, "only a run touches links");
    let opened = scope.connection_open(office.connection).await;
    assert!(
        opened.expect("open").repull,
        "what was linked is read again"
    );
    let ids = [remote("a1"), remote("a2")];
    let about = scope.reviews_of(office.pair, Side::A, &ids).await;
    assert_eq!(about.expect("reviews"), std::slice::from_ref(&back));
    let listed = scope.review_list(office.connection, None, 10).await;
    let listed = listed.expect("list");
    let partner = listed.iter().find(|review| review.side == Side::B);
    let partner = partner.expect("the partner is asked about as well");
    assert_eq!(partner.remote, remote("b1"));
    assert_eq!(
        (&partner.candidates[..], &partner.answer),
        (&[remote("a1")][..], &None)
    );
    let (again, due) = scope
        .review_take_back(review_id(1), review_id(3), at(9))
        .await
        .expect("again");
    assert_eq!((again.at, due), (at(6), Vec::new()));
    let lease = office.lease(101).await;
    assert_eq!(links(&office).await, 0);
    assert_eq!(pending(&office).await, ["a1", "b1", "b2"]);
    // What is linked again is not taken apart again.
    link(&office, &lease).await;
    office.lease(102).await;
    assert_eq!(links(&office).await, 1);
    world.end().await;
}

/// Whoever says something waits to see what comes of it, also where nothing runs by itself.
async fn what_is_said_is_due_at_once(world: World) {
    let office = world.office(10).await;
    let (scope, id) = (&office.scope, office.connection);
    let lease = office.lease(100).await;
    let problem = asked(&office, &lease).await;
    let next = async || scope.connection_next_run_at(id).await.expect("next");
    let never = async || scope.connection_schedule_next(id, None).await.expect("set");
    never().await;
    scope
        .review_answer(review_id(1), problem, &Answer::KeepApart, at(5))
        .await
        .expect("answer");
    assert_eq!(next().await, Some(at(5)));
    let soon = scope.connection_schedule_next(id, Some(at(1))).await;
    soon.expect("set");
    let taken_back = scope
        .review_take_back(review_id(1), review_id(2), at(6))
        .await;
    assert_eq!(taken_back.expect("take back").1, [id]);
    assert_eq!(next().await, Some(at(1)), "what is due stays due");
    never().await;
    scope
        .review_take_back(review_id(1), review_id(2), at(7))
        .await
        .expect("again");
    assert_eq!(next().await, None, "nothing was said");
    world.end().await;
}

async fn what_is_under_way_is_settled_before_a_link_is_taken_apart(world: World) {
    let office = world.office(10).await;
    let scope = &office.scope;
    let lease = office.lease(100).await;
    let problem = asked(&office, &lease).await;
    scope
        .review_answer(review_id(1), problem, &Answer::Link(remote("b1")), at(5))
        .await
        .expect("answer");
    let intent = Intent {
        operation: OperationId::from_uuid(uuid(300)),
        side: Side::B,
        kind: IntentKind::Update,
        link: Some(LinkId::from_uuid(uuid(200))),
        source: None,
        remote: Some(remote("b1")),
        payload: json!({}),
        intended_at: at(3),
    };
    let intentions = Intentions {
        links: vec![office.link(200, "a1", "b1")],
        intents: vec![intent.clone()],
        ..Intentions::default()
    };
    scope.intend(&lease, &intentions).await.expect("intend");
    end(&office, &lease).await;
    scope
        .review_take_back(review_id(1), review_id(2), at(6))
        .await
        .expect("take back");
    let lease = office.lease(101).await;
    assert_eq!(links(&office).await, 1, "an update of it is under way");
    let settlement = Settlement {
        now: at(7),
        intents_cleared: vec![intent.operation],
        ..Settlement::default()
    };
    scope.settle(&lease, &settlement).await.expect("settle");
    end(&office, &lease).await;
    office.lease(102).await;
    assert_eq!(links(&office).await, 0);
    world.end().await;
}

async fn keys_that_too_many_have_come_without_their_records(world: World) {
    let office = world.office(10).await;
    let lease = office.lease(100).await;
    let items = [
        present(Side::A, "a1", "Ann", &["shared"]),
        present(Side::A, "a2", "Bob", &["shared", "own"]),
        present(Side::A, "a3", "Eva", &["shared"]),
    ];
    let progress = json!({});
    let staged = office.scope.stage_page(&lease, None, &items, &progress);
    staged.await.expect("stage");
    let keys = ["shared".to_owned(), "own".to_owned()];
    let query = CandidateQuery {
        most: |key| if key == "shared" { 2 } else { usize::MAX },
        ..office.candidates(Side::A, &keys)
    };
    let found = office.scope.staged_candidates(query).await;
    let found = found.expect("candidates");
    assert_eq!(found.matches.len(), 4);
    let rows: Vec<&str> = found.rows.iter().map(|row| row.remote.as_str()).collect();
    assert_eq!(rows, ["a2"]);
    world.end().await;
}
