//! Entries whose two sides say the same in other words: laws on generated values, through the public API, and stories of what
//! cannot be read or is not named.
//!
//! The laws: what was put is what is got, a person's own spelling is never rewritten, and reading again writes nothing.

use chrono::{DateTime, Utc};
use proptest::prelude::*;
use syncline_engine::Operation;
use syncline_model::{
    Blank, ConflictPolicy, DateFormat, FieldDescriptor, Flow, Kind, MappingEntry, PartialDate,
    ProblemReason, RemoteId, Side, Value, ValuePair,
};

use crate::fixture::{Setup, field, fields, list, set, text};
use crate::sim::World;

/// Two records with a name `x` each, and an entry between `v` of a and `v` of b.
fn setup(a: FieldDescriptor, b: FieldDescriptor, change: impl FnOnce(&mut MappingEntry)) -> Setup {
    let plain = |field: FieldDescriptor| FieldDescriptor {
        standard: None,
        ..field
    };
    Setup::new(vec![text("x"), plain(a)], vec![text("x"), plain(b)]).with(|setup| {
        let path = || "v".parse().expect("a path");
        let mut entry = MappingEntry::new(path(), path());
        change(&mut entry);
        setup.mapping.entries.push(entry);
    })
}

fn told(kind: Kind, format: DateFormat) -> Setup {
    setup(field("v", kind), text("v"), |entry| {
        entry.meaning = Some(kind);
        entry.dates = format;
    })
}

fn rows(pairs: &[(&str, &str)]) -> Vec<ValuePair> {
    let row = |(a, b): &(&str, &str)| ValuePair {
        a: (*a).into(),
        b: (*b).into(),
    };
    pairs.iter().map(row).collect()
}

fn linked(setup: &Setup, value: Value) -> (World, RemoteId, RemoteId) {
    let mut world = World::new(setup.policy());
    let mut given = fields(&[("x", "x")]);
    given.insert("v".into(), value);
    let a = world.add(Side::A, given);
    world.run();
    let b = world.link_of(Side::A, &a).expect("a link").remote.b.clone();
    (world, a, b)
}

/// Reading both records again writes nothing.
fn settled(world: &mut World, a: &RemoteId, b: &RemoteId) -> bool {
    world.touch(Side::A, a);
    world.touch(Side::B, b);
    world.run() == 0
}

fn day() -> impl Strategy<Value = PartialDate> {
    (proptest::option::of(0..=9999_i32), 1..=12_u8, 1..=31_u8)
        .prop_filter_map("a day", |(year, month, day)| {
            PartialDate::new(year, month, day)
        })
}

fn format() -> impl Strategy<Value = DateFormat> {
    proptest::sample::select(DateFormat::ALL.to_vec())
}

fn time() -> impl Strategy<Value = DateTime<Utc>> {
    (-60_000_000_000_i64..60_000_000_000)
        .prop_filter_map("a time", |seconds| DateTime::from_timestamp(seconds, 0))
}

