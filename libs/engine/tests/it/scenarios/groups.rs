//! What rules add to a field with many values, each value apart: a group, a tag, values of another field.

use syncline_engine::Operation;
use syncline_model::{Cardinality, FieldDescriptor, Kind, RemoteId, Side, Value};

use super::{
    actions::{ANN, found, given_away, made, of_ann, setup, shows},
    quiet,
};
use crate::{
    fixture::{Setup, list},
    sim::{Fate, World},
};

/// Ann's are put into one group, those who came by chat into another; both undone.
fn two_rules() -> Setup {
    of_ann(r#"{"add_to":"group:Zoho"}"#).rule(
        r#"{"from":"a","if":[{"field":"source","is":"Chat"}],
            "then":[{"add_to":"group:VIP"}],"reverse_on_exit":true}"#,
    )
}

#[track_caller]
fn is_in(world: &World, b: &RemoteId, groups: &[&str]) {
    shows(world, b, "", "", groups);
}

fn source(world: &mut World, a: &RemoteId, source: &str) {
    world.edit(Side::A, a, &[("source", source.into())]);
    world.run();
}

#[test]
fn each_rule_adds_to_its_own_group_and_takes_away_from_that_alone() {
    let (mut world, a, b) = made(&two_rules());
    is_in(&world, &b, &["Zoho", "VIP"]);
    quiet(&mut world);
    source(&mut world, &a, "Call");
    is_in(&world, &b, &["Zoho"]);
    quiet(&mut world);
    source(&mut world, &a, "Chat");
    is_in(&world, &b, &["Zoho", "VIP"]);
    quiet(&mut world);
    // One begins as the other ends.
    let both = [("owner", "Bob".into()), ("source", "Chat".into())];
    world.edit(Side::A, &a, &both);
    world.run();
    is_in(&world, &b, &["VIP"]);
    quiet(&mut world);
    let both = [("owner", "Ann".into()), ("source", "Call".into())];
    world.edit(Side::A, &a, &both);
    world.run();
    assert_eq!(world.value(Side::B, &b, "groups"), list(&["Zoho"]));
    quiet(&mut world);
}

#[test]
fn a_group_that_two_rules_add_to_is_left_when_both_have_ended() {
    let setup = two_rules().rule(
        r#"{"from":"a","if":[{"field":"source","is":"Chat"}],"then":[{"add_to":"group:Zoho"}]}"#,
    );
    let (mut world, a, b) = found(
        &setup,
        &[("owner", "Ann"), ("source", "Chat")],
        &[("groups", list(&["Friends"]))],
    );
    is_in(&world, &b, &["Friends", "Zoho", "VIP"]);
    given_away(&mut world, &a);
    is_in(&world, &b, &["Friends", "Zoho", "VIP"]);
    source(&mut world, &a, "Call");
    is_in(&world, &b, &["Friends"]);
    quiet(&mut world);
}

#[test]
fn a_group_that_a_record_was_in_before_is_left_to_it() {
    let vip = [("groups", list(&["VIP"]))];
    let one = of_ann(r#"{"add_to":"group:Zoho"},{"add_to":"group:VIP"}"#);
    let (mut world, a, b) = found(&one, &[("owner", "Ann")], &vip);
    is_in(&world, &b, &["VIP", "Zoho"]);
    given_away(&mut world, &a);
    is_in(&world, &b, &["VIP"]);
    quiet(&mut world);
    // The same where a group is added later.
    let (mut world, a, b) = found(&two_rules(), &[("source", "Chat")], &vip);
    world.edit(Side::A, &a, &[("owner", "Ann".into())]);
    world.run();
    is_in(&world, &b, &["VIP", "Zoho"]);
    let neither = [("owner", "Bob".into()), ("source", "Call".into())];
    world.edit(Side::A, &a, &neither);
    world.run();
    is_in(&world, &b, &["VIP"]);
    quiet(&mut world);
}

#[test]
fn a_group_that_is_added_for_good_stays_beside_one_that_is_undone() {
    let setup = of_ann(r#"{"add_to":"group:Zoho"}"#).rule(&format!(
        r#"{{"from":"a","if":[{ANN}],"then":[{{"add_to":"group:VIP"}}]}}"#
    ));
    let none: [(&str, Value); 0] = [];
    for (mut world, a, b) in [made(&setup), found(&setup, &[("owner", "Ann")], &none)] {
        is_in(&world, &b, &["Zoho", "VIP"]);
        quiet(&mut world);
        given_away(&mut world, &a);
        is_in(&world, &b, &["VIP"]);
        quiet(&mut world);
    }
}

