//! What a connection comes to before any record is looked at: what flows where, what decides equality, what must be read.

use syncline_model::{
    Cardinality, Choice, Direction, FieldDescriptor, Flow, Kind, MappingEntry, Side, Sides,
};

use crate::fixture::{Setup, field, text};

fn of(name: &str, kind: Kind) -> FieldDescriptor {
    FieldDescriptor::new(name, name, kind)
}

fn many(name: &str) -> FieldDescriptor {
    FieldDescriptor {
        cardinality: Cardinality::Many,
        ..of(name, Kind::Text)
    }
}

/// Both sides: one mapped text, and fields for rules.
fn setup() -> Setup {
    let groups = FieldDescriptor {
        membership: Some("group".into()),
        choices: vec![Choice {
            value: "VIP".into(),
            label: "VIP".into(),
        }],
        ..many("groups")
    };
    let all = || {
        let own = ["source", "target", "tested"].map(|name| of(name, Kind::Text));
        let sets = [many("labels"), many("marks"), groups.clone()];
        [vec![text("x")], own.into(), sets.into()].concat()
    };
    Setup::new(all(), all())
}

fn rule(from: Side, then: &str, undo: bool) -> String {
    format!(
        r#"{{"from":"{from}","if":[{{"field":"tested","is":"x"}}],"then":[{then}],"reverse_on_exit":{undo}}}"#
    )
}

fn mapped(setup: Setup, a: &str, b: &str, flow: Flow) -> Setup {
    setup.with(|s| {
        let path = |text: &str| text.parse().expect("a path");
        let entry = MappingEntry::new(path(a), path(b));
        s.mapping.entries.push(MappingEntry { flow, ..entry });
    })
}

/// Of the side that a rule is from: what it tests and copies. Of the other: what it sets and what it adds to.
#[test]
fn a_pull_asks_for_what_rules_read_and_write() {
    const SET: &str = r#"{"set":"target","to":"x"}"#;
    const COPY: &str = r#"{"set":"target","from":"source"}"#;
    const ADD: &str = r#"{"add_to":"group:VIP"}"#;
    for (then, there, here) in [
        ("", "tested x", "x"),
        (SET, "tested x", "target x"),
        (COPY, "source tested x", "target x"),
        (ADD, "tested x", "groups x"),
    ] {
        for from in Side::BOTH {
            let policy = setup().rule(&rule(from, then, false)).policy();
            let asked = |side: Side| {
                let names = policy.wanted(side).into_iter();
                names
                    .map(|name| name.as_str().to_owned())
                    .collect::<Vec<_>>()
                    .join(" ")
            };
            assert_eq!(asked(from), there, "{then} from {from}");
            assert_eq!(asked(from.other()), here, "{then} from {from}");
        }
    }
}

/// What is put back, and what is added to, must be known before it is written.
#[test]
fn records_are_read_before_rules_undo_or_add() {
    const SET: &str = r#"{"set":"target","from":"source"}"#;
    const COPIES: &str = r#"{"set":"marks","from":"labels"}"#;
    const ADD: &str = r#"{"add_to":"group:VIP"}"#;
    for (then, undo, reads, undoes) in [
        ("", false, false, false),
        ("", true, false, false),
        (SET, false, false, false),
        (SET, true, true, true),
        (COPIES, false, true, false),
        (ADD, false, true, false),
        (ADD, true, true, true),
    ] {
        for from in Side::BOTH {
            let policy = setup().rule(&rule(from, then, undo)).policy();
            let got = |side: Side| (policy.reads_before_writing(side), policy.undoes(side));
            let about = format!("{then} from {from}, undone: {undo}");
            assert_eq!(got(from.other()), (reads, undoes), "{about}");
            assert_eq!(got(from), (false, false), "{about}");
        }
    }
}

