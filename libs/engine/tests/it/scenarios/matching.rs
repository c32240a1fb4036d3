//! First contact: who is who, and who takes part.

use syncline_engine::{Cluster, Kin, Observation, RowFate, Step, Subject, match_keys, plan};
use syncline_model::{
    Direction, FieldDescriptor, Flow, Kind, Link, LinkBody, LinkId, LinkState, PairId,
    ProblemReason, RemoteId, Side, Sides,
};

use super::{holds, quiet};
use crate::{
    fixture::{Setup, book, crm, field, fields, key, record, text},
    sim::World,
};

fn world() -> World {
    World::new(Setup::new(crm(), book()).policy())
}

fn person(name: &str, mail: &str) -> [Vec<(&'static str, String)>; 2] {
    let (given, family) = name.split_once(' ').unwrap_or(("", name));
    let of = |names: [&'static str; 3]| {
        names
            .into_iter()
            .zip([given, family, mail])
            .map(|(name, value)| (name, value.to_owned()))
            .collect()
    };
    [
        of(["First_Name", "Last_Name", "Email"]),
        of(["given", "family", "email"]),
    ]
}

fn put(world: &mut World, side: Side, name: &str, mail: &str) -> syncline_model::RemoteId {
    let [a, b] = person(name, mail);
    let pairs = if side == Side::A { a } else { b };
    let pairs: Vec<(&str, &str)> = pairs.iter().map(|(n, v)| (*n, v.as_str())).collect();
    world.add(side, fields(&pairs))
}

#[test]
fn same_address_is_the_same_person_and_nothing_is_doubled() {
    let mut world = world();
    let a = put(&mut world, Side::A, "Ann Lee", "Ann@Example.com");
    let b = put(&mut world, Side::B, "Ann Lee", "ann@example.com");
    assert_eq!(world.run(), 0, "a spelling is no difference");
    assert_eq!(world.link_of(Side::A, &a).map(|l| &l.remote.b), Some(&b));
    quiet(&mut world);
}

#[test]
fn blanks_are_filled_both_ways_at_first_contact() {
    let mut world = world();
    let mail = "ann@example.com";
    let a = world.add(
        Side::A,
        fields(&[("Last_Name", "Lee"), ("Email", mail), ("Account", "Acme")]),
    );
    let b = world.add(
        Side::B,
        fields(&[("family", "Lee"), ("email", mail), ("title", "Chef")]),
    );
    assert_eq!(world.run(), 2);
    assert_eq!(world.value(Side::A, &a, "Title"), "Chef".into());
    assert_eq!(world.value(Side::B, &b, "org"), "Acme".into());
    assert!(world.conflicts.is_empty());
    quiet(&mut world);
}

#[test]
fn two_claimants_for_one_record_are_a_problem() {
    let mut world = world();
    put(&mut world, Side::A, "Ann Lee", "ann@example.com");
    put(&mut world, Side::A, "Ann Lee", "ann@example.com");
    let b = put(&mut world, Side::B, "Ann Lee", "ann@example.com");
    for _ in 0..2 {
        assert_eq!(world.run(), 0);
        assert!(world.links.is_empty());
        assert_eq!(world.problems.len(), 3);
        assert!(
            world
                .problems
                .iter()
                .all(|p| p.reason == ProblemReason::Ambiguous)
        );
        assert_eq!(world.problems[0].candidates, std::slice::from_ref(&b));
    }
    // A person tells them apart.
    let extra = world.sides.a.records.keys().next().expect("one").clone();
    world.edit(Side::A, &extra, &[("Email", "other@example.com".into())]);
    world.run();
    assert_eq!(world.links.len(), 2);
    quiet(&mut world);
}

#[test]
fn family_sharing_an_address_is_told_apart_by_name() {
    let mut world = world();
    let mail = "lees@example.com";
    let ids: Vec<_> = ["Ann Lee", "Bob Lee", "Eva Lee"]
        .iter()
        .map(|name| {
            let a = put(&mut world, Side::A, name, mail);
            (a, put(&mut world, Side::B, name, mail))
        })
        .collect();
    assert_eq!(world.run(), 0);
    for (a, b) in ids {
        assert_eq!(world.link_of(Side::A, &a).map(|l| &l.remote.b), Some(&b));
    }
    quiet(&mut world);
}

#[test]
fn cluster_too_large_to_judge_is_left_to_a_person() {
    let records = |side: &str, count: usize| {
        (0..count)
            .map(|n| {
                let (name, mail) = if side == "a" {
                    ("Last_Name", "Email")
                } else {
                    ("family", "email")
                };
                record(
                    &format!("{side}{n}"),
                    "v",
                    fields(&[(name, &format!("N{n}")), (mail, "info@example.com")]),
                )
            })
            .collect::<Vec<_>>()
    };
    let policy = Setup::new(crm(), book()).policy();
    for (a, b, problems) in [(51, 1, 52), (1, 51, 52), (51, 0, 51), (50, 0, 0)] {
        let cluster = Cluster {
            records: Sides {
                a: records("a", a),
                b: records("b", b),
            },
            ..Cluster::default()
        };
        let planned = plan(
            &Observation {
                clusters: vec![cluster],
                ..Observation::default()
            },
            &policy,
        );
        let found = planned
            .steps
            .iter()
            .map(|s| s.problems.len())
            .sum::<usize>();
        assert_eq!(found, problems, "{a} and {b}");
        assert_eq!(
            planned.operations().count(),
            if problems == 0 { a + b } else { 0 }
        );
    }
}

fn with_other_address() -> Vec<FieldDescriptor> {
    let mut list = book();
    let other = FieldDescriptor::new("other", "Other e-mail", Kind::Email);
    list.insert(0, other.standard("email.other"));
    list
}

#[test]
fn each_address_is_one_key_the_work_address_first() {
    let policy = Setup::new(with_other_address(), book()).policy();
    let ann = |other: &str| {
        let pairs = [("family", "Lee"), ("email", "Ann@x.yz"), ("other", other)];
        match_keys(&policy, Side::A, &record("r", "v", fields(&pairs)))
    };
    assert_eq!(ann("lee@x.yz"), ["ann@x.yz", "lee@x.yz"]);
    assert_eq!(ann("ANN@x.yz"), ["ann@x.yz"]);
}

/// Work addresses first, then any address, then the name as well; each record once, and who is left is made on the other
/// side. Whichever side is which.
#[test]
fn keys_are_asked_in_their_order() {
    type People<'a> = &'a [[&'a str; 3]];
    let policy = Setup::new(with_other_address(), with_other_address()).policy();
    let people = |(letter, list): (&str, People<'_>)| -> Vec<_> {
        let of = |(n, [name, mail, other]): (usize, &[&str; 3])| {
            let pairs = [("family", *name), ("email", *mail), ("other", *other)];
            record(&format!("{letter}{n}"), "v", fields(&pairs))
        };
        list.iter().enumerate().map(of).collect()
    };
    let ann = ["Ann", "ann@x.yz", ""];
    let bob = ["Bob", "ann@x.yz", ""];
    // Name, work address and other address of left and right; who is linked (`l0=r1`), and who is made.
    let cases: [(People<'_>, People<'_>, &str); 5] = [
        (
            &[["Ann", "ann@x.yz", "lee@x.yz"]],
            &[["Ann", "lee@x.yz", ""], ["Eva", "ann@x.yz", ""]],
            "l0=r1 r0",
        ),
        (&[ann, ["Bob", "bob@x.yz", "ann@x.yz"]], &[ann], "l0=r0 l1"),
        (
            &[["Ann", "", "ann@x.yz"], ["Bob", "bob@x.yz", ""]],
            &[["Bob", "bob@x.yz", "ann@x.yz"]],
            "l0 l1=r0",
        ),
        (&[ann, bob], &[ann], "l0=r0 l1"),
        (&[bob, ann], &[ann, bob], "l0=r1 l1=r0"),
    ];
    for (left, right, want) in cases {
        let sides = Sides {
            a: ("l", left),
            b: ("r", right),
        };
        let mirrored = Sides {
            a: sides.b,
            b: sides.a,
        };
        for sides in [sides, mirrored] {
            let cluster = Cluster {
                records: Sides::of(|side| people(*sides.get(side))),
                ..Cluster::default()
            };
            let observation = Observation {
                clusters: vec![cluster],
                ..Observation::default()
            };
            let plan = plan(&observation, &policy);
            let mut told: Vec<String> = Vec::new();
            for step in &plan.steps {
                assert_eq!(step.problems, [], "{left:?} {right:?}");
                let ids = [&step.remote.a, &step.remote.b].into_iter().flatten();
                let mut ids: Vec<&str> = ids.map(RemoteId::as_str).collect();
                ids.sort_unstable();
                told.push(ids.join("="));
            }
            told.sort();
            let mut want: Vec<&str> = want.split(' ').collect();
            want.sort_unstable();
            assert_eq!(told, want, "{left:?} {right:?}");
        }
    }
}

/// At first contact the source of a one-way field says what is meant, unless it says nothing; what it overrules is named.
#[test]
fn one_way_field_at_first_contact_takes_what_its_source_says() {
    let mail = ("email.work", "ann@x.yz");
    let both = || vec![text("x"), field("email.work", Kind::Email)];
    for (source, a, b, after, winner) in [
        (Side::A, "1", "2", ["1", "1"], Some(Side::A)),
        (Side::A, "1", "", ["1", "1"], None),
        (Side::A, "", "2", ["", "2"], None),
        (Side::B, "1", "2", ["2", "2"], Some(Side::B)),
        (Side::B, "", "2", ["2", "2"], None),
        (Side::B, "1", "", ["1", ""], None),
    ] {
        let setup = Setup::new(both(), both()).with(|s| {
            s.mapping.entries[0].flow = match source {
                Side::A => Flow::AToB,
                Side::B => Flow::BToA,
            };
        });
        let mut world = World::new(setup.policy());
        let a = world.add(Side::A, fields(&[("x", a), mail]));
        let b = world.add(Side::B, fields(&[("x", b), mail]));
        world.run();
        holds(&world, "x", (&a, after[0]), (&b, after[1]));
        let named: Vec<_> = world.conflicts.iter().map(|c| c.winner).collect();
        assert_eq!(named, Vec::from_iter(winner.map(Some)));
        quiet(&mut world);
    }
}

#[test]
fn one_way_takes_only_the_source_side_s_records() {
    let setup = Setup::new(crm(), book()).with(|s| s.direction = Direction::AToB);
    let mut world = World::new(setup.policy());
    put(&mut world, Side::A, "Ann Lee", "ann@example.com");
    put(&mut world, Side::B, "Bob Lee", "bob@example.com");
    world.run();
    assert_eq!(
        (world.sides.a.records.len(), world.sides.b.records.len()),
        (1, 2)
    );
    quiet(&mut world);
}

/// Nothing outside the rules is written: two records that are one, of which one is outside, are linked and left alone.
#[test]
fn match_outside_the_rules_is_linked_and_frozen() {
    let setup =
        Setup::new(crm(), book()).rule(r#"{"from":"a","if":[{"field":"Title","is":"in"}]}"#);
    let mut world = World::new(setup.policy());
    let a = put(&mut world, Side::A, "Ann Lee", "ann@example.com");
    let b = put(&mut world, Side::B, "Ann Stone", "ann@example.com");
    assert_eq!(world.run(), 0);
    assert_eq!(
        world.link_of(Side::A, &a).map(|l| l.state),
        Some(LinkState::Frozen { left: Side::A })
    );
    quiet(&mut world);
    world.edit(Side::A, &a, &[("Title", "in".into())]);
    world.run();
    assert_eq!(world.value(Side::B, &b, "family"), "Lee".into());
    quiet(&mut world);
}

/// What both records said when they were joined is remembered although one of them is outside the rules: an edit made
/// before that one comes in is known for an edit (the simulation found it: 2019045).
#[test]
fn edit_between_joining_and_coming_in_is_not_lost() {
    let setup =
        Setup::new(crm(), book()).rule(r#"{"from":"a","if":[{"field":"Title","is":"in"}]}"#);
    let mut world = World::new(setup.policy());
    let a = put(&mut world, Side::A, "Ann Lee", "ann@example.com");
    let b = put(&mut world, Side::B, "Ann Lee", "ann@example.com");
    assert_eq!(world.run(), 0);
    world.edit(Side::B, &b, &[("email", "ann@example.org".into())]);
    world.edit(Side::A, &a, &[("Title", "in".into())]);
    world.run();
    assert_eq!(world.value(Side::A, &a, "Email"), "ann@example.org".into());
    assert_eq!(world.value(Side::B, &b, "email"), "ann@example.org".into());
    quiet(&mut world);
}

/// A guard is never bypassed, at first contact neither.
#[test]
fn held_entry_is_held_at_first_contact_too() {
    let mut world = world();
    put(&mut world, Side::A, "Ann Lee", "ann@example.com");
    let b = put(&mut world, Side::B, "Ann Stone", "ann@example.com");
    world
        .held
        .entries
        .insert((key("Last_Name", "family"), Side::A));
    world.run();
    world.run();
    assert_eq!(world.value(Side::B, &b, "family"), "Stone".into());
    world.agree();
    world.run();
    assert_eq!(world.value(Side::B, &b, "family"), "Lee".into());
    quiet(&mut world);
}

/// A cluster of one survivor on side a, whose partner on b was deleted, and of records on b.
fn with_survivor(b: Vec<syncline_model::Record>) -> (LinkId, syncline_engine::Plan) {
    let survivor = record("x", "v", fields(&[("family", "Ann"), ("email", "x@y.z")]));
    let link = Link {
        id: LinkId::NIL,
        pair: PairId::NIL,
        remote: Sides {
            a: survivor.id.clone(),
            b: RemoteId::new("gone"),
        },
        version: Sides::default(),
        modified_at: Sides::default(),
        state: LinkState::Severed { gone: Side::B },
        body: LinkBody::default(),
    };
    let mut cluster = Cluster {
        records: Sides {
            a: vec![survivor.clone()],
            b,
        },
        ..Cluster::default()
    };
    let id = link.id;
    cluster.survivors.a.insert(survivor.id, link);
    let observation = Observation {
        clusters: vec![cluster],
        ..Observation::default()
    };
    let policy = Setup::new(book(), book()).policy();
    (id, plan(&observation, &policy))
}

#[test]
fn who_comes_back_as_a_new_record_is_the_survivors_partner() {
    let back = record(
        "back",
        "v",
        fields(&[("family", "Ann"), ("email", "x@y.z")]),
    );
    let (id, plan) = with_survivor(vec![back]);
    let [step] = plan.steps.as_slice() else {
        panic!("{plan:?}");
    };
    assert!(matches!(&step.subject, Subject::Link(link) if link.id == id));
    assert_eq!(step.state, LinkState::Live);
    assert_eq!(step.remote.a, Some(RemoteId::new("x")));
    assert_eq!(step.remote.b, Some(RemoteId::new("back")));
    assert!(step.operations.is_empty(), "{step:?}");
}

#[test]
fn a_survivor_that_nobody_comes_back_for_is_left_alone() {
    let other = record(
        "other",
        "v",
        fields(&[("family", "Bob"), ("email", "b@y.z")]),
    );
    for (b, creations) in [(vec![], 0), (vec![other], 1)] {
        let (_, plan) = with_survivor(b);
        let made: Vec<Side> = plan.operations().map(|(_, call)| call.side()).collect();
        assert_eq!(made, vec![Side::A; creations]);
        let survivor = plan
            .steps
            .iter()
            .find(|step| step.remote.a == Some(RemoteId::new("x")))
            .unwrap();
        assert_eq!(survivor.rows.a, Some(RowFate::Waiting));
        assert_eq!(survivor.subject, Subject::Nothing);
    }
}

#[test]
fn mirrored_cluster_gives_the_mirrored_plan() {
    let setup = Setup::new(book(), book());
    let policy = setup.policy();
    let people = |side: &str, list: &[(&str, &str)]| {
        list.iter()
            .enumerate()
            .map(|(n, (name, mail))| {
                record(
                    &format!("{side}{n}"),
                    "v",
                    fields(&[("family", name), ("email", mail)]),
                )
            })
            .collect::<Vec<_>>()
    };
    let left = people("l", &[("Ann", "x@y.z"), ("Bob", "x@y.z"), ("Eva", "e@y.z")]);
    let right = people(
        "r",
        &[("Ann", "x@y.z"), ("Carl", "x@y.z"), ("Dan", "x@y.z")],
    );
    let shape = |a: &[syncline_model::Record], b: &[syncline_model::Record], flip: bool| {
        let cluster = Cluster {
            records: Sides {
                a: a.to_vec(),
                b: b.to_vec(),
            },
            ..Cluster::default()
        };
        let planned = plan(
            &Observation {
                clusters: vec![cluster],
                ..Observation::default()
            },
            &policy,
        );
        let mut shape: Vec<String> = planned
            .steps
            .iter()
            .map(|step| {
                let (a, b) = (&step.remote.a, &step.remote.b);
                let remote = if flip { (b, a) } else { (a, b) };
                let made = step.subject == Subject::New;
                format!(
                    "{remote:?} {made} {} {}",
                    step.operations.len(),
                    step.problems.len()
                )
            })
            .collect();
        shape.sort();
        shape
    };
    assert_eq!(shape(&left, &right, false), shape(&right, &left, true));
}

/// Two records that other connections know to be the same one of the other side: one of them is linked with it.
#[test]
fn nobody_is_linked_with_two_whom_other_connections_know() {
    let of = |id: &str| record(id, "v1", fields(&[("x", "x")]));
    let mut cluster = Cluster::default();
    cluster.records.a = vec![of("a1"), of("a2")];
    cluster.records.b = vec![of("b1")];
    for id in ["a1", "a2"] {
        let kin = Kin::Record(RemoteId::new("b1"));
        cluster.kin.a.insert(RemoteId::new(id), kin);
    }
    let observation = Observation {
        clusters: vec![cluster],
        ..Observation::default()
    };
    let planned = plan(&observation, &Setup::one_field().policy());
    let b = |step: &&Step| step.remote.b == Some(RemoteId::new("b1"));
    assert_eq!(planned.steps.iter().filter(b).count(), 1);
    assert_eq!(planned.operations().count(), 0, "and nobody is made again");
}