/// A value of a kind, and how a person might write it in a text.
fn told_values() -> impl Strategy<Value = (Kind, DateFormat, Value, String)> {
    let dates = (day(), format(), any::<bool>()).prop_map(|(day, format, padded)| {
        let (month, date) = if padded {
            (format!("{:02}", day.month), format!("{:02}", day.day))
        } else {
            (day.month.to_string(), day.day.to_string())
        };
        let year = day.year.map(|year| format!("{year:04}"));
        let spelt = match (format, year) {
            (DateFormat::Iso, Some(year)) => format!("{year}-{month}-{date}"),
            (DateFormat::Iso, None) => format!("--{month}-{date}"),
            (DateFormat::DayMonthYearDots, year) => {
                format!("{date}.{month}.{}", year.unwrap_or_default())
            }
            (DateFormat::DayMonthYear, Some(year)) => format!("{date}/{month}/{year}"),
            (DateFormat::DayMonthYear, None) => format!("{date}/{month}"),
            (DateFormat::MonthDayYear, Some(year)) => format!("{month}/{date}/{year}"),
            (DateFormat::MonthDayYear, None) => format!("{month}/{date}"),
        };
        (Kind::Date, format, Value::Date(day), spelt)
    });
    let times = (time(), -12..=12_i32).prop_map(|(time, hours)| {
        let zone = chrono::FixedOffset::east_opt(hours * 3600).expect("a zone");
        let spelt = time.with_timezone(&zone).to_rfc3339();
        (Kind::DateTime, DateFormat::Iso, Value::Time(time), spelt)
    });
    let numbers =
        ("-?(0|[1-9][0-9]{0,8})(\\.[0-9]{0,3}[1-9])?", "0{0,2}").prop_map(|(number, zeros)| {
            let spelt = if number.contains('.') {
                format!("{number}{zeros}")
            } else {
                number.clone()
            };
            (Kind::Number, DateFormat::Iso, Value::Number(number), spelt)
        });
    let words = [
        (true, "true"),
        (true, "Yes"),
        (true, "1"),
        (false, "false"),
        (false, "NO"),
        (false, "0"),
    ];
    let flags = proptest::sample::select(words.to_vec()).prop_map(|(yes, word)| {
        (
            Kind::Bool,
            DateFormat::Iso,
            Value::Bool(yes),
            word.to_owned(),
        )
    });
    prop_oneof![3 => dates, 1 => times, 1 => numbers, 1 => flags]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    /// What a side holds is told by the other side's text and read back from there as it was, and a person's own spelling
    /// of it stays as it is.
    #[test]
    fn what_a_text_tells_is_what_is_meant(
        (kind, format, value, spelt) in told_values(), (_, _, other, _) in told_values(),
    ) {
        let mut policy = told(kind, format);
        policy.fields.a[1].partial_dates = true;
        let same_kind = std::mem::discriminant(&other) == std::mem::discriminant(&value);
        let before = if same_kind { other } else { value.clone() };
        let (mut world, a, b) = linked(&policy, before.clone());
        prop_assert!(settled(&mut world, &a, &b), "{before:?} is told and read: {:?}", world.value(Side::B, &b, "v"));
        prop_assert_eq!(world.value(Side::A, &a, "v"), before);
        // Put, then get.
        world.edit(Side::A, &a, &[("v", value.clone())]);
        world.run();
        prop_assert!(settled(&mut world, &a, &b));
        prop_assert_eq!(world.value(Side::A, &a, "v"), value.clone());
        // Told by a person: the text is read, and left as it is.
        world.edit(Side::A, &a, &[("v", Value::Empty)]);
        world.run();
        world.edit(Side::B, &b, &[("v", Value::text(spelt.clone()))]);
        world.run();
        prop_assert!(settled(&mut world, &a, &b));
        prop_assert_eq!(world.value(Side::B, &b, "v"), Value::text(spelt));
        let there = world.value(Side::A, &a, "v");
        prop_assert!(syncline_engine::equal(kind, syncline_model::Cardinality::One, &there, &value), "{there:?} {value:?}");
    }

    /// A time and a day: the day goes over, and a time of that day is not rewritten.
    #[test]
    fn a_day_of_a_time(time in time(), day in day()) {
        let setup = setup(field("v", Kind::DateTime), field("v", Kind::Date), |entry| entry.meaning = Some(Kind::Date));
        let (mut world, a, b) = linked(&setup, Value::Time(time));
        let there = world.value(Side::B, &b, "v");
        let is_day = matches!(&there, Value::Date(day) if day.to_string() == time.format("%Y-%m-%d").to_string());
        prop_assert!(is_day, "{there:?}");
        prop_assert!(settled(&mut world, &a, &b));
        prop_assert_eq!(world.value(Side::A, &a, "v"), Value::Time(time));
        world.edit(Side::B, &b, &[("v", Value::Date(day))]);
        world.run();
        let now = world.value(Side::A, &a, "v");
        match (day.year, now) {
            (Some(_), Value::Time(now)) => prop_assert_eq!(now.format("%Y-%m-%d").to_string(), day.to_string()),
            (None, now) => {
                prop_assert_eq!(now, Value::Time(time));
                prop_assert_eq!(world.problems.len(), 1);
            }
            (_, now) => prop_assert!(false, "{now:?}"),
        }
        prop_assert!(settled(&mut world, &a, &b));
    }

    /// A table that names each word once carries every word there and back; where several words of a stand for one of b,
    /// changing between them is no change.
    #[test]
    fn a_table_carries_what_it_names(one in 0..4_usize, two in 0..4_usize) {
        let pairs = [("1", "x"), ("2", "y"), ("3", "z"), ("4", "z")];
        let word = |index: usize| (Value::text(pairs[index].0), Value::text(pairs[index].1));
        let (mut world, a, b) = linked(&tabled(&pairs), word(one).0);
        prop_assert_eq!(world.value(Side::B, &b, "v"), word(one).1);
        prop_assert!(settled(&mut world, &a, &b));
        prop_assert_eq!(world.value(Side::A, &a, "v"), word(one).0);
        world.edit(Side::A, &a, &[("v", word(two).0)]);
        let calls = world.run();
        prop_assert_eq!(calls, usize::from(word(one).1 != word(two).1));
        prop_assert_eq!(world.value(Side::A, &a, "v"), word(two).0);
        prop_assert!(settled(&mut world, &a, &b));
        world.edit(Side::B, &b, &[("v", word(one).1)]);
        world.run();
        let said = world.value(Side::A, &a, "v");
        prop_assert!(pairs.iter().any(|(a, b)| Value::text(*a) == said && Value::text(*b) == word(one).1));
        prop_assert!(settled(&mut world, &a, &b));
    }
}

