//! `on_leave: leave`: the partner of a record that leaves is taken out of the collection, and put back when it comes back.

use syncline_engine::{Held, Operation, RowFate, Sight, Step, parting, plan};
use syncline_model::{
    ChangeKind, DeletionPolicy, Direction, GuardKind, GuardTrip, LinkState, RemoteId, Side, Sides,
};

use super::{
    actions::{given_away, made, of_ann, setup, shows},
    linked, quiet,
};
use crate::{
    fixture::Setup,
    sim::{Fate, World},
};

const OURS: &str = r#"{"from":"a","if":[{"field":"owner","is":"Ann"}]}"#;

fn ours() -> Setup {
    setup().leaving().rule(OURS)
}

/// Ann's record and its partner.
fn anns(setup: &Setup) -> (World, RemoteId, RemoteId) {
    linked(setup.policy(), &[("x", "x"), ("owner", "Ann")])
}

fn owner(world: &mut World, a: &RemoteId, name: &str) {
    world.edit(Side::A, a, &[("owner", name.into())]);
}

fn is_in(world: &World, side: Side, id: &RemoteId) -> bool {
    let remote = world.sides.get(side);
    assert!(remote.records.contains_key(id), "the record itself stays");
    !remote.left.contains(id)
}

fn calls(world: &World) -> Vec<&'static str> {
    let word = |call: &Operation| match call {
        Operation::Create { .. } => "create",
        Operation::Update { .. } => "update",
        Operation::Delete { .. } => "delete",
        Operation::Mark { .. } => "mark",
        Operation::Leave { .. } => "leave",
        Operation::Join { .. } => "join",
    };
    world.calls.iter().map(word).collect()
}

fn told(world: &World) -> Vec<(ChangeKind, Side)> {
    let changes = world.settled.iter().flat_map(|settled| &settled.changes);
    changes.map(|change| (change.kind, change.side)).collect()
}

#[test]
fn the_partner_leaves_and_comes_back_before_what_is_news_goes_over() {
    let (mut world, a, b) = anns(&ours());
    owner(&mut world, &a, "Bob");
    world.run();
    assert!(!is_in(&world, Side::B, &b));
    assert_eq!(calls(&world), ["leave"]);
    assert_eq!(
        told(&world)[..2],
        [
            (ChangeKind::Unlinked, Side::B),
            (ChangeKind::Frozen, Side::A)
        ]
    );
    quiet(&mut world);
    // Nothing goes over meanwhile.
    world.edit(Side::A, &a, &[("x", "a1".into())]);
    quiet(&mut world);
    assert_eq!(world.value(Side::B, &b, "x"), "x".into());
    world.calls.clear();
    owner(&mut world, &a, "Ann");
    world.run();
    assert!(is_in(&world, Side::B, &b));
    assert_eq!(world.value(Side::B, &b, "x"), "a1".into());
    assert_eq!(calls(&world), ["join", "update"]);
    assert_eq!(world.sides.b.created, 1);
    quiet(&mut world);
    assert!(world.links.values().all(|link| link.body.parted.is_empty()));
}

#[test]
fn who_is_frozen_stays_in_the_collection() {
    let (mut world, a, b) = anns(&setup().rule(OURS));
    owner(&mut world, &a, "Bob");
    world.run();
    assert!(is_in(&world, Side::B, &b));
    assert_eq!(calls(&world), [""; 0]);
}

#[test]
fn both_ways_and_only_where_the_connection_goes_and_can() {
    let check = |direction: Direction, movable: bool, side: Side, leaves: bool| {
        let setup = Setup::one_field().leaving().with(|setup| {
            setup.direction = direction;
            setup.movable = Sides::of(|_| movable);
        });
        let from = if direction == Direction::BToA {
            Side::B
        } else {
            Side::A
        };
        let mut world = World::new(setup.policy());
        let id = world.add(from, crate::fixture::fields(&[("x", "x")]));
        world.run();
        let ids = world.link_of(from, &id).expect("a link").remote.clone();
        quiet(&mut world);
        world.leave(side, ids.get(side));
        world.run();
        let other = side.other();
        let went = !is_in(&world, other, ids.get(other));
        assert_eq!(went, leaves, "{direction:?} {movable} {side}");
        quiet(&mut world);
        world.come_back(side, ids.get(side));
        world.run();
        assert!(is_in(&world, other, ids.get(other)));
        world.edit(from, ids.get(from), &[("x", "news".into())]);
        world.run();
        assert_eq!(
            world.value(from.other(), ids.get(from.other()), "x"),
            "news".into()
        );
        quiet(&mut world);
    };
    for side in Side::BOTH {
        check(Direction::TwoWay, true, side, true);
        check(Direction::TwoWay, false, side, false);
    }
    check(Direction::AToB, true, Side::A, true);
    check(Direction::AToB, true, Side::B, false);
    check(Direction::BToA, true, Side::B, true);
    check(Direction::BToA, true, Side::A, false);
}

