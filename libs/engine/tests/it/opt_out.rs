//! Who has opted out stays opted out: on generated histories with failures, and the stories one by one.

use proptest::prelude::*;
use syncline_engine::{Policy, Sight, plan};
use syncline_model::{
    Choice, ConflictPolicy, DeletionPolicy, Direction, FieldDescriptor, Fields, Flow, Kind,
    LinkState, MappingEntry, RemoteId, Side, UNSUBSCRIBED, Value,
};

use crate::fixture::{Setup, field, fields, list, set, text};
use crate::sim::{Fate, World};

/// A CRM with an opt-out beside an address book with groups.
fn setup() -> Setup {
    let out = FieldDescriptor {
        standard: None,
        ..field("out", Kind::OptOut)
    };
    let vip = Choice {
        value: "VIP".into(),
        label: "VIP".into(),
    };
    let groups = FieldDescriptor {
        standard: None,
        choices: vec![vip],
        ..set("groups").membership("group")
    };
    Setup::new(vec![text("x"), out], vec![text("x"), groups]).with(|setup| {
        let path = |text: &str| text.parse().expect("a path");
        let entry = MappingEntry::new(path("out"), path(&format!("groups#has:{UNSUBSCRIBED}")));
        setup.mapping.entries.push(entry);
    })
}

const GATE: &str = r#"{"from":"a","if":[{"field":"out","is":false}]}"#;

/// Two linked records, nobody of whom has opted out.
fn linked(policy: Policy) -> (World, RemoteId, RemoteId) {
    let mut world = World::new(policy);
    let a = world.add(Side::A, fields(&[("x", "Ann")]));
    world.run();
    let b = world.link_of(Side::A, &a).expect("a link").remote.b.clone();
    world.edit(Side::B, &b, &[("groups", list(&["VIP"]))]);
    world.run();
    (world, a, b)
}

fn says(yes: bool, side: Side) -> (&'static str, Value) {
    match side {
        Side::A => ("out", Value::Bool(yes)),
        Side::B if yes => ("groups", list(&["VIP", UNSUBSCRIBED])),
        Side::B => ("groups", list(&["VIP"])),
    }
}

fn say(world: &mut World, side: Side, id: &RemoteId, yes: bool) {
    world.edit(side, id, &[says(yes, side)]);
}

fn is_out(world: &World, side: Side, id: &RemoteId) -> bool {
    match side {
        Side::A => world.value(side, id, "out") == Value::Bool(true),
        Side::B => match world.value(side, id, "groups") {
            Value::List(items) => items.contains(&UNSUBSCRIBED.into()),
            _ => false,
        },
    }
}

fn both(world: &World, a: &RemoteId, b: &RemoteId) -> (bool, bool) {
    (is_out(world, Side::A, a), is_out(world, Side::B, b))
}

/// A run with nothing new, however much is told again, writes nothing.
fn is_quiet(world: &mut World, a: &RemoteId, b: &RemoteId) -> bool {
    world.touch(Side::A, a);
    world.touch(Side::B, b);
    world.run() == 0
}

#[derive(Clone, Debug)]
enum Event {
    Say(Side, bool),
    Name(Side, u8),
    Run(Vec<Fate>),
}

