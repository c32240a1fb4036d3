//! How the Google Contacts connector writes, against the sandbox.

use serde_json::json;
use syncline_connector::conformance::Probe;
use syncline_connector::{Connector, Kind, Request, Update};
use syncline_model::{Fields, RemoteId, Value, Version};
use syncline_sandbox::core::faults::Fault;

use super::bench::{kinds, status};
use super::google_support::{Google, fields, named};

fn update(id: &RemoteId, version: Option<Version>, changes: Fields) -> Update {
    Update {
        id: id.clone(),
        version,
        changes,
    }
}

#[tokio::test]
async fn a_lost_creation_is_found_and_not_made_twice() {
    let google = Google::start(20).await;
    let items = [
        google.creation(1, named("One")),
        google.creation(2, named("Two")),
    ];
    google.fault(
        "POST /v1/people:batchCreateContacts",
        Fault::LostAnswer { status: None },
    );
    let lost = google
        .connector
        .create(&google.session, "all", &items)
        .await;
    assert_eq!(
        kinds(&lost),
        [Some(Kind::Unavailable), Some(Kind::Unavailable)]
    );
    assert!(
        lost.iter()
            .all(|one| one.as_ref().is_err_and(|error| error.maybe_applied))
    );
    assert_eq!(google.live(), 22);
    let found = google
        .connector
        .find_created(&google.session, "all", &items, &[])
        .await
        .expect("an answer");
    let names: Vec<_> = found
        .into_iter()
        .map(|one| one.map(|record| record.value(&"names.givenName".into()).clone()))
        .collect();
    assert_eq!(names, [Some("One".into()), Some("Two".into())]);
    google.fault("POST /v1/people:createContact", Fault::ResetBefore);
    let third = [google.creation(3, named("Three"))];
    let lost = google
        .connector
        .create(&google.session, "all", &third)
        .await;
    assert!(lost[0].as_ref().is_err_and(|error| error.maybe_applied));
    let found = google
        .connector
        .find_created(&google.session, "all", &third, &[])
        .await
        .expect("an answer");
    assert_eq!(found, [None]);
}

#[tokio::test]
async fn one_bad_item_does_not_spoil_a_batch_of_creations() {
    let google = Google::start(0).await;
    google.fault("POST /v1/people:batchCreateContacts", status(400));
    let items = [
        google.creation(1, named("One")),
        google.creation(2, Fields::new()),
        google.creation(3, fields([("shoe size", "46".into())])),
        google.creation(4, named("Four")),
    ];
    let outcomes = google
        .connector
        .create(&google.session, "all", &items)
        .await;
    assert_eq!(
        kinds(&outcomes),
        [None, Some(Kind::Rejected), Some(Kind::Rejected), None]
    );
    assert_eq!(google.live(), 2);
}

#[tokio::test]
async fn an_update_leaves_everything_else_as_it_was() {
    let google = Google::start(0).await;
    let group = google.group("Old");
    google.group("New");
    let id = google.insert(&json!({
        "names": [{"givenName": "Ann", "familyName": "Lee", "phoneticGivenName": "en"}],
        "emailAddresses": [{"value": "w@mail.example", "type": "work"}, {"value": "s@mail.example", "type": "school"}],
        "phoneNumbers": [{"value": "1", "type": "pager"}],
        "relations": [{"person": "Bob", "type": "spouse"}],
        "userDefined": [{"key": "a", "value": "1"}],
        "memberships": [{"contactGroupMembership": {"contactGroupResourceName": group}}],
    }));
    let before = google.one(&id).await;
    google.calls();
    let changes = fields([
        ("email.home", "new@mail.example".into()),
        ("phone.work", Value::Empty),
        ("userDefined.b", "2".into()),
        ("groups", Value::List(vec!["Old".into(), "New".into()])),
    ]);
    let done = google
        .connector
        .update(
            &google.session,
            &[update(&id, Some(before.version.clone()), changes)],
        )
        .await;
    let written = done[0].as_ref().expect("written");
    let after = google.one(&id).await;
    assert_eq!(
        (written.version.as_ref(), written.fields.as_ref()),
        (Some(&after.version), Some(&after.fields))
    );
    let native = google.native(&id);
    assert_eq!(native["names"][0]["phoneticGivenName"], "en");
    assert_eq!(native["relations"][0]["person"], "Bob");
    assert_eq!(native["phoneNumbers"], json!(null));
    let emails = native["emailAddresses"].as_array().expect("addresses");
    let emails: Vec<_> = emails
        .iter()
        .map(|item| (item["type"].as_str(), item["value"].as_str()))
        .collect();
    assert_eq!(
        emails,
        [
            (Some("work"), Some("w@mail.example")),
            (Some("school"), Some("new@mail.example"))
        ]
    );
    assert_eq!(after.value(&"userDefined.a".into()), &Value::text("1"));
    assert_eq!(
        after.value(&"groups".into()),
        &Value::List(vec!["New".into(), "Old".into()])
    );
    // What is so already is not written.
    google.calls();
    let same = google
        .connector
        .update(
            &google.session,
            &[update(
                &id,
                None,
                fields([("names.givenName", "Ann".into())]),
            )],
        )
        .await;
    assert_eq!(
        same[0].as_ref().expect("written").version.as_ref(),
        Some(&after.version)
    );
    assert_eq!(google.calls(), ["GET people:batchGet 200"]);
}

