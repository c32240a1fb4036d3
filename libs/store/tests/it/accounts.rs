//! Accounts, credentials, authorizations under way, pairs and connections.

use serde_json::json;
use syncline_model::*;
use syncline_store::*;

use crate::harness::{World, at, connection, present, uuid};

on_both!(
    credentials_are_swapped_by_one,
    an_authorization_is_taken_once,
    an_account_in_use_stays,
    an_account_that_is_authorised_again_resumes_what_a_run_paused,
    a_clock_is_kept_with_its_account,
    a_pair_is_made_once_and_outlives_its_connection,
    a_connection_is_edited_at_its_revision,
    connections_are_due_while_active_and_idle,
    a_repull_is_taken_once_with_its_cursors,
    a_look_judges_again_who_was_left_out_on_its_sides,
);

async fn credentials_are_swapped_by_one(world: World) {
    let office = world.office(10).await;
    let (scope, id) = (&office.scope, office.accounts.a);
    assert_eq!(scope.credentials_get(id).await.expect("get"), None);
    assert_eq!(
        scope
            .credentials_put(id, b"{}", Some(0))
            .await
            .expect("first"),
        1
    );
    let swaps = (0..20).map(|n| {
        let scope = scope.clone();
        tokio::spawn(async move {
            let text = format!("{{\"n\":{n}}}");
            scope.credentials_put(id, text.as_bytes(), Some(1)).await
        })
    });
    let mut won = 0;
    for swap in swaps.collect::<Vec<_>>() {
        match swap.await.expect("task") {
            Ok(version) => {
                assert_eq!(version, 2);
                won += 1;
            }
            Err(StoreError::Conflict {
                what: "credentials",
            }) => {}
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(won, 1);
    assert_eq!(
        scope
            .credentials_put(id, b"{\"x\":1}", None)
            .await
            .expect("forced"),
        3
    );
    assert_eq!(
        scope.credentials_get(id).await.expect("get"),
        Some((b"{\"x\":1}".to_vec(), 3))
    );
    let nobody = AccountId::from_uuid(uuid(9999));
    assert!(matches!(
        scope.credentials_put(nobody, b"{}", Some(0)).await,
        Err(StoreError::NotFound)
    ));
    world.end().await;
}

async fn an_authorization_is_taken_once(world: World) {
    let office = world.office(10).await;
    let member = Actor::Member(MemberId::from_uuid(uuid(11)));
    let create = async |hash: &[u8], now: i64| {
        let state = NewOauthState {
            state_hash: hash.to_vec(),
            account: office.accounts.a,
            redirect_uri: "https://x.test/cb".into(),
            verifier: "pkce".into(),
            browser_hash: b"browser".to_vec(),
            begun_by: member,
            expires_at: at(now + 600),
        };
        office
            .scope
            .oauth_state_create(&state, at(now))
            .await
            .expect("create");
    };
    create(b"s1", 0).await;
    create(b"s2", 0).await;
    let seen = world
        .store
        .oauth_state_find(b"s1", at(10))
        .await
        .expect("find");
    let taken = world
        .store
        .oauth_state_take(b"s1", at(10))
        .await
        .expect("take");
    assert_eq!(
        (taken.tenant, taken.account, taken.verifier.as_str()),
        (office.tenant, office.accounts.a, "pkce")
    );
    assert_eq!(seen, taken, "looking takes nothing");
    assert_eq!(taken.browser_hash.as_deref(), Some(&b"browser"[..]));
    assert_eq!(taken.begun_by, Some(member));
    for (hash, now) in [(&b"s1"[..], 11), (b"s2", 600), (b"s2", 10), (b"s3", 10)] {
        let again = world.store.oauth_state_take(hash, at(now)).await;
        assert!(
            matches!(again, Err(StoreError::NotFound)),
            "{hash:?} at {now}"
        );
    }
    // What has expired is not even looked at, and goes with the next one that begins.
    create(b"s4", 700).await;
    let find = async |hash: &[u8], now| world.store.oauth_state_find(hash, at(now)).await.is_ok();
    assert!(find(b"s4", 1299).await && !find(b"s4", 1300).await);
    create(b"s5", 1300).await;
    assert!(!find(b"s4", 701).await, "forgotten");
    world.end().await;
}

async fn an_account_that_is_authorised_again_resumes_what_a_run_paused(world: World) {
    let office = world.office(10).await;
    let (scope, id) = (&office.scope, office.accounts.b);
    let lease = office.lease(100).await;
    let why = "side b: the account must be authorised again";
    let finish = Finish {
        state: RunState::Failed,
        error: Some(why.to_owned()),
        counters: Counters::default(),
        guards: Vec::new(),
        now: at(2),
    };
    scope.run_finish(&lease, &finish).await.expect("finish");
    let pause = async |reason: &str| {
        let paused = ConnectionStatus::Paused {
            reason: reason.to_owned(),
        };
        let set = scope.connection_status_set(office.connection, &paused, at(3));
        set.await.expect("pause");
    };
    let needs = async |account| {
        let refused = scope.account_refused(account, "revoked", at(4)).await;
        refused.expect("refused")
    };
    let authorized = async |account| {
        let resumed = scope.account_authorized(account, at(50)).await;
        resumed.expect("authorised")
    };
    let next = async || {
        let next = scope.connection_next_run_at(office.connection).await;
        next.expect("next")
    };
    let status = async || {
        let connection = scope.connection_get(office.connection).await;
        connection.expect("connection").status
    };
    // A person paused it; or the account was in order.
    pause("Paused by a person.").await;
    assert_eq!(needs(id).await, 0);
    assert_eq!(authorized(id).await, 0);
    pause(why).await;
    assert_eq!(authorized(id).await, 0);
    assert_eq!(needs(office.accounts.a).await, 0);
    assert_eq!(authorized(office.accounts.a).await, 1);
    assert_eq!(
        (status().await, next().await),
        (ConnectionStatus::Active, Some(at(50)))
    );
    // On demand it stays.
    pause(why).await;
    assert_eq!(needs(id).await, 0);
    let never = scope.connection_schedule_next(office.connection, None);
    never.await.expect("never");
    assert_eq!(authorized(id).await, 1);
    assert_eq!(
        (status().await, next().await),
        (ConnectionStatus::Active, None)
    );
    let account = scope.account_get(id).await.expect("get");
    assert_eq!(account.status, AccountStatus::Active);
    // Who had no run when the access was found to be gone is paused as well, until it is given back.
    assert_eq!(needs(id).await, 1);
    assert_eq!(needs(id).await, 1);
    let reason = format!("revoked. {AUTHORISE_AGAIN}");
    assert_eq!(status().await, ConnectionStatus::Paused { reason });
    assert_eq!(authorized(office.accounts.a).await, 0);
    assert_eq!(authorized(id).await, 1);
    assert_eq!(status().await, ConnectionStatus::Active);
    world.end().await;
}

async fn an_account_in_use_stays(world: World) {
    let office = world.office(10).await;
    let (scope, id) = (&office.scope, office.accounts.b);
    let identity = Identity {
        subject: "42".into(),
        label: "x@y.test".into(),
    };
    scope
        .account_identity_set(id, &identity)
        .await
        .expect("identity");
    let status = AccountStatus::NeedsReauthorization {
        reason: "revoked".into(),
    };
    scope
        .account_refused(id, "revoked", at(1))
        .await
        .expect("status");
    let account = scope.account_get(id).await.expect("get");
    assert_eq!((account.identity, account.status), (Some(identity), status));
    assert!(matches!(
        scope.account_delete(id).await,
        Err(StoreError::Conflict { .. })
    ));
    scope
        .connection_delete(office.connection)
        .await
        .expect("delete");
    scope.account_delete(id).await.expect("delete");
    assert!(matches!(
        scope.account_get(id).await,
        Err(StoreError::NotFound)
    ));
    assert!(matches!(
        scope.account_delete(id).await,
        Err(StoreError::NotFound)
    ));
    world.end().await;
}

async fn a_pair_is_made_once_and_outlives_its_connection(world: World) {
    let office = world.office(10).await;
    let (scope, accounts) = (&office.scope, &office.accounts);
    let lease = office.lease(100).await;
    let settlement = Settlement {
        links: vec![office.link(200, "a1", "b1")],
        ..Settlement::default()
    };
    scope.settle(&lease, &settlement).await.expect("settle");
    scope
        .connection_delete(office.connection)
        .await
        .expect("delete");
    let pair = scope
        .pair_for(
            accounts.a,
            accounts.b,
            ObjectType::Contact,
            PairId::from_uuid(uuid(77)),
        )
        .await
        .expect("pair");
    assert_eq!(pair, office.pair);
    let link = LinkId::from_uuid(uuid(200));
    assert_eq!(scope.link_get(link).await.expect("link").pair, pair);
    world.end().await;
}

async fn a_connection_is_edited_at_its_revision(world: World) {
    let office = world.office(10).await;
    let scope = &office.scope;
    let stored = scope.connection_get(office.connection).await.expect("get");
    assert_eq!(
        stored,
        connection(
            scope,
            office.connection.uuid(),
            office.pair,
            &office.accounts
        )
    );
    let edited = Connection {
        name: "Renamed".into(),
        direction: Direction::AToB,
        ..stored.clone()
    };
    let lease = office.lease(100).await;
    let judged = Staged {
        phase: Phase::Known,
        ..present(Side::A, "a1", "Ann", &[])
    };
    scope
        .stage_page(&lease, None, &[judged], &json!(null))
        .await
        .expect("stage");
    let pending = async || {
        let rows = scope.staged_pending(office.connection, None, 10).await;
        rows.expect("pending").len()
    };
    let repull = async || {
        let taken = scope.connection_take_repull(&lease, &json!(null)).await;
        taken.expect("take")
    };
    let nothing = EditEffects::default();
    let all = EditEffects {
        replan: true,
        reguard: false,
        next_run_at: Some(Some(at(77))),
    };
    let saved = scope.connection_update(&stored, 1, &nothing).await;
    let revision = saved.expect("update").revision;
    assert_eq!((revision, pending().await, repull().await), (2, 0, false));
    assert!(matches!(
        scope.connection_update(&edited, 1, &all).await,
        Err(StoreError::Conflict { what: "revision" })
    ));
    assert_eq!((pending().await, repull().await), (0, false));
    let saved = scope.connection_update(&edited, 2, &all).await;
    let saved = saved.expect("update");
    assert_eq!((saved.revision, saved.name.as_str()), (3, "Renamed"));
    assert_eq!(saved.direction, Direction::AToB);
    assert_eq!((pending().await, repull().await), (1, true));
    assert_eq!(
        scope
            .connection_next_run_at(office.connection)
            .await
            .expect("next"),
        Some(at(77))
    );
    let revision = scope.connection_revision(office.connection).await;
    assert_eq!(revision.expect("revision"), 3);
    let paused = ConnectionStatus::Paused {
        reason: "why".into(),
    };
    let saved = scope
        .connection_status_set(office.connection, &paused, at(9))
        .await
        .expect("pause");
    assert_eq!((saved.revision, &saved.status), (4, &paused));
    assert_eq!(
        scope.connection_list(None, 10).await.expect("list"),
        [saved]
    );
    world.end().await;
}

async fn connections_are_due_while_active_and_idle(world: World) {
    let office = world.office(10).await;
    let other = world.office(30).await;
    let due = async |now| world.store.connections_due(at(now), 10).await.expect("due");
    let (mine, theirs) = (
        (office.tenant, office.connection),
        (other.tenant, other.connection),
    );
    assert_eq!(due(-1).await, []);
    let mut both = due(0).await;
    both.sort();
    assert_eq!(both, [mine, theirs]);
    let lease = office.lease(100).await;
    assert_eq!(due(0).await, [theirs], "one has an unfinished run");
    let finish = Finish {
        state: RunState::Succeeded,
        error: None,
        counters: Counters::default(),
        guards: Vec::new(),
        now: at(2),
    };
    office
        .scope
        .run_finish(&lease, &finish)
        .await
        .expect("finish");
    office
        .scope
        .connection_schedule_next(office.connection, Some(at(300)))
        .await
        .expect("schedule");
    assert_eq!(due(299).await, [theirs]);
    let paused = ConnectionStatus::Paused {
        reason: String::new(),
    };
    other
        .scope
        .connection_status_set(other.connection, &paused, at(9))
        .await
        .expect("pause");
    assert_eq!(due(300).await, [mine]);
    office
        .scope
        .connection_schedule_next(office.connection, None)
        .await
        .expect("never");
    assert_eq!(due(100_000).await, []);
    world.end().await;
}

async fn a_repull_is_taken_once_with_its_cursors(world: World) {
    let office = world.office(10).await;
    let (scope, id) = (&office.scope, office.connection);
    let lease = office.lease(100).await;
    let notes = json!("notes");
    for side in Side::BOTH {
        for cursor in ["old", "c1"] {
            let end = scope.pull_end(&lease, side, None, Some(cursor), &notes);
            end.await.expect("the end of a pull");
        }
    }
    let fresh = json!({"notes": "of a run that begins"});
    let take = async || scope.connection_take_repull(&lease, &fresh).await;
    let progress = async || scope.run_get(lease.run).await.expect("run").progress;
    assert!(!take().await.expect("take"));
    assert_ne!(progress().await, fresh);
    let cursors = async || {
        let cursors = scope.cursors_get(id).await.expect("cursors");
        (cursors.a, cursors.b)
    };
    let c1 = Some("c1".to_owned());
    assert_eq!(cursors().await, (c1.clone(), c1.clone()));
    scope.cursor_clear(id, Side::A).await.expect("clear");
    assert_eq!(cursors().await, (None, c1));
    let asked = async || scope.connection_open(id).await.expect("open").repull;
    assert!(!asked().await);
    scope.connection_request_repull(id).await.expect("request");
    assert!(asked().await);
    assert!(take().await.expect("take"));
    assert!(!asked().await);
    assert_eq!(
        progress().await,
        fresh,
        "what was noted of the pulls of before is void"
    );
    assert!(!take().await.expect("take"));
    assert_eq!(cursors().await, (None, None));
    world.end().await;
}

async fn a_look_judges_again_who_was_left_out_on_its_sides(world: World) {
    let office = world.office(10).await;
    let (scope, id) = (&office.scope, office.connection);
    let lease = office.lease(100).await;
    let looked = async || scope.connection_open(id).await.expect("open").looked_at;
    assert_eq!(looked().await, None);
    let look = async |now| {
        let looked = scope.connection_look_again(&lease, &[Side::A], now).await;
        looked.expect("a look")
    };
    assert!(!look(at(5)).await, "nothing was read before");
    for side in Side::BOTH {
        let judged = Staged {
            phase: Phase::Known,
            ..present(side, "r1", "Ann", &[])
        };
        let waits = Staged {
            phase: Phase::Waiting,
            ..present(side, "r2", "Bob", &[])
        };
        let page = [judged, waits];
        let staged = scope.stage_page(&lease, None, &page, &json!(null));
        staged.await.expect("stage");
        let end = scope.pull_end(&lease, side, None, Some("c1"), &json!(null));
        end.await.expect("the end of a pull");
    }
    assert!(look(at(9)).await);
    assert_eq!(looked().await, Some(at(9)));
    let cursors = scope.cursors_get(id).await.expect("cursors");
    assert_eq!((cursors.a, cursors.b), (None, Some("c1".to_owned())));
    let counts = scope.staged_counts(id).await.expect("counts");
    assert_eq!((counts.pending.a, counts.pending.b), (1, 0));
    assert_eq!((counts.known.b, counts.waiting), (1, 2));
    let stranger = Lease {
        epoch: lease.epoch + 1,
        ..lease
    };
    let refused = scope.connection_look_again(&stranger, &[Side::A], at(12));
    assert!(matches!(refused.await, Err(StoreError::Fenced)));
    assert_eq!(looked().await, Some(at(9)));
    world.end().await;
}

async fn a_clock_is_kept_with_its_account(world: World) {
    let office = world.office(10).await;
    let (scope, id) = (&office.scope, office.accounts.b);
    assert_eq!(scope.account_clock(id).await.expect("clock"), None);
    for (ahead, doubt) in [(-300_000_000, 499_999), (1, 0)] {
        let clock = ClockSkew { ahead, doubt };
        scope.account_clock_set(id, clock).await.expect("set");
        assert_eq!(scope.account_clock(id).await.expect("clock"), Some(clock));
    }
    let other = scope.account_clock(office.accounts.a).await;
    assert_eq!(other.expect("clock"), None);
    let nobody = scope.account_clock_set(AccountId::from_uuid(uuid(999)), ClockSkew::default());
    assert!(matches!(nobody.await, Err(StoreError::NotFound)));
    world.end().await;
}