#[test]
fn what_rules_added_it_to_is_taken_away_and_what_they_set_stays() {
    let setup = setup().leaving().rule(
        r#"{"from":"a","if":[{"field":"owner","is":"Ann"}],
            "then":[{"add_to":"group:Zoho"},{"set":"origin","to":"CRM"}]}"#,
    );
    let (mut world, a, b) = made(&setup);
    world.edit(
        Side::B,
        &b,
        &[("groups", crate::fixture::list(&["Zoho", "VIP"]))],
    );
    world.run();
    world.calls.clear();
    given_away(&mut world, &a);
    shows(&world, &b, "CRM", "", &["VIP"]);
    assert!(!is_in(&world, Side::B, &b));
    // First the groups, then the collection.
    assert_eq!(calls(&world), ["update", "leave"]);
    quiet(&mut world);
    owner(&mut world, &a, "Ann");
    world.run();
    assert!(is_in(&world, Side::B, &b));
    shows(&world, &b, "CRM", "", &["VIP", "Zoho"]);
    quiet(&mut world);
}

/// Where the collection holds whatever there is, the marks that rules gave are all there is to take away.
#[test]
fn where_nobody_can_be_taken_out_the_marks_of_rules_go() {
    let setup = setup()
        .leaving()
        .with(|setup| setup.movable = Sides::default())
        .rule(
            r#"{"from":"a","if":[{"field":"owner","is":"Ann"}],"then":[{"add_to":"group:Zoho"}]}"#,
        );
    let (mut world, a, b) = made(&setup);
    given_away(&mut world, &a);
    shows(&world, &b, "", "", &[]);
    owner(&mut world, &a, "Ann");
    world.run();
    shows(&world, &b, "", "", &["Zoho"]);
    quiet(&mut world);
    assert!(is_in(&world, Side::B, &b));
}

/// Who is put into the collection by hand while the partner is away stays there; who is taken out by hand while it is
/// there stays out, and has left of its own.
#[test]
fn what_people_do_with_their_hands_holds() {
    let (mut world, a, b) = anns(&ours());
    owner(&mut world, &a, "Bob");
    world.run();
    world.come_back(Side::B, &b);
    world.edit(Side::B, &b, &[("x", "b1".into())]);
    world.run();
    assert!(is_in(&world, Side::B, &b));
    quiet(&mut world);
    assert_eq!(world.value(Side::A, &a, "x"), "x".into());
    owner(&mut world, &a, "Ann");
    world.run();
    assert_eq!(world.value(Side::A, &a, "x"), "b1".into());
    quiet(&mut world);
    // By hand, with the partner there.
    let (mut world, a, b) = anns(&ours().with(|setup| setup.movable.a = false));
    world.leave(Side::B, &b);
    world.run();
    owner(&mut world, &a, "Bob");
    world.run();
    owner(&mut world, &a, "Ann");
    world.edit(Side::A, &a, &[("x", "a1".into())]);
    world.run();
    assert!(!is_in(&world, Side::B, &b));
    assert_eq!(world.value(Side::B, &b, "x"), "x".into());
    world.come_back(Side::B, &b);
    world.run();
    assert_eq!(world.value(Side::B, &b, "x"), "a1".into());
    quiet(&mut world);
}

/// A record that was taken out is outside: that somebody deletes it there concerns nobody, not even when its partner comes
/// back at the same time. It is not made again either.
#[test]
fn a_deletion_of_who_was_taken_out_is_not_carried_over() {
    for late in [false, true] {
        let (mut world, a, b) = anns(&ours().deleting(DeletionPolicy::Delete));
        owner(&mut world, &a, "Bob");
        world.run();
        world.delete(Side::B, &b);
        if late {
            world.run();
        }
        owner(&mut world, &a, "Ann");
        world.edit(Side::A, &a, &[("x", "a1".into())]);
        world.run();
        quiet(&mut world);
        assert!(is_in(&world, Side::A, &a));
        assert_eq!(world.sides.b.created, 1);
    }
    // Nor is the other's.
    let (mut world, a, b) = anns(&ours().deleting(DeletionPolicy::Delete));
    owner(&mut world, &a, "Bob");
    world.run();
    world.delete(Side::A, &a);
    world.run();
    assert!(world.sides.b.records.contains_key(&b));
    quiet(&mut world);
}

