//! Many connections' first syncs, by more and more worker processes.

use anyhow::ensure;
use serde::Serialize;
use serde_json::{Value, json};
use system_tests::http::until;
use system_tests::{Ground, Servers};

use crate::cpu::Cpu;
use crate::report::{cores, table};
use crate::street::Street;

/// Longest time until all is synced, in seconds.
const PATIENCE: u64 = 3600;

/// `workers`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// How many processes, one figure after the other.
    #[arg(long, value_delimiter = ',', default_value = "1,2,4,8")]
    workers: Vec<usize>,
    /// Connections, each of a tenant of its own.
    #[arg(long, default_value_t = 40)]
    connections: u64,
    /// Contacts of a connection before its first sync, half of them on each side.
    #[arg(long, default_value_t = 500)]
    contacts: u64,
    /// What the providers take for each answer, in milliseconds.
    #[arg(long, default_value_t = 50)]
    latency: u64,
    /// Runs that a worker executes at the same time (`worker.slots`).
    #[arg(long, default_value_t = 4)]
    slots: usize,
}

/// One line of the table.
#[derive(Serialize)]
struct Round {
    workers: usize,
    seconds: f64,
    contacts_per_second: f64,
    /// Beside the first line.
    times: f64,
    /// Of all cores; 1 is all of them.
    machine: f64,
    /// In processors.
    worker_cores: f64,
    sandbox_cores: f64,
}

/// Measures and prints.
pub async fn run(args: &Args) -> anyhow::Result<Value> {
    let ground = Ground::start().await?;
    let mut rounds: Vec<Round> = Vec::new();
    for workers in &args.workers {
        let mut round = measure(args, &ground.servers, *workers).await?;
        let first = rounds.first().unwrap_or(&round).contacts_per_second;
        round.times = round.contacts_per_second / first;
        rounds.push(round);
    }
    let rows: Vec<Vec<String>> = rounds.iter().map(Round::cells).collect();
    println!(
        "{} connections x {} contacts, providers answer in {} ms, {} slots a worker",
        args.connections, args.contacts, args.latency, args.slots
    );
    let head = [
        "workers",
        "seconds",
        "contacts/s",
        "times",
        "machine",
        "workers' cores",
        "sandbox's cores",
    ];
    table(&head, &rows);
    Ok(json!({
        "bench": "workers", "cores": cores(), "connections": args.connections, "contacts": args.contacts,
        "latency_ms": args.latency, "slots": args.slots, "rounds": rounds,
    }))
}

async fn measure(args: &Args, servers: &Servers, workers: usize) -> anyhow::Result<Round> {
    let slots = ("WORKER__SLOTS", args.slots.to_string());
    let mut street = Street::open(servers, &[slots]).await?;
    // Nobody works until all is there.
    let per_side = args.contacts / 2;
    street.settle(0..args.connections, per_side, "30d").await?;
    street.slow_down(args.latency).await?;
    street.join("worker", workers).await?;
    let groups = vec![street.processes("worker")?, vec![street.sandbox_process()?]];
    let cpu = Cpu::watch(groups)?;
    street.join("scheduler", 1).await?;
    let (seconds, read) = synced(&street, args.connections).await?;
    let used = cpu.used(seconds)?;
    street.close().await?;
    let expected = 2 * per_side * args.connections;
    ensure!(read >= expected, "{read} of {expected} contacts were read");
    println!("{workers} workers: {seconds:.1} s");
    let group = |nth: usize| used.groups.get(nth).copied().unwrap_or_default();
    Ok(Round {
        workers,
        seconds,
        contacts_per_second: expected as f64 / seconds,
        times: 1.0,
        machine: used.machine,
        worker_cores: group(0),
        sandbox_cores: group(1),
    })
}

/// Waits until every connection's first run has succeeded. Gives the time from the first start to the last end, by the
/// runs' rows, and how many records were read.
async fn synced(street: &Street, connections: u64) -> anyhow::Result<(f64, u64)> {
    let mut rows = street.fleet.shared().look().await?;
    let ended = "select count(*) filter (where state = 'succeeded'), count(*) filter (where state = 'failed'),
            coalesce(extract(epoch from max(finished_at) - min(started_at)), 0)::float8,
            coalesce(sum((counters ->> 'pulled')::int8), 0)::int8
        from runs";
    until("first syncs", PATIENCE, async || {
        let (succeeded, failed, seconds, read): (i64, i64, f64, i64) =
            sqlx::query_as(ended).fetch_one(&mut rows).await?;
        ensure!(failed == 0, "{failed} runs failed");
        let done = succeeded.unsigned_abs() >= connections;
        Ok(done.then_some((seconds, read.unsigned_abs())))
    })
    .await
}

impl Round {
    fn cells(&self) -> Vec<String> {
        vec![
            self.workers.to_string(),
            format!("{:.1}", self.seconds),
            format!("{:.0}", self.contacts_per_second),
            format!("{:.2}", self.times),
            format!("{:.0} %", 100.0 * self.machine),
            format!("{:.2}", self.worker_cores),
            format!("{:.2}", self.sandbox_cores),
        ]
    }
}