fn tabled(pairs: &[(&str, &str)]) -> Setup {
    let choice = || field("v", Kind::Choice);
    setup(choice(), choice(), |entry| entry.values = rows(pairs))
}

/// A problem names the field and what to do, never the value; nothing is written, and what stands there stays.
#[track_caller]
fn refused(world: &World, part: &str, value: &str) {
    let [problem] = world.problems.as_slice() else {
        panic!("{:?}", world.problems);
    };
    assert_eq!(problem.reason, ProblemReason::FieldUnfit);
    assert!(problem.message.contains(part), "{}", problem.message);
    assert!(!problem.message.contains(value), "{}", problem.message);
}

#[test]
fn a_text_that_tells_nothing_is_named_and_never_written_as_empty() {
    let cases = [
        (
            Kind::Date,
            Value::Date("2001-02-03".parse().expect("a day")),
            "holds a date",
        ),
        (Kind::Number, Value::Number("7".into()), "holds a number"),
        (Kind::Bool, Value::Bool(true), "holds yes or no"),
        (
            Kind::DateTime,
            Value::Time(DateTime::UNIX_EPOCH),
            "holds a time",
        ),
    ];
    for (kind, value, part) in cases {
        for blank in [Blank::Keep, Blank::Sync] {
            let setup = told(kind, DateFormat::Iso).with(|s| s.mapping.entries[1].blank = blank);
            let (mut world, a, b) = linked(&setup, value.clone());
            world.edit(
                Side::B,
                &b,
                &[("v", "some Tuesday".into()), ("x", "new".into())],
            );
            assert_eq!(world.run(), 1, "the rest goes over");
            refused(&world, part, "Tuesday");
            assert_eq!(world.value(Side::A, &a, "x"), "new".into());
            assert_eq!(world.value(Side::A, &a, "v"), value);
            assert_eq!(world.value(Side::B, &b, "v"), "some Tuesday".into());
            assert!(settled(&mut world, &a, &b));
            // Told rightly again.
            let text = setup_text(&value);
            world.edit(Side::B, &b, &[("v", text)]);
            world.run();
            assert!(world.problems.is_empty());
            assert!(settled(&mut world, &a, &b));
        }
    }
}

fn setup_text(value: &Value) -> Value {
    match value.to_json() {
        serde_json::Value::String(text) => text.into(),
        other => other.to_string().into(),
    }
}

