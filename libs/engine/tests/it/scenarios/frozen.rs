//! Links that stand still while a record is outside the collection or the rules, and go on with a merge.

use syncline_model::{LinkState, Side};

use super::{holds, linked_x, quiet};
use crate::fixture::{Setup, text};

#[test]
fn frozen_link_resumes_with_a_merge() {
    let both = || vec![text("x"), text("y")];
    let (mut world, a, b) = linked_x(&Setup::new(both(), both()), "x");
    world.leave(Side::A, &a);
    world.run();
    assert_eq!(
        world.link_of(Side::A, &a).map(|l| l.state),
        Some(LinkState::Frozen { left: Side::A })
    );
    world.edit(Side::B, &b, &[("y", "b1".into())]);
    assert_eq!(world.run(), 0);
    world.edit(Side::A, &a, &[("x", "a1".into())]);
    assert_eq!(world.run(), 0, "still outside");
    world.come_back(Side::A, &a);
    world.run();
    holds(&world, "x", (&a, "a1"), (&b, "a1"));
    holds(&world, "y", (&a, "b1"), (&b, "b1"));
    quiet(&mut world);
}

/// Both left, one came back: the other one is still outside and must not be written (the simulation checks it).
#[test]
fn link_stays_frozen_until_both_sides_are_back() {
    let (mut world, a, b) = linked_x(&Setup::one_field(), "x");
    world.leave(Side::A, &a);
    world.run();
    world.leave(Side::B, &b);
    world.run();
    world.come_back(Side::A, &a);
    world.edit(Side::A, &a, &[("x", "a1".into())]);
    assert_eq!(world.run(), 0);
    assert_eq!(world.run(), 0);
    world.come_back(Side::B, &b);
    world.run();
    holds(&world, "x", (&a, "a1"), (&b, "a1"));
    quiet(&mut world);
}

#[test]
fn record_that_fails_its_rules_freezes_the_link_and_comes_back() {
    let both = || vec![text("x"), text("y")];
    let setup =
        Setup::new(both(), both()).rule(r#"{"from":"a","if":[{"field":"y","is_not":"out"}]}"#);
    let (mut world, a, b) = linked_x(&setup, "x");
    world.edit(Side::A, &a, &[("y", "out".into()), ("x", "a1".into())]);
    assert_eq!(world.run(), 0);
    world.edit(Side::B, &b, &[("y", "b1".into())]);
    assert_eq!(world.run(), 0, "a record outside its rules is not written");
    world.edit(Side::A, &a, &[("y", "in".into())]);
    world.run();
    holds(&world, "x", (&a, "a1"), (&b, "a1"));
    quiet(&mut world);
}
