//! Writing contacts at the Zoho imitation: outcomes, statuses, preconditions, deletions, workflow.

use reqwest::Method;
use serde_json::{Value, json};

use crate::zoho_support::{ALL_SCOPES, Zoho, codes, ids, read};

#[tokio::test]
async fn outcomes_come_in_request_order_with_their_status() {
    let zoho = Zoho::start().await;
    let good = json!({"Last_Name": "Boyle"});
    let bad = json!({"Last_Name": "Boyle", "Email": "nowhere"});
    let check = async |items: Value, status: u16, expect: &[&str]| {
        let answer = zoho.post("Contacts", json!({"data": items})).await;
        assert_eq!((answer.0, codes(&answer)), (status, expect.to_vec()));
    };
    check(json!([good, good]), 201, &["SUCCESS", "SUCCESS"]).await;
    check(
        json!([bad, good, {}]),
        207,
        &["INVALID_DATA", "SUCCESS", "MANDATORY_NOT_FOUND"],
    )
    .await;
    check(json!([bad]), 400, &["INVALID_DATA"]).await;
    let answer = zoho
        .post("Contacts", json!({"data": vec![good.clone(); 101]}))
        .await;
    assert_eq!(
        (answer.0, &answer.1["code"]),
        (400, &json!("LIMIT_EXCEEDED"))
    );
    assert_eq!(
        zoho.post("Contacts", json!({})).await.1["code"],
        "MANDATORY_NOT_FOUND"
    );
    assert_eq!(
        zoho.put("Contacts", json!({"data": [good]})).await.1["data"][0]["code"],
        "MANDATORY_NOT_FOUND"
    );
}

#[tokio::test]
async fn leads_and_accounts_are_modules_of_their_own() {
    let zoho = Zoho::start().await;
    let ann = json!({"Last_Name": "Boyle", "Email": "ann@x.example"});
    let lead = zoho.action("add_lead", ann.clone());
    let contact = zoho.add(ann).await;
    let company = zoho.action("add_company", json!({"name": "Acme"}));
    let (status, body) = zoho.get("Leads?fields=Email").await;
    assert_eq!(status, 200);
    let row = json!({"id": lead["id"], "Email": "ann@x.example"});
    assert_eq!(body["data"], json!([row]), "{body}");
    assert_eq!(body["info"]["more_records"], false);
    let path = format!("Leads/{}", lead["id"].as_str().unwrap());
    let (_, body) = zoho.get(&path).await;
    assert_eq!(body["data"][0]["Last_Name"], "Boyle");
    assert_eq!(zoho.get(&format!("Leads/{contact}")).await.0, 204);
    let (_, body) = zoho.get("Accounts?fields=Account_Name").await;
    let row = json!({"id": company["id"], "Account_Name": "Acme"});
    assert_eq!(body["data"], json!([row]), "{body}");
    assert_eq!(zoho.get("Leads").await.1["code"], "REQUIRED_PARAM_MISSING");
    let (_, body) = zoho.get("Contacts?fields=Email").await;
    assert_eq!(body["data"].as_array().map(Vec::len), Some(1), "{body}");
    zoho.log_in(&["ZohoCRM.modules.contacts.ALL"]);
    for module in ["Leads", "Accounts"] {
        let answer = zoho.get(&format!("{module}?fields=id")).await;
        assert_eq!(answer.1["code"], "OAUTH_SCOPE_MISMATCH", "{module}");
    }
}

#[tokio::test]
async fn a_record_reads_back_in_the_users_time_zone() {
    let zoho = Zoho::start().await;
    let id = zoho
        .add(json!({"Last_Name": "Müller", "First_Name": "Jörg", "Lead_Source": "-None-"}))
        .await;
    let (status, body) = zoho.get(&format!("Contacts/{id}")).await;
    let record = &body["data"][0];
    assert_eq!(status, 200);
    assert_eq!(record["Full_Name"], "Jörg Müller");
    assert_eq!(record["Lead_Source"], Value::Null);
    assert_eq!(record["Email_Opt_Out"], false);
    assert_eq!(record["Created_Time"], "2026-03-01T05:30:00+05:30");
    assert_eq!(record["Owner"]["email"], "kim@zylker.example");
    assert_eq!(id.len(), 19);
    assert_eq!(
        zoho.get("Contacts/4150868000000999999").await,
        (204, Value::Null)
    );
    let since = "2026-03-01T00:00:00Z";
    assert_eq!(
        zoho.get_since(&format!("Contacts/{id}"), since).await,
        (304, Value::Null)
    );
}