fn event() -> impl Strategy<Value = Event> {
    let side = || prop_oneof![Just(Side::A), Just(Side::B)];
    let fate = proptest::sample::select(vec![
        Fate::Done,
        Fate::Done,
        Fate::Refused,
        Fate::Later,
        Fate::UnknownDone,
        Fate::UnknownNot,
    ]);
    prop_oneof![
        3 => (side(), any::<bool>()).prop_map(|(side, yes)| Event::Say(side, yes)),
        1 => (side(), 0..4_u8).prop_map(|(side, name)| Event::Name(side, name)),
        3 => proptest::collection::vec(fate, 1..4).prop_map(Event::Run),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1500) })]

    /// No run turns an opt-out into an opt-in, whatever fails and whatever the rules; and what a person opted out of on a side
    /// that is heard reaches the other one.
    #[test]
    fn an_opt_out_is_never_undone(
        events in proptest::collection::vec(event(), 1..14),
        flow in proptest::sample::select(vec![Flow::Both, Flow::AToB, Flow::BToA]),
        conflict in proptest::sample::select(vec![ConflictPolicy::AWins, ConflictPolicy::BWins, ConflictPolicy::Ask]),
        gated in any::<bool>(),
    ) {
        let setup = setup().with(|setup| {
            setup.conflict = conflict;
            setup.mapping.entries[1].flow = flow;
        });
        let setup = if gated { setup.rule(GATE) } else { setup };
        let (mut world, a, b) = linked(setup.policy());
        let run = |world: &mut World, fates: &[Fate]| {
            let before = both(world, &a, &b);
            let mut fates = fates.iter().copied();
            world.run_with(&mut |_| fates.next().unwrap_or(Fate::Done));
            let after = both(world, &a, &b);
            let kept = before.0 <= after.0 && before.1 <= after.1;
            let others = match world.value(Side::B, &b, "groups") {
                Value::List(items) => items.contains(&"VIP".into()),
                _ => false,
            };
            (kept, others)
        };
        for event in &events {
            match event {
                Event::Say(Side::A, yes) => say(&mut world, Side::A, &a, *yes),
                Event::Say(Side::B, yes) => say(&mut world, Side::B, &b, *yes),
                Event::Name(Side::A, name) => world.edit(Side::A, &a, &[("x", format!("a{name}").into())]),
                Event::Name(Side::B, name) => world.edit(Side::B, &b, &[("x", format!("b{name}").into())]),
                Event::Run(fates) => prop_assert_eq!(run(&mut world, fates), (true, true), "{:?}", world.calls),
            }
        }
        for _ in 0..3 {
            world.touch(Side::A, &a);
            world.touch(Side::B, &b);
            world.replan();
            prop_assert_eq!(run(&mut world, &[]), (true, true));
        }
        let (on_a, on_b) = both(&world, &a, &b);
        if flow != Flow::BToA {
            prop_assert!(on_a <= on_b, "a's opt-out is on b: {:?}", world.links);
        }
        if flow != Flow::AToB {
            prop_assert!(on_b <= on_a, "b's opt-out is on a: {:?}", world.links);
        }
        prop_assert!(is_quiet(&mut world, &a, &b));
    }

    /// Where the customer lets opt-ins be carried over, both sides say the same in the end, and the other groups stay.
    #[test]
    fn opt_ins_are_carried_where_the_customer_says_so(events in proptest::collection::vec(event(), 1..14)) {
        let (mut world, a, b) = linked(setup().with(|s| s.mapping.entries[1].opt_in = true).policy());
        for event in &events {
            match event {
                Event::Say(Side::A, yes) => say(&mut world, Side::A, &a, *yes),
                Event::Say(Side::B, yes) => say(&mut world, Side::B, &b, *yes),
                Event::Name(..) => {}
                Event::Run(fates) => {
                    let mut fates = fates.iter().copied();
                    world.run_with(&mut |_| fates.next().unwrap_or(Fate::Done));
                }
            }
        }
        for _ in 0..3 {
            world.touch(Side::A, &a);
            world.touch(Side::B, &b);
            world.replan();
            world.run();
        }
        let (on_a, on_b) = both(&world, &a, &b);
        prop_assert_eq!(on_a, on_b);
        prop_assert!(matches!(world.value(Side::B, &b, "groups"), Value::List(items) if items.contains(&"VIP".into())));
        prop_assert!(is_quiet(&mut world, &a, &b));
    }
}