#[tokio::test]
async fn each_update_of_a_batch_has_its_own_outcome() {
    let google = Google::start(0).await;
    let people = [
        google.add(1).await,
        google.add(2).await,
        google.add(3).await,
        google.add(4).await,
    ];
    let stale = google.one(&people[1]).await.version;
    google.edit(&people[1]).await;
    google.drop_contact(&people[2]);
    google.calls();
    let note = |text: &str| fields([("note", text.into())]);
    let items = [
        update(&people[0], None, note("n")),
        update(&people[1], Some(stale), note("n")),
        update(&people[2], None, note("n")),
        update(&people[3], None, named("New")),
        update(&RemoteId::new("people/../contactGroups/x"), None, note("n")),
    ];
    let outcomes = google.connector.update(&google.session, &items).await;
    let want = [
        None,
        Some(Kind::VersionMismatch),
        Some(Kind::NotFound),
        None,
        Some(Kind::NotFound),
    ];
    assert_eq!(kinds(&outcomes), want);
    assert_eq!(
        google.calls(),
        [
            "GET people:batchGet 200",
            "POST people:batchUpdateContacts 200"
        ]
    );
    assert_eq!(
        google.native(&people[0])["names"][0]["givenName"],
        "Person 1"
    );
    assert_eq!(google.native(&people[3])["biographies"], json!(null));
    // A batch refused as a whole is done one by one.
    google.fault("POST /v1/people:batchUpdateContacts", status(400));
    let items = [
        update(&people[0], None, note("m")),
        update(&people[3], None, note("m")),
    ];
    assert_eq!(
        kinds(&google.connector.update(&google.session, &items).await),
        [None, None]
    );
    assert_eq!(google.native(&people[3])["biographies"][0]["value"], "m");
    google.fault(
        "POST /v1/people:batchUpdateContacts",
        Fault::LostAnswer { status: Some(502) },
    );
    let items = [
        update(&people[0], None, note("x")),
        update(&people[3], None, note("x")),
    ];
    let lost = google.connector.update(&google.session, &items).await;
    assert!(
        lost.iter()
            .all(|one| one.as_ref().is_err_and(|error| error.maybe_applied))
    );
}

#[tokio::test]
async fn trash_is_a_group_that_is_made_once() {
    let google = Google::start(0).await;
    let (one, gone) = (google.add(1).await, google.add(2).await);
    google.drop_contact(&gone);
    for _ in 0..2 {
        let marked = google
            .connector
            .mark(&google.session, &[one.clone(), gone.clone()])
            .await;
        assert_eq!(kinds(&marked), [None, Some(Kind::NotFound)]);
    }
    let groups = google
        .connector
        .collections(&google.session)
        .await
        .expect("collections");
    let trash: Vec<&str> = groups
        .iter()
        .filter(|group| group.name == "Syncline Trash")
        .filter_map(|group| group.id.strip_prefix("group:"))
        .collect();
    assert_eq!(trash.len(), 1);
    let is_marked = || {
        google.native(&one)["memberships"]
            .to_string()
            .contains(trash[0])
    };
    assert!(is_marked());

    // The mark is no group of the field's: it is neither shown nor taken away by it.
    let fields_now = google
        .connector
        .fields(&google.session)
        .await
        .expect("fields");
    let described = fields_now.iter().find(|one| one.name.as_str() == "groups");
    assert!(described.is_some_and(|field| field.choices.is_empty()));
    google.group("Sales");
    let sales = Value::List(vec!["Sales".into()]);
    let into = update(&one, None, fields([("groups", sales.clone())]));
    let done = google.connector.update(&google.session, &[into]).await;
    assert_eq!(kinds(&done), [None]);
    assert_eq!(google.one(&one).await.value(&"groups".into()), &sales);
    assert!(is_marked());
}

#[tokio::test]
async fn writes_of_one_account_come_one_after_the_other() {
    let google = Google::start(0).await;
    google.faults(
        "POST /v1/people:createContact",
        Some(4),
        Fault::DelayMs { ms: 20 },
    );
    let items: Vec<_> = (1..=4)
        .map(|number| [google.creation(number, named("N"))])
        .collect();
    let create = async |number: usize| {
        google
            .connector
            .create(&google.session, "all", &items[number])
            .await
    };
    let (a, b, c, d) = tokio::join!(create(0), create(1), create(2), create(3));
    assert_eq!(kinds(&[a, b, c, d].concat()), [None, None, None, None]);
    let report = google
        .sandbox
        .state()
        .core
        .log
        .report(Some("google"), Some(&google.account));
    assert_eq!((google.live(), report.concurrent_mutations), (4, 0));
}

