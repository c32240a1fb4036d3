//! A fleet at work while its processes, servers and providers fail; then an audit of what came of it.
//!
//! Tenants sign up and connect accounts of the sandbox; people edit on both sides all the while; one thing after the
//! other goes wrong (`blows.rs`). In the end every pair is synced once more, and the sandbox's own records are counted.
//! The last line printed is one JSON object. Ends with 0 only if nothing was lost, doubled, left or unequal.

mod blows;
mod chance;
mod editors;
mod town;
mod verdict;
mod wire;

use std::ffi::OsStr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, ensure};
use clap::Parser;
use serde_json::json;
use system_tests::customer::succeeded;
use system_tests::program::{Process, Scratch};
use system_tests::world::providers;
use system_tests::{Fleet, GOOGLE, Ground, Sandbox, Servers, ZOHO};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Instant, sleep};

use blows::{Scene, Wires};
use chance::Chance;
use editors::{Ledger, act};
use town::Town;
use wire::Wire;

/// How long people wait for an answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// A fleet at work while everything fails in turn.
#[derive(Debug, Parser)]
pub struct Args {
    /// Tenants, without the one that is watched.
    #[arg(long, default_value_t = 6)]
    tenants: u64,
    /// Connections of all tenants together.
    #[arg(long, default_value_t = 12)]
    connections: u64,
    /// Contacts of all connections together, both sides.
    #[arg(long, default_value_t = 600)]
    contacts: u64,
    /// Workers.
    #[arg(long, default_value_t = 3)]
    workers: usize,
    /// What the providers take for each answer, in milliseconds.
    #[arg(long, default_value_t = 50)]
    latency: u64,
    /// How often connections are synced by themselves.
    #[arg(long, default_value = "60s")]
    every: String,
    /// How long a worker may be silent, in seconds.
    #[arg(long, default_value_t = 8)]
    lease: u64,
    /// Pause between two deeds of the people, in milliseconds.
    #[arg(long, default_value_t = 250)]
    pause: u64,
    /// Only what has this in its name goes wrong.
    #[arg(long, default_value = "")]
    only: String,
    /// Of all that is invented.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate())?;
        // Dropped half-way, everything that was started ends too.
        tokio::select! {
            ended = Box::pin(run(&args)) => ended,
            _ = terminate.recv() => anyhow::bail!("asked to end"),
            _ = tokio::signal::ctrl_c() => anyhow::bail!("asked to end"),
        }
    })
}

async fn run(args: &Args) -> anyhow::Result<()> {
    println!("{args:?}");
    let scratch = Scratch::new()?;
    let ended = play(args, &scratch).await;
    if ended.is_err() {
        println!("logs are left in {}", scratch.0.display());
        std::mem::forget(scratch);
    }
    ended
}

async fn play(args: &Args, scratch: &Scratch) -> anyhow::Result<()> {
    let begun = Instant::now();
    let ground = Ground::start().await?;
    let mut process = Process::start(
        "sandbox",
        &scratch.0,
        &["--listen", "127.0.0.1:0"].map(OsStr::new),
        &[],
    )
    .await?;
    let sandbox = Sandbox::new(&process.base)?;
    let (fleet, wires) = start(args, &ground.servers, scratch, sandbox.base()).await?;
    println!(
        "servers and processes are up after {:.0} s",
        begun.elapsed().as_secs_f64()
    );

    let begun = Instant::now();
    let town = Town::build(args, &fleet.base, &sandbox).await?;
    for provider in [ZOHO, GOOGLE] {
        let slow = json!({"kind": "delay_ms", "ms": args.latency});
        sandbox
            .fault(json!({"provider": provider, "fault": slow}))
            .await?;
    }
    let watched = &town.watched;
    succeeded(watched.api.first_run(&watched.connection).await?)?;
    println!(
        "{} connections of {} tenants are made after {:.0} s; their first syncs go on",
        town.pairs.len(),
        args.tenants,
        begun.elapsed().as_secs_f64()
    );

    let ledger = Ledger::default();
    let over = AtomicBool::new(false);
    let mut scene = Scene {
        ground,
        fleet,
        wires,
        sandbox: sandbox.clone(),
        town: &town,
        ledger: &ledger,
        chance: Chance::new(args.seed),
        lease: Duration::from_secs(args.lease),
    };
    let blows = async {
        let recovered = scene.all(&args.only).await;
        over.store(true, Ordering::Relaxed);
        recovered
    };
    let (recovered, people) = tokio::join!(blows, people(args, &town, &ledger, &over));
    let recovered = recovered?;
    people?;
    println!("people did {} things meanwhile", ledger.count());

    let verdict = verdict::reach(&scene.fleet, &town, &ledger, &sandbox).await?;
    // In order: whatever does not end well is told.
    scene.fleet.stop().await?;
    process.stop().await?;
    println!("{}", serde_json::to_string(&verdict.report(recovered))?);
    ensure!(verdict.is_clean(), "not all is well, see above");
    Ok(())
}