#[test]
fn a_word_that_the_table_does_not_name_is_named_and_left_alone() {
    // `x` is a word of b, and one that a has beside those that the table names.
    let pairs = [("1", "x"), ("2", "y")];
    let (mut world, a, b) = linked(&tabled(&pairs), "1".into());
    world.edit(Side::A, &a, &[("v", "x".into())]);
    assert_eq!(world.run(), 0);
    refused(&world, "`values` do not name it", "`x`");
    assert_eq!(world.value(Side::A, &a, "v"), "x".into());
    assert_eq!(world.value(Side::B, &b, "v"), "x".into());
    assert!(settled(&mut world, &a, &b));
    // A row is added for it: what was edited goes over, whoever wins conflicts.
    let more = tabled(&[("1", "x"), ("2", "y"), ("x", "z")])
        .with(|setup| setup.conflict = ConflictPolicy::BWins);
    world.policy = more.policy();
    assert!(!settled(&mut world, &a, &b));
    assert_eq!(world.value(Side::B, &b, "v"), "z".into());
    assert!(world.problems.is_empty() && world.conflicts.is_empty());
    assert!(settled(&mut world, &a, &b));
}

/// A word of a is none of b's, be it written there.
#[test]
fn a_word_of_the_other_sides_column_is_not_named() {
    let (mut world, a, b) = linked(&tabled(&[("1", "x"), ("2", "y")]), "1".into());
    world.edit(Side::B, &b, &[("v", "2".into())]);
    assert_eq!(world.run(), 0);
    refused(&world, "`values` do not name it", "`2`");
    assert_eq!(world.value(Side::A, &a, "v"), "1".into());
    assert!(settled(&mut world, &a, &b));
}

#[test]
fn a_yes_or_no_and_its_words() {
    let yes_no = vec![
        ValuePair {
            a: true.into(),
            b: "gone".into(),
        },
        ValuePair {
            a: true.into(),
            b: "cleaned".into(),
        },
        ValuePair {
            a: false.into(),
            b: "subscribed".into(),
        },
    ];
    let setup = setup(field("v", Kind::Bool), field("v", Kind::Choice), |entry| {
        entry.values = yes_no;
    });
    let (mut world, a, b) = linked(&setup, Value::Empty);
    assert_eq!(world.value(Side::B, &b, "v"), "subscribed".into());
    world.edit(Side::B, &b, &[("v", "cleaned".into())]);
    world.run();
    assert_eq!(world.value(Side::A, &a, "v"), Value::Bool(true));
    assert!(settled(&mut world, &a, &b));
    assert_eq!(world.value(Side::B, &b, "v"), "cleaned".into());
    world.edit(Side::A, &a, &[("v", Value::Bool(false))]);
    world.run();
    assert_eq!(world.value(Side::B, &b, "v"), "subscribed".into());
    // A blank is no "no": it is filled again.
    world.edit(Side::A, &a, &[("v", Value::Bool(true))]);
    world.run();
    world.edit(Side::B, &b, &[("v", Value::Empty)]);
    world.run();
    assert_eq!(world.value(Side::A, &a, "v"), Value::Bool(true));
    assert_eq!(world.value(Side::B, &b, "v"), "gone".into());
    assert!(settled(&mut world, &a, &b));
    // A yes or no alone makes nobody.
    let mut world = World::new(setup.policy());
    world.add(Side::A, [("v".into(), Value::Bool(true))].into());
    assert_eq!(world.run(), 0);
    assert_eq!(world.problems[0].reason, ProblemReason::MissingRequired);
}

#[test]
fn each_word_of_a_set_goes_by_the_table() {
    let setup = setup(set("v"), set("v"), |entry| {
        entry.values = rows(&[("1", "x"), ("2", "y")]);
    });
    let (mut world, a, b) = linked(&setup, list(&["1", "2"]));
    assert_eq!(world.value(Side::B, &b, "v"), list(&["x", "y"]));
    world.edit(Side::B, &b, &[("v", list(&["y"]))]);
    world.run();
    assert_eq!(world.value(Side::A, &a, "v"), list(&["2"]));
    assert!(settled(&mut world, &a, &b));
    world.edit(Side::A, &a, &[("v", list(&["2", "3"]))]);
    assert_eq!(world.run(), 0);
    refused(&world, "`values` do not name it", "`3`");
    assert_eq!(world.value(Side::B, &b, "v"), list(&["y"]));
    assert!(settled(&mut world, &a, &b));
}

