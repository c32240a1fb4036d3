//! Tokens kept fresh: once per expiry, however many ask.

use std::time::Duration;

use syncline_accounts::Error;
use syncline_connector::{Error as CallError, Kind, Session};
use syncline_model::AccountStatus;

use crate::world::{World, me};

/// So many tasks ask who they are, at once.
async fn all_ask(session: &Session, tasks: usize) -> Vec<Result<String, CallError>> {
    let asking: Vec<_> = (0..tasks)
        .map(|_| {
            let session = session.clone();
            tokio::spawn(async move { me(&session).await })
        })
        .collect();
    let mut answers = Vec::new();
    for task in asking {
        answers.push(task.await.unwrap());
    }
    answers
}

fn all_are_ann(answers: Vec<Result<String, CallError>>) {
    for answer in answers {
        assert_eq!(answer.unwrap(), "ann");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_tasks_at_expiry_renew_once() {
    let world = World::authorized().await;
    let session = world.session(&world.accounts).await;
    world.minutes(55);
    all_are_ann(all_ask(&session, 2).await);
    assert_eq!(world.provider.state().refreshes, 0, "five minutes left");
    world.minutes(2);
    all_are_ann(all_ask(&session, 50).await);
    assert_eq!(world.provider.state().refreshes, 1);
    let (stored, _) = world.stored().await;
    assert!(stored.contains("access-2"), "{stored}");
    assert!(stored.contains("refresh-1"), "kept: {stored}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_tasks_rejected_together_renew_once() {
    let world = World::authorized().await;
    let session = world.session(&world.accounts).await;
    all_are_ann(all_ask(&session, 1).await);
    world.provider.state().forget_access();
    all_are_ann(all_ask(&session, 50).await);
    assert_eq!(world.provider.state().refreshes, 1);
}

#[tokio::test]
async fn rotated_refresh_tokens_are_followed() {
    let world = World::authorized().await;
    world.provider.state().rotate = true;
    let session = world.session(&world.accounts).await;
    for round in 1..=5 {
        world.minutes(58);
        assert_eq!(me(&session).await.unwrap(), "ann", "round {round}");
        assert_eq!(world.provider.state().refreshes, round);
    }
    let (stored, _) = world.stored().await;
    assert!(stored.contains("refresh-6"), "{stored}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_refresh_token_asks_for_the_owner_once() {
    let world = World::authorized().await;
    let session = world.session(&world.accounts).await;
    world.provider.state().refresh.clear();
    world.minutes(61);
    for answer in all_ask(&session, 20).await {
        assert_eq!(answer.unwrap_err().kind, Kind::Unauthorized);
    }
    assert_eq!(world.provider.state().refreshes, 1, "nobody knocks again");
    let status = world.account().await.status;
    assert!(matches!(status, AccountStatus::NeedsReauthorization { .. }));
    let open = world.accounts.open(world.tenant, world.account).await;
    assert!(matches!(open, Err(Error::NeedsReauthorization { .. })));

    world.authorize("ann").await.unwrap();
    assert_eq!(world.account().await.status, AccountStatus::Active);
    all_are_ann(all_ask(&session, 2).await);
    assert_eq!(world.provider.state().refreshes, 1);
}

#[tokio::test]
async fn of_two_processes_that_renew_the_loser_adopts() {
    let world = World::authorized().await;
    let one = world.session(&world.accounts).await;
    let two = world.session(&world.another_process()).await;
    world.minutes(57);
    world.provider.state().held.insert(1);
    let first = tokio::spawn(async move { me(&one).await });
    world.provider.arrived(1).await;
    assert_eq!(me(&two).await.unwrap(), "ann");
    let saved = world.stored().await;
    world.provider.release();
    assert_eq!(first.await.unwrap().unwrap(), "ann");
    assert_eq!(world.provider.state().refreshes, 2);
    assert_eq!(world.stored().await, saved, "the winner's stay");
    assert_eq!(world.account().await.status, AccountStatus::Active);
}

#[tokio::test]
async fn a_refresh_token_that_another_process_rotated_is_not_dead() {
    let world = World::authorized().await;
    world.provider.state().rotate = true;
    let one = world.session(&world.accounts).await;
    let two = world.session(&world.another_process()).await;
    world.minutes(57);
    world.provider.state().held.insert(1);
    let first = tokio::spawn(async move { me(&one).await });
    world.provider.arrived(1).await;
    assert_eq!(me(&two).await.unwrap(), "ann");
    world.provider.release();
    assert_eq!(first.await.unwrap().unwrap(), "ann");
    assert_eq!(world.account().await.status, AccountStatus::Active);
}

#[tokio::test]
async fn a_renewal_goes_on_when_its_caller_is_given_up() {
    let world = World::authorized().await;
    world.provider.state().rotate = true;
    let session = world.session(&world.accounts).await;
    world.minutes(57);
    world.provider.state().held.insert(1);
    let caller = tokio::spawn({
        let session = session.clone();
        async move { me(&session).await }
    });
    world.provider.arrived(1).await;
    caller.abort();
    assert!(caller.await.unwrap_err().is_cancelled());
    world.provider.release();
    assert_eq!(me(&session).await.unwrap(), "ann");
    assert_eq!(world.provider.state().refreshes, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broken_token_endpoint_is_lived_with_and_not_hammered() {
    let world = World::authorized().await;
    let session = world.session(&world.accounts).await;
    world.provider.state().broken = Some(503);
    world.minutes(57);
    all_are_ann(all_ask(&session, 20).await);
    assert_eq!(world.provider.state().refreshes, 1, "three minutes left");
    world.minutes(4);
    for answer in all_ask(&session, 20).await {
        assert_eq!(answer.unwrap_err().kind, Kind::Unavailable);
    }
    assert_eq!(world.provider.state().refreshes, 2);
    world.provider.state().broken = None;
    world.clock.advance(Duration::from_secs(5));
    all_are_ann(all_ask(&session, 20).await);
    assert_eq!(world.provider.state().refreshes, 3);
    assert_eq!(world.account().await.status, AccountStatus::Active);
}
