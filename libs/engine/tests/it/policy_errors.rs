//! A connection that cannot be is refused with the place of every wrong thing and what would be right.

use syncline_engine::{ConfigError, Policy};
use syncline_model::{
    Blank, Cardinality, Choice, DateFormat, Direction, FieldDescriptor, Flow, Kind, MappingEntry,
    ValuePair, Word,
};

use crate::fixture::{Setup, field, text};

fn setup() -> Setup {
    let read_only = FieldDescriptor {
        writable: false,
        ..FieldDescriptor::new("id", "Id", Kind::Text)
    };
    let tags = FieldDescriptor {
        cardinality: Cardinality::Many,
        membership: Some("tag".into()),
        choices: choices(&["VIP"]),
        ..FieldDescriptor::new("tags", "Tags", Kind::Choice)
    };
    let source = FieldDescriptor {
        choices: choices(&["Chat", "Cold Call"]),
        ..FieldDescriptor::new("source", "Source", Kind::Choice)
    };
    let list = || {
        vec![
            text("x"),
            FieldDescriptor::new("y", "Y", Kind::Text),
            FieldDescriptor::new("when", "When", Kind::Date),
            FieldDescriptor::new("flag", "Flag", Kind::Bool),
            field("address.home", Kind::Address),
            read_only.clone(),
            tags.clone(),
            source.clone(),
        ]
    };
    Setup::new(list(), list()).with(|s| s.mapping.entries.truncate(1))
}

fn choices(values: &[&str]) -> Vec<Choice> {
    let choice = |value: &&str| Choice {
        value: (*value).to_owned(),
        label: (*value).to_owned(),
    };
    values.iter().map(choice).collect()
}

fn entry(a: &str, b: &str) -> MappingEntry {
    MappingEntry::new(a.parse().expect("a path"), b.parse().expect("a path"))
}

#[track_caller]
fn check(setup: &Setup, path: &str, part: &str) {
    let errors = setup.compile().err().unwrap_or_default();
    let found = errors
        .iter()
        .any(|error| error.path == path && error.message.contains(part));
    assert!(found, "wanted `{part}` at {path}, got {errors:?}");
}

fn mapped(a: &str, b: &str) -> Setup {
    setup().with(|s| s.mapping.entries.push(entry(a, b)))
}

#[test]
fn the_setup_itself_is_fine() {
    assert!(setup().compile().is_ok());
}

