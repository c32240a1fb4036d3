//! How the Google Contacts connector writes, against the sandbox.

use serde_json::json;
use syncline_connector::conformance::Probe;
use syncline_connector::{Connector, Kind, Update};
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
        ("labels", Value::List(vec!["Old".into(), "New".into()])),
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
        after.value(&"labels".into()),
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
    assert_eq!(
        google.one(&one).await.value(&"labels".into()),
        &Value::List(vec!["Syncline Trash".into()])
    );
    let groups = google
        .connector
        .collections(&google.session)
        .await
        .expect("collections");
    assert_eq!(
        groups
            .iter()
            .filter(|group| group.name == "Syncline Trash")
            .count(),
        1
    );
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
