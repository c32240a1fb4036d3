//! People with one name, companies with none, and whole names against their parts.

use syncline_model::{Blank, FieldDescriptor, Flow, Kind, ProblemReason, Side, Value};

use super::{linked, quiet};
use crate::{
    fixture::{Setup, book, crm, fields, text},
    sim::World,
};

fn crm_and_book() -> Setup {
    Setup::new(crm(), book())
}

#[test]
fn a_single_name_stays_single_on_both_sides() {
    let mut world = World::new(crm_and_book().policy());
    let b = world.add(Side::B, fields(&[("given", "Madonna")]));
    world.run();
    let a = world.link_of(Side::B, &b).expect("a link").remote.a.clone();
    let name = |world: &World| {
        [
            world.value(Side::A, &a, "First_Name"),
            world.value(Side::A, &a, "Last_Name"),
            world.value(Side::B, &b, "given"),
            world.value(Side::B, &b, "family"),
        ]
        .map(|value| value.as_text().unwrap_or("").to_owned())
    };
    assert_eq!(name(&world), ["", "Madonna", "Madonna", ""]);
    quiet(&mut world);
    world.edit(Side::B, &b, &[("given", "Cher".into())]);
    world.run();
    assert_eq!(name(&world), ["", "Cher", "Cher", ""]);
    quiet(&mut world);
    world.edit(Side::A, &a, &[("Last_Name", "Prince".into())]);
    world.run();
    assert_eq!(name(&world), ["", "Prince", "Prince", ""]);
    quiet(&mut world);
    world.edit(Side::B, &b, &[("family", "Nelson".into())]);
    world.run();
    assert_eq!(name(&world), ["Prince", "Nelson", "Prince", "Nelson"]);
    quiet(&mut world);
    world.edit(Side::A, &a, &[("First_Name", "Rogers".into())]);
    world.run();
    assert_eq!(name(&world), ["Rogers", "Nelson", "Rogers", "Nelson"]);
    quiet(&mut world);
}

#[test]
fn single_name_that_gets_a_first_name_in_the_crm_arrives_whole() {
    let (mut world, a, b) = {
        let mut world = World::new(crm_and_book().policy());
        let b = world.add(Side::B, fields(&[("given", "Madonna")]));
        world.run();
        let a = world.link_of(Side::B, &b).expect("a link").remote.a.clone();
        (world, a, b)
    };
    world.edit(
        Side::A,
        &a,
        &[("First_Name", "Ann".into()), ("Last_Name", "Lee".into())],
    );
    world.run();
    assert_eq!(world.value(Side::B, &b, "given"), "Ann".into());
    assert_eq!(world.value(Side::B, &b, "family"), "Lee".into());
    quiet(&mut world);
}

/// A name is respelt as a whole, in one update with whatever else changed.
#[test]
fn a_part_of_a_name_and_another_field_arrive_together() {
    let whole = Setup::new(whole_name(), parts()).policy();
    for (policy, ours, company, theirs) in [
        (
            crm_and_book().policy(),
            ["First_Name", "Last_Name"],
            "Account",
            ["given", "org"],
        ),
        (whole, ["full", ""], "company", ["given_name", "company"]),
    ] {
        let last = if ours[1].is_empty() { "" } else { "Lee" };
        let first = if ours[1].is_empty() { "Ann Lee" } else { "Ann" };
        let named = [(ours[0], first), (ours[1], last), (company, "Acme")];
        let (mut world, a, b) = linked(policy, &named);
        let edits = [(theirs[0], "Eva".into()), (theirs[1], "Ace".into())];
        world.edit(Side::B, &b, &edits);
        assert_eq!(world.run(), 1);
        let given = world.value(Side::A, &a, ours[0]);
        assert_eq!(given, first.replace("Ann", "Eva").as_str().into());
        assert_eq!(world.value(Side::A, &a, company), "Ace".into());
        quiet(&mut world);
    }
}

