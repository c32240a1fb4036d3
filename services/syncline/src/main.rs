//! The one binary: roles as subcommands. The only place that knows which providers exist and wires parts together;
//! nothing is decided here.

mod cli;
mod demo;
mod import;
mod keys;
mod metrics;
mod otlp;
mod out;
mod plans;
mod profiles;
mod providers;
mod roles;
mod sandbox;
mod serve;
mod wiring;

use clap::Parser;

/// What tasks that nobody waits for get to end.
const LEFT: std::time::Duration = std::time::Duration::from_secs(1);

fn main() -> std::process::ExitCode {
    let cli = cli::Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: the runtime did not start: {error}");
            return std::process::ExitCode::FAILURE;
        }
    };
    let ended = runtime.block_on(cli.run());
    // Whatever is left has nothing more to say: calls that nobody waits for, seekers of jobs.
    runtime.shutdown_timeout(LEFT);
    match ended {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            std::process::ExitCode::FAILURE
        }
    }
}
