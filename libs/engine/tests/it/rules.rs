//! IF and THEN, condition by condition; and what a connection says of itself before any record is looked at.

use syncline_engine::takes_part;
use syncline_model::{
    Address, Cardinality, DeletionPolicy, Direction, FieldDescriptor, FieldName, Fields, Kind,
    Side, Value,
};

use crate::{
    fixture::{Setup, book, crm, field, fields, list, text},
    sim::World,
};

fn all_kinds() -> Vec<FieldDescriptor> {
    let of = |name: &str, kind| FieldDescriptor::new(name, name, kind);
    vec![
        text("x"),
        of("none", Kind::Text),
        of("number", Kind::Number),
        of("flag", Kind::Bool),
        of("unset", Kind::Bool),
        of("day", Kind::Date),
        of("time", Kind::DateTime),
        of("mail", Kind::Email),
        of("home", Kind::Address),
        of("full", Kind::FullName),
        FieldDescriptor {
            cardinality: Cardinality::Many,
            ..of("tags", Kind::Choice)
        },
    ]
}

fn filled() -> Fields {
    let time = |text: &str| text.parse().expect("a time");
    let home = Address {
        city: "Ely".into(),
        ..Address::default()
    };
    let values = [
        ("x", "Ann  Lee".into()),
        ("number", Value::Number("7.50".into())),
        ("flag", Value::Bool(true)),
        ("day", Value::Date("2001-02-03".parse().expect("a day"))),
        ("time", Value::Time(time("2001-02-03T04:05:06Z"))),
        ("mail", "Ann@X.yz".into()),
        ("home", Value::Address(home)),
        ("full", "Ann Lee".into()),
        ("tags", list(&["Gold", "New"])),
    ];
    values
        .map(|(name, value)| (FieldName::new(name), value))
        .into()
}

