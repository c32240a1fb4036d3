//! First contact of records without an e-mail address: they go by their name, and only where nothing is overwritten.

use syncline_engine::{Cluster, Observation, Policy, match_keys, plan};
use syncline_model::{Direction, FieldDescriptor, Kind, RemoteId, Side, Sides, Value};

use super::quiet;
use crate::{
    fixture::{Setup, book, crm, field, fields, record, text},
    sim::World,
};

const A: [&str; 5] = ["First_Name", "Last_Name", "Email", "Account", "Title"];
const B: [&str; 5] = ["given", "family", "email", "org", "title"];

/// Given name, family name, address, company and title, on a side.
fn put(world: &mut World, side: Side, values: [&str; 5]) -> RemoteId {
    let names = if side == Side::A { A } else { B };
    let pairs: Vec<(&str, &str)> = names.into_iter().zip(values).collect();
    world.add(side, fields(&pairs))
}

fn values(world: &World, side: Side, id: &RemoteId) -> Vec<Value> {
    let names = if side == Side::A { A } else { B };
    names.map(|name| world.value(side, id, name)).to_vec()
}

/// One record on each side; whether they are linked with one another. If not, each is mirrored.
#[track_caller]
fn check(policy: &Policy, a: [&str; 5], b: [&str; 5], linked: bool) {
    let mut world = World::new(policy.clone());
    let (x, y) = (put(&mut world, Side::A, a), put(&mut world, Side::B, b));
    world.run();
    let link = world.link_of(Side::A, &x).expect("a link");
    assert_eq!(link.remote.b == y, linked, "{a:?} and {b:?}");
    let each = if linked { 1 } else { 2 };
    for side in Side::BOTH {
        assert_eq!(world.sides.get(side).records.len(), each, "{a:?} and {b:?}");
    }
    assert!(world.conflicts.is_empty() && world.problems.is_empty());
    quiet(&mut world);
}

#[test]
fn namesakes_without_an_address_are_linked_where_nothing_is_overwritten() {
    let policy = Setup::new(crm(), book()).policy();
    let check = |a, b, linked| check(&policy, a, b, linked);
    let ann = ["Ann", "Lee", "", "", ""];
    check(ann, ann, true);
    check(ann, ["Ann", "Lee", "", "Acme", "Chef"], true);
    check(
        ["Ann", "Lee", "", "Acme", ""],
        ["Ann", " Lee ", "", "", "Chef"],
        true,
    );
    check(["", "Plato", "", "", ""], ["Plato", "", "", "", ""], true);
    // They contradict one another: linking would overwrite.
    check(
        ["Ann", "Lee", "", "Acme", ""],
        ["Ann", "Lee", "", "Ace", ""],
        false,
    );
    check(
        ["Ann", "Lee", "", "", "Chef"],
        ["Ann", "Lee", "", "Acme", "Cook"],
        false,
    );
    check(
        ["Mary Ann", "Lee", "", "", ""],
        ["Mary", "Ann Lee", "", "", ""],
        false,
    );
    check(["ANN", "Lee", "", "", ""], ann, false);
    // Another name, or none.
    check(ann, ["Anne", "Lee", "", "", ""], false);
    check(
        ["", "Acme", "", "Acme", ""],
        ["", "", "", "Acme", ""],
        false,
    );
    // With an address a name alone is nothing.
    check(["Ann", "Lee", "ann@example.com", "", ""], ann, false);
    check(ann, ["Ann", "Lee", "ann@example.com", "", ""], false);
    check(
        ["Ann", "Lee", "ann@example.com", "", ""],
        ["Ann", "Lee", "ann@example.org", "", ""],
        false,
    );
}

