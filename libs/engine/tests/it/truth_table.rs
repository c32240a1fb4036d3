//! What follows from every pair of things that can have happened to two records: one row a pair, to be read.
//!
//! `same`: as last seen. `changed`: edited. `gone`: deleted. `left`: out of the collection.
//! In a result, `a:=` and `b:=` are writes (with the value), `del`, `mark` and `out` what is done about a deletion,
//! `new` a creation; after `->` the link's state. `!` is a conflict.

use syncline_engine::{Cluster, LinkedPair, Observation, Operation, Plan, Sight, plan};
use syncline_model::{
    ConflictPolicy, DeletionPolicy, Direction, Link, LinkBody, LinkId, LinkState, PairId, Side,
    Sides, Value,
};

use crate::fixture::{Setup, fields, key, record, slots};

/// The plan as one line.
fn line(plan: &Plan) -> String {
    let mut words = Vec::new();
    for step in &plan.steps {
        for operation in &step.operations {
            words.push(match operation {
                Operation::Create { side, .. } => format!("new {side}"),
                Operation::Update { side, changes, .. } => {
                    let value = changes
                        .values()
                        .next()
                        .and_then(Value::as_text)
                        .unwrap_or("");
                    format!("{side}:={value}")
                }
                Operation::Delete { side, .. } => format!("del {side}"),
                Operation::Mark { side, .. } => format!("mark {side}"),
                Operation::Leave { side, .. } => format!("out {side}"),
                Operation::Join { side, .. } => format!("in {side}"),
            });
        }
        if !step.conflicts.is_empty() {
            words.push("!".into());
        }
        words.push(match step.state {
            LinkState::Live => "-> live".into(),
            LinkState::Frozen { left } => format!("-> frozen {left}"),
            LinkState::Severed { gone } => format!("-> severed {gone}"),
            LinkState::Buried => "-> buried".into(),
        });
    }
    words.join(" ")
}

fn sight(side: Side, word: &str) -> Sight {
    let seen = |value: &str| {
        Sight::Present(Box::new(record(
            side.as_str(),
            "v2",
            fields(&[("x", value)]),
        )))
    };
    match word {
        "same" => seen("x"),
        "changed" => seen(&format!("{side}1")),
        "gone" => Sight::Deleted,
        "left" => Sight::Left,
        other => panic!("{other}"),
    }
}

/// Linked records, both last seen with `x`.
fn linked(setup: &Setup, state: LinkState, a: &str, b: &str) -> String {
    let x = slots(&[(key("x", "x"), "x".into())]);
    let link = Link {
        id: LinkId::NIL,
        pair: PairId::NIL,
        remote: Sides {
            a: syncline_model::RemoteId::new("a"),
            b: syncline_model::RemoteId::new("b"),
        },
        version: Sides::of(|_| Some(syncline_model::Version::new("v1"))),
        modified_at: Sides::default(),
        state,
        body: LinkBody {
            seen: Sides {
                a: x.clone(),
                b: x.clone(),
            },
            target: x,
            ..LinkBody::default()
        },
    };
    let sight = Sides {
        a: sight(Side::A, a),
        b: sight(Side::B, b),
    };
    let pair = LinkedPair::new(link, sight);
    let observation = Observation {
        linked: vec![pair],
        ..Observation::default()
    };
    line(&plan(&observation, &setup.policy()))
}

#[track_caller]
fn check(setup: &Setup, grid: &str) {
    check_from(setup, LinkState::Live, grid);
}

#[track_caller]
fn check_from(setup: &Setup, state: LinkState, grid: &str) {
    for row in grid.lines().map(str::trim).filter(|row| !row.is_empty()) {
        let (cell, want) = row.split_once('|').expect("a | b");
        let mut words = cell.split_whitespace();
        let (a, b) = (words.next().expect("a"), words.next().expect("b"));
        assert_eq!(linked(setup, state, a, b), want.trim(), "{a} {b}");
    }
}

#[test]
fn two_way_ignoring_deletions() {
    check(
        &Setup::one_field(),
        "
        same     same     | -> live
        same     changed  | a:=b1 -> live
        same     gone     | -> severed b
        same     left     | -> frozen b
        changed  same     | b:=a1 -> live
        changed  changed  | b:=a1 ! -> live
        changed  gone     | -> severed b
        changed  left     | -> frozen b
        gone     same     | -> severed a
        gone     changed  | -> severed a
        gone     gone     | -> buried
        gone     left     | -> severed a
        left     same     | -> frozen a
        left     changed  | -> frozen a
        left     gone     | -> severed b
        left     left     | -> frozen a
    ",
    );
}

#[test]
fn two_way_carrying_deletions() {
    for (policy, word) in [
        (DeletionPolicy::Delete, "del"),
        (DeletionPolicy::Mark, "mark"),
        (DeletionPolicy::Unlink, "out"),
    ] {
        let grid = "
            same     gone     | del a -> severed b
            changed  gone     | new b -> live
            gone     same     | del b -> severed a
            gone     changed  | new a -> live
            gone     gone     | -> buried
            gone     left     | -> severed a
            left     gone     | -> severed b
        ";
        check(
            &Setup::one_field().deleting(policy),
            &grid.replace("del", word),
        );
    }
}

