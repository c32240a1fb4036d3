//! What rules do to the record on the other side, and how it is undone.

use syncline_engine::Operation;
use syncline_model::{Cardinality, Choice, FieldDescriptor, Kind, RemoteId, Side, Value};

use super::quiet;
use crate::{
    fixture::{Setup, field, fields, list, text},
    sim::{Fate, World},
};

/// Side a: contacts with an owner. Side b: with a source, a note and groups.
fn setup() -> Setup {
    let own = |name: &str| FieldDescriptor::new(name, name, Kind::Text);
    let choice = |name: &str| Choice {
        value: name.to_owned(),
        label: name.to_owned(),
    };
    let groups = FieldDescriptor {
        cardinality: Cardinality::Many,
        membership: Some("group".into()),
        choices: ["Zoho", "VIP", "Friends"].map(choice).into(),
        ..FieldDescriptor::new("groups", "Groups", Kind::Choice)
    };
    let mail = || field("email.work", Kind::Email);
    let a = vec![text("x"), mail(), own("owner"), own("source")];
    let b = vec![text("x"), mail(), own("origin"), own("note"), groups];
    Setup::new(a, b)
}

const ANN: &str = r#"{"field":"owner","is":"Ann"}"#;

/// Contacts of Ann's are marked and put into a group; undone when they are hers no longer.
fn of_ann(actions: &str) -> Setup {
    setup().rule(&format!(
        r#"{{"from":"a","if":[{ANN}],"then":[{actions}],"reverse_on_exit":true}}"#
    ))
}

