//! A worker that slept through its lease: whatever it still writes must be refused (I-15).
//!
//! Crashes do not show this: who is dead writes nothing. So the store is asked directly.

use std::time::Duration;

use syncline_model::{RunId, Side};
use syncline_platform::Clock as _;
use syncline_store::{Intentions, Settlement, StoreError};
use syncline_worker::Scheduler;

use crate::history::{Class, History};
use crate::office::{Bench, Office};

/// Lets two workers claim the same run, one after the other's lease, and the first one write. Gives what was let through.
pub fn check(bench: &Bench) -> Result<(), String> {
    bench.runtime.block_on(async {
        let history = History::of(1, Some(Class::Calm));
        let office = Office::open(bench, 1, &history.setup, false).await;
        let outcome = ask(&office).await;
        office.close().await;
        outcome
    })
}

async fn ask(office: &Office) -> Result<(), String> {
    let clock = &office.world.clock;
    clock.advance(Duration::from_mins(5));
    let ticked = Scheduler::new(office.tools.clone()).tick().await;
    ticked.map_err(|error| format!("the scheduler: {error}"))?;
    let scope = &office.tenants[0];
    let due = office.tools.store.runs_due(clock.now(), None, 10).await;
    let due = due.map_err(|error| format!("the runs that are due: {error}"))?;
    let mine = due.iter().find(|one| one.tenant == scope.tenant());
    let run: RunId = mine.ok_or("no run is due")?.run;
    let claim = async |worker: &str| {
        let now = clock.now();
        let until = now + chrono::TimeDelta::seconds(60);
        let claimed = scope.run_claim(run, now, until, worker).await;
        let claimed = claimed.ok().flatten();
        claimed
            .map(|(lease, _)| lease)
            .ok_or("the run cannot be claimed")
    };
    let asleep = claim("asleep").await?;
    clock.advance(Duration::from_secs(61));
    let awake = claim("awake").await?;
    if awake.epoch <= asleep.epoch {
        return Err("a claim does not raise the epoch".to_owned());
    }
    let note = serde_json::json!({});
    let writes = [
        (
            "a settlement",
            scope.settle(&asleep, &Settlement::default()).await,
        ),
        (
            "an intention",
            scope.intend(&asleep, &Intentions::default()).await,
        ),
        (
            "a page",
            scope.stage_page(&asleep, None, &[], &note).await.map(drop),
        ),
        (
            "a cursor",
            scope
                .pull_end(&asleep, Side::A, None, Some("late"), &note)
                .await,
        ),
        ("notes", scope.run_note(&asleep, &note).await),
    ];
    for (what, written) in writes {
        if !matches!(written, Err(StoreError::Fenced)) {
            return Err(format!("{what} of a lost lease: {written:?}"));
        }
    }
    let kept = scope.run_note(&awake, &note).await;
    kept.map_err(|error| format!("the lease that counts is refused: {error}"))
}
