//! The pure parts: which rows are which fields, what is called to change them, cursors.

use serde_json::json;
use syncline_connector::Cursor;
use syncline_model::{FieldName, Fields, Value};

use super::addresses;
use super::change::{create, update};
use super::cursor::{ALL, Stage, Trip};
use super::fields::{EMAIL, SECOND_POSITION};
use super::lookups::{Lookups, key};
use super::map::{guid, instant, is_guid, record};
use super::own;
use super::wire::{Address, Contact, Part};

const WORK: &str = "3dddb3cc-53ee-49c4-a71f-e9e257f59e49";
/// Types of addresses.
const HOME: &str = "4f8b2d67-71d0-45fb-897e-cd4a308a97c0";
const BUSINESS: &str = "fb7a3f6a-f36b-1410-6f81-1c6f65e50343";

fn contact(rows: &[(&str, &str, i64, bool)]) -> Contact {
    let rows: Vec<_> = rows
        .iter()
        .enumerate()
        .map(|(at, (kind, number, position, primary))| {
            json!({
                "Id": format!("row{at}"), "CommunicationTypeId": kind, "Number": number,
                "Position": position, "Primary": primary, "CreatedOn": "2026-03-01T00:00:00Z",
                "ModifiedOn": "2026-03-02T00:00:00Z",
            })
        })
        .collect();
    let contact = json!({
        "Id": "410006e1-ca4e-4502-a9ec-e54d922d2c00", "ModifiedOn": "2026-03-01T10:00:00.123456Z",
        "Name": "Ann Lee", "GivenName": "Ann", "Surname": "Lee", "MiddleName": "", "JobTitle": "",
        "BirthDate": "0001-01-01T00:00:00Z", "DoNotUseEmail": false,
        "ContactCommunicationCollectionByContact": rows,
    });
    serde_json::from_value(contact).expect("a contact")
}

fn fields(pairs: &[(&str, &str)]) -> Fields {
    let pairs = pairs.iter();
    pairs
        .map(|(name, text)| (FieldName::new(*name), Value::text(*text)))
        .collect()
}

fn shown(contact: &Contact) -> Vec<(String, String)> {
    let record = record(contact, &[]).expect("a record");
    let texts = record
        .fields
        .iter()
        .filter_map(|(name, value)| Some((name.to_string(), value.as_text()?.to_owned())));
    texts.filter(|(name, _)| name.contains('.')).collect()
}

fn calls(parts: &[Part]) -> Vec<String> {
    let call = |part: &Part| format!("{} {}", part.method, part.url);
    parts.iter().map(call).collect()
}

#[test]
fn rows_are_fields_by_what_they_are() {
    let check = |rows: &[(&str, &str, i64, bool)], want: &[(&str, &str)]| {
        let want: Vec<_> = want
            .iter()
            .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
            .collect();
        assert_eq!(shown(&contact(rows)), want);
    };
    check(
        &[
            (EMAIL, "b@x", 0, false),
            (EMAIL, "a@x", 0, true),
            (WORK, "1", 0, true),
        ],
        &[
            ("email.home", "b@x"),
            ("email.work", "a@x"),
            ("phone.work", "1"),
        ],
    );
    // The second address stays the second one without a first.
    check(
        &[(EMAIL, "b@x", SECOND_POSITION, true)],
        &[("email.home", "b@x")],
    );
    check(
        &[
            (EMAIL, "b@x", SECOND_POSITION, true),
            (EMAIL, "a@x", 0, false),
        ],
        &[("email.home", "b@x"), ("email.work", "a@x")],
    );
}

