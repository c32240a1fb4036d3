//! Laws of names, addresses and normal forms, on generated values, through the public API: what one side's
//! parts are is what they come back as.

use proptest::prelude::*;
use syncline_engine::{equal, is_blank, normal};
use syncline_model::{Address, Cardinality, FieldDescriptor, Fields, Kind, Side, Value};

use crate::{
    fixture::{Setup, field, fields, text},
    sim::World,
};

fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        "[A-ZÀ-Ý][a-zà-ý]{0,6}",
        Just("van".to_owned()),
        Just("de la".to_owned()),
        Just("O'Brien-Lee".to_owned()),
        Just("Lee, PhD".to_owned()),
    ]
}

fn name() -> impl Strategy<Value = String> {
    proptest::collection::vec(word(), 0..3).prop_map(|words| words.join(" "))
}

fn whole() -> Vec<FieldDescriptor> {
    vec![
        FieldDescriptor::new("full", "Name", Kind::FullName).standard("full_name"),
        text("company"),
    ]
}

fn parts() -> Vec<FieldDescriptor> {
    vec![text("given_name"), text("family_name"), text("company")]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    /// Put, then get: parts written into a whole name are read back as they were, whatever the name was before; and
    /// get, then put: reading again writes nothing.
    #[test]
    fn whole_names_keep_their_parts(
        old in (name(), name()), new in (name(), name()), comma in any::<bool>(),
    ) {
        let mut world = World::new(Setup::new(whole(), parts()).policy());
        let pairs = [("given_name", old.0.as_str()), ("family_name", old.1.as_str()), ("company", "x")];
        let b = world.add(Side::B, fields(&pairs));
        world.run();
        let a = world.link_of(Side::B, &b).expect("a link").remote.a.clone();
        if comma && !old.0.contains(',') && !old.1.is_empty() && !old.0.is_empty() && !old.1.contains(',') {
            let spelt = format!("{}, {}", old.1, old.0);
            world.edit(Side::A, &a, &[("full", spelt.into())]);
            world.run();
        }
        let edits = [("given_name", &new.0), ("family_name", &new.1)]
            .map(|(field, value)| (field, Value::text(value.clone())));
        world.edit(Side::B, &b, &edits);
        world.run();
        let now = |world: &World| {
            ["given_name", "family_name"].map(|field| world.value(Side::B, &b, field))
        };
        let kept = [&new.0, &new.1]
            .into_iter()
            .zip([&old.0, &old.1])
            .map(|(new, old)| Value::text(if new.is_empty() { old.clone() } else { new.clone() }))
            .collect::<Vec<_>>();
        prop_assert_eq!(now(&world).to_vec(), kept);
        world.touch(Side::A, &a);
        world.touch(Side::B, &b);
        prop_assert_eq!(world.run(), 0, "reading again is no change: {:?}", world.value(Side::A, &a, "full"));
    }

    #[test]
    fn addresses_keep_their_parts(
        old in proptest::array::uniform5("[a-zA-Z ]{0,6}"),
        new in proptest::array::uniform5("[a-zA-Z ]{0,6}"),
    ) {
        const PARTS: [&str; 5] = ["street", "city", "region", "postal_code", "country"];
        let mut a_fields = vec![text("x")];
        a_fields.extend(PARTS.map(|part| {
            FieldDescriptor::new(part, part, Kind::Text).standard(format!("address.home#{part}"))
        }));
        let setup = Setup::new(a_fields, vec![text("x"), field("address.home", Kind::Address)]);
        let mut world = World::new(setup.policy());
        let mut given: Fields = PARTS.iter().zip(&old)
            .map(|(part, value)| ((*part).into(), Value::text(value.clone())))
            .collect();
        given.insert("x".into(), "x".into());
        let a = world.add(Side::A, given);
        world.run();
        let b = world.link_of(Side::A, &a).expect("a link").remote.b.clone();
        let edits: Vec<(&str, Value)> = PARTS.iter().zip(&new)
            .map(|(part, value)| (*part, Value::text(value.clone())))
            .collect();
        world.edit(Side::A, &a, &edits);
        world.run();
        let there = match world.value(Side::B, &b, "address.home") {
            Value::Address(address) => address,
            Value::Empty => Address::default(),
            other => panic!("{other:?}"),
        };
        let there = [there.street, there.city, there.region, there.postal_code, there.country];
        for ((old, new), there) in old.iter().zip(&new).zip(there) {
            let want = if new.trim().is_empty() { old } else { new };
            let same = equal(Kind::Text, Cardinality::One, &Value::text(want.clone()), &Value::text(there.clone()));
            prop_assert!(same, "{want:?} {there:?}");
        }
        world.touch(Side::B, &b);
        prop_assert_eq!(world.run(), 0);
    }

    /// A normal form is its own normal form, and blanks stay blanks.
    #[test]
    fn normal_forms_are_idempotent(value in anything(), kind in kinds(), many in any::<bool>()) {
        let cardinality = if many { Cardinality::Many } else { Cardinality::One };
        let once = normal(kind, cardinality, &value);
        prop_assert_eq!(&normal(kind, cardinality, &once), &once, "{:?} {:?}", kind, value);
        prop_assert!(equal(kind, cardinality, &value, &once));
        if !kind.is_flag() {
            prop_assert!(!is_blank(kind, &value) || once.is_empty());
        }
    }
}

fn anything() -> impl Strategy<Value = Value> {
    let one = prop_oneof![
        Just(Value::Empty),
        any::<bool>().prop_map(Value::Bool),
        "\\PC{0,12}".prop_map(Value::Text),
        "[+0-9() .-]{0,16}( ?(ext|x)[. ]?[0-9]{1,4})?".prop_map(Value::Text),
        "(tel:|00|\\+)[0-9]{6,14}".prop_map(Value::Text),
        "(mailto:|Ann <)?[a-zA-Zü.]{0,6}@{0,2}[a-zA-Zü.]{0,8}>?".prop_map(Value::Text),
        "(https?|HTTP|ftp)?(://)?[A-Za-z./?#]{0,12}".prop_map(Value::Text),
        "[-+]?[0-9.]{0,6}".prop_map(Value::Number),
        "[a-z\r\n\t ]{0,10}".prop_map(Value::Text),
    ];
    prop_oneof![
        4 => one.clone(),
        1 => proptest::collection::vec(one, 0..4).prop_map(Value::List),
        1 => proptest::array::uniform5("[a-z \n]{0,4}").prop_map(|[street, city, region, postal_code, country]| {
            Value::Address(Address { street, city, region, postal_code, country })
        }),
    ]
}

fn kinds() -> impl Strategy<Value = Kind> {
    use Kind::{
        Address, Bool, Choice, Date, Email, FullName, LongText, Number, OptOut, Phone, Text, Url,
    };
    proptest::sample::select(vec![
        Address, Bool, Choice, Date, Email, FullName, LongText, Number, OptOut, Phone, Text, Url,
    ])
}
