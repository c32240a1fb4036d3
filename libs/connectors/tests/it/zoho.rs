//! The Zoho CRM connector against the sandbox: accounts, pulls and direct reads. Writing is `zoho_writes.rs`.

use serde_json::json;
use syncline_connector::{Connector, Cursor, Kind, Next, Remedy};
use syncline_model::{RemoteId, Value};
use syncline_sandbox::core::faults::Fault;

use super::zoho_support::{FIELDS, Zoho, add_extra_fields, names, text};

#[tokio::test]
async fn an_account_tells_who_it_is_and_what_it_has() {
    let zoho = Zoho::start().await;
    let identity = zoho
        .connector
        .identity(&zoho.session)
        .await
        .expect("an identity");
    assert!(
        identity.label.contains("kim@zylker.example"),
        "{identity:?}"
    );
    assert_eq!(identity.subject.split(':').count(), 2);

    let collections = zoho
        .connector
        .collections(&zoho.session)
        .await
        .expect("collections");
    let default: Vec<_> = collections
        .iter()
        .filter(|one| one.default)
        .map(|one| (one.id.as_str(), one.name.as_str()))
        .collect();
    assert_eq!(default, [("view:all", "All Contacts")]);
    assert!(collections.len() > 1);

    zoho.action(
        "add_field",
        &json!({"api_name": "Level", "data_type": "bigint"}),
    );
    let found = zoho.connector.fields(&zoho.session).await.expect("fields");
    let last_name = found
        .iter()
        .find(|field| field.name.as_str() == "Last_Name")
        .expect("Last_Name");
    assert!(last_name.required && last_name.writable);
    let level = found
        .iter()
        .find(|field| field.name.as_str() == "Level")
        .expect("Level");
    assert!(level.custom && level.kind == syncline_model::Kind::Number);
}

#[tokio::test]
async fn a_first_pull_lists_everything_and_the_next_costs_two_calls() {
    let zoho = Zoho::start().await;
    zoho.seed(450);
    zoho.advance(60);
    zoho.calls();
    let first = zoho.pull(None).await;
    assert_eq!((first.present.len(), first.complete), (450, true));
    assert_eq!(
        zoho.calls(),
        [
            "GET Contacts 200",
            "GET Contacts 200",
            "GET Contacts 200",
            "GET Contacts/actions/count 200"
        ]
    );
    zoho.advance(60);
    let second = zoho.pull(Some(&first.cursor)).await;
    assert_eq!(
        (second.present.len(), second.gone.len(), second.complete),
        (0, 0, false)
    );
    let calls = zoho.calls();
    assert_eq!(calls.len(), 2, "{calls:?}");
    assert_eq!(calls[0], "GET Contacts 304");
    let third = zoho.pull(Some(&second.cursor)).await;
    assert_eq!(
        third.cursor, second.cursor,
        "a cursor stays the same while nothing changes"
    );
}

#[tokio::test]
async fn edits_and_deletions_arrive() {
    let zoho = Zoho::start().await;
    let ann = zoho.add(&json!({"Last_Name": "Ann", "Email": "ann@x.example"}));
    let bob = zoho.add(&json!({"Last_Name": "Bob"}));
    let first = zoho.pull(None).await;
    zoho.advance(60);
    zoho.edit(
        &ann,
        &json!({"Phone": "+1 650 555 0100", "Tag": [{"name": "VIP"}]}),
    );
    zoho.advance(60);
    zoho.remove(&bob);
    zoho.advance(60);
    let second = zoho.pull(Some(&first.cursor)).await;
    let ann_now = second
        .present
        .iter()
        .find(|record| record.id == ann)
        .expect("Ann");
    assert_eq!(
        (text(ann_now, "Phone"), json!(text(ann_now, "Owner"))),
        (
            "+1 650 555 0100",
            zoho.native(&ann)["Owner"]["name"].clone()
        )
    );
    assert_eq!(
        ann_now.value(&"Tag".into()),
        &Value::List(vec!["VIP".into()])
    );
    assert_eq!(
        ann_now.version.as_str(),
        "2026-03-01T01:01:00+01:00",
        "as given, in the user's zone"
    );
    assert_eq!(second.gone, [bob.to_string()]);
    // The last second and the tombstones are read once more, then nothing is.
    let third = zoho.pull(Some(&second.cursor)).await;
    assert_eq!((third.present.len(), third.gone.len()), (1, 1));
    let fourth = zoho.pull(Some(&third.cursor)).await;
    assert_eq!((fourth.present.len(), fourth.gone.len()), (0, 0));
}

#[tokio::test]
async fn an_edit_in_the_second_of_the_last_one_is_not_lost() {
    let zoho = Zoho::start().await;
    zoho.run_clock();
    let ann = zoho.add(&json!({"Last_Name": "Ann"}));
    let first = zoho.pull(None).await;
    zoho.edit(&ann, &json!({"Last_Name": "Anna"}));
    let second = zoho.pull(Some(&first.cursor)).await;
    assert_eq!(
        second
            .present
            .iter()
            .map(|record| text(record, "Last_Name"))
            .collect::<Vec<_>>(),
        ["Anna"]
    );
}

