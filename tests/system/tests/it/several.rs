//! The same app connected several times by one customer, and accounts that several connections share.

use serde_json::{Value, json};
use system_tests::customer::succeeded;
use system_tests::http::text;
use system_tests::people::Sandbox;
use system_tests::world::{GOOGLE_LOGIN, ZOHO_LOGIN};
use system_tests::{Contact, GOOGLE, World, ZOHO};

use crate::people::{book, crm, email, title};

/// A world with a second organisation in the CRM and a second address book at Google, all four accounts the customer's: the
/// second ones by their ids, and the sandbox about them.
async fn four() -> anyhow::Result<(World, [String; 2], Sandbox)> {
    let world = World::start(0).await?;
    let (logins, second) = world.sandbox.open_accounts(2, 0, 1).await?;
    let a = world.api.authorise("zoho_crm", &logins[0]).await?;
    let b = world.api.authorise("google_contacts", &logins[1]).await?;
    let all = world.api.list("/v1/accounts").await?;
    for login in [ZOHO_LOGIN, GOOGLE_LOGIN, &logins[0], &logins[1]] {
        let mut labels = all
            .iter()
            .filter_map(|one| one["identity"]["label"].as_str());
        let said = labels.any(|label| label.starts_with(login));
        assert!(said, "an account says whose it is, {login}: {all:?}");
    }
    Ok((world, [a, b], second))
}

/// The given names of an account's people, in order.
async fn names(sandbox: &Sandbox, provider: &str) -> anyhow::Result<Vec<String>> {
    let people = sandbox.live(provider).await?;
    let mut names: Vec<String> = people
        .iter()
        .map(|one| text(&one.neutral, "/given_name"))
        .collect::<anyhow::Result<_>>()?;
    names.sort();
    Ok(names)
}

async fn job(sandbox: &Sandbox, provider: &str, name: &str) -> anyhow::Result<String> {
    let record = sandbox.get(provider, &email(name)).await?;
    Ok(Contact::read(&record.neutral).title)
}

async fn connected(world: &World, changes: Value) -> anyhow::Result<String> {
    let connection = world.connect(changes).await?;
    succeeded(world.api.first_run(&connection).await?)?;
    Ok(connection)
}

/// Two organisations and two address books in two connections, one with the CRM as side a and one with Google: what one
/// pair has never gets into the other, not even of a person whom both have under the same address.
#[tokio::test]
async fn two_pairs_of_the_same_apps_do_not_mix() -> anyhow::Result<()> {
    let (world, [a, b], second) = four().await?;
    let first = &world.sandbox;
    let titled = |text: &str| json!({"Title": text});
    first.create(ZOHO, crm("Ann", json!({}))).await?;
    first.create(ZOHO, crm("Sam", titled("First"))).await?;
    first.create(GOOGLE, book("Bob", json!({}))).await?;
    second.create(ZOHO, crm("Cid", json!({}))).await?;
    second.create(GOOGLE, book("Dot", json!({}))).await?;
    second.create(GOOGLE, book("Sam", title("Second"))).await?;
    let one = connected(&world, json!({})).await?;
    let other = json!({"name": "Second", "a": {"account": b}, "b": {"account": a}});
    let other = connected(&world, other).await?;
    let whole = async || {
        for (sandbox, expect, work) in [
            (first, ["Ann", "Bob", "Sam"], "First"),
            (&second, ["Cid", "Dot", "Sam"], "Second"),
        ] {
            for provider in [ZOHO, GOOGLE] {
                assert_eq!(names(sandbox, provider).await?, expect, "{provider}");
                let found = job(sandbox, provider, "Sam").await?;
                assert!(found.starts_with(work), "{provider}: {found}");
            }
        }
        for connection in [&one, &other] {
            world.quiet(connection).await?;
        }
        anyhow::Ok(())
    };
    whole().await?;
    // Both Sams are edited and one of them deleted: the other pair hears nothing of it.
    let sam = first.get(GOOGLE, &email("Sam")).await?;
    first
        .edit(GOOGLE, &sam.id, title("First, promoted"))
        .await?;
    let sam = second.get(ZOHO, &email("Sam")).await?;
    second
        .edit(ZOHO, &sam.id, titled("Second, promoted"))
        .await?;
    for connection in [&one, &other] {
        world.api.sync(connection).await?;
    }
    whole().await?;
    assert_eq!(job(first, ZOHO, "Sam").await?, "First, promoted");
    assert_eq!(job(&second, GOOGLE, "Sam").await?, "Second, promoted");
    Ok(())
}