#[test]
fn a_group_that_a_person_took_away_is_added_with_the_next_change_and_taken_away_once() {
    let (mut world, a, b) = made(&two_rules());
    quiet(&mut world);
    world.edit(Side::B, &b, &[("groups", list(&["VIP"]))]);
    world.run();
    quiet(&mut world);
    is_in(&world, &b, &["VIP"]);
    world.edit(Side::A, &a, &[("x", "y".into())]);
    world.run();
    is_in(&world, &b, &["VIP", "Zoho"]);
    quiet(&mut world);
    // Taken away by a person first, and then put there by one: that is nobody else's to undo.
    world.edit(Side::B, &b, &[("groups", list(&["VIP"]))]);
    given_away(&mut world, &a);
    is_in(&world, &b, &["VIP"]);
    world.edit(Side::B, &b, &[("groups", list(&["VIP", "Zoho"]))]);
    world.run();
    source(&mut world, &a, "Call");
    is_in(&world, &b, &["Zoho"]);
    quiet(&mut world);
}

#[test]
fn an_answer_that_is_lost_forgets_no_group() {
    let updates = |fate: Fate| {
        move |operation: &Operation| match operation {
            Operation::Update { .. } => fate,
            _ => Fate::Done,
        }
    };
    for fate in [Fate::UnknownDone, Fate::UnknownNot, Fate::Later] {
        let (mut world, a, b) = found(
            &two_rules(),
            &[("owner", "Ann")],
            &[("groups", list(&["Friends"]))],
        );
        for (value, groups) in [
            ("Chat", &["Friends", "Zoho", "VIP"] as &[&str]),
            ("Call", &["Friends", "Zoho"]),
        ] {
            world.edit(Side::A, &a, &[("source", value.into())]);
            world.run_with(&mut updates(fate));
            world.run();
            is_in(&world, &b, groups);
            quiet(&mut world);
        }
        given_away(&mut world, &a);
        is_in(&world, &b, &["Friends"]);
        let link = world.link_of(Side::A, &a).expect("a link");
        assert!(link.body.acted.is_empty(), "{:?}", link.body.acted);
    }
}

/// Of a field with many values, what another one says is added; what it no longer says stays until the rule ends.
#[test]
fn values_of_another_field_are_added_and_undone_together() {
    let set = |name: &str| FieldDescriptor {
        cardinality: Cardinality::Many,
        ..FieldDescriptor::new(name, name, Kind::Text)
    };
    for undo in [false, true] {
        let setup = setup()
            .with(|s| {
                s.fields.a.push(set("labels"));
                s.fields.b.push(set("marks"));
            })
            .rule(&format!(
                r#"{{"from":"a","if":[{ANN}],"then":[{{"set":"marks","from":"labels"}}],"reverse_on_exit":{undo}}}"#
            ))
            .rule(r#"{"from":"a"}"#);
        let (mut world, a, b) = found(&setup, &[("owner", "Ann")], &[("marks", list(&["own"]))]);
        for (labels, marks) in [
            (list(&["1", "2"]), list(&["own", "1", "2"])),
            (list(&["2", "3"]), list(&["own", "1", "2", "3"])),
            (Value::Empty, list(&["own", "1", "2", "3"])),
        ] {
            world.edit(Side::A, &a, &[("labels", labels)]);
            world.run();
            assert_eq!(world.value(Side::B, &b, "marks"), marks);
            quiet(&mut world);
        }
        given_away(&mut world, &a);
        let kept: &[&str] = if undo {
            &["own"]
        } else {
            &["own", "1", "2", "3"]
        };
        assert_eq!(world.value(Side::B, &b, "marks"), list(kept));
        quiet(&mut world);
    }
}