#[test]
fn an_opt_out_goes_over_both_ways_and_an_opt_in_is_filled_again() {
    for side in Side::BOTH {
        let (mut world, a, b) = linked(setup().policy());
        let id = if side == Side::A { &a } else { &b };
        say(&mut world, side, id, true);
        assert_eq!(world.run(), 1);
        assert_eq!(both(&world, &a, &b), (true, true));
        assert!(is_quiet(&mut world, &a, &b));
        say(&mut world, side, id, false);
        world.run();
        assert_eq!(both(&world, &a, &b), (true, true));
        assert!(world.conflicts.is_empty());
        assert!(is_quiet(&mut world, &a, &b));
    }
}

#[test]
fn at_first_contact_who_has_opted_out_anywhere_has_opted_out() {
    for (opt_in, side) in [
        (false, Side::A),
        (false, Side::B),
        (true, Side::A),
        (true, Side::B),
    ] {
        for conflict in [ConflictPolicy::AWins, ConflictPolicy::BWins] {
            let policy = setup().with(|setup| {
                setup.conflict = conflict;
                setup.mapping.entries[1].opt_in = opt_in;
                for side in Side::BOTH {
                    let address = field("email.work", Kind::Email);
                    setup.fields.get_mut(side).push(address);
                }
            });
            let mut world = World::new(policy.policy());
            let record = |on: Side| -> Fields {
                let mut fields = fields(&[("x", "Ann"), ("email.work", "ann@example.com")]);
                let (name, value) = says(on == side, on);
                fields.insert(name.into(), value);
                fields
            };
            let a = world.add(Side::A, record(Side::A));
            let b = world.add(Side::B, record(Side::B));
            world.run();
            assert!(
                world
                    .link_of(Side::A, &a)
                    .is_some_and(|link| link.remote.b == b)
            );
            assert_eq!(both(&world, &a, &b), (true, true), "{side} {opt_in}");
            assert!(is_quiet(&mut world, &a, &b));
        }
    }
}

#[test]
fn somebody_who_is_made_on_the_other_side_is_made_opted_out() {
    let mut world = World::new(setup().policy());
    let mut one = fields(&[("x", "Ann")]);
    one.insert("out".into(), Value::Bool(true));
    let a = world.add(Side::A, one);
    world.run();
    let b = world.link_of(Side::A, &a).expect("a link").remote.b.clone();
    assert_eq!(world.value(Side::B, &b, "groups"), list(&[UNSUBSCRIBED]));
    assert!(is_quiet(&mut world, &a, &b));
    // An opt-out alone makes nobody.
    let mut world = World::new(setup().policy());
    world.add(Side::A, [("out".into(), Value::Bool(true))].into());
    assert_eq!(world.run(), 0);
}

/// The opt-out never reached the side whose record stays; its own edit brings the deleted one back, and it comes back opted
/// out.
#[test]
fn being_made_again_opts_nobody_in() {
    let policy = setup().deleting(DeletionPolicy::Delete).policy();
    let (mut world, a, b) = linked(policy);
    say(&mut world, Side::B, &b, true);
    world.run_with(&mut |_| Fate::Refused);
    assert_eq!(both(&world, &a, &b), (false, true));
    world.delete(Side::B, &b);
    world.edit(Side::A, &a, &[("x", "Ann Lee".into())]);
    world.run();
    let again = world.link_of(Side::A, &a).expect("a link").remote.b.clone();
    assert_ne!(again, b);
    assert_eq!(world.value(Side::B, &again, "x"), "Ann Lee".into());
    world.touch(Side::A, &a);
    world.run();
    assert_eq!(both(&world, &a, &again), (true, true));
    assert!(is_quiet(&mut world, &a, &again));
}

