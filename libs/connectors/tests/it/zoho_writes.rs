//! The Zoho CRM connector against the sandbox: creations, updates, deletions and marks.

use serde_json::json;
use syncline_connector::{Connector, Kind, Update, Written};
use syncline_model::{FieldName, Fields, RemoteId, Value, Version};
use syncline_sandbox::core::faults::Fault;

use super::bench::kinds;
use super::zoho_support::{Zoho, create, fields, names};

fn update(id: &RemoteId, version: Option<&Version>, pairs: &[(&str, &str)]) -> Update {
    Update {
        id: id.clone(),
        version: version.cloned(),
        changes: fields(pairs),
    }
}

#[tokio::test]
async fn each_creation_has_its_own_outcome() {
    let zoho = Zoho::start().await;
    zoho.action(
        "change_field",
        &json!({"api_name": "Email", "unique": true}),
    );
    let ann = zoho.add(&json!({"Last_Name": "Ann", "Email": "ann@x.example"}));
    let mut empty = create(4, &[]);
    empty.fields.insert(
        "Date_of_Birth".into(),
        Value::Date("--02-29".parse().expect("a day")),
    );
    let items = [
        create(
            1,
            &[
                ("Last_Name", "Bob"),
                ("Email", "bob@x.example"),
                ("First_Name", ""),
            ],
        ),
        create(2, &[("Last_Name", "Ann"), ("Email", "ann@x.example")]),
        create(3, &[("First_Name", "Cid")]),
        empty,
        create(5, &[("Last_Name", "Dan"), ("Email", "no address")]),
    ];
    let results = zoho
        .connector
        .create(&zoho.session, "view:all", &items)
        .await;
    assert_eq!(
        kinds(&results),
        [
            None,
            Some(Kind::Rejected),
            Some(Kind::Rejected),
            Some(Kind::Rejected),
            Some(Kind::Rejected)
        ]
    );
    let bob: &Written = results[0].as_ref().expect("Bob");
    assert_eq!(zoho.native(&bob.id)["Email"], json!("bob@x.example"));
    assert!(bob.version.is_some() && bob.modified_at.is_some());
    let message = |n: usize| {
        results[n]
            .as_ref()
            .err()
            .map(|error| error.message.clone())
            .unwrap_or_default()
    };
    assert_eq!(
        results[1]
            .as_ref()
            .err()
            .and_then(|error| error.existing.clone()),
        Some(ann)
    );
    assert!(
        message(2).contains("Last_Name")
            && message(3).contains("Date_of_Birth")
            && message(4).contains("Email")
    );
}

#[tokio::test]
async fn a_creation_without_an_answer_is_found() {
    let zoho = Zoho::start().await;
    zoho.add(&json!({"Last_Name": "Ann", "Email": "other@x.example"}));
    zoho.advance(1);
    let items = [
        create(
            1,
            &[
                ("Last_Name", "Ann"),
                ("Email", "ann@x.example"),
                ("Phone", "+1 650 555 0100"),
            ],
        ),
        create(2, &[("Last_Name", "Twin")]),
        create(3, &[("Last_Name", "Twin")]),
    ];
    zoho.fault("POST /crm/v8/Contacts", Fault::LostAnswer { status: None });
    let results = zoho
        .connector
        .create(&zoho.session, "view:all", &items)
        .await;
    assert!(
        results
            .iter()
            .all(|result| result.as_ref().is_err_and(|error| error.maybe_applied)),
        "{results:?}"
    );
    assert_eq!(zoho.live(), 4);

    let find = async |items: &[_]| {
        zoho.connector
            .find_created(&zoho.session, "view:all", items, &[])
            .await
            .expect("an answer")
    };
    let found = find(&items).await;
    assert!(found.iter().all(Option::is_some));
    let mut ids: Vec<String> = found
        .iter()
        .flatten()
        .map(|record| record.id.to_string())
        .collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 3, "each contact for one creation");
    zoho.fault("POST /crm/v8/coql", Fault::TruncateListing);
    assert_eq!(
        find(&items).await,
        found,
        "a cut-off answer makes nobody look uncreated"
    );
    let never = [create(
        9,
        &[
            ("Last_Name", "Ann"),
            ("Email", "ann@x.example"),
            ("Phone", "+1 650 555 0199"),
        ],
    )];
    assert_eq!(find(&never).await, [None]);
}

