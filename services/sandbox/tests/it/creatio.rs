//! Creatio's OData service on the wire: what it takes, what it refuses, and what it does by itself.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use syncline_sandbox::core::clock::Move;
use syncline_sandbox::core::provider::NewAccount;
use syncline_sandbox::{RunningSandbox, Sandbox, SandboxConfig};

const EMAIL: &str = "ee1c85c3-cfcb-df11-9b2a-001d60e938c6";
const PRIVATE: &str = "8d7f6d6c-4ca5-4b43-bdd9-a5e01a582260";

struct Site {
    sandbox: RunningSandbox,
    http: reqwest::Client,
    account: String,
    token: String,
}

impl Site {
    async fn start() -> Self {
        // Another test of this process may have installed it already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let sandbox = Sandbox::start(SandboxConfig::default()).await.unwrap();
        sandbox.state().core.clock.shift(&Move {
            set: Some("2026-03-01T10:00:00Z".parse().unwrap()),
            frozen: Some(true),
            ..Move::default()
        });
        let new = NewAccount {
            email: "ada@site.example".into(),
            ..NewAccount::default()
        };
        let creatio = sandbox.state().provider("creatio").unwrap();
        let account = creatio.create_account(&new).unwrap().id;
        let mut site = Self {
            sandbox,
            http: reqwest::Client::builder().build().unwrap(),
            account,
            token: String::new(),
        };
        let (status, answer) = site.token("sandbox-creatio-secret").await;
        assert_eq!(status, 200, "{answer}");
        answer["access_token"]
            .as_str()
            .unwrap()
            .clone_into(&mut site.token);
        site
    }

    fn url(&self, path: &str) -> String {
        format!("{}/creatio/{}{path}", self.sandbox.base_url(), self.account)
    }

    async fn token(&self, secret: &str) -> (StatusCode, Value) {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", "sandbox-creatio"),
            ("client_secret", secret),
        ];
        let call = self.http.post(self.url("/connect/token")).form(&form);
        let answer = call.send().await.unwrap();
        (answer.status(), answer.json().await.unwrap())
    }

    async fn call(&self, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
        let url = self.url(&format!("/0/odata/{path}"));
        let call = self.http.request(method, url).bearer_auth(&self.token);
        let answer = call.json(&body).send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    async fn get(&self, path: &str) -> Value {
        let (status, body) = self.call(Method::GET, path, Value::Null).await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    async fn add(&self, entity: &str, row: Value) -> String {
        let (status, made) = self.call(Method::POST, entity, row).await;
        assert_eq!(status, 201, "{made}");
        made["Id"].as_str().unwrap().to_owned()
    }

    fn knobs(&self, knobs: &Value) {
        let creatio = self.sandbox.state().provider("creatio").unwrap();
        creatio.set_knobs(&self.account, knobs).unwrap();
    }
}

#[tokio::test]
async fn tokens_are_for_one_site_and_one_client() {
    let site = Site::start().await;
    let (status, answer) = site.token("wrong").await;
    assert_eq!(
        (status.as_u16(), &answer["error"]),
        (400, &json!("invalid_client"))
    );
    let creatio = site.sandbox.state().provider("creatio").unwrap();
    let new = NewAccount {
        email: "bob@site.example".into(),
        ..NewAccount::default()
    };
    let other = creatio.create_account(&new).unwrap().id;
    let url = format!(
        "{}/creatio/{other}/0/odata/Contact",
        site.sandbox.base_url()
    );
    let answer = site
        .http
        .get(url)
        .bearer_auth(&site.token)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 401);
}

#[tokio::test]
async fn a_cookie_needs_its_csrf_token() {
    let site = Site::start().await;
    let login = async |password: &str| {
        let url = site.url("/ServiceModel/AuthService.svc/Login");
        let body = json!({"UserName": "ada@site.example", "UserPassword": password});
        site.http.post(url).json(&body).send().await.unwrap()
    };
    let refused = login("wrong").await.text().await.unwrap();
    assert!(refused.contains("\"Code\":1"), "{refused}");
    let let_in = login("sandbox-creatio-password").await;
    let cookies = let_in.headers().get_all("set-cookie").iter();
    let cookies: Vec<String> = cookies
        .map(|one| one.to_str().unwrap().split(';').next().unwrap().to_owned())
        .collect();
    let csrf = cookies
        .iter()
        .find_map(|one| one.strip_prefix("BPMCSRF="))
        .unwrap();
    for (token, want) in [("wrong", 403), (csrf, 200)] {
        let call = site.http.get(site.url("/0/odata/Contact?$top=1"));
        let call = call
            .header("cookie", cookies.join("; "))
            .header("BPMCSRF", token);
        assert_eq!(call.send().await.unwrap().status().as_u16(), want);
    }
}

