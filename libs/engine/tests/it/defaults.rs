//! The default mapping of two accounts as they really are.

use syncline_engine::default_mapping;
use syncline_model::{Cardinality, Direction, FieldDescriptor, Flow, Kind, Side, Sides};

use crate::fixture::Setup;

/// What Zoho CRM lists for contacts, shortened: an address is five fields.
fn zoho() -> Vec<FieldDescriptor> {
    let of = |name: &str, kind, standard: &str| {
        FieldDescriptor::new(name, name, kind).standard(standard)
    };
    let mut list = vec![
        FieldDescriptor {
            writable: false,
            ..FieldDescriptor::new("id", "Id", Kind::Text)
        },
        FieldDescriptor {
            writable: false,
            ..of("Full_Name", Kind::FullName, "full_name")
        },
        of("First_Name", Kind::Text, "given_name"),
        FieldDescriptor {
            required: true,
            max_length: Some(80),
            ..of("Last_Name", Kind::Text, "family_name")
        },
        of("Email", Kind::Email, "email.work"),
        of("Secondary_Email", Kind::Email, "email.other"),
        of("Phone", Kind::Phone, "phone.work"),
        of("Mobile", Kind::Phone, "phone.mobile"),
        of("Title", Kind::Text, "job_title"),
        of("Date_of_Birth", Kind::Date, "birthday"),
        of("Description", Kind::LongText, "notes"),
        FieldDescriptor::new("Lead_Source", "Lead Source", Kind::Choice),
    ];
    for part in ["street", "city", "region", "postal_code", "country"] {
        list.push(of(
            &format!("Mailing_{part}"),
            Kind::Text,
            &format!("address.mailing#{part}"),
        ));
    }
    list
}

/// What Google Contacts lists, shortened: an address is one field.
fn google() -> Vec<FieldDescriptor> {
    let of = |name: &str, kind, standard: &str| {
        FieldDescriptor::new(name, name, kind).standard(standard)
    };
    vec![
        of("name.given", Kind::Text, "given_name"),
        of("name.family", Kind::Text, "family_name"),
        of("name.middle", Kind::Text, "middle_name"),
        of("email.work", Kind::Email, "email.work"),
        of("email.home", Kind::Email, "email.home"),
        of("email.other", Kind::Email, "email.other"),
        of("phone.work", Kind::Phone, "phone.work"),
        of("phone.mobile", Kind::Phone, "phone.mobile"),
        of("organization.title", Kind::Text, "job_title"),
        FieldDescriptor {
            partial_dates: true,
            ..of("birthday", Kind::Date, "birthday")
        },
        of("biography", Kind::LongText, "notes"),
        of("address.mailing", Kind::Address, "address.mailing"),
        of("address.home", Kind::Address, "address.home"),
    ]
}

fn pairs(a: Vec<FieldDescriptor>, b: Vec<FieldDescriptor>) -> Vec<String> {
    default_mapping(&Sides { a, b }, Direction::TwoWay)
        .entries
        .iter()
        .map(|entry| entry.key().as_str().to_owned())
        .collect()
}

#[test]
fn zoho_and_google() {
    let mut got = pairs(zoho(), google());
    got.sort();
    let mut want = [
        "First_Name=name.given",
        "Last_Name=name.family",
        "Email=email.work",
        "Secondary_Email=email.other",
        "Phone=phone.work",
        "Mobile=phone.mobile",
        "Title=organization.title",
        "Date_of_Birth=birthday",
        "Description=biography",
        "Mailing_street=address.mailing#street",
        "Mailing_city=address.mailing#city",
        "Mailing_region=address.mailing#region",
        "Mailing_postal_code=address.mailing#postal_code",
        "Mailing_country=address.mailing#country",
    ];
    want.sort_unstable();
    assert_eq!(got, want);
    assert!(Setup::new(zoho(), google()).compile().is_ok());
    assert!(Setup::new(google(), zoho()).compile().is_ok());
}

