//! Connections that form a ring: whose value stands, and who is who by way of others (docs/adr/0013).
//!
//! In the grid a record's value is written `a1@20`: another connection put `a1` there, which was decided at 20. `a1` alone
//! is a person's, of which the others know nothing; `a1>20` a person's too, written over what was decided at 20.

use syncline_engine::{
    Cluster, Elsewhere, Kin, Known, LinkedPair, Observation, Operation, Plan, Sight, plan,
};
use syncline_model::{
    Blank, ConflictPolicy, DeletionPolicy, Link, LinkBody, LinkId, LinkState, PairId, Record,
    RemoteId, Side, Sides, Slots, Value,
};

use crate::fixture::{Setup, fields, key, record, slots};

/// When everything in these tests is decided.
const NOW: i64 = 100;

fn x(value: &str) -> Slots {
    slots(&[(key("x", "x"), value.into())])
}

/// What another connection remembers of a record that it sees on its side b.
fn known(seen: &str, target: &str, decided: i64) -> Known {
    let mut body = LinkBody {
        target: x(target),
        ..LinkBody::default()
    };
    body.seen.b = x(seen);
    body.decided.insert(key("x", "x"), decided);
    Known {
        side: Side::B,
        body,
    }
}

/// A value as the grid writes it: what it says, and what others know of it.
fn told(word: &str) -> (&str, Vec<Known>) {
    let at = |text: &str| text.parse::<i64>().expect("a time");
    if let Some((value, decided)) = word.split_once('@') {
        return (value, vec![known(value, value, at(decided))]);
    }
    if let Some((value, after)) = word.split_once('>') {
        return (value, vec![known("x", "x", at(after))]);
    }
    (word, Vec::new())
}

/// A link whose target `x` was decided at 50, and what is seen of it now.
fn linked(a: &str, b: &str) -> Observation {
    let mut elsewhere = Elsewhere {
        now: NOW,
        known: Sides::default(),
    };
    let sight = Sides::of(|side| {
        let (value, known) = told(if side == Side::A { a } else { b });
        let id = RemoteId::new(side.as_str());
        elsewhere.known.get_mut(side).insert(id, known);
        if value == "gone" {
            return Sight::Deleted;
        }
        let seen = record(side.as_str(), "v2", fields(&[("x", value)]));
        Sight::Present(Box::new(seen))
    });
    let mut body = LinkBody {
        seen: Sides {
            a: x("x"),
            b: x("x"),
        },
        target: x("x"),
        ..LinkBody::default()
    };
    body.decided.insert(key("x", "x"), 50);
    let link = Link {
        id: LinkId::NIL,
        pair: PairId::NIL,
        remote: Sides::of(|side| RemoteId::new(side.as_str())),
        version: Sides::default(),
        modified_at: Sides::default(),
        state: LinkState::Live,
        body,
    };
    Observation {
        linked: vec![LinkedPair { link, sight }],
        elsewhere: Some(elsewhere),
        ..Observation::default()
    }
}

/// The writes, a conflict as `!`, and when the target was decided.
fn line(plan: &Plan) -> String {
    let step = plan.steps.first().expect("a step");
    let mut words: Vec<String> = step
        .operations
        .iter()
        .map(|operation| match operation {
            Operation::Update { side, changes, .. } => {
                let value = changes.values().next().and_then(Value::as_text);
                format!("{side}:={}", value.unwrap_or("-"))
            }
            Operation::Create { side, .. } => format!("new {side}"),
            Operation::Delete { side, .. } => format!("del {side}"),
            other => format!("{other:?}"),
        })
        .collect();
    if !step.conflicts.is_empty() {
        words.push("!".to_owned());
    }
    words.extend(step.body.decided.values().map(|at| format!("@{at}")));
    words.join(" ")
}

#[track_caller]
fn check(setup: &Setup, grid: &str) {
    for row in grid.lines().map(str::trim).filter(|row| !row.is_empty()) {
        let (cell, want) = row.split_once('|').expect("a | b");
        let mut words = cell.split_whitespace();
        let (a, b) = (words.next().expect("a"), words.next().expect("b"));
        let plan = plan(&linked(a, b), &setup.policy());
        assert_eq!(line(&plan), want.trim(), "{row}");
    }
}

/// F-68: of two decisions the newer stands, whatever the policy says, so that no two values chase one another.
#[test]
fn the_newer_of_two_decisions_stands() {
    let b_wins = Setup::one_field().with(|setup| setup.conflict = ConflictPolicy::BWins);
    check(
        &b_wins,
        "
        x@50    x@50    | @50
        a1      x       | b:=a1 @100
        a1@60   x       | b:=a1 @60
        a1@40   x       | a:=x @50
        a1@60   b1@70   | a:=b1 @70
        a1@70   b1@60   | b:=a1 @70
        a1@60   b1@60   | a:=b1 ! @100
        a1@60   a1@70   | @70
        a1@60   a1      | @60
        a1      a1      | @100
        ",
    );
}