/// The opt-out goes the other way only, and so is nothing that the record which stays could say. The one that is made again
/// has opted out as the one before had; one that had not has not.
#[test]
fn being_made_again_keeps_what_only_the_deleted_record_could_say() {
    for out in [true, false] {
        let policy = setup()
            .deleting(DeletionPolicy::Delete)
            .with(|setup| setup.mapping.entries[1].flow = Flow::BToA)
            .policy();
        let (mut world, a, b) = linked(policy);
        say(&mut world, Side::B, &b, out);
        world.run();
        world.delete(Side::B, &b);
        world.edit(Side::A, &a, &[("x", "Ann Lee".into())]);
        world.run();
        let again = world.link_of(Side::A, &a).expect("a link").remote.b.clone();
        assert_ne!(again, b);
        assert_eq!(both(&world, &a, &again), (out, out));
        assert!(is_quiet(&mut world, &a, &again));
    }
}

/// One way, from the side where the rule says that who has opted out takes no part: whoever matches is linked, and hears
/// of it; nobody is made for it.
#[test]
fn at_first_contact_an_opt_out_goes_over_though_the_rule_keeps_it_out() {
    let one_way = |rule: &str| {
        let setup = setup().rule(rule).with(|setup| {
            setup.direction = Direction::AToB;
            for side in Side::BOTH {
                let address = field("email.work", Kind::Email);
                setup.fields.get_mut(side).push(address);
            }
        });
        let mut world = World::new(setup.policy());
        let record = |name: &str, out: bool| -> Fields {
            let address = format!("{}@example.com", name.to_lowercase());
            let mut fields = fields(&[("x", name), ("email.work", &address)]);
            fields.insert("out".into(), Value::Bool(out));
            fields
        };
        let a = world.add(Side::A, record("Ann", true));
        world.add(Side::A, record("Bob", true));
        let mut there = record("Ann", false);
        there.remove(&"out".into());
        there.insert("x".into(), "Anna".into());
        there.insert("groups".into(), list(&["VIP"]));
        let b = world.add(Side::B, there);
        world.run();
        assert_eq!(world.sides.b.records.len(), 1, "nobody is made");
        (world, a, b)
    };
    let (mut world, a, b) = one_way(GATE);
    assert_eq!(both(&world, &a, &b), (true, true));
    assert_eq!(world.value(Side::B, &b, "x"), "Anna".into());
    assert!(is_quiet(&mut world, &a, &b));
    // Who opts in again comes in, and is synced.
    say(&mut world, Side::A, &a, false);
    say(&mut world, Side::B, &b, false);
    world.run();
    assert_eq!(world.value(Side::B, &b, "x"), "Ann".into());
    // Who is kept out for another reason too is nobody's affair.
    let (world, a, b) =
        one_way(r#"{"from":"a","if":[{"field":"out","is":false},{"field":"x","is":"Carl"}]}"#);
    assert_eq!(both(&world, &a, &b), (true, false));
    assert!(world.links.is_empty());
}

/// The rule says that who has opted out takes no part. To opt out is then to leave, and the other side must hear of it.
#[test]
fn an_opt_out_that_ends_taking_part_goes_over_all_the_same() {
    let (mut world, a, b) = linked(setup().rule(GATE).policy());
    say(&mut world, Side::A, &a, true);
    world.edit(Side::A, &a, &[("x", "another".into())]);
    assert_eq!(world.run(), 1);
    assert_eq!(both(&world, &a, &b), (true, true));
    assert_eq!(
        world.value(Side::B, &b, "x"),
        "Ann".into(),
        "nothing else goes over"
    );
    let link = world.link_of(Side::A, &a).expect("a link");
    assert_eq!(link.state, LinkState::Frozen { left: Side::A });
    assert!(is_quiet(&mut world, &a, &b));
    // It is tried again until it is there.
    let (mut world, a, b) = linked(setup().rule(GATE).policy());
    say(&mut world, Side::A, &a, true);
    world.run_with(&mut |_| Fate::Later);
    world.run();
    assert_eq!(both(&world, &a, &b), (true, true));
    // Who comes back by hand is synced again.
    say(&mut world, Side::A, &a, false);
    say(&mut world, Side::B, &b, false);
    world.edit(Side::A, &a, &[("x", "back".into())]);
    world.run();
    assert_eq!(world.value(Side::B, &b, "x"), "back".into());
    assert_eq!(both(&world, &a, &b), (false, false));
}

/// Who leaves for another reason as well leaves for good: nothing is written outside the rules.
#[test]
fn an_opt_out_of_somebody_who_takes_no_part_stays_where_it_is() {
    let gate =
        r#"{"from":"a","if":[{"field":"out","is":false},{"field":"x","is_not":"elsewhere"}]}"#;
    let (mut world, a, b) = linked(setup().rule(gate).policy());
    say(&mut world, Side::A, &a, true);
    world.edit(Side::A, &a, &[("x", "elsewhere".into())]);
    assert_eq!(world.run(), 0);
    assert_eq!(both(&world, &a, &b), (true, false));
}

/// What rules of the other side want of a record that left is not done to it, though its opt-out is looked at.
#[test]
fn rules_do_nothing_to_who_left_by_opting_out() {
    let setup = setup().rule(GATE).with(|setup| {
        let source = FieldDescriptor::new("source", "Source", Kind::Text);
        setup.fields.a.push(source);
    });
    let (mut world, a, b) = linked(setup.policy());
    let more = setup.rule(r#"{"from":"b","then":[{"set":"source","to":"book"}]}"#);
    world.policy = more.policy();
    say(&mut world, Side::A, &a, true);
    world.edit(Side::B, &b, &[("x", "Anna".into())]);
    assert_eq!(world.run(), 1);
    assert_eq!(both(&world, &a, &b), (true, true));
    assert_eq!(world.value(Side::A, &a, "source"), Value::Empty);
    assert_eq!(world.value(Side::A, &a, "x"), "Ann".into());
}

/// Rules that add to the same groups, and take out again, do so beside it.
#[test]
fn groups_that_rules_add_to_stay_apart_from_it() {
    let rule = r#"{"from":"a","if":[{"field":"x","is_not":"plain"}],"then":[{"add_to":"group:VIP"}],"reverse_on_exit":true}"#;
    let any = r#"{"from":"a"}"#;
    let mut world = World::new(setup().rule(rule).rule(any).policy());
    let mut one = fields(&[("x", "Ann")]);
    one.insert("out".into(), Value::Bool(true));
    let a = world.add(Side::A, one);
    world.run();
    let b = world.link_of(Side::A, &a).expect("a link").remote.b.clone();
    let groups = |world: &World| {
        let Value::List(items) = world.value(Side::B, &b, "groups") else {
            return Vec::new();
        };
        let mut names: Vec<String> = items
            .iter()
            .filter_map(Value::as_text)
            .map(str::to_owned)
            .collect();
        names.sort();
        names
    };
    assert_eq!(groups(&world), [UNSUBSCRIBED, "VIP"]);
    assert!(is_quiet(&mut world, &a, &b));
    world.edit(Side::A, &a, &[("x", "plain".into())]);
    world.run();
    assert_eq!(groups(&world), [UNSUBSCRIBED]);
    world.edit(Side::B, &b, &[("groups", Value::Empty)]);
    world.edit(Side::A, &a, &[("x", "Ann".into())]);
    world.run();
    assert_eq!(groups(&world), [UNSUBSCRIBED, "VIP"]);
    assert!(is_quiet(&mut world, &a, &b));
}

/// A set that was not read may hold more than is known: it is not written until it was.
#[test]
fn groups_that_were_not_read_are_not_written() {
    let (mut world, a, b) = linked(setup().policy());
    say(&mut world, Side::A, &a, true);
    world.pull(Side::A);
    let mut seen = world.observe();
    for pair in &mut seen.linked {
        pair.sight.b = Sight::Unchanged;
    }
    let decided = plan(&seen, &world.policy);
    assert_eq!(decided.steps.len(), 1);
    assert_eq!(decided.operations().count(), 0);
    assert_eq!(world.run(), 1);
    assert_eq!(both(&world, &a, &b), (true, true));
}

/// Whoever wins conflicts: what cannot be read stands against no opt-out.
#[test]
fn an_opt_out_wins_over_what_cannot_be_read() {
    let bare = |kind: Kind| FieldDescriptor::new("v", "V", kind);
    for conflict in [ConflictPolicy::BWins, ConflictPolicy::Ask] {
        let address = || field("email.work", Kind::Email);
        let (a, b) = (bare(Kind::OptOut), bare(Kind::Text));
        let setup = Setup::new(vec![address(), a], vec![address(), b]).with(|s| {
            let path = || "v".parse().expect("a path");
            let mut entry = MappingEntry::new(path(), path());
            entry.meaning = Some(Kind::OptOut);
            s.mapping.entries.push(entry);
            s.conflict = conflict;
        });
        let mut world = World::new(setup.policy());
        let mut record = fields(&[("email.work", "ann@example.com")]);
        record.insert("v".into(), Value::Bool(true));
        let a = world.add(Side::A, record.clone());
        record.insert("v".into(), "unsure".into());
        let b = world.add(Side::B, record);
        world.run();
        assert_eq!(world.value(Side::A, &a, "v"), Value::Bool(true));
        assert_eq!(world.value(Side::B, &b, "v"), "true".into());
        assert_eq!(world.conflicts.len(), 1, "what is overruled is named");
        assert!(is_quiet(&mut world, &a, &b));
    }
}

/// Between two lists with words of their own for it, and between two check boxes that only the customer knows for one.
#[test]
fn an_opt_out_by_a_table_and_by_the_customers_word() {
    let bare = |name: &str, kind: Kind| FieldDescriptor::new(name, name, kind);
    let cases = [
        (bare("v", Kind::OptOut), bare("v", Kind::Choice), true),
        (bare("v", Kind::Bool), bare("v", Kind::Bool), false),
        (bare("v", Kind::Bool), bare("v", Kind::Text), false),
    ];
    for (a, b, tabled) in cases {
        let word = |yes: bool| match (tabled, b.kind, yes) {
            (true, _, true) => "unsubscribed".into(),
            (true, _, false) => "subscribed".into(),
            (_, Kind::Text, yes) => Value::text(yes.to_string()),
            (.., yes) => Value::Bool(yes),
        };
        let setup = Setup::new(vec![text("x"), a.clone()], vec![text("x"), b.clone()]).with(|s| {
            let mut entry =
                MappingEntry::new("v".parse().expect("a path"), "v".parse().expect("a path"));
            if tabled {
                entry.values = [
                    (true, "unsubscribed"),
                    (true, "cleaned"),
                    (false, "subscribed"),
                ]
                .map(|(a, b)| syncline_model::ValuePair {
                    a: a.into(),
                    b: b.into(),
                })
                .to_vec();
            } else {
                entry.meaning = Some(Kind::OptOut);
            }
            s.mapping.entries.push(entry);
        });
        let (mut world, a, b) = {
            let mut world = World::new(setup.policy());
            let a = world.add(Side::A, fields(&[("x", "Ann")]));
            world.run();
            let b = world.link_of(Side::A, &a).expect("a link").remote.b.clone();
            (world, a, b)
        };
        world.edit(Side::B, &b, &[("v", word(true))]);
        world.run();
        assert_eq!(world.value(Side::A, &a, "v"), Value::Bool(true));
        assert!(is_quiet(&mut world, &a, &b));
        world.edit(Side::A, &a, &[("v", Value::Bool(false))]);
        world.run();
        assert_eq!(world.value(Side::A, &a, "v"), Value::Bool(true));
        assert_eq!(world.value(Side::B, &b, "v"), word(true));
        world.edit(Side::B, &b, &[("v", word(false))]);
        world.run();
        assert_eq!(world.value(Side::A, &a, "v"), Value::Bool(true));
        assert_eq!(world.value(Side::B, &b, "v"), word(true));
        assert!(is_quiet(&mut world, &a, &b));
    }
}
