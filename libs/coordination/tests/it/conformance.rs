//! What every implementation of coordination must do: what is measured in time runs on the subject's clock. Each check takes a fresh subject; `conformance!` makes a test of
//! every check.

use std::sync::Arc;
use std::time::Duration;

use syncline_coordination::{
    BucketSpec, Buckets, Phase, Progress, ProgressEvent, Seat, Subscription, Take, Want,
};
use syncline_model::{Counters, RunId, RunState};
use syncline_platform::ManualClock;
use uuid::Uuid;

/// Makes a test of every check; `$factory` is an async function that gives a fresh `Subject`.
#[macro_export]
macro_rules! conformance {
    ($factory:path) => {
        $crate::conformance!(@tests $factory:
            a_bucket_begins_full_and_runs_dry
            a_named_wait_is_long_enough_and_not_too_long
            tokens_come_from_all_buckets_or_none
            a_bucket_never_holds_more_than_its_capacity
            a_taking_beyond_the_capacity_is_paid_back
            takers_at_once_get_no_more_than_there_is
            a_bucket_without_inflow_stays_dry
            no_more_sit_than_there_are_seats
            a_seat_that_nobody_leaves_is_free_in_time
            tokens_and_seats_come_together_or_not
            leaving_twice_or_late_frees_nobody_elses_seat
            a_watcher_hears_its_run_only
            every_watcher_hears_every_report
            reports_that_nobody_watches_go_nowhere
            a_slow_watcher_hears_the_newest
        );
    };
    (@tests $factory:path: $($check:ident)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $check() {
            $crate::conformance::$check($factory().await).await;
        }
    )*};
}

/// What is tested, and the clock that it runs on.
pub struct Subject {
    pub buckets: Arc<dyn Buckets>,
    pub progress: Arc<dyn Progress>,
    pub clock: Arc<ManualClock>,
}

/// `tokens` from the bucket `key` of 10 tokens, one of which flows in each second.
fn want(key: &str, tokens: u32) -> Want {
    Want {
        key: key.to_owned(),
        spec: BucketSpec {
            capacity: 10,
            per_minute: 60,
        },
        tokens,
    }
}

impl Subject {
    async fn take(&self, wants: &[Want]) -> Take {
        self.buckets.take(wants).await.unwrap()
    }

    fn advance(&self, millis: u64) {
        self.clock.advance(Duration::from_millis(millis));
    }
}

const fn wait(millis: u64) -> Take {
    Take::Wait(Duration::from_millis(millis))
}

const fn taken(left: u32) -> Take {
    Take::Taken { left }
}

pub async fn a_bucket_begins_full_and_runs_dry(subject: Subject) {
    assert_eq!(subject.take(&[want("a", 4)]).await, taken(6));
    assert_eq!(subject.take(&[want("a", 6)]).await, taken(0));
    assert_eq!(subject.take(&[want("a", 1)]).await, wait(1_000));
    assert_eq!(subject.take(&[want("b", 10)]).await, taken(0), "another");
}

pub async fn a_named_wait_is_long_enough_and_not_too_long(subject: Subject) {
    for per_minute in [1, 7, 60, 90, 100, 1_000] {
        let want = Want {
            key: format!("rate {per_minute}"),
            spec: BucketSpec {
                capacity: 3,
                per_minute,
            },
            tokens: 3,
        };
        assert_eq!(subject.take(std::slice::from_ref(&want)).await, taken(0));
        for _ in 0..5 {
            let Take::Wait(wait) = subject.take(std::slice::from_ref(&want)).await else {
                panic!("{per_minute} a minute: the bucket is dry");
            };
            subject
                .clock
                .advance(wait.saturating_sub(Duration::from_micros(1)));
            let early = subject.take(std::slice::from_ref(&want)).await;
            assert!(matches!(early, Take::Wait(_)), "{per_minute} a minute");
            subject.clock.advance(Duration::from_micros(1));
            assert_eq!(
                subject.take(std::slice::from_ref(&want)).await,
                taken(0),
                "{per_minute} a minute"
            );
        }
    }
}

