//! What a run tells of what it did: its counters, by the side that things come from, and the history of each record.

use syncline_engine::plan;
use syncline_model::{
    ConflictPolicy, Counters, DeletionPolicy, Direction, Kind, RemoteId, Side, Value,
};

use super::actions::{found, given_away, of_ann};
use crate::{
    fixture::{Setup, book, crm, field, fields, key, text},
    sim::{Fate, World},
};

/// What one plan and its calls come to: counters | history, where what was written is `field:before>after`.
fn told(world: &mut World, fate: Fate) -> String {
    world.settled.clear();
    for side in Side::BOTH {
        world.pull(side);
    }
    let planned = plan(&world.observe(), &world.policy);
    world.carry_out(&planned, &mut |_| fate);
    let mut counters = Counters::default();
    let mut history = Vec::new();
    for settled in &world.settled {
        counters.add(&settled.counters);
        for change in &settled.changes {
            history.push(format!("{:?} {}", change.kind, change.side).to_lowercase());
            let word = |value: &Value| value.as_text().unwrap_or("").to_owned();
            history.extend(change.fields.iter().map(|(key, old, new)| {
                format!("{}:{}>{}", key.path(Side::A), word(old), word(new))
            }));
        }
    }
    let mut counted = Vec::new();
    for side in Side::BOTH {
        let of = *counters.from_side(side);
        counted.extend([
            (format!("{side} created"), of.created),
            (format!("{side} updated"), of.updated),
            (format!("{side} deleted"), of.deleted),
            (format!("{side} linked"), of.linked),
            (format!("{side} skipped"), of.skipped),
            (format!("{side} failed"), of.failed),
        ]);
    }
    counted.push(("conflicts".to_owned(), counters.conflicts));
    counted.push(("held".to_owned(), counters.held));
    let counted = counted.into_iter().filter(|(_, count)| *count > 0);
    let mut words: Vec<String> = counted.map(|(name, n)| format!("{name} {n}")).collect();
    words.push("|".to_owned());
    words.extend(history);
    words.join(" ")
}

type Story = fn(&mut World);

#[track_caller]
fn check(setup: &Setup, stories: &[(Story, Fate, &str)]) {
    for (story, fate, want) in stories {
        let mut world = World::new(setup.policy());
        story(&mut world);
        assert_eq!(told(&mut world, *fate), *want);
    }
}

/// Two linked records with `x` on both sides.
fn pair(world: &mut World) -> (RemoteId, RemoteId) {
    let a = world.add(Side::A, fields(&[("x", "x")]));
    // Once more for the echo.
    world.run();
    world.run();
    let b = world.link_of(Side::A, &a).expect("a link").remote.b.clone();
    (a, b)
}

fn edited(world: &mut World) {
    let (a, _) = pair(world);
    world.edit(Side::A, &a, &[("x", "a1".into())]);
}

fn deleted(world: &mut World) {
    let (a, _) = pair(world);
    world.delete(Side::A, &a);
}

fn left(world: &mut World) -> RemoteId {
    let (a, _) = pair(world);
    world.leave(Side::A, &a);
    world.run();
    a
}

#[test]
fn what_is_written_is_told_with_what_stood_there() {
    let new: Story = |world| {
        world.add(Side::A, fields(&[("x", "x")]));
    };
    let both: Story = |world| {
        let (a, b) = pair(world);
        world.edit(Side::A, &a, &[("x", "a1".into())]);
        world.edit(Side::B, &b, &[("x", "b1".into())]);
    };
    let held: Story = |world| {
        edited(world);
        world.held.entries.insert((key("x", "x"), Side::A));
    };
    let nothing: Story = |world| {
        let (a, _) = pair(world);
        world.touch(Side::A, &a);
    };
    check(
        &Setup::one_field().with(|s| s.conflict = ConflictPolicy::BWins),
        &[
            (new, Fate::Done, "a created 1 | created b x:>x"),
            (edited, Fate::Done, "a updated 1 | updated b x:x>a1"),
            (edited, Fate::Refused, "a failed 1 |"),
            (edited, Fate::Later, "|"),
            (edited, Fate::UnknownNot, "|"),
            (
                both,
                Fate::Done,
                "a skipped 1 b updated 1 conflicts 1 | updated a x:a1>b1",
            ),
            (held, Fate::Done, "held 1 |"),
            (nothing, Fate::Done, "a skipped 1 |"),
        ],
    );
}