#[test]
fn nameless_company_gets_a_stand_in_that_never_flows_back() {
    let mut world = World::new(crm_and_book().policy());
    let b = world.add(Side::B, fields(&[("org", "Acme")]));
    world.run();
    let a = world.link_of(Side::B, &b).expect("a link").remote.a.clone();
    assert_eq!(world.value(Side::A, &a, "Last_Name"), "Acme".into());
    quiet(&mut world);
    assert_eq!(world.value(Side::B, &b, "family"), Value::Empty);
    world.edit(Side::A, &a, &[("Title", "Shop".into())]);
    world.run();
    assert_eq!(world.value(Side::B, &b, "family"), Value::Empty);
    // A name that comes takes the stand-in's place.
    let mut named = world.clone();
    named.edit(Side::B, &b, &[("given", "Bob".into())]);
    named.run();
    assert_eq!(named.value(Side::A, &a, "Last_Name"), "Bob".into());
    assert_eq!(named.value(Side::A, &a, "First_Name"), Value::Empty);
    quiet(&mut named);
    assert_eq!(named.value(Side::B, &b, "family"), Value::Empty);
    // And a person who gives it a name in the CRM means it.
    world.edit(Side::A, &a, &[("Last_Name", "Lee".into())]);
    world.run();
    assert_eq!(world.value(Side::B, &b, "family"), "Lee".into());
    quiet(&mut world);
}

/// Where names flow out of the CRM only, what fills its required name is nobody's edit: people's own names stay, until
/// somebody renames them in the CRM.
#[test]
fn what_fills_a_one_way_name_never_flows_back() {
    type Case<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)], &'a str);
    let cases: [Case<'_>; 4] = [
        (
            &["Last_Name"],
            &[("family", "Lee"), ("email", "lee@x.yz")],
            "Lee",
        ),
        (
            &["Last_Name"],
            &[("given", "Ann"), ("email", "ann@x.yz")],
            "Ann",
        ),
        (
            &["First_Name"],
            &[("given", "Ann"), ("email", "ann@x.yz")],
            "Ann",
        ),
        (
            &["First_Name", "Last_Name"],
            &[("given", "Ann"), ("email", "ann@x.yz")],
            "Ann",
        ),
    ];
    for (one_way, own, filled) in cases {
        let setup = crm_and_book().with(|s| {
            for entry in &mut s.mapping.entries {
                if one_way.contains(&entry.a.field.as_str()) {
                    entry.flow = Flow::AToB;
                }
            }
        });
        let mut world = World::new(setup.policy());
        let b = world.add(Side::B, fields(own));
        world.run();
        let a = world.link_of(Side::B, &b).expect("a link").remote.a.clone();
        assert_eq!(world.value(Side::A, &a, "Last_Name"), filled.into());
        world.touch(Side::A, &a);
        quiet(&mut world);
        for name in ["given", "family"] {
            let said = own.iter().find(|(own, _)| *own == name);
            let said = said.map_or(Value::Empty, |(_, value)| Value::text(*value));
            assert_eq!(world.value(Side::B, &b, name), said, "{one_way:?} {name}");
        }
        assert_eq!(world.conflicts, []);
        let renamed = [("First_Name", "Bob".into()), ("Last_Name", "Ray".into())];
        world.edit(Side::A, &a, &renamed);
        world.run();
        assert_eq!(world.value(Side::B, &b, "given"), "Bob".into());
        assert_eq!(world.value(Side::B, &b, "family"), "Ray".into());
    }
}

#[test]
fn record_with_nothing_to_stand_in_for_a_name_is_a_problem() {
    let mut world = World::new(crm_and_book().policy());
    world.add(Side::B, fields(&[("title", "Chef")]));
    world.add(Side::B, fields(&[("given", "Ann")]));
    assert_eq!(world.run(), 1, "the other record is not held up");
    assert_eq!(world.problems[0].reason, ProblemReason::MissingRequired);
    assert!(world.problems[0].message.contains("Last Name"));
}

#[test]
fn required_field_is_never_emptied() {
    let setup = crm_and_book().with(|s| {
        for entry in &mut s.mapping.entries {
            entry.blank = Blank::Sync;
        }
    });
    let (mut world, a, b) = linked(
        setup.policy(),
        &[("First_Name", "Ann"), ("Last_Name", "Lee")],
    );
    world.edit(Side::B, &b, &[("family", Value::Empty)]);
    world.run();
    assert_eq!(world.value(Side::A, &a, "Last_Name"), "Lee".into());
    assert_eq!(world.value(Side::A, &a, "First_Name"), "Ann".into());
    quiet(&mut world);
}

