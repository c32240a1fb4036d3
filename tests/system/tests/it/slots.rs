//! Several addresses and numbers of one person: lists with labels at Google, a field for each in the CRM.

use anyhow::Context;
use serde_json::{Value, json};
use system_tests::{GOOGLE, World, ZOHO};

use crate::people::{book, crm, email};

/// The CRM's fields in question.
const FIELDS: [&str; 13] = [
    "Email",
    "Secondary_Email",
    "Phone",
    "Mobile",
    "Home_Phone",
    "Other_Phone",
    "Fax",
    "Mailing_Street",
    "Mailing_City",
    "Mailing_Zip",
    "Other_Street",
    "Other_City",
    "Other_Zip",
];

/// What stands in them.
async fn fields(world: &World, name: &str) -> anyhow::Result<Value> {
    let native = world.sandbox.get(ZOHO, &email(name)).await?.native;
    let filled = FIELDS.iter().filter(|field| !native[**field].is_null());
    Ok(filled
        .map(|field| ((*field).to_owned(), native[*field].clone()))
        .collect::<serde_json::Map<_, _>>()
        .into())
}

/// A list of Google's as label and value; of an address its street, its city and its postal code.
async fn list(world: &World, name: &str, member: &str) -> anyhow::Result<Vec<(String, String)>> {
    let native = world.sandbox.get(GOOGLE, &email(name)).await?.native;
    let items = native[member].as_array().cloned().unwrap_or_default();
    let read = |item: &Value, key: &str| item[key].as_str().unwrap_or_default().to_owned();
    let mut all: Vec<(String, String)> = items
        .iter()
        .map(|item| {
            let value = match member {
                "addresses" => ["streetAddress", "city", "postalCode"]
                    .map(|key| read(item, key))
                    .join(", "),
                _ => read(item, "value"),
            };
            (read(item, "type"), value)
        })
        .collect();
    all.sort();
    Ok(all)
}

fn pairs(all: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = all
        .iter()
        .map(|(label, value)| ((*label).to_owned(), (*value).to_owned()))
        .collect();
    all.sort();
    all
}

/// Each of the CRM's fields becomes an item with its label; an edit of one, on either side, changes that one alone, and
/// what is put back as it was is as it was on both sides.
#[tokio::test]
async fn each_field_of_the_crm_is_an_item_with_its_label() -> anyhow::Result<()> {
    let world = World::start(0).await?;
    let had = json!({
        "Secondary_Email": "ada@home.example",
        "Phone": "+44 20 7946 0001", "Mobile": "+44 20 7946 0002", "Home_Phone": "+44 20 7946 0003",
        "Other_Phone": "+44 20 7946 0004", "Fax": "+44 20 7946 0005",
        "Mailing_Street": "1 Work Road", "Mailing_City": "London", "Mailing_Zip": "W1",
        "Other_Street": "2 Other Lane", "Other_City": "Leeds", "Other_Zip": "L2",
    });
    let ada = world.sandbox.create(ZOHO, crm("Ada", had)).await?;
    let connection = world.connected(json!({})).await?;
    let emails = pairs(&[("work", &email("Ada")), ("home", "ada@home.example")]);
    let phones = [
        ("work", "+44 20 7946 0001"),
        ("mobile", "+44 20 7946 0002"),
        ("home", "+44 20 7946 0003"),
        ("other", "+44 20 7946 0004"),
        ("workFax", "+44 20 7946 0005"),
    ];
    let places = pairs(&[
        ("work", "1 Work Road, London, W1"),
        ("other", "2 Other Lane, Leeds, L2"),
    ]);
    assert_eq!(list(&world, "Ada", "emailAddresses").await?, emails);
    assert_eq!(list(&world, "Ada", "phoneNumbers").await?, pairs(&phones));
    assert_eq!(list(&world, "Ada", "addresses").await?, places);
    world.quiet(&connection).await?;
    let before = fields(&world, "Ada").await?;

    // One number in the CRM, and back.
    for mobile in ["+44 20 7946 0022", "+44 20 7946 0002"] {
        let edit = json!({"Mobile": mobile});
        world.sandbox.edit(ZOHO, &ada, edit).await?;
        world.api.sync(&connection).await?;
        let mut expect = phones;
        expect[1].1 = mobile;
        assert_eq!(list(&world, "Ada", "phoneNumbers").await?, pairs(&expect));
        assert_eq!(list(&world, "Ada", "emailAddresses").await?, emails);
        world.quiet(&connection).await?;
    }
    assert_eq!(fields(&world, "Ada").await?, before);

    // One part of one address at Google, and back.
    let there = world.sandbox.get(GOOGLE, &email("Ada")).await?;
    let whole = there.native["addresses"].clone();
    let mut moved = whole.clone();
    let items = moved.as_array_mut().context("addresses")?;
    let other = items.iter_mut().find(|item| item["type"] == "other");
    let other = other.and_then(Value::as_object_mut).context("the other")?;
    other.insert("city".to_owned(), json!("York"));
    other.remove("formattedValue");
    for (addresses, city) in [(moved, "York"), (whole, "Leeds")] {
        let edit = json!({"addresses": addresses});
        world.sandbox.edit(GOOGLE, &there.id, edit).await?;
        world.api.sync(&connection).await?;
        let mut expect = before.clone();
        expect["Other_City"] = json!(city);
        assert_eq!(fields(&world, "Ada").await?, expect);
        world.quiet(&connection).await?;
    }
    assert_eq!(list(&world, "Ada", "addresses").await?, places);
    Ok(())
}