#[test]
fn what_becomes_of_a_deletion_is_told() {
    let again: Story = |world| {
        let (a, b) = pair(world);
        world.delete(Side::A, &a);
        world.edit(Side::B, &b, &[("x", "b1".into())]);
    };
    for (policy, want) in [
        (DeletionPolicy::Delete, "a deleted 1 | deleted b"),
        (DeletionPolicy::Mark, "a deleted 1 | marked b"),
        (DeletionPolicy::Unlink, "a deleted 1 | unlinked b"),
    ] {
        check(
            &Setup::one_field().deleting(policy),
            &[
                (deleted, Fate::Done, want),
                (deleted, Fate::Refused, "a failed 1 |"),
                (again, Fate::Done, "b created 1 | created a x:>b1"),
            ],
        );
    }
    let restored: Story = |world| {
        let (a, _) = pair(world);
        let record = world.delete(Side::A, &a).expect("it was there");
        world.run();
        world.restore(Side::A, record);
    };
    let both: Story = |world| {
        let (a, b) = pair(world);
        world.delete(Side::A, &a);
        world.delete(Side::B, &b);
    };
    check(
        &Setup::one_field(),
        &[
            (deleted, Fate::Done, "a skipped 1 | severed a"),
            (restored, Fate::Done, "a skipped 1 | resumed a"),
            (both, Fate::Done, "a skipped 1 b skipped 1 |"),
        ],
    );
}

#[test]
fn who_leaves_and_comes_back_is_told() {
    let leaves: Story = |world| {
        let (a, _) = pair(world);
        world.leave(Side::A, &a);
    };
    let back: Story = |world| {
        let a = left(world);
        world.come_back(Side::A, &a);
    };
    let gone: Story = |world| {
        let a = left(world);
        world.delete(Side::A, &a);
    };
    let outside: Story = |world| {
        world.add(Side::A, fields(&[("x", "out")]));
    };
    check(
        &Setup::one_field().rule(r#"{"from":"a","if":[{"field":"x","is_not":"out"}]}"#),
        &[
            (leaves, Fate::Done, "a skipped 1 | frozen a"),
            (back, Fate::Done, "a skipped 1 | resumed a"),
            (gone, Fate::Done, "a skipped 1 | severed a"),
            (outside, Fate::Done, "a skipped 1 |"),
        ],
    );
}

#[test]
fn who_meets_is_told_from_the_side_that_takes_part() {
    let both = || vec![text("x"), field("email.work", Kind::Email)];
    let meet: Story = |world| {
        for side in Side::BOTH {
            world.add(side, fields(&[("email.work", "ann@x.yz")]));
        }
    };
    let three: Story = |world| {
        for side in [Side::A, Side::A, Side::B] {
            world.add(side, fields(&[("email.work", "ann@x.yz")]));
        }
    };
    for (direction, linked, tied) in [
        (Direction::TwoWay, "a linked 1", "a failed 2 b failed 1 |"),
        (Direction::BToA, "b linked 1", "a skipped 2 b failed 1 |"),
    ] {
        let linked = format!("{linked} | linked a linked b");
        check(
            &Setup::new(both(), both()).with(|s| s.direction = direction),
            &[
                (meet, Fate::Done, linked.as_str()),
                (three, Fate::Done, tied),
            ],
        );
    }
    let nameless: Story = |world| {
        world.add(Side::B, fields(&[("title", "Chef")]));
    };
    check(
        &Setup::new(crm(), book()),
        &[(nameless, Fate::Done, "b failed 1 |")],
    );
}

/// What is told of an update names what rules wrote too, with what stood there.
#[test]
fn what_rules_write_is_told_with_what_stood_there() {
    let history = |world: &World| -> Vec<(String, Value, Value)> {
        let changes = world.settled.iter().flat_map(|settled| &settled.changes);
        let fields = changes.flat_map(|change| change.fields.iter().cloned());
        fields
            .map(|(key, old, new)| (key.path(Side::B).to_owned(), old, new))
            .collect()
    };
    let setup = of_ann(r#"{"set":"origin","to":"CRM"}"#);
    let (mut world, a, _) = found(&setup, &[], &[("origin", "Fair".into())]);
    world.edit(Side::A, &a, &[("owner", "Ann".into())]);
    world.run();
    let done = ("origin".to_owned(), "Fair".into(), "CRM".into());
    assert_eq!(history(&world), [done]);
    given_away(&mut world, &a);
    let undone = ("origin".to_owned(), "CRM".into(), "Fair".into());
    assert_eq!(history(&world), [undone]);
}