#[test]
fn a_change_calls_for_what_changed_alone() {
    let ann = contact(&[(EMAIL, "a@x", 0, true), (EMAIL, "b@x", 0, false)]);
    let check = |changes: &[(&str, &str)], want: &[&str]| {
        let parts = update(&ann, &fields(changes), &Lookups::new()).expect("calls");
        assert_eq!(calls(&parts), want, "{changes:?}");
    };
    check(
        &[("email.work", "c@x")],
        &["PATCH ContactCommunication(row0)"],
    );
    check(&[("phone.work", "1")], &["POST ContactCommunication"]);
    check(&[("phone.work", "")], &[]);
    // The second address does not become the first when that goes.
    check(
        &[("email.work", "")],
        &[
            "DELETE ContactCommunication(row0)",
            "PATCH ContactCommunication(row1)",
        ],
    );
    let parts = update(&ann, &fields(&[("Surname", "Byron")]), &Lookups::new()).expect("calls");
    let body = serde_json::to_value(&parts[0].body).expect("JSON");
    assert_eq!(
        body,
        json!({"GivenName": "Ann", "MiddleName": "", "Surname": "Byron", "Name": "Ann Byron"})
    );
    let nameless = fields(&[("Surname", ""), ("GivenName", "")]);
    let parts = update(&ann, &nameless, &Lookups::new()).expect("calls");
    assert_eq!(parts[0].body.as_ref().expect("a body")["Name"], "Ann Lee");
    assert!(update(&ann, &fields(&[("Name", "x")]), &Lookups::new()).is_err());
}

#[test]
fn a_contact_without_a_name_goes_by_its_address() {
    let check = |pairs: &[(&str, &str)], want: Option<&str>| {
        let made = create("id", &fields(pairs), &Lookups::new());
        let name = made.ok().and_then(|parts| {
            let body = parts.into_iter().next()?.body?;
            body.get("Name")?.as_str().map(str::to_owned)
        });
        assert_eq!(name.as_deref(), want, "{pairs:?}");
    };
    check(&[("GivenName", "Ann"), ("Surname", "Lee")], Some("Ann Lee"));
    check(&[("email.work", "a@x"), ("JobTitle", "Boss")], Some("a@x"));
    check(&[("JobTitle", "Boss")], None);
}

#[test]
fn ids_are_the_same_for_the_same_words() {
    let id = guid("opn_1");
    assert!(
        is_guid(&id) && id == guid("opn_1") && id != guid("opn_2"),
        "{id}"
    );
    assert!(!is_guid("410006e1-ca4e-4502-a9ec-e54d922d2c0") && !is_guid("x' or 1 eq 1"));
    assert_eq!(instant("0001-01-01T00:00:00Z"), None);
}

#[test]
fn who_lost_a_tag_is_missed_and_who_got_it_is_news() {
    let at = |time: u32| format!("2026-03-01T10:00:{time:02}Z").parse().ok();
    let mut trip = Trip::begin("tag:1", None).expect("a pull");
    assert_eq!(trip.stage, Stage::Listing);
    for (id, since) in [("a", 1), ("b", 2)] {
        trip.meet(id, at(since));
    }
    let cursor = trip.cursor(at(30)).expect("a cursor");
    let check = |members: &[(&str, u32)], news: &[&str], list: bool| {
        let mut next = Trip::begin("tag:1", Some(&cursor)).expect("a pull");
        assert_eq!(next.stage, Stage::Members);
        let mut met = members.to_vec();
        met.retain(|(id, since)| next.meet(id, at(*since)));
        let met: Vec<&str> = met.into_iter().map(|(id, _)| id).collect();
        assert_eq!((met.as_slice(), next.must_list(at(40))), (news, list));
    };
    check(&[("a", 1), ("b", 2)], &[], false);
    check(&[("a", 1), ("b", 2), ("c", 3)], &["c"], false);
    check(&[("a", 1)], &[], true);
    check(&[("a", 1), ("c", 3)], &["c"], true);
    // Somebody whose row was late to show.
    check(&[("a", 1), ("b", 2), ("c", 2)], &[], true);
    let again = |now: &str| {
        let next = Trip::begin(ALL, Some(&cursor)).expect("a pull");
        next.must_list(now.parse().ok())
    };
    assert!(!again("2026-03-02T10:00:29Z") && again("2026-03-02T10:00:30Z"));
    assert_eq!(
        Trip::begin(ALL, Some(&Cursor("{\"not\": \"ours\"}".into()))),
        None
    );
}

