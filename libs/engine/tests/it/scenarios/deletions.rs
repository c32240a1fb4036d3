//! Records that are gone, and those that come back.

use syncline_engine::{Held, Operation, Totals, guards};
use syncline_model::{DeletionPolicy, Direction, GuardKind, LinkState, Side, Sides};

use super::{holds, linked_x, quiet};
use crate::{
    fixture::{Setup, fields, key},
    sim::{Fate, World},
};

fn deleting() -> Setup {
    Setup::one_field().deleting(DeletionPolicy::Delete)
}

#[test]
fn each_policy_does_what_it_says() {
    for policy in [
        DeletionPolicy::Ignore,
        DeletionPolicy::Unlink,
        DeletionPolicy::Mark,
        DeletionPolicy::Delete,
    ] {
        let (mut world, a, b) = linked_x(&Setup::one_field().deleting(policy), "x");
        world.delete(Side::A, &a);
        let calls = world.run();
        assert_eq!(
            calls,
            usize::from(policy != DeletionPolicy::Ignore),
            "{policy:?}"
        );
        let there = world.sides.b.records.contains_key(&b);
        assert_eq!(there, policy != DeletionPolicy::Delete, "{policy:?}");
        assert_eq!(
            world.sides.b.left.contains(&b),
            policy == DeletionPolicy::Unlink
        );
        assert_eq!(
            world.sides.b.marked.contains(&b),
            policy == DeletionPolicy::Mark
        );
        quiet(&mut world);
        assert!(
            world.sides.a.records.is_empty(),
            "{policy:?}: nothing is resurrected"
        );
    }
}

#[test]
fn edit_beats_a_deletion() {
    let (mut world, a, b) = linked_x(&deleting(), "x");
    world.delete(Side::A, &a);
    world.edit(Side::B, &b, &[("x", "b1".into())]);
    world.run();
    let link = world.link_of(Side::B, &b).expect("a link").clone();
    holds(&world, "x", (&link.remote.a, "b1"), (&b, "b1"));
    quiet(&mut world);
}

/// An edit that never reached the side that is gone is owed to it like a new one.
#[test]
fn undelivered_edit_beats_a_deletion() {
    for fate in [Fate::Later, Fate::UnknownNot] {
        let (mut world, a, b) = linked_x(&deleting(), "x");
        world.edit(Side::B, &b, &[("x", "b1".into())]);
        world.run_with(&mut |_| fate);
        world.delete(Side::A, &a);
        world.run_with(&mut |_| fate);
        world.run();
        assert_eq!(world.value(Side::B, &b, "x"), "b1".into());
        assert_eq!(world.sides.a.records.len(), 1);
        quiet(&mut world);
    }
}

#[test]
fn entry_never_looked_at_is_no_edit() {
    let both = || vec![crate::fixture::text("x"), crate::fixture::text("y")];
    let wide = Setup::new(both(), both()).deleting(DeletionPolicy::Delete);
    let narrow = wide.clone().with(|s| {
        s.mapping.entries.pop();
    });
    let (mut world, a, b) = linked_x(&narrow, "x");
    world.edit(Side::B, &b, &[("y", "own".into())]);
    world.run();
    world.policy = wide.policy();
    world.echo(Side::B, &b);
    world.delete(Side::A, &a);
    world.run();
    assert!(world.sides.b.records.is_empty());
}

#[test]
fn restored_record_resumes() {
    for policy in [DeletionPolicy::Ignore, DeletionPolicy::Mark] {
        let (mut world, a, b) = linked_x(&Setup::one_field().deleting(policy), "x");
        let record = world.delete(Side::A, &a).expect("it was there");
        world.run();
        quiet(&mut world);
        // Edited while its partner was gone: known again once that one is back.
        world.edit(Side::B, &b, &[("x", "b1".into())]);
        assert_eq!(world.run(), 0);
        world.restore(Side::A, record);
        world.run();
        holds(&world, "x", (&a, "b1"), (&b, "b1"));
        assert_eq!(world.links.len(), 1);
        quiet(&mut world);
    }
}

#[test]
fn stale_listing_of_a_buried_record_resurrects_nothing() {
    let (mut world, a, b) = linked_x(&deleting(), "x");
    let record = world.delete(Side::A, &a).expect("it was there");
    world.run();
    quiet(&mut world);
    assert_eq!(
        world.link_of(Side::B, &b).map(|l| l.state),
        Some(LinkState::Buried)
    );
    // The listing shows it as it was.
    world.sides.a.records.insert(a.clone(), record.clone());
    world.echo(Side::A, &a);
    assert_eq!(world.run(), 0);
    assert!(world.sides.b.records.is_empty());
    // A person restored it: it has a new version, and is a new record for the other side.
    world.restore(Side::A, record);
    world.run();
    assert!(world.links.is_empty(), "the tombstone goes first");
    world.run();
    assert_eq!(world.sides.b.records.len(), 1);
    quiet(&mut world);
}

