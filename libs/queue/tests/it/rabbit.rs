//! The queue on RabbitMQ, against the real server, and what it promises beyond the suite.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use syncline_queue::{Priority, Queue, QueueDepths, QueueError, RabbitQueue, RabbitSettings};
use tokio::time::{Instant, timeout};

use crate::broker::{LONG, Node, Proxy, delete, prefix, publish_raw, queue, shared_url};
use crate::conformance::{job, next, number};

async fn fresh() -> Arc<dyn Queue> {
    Arc::new(queue(&shared_url(), &prefix()))
}

crate::conformance!(fresh);

const SCHEDULED: Priority = Priority::Scheduled;

/// Two processes at the same queues.
fn pair() -> (RabbitQueue, RabbitQueue, String) {
    let (url, prefix) = (shared_url(), prefix());
    (queue(&url, &prefix), queue(&url, &prefix), prefix)
}

async fn in_time<T>(what: impl Future<Output = T>) -> T {
    timeout(LONG, what).await.expect("in time")
}

/// Until the broker says so: what went back to it takes a moment.
async fn until_depths(queue: &RabbitQueue, expect: QueueDepths) {
    let deadline = Instant::now() + LONG;
    loop {
        let depths = queue.depths().await.unwrap();
        if depths == expect {
            return;
        }
        assert!(Instant::now() < deadline, "{depths:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_share_the_work() {
    const JOBS: u128 = 100;
    let (one, two, _) = pair();
    for n in 1..=JOBS {
        one.publish(&job(n), SCHEDULED).await.unwrap();
    }
    let mut seen = BTreeSet::new();
    for _ in 0..JOBS / 2 {
        // Each has a job in hand while the other receives.
        let (first, second) = in_time(async { tokio::join!(one.receive(), two.receive()) }).await;
        for delivery in [first.unwrap(), second.unwrap()] {
            assert!(seen.insert(number(&delivery.job)), "{:?}", delivery.job);
            delivery.ack().await.unwrap();
        }
    }
    assert_eq!(seen, (1..=JOBS).collect());
    until_depths(&one, QueueDepths::default()).await;
}

#[tokio::test]
async fn a_busy_process_holds_nothing_but_the_job_in_hand() {
    let (busy, idle, _) = pair();
    for priority in Priority::ALL {
        for n in 1..=3 {
            busy.publish(&job(n), priority).await.unwrap();
        }
    }
    let in_hand = in_time(busy.receive()).await.unwrap();
    assert_eq!(idle.depths().await.unwrap().waiting(), 8);
    for _ in 0..8 {
        in_time(next(&idle)).await;
    }
    in_hand.ack().await.unwrap();
    until_depths(&idle, QueueDepths::default()).await;
}

#[tokio::test]
async fn a_job_that_is_dropped_comes_again() {
    let (one, _, _) = pair();
    one.publish(&job(1), SCHEDULED).await.unwrap();
    drop(in_time(one.receive()).await.unwrap());
    assert_eq!(in_time(next(&one)).await, job(1));
}

#[tokio::test]
async fn a_process_that_dies_leaves_its_job_to_another() {
    let (one, two, _) = pair();
    one.publish(&job(1), SCHEDULED).await.unwrap();
    let died = std::thread::spawn(move || {
        let process = tokio::runtime::Runtime::new().unwrap();
        let in_hand = process.block_on(one.receive()).unwrap();
        assert_eq!(in_hand.job, job(1));
        std::mem::forget(in_hand);
        // Its sockets close with it.
        process.shutdown_background();
    });
    tokio::task::spawn_blocking(|| died.join().unwrap())
        .await
        .unwrap();
    assert_eq!(in_time(next(&two)).await, job(1));
}

#[tokio::test]
async fn what_is_no_job_is_set_aside_and_seen() {
    let (one, _, prefix) = pair();
    one.publish(&job(1), SCHEDULED).await.unwrap();
    in_time(next(&one)).await;
    let jobs = format!("{prefix}.jobs.scheduled");
    publish_raw(&shared_url(), &jobs, b"{\"kind\":\"of another age\"}").await;
    publish_raw(&shared_url(), &jobs, b"\xff\xfe").await;
    one.publish(&job(2), SCHEDULED).await.unwrap();
    assert_eq!(in_time(next(&one)).await, job(2));
    let expect = QueueDepths {
        set_aside: 2,
        ..QueueDepths::default()
    };
    until_depths(&one, expect).await;
}

#[tokio::test]
async fn what_never_is_acknowledged_is_set_aside_after_twenty_times() {
    let (one, _, _) = pair();
    one.publish(&job(1), SCHEDULED).await.unwrap();
    for _ in 0..21 {
        drop(in_time(one.receive()).await.unwrap());
    }
    let expect = QueueDepths {
        set_aside: 1,
        ..QueueDepths::default()
    };
    until_depths(&one, expect).await;
    one.publish(&job(2), SCHEDULED).await.unwrap();
    assert_eq!(in_time(next(&one)).await, job(2));
}

/// Whether a queue that is not there, or is going away, says so of itself.
fn names(error: &QueueError, jobs: &str) -> bool {
    matches!(error, QueueError::Unroutable { queue } | QueueError::Refused { queue, .. } if queue == jobs)
}

#[tokio::test]
async fn f17_a_message_without_a_queue_is_an_error_and_the_queue_is_made_again() {
    let (one, two, prefix) = pair();
    // One message a channel: each of them has declared the queues, and knows no better.
    for n in 1..=4 {
        one.publish(&job(n), SCHEDULED).await.unwrap();
        in_time(next(&one)).await;
    }
    let jobs = format!("{prefix}.jobs.scheduled");
    delete(&shared_url(), &jobs).await;
    let mut refused = 0;
    while let Err(error) = one.publish(&job(9), SCHEDULED).await {
        assert!(names(&error, &jobs), "{error}");
        refused += 1;
        assert!(refused <= 4, "it is not made again");
    }
    assert!(refused > 0, "the first channel found the queue");
    assert_eq!(in_time(next(&two)).await, job(9));
}

/// The broker confirms what it gave to a queue in the moment of its deletion, and the message is gone with the queue.
/// So the job is published until somebody has it, which is what the scheduler does.
#[tokio::test]
async fn f17_who_listens_outlives_the_queue() {
    let (one, two, prefix) = pair();
    for n in 1..=4 {
        one.publish(&job(n), SCHEDULED).await.unwrap();
        in_time(next(&one)).await;
    }
    let mut listener = tokio::spawn(async move { next(&two).await });
    let jobs = format!("{prefix}.jobs.scheduled");
    delete(&shared_url(), &jobs).await;
    let deadline = Instant::now() + LONG;
    let came = loop {
        assert!(Instant::now() < deadline, "nobody has it");
        if let Err(error) = one.publish(&job(9), SCHEDULED).await {
            println!("not published: {error}");
        }
        if let Ok(came) = timeout(Duration::from_secs(1), &mut listener).await {
            break came.unwrap();
        }
    };
    assert_eq!(came, job(9));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f16_a_lost_confirmation_is_published_again() {
    let proxy = Proxy::start(&shared_url()).await;
    let prefix = prefix();
    let (cut_off, other) = (queue(&proxy.url, &prefix), queue(&shared_url(), &prefix));
    // One message a channel, so that the connection is up and nothing but the confirmation is to come.
    for n in 1..=4 {
        cut_off.publish(&job(n), SCHEDULED).await.unwrap();
        in_time(next(&other)).await;
    }
    proxy.cut_the_next_answer();
    cut_off.publish(&job(9), SCHEDULED).await.unwrap();
    assert_eq!(proxy.cuts(), 1);
    // Once for each time that it reached the broker.
    assert_eq!(in_time(next(&other)).await, job(9));
    assert_eq!(in_time(next(&other)).await, job(9));
    until_depths(&other, QueueDepths::default()).await;
}

#[tokio::test]
async fn a_broker_that_is_not_there_is_an_error_for_publishers_and_a_wait_for_receivers() {
    let closed = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    let alone = queue(&format!("amqp://guest:guest@{closed}/%2f"), "x");
    let error = in_time(alone.publish(&job(1), SCHEDULED))
        .await
        .unwrap_err();
    assert!(matches!(error, QueueError::Unavailable(_)), "{error}");
    in_time(alone.depths()).await.unwrap_err();
    let wait = timeout(Duration::from_millis(700), alone.receive()).await;
    assert!(wait.is_err());
}

#[tokio::test]
async fn settings_that_can_never_work_are_refused_without_naming_the_password() {
    let check = |url: &str| {
        let settings = RabbitSettings {
            url: url.into(),
            prefix: "x".into(),
            ca: None,
        };
        let error = RabbitQueue::new(&settings).unwrap_err();
        assert!(matches!(error, QueueError::Settings(_)), "{error}");
        assert!(!format!("{error} {error:?} {settings:?}").contains("canary"));
    };
    check("redis://canary:canary@localhost");
    check("amqp:canary");
    check("canary");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f18_a_broker_that_crashes_under_load_loses_nothing() {
    const JOBS: u128 = 1_500;
    let node = Node::start("").await;
    let prefix = prefix();
    let publisher = queue(&node.url, &prefix);
    let (got, mut all) = tokio::sync::mpsc::unbounded_channel();
    let workers: Vec<_> = (0..2)
        .map(|_| Arc::new(queue(&node.url, &prefix)))
        .flat_map(|queue| [Arc::clone(&queue), queue])
        .map(|queue| {
            let got = got.clone();
            tokio::spawn(async move {
                loop {
                    let delivery = queue.receive().await.unwrap();
                    let n = number(&delivery.job);
                    // What cannot be acknowledged comes again.
                    if delivery.ack().await.is_ok() {
                        got.send(n).unwrap();
                    }
                }
            })
        })
        .collect();
    let published = tokio::spawn(async move {
        let mut refused = 0;
        for n in 1..=JOBS {
            // As the scheduler does: until the broker has it.
            while publisher.publish(&job(n), SCHEDULED).await.is_err() {
                refused += 1;
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
        refused
    });
    let mut seen = BTreeSet::new();
    while seen.len() < 200 {
        seen.insert(in_time(all.recv()).await.unwrap());
    }
    node.crash_and_restart().await;
    while seen.len() < JOBS as usize {
        seen.insert(in_time(all.recv()).await.unwrap());
    }
    assert!(published.await.unwrap() > 0, "the crash was not noticed");
    for worker in workers {
        worker.abort();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f21_f22_a_job_held_too_long_comes_again_and_a_full_memory_stops_no_one_for_long() {
    let node = Node::start("-rabbit consumer_timeout 3000 -rabbit channel_tick_interval 500").await;
    let prefix = prefix();
    let (slow, other) = (queue(&node.url, &prefix), queue(&node.url, &prefix));

    slow.publish(&job(1), SCHEDULED).await.unwrap();
    let held = in_time(slow.receive()).await.unwrap();
    // The broker closes the channel under it and gives the job to another.
    assert_eq!(in_time(next(&other)).await, job(1));
    held.ack().await.unwrap_err();
    // The channel was one of several: the next job comes by another.
    slow.publish(&job(2), SCHEDULED).await.unwrap();
    assert_eq!(in_time(next(&slow)).await, job(2));

    node.ctl(&["set_vm_memory_high_watermark", "0.00000001"])
        .await;
    for _ in 0..2 {
        let begun = Instant::now();
        let error = other.publish(&job(3), SCHEDULED).await.unwrap_err();
        let blocked = matches!(error, QueueError::Unconfirmed { blocked: true, .. });
        assert!(blocked, "{error}");
        assert!(begun.elapsed() < Duration::from_secs(5));
    }
    node.ctl(&["set_vm_memory_high_watermark", "0.4"]).await;
    let deadline = Instant::now() + LONG;
    while let Err(error) = other.publish(&job(4), SCHEDULED).await {
        assert!(Instant::now() < deadline, "{error}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    while in_time(next(&slow)).await != job(4) {}
}
