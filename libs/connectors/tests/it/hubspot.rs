//! The HubSpot connector against the sandbox: what only this provider does.

use serde_json::json;
use syncline_connector::{Connector, Kind, Update};
use syncline_model::{FieldName, RemoteId, Value};
use syncline_sandbox::core::faults::Fault;

use super::bench::{kinds, status};
use super::hubspot_support::{HubSpot, UPSERT, create, fields, text};

fn ids(records: &[syncline_model::Record]) -> Vec<RemoteId> {
    records.iter().map(|record| record.id.clone()).collect()
}

#[tokio::test]
async fn changes_are_found_behind_an_index_that_lags() {
    let hubspot = HubSpot::start().await;
    let ann = hubspot.make(&json!({"lastname": "Ann", "company": "Old"}));
    hubspot.advance(600);
    let all = hubspot.pull(None).await;
    assert!(all.complete);
    hubspot.knobs(&json!({"index_lag_ms": 60_000}));
    hubspot.advance(10);
    hubspot.change(&ann, &json!({"company": "New"}));
    let bob = hubspot.make(&json!({"lastname": "Bob"}));
    hubspot.advance(10);
    let early = hubspot.pull(Some(&all.cursor)).await;
    assert_eq!(early.present, [], "the index does not have them yet");
    hubspot.advance(55);
    let late = hubspot.pull(Some(&early.cursor)).await;
    assert_eq!(ids(&late.present), [ann.clone(), bob]);
    assert_eq!(text(&late.present[0], "company"), "New");
    // The index knows Ann as she was before the next edit; what is read is as she is.
    hubspot.change(&ann, &json!({"company": "Newer"}));
    let again = hubspot.pull(Some(&late.cursor)).await;
    assert_eq!(text(&again.present[0], "company"), "Newer");
}

#[tokio::test]
async fn more_changes_than_a_search_reaches() {
    let hubspot = HubSpot::start().await;
    let start = hubspot.pull(None).await;
    hubspot.advance(600);
    for number in 0..10_050 {
        hubspot.make(&json!({"lastname": format!("P{number}")}));
    }
    hubspot.advance(600);
    let news = hubspot.pull(Some(&start.cursor)).await;
    let mut found = ids(&news.present);
    assert_eq!(found.len(), 10_050);
    found.sort();
    found.dedup();
    assert_eq!(found.len(), 10_050, "each once");
}

#[tokio::test]
async fn archived_contacts_are_gone_until_they_are_restored() {
    let hubspot = HubSpot::start().await;
    let ann = hubspot.make(&json!({"lastname": "Ann"}));
    hubspot.advance(600);
    let all = hubspot.pull(None).await;
    hubspot.archive(&ann);
    hubspot.advance(600);
    let news = hubspot.pull(Some(&all.cursor)).await;
    assert_eq!(
        (ids(&news.present), news.gone),
        (vec![], vec![ann.to_string()])
    );
    let back = hubspot
        .admin()
        .restore_contact(&hubspot.account, ann.as_str());
    back.expect("restored");
    let news = hubspot.pull(Some(&news.cursor)).await;
    assert_eq!((ids(&news.present), news.gone), (vec![ann], vec![]));
}

#[tokio::test]
async fn a_listing_that_was_cut_off_is_not_complete() {
    let hubspot = HubSpot::start().await;
    for number in 0..6 {
        hubspot.make(&json!({"lastname": format!("P{number}")}));
    }
    hubspot.fault("GET /crm/v3/objects/contacts", Fault::TruncateListing);
    let cut = hubspot.pull(None).await;
    assert_eq!((cut.present.len(), cut.complete), (3, false));
    assert!(hubspot.pull(None).await.complete);
}

#[tokio::test]
async fn a_read_that_was_cut_off_makes_nobody_look_deleted() {
    let hubspot = HubSpot::start().await;
    let ann = hubspot.make(&json!({"lastname": "Ann"}));
    let gone = hubspot.make(&json!({"lastname": "Gone"}));
    hubspot.archive(&gone);
    let read = "POST /crm/v3/objects/contacts/batch/read";
    hubspot.fault(read, Fault::TruncateListing);
    let asked = [ann.clone(), gone, RemoteId::new("no number")];
    let found = hubspot.connector.get(&hubspot.session, &asked, &[]).await;
    let found = found.expect("an answer").into_iter();
    let found: Vec<_> = found.map(|one| one.map(|record| record.id)).collect();
    assert_eq!(found, [Some(ann), None, None]);
}

