//! How late small tenants' runs begin, by themselves and beside one tenant's large first sync.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Value, json};
use sqlx::PgConnection;
use syncline_platform::{Clock as _, SystemClock};
use system_tests::Ground;
use system_tests::http::until;
use tokio::time::{Instant, sleep};

use crate::cpu::Cpu;
use crate::report::{cores, percentile, table};
use crate::street::Street;

/// Longest time until the small tenants' first syncs are over, in seconds.
const FIRST: u64 = 900;
/// Longest time until the large first sync begins, in seconds.
const BEGIN: u64 = 120;
/// The small tenants' schedule, in seconds.
const EVERY: u64 = 60;
/// The large tenant's number.
const LARGE: u64 = 1_000_000;

/// `noisy`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Contacts of the large tenant, half of them on each side.
    #[arg(long, default_value_t = 200_000)]
    contacts: u64,
    /// Small tenants, synced every minute.
    #[arg(long, default_value_t = 100)]
    tenants: u64,
    /// Contacts of a small tenant, half of them on each side.
    #[arg(long, default_value_t = 20)]
    small: u64,
    /// Workers.
    #[arg(long, default_value_t = 2)]
    workers: usize,
    /// What the providers take for each answer, in milliseconds.
    #[arg(long, default_value_t = 50)]
    latency: u64,
    /// How long delays are collected, each time, in minutes. Beside the large first sync at most until that is over.
    #[arg(long, default_value_t = 4)]
    minutes: u64,
}

/// One line of the table.
#[derive(Serialize)]
struct Phase {
    beside: &'static str,
    runs: usize,
    p50_s: f64,
    p99_s: f64,
    worst_s: f64,
    /// Of all cores; 1 is all of them.
    machine: f64,
}

/// Measures and prints.
pub async fn run(args: &Args) -> anyhow::Result<Value> {
    let ground = Ground::start().await?;
    let mut street = Street::open(&ground.servers, &[]).await?;
    let every = format!("{EVERY}s");
    street
        .settle(0..args.tenants, args.small / 2, &every)
        .await?;
    street.slow_down(args.latency).await?;
    street.join("worker", args.workers).await?;
    street.join("scheduler", 1).await?;
    let mut rows = street.fleet.shared().look().await?;
    until("the small tenants' first syncs", FIRST, async || {
        let once = "select count(distinct connection_id) from runs where state = 'succeeded'";
        let (done,): (i64,) = sqlx::query_as(once).fetch_one(&mut rows).await?;
        Ok((done.unsigned_abs() >= args.tenants).then_some(()))
    })
    .await?;
    let span = Duration::from_secs(60 * args.minutes);
    // What was late because of the first syncs is not counted.
    sleep(Duration::from_secs(EVERY)).await;
    let alone = phase("nothing", &mut rows, span, async |_| Ok(false)).await?;

    let half = args.contacts / 2;
    street.settle(LARGE..LARGE + 1, half, "30d").await?;
    let (large,) = until("the large first sync begins", BEGIN, async || {
        let begun = "select r.id from runs r join connections c on c.id = r.connection_id
            where c.settings -> 'schedule' ->> 'every' <> '1m' and r.started_at is not null";
        let found: Option<(uuid::Uuid,)> = sqlx::query_as(begun).fetch_optional(&mut rows).await?;
        Ok(found)
    })
    .await?;
    let over = async |rows: &mut PgConnection| Ok(state(rows, large).await?.0 != "running/queued");
    let beside = phase("the first sync", &mut rows, span, over).await?;
    let (large_state, read) = state(&mut rows, large).await?;
    ensure!(large_state != "failed", "the large first sync failed");
    street.close().await?;

    println!(
        "{} tenants of {} contacts every minute, a first sync of {} contacts ({read} read by the end of the time, {large_state}), \
         {} workers, providers answer in {} ms",
        args.tenants, args.small, args.contacts, args.workers, args.latency
    );
    let phases = [alone, beside];
    let lines: Vec<Vec<String>> = phases.iter().map(Phase::cells).collect();
    table(
        &["beside", "runs", "p50 s", "p99 s", "worst s", "machine"],
        &lines,
    );
    Ok(json!({
        "bench": "noisy", "cores": cores(), "contacts": args.contacts, "tenants": args.tenants, "small": args.small,
        "workers": args.workers, "latency_ms": args.latency, "read": read, "state": large_state, "phases": phases,
    }))
}

/// How a run stands, and how many records it has read.
async fn state(rows: &mut PgConnection, run: uuid::Uuid) -> anyhow::Result<(String, i64)> {
    let asked =
        "select case when state in ('queued', 'running') then 'running/queued' else state end,
        coalesce((counters ->> 'pulled')::int8, 0) from runs where id = $1";
    Ok(sqlx::query_as(asked).bind(run).fetch_one(rows).await?)
}

/// Collects delays for a while, or until it is over.
async fn phase(
    beside: &'static str,
    rows: &mut PgConnection,
    span: Duration,
    over: impl AsyncFn(&mut PgConnection) -> anyhow::Result<bool>,
) -> anyhow::Result<Phase> {
    let cpu = Cpu::watch(Vec::new())?;
    let (begun, from) = (Instant::now(), SystemClock.now());
    while begun.elapsed() < span && !over(rows).await? {
        sleep(Duration::from_secs(1)).await;
    }
    let until = SystemClock.now();
    let machine = cpu.used(begun.elapsed().as_secs_f64())?.machine;
    // Those that were due in time and are late begin some time.
    sleep(Duration::from_secs(5)).await;
    let delays = delays(rows, from, until).await?;
    ensure!(!delays.is_empty(), "no run was due meanwhile");
    Ok(Phase {
        beside,
        runs: delays.len(),
        p50_s: percentile(&delays, 0.5),
        p99_s: percentile(&delays, 0.99),
        worst_s: percentile(&delays, 1.0),
        machine,
    })
}

/// From due to started, in seconds, of the small tenants' runs that were due in a span of time. A connection's next run is
/// due a schedule after the scheduler made the last one; one that has not begun, or was not made, counts as far as it has
/// waited.
async fn delays(
    rows: &mut PgConnection,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
) -> anyhow::Result<Vec<f64>> {
    let asked = "select extract(epoch from coalesce(started_at, $4) - due)::float8
        from (select started_at, lag(r.created_at) over (partition by r.connection_id order by r.created_at)
                + make_interval(secs => $1) as due
            from runs r join connections c on c.id = r.connection_id
            where c.settings -> 'schedule' ->> 'every' = '1m') small
        where due >= $2 and due < $3
        union all select extract(epoch from $4 - next_run_at)::float8 from connections
        where settings -> 'schedule' ->> 'every' = '1m' and next_run_at >= $2 and next_run_at < $3";
    let found: Vec<(f64,)> = sqlx::query_as(asked)
        .bind(EVERY as f64)
        .bind(from)
        .bind(until)
        .bind(SystemClock.now())
        .fetch_all(rows)
        .await
        .context("delays")?;
    Ok(found.into_iter().map(|(seconds,)| seconds).collect())
}

impl Phase {
    fn cells(&self) -> Vec<String> {
        vec![
            self.beside.to_owned(),
            self.runs.to_string(),
            format!("{:.2}", self.p50_s),
            format!("{:.2}", self.p99_s),
            format!("{:.2}", self.worst_s),
            format!("{:.0} %", 100.0 * self.machine),
        ]
    }
}
