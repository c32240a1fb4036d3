//! How often the scheduler rings, on a queue that does not know which jobs wait in it already.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use syncline_platform::ManualClock;
use syncline_worker::Scheduler;

use crate::office::{Bell, DUE, start, tools, tools_for};

#[tokio::test]
async fn a_due_run_is_rung_for_once_and_again_after_a_while() {
    let (bell, clock) = (
        Arc::new(Bell::default()),
        Arc::new(ManualClock::new(start())),
    );
    let scheduler = Scheduler::new(tools(&bell, clock.clone()).await);
    let tick = async || scheduler.tick().await.expect("a tick");
    tick().await;
    assert_eq!(bell.rung(), DUE);
    assert_eq!(bell.first_syncs.load(Ordering::SeqCst), DUE);
    for _ in 0..14 {
        clock.advance(Duration::from_secs(1));
        tick().await;
    }
    assert_eq!(bell.rung(), 0, "their jobs still wait");
    clock.advance(Duration::from_secs(1));
    tick().await;
    assert_eq!(bell.rung(), DUE, "a ring may have been lost");
    // 100 ticks of a fleet without workers: the broker does not fill up.
    for _ in 0..100 {
        clock.advance(Duration::from_secs(1));
        tick().await;
    }
    assert_eq!(bell.rung(), 6 * DUE);
}

#[tokio::test]
async fn a_queue_that_takes_nothing_is_asked_once_a_tick() {
    let (bell, clock) = (
        Arc::new(Bell::default()),
        Arc::new(ManualClock::new(start())),
    );
    let scheduler = Scheduler::new(tools(&bell, clock.clone()).await);
    let tick = async || {
        clock.advance(Duration::from_secs(1));
        scheduler.tick().await.expect("a tick");
    };
    bell.deaf.store(true, Ordering::SeqCst);
    tick().await;
    tick().await;
    assert_eq!(bell.rung(), 2);
    bell.deaf.store(false, Ordering::SeqCst);
    tick().await;
    assert_eq!(bell.rung(), DUE, "at once when it takes jobs again");
}

/// Whoever waits in front, say a thousand connections of one customer that nobody gets to, keeps nobody behind from being
/// rung for.
#[tokio::test]
async fn a_backlog_keeps_nobody_behind_it_waiting() {
    let (bell, clock) = (
        Arc::new(Bell::default()),
        Arc::new(ManualClock::new(start())),
    );
    // More than a tick makes runs of.
    let scheduler = Scheduler::new(tools_for(700, &bell, clock.clone()).await);
    for _ in 0..2 {
        scheduler.tick().await.expect("a tick");
        clock.advance(Duration::from_secs(1));
    }
    assert_eq!(bell.rung(), 700);
}