/// A composite field is sent whole: where only some of its parts are mapped, the others are known from the record alone.
#[test]
fn records_are_read_before_a_part_of_a_field_is_written() {
    let base = || {
        let texts = [
            "given", "family", "street", "city", "region", "code", "country",
        ];
        let a = texts.map(|name| of(name, Kind::Text));
        let b = [of("full", Kind::FullName), of("home", Kind::Address)];
        Setup::new(
            [vec![text("x")], a.into()].concat(),
            [vec![text("x")], b.into()].concat(),
        )
    };
    let parts = [
        ("street", "home#street"),
        ("city", "home#city"),
        ("region", "home#region"),
        ("code", "home#postal_code"),
        ("country", "home#country"),
    ];
    let with = |entries: &[(&str, &str)], flow: Flow| {
        let all = entries.iter();
        all.fold(base(), |setup, (a, b)| mapped(setup, a, b, flow))
            .policy()
    };
    let names = [("given", "full#given"), ("family", "full#family")];
    for (entries, flow, reads) in [
        (&names[..], Flow::Both, false),
        (&names[..1], Flow::Both, true),
        (&names[1..], Flow::AToB, true),
        (&names[..1], Flow::BToA, false),
        (&parts[..], Flow::Both, false),
        (&parts[..4], Flow::Both, true),
        (&parts[..1], Flow::AToB, true),
        (&parts[..1], Flow::BToA, false),
        (&[][..], Flow::Both, false),
    ] {
        let policy = with(entries, flow);
        assert_eq!(
            policy.reads_before_writing(Side::B),
            reads,
            "{entries:?} {flow:?}"
        );
        assert!(
            !policy.reads_before_writing(Side::A),
            "{entries:?} {flow:?}"
        );
    }
    // All of one name, and a part of an address.
    let policy = with(&[&names[..], &parts[1..2]].concat(), Flow::Both);
    assert!(policy.reads_before_writing(Side::B));
}

/// Direction, the entry's own flow and what can be written, together.
#[test]
fn values_flow_where_nothing_forbids_it() {
    let side = |writable: bool| {
        let x = FieldDescriptor {
            writable,
            ..of("y", Kind::Text)
        };
        vec![text("x"), x]
    };
    for (direction, flow, writable, from) in [
        (Direction::TwoWay, Flow::Both, (true, true), (true, true)),
        (Direction::TwoWay, Flow::Both, (false, true), (true, false)),
        (Direction::TwoWay, Flow::Both, (true, false), (false, true)),
        (Direction::TwoWay, Flow::AToB, (true, true), (true, false)),
        (Direction::TwoWay, Flow::BToA, (true, true), (false, true)),
        (Direction::AToB, Flow::Both, (true, true), (true, false)),
        (Direction::BToA, Flow::Both, (true, true), (false, true)),
        (Direction::AToB, Flow::AToB, (false, true), (true, false)),
    ] {
        let setup = Setup::new(side(writable.0), side(writable.1));
        let setup = mapped(setup, "y", "y", flow).with(|s| s.direction = direction);
        let policy = setup.policy();
        let want = Sides {
            a: from.0,
            b: from.1,
        };
        assert_eq!(
            policy.entries[1].from, want,
            "{direction:?} {flow:?} {writable:?}"
        );
    }
}

/// Of two texts of different kinds the one that forgives more decides whether they say the same.
#[test]
fn kinds_that_go_together_are_compared_by_the_stricter_form_of_the_two() {
    use Kind::{
        Address, Bool, Choice, Date, DateTime, Email, FullName, LongText, Number, Phone, Reference,
        Text, Url,
    };
    for (a, b, want) in [
        (Text, Text, Some(Text)),
        (Choice, Choice, Some(Choice)),
        (Reference, Reference, Some(Reference)),
        (FullName, FullName, Some(FullName)),
        (Number, Number, Some(Number)),
        (Date, Date, Some(Date)),
        (Address, Address, Some(Address)),
        (Email, Text, Some(Email)),
        (Phone, Text, Some(Phone)),
        (Url, LongText, Some(Url)),
        (Email, Phone, Some(Email)),
        (LongText, Choice, Some(LongText)),
        (Choice, Reference, Some(Text)),
        (FullName, Choice, Some(Text)),
        (Text, Number, None),
        (Text, Bool, None),
        (Date, DateTime, None),
        (Address, Text, None),
        (Number, Bool, None),
    ] {
        for (a, b) in [(a, b), (b, a)] {
            let one = |kind| vec![text("x"), of("y", kind)];
            let setup = mapped(Setup::new(one(a), one(b)), "y", "y", Flow::Both);
            let kind = setup.compile().ok().map(|policy| policy.entries[1].kind);
            assert_eq!(kind, want, "{a:?} and {b:?}");
        }
    }
}

/// Somebody's own addresses, the work address first: fields that can be written or answer to a standard address. A
/// read-only one of another name is somebody else's.
#[test]
fn a_read_only_address_is_somebody_elses() {
    let own = FieldDescriptor {
        writable: false,
        ..field("email.home", Kind::Email)
    };
    let owner = FieldDescriptor {
        writable: false,
        ..of("owner", Kind::Email)
    };
    let side = || {
        vec![
            text("x"),
            own.clone(),
            owner.clone(),
            of("mail", Kind::Email),
            text("note"),
        ]
    };
    let policy = Setup::new(side(), side())
        .with(|s| s.mapping.entries.truncate(1))
        .policy();
    let wanted = policy.wanted(Side::A).into_iter();
    let wanted: Vec<String> = wanted.map(|name| name.as_str().to_owned()).collect();
    assert_eq!(wanted, ["email.home", "mail", "x"]);
}