#[test]
fn organisations_without_a_name_are_linked_by_theirs() {
    let policy = Setup::new(book(), book()).policy();
    let check = |a: [&str; 5], b: [&str; 5], linked: bool| {
        let mut world = World::new(policy.clone());
        let of = |values: [&str; 5]| fields(&B.into_iter().zip(values).collect::<Vec<_>>());
        let x = world.add(Side::A, of(a));
        let y = world.add(Side::B, of(b));
        world.run();
        let link = world.link_of(Side::A, &x).expect("a link");
        assert_eq!(link.remote.b == y, linked, "{a:?} and {b:?}");
        quiet(&mut world);
    };
    check(["", "", "", "Acme", ""], ["", "", "", " ACME", ""], false);
    check(["", "", "", "Acme", ""], ["", "", "", " Acme", ""], true);
    check(["", "", "", "Acme", "Desk"], ["", "", "", "Acme", ""], true);
    check(
        ["", "", "", "Acme", "Desk"],
        ["", "", "", "Acme", "Shop"],
        false,
    );
    check(["Ann", "", "", "Acme", ""], ["", "", "", "Acme", ""], false);
    check(
        ["", "", "x@y.z", "Acme", ""],
        ["", "", "", "Acme", ""],
        false,
    );
}

/// Where names are not mapped nobody can say whose they are: no record goes by its company.
#[test]
fn company_says_nothing_where_names_are_not_mapped() {
    let policy = Setup::new(book(), book())
        .with(|s| s.mapping.entries.retain(|e| e.a.to_string() != "family"))
        .policy();
    let keys =
        |pairs: &[(&str, &str)]| match_keys(&policy, Side::A, &record("r", "v", fields(pairs)));
    assert!(keys(&[("org", "Acme")]).is_empty());
    assert!(keys(&[("given", "Ann")]).is_empty());
    assert_eq!(
        keys(&[("email", "Ann@X.yz"), ("org", "Acme")]),
        ["ann@x.yz"]
    );
}

#[test]
fn whole_names_are_names_too() {
    let whole = || vec![field("full_name", Kind::FullName), text("x")];
    let mut world = World::new(Setup::new(whole(), whole()).policy());
    let a = world.add(Side::A, fields(&[("full_name", "Ann Lee"), ("x", "1")]));
    let b = world.add(Side::B, fields(&[("full_name", "Ann  Lee")]));
    assert_eq!(world.run(), 1);
    assert_eq!(world.link_of(Side::A, &a).map(|l| &l.remote.b), Some(&b));
    assert_eq!(world.value(Side::B, &b, "x"), "1".into());
    quiet(&mut world);
}

#[test]
fn one_way_fills_only_the_receiving_side_s_blanks() {
    let setup = Setup::new(crm(), book()).with(|s| s.direction = Direction::AToB);
    let mut world = World::new(setup.policy());
    let a = put(&mut world, Side::A, ["Ann", "Lee", "", "Acme", ""]);
    let b = put(&mut world, Side::B, ["Ann", "Lee", "", "", "Chef"]);
    assert_eq!(world.run(), 1);
    assert_eq!(world.link_of(Side::A, &a).map(|l| &l.remote.b), Some(&b));
    assert_eq!(world.value(Side::B, &b, "org"), "Acme".into());
    assert_eq!(world.value(Side::B, &b, "title"), "Chef".into());
    assert_eq!(world.value(Side::A, &a, "Title"), Value::Empty);
    quiet(&mut world);
}

/// A linked record has no say: its late namesake is a record of its own, on both sides.
#[test]
fn namesake_of_a_linked_record_is_mirrored() {
    let mut world = World::new(Setup::new(crm(), book()).policy());
    let ann = ["Ann", "Lee", "", "", ""];
    put(&mut world, Side::A, ann);
    put(&mut world, Side::B, ann);
    assert_eq!(world.run(), 0);
    put(&mut world, Side::B, ann);
    assert_eq!(world.run(), 1);
    assert_eq!(world.links.len(), 2);
    quiet(&mut world);
}

/// A read-only address is somebody else's, the owner's say: it neither matches nor stands for an address of the
/// record's own.
#[test]
fn read_only_address_is_no_key() {
    let owner = |name: &str, standard: Option<&str>| FieldDescriptor {
        writable: false,
        standard: standard.map(str::to_owned),
        ..FieldDescriptor::new(name, name, Kind::Email)
    };
    let with = |extra: FieldDescriptor| {
        let mut list = book();
        list.push(extra);
        list
    };
    let record = record("r", "v", fields(&[("family", "Lee"), ("owner", "o@x.yz")]));
    for (standard, want) in [(None, "name:lee"), (Some("email.other"), "o@x.yz")] {
        let policy = Setup::new(with(owner("owner", standard)), book()).policy();
        assert_eq!(match_keys(&policy, Side::A, &record), [want]);
    }
}

