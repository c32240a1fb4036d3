//! The command line of the simulation.

use simulation::{Bench, Class, History, play};

fn main() {
    let args: Vec<u64> = std::env::args()
        .skip(1)
        .filter_map(|a| a.parse().ok())
        .collect();
    let bench = Bench::new();
    let (from, to) = (args[0], args.get(1).copied().unwrap_or(args[0] + 1));
    let loud = to - from == 1;
    let class = std::env::args()
        .nth(3)
        .and_then(|n| Class::ALL.into_iter().find(|c| c.name() == n));
    let begun = std::time::Instant::now();
    let mut failed = std::collections::BTreeMap::<String, (u64, u64)>::new();
    for seed in from..to {
        let history = History::of(seed, class);
        match play(&bench, &history, loud) {
            Ok(stats) => {
                if loud {
                    println!("{stats:?}");
                }
            }
            Err(failure) => {
                if loud {
                    println!("{:#?}", history.setup);
                    for line in &failure.lines {
                        println!("{line}");
                    }
                    println!("{:#?}", failure.broken);
                }
                let law: String = failure.broken[0]
                    .chars()
                    .filter(|c| !c.is_ascii_digit())
                    .take(60)
                    .collect();
                failed
                    .entry(format!("{} {law}", history.class.name()))
                    .or_insert((0, seed))
                    .0 += 1;
            }
        }
    }
    println!("{} histories in {:?}", to - from, begun.elapsed());
    for (law, (count, seed)) in failed {
        println!("{count:5} seed {seed:5} {law}");
    }
}
