//! The Zoho imitation around the records: tokens, scopes, permissions, limits, tags, fields, users.

use reqwest::Method;
use serde_json::{Value, json};

use crate::zoho_support::{ALL_SCOPES, Zoho, codes, ids, read};

#[tokio::test]
async fn calls_need_a_token_with_the_scope() {
    let zoho = Zoho::with_scopes(&["ZohoCRM.modules.contacts.READ"]).await;
    assert_eq!(zoho.get("Contacts?fields=id").await.0, 204);
    let (status, body) = zoho
        .post("Contacts", json!({"data": [{"Last_Name": "A"}]}))
        .await;
    assert_eq!(
        (status, &body["code"]),
        (401, &json!("OAUTH_SCOPE_MISMATCH"))
    );
    let other = |value: &str| {
        zoho.request(Method::GET, "Contacts?fields=id")
            .headers(header(value))
    };
    assert_eq!(
        read(other("Zoho-oauthtoken 1000.nope")).await.1["code"],
        "INVALID_TOKEN"
    );
    assert_eq!(
        read(other("Basic abc")).await.1["code"],
        "AUTHENTICATION_FAILURE"
    );
    zoho.sandbox
        .state()
        .core
        .oauth
        .expire_access_tokens("zoho", &zoho.account);
    let (status, body) = zoho.get("Contacts?fields=id").await;
    assert_eq!((status, &body["code"]), (401, &json!("INVALID_TOKEN")));
}

fn header(value: &str) -> reqwest::header::HeaderMap {
    [(reqwest::header::AUTHORIZATION, value.parse().unwrap())]
        .into_iter()
        .collect()
}

#[tokio::test]
async fn permissions_of_the_profile_are_respected() {
    let zoho = Zoho::start().await;
    zoho.action(
        "set_permissions",
        json!({"Crm_Implied_Create_Contacts": false}),
    );
    let (status, body) = zoho
        .post("Contacts", json!({"data": [{"Last_Name": "A"}]}))
        .await;
    assert_eq!((status, &body["code"]), (403, &json!("NO_PERMISSION")));
    assert_eq!(
        body["details"]["permissions"],
        json!(["Crm_Implied_Create_Contacts"])
    );
    let me = zoho.get("users?type=CurrentUser").await.1["users"][0].clone();
    assert_eq!(
        (&me["email"], &me["offset"]),
        (&json!("kim@zylker.example"), &json!(19_800_000))
    );
    let profile = zoho
        .get(&format!(
            "settings/profiles/{}",
            me["profile"]["id"].as_str().unwrap()
        ))
        .await;
    let details = profile.1["profiles"][0]["permissions_details"]
        .as_array()
        .unwrap()
        .clone();
    let create = details
        .iter()
        .find(|item| item["name"] == "Crm_Implied_Create_Contacts")
        .unwrap();
    assert_eq!(create["enabled"], false);
    assert_eq!(
        zoho.get("org").await.1["org"][0]["license_details"]["paid_type"],
        "enterprise"
    );
    assert_eq!(
        zoho.get("users?type=ActiveUsers").await.1["info"]["count"],
        3
    );
}

#[tokio::test]
async fn credits_run_out_and_come_back() {
    let zoho = Zoho::start().await;
    zoho.knobs(json!({"daily_credits": 4}));
    let remaining = async || {
        let response = zoho
            .request(Method::GET, "Contacts?fields=id")
            .send()
            .await
            .unwrap();
        let left = response
            .headers()
            .get("X-API-CREDITS-REMAINING")
            .map(|value| value.to_str().unwrap().to_owned());
        (response.status().as_u16(), left)
    };
    assert_eq!(remaining().await, (204, None));
    assert_eq!(remaining().await, (204, Some("2".into())));
    assert_eq!(zoho.get("Contacts/deleted?type=all").await.0, 204);
    let response = zoho
        .request(Method::GET, "Contacts?fields=id")
        .send()
        .await
        .unwrap();
    assert_eq!(response.status().as_u16(), 429);
    assert!(response.headers().get("Retry-After").is_none());
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["code"], "TOO_MANY_REQUESTS");
    zoho.advance(24 * 3600 - 1);
    zoho.log_in(ALL_SCOPES);
    assert_eq!(remaining().await.0, 429);
    zoho.advance(1);
    assert_eq!(remaining().await, (204, None));
}

#[tokio::test]
async fn calls_at_the_same_time_are_limited() {
    let zoho = Zoho::start().await;
    zoho.knobs(json!({"concurrency": 1, "answer_delay_ms": 300}));
    let (a, b, c) = tokio::join!(zoho.get("org"), zoho.get("org"), zoho.get("org"));
    let mut statuses = [a.0, b.0, c.0];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 429, 429]);
}