#[test]
fn rows_of_one_time_are_skipped_but_for_a_few_that_tell_whether_one_left() {
    let mut trip = Trip::begin(ALL, None).expect("a pull");
    assert_eq!((trip.skip(), trip.known(["a"].into_iter())), (0, Some(0)));
    trip.pass("a", "1");
    for number in 0..30 {
        trip.pass(&number.to_string(), "2");
    }
    assert_eq!((trip.last.as_deref(), trip.skip()), (Some("2"), 10));
    assert_eq!(Trip::read(&trip.write()), Some(trip.clone()));
    assert_eq!(trip.known(["28", "29", "30"].into_iter()), Some(2));
    assert_eq!(
        (trip.known(["30", "31"].into_iter()), trip.skip()),
        (None, 0)
    );
    assert_eq!(trip.known(["0", "1"].into_iter()), Some(0));
}

#[test]
fn columns_that_not_all_sites_have_are_fields_by_what_they_hold() {
    let of = |properties: &str| {
        let metadata = format!(
            r#"<Edmx><DataServices><Schema><EntityType Name="Account"><Property Name="UsrNot" Type="Edm.String"/></EntityType><EntityType Name="UsrTier"><Property Name="Name" Type="Edm.String"/></EntityType><EntityType Name="Contact">{properties}</EntityType></Schema></DataServices></Edmx>"#
        );
        let found = own::descriptors(&metadata).expect("contacts");
        let shown = found.into_iter();
        let shown = shown.map(|field| {
            assert!(own::column(&field.name).is_some_and(|column| column.kind == field.kind));
            (
                field.name.to_string(),
                field.custom,
                field.writable,
                field.max_length,
            )
        });
        shown.collect::<Vec<_>>()
    };
    let check = |properties: &str, want: &[(&str, bool, bool, Option<usize>)]| {
        let want = want.iter();
        let want: Vec<_> = want
            .map(|(name, a, b, c)| ((*name).to_owned(), *a, *b, *c))
            .collect();
        assert_eq!(of(properties), want, "{properties}");
    };
    check(
        r#"<Property Name="Name" Type="Edm.String"/><Property Name="UsrA" Type="Edm.String" MaxLength="50"/>"#,
        &[("text.UsrA", true, true, Some(50))],
    );
    check(
        r#"<Property Name="UsrId" Type="Edm.Guid"/><NavigationProperty Name="Usr" Type="X.Y"/><Property Name="UsrFile" Type="Edm.Stream"/>"#,
        &[],
    );
    check(
        r#"<Property Name="AcmeN" Type="Edm.Int32"><Annotation Term="Org.OData.Core.V1.Computed"/></Property><Property Name="UsrD" Type="Edm.Date"/>"#,
        &[
            ("number.AcmeN", false, false, None),
            ("date.UsrD", true, true, None),
        ],
    );
    check(
        r#"<Property Name="UsrT" Type="Edm.DateTimeOffset"><Annotation Term="Org.OData.Core.V1.Permissions" EnumMember="Org.OData.Core.V1.Permission/Read"/></Property>"#,
        &[("time.UsrT", true, false, None)],
    );
    // What leads to a record without a name, to many, or to what has fields of its own is none.
    check(
        r#"<NavigationProperty Name="UsrLevel" Type="X.UsrTier"/><NavigationProperty Name="Usr" Type="X.Account"/><NavigationProperty Name="Owner" Type="X.UsrTier"/><NavigationProperty Name="UsrAll" Type="Collection(X.UsrTier)"/>"#,
        &[("choice.UsrTier.UsrLevel", true, true, None)],
    );
    assert!(own::descriptors("<Edmx/>").is_none() && own::descriptors("<html>").is_none());
    for field in [
        "email.work",
        "text.",
        "text.a,b",
        "text.Name",
        "UsrA",
        "choice.UsrA",
        "choice.A,B.UsrA",
        "choice.Contact.Owner",
    ] {
        assert!(own::column(&FieldName::new(field)).is_none(), "{field}");
    }
}