#[tokio::test]
async fn updates_bump_the_time_and_respect_the_precondition() {
    let zoho = Zoho::start().await;
    let id = zoho.add(json!({"Last_Name": "Boyle"})).await;
    zoho.advance(10);
    let put = async |since: &str| {
        let request = zoho
            .request(Method::PUT, &format!("Contacts/{id}"))
            .header("If-Unmodified-Since", since);
        read(request.body(json!({"data": [{"Title": "CEO"}]}).to_string())).await
    };
    let first = put("2026-03-01T00:00:00Z").await;
    assert_eq!((first.0, codes(&first)), (200, vec!["SUCCESS"]));
    assert_eq!(
        first.1["data"][0]["details"]["Modified_Time"],
        "2026-03-01T05:30:10+05:30"
    );
    let second = put("2026-03-01T00:00:09Z").await;
    assert_eq!((second.0, codes(&second)), (412, vec!["ALREADY_MODIFIED"]));
    assert_eq!(put("2026-03-01T05:30:10+05:30").await.0, 200);
    let unknown = zoho
        .put("Contacts/4150868000000999999", json!({"data": [{}]}))
        .await;
    assert_eq!((unknown.0, codes(&unknown)), (400, vec!["INVALID_DATA"]));
}

#[tokio::test]
async fn upserts_find_by_email_and_unique_fields() {
    let zoho = Zoho::start().await;
    let id = zoho
        .add(json!({"Last_Name": "Boyle", "Email": "p@zylker.example"}))
        .await;
    zoho.action(
        "add_field",
        json!({"api_name": "Sync_Key", "data_type": "text", "unique": true}),
    );
    let check = async |item: Value, action: &str, field: Value| {
        let body = json!({"data": [item], "duplicate_check_fields": ["Email"]});
        let (status, body) = zoho.post("Contacts/upsert", body).await;
        let outcome = &body["data"][0];
        assert_eq!(
            (status, &outcome["action"], &outcome["duplicate_field"]),
            (200, &json!(action), &field),
            "{body}"
        );
        outcome["details"]["id"].as_str().unwrap().to_owned()
    };
    let found = check(
        json!({"Last_Name": "B", "Email": "P@zylker.example"}),
        "update",
        json!("Email"),
    )
    .await;
    assert_eq!(found, id);
    let new = check(
        json!({"Last_Name": "C", "Sync_Key": "k1"}),
        "insert",
        Value::Null,
    )
    .await;
    let again = check(
        json!({"Last_Name": "D", "Sync_Key": "K1"}),
        "update",
        json!("Sync_Key"),
    )
    .await;
    assert_eq!(new, again);
    let twin = zoho
        .post(
            "Contacts",
            json!({"data": [{"Last_Name": "E", "Sync_Key": "k1"}]}),
        )
        .await;
    assert_eq!(codes(&twin), ["DUPLICATE_DATA"]);
    assert_eq!(
        twin.1["data"][0]["details"]["duplicate_record"]["id"],
        json!(new)
    );
}

