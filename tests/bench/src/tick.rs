//! What the scheduler's ticks cost when a thousand connections are due, with few and with many others in the table.

mod fill;
mod plan;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::ensure;
use async_trait::async_trait;
use serde::Serialize;
use serde_json::{Value, json};
use syncline_accounts::Accounts;
use syncline_connector::{HttpClient, HttpLimits, Registry};
use syncline_coordination::{MemoryBuckets, MemoryProgress};
use syncline_model::{Job, RunId};
use syncline_platform::{Clock, SystemClock, SystemIds};
use syncline_queue::{Delivery, Priority, Queue, QueueDepths, QueueError};
use syncline_store::Store;
use syncline_worker::{Scheduler, Settings, Shapes, Tools};
use system_tests::Ground;
use system_tests::program::Scratch;
use tokio::time::Instant;

use crate::report::{cores, median, table};
use fill::Database;

/// Most ticks until all that is due is made a run and rung for.
const TICKS: usize = 100;

/// `tick`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Connections in the table, one figure after the other; the first is what others are compared with.
    #[arg(long, value_delimiter = ',', default_value = "10000,1000000")]
    connections: Vec<u32>,
    /// Connections that are due, each of another tenant. A tenant has ten.
    #[arg(long, default_value_t = 1000)]
    due: u32,
    /// How often each is measured; the median counts.
    #[arg(long, default_value_t = 5)]
    repeat: usize,
}

/// One line of the table.
#[derive(Serialize)]
struct Figure {
    database: &'static str,
    connections: u32,
    /// From the first tick to the last ring, in milliseconds.
    due_ms: f64,
    /// In how many ticks.
    ticks: usize,
    /// The first of these.
    tick_ms: f64,
    /// A tick when nothing is due.
    idle_ms: f64,
    /// All that was due, beside the first line of the database.
    ratio: f64,
}

/// Measures and prints.
pub async fn run(args: &Args) -> anyhow::Result<Value> {
    let mut figures: Vec<Figure> = Vec::new();
    let ground = Ground::start().await?;
    for database in ["PostgreSQL", "SQLite"] {
        let mut first = None;
        for connections in &args.connections {
            let scratch = Scratch::new()?;
            let place = if database == "SQLite" {
                Database::sqlite(&scratch.0)
            } else {
                Database::postgres(&ground.servers).await?
            };
            let mut figure = measure(args, &place, database, *connections).await?;
            figure.ratio = figure.due_ms / *first.get_or_insert(figure.due_ms);
            figures.push(figure);
        }
    }
    let rows: Vec<Vec<String>> = figures.iter().map(Figure::cells).collect();
    println!("{} due, medians of {}", args.due, args.repeat);
    let head = [
        "database",
        "connections",
        "all due ms",
        "ticks",
        "one tick ms",
        "idle tick ms",
        "ratio",
    ];
    table(&head, &rows);
    Ok(json!({
        "bench": "tick", "cores": cores(), "due": args.due, "repeat": args.repeat, "figures": figures,
    }))
}

async fn measure(
    args: &Args,
    place: &Database,
    database: &'static str,
    connections: u32,
) -> anyhow::Result<Figure> {
    let begun = Instant::now();
    let store = place.open(connections, args.due).await?;
    println!(
        "{database}: {connections} connections after {:.0} s",
        begun.elapsed().as_secs_f64()
    );
    let (mut all, mut ticks, mut firsts, mut idle) = (Vec::new(), 0, Vec::new(), Vec::new());
    for _ in 0..args.repeat {
        place.forget_runs().await?;
        let bell = Arc::new(Bell::default());
        let scheduler = Scheduler::new(tools(&store, &bell)?);
        let begun = Instant::now();
        scheduler.tick().await?;
        idle.push(ms(begun));
        ensure!(bell.rung() == 0, "something was due already");
        place.make_due(args.due).await?;
        let begun = Instant::now();
        let mut made = 0;
        while bell.rung() < args.due as usize {
            ensure!(made < TICKS, "only {} rung for", bell.rung());
            scheduler.tick().await?;
            made += 1;
            if made == 1 {
                firsts.push(ms(begun));
            }
        }
        all.push(ms(begun));
        ticks = made;
    }
    place.check_plan().await?;
    store.close().await;
    Ok(Figure {
        database,
        connections,
        due_ms: median(&all),
        ticks,
        tick_ms: median(&firsts),
        idle_ms: median(&idle),
        ratio: 1.0,
    })
}

fn ms(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1000.0
}

/// A scheduler's tools: the store, a bell, and what it does not use.
fn tools(store: &Store, bell: &Arc<Bell>) -> anyhow::Result<Tools> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let accounts = Accounts::new(
        store.clone(),
        Registry::new([])?,
        HttpClient::new(HttpLimits::default(), Arc::new(|| 0.5))?,
        Arc::new(MemoryBuckets::new(Arc::clone(&clock))),
        Arc::clone(&clock),
        &BTreeMap::new(),
    )?;
    Ok(Tools {
        store: store.clone(),
        accounts,
        queue: bell.clone(),
        progress: Arc::new(MemoryProgress::new()),
        clock,
        ids: Arc::new(SystemIds),
        shapes: Arc::new(Shapes::default()),
        tariffs: Arc::new(syncline_model::Tariffs::unlimited()),
        hooks: None,
        settings: Settings {
            slots: 1,
            slice: Duration::from_mins(1),
            lease: Duration::from_secs(90),
            batch: 1000,
            tick: Duration::from_secs(1),
            grace: Duration::from_secs(20),
            relook: Duration::from_hours(24),
        },
    })
}

/// Keeps the runs that were rung for: what a broker takes for it is not measured here.
#[derive(Debug, Default)]
struct Bell(Mutex<BTreeSet<RunId>>);

impl Bell {
    /// How many runs were rung for; on a slow machine some of them more than once.
    fn rung(&self) -> usize {
        self.runs().len()
    }

    fn runs(&self) -> MutexGuard<'_, BTreeSet<RunId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Queue for Bell {
    async fn publish(&self, job: &Job, _priority: Priority) -> Result<(), QueueError> {
        let Job::Run { run, .. } = job;
        self.runs().insert(*run);
        Ok(())
    }

    async fn receive(&self) -> Result<Delivery, QueueError> {
        std::future::pending().await
    }

    async fn depths(&self) -> Result<QueueDepths, QueueError> {
        Ok(QueueDepths::default())
    }
}

impl Figure {
    fn cells(&self) -> Vec<String> {
        vec![
            self.database.to_owned(),
            self.connections.to_string(),
            format!("{:.0}", self.due_ms),
            self.ticks.to_string(),
            format!("{:.0}", self.tick_ms),
            format!("{:.2}", self.idle_ms),
            format!("{:.2}", self.ratio),
        ]
    }
}