pub async fn tokens_come_from_all_buckets_or_none(subject: Subject) {
    assert_eq!(subject.take(&[want("a", 8)]).await, taken(2));
    let both = [want("a", 5), want("b", 5)];
    assert_eq!(subject.take(&both).await, wait(3_000));
    assert_eq!(subject.take(&[want("b", 0)]).await, taken(10), "untouched");
    subject.advance(3_000);
    assert_eq!(subject.take(&both).await, taken(0));
    assert_eq!(subject.take(&[want("b", 0)]).await, taken(5));
    let dry = [want("a", 2), want("b", 9)];
    assert_eq!(subject.take(&dry).await, wait(4_000), "the longest");
}

pub async fn a_bucket_never_holds_more_than_its_capacity(subject: Subject) {
    assert_eq!(subject.take(&[want("a", 1)]).await, taken(9));
    subject.advance(3_600_000);
    assert_eq!(subject.take(&[want("a", 10)]).await, taken(0));
    assert_eq!(subject.take(&[want("a", 1)]).await, wait(1_000));
}

pub async fn a_taking_beyond_the_capacity_is_paid_back(subject: Subject) {
    assert_eq!(subject.take(&[want("a", 1)]).await, taken(9));
    assert_eq!(
        subject.take(&[want("a", 25)]).await,
        wait(1_000),
        "not full"
    );
    subject.advance(1_000);
    assert_eq!(subject.take(&[want("a", 25)]).await, taken(0));
    assert_eq!(subject.take(&[want("a", 1)]).await, wait(16_000));
}

pub async fn takers_at_once_get_no_more_than_there_is(subject: Subject) {
    let subject = Arc::new(subject);
    let takers: Vec<_> = (0..50)
        .map(|_| {
            let subject = Arc::clone(&subject);
            tokio::spawn(async move { subject.take(&[want("a", 1)]).await })
        })
        .collect();
    let mut got = 0;
    for taker in takers {
        if matches!(taker.await.unwrap(), Take::Taken { .. }) {
            got += 1;
        }
    }
    assert_eq!(got, 10);
}

pub async fn a_bucket_without_inflow_stays_dry(subject: Subject) {
    let want = Want {
        key: "a".to_owned(),
        spec: BucketSpec {
            capacity: 1,
            per_minute: 0,
        },
        tokens: 1,
    };
    assert_eq!(subject.take(std::slice::from_ref(&want)).await, taken(0));
    subject.advance(1_000_000);
    let day = Duration::from_hours(24);
    assert_eq!(subject.take(&[want]).await, Take::Wait(day));
}

/// A seat in a row of `seats`, held for 30 s.
fn seat(key: &str, seats: u32) -> Seat {
    Seat {
        key: key.to_owned(),
        seats,
        hold: Duration::from_secs(30),
    }
}

impl Subject {
    async fn enter(&self, wants: &[Want], seats: &[Seat], holder: &str) -> Take {
        self.buckets.enter(wants, seats, holder).await.unwrap()
    }

    async fn leave(&self, seats: &[Seat], holder: &str) {
        self.buckets.leave(seats, holder).await.unwrap();
    }
}

const SAT: Take = taken(u32::MAX);

pub async fn no_more_sit_than_there_are_seats(subject: Subject) {
    let row = [seat("a", 2)];
    assert_eq!(subject.enter(&[], &row, "one").await, SAT);
    assert_eq!(subject.enter(&[], &row, "two").await, SAT);
    assert_eq!(subject.enter(&[], &row, "three").await, wait(100));
    assert_eq!(subject.enter(&[], &[seat("b", 1)], "three").await, SAT);
    subject.leave(&row, "one").await;
    assert_eq!(subject.enter(&[], &row, "three").await, SAT);
    assert_eq!(subject.enter(&[], &row, "one").await, wait(100));
    assert_eq!(subject.enter(&[], &[seat("c", 0)], "one").await, wait(100));
}

pub async fn a_seat_that_nobody_leaves_is_free_in_time(subject: Subject) {
    let row = [seat("a", 1)];
    assert_eq!(subject.enter(&[], &row, "dead").await, SAT);
    subject.advance(29_950);
    assert_eq!(subject.enter(&[], &row, "next").await, wait(50));
    subject.advance(50);
    assert_eq!(subject.enter(&[], &row, "next").await, SAT);
    subject.leave(&row, "dead").await;
    assert_eq!(subject.enter(&[], &row, "third").await, wait(100));
}

