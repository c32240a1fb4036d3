//! What happens to people's records, one story a test.

mod actions;
mod deletions;
mod fields;
mod frozen;
mod groups;
mod keys;
mod leaving;
mod matching;
mod merging;
mod names;
mod namesakes;
mod overwrites;
mod recovery;
mod rings;
mod telling;

use syncline_engine::Policy;
use syncline_model::{RemoteId, Side, Value};

use crate::{
    fixture::{Setup, fields},
    sim::{Fate, World},
};

/// Two linked records that hold the same, and their ids.
fn linked(policy: Policy, pairs: &[(&str, &str)]) -> (World, RemoteId, RemoteId) {
    let mut world = World::new(policy);
    let a = world.add(Side::A, fields(pairs));
    world.run();
    let link = world.link_of(Side::A, &a).expect("a link");
    let b = link.remote.b.clone();
    quiet(&mut world);
    world.calls.clear();
    (world, a, b)
}

/// Two linked records with `x` on both sides.
fn linked_x(setup: &Setup, value: &str) -> (World, RemoteId, RemoteId) {
    linked(setup.policy(), &[("x", value)])
}

/// Nothing is left to do, even when both sides tell of everything once more.
fn quiet(world: &mut World) {
    world.run();
    for side in Side::BOTH {
        let ids: Vec<RemoteId> = world.sides.get(side).records.keys().cloned().collect();
        for id in ids {
            world.echo(side, &id);
        }
    }
    let links = world.links.clone();
    let conflicts = world.conflicts.len();
    assert_eq!(
        world.run(),
        0,
        "a call without an edit: {:?}",
        world.calls.last()
    );
    assert_eq!(world.links, links, "a link changed without an edit");
    assert_eq!(
        world.conflicts.len(),
        conflicts,
        "a conflict without an edit"
    );
}

/// Calls to one side have this fate.
fn only(side: Side, fate: Fate) -> impl FnMut(&syncline_engine::Operation) -> Fate {
    move |operation| {
        if operation.side() == side {
            fate
        } else {
            Fate::Done
        }
    }
}

#[track_caller]
fn holds(world: &World, name: &str, a: (&RemoteId, &str), b: (&RemoteId, &str)) {
    assert_eq!(
        world.value(Side::A, a.0, name),
        Value::text(a.1),
        "{name} on a"
    );
    assert_eq!(
        world.value(Side::B, b.0, name),
        Value::text(b.1),
        "{name} on b"
    );
}
