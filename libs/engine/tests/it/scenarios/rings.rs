//! Connections that form a ring: whose value stands, and who is who by way of others (docs/adr/0013).
//!
//! In the grid a record's value is written `a1@20`: another connection put `a1` there, which was decided at 20. `a1` alone
//! is a person's, of which the others know nothing; `a1>20` a person's too, written over what was decided at 20, and `a1~20`
//! one written before what was decided then got there. `a1<20`: another connection saw `a1` and is about to replace it by
//! what it decided at 20. `A1=a1@20`: `A1` is how the provider spells what was decided; `a2:A1=a1@20`: an edit over that
//! spelling; `own:own/a1@20`: the own edit of a record that only receives, kept apart from what was decided. `{1+2}` is a set.

use syncline_engine::{
    Cluster, Elsewhere, Kin, Known, LinkedPair, Observation, Operation, Plan, Sight, plan,
};
use syncline_model::{
    Blank, ConflictPolicy, DeletionPolicy, FieldName, Link, LinkBody, LinkId, LinkState, PairId,
    Record, RemoteId, Side, Sides, Slots, Value,
};

use crate::fixture::{Setup, fields, key, list, record, set, slots};

/// When everything in these tests is decided.
const NOW: i64 = 100;

fn value(word: &str) -> Value {
    let items = word
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'));
    items.map_or_else(
        || Value::text(word),
        |items| {
            list(
                &items
                    .split('+')
                    .filter(|one| !one.is_empty())
                    .collect::<Vec<_>>(),
            )
        },
    )
}

fn x(word: &str) -> Slots {
    slots(&[(key("x", "x"), value(word))])
}

/// What another connection remembers of a record that it sees on its side b: what was seen there, and what stands there in
/// the target's place. It maps another field too, of which it says something else.
fn known(seen: &str, rendered: Option<&str>, target: &str, decided: i64) -> Known {
    let mut body = LinkBody {
        target: x(target),
        ..LinkBody::default()
    };
    body.seen.b = x(seen);
    body.rendered.b = rendered.map(x).unwrap_or_default();
    body.target.insert(key("y", "y"), "y".into());
    for (name, at) in [("x", decided), ("y", 99)] {
        body.decided.insert(key(name, name), at);
    }
    Known {
        side: Side::B,
        body,
    }
}

/// A value as the grid writes it: what it says, and what others know of it.
fn told(word: &str) -> (&str, Vec<Known>) {
    let Some(at) = word.find(['@', '>', '~', '<']) else {
        return (word, Vec::new());
    };
    let (word, time) = word.split_at(at);
    let at: i64 = time[1..].parse().expect("a time");
    let (says, others) = word.split_once(':').unwrap_or((word, word));
    let known = match (&time[..1], others.split_once('='), others.split_once('/')) {
        ("@", Some((spelt, target)), _) => {
            let says = if says == others { spelt } else { says };
            return (says, vec![known(spelt, Some(spelt), target, at)]);
        }
        ("@", _, Some((own, target))) => known(target, Some(own), target, at),
        ("@", ..) => known(says, None, says, at),
        (">", ..) => known("x", None, "x", at),
        ("~", ..) => known("old", None, "x", at),
        _ => known(says, None, "new", at),
    };
    (says, vec![known])
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
        let shown = [(FieldName::new("x"), self::value(value))].into();
        Sight::Present(Box::new(record(side.as_str(), "v2", shown)))
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
        linked: vec![LinkedPair::new(link, sight)],
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
            Operation::Update { side, changes, .. } => match changes.values().next() {
                Some(Value::List(items)) => {
                    let items = items.iter().filter_map(Value::as_text);
                    format!("{side}:={{{}}}", items.collect::<Vec<_>>().join("+"))
                }
                value => format!("{side}:={}", value.and_then(Value::as_text).unwrap_or("-")),
            },
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
    check_with(setup, &|_| {}, grid);
}