#[tokio::test]
async fn deletions_leave_tombstones_until_restored() {
    let zoho = Zoho::start().await;
    let (a, b) = (
        zoho.add(json!({"Last_Name": "A"})).await,
        zoho.add(json!({"Last_Name": "B"})).await,
    );
    assert_eq!(zoho.get("Contacts/deleted?type=all").await.0, 204);
    zoho.advance(5);
    let gone = zoho
        .delete(&format!("Contacts?ids={a},77&wf_trigger=False"))
        .await;
    assert_eq!(
        (gone.0, codes(&gone)),
        (207, vec!["SUCCESS", "INVALID_DATA"])
    );
    zoho.advance(5);
    zoho.admin().delete_contact(&zoho.account, &b).unwrap();
    let deleted = zoho.get("Contacts/deleted?type=all").await;
    assert_eq!(ids(&deleted), [b.clone(), a.clone()]);
    assert_eq!(deleted.1["data"][0]["deleted_by"]["name"], "Patricia Boyle");
    assert_eq!(
        ids(&zoho
            .get_since("Contacts/deleted?type=all", "2026-03-01T00:00:05Z")
            .await),
        std::slice::from_ref(&b)
    );
    assert_eq!(
        zoho.get_since("Contacts/deleted?type=all", "2026-03-01T00:00:10Z")
            .await
            .0,
        304
    );
    assert_eq!(
        zoho.get("Contacts/deleted?type=some").await.1["data"][0]["code"],
        "PATTERN_NOT_MATCHED"
    );
    zoho.admin().restore_contact(&zoho.account, &b).unwrap();
    assert_eq!(
        ids(&zoho
            .get_since("Contacts?fields=id", "2026-03-01T00:00:09Z")
            .await),
        [b]
    );
    zoho.advance(60 * 24 * 3600);
    zoho.log_in(ALL_SCOPES);
    let deleted = zoho.get("Contacts/deleted?type=permanent").await;
    assert_eq!(ids(&deleted), [a]);
    assert_eq!(deleted.1["data"][0]["display_name"], Value::Null);
}

#[tokio::test]
async fn merged_losers_appear_deleted() {
    let zoho = Zoho::start().await;
    let winner = zoho.add(json!({"Last_Name": "A"})).await;
    let loser = zoho
        .add(json!({"Last_Name": "A", "Phone": "+49 221 5"}))
        .await;
    zoho.action("merge", json!({"winner": winner, "loser": loser}));
    assert_eq!(
        zoho.get(&format!("Contacts/{winner}")).await.1["data"][0]["Phone"],
        "+49 221 5"
    );
    assert_eq!(zoho.get(&format!("Contacts/{loser}")).await.0, 204);
    assert_eq!(ids(&zoho.get("Contacts/deleted?type=all").await), [loser]);
}

#[tokio::test]
async fn a_workflow_touches_what_the_api_wrote() {
    let zoho = Zoho::start().await;
    zoho.knobs(json!({"workflow": {"reformat_phones": true, "set": {"Department": "Sales"}, "delay_ms": 3000}}));
    let id = zoho
        .add(json!({"Last_Name": "A", "Phone": "555 123 4567"}))
        .await;
    let quiet = zoho
        .post(
            "Contacts",
            json!({"data": [{"Last_Name": "B", "Phone": "555 123 4567"}], "trigger": []}),
        )
        .await;
    assert_eq!(
        zoho.get(&format!("Contacts/{id}")).await.1["data"][0]["Phone"],
        "555 123 4567"
    );
    zoho.advance(4);
    let record = zoho.get(&format!("Contacts/{id}")).await.1["data"][0].clone();
    assert_eq!(
        (&record["Phone"], &record["Department"]),
        (&json!("(555) 123-4567"), &json!("Sales"))
    );
    assert_eq!(record["Modified_Time"], "2026-03-01T05:30:03+05:30");
    let quiet = quiet.1["data"][0]["details"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(
        zoho.get(&format!("Contacts/{quiet}")).await.1["data"][0]["Phone"],
        "555 123 4567"
    );
}

#[tokio::test]
async fn locked_records_refuse_writes() {
    let zoho = Zoho::start().await;
    let id = zoho.add(json!({"Last_Name": "A"})).await;
    zoho.action("lock", json!({"id": id, "locked": true}));
    let put = zoho
        .put(&format!("Contacts/{id}"), json!({"data": [{"Title": "x"}]}))
        .await;
    assert_eq!((put.0, codes(&put)), (400, vec!["RECORD_LOCKED"]));
    assert_eq!(
        codes(&zoho.delete(&format!("Contacts/{id}")).await),
        ["RECORD_LOCKED"]
    );
}
