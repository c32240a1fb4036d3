//! Sets, values that do not fit, addresses, yes or no, and what rules set.

use std::collections::{BTreeMap, BTreeSet};

use syncline_engine::Operation;
use syncline_model::{
    Address, Blank, ConflictPolicy, Direction, FieldDescriptor, FieldName, Flow, Kind,
    ProblemReason, RemoteId, Side, Value,
};

use super::{holds, linked, linked_x, only, quiet};
use crate::{
    fixture::{Setup, book, crm, field, fields, list, set, text},
    sim::{Fate, World},
};

fn sets() -> Setup {
    Setup::new(vec![text("x"), set("tags")], vec![text("x"), set("tags")])
}

fn tags(world: &World, side: Side, id: &syncline_model::RemoteId) -> Vec<String> {
    let value = world.value(side, id, "tags");
    let Value::List(items) = value else {
        return Vec::new();
    };
    let mut items: Vec<String> = items
        .iter()
        .filter_map(|item| item.as_text().map(str::to_owned))
        .collect();
    items.sort();
    items
}

#[test]
fn sets_merge_item_by_item() {
    let (mut world, a, b) = linked_x(&sets(), "x");
    world.edit(Side::A, &a, &[("tags", list(&["1", "2"]))]);
    world.run();
    quiet(&mut world);
    world.edit(Side::A, &a, &[("tags", list(&["1", "2", "3"]))]);
    world.edit(Side::B, &b, &[("tags", list(&["2", "4"]))]);
    world.run_with(&mut only(Side::A, Fate::Later));
    world.run();
    assert_eq!(tags(&world, Side::A, &a), ["2", "3", "4"]);
    assert_eq!(tags(&world, Side::B, &b), ["2", "3", "4"]);
    assert!(world.conflicts.is_empty());
    quiet(&mut world);
}

#[test]
fn set_with_one_source_follows_it_and_names_what_is_overruled() {
    let setup = sets().with(|s| s.direction = Direction::AToB);
    let (mut world, a, b) = linked_x(&setup, "x");
    world.edit(Side::A, &a, &[("tags", list(&["1"]))]);
    world.run();
    quiet(&mut world);
    world.edit(Side::B, &b, &[("tags", list(&["1", "own"]))]);
    assert_eq!(world.run(), 0, "kept until the source changes");
    quiet(&mut world);
    world.edit(Side::A, &a, &[("tags", list(&["2"]))]);
    world.run();
    assert_eq!(tags(&world, Side::B, &b), ["2"]);
    assert_eq!(world.conflicts.len(), 1);
    quiet(&mut world);
    // Emptied, kept, then filled anew: what was taken away does not stick.
    world.edit(Side::A, &a, &[("tags", Value::Empty)]);
    assert_eq!(world.run(), 0);
    world.edit(Side::A, &a, &[("tags", list(&["3"]))]);
    world.run();
    assert_eq!(tags(&world, Side::B, &b), ["3"]);
    quiet(&mut world);
}

#[test]
fn too_long_value_is_named_and_the_rest_goes_on() {
    for blank in [Blank::Keep, Blank::Sync] {
        let setup = Setup::new(crm(), book()).with(|s| {
            for entry in &mut s.mapping.entries {
                entry.blank = blank;
            }
        });
        let mut world = World::new(setup.policy());
        let b = world.add(
            Side::B,
            fields(&[
                ("family", "Lee"),
                ("org", "Acme"),
                ("title", "Chef of everything"),
            ]),
        );
        assert_eq!(world.run(), 1);
        let a = world.link_of(Side::B, &b).expect("a link").remote.a.clone();
        assert_eq!(world.problems.len(), 1);
        assert_eq!(world.problems[0].reason, ProblemReason::FieldUnfit);
        assert!(world.problems[0].message.contains("`Title`"));
        assert!(
            !world.problems[0].message.contains("Chef"),
            "a value is never shown"
        );
        quiet(&mut world);
        assert_eq!(
            world.value(Side::B, &b, "title"),
            "Chef of everything".into()
        );
        world.edit(Side::B, &b, &[("org", "Ace".into())]);
        world.run();
        assert_eq!(world.value(Side::A, &a, "Account"), "Ace".into());
        assert_eq!(world.value(Side::A, &a, "Title"), Value::Empty);
        // Shortened, it gets there.
        world.edit(Side::B, &b, &[("title", "Chef".into())]);
        world.run();
        assert_eq!(world.value(Side::A, &a, "Title"), "Chef".into());
        quiet(&mut world);
    }
}

