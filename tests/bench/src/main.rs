//! How fast the whole is. Figures, not a test: nothing here fails because it was slow.
//!
//! `workers`: first syncs by 1, 2, 4, ... worker processes. `noisy`: how late small tenants' runs begin beside a large first
//! sync. `tick`: what a scheduler's tick costs with few and with many connections in the table. Each starts servers of
//! its own and takes them away.

mod cpu;
mod noisy;
mod report;
mod street;
mod tick;
mod workers;

use clap::{Parser, Subcommand};
use serde_json::Value;
use tokio::signal::unix::{SignalKind, signal};

/// How fast the whole is.
#[derive(Debug, Parser)]
struct Args {
    #[command(subcommand)]
    bench: Bench,
    /// Prints one line of JSON, last.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Bench {
    /// First syncs by 1, 2, 4, 8 worker processes.
    Workers(workers::Args),
    /// How late small tenants' runs begin, with and without a large first sync beside them.
    Noisy(noisy::Args),
    /// One tick of the scheduler with few and with many connections in the table.
    Tick(tick::Args),
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let figures = runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate())?;
        // Dropped half-way, everything that was started ends too.
        tokio::select! {
            figures = Box::pin(run(&args.bench)) => figures,
            _ = terminate.recv() => anyhow::bail!("asked to end"),
            _ = tokio::signal::ctrl_c() => anyhow::bail!("asked to end"),
        }
    })?;
    if args.json {
        println!("{figures}");
    }
    Ok(())
}

async fn run(bench: &Bench) -> anyhow::Result<Value> {
    println!("{bench:?}");
    println!("{}", report::machine());
    match bench {
        Bench::Workers(args) => workers::run(args).await,
        Bench::Noisy(args) => noisy::run(args).await,
        Bench::Tick(args) => tick::run(args).await,
    }
}