#[tokio::test]
async fn a_view_is_listed_in_full() {
    let zoho = Zoho::start().await;
    let criteria =
        json!({"comparator": "equal", "field": {"api_name": "Lead_Source"}, "value": "Chat"});
    let view = zoho.action("add_view", &json!({"name": "Chats", "criteria": criteria}));
    let view = format!("view:{}", view["id"].as_str().expect("an id"));
    let ann = zoho.add(&json!({"Last_Name": "Ann", "Lead_Source": "Chat"}));
    zoho.add(&json!({"Last_Name": "Bob"}));
    let first = zoho.try_pull(&view, None, FIELDS).await.expect("a pull");
    assert_eq!(
        (
            first
                .present
                .iter()
                .map(|record| record.id.clone())
                .collect::<Vec<_>>(),
            first.complete
        ),
        (vec![ann.clone()], true)
    );
    zoho.advance(60);
    zoho.edit(&ann, &json!({"Lead_Source": "Partner"}));
    let second = zoho
        .try_pull(&view, Some(&first.cursor), FIELDS)
        .await
        .expect("a pull");
    assert_eq!((second.present.len(), second.complete), (0, true));

    let other = zoho
        .try_pull("view:all", Some(&second.cursor), FIELDS)
        .await
        .expect_err("a cursor of another collection");
    assert_eq!(other.kind, Kind::CursorExpired);
    let gone = zoho
        .try_pull("view:4150868000000000001", None, FIELDS)
        .await
        .expect_err("no such view");
    assert_eq!(gone.kind, Kind::NotFound);
}

#[tokio::test]
async fn a_cut_off_listing_is_not_complete_and_heals() {
    let zoho = Zoho::start().await;
    for n in 0..10 {
        zoho.add(&json!({"Last_Name": format!("Person {n}")}));
    }
    zoho.fault("GET /crm/v8/Contacts", Fault::TruncateListing);
    let first = zoho.pull(None).await;
    assert_eq!((first.present.len(), first.complete), (5, false));
    zoho.advance(60);
    let second = zoho.pull(Some(&first.cursor)).await;
    assert_eq!(
        second.present.len(),
        10,
        "also what has the same modification time"
    );

    // In a delta nothing gives it away; the next pull reads the last second again.
    for record in &second.present {
        zoho.edit(&record.id, &json!({"Title": "CEO"}));
    }
    zoho.fault("GET /crm/v8/Contacts", Fault::TruncateListing);
    let third = zoho.pull(Some(&second.cursor)).await;
    assert_eq!(third.present.len(), 5);
    zoho.advance(60);
    assert_eq!(zoho.pull(Some(&third.cursor)).await.present.len(), 10);
}

#[tokio::test]
async fn a_cut_off_list_of_tombstones_heals() {
    let zoho = Zoho::start().await;
    let ids: Vec<RemoteId> = (0..6)
        .map(|n| zoho.add(&json!({"Last_Name": format!("Person {n}")})))
        .collect();
    let first = zoho.pull(None).await;
    for id in &ids {
        zoho.advance(10);
        zoho.remove(id);
    }
    zoho.fault("GET /crm/v8/Contacts/deleted", Fault::TruncateListing);
    let second = zoho.pull(Some(&first.cursor)).await;
    let third = zoho.pull(Some(&second.cursor)).await;
    assert_eq!((second.gone.len(), third.gone.len()), (3, 6));
}

#[tokio::test]
async fn bad_answers_are_errors() {
    let zoho = Zoho::start().await;
    zoho.seed(250);
    let check = async |fault: Fault, kind: Kind| {
        zoho.fault("GET /crm/v8/Contacts", fault);
        let error = zoho
            .try_pull("view:all", None, FIELDS)
            .await
            .expect_err("an error");
        assert_eq!(error.kind, kind);
    };
    let status = |status, body| Fault::Status {
        status,
        body: Some(body),
        headers: std::collections::BTreeMap::new(),
    };
    check(Fault::HtmlBody, Kind::Malformed).await;
    let breaks_off = json!({"data": [{"id": "1", "Modified_Time": "2026-03-01T00:00:00Z"}], "info": {"count": 1, "more_records": true, "next_page_token": null}});
    check(status(200, breaks_off), Kind::Malformed).await;
    let short = json!({"data": [{"id": "1", "Modified_Time": "2026-03-01T00:00:00Z"}], "info": {"count": 2, "more_records": false, "next_page_token": null}});
    check(status(200, short), Kind::Malformed).await;
    let nameless = json!({"data": [{"Last_Name": "Ann"}], "info": {"count": 1, "more_records": false, "next_page_token": null}});
    check(status(200, nameless), Kind::Malformed).await;
    check(status(304, json!("")), Kind::Malformed).await;
    let denied = json!({"code": "NO_PERMISSION", "details": {"permissions": ["Crm_Implied_View_Contacts"]}, "message": "permission denied", "status": "error"});
    check(status(403, denied), Kind::Forbidden).await;
    let many = json!({"code": "TOO_MANY_REQUESTS", "details": {}, "message": "Too many requests", "status": "error"});
    check(status(429, many), Kind::RateLimited { retry_after: None }).await;
}

