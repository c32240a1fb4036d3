//! Redis emptied, killed, stopped, full: everything goes on, limits hold about, and all is shared again when it is back.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use syncline_coordination::{
    BucketSpec, Buckets, Phase, Progress, ProgressEvent, RedisBuckets, Take, Want,
};
use syncline_model::{Counters, RunId, RunState};
use uuid::Uuid;

use crate::redis::{open, unique};
use crate::server::Server;

/// The slowest that any call may be, whatever Redis does: two deadlines and what a busy machine adds.
const SLOWEST: Duration = Duration::from_secs(4);
/// By when a Redis that is back must be used again.
const BACK: Duration = Duration::from_secs(15);

fn want(key: &str, capacity: u32, per_minute: u32) -> Want {
    Want {
        key: key.to_owned(),
        spec: BucketSpec {
            capacity,
            per_minute,
        },
        tokens: 1,
    }
}

/// Takes until there is nothing at once, and says how many it got.
async fn drain(buckets: &RedisBuckets, want: &Want) -> u32 {
    let mut got = 0;
    loop {
        let begun = Instant::now();
        let take = buckets.take(std::slice::from_ref(want)).await;
        assert!(begun.elapsed() < SLOWEST, "a taking is never slow");
        match take.unwrap() {
            Take::Taken { .. } => got += 1,
            Take::Wait(_) => return got,
        }
        assert!(got < 10_000, "unlimited");
    }
}