/// Whoever has two names does not become one of a single name because the first is cleared.
#[test]
fn a_given_name_that_is_cleared_leaves_the_family_name() {
    let setup = crm_and_book().with(|s| {
        for entry in &mut s.mapping.entries {
            entry.blank = Blank::Sync;
        }
    });
    let named = [("First_Name", "Ann"), ("Last_Name", "Lee")];
    let (mut world, a, b) = linked(setup.policy(), &named);
    world.edit(Side::A, &a, &[("First_Name", Value::Empty)]);
    world.run();
    assert_eq!(world.value(Side::B, &b, "given"), Value::Empty);
    assert_eq!(world.value(Side::B, &b, "family"), "Lee".into());
    assert_eq!(world.value(Side::A, &a, "Last_Name"), "Lee".into());
    quiet(&mut world);
}

/// Given names flow out of the CRM only. A family name that is cleared in the address book cannot be cleared in the CRM,
/// and what stays there is still somebody's family name: no given name came to be in its place.
#[test]
fn family_name_that_cannot_be_cleared_is_nobodys_given_name() {
    let setup = crm_and_book().with(|s| {
        for entry in &mut s.mapping.entries {
            entry.blank = Blank::Sync;
            if entry.a.field.as_str() == "First_Name" {
                entry.flow = Flow::AToB;
            }
        }
    });
    let mut world = World::new(setup.policy());
    let b = world.add(Side::B, fields(&[("given", "Ann"), ("family", "Lee")]));
    world.run();
    let a = world.link_of(Side::B, &b).expect("a link").remote.a.clone();
    world.edit(Side::B, &b, &[("family", Value::Empty)]);
    world.run();
    quiet(&mut world);
    assert_eq!(world.value(Side::B, &b, "given"), "Ann".into());
    assert_eq!(world.value(Side::A, &a, "Last_Name"), "Lee".into());
    world.edit(Side::A, &a, &[("First_Name", "Bob".into())]);
    world.run();
    quiet(&mut world);
    assert_eq!(world.value(Side::B, &b, "given"), "Bob".into());
    assert_eq!(world.value(Side::B, &b, "family"), Value::Empty);
    assert_eq!(world.value(Side::A, &a, "Last_Name"), "Lee".into());
}

fn whole_name() -> Vec<FieldDescriptor> {
    vec![
        FieldDescriptor::new("full", "Name", Kind::FullName).standard("full_name"),
        text("company"),
    ]
}

fn parts() -> Vec<FieldDescriptor> {
    vec![text("given_name"), text("family_name"), text("company")]
}

/// Only what changed is touched, in a whole name too; also when that side was not read just now.
#[test]
fn one_part_of_a_whole_name_changes_and_the_other_stays() {
    for read_just_now in [false, true] {
        let (mut world, b, a) = {
            let mut world = World::new(Setup::new(whole_name(), parts()).policy());
            let b = world.add(
                Side::B,
                fields(&[("given_name", "Maria"), ("family_name", "Garcia Lopez")]),
            );
            world.run();
            let a = world.link_of(Side::B, &b).expect("a link").remote.a.clone();
            (world, b, a)
        };
        assert_eq!(
            world.value(Side::A, &a, "full"),
            "Maria Garcia Lopez".into()
        );
        quiet(&mut world);
        world.edit(Side::B, &b, &[("given_name", "Ana".into())]);
        if read_just_now {
            world.touch(Side::A, &a);
        }
        world.run();
        assert_eq!(world.value(Side::A, &a, "full"), "Ana Garcia Lopez".into());
        quiet(&mut world);
        world.edit(Side::A, &a, &[("full", "Ana Perez".into())]);
        world.run();
        assert_eq!(world.value(Side::B, &b, "given_name"), "Ana".into());
        assert_eq!(world.value(Side::B, &b, "family_name"), "Perez".into());
        quiet(&mut world);
    }
}

#[test]
fn whole_name_is_read_by_what_the_other_side_knows() {
    let mail = |mut list: Vec<FieldDescriptor>| {
        list.push(crate::fixture::field("email.work", Kind::Email));
        list
    };
    let mut world = World::new(Setup::new(mail(whole_name()), mail(parts())).policy());
    let at = ("email.work", "maria@example.com");
    let a = world.add(Side::A, fields(&[("full", "Maria Garcia Lopez"), at]));
    let b = world.add(
        Side::B,
        fields(&[("given_name", "Maria"), ("family_name", "Garcia Lopez"), at]),
    );
    assert_eq!(world.run(), 0);
    assert!(world.conflicts.is_empty());
    quiet(&mut world);
    assert_eq!(
        world.link_of(Side::A, &a).map(|l| l.remote.b.clone()),
        Some(b)
    );
}