/// One organisation with two address books, by who came from where: nobody gets into the other book by way of the CRM.
#[tokio::test]
async fn one_crm_with_two_address_books() -> anyhow::Result<()> {
    let (world, [_, b], second) = four().await?;
    let first = &world.sandbox;
    let from = |source: &str| json!({"Lead_Source": source});
    let ann = first.create(ZOHO, crm("Ann", from("Chat"))).await?;
    first.create(ZOHO, crm("Ben", from("Cold Call"))).await?;
    first.create(ZOHO, crm("Cid", from("Partner"))).await?;
    first.create(GOOGLE, book("Dot", json!({}))).await?;
    second.create(GOOGLE, book("Eve", json!({}))).await?;
    let only = |source: &str| {
        json!([{"from": "a", "if": [{"field": "Lead_Source", "is": source}]},
            {"from": "b", "then": [{"set": "Lead_Source", "to": source, "when": "create"}]}])
    };
    let one = connected(&world, json!({"rules": only("Chat")})).await?;
    let other = json!({"name": "Second", "b": {"account": b}, "rules": only("Cold Call")});
    let other = connected(&world, other).await?;
    let both = [&one, &other];
    for connection in both {
        world.api.sync(connection).await?;
    }
    assert_eq!(
        names(first, ZOHO).await?,
        ["Ann", "Ben", "Cid", "Dot", "Eve"]
    );
    assert_eq!(names(first, GOOGLE).await?, ["Ann", "Dot"]);
    assert_eq!(names(&second, GOOGLE).await?, ["Ben", "Eve"]);
    for connection in both {
        world.quiet(connection).await?;
    }
    // Ann is passed on from one to the other: there she is new, here she stays as she is.
    let moved = json!({"Lead_Source": "Cold Call", "Title": "Passed on"});
    first.edit(ZOHO, &ann, moved).await?;
    for connection in both {
        world.api.sync(connection).await?;
    }
    assert_eq!(names(&second, GOOGLE).await?, ["Ann", "Ben", "Eve"]);
    assert_eq!(job(&second, GOOGLE, "Ann").await?, "Passed on");
    assert_eq!(job(first, GOOGLE, "Ann").await?, "");
    for connection in both {
        world.quiet(connection).await?;
    }
    Ok(())
}