#[test]
fn what_is_written_out_follows_its_source_alone() {
    let cases = [
        (
            field("v", Kind::Address),
            Value::Address(syncline_model::Address {
                street: "1 High St\nFlat 2".into(),
                city: "Ely".into(),
                country: "UK".into(),
                ..Default::default()
            }),
            "1 High St Flat 2, Ely, UK",
        ),
        (set("v"), list(&["b", "a"]), "a, b"),
    ];
    for (from, value, text_there) in cases {
        let setup = setup(from, text("v"), |entry| entry.meaning = Some(Kind::Text));
        let (mut world, a, b) = linked(&setup, value.clone());
        assert_eq!(world.value(Side::B, &b, "v"), text_there.into());
        world.edit(Side::B, &b, &[("v", "own".into())]);
        assert_eq!(world.run(), 0);
        assert_eq!(world.value(Side::A, &a, "v"), value);
        assert!(settled(&mut world, &a, &b));
    }
}

/// What people are shown of a conflict and of what was written is in each side's own words.
#[test]
fn conflicts_and_history_speak_each_sides_words() {
    let (mut world, a, b) = linked(&tabled(&[("1", "x"), ("2", "y"), ("3", "z")]), "1".into());
    world.edit(Side::A, &a, &[("v", "2".into())]);
    world.edit(Side::B, &b, &[("v", "z".into())]);
    world.run();
    let met = &world.conflicts[0].values;
    assert_eq!((&met.a, &met.b), (&"2".into(), &"z".into()));
    let told: Vec<_> = world
        .settled
        .iter()
        .flat_map(|s| &s.changes)
        .flat_map(|c| &c.fields)
        .collect();
    assert!(
        told.iter()
            .any(|(_, old, new)| (old, new) == (&"z".into(), &"y".into())),
        "{told:?}"
    );
}

/// The way, the winner and what a cleared value does are each entry's own.
#[test]
fn direction_winner_and_blanks_are_the_entrys_own_in_other_words_too() {
    let date = |text: &str| Value::Date(text.parse().expect("a day"));
    let setup = told(Kind::Date, DateFormat::DayMonthYearDots).with(|s| {
        s.mapping.entries[1].winner = Some(ConflictPolicy::BWins);
        s.mapping.entries[1].blank = Blank::Sync;
    });
    let (mut world, a, b) = linked(&setup, date("2001-02-03"));
    world.edit(Side::A, &a, &[("v", date("2002-02-03"))]);
    world.edit(Side::B, &b, &[("v", "3.2.2003".into())]);
    world.run();
    assert_eq!(world.value(Side::A, &a, "v"), date("2003-02-03"));
    world.edit(Side::B, &b, &[("v", Value::Empty)]);
    world.run();
    assert_eq!(world.value(Side::A, &a, "v"), Value::Empty);
    let one_way = setup.with(|s| s.mapping.entries[1].flow = Flow::AToB);
    let (mut world, a, b) = linked(&one_way, date("2001-02-03"));
    world.edit(Side::B, &b, &[("v", "1.1.2000".into())]);
    assert_eq!(world.run(), 0);
    assert!(
        !world
            .calls
            .iter()
            .any(|call| matches!(call, Operation::Update { .. }))
    );
    assert_eq!(world.value(Side::A, &a, "v"), date("2001-02-03"));
}

/// With another format a text may tell another day: nothing is taken for an edit, the two meet anew.
#[test]
fn another_format_is_no_edit() {
    let (mut world, a, b) = linked(
        &told(Kind::Date, DateFormat::DayMonthYear),
        Value::Date("2001-02-03".parse().expect("a day")),
    );
    assert_eq!(world.value(Side::B, &b, "v"), "03/02/2001".into());
    world.policy = told(Kind::Date, DateFormat::MonthDayYear).policy();
    world.touch(Side::A, &a);
    world.touch(Side::B, &b);
    world.run();
    assert_eq!(world.value(Side::B, &b, "v"), "02/03/2001".into());
    assert_eq!(world.conflicts.len(), 1, "and it is named");
    assert!(settled(&mut world, &a, &b));
}