/// Every pair of small records, one or two of them on a side, against the rule in its own words: linked if both are
/// the only ones, neither has an address, and no field is filled differently. Then nothing that was filled changes.
#[test]
fn every_small_pair_of_namesakes() {
    let policy = Setup::new(crm(), book()).policy();
    let words = ["", "one", "two"];
    let mut linked = 0;
    for n in 0..3usize.pow(4) {
        let [a1, a2, b1, b2] = [n % 3, n / 3 % 3, n / 9 % 3, n / 27].map(|at| words[at]);
        for (twins_a, twins_b, mail_a, mail_b) in [
            (1, 1, "", ""),
            (2, 1, "", ""),
            (1, 2, "", ""),
            (1, 1, "a@x.yz", ""),
            (1, 1, "", "b@x.yz"),
        ] {
            let mut world = World::new(policy.clone());
            let mut add = |side, count, values| {
                (0..count)
                    .map(|_| put(&mut world, side, values))
                    .collect::<Vec<_>>()
            };
            let a = add(Side::A, twins_a, ["Ann", "Lee", mail_a, a1, a2]);
            let b = add(Side::B, twins_b, ["Ann", "Lee", mail_b, b1, b2]);
            let before = [(Side::A, &a), (Side::B, &b)].map(|(s, ids)| values(&world, s, &ids[0]));
            world.run();
            let agree = |x: &str, y: &str| x.is_empty() || y.is_empty() || x == y;
            let want = twins_a + twins_b == 2
                && mail_a.is_empty()
                && mail_b.is_empty()
                && agree(a1, b1)
                && agree(a2, b2);
            let each = if want { 1 } else { twins_a + twins_b };
            let cell = format!("{a1:?} {a2:?} {b1:?} {b2:?} {twins_a} {twins_b}");
            assert_eq!(world.links.len(), each, "{cell}");
            for (at, (side, ids)) in [(Side::A, &a), (Side::B, &b)].into_iter().enumerate() {
                assert_eq!(world.sides.get(side).records.len(), each, "{cell}");
                let after = values(&world, side, &ids[0]);
                for (old, new) in before[at].iter().zip(&after) {
                    assert!(old.is_empty() || old == new, "overwritten: {cell}");
                }
            }
            assert!(
                world.conflicts.is_empty() && world.problems.is_empty(),
                "{cell}"
            );
            quiet(&mut world);
            linked += usize::from(want);
        }
    }
    assert_eq!(linked, 49, "seven of nine pairs of values agree, twice");
}

/// Too many to judge are left to a person, as with addresses; but where the other side has none of that name there is
/// nothing to judge.
#[test]
fn too_many_namesakes_are_a_problem_only_where_the_other_side_has_one() {
    let policy = Setup::new(crm(), book()).policy();
    let records = |side: &str, name: &str, count: usize| {
        (0..count)
            .map(|n| record(&format!("{side}{n}"), "v", fields(&[(name, "Guest")])))
            .collect::<Vec<_>>()
    };
    for (a, b, problems, calls) in [
        (51, 1, 52, 0),
        (1, 51, 52, 0),
        (51, 0, 0, 51),
        (50, 1, 0, 51),
    ] {
        let cluster = Cluster {
            records: Sides {
                a: records("a", "Last_Name", a),
                b: records("b", "family", b),
            },
            ..Cluster::default()
        };
        let observation = Observation {
            clusters: vec![cluster],
            ..Observation::default()
        };
        let planned = plan(&observation, &policy);
        let found: usize = planned.steps.iter().map(|s| s.problems.len()).sum();
        assert_eq!(
            (found, planned.operations().count()),
            (problems, calls),
            "{a} and {b}"
        );
    }
}