#[test]
fn two_restored_records_are_one_again_and_not_doubled() {
    let (mut world, a, b) = linked_x(&deleting(), "x");
    let in_a = world.delete(Side::A, &a).expect("a");
    let in_b = world.delete(Side::B, &b).expect("b");
    world.run();
    world.restore(Side::A, in_a);
    world.restore(Side::B, in_b);
    world.run();
    quiet(&mut world);
    assert_eq!(world.links.len(), 1);
    assert_eq!(
        (world.sides.a.records.len(), world.sides.b.records.len()),
        (1, 1)
    );
}

#[test]
fn both_deleted_is_buried_whichever_goes_first() {
    let (mut world, a, b) = linked_x(&Setup::one_field(), "x");
    world.delete(Side::A, &a);
    world.run();
    world.delete(Side::B, &b);
    assert_eq!(world.run(), 0);
    assert_eq!(
        world.link_of(Side::B, &b).map(|l| l.state),
        Some(LinkState::Buried)
    );
}

/// Nothing outside the collection is written: not even deleted, and a deletion out there concerns nobody.
#[test]
fn deletion_of_a_frozen_link_touches_nothing() {
    for (left, gone) in [
        (Side::A, Side::A),
        (Side::A, Side::B),
        (Side::B, Side::A),
        (Side::B, Side::B),
    ] {
        let (mut world, a, b) = linked_x(&deleting(), "x");
        let id = |side| if side == Side::A { &a } else { &b };
        world.leave(left, id(left));
        world.run();
        world.delete(gone, id(gone));
        assert_eq!(world.run(), 0, "left {left}, gone {gone}");
        let link = world.link_of(gone, id(gone)).expect("a link");
        assert_eq!(link.state, LinkState::Severed { gone });
    }
}

#[test]
fn one_way_receiver_deleting_its_copy_changes_nothing() {
    let (mut world, a, b) = linked_x(&deleting().with(|s| s.direction = Direction::AToB), "x");
    world.delete(Side::B, &b);
    assert_eq!(world.run(), 0);
    world.edit(Side::A, &a, &[("x", "a1".into())]);
    assert_eq!(world.run(), 0);
}

#[test]
fn failed_deletion_is_tried_again() {
    for fate in [
        Fate::Later,
        Fate::Refused,
        Fate::UnknownNot,
        Fate::UnknownDone,
    ] {
        let (mut world, a, _) = linked_x(&deleting(), "x");
        world.delete(Side::A, &a);
        world.run_with(&mut |_| fate);
        world.run();
        assert!(world.sides.b.records.is_empty(), "{fate:?}");
        quiet(&mut world);
    }
}

#[test]
fn recreation_that_is_not_answered_makes_no_second_record() {
    for fate in [
        Fate::Later,
        Fate::UnknownDone,
        Fate::UnknownNot,
        Fate::Refused,
    ] {
        let (mut world, a, b) = linked_x(&deleting(), "x");
        world.delete(Side::A, &a);
        world.edit(Side::B, &b, &[("x", "b1".into())]);
        world.run_with(&mut |_| fate);
        world.run();
        assert_eq!(world.sides.a.records.len(), 1, "{fate:?}");
        quiet(&mut world);
    }
}

fn many(setup: &Setup, count: usize) -> World {
    let mut world = World::new(setup.policy());
    for n in 0..count {
        world.add(Side::A, fields(&[("x", &format!("x{n}"))]));
    }
    world.run();
    quiet(&mut world);
    world
}

/// F-50.
#[test]
fn emptied_side_is_refused() {
    let mut world = many(&deleting(), 3);
    let ids: Vec<_> = world.sides.a.records.keys().cloned().collect();
    for id in &ids {
        world.delete(Side::A, id);
    }
    world.add(Side::A, fields(&[("x", "new")]));
    let totals = Totals {
        links: 3,
        deleted: syncline_model::Sides { a: 3, b: 0 },
        missing: syncline_model::Sides { a: 3, b: 0 },
        ..Totals::default()
    };
    let trips = guards(&totals, &world.policy);
    assert_eq!(
        trips.iter().map(|t| (t.kind, t.from)).collect::<Vec<_>>(),
        [(GuardKind::Shrink, Side::A)]
    );
    world.held = Held::by(&trips, &world.policy);
    world.run();
    world.run();
    assert_eq!(
        world.sides.b.records.len(),
        4,
        "the new one is created, none is deleted"
    );
    let kinds = |world: &World| {
        world
            .calls
            .iter()
            .filter(|c| matches!(c, Operation::Delete { .. }))
            .count()
    };
    assert_eq!(kinds(&world), 0);
    assert!(
        world
            .links
            .values()
            .all(|link| link.state == LinkState::Live)
    );
    world.agree();
    world.run();
    assert_eq!(kinds(&world), 3, "agreed: they go");
    quiet(&mut world);
}