/// What a customer sees: problems that were found and are not over, one a record and reason.
fn standing(world: &World, before: &BTreeMap<Key, String>) -> BTreeMap<Key, String> {
    let mut standing = before.clone();
    for settled in &world.settled {
        standing.retain(|(side, remote, _), _| !settled.cleared.contains(&(*side, remote.clone())));
        for problem in &settled.problems {
            let key = (
                problem.side,
                problem.remote.clone(),
                format!("{:?}", problem.reason),
            );
            standing.insert(key, problem.message.clone());
        }
    }
    standing
}

type Key = (Side, RemoteId, String);

/// The problem names what does not fit now, and is over when everything does, whichever side's edit brings that about.
#[test]
fn unfit_fields_are_named_as_they_stand() {
    let narrow = |name: &str| FieldDescriptor {
        max_length: Some(4),
        ..text(name)
    };
    let setup = Setup::new(
        vec![text("w"), text("x"), text("y")],
        vec![text("w"), narrow("x"), narrow("y")],
    )
    .with(|s| s.conflict = ConflictPolicy::BWins);
    let (mut world, a, b) = linked(setup.policy(), &[("w", "w"), ("x", "x"), ("y", "y")]);
    let mut known = BTreeMap::new();
    let mut see =
        |world: &mut World, side: Side, id: &RemoteId, edits: &[(&str, &str)], want: &[&str]| {
            let edits: Vec<(&str, Value)> = edits.iter().map(|(n, v)| (*n, (*v).into())).collect();
            world.edit(side, id, &edits);
            world.run();
            known = standing(world, &known);
            let expected: BTreeSet<&str> = want.iter().copied().collect();
            let named: BTreeSet<&str> = ["`x`", "`y`"]
                .into_iter()
                .filter(|name| known.values().any(|message| message.contains(name)))
                .collect();
            assert_eq!(named, expected, "after {edits:?}");
            let keys: Vec<_> = known.keys().cloned().collect();
            let one = (Side::A, a.clone(), "FieldUnfit".to_owned());
            assert_eq!(keys, if want.is_empty() { vec![] } else { vec![one] });
        };
    see(&mut world, Side::A, &a, &[("x", "long x")], &["`x`"]);
    see(
        &mut world,
        Side::A,
        &a,
        &[("x", "s"), ("y", "long y")],
        &["`y`"],
    );
    see(&mut world, Side::A, &a, &[("x", "long x")], &["`x`", "`y`"]);
    // News of the other side about something else: it stands.
    see(&mut world, Side::B, &b, &[("w", "w2")], &["`x`", "`y`"]);
    see(&mut world, Side::A, &a, &[("y", "s")], &["`x`"]);
    // The other side's own edit wins and takes its place.
    see(&mut world, Side::B, &b, &[("x", "b")], &[]);
    assert_eq!(world.value(Side::A, &a, "x"), "b".into());
    quiet(&mut world);
    see(&mut world, Side::A, &a, &[("y", "long y")], &["`y`"]);
    see(&mut world, Side::A, &a, &[("y", "s")], &[]);
}

/// The source wins but does not fit: what the other side says instead is named as a conflict, once, and both stay.
#[test]
fn unfit_value_that_wins_is_not_overwritten_by_the_side_that_cannot_hold_it() {
    let narrow = FieldDescriptor {
        max_length: Some(4),
        ..text("x")
    };
    let (mut world, a, b) = linked(
        Setup::new(vec![text("x")], vec![narrow]).policy(),
        &[("x", "x")],
    );
    world.edit(Side::A, &a, &[("x", "long x".into())]);
    world.run();
    world.edit(Side::B, &b, &[("x", "b".into())]);
    assert_eq!(world.run(), 0);
    holds(&world, "x", (&a, "long x"), (&b, "b"));
    assert_eq!(world.conflicts.len(), 1);
    assert_eq!(world.conflicts[0].winner, Some(Side::A));
    assert_eq!(world.problems[0].reason, ProblemReason::FieldUnfit);
    quiet(&mut world);
}