/// The same, of a link that remembers something else.
#[track_caller]
fn check_with(setup: &Setup, remember: &dyn Fn(&mut LinkBody), grid: &str) {
    for row in grid.lines().map(str::trim).filter(|row| !row.is_empty()) {
        let (cell, want) = row.split_once('|').expect("a | b");
        let mut words = cell.split_whitespace();
        let (a, b) = (words.next().expect("a"), words.next().expect("b"));
        let mut seen = linked(a, b);
        for pair in &mut seen.linked {
            remember(&mut pair.link.body);
        }
        let plan = plan(&seen, &setup.policy());
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

/// What others know of a value is more than what they put there: what they are about to replace, a provider's spelling, what
/// was edited before theirs arrived.
#[test]
fn what_others_know_dates_a_value() {
    let b_wins = Setup::one_field().with(|setup| setup.conflict = ConflictPolicy::BWins);
    check(
        &b_wins,
        "
        a1<60           x       | b:=a1 @59
        a1<51           x       | b:=a1 @50
        a1<50           x       | a:=x @50
        a1<61           b1@60   | a:=b1 ! @100
        a1~60           b1@59   | b:=a1 @100
        a1~60           b1@60   | a:=b1 ! @100
        A1=a1@60        x       | b:=A1 @60
        a2:A1=a1@60     b1@60   | b:=a2 @100
        own:own/a1@60   b1@60   | b:=own @100
        ",
    );
}

/// A person's answer counts, whenever the values were decided.
#[test]
fn an_answer_stands_above_times() {
    let asking = Setup::one_field().with(|setup| setup.conflict = ConflictPolicy::Ask);
    let answered = |body: &mut LinkBody| {
        body.resolutions.insert(key("x", "x"), Side::A);
    };
    check_with(&asking, &answered, "a1@60 b1@70 | b:=a1 ! @100");
    check(&asking, "a1@60 b1@70 | a:=b1 @70");
}

/// An edit that never reached the other side was decided when it became the target.
#[test]
fn an_undelivered_edit_has_the_time_of_its_target() {
    let a_wins = Setup::one_field();
    let undelivered = |body: &mut LinkBody| body.seen.b = x("old");
    check_with(
        &a_wins,
        &undelivered,
        "
        x       b1@60   | a:=b1 @60
        x       b1@40   | b:=x @50
        x       b1@50   | b:=x ! @100
        x       b1      | b:=x ! @100
        x       b1>50   | a:=b1 @100
        ",
    );
}

/// Records that meet for the first time: the times decide before the policy does.
#[test]
fn the_newer_decision_stands_at_first_contact() {
    let b_wins = Setup::one_field().with(|setup| setup.conflict = ConflictPolicy::BWins);
    let never = |body: &mut LinkBody| *body = LinkBody::default();
    check_with(
        &b_wins,
        &never,
        "
        a1@70   b1@60   | b:=a1 @70
        a1@60   b1@70   | a:=b1 @70
        a1@60   b1@60   | a:=b1 ! @100
        a1      b1      | a:=b1 ! @100
        a1>60   b1@60   | b:=a1 @100
        a1@60   a1@70   | @70
        ",
    );
}

/// Sets merge item by item, unless others decided what both sides say: then the later one had all items before it.
#[test]
fn of_two_decided_sets_the_later_stands() {
    let sets = Setup::new(vec![set("x")], vec![set("x")]);
    let two = |body: &mut LinkBody| {
        body.target = x("{1+2}");
        body.seen = Sides::of(|_| x("{1+2}"));
    };
    check_with(
        &sets,
        &two,
        "
        {1}@60    {2}@70    | a:={2} @70
        {1}@70    {2}@60    | b:={1} @70
        {1+2}@60  {}@70     | b:={1+2} @100
        {1+2+3}@60 {2}      | a:={2+3} b:={2+3} @100
        {1}@40    {1+2}     | a:={1+2} @50
        {1+2}     {1+2+3}@40 | b:={1+2} @50
        {1}       {1+2}     | b:={1} @100
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

/// A blank that is not sent takes nobody's place, however new it is: what fills it does (the simulation found it: 3028482).
#[test]
fn a_blank_that_is_not_sent_overtakes_nothing() {
    for (blank, want) in [(Blank::Keep, "b:=a1 @100"), (Blank::Sync, "a:=- @50")] {
        let setup = Setup::one_field().with(|setup| {
            for entry in &mut setup.mapping.entries {
                entry.blank = blank;
            }
        });
        let mut seen = linked("a1@40", "");
        let body = &mut seen.linked[0].link.body;
        body.target = x("");
        body.seen = Sides { a: x(""), b: x("") };
        assert_eq!(line(&plan(&seen, &setup.policy())), want);
    }
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
        .insert(RemoteId::new("a"), vec![known("b1", None, "b1", 60)]);
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
    let pairs = |planned: &Plan| -> Vec<_> {
        let steps = planned.steps.iter();
        steps
            .map(|step| {
                let id = |side: Side| step.remote.get(side).as_ref().map(RemoteId::to_string);
                (id(Side::A), id(Side::B), step.operations.len())
            })
            .collect()
    };
    let of = |id: &str| Some(id.to_owned());
    let ann = person("b1", "Ann", "ann@x.y");
    let planned = cluster(
        vec![
            person("a1", "Ann", "new@x.y"),
            person("a2", "Bob", "ann@x.y"),
        ],
        vec![ann.clone()],
        &[(Side::A, "a1", is("b1")), (Side::B, "b1", is("a1"))],
    );
    assert_eq!(
        pairs(&planned),
        [(of("a1"), of("b1"), 1), (of("a2"), None, 1)]
    );
    // Several, of whom their keys say otherwise; whichever side it is known of.
    let planned = cluster(
        vec![
            person("a1", "Ann", "bob@x.y"),
            person("a2", "Bob", "ann@x.y"),
        ],
        vec![ann, person("b2", "Bob", "bob@x.y")],
        &[(Side::A, "a1", is("b1")), (Side::B, "b2", is("a2"))],
    );
    assert_eq!(
        pairs(&planned),
        [(of("a1"), of("b1"), 1), (of("a2"), of("b2"), 1)]
    );
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