#[tokio::test]
async fn old_places_are_refused() {
    let zoho = Zoho::start().await;
    zoho.seed(250);
    let first = zoho
        .pull_page("view:all", None, None, FIELDS)
        .await
        .expect("a page");
    let Next::Page(token) = first.next else {
        panic!("another page follows")
    };
    zoho.expire_page_tokens();
    let error = zoho
        .pull_page("view:all", None, Some(token), FIELDS)
        .await
        .expect_err("an old page token");
    assert_eq!(
        (&error.kind, error.remedy()),
        (&Kind::CursorExpired, Remedy::Repull)
    );

    let done = zoho.pull(None).await;
    let mut cursor: serde_json::Value = serde_json::from_str(&done.cursor.0).expect("our cursor");
    cursor["at"] = json!("2025-01-01T00:00:00Z");
    let error = zoho
        .try_pull("view:all", Some(&Cursor(cursor.to_string())), FIELDS)
        .await
        .expect_err("an old cursor");
    assert_eq!(error.kind, Kind::CursorExpired);
}

#[tokio::test]
async fn records_are_read_by_id_in_the_order_asked() {
    let zoho = Zoho::start().await;
    let mut ids: Vec<RemoteId> = (0..5)
        .map(|n| zoho.add(&json!({"Last_Name": format!("Person {n}")})))
        .collect();
    zoho.remove(&ids[1]);
    ids.reverse();
    ids.push(RemoteId::new("4150868000000000001"));
    ids.push(RemoteId::new("not-an-id"));
    let read = async || {
        let found = zoho
            .connector
            .get(&zoho.session, &ids, &names(&["Last_Name"]))
            .await
            .expect("records");
        found
            .iter()
            .map(|found| {
                found
                    .as_ref()
                    .map(|record| text(record, "Last_Name").to_owned())
            })
            .collect::<Vec<_>>()
    };
    let some = |name: &str| Some(name.to_owned());
    let expect = [
        some("Person 4"),
        some("Person 3"),
        some("Person 2"),
        None,
        some("Person 0"),
        None,
        None,
    ];
    assert_eq!(read().await, expect);
    zoho.fault("GET /crm/v8/Contacts", Fault::TruncateListing);
    assert_eq!(
        read().await,
        expect,
        "a cut-off answer makes nobody look deleted"
    );
}

#[tokio::test]
async fn more_fields_than_a_call_takes_are_read_in_several() {
    let zoho = Zoho::start().await;
    let extra = add_extra_fields(&zoho, 60);
    let mut native = json!({"Last_Name": "Ann"});
    for name in &extra {
        native[name] = json!(format!("value of {name}"));
    }
    let ann = zoho.add(&native);
    let mut wanted: Vec<&str> = extra.iter().map(String::as_str).collect();
    wanted.push("Last_Name");
    let pulled = zoho
        .try_pull("view:all", None, &wanted)
        .await
        .expect("a pull");
    assert_eq!(pulled.present[0].fields.len(), 61);
    let read = zoho
        .connector
        .get(&zoho.session, &[ann], &names(&wanted))
        .await
        .expect("Ann");
    assert_eq!(
        read[0].as_ref().map(|record| &record.fields),
        Some(&pulled.present[0].fields)
    );
}

#[tokio::test]
async fn tokens_are_renewed_and_missing_permissions_named() {
    let zoho = Zoho::start().await;
    zoho.fault("GET /crm/v8/org", Fault::ExpireAccessTokens);
    assert!(zoho.connector.identity(&zoho.session).await.is_ok());

    let narrow = Zoho::with_scopes(vec!["ZohoCRM.users.READ".into()]).await;
    let error = narrow
        .try_pull("view:all", None, FIELDS)
        .await
        .expect_err("no permission");
    assert_eq!(
        (error.kind.clone(), error.code.as_deref()),
        (Kind::Forbidden, Some("OAUTH_SCOPE_MISMATCH"))
    );
}

#[tokio::test]
async fn an_account_that_may_not_count_is_synced_all_the_same() {
    let zoho = Zoho::with_scopes(vec!["ZohoCRM.modules.ALL".into()]).await;
    zoho.add(&json!({"Last_Name": "Ann"}));
    let pulled = zoho.pull(None).await;
    assert_eq!((pulled.present.len(), pulled.complete), (1, true));
}

#[tokio::test]
async fn a_field_that_is_gone_reads_as_empty_and_is_asked_about_once() {
    let zoho = Zoho::start().await;
    zoho.seed(250);
    zoho.calls();
    let pulled = zoho
        .try_pull("view:all", None, &["Last_Name", "Gone_Field"])
        .await
        .expect("a pull");
    assert_eq!(pulled.present.len(), 250);
    let asked = zoho.calls();
    let metadata = asked.iter().filter(|call| call.contains("settings/fields"));
    assert_eq!(metadata.count(), 1, "{asked:?}");
}
