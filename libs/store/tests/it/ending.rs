//! The end of a connection together with its accounts, and who comes in between.

use syncline_model::*;
use syncline_store::*;

use crate::harness::{Office, World, at, connection, uuid};

on_both!(
    of_an_end_and_a_new_connection_one_gives_way,
    of_an_accounts_end_and_a_new_connection_one_gives_way,
    what_two_connections_share_goes_with_the_later_one,
    an_end_can_be_repeated,
);

const WHY: Retirement<'_> = Retirement {
    connection: "It ends.",
    account: "It is given back.",
};

fn another(office: &Office, n: u32) -> Connection {
    connection(&office.scope, uuid(n), office.pair, &office.accounts)
}

/// Which accounts are active.
async fn active(office: &Office) -> Vec<AccountId> {
    let all = office.scope.account_list(None, 10).await.expect("accounts");
    let active = all
        .into_iter()
        .filter(|account| account.status == AccountStatus::Active);
    active.map(|account| account.id).collect()
}

fn both(office: &Office) -> Vec<AccountId> {
    vec![office.accounts.a, office.accounts.b]
}

/// Also as of which of the two begins first.
async fn of_an_end_and_a_new_connection_one_gives_way(world: World) {
    for round in 0..20 {
        let office = world.office(1000 + 20 * round).await;
        let made = another(&office, 1019 + 20 * round);
        let make = office.scope.connection_create(&made, None, None);
        let end = office
            .scope
            .connection_retire(office.connection, &WHY, at(5));
        let (made, ended) = if round % 2 == 0 {
            tokio::join!(make, end)
        } else {
            let (ended, made) = tokio::join!(end, make);
            (made, ended)
        };
        let retired = ended.expect("paused");
        let paused = office
            .scope
            .connection_get(office.connection)
            .await
            .expect("there");
        assert_ne!(paused.status, ConnectionStatus::Active);
        if made.is_ok() {
            assert_eq!(retired, []);
            assert_eq!(active(&office).await, both(&office));
            let left = office
                .scope
                .connection_deactivate(office.connection, &retired, &WHY);
            assert_eq!(left.await.expect("deleted"), [], "another one uses them");
            assert_eq!(active(&office).await, both(&office));
        } else {
            assert!(
                matches!(made, Err(StoreError::Conflict { what: "account" })),
                "{made:?}"
            );
            assert_eq!(retired, both(&office));
            assert_eq!(active(&office).await, []);
        }
    }
    world.end().await;
}

async fn of_an_accounts_end_and_a_new_connection_one_gives_way(world: World) {
    for round in 0..20 {
        let office = world.office(1000 + 20 * round).await;
        let (scope, account) = (&office.scope, office.accounts.b);
        let used = scope.account_retire(account, "It ends.").await;
        assert!(matches!(used, Err(StoreError::Conflict { .. })), "{used:?}");
        scope
            .connection_delete(office.connection)
            .await
            .expect("deleted");
        let made = another(&office, 1019 + 20 * round);
        let make = scope.connection_create(&made, None, None);
        let end = scope.account_retire(account, "It ends.");
        let (made, ended) = if round % 2 == 0 {
            tokio::join!(make, end)
        } else {
            let (ended, made) = tokio::join!(end, make);
            (made, ended)
        };
        assert!(made.is_ok() != ended.is_ok(), "{made:?} {ended:?}");
        let gone = scope.account_delete(account).await;
        assert_eq!(gone.is_ok(), ended.is_ok(), "{gone:?}");
        let late = another(&office, 1018 + 20 * round);
        let late = scope.connection_create(&late, None, None).await;
        assert_eq!(late.is_ok(), gone.is_err(), "{late:?}");
    }
    let office = world.office(10).await;
    let nobody = AccountId::from_uuid(uuid(99));
    let unknown = office.scope.account_retire(nobody, "It ends.").await;
    assert!(matches!(unknown, Err(StoreError::NotFound)), "{unknown:?}");
    world.end().await;
}

/// At the same time, too: nobody is left with access that is nobody's.
async fn what_two_connections_share_goes_with_the_later_one(world: World) {
    let office = world.office(10).await;
    let scope = &office.scope;
    let second = another(&office, 19);
    scope
        .connection_create(&second, None, None)
        .await
        .expect("made");
    let (one, other) = (office.connection, second.id);
    for id in [one, other] {
        let retired = scope.connection_retire(id, &WHY, at(5)).await;
        assert_eq!(retired.expect("paused"), [], "the other one is there");
    }
    let (first, later) = tokio::join!(
        scope.connection_deactivate(one, &[], &WHY),
        scope.connection_deactivate(other, &[], &WHY)
    );
    let mut left = [first.expect("deleted"), later.expect("deleted")];
    left.sort();
    assert_eq!(left, [vec![], both(&office)]);
    assert_eq!(active(&office).await, []);
    for account in both(&office) {
        scope.account_delete(account).await.expect("deleted");
    }
    world.end().await;
}

async fn an_end_can_be_repeated(world: World) {
    let office = world.office(10).await;
    let (scope, id) = (&office.scope, office.connection);
    for now in [5, 6] {
        let retired = scope.connection_retire(id, &WHY, at(now)).await;
        assert_eq!(retired.expect("paused"), both(&office));
    }
    let left = scope.connection_deactivate(id, &both(&office), &WHY).await;
    assert_eq!(left.expect("deleted"), []);
    assert_eq!(scope.account_list(None, 10).await.expect("accounts"), []);
    let again = scope.connection_deactivate(id, &both(&office), &WHY).await;
    assert!(matches!(again, Err(StoreError::NotFound)), "{again:?}");
    let again = scope.connection_retire(id, &WHY, at(7)).await;
    assert!(matches!(again, Err(StoreError::NotFound)), "{again:?}");
    world.end().await;
}
