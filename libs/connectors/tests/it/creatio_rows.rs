//! The Creatio connector against the sandbox: rows that are beside a contact (addresses, what columns lead to), and what
//! makes a row missing.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};
use syncline_connector::{Connector, Kind, Update};
use syncline_model::{FieldName, RemoteId, Value};
use syncline_sandbox::core::faults::Fault;

use super::bench::{kinds, status};
use super::creatio_support::{Creatio, SHIPPING, address, create, fields};

const HOME: &str = "4f8b2d67-71d0-45fb-897e-cd4a308a97c0";
const BUSINESS: &str = "fb7a3f6a-f36b-1410-6f81-1c6f65e50343";
/// A column of the site's own that leads to a row.
const TIER: &str = "choice.UsrCategory.UsrTier";

/// An answer of another making.
fn page(status: u16, body: Json) -> Fault {
    Fault::Status {
        status,
        body: Some(body),
        headers: BTreeMap::new(),
    }
}

/// A contact's streets, the oldest first.
fn streets(creatio: &Creatio, id: &RemoteId) -> Vec<String> {
    let mut rows = creatio.rows("ContactAddress", id);
    rows.sort_by_key(|row| row["CreatedOn"].to_string());
    let street = |row: &Json| row["Address"].as_str().unwrap_or_default().to_owned();
    rows.iter().map(street).collect()
}

/// The two fields, by their streets.
async fn told(creatio: &Creatio, id: &RemoteId) -> [String; 2] {
    let found = creatio.get(id).await.expect("a contact");
    ["address", "address.other"].map(|field| match found.value(&FieldName::new(field)) {
        Value::Address(address) => address.street.clone(),
        _ => String::new(),
    })
}

async fn change(creatio: &Creatio, id: &RemoteId, changes: &[(&str, Value)]) -> Option<Kind> {
    let changes = changes.iter().cloned();
    let item = Update {
        id: id.clone(),
        version: None,
        changes: changes
            .map(|(name, value)| (FieldName::new(name), value))
            .collect(),
    };
    let done = creatio.connector.update(&creatio.session, &[item]).await;
    kinds(&done).remove(0)
}

#[tokio::test]
async fn two_addresses_are_fields_and_a_third_one_is_left_alone() {
    let creatio = Creatio::start().await;
    let ann = creatio.make(&json!({"Name": "Ann"}));
    for (street, kind, primary) in [
        ("Office", BUSINESS, true),
        ("Home", HOME, false),
        ("Depot", SHIPPING, false),
    ] {
        creatio.advance(1);
        creatio.row(
            "ContactAddress",
            &json!({"ContactId": ann.as_str(), "Address": street, "AddressTypeId": kind, "Primary": primary}),
        );
    }
    let third = || {
        let mut rows = creatio.rows("ContactAddress", &ann).into_iter();
        rows.find(|row| row["AddressTypeId"] == SHIPPING)
    };
    let before = third();
    assert_eq!(told(&creatio, &ann).await, ["Office", "Home"]);
    let cases = [
        (
            "address.other",
            address("Cottage", "Bergen"),
            ["Office", "Cottage"],
        ),
        ("address", Value::Empty, ["", "Cottage"]),
        ("address.other", Value::Empty, ["", ""]),
        ("address.other", address("Hut", "Bergen"), ["", "Hut"]),
        ("address", address("Tower", "Bergen"), ["Tower", "Hut"]),
    ];
    for (field, value, want) in cases {
        assert_eq!(
            change(&creatio, &ann, &[(field, value)]).await,
            None,
            "{field}"
        );
        assert_eq!(told(&creatio, &ann).await, want, "{field}");
    }
    assert_eq!(streets(&creatio, &ann), ["Tower", "Hut", "Depot"]);
    let kinds = creatio.rows("ContactAddress", &ann);
    assert!(kinds.iter().any(|row| row["AddressTypeId"] == HOME));
    assert_eq!(third(), before);
}