/// An edit is a conflict with a decision, unless it was made over it.
#[test]
fn an_edit_over_a_decision_is_newer() {
    let b_wins = Setup::one_field().with(|setup| setup.conflict = ConflictPolicy::BWins);
    check(
        &b_wins,
        "
        a1      b1@60   | a:=b1 ! @100
        a1>50   b1@60   | a:=b1 ! @100
        a1>60   b1@60   | b:=a1 @100
        b1@60   a1>60   | a:=a1 @100
        a1>60   b1>60   | a:=b1 ! @100
        ",
    );
}

/// Where blanks do not count, filling again is a decision: a connection that carries blanks takes it over.
#[test]
fn filling_again_is_a_decision() {
    let keeping = Setup::one_field().with(|setup| {
        for entry in &mut setup.mapping.entries {
            entry.blank = Blank::Keep;
        }
    });
    let mut seen = linked("", "x@50");
    let plan = plan(&seen, &keeping.policy());
    assert_eq!(line(&plan), "a:=x @100");
    // What never got there is only delivered.
    seen.linked[0].link.body.seen.a = x("");
    let plan = syncline_engine::plan(&seen, &keeping.policy());
    assert_eq!(line(&plan), "a:=x @50");
}

/// F-55 in a ring: an edit that had reached the record before it was deleted, by another way, does not bring it back.
#[test]
fn an_edit_that_had_arrived_does_not_beat_a_deletion() {
    let deleting = Setup::one_field().deleting(DeletionPolicy::Delete);
    let mut seen = linked("gone", "b1@60");
    assert_eq!(line(&plan(&seen, &deleting.policy())), "new a @60");
    let elsewhere = seen.elsewhere.as_mut().expect("a ring");
    elsewhere
        .known
        .a
        .insert(RemoteId::new("a"), vec![known("b1", "b1", 60)]);
    assert_eq!(line(&plan(&seen, &deleting.policy())), "del b @50");
}

fn person(id: &str, name: &str, email: &str) -> Record {
    record(id, "v1", fields(&[("family", name), ("email", email)]))
}

fn cluster(a: Vec<Record>, b: Vec<Record>, kin: &[(Side, &str, Kin)]) -> Plan {
    let mut cluster = Cluster {
        records: Sides { a, b },
        ..Cluster::default()
    };
    for (side, id, kin) in kin {
        let named = cluster.kin.get_mut(*side);
        named.insert(RemoteId::new(*id), kin.clone());
    }
    let observation = Observation {
        clusters: vec![cluster],
        ..Observation::default()
    };
    plan(
        &observation,
        &Setup::new(crate::fixture::book(), crate::fixture::book()).policy(),
    )
}

/// Whom other connections know is linked, whatever the keys say; and nobody else is.
#[test]
fn kin_are_linked_before_keys_are_asked() {
    let is = |id: &str| Kin::Record(RemoteId::new(id));
    let planned = cluster(
        vec![
            person("a1", "Ann", "new@x.y"),
            person("a2", "Bob", "ann@x.y"),
        ],
        vec![person("b1", "Ann", "ann@x.y")],
        &[(Side::A, "a1", is("b1")), (Side::B, "b1", is("a1"))],
    );
    let pairs: Vec<_> = planned
        .steps
        .iter()
        .map(|step| {
            let id = |side: Side| step.remote.get(side).as_ref().map(RemoteId::as_str);
            (id(Side::A), id(Side::B), step.operations.len())
        })
        .collect();
    let linked = (Some("a1"), Some("b1"), 1);
    assert_eq!(pairs, [linked, (Some("a2"), None, 1)]);
}

/// F-68: somebody who is on the other side by way of others is never made there once more.
#[test]
fn kin_out_of_sight_are_not_made_again() {
    let out_of_sight = (Side::A, "a1", Kin::OutOfSight);
    let planned = cluster(
        vec![person("a1", "Ann", "ann@x.y")],
        Vec::new(),
        &[out_of_sight],
    );
    assert_eq!(planned.operations().count(), 0);
    assert!(planned.steps[0].problems.is_empty());

    let with = RemoteId::new("a9");
    let linked = (Side::A, "a1", Kin::Linked { with: with.clone() });
    let planned = cluster(vec![person("a1", "Ann", "ann@x.y")], Vec::new(), &[linked]);
    assert_eq!(planned.operations().count(), 0);
    assert_eq!(planned.steps[0].problems[0].candidates, [with]);
}

/// A link without a ring notes no times: nobody would ask.
#[test]
fn without_a_ring_nothing_is_noted() {
    let mut seen = linked("a1", "x");
    seen.elsewhere = None;
    seen.linked[0].link.body.decided.clear();
    let plan = plan(&seen, &Setup::one_field().policy());
    assert_eq!(line(&plan), "b:=a1");
}