#[tokio::test]
async fn a_taken_address_names_who_has_it() {
    let hubspot = HubSpot::start().await;
    let ann = hubspot.make(&json!({"email": "ann@x.example"}));
    let items = [
        create(1, &[("lastname", "Bob"), ("email", "bob@x.example")]),
        create(2, &[("lastname", "Ann"), ("email", "Ann@X.example")]),
        create(3, &[("nobody", "has this")]),
    ];
    let made = hubspot
        .connector
        .create(&hubspot.session, "all", &items)
        .await;
    let refused = Some(Kind::Rejected);
    assert_eq!(kinds(&made), [None, refused.clone(), refused]);
    let error = made[1].as_ref().expect_err("a conflict");
    assert_eq!(error.existing, Some(ann));
    assert!(!error.message.contains("x.example"), "{error}");
    let bob = &made[0].as_ref().expect("Bob").id;
    assert_eq!(hubspot.native(bob)["email"], json!("bob@x.example"));
    assert_eq!(hubspot.live(), 2);
}

#[tokio::test]
async fn a_repeated_creation_makes_nobody_twice() {
    let hubspot = HubSpot::start().await;
    let items = [
        create(1, &[("lastname", "Ann")]),
        create(2, &[("lastname", "Ann")]),
    ];
    let first = hubspot
        .connector
        .create(&hubspot.session, "all", &items[..1])
        .await;
    assert_eq!(kinds(&first), [None]);
    hubspot.fault(UPSERT, Fault::LostAnswer { status: None });
    let lost = hubspot
        .connector
        .create(&hubspot.session, "all", &items)
        .await;
    assert!(
        lost.iter()
            .all(|one| one.as_ref().is_err_and(|error| error.maybe_applied))
    );
    let again = hubspot
        .connector
        .create(&hubspot.session, "all", &items)
        .await;
    assert_eq!((kinds(&again), hubspot.live()), (vec![None, None], 2));
    let find = hubspot
        .connector
        .find_created(&hubspot.session, "all", &items, &[])
        .await;
    let found: Vec<_> = find.expect("an answer").into_iter().flatten().collect();
    let made: Vec<_> = again.into_iter().map(|one| one.expect("made").id).collect();
    assert_eq!(ids(&found), made);
}

#[tokio::test]
async fn a_merged_contact_says_what_it_was_before() {
    let hubspot = HubSpot::start().await;
    let ann = hubspot.make(&json!({"email": "ann@x.example"}));
    let twin = hubspot.make(&json!({"email": "ann@home.example"}));
    hubspot.advance(600);
    let all = hubspot.pull(None).await;
    hubspot.advance(600);
    hubspot.action(
        "merge",
        &json!({"primaryObjectId": ann.as_str(), "objectIdToMerge": twin.as_str()}),
    );
    let news = hubspot.pull(Some(&all.cursor)).await;
    assert_eq!(
        (ids(&news.present), news.former),
        (vec![ann.clone()], vec![twin.clone()])
    );
    let found = hubspot.connector.get(&hubspot.session, &[twin], &[]).await;
    assert_eq!(found.expect("an answer"), [None]);
}

#[tokio::test]
async fn an_opt_out_is_read_and_never_written() {
    let hubspot = HubSpot::start().await;
    let ann = hubspot.make(&json!({"lastname": "Ann"}));
    hubspot.action("opt-out", &json!({"id": ann.as_str()}));
    let all = hubspot.pull(None).await;
    let name = FieldName::new("hs_email_optout");
    assert_eq!(all.present[0].value(&name), &Value::Bool(true));
    let described = hubspot
        .connector
        .fields(&hubspot.session)
        .await
        .expect("fields");
    let field = described
        .iter()
        .find(|field| field.name == name)
        .expect("the field");
    assert_eq!(
        (field.kind, field.writable),
        (syncline_model::Kind::OptOut, false)
    );
}

#[tokio::test]
async fn waits_that_hubspot_asks_for_are_named() {
    let hubspot = HubSpot::start().await;
    let ann = hubspot.make(&json!({"lastname": "Ann"}));
    let item = Update {
        id: ann,
        version: None,
        changes: fields(&[("city", "Bergen")]),
    };
    for code in [423, 477, 429] {
        hubspot.fault("POST /crm/v3/objects/contacts/batch/update", status(code));
        let done = hubspot
            .connector
            .update(&hubspot.session, std::slice::from_ref(&item))
            .await;
        let kind = kinds(&done).remove(0);
        assert!(
            matches!(kind, Some(Kind::RateLimited { .. })),
            "{code}: {kind:?}"
        );
    }
    hubspot.knobs(&json!({"searches_per_second": 0}));
    let begun = hubspot.pull_error().await;
    assert!(matches!(begun, Kind::RateLimited { .. }), "{begun:?}");
}
