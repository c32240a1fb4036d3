//! What the overwrite guard counts and holds of what rules write, and of single items of a set.

use std::collections::BTreeMap;

use syncline_engine::{Held, Sight, Totals, overwrites, plan};
use syncline_model::{EntryKey, FieldName, Flow, GuardKind, GuardTrip, MappingEntry, Side, Value};

use super::{
    actions::{found, given_away, made, of_ann, setup},
    quiet,
};
use crate::{
    fixture::{Setup, list},
    sim::World,
};

/// What a rehearsal counts of what is pending. `read`: whether the records of b were read.
fn counted(world: &mut World, read: bool) -> BTreeMap<(String, Side), u64> {
    let ids: Vec<_> = world.sides.b.records.keys().cloned().collect();
    for id in ids {
        world.echo(Side::B, &id);
    }
    world.pull(Side::A);
    world.pull(Side::B);
    let mut observation = world.observe();
    observation.rehearsal = true;
    for pair in observation.linked.iter_mut().filter(|_| !read) {
        pair.sight.b = Sight::Unchanged;
    }
    let mut totals = Totals::default();
    overwrites(
        &plan(&observation, &world.policy),
        &world.policy,
        &mut totals,
    );
    let counts = totals.overwrites.into_iter();
    counts
        .map(|((key, side), count)| ((key.as_str().to_owned(), side), count))
        .collect()
}

fn one(key: &str) -> BTreeMap<(String, Side), u64> {
    [((key.to_owned(), Side::A), 1)].into()
}

const SET: &str =
    r#"{"from":"a","if":[{"field":"owner","is":"Ann"}],"then":[{"set":"origin","to":"CRM"}]}"#;

/// A rule that begins to hold is written over what stands there, is not where nothing does, and may be where nobody looked.
#[test]
fn a_value_that_a_rule_writes_over_counts() {
    let check = |stands: Value, read: bool, expect: BTreeMap<(String, Side), u64>| {
        let theirs = [("origin", stands.clone())];
        let (mut world, a, _) = found(&setup(), &[("owner", "Bob")], &theirs);
        world.policy = setup().rule(SET).rule(r#"{"from":"a"}"#).policy();
        world.edit(Side::A, &a, &[("owner", "Ann".into())]);
        assert_eq!(counted(&mut world, read), expect, "{stands:?} {read}");
    };
    check("fair".into(), true, one("=origin"));
    check(Value::Empty, true, BTreeMap::new());
    check("CRM".into(), true, BTreeMap::new());
    check("fair".into(), false, one("=origin"));
}

/// What is done again with each change stands there already, as far as is known; what follows another field does not.
#[test]
fn what_is_known_to_stand_there_is_not_written_over_by_itself() {
    let copying = setup().rule(r#"{"from":"a","then":[{"set":"note","from":"source"}]}"#);
    for (field, expect) in [("x", BTreeMap::new()), ("source", one("=note"))] {
        let (mut world, a, _) = made(&copying);
        quiet(&mut world);
        world.edit(Side::A, &a, &[(field, "news".into())]);
        let expect = if field == "x" {
            one_of_x(&expect)
        } else {
            expect
        };
        assert_eq!(counted(&mut world, false), expect, "{field}");
    }
}

/// The mapped field itself is overwritten too.
fn one_of_x(more: &BTreeMap<(String, Side), u64>) -> BTreeMap<(String, Side), u64> {
    let mut all = one("x=x");
    all.extend(more.clone());
    all
}

/// Putting back what stood there before is written over what the rule set; a group is taken away.
#[test]
fn what_is_put_back_counts() {
    for read in [true, false] {
        let setting = of_ann(r#"{"set":"origin","to":"CRM"}"#);
        let (mut world, a, _) = made(&setting);
        quiet(&mut world);
        world.edit(Side::A, &a, &[("owner", "Bob".into())]);
        assert_eq!(counted(&mut world, read), one("=origin"), "{read}");
        let adding = of_ann(r#"{"add_to":"group:Zoho"}"#);
        let (mut world, a, _) = made(&adding);
        quiet(&mut world);
        world.edit(Side::A, &a, &[("owner", "Bob".into())]);
        assert_eq!(counted(&mut world, read), one("=groups"), "{read}");
        // Being added to is not.
        let (mut world, a, _) = made(&adding);
        given_away(&mut world, &a);
        world.edit(Side::A, &a, &[("owner", "Ann".into())]);
        assert_eq!(counted(&mut world, read), BTreeMap::new(), "{read}");
    }
}

/// What is held is not written and not forgotten; the rest goes on.
#[test]
fn what_rules_write_is_held_until_a_person_agrees() {
    let theirs = [("origin", "fair".into())];
    let (mut world, a, b) = found(&setup(), &[("owner", "Bob")], &theirs);
    let before = world.links.clone();
    world.policy = setup().rule(SET).rule(r#"{"from":"a"}"#).policy();
    let trip = GuardTrip {
        kind: GuardKind::Overwrite,
        from: Side::A,
        entry: Some("=origin".to_owned()),
        count: 40,
        limit: 30,
        carried: 0,
    };
    world.held = Held::by(&[trip], &world.policy);
    let key = EntryKey::of_action(Side::B, &FieldName::new("origin"));
    assert!(world.held.entries.contains(&(key, Side::A)));
    let news = [("owner", "Ann".into()), ("x", "a1".into())];
    world.edit(Side::A, &a, &news);
    world.run();
    assert_eq!(world.value(Side::B, &b, "origin"), "fair".into());
    assert_eq!(world.value(Side::B, &b, "x"), "a1".into());
    for (id, link) in &world.links {
        assert_eq!(link.body.acted, before[id].body.acted);
    }
    world.agree();
    world.run();
    assert_eq!(world.value(Side::B, &b, "origin"), "CRM".into());
    quiet(&mut world);
}

/// An item of a set that was not read counts where it is taken away or put in against what was said there; an opt-out never
/// does: it fills a blank.
#[test]
fn an_item_of_a_set_that_was_not_read_counts() {
    let has = |item: &str| -> Setup {
        setup().with(|setup| {
            let yes =
                syncline_model::FieldDescriptor::new("yes", "Yes", syncline_model::Kind::Bool);
            setup.fields.a.push(yes);
            let path = |text: &str| text.parse().expect("a path");
            let mut entry = MappingEntry::new(path("yes"), path(&format!("groups#has:{item}")));
            entry.flow = Flow::AToB;
            setup.mapping.entries.push(entry);
        })
    };
    for (item, expect) in [("VIP", true), (syncline_model::UNSUBSCRIBED, false)] {
        let mut world = World::new(has(item).policy());
        let mut fields = crate::fixture::fields(&[("x", "x")]);
        fields.insert("yes".into(), Value::Bool(false));
        let a = world.add(Side::A, fields);
        world.run();
        let b = world.link_of(Side::A, &a).expect("a link").remote.b.clone();
        world.edit(Side::B, &b, &[("groups", list(&["Friends"]))]);
        world.run();
        quiet(&mut world);
        world.edit(Side::A, &a, &[("yes", Value::Bool(true))]);
        let key = format!("yes=groups#has:{item}");
        let expect = if expect { one(&key) } else { BTreeMap::new() };
        assert_eq!(counted(&mut world, false), expect, "{item}");
        world.run();
        assert_eq!(
            world.value(Side::B, &b, "groups"),
            list(&["Friends", item]),
            "{item}"
        );
    }
}