#[test]
fn conditions_hold_as_the_api_describes_them() {
    for (field, test, holds) in [
        ("x", r#""is":"Ann Lee""#, true),
        ("x", r#""is":"ann lee""#, false),
        ("x", r#""is_not":"Bob""#, true),
        ("x", r#""is_not":"Ann Lee""#, false),
        ("none", r#""is_not":"Bob""#, true),
        ("x", r#""in":["Bob","Ann Lee"]"#, true),
        ("x", r#""in":["Bob"]"#, false),
        ("x", r#""contains":"N  L""#, true),
        ("x", r#""contains":"bob""#, false),
        ("x", r#""starts_with":"ann""#, true),
        ("x", r#""starts_with":"lee""#, false),
        ("none", r#""contains":"x""#, false),
        ("none", r#""is":7"#, false),
        ("none", r#""is":true"#, false),
        ("x", r#""empty":false"#, true),
        ("x", r#""empty":true"#, false),
        ("none", r#""empty":true"#, true),
        ("none", r#""empty":false"#, false),
        ("number", r#""is":7.5"#, true),
        ("number", r#""is":"7.5""#, true),
        ("number", r#""is":75"#, false),
        ("flag", r#""is":true"#, true),
        ("flag", r#""is":"yes""#, true),
        ("flag", r#""is":false"#, false),
        ("unset", r#""is":false"#, true),
        ("day", r#""is":"2001-02-03""#, true),
        ("day", r#""is":"2001-02-04""#, false),
        ("day", r#""before":"2001-02-04""#, true),
        ("day", r#""after":"2001-02-03""#, false),
        ("time", r#""after":"2001-02-03T04:00:00Z""#, true),
        ("time", r#""before":"2001-02-03""#, false),
        ("day", r#""within_days":7"#, false),
        ("none", r#""empty":true"#, true),
        ("number", r#""greater":7"#, true),
        ("number", r#""less":7.5"#, false),
        ("time", r#""is":"2001-02-03T05:05:06+01:00""#, true),
        ("time", r#""is":"2001-02-03T05:05:06Z""#, false),
        ("mail", r#""is":"ann@x.yz""#, true),
        ("tags", r#""is":"New""#, true),
        ("tags", r#""is":"Old""#, false),
        ("tags", r#""is_not":"New""#, false),
        ("tags", r#""in":["Old","Gold"]"#, true),
        ("tags", r#""contains":"OL""#, true),
        ("tags", r#""empty":false"#, true),
        ("home#city", r#""is":"Ely""#, true),
        ("home#street", r#""empty":true"#, true),
        ("full#given", r#""is":"Ann""#, true),
    ] {
        let rule = format!(r#"{{"from":"a","if":[{{"field":"{field}",{test}}}]}}"#);
        let policy = Setup::new(all_kinds(), all_kinds()).rule(&rule).policy();
        assert_eq!(takes_part(&policy, Side::A, &filled()), holds, "{rule}");
    }
}

/// One rule of the direction is enough, and all its conditions must hold. Without a rule of the direction everybody is in.
#[test]
fn one_rule_whose_conditions_all_hold_is_enough() {
    const YES: &str = r#"{"field":"x","empty":false}"#;
    const NO: &str = r#"{"field":"x","empty":true}"#;
    let rule = |from: &str, conditions: &str| format!(r#"{{"from":"{from}","if":[{conditions}]}}"#);
    let (both, half) = (format!("{YES},{YES}"), format!("{YES},{NO}"));
    for (rules, part) in [
        (vec![], true),
        (vec![rule("b", NO)], true),
        (vec![rule("a", "")], true),
        (vec![rule("a", NO), rule("b", YES)], false),
        (vec![rule("a", &both)], true),
        (vec![rule("a", &half)], false),
        (vec![rule("a", &half), rule("a", YES)], true),
    ] {
        let setup = Setup::new(vec![text("x")], vec![text("x")]);
        let setup = rules.iter().fold(setup, |setup, rule| setup.rule(rule));
        let there = fields(&[("x", "x")]);
        assert_eq!(
            takes_part(&setup.policy(), Side::A, &there),
            part,
            "{rules:?}"
        );
    }
}

#[test]
fn actions_set_constants_of_every_kind_always_or_on_creation_only() {
    let setup = Setup::new(vec![text("x")], all_kinds()).rule(
        r#"{"from":"a","then":[
            {"set":"none","to":"ours"}, {"set":"number","to":7.5}, {"set":"flag","to":true},
            {"set":"day","to":"2001-02-03"}, {"set":"time","to":"2001-02-03T04:05:06Z"},
            {"set":"mail","to":"ann@x.yz","when":"create"}, {"set":"full","to":null}]}"#,
    );
    let mut world = World::new(setup.policy());
    let a = world.add(Side::A, fields(&[("x", "x")]));
    world.run();
    let b = world.link_of(Side::A, &a).expect("a link").remote.b.clone();
    let set = |world: &World| {
        ["none", "number", "flag", "day", "time", "mail", "full"]
            .map(|name| world.value(Side::B, &b, name))
    };
    let filled = filled();
    let of = |name: &str| {
        filled
            .get(&FieldName::new(name))
            .cloned()
            .unwrap_or_default()
    };
    let mut want = [
        "ours".into(),
        Value::Number("7.5".into()),
        Value::Bool(true),
        of("day"),
        of("time"),
        "ann@x.yz".into(),
        Value::Empty,
    ];
    assert_eq!(set(&world), want);
    let own = [("mail", "own@x.yz".into()), ("none", "own".into())];
    world.edit(Side::B, &b, &own);
    world.edit(Side::A, &a, &[("x", "a1".into())]);
    world.run();
    want[5] = "own@x.yz".into();
    assert_eq!(set(&world), want);
}

/// A pull asks for what is mapped, for a contact's own addresses, for what can stand in for a name that the other side
/// requires, for what rules test, and for what they set there.
#[test]
fn a_pull_asks_for_what_planning_looks_at() {
    let more = |mut list: Vec<FieldDescriptor>| {
        let of = |name: &str, kind| FieldDescriptor::new(name, name, kind);
        let own = [of("own", Kind::Email), of("tested", Kind::Text)];
        list.extend([of("set", Kind::Text), of("other", Kind::Text)]);
        list.extend(own);
        list.push(field("phone.work", Kind::Phone));
        list
    };
    let setup = Setup::new(more(crm()), more(book()))
        .rule(r#"{"from":"b","if":[{"field":"tested","is":"x"}],"then":[{"set":"set","to":"x"}]}"#)
        .with(|s| {
            s.mapping
                .entries
                .retain(|entry| entry.a.to_string().ends_with("_Name"));
        });
    let policy = setup.policy();
    let asked = |side: Side| {
        let wanted = policy.wanted(side);
        wanted
            .iter()
            .map(|name| name.as_str().to_owned())
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(asked(Side::A), "Email First_Name Last_Name own set");
    assert_eq!(
        asked(Side::B),
        "email family given org own phone.work tested"
    );
}

#[test]
fn a_record_survives_its_partner_where_the_deletion_is_not_carried_over() {
    for (direction, policy, survives) in [
        (Direction::TwoWay, DeletionPolicy::Ignore, [true, true]),
        (Direction::TwoWay, DeletionPolicy::Delete, [false, false]),
        (Direction::AToB, DeletionPolicy::Delete, [false, true]),
        (Direction::BToA, DeletionPolicy::Mark, [true, false]),
        (Direction::BToA, DeletionPolicy::Ignore, [true, true]),
    ] {
        let setup = Setup::one_field().deleting(policy);
        let policy = setup.with(|s| s.direction = direction).policy();
        let got = Side::BOTH.map(|gone| policy.survives(gone));
        assert_eq!(got, survives, "{direction:?}");
    }
}