#[test]
fn date_without_a_year_is_named_where_it_does_not_fit() {
    let day = |partial_dates| FieldDescriptor {
        partial_dates,
        ..field("birthday", Kind::Date)
    };
    let setup = Setup::new(vec![text("x"), day(true)], vec![text("x"), day(false)]);
    let (mut world, a, b) = linked_x(&setup, "x");
    world.edit(
        Side::A,
        &a,
        &[("birthday", Value::Date("--02-03".parse().expect("a day")))],
    );
    assert_eq!(world.run(), 0);
    assert_eq!(world.problems.len(), 1);
    world.edit(
        Side::A,
        &a,
        &[(
            "birthday",
            Value::Date("2001-02-03".parse().expect("a day")),
        )],
    );
    assert_eq!(world.run(), 1);
    assert!(world.problems.is_empty());
    assert_eq!(
        world.value(Side::B, &b, "birthday"),
        world.value(Side::A, &a, "birthday")
    );
    quiet(&mut world);
}

#[test]
fn all_values_that_do_not_fit_stand_in_one_problem() {
    let number = |name: &str, characters: Option<&str>| FieldDescriptor {
        characters: characters.map(str::to_owned),
        ..field(name, Kind::Phone)
    };
    let setup = Setup::new(
        vec![
            text("x"),
            number("work", Some("0123456789+ ")),
            number("home", Some("0123456789+ ")),
        ],
        vec![text("x"), number("work", None), number("home", None)],
    );
    let mut world = World::new(setup.policy());
    let b = world.add(
        Side::B,
        fields(&[("x", "Lee"), ("work", "*100#"), ("home", "+49 30 1;ext=2")]),
    );
    assert_eq!(world.run(), 1);
    let a = world.link_of(Side::B, &b).expect("a link").remote.a.clone();
    assert_eq!(world.value(Side::A, &a, "x"), "Lee".into());
    assert_eq!(world.value(Side::A, &a, "work"), Value::Empty);
    assert_eq!(world.problems.len(), 1);
    let message = &world.problems[0].message;
    assert!(
        message.contains("`work`") && message.contains("`home`"),
        "{message}"
    );
    assert!(!message.contains("100"), "a value is never shown");
    quiet(&mut world);
    world.edit(
        Side::B,
        &b,
        &[("work", "100".into()), ("home", "+49 30 1".into())],
    );
    world.run();
    assert_eq!(world.value(Side::A, &a, "work"), "100".into());
    assert_eq!(world.value(Side::A, &a, "home"), "+49 30 1".into());
    quiet(&mut world);
}

#[test]
fn absent_yes_or_no_alone_makes_no_record() {
    let both = || vec![text("x"), field("opt_out", Kind::Bool)];
    let mut world = World::new(Setup::new(both(), both()).policy());
    let a = world.add(Side::A, fields(&[]));
    assert_eq!(world.run(), 0);
    assert_eq!(world.problems.len(), 1);
    world.edit(Side::A, &a, &[("x", "x".into())]);
    world.run();
    let Operation::Create { fields, .. } = &world.calls[0] else {
        panic!("{:?}", world.calls);
    };
    assert_eq!(fields.len(), 1, "what is empty is not sent");
    quiet(&mut world);
}

#[test]
fn only_changed_fields_are_sent() {
    let both = || vec![text("x"), text("y"), text("z")];
    let (mut world, a, _) = linked(
        Setup::new(both(), both()).policy(),
        &[("x", "x"), ("y", "y"), ("z", "z")],
    );
    world.edit(Side::A, &a, &[("y", "new".into())]);
    world.run();
    let [
        Operation::Update {
            changes,
            sent,
            before,
            ..
        },
    ] = world.calls.as_slice()
    else {
        panic!("{:?}", world.calls);
    };
    assert_eq!(
        changes.keys().map(FieldName::as_str).collect::<Vec<_>>(),
        ["y"]
    );
    assert_eq!((sent.len(), before.len()), (1, 1));
}