#[tokio::test]
async fn tags_are_made_given_and_taken() {
    let zoho = Zoho::start().await;
    assert_eq!(
        zoho.get("settings/tags?module=Contacts").await,
        (204, Value::Null)
    );
    let (a, b) = (
        zoho.add(json!({"Last_Name": "A"})).await,
        zoho.add(json!({"Last_Name": "B"})).await,
    );
    let new = json!({"tags": [{"name": "Newsletter", "color_code": "#57B1FD"}, {"name": "a,b"}]});
    let (status, body) = zoho.post("settings/tags?module=Contacts", new).await;
    assert_eq!(
        (status, &body["tags"][1]["code"]),
        (207, &json!("INVALID_DATA"))
    );
    let tag = body["tags"][0]["details"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    zoho.advance(1);
    let added = zoho
        .post(
            &format!("Contacts/{a}/actions/add_tags"),
            json!({"tags": [{"name": "newsletter"}]}),
        )
        .await;
    assert_eq!(added.1["data"][0]["details"]["tags"][0]["id"], json!(tag));
    let many = json!({"tags": [{"name": "New"}], "ids": [a, b, "77"], "over_write": true});
    let many = zoho.post("Contacts/actions/add_tags", many).await;
    assert_eq!(
        (many.0, codes(&many)),
        (207, vec!["SUCCESS", "SUCCESS", "INVALID_DATA"])
    );
    assert_eq!(many.1["success_count"], "2");
    assert_eq!(
        zoho.get("settings/tags?module=Contacts").await.1["info"]["count"],
        2
    );
    assert_eq!(
        ids(&zoho
            .coql("select id from Contacts where Tag.name = 'New'")
            .await),
        [a.clone(), b.clone()]
    );
    zoho.post(
        &format!("Contacts/{a}/actions/remove_tags"),
        json!({"tags": [{"name": "New"}]}),
    )
    .await;
    let record = zoho
        .get(&format!("Contacts/{a}?fields=Tag,Modified_Time"))
        .await
        .1["data"][0]
        .clone();
    assert_eq!(record["Tag"], json!([]));
    assert_eq!(record["Modified_Time"], "2026-03-01T05:30:01+05:30");
    let renamed = zoho
        .put(
            &format!("settings/tags/{tag}?module=Contacts"),
            json!({"tags": [{"name": "News"}]}),
        )
        .await;
    assert_eq!(renamed.0, 200);
    assert_eq!(
        zoho.delete(&format!("settings/tags/{tag}?module=Contacts"))
            .await
            .0,
        200
    );
    assert_eq!(
        zoho.get("settings/tags?module=Contacts").await.1["tags"][0]["name"],
        "New"
    );
}

#[tokio::test]
async fn fields_come_change_and_go() {
    let zoho = Zoho::start().await;
    let kinds = [
        "text",
        "textarea",
        "email",
        "phone",
        "website",
        "picklist",
        "multiselectpicklist",
        "boolean",
        "integer",
        "bigint",
        "double",
        "currency",
        "percent",
        "date",
        "datetime",
        "userlookup",
        "autonumber",
        "formula",
    ];
    for kind in kinds {
        let name = format!("My_{kind}");
        zoho.action(
            "add_field",
            json!({"api_name": name, "data_type": kind, "options": ["One", "Two"]}),
        );
    }
    let fields = async || {
        zoho.get("settings/fields?module=Contacts").await.1["fields"]
            .as_array()
            .unwrap()
            .clone()
    };
    let find = |fields: &[Value], name: &str| {
        fields
            .iter()
            .find(|field| field["api_name"] == name)
            .cloned()
    };
    let all = fields().await;
    for kind in kinds {
        assert_eq!(
            find(&all, &format!("My_{kind}")).unwrap()["data_type"],
            *kind
        );
    }
    let item = json!({
        "Last_Name": "A", "My_integer": 7, "My_bigint": "9007199254740993", "My_double": 1.5, "My_boolean": true,
        "My_date": "1980-02-29", "My_datetime": "2026-03-01T00:00:00Z", "My_multiselectpicklist": ["One", "Two"]
    });
    let id = zoho.add(item).await;
    let record = zoho.get(&format!("Contacts/{id}")).await.1["data"][0].clone();
    assert_eq!(record["My_bigint"], "9007199254740993");
    assert_eq!(record["My_datetime"], "2026-03-01T05:30:00+05:30");
    assert_eq!(record["My_multiselectpicklist"], json!(["One", "Two"]));
    assert_eq!(record["My_autonumber"], "C-1");
    zoho.action(
        "change_field",
        json!({"api_name": "My_text", "label": "Renamed", "permission": "read_only"}),
    );
    zoho.action(
        "change_field",
        json!({"api_name": "My_phone", "permission": "hidden"}),
    );
    zoho.action("remove_field", json!({"api_name": "My_email"}));
    let all = fields().await;
    let text = find(&all, "My_text").unwrap();
    assert_eq!(
        (&text["field_label"], &text["operation_type"]["api_update"]),
        (&json!("Renamed"), &json!(false))
    );
    assert_eq!(
        (find(&all, "My_phone"), find(&all, "My_email")),
        (None, None)
    );
    zoho.put(
        &format!("Contacts/{id}"),
        json!({"data": [{"My_text": "ignored"}]}),
    )
    .await;
    assert_eq!(
        zoho.get(&format!("Contacts/{id}")).await.1["data"][0]["My_text"],
        Value::Null
    );
    let code = async |path: &str| zoho.get(path).await.1["code"].clone();
    assert_eq!(
        code("settings/fields?module=Accounts").await,
        "INVALID_MODULE"
    );
    assert_eq!(code("settings/fields").await, "REQUIRED_PARAM_MISSING");
    assert_eq!(code("Deals?fields=id").await, "INVALID_MODULE");
}