#[tokio::test]
async fn the_other_address_stays_the_other_one() {
    let creatio = Creatio::start().await;
    let mut item = create(1, fields(&[("Surname", "Ann")]));
    item.fields
        .insert("address.other".into(), address("Home", "Bergen"));
    let items = [item];
    let make = async || {
        let made = creatio.connector.create(&creatio.session, "all", &items);
        made.await.remove(0).expect("made").id
    };
    let ann = make().await;
    // Made again, it is one row.
    assert_eq!(make().await, ann);
    assert_eq!(told(&creatio, &ann).await, ["", "Home"]);
    let office = ("address", address("Office", "Bergen"));
    assert_eq!(change(&creatio, &ann, &[office]).await, None);
    assert_eq!(told(&creatio, &ann).await, ["Office", "Home"]);
    let swapped = [
        ("address", address("Home", "Bergen")),
        ("address.other", address("Office", "Bergen")),
    ];
    assert_eq!(change(&creatio, &ann, &swapped).await, None);
    assert_eq!(told(&creatio, &ann).await, ["Home", "Office"]);
    assert_eq!(
        change(&creatio, &ann, &[("address", Value::Empty)]).await,
        None
    );
    assert_eq!(told(&creatio, &ann).await, ["", "Office"]);
    let other = ("address.other", Value::Empty);
    assert_eq!(change(&creatio, &ann, &[other]).await, None);
    assert!(streets(&creatio, &ann).is_empty());
    let text = ("address.other", Value::text("Home 1"));
    assert_eq!(change(&creatio, &ann, &[text]).await, Some(Kind::Rejected));
}

#[tokio::test]
async fn a_column_that_leads_to_a_row_is_a_choice_of_names() {
    let creatio = Creatio::start().await;
    let tier = FieldName::new(TIER);
    let choices = async || {
        let found = creatio.connector.fields(&creatio.session).await;
        let mut found = found.expect("fields").into_iter();
        let field = found.find(|field| field.name == tier).expect("the field");
        let choices = field.choices.into_iter().map(|one| one.value);
        choices.collect::<Vec<_>>()
    };
    assert_eq!(choices().await, ["Gold", "Silver"]);
    let get = async |id: &RemoteId, names: &[&str]| {
        let names: Vec<FieldName> = names.iter().map(|name| FieldName::new(*name)).collect();
        let ids = std::slice::from_ref(id);
        let read = creatio.connector.get(&creatio.session, ids, &names).await;
        read.expect("an answer").pop().flatten().expect("a contact")
    };
    let items = [
        create(1, fields(&[("Surname", "Ann"), (TIER, "gold")])),
        create(2, fields(&[("Surname", "Bob"), (TIER, "Lead")])),
    ];
    let made = creatio
        .connector
        .create(&creatio.session, "all", &items)
        .await;
    assert_eq!(kinds(&made), [None, Some(Kind::Rejected)]);
    let refused = made[1].as_ref().expect_err("a refusal");
    assert!(refused.message.contains("UsrTier"), "{refused}");
    let ann = made[0].as_ref().expect("made");
    let shown = ann.fields.as_ref().expect("what became of it");
    assert_eq!(shown.get(&tier), Some(&Value::text("Gold")));
    let ann = &ann.id;
    for (value, want) in [
        (Value::text("Silver"), None),
        (Value::text("Lead"), Some(Kind::Rejected)),
    ] {
        assert_eq!(change(&creatio, ann, &[(TIER, value)]).await, want);
        let read = get(ann, &[TIER]).await;
        assert_eq!(read.value(&tier), &Value::text("Silver"));
    }
    // A column that is gone reads as nothing, and takes nothing else with it.
    let read = get(ann, &[TIER, "choice.UsrCategory.UsrGone"]).await;
    assert_eq!(read.value(&tier), &Value::text("Silver"));
    assert_eq!(change(&creatio, ann, &[(TIER, Value::Empty)]).await, None);
    assert!(get(ann, &[TIER]).await.value(&tier).is_empty());
    // None was made for it.
    assert_eq!(choices().await, ["Gold", "Silver"]);
}