async fn until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let begun = Instant::now();
    while !holds().await {
        assert!(begun.elapsed() < BACK, "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A bucket that is full: nobody has taken from it since the server knows us.
async fn filled(buckets: &RedisBuckets, want: &Want) {
    let none = Want {
        tokens: 0,
        ..want.clone()
    };
    until("a full bucket", || async {
        let take = buckets.take(std::slice::from_ref(&none)).await.unwrap();
        take == Take::Taken {
            left: want.spec.capacity,
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flush_starts_buckets_almost_empty() {
    let server = Server::start(&[]);
    let redis = open(&server.url(), &unique()).await;
    let buckets = redis.buckets();
    // A token each 100 ms.
    let want = want("a", 10, 600);
    filled(&buckets, &want).await;
    let before = drain(&buckets, &want).await;
    assert!(before >= 10);
    let flushed = Instant::now();
    assert!(server.command("FLUSHALL").starts_with("+OK"));
    let after = drain(&buckets, &want).await;
    let flowed = flushed.elapsed().as_secs_f64() * 10.0;
    assert!(f64::from(after) <= 2.0 + flowed, "{after} after the flush");
    assert!(after >= 1, "it goes on");
    // The script is gone with the rest of the server's memory, and comes back by itself.
    assert!(server.command("SCRIPT FLUSH").starts_with("+OK"));
    assert_eq!(drain(&buckets, &want).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_server_is_done_without_and_a_new_one_is_used() {
    let mut server = Server::start(&[]);
    let prefix = unique();
    let (one, two) = (
        open(&server.url(), &prefix).await,
        open(&server.url(), &prefix).await,
    );
    let (mine, theirs) = (one.buckets(), two.buckets());
    let want = want("a", 100, 6);
    assert_eq!(drain(&mine, &want).await, 1, "a new server knows nothing");
    assert_eq!(drain(&theirs, &want).await, 0, "shared");
    server.kill();
    // Each keeps half of the limit by itself, from one token on.
    assert_eq!(drain(&mine, &want).await, 1);
    assert_eq!(drain(&theirs, &want).await, 1);
    assert!(!one.answers().await);
    server.start_again();
    until("used again", || async {
        one.answers().await && two.answers().await
    })
    .await;
    assert_eq!(drain(&mine, &want).await, 1);
    assert_eq!(drain(&theirs, &want).await, 0, "shared again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_was_never_there_is_used_when_it_comes() {
    let mut server = Server::start(&[]);
    server.kill();
    let redis = open(&server.url(), &unique()).await;
    let buckets = redis.buckets();
    assert_eq!(drain(&buckets, &want("a", 10, 1)).await, 1);
    server.start_again();
    until("used", || redis.answers()).await;
    assert_eq!(drain(&buckets, &want("a", 10, 1)).await, 1);
    assert!(
        server.command("DBSIZE").starts_with(":2"),
        "mark and bucket"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn generous_limits_begin_full_after_a_loss() {
    let mut server = Server::start(&[]);
    let redis = open(&server.url(), &unique()).await;
    let buckets = redis.buckets().generous();
    let want = want("a", 10, 1);
    assert_eq!(drain(&buckets, &want).await, 10, "a new server");
    assert!(server.command("FLUSHALL").starts_with("+OK"));
    assert_eq!(drain(&buckets, &want).await, 10, "a flush");
    server.kill();
    assert_eq!(drain(&buckets, &want).await, 5, "this process's half");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_server_holds_nobody_up() {
    let server = Server::start(&[]);
    let redis = open(&server.url(), &unique()).await;
    let buckets = Arc::new(redis.buckets());
    let want = want("a", 1_000, 60);
    assert_eq!(drain(&buckets, &want).await, 1);
    server.signal("STOP");
    let begun = Instant::now();
    let mut takers = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let (buckets, want) = (Arc::clone(&buckets), want.clone());
        takers.spawn(async move {
            for _ in 0..20 {
                buckets.take(std::slice::from_ref(&want)).await.unwrap();
            }
        });
    }
    takers.join_all().await;
    let took = begun.elapsed();
    server.signal("CONT");
    assert!(took < SLOWEST, "1,000 takings took {took:?}");
    until("used again", || redis.answers()).await;
    let since = begun.elapsed().as_secs_f64();
    let got = drain(&buckets, &want).await;
    assert!(f64::from(got) <= 2.0 + since * 1.5, "{got} in {since} s");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eviction_costs_nothing_but_a_burst() {
    let server = Server::start(&["--maxmemory", "3mb", "--maxmemory-policy", "allkeys-lru"]);
    let redis = open(&server.url(), &unique()).await;
    let buckets = redis.buckets();
    let busy = want("busy", 5, 1);
    assert_eq!(drain(&buckets, &busy).await, 1);
    for other in 0..20_000_u32 {
        let take = buckets
            .take(&[want(&format!("other {other}"), 1_000, 1)])
            .await;
        assert!(take.is_ok());
        if other % 100 == 0 {
            // A bucket in use is not evicted: it stays dry, whatever is thrown out around it.
            assert_eq!(drain(&buckets, &busy).await, 0, "after {other}");
        }
    }
    let evicted = server.command("INFO stats");
    assert!(evicted.contains("evicted_keys:"), "{evicted}");
    assert!(!evicted.contains("evicted_keys:0\r"), "nothing was evicted");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_server_is_like_none() {
    let server = Server::start(&["--maxmemory-policy", "noeviction"]);
    let redis = open(&server.url(), &unique()).await;
    let buckets = redis.buckets();
    let want = want("a", 10, 6);
    assert_eq!(drain(&buckets, &want).await, 1);
    assert!(server.command("CONFIG SET maxmemory 1").starts_with("+OK"));
    assert_eq!(drain(&buckets, &want).await, 0, "it can still be read");
    let other = Want {
        key: "b".to_owned(),
        ..want.clone()
    };
    assert_eq!(drain(&buckets, &other).await, 1, "by itself");
    assert!(server.command("CONFIG SET maxmemory 0").starts_with("+OK"));
    until("used again", || redis.answers()).await;
    assert_eq!(drain(&buckets, &want).await, 0, "what Redis remembers");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn progress_is_dropped_while_the_server_is_gone_and_heard_again_after() {
    let mut server = Server::start(&[]);
    let prefix = unique();
    let tells = open(&server.url(), &prefix).await;
    let hears = open(&server.url(), &prefix).await;
    let (told, heard) = (tells.progress(), hears.progress());
    let run = RunId::from_uuid(Uuid::from_u128(7));
    let event = |pulled| ProgressEvent {
        run,
        state: RunState::Running,
        counters: Counters {
            pulled,
            ..Counters::default()
        },
        phase: Phase::Pull,
    };
    let mut watch = heard.subscribe(run).await.unwrap();
    told.publish(&event(1)).await.unwrap();
    assert_eq!(watch.next().await, Some(event(1)), "from one to the other");
    server.kill();
    let begun = Instant::now();
    for number in 2..50 {
        told.publish(&event(number)).await.unwrap();
    }
    let mut late = heard.subscribe(run).await.unwrap();
    assert!(begun.elapsed() < SLOWEST, "nobody waits");
    server.start_again();
    // Reports go on; sooner or later both watches hear them.
    let mut number = 100;
    for watch in [&mut watch, &mut late] {
        let begun = Instant::now();
        loop {
            number += 1;
            told.publish(&event(number)).await.unwrap();
            let next = tokio::time::timeout(Duration::from_millis(100), watch.next()).await;
            if next.is_ok_and(|next| next.is_some_and(|next| next.counters.pulled > 100)) {
                break;
            }
            assert!(begun.elapsed() < BACK, "not heard again");
        }
    }
}