/// Whatever becomes of a call, the end is the same: out while the partner is away, in when it is back.
#[test]
fn calls_that_fail_or_go_unanswered() {
    use Fate::{Done, Later, Refused, UnknownDone, UnknownNot};
    for out in [Done, Later, Refused, UnknownDone, UnknownNot] {
        for back in [Done, Later, Refused, UnknownDone, UnknownNot] {
            for meanwhile in [false, true] {
                let (mut world, a, b) = anns(&ours());
                owner(&mut world, &a, "Bob");
                world.run_with(&mut |_| out);
                if meanwhile {
                    world.run();
                    assert!(!is_in(&world, Side::B, &b), "{out:?}");
                    quiet(&mut world);
                }
                owner(&mut world, &a, "Ann");
                world.edit(Side::A, &a, &[("x", "a1".into())]);
                world.run_with(&mut |_| back);
                world.run();
                world.run();
                assert!(is_in(&world, Side::B, &b), "{out:?} {back:?} {meanwhile}");
                assert_eq!(world.value(Side::B, &b, "x"), "a1".into());
                quiet(&mut world);
                // And away again, in the middle of coming back.
                owner(&mut world, &a, "Bob");
                world.run();
                owner(&mut world, &a, "Ann");
                world.run_with(&mut |_| back);
                owner(&mut world, &a, "Bob");
                world.run();
                world.run();
                assert!(!is_in(&world, Side::B, &b), "{out:?} {back:?} {meanwhile}");
                quiet(&mut world);
            }
        }
    }
}

/// A record that another connection keeps in the collection stays in it. Who lets go of it last takes it out; whoever's
/// partner comes back first puts it in.
#[test]
fn a_record_that_another_connection_keeps_stays() {
    let (mut world, a, b) = anns(&ours());
    world.kept.b.insert(b.clone());
    owner(&mut world, &a, "Bob");
    world.run();
    assert!(is_in(&world, Side::B, &b));
    assert_eq!(calls(&world), [""; 0]);
    quiet(&mut world);
    // The other one takes it out.
    world.kept.b.clear();
    world.leave(Side::B, &b);
    world.run();
    quiet(&mut world);
    owner(&mut world, &a, "Ann");
    world.edit(Side::A, &a, &[("x", "a1".into())]);
    world.run();
    assert!(is_in(&world, Side::B, &b));
    assert_eq!(world.value(Side::B, &b, "x"), "a1".into());
    quiet(&mut world);
}