/// A lookup whose rows the user may not see is told and not written; one with very many is written without a list.
#[tokio::test]
async fn a_lookup_is_listed_as_far_as_it_can_be() {
    let creatio = Creatio::start().await;
    let field = async || {
        let found = creatio.connector.fields(&creatio.session).await?;
        let field = found.into_iter().find(|field| field.name.as_str() == TIER);
        let field = field.expect("the field");
        Ok::<_, syncline_connector::Error>((field.choices.len(), field.writable))
    };
    let route = "GET /0/odata/UsrCategory";
    creatio.fault(route, status(403));
    assert_eq!(field().await.ok(), Some((0, false)));
    creatio.fault(route, Fault::TruncateListing);
    assert_eq!(
        field().await.expect_err("half a list").kind,
        Kind::Malformed
    );
    for number in 0..500 {
        creatio.row("UsrCategory", &json!({"Name": format!("Tier {number}")}));
    }
    assert_eq!(field().await.ok(), Some((0, true)));
}

/// What stands before a site, or at another address, says 404 as well.
#[tokio::test]
async fn only_creatio_itself_makes_a_contact_missing() {
    let creatio = Creatio::start().await;
    let [ann, gone] = ["Ann", "Gone"].map(|name| creatio.make(&json!({ "Name": name })));
    creatio.drop_contact(&gone);
    let (list, one) = ("GET /0/odata/Contact", "GET /0/odata/Contact({id})");
    let get = async |id: &RemoteId| {
        let ids = std::slice::from_ref(id);
        let read = creatio.connector.get(&creatio.session, ids, &[]).await;
        read.map(|mut found| found.remove(0).is_some())
            .map_err(|error| error.kind)
    };
    assert_eq!((get(&ann).await, get(&gone).await), (Ok(true), Ok(false)));
    // Nothing but a 404, whatever is asked for.
    for body in [json!("<html>"), json!({"error": "no such page"})] {
        for id in [&ann, &gone] {
            creatio.fault(list, page(404, body.clone()));
            assert_eq!(get(id).await, Err(Kind::Unavailable));
        }
        creatio.fault(list, page(404, body));
        assert_eq!(creatio.pull(None).await.err(), Some(Kind::Unavailable));
    }
    // A list that is one of something else.
    creatio.fault(list, page(200, json!({"value": [], "@odata.count": 0})));
    assert_eq!(get(&ann).await, Err(Kind::Malformed));
    // A 404 for somebody whom the list has: half of the first list is lost.
    let bob = creatio.make(&json!({"Name": "Bob"}));
    let both = [ann, bob];
    creatio.fault(list, Fault::TruncateListing);
    creatio.fault(one, page(404, json!("<html>")));
    let read = creatio.connector.get(&creatio.session, &both, &[]).await;
    assert_eq!(read.expect_err("no answer").kind, Kind::Unavailable);
    let read = creatio.connector.get(&creatio.session, &both, &[]).await;
    assert!(read.expect("an answer").iter().all(Option::is_some));
}

/// Not all builds say in the answer to an insert who made it.
#[tokio::test]
async fn who_we_are_is_asked_for_where_an_insert_does_not_say_it() {
    let creatio = Creatio::start().await;
    let identity = async || {
        let found = creatio.connector.identity(&creatio.session).await;
        found.expect("an identity").subject
    };
    let told = identity().await;
    creatio.knobs(&json!({"inserts_tell_who": false}));
    assert_eq!(identity().await, told);
    assert!(
        told.ends_with("#410006e1-ca4e-4502-a9ec-e54d922d2c00"),
        "{told}"
    );
    let tags = creatio.connector.collections(&creatio.session).await;
    assert_eq!(tags.expect("collections").len(), 1, "no probe is left");
    // Nor who made a row at all: then it is nobody's account.
    let nobody = json!({"Id": "x", "CreatedById": "00000000-0000-0000-0000-000000000000"});
    creatio.fault("GET /0/odata/ContactTag({id})", page(200, nobody));
    let refused = creatio.connector.identity(&creatio.session).await;
    assert_eq!(refused.expect_err("a refusal").kind, Kind::Malformed);
}