/// Addresses by id, type and whether they are primary, the oldest first.
fn housed(rows: &[(&str, &str, bool)]) -> Contact {
    let rows = rows.iter().enumerate();
    let rows = rows.map(|(at, (id, kind, primary))| Address {
        id: (*id).to_owned(),
        kind: (*kind).to_owned(),
        street: format!("Street {id}"),
        primary: *primary,
        created_on: format!("2026-03-0{}T00:00:00Z", at + 1),
        ..Address::default()
    });
    Contact {
        addresses: rows.collect(),
        ..contact(&[])
    }
}

#[test]
fn two_addresses_are_fields_by_what_they_are() {
    let check = |rows: &[(&str, &str, bool)], want: [&str; 2]| {
        let contact = housed(rows);
        let told = addresses::told(&contact).map(|(_, value)| match value {
            Value::Address(address) => address.street.replace("Street ", ""),
            _ => String::new(),
        });
        assert_eq!(told.collect::<Vec<_>>(), want, "{rows:?}");
    };
    let ours = guid("410006e1-ca4e-4502-a9ec-e54d922d2c00 address.other");
    check(&[], ["", ""]);
    // One alone is the address, wherever it is.
    check(&[("a", HOME, false)], ["a", ""]);
    check(&[("a", HOME, false), ("b", BUSINESS, false)], ["b", "a"]);
    check(&[("a", HOME, true), ("b", BUSINESS, false)], ["a", "b"]);
    check(
        &[("a", "", false), ("b", "", false), ("c", HOME, false)],
        ["a", "c"],
    );
    check(&[("a", "", false), ("b", "", false)], ["a", "b"]);
    // What was entered as the other one stays that.
    check(&[(&ours, "", true)], ["", &ours]);
    check(&[(&ours, "", true), ("b", HOME, false)], ["b", &ours]);
}

#[test]
fn an_address_that_goes_lets_no_other_one_move_up() {
    let check = |rows: &[(&str, &str, bool)], cleared: &[&str], want: &[&str]| {
        let contact = housed(rows);
        let changes = cleared
            .iter()
            .map(|name| (FieldName::new(*name), Value::Empty));
        let parts = update(&contact, &changes.collect(), &Lookups::new()).expect("calls");
        assert_eq!(calls(&parts), want, "{rows:?} {cleared:?}");
    };
    let (first, other) = ("address", "address.other");
    let two = [("a", BUSINESS, true), ("b", HOME, false)];
    check(&two, &[first], &["PATCH ContactAddress(a)"]);
    check(&two, &[other], &["DELETE ContactAddress(b)"]);
    check(
        &two,
        &[first, other],
        &["DELETE ContactAddress(a)", "DELETE ContactAddress(b)"],
    );
    let three = [two[0], two[1], ("c", "", false)];
    check(&three, &[other], &["PATCH ContactAddress(b)"]);
    let ours = guid("410006e1-ca4e-4502-a9ec-e54d922d2c00 address.other");
    let apart = [("a", BUSINESS, true), (&*ours, "", false)];
    check(&apart, &[first], &["DELETE ContactAddress(a)"]);
    check(&[], &[first, other], &[]);
}

#[test]
fn a_column_that_leads_to_a_row_is_written_by_its_id() {
    let ann = contact(&[]);
    let ids = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect();
    let lookups = Lookups::from([
        (key("UsrTier", "Gold"), ids(&["id-of-gold"])),
        (key("UsrTier", "Ann Lee"), ids(&["one", "another"])),
    ]);
    let check = |value: Value, want: Option<&str>| {
        let changes = [(FieldName::new("choice.UsrTier.UsrLevel"), value)].into();
        let parts = update(&ann, &changes, &lookups).ok();
        let id = parts.map(|parts| {
            let body = parts[0].body.as_ref().expect("a body");
            body["UsrLevelId"].as_str().expect("an id").to_owned()
        });
        assert_eq!(id.as_deref(), want);
    };
    check(Value::text(" gold"), Some("id-of-gold"));
    check(Value::Empty, Some("00000000-0000-0000-0000-000000000000"));
    // Nobody is guessed.
    check(Value::text("Ann Lee"), None);
    check(Value::text("Lead"), None);
    check(Value::Bool(true), None);
}