#[tokio::test]
async fn nothing_is_empty_and_never_null() {
    let site = Site::start().await;
    let id = site
        .add("Contact", json!({"GivenName": "Ann", "Surname": "Lee"}))
        .await;
    let ann = site.get(&format!("Contact({id})")).await;
    assert_eq!(ann["Name"], "Ann Lee");
    assert_eq!(ann["Email"], "");
    assert_eq!(ann["AccountId"], "00000000-0000-0000-0000-000000000000");
    assert_eq!(ann["BirthDate"], "0001-01-01T00:00:00Z");
    let renamed = json!({"Name": "Bo van Dyk"});
    site.call(Method::PATCH, &format!("Contact({id})"), renamed)
        .await;
    let bo = site.get(&format!("Contact/{id}")).await;
    assert_eq!(
        [&bo["GivenName"], &bo["MiddleName"], &bo["Surname"]],
        ["Bo", "van", "Dyk"]
    );
}

#[tokio::test]
async fn filters_name_lookups_by_path() {
    let site = Site::start().await;
    let ann = site.add("Contact", json!({"Name": "Ann"})).await;
    let row = json!({"ContactId": ann, "CommunicationTypeId": EMAIL, "Number": "ann@x.example"});
    site.add("ContactCommunication", row).await;
    let flat = format!("ContactCommunication?$filter=ContactId eq {ann}");
    let (status, body) = site.call(Method::GET, &flat, Value::Null).await;
    assert_eq!(status, 400, "{body}");
    let quoted = format!("ContactCommunication?$filter=Contact/Id eq '{ann}'");
    assert_eq!(site.call(Method::GET, &quoted, Value::Null).await.0, 400);
    for filter in [
        format!("Contact/Id eq {ann}"),
        format!("Contact/Id eq {ann} and (Number eq 'ann@x.example' or Primary eq false)"),
        "contains(Number,'ANN') and not startswith(Number,'x')".to_owned(),
        "ModifiedOn ge 2026-03-01T10:00:00Z and Contact/Name eq 'Ann'".to_owned(),
    ] {
        let found = site
            .get(&format!(
                "ContactCommunication?$filter={filter}&$count=true"
            ))
            .await;
        assert_eq!(found["@odata.count"], 1, "{filter}");
    }
    let expand = "ContactCommunicationCollectionByContact($select=Number;$expand=CommunicationType($select=Name))";
    let found = site
        .get(&format!("Contact({ann})?$select=Id&$expand={expand}"))
        .await;
    let row = &found["ContactCommunicationCollectionByContact"][0];
    assert_eq!(
        (&row["Number"], &row["CommunicationType"]["Name"]),
        (&json!("ann@x.example"), &json!("Email"))
    );
}

#[tokio::test]
async fn primary_rows_and_columns_follow_each_other() {
    let site = Site::start().await;
    let ann = site
        .add("Contact", json!({"Name": "Ann", "Email": "a@x.example"}))
        .await;
    let more = json!({"ContactId": ann, "CommunicationTypeId": EMAIL, "Number": "b@x.example"});
    let second = site.add("ContactCommunication", more).await;
    let of_ann = format!("ContactCommunication?$filter=Contact/Id eq {ann}&$orderby=Primary desc");
    let rows = site.get(&of_ann).await;
    assert_eq!(rows["value"][0]["Number"], "a@x.example");
    assert_eq!(rows["value"][1]["Primary"], false);
    let first = rows["value"][0]["Id"].as_str().unwrap().to_owned();
    site.call(
        Method::DELETE,
        &format!("ContactCommunication({first})"),
        Value::Null,
    )
    .await;
    let now = site.get(&format!("Contact({ann})")).await;
    assert_eq!(now["Email"], "b@x.example");
    let change = json!({"Number": "c@x.example"});
    site.call(
        Method::PATCH,
        &format!("ContactCommunication({second})"),
        change,
    )
    .await;
    let now = site.get(&format!("Contact({ann})")).await;
    assert_eq!(now["Email"], "c@x.example");
    site.call(
        Method::PATCH,
        &format!("Contact({ann})"),
        json!({"Email": ""}),
    )
    .await;
    assert_eq!(site.get(&of_ann).await["value"], json!([]));
}