#[test]
fn what_can_be_read_alone_goes_one_way() {
    let read_only = |side: Side| {
        let mut fields = Sides {
            a: zoho(),
            b: google(),
        };
        for field in fields.get_mut(side) {
            field.writable &= field.standard.as_deref() != Some("job_title");
        }
        let entries = default_mapping(&fields, Direction::TwoWay).entries;
        let title = entries
            .iter()
            .find(|entry| entry.key().as_str() == "Title=organization.title");
        title.map(|entry| entry.flow)
    };
    assert_eq!(read_only(Side::A), Some(Flow::AToB));
    assert_eq!(read_only(Side::B), Some(Flow::BToA));
}

#[test]
fn every_pair_of_accounts_compiles() {
    for a in [zoho, google] {
        for b in [zoho, google] {
            let setup = Setup::new(a(), b());
            assert!(setup.compile().is_ok(), "{:?}", setup.compile());
            let paths = |side| {
                setup
                    .mapping
                    .entries
                    .iter()
                    .map(|e| e.path(side).to_string())
                    .collect::<Vec<_>>()
            };
            for side in syncline_model::Side::BOTH {
                let mut all = paths(side);
                all.sort();
                let count = all.len();
                all.dedup();
                assert_eq!(all.len(), count, "a path twice: {all:?}");
            }
        }
    }
}

#[test]
fn whole_to_whole_takes_no_parts() {
    let got = pairs(google(), google());
    assert!(got.contains(&"address.home=address.home".to_owned()));
    assert!(!got.iter().any(|pair| pair.contains('#')), "{got:?}");
}

/// Of several fields that answer to a name: what can be written before what cannot, a field of its own before a part of
/// another, and then the first.
#[test]
fn one_field_answers_to_each_name() {
    let given = || vec![FieldDescriptor::new("given", "Given", Kind::Text).standard("given_name")];
    let whole = || FieldDescriptor::new("whole", "Whole", Kind::FullName).standard("full_name");
    let own = |name: &str, writable| FieldDescriptor {
        writable,
        ..FieldDescriptor::new(name, name, Kind::Text).standard("given_name")
    };
    let (one, two, fixed) = (own("one", true), own("two", true), own("fixed", false));
    for (fields, want) in [
        ([&one, &two], "one"),
        ([&fixed, &one], "one"),
        ([&one, &fixed], "one"),
        ([&whole(), &one], "one"),
        ([&one, &whole()], "one"),
        ([&whole(), &fixed], "whole#given"),
        ([&fixed, &whole()], "whole#given"),
    ] {
        let fields = fields.map(Clone::clone).to_vec();
        assert_eq!(pairs(fields, given()), [format!("{want}=given")]);
    }
}

#[test]
fn a_set_of_addresses_has_no_parts() {
    let homes = FieldDescriptor {
        cardinality: Cardinality::Many,
        ..FieldDescriptor::new("homes", "Homes", Kind::Address).standard("address.home")
    };
    let city = FieldDescriptor::new("city", "City", Kind::Text).standard("address.home#city");
    assert!(pairs(vec![homes], vec![city]).is_empty());
}

/// What one side cannot write is joined only where it is not to be written.
#[test]
fn a_field_that_cannot_be_written_is_joined_in_one_direction() {
    let field = |writable: bool| {
        let field = FieldDescriptor::new("company", "Company", Kind::Text).standard("company");
        vec![FieldDescriptor { writable, ..field }]
    };
    for (a, b, direction, joined) in [
        (false, true, Direction::TwoWay, true),
        (false, true, Direction::AToB, true),
        (false, true, Direction::BToA, false),
        (true, false, Direction::TwoWay, true),
        (true, false, Direction::AToB, false),
        (true, false, Direction::BToA, true),
        (false, false, Direction::TwoWay, false),
    ] {
        let fields = Sides {
            a: field(a),
            b: field(b),
        };
        let found = !default_mapping(&fields, direction).entries.is_empty();
        assert_eq!(found, joined, "{a} {b} {direction:?}");
    }
}