/// A listing that shrank too much may be wrong: who is missing counts as inside until somebody agrees.
#[test]
fn who_leaves_a_side_that_a_guard_holds_is_frozen_once_somebody_agrees() {
    let frozen = LinkState::Frozen { left: Side::A };
    let (mut world, a, b) = linked_x(&Setup::one_field(), "x");
    let state = |world: &World| world.link_of(Side::A, &a).expect("a link").state;
    world.held.gone.a = true;
    world.leave(Side::A, &a);
    world.edit(Side::B, &b, &[("x", "b1".into())]);
    assert_eq!(world.run(), 0);
    assert_eq!(state(&world), LinkState::Live);
    assert!(world.settled.iter().any(|done| done.counters.held > 0));
    world.agree();
    assert_eq!(world.run(), 0);
    assert_eq!(state(&world), frozen);
    // Who is outside already is nothing that the guard holds.
    world.held.gone.a = true;
    world.edit(Side::B, &b, &[("x", "b2".into())]);
    assert_eq!(world.run(), 0);
    assert_eq!(state(&world), frozen);
    assert!(world.settled.iter().all(|done| done.counters.held == 0));
    world.come_back(Side::A, &a);
    world.run();
    holds(&world, "x", (&a, "b2"), (&b, "b2"));
    // Nor does a guard of the other side.
    world.held.gone = Sides { a: false, b: true };
    world.leave(Side::A, &a);
    world.run();
    assert_eq!(state(&world), frozen);
}

#[test]
fn guards_count_as_documented() {
    use GuardKind::{Deletions, Shrink};
    let policy = deleting().policy();
    let ignoring = Setup::one_field().policy();
    let check = |policy, links, deleted, missing, day, want: &[GuardKind]| {
        let totals = Totals {
            links,
            deleted: syncline_model::Sides { a: deleted, b: 0 },
            missing: syncline_model::Sides { a: missing, b: 0 },
            deletions_24h: day,
            ..Totals::default()
        };
        let kinds: Vec<GuardKind> = guards(&totals, policy).iter().map(|t| t.kind).collect();
        assert_eq!(kinds, want, "{totals:?}");
    };
    check(&policy, 1000, 100, 100, 0, &[]);
    check(&policy, 1000, 101, 101, 0, &[Deletions]);
    check(&policy, 1000, 51, 51, 50, &[Deletions]);
    check(&policy, 1000, 0, 0, 5000, &[]);
    check(&policy, 1000, 0, 200, 0, &[]);
    check(&policy, 1000, 0, 201, 0, &[Shrink]);
    check(&policy, 50, 10, 10, 0, &[]);
    check(&policy, 50, 11, 11, 0, &[Deletions, Shrink]);
    check(&policy, 2, 2, 2, 0, &[Shrink]);
    check(&policy, 1, 1, 1, 0, &[]);
    check(&ignoring, 1000, 101, 101, 0, &[]);
    check(&ignoring, 1000, 201, 201, 0, &[Shrink]);
}

/// What a person is asked to agree to: how many records, how many of those were carried over already, and the limit.
#[test]
fn a_trip_shows_what_was_counted() {
    let totals = Totals {
        links: 1000,
        deleted: Sides { a: 60, b: 0 },
        missing: Sides { a: 250, b: 0 },
        parting: Sides::default(),
        deletions_24h: 50,
        overwrites: [
            ((key("x", "x"), Side::A), 301),
            ((key("x", "x"), Side::B), 300),
        ]
        .into(),
    };
    let trips = guards(&totals, &deleting().policy());
    let shown: Vec<_> = trips
        .iter()
        .map(|t| {
            (
                t.kind,
                t.from,
                t.entry.as_deref(),
                t.count,
                t.carried,
                t.limit,
            )
        })
        .collect();
    let want = [
        (GuardKind::Deletions, Side::A, None, 110, 50, 100),
        (GuardKind::Shrink, Side::A, None, 250, 0, 200),
        (GuardKind::Overwrite, Side::A, Some("x=x"), 301, 0, 300),
    ];
    assert_eq!(shown, want);
}

/// A record outside the collection stays unwritten, even when its partner is deleted and restored meanwhile and edits
/// come with it.
#[test]
fn record_that_left_is_not_written_when_its_partner_is_restored() {
    let (mut world, a, b) = linked_x(&deleting(), "x");
    world.leave(Side::A, &a);
    world.run();
    let gone = world.delete(Side::B, &b).expect("a record");
    world.run();
    world.restore(Side::B, gone);
    world.edit(Side::B, &b, &[("x", "b1".into())]);
    world.run();
    holds(&world, "x", (&a, "x"), (&b, "b1"));
    world.come_back(Side::A, &a);
    world.run();
    holds(&world, "x", (&a, "b1"), (&b, "b1"));
    quiet(&mut world);
}