/// Five texts on one side, one address on the other: a change of one part leaves the others as they are.
#[test]
fn one_part_of_an_address_changes_and_the_others_stay() {
    let a_fields = || {
        let mut list = vec![text("x")];
        for part in ["street", "city", "region", "postal_code", "country"] {
            let name = format!("Mailing_{part}");
            list.push(
                FieldDescriptor::new(name.clone(), name, Kind::Text)
                    .standard(format!("address.mailing#{part}")),
            );
        }
        list
    };
    let b_fields = vec![text("x"), field("address.mailing", Kind::Address)];
    let (mut world, a, b) = linked(
        Setup::new(a_fields(), b_fields).policy(),
        &[
            ("x", "x"),
            ("Mailing_street", "1 High St"),
            ("Mailing_city", "Ely"),
        ],
    );
    world.edit(Side::A, &a, &[("Mailing_city", "York".into())]);
    world.run();
    let Value::Address(address) = world.value(Side::B, &b, "address.mailing") else {
        panic!("no address");
    };
    assert_eq!(
        (address.street.as_str(), address.city.as_str()),
        ("1 High St", "York")
    );
    quiet(&mut world);
    let moved = Address {
        country: "UK".into(),
        ..address
    };
    world.edit(Side::B, &b, &[("address.mailing", Value::Address(moved))]);
    world.run();
    assert_eq!(world.value(Side::A, &a, "Mailing_country"), "UK".into());
    quiet(&mut world);
}

/// A composite field of which only a part is mapped must have been read before it is written.
#[test]
fn partly_mapped_composite_is_read_before_it_is_written() {
    let whole = || vec![text("x"), field("address.mailing", Kind::Address)];
    let city = vec![
        text("x"),
        FieldDescriptor::new("City", "City", Kind::Text).standard("address.mailing#city"),
    ];
    let part = Setup::new(city, whole()).policy();
    assert!(!part.reads_before_writing(Side::A));
    assert!(part.reads_before_writing(Side::B));
    let all = Setup::new(whole(), whole()).policy();
    assert!(!all.reads_before_writing(Side::A) && !all.reads_before_writing(Side::B));
}

fn with_rule(setup: Setup) -> Setup {
    setup
        .with(|s| {
            s.fields
                .b
                .push(FieldDescriptor::new("source", "Source", Kind::Text));
        })
        .rule(
            r#"{"from":"a","if":[{"field":"owner","is_not":"Bob"}],
                "then":[{"set":"source","to":"CRM"}]}"#,
        )
}

fn owned() -> Setup {
    let mut a = vec![text("x")];
    a.push(FieldDescriptor::new("owner", "Owner", Kind::Text));
    Setup::new(a, vec![text("x")])
}

#[test]
fn actions_are_applied_once_and_looked_at_again_with_each_change() {
    let (mut world, a, b) = linked_x(&with_rule(owned()), "x");
    assert_eq!(world.value(Side::B, &b, "source"), "CRM".into());
    world.edit(Side::B, &b, &[("source", "mine".into())]);
    assert_eq!(world.run(), 0, "no change is carried over");
    world.edit(Side::A, &a, &[("x", "a1".into())]);
    world.touch(Side::B, &b);
    assert_eq!(world.run(), 1);
    assert_eq!(world.value(Side::B, &b, "source"), "CRM".into());
    quiet(&mut world);
    world.edit(Side::A, &a, &[("x", "a2".into())]);
    world.touch(Side::B, &b);
    world.run();
    let Some(Operation::Update { changes, .. }) = world.calls.last() else {
        panic!("no update");
    };
    assert!(
        !changes.contains_key(&FieldName::new("source")),
        "it stands there already"
    );
}