/// Two organisations in one address book, each with a group of its own: who is in one group is in one organisation, who is
/// in both is in both.
#[tokio::test]
async fn two_crms_in_one_address_book() -> anyhow::Result<()> {
    let (world, [a, _], second) = four().await?;
    let first = &world.sandbox;
    let mut groups = Vec::new();
    for name in ["First", "Second"] {
        let made = first
            .act(GOOGLE, "actions/group", json!({"name": name}))
            .await?;
        groups.push(text(&made, "/resourceName")?);
    }
    let member = |of: &[&String]| {
        let mine = "contactGroups/myContacts".to_owned();
        let all = of.iter().copied().chain([&mine]);
        let all: Vec<Value> = all
            .map(|group| json!({"contactGroupMembership": {"contactGroupResourceName": group}}))
            .collect();
        json!({"memberships": all})
    };
    first.create(ZOHO, crm("Ann", json!({}))).await?;
    second.create(ZOHO, crm("Ben", json!({}))).await?;
    first
        .create(GOOGLE, book("Cid", member(&[&groups[0]])))
        .await?;
    first
        .create(GOOGLE, book("Dot", member(&[&groups[1]])))
        .await?;
    first
        .create(GOOGLE, book("Eve", member(&[&groups[0], &groups[1]])))
        .await?;
    first.create(GOOGLE, book("Fay", json!({}))).await?;
    let of = |account: &String, group: &String| {
        json!({"name": group, "a": {"account": account},
            "b": {"account": world.b, "collection": format!("group:{group}")}})
    };
    let one = connected(&world, of(&world.a, &groups[0])).await?;
    let other = connected(&world, of(&a, &groups[1])).await?;
    let both = [&one, &other];
    for connection in both {
        world.api.sync(connection).await?;
    }
    assert_eq!(names(first, ZOHO).await?, ["Ann", "Cid", "Eve"]);
    assert_eq!(names(&second, ZOHO).await?, ["Ben", "Dot", "Eve"]);
    assert_eq!(
        names(first, GOOGLE).await?,
        ["Ann", "Ben", "Cid", "Dot", "Eve", "Fay"]
    );
    for (name, group) in [("Ann", 0), ("Ben", 1)] {
        let native = first.get(GOOGLE, &email(name)).await?.native;
        let told = native["memberships"].to_string();
        let inside = [0, 1].map(|index: usize| told.contains(&groups[index]));
        assert_eq!(inside, [group == 0, group == 1], "{name}: {told}");
    }
    for connection in both {
        world.quiet(connection).await?;
    }
    // Eve, whom all three have, is edited in one organisation: the edit comes to the other by way of the address book.
    let eve = first.get(ZOHO, &email("Eve")).await?;
    let edit = json!({"Title": "Everywhere"});
    first.edit(ZOHO, &eve.id, edit).await?;
    for connection in both {
        world.api.sync(connection).await?;
    }
    assert_eq!(job(&second, ZOHO, "Eve").await?, "Everywhere");
    for connection in both {
        world.quiet(connection).await?;
    }
    Ok(())
}

/// Two organisations of the CRM with each other, with the default mapping: all that it joins goes over, both ways.
#[tokio::test]
async fn two_crms_with_each_other() -> anyhow::Result<()> {
    let (world, [other, _], second) = four().await?;
    let first = &world.sandbox;
    let full = json!({"Title": "Engineer", "Department": "Works", "Phone": "+49 30 5550100", "Mobile": "+49 170 5550101",
        "Date_of_Birth": "1990-02-03", "Description": "Met at the fair.",
        "Mailing_Street": "Long Street 1", "Mailing_City": "Berlin", "Mailing_Zip": "10115", "Mailing_Country": "Germany",
        "Email_Opt_Out": true});
    first.create(ZOHO, crm("Ann", full.clone())).await?;
    second.create(ZOHO, crm("Bob", full.clone())).await?;
    first
        .create(ZOHO, crm("Sam", json!({"Title": "First"})))
        .await?;
    second
        .create(ZOHO, crm("Sam", json!({"Phone": "+49 30 5550102"})))
        .await?;
    let wish = json!({"b": {"account": other}});
    let connection = connected(&world, wish).await?;
    let same = async |name: &str, fields: &Value| {
        for (sandbox, which) in [(first, "first"), (&second, "second")] {
            let found = sandbox.get(ZOHO, &email(name)).await?.native;
            for (field, expect) in fields.as_object().into_iter().flatten() {
                assert_eq!(found[field], *expect, "{field} of {name} in the {which}");
            }
        }
        anyhow::Ok(())
    };
    let people = ["Ann", "Bob", "Sam"];
    assert_eq!(names(first, ZOHO).await?, people);
    assert_eq!(names(&second, ZOHO).await?, people);
    same("Ann", &full).await?;
    same("Bob", &full).await?;
    let merged = json!({"Title": "First", "Phone": "+49 30 5550102"});
    same("Sam", &merged).await?;
    world.quiet(&connection).await?;
    // Each is edited where it did not come from.
    let (here, there) = (json!({"Title": "Here"}), json!({"Mailing_City": "There"}));
    let bob = first.get(ZOHO, &email("Bob")).await?;
    first.edit(ZOHO, &bob.id, here.clone()).await?;
    let ann = second.get(ZOHO, &email("Ann")).await?;
    second.edit(ZOHO, &ann.id, there.clone()).await?;
    world.api.sync(&connection).await?;
    same("Bob", &here).await?;
    same("Ann", &there).await?;
    world.quiet(&connection).await?;
    Ok(())
}