/// Starts two gateways, workers and a scheduler; the first of each role is connected by wires that can break.
async fn start(
    args: &Args,
    servers: &Servers,
    scratch: &Scratch,
    sandbox: &str,
) -> anyhow::Result<(Fleet, Wires)> {
    let mut wires = Wires {
        postgres: Vec::new(),
        rabbitmq: Vec::new(),
        redis: Vec::new(),
    };
    let mut members = Vec::new();
    for (role, count) in [("gateway", 2), ("worker", args.workers), ("scheduler", 1)] {
        let (rabbitmq, to_rabbitmq) = Wire::to(&servers.rabbitmq).await?;
        wires.rabbitmq.push(rabbitmq);
        for nth in 0..count {
            let mut own = servers.clone();
            if nth == 0 {
                own.rabbitmq.clone_from(&to_rabbitmq);
            }
            // What befalls the wires of the database and of Redis befalls a worker.
            if nth == 0 && role == "worker" {
                let (postgres, to_postgres) = Wire::to(&servers.postgres).await?;
                let (redis, to_redis) = Wire::to(&servers.redis).await?;
                (own.postgres, own.redis) = (to_postgres, to_redis);
                wires.postgres.push(postgres);
                wires.redis.push(redis);
            }
            members.push((role, own));
        }
    }
    let mut settings = providers(sandbox);
    for (key, value) in [
        ("WORKER__TICK", "200ms".to_owned()),
        ("WORKER__LEASE", format!("{}s", args.lease)),
        ("AUTH__ACCESS_TOKEN_TTL", "12h".to_owned()),
        ("SERVER__LIMITS__TENANT", "100000".to_owned()),
        ("SERVER__LIMITS__ANONYMOUS", "100000".to_owned()),
        ("SERVER__LIMITS__SIGN_UP_NETWORK", "100000".to_owned()),
        ("LOG__LEVEL", "info,syncline_gateway=warn".to_owned()),
    ] {
        settings.push((format!("SYNCLINE__{key}"), value));
    }
    let fleet = Fleet::of(servers.clone(), members, &scratch.0, &settings).await?;
    Ok((fleet, wires))
}

/// People work until everything has gone wrong.
async fn people(
    args: &Args,
    town: &Town,
    ledger: &Ledger,
    over: &AtomicBool,
) -> anyhow::Result<()> {
    let mut chance = Chance::new(args.seed ^ 0x5eed);
    while !over.load(Ordering::Relaxed) {
        let number = chance.below(town.pairs.len());
        let pair = town.pairs.get(number).context("a pair")?;
        act(ledger, number, pair, &mut chance).await?;
        // Some want to see it at once. Nobody may answer just now.
        if chance.below(2) == 0 {
            let asked = pair.api.begin(&pair.connection);
            tokio::time::timeout(PATIENCE, asked).await.ok();
        }
        sleep(Duration::from_millis(args.pause)).await;
    }
    Ok(())
}