#[tokio::test]
async fn inserts_by_an_id_of_the_clients_are_done_once_even_where_they_fail() {
    let site = Site::start().await;
    let id = "11111111-2222-3333-4444-555555555555";
    site.knobs(&json!({"failing_inserts": 1}));
    let body = json!({"Id": id, "Name": "Ann"});
    let (status, answer) = site.call(Method::POST, "Contact", body.clone()).await;
    assert_eq!(status, 500, "{answer}");
    assert_eq!(site.get(&format!("Contact({id})")).await["Name"], "Ann");
    let (status, _) = site.call(Method::POST, "Contact", body).await;
    assert_eq!(status, 400);
    // Who is not there can be changed without a word.
    let nobody = "Contact(99999999-2222-3333-4444-555555555555)";
    assert_eq!(
        site.call(Method::PATCH, nobody, json!({"JobTitle": "x"}))
            .await
            .0,
        204
    );
    assert_eq!(site.call(Method::GET, nobody, Value::Null).await.0, 404);
    assert_eq!(site.call(Method::DELETE, nobody, Value::Null).await.0, 404);
}

#[tokio::test]
async fn answers_have_a_limit_and_collections_vanish_while_they_are_rebuilt() {
    let site = Site::start().await;
    site.knobs(&json!({"max_rows": 1}));
    assert_eq!(site.call(Method::GET, "Contact", Value::Null).await.0, 500);
    assert_eq!(
        site.call(Method::GET, "Contact?$top=1", Value::Null)
            .await
            .0,
        200
    );
    site.knobs(&json!({"rebuilding": true}));
    let (status, body) = site.call(Method::GET, "Contact?$top=1", Value::Null).await;
    assert_eq!(status, 404);
    assert!(
        body["MessageDetail"]
            .as_str()
            .unwrap()
            .contains("'Contact'"),
        "{body}"
    );
}

#[tokio::test]
async fn a_batch_goes_on_only_when_it_is_told_to() {
    let site = Site::start().await;
    let tag = site.add("ContactTag", json!({"Name": "Sales"})).await;
    assert_eq!(
        site.get(&format!("ContactTag({tag})")).await["TypeId"],
        PRIVATE
    );
    let requests = json!({"requests": [
        {"id": "1", "method": "POST", "url": "Contact", "body": {"Nobody": "x"}},
        {"id": "2", "method": "POST", "url": "Contact", "body": {"Name": "Ann"}},
    ]});
    let (status, stopped) = site.call(Method::POST, "$batch", requests.clone()).await;
    assert_eq!(
        (
            status.as_u16(),
            stopped["responses"].as_array().unwrap().len()
        ),
        (200, 1)
    );
    let call = site
        .http
        .post(site.url("/0/odata/$batch"))
        .bearer_auth(&site.token);
    let call = call.header("prefer", "continue-on-error").json(&requests);
    let all: Value = call.send().await.unwrap().json().await.unwrap();
    let statuses: Vec<u64> = all["responses"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["status"].as_u64().unwrap())
        .collect();
    assert_eq!(statuses, [400, 201]);
}

#[tokio::test]
async fn a_site_has_columns_of_its_own_and_its_metadata_tells_of_them() {
    let site = Site::start().await;
    let creatio = site.sandbox.state().provider("creatio").unwrap();
    let act = |name: &str, body: Value| creatio.action(&site.account, name, &body);
    let select = "Contact?$select=UsrScore,UsrTotal";
    let (status, _) = site.call(Method::GET, select, Value::Null).await;
    assert_eq!(status, 400);
    for body in [
        json!({"name": "UsrScore", "type": "number"}),
        json!({"name": "UsrTotal", "type": "number", "computed": true}),
    ] {
        act("column", body).unwrap();
    }
    assert!(act("column", json!({"name": "Usr<", "type": "text"})).is_err());
    let id = site
        .add("Contact", json!({"Name": "Ann", "UsrScore": 7.5}))
        .await;
    let ann = site.get(&format!("Contact({id})")).await;
    assert_eq!(
        (&ann["UsrScore"], &ann["UsrTotal"]),
        (&json!(7.5), &json!(0.0))
    );
    for wrong in [json!({"UsrTotal": 1}), json!({"UsrScore": "7"})] {
        let path = format!("Contact({id})");
        let (status, body) = site.call(Method::PATCH, &path, wrong).await;
        assert_eq!(status, 400, "{body}");
    }
    let url = site.url("/0/odata/$metadata");
    let answer = site.http.get(url).bearer_auth(&site.token).send().await;
    let text = answer.unwrap().text().await.unwrap();
    for told in [
        r#"<Property Name="UsrScore" Type="Edm.Decimal"/>"#,
        r#"<Property Name="UsrTotal" Type="Edm.Decimal"><Annotation"#,
        r#"<Property Name="OwnerId" Type="Edm.Guid"/><NavigationProperty Name="Owner""#,
    ] {
        assert!(text.contains(told), "{told}");
    }
    act("delete-column", json!({"name": "UsrScore"})).unwrap();
    let ann = site.get(&format!("Contact({id})")).await;
    assert_eq!(ann["UsrScore"], Value::Null);
}