#[tokio::test]
async fn updates_change_only_what_they_name_and_only_what_they_saw() {
    let zoho = Zoho::start().await;
    let ann = zoho.add(&json!({"Last_Name": "Ann", "Title": "CEO", "Phone": "1"}));
    let seen = zoho
        .connector
        .get(
            &zoho.session,
            std::slice::from_ref(&ann),
            &names(&["Title"]),
        )
        .await
        .expect("Ann");
    let version = seen[0].as_ref().expect("Ann").version.clone();
    zoho.advance(60);
    let results = zoho
        .connector
        .update(
            &zoho.session,
            &[update(
                &ann,
                Some(&version),
                &[("Title", ""), ("Phone", "2")],
            )],
        )
        .await;
    let written = results[0].as_ref().expect("written");
    assert_ne!(written.version.as_ref(), Some(&version));
    let native = zoho.native(&ann);
    assert_eq!(
        (&native["Last_Name"], &native["Title"], &native["Phone"]),
        (&json!("Ann"), &json!(null), &json!("2"))
    );

    zoho.advance(60);
    let unknown = RemoteId::new("4150868000000000001");
    let results = zoho
        .connector
        .update(
            &zoho.session,
            &[
                update(&ann, Some(&version), &[("Phone", "3")]),
                update(&unknown, None, &[("Phone", "3")]),
                update(&ann, None, &[("Title", "CTO")]),
            ],
        )
        .await;
    assert_eq!(
        kinds(&results),
        [Some(Kind::VersionMismatch), Some(Kind::NotFound), None]
    );
    assert_eq!(zoho.native(&ann)["Phone"], json!("2"));
}

#[tokio::test]
async fn many_updates_take_two_calls_and_leave_out_what_changed() {
    let zoho = Zoho::start().await;
    let ids: Vec<RemoteId> = (0..8)
        .map(|n| zoho.add(&json!({"Last_Name": format!("Person {n}")})))
        .collect();
    let seen = zoho.pull(None).await;
    let version = |id: &RemoteId| {
        seen.present
            .iter()
            .find(|record| record.id == *id)
            .map(|record| record.version.clone())
    };
    zoho.advance(60);
    zoho.edit(&ids[3], &json!({"Title": "changed by a person"}));
    let items: Vec<Update> = ids
        .iter()
        .map(|id| update(id, version(id).as_ref(), &[("Title", "CEO")]))
        .collect();
    zoho.calls();
    let results = zoho.connector.update(&zoho.session, &items).await;
    assert_eq!(zoho.calls(), ["GET Contacts 200", "PUT Contacts 200"]);
    let failed: Vec<usize> = (0..8).filter(|n| results[*n].is_err()).collect();
    assert_eq!(failed, [3]);
    assert_eq!(
        results[3].as_ref().err().map(|error| error.kind.clone()),
        Some(Kind::VersionMismatch)
    );
    assert_eq!(zoho.native(&ids[3])["Title"], json!("changed by a person"));
    assert_eq!(zoho.native(&ids[7])["Title"], json!("CEO"));
}

#[tokio::test]
async fn a_locked_contact_waits() {
    let zoho = Zoho::start().await;
    let ann = zoho.add(&json!({"Last_Name": "Ann"}));
    zoho.action("lock", &json!({"id": ann.as_str(), "locked": true}));
    let results = zoho
        .connector
        .update(&zoho.session, &[update(&ann, None, &[("Title", "CEO")])])
        .await;
    assert_eq!(kinds(&results), [Some(Kind::Unavailable)]);
}