#[test]
fn wrong_mapping_entries_are_named() {
    check(
        &setup().with(|s| s.mapping.entries.clear()),
        "/mapping",
        "at least one",
    );
    check(
        &mapped("nothing", "y"),
        "/mapping/1/a",
        "no field `nothing`; there are: ",
    );
    check(
        &mapped("y", "nothing"),
        "/mapping/1/b",
        "no field `nothing`",
    );
    check(&mapped("x", "y"), "/mapping/1/a", "`x` is mapped twice");
    check(&mapped("y", "x"), "/mapping/1/b", "`x` is mapped twice");
    check(&mapped("y#city", "y"), "/mapping/1/a", "has no part `city`");
    check(
        &mapped("address.home#given", "y"),
        "/mapping/1/a",
        "has no part `given`",
    );
    check(&mapped("when", "flag"), "/mapping/1", "not compatible");
    check(&mapped("tags", "y"), "/mapping/1", r#"say `"as": "text"`"#);
    check(&mapped("when", "y"), "/mapping/1", r#"say `"as": "date"`"#);
    check(
        &mapped("tags", "when"),
        "/mapping/1",
        "a set of texts can only",
    );
    check(
        &mapped("source", "flag"),
        "/mapping/1",
        "by a table only: say in `values`",
    );
    check(&mapped("id", "id"), "/mapping/1", "nothing can flow");
    let one_way = mapped("y", "y").with(|s| {
        s.direction = Direction::AToB;
        s.mapping.entries[1].flow = Flow::BToA;
    });
    check(&one_way, "/mapping/1", "nothing can flow");
    let many = setup().with(|s| s.mapping.entries = vec![entry("x", "x"); 201]);
    check(&many, "/mapping", "at most 200");
}

#[test]
fn what_an_entry_says_beside_its_fields_must_fit_them() {
    let with = |a: &str, b: &str, change: fn(&mut MappingEntry)| {
        mapped(a, b).with(|s| change(&mut s.mapping.entries[1]))
    };
    let check = |setup: &Setup, place: &str, part: &str| {
        check(setup, &format!("/mapping/1{place}"), part);
    };
    check(
        &with("when", "y", |e| e.meaning = Some(Kind::Number)),
        "",
        r#"say `"as": "date"`"#,
    );
    check(
        &with("y", "y", |e| e.meaning = Some(Kind::Text)),
        "",
        "leave out `as`",
    );
    check(
        &with("y", "y", |e| e.dates = DateFormat::MonthDayYear),
        "/dates",
        "no date that is mapped to a text",
    );
    // An address is only ever written out.
    let written = |flow| {
        with("address.home", "y", |e| e.meaning = Some(Kind::Text))
            .with(|s| s.mapping.entries[1].flow = flow)
    };
    assert!(written(Flow::Both).compile().is_ok());
    check(&written(Flow::BToA), "", "is not read back");
    for (a, b, meaning) in [
        ("when", "y", Kind::Date),
        ("flag", "y", Kind::Bool),
        ("tags", "y", Kind::Text),
    ] {
        let sound = mapped(a, b).with(|s| s.mapping.entries[1].meaning = Some(meaning));
        assert!(sound.compile().is_ok(), "{a} {b}");
    }
}

#[test]
fn opt_outs_have_words_of_their_own() {
    let out = || FieldDescriptor::new("out", "Out", Kind::OptOut);
    let base = || {
        mapped("out", "flag").with(|s| {
            s.fields.a.push(out());
            s.fields.b.push(out());
        })
    };
    assert!(base().compile().is_ok());
    let synced = base().with(|s| s.mapping.entries[1].blank = Blank::Sync);
    check(&synced, "/mapping/1/blank", "say `opt_in`");
    assert!(
        base()
            .with(|s| s.mapping.entries[1].opt_in = true)
            .compile()
            .is_ok()
    );
    let plain = mapped("y", "y").with(|s| s.mapping.entries[1].opt_in = true);
    check(&plain, "/mapping/1/opt_in", "neither field is one");
    // A place in a container is one that there is, but for the one that is made where it is needed.
    assert!(mapped("flag", "tags#has:VIP").compile().is_ok());
    assert!(
        mapped("flag", "tags#has:Syncline Unsubscribed")
            .compile()
            .is_ok()
    );
    check(
        &mapped("flag", "tags#has:Gold"),
        "/mapping/1/b",
        "`tags` has no choice `Gold`; it has: VIP",
    );
    let none = mapped("flag", "tags#has:Gold").with(|s| {
        let tags = s
            .fields
            .b
            .iter_mut()
            .find(|one| one.name.as_str() == "tags");
        let tags = tags.expect("tags");
        tags.membership = Some("tag".into());
        tags.choices.clear();
    });
    check(
        &none,
        "/mapping/1/b",
        "there is no tag `Gold`; there is none at all",
    );
    check(
        &mapped("flag", "source#has:Chat"),
        "/mapping/1/b",
        "has no part `has:Chat`",
    );
    let added = |item: &str| {
        mapped("flag", "tags#has:Syncline Unsubscribed").rule(&format!(
            r#"{{"from":"a","then":[{{"add_to":"tag:{item}"}}]}}"#
        ))
    };
    assert!(added("VIP").compile().is_ok());
    check(
        &added("Syncline Unsubscribed"),
        "/rules/0/then/0/add_to",
        "one master",
    );
}

#[test]
fn tables_of_values_are_checked_against_the_choices_that_there_are() {
    let row = |a: Word, b: Word| ValuePair { a, b };
    let text = |word: &str| Word::from(word);
    let with = |a: &str, b: &str, rows: Vec<ValuePair>| {
        mapped(a, b).with(|s| s.mapping.entries[1].values = rows)
    };
    let check = |setup: &Setup, place: &str, part: &str| {
        check(setup, &format!("/mapping/1{place}"), part);
    };
    let flags = || {
        vec![
            row(text("Chat"), true.into()),
            row(text("Cold Call"), false.into()),
        ]
    };
    assert!(with("source", "flag", flags()).compile().is_ok());
    assert!(
        with("tags", "tags", vec![row(text("VIP"), text("VIP"))])
            .compile()
            .is_ok()
    );
    let torn = vec![
        row(text("Chat"), true.into()),
        row(text("Chat"), false.into()),
    ];
    check(
        &with("source", "flag", torn),
        "/values/0/a",
        "beside true and beside false",
    );
    let many = vec![row(text("VIP"), text("VIP")), row(text("VIP"), text("VIP"))];
    check(&with("tags", "tags", many), "/values/0", "one row alone");
    check(
        &with("source", "y", vec![row(text("Fax"), text("x"))]),
        "/values/0/a",
        "`source` has no choice `Fax`; it has: Chat, Cold Call",
    );
    check(
        &with("source", "y", vec![row(text("Chat"), true.into())]),
        "/values/0/b",
        "in quotation marks",
    );
    check(
        &with("source", "y", vec![row(text("Chat"), text(" "))]),
        "/values/0/b",
        "a word is needed",
    );
    check(
        &with("source", "flag", flags()[..1].to_vec()),
        "/values",
        "one for `false`",
    );
    check(
        &with("source", "flag", vec![row(text("Chat"), text("yes"))]),
        "/values/0/b",
        "write true or false",
    );
    check(
        &with("when", "source", vec![row(text("x"), text("Chat"))]),
        "",
        "choices, texts and yes or no alone",
    );
    check(
        &with("tags", "y", vec![row(text("VIP"), text("x"))]),
        "",
        "the other a set",
    );
    // One word of a side may stand for several of the other, in one of both ways.
    let of = |pairs: &[(&str, &str)]| {
        let rows = pairs.iter().map(|(a, b)| row(text(a), text(b)));
        with("y", "y", rows.collect())
    };
    assert!(
        of(&[("1", "x"), ("2", "x"), ("3", "y"), ("3", "z")])
            .compile()
            .is_ok()
    );
    check(
        &of(&[("1", "x"), ("2", "x"), ("2", "y")]),
        "/values/1",
        "which of them is meant cannot be told",
    );
    check(&of(&[("1", "x"), ("1", "x")]), "/values/0", "in other rows");
    let many = vec![row(text("1"), text("x")); 201];
    check(&with("y", "y", many), "/values", "at most 200 rows");
}

/// A provider whose records hold fields of any name lists them under one name with a star.
#[test]
fn a_field_of_any_name_is_mapped_and_set_by_its_own() {
    let own = || FieldDescriptor {
        custom: true,
        ..FieldDescriptor::new("own.*", "Own", Kind::Text)
    };
    let list = || vec![text("x"), own()];
    let setup = || Setup::new(list(), list()).with(|s| s.mapping.entries.truncate(1));
    let mapped = |a: &str, b: &str| setup().with(|s| s.mapping.entries.push(entry(a, b)));
    let good = mapped("own.a", "own.b").rule(
        r#"{"from":"a","if":[{"field":"own.c","is":"x"}],"then":[{"set":"own.d","from":"own.e"}]}"#,
    );
    let policy = good.compile().expect("a connection that can be");
    let wanted = |side| {
        let names = policy.wanted(side).into_iter();
        names.map(|name| name.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(
        wanted(syncline_model::Side::A),
        ["own.a", "own.c", "own.e", "x"]
    );
    assert_eq!(wanted(syncline_model::Side::B), ["own.b", "own.d", "x"]);
    check(&mapped("own.*", "own.b"), "/mapping/1/a", "of any name");
    check(&mapped("own.", "own.b"), "/mapping/1/a", "no field `own.`");
    check(&mapped("owl", "own.b"), "/mapping/1/a", "own.*");
    check(&mapped("own.a", "x"), "/mapping/1/b", "mapped twice");
}

#[test]
fn a_whole_and_its_part_are_not_both_mapped() {
    let list = || {
        vec![
            field("address.home", Kind::Address),
            FieldDescriptor::new("y", "Y", Kind::Text),
        ]
    };
    let both = Setup::new(list(), list()).with(|s| {
        s.mapping.entries = vec![
            entry("address.home", "address.home"),
            entry("y", "address.home#city"),
        ];
    });
    check(&both, "/mapping/1/b", "mapped twice");
}

#[test]
fn wrong_rules_are_named() {
    let ruled = |json: &str| setup().rule(json);
    check(
        &ruled(r#"{"from":"a","if":[{"field":"no","is":"x"}]}"#),
        "/rules/0/if/0/field",
        "no field `no`",
    );
    check(
        &ruled(r#"{"from":"a","if":[{"field":"x#city","is":"x"}]}"#),
        "/rules/0/if/0/field",
        "no part",
    );
    check(
        &ruled(r#"{"from":"a","then":[{"set":"no","to":"x"}]}"#),
        "/rules/0/then/0/set",
        "no field `no`",
    );
    check(
        &ruled(r#"{"from":"a","then":[{"set":"id","to":"x"}]}"#),
        "/rules/0/then/0/set",
        "read-only",
    );
    check(
        &ruled(r#"{"from":"a","then":[{"set":"x","to":"x"}]}"#),
        "/rules/0/then/0/set",
        "one master",
    );
    check(
        &ruled(r#"{"from":"a","then":[{"set":"address.home#city","to":"x"}]}"#),
        "/rules/0/then/0/set",
        "whole field",
    );
    check(
        &ruled(r#"{"from":"a","then":[{"set":"flag","to":"x"}]}"#),
        "/rules/0/then/0/to",
        "not a value",
    );
    check(
        &ruled(r#"{"from":"a","then":[{"set":"when","to":"soon"}]}"#),
        "/rules/0/then/0/to",
        "not a date",
    );
    for (condition, part) in [
        (r#""field":"when","is":"soon""#, "not a date"),
        (r#""field":"x","before":"2026-01-31""#, "dates and times"),
        (r#""field":"x","within_days":7"#, "dates and times"),
        (r#""field":"x","greater":7"#, "numbers"),
        (r#""field":"flag","contains":"x""#, "texts"),
        (r#""field":"flag","is":"perhaps""#, "not a value"),
        (
            r#""field":"source","is":"Fax""#,
            "no choice `Fax`; it has: Chat, Cold Call",
        ),
        (r#""field":"source","in":["Chat","Fax"]"#, "no choice `Fax`"),
    ] {
        let errors = ruled(&format!(r#"{{"from":"a","if":[{{{condition}}}]}}"#));
        let errors = errors.compile().err().unwrap_or_default();
        let named = |error: &syncline_engine::ConfigError| {
            error.path.starts_with("/rules/0/if/0/") && error.message.contains(part)
        };
        assert!(errors.iter().any(named), "{condition}: {errors:?}");
    }
    for (action, at, part) in [
        (r#""set":"tags","to":"x""#, "set", "several values"),
        (r#""set":"source","to":"Fax""#, "to", "no choice `Fax`"),
        (r#""set":"y","from":"no""#, "from", "no field `no`"),
        (r#""set":"when","from":"flag""#, "from", "not compatible"),
        (r#""set":"x","from":"y""#, "set", "one master"),
        (
            r#""add_to":"group:x""#,
            "add_to",
            "no containers of kind `group`; it has: tag",
        ),
        (
            r#""add_to":"tag:Old""#,
            "add_to",
            "no choice `Old`; it has: VIP",
        ),
    ] {
        let rule = ruled(&format!(r#"{{"from":"a","then":[{{{action}}}]}}"#));
        check(&rule, &format!("/rules/0/then/0/{at}"), part);
    }
    for good in [
        r#""field":"source","in":["Chat","Cold Call"]"#,
        r#""field":"tags","is":"VIP""#,
        r#""field":"flag","is":"yes""#,
    ] {
        let rule = format!(r#"{{"from":"a","if":[{{{good}}}],"then":[{{"add_to":"tag:VIP"}}]}}"#);
        assert!(ruled(&rule).compile().is_ok(), "{good}");
    }
    let against = ruled(r#"{"from":"b"}"#).with(|s| s.direction = Direction::AToB);
    check(&against, "/rules/0/from", "no record flow from b");
    let many = setup()
        .with(|s| s.rules = vec![serde_json::from_str(r#"{"from":"a"}"#).expect("rule"); 51]);
    check(&many, "/rules", "at most 50");
}

#[test]
fn every_wrong_thing_is_named_at_once() {
    let errors = mapped("no", "nor").rule(r#"{"from":"a","if":[{"field":"none","is":1}]}"#);
    assert_eq!(errors.compile().err().map(|e| e.len()), Some(3));
}

/// A connection that was sound goes on without the entries whose fields are not as they were.
#[test]
fn entries_whose_fields_are_gone_rest_and_the_others_go_on() {
    let fields = |names: &[&str]| names.iter().map(|name| text(name)).collect::<Vec<_>>();
    let sound = Setup::new(fields(&["x", "y", "z"]), fields(&["x", "y", "z"]));
    let rest = |setup: &Setup| {
        let input = setup.input();
        let (policy, paused) = Policy::compile_rest(&input)?;
        let left: Vec<String> = policy
            .entries
            .iter()
            .map(|entry| entry.paths.a.to_string())
            .collect();
        let paused: Vec<(String, String)> = paused
            .into_iter()
            .map(|one| (one.a.to_string(), one.reason))
            .collect();
        Ok::<_, Vec<ConfigError>>((left, paused))
    };
    assert_eq!(
        rest(&sound),
        Ok((vec!["x".into(), "y".into(), "z".into()], Vec::new()))
    );
    // One is gone, one changed its kind.
    let changed = sound.clone().with(|setup| {
        setup.fields.a.retain(|field| field.name.as_str() != "x");
        setup.fields.b[1].kind = Kind::Bool;
    });
    let (left, paused) = rest(&changed).expect("a rest");
    assert_eq!(left, ["z"]);
    assert_eq!(paused.len(), 2);
    assert!(
        paused[0].1.starts_with("there is no field `x`"),
        "{paused:?}"
    );
    assert!(paused[1].1.contains("cannot be mapped"), "{paused:?}");
    // Nothing is left, or a condition cannot be asked any more.
    let nothing = sound.clone().with(|setup| setup.fields.a.clear());
    assert!(rest(&nothing).is_err());
    let ruled = changed.rule(r#"{"from":"a","if":[{"field":"x","is":"in"}]}"#);
    let errors = rest(&ruled).expect_err("no rest");
    assert_eq!(errors[0].path, "/rules/0/if/0/field");
}