/// A guard holds who leaves as it holds deletions, and what it would take away is counted before anything is read.
#[test]
fn a_guard_holds_it_and_counts_it() {
    let check = |setup: &Setup, expect: Option<Side>| {
        let (mut world, a, b) = made(setup);
        world.run();
        owner(&mut world, &a, "Bob");
        world.pull(Side::A);
        let mut observation = world.observe();
        for pair in &mut observation.linked {
            pair.sight.b = Sight::Unchanged;
        }
        let rehearsed = plan(&observation, &world.policy);
        let sides: Vec<Option<Side>> = rehearsed
            .steps
            .iter()
            .map(|step: &Step| parting(step, &world.policy))
            .collect();
        assert_eq!(sides, [expect]);
        world.held = Held {
            gone: Sides { a: true, b: false },
            ..Held::default()
        };
        world.calls.clear();
        world.run();
        assert!(world.calls.is_empty(), "held: {:?}", world.calls);
        assert!(
            world
                .links
                .values()
                .all(|link| link.state == LinkState::Live)
        );
        world.agree();
        world.run();
        world.run();
        assert_eq!(
            is_in(&world, Side::B, &b),
            !setup.movable.b || expect.is_none()
        );
    };
    check(&ours(), Some(Side::A));
    let marks =
        r#"{"from":"a","if":[{"field":"owner","is":"Ann"}],"then":[{"add_to":"group:Zoho"}]}"#;
    let fixed = || setup().with(|setup| setup.movable = Sides::default());
    check(&fixed().leaving().rule(marks), Some(Side::A));
    check(&fixed().leaving().rule(OURS), None);
    check(&of_ann(r#"{"add_to":"group:Zoho"}"#), None);
}

/// The copy of a newcomer that does not pass the rules of the way back: it never was inside, and so has not left. Once it
/// was, it can.
#[test]
fn a_copy_that_does_not_pass_drives_nobody_out() {
    let mut world = World::new(ours().policy());
    let b = world.add(Side::B, crate::fixture::fields(&[("x", "x")]));
    world.run();
    let a = world.link_of(Side::B, &b).expect("a link").remote.a.clone();
    quiet(&mut world);
    assert!(is_in(&world, Side::B, &b));
    owner(&mut world, &a, "Ann");
    world.run();
    owner(&mut world, &a, "Bob");
    world.run();
    assert!(!is_in(&world, Side::B, &b));
    quiet(&mut world);
}

/// Records that were never both inside were never ours to take out.
#[test]
fn who_was_never_followed_is_not_taken_out() {
    let mut world = World::new(ours().policy());
    let pairs = [
        ("x", "x"),
        ("email.work", "ann@example.com"),
        ("owner", "Bob"),
    ];
    let a = world.add(Side::A, crate::fixture::fields(&pairs));
    let b = world.add(Side::B, crate::fixture::fields(&pairs[..2]));
    world.run();
    assert!(world.link_of(Side::A, &a).is_some());
    assert!(is_in(&world, Side::B, &b));
    assert_eq!(calls(&world), [""; 0]);
    quiet(&mut world);
}

/// What goes before it is held by the overwrite guard: then both wait, and both are done once a person agrees.
#[test]
fn who_leaves_is_taken_out_together_with_what_goes_before_it() {
    let rule = r#"{"from":"a","if":[{"field":"owner","is":"Ann"}],
        "then":[{"set":"origin","to":"CRM"}],"reverse_on_exit":true}"#;
    let setup = setup().leaving().rule(rule);
    let (mut world, a, b) = anns(&setup);
    assert_eq!(world.value(Side::B, &b, "origin"), "CRM".into());
    let trip = GuardTrip {
        kind: GuardKind::Overwrite,
        from: Side::A,
        entry: Some("=origin".to_owned()),
        count: 40,
        limit: 30,
        carried: 0,
    };
    world.held = Held::by(&[trip], &world.policy);
    owner(&mut world, &a, "Bob");
    world.run();
    assert!(is_in(&world, Side::B, &b));
    assert_eq!(world.value(Side::B, &b, "origin"), "CRM".into());
    world.agree();
    world.run();
    assert!(!is_in(&world, Side::B, &b));
    assert_ne!(world.value(Side::B, &b, "origin"), "CRM".into());
    quiet(&mut world);
}

/// A late listing says once more that it left, after it was put in: it is put in again, and what was done is remembered as done.
#[test]
fn being_put_in_twice_is_remembered() {
    let back = r#"{"from":"b","if":[{"field":"x","is_not":"hidden"}]}"#;
    let (mut world, a, b) = anns(&ours().rule(back));
    owner(&mut world, &a, "Bob");
    world.run();
    world.edit(Side::B, &b, &[("x", "hidden".into())]);
    owner(&mut world, &a, "Ann");
    world.run();
    assert_eq!(calls(&world), ["leave", "join"]);
    for row in world.rows.iter_mut().filter(|(key, _)| key.0 == Side::B) {
        (row.1.sight, row.1.fate) = (Sight::Left, RowFate::Pending);
    }
    world.hears.b = false;
    world.run();
    world.hears.b = true;
    assert_eq!(calls(&world), ["leave", "join", "join"]);
    let mut parted = world
        .links
        .values()
        .flat_map(|link| link.body.parted.values());
    assert!(parted.all(|parted| parted.done && !parted.out));
    quiet(&mut world);
}

/// What is refused before it leaves keeps it in: outside it could not be tried again, and would be forgotten.
#[test]
fn what_is_refused_before_it_leaves_keeps_it_in() {
    let undone = r#"{"from":"a","if":[{"field":"owner","is":"Ann"}],
        "then":[{"set":"note","to":"ours"}],"reverse_on_exit":true}"#;
    let (mut world, a, b) = anns(&setup().leaving().rule(undone));
    assert_eq!(world.value(Side::B, &b, "note"), "ours".into());
    owner(&mut world, &a, "Bob");
    world.run_with(&mut |operation| match operation {
        Operation::Update { .. } => Fate::Refused,
        _ => Fate::Done,
    });
    assert!(is_in(&world, Side::B, &b));
    assert!(!world.problems.is_empty());
    world.run();
    assert!(!is_in(&world, Side::B, &b));
    assert_ne!(world.value(Side::B, &b, "note"), "ours".into());
    quiet(&mut world);
}