/// Google's lists fill the CRM's fields by their labels, whatever their order; what has no label of ours takes the places
/// that are left, and what there is no place for stays at Google, also when others are edited from the CRM.
#[tokio::test]
async fn each_item_finds_its_field_and_the_rest_stays() -> anyhow::Result<()> {
    let world = World::start(0).await?;
    let item = |label: &str, value: &str| json!({"type": label, "value": value});
    let had = json!({
        "emailAddresses": [item("home", "bob@home.example"), item("other", "bob@other.example"),
            item("work", &email("Bob"))],
        "phoneNumbers": [item("pager", "+44 20 7946 0011"), item("home", "+44 20 7946 0012"),
            item("workFax", "+44 20 7946 0013"), item("mobile", "+44 20 7946 0014"), item("Yacht", "+44 20 7946 0015"),
            item("work", "+44 20 7946 0016")],
        "addresses": [
            {"type": "other", "streetAddress": "2 Other Lane", "city": "Leeds", "postalCode": "L2"},
            {"type": "home", "streetAddress": "3 Home Row", "city": "York", "postalCode": "Y3"},
            {"type": "work", "streetAddress": "1 Work Road", "city": "London", "postalCode": "W1"},
        ],
    });
    world.sandbox.create(GOOGLE, book("Bob", had)).await?;
    let connection = world.connected(json!({})).await?;
    let expect = json!({
        "Email": email("Bob"), "Secondary_Email": "bob@home.example",
        "Phone": "+44 20 7946 0016", "Mobile": "+44 20 7946 0014", "Home_Phone": "+44 20 7946 0012",
        "Other_Phone": "+44 20 7946 0011", "Fax": "+44 20 7946 0013",
        "Mailing_Street": "1 Work Road", "Mailing_City": "London", "Mailing_Zip": "W1",
        "Other_Street": "2 Other Lane", "Other_City": "Leeds", "Other_Zip": "L2",
    });
    assert_eq!(fields(&world, "Bob").await?, expect);
    world.quiet(&connection).await?;
    let members = ["emailAddresses", "phoneNumbers", "addresses"];
    let mut before = Vec::new();
    for member in members {
        before.push(list(&world, "Bob", member).await?);
    }

    let bob = world.sandbox.get(ZOHO, &email("Bob")).await?;
    let edit = json!({"Secondary_Email": "bob@new.example", "Home_Phone": "+44 20 7946 0099",
        "Mailing_Street": "10 Work Road"});
    world.sandbox.edit(ZOHO, &bob.id, edit).await?;
    world.api.sync(&connection).await?;
    let changed = [
        ("bob@home.example", "bob@new.example"),
        ("+44 20 7946 0012", "+44 20 7946 0099"),
        ("1 Work Road, London, W1", "10 Work Road, London, W1"),
    ];
    for ((member, mut expect), (old, new)) in members.into_iter().zip(before).zip(changed) {
        let item = expect.iter_mut().find(|(_, value)| value == old);
        new.clone_into(&mut item.context("the item")?.1);
        expect.sort();
        assert_eq!(list(&world, "Bob", member).await?, expect, "{member}");
    }
    world.quiet(&connection).await?;
    Ok(())
}
