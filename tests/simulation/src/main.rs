//! The command line: planner cases, whole-run histories, the crash sweep, seeded bugs.
//!
//! One history alone (`--seed S --runs 1`) is told in words, and its shortest form if it breaks a law.

use std::process::ExitCode;

use clap::Parser;
use simulation::report::Report;
use simulation::{Bench, Class, History, bugs, planner, play, regressions, shrink, sweep, volume};

/// A history allocates and frees millions of small things.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The proof of the sync core.
#[derive(Parser)]
struct Command {
    /// Planner cases: every small state, and so many random ones.
    #[arg(long)]
    planner: Option<u64>,
    /// Whole-run histories, so many.
    #[arg(long)]
    runs: Option<u64>,
    /// The crash sweep.
    #[arg(long)]
    sweep: bool,
    /// Seeded bugs.
    #[arg(long)]
    bugs: bool,
    /// The first seed.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Only histories of this kind.
    #[arg(long)]
    class: Option<String>,
    /// Threads; one a core by itself.
    #[arg(long)]
    threads: Option<usize>,
    /// One JSON object instead of a page.
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    let mut command = Command::parse();
    if !(command.planner.is_some() || command.runs.is_some() || command.sweep || command.bugs) {
        command.planner = Some(1_000_000);
        command.runs = Some(20_000);
        command.sweep = true;
    }
    let class = command.class.as_deref().and_then(Class::named);
    if command.class.is_some() && class.is_none() {
        let names: Vec<&str> = Class::ALL.iter().map(|class| class.name()).collect();
        eprintln!("there is no such class; there are {}", names.join(", "));
        return ExitCode::from(2);
    }
    if command.runs == Some(1) && !command.json {
        return tell(command.seed, class);
    }
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = command.threads.unwrap_or(cores);
    let mut report = Report {
        thorough: class.is_none() && command.runs.is_some_and(|runs| runs >= 2_000),
        ..Report::default()
    };
    if let Some(cases) = command.planner {
        report.planner = Some(planner::run(command.seed, cases, threads));
    }
    if let Some(runs) = command.runs {
        report.regressions = regressions::run_all(threads);
        report.runs = Some(volume::run(command.seed, runs, class, threads));
    }
    if command.sweep {
        report.sweep = Some(sweep::run(threads));
    }
    if command.bugs {
        report.bugs = Some(bugs::run(threads));
    }
    if command.json {
        println!("{}", report.json());
        if !report.is_good() {
            eprint!("{}", report.page());
        }
    } else {
        print!("{}", report.page());
    }
    if report.is_good() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Tells one history in words.
fn tell(seed: u64, class: Option<Class>) -> ExitCode {
    let bench = Bench::new();
    let history = History::of(seed, class);
    let Err(failure) = play(&bench, &history, true) else {
        println!("seed {seed} ({}): everything holds", history.class.name());
        return ExitCode::SUCCESS;
    };
    let shortest = shrink::shrink(&bench, &history, &failure);
    println!("{:#?}", shortest.setup);
    if let Err(failure) = play(&bench, &shortest, true) {
        for line in &failure.lines {
            println!("{line}");
        }
        println!("broken: {:#?}", failure.broken);
    }
    ExitCode::FAILURE
}