#[tokio::test]
async fn deleting_what_is_gone_is_done() {
    let zoho = Zoho::start().await;
    let ann = zoho.add(&json!({"Last_Name": "Ann"}));
    let bob = zoho.add(&json!({"Last_Name": "Bob"}));
    zoho.remove(&bob);
    let results = zoho
        .connector
        .delete(&zoho.session, &[bob.clone(), ann])
        .await;
    assert_eq!(kinds(&results), [None, None]);
    assert_eq!(zoho.live(), 0);
    assert_eq!(
        kinds(&zoho.connector.delete(&zoho.session, &[bob]).await),
        [None]
    );
}

#[tokio::test]
async fn marking_tags_and_keeps_other_tags() {
    let zoho = Zoho::start().await;
    let ann = zoho.add(&json!({"Last_Name": "Ann", "Tag": [{"name": "VIP"}]}));
    let unknown = RemoteId::new("4150868000000000001");
    let results = zoho
        .connector
        .mark(&zoho.session, &[unknown, ann.clone()])
        .await;
    assert_eq!(kinds(&results), [Some(Kind::NotFound), None]);
    let tags: Vec<String> = zoho.native(&ann)["Tag"]
        .as_array()
        .expect("tags")
        .iter()
        .map(|tag| tag["name"].as_str().unwrap_or_default().to_owned())
        .collect();
    assert_eq!(tags, ["VIP", "Syncline Trash"]);
}

#[tokio::test]
async fn custom_fields_of_every_kind_are_written_and_read_back() {
    let zoho = Zoho::start().await;
    for (name, data_type) in [
        ("Big", "bigint"),
        ("Price", "currency"),
        ("Since", "date"),
        ("Met_At", "datetime"),
        ("Code", "text"),
        ("Active", "boolean"),
    ] {
        zoho.action(
            "add_field",
            &json!({"api_name": name, "data_type": data_type}),
        );
    }
    zoho.action("add_field", &json!({"api_name": "Colours", "data_type": "multiselectpicklist", "options": ["Red", "Blue"]}));
    let mut item = create(1, &[("Last_Name", "Ann"), ("Code", "2001-02-03")]);
    let more: Fields = [
        ("Big", Value::Number("123456789012345678".into())),
        ("Price", Value::Number("12.5".into())),
        ("Since", Value::Date("2001-02-03".parse().expect("a day"))),
        (
            "Met_At",
            Value::Time("2026-02-03T04:05:06Z".parse().expect("a time")),
        ),
        ("Active", Value::Bool(true)),
        ("Colours", Value::List(vec!["Red".into(), "Blue".into()])),
        ("Tag", Value::List(vec!["VIP".into()])),
    ]
    .into_iter()
    .map(|(name, value)| (FieldName::new(name), value))
    .collect();
    item.fields.extend(more);
    let results = zoho
        .connector
        .create(&zoho.session, "view:all", std::slice::from_ref(&item))
        .await;
    let written = results[0].as_ref().expect("written");
    let wanted: Vec<&str> = item.fields.keys().map(FieldName::as_str).collect();
    let pulled = zoho
        .try_pull("view:all", None, &wanted)
        .await
        .expect("a pull");
    assert_eq!(pulled.present[0].fields, item.fields);
    let read = zoho
        .connector
        .get(
            &zoho.session,
            std::slice::from_ref(&written.id),
            &names(&wanted),
        )
        .await
        .expect("Ann");
    assert_eq!(
        read[0].as_ref().map(|record| &record.fields),
        Some(&item.fields)
    );
    let found = zoho
        .connector
        .find_created(&zoho.session, "view:all", std::slice::from_ref(&item), &[])
        .await
        .expect("an answer");
    assert_eq!(
        found[0].as_ref().map(|record| &record.id),
        Some(&written.id)
    );
}