pub async fn tokens_and_seats_come_together_or_not(subject: Subject) {
    let row = [seat("a", 1)];
    assert_eq!(subject.enter(&[want("a", 10)], &row, "one").await, taken(0));
    assert_eq!(subject.enter(&[want("b", 1)], &row, "two").await, wait(100));
    assert_eq!(subject.take(&[want("b", 0)]).await, taken(10), "untouched");
    subject.leave(&row, "one").await;
    assert_eq!(
        subject.enter(&[want("a", 1)], &row, "two").await,
        wait(1_000)
    );
    assert_eq!(subject.enter(&[], &row, "three").await, SAT, "still free");
    assert_eq!(
        subject.enter(&[want("a", 1)], &row, "two").await,
        wait(1_000),
        "the longer wait of the two"
    );
}

pub async fn leaving_twice_or_late_frees_nobody_elses_seat(subject: Subject) {
    let rows = [seat("a", 1), seat("b", 1)];
    assert_eq!(subject.enter(&[], &rows, "one").await, SAT);
    subject.leave(&rows, "one").await;
    assert_eq!(subject.enter(&[], &rows, "two").await, SAT);
    subject.leave(&rows, "one").await;
    assert_eq!(subject.enter(&[], &rows[..1], "three").await, wait(100));
    assert_eq!(subject.enter(&[], &rows[1..], "three").await, wait(100));
}

fn run(number: u128) -> RunId {
    RunId::from_uuid(Uuid::from_u128(number))
}

fn event(number: u128, pulled: u64) -> ProgressEvent {
    ProgressEvent {
        run: run(number),
        state: RunState::Running,
        counters: Counters {
            pulled,
            ..Counters::default()
        },
        phase: Phase::Pull,
    }
}

async fn next(watch: &mut Subscription) -> ProgressEvent {
    let report = tokio::time::timeout(Duration::from_secs(20), watch.next()).await;
    report.expect("a report in time").expect("more can come")
}

pub async fn a_watcher_hears_its_run_only(subject: Subject) {
    let mut watch = subject.progress.subscribe(run(1)).await.unwrap();
    for event in [event(2, 1), event(1, 2), event(2, 3), event(1, 4)] {
        subject.progress.publish(&event).await.unwrap();
    }
    assert_eq!(next(&mut watch).await, event(1, 2));
    assert_eq!(next(&mut watch).await, event(1, 4));
}

pub async fn every_watcher_hears_every_report(subject: Subject) {
    let mut one = subject.progress.subscribe(run(1)).await.unwrap();
    let mut two = subject.progress.subscribe(run(1)).await.unwrap();
    subject.progress.publish(&event(1, 1)).await.unwrap();
    drop(subject.progress.subscribe(run(1)).await.unwrap());
    subject.progress.publish(&event(1, 2)).await.unwrap();
    for watch in [&mut one, &mut two] {
        assert_eq!(next(watch).await, event(1, 1));
        assert_eq!(next(watch).await, event(1, 2));
    }
}

pub async fn reports_that_nobody_watches_go_nowhere(subject: Subject) {
    subject.progress.publish(&event(1, 1)).await.unwrap();
    let mut watch = subject.progress.subscribe(run(1)).await.unwrap();
    subject.progress.publish(&event(1, 2)).await.unwrap();
    assert_eq!(next(&mut watch).await, event(1, 2));
    drop(watch);
    // Who comes back hears again, however close behind a report that nobody heard.
    for back in 1..300 {
        subject.progress.publish(&event(1, 2 * back)).await.unwrap();
        let mut again = subject.progress.subscribe(run(1)).await.unwrap();
        subject
            .progress
            .publish(&event(1, 2 * back + 1))
            .await
            .unwrap();
        assert_eq!(next(&mut again).await, event(1, 2 * back + 1));
    }
}

pub async fn a_slow_watcher_hears_the_newest(subject: Subject) {
    const REPORTS: u64 = 10_000;
    let mut watch = subject.progress.subscribe(run(1)).await.unwrap();
    for pulled in 1..=REPORTS {
        subject.progress.publish(&event(1, pulled)).await.unwrap();
    }
    let mut last = 0;
    while last < REPORTS {
        let heard = next(&mut watch).await.counters.pulled;
        assert!(heard > last, "in order");
        last = heard;
    }
}