/// Conditions look at the record itself, at fields that are not mapped too.
#[test]
fn actions_of_a_rule_that_the_record_fails_are_not_applied() {
    let setup = with_rule(owned()).rule(r#"{"from":"a"}"#);
    let mut world = World::new(setup.policy());
    let a = world.add(Side::A, fields(&[("x", "x"), ("owner", "Bob")]));
    world.run();
    let b = world.link_of(Side::A, &a).expect("a link").remote.b.clone();
    assert_eq!(world.value(Side::B, &b, "source"), Value::Empty);
    world.edit(Side::A, &a, &[("x", "a1".into())]);
    world.run();
    assert_eq!(world.value(Side::B, &b, "x"), "a1".into());
    assert_eq!(world.value(Side::B, &b, "source"), Value::Empty);
}

#[test]
fn one_way_field_in_a_two_way_connection_meets_what_the_created_record_holds() {
    let both = || vec![text("x"), text("y")];
    let setup = Setup::new(both(), both()).with(|s| s.mapping.entries[1].flow = Flow::BToA);
    let mut world = World::new(setup.policy());
    let a = world.add(Side::A, fields(&[("x", "x"), ("y", "own")]));
    world.run();
    let b = world.link_of(Side::A, &a).expect("a link").remote.b.clone();
    quiet(&mut world);
    assert_eq!(world.value(Side::B, &b, "y"), Value::Empty);
    assert_eq!(world.value(Side::A, &a, "y"), "own".into());
    world.edit(Side::B, &b, &[("y", "b1".into())]);
    world.run();
    assert_eq!(world.value(Side::A, &a, "y"), "b1".into());
    quiet(&mut world);
}

/// What a record can only be given when it is made goes over when it is made, and at no other time.
#[test]
fn what_is_set_at_creation_alone_is_handed_on_then_and_never_after() {
    let uid = FieldDescriptor {
        writable: false,
        at_creation: true,
        ..text("uid")
    };
    let side = || vec![text("x"), field("email.work", Kind::Email), uid.clone()];
    let setup = Setup::new(side(), side());
    let mapped = setup.mapping.entries.iter();
    assert!(mapped.clone().all(|entry| entry.a.field.as_str() != "uid"));
    assert!(setup.policy().wanted(Side::A).contains(&"uid".into()));
    let mut world = World::new(setup.policy());
    let record = [("x", "1"), ("email.work", "a@x.example"), ("uid", "u1")];
    let a = world.add(Side::A, fields(&record));
    world.run();
    let b = partner(&world, Side::A, &a);
    assert_eq!(world.value(Side::B, &b, "uid"), "u1".into());
    quiet(&mut world);
    // Whoever has another one keeps it.
    world.edit(Side::A, &a, &[("uid", "u2".into()), ("x", "2".into())]);
    world.run();
    assert_eq!(world.value(Side::B, &b, "x"), "2".into());
    assert_eq!(world.value(Side::B, &b, "uid"), "u1".into());
    quiet(&mut world);
    // Two that are there already are joined as they are.
    let record = |uid: &str| fields(&[("email.work", "b@x.example"), ("uid", uid)]);
    let (own, theirs) = (
        world.add(Side::A, record("u3")),
        world.add(Side::B, record("u4")),
    );
    world.run();
    assert_eq!(partner(&world, Side::A, &own), theirs);
    assert_eq!(world.value(Side::B, &theirs, "uid"), "u4".into());
    quiet(&mut world);

    // One way, the other side's is not asked for; and where it can be written it is a field like others.
    let one_way = setup.clone().with(|s| s.direction = Direction::AToB);
    assert!(!one_way.policy().wanted(Side::B).contains(&"uid".into()));
    let plain = Setup::new(side(), vec![text("x"), text("uid")]);
    let mut world = World::new(plain.policy());
    let a = world.add(Side::A, fields(&[("x", "1"), ("uid", "u1")]));
    world.run();
    let b = partner(&world, Side::A, &a);
    assert_eq!(world.value(Side::B, &b, "uid"), "u1".into());
    quiet(&mut world);
}

fn partner(world: &World, side: Side, id: &RemoteId) -> RemoteId {
    let link = world.link_of(side, id).expect("a link");
    link.remote.get(side.other()).clone()
}
