//! What every queue must do. Each check takes a fresh, empty queue; `conformance!` makes a test of every check.

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use syncline_model::{Job, RunId, TenantId};
use syncline_queue::{Priority, Queue, QueueDepths};
use uuid::Uuid;

const SCHEDULED: Priority = Priority::Scheduled;

/// Makes a test of every check; `$factory` is an async function that gives a fresh `Arc<dyn Queue>`.
#[macro_export]
macro_rules! conformance {
    ($factory:path) => {
        $crate::conformance!(@tests $factory:
            a_published_job_is_received
            a_received_job_is_not_received_again
            waiting_ends_when_a_job_comes
            every_job_reaches_exactly_one_consumer
            giving_up_the_wait_loses_no_job
            equal_jobs_that_wait_ring_at_least_once
            a_job_published_while_its_equal_is_in_hand_is_delivered
            the_urgent_comes_first_and_nothing_starves
            jobs_that_wait_are_counted
        );
    };
    (@tests $factory:path: $($check:ident)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $check() {
            $crate::conformance::$check($factory().await).await;
        }
    )*};
}

/// The nth job.
pub fn job(number: u128) -> Job {
    Job::run(
        TenantId::from_uuid(Uuid::from_u128(1)),
        RunId::from_uuid(Uuid::from_u128(number)),
    )
}

/// Which one a job is.
pub fn number(job: &Job) -> u128 {
    let Job::Run { run, .. } = job;
    run.uuid().as_u128()
}

/// Receives and acknowledges.
pub async fn next(queue: &dyn Queue) -> Job {
    let delivery = queue.receive().await.unwrap();
    let job = delivery.job.clone();
    delivery.ack().await.unwrap();
    job
}

pub async fn a_published_job_is_received(queue: Arc<dyn Queue>) {
    queue.publish(&job(1), SCHEDULED).await.unwrap();
    assert_eq!(next(&*queue).await, job(1));
}

pub async fn a_received_job_is_not_received_again(queue: Arc<dyn Queue>) {
    queue.publish(&job(1), SCHEDULED).await.unwrap();
    assert_eq!(next(&*queue).await, job(1));
    // Whatever came back would come before this one or with it.
    queue.publish(&job(2), SCHEDULED).await.unwrap();
    assert_eq!(next(&*queue).await, job(2));
}

pub async fn waiting_ends_when_a_job_comes(queue: Arc<dyn Queue>) {
    let consumer = tokio::spawn({
        let queue = Arc::clone(&queue);
        async move { next(&*queue).await }
    });
    tokio::task::yield_now().await;
    queue.publish(&job(1), SCHEDULED).await.unwrap();
    assert_eq!(consumer.await.unwrap(), job(1));
}

pub async fn every_job_reaches_exactly_one_consumer(queue: Arc<dyn Queue>) {
    const JOBS: u128 = 200;
    let (got, mut all) = tokio::sync::mpsc::unbounded_channel();
    let consumers: Vec<_> = (0..8)
        .map(|_| {
            let (queue, got) = (Arc::clone(&queue), got.clone());
            tokio::spawn(async move {
                loop {
                    got.send(number(&next(&*queue).await)).unwrap();
                }
            })
        })
        .collect();
    for n in 1..=JOBS {
        queue.publish(&job(n), SCHEDULED).await.unwrap();
    }
    let mut seen = BTreeSet::new();
    for _ in 1..=JOBS {
        let n = all.recv().await.unwrap();
        assert!(seen.insert(n), "job {n} came twice");
    }
    assert_eq!(seen, (1..=JOBS).collect());
    for consumer in consumers {
        consumer.abort();
    }
}

pub async fn giving_up_the_wait_loses_no_job(queue: Arc<dyn Queue>) {
    for n in 1..=20 {
        {
            let mut wait = pin!(queue.receive());
            let polled = wait.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            assert!(matches!(polled, Poll::Pending));
            queue.publish(&job(n), SCHEDULED).await.unwrap();
        }
        assert_eq!(next(&*queue).await, job(n));
    }
}

pub async fn equal_jobs_that_wait_ring_at_least_once(queue: Arc<dyn Queue>) {
    for _ in 0..5 {
        queue.publish(&job(1), SCHEDULED).await.unwrap();
    }
    queue.publish(&job(2), SCHEDULED).await.unwrap();
    let mut rings = 0;
    while next(&*queue).await == job(1) {
        rings += 1;
    }
    assert!((1..=5).contains(&rings), "{rings}");
}

pub async fn a_job_published_while_its_equal_is_in_hand_is_delivered(queue: Arc<dyn Queue>) {
    queue.publish(&job(1), SCHEDULED).await.unwrap();
    let in_hand = queue.receive().await.unwrap();
    queue.publish(&job(1), SCHEDULED).await.unwrap();
    in_hand.ack().await.unwrap();
    assert_eq!(next(&*queue).await, job(1));
}

pub async fn the_urgent_comes_first_and_nothing_starves(queue: Arc<dyn Queue>) {
    for n in 1..=16 {
        for priority in [Priority::FirstSync, SCHEDULED, Priority::Interactive] {
            queue.publish(&job(n), priority).await.unwrap();
        }
    }
    let mut order = Vec::new();
    for _ in 0..16 {
        let delivery = queue.receive().await.unwrap();
        order.push(delivery.priority);
        delivery.ack().await.unwrap();
    }
    let count = |priority| order.iter().filter(|one| **one == priority).count();
    assert!(count(Priority::Interactive) >= 10, "{order:?}");
    assert!(count(SCHEDULED) >= 1, "{order:?}");
    assert!(count(Priority::FirstSync) >= 1, "{order:?}");
}

pub async fn jobs_that_wait_are_counted(queue: Arc<dyn Queue>) {
    assert_eq!(queue.depths().await.unwrap(), QueueDepths::default());
    queue.publish(&job(1), Priority::Interactive).await.unwrap();
    for n in 1..=2 {
        queue.publish(&job(n), SCHEDULED).await.unwrap();
    }
    for n in 1..=3 {
        queue.publish(&job(n), Priority::FirstSync).await.unwrap();
    }
    let expect = QueueDepths {
        interactive: 1,
        scheduled: 2,
        first_sync: 3,
        set_aside: 0,
    };
    assert_eq!(queue.depths().await.unwrap(), expect);
    assert_eq!(expect.waiting(), 6);
    let in_hand = queue.receive().await.unwrap();
    assert_eq!(queue.depths().await.unwrap().waiting(), 5);
    in_hand.ack().await.unwrap();
}
