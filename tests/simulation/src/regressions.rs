//! Histories that once broke a law, in their shortest form. They are played before any others.

use syncline_model::{ConflictPolicy, DeletionPolicy};

use crate::history::{Class, History, Op, Ride, Setup, Wish};
use crate::office::Bench;
use crate::play::{Failure, play};
use crate::profile::Profile;
use crate::sweep::wish;
use crate::world::people::Act;

/// The histories, by name.
pub fn all() -> Vec<(&'static str, History)> {
    vec![(
        "a deletion is noticed where nothing but listings tells of it",
        history(
            [listing(), Profile::plain()],
            vec![
                create(0),
                run(1),
                Op::Person(Act::Delete { account: 0, who: 0 }),
                run(2),
            ],
        ),
    )]
}

/// Plays them all. Gives those that break a law again.
pub fn run_all(bench: &Bench) -> Vec<(&'static str, Failure)> {
    let failed = all().into_iter().filter_map(|(name, history)| {
        let failure = play(bench, &history, false).err()?;
        Some((name, failure))
    });
    failed.collect()
}

fn history(accounts: [Profile; 2], ops: Vec<Op>) -> History {
    History {
        seed: 7,
        class: Class::Wild,
        setup: Setup {
            accounts: accounts.into_iter().map(|profile| (0, profile)).collect(),
            wishes: vec![Wish {
                conflict: ConflictPolicy::AWins,
                deletions: [DeletionPolicy::Delete; 2],
                ..wish()
            }],
            slice: 60,
            batch: 1000,
        },
        ops,
    }
}

/// A provider that tells of changes only by listing everything.
fn listing() -> Profile {
    Profile {
        delta: false,
        ..Profile::plain()
    }
}

fn create(account: usize) -> Op {
    Op::Person(Act::Create {
        account,
        pool: None,
        passes: true,
    })
}

fn run(chance: u64) -> Op {
    Op::Run(Ride {
        chance,
        stormy: false,
        crash: None,
        during: Vec::new(),
        slices: 4,
    })
}