fn groups(names: &[&str]) -> (&'static str, Value) {
    let names = names.iter().map(|name| Value::text(*name)).collect();
    ("groups", Value::List(names))
}

#[tokio::test]
async fn groups_are_set_exactly_and_unknown_ones_stop_nobody_else() {
    let google = Google::start(0).await;
    for name in ["A", "B", "C"] {
        google.group(name);
    }
    let ids = [
        google.add(1).await,
        google.add(2).await,
        google.add(3).await,
    ];
    let items = [
        update(
            &ids[0],
            None,
            fields([groups(&["A", "B"]), ("starred", Value::Bool(true))]),
        ),
        update(&ids[1], None, fields([groups(&["A", "Nowhere"])])),
        update(&ids[2], None, fields([groups(&["C"])])),
    ];
    let done = google.connector.update(&google.session, &items).await;
    assert_eq!(kinds(&done), [None, Some(Kind::Rejected), None]);
    let refused = done[1].as_ref().err().map(|error| error.message.as_str());
    assert_eq!(
        refused,
        Some("Google Contacts has no group by a name in the field `groups`")
    );

    let items = [
        update(&ids[0], None, fields([groups(&["C", "B"])])),
        update(&ids[2], None, fields([("groups", Value::Empty)])),
    ];
    let done = google.connector.update(&google.session, &items).await;
    assert_eq!(kinds(&done), [None, None]);
    let now = async |id: &RemoteId| google.one(id).await.value(&"groups".into()).clone();
    assert_eq!(now(&ids[0]).await, groups(&["B", "C"]).1);
    assert_eq!(now(&ids[1]).await, Value::Empty);
    assert_eq!(now(&ids[2]).await, Value::Empty);
    let memberships = google.native(&ids[0])["memberships"].to_string();
    assert!(memberships.contains("myContacts") && memberships.contains("starred"));
}

#[tokio::test]
async fn a_contact_is_created_in_groups_beside_that_of_its_collection() {
    let google = Google::start(0).await;
    let sales = google.group("Sales");
    google.group("VIP");
    let item = |number, names: &[&str]| {
        let name = ("names.givenName", Value::text(format!("N{number}")));
        google.creation(number, fields([name, groups(names)]))
    };
    let items = [item(1, &["VIP"]), item(2, &["Nowhere"])];
    let done = google
        .connector
        .create(&google.session, &format!("group:{sales}"), &items)
        .await;
    assert_eq!(kinds(&done), [None, Some(Kind::Rejected)]);
    let made = done[0].as_ref().expect("created");
    let record = google.one(&made.id).await;
    assert_eq!(record.value(&"groups".into()), &groups(&["Sales", "VIP"]).1);
}

#[tokio::test]
async fn joining_is_the_reverse_of_leaving() {
    let google = Google::start(0).await;
    let collection = format!("group:{}", google.group("Sales"));
    let (one, gone) = (google.add(1).await, google.add(2).await);
    google.drop_contact(&gone);
    let ids = [one.clone(), gone];
    for _ in 0..2 {
        let joined = google
            .connector
            .join(&google.session, &collection, &ids)
            .await;
        assert_eq!(kinds(&joined), [None, Some(Kind::NotFound)]);
    }
    let now = async || google.one(&one).await.value(&"groups".into()).clone();
    assert_eq!(now().await, groups(&["Sales"]).1);
    let left = google
        .connector
        .leave(&google.session, &collection, &ids[..1])
        .await;
    assert_eq!((kinds(&left), now().await), (vec![None], Value::Empty));
    let everyone = google
        .connector
        .join(&google.session, "all", &ids[..1])
        .await;
    assert_eq!(kinds(&everyone), [Some(Kind::Unsupported)]);
}

#[tokio::test]
async fn a_group_is_made_once() {
    let google = Google::start(0).await;
    let make = async |name: &str| {
        let made = google.connector.create_collection(&google.session, name);
        made.await.map(|made| (made.collection.id, made.is_new))
    };
    google.fault("POST /v1/contactGroups", Fault::LostAnswer { status: None });
    let lost = make("Creatio").await.expect_err("no answer");
    assert!(lost.maybe_applied);
    let (first, is_new) = make("Creatio").await.expect("a group");
    assert!(!is_new);
    // Another case is another name.
    let (other, is_new) = make("creatio").await.expect("a group");
    assert!(is_new && other != first);
    let refused = make("My Contacts").await.expect_err("a refusal");
    assert_eq!(refused.kind, Kind::Rejected);
    // One that was deleted is made anew.
    let name = first.strip_prefix("group:").expect("a group");
    let gone = Request::delete(format!("/v1/{name}"));
    let gone = google.session.send(gone).await.expect("an answer");
    assert_eq!(gone.status, 200);
    let (again, is_new) = make("Creatio").await.expect("a group");
    assert!(is_new && again != first);
}