#[test]
fn who_wins() {
    for (conflict, want) in [
        (ConflictPolicy::AWins, "b:=a1 ! -> live"),
        (ConflictPolicy::BWins, "a:=b1 ! -> live"),
        (ConflictPolicy::MostRecent, "b:=a1 ! -> live"),
        (ConflictPolicy::MostRecentOrB, "a:=b1 ! -> live"),
        (ConflictPolicy::Ask, "! -> live"),
    ] {
        let setup = Setup::one_field().with(|s| s.conflict = conflict);
        assert_eq!(
            linked(&setup, LinkState::Live, "changed", "changed"),
            want,
            "{conflict:?}"
        );
    }
}

#[test]
fn one_way() {
    let setup = Setup::one_field()
        .deleting(DeletionPolicy::Delete)
        .with(|s| s.direction = Direction::AToB);
    check(
        &setup,
        "
        same     same     | -> live
        same     changed  | -> live
        same     gone     | -> severed b
        same     left     | -> frozen b
        changed  same     | b:=a1 -> live
        changed  changed  | b:=a1 ! -> live
        changed  gone     | -> severed b
        changed  left     | -> frozen b
        gone     same     | del b -> severed a
        gone     changed  | del b -> severed a
        gone     gone     | -> buried
        gone     left     | -> severed a
        left     same     | -> frozen a
        left     changed  | -> frozen a
        left     gone     | -> severed b
        left     left     | -> frozen a
    ",
    );
}

#[test]
fn frozen() {
    let setup = Setup::one_field().deleting(DeletionPolicy::Delete);
    check_from(
        &setup,
        LinkState::Frozen { left: Side::A },
        "
        same     same     | -> live
        changed  same     | b:=a1 -> live
        changed  changed  | b:=a1 ! -> live
        left     changed  | -> frozen a
        same     left     | -> frozen b
        gone     same     | -> severed a
        gone     changed  | -> severed a
        left     gone     | -> severed b
        same     gone     | del a -> severed b
        gone     gone     | -> buried
    ",
    );
}

#[test]
fn severed() {
    let setup = Setup::one_field().deleting(DeletionPolicy::Delete);
    check_from(
        &setup,
        LinkState::Severed { gone: Side::A },
        "
        gone     same     | -> severed a
        gone     changed  | -> severed a
        gone     left     | -> severed a
        left     same     | -> severed a
        gone     gone     | -> buried
        same     same     | -> live
        changed  same     | b:=a1 -> live
        same     changed  | a:=b1 -> live
        changed  changed  | b:=a1 ! -> live
        same     left     | -> frozen b
        same     gone     | -> buried
    ",
    );
}

#[test]
fn buried() {
    check_from(
        &Setup::one_field(),
        LinkState::Buried,
        "
        gone     gone     | -> buried
        gone     same     | -> buried
        changed  gone     | -> buried
        left     left     | -> buried
        same     same     | -> live
        changed  same     | b:=a1 -> live
    ",
    );
}

/// Unlinked records. `-` is no record, `in` one that passes the rules, `out` one that does not.
#[test]
fn unlinked() {
    let mail = |name: &str| {
        vec![
            crate::fixture::text(name),
            crate::fixture::field("email.work", syncline_model::Kind::Email),
        ]
    };
    let both = Setup::new(mail("x"), mail("x"))
        .rule(r#"{"from":"a","if":[{"field":"x","is_not":"out"}]}"#)
        .rule(r#"{"from":"b","if":[{"field":"x","is_not":"out"}]}"#);
    let one_way = both.clone().with(|s| {
        s.direction = Direction::AToB;
        s.rules.pop();
    });
    let rows = "
        in   -    | new b -> live      | new b -> live
        -    in   | new a -> live      | -> live
        out  -    | -> live            | -> live
        -    out  | -> live            | -> live
        in   in   | -> live            | -> live
        in   out  | -> frozen b        | b:=in ! -> live
        out  in   | -> frozen a        | -> live -> live
        out  out  | -> live -> live    | -> live -> live
    ";
    for row in rows.lines().map(str::trim).filter(|row| !row.is_empty()) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let words: Vec<&str> = cells[0].split_whitespace().collect();
        let records = |id: &str, word: &str| match word {
            "-" => Vec::new(),
            word => vec![record(
                id,
                "v1",
                fields(&[("x", word), ("email.work", "ann@example.com")]),
            )],
        };
        let cluster = Cluster {
            records: Sides {
                a: records("a", words[0]),
                b: records("b", words[1]),
            },
            ..Cluster::default()
        };
        for (setup, want) in [(&both, cells[1]), (&one_way, cells[2])] {
            let observation = Observation {
                clusters: vec![cluster.clone()],
                ..Observation::default()
            };
            assert_eq!(line(&plan(&observation, &setup.policy())), want, "{row}");
        }
    }
}
