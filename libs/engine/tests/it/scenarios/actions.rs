//! What rules do to the record on the other side, and how it is undone.

use syncline_engine::Operation;
use syncline_model::{
    Cardinality, Choice, FieldDescriptor, Flow, Kind, MappingEntry, RemoteId, Side, Value,
};

use super::quiet;
use crate::{
    fixture::{Setup, field, fields, list, text},
    sim::{Fate, World},
};

/// Side a: contacts with an owner. Side b: with a source, a note and groups.
pub(super) fn setup() -> Setup {
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

pub(super) const ANN: &str = r#"{"field":"owner","is":"Ann"}"#;

/// Contacts of Ann's are marked and put into a group; undone when they are hers no longer.
pub(super) fn of_ann(actions: &str) -> Setup {
    setup().rule(&format!(
        r#"{{"from":"a","if":[{ANN}],"then":[{actions}],"reverse_on_exit":true}}"#
    ))
}

fn all() -> Setup {
    of_ann(r#"{"add_to":"group:Zoho"},{"set":"origin","to":"CRM"},{"set":"note","from":"source"}"#)
}

pub(super) fn made(setup: &Setup) -> (World, RemoteId, RemoteId) {
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
pub(super) fn shows(world: &World, b: &RemoteId, origin: &str, note: &str, groups: &[&str]) {
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

/// Two records of one person, joined by their address.
pub(super) fn found(
    setup: &Setup,
    ours: &[(&str, &str)],
    theirs: &[(&str, Value)],
) -> (World, RemoteId, RemoteId) {
    let mut world = World::new(setup.policy());
    let same = [("email.work", "ann@x.yz"), ("x", "x")];
    let a = world.add(Side::A, fields(&[&same, ours].concat()));
    let b = world.add(Side::B, fields(&same));
    world.edit(Side::B, &b, theirs);
    world.run();
    assert_eq!(
        world.link_of(Side::A, &a).map(|link| &link.remote.b),
        Some(&b)
    );
    quiet(&mut world);
    (world, a, b)
}

/// The record is Ann's no longer.
pub(super) fn given_away(world: &mut World, a: &RemoteId) {
    world.edit(Side::A, a, &[("owner", "Bob".into())]);
    world.run();
}

#[test]
fn what_stood_there_before_the_rules_is_not_undone() {
    let theirs = [("origin", "CRM".into()), ("groups", list(&["Zoho"]))];
    let (mut world, a, b) = found(&all(), &[("owner", "Ann"), ("source", "Chat")], &theirs);
    given_away(&mut world, &a);
    shows(&world, &b, "CRM", "", &["Zoho"]);
    quiet(&mut world);
}

/// What stands there already is as good as done: whoever changes it keeps the change until the next one is carried over.
#[test]
fn what_stood_there_before_the_rules_is_not_set_again_at_every_look() {
    let setup = of_ann(r#"{"set":"origin","to":"CRM"},{"add_to":"group:Zoho"}"#);
    let theirs = [("origin", "CRM".into()), ("groups", list(&["Zoho"]))];
    let (mut world, a, b) = found(&setup, &[("owner", "Ann")], &theirs);
    let own = [("origin", "own".into()), ("groups", list(&["VIP"]))];
    world.edit(Side::B, &b, &own);
    world.edit(Side::A, &a, &[("source", "Chat".into())]);
    world.run();
    shows(&world, &b, "own", "", &["VIP"]);
    quiet(&mut world);
    world.edit(Side::A, &a, &[("x", "y".into())]);
    world.run();
    shows(&world, &b, "CRM", "", &["VIP", "Zoho"]);
}

/// The same of what an update set whose answer was lost.
#[test]
fn what_a_lost_update_set_is_not_set_again_at_every_look() {
    let (mut world, a, b) = found(&of_ann(r#"{"set":"origin","to":"CRM"}"#), &[], &[]);
    world.edit(Side::A, &a, &[("owner", "Ann".into())]);
    world.run_with(&mut |_| Fate::UnknownDone);
    world.run();
    assert_eq!(world.value(Side::B, &b, "origin"), "CRM".into());
    world.edit(Side::B, &b, &[("origin", "own".into())]);
    world.edit(Side::A, &a, &[("source", "Chat".into())]);
    world.run();
    assert_eq!(world.value(Side::B, &b, "origin"), "own".into());
    quiet(&mut world);
}

/// The same of what a person wrote before rules came to want it.
#[test]
fn what_a_person_wrote_first_is_theirs_to_change() {
    let (mut world, a, b) = made(&all());
    world.edit(Side::B, &b, &[("note", "Call".into())]);
    world.run();
    world.edit(Side::A, &a, &[("source", "Call".into())]);
    world.run();
    quiet(&mut world);
    world.edit(Side::B, &b, &[("note", "own".into())]);
    world.touch(Side::A, &a);
    world.run();
    shows(&world, &b, "CRM", "own", &["Zoho"]);
    quiet(&mut world);
}

/// A value that follows another field changes many times; what is put back is what stood there before the first.
#[test]
fn what_is_put_back_is_what_a_person_wrote_last() {
    let ann = [("owner", "Ann"), ("source", "Chat")];
    let (mut world, a, b) = found(&all(), &ann, &[("note", "theirs".into())]);
    shows(&world, &b, "CRM", "Chat", &["Zoho"]);
    world.edit(Side::A, &a, &[("source", "Call".into())]);
    world.run();
    shows(&world, &b, "CRM", "Call", &["Zoho"]);
    quiet(&mut world);
    given_away(&mut world, &a);
    shows(&world, &b, "", "theirs", &[]);
    quiet(&mut world);
    // Changed while the rules stood, and replaced with the next change that was carried over.
    world.edit(Side::A, &a, &[("owner", "Ann".into())]);
    world.run();
    world.edit(Side::B, &b, &[("note", "newer".into())]);
    world.run();
    world.edit(Side::A, &a, &[("x", "y".into())]);
    world.run();
    shows(&world, &b, "CRM", "Call", &["Zoho"]);
    given_away(&mut world, &a);
    shows(&world, &b, "", "newer", &[]);
    quiet(&mut world);
}

/// What rules agreed with when they first looked was there before them all the same.
#[test]
fn what_stood_there_before_is_put_back_though_rules_first_wanted_the_same() {
    let ann = [("owner", "Ann"), ("source", "Chat")];
    let (mut world, a, b) = found(&all(), &ann, &[("note", "Chat".into())]);
    world.edit(Side::A, &a, &[("source", "Call".into())]);
    world.run();
    shows(&world, &b, "CRM", "Call", &["Zoho"]);
    given_away(&mut world, &a);
    shows(&world, &b, "", "Chat", &[]);
    quiet(&mut world);
}

/// The same of a record that was copied, by the rules of the way back.
#[test]
fn what_stood_in_a_record_before_it_was_copied_is_put_back() {
    let both = setup()
        .rule(r#"{"from":"a","then":[{"set":"note","from":"owner"}]}"#)
        .rule(r#"{"from":"b","then":[{"set":"owner","from":"note"}],"reverse_on_exit":true}"#);
    let (mut world, a, b) = made(&both);
    quiet(&mut world);
    world.edit(Side::B, &b, &[("note", "Olga".into()), ("x", "y".into())]);
    world.run();
    assert_eq!(world.value(Side::A, &a, "owner"), "Olga".into());
    quiet(&mut world);
    world.leave(Side::B, &b);
    world.run();
    assert_eq!(world.value(Side::A, &a, "owner"), "Ann".into());
    quiet(&mut world);
}

#[test]
fn what_was_cleared_since_stays_cleared() {
    let (mut world, a, b) = made(&all());
    quiet(&mut world);
    let none = [("origin", Value::Empty), ("groups", Value::Empty)];
    world.edit(Side::B, &b, &none);
    world.run();
    shows(&world, &b, "", "Chat", &[]);
    given_away(&mut world, &a);
    shows(&world, &b, "", "", &[]);
    quiet(&mut world);
}

#[test]
fn what_was_undone_is_forgotten() {
    let (mut world, a, b) = made(&all());
    assert!(
        !world
            .link_of(Side::A, &a)
            .expect("a link")
            .body
            .acted
            .is_empty()
    );
    given_away(&mut world, &a);
    let link = world.link_of(Side::A, &a).expect("a link");
    assert!(link.body.acted.is_empty(), "{:?}", link.body.acted);
    // A person who writes the same later wrote it for good.
    world.edit(Side::B, &b, &[("origin", "CRM".into())]);
    world.run();
    world.edit(Side::A, &a, &[("x", "y".into())]);
    world.leave(Side::A, &a);
    world.run();
    assert_eq!(world.value(Side::B, &b, "origin"), "CRM".into());
    let (world, a, _) = made(&setup());
    let link = world.link_of(Side::A, &a).expect("a link");
    assert!(link.body.acted.is_empty(), "nothing to remember");
}

#[test]
fn rules_do_nothing_without_a_record_of_their_own_side() {
    let (mut world, a, b) = made(&all());
    quiet(&mut world);
    world.edit(Side::B, &b, &[("x", "y".into()), ("origin", "own".into())]);
    world.run();
    assert_eq!(world.value(Side::A, &a, "x"), "y".into());
    shows(&world, &b, "own", "Chat", &["Zoho"]);
    quiet(&mut world);
}

/// The later of two rules has the last word on a field; without it the earlier one has.
#[test]
fn of_two_rules_for_one_field_the_later_one_counts() {
    let setup = of_ann(r#"{"set":"origin","to":"CRM"}"#).rule(
        r#"{"from":"a","if":[{"field":"source","is":"Chat"}],
            "then":[{"set":"origin","to":"Web"}],"reverse_on_exit":true}"#,
    );
    let (mut world, a, b) = found(
        &setup,
        &[("owner", "Ann"), ("source", "Chat")],
        &[("origin", "Fair".into())],
    );
    assert_eq!(world.value(Side::B, &b, "origin"), "Web".into());
    world.edit(Side::A, &a, &[("source", "Call".into())]);
    world.run();
    assert_eq!(world.value(Side::B, &b, "origin"), "CRM".into());
    quiet(&mut world);
    world.edit(Side::A, &a, &[("source", "Chat".into())]);
    world.run();
    assert_eq!(world.value(Side::B, &b, "origin"), "Web".into());
    quiet(&mut world);
    let bobs = [("owner", "Bob".into()), ("source", "Call".into())];
    world.edit(Side::A, &a, &bobs);
    world.run();
    assert_eq!(world.value(Side::B, &b, "origin"), "Fair".into());
    quiet(&mut world);
}

#[test]
fn an_action_on_creation_is_not_done_to_a_record_that_is_found() {
    let setup = of_ann(
        r#"{"set":"origin","to":"CRM","when":"create"},{"add_to":"group:VIP","when":"create"},
           {"add_to":"group:Zoho"}"#,
    );
    let (mut world, a, b) = found(&setup, &[("owner", "Ann")], &[]);
    shows(&world, &b, "", "", &["Zoho"]);
    world.edit(Side::A, &a, &[("x", "y".into())]);
    world.run();
    shows(&world, &b, "", "", &["Zoho"]);
    let (mut world, _, b) = made(&setup);
    shows(&world, &b, "CRM", "", &["VIP", "Zoho"]);
    quiet(&mut world);
}

/// A source that is cleared has nothing to say: what was copied from it stays, until the record stops matching.
#[test]
fn a_cleared_source_takes_nothing_away() {
    let (mut world, a, b) = made(&all());
    quiet(&mut world);
    world.edit(Side::A, &a, &[("source", Value::Empty), ("x", "y".into())]);
    world.run();
    shows(&world, &b, "CRM", "Chat", &["Zoho"]);
    quiet(&mut world);
    given_away(&mut world, &a);
    shows(&world, &b, "", "", &[]);
}

/// A copy of a record is no work of the rules of the way back, even where it looks like it: nothing of it is undone.
#[test]
fn what_a_record_had_before_it_was_copied_is_not_undone_by_the_rules_of_the_way_back() {
    let back = setup().rule(
        r#"{"from":"b","if":[{"field":"note","empty":true}],
            "then":[{"set":"owner","to":"Ann"}],"reverse_on_exit":true}"#,
    );
    for back in [back.clone(), back.rule(r#"{"from":"b"}"#)] {
        let (mut world, a, b) = made(&back);
        quiet(&mut world);
        world.edit(Side::B, &b, &[("note", "own".into())]);
        world.run();
        assert_eq!(world.value(Side::A, &a, "owner"), "Ann".into());
        quiet(&mut world);
    }
}

/// Opting out, the owner and any other field: set on both sides, each by the rules of the other one.
#[test]
fn rules_of_both_directions_act_apart() {
    let both = setup()
        .with(|s| {
            for fields in [&mut s.fields.a, &mut s.fields.b] {
                fields.push(FieldDescriptor::new("opt_out", "Opt out", Kind::Bool));
            }
        })
        .rule(&format!(
            r#"{{"from":"a","if":[{ANN}],"then":[{{"set":"opt_out","to":true}}],"reverse_on_exit":true}}"#
        ))
        .rule(r#"{"from":"a"}"#)
        .rule(
            r#"{"from":"b","if":[{"field":"groups","is":"VIP"}],
                "then":[{"set":"owner","to":"Olga"},{"set":"opt_out","to":false}],"reverse_on_exit":true}"#,
        )
        .rule(r#"{"from":"b"}"#);
    let (mut world, a, b) = made(&both);
    quiet(&mut world);
    assert_eq!(world.value(Side::B, &b, "opt_out"), Value::Bool(true));
    world.edit(Side::B, &b, &[("groups", list(&["VIP"]))]);
    world.run();
    assert_eq!(world.value(Side::A, &a, "owner"), "Olga".into());
    // What the rules of one direction wrote is news to those of the other: Olga is not Ann.
    world.echo(Side::A, &a);
    world.run();
    assert_eq!(world.value(Side::B, &b, "opt_out"), Value::Empty);
    assert_eq!(world.value(Side::A, &a, "opt_out"), Value::Empty);
    quiet(&mut world);
    world.edit(Side::B, &b, &[("groups", Value::Empty)]);
    world.run();
    assert_eq!(world.value(Side::A, &a, "owner"), "Ann".into());
    world.echo(Side::A, &a);
    world.run();
    assert_eq!(world.value(Side::B, &b, "opt_out"), Value::Bool(true));
    quiet(&mut world);
}

/// A field that only flows back may be set by a rule: what it sets is carried back like a person's word.
#[test]
fn what_a_rule_sets_flows_back_where_its_field_is_mapped_that_way() {
    let setup = of_ann(r#"{"set":"origin","to":"CRM"}"#).with(|s| {
        let (a, b) = ("source".parse(), "origin".parse());
        let entry = MappingEntry::new(a.expect("a path"), b.expect("a path"));
        s.mapping.entries.push(MappingEntry {
            flow: Flow::BToA,
            ..entry
        });
    });
    let (mut world, a, b) = made(&setup);
    assert_eq!(world.value(Side::B, &b, "origin"), "CRM".into());
    quiet(&mut world);
    assert_eq!(world.value(Side::A, &a, "source"), "CRM".into());
    world.edit(Side::B, &b, &[("origin", "own".into())]);
    world.run();
    assert_eq!(world.value(Side::A, &a, "source"), "own".into());
    quiet(&mut world);
    assert_eq!(world.value(Side::B, &b, "origin"), "own".into());
}