fn all() -> Setup {
    of_ann(r#"{"add_to":"group:Zoho"},{"set":"origin","to":"CRM"},{"set":"note","from":"source"}"#)
}

fn made(setup: &Setup) -> (World, RemoteId, RemoteId) {
    let mut world = World::new(setup.policy());
    let a = world.add(
        Side::A,
        fields(&[("x", "x"), ("owner", "Ann"), ("source", "Chat")]),
    );
    world.run();
    let b = world.link_of(Side::A, &a).expect("a link").remote.b.clone();
    (world, a, b)
}

#[track_caller]
fn shows(world: &World, b: &RemoteId, origin: &str, note: &str, groups: &[&str]) {
    assert_eq!(world.value(Side::B, b, "origin"), Value::text(origin));
    assert_eq!(world.value(Side::B, b, "note"), Value::text(note));
    let groups = if groups.is_empty() {
        Value::Empty
    } else {
        list(groups)
    };
    assert_eq!(world.value(Side::B, b, "groups"), groups);
}

#[test]
fn a_record_that_is_created_gets_all_of_it() {
    let (mut world, _, b) = made(&all());
    shows(&world, &b, "CRM", "Chat", &["Zoho"]);
    quiet(&mut world);
}

#[test]
fn a_record_that_is_found_gets_it_too_and_keeps_what_it_has() {
    let mut world = World::new(all().policy());
    let mail = ("email.work", "ann@x.yz");
    let a = world.add(
        Side::A,
        fields(&[mail, ("x", "x"), ("owner", "Ann"), ("source", "Chat")]),
    );
    let b = world.add(Side::B, fields(&[mail, ("x", "x"), ("origin", "Fair")]));
    world.edit(Side::B, &b, &[("groups", list(&["Friends"]))]);
    world.run();
    assert_eq!(
        world.link_of(Side::A, &a).map(|link| &link.remote.b),
        Some(&b)
    );
    shows(&world, &b, "CRM", "Chat", &["Friends", "Zoho"]);
    quiet(&mut world);
    world.edit(Side::A, &a, &[("owner", "Bob".into())]);
    world.run();
    shows(&world, &b, "Fair", "", &["Friends"]);
    quiet(&mut world);
}

#[test]
fn what_rules_did_is_undone_when_the_record_stops_matching_and_done_again_when_it_matches() {
    let (mut world, a, b) = made(&all());
    world.edit(Side::A, &a, &[("owner", "Bob".into())]);
    world.run();
    shows(&world, &b, "", "", &[]);
    assert_eq!(world.value(Side::B, &b, "x"), "x".into(), "the rest stays");
    quiet(&mut world);
    world.edit(
        Side::A,
        &a,
        &[("owner", "Ann".into()), ("source", "Call".into())],
    );
    world.run();
    shows(&world, &b, "CRM", "Call", &["Zoho"]);
    quiet(&mut world);
}

#[test]
fn a_record_that_leaves_its_collection_is_put_back_as_well() {
    let (mut world, a, b) = made(&all());
    world.leave(Side::A, &a);
    world.run();
    shows(&world, &b, "", "", &[]);
    quiet(&mut world);
}

#[test]
fn what_a_person_changed_since_is_not_undone() {
    let (mut world, a, b) = made(&all());
    quiet(&mut world);
    let own = [("origin", "own".into()), ("groups", list(&["VIP", "Zoho"]))];
    world.edit(Side::B, &b, &own);
    world.run();
    world.edit(Side::A, &a, &[("owner", "Bob".into())]);
    world.run();
    shows(&world, &b, "own", "", &["VIP"]);
    quiet(&mut world);
}

#[test]
fn what_does_not_say_so_is_not_undone() {
    let rule = format!(r#"{{"from":"a","if":[{ANN}],"then":[{{"set":"origin","to":"CRM"}}]}}"#);
    let (mut world, a, b) = made(&setup().rule(&rule));
    world.edit(Side::A, &a, &[("owner", "Bob".into())]);
    world.run();
    assert_eq!(world.value(Side::B, &b, "origin"), "CRM".into());
    quiet(&mut world);
}

#[test]
fn of_two_rules_only_the_one_that_is_left_is_undone() {
    let setup =
        all().rule(r#"{"from":"a","then":[{"add_to":"group:VIP"}],"reverse_on_exit":true}"#);
    let (mut world, a, b) = made(&setup);
    shows(&world, &b, "CRM", "Chat", &["Zoho", "VIP"]);
    world.edit(Side::A, &a, &[("owner", "Bob".into()), ("x", "y".into())]);
    world.run();
    assert_eq!(
        world.value(Side::B, &b, "x"),
        "y".into(),
        "it still takes part"
    );
    assert_eq!(world.value(Side::B, &b, "origin"), Value::Empty);
    quiet(&mut world);
}

#[test]
fn an_answer_that_is_lost_forgets_nothing() {
    let (mut world, a, b) = made(&all());
    quiet(&mut world);
    let updates = |fate: Fate| {
        move |operation: &Operation| match operation {
            Operation::Update { .. } => fate,
            _ => Fate::Done,
        }
    };
    for fate in [Fate::UnknownDone, Fate::UnknownNot, Fate::Later] {
        world.edit(Side::A, &a, &[("owner", "Bob".into())]);
        world.run_with(&mut updates(fate));
        world.run();
        shows(&world, &b, "", "", &[]);
        quiet(&mut world);
        world.edit(Side::A, &a, &[("owner", "Ann".into())]);
        world.run_with(&mut updates(fate));
        world.run();
        shows(&world, &b, "CRM", "Chat", &["Zoho"]);
        quiet(&mut world);
    }
}

#[test]
fn another_connection_of_the_same_accounts_undoes_nothing_of_it() {
    let (mut world, a, b) = made(&all());
    quiet(&mut world);
    let other = setup().with(|s| {
        let id = "con_00000000000000000000000000000007".parse();
        s.connection = id.expect("an id");
    });
    world.policy = other.policy();
    world.edit(Side::A, &a, &[("owner", "Bob".into()), ("x", "y".into())]);
    world.run();
    assert_eq!(world.value(Side::B, &b, "x"), "y".into());
    shows(&world, &b, "CRM", "Chat", &["Zoho"]);
    quiet(&mut world);
}

#[test]
fn an_action_on_creation_is_done_once_and_undone_with_the_others() {
    let setup = of_ann(r#"{"set":"origin","to":"CRM","when":"create"}"#);
    let (mut world, a, b) = made(&setup);
    quiet(&mut world);
    world.edit(Side::A, &a, &[("x", "y".into())]);
    world.run();
    assert_eq!(world.value(Side::B, &b, "origin"), "CRM".into());
    world.edit(Side::A, &a, &[("owner", "Bob".into())]);
    world.run();
    assert_eq!(world.value(Side::B, &b, "origin"), Value::Empty);
    quiet(&mut world);
}

/// A rule of the way back does nothing to the record that a copy was made of, until somebody changes the copy.
#[test]
fn a_copy_of_ours_is_no_news_to_the_rules_of_the_way_back() {
    let both = setup().rule(r#"{"from":"b","then":[{"set":"owner","to":"Olga"}]}"#);
    let (mut world, a, b) = made(&both);
    quiet(&mut world);
    assert_eq!(world.value(Side::A, &a, "owner"), "Ann".into());
    world.edit(Side::B, &b, &[("note", "own".into())]);
    world.run();
    assert_eq!(
        world.value(Side::A, &a, "owner"),
        "Ann".into(),
        "nothing is carried over"
    );
    world.edit(Side::B, &b, &[("x", "y".into())]);
    world.run();
    assert_eq!(world.value(Side::A, &a, "owner"), "Olga".into());
    quiet(&mut world);
    let theirs = world.add(Side::B, fields(&[("x", "z")]));
    world.run();
    let ours = world
        .link_of(Side::B, &theirs)
        .expect("a link")
        .remote
        .a
        .clone();
    assert_eq!(world.value(Side::A, &ours, "owner"), "Olga".into());
    quiet(&mut world);
}

/// What a person changed in a field that a rule set stands until the next change is carried over.
#[test]
fn a_field_that_a_rule_set_may_be_changed_until_the_next_change() {
    let (mut world, a, b) = made(&of_ann(r#"{"set":"origin","to":"CRM"}"#));
    quiet(&mut world);
    world.edit(Side::B, &b, &[("origin", "own".into())]);
    world.run();
    quiet(&mut world);
    assert_eq!(world.value(Side::B, &b, "origin"), "own".into());
    world.edit(Side::A, &a, &[("x", "y".into())]);
    world.run();
    assert_eq!(world.value(Side::B, &b, "origin"), "CRM".into());
    quiet(&mut world);
}
