//! Coordination in Redis: the conformance suite, and what only several clients and the server's clock can show.
//!
//! Needs SYNCLINE_TEST_REDIS_URL.

use std::sync::Arc;
use std::time::Duration;

use chrono::DateTime;
use syncline_coordination::{
    BucketSpec, Buckets, Phase, Progress, ProgressEvent, Redis, RedisSettings, Seat, Take, Want,
};
use syncline_model::{Counters, RunId, RunState};
use syncline_platform::{ManualClock, SystemClock, random_token};

use crate::conformance::Subject;
use crate::server;

/// A use of the shared server under a prefix.
pub async fn open(url: &str, prefix: &str) -> Redis {
    let settings = RedisSettings {
        url: url.into(),
        prefix: prefix.to_owned(),
        fallback_percent: 50,
    };
    Redis::open(settings, Arc::new(SystemClock)).await.unwrap()
}

pub fn unique() -> String {
    format!("test-{}", random_token(12))
}

async fn fresh() -> Subject {
    let url = server::shared();
    let redis = open(&url, &unique()).await;
    let clock = Arc::new(ManualClock::new(DateTime::UNIX_EPOCH));
    let buckets = redis.buckets().on_clock(clock.clone());
    // A bucket is full when it is not there and the server has known us for long.
    buckets.take(&[]).await.unwrap();
    clock.advance(Duration::from_hours(24));
    Subject {
        buckets: Arc::new(buckets),
        progress: Arc::new(redis.progress()),
        clock,
    }
}

crate::conformance!(fresh);

/// A bucket of 20 tokens with 20 more each second.
fn want(key: &str) -> Want {
    Want {
        key: key.to_owned(),
        spec: BucketSpec {
            capacity: 20,
            per_minute: 1_200,
        },
        tokens: 1,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_clients_keep_within_the_limit() {
    let url = server::shared();
    let prefix = unique();
    let uses = [open(&url, &prefix).await, open(&url, &prefix).await];
    // Tokens flow from the first moment that the server knows us.
    let begun = std::time::Instant::now();
    let until = begun + Duration::from_secs(2);
    let mut takers = tokio::task::JoinSet::new();
    for taker in 0..8 {
        let buckets = uses[taker % 2].buckets();
        takers.spawn(async move {
            let mut got: u32 = 0;
            while std::time::Instant::now() < until {
                match buckets.take(&[want("a"), want("b")]).await.unwrap() {
                    Take::Taken { .. } => got += 1,
                    Take::Wait(wait) => tokio::time::sleep(wait).await,
                }
            }
            got
        });
    }
    let got: u32 = takers.join_all().await.into_iter().sum();
    let most = 1.0 + 20.0 * begun.elapsed().as_secs_f64();
    assert!(
        f64::from(got) <= most + 1.0,
        "{got} taken, {most:.1} flowed"
    );
    assert!(
        f64::from(got) >= most * 0.7,
        "{got} taken, {most:.1} flowed"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn seats_are_shared_and_those_of_the_dead_come_free_on_the_servers_clock() {
    let url = server::shared();
    let prefix = unique();
    let dies = open(&url, &prefix).await;
    let lives = open(&url, &prefix).await.buckets();
    let row = [Seat {
        key: "calls".to_owned(),
        seats: 1,
        hold: Duration::from_millis(300),
    }];
    let begun = std::time::Instant::now();
    let sat = dies.buckets().enter(&[], &row, "dies").await.unwrap();
    assert!(matches!(sat, Take::Taken { .. }));
    drop(dies);
    let mut waits = 0;
    while let Take::Wait(wait) = lives.enter(&[], &row, "lives").await.unwrap() {
        assert!(wait <= Duration::from_millis(100), "{wait:?}");
        waits += 1;
        tokio::time::sleep(wait).await;
    }
    assert!(waits > 0, "the seat was taken");
    assert!(begun.elapsed() >= Duration::from_millis(300));
    assert!(begun.elapsed() < Duration::from_secs(3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn installations_with_different_prefixes_share_nothing() {
    let url = server::shared();
    let (one, two) = (unique(), unique());
    let (one, two) = (open(&url, &one).await, open(&url, &two).await);
    let only = |key: &str| Want {
        spec: BucketSpec {
            capacity: 1,
            per_minute: 1,
        },
        ..want(key)
    };
    for redis in [&one, &two] {
        let first = redis.buckets().take(&[only("a")]).await.unwrap();
        assert!(matches!(first, Take::Taken { .. }), "{first:?}");
        let second = redis.buckets().take(&[only("a")]).await.unwrap();
        assert!(matches!(second, Take::Wait(_)), "{second:?}");
    }
}

/// Who begins to watch hears at once, also in a process that has been up for a while and watched nothing until then.
#[tokio::test]
async fn the_first_watch_of_a_process_is_heard_at_once() {
    let redis = open(&server::shared(), &unique()).await;
    let progress = redis.progress();
    // Long enough for the listener to have found that there is nothing to listen to.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let run = RunId::from_uuid(uuid::Uuid::from_u128(1));
    let mut watch = progress.subscribe(run).await.unwrap();
    let event = ProgressEvent {
        run,
        state: RunState::Running,
        phase: Phase::Pull,
        counters: Counters::default(),
    };
    progress.publish(&event).await.unwrap();
    let heard = tokio::time::timeout(Duration::from_secs(2), watch.next()).await;
    assert_eq!(heard.expect("a report"), Some(event));
}
